-- What a script's table must be, what a script sees, whose line a mistake is on,
-- and the values that a script gives for common options.

local lu = require "luaunit"
local author = require "kedge.author"
local environment = require "kedge.environment"
local loader = require "kedge.loader"
local options = require "kedge.options"
local places = require "kedge.places"
local shape = require "kedge.shape"

-- The text as a script's chunk would be run: what it returns, or nil and the message.
local function run(text, extra, may_assign)
  local env = environment.new(nil, function() return nil, "no modules here", "missing" end, extra, may_assign)
  local chunk = assert(loader.code(text, "mine.lua", env))
  local done, value = pcall(chunk)
  if done then return value end
  return nil, value
end

TestEnvironment = {}

-- code, what it gives
local GOOD = {
  { "return type(io.open) == 'function' and type(os.getenv) == 'function' and os.time() > 0", true },
  { "return _G.string == string and _G._G == _G and _ENV == _G", true },
  { "local t = {} for k in pairs(string) do t[#t + 1] = k end return #t > 10", true },
  { "return ('%d'):format(3) .. ('x'):rep(2)", "3xx" }, { "return load('return 1 + 1')()", 2 },
  { "local f = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return f(1) + f(10)", 22 },
  { "local n = 0 for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do n = n + i end return n", 6 },
  { "return select('#', coroutine.resume(coroutine.create(function() return 1, nil, nil end)))", 4 },
  { "local ok, e = pcall(coroutine.wrap(function() error('no luck') end)) return (not ok) and e", "mine.lua:1: no luck" },
  { "return (select(2, coroutine.resume(coroutine.running())))", "cannot resume a coroutine that kedge started: "
    .. "it goes on by itself when what it waits for is there" },
  { "local ok, e = pcall(coroutine.close, coroutine.running()) return (not ok) and e:find('cannot close', 1, true) and 1", 1 },
  { "local c c = coroutine.create(function() return coroutine.resume(c) end) return (select(3, coroutine.resume(c)))",
    "cannot resume non-suspended coroutine" },
  { "local c = coroutine.create(error) coroutine.resume(c, 1) return (select(2, coroutine.resume(c)))", "cannot resume dead coroutine" },
  { "return require('kedge.nearest').word('speling', { 'spelling' })", "spelling" },
  { "return rawget(_G, 'nothing') == nil", true },
}

function TestEnvironment.test_what_is_there()
  for _, case in ipairs(GOOD) do
    local value, message = run(case[1])
    lu.assertEquals(value, case[2], case[1] .. ": " .. tostring(message))
  end
end

-- code, words of the message
local BAD = {
  { "local number = 1 return nubmer", "mine.lua:1: there is no variable 'nubmer'; did you mean 'number'?" },
  { "local up = 1 return (function() return upp and up end)()", "did you mean 'up'?" },
  { "return tosrting(1)", "did you mean 'tostring'?" }, { "x = 1", "write local x" }, { "function f() end", "write local function f(...)" },
  { "return kedge", "write local kedge = require" }, { "return arg[1]", "ctx.args" }, { "return dofile('x')", "require" },
  { "return string.fromat", "string has no 'fromat'; did you mean 'format'?" }, { "return table.uppack", "did you mean 'unpack'?" },
  { "return debug.getregistry", "debug has no 'getregistry'" }, { "return package.path", "require knows" },
  { "os.exit()", "return a status from run" }, { "os.execute('x')", "kedge.run" }, { "io.popen('x')", "kedge.run" },
  { "load(string.dump(function() end))()", "nil" }, { "require 'nothing'", "there is no module 'nothing'" },
  { "require 'kedge.nothing'", "kedge has no module 'kedge.nothing'" }, { "require(5)", "not a number" }, { "require '../x'", "no module" },
  { "coroutine.resume(5)", "coroutine expected" },
}

function TestEnvironment.test_what_is_not()
  for _, case in ipairs(BAD) do
    local value, message = run(case[1])
    lu.assertNil(value, case[1])
    lu.assertStrContains(message, case[2])
    lu.assertStrContains(message, "mine.lua:1: ", false, case[1])
  end
end

function TestEnvironment.test_variables_where_they_may_be_made()
  lu.assertEquals(run("x = 1 x = x + 1 return x", nil, true), 2)
  lu.assertEquals(run("return given", { given = 5 }), 5)
  lu.assertStrContains(select(2, run("return y", nil, true)), "there is no variable 'y'")
end

TestText = {}

-- text, words of the message (nil: it is good)
local TEXTS = {
  { "return 1" }, { "#!/usr/bin/kedge\nreturn 1" }, { "\xEF\xBB\xBFreturn 1" }, { "\xEF\xBB\xBF# x\nreturn 1" }, { "" },
  { "\27Lua", "mine.lua is bytecode" }, { "return '\0'", "mine.lua is not Lua" }, { "#!x\nreturn +", "mine.lua:2: " },
  { "x x", "mine.lua:1: " },
}

function TestText.test_what_is_lua()
  for _, case in ipairs(TEXTS) do
    local chunk, message = loader.code(case[1], "mine.lua", {})
    lu.assertEquals(chunk ~= nil, case[2] == nil, case[1])
    if case[2] then lu.assertStrContains(message, case[2]) end
  end
end

TestShape = {}

function TestShape.test_the_line_of_a_field()
  local text = "local run = 1\nlocal t = {\n  rnu = run,\n}\nreturn {\n  summary = 1,\n  ['run'] = 2,\n}\n"
  for _, case in ipairs {
    { { rnu = 1 }, "x.lua:3: the field 'rnu' is unknown; did you mean 'run'?" },
    { { summary = 1, run = print }, "x.lua:6: the field 'summary' is a number, not a string" },
    { { summary = "x" }, "x.lua:5: the field 'run' (a function) is missing" },
    { { 1 }, "x.lua:5: the field '1' is unknown; there are description" },
    { { summary = "x", run = print, examples = { "x" } }, "number 1 is not { command line, what it does }" },
  } do
    lu.assertStrContains(shape.fault("script", case[1], "x.lua", text), case[2])
  end
  lu.assertEquals({ shape.is_script { run = 1 }, shape.is_script { result = 1 }, shape.is_script {} }, { true, false })
end

TestAuthor = {}

function TestAuthor.test_whose_line()
  local chunk = assert(loader.code("local f = ... local place = f() return place", "mine.lua", {}))
  lu.assertEquals(chunk(author.position), "mine.lua:1")
  lu.assertEquals(author.placed("?:-1: attempt to index", "mine.lua:7"), "mine.lua:7: attempt to index")
  lu.assertEquals(author.placed("mine.lua:3: oops", "mine.lua:7"), "mine.lua:3: oops")
  lu.assertEquals(author.placed("127.0.0.1:443: refused", "mine.lua:7"), "mine.lua:7: 127.0.0.1:443: refused")
  lu.assertNil(author.place_of(shape.fault))
  lu.assertEquals(author.place_of(chunk), "mine.lua:0")
end

function TestAuthor.test_what_was_raised()
  local stop = author.ending(2, "x")
  lu.assertIs(author.describe(stop), stop)
  for _, case in ipairs {
    { {}, "an error that is a table" }, { { status = 404 }, "an error that is a table" }, { { status = "fail", message = "me" }, "me" },
    { print, "a function" },
    { setmetatable({}, { __tostring = function() return "me" end }), "me" },
    { setmetatable({}, { __tostring = function() error "no" end }), "a table" },
  } do
    lu.assertStrContains(author.describe(case[1]), case[2])
  end
end

TestOptions = {}

function TestOptions.test_values_that_a_script_gives()
  for _, case in ipairs {
    { { timeout = 3 }, "timeout", 3 }, { { timeout = "0.5" }, "timeout", 0.5 },
    { { tls = "1.0-1.2" }, "tls", { min = 0x301, max = 0x303 } },
    { { insecure = true }, "insecure", true }, { { reference = { "ats" } }, "reference", { "ats" } },
    { { trust = "ats" }, "trust", { "ats" } },
    { { concurrency = 8 }, "concurrency", 8 },
  } do
    local into = {}
    lu.assertTrue(options.take(into, case[1]))
    lu.assertEquals(into[case[2]], case[3])
  end
  for _, case in ipairs {
    { { tiemout = 3 }, "there is no option 'tiemout'; did you mean 'timeout'?" }, { { timeout = -1 }, "'timeout' must be" },
    { { insecure = "yes" }, "'insecure' is true or false, not a string" }, { { tls = "1.3" }, "BearSSL" },
    { { concurrency = 1.5 }, "whole number" },
  } do
    local done, message = options.take({}, case[1])
    lu.assertNil(done)
    lu.assertStrContains(message, case[2])
  end
end

function TestOptions.test_defaults_give_way()
  local opts = { timeout = 5 }
  lu.assertTrue(options.default(opts, { timeout = 30, strict = true }))
  lu.assertEquals({ opts.timeout, opts.strict, opts.defaulted }, { 5, true, { strict = true } })
end

TestPlaces = {}

function TestPlaces.test_words_and_paths()
  for _, case in ipairs {
    { "mine", false }, { "./mine", true }, { "mine.lua", true }, { "/x", true }, { "lua", false }, { "a.b", false },
  } do
    lu.assertEquals(places.is_path(case[1]), case[2], case[1])
  end
  lu.assertEquals(places.find("script", "check", function() end), "built in")
  lu.assertNil(places.find("script", "nothing-of-this-name", function() end))
end

os.exit(lu.LuaUnit.run("-o", "tap"))
