-- The audit's pure parts: layouts, the configuration's lines, links by hash, ways to a root, and its sentences.

local chains = require "kedge.audit.chains"
local config = require "kedge.audit.config"
local finding = require "kedge.audit.finding"
local layout = require "kedge.audit.layout"
local lu = require "luaunit"
local avs = require "kedge.avs"
local audit = require "kedge.audit"
local reasons = require "kedge.reasons"
local result = require "kedge.result"
local stores = require "kedge.audit.stores"
local upkeep = require "kedge.audit.upkeep"

local NOW = 1795600000
local reference = audit.reference()

local function detect(there, release)
  return layout.detect(function(path) return there[path] end, function(path) return path == "/etc/os-release" and release or nil end)
end

-- word, what is there, os-release, name, family
local LAYOUTS = {
  { "debian", { ["/etc/ca-certificates.conf"] = "file" }, 'ID=debian\n', "Debian", "debian" },
  { "raspbian", { ["/etc/ca-certificates.conf"] = "file" }, 'PRETTY_NAME="x"\nID=raspbian\nID_LIKE=debian\n', "Raspbian", "debian" },
  { "ubuntu", { ["/usr/share/ca-certificates"] = "directory" }, 'ID=ubuntu\n', "Ubuntu", "debian" },
  { "a derivative", { ["/etc/ca-certificates.conf"] = "file" }, 'ID=mint\nID_LIKE="ubuntu debian"\n', "Ubuntu", "debian" },
  { "an unknown one with the tool", { ["/usr/sbin/update-ca-certificates"] = "file" }, nil, "Debian family", "debian" },
  { "alpine", { ["/etc/ca-certificates.conf"] = "file" }, 'ID="alpine"\n', "Alpine", "debian" },
  { "buildroot", { ["/etc/ssl/certs/ca-certificates.crt"] = "file" }, 'ID=buildroot\n', "Buildroot", "debian" },
  { "openwrt", { ["/etc/openwrt_release"] = "file" }, nil, "OpenWrt", "openwrt" },
  { "openwrt by name", {}, "ID='openwrt'\n", "OpenWrt", "openwrt" },
  { "fedora", { ["/etc/pki/ca-trust/source"] = "directory" }, 'ID=fedora\n', "Fedora", "fedora" },
  { "rhel", { ["/etc/pki/ca-trust/source"] = "directory" }, 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "RHEL", "fedora" },
  { "bundle", { ["/etc/ssl/cert.pem"] = "file" }, nil, "bare bundle", "bare" },
  { "directory", { ["/etc/ssl/certs"] = "directory" }, nil, "bare directory", "bare" },
}

TestLayout = {}

function TestLayout.test_each_is_detected_and_named()
  for _, row in ipairs(LAYOUTS) do
    local found = detect(row[2], row[3])
    lu.assertNotNil(found, row[1])
    lu.assertEquals({ found.name, found.family }, { row[4], row[5] }, row[1])
    lu.assertNotNil(found.bundle or found.directory, row[1])
    lu.assertStrMatches(found.add .. found.update, "%a.*%a", nil, nil, row[1])
  end
end

function TestLayout.test_none()
  lu.assertNil(detect({}))
  lu.assertNil(detect({}, "ID=debian\n"))
end

TestConfig = {}

-- word, text, entries as "line name" with "!" for disabled and "?" for a fault
local FILES = {
  { "plain", "a.crt\nb.crt\n", "1 a.crt, 2 b.crt" },
  { "comment and empty line", "# a.crt\n\nb.crt\n", "3 b.crt" },
  { "disabled", "!a.crt\n! b.crt\n", "1! a.crt, 2! b.crt" },
  { "no newline at the end", "a.crt\nb.crt", "1 a.crt, 2? b.crt" },
  { "disabled without newline", "!a.crt", "1! a.crt" },
  { "carriage return", "a.crt\r\nb.crt\n", "1? a.crt, 2 b.crt" },
  { "spaces in a name", "a b (c).crt\n", "1 a b (c).crt" },
  { "empty", "", "" },
}

function TestConfig.test_lines()
  for _, row in ipairs(FILES) do
    local parts = {}
    for i, entry in ipairs(config.parse(row[2])) do
      parts[i] = ("%d%s%s %s"):format(entry.line, entry.is_disabled and "!" or "", entry.fault and "?" or "", entry.name)
    end
    lu.assertEquals(table.concat(parts, ", "), row[3], row[1])
  end
end

function TestConfig.test_a_line_that_enables_wins()
  for _, text in ipairs { "!a\na\n", "a\n!a\n" } do
    lu.assertFalse(config.by_name(config.parse(text)).a.is_disabled, text)
  end
end

function TestConfig.test_names_of_the_six()
  local names = {
    ["mozilla/Amazon_Root_CA_1.crt"] = 1, ["AmazonRootCA1.pem.pem"] = 1, ["x/AmazonRootCA4.crt"] = 4, ["amazon root ca 2"] = 2,
    ["Starfield_Services_Root_Certificate_Authority_-_G2.crt"] = 5, ["Starfield_Class_2_CA.crt"] = 6,
    ["StarfieldClass2CertificationAuthority.pem"] = 6,
  }
  for name, place in pairs(names) do lu.assertEquals(config.promised(name, avs.authorities), place, name) end
  for _, name in ipairs { "Amazon_Root_CA_11.crt", "Starfield_Root_Certificate_Authority_-_G2.crt", "3513523f.0", "" } do
    lu.assertNil(config.promised(name, avs.authorities), name)
  end
end

TestChains = {}

local function store_of(places)
  local store = stores.new("bundle", "/b", {})
  for _, place in ipairs(places) do stores.add_text(store, reference[place].der, "file " .. place) end
  return store
end

local WAYS = {
  { { 1, 2, 3, 4, 5, 6 }, { "direct", "direct", "direct", "direct" } },
  { { 5 }, { "services", "services", "services", "services" } },
  { { 6 }, { "class2", "class2", "class2", "class2" } },
  { { 2, 6 }, { "class2", "direct", "class2", "class2" } },
  { { 3 }, { "none", "none", "direct", "none" } },
  { {}, { "none", "none", "none", "none" } },
}

function TestChains.test_ways()
  for _, row in ipairs(WAYS) do
    local store = store_of(row[1])
    for root = 1, 4 do
      local judged = chains.judge(store, reference, root, NOW)
      lu.assertEquals(judged.way or "none", row[2][root])
      lu.assertEquals(judged.openssl, judged.way ~= nil)
    end
  end
end

function TestChains.test_dates_count()
  local judged = chains.judge(store_of { 1, 2, 3, 4, 5, 6 }, reference, 1, 4102444800)
  lu.assertNil(judged.way)
  lu.assertEquals(judged.failures[1].code, "trust.expired")
  lu.assertEquals(chains.faults(reference[1], 0)[1].code, "trust.not_yet_valid")
  lu.assertNil(chains.faults(reference[1], NOW))
end

TestStores = {}

function TestStores.test_what_is_counted()
  local store = store_of { 1, 2, 1 }
  lu.assertEquals(#store.entries, 2)
  lu.assertEquals(store.duplicates[1].file, "file 1")
  stores.add_text(store, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "bad")
  stores.add_text(store, "nothing", "empty")
  lu.assertEquals(#store.entries, 2)
  lu.assertEquals({ store.unparsable[1].file, store.unparsable[1].line, store.unparsable[2].file }, { "bad", 1, "empty" })
end

function TestStores.test_hashes_are_openssls()
  lu.assertEquals({ stores.hash(reference[1]), stores.hash(reference[6]) }, { "ce5e74ef", "f387163d" })
end

-- A system whose files are a table: a text, or { link = nowhere }.
local function system_of(tree, features)
  local image = { root = "/", is_live = true }
  function image.list(_, folder)
    local names = {}
    for path in pairs(tree) do
      if path:match("^(.*)/") == folder then names[#names + 1] = path:match("[^/]*$") end
    end
    table.sort(names)
    return names
  end
  function image.read(_, path)
    if type(tree[path]) == "string" then return tree[path] end
    return nil, "No such file", "missing"
  end
  function image.kind(_, path) return type(tree[path]) == "string" and "file" or nil end
  function image.system() return features end
  function image.changed() return nil end
  function image.real(_, path) return path end
  function image.certificates() return {} end
  return image
end

function TestStores.test_a_folder_with_links()
  local tree = { ["/c/ce5e74ef.0"] = reference[1].der, ["/c/ce5e74ef.2"] = reference[2].der, ["/c/00000000.0"] = reference[3].der,
    ["/c/11111111.0"] = {}, ["/c/x.pem"] = reference[4].der }
  local store = stores.directory(system_of(tree), "/c", {}, true)
  lu.assertEquals(#store.entries, 1)
  local stale = {}
  for _, link in ipairs(store.stale) do stale[link.name] = link.why end
  lu.assertStrContains(stale["00000000.0"], "Amazon Root CA 3")
  lu.assertStrContains(stale["11111111.0"], "nowhere")
  lu.assertStrContains(stale["ce5e74ef.2"], "lower number")
end

function TestStores.test_a_folder_without_links()
  local tree = { ["/c/x.pem"] = reference[4].der }
  lu.assertEquals(#stores.directory(system_of(tree), "/c", {}, true).entries, 1)
  lu.assertFalse(stores.directory(system_of(tree), "/c", {}, false))
end

TestUpkeep = {}

local function around(features, name)
  local facts = { image = system_of({}, features), layout = { name = name, family = "bare" }, stores = {}, place = "/etc/ssl/certs",
    files = { dropped = {} }, reference = reference, cache = {} }
  function facts.with(_, more) return more end
  local codes = {}
  for i, r in ipairs(upkeep.around(facts)) do
    codes[i] = r.code
    lu.assertNil(result.fault(r))
  end
  return codes
end

function TestUpkeep.test_file_systems()
  lu.assertEquals(around({ read_only = false }), {})
  lu.assertEquals(around({ temporary = "overlay", read_only = false }, "Debian"), { "store.temporary" })
  lu.assertEquals(around({ temporary = "overlay", read_only = false }, "OpenWrt"), {})
  lu.assertEquals(around({ temporary = "tmpfs", read_only = true }, "OpenWrt"), { "store.temporary", "store.read_only" })
end

TestClock = {}

-- Findings by id of an audit of the six in a folder, at this clock.
local function audit_at(device, at)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute(("mkdir -p %s/etc/ssl && cat trust/*.pem >%s/etc/ssl/cert.pem"):format(folder, folder)))
  local results, status = audit.run { root = folder, at = at, clock = { device = device, build = NOW } }
  os.execute("rm -r " .. folder)
  local found = {}
  for _, r in ipairs(results) do
    lu.assertNil(result.fault(r))
    found[r.id] = r
  end
  return found, status
end

function TestClock.test_before_the_build_is_a_finding_and_the_build_judges()
  local found, status = audit_at(86400)
  lu.assertEquals(status, 0)
  lu.assertEquals({ found.clock.status, found.clock.code }, { "warn", "store.clock" })
  lu.assertEquals(found["clock/newest anchor"].code, "store.clock_anchor")
  for place = 1, 4 do lu.assertEquals(found["bundle/chain to " .. avs.authorities[place].name].status, "ok") end
end

function TestClock.test_between_the_build_and_the_end()
  lu.assertEquals(audit_at(NOW + 1).clock.status, "ok")
  local found = audit_at(4102444800)
  lu.assertEquals({ found.clock.status, found["authority/Amazon Root CA 1"].code }, { "ok", "store.expired" })
end

function TestClock.test_a_time_that_was_named_is_no_clock()
  local found = audit_at(NOW, 86400)
  lu.assertEquals({ found.clock.status, found["authority/Amazon Root CA 1"].code }, { "ok", "store.not_yet_valid" })
end

TestFinding = {}

local CODES = "no_chain through_services through_class2 partial_chain absent class2_absent only_live not_configured disabled no_file "
  .. "not_applied wrong_content cross_signed expired not_yet_valid unusable disagree differ empty unreadable no_layout unparsable "
  .. "duplicates stale_link outdated remainder broken_line temporary read_only own_bundle clock clock_anchor"
local FACTS = { authority = "A", store = "S", detail = "D", add = "add", update = "update", now = "now", build = "then", where = "here" }

function TestFinding.test_every_code_has_sentences_and_fills_them()
  for word in CODES:gmatch("%S+") do
    local code = "store." .. word
    local r = finding.bad("kind", "id", "fail", code, FACTS)
    lu.assertNil(result.fault(r), code)
    for _, text in ipairs { r.message, r.remedy, reasons.why(code) } do
      lu.assertStrMatches(text, "%a.*%.", nil, nil, code)
      lu.assertNil(text:find("[%[%]{}]") or text:find("nil", 1, true), code)
    end
  end
end

function TestFinding.test_shapes()
  local note = finding.note("other", "id", "store.own_bundle", FACTS)
  lu.assertEquals({ note.status, note.code, note.cause, note.warnings[1].code }, { "ok", "ok", nil, "store.own_bundle" })
  local warning = finding.bad("x", "id", "warn", "store.differ", FACTS)
  lu.assertEquals({ warning.status, warning.cause, #warning.warnings }, { "warn", "store.differ", 1 })
  lu.assertEquals(#finding.bad("x", "id", "fail", "store.differ", FACTS).warnings, 0)
  lu.assertNil(result.fault(finding.ok("x", "id", "well")))
end

os.exit(lu.LuaUnit.run())
