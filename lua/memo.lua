-- Certificates that were parsed and signatures that were checked, remembered for the run: both are
-- facts about bytes, so the judge stays pure. Bounded by two halves: when the young one is full, the
-- old one is forgotten; what is still asked for moves over.

local limits = require "kedge.limits"
local x509 = require "kedge.core.x509"

local memo = {}

local function remember(limit)
  local half, young, old, count = limit // 2, {}, {}, 0
  local function put(key, value)
    if count >= half then
      old, young, count = young, {}, 0
    end
    young[key], count = value, count + 1
  end
  local function get(key)
    local value = young[key]
    if value ~= nil then return value end
    value = old[key]
    if value ~= nil then
      old[key] = nil
      put(key, value)
    end
    return value
  end
  return get, put
end

local certificate_of, keep_certificate = remember(limits.remembered)
local signature_of, keep_signature = remember(limits.remembered)

--- The parsed certificate (kedge.core.x509's table, the same one each time); nil and a sentence.
function memo.certificate(der)
  local known = certificate_of(der)
  if known then return known end
  local cert, message = x509.parse(der)
  if not cert then return nil, message end
  keep_certificate(der, cert)
  return cert
end

--- Whether the issuer's key verifies the child's signature: "good", "bad_signature" or
--- "unsupported", a sentence or nil, and whether it had to be computed now.
function memo.signature(child, issuer)
  local key = child.sha256 .. issuer.spki_sha256
  local known = signature_of(key)
  if known then return known.status, known.detail, false end
  local good, why, detail = x509.verify(child.der, issuer.der)
  known = { status = good and "good" or why, detail = detail }
  keep_signature(key, known)
  return known.status, known.detail, true
end

return memo
