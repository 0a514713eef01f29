-- Certificates as tables, without DER and without cryptography, for specs of the judge. It puts
-- itself in the place of kedge.core.x509, so load it before the module under test.

local fake = { NOW = 1700000000, DAY = 86400, verified = 0 }

local by_der = {}
local count = 0

local function pad(text)
  return text .. ("."):rep(32 - #text)
end

--- A certificate. fields: name, signer (another one; nil: itself), key_name (another
--- certificate with the same has the same key), and any field of kedge.core.x509 to override
--- (`signed_by` names the key that it is really signed with).
function fake.certificate(fields)
  count = count + 1
  local cert = {
    der = ("der %d of %s"):format(count, fields.name), version = 3, serial = "\1",
    subject = "cn=" .. fields.name, subject_text = "CN=" .. fields.name, algorithms_agree = true,
    signature_hash = "sha256", not_before = fake.NOW - 100 * fake.DAY, not_after = fake.NOW + 100 * fake.DAY,
    key = { type = "ec", curve = "P-256", bits = 256, supported = true }, extensions = {}, unknown_critical = {}, problems = {},
  }
  cert.sha256, cert.spki_sha256 = pad(tostring(count)), pad("key of " .. (fields.key_name or fields.name))
  local signer = fields.signer or cert
  cert.issuer, cert.issuer_text = signer.subject, signer.subject_text
  cert.signed_by = signer.spki_sha256
  for key, value in pairs(fields) do cert[key] = value end
  if cert.basic_constraints == false then cert.basic_constraints = nil end
  by_der[cert.der] = cert
  return cert
end

--- An authority's certificate.
function fake.authority(fields)
  if fields.basic_constraints == nil then fields.basic_constraints = { ca = true, critical = true } end
  fields.key_usage = fields.key_usage or { key_cert_sign = true, critical = true }
  return fake.certificate(fields)
end

--- A server's certificate for the DNS name `name`.
function fake.server(fields)
  fields.subject_alt_name = fields.subject_alt_name or { { type = "dns", value = fields.name } }
  fields.extended_key_usage = fields.extended_key_usage or { "serverAuth" }
  fields.key_usage = fields.key_usage or { digital_signature = true, critical = true }
  return fake.certificate(fields)
end

--- The DER strings of some certificates.
function fake.ders(certs)
  local list = {}
  for i, cert in ipairs(certs) do list[i] = type(cert) == "table" and cert.der or cert end
  return list
end

--- A store (as sources.open gives one) of some certificates; `hidden` ones are only found deep.
function fake.store(certs, hidden)
  local core = {}
  function core.find(_, subject, deep)
    local found = {}
    local function collect(list)
      for _, cert in ipairs(list) do
        if cert.subject == subject then found[#found + 1] = cert.der end
      end
    end
    collect(certs)
    if deep then collect(hidden or {}) end
    return found
  end
  function core.empty()
    return #certs + #(hidden or {}) == 0
  end
  return { name = "a store", source = "store", core = core, warnings = {} }
end

local x509 = {}

function x509.parse(der)
  if by_der[der] then return by_der[der] end
  return nil, "not a certificate", "trust.bad_certificate"
end

function x509.verify(child_der, issuer_der)
  fake.verified = fake.verified + 1
  local child, issuer = by_der[child_der], by_der[issuer_der]
  if not issuer.key.supported then return false, "unsupported", "a key that cannot be used" end
  if child.signed_by == issuer.spki_sha256 then return true end
  return false, "bad_signature", "the signature is wrong"
end

package.loaded["kedge.core.x509"] = x509

return fake
