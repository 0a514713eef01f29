local lu = require "luaunit"
local avs = require "kedge.avs"
local embedded = require "kedge.core.embedded"
local x509 = require "kedge.core.x509"

TestAvs = {}

-- what a user types, region
local REGIONS = {
  { "na", "na" }, { "EU", "eu" }, { "Asia", "fe" }, { "japan", "fe" }, { "United Kingdom", "eu" }, { "united-kingdom", "eu" },
  { "UNITED_STATES", "na" }, { "north america", "na" }, { "Saudi Arabia", "eu" }, { "new zealand", "fe" }, { "atlantis", nil },
}

function TestAvs.test_regions()
  for _, case in ipairs(REGIONS) do
    local region = avs.region(case[1])
    lu.assertEquals(region and region.code, case[2], case[1])
  end
  lu.assertStrContains(select(2, avs.region("Germny")), "Germany")
end

function TestAvs.test_the_seeds_table()
  local countries = 0
  for _, region in ipairs(avs.regions) do
    countries = countries + #region.countries
    lu.assertEquals(region.base, ("alexa.%s.gateway.devices.a2z.com"):format(region.code))
    lu.assertEquals(region.legacy, ("avs-alexa-%s.amazon.com"):format(region.code))
  end
  lu.assertEquals({ #avs.regions, countries, #avs.authorities }, { 3, 16, 6 })
end

function TestAvs.test_anchors_are_those_that_the_seed_names()
  local files = {}
  for _, anchor in ipairs(embedded.anchors()) do files[anchor.name] = anchor.text end
  for _, authority in ipairs(avs.authorities) do
    local cert = assert(x509.parse(x509.pem(assert(files[authority.file], authority.file))[1].der))
    lu.assertEquals(x509.hex(cert.spki_sha256), authority.spki_sha256)
    lu.assertStrContains(cert.subject_text, authority.name)
  end
  lu.assertEquals(#embedded.anchors(), #avs.authorities)
end

os.exit(lu.LuaUnit.run("-o", "tap"))
