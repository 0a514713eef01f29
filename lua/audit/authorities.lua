-- What became of each of the six authorities, by public key: in which stores it is, and why not in the others. Pure.

local chains = require "kedge.audit.chains"
local config = require "kedge.audit.config"
local finding = require "kedge.audit.finding"
local path = require "kedge.path"
local x509 = require "kedge.core.x509"

local authorities = {}

local FOUR, SERVICES, CLASS2 = 4, 5, 6

local DATE_CODES = { ["trust.expired"] = "store.expired", ["trust.not_yet_valid"] = "store.not_yet_valid" }

local function describe(cert)
  local what = cert.subject == cert.issuer and "self-signed" or "issued by " .. cert.issuer_text
  return ("%s, %s, sha256 %s"):format(cert.subject_text, what, x509.hex(cert.sha256))
end

-- Whether path building takes `other` for `cert`, whose key it has: by name, and by key identifier where it has one.
local function fits(other, cert)
  return other.subject == cert.subject and (not other.subject_key_id or other.subject_key_id == cert.subject_key_id)
end

-- The authority in one store: { state= "usable" or "cross_signed" (path building can use it, but it isn't self-signed),
-- cert= } or, where it can't be used, { code=, detail= } if it is there and {} if not.
local function look(store, cert, time)
  local seen = {}
  for _, entry in ipairs(store.by_key[cert.spki_sha256] or {}) do
    local other = entry.cert
    local faults = chains.faults(other, time)
    if faults then
      seen.code, seen.detail = seen.code or DATE_CODES[faults[1].code] or "store.unusable", seen.detail or faults[1].detail
    elseif not fits(other, cert) then
      seen.code = "store.cross_signed"
      seen.detail = describe(other) .. "; path building cannot use it, since its name or key identifier is another one"
    elseif path.is_self_signed(other) then
      return { state = "usable", cert = other }
    else
      seen.state, seen.cert = "cross_signed", other
    end
  end
  return seen
end

-- The file on the disk that says most about why a store lacks the authority.
local CODES = { disabled = "store.disabled", unlisted = "store.not_configured", dropped = "store.broken_line",
  enabled = "store.not_applied" }
local RANKS = { enabled = 1, dropped = 2, disabled = 3, unlisted = 4 }

local function on_disk(files, cert)
  local best
  for _, file in ipairs(files.list) do
    if file.by_key[cert.spki_sha256] and (not best or RANKS[file.standing] < RANKS[best.standing]) then best = file end
  end
  if best then return CODES[best.standing], best.path .. (best.where and "; " .. best.where or "") end
end

local function line_without_file(files, place, list)
  for _, entry in ipairs(files.missing) do
    if config.promised(entry.name, list) == place then return "store.no_file", ("%s: %s"):format(entry.where, entry.name) end
  end
end

-- A certificate that goes by the authority's name, or a file of its name, with another key.
local function wrong_content(facts, place, cert)
  local function check(entry, promised)
    if entry.cert.spki_sha256 == cert.spki_sha256 then return nil end
    if entry.cert.subject ~= cert.subject and promised ~= place then return nil end
    return "store.wrong_content", ("%s holds %s"):format(entry.file, describe(entry.cert))
  end
  local sources = { table.unpack(facts.stores) }
  for _, file in ipairs(facts.files.list) do sources[#sources + 1] = file end
  for _, source in ipairs(sources) do
    for _, entry in ipairs(source.entries) do
      local code, detail = check(entry, source.name ~= "bundle" and config.promised(entry.file, facts.authorities))
      if code then return code, detail end
    end
  end
  for _, file in ipairs(facts.files.list) do
    if #file.entries == 0 and config.promised(file.path, facts.authorities) == place then
      return "store.wrong_content", file.path .. " holds no certificate that can be read"
    end
  end
end

-- Why the authority is not usable everywhere: code and detail.
local function reason(facts, place, cert, looks)
  local cross
  for _, seen in ipairs(looks) do
    if seen.code and not seen.state then return seen.code, seen.detail end
    cross = cross or seen.state == "cross_signed" and seen.cert
  end
  if cross then return "store.cross_signed", describe(cross) .. "; path building can use it" end
  local code, detail = on_disk(facts.files, cert)
  if not code then code, detail = line_without_file(facts.files, place, facts.authorities) end
  if not code then code, detail = wrong_content(facts, place, cert) end
  return code or "store.absent", detail
end

local function places_of(looks, facts, wanted)
  local names = {}
  for i, seen in ipairs(looks) do
    if (seen.state ~= nil) == wanted then names[#names + 1] = facts.stores[i].path end
  end
  return table.concat(names, " and ")
end

local function state_of(code)
  return code:match("%.(.*)$")
end

-- Why the tool's next run takes an authority out of the store that is in it now: a sentence, or nil.
local function lost_next(facts, cert)
  if not facts.layout.configuration then return nil end
  local code, detail = on_disk(facts.files, cert)
  if not code then return "no file that the configuration takes in holds it" end
  if code == "store.disabled" then return "it is switched off: " .. detail end
  return code ~= "store.not_applied" and "its file is not taken in: " .. detail or nil
end

-- Beside a sound certificate there may be one that only goes by its name.
local function sound(facts, place, cert, looks, values)
  local name, id = facts.authorities[place].name, "authority/" .. facts.authorities[place].name
  local code, detail = wrong_content(facts, place, cert)
  if code then
    return finding.bad("authority", id, "warn", code, facts:with { authority = name, detail = detail }, values)
  end
  detail = lost_next(facts, cert)
  if detail then
    values.state = "only_live"
    return finding.bad("authority", id, "warn", "store.only_live", facts:with { authority = name, detail = detail }, values)
  end
  values.state = looks[1].cert.sha256 == cert.sha256 and "present" or "reissued"
  local note = values.state == "reissued" and (", re-issued: " .. describe(looks[1].cert)) or ""
  return finding.ok("authority", id, ("%s is in %s%s."):format(name, places_of(looks, facts, true), note), values)
end

--- What is to be said about the authority at `place` of the list: a result. `failing` is true where a chain to it
--- can't be verified with some store, `all_verify` where chains to all four roots can be with every one.
function authorities.finding(facts, place, failing, all_verify)
  local cert, name, looks, usable = facts.reference[place], facts.authorities[place].name, {}, true
  for i, store in ipairs(facts.stores) do
    looks[i] = look(store, cert, facts.time)
    usable = usable and looks[i].state == "usable"
  end
  local values = { spki_sha256 = facts.authorities[place].spki_sha256 }
  if usable and #looks > 0 then return sound(facts, place, cert, looks, values) end
  local code, detail = reason(facts, place, cert, looks)
  values.state, values.present = state_of(code), places_of(looks, facts, true)
  local told = facts:with { authority = name, detail = detail, store = places_of(looks, facts, false) }
  if code == "store.cross_signed" then told.store = facts.stores[1].path end
  local id = "authority/" .. name
  if place == CLASS2 and all_verify and code == "store.absent" then
    return finding.note("authority", id, "store.class2_absent", told, values)
  end
  local disagrees = place <= SERVICES and values.present ~= "" and places_of(looks, facts, false) ~= ""
  return finding.bad("authority", id, (failing or disagrees) and "fail" or "warn", code, told, values)
end

--- Where one of the four roots or Services G2 is usable in one store and not in the other: a list of results.
function authorities.disagreements(facts)
  local results = {}
  for place = 1, #facts.stores > 1 and SERVICES or 0 do
    local with, without = {}, {}
    for _, store in ipairs(facts.stores) do
      local list = look(store, facts.reference[place], facts.time).state and with or without
      list[#list + 1] = store.path
    end
    if #with > 0 and #without > 0 then
      local name = facts.authorities[place].name
      local detail = ("%s is usable in %s, but not in %s"):format(name, table.concat(with, ", "), table.concat(without, ", "))
      results[#results + 1] = finding.bad("agreement", "agreement/" .. name, "fail", "store.disagree", facts:with { detail = detail })
    end
  end
  return results
end

local WAYS = { services = "store.through_services", class2 = "store.through_class2" }

local function chain_finding(facts, store, place, judged)
  local name = facts.authorities[place].name
  local id = ("%s/chain to %s"):format(store.name, name)
  local told = facts:with { authority = name, store = store.path }
  local values = { store = store.path, way = judged.way or "none", openssl = judged.openssl }
  if not judged.way then
    told.detail = judged.failures[1] and judged.failures[1].detail
    return finding.bad("chain", id, "fail", "store.no_chain", told, values)
  end
  if not judged.openssl then
    told.detail = describe(judged.anchor)
    return finding.bad("chain", id, "warn", "store.partial_chain", told, values)
  end
  if judged.way == "direct" then
    return finding.ok("chain", id, ("A chain to %s can be verified with %s, directly."):format(name, store.path), values)
  end
  return finding.bad("chain", id, "warn", WAYS[judged.way], told, values)
end

--- The four conclusions for each store: a list of results, and by root whether a store fails.
function authorities.chains(facts)
  local results, failing = {}, {}
  for _, store in ipairs(facts.stores) do
    for place = 1, FOUR do
      local judged = chains.judge(store, facts.reference, place, facts.time)
      results[#results + 1] = chain_finding(facts, store, place, judged)
      failing[place] = failing[place] or not judged.way or nil
    end
  end
  return results, failing
end

return authorities
