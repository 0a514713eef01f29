-- A parsed certificate as people read it: in results, and for scripts. Text is
-- the issuer's choice: valid UTF-8 and cut to a bound here, escaped by the formats.

local instant = require "kedge.instant"
local limits = require "kedge.limits"
local name = require "kedge.name"
local show = require "kedge.show"

local certificate = {}

local DAY = 86400

local function short(text)
  return text and (show.cut_utf8(text, limits.text_shown))
end

local function when(seconds)
  return seconds and instant.format(seconds) or nil
end

local function key_text(key)
  if key.type == "rsa" then return "RSA " .. (key.bits or "?") end
  if key.type == "ec" then return "EC " .. (key.curve or "?") end
  return (key.type:gsub("^ed25519$", "Ed25519"))
end

-- Host names and addresses as they are, others with their kind in front.
local function alternative(entry)
  if entry.type == "dns" then return short(entry.value) end
  if entry.type == "ip" then return name.show_address(entry.value) end
  if entry.type == "email" or entry.type == "uri" then return entry.type .. ":" .. short(entry.value) end
  return entry.type
end

local function alternatives(cert)
  if not cert.subject_alt_name then return nil end
  local list = {}
  for i, entry in ipairs(cert.subject_alt_name) do
    if i > limits.names_shown then
      list[i] = ("and %d more"):format(#cert.subject_alt_name - limits.names_shown)
      break
    end
    list[i] = alternative(entry)
  end
  return list
end

--- The fields that a result shows of a certificate (of kedge.core.x509). `now`:
--- unix seconds that days_left counts from, or nil.
function certificate.fields(cert, now)
  return {
    subject = short(cert.subject_text), issuer = short(cert.issuer_text), serial = show.hex(cert.serial),
    not_before = when(cert.not_before), not_after = when(cert.not_after),
    days_left = cert.not_after and now and (cert.not_after - now) // DAY or nil,
    key = key_text(cert.key), signature = cert.signature_algorithm, san = alternatives(cert),
    sha256 = show.hex(cert.sha256), spki_sha256 = show.hex(cert.spki_sha256),
  }
end

--- What scripts get of a certificate: the same, and what a result has no place for.
function certificate.public(cert, now)
  local public = certificate.fields(cert, now)
  local basic = cert.basic_constraints or {}
  public.der, public.pem = cert.der, require("kedge.core.x509").encode_pem(cert.der)
  public.version = cert.version
  public.starts, public.ends = cert.not_before, cert.not_after
  public.ca, public.path_length = basic.ca == true, basic.path_length
  public.key_usage, public.extended_key_usage = cert.key_usage, cert.extended_key_usage
  return public
end

return certificate
