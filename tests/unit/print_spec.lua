local lu = require "luaunit"
local print = require "kedge.print"

TestPrint = {}

local RESULT = {
  id = "na/base/h2", status = "ok", code = "ok", target = { host = "a.example", port = 443 }, line = 3,
  labels = { region = "Europe", countries = { "Brazil", "Chile" }, ["a.b"] = "dotted", a = { c = "inner" } },
  timings_ms = { dns = 1.25, total = 108.9 }, chain = { { subject = "CN=leaf", days_left = 213 }, { subject = "CN=authority" } },
  path = { 0, 1 }, warnings = {}, message = "one\ntwo\27[2J\u{202e}\xff", h2 = { settings = { MAX_FRAME_SIZE = 16384 } },
  values = { depth_ms = 1.5, on = true, nan = 0 / 0, [7] = "seven", note = "x" },
}

local function printed(template)
  local written = {}
  local format = assert(print.format(template))
  format.result({ write = function(_, ...) for _, text in ipairs { ... } do written[#written + 1] = text end end }, RESULT)
  return table.concat(written)
end

-- template, what is printed
local GOOD = {
  { "{id} {code} {timings_ms.total}\\n", "na/base/h2 ok 108.9\n" }, { "", "" }, { "plain", "plain" },
  { "\\t|\\r|\\\\n|\\x|\\", "\t|\r|\\n|\\x|\\" }, { "{{id}} {{{id}}}", "{id} {na/base/h2}" }, { "}}", "}" },
  { "{line}{run}", "3" }, { "{stage}|{remedy}|{tls.version}|{verdicts.reference.code}", "|||" },
  { "{chain.0.subject},{chain.1.subject},{chain.2.subject}", "CN=leaf,CN=authority," }, { "{chain.0.days_left}", "213" },
  { "{path}", "[0,1]" }, { "{path.1}", "1" }, { "{target}", '{"host":"a.example","port":443}' }, { "{warnings}", "[]" },
  { "{labels.region} {labels.countries.1} {labels.countries}", 'Europe Chile ["Brazil","Chile"]' },
  { "{labels.a.b}|{labels.a.c}|{labels.a.d}|{labels.none}|{labels.region.x}", "dotted|inner|||" },
  { "{values.depth_ms} {values.on} {values.nan} {values.7} {values.}", "1.5 true  seven " },
  { "{h2.settings.MAX_FRAME_SIZE}", "16384" }, { "{message}", "one\\x0atwo\\x1b[2J\\u{202e}\u{FFFD}" },
}

function TestPrint.test_good()
  for _, row in ipairs(GOOD) do lu.assertEquals(printed(row[1]), row[2], row[1]) end
end

-- template, what the sentence says
local BAD = {
  { "{idd}", "has no field 'idd'; did you mean 'id'?" },
  { "{timings_ms.totl}", "'timings_ms.totl'; did you mean 'timings_ms.total'?" },
  { "{timing_ms.total}", "has no field 'timing_ms.total'; did you mean 'timings_ms.total'?" },
  { "{}", "has no field ''" },
  { "{xyzzy}", "has no field 'xyzzy'" }, { "{id.x}", "has no field 'id.x': id has no parts" },
  { "{chain.subject}", "'chain.subject': chain is a list, the first is chain.0" },
  { "{chain.-1}", "'chain.-1'" },
  { "{chain.0.subjekt}", "did you mean 'chain.0.subject'?" }, { "{id", "has a { without its }, before 'id'" },
  { "id}", "has a } without its {" }, { "{\27[2J}", "'\\x1b[2J'" },
  { "{id }", "'id '; did you mean 'id'?" }, { "{ID}", "did you mean 'id'?" },
  { "{verdicts.system.code}", "'verdicts.system.code'" }, { "{target.host.x}", "target.host has no parts" },
}

function TestPrint.test_bad()
  for _, row in ipairs(BAD) do
    local format, message = print.format(row[1])
    lu.assertNil(format, row[1])
    lu.assertStrContains(message, row[2])
  end
end

function TestPrint.test_every_field_of_json_has_its_name_here()
  local json = require "kedge.json"
  local function walk(kind, before)
    for _, field in ipairs(json.kinds[kind]) do
      local name, inner = before .. (type(field) == "table" and field[1] or field), type(field) == "table" and field[2] or "plain"
      lu.assertNotNil(print.format("{" .. name .. "}"), name)
      local element = inner:match("^(.*)%*$")
      if element then name, inner = name .. ".0", element end
      if json.kinds[inner] then walk(inner, name .. ".") end
    end
  end
  walk("result", "")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
