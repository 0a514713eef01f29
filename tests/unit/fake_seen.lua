-- Made-up observations and verdicts. Certificates are tables; their "DER" is
-- their name, which a stand-in for kedge.memo knows.

local fake = {}

local NOW, DAY = 1795420800, 86400 -- 2026-11-23T08:00:00Z
fake.NOW, fake.DAY = NOW, DAY

local certificates = {}
package.loaded["kedge.memo"] = {
  certificate = function(der) return certificates[der] end,
}

--- A certificate as kedge.core.x509 would give it.
function fake.certificate(name, issuer, fields)
  local cert = {
    der = name, subject_text = "CN=" .. name, issuer_text = "CN=" .. issuer, not_before = NOW - 100 * DAY, not_after = NOW + 200 * DAY,
    serial = "\5",
    key = { type = "rsa", bits = 2048 }, sha256 = ("%-32s"):format(name):sub(1, 32), spki_sha256 = ("%32s"):format(name):sub(-32),
  }
  for key, value in pairs(fields or {}) do cert[key] = value end
  certificates[name] = cert
  return cert
end

fake.leaf = fake.certificate("host.example", "M01")
fake.middle = fake.certificate("M01", "Root 1")
fake.root = fake.certificate("Root 1", "Root 1", { key = { type = "ec", curve = "P-256" } })

--- An observation of a check that went well; fields of `change` override it, false removes.
function fake.seen(change)
  local seen = {
    target = { id = "na/base/h2", host = "alexa.example", name = "alexa.example", port = 443, labels = { region = "North America" } },
    clock = { device = NOW, build = NOW - 30 * DAY }, dns = { addresses = { "192.0.2.1" }, ms = 1.25 },
    tcp = { address = "192.0.2.1", attempts = { { address = "192.0.2.1", ms = 20 } }, ms = 20 },
    tls = { version = "TLSv1.2", cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", group = "x25519", alpn = "h2", ms = 44 },
    chain = { "host.example", "M01" }, h2 = { settings = { { id = 3, name = "MAX_CONCURRENT_STREAMS",
      value = 128 } }, ping_ms = 21.3, ms = 21 },
    http = { version = "2", status = 200, headers = {}, body = "all is well", ms = 22 }, total_ms = 108.9,
  }
  for key, value in pairs(change or {}) do seen[key] = value or nil end
  return seen
end

--- An observation that ended at `stage` with `code`; the stages behind it are absent.
function fake.stopped(stage, code, detail, change)
  local seen = fake.seen(change)
  local behind = false
  for _, name in ipairs { "dns", "tcp", "tls", "h2", "http" } do
    if behind then seen[name] = nil end
    if name == stage then behind = true end
  end
  if stage == "h2" or stage == "http" then seen.http = nil end
  if stage == "dns" or stage == "tcp" then seen.chain = nil end
  if stage == "tcp" then seen.tcp.address = nil end
  seen.stopped = { stage = stage, code = code, detail = detail }
  return seen
end

--- A verdict; without a code a good one that ends in `fake.root`.
function fake.verdict(code, store, failures, change)
  local verdict = { code = code or "ok", accepted = not code, store = store or "/etc/store.pem", time = NOW, policy = "webpki",
    path = { fake.leaf, fake.middle }, failures = failures or {}, warnings = {}, anchor = not code and fake.root or nil }
  if code and not failures then verdict.failures[1] = { rule = "rule", code = code, certificate = 0, detail = "a detail" } end
  for key, value in pairs(change or {}) do verdict[key] = value end
  return verdict
end

--- Verdicts by the device's store and, where given, by a reference.
function fake.verdicts(trust, reference)
  return { trust = trust, reference = reference, accepted = trust.accepted and (not reference or reference.accepted) }
end

return fake
