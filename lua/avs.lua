-- The Alexa Voice Service as data: regions, countries, hosts, and the
-- authorities that its certificates end in.

local avs = {}

--- Regions in the order of reports: code, name, countries, hosts by endpoint.
avs.regions = {
  {
    code = "fe", name = "Asia",
    countries = { "Australia", "Japan", "New Zealand" },
    base = "alexa.fe.gateway.devices.a2z.com", legacy = "avs-alexa-fe.amazon.com",
  },
  {
    code = "eu", name = "Europe",
    countries = { "Austria", "France", "Germany", "India", "Italy", "Saudi Arabia", "United Arab Emirates", "Spain",
      "United Kingdom" },
    base = "alexa.eu.gateway.devices.a2z.com", legacy = "avs-alexa-eu.amazon.com",
  },
  {
    code = "na", name = "North America",
    countries = { "Brazil", "Canada", "Mexico", "United States" },
    base = "alexa.na.gateway.devices.a2z.com", legacy = "avs-alexa-na.amazon.com",
  },
}

--- The endpoints of a region, in the order of reports.
avs.endpoints = { "base", "legacy" }

--- What the h2 endpoints say to a GET, in any case, when all is well.
avs.message = "connection established with ATS certificate"

--- The certificate authorities: subject's common name, file in trust/, and
-- SHA-256 of the SubjectPublicKeyInfo in lower-case hexadecimal.
avs.authorities = {
  { name = "Amazon Root CA 1", file = "AmazonRootCA1.pem",
    spki_sha256 = "fbe3018031f9586bcbf41727e417b7d1c45c2f47f93be372a17b96b50757d5a2" },
  { name = "Amazon Root CA 2", file = "AmazonRootCA2.pem",
    spki_sha256 = "7f4296fc5b6a4e3b35d3c369623e364ab1af381d8fa7121533c9d6c633ea2461" },
  { name = "Amazon Root CA 3", file = "AmazonRootCA3.pem",
    spki_sha256 = "36abc32656acfc645c61b71613c4bf21c787f5cabbee48348d58597803d7abc9" },
  { name = "Amazon Root CA 4", file = "AmazonRootCA4.pem",
    spki_sha256 = "f7ecded5c66047d28ed6466b543c40e0743abe81d109254dcf845d4c2c7853c5" },
  { name = "Starfield Services Root Certificate Authority - G2", file = "StarfieldServicesRootCertificateAuthority-G2.pem",
    spki_sha256 = "2b071c59a0a0ae76b0eadb2bad23bad4580b69c3601b630c2eaf0613afa83f92" },
  { name = "Starfield Class 2 Certification Authority", file = "StarfieldClass2CertificationAuthority.pem",
    spki_sha256 = "15f14ac45c9c7da233d3479164e8137fe35ee0f38ae858183f08410ea82ac4b4" },
}

-- "United_Kingdom", "united-kingdom" and "United Kingdom" are one word.
local function folded(word)
  return (word:lower():gsub("[%s_-]+", " "))
end

--- The region that `word` names: its code, its name or one of its countries,
-- in any case. nil and "" or a hint at the nearest word if there is none.
function avs.region(word)
  local words = {}
  for _, region in ipairs(avs.regions) do
    local names = { region.code, region.name, table.unpack(region.countries) }
    for _, name in ipairs(names) do
      if folded(name) == folded(word) then return region end
      words[#words + 1] = name
    end
  end
  return nil, require("kedge.nearest").hint(folded(word), words)
end

return avs
