local lu = require "luaunit"
local dkjson = require "dkjson"
local json = require "kedge.json"
require "kedge.output"
local results = dofile "tests/unit/fake_results.lua"

TestJson = {}

local STRINGS = {
  { "plain", '"plain"' }, { 'a"b\\c', '"a\\"b\\\\c"' }, { "\n\r\t\b\f", '"\\n\\r\\t\\b\\f"' }, { "\0\27\127", '"\\u0000\\u001b\\u007f"' },
  { "\u{fc}\u{1F600}", '"\u{fc}\u{1F600}"' }, { "\u{202e}x", '"\\u202ex"' }, { "\u{9b}", '"\\u009b"' }, { "\xff", '"\u{FFFD}"' },
  { "\u{E0041}", '"\\udb40\\udc41"' }, { "\u{2028}", '"\\u2028"' }, { "", '""' },
}

function TestJson.test_strings()
  for _, case in ipairs(STRINGS) do lu.assertEquals(json.string(case[1]), case[2]) end
end

local NUMBERS = {
  { 0, "0" }, { 42, "42" }, { -1, "-1" }, { math.maxinteger, "9223372036854775807" }, { 1.0, "1" }, { 1.25, "1.25" }, { 108.9, "108.9" },
  { 0.0004, "0" }, { 1 / 3, "0.333" }, { 100.0, "100" }, { 1e300, "1.0000000000000001e+300" }, { 1 / 0, "null" },
  { -1 / 0, "null" }, { 0 / 0, "null" },
}

function TestJson.test_numbers()
  for _, case in ipairs(NUMBERS) do lu.assertEquals(json.number(case[1]), case[2]) end
end

function TestJson.test_open_data_has_one_order()
  lu.assertEquals(json.encode { b = 1, a = { true, false, "x" }, c = {} }, '{"a":[true,false,"x"],"b":1,"c":{}}')
end

function TestJson.test_nesting_is_bounded()
  local loop = {}
  loop.loop = loop
  lu.assertError(json.encode, loop)
end

function TestJson.test_absent_and_null()
  local text = json.encode({ id = "x", status = "ok", code = "ok", warnings = {} }, "result")
  lu.assertEquals(text, '{"id":"x","status":"ok","stage":null,"code":"ok","cause":null,"message":null,"remedy":null,"warnings":[]}')
  lu.assertEquals(json.encode({ settings = {} }, "h2"), '{"settings":{},"ping_ms":null}')
end

local function report_text()
  local report, text = results.report("json", { width = 80 })
  for _, r in ipairs(results.all()) do report:add(r) end
  report:finish()
  return text()
end

-- Every field that JSON holds is the field of the result.
local function compare(parsed, original, where)
  if type(original) ~= "table" then
    local expected = type(original) == "string" and require("kedge.show").utf8(original) or original
    if type(original) == "number" then return lu.assertAlmostEquals(parsed, expected, 0.0006, where) end
    return lu.assertEquals(parsed, expected, where)
  end
  for key, value in pairs(original) do
    local name = type(key) == "string" and require("kedge.show").utf8(key) or key
    compare(parsed[name], value, where .. "." .. tostring(name))
  end
end

function TestJson.test_a_report_is_read_back()
  local text = report_text()
  lu.assertNotNil(utf8.len(text))
  lu.assertNil(text:gsub("\n", ""):find("%c"))
  local report, _, message = dkjson.decode(text, 1, nil)
  lu.assertNil(message)
  local originals = results.all()
  lu.assertEquals(#report.results, #originals)
  for i, original in ipairs(originals) do compare(report.results[i], original, original.id) end
  lu.assertEquals(report.summary, { total = 13, ok = 2, warn = 1, fail = 9, skip = 1 })
  lu.assertEquals({ report.schema, report.script, report.started }, { "kedge.report/1", "regions", "2026-11-23T08:00:00Z" })
end

function TestJson.test_the_same_bytes_each_time()
  lu.assertEquals(report_text(), report_text())
end

local VALIDATE = [[
import json, sys, jsonschema
schema = json.load(open("tests/schema/report.schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.Draft7Validator(schema).validate(json.load(sys.stdin))
]]

function TestJson.test_the_schema()
  local process = assert(io.popen((os.getenv("PYTHON") or "/usr/bin/python3") .. " -c '" .. VALIDATE .. "'", "w"))
  process:write(report_text())
  lu.assertTrue(process:close())
end

os.exit(lu.LuaUnit.run("-o", "tap"))
