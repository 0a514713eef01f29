local lu = require "luaunit"

local inspect = require "kedge.inspect"

TestInspect = {}

local cycle = { name = "c" }
cycle.self = cycle
local twice = { 1 }
local named = setmetatable({}, { __tostring = function() return "a thing\27[2J" end })
local failing = setmetatable({}, { __tostring = function() error "no" end })
local strict = setmetatable({ a = 1 }, { __index = function() error "strict" end })
local late = setmetatable({}, { __pairs = function(t)
  rawset(t, "loaded", true)
  return next, t
end })

-- value, text
local VALUES = {
  { nil, "nil\n" }, { true, "true\n" }, { 3, "3\n" }, { 1.5, "1.5\n" }, { 1732543210.125, "1732543210.125\n" },
  { "text", "text\n" }, { "two\nlines\n", "two\nlines\n" }, { "a\tb\r\nc", "a\tb\nc\n" }, { "\27[31m\u{202e}", "\\x1b[31m\\u{202e}\n" },
  { {}, "{}\n" }, { { 1, 2, 3 }, "{ 1, 2, 3 }\n" }, { { a = 1, b = { c = "x" } }, '{ a = 1, b = { c = "x" } }\n' },
  { { ["a b"] = 1, [true] = 2, [1.5] = 3 }, '{ [true] = 2, [1.5] = 3, ["a b"] = 1 }\n' },
  { { "\27[2J\n\t\"\\" }, '{ "\\x1b[2J\\n\\t\\"\\\\" }\n' }, { { ["\27"] = 1 }, '{ ["\\x1b"] = 1 }\n' },
  { cycle, '{ name = "c", self = { as above } }\n' }, { { twice, twice }, "{ { 1 }, { 1 } }\n" },
  { named, "a thing\\x1b[2J\n" }, { failing, "table\n" }, { strict, "{ a = 1 }\n" }, { late, "{ loaded = true }\n" },
  { { ms = 0.136485999 }, "{ ms = 0.136486 }\n" },
}

function TestInspect.test_values()
  for i, case in ipairs(VALUES) do lu.assertEquals(inspect.text(case[1], 80), case[2], i) end
end

function TestInspect.test_a_result_has_its_fields_in_order_and_its_sentences_whole()
  local text = inspect.text({ message = ("word "):rep(40), status = "fail", id = "a.test", code = "tls.closed", warnings = {} }, 60)
  lu.assertStrContains(text, '{\n  id = "a.test",\n  status = "fail",\n  code = "tls.closed",\n  message = "word ')
  for line in text:gmatch "[^\n]+" do lu.assertTrue(#line <= 60, line) end
  lu.assertEquals(select(2, text:gsub("word", "")), 40)
end

function TestInspect.test_results_are_rows()
  local list = {
    { id = "a.test:443/auto", status = "ok", code = "ok", timings_ms = { total = 12.34 } },
    { id = "b\27.test", status = "fail", code = "tcp.refused" },
  }
  lu.assertEquals(inspect.text(list, 80),
    "status  id               code           ms\nok      a.test:443/auto  ok           12.3\nfail    b\\x1b.test       tcp.refused\n")
end

function TestInspect.test_numbers_stand_side_by_side()
  local list = {}
  for i = 1, 60 do list[i] = i end
  local text = inspect.text(list, 40)
  lu.assertTrue(select(2, text:gsub("\n", "")) < 12, text)
  lu.assertStrContains(text, " 60,")
end

local function nested(depth)
  return depth == 0 and 1 or { nested(depth - 1) }
end

function TestInspect.test_bounds()
  local long, wide = {}, {}
  for i = 1, 5000 do
    long[i] = { key = ("x"):rep(100) }
    wide["k" .. i] = ("x"):rep(100)
  end
  for _, value in ipairs { long, wide, ("x\n"):rep(100000), { ("y"):rep(1e6) }, nested(100), { long, wide, long } } do
    local text = inspect.text(value, 80)
    lu.assertTrue(#text < 100000, #text)
    lu.assertTrue(select(2, text:gsub("\n", "")) <= 400)
  end
  lu.assertStrContains(inspect.text(nested(100)), "{ ... }")
  lu.assertStrContains(inspect.text(long), "lines more")
  lu.assertStrContains(inspect.text({ ("y"):rep(1000) }), "(500 bytes more)")
  lu.assertStrContains(inspect.text(setmetatable({}, { __tostring = function() return ("z"):rep(1e6) end })), "zzz\n")
end

function TestInspect.test_ascii()
  lu.assertEquals(inspect.text({ "ü" }, 80, true), '{ "\\u{00fc}" }\n')
  lu.assertEquals(inspect.text("ü", 80, true), "\\u{00fc}\n")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
