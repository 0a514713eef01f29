-- The interface for scripts: what needs no network. The reference is held against the code.

local lu = require "luaunit"
local kedge = require "kedge"
local handle = require "kedge.api.handle"
local options = require "kedge.api.options"
local reference = require "kedge.api.reference"
local result = require "kedge.result"
local task = require "kedge.task"

local SPEC = "tests/unit/api_spec.lua:"

-- Runs fn as the first task and gives its results, or raises what it raised.
local function inside(fn)
  local results = table.pack(task.main(fn))
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Runs fn, which must raise a message with this file's line and these words; true where it does.
local function raises(words, fn, ...)
  local done, message = pcall(fn, ...)
  lu.assertFalse(done, words)
  lu.assertStrContains(message, words)
  return message
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local entries = reference.entries(read("lua/kedge.d.lua"))

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

TestReference = {}

-- Functions of the interface, as the reference calls them.
local function names_in_code()
  local names = {}
  for name, value in pairs(kedge) do
    if type(value) == "function" then names["kedge." .. name] = true end
    for inner, fn in pairs(type(value) == "table" and value or {}) do
      if type(fn) == "function" then names["kedge." .. name .. "." .. inner] = true end
    end
  end
  require "kedge.api.session"
  require "kedge.api.h2"
  for kind, class in pairs(handle.classes) do
    for name in pairs(class.methods) do names[kind:gsub(" session", "") .. ":" .. name] = true end
  end
  for name in pairs(require("kedge.api.stores").methods) do names["store:" .. name] = true end
  for name, value in pairs(require "kedge.context") do
    if type(value) == "function" and name ~= "new" and not name:find("^__") then names["ctx:" .. name] = true end
  end
  return names
end

local function names_in_reference()
  local names = {}
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then names[entry.name] = true end
  end
  return names
end

function TestReference.test_every_function_is_described_and_every_described_one_is_there()
  lu.assertEquals(sorted(names_in_reference()), sorted(names_in_code()))
end

function TestReference.test_arguments_are_those_of_the_signature()
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then
      local names = {}
      for name in entry.signature:match("%((.*)%)"):gmatch("[^, ]+") do names[#names + 1] = name end
      local described = {}
      for i, param in ipairs(entry.params) do described[i] = param.name end
      lu.assertEquals(described, names, entry.name)
      lu.assertTrue(#entry.text > 0 and entry.text[1]:find("%.$") ~= nil, entry.name)
    end
  end
end

local function fields_of(name, list)
  list = list or {}
  for _, entry in ipairs(entries) do
    if entry.kind == "class" and entry.name == "kedge." .. name then
      for _, field in ipairs(entry.fields) do list[field.name] = true end
      for _, parent in ipairs(entry.parents) do fields_of(parent:gsub("^kedge%.", ""), list) end
    end
  end
  return list
end

local function set(list)
  local names = {}
  for _, name in ipairs(list) do names[name] = true end
  return names
end

-- class of the reference, names in the code
local FIELDS = {
  { "route_options", set(options.fields.route) }, { "judgement_options", set(options.fields.judgement) },
  { "target_options", set(options.fields.target) }, { "check_options", set(options.fields.check) },
  { "open_options", set(options.fields.open) },
  { "handshake_options", set(options.fields.handshake) }, { "verify_options", set(options.fields.verify) },
  { "result", result.fields },
}

function TestReference.test_fields_are_those_of_the_code()
  for _, case in ipairs(FIELDS) do lu.assertEquals(sorted(fields_of(case[1])), sorted(case[2]), case[1]) end
end

function TestReference.test_named_types_are_there()
  local classes = {}
  for _, entry in ipairs(entries) do classes[entry.name] = entry.kind == "class" or nil end
  for name in read("lua/kedge.d.lua"):gmatch("@[%w]+ [^\n]-(kedge%.[%l_0-9]+)") do lu.assertTrue(classes[name], name) end
end

function TestReference.test_examples_are_scripts()
  local count = 0
  for _, entry in ipairs(entries) do
    if entry.example then
      count = count + 1
      local script = assert(load(table.concat(entry.example, "\n"), "=" .. entry.name))()
      lu.assertNil(require("kedge.shape").fault("script", script, entry.name), entry.name)
    end
  end
  lu.assertTrue(count >= 20)
end

function TestReference.test_every_function_is_called_in_an_example()
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then lu.assertNotNil(reference.example(entry, entries), entry.name) end
  end
end

function TestReference.test_names_are_found_short_and_long()
  for _, name in ipairs { "check", "kedge.check", "stream:read", "stream.read", "session", "result", "trust.load", "check(target)" } do
    lu.assertNotNil(reference.of(name), name)
  end
  local text, message = reference.of("chek")
  lu.assertNil(text)
  lu.assertStrContains(message, "did you mean 'check'")
end

function TestReference.test_the_page_of_a_name()
  local page = reference.of("kedge.connect")
  for _, words in ipairs { "kedge.connect(host, port, opts)", "Errors: dns.*", "timeout?", "Example:", "stream:read()", "seconds" } do
    lu.assertStrContains(page, words)
  end
  for line in (reference.overview() .. page):gmatch("[^\n]*") do lu.assertTrue(#line <= 100, line) end
end

TestMisuse = {}

-- words of the message, what raises it
local MISUSE = {
  { "kedge has no 'chek'; did you mean 'check'", function() return kedge.chek end },
  { "kedge.trust has no 'lod'; did you mean 'load'", function() return kedge.trust.lod end },
  { "only inside a script's run", function() return kedge.check("x") end },
  { "kedge.fail wants a code", function() return kedge.fail("x") end },
  { "not 'Too Long'", function() return kedge.fail("x", "Too Long") end },
  { "the code of what is ok is 'ok'", function() return kedge.ok("x", "a.b") end },
  { "wants a result or an id", function() return kedge.ok(nil) end },
  { "it has no id", function() return kedge.ok({ status = "ok" }) end },
  { "the message is text", function() return kedge.warn("x", "a.b", 3) end },
  { "wants a string", function() return kedge.sha256(3) end },
  { "wants a text, not a nil", function() return kedge.json.decode(nil) end },
  { "in DER", function() return kedge.x509.parse(nil) end },
  { "SHA-256 in hexadecimal", function() return kedge.trust.load("ats"):find("abc") end },
  { "wants a source", function() return kedge.trust.load() end },
  { "colon", function() return kedge.trust.load("ats").anchors() end },
  { "an observation", function() return kedge.judge({}) end },
  { "no target_option", function() return kedge.target("x", { id = 3 }) end, "'id' is string" },
  { "kedge.target has no option 'lables'; did you mean 'labels'", function() return kedge.target("x", { lables = {} }) end },
  { "'protocol' is one of", function() return kedge.target("x", { protocol = "h3" }) end },
  { "expect.mismatch", function() return kedge.target("x", { expect = { mismatch = "ok" } }) end },
  { "expect.status", function() return kedge.target("x", { expect = { status = "9xx" } }) end },
  { "did you mean 'body'", function() return kedge.target("x", { expect = { bdy = "" } }) end },
  { "not a Lua pattern", function() return kedge.target("x", { expect = { body = "[", pattern = true } }) end },
  { "tls:// makes no request", function() return kedge.target("tls://x", { expect = { body = "" } }) end },
  { "ALPN", function() return inside(function() return kedge.check("x", { alpn = { "" } }) end) end },
  { "looks like an IPv4", function() return inside(function() return kedge.check("1.2.3.4.5") end) end },
}

function TestMisuse.test_each_names_the_line_and_what_is_wrong()
  for _, case in ipairs(MISUSE) do
    local message = raises(case[3] or case[1], case[2])
    lu.assertEquals(message:sub(1, #SPEC), SPEC, message)
  end
end

-- words of the message, what raises it inside of a task
local WAITING = {
  { "kedge.map wants a function", function() return kedge.map({}, 3) end },
  { "how many at once", function() return kedge.map({}, print, 0) end },
  { "a list of functions", function() return kedge.all(print) end },
  { "seconds from 0", function() return kedge.sleep(-1) end },
  { "a port from 1", function() return kedge.connect("localhost", 0) end },
  { "kedge.connect has no option 'timeot'", function() return kedge.connect("localhost", 1, { timeot = 1 }) end },
  { "timeout must be a number of seconds", function() return kedge.connect("localhost", 1, { timeout = "soon" }) end },
  { "ipv4 and ipv6 exclude", function() return kedge.connect("localhost", 1, { ipv4 = true, ipv6 = true }) end },
  { "wants a host", function() return kedge.resolve(nil) end },
  { "kedge.open has no option 'apn'; did you mean 'alpn'", function() return kedge.open("localhost", 1, { apn = "h2" }) end },
  { "no store 'sytem'; did you mean 'system'", function() return kedge.check("x", { trust = "sytem" }) end },
  { "does not exist", function() return kedge.check("x", { trust = "/nowhere/at.all" }) end },
  { "all_addresses' is true or false", function() return kedge.check("x", { all_addresses = "yes" }) end },
  { "timeout' is text, not a table", function() return kedge.check("x", { timeout = {} }) end },
  { "at must be a time", function() return kedge.check("x", { at = 0 / 0 }) end },
  { "resolve' is text, not a table", function() return kedge.connect("x", 1, { resolve = { {} } }) end },
  { "interface' is", function() return kedge.connect("x", 1, { interface = {} }) end },
  { "not a nil", function() return kedge.trust.load("ats", nil, "ats") end },
  { "the options are a table", function() return kedge.check("x", 10) end },
  { "tls must be", function() return kedge.check("x", { tls = "1.4" }) end },
  { "wants { 'program'", function() return kedge.run("true") end },
  { "did you mean 'timeout'", function() return kedge.run { "true", timout = 1 } end },
  { "'env' is a table of names and texts", function() return kedge.run { "true", env = { A = 1 } } end },
  { "'timeout' is seconds above 0", function() return kedge.run { "true", timeout = 0 / 0 } end },
  { "'limit' is a number of bytes", function() return kedge.run { "true", limit = 0 } end },
  { "argument 1 is text", function() return kedge.run { "true", "a\0b" } end },
}

function TestMisuse.test_each_of_those_that_wait()
  for _, case in ipairs(WAITING) do
    local message = inside(function() return raises(case[1], case[2]) end)
    lu.assertEquals(message:sub(1, #SPEC), SPEC, message)
  end
end

TestOptions = {}

-- option, text or number, what it becomes
local CONVERTED = {
  { "timeout", "2.5", 2.5 }, { "timeout", 3, 3 }, { "tls", "1.0-1.2", { min = 0x0301, max = 0x0303 } },
  { "at", "2026-11-23", 1795392000 }, { "at", 12, 12 }, { "dns", "127.0.0.1:53", "127.0.0.1:53" }, { "insecure", true, true },
  { "sni", false, false }, { "depth", 3, 3 },
}

function TestOptions.test_values_mean_what_they_mean_on_the_command_line()
  for _, case in ipairs(CONVERTED) do
    local read_options = options.read("call", { [case[1]] = case[2], trust = "ats" }, options.fields.check)
    lu.assertEquals(read_options[case[1]], case[3], case[1])
  end
end

function TestOptions.test_lists_and_families()
  local opts = options.read("call", { connect_to = "::127.0.0.1:8443", ipv6 = true }, options.fields.route)
  lu.assertEquals({ #opts.connect_to, opts.connect_to[1].to.port, opts.family }, { 1, 8443, 6 })
  opts = options.read("call", { resolve = { "a:1:127.0.0.1", "b:2:127.0.0.1" } }, options.fields.route)
  lu.assertEquals({ #opts.resolve, opts.timeout, opts.family }, { 2, 10, nil })
end

function TestOptions.test_stores()
  local store = kedge.trust.load("ats")
  local opts = options.read("call", { trust = store, reference = "ats" }, options.fields.judgement)
  lu.assertEquals({ opts.stores.trust == store, #opts.stores.reference.core }, { true, 6 })
  local again = options.read("call", { trust = "ats" }, options.fields.judgement)
  lu.assertTrue(again.stores.trust == opts.stores.reference)
  lu.assertNil(again.stores.reference)
end

TestResults = {}

function TestResults.test_made_and_changed()
  local r = kedge.fail("x", "queue.too_long", "it is long", "wait")
  lu.assertEquals({ r.id, r.status, r.code, r.message, r.remedy, r.stage }, { "x", "fail", "queue.too_long", "it is long", "wait", nil })
  local better = kedge.ok(r, nil, "it is short now")
  lu.assertEquals({ r.status, better.status, better.code, better.message, better.cause }, { "fail", "ok", "ok", "it is short now", nil })
  lu.assertEquals(kedge.skip("x", "queue.absent").status, "skip")
  for _, one in ipairs { r, better, kedge.warn("x", "a.b"), kedge.skip("x", "a.b") } do lu.assertNil(result.fault(one)) end
end

function TestResults.test_a_code_of_kedges_own_brings_its_stage_along()
  local r = kedge.fail("x", "tcp.refused", "127.0.0.1: Connection refused")
  lu.assertEquals(r.stage, "tcp")
  lu.assertNotNil(r.remedy)
  lu.assertEquals(kedge.fail("x", "tcp.refused", "no", "mine").remedy, "mine")
end

function TestResults.test_what_nobody_verified_is_not_ok()
  inside(function()
    local r = kedge.ok("x")
    lu.assertEquals(r.status, "ok")
    require("kedge.api.insecure").note(task.current(), "host.example")
    r = kedge.ok("x")
    lu.assertEquals({ r.status, r.code, #r.warnings }, { "warn", "trust.unverified", 1 })
    lu.assertStrContains(r.message, "host.example")
    r = kedge.fail(r, "a.b")
    lu.assertEquals({ r.status, r.code, #r.warnings }, { "fail", "a.b", 1 })
    lu.assertNil(result.fault(r))
    task.run(nil, function() lu.assertEquals(kedge.ok("another task").status, "ok") end)
  end)
end

TestTargets = {}

function TestTargets.test_text_that_names_none_is_told()
  local cases = {
    { "1.2.3.4.5", nil, "looks like an IPv4" }, { "x", { alpn = "a,,b" }, "1 to 255 bytes" }, { "x", { sni = "a b" }, "SNI" },
    { "x", { sni = ("x"):rep(254) }, "SNI" }, { "x", { alpn = ("a"):rep(256) }, "255" },
    { "x", { alpn = ("a,"):rep(8) .. "a" }, "8 names" },
  }
  for _, case in ipairs(cases) do
    local nothing, message = kedge.target(case[1], case[2])
    lu.assertNil(nothing)
    lu.assertStrContains(message, case[3])
  end
  local item = kedge.target("tls://host:8443", { sni = "none", alpn = "h2,http/1.1", id = "mine", labels = { a = 1 } })
  local again = require("kedge.api.targets").read("again", item, {})
  for _, one in ipairs { item, again } do
    lu.assertEquals({ one.id, one.port, one.sni, one.alpn, one.labels.a }, { "mine", 8443, false, { "h2", "http/1.1" }, 1 })
  end
  lu.assertEquals(require("kedge.api.targets").read("again", item, { protocol = "h2" }).alpn, { "h2" })
end

TestStores = {}

function TestStores.test_what_a_store_tells()
  local store = kedge.trust.load("ats")
  lu.assertEquals({ #store, #store:anchors(), store.name }, { 6, 6, "ats" })
  local root = store:anchors()[1]
  lu.assertEquals(store:find(root.sha256).der, root.der)
  lu.assertEquals(store:find(root.sha256:upper():gsub("%x%x", "%0:"):sub(1, -2)).subject, root.subject)
  lu.assertNil(store:find(("0"):rep(64)))
  lu.assertEquals({ kedge.sha256(root.der), root.ca, root.key }, { root.sha256, true, "RSA 2048" })
  lu.assertEquals(kedge.pem.decode(root.pem)[1].der, root.der)
  lu.assertEquals(kedge.pem.encode(root.der), root.pem)
  local verdict = store:verify({ root }, { at = "2020-01-01" })
  lu.assertEquals({ verdict.accepted, verdict.anchor.subject, verdict.time }, { true, root.subject, 1577836800 })
  lu.assertEquals(store:verify({ root.der }, { at = "2090-01-01" }).code, "trust.expired")
  local nothing, message, code = kedge.trust.load("/nowhere/at.all")
  lu.assertEquals({ nothing, code }, { nil, "local.file" })
  lu.assertStrContains(message, "/nowhere/at.all")
end

function TestStores.test_bad_certificates_and_pem()
  local nothing, _, code = kedge.x509.parse("no DER")
  lu.assertEquals({ nothing, code }, { nil, "trust.bad_certificate" })
  local blocks, faults = kedge.pem.decode("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
  lu.assertEquals({ #blocks, #faults }, { 0, 1 })
end

TestJson = {}

function TestJson.test_there_and_back()
  local text, value = '{"a":[1,2.5,"\u{FC}\\n"],"b":{"c":true}}', { a = { 1, 2.5, "\u{FC}\n" }, b = { c = true } }
  lu.assertEquals(kedge.json.decode(text), value)
  lu.assertEquals(kedge.json.encode(value), text)
  lu.assertEquals(kedge.json.decode ' {"gone": null} ', {})
end

-- What a server may send in place of JSON.
local NO_JSON = {
  empty = "", words = "all is well", half = '{"a": [1,', two = "{} {}", null = "null", zero = "\0", bytes = "\xFF\xFE",
  zeros = "01", comma = "[1,]", comma_of_object = '{"a":1,}', half_pair = '"\\ud800"', other_half = '"\\udc00"', comment = "[1] // x",
  point = "1.", plus = "+1", hexadecimal = "0x10", nan = "NaN", single = "'a'", bare = "{a: 1}", control = '"\n"', escape = '"\\x"',
  latin1 = '"\xFC"', infinite = "1e999", minus = "-", two_commas = "[1,,2]", no_colon = '{"a" 1}', no_value = '{"a":}', word = "truth",
  deep = ("["):rep(500000), deep_objects = ('{"a":'):rep(200000), text = '"never ends',
}

function TestJson.test_what_is_none_is_told()
  for name, text in pairs(NO_JSON) do
    local value, message = kedge.json.decode(text)
    lu.assertNil(value, name)
    lu.assertStrMatches(message, "it is n.*", nil, nil, name)
  end
end

function TestJson.test_null_in_a_list_keeps_its_place()
  local list = kedge.json.decode("\u{FEFF}[1, null, false, 3.5, \"\\ud83d\\ude00\\u0000\"]")
  lu.assertEquals(#list, 5)
  lu.assertTrue(list[2] == kedge.json.null)
  lu.assertEquals({ list[1], list[3], list[4], list[5] }, { 1, false, 3.5, "\u{1F600}\0" })
  lu.assertEquals(kedge.json.encode { 1, kedge.json.null }, "[1,null]")
  lu.assertErrorMsgContains("this is null", function() return kedge.json.null.status end)
  lu.assertErrorMsgContains("this is null", function() kedge.json.null.status = 1 end)
  local r = kedge.ok("x")
  r.values = { list = list }
  lu.assertEquals(result.fault(r), "values.list[2] is null, which no format can tell")
  lu.assertEquals(kedge.json.decode '{"a": false, "b": null, "c": 12345678901234567890}', { a = false, c = 12345678901234567890.0 })
end

function TestJson.test_numbers_keep_their_digits()
  for _, number in ipairs { 0.1, 1 / 3, 1e-9, 123456789.125, 1e300, math.mininteger, 2^53 } do
    lu.assertEquals(kedge.json.decode("[" .. kedge.json.encode(number) .. "]")[1], number)
  end
end

local round = {}
round.round = round

-- What JSON can't say, and what is said of it.
local NOT_SAID = {
  { print, "JSON has nothing for a function" }, { { a = { print } }, "JSON has nothing for a function" },
  { coroutine.create(print), "JSON has nothing for a thread" }, { 0 / 0, "no number such as" }, { math.huge, "no number such as inf" },
  { { 1, nil, 3 }, "a list has '3' besides its items" }, { { 1, a = 2 }, "a list has 'a' besides its items" },
  { { [true] = 1 }, "a name is a boolean, not text" }, { round, "nested deeper than 512, or within itself" },
}

function TestJson.test_what_cannot_be_said_raises()
  for _, case in ipairs(NOT_SAID) do lu.assertErrorMsgContains(case[2], kedge.json.encode, case[1]) end
end

TestMap = {}

function TestMap.test_an_error_in_one_ends_the_others_and_is_raised()
  inside(function()
    local closed, went_on = 0, false
    local message = raises("the third", function()
      kedge.map({ 1, 2, 3 }, function(i)
        local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        if i == 3 then error("the third") end
        kedge.sleep(60)
        went_on = guard
      end)
    end)
    lu.assertEquals({ message:sub(1, #SPEC), closed, went_on }, { SPEC, 3, false })
    lu.assertEquals(kedge.all { function() return 1 end, function() return 2 end }, { 1, 2 })
  end)
end

function TestMap.test_a_map_ends_with_whoever_called_it()
  inside(function()
    local running = 0
    pcall(kedge.all, {
      function()
        kedge.map({ 1, 2 }, function()
          running = running + 1
          local guard <close> = setmetatable({}, { __close = function() running = running - 1 end })
          kedge.sleep(60)
          return guard
        end)
      end,
      function() kedge.sleep(0.01); error("enough") end,
    })
    lu.assertEquals(running, 0)
  end)
end

os.exit(lu.LuaUnit.run("-o", "tap"))
