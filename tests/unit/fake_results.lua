-- One report's worth of results: every status, every stage, hostile strings.

local fake = dofile "tests/unit/fake_seen.lua"
local explain = require "kedge.explain"

local results = {}

local HOSTILE = "\27[31mred\n\u{202e}drow\xff\"\\</script>"

local function named(seen, id, host, protocol)
  seen.target = { id = id, host = host, port = 443, labels = { region = "Europe", protocol = protocol } }
  return seen
end

--- A list of results, the same each time.
function results.all()
  local good = fake.verdicts(fake.verdict())
  local missing = fake.verdicts(fake.verdict("trust.unknown_issuer"), fake.verdict(nil, "ats"))
  fake.certificate(HOSTILE, HOSTILE)
  local unknown = fake.verdicts(fake.verdict("trust.unknown_issuer", nil, nil, { path = {} }))
  local list = {
    explain.result(named(fake.seen(), "eu/base/h2", "alexa.eu.gateway.devices.a2z.com", "h2"), good),
    explain.result(named(fake.seen { h2 = false, http = { version = "1.1", status = 403, body = HOSTILE } }, "eu/base/http1",
      "alexa.eu.gateway.devices.a2z.com", "http1"), good),
    explain.result(named(fake.seen(), "eu/legacy/h2", "avs-alexa-eu.amazon.com", "h2"), good,
      { ok = false, status = "warn", code = "http.unexpected_body", expected = "connection established" }),
    explain.result(named(fake.seen(), "a/h2", "a.example", "h2"), missing),
    explain.result(named(fake.seen(), "b/h2", "b.example", "h2"), missing),
    explain.result(named(fake.seen { chain = { HOSTILE, "not a certificate" } }, "hostile/h2", "hostile.example", "h2"), unknown),
    explain.result(named(fake.stopped("tls", "tls.not_tls", "the first bytes are " .. HOSTILE), "plain/tls", "plain.example", "tls")),
    explain.result(named(fake.stopped("tcp", "tcp.refused"), "closed/auto", ("long"):rep(15) .. ".example", "auto")),
    explain.result(named(fake.stopped("dns", "dns.nxdomain"), "absent/auto", "absent.example", "auto")),
    explain.result(named(fake.stopped("alpn", "alpn.none"), "no/h2", "no-h2.example", "h2"), good),
    explain.result(named(fake.stopped("h2", "h2.goaway", HOSTILE, { h2 = { settings = {}, goaway = { code = 11,
      name = "ENHANCE_YOUR_CALM",
      debug = HOSTILE } } }), "calm/h2", "calm.example", "h2"), good),
    explain.result(named(fake.stopped("http", "http.timeout"), "slow/h2", "slow.example", "h2"), good),
    explain.result(named(fake.stopped("tls", "local.interrupted"), "late/h2", "late.example", "h2")),
  }
  list[1].values = { queue = 3, depth_ms = 1.5, nested = { list = { 1, "two" }, [HOSTILE] = HOSTILE } }
  return list
end

--- A report as kedge.report makes it, with one output whose text is collected:
-- report, text function. `traits` as from kedge.terminal.
function results.report(format_name, traits, opts)
  local written = {}
  local out = {
    format = require("kedge.formats." .. format_name), traits = traits, width = traits.width, state = {}, verbose = opts and opts.verbose,
    write = function(_, ...) for _, text in ipairs { ... } do written[#written + 1] = text end end,
    escape = function(_, text) return require("kedge.show").escape(text, traits.ascii) end,
    paint = function(_, colour, text) return traits.colour and text ~= "" and ("<%s>%s</>"):format(colour, text) or text end,
    flush = function() end, is_busy = function() return false end,
  }
  package.loaded["kedge.output"].close = function() return true end
  local ticks = 0
  local report = require("kedge.report").new("regions",
      opts or { stores = { trust = { name = "/etc/store.pem" }, reference = { name = "ats" } } },
    { out }, fake.NOW, function() ticks = ticks + 0.2 return ticks end)
  return report, function() return table.concat(written) end
end

return results
