-- The rules that a certificate of a path has to keep, as a table. A row says in which policies it
-- holds, for which places of a path, and how to look. Another policy is another entry in SETTINGS and
-- another column of the table.
--
-- A place is "leaf", "pinned" (a leaf that is itself an anchor), "issuer" (between the two) or
-- "anchor". A check gets the certificate, where it stands (`at`: time, name, usage, settings, and
-- for issuers `below`, how many certificates of authorities that are not self-issued stand between
-- it and the leaf) and gives a sentence if the rule is broken, else nil.

local name = require "kedge.name"

local policy = {}

local SETTINGS = {
  webpki = { rsa_bits = 2048, hashes = { sha256 = true, sha384 = true, sha512 = true } },
}

-- A verdict's code is the first of these that it holds; of two verdicts the one further down got further.
local ORDER = {
  "local.limit", "trust.bad_certificate", "trust.bad_signature", "trust.unsupported", "trust.no_store",
  "trust.self_signed", "trust.incomplete_chain", "trust.unknown_issuer", "trust.name_mismatch", "trust.not_ca",
  "trust.path_length", "trust.name_constraints", "trust.critical_extension", "trust.bad_usage",
  "trust.weak_key", "trust.weak_signature", "trust.clock", "trust.expired", "trust.not_yet_valid", "ok",
}

local USAGE_NAMES = { serverAuth = "TLS servers", clientAuth = "TLS clients" }

local function has(list, wanted)
  for _, value in ipairs(list) do
    if value == wanted then return true end
  end
  return false
end

local function key_text(key)
  if key.type == "rsa" then return ("RSA %d"):format(key.bits or 0) end
  return key.curve or key.type
end

local check = {}

function check.dates_readable(cert)
  if not cert.not_before or not cert.not_after then return "its dates cannot be read" end
end

function check.algorithms_agree(cert)
  if cert.algorithms_agree == false then return "it names two different signature algorithms (RFC 5280 §4.1.1.2)" end
end

function check.issuer_named(cert)
  if cert.issuer == "" then return "its issuer has no name (RFC 5280 §4.1.2.4)" end
end

local RSA_BITS_MAX, EXPONENT_BYTES_MAX = 4096, 8 -- of core/key.h

-- What of a key is beyond what kedge can use, where its kind is not.
local function too_much(key)
  if key.type ~= "rsa" then return "" end
  if (key.bits or 0) > RSA_BITS_MAX then return (", %d are the most"):format(RSA_BITS_MAX) end
  if (key.exponent_length or 0) > EXPONENT_BYTES_MAX then
    return (", and a public exponent of %d bytes, where %d are the most"):format(key.exponent_length, EXPONENT_BYTES_MAX)
  end
  return ", with an exponent or a modulus that no RSA key has"
end

function check.key_supported(cert)
  if not cert.key.supported then return ("kedge cannot use its key (%s%s)"):format(key_text(cert.key), too_much(cert.key)) end
end

function check.name(cert, at)
  if not at.name then return nil end
  local matches, detail = name.match(cert, at.name)
  return not matches and detail or nil
end

-- A certificate of version 1 cannot say that it is an authority's; such anchors are still about.
function check.authority(cert, at)
  local constraints = cert.basic_constraints
  if constraints and constraints.ca then return nil end
  if at.place == "anchor" and cert.version < 3 and cert.subject == cert.issuer then return nil end
  return "it signs certificates, but is not marked as an authority's"
end

function check.path_length(cert, at)
  local most = cert.basic_constraints and cert.basic_constraints.path_length
  if most and at.below > most then return ("it allows %d authorities below it, there are %d"):format(most, at.below) end
end

function check.depth(_, at)
  if at.depth and at.below > at.depth then
    return ("intermediate certificates in the path: %d, allowed: %d"):format(at.below, at.depth)
  end
end

function check.critical_extensions(cert)
  local oid = cert.unknown_critical and cert.unknown_critical[1]
  if oid then return ("kedge does not know its critical extension %s"):format(oid) end
end

-- Refused even where they are not critical: every client that matters to a device applies them.
function check.name_constraints_unknown(cert)
  local constraints = cert.name_constraints
  if constraints then
    return ("kedge does not judge its name constraints yet (%scritical)"):format(constraints.critical and "" or "not ")
  end
end

function check.certificate_signing(cert)
  if cert.key_usage and not cert.key_usage.key_cert_sign then
    return "its key usage does not allow signing certificates"
  end
end

-- Any of the three, since the judge does not ask which key exchange was used.
function check.server_key_usage(cert)
  local usage = cert.key_usage
  if not usage or usage.digital_signature or usage.key_encipherment or usage.key_agreement then return nil end
  return "its key usage does not allow TLS"
end

-- "Any usage" is none of TLS: OpenSSL, and so curl, refuses it, and the CA/Browser Forum forbids it.
function check.extended_usage(cert, at)
  local usages = cert.extended_key_usage
  if not usages or has(usages, at.usage) then return nil end
  return ("its extended key usage does not allow %s"):format(USAGE_NAMES[at.usage] or at.usage)
end

function check.key_size(cert, at)
  if cert.key.type == "rsa" and cert.key.bits < at.settings.rsa_bits then
    return ("its RSA key has %d bits, %d are needed"):format(cert.key.bits, at.settings.rsa_bits)
  end
end

function check.signature_hash(cert, at)
  local hash = cert.signature_hash
  if hash and not at.settings.hashes[hash] then return ("it is signed with %s"):format(hash:upper()) end
end

local function day(time)
  return require("kedge.instant").format(time)
end

-- RFC 5280 §4.1.2.5: both ends belong to the time of validity.
function check.not_expired(cert, at)
  if cert.not_after and at.time > cert.not_after then return "it ended on " .. day(cert.not_after) end
end

function check.already_valid(cert, at)
  if cert.not_before and at.time < cert.not_before then return "it begins on " .. day(cert.not_before) end
end

local EVERY = { "leaf", "pinned", "issuer", "anchor" }
local LEAF = { "leaf", "pinned" }
local AUTHORITY = { "issuer", "anchor" }
local BELOW_ANCHOR = { "leaf", "issuer" }

-- rule, code, places, check, policies
local RULES = {
  { "dates_readable", "bad_certificate", EVERY, check.dates_readable, webpki = true },
  { "algorithms_agree", "bad_certificate", EVERY, check.algorithms_agree, webpki = true },
  { "issuer_named", "bad_certificate", EVERY, check.issuer_named, webpki = true },
  { "key_supported", "unsupported", LEAF, check.key_supported, webpki = true },
  { "name", "name_mismatch", LEAF, check.name, webpki = true },
  { "authority", "not_ca", AUTHORITY, check.authority, webpki = true },
  { "path_length", "path_length", AUTHORITY, check.path_length, webpki = true },
  { "depth", "path_length", AUTHORITY, check.depth, webpki = true },
  { "critical_extensions", "critical_extension", EVERY, check.critical_extensions, webpki = true },
  { "name_constraints", "critical_extension", EVERY, check.name_constraints_unknown, webpki = true },
  { "certificate_signing", "bad_usage", AUTHORITY, check.certificate_signing, webpki = true },
  { "server_key_usage", "bad_usage", LEAF, check.server_key_usage, webpki = true },
  { "extended_usage", "bad_usage", EVERY, check.extended_usage, webpki = true },
  { "key_size", "weak_key", EVERY, check.key_size, webpki = true },
  { "signature_hash", "weak_signature", BELOW_ANCHOR, check.signature_hash, webpki = true },
  { "not_expired", "expired", EVERY, check.not_expired, webpki = true },
  { "already_valid", "not_yet_valid", EVERY, check.already_valid, webpki = true },
}

local function compile(policy_name, settings)
  local compiled = { name = policy_name, settings = settings, leaf = {}, pinned = {}, issuer = {}, anchor = {} }
  for _, row in ipairs(RULES) do
    for _, place in ipairs(row[policy_name] and row[3] or {}) do
      table.insert(compiled[place], { rule = row[1], code = "trust." .. row[2], check = row[4] })
    end
  end
  return compiled
end

local compiled = {}
for policy_name, settings in pairs(SETTINGS) do compiled[policy_name] = compile(policy_name, settings) end

local ranks = {}
for i, code in ipairs(ORDER) do ranks[code] = i end

--- The policy of that name, for `policy.failures`; nil and a sentence if there is none.
function policy.get(policy_name)
  if compiled[policy_name] then return compiled[policy_name] end
  return nil, ("there is no policy %q; webpki is the one that there is"):format(policy_name)
end

--- Where a code stands in the order of a verdict's codes, from 1; "ok" is last, what is unknown first.
function policy.rank(code)
  return ranks[code] or 0
end

--- The first in that order of the failures' codes, "ok" if there are none.
function policy.first_code(failures)
  local code = "ok"
  for _, failure in ipairs(failures) do
    if policy.rank(failure.code) < policy.rank(code) then code = failure.code end
  end
  return code
end

--- Every rule of the policy that a certificate breaks at the place `at.place`, as a list of
--- { rule=, code=, detail= }; nil when it keeps them all.
function policy.failures(held, cert, at)
  local found
  for _, row in ipairs(held[at.place]) do
    local detail = row.check(cert, at)
    if detail then
      found = found or {}
      found[#found + 1] = { rule = row.rule, code = row.code, detail = detail }
    end
  end
  return found
end

return policy
