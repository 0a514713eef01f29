local lu = require "luaunit"
local compare = require "kedge.compare"

local function verdict(code)
  return { code = code, accepted = code == "ok" }
end

-- the device's, the reference's, together, whose verdict explains it
local CASES = {
  { "ok", nil, "ok", "trust" },
  { "trust.expired", nil, "trust.expired", "trust" },
  { "ok", "ok", "ok", "trust" },
  { "trust.unknown_issuer", "ok", "trust.missing_ca", "trust" },
  { "trust.no_store", "ok", "trust.no_store", "trust" },
  { "ok", "trust.unknown_issuer", "trust.not_ats", "reference" },
  { "trust.unknown_issuer", "trust.expired", "trust.expired", "reference" },
  { "trust.expired", "trust.unknown_issuer", "trust.expired", "trust" },
  { "trust.expired", "trust.not_yet_valid", "trust.not_yet_valid", "reference" },
  { "trust.unknown_issuer", "trust.unknown_issuer", "trust.unknown_issuer", "trust" },
  { "local.limit", "trust.bad_signature", "trust.bad_signature", "reference" },
}

TestCompare = {}

function TestCompare.test_two_verdicts()
  for i, case in ipairs(CASES) do
    local verdicts = { trust = verdict(case[1]), reference = case[2] and verdict(case[2]) }
    local code, explains = compare.verdicts(verdicts.trust, verdicts.reference)
    lu.assertEquals(code, case[3], i)
    lu.assertIs(explains, verdicts[case[4]])
  end
end

os.exit(lu.LuaUnit.run("-o", "tap"))
