-- Real chains of Amazon Trust Services, where they lie beside the checkout.

local lu = require "luaunit"
local core_store = require "kedge.core.store"
local judge = require "kedge.judge"
local sources = require "kedge.sources"
local x509 = require "kedge.core.x509"

local FOLDER = "../shared/ats/"
local MARCH_2024 = 1710417600 -- 2024-03-14T12:00:00Z
local MARCH_2025 = 1742040000 -- 2025-03-15T12:00:00Z
local NOVEMBER_2026 = 1795392000 -- "today" when the table was made, fixed so that the test stays the same

local STARFIELD_G2 = "\x2b\x07\x1c\x59\xa0\xa0\xae\x76\xb0\xea\xdb\x2b\xad\x23\xba\xd4"
  .. "\x58\x0b\x69\xc3\x60\x1b\x63\x0c\x2e\xaf\x06\x13\xaf\xa8\x3f\x92"

-- chain, endpoint, time, code
local CASES = {
  { "valid-rootca1", "valid.rootca1", MARCH_2025, "ok" },
  { "valid-rootca2", "valid.rootca2", MARCH_2025, "ok" },
  { "valid-rootca3", "valid.rootca3", MARCH_2025, "ok" },
  { "valid-rootca4", "valid.rootca4", MARCH_2025, "ok" },
  { "expired-rootca1", "expired.rootca1", NOVEMBER_2026, "trust.expired" },
  { "expired-rootca1", "expired.rootca1", MARCH_2024, "ok" },
  { "valid-rootca1", "expired.rootca1", MARCH_2025, "trust.name_mismatch" },
}

local function chain(file)
  local handle = io.open(FOLDER .. file .. "-chain.pem")
  if not handle then
    print(("# figures: Amazon's chains: skipped, %s is not there"):format(FOLDER))
    lu.skip(FOLDER .. " is not there")
  end
  local ders = {}
  for i, block in ipairs(x509.pem(handle:read "a")) do ders[i] = block.der end
  handle:close()
  return ders
end

local function judged(case, store)
  return judge.chain(chain(case[1]), store, {
    time = case[3], at_given = true, name = { dns = case[2] .. ".demo.amazontrust.com" },
  })
end

local function compare(store)
  for _, case in ipairs(CASES) do
    lu.assertEquals(judged(case, store).code, case[4], ("%s at %d"):format(case[1], case[3]))
  end
end

TestAts = {}

function TestAts.test_by_the_embedded_anchors()
  local store = assert(sources.open { "ats" })
  compare(store)
  lu.assertEquals(judged(CASES[1], store).indices, { 0, 1 })
end

function TestAts.test_by_the_system()
  local store = assert(sources.open { "system" })
  if store.core:empty() then lu.skip("this system has no trust store") end
  compare(store)
end

function TestAts.test_through_starfield_alone()
  local ats = assert(sources.open { "ats" })
  local store = { name = "Starfield Services G2", core = core_store.new "one" }
  for _, der in ipairs(ats.core:find_spki(STARFIELD_G2)) do store.core:add_der(der, "one") end
  compare(store)
  lu.assertEquals(judged(CASES[1], store).indices, { 0, 1, 2 })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
