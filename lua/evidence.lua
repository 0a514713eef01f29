-- What a result shows of an observation and its verdicts, and the facts that
-- sentences are filled in with.

local certificate = require "kedge.certificate"
local show = require "kedge.show"
local limits = require "kedge.limits"
local instant = require "kedge.instant"

local evidence = {}

local function short(text)
  return text and (show.cut_utf8(text, limits.text_shown))
end

local function when(seconds)
  return seconds and instant.format(seconds) or nil
end

local function judged_at(seen, verdicts)
  return verdicts and verdicts.trust.time or seen.clock and seen.clock.device
end

-- The certificates as they were sent; one that cannot be read is shown by its hash alone.
local function chain_of(seen, now)
  local x509, memo = require "kedge.core.x509", require "kedge.memo"
  local list, parsed = {}, {}
  for i, der in ipairs(seen.chain) do
    local cert = memo.certificate(der)
    parsed[i] = cert or false
    list[i] = cert and certificate.fields(cert, now) or { sha256 = x509.hex(x509.sha256(der)) }
  end
  return list, parsed
end

-- Places in the chain, from 0, of a path that reached an anchor; the anchor itself is in the store.
local function path_of(verdict, parsed)
  if not verdict.anchor then return nil end
  local places = {}
  for _, cert in ipairs(verdict.path or {}) do
    for i, sent in ipairs(parsed) do
      if sent and sent.sha256 == cert.sha256 then
        places[#places + 1] = i - 1
        break
      end
    end
  end
  return places
end

local function anchor_of(verdict)
  local anchor = verdict.anchor
  if not anchor then return nil end
  return { subject = short(anchor.subject_text), sha256 = require("kedge.core.x509").hex(anchor.sha256),
    not_after = when(anchor.not_after) }
end

local function verdict_of(verdict)
  local shown = { code = verdict.code, store = verdict.store }
  if verdict.code ~= "ok" then
    shown.failures = {}
    for i, failure in ipairs(verdict.failures or {}) do
      shown.failures[i] = { rule = failure.rule, code = failure.code, certificate = failure.certificate,
        detail = short(failure.detail) }
    end
  end
  return shown
end

local function timings_of(seen)
  local timings = { total = seen.total_ms }
  for _, stage in ipairs { "dns", "tcp", "tls", "h2", "http" } do
    timings[stage] = seen[stage] and seen[stage].ms
  end
  return timings
end

local function h2_of(h2)
  local shown = { ping_ms = h2.ping_ms }
  if h2.settings then
    shown.settings = {}
    for _, setting in ipairs(h2.settings) do
      shown.settings[setting.name or ("0x%x"):format(setting.id)] = setting.value
    end
  end
  local goaway = h2.goaway
  if goaway then shown.goaway = { code = goaway.code, name = goaway.name, debug = short(goaway.debug) } end
  return shown
end

local function http_of(http)
  local body, cut
  if http.body then body, cut = show.cut_utf8(http.body, limits.body_shown) end
  return { version = http.version, status = http.status, body = body, truncated = (cut or http.truncated) and true or nil }
end

-- Of two verdicts the one that found a path is shown.
local function shown_verdict(verdicts)
  local trust, reference = verdicts.trust, verdicts.reference
  return not trust.anchor and reference and reference.anchor and reference or trust
end

--- A result with all that was seen, but without status, code and sentences.
function evidence.result(seen, verdicts)
  local target = seen.target
  local r = {
    id = target.id, line = target.line, timings_ms = timings_of(seen), labels = next(target.labels or {}) and target.labels,
    target = { host = target.host, port = target.port, address = seen.tcp and seen.tcp.address },
  }
  local tls = seen.tls
  if tls and tls.version then
    r.tls = { version = tls.version, cipher = tls.cipher, group = tls.group, alpn = tls.alpn, sni = tls.sni }
  end
  local parsed = {}
  if seen.chain and seen.chain[1] then r.chain, parsed = chain_of(seen, judged_at(seen, verdicts)) end
  if verdicts then
    local verdict = shown_verdict(verdicts)
    r.path, r.anchor = path_of(verdict, parsed), anchor_of(verdict)
    r.verdicts = { trust = verdict_of(verdicts.trust), reference = verdicts.reference and verdict_of(verdicts.reference) }
  end
  if seen.h2 and (seen.h2.settings or seen.h2.ping_ms or seen.h2.goaway) then r.h2 = h2_of(seen.h2) end
  if seen.http and seen.http.status then r.http = http_of(seen.http) end
  seen.parsed = parsed
  return r
end

-- Sentences call a certificate by its place: 0 is the leaf, -1 an anchor.
local function name_certificate(facts, cert, index)
  local subject = cert and short(cert.subject_text)
  if index == 0 then
    facts.which, facts.certificate = "The server's certificate", subject or "the server's"
  elseif index then
    facts.which = (index < 0 and "The anchor " or "The authority's certificate ") .. (subject or "")
    facts.certificate, facts.authority = subject, subject
  end
end

local function readable(parsed)
  local certificates = {}
  for _, cert in ipairs(parsed or {}) do
    if cert then certificates[#certificates + 1] = cert end
  end
  return certificates
end

local function chain_facts(facts, seen, verdict)
  local path = verdict and verdict.path or {}
  if not path[1] then path = readable(seen.parsed) end
  local leaf, last = path[1], path[#path]
  if leaf then facts.subject, facts.issuer = short(leaf.subject_text), short(leaf.issuer_text) end
  if last then facts.last_issuer = short(last.issuer_text) end
end

local function verdict_facts(facts, code, seen, verdicts, verdict)
  verdict = verdict or verdicts.trust
  facts.store, facts.now = verdict.store, when(judged_at(seen, verdicts))
  for _, failure in ipairs(verdict.failures or {}) do
    if failure.code == code then
      local index = failure.certificate
      local cert = index and (index >= 0 and seen.parsed[index + 1] or index < 0 and verdict.anchor) or nil
      name_certificate(facts, cert or nil, index)
      facts.detail = facts.detail or short(failure.detail)
      if code == "trust.incomplete_chain" and cert then facts.issuer = short(cert.issuer_text) end
      break
    end
  end
  local other = code == "trust.missing_ca" and verdicts.reference or code == "trust.not_ats" and verdicts.trust or verdict
  if code == "trust.missing_ca" then facts.store = verdicts.trust.store end
  facts.anchor = other.anchor and short(other.anchor.subject_text)
  if code == "trust.not_ats" then facts.issuer = facts.anchor or facts.issuer end
end

--- What the sentences of lua/reasons may name, for one finding ({ code=,
-- detail=, verdict=, expected= }). Text is as the peer sent it, cut to a bound.
function evidence.facts(found, seen, verdicts)
  local facts = { which = "A certificate", store = "the system's store", now = "this device's time",
    detail = short(found.detail), expected = found.expected }
  facts.build = seen.clock and when(seen.clock.build)
  local tcp = seen.tcp
  facts.address = tcp and (tcp.address or tcp.attempts and tcp.attempts[1] and tcp.attempts[1].address)
  facts.status = seen.http and seen.http.status
  facts.alert = found.code:match("^tls%.alert%.(.*)") or seen.tls and seen.tls.alert
  facts.goaway = seen.h2 and seen.h2.goaway and (seen.h2.goaway.name or seen.h2.goaway.code)
  if seen.chain then chain_facts(facts, seen, found.verdict) end
  if verdicts and (found.stage == "trust" or found.verdict) then verdict_facts(facts, found.code, seen, verdicts, found.verdict) end
  return facts
end

-- What a cause is about, beside its code: the fact that tells two of them apart.
local ABOUT = {
  ["trust.missing_ca"] = "anchor", ["trust.not_ats"] = "issuer", ["trust.unknown_issuer"] = "last_issuer",
  ["trust.incomplete_chain"] = "issuer", ["trust.no_store"] = "store", ["trust.partial_chain"] = "anchor",
  ["trust.expired"] = "authority", ["trust.not_yet_valid"] = "authority", ["trust.weak_key"] = "authority",
  ["trust.weak_signature"] = "authority", ["trust.not_ca"] = "authority", ["trust.path_length"] = "authority",
  ["trust.bad_usage"] = "authority", ["trust.critical_extension"] = "authority", ["h2.goaway"] = "goaway", ["tls.alert.unknown"] = "detail",
  ["http.status"] = "status",
}

--- What a cause of this code is about (never a host), or nil.
function evidence.about(code, facts)
  local field = ABOUT[code]
  return field and facts[field] and tostring(facts[field]) or nil
end

return evidence
