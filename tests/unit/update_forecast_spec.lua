-- What a configuration makes of a store, foretold; and what became of one.

local forecast = require "kedge.update.forecast"
local lu = require "luaunit"
local verdict = require "kedge.update.verdict"
local x509 = require "kedge.core.x509"

local anchors = require("kedge.core.embedded").anchors()

local function pem(i) return anchors[i].text end
local function sha(i) return x509.sha256(x509.pem(pem(i))[1].der) end

-- A system whose files are in a table.
local function facts_of(files)
  local system = {}
  function system.read(_, path) return files[path] end
  function system.files(_, folder, keep)
    local list = {}
    for path in pairs(files) do
      if path:sub(1, #folder + 1) == folder .. "/" and keep(path) then list[#list + 1] = path:sub(#folder + 2) end
    end
    table.sort(list)
    return list
  end
  return { system = system, cache = {}, files = {}, layout = { bundle = "/b", shipped = "/s", chosen = { "/l" } } }
end

local function places(set)
  local list = {}
  for i = 1, #anchors do
    if set[sha(i)] then list[#list + 1] = i end
  end
  return list
end

TestForecast = {}

-- word, files, configuration, certificates in the bundle, certificates in the folder
local CASES = {
  { "lines and local files", { ["/s/a.crt"] = pem(1), ["/s/b.crt"] = pem(2), ["/l/c.crt"] = pem(3) }, "a.crt\n", { 1, 3 }, { 1, 3 } },
  { "a line without its file", { ["/s/a.crt"] = pem(1) }, "x.crt\na.crt\n", { 1 }, { 1 } },
  { "other names in the local folder", { ["/l/c.pem"] = pem(3) }, "", {}, {} },
  { "two in a file get no link", { ["/l/c.crt"] = pem(1) .. pem(2) }, "", { 1, 2 }, {} },
  { "one twice in a file gets no link", { ["/l/c.crt"] = pem(1) .. pem(1) }, "", { 1 }, {} },
  { "the last of a base name has the link", { ["/s/m/a.crt"] = pem(1), ["/l/a.crt"] = pem(2) }, "m/a.crt\n", { 1, 2 }, { 2 } },
  { "mapped names meet", { ["/l/a b.crt"] = pem(1), ["/l/a_b.crt"] = pem(2) }, "", { 1, 2 }, { 2 } },
  { "no newline at the end of a file", { ["/l/a.crt"] = pem(1):gsub("\n$", ""), ["/l/b.crt"] = pem(2) }, "", { 1, 2 }, { 1, 2 } },
  { "what is no certificate", { ["/l/a.crt"] = "no\n", ["/l/b.crt"] = pem(2) }, "", { 2 }, { 2 } },
}

function TestForecast.test_cases()
  for _, row in ipairs(CASES) do
    local made = forecast.make(facts_of(row[2]), row[3])
    lu.assertEquals(places(made.bundle), row[4], row[1])
    lu.assertEquals(places(made.directory), row[5], row[1])
  end
end

function TestForecast.test_files_that_are_not_there_yet()
  local facts = facts_of { ["/l/b.crt"] = pem(1) }
  local made = forecast.make(facts, "", { forecast.file(facts, "/l/a.crt", pem(2)) })
  lu.assertEquals(places(made.bundle), { 1, 2 })
  lu.assertEquals(made.links, { ["a.pem"] = "/l/a.crt", ["b.pem"] = "/l/b.crt" })
end

function TestForecast.test_link_names()
  for path, name in pairs { ["/x/a.crt"] = "a.pem", ["/x/a b,c (d).crt"] = "a_b_c_=d=.pem", ["a.pem"] = "a.pem.pem",
    ["a.crt.crt"] = "a.crt.pem" } do
    lu.assertEquals(forecast.link_name(path), name)
  end
end

TestVerdict = {}

local function set_of(...)
  local set = {}
  for _, i in ipairs { ... } do set[sha(i)] = x509.parse(x509.pem(pem(i))[1].der) end
  return set
end

function TestVerdict.test_lost()
  local before = { bundle = set_of(1, 2, 3), directory = set_of(1) }
  lu.assertEquals(verdict.lost(before, before), {})
  lu.assertEquals(verdict.lost(before, { bundle = set_of(1, 2, 3, 4), directory = set_of(1, 2) }), {})
  lu.assertEquals(#verdict.lost(before, { bundle = set_of(1, 3) }), 2)
  lu.assertStrContains(verdict.names(verdict.lost(before, { bundle = set_of(1, 3), directory = set_of(1) })), "in the bundle")
end

function TestVerdict.test_absent()
  local wanted = { { place = 1, cert = set_of(1)[sha(1)] } }
  lu.assertEquals(verdict.absent(wanted, { bundle = set_of(1, 2) }), {})
  lu.assertEquals(verdict.absent(wanted, { bundle = set_of(1), directory = set_of(2) }), { "Amazon Root CA 1" })
  lu.assertEquals(verdict.absent(wanted, {}), { "Amazon Root CA 1" })
end

function TestVerdict.test_sentence()
  lu.assertEquals(verdict.sentence(145, 148), "145 authorities before, 148 after, none lost")
  lu.assertEquals(verdict.sentence(1, 6), "1 authority before, 6 after, none lost")
end

os.exit(lu.LuaUnit.run())
