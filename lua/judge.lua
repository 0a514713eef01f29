-- The verdict: (chain, store, time, name, policy) -> what is wrong with it, everything. Pure; only
-- signatures take time, and after each the loop may turn.

local compare = require "kedge.compare"
local instant = require "kedge.instant"
local memo = require "kedge.memo"
local name = require "kedge.name"
local path = require "kedge.path"
local policy = require "kedge.policy"

local judge = {}

local DATES = { ["trust.expired"] = true, ["trust.not_yet_valid"] = true }

-- Parses what was sent: certificates in order, the place of each, and what could not be read.
local function parse_all(ders)
  local certs, index, unreadable = {}, {}, {}
  for i, der in ipairs(ders) do
    local cert, message = memo.certificate(der)
    if not cert then
      unreadable[#unreadable + 1] = { certificate = i - 1, detail = message }
    elseif not index[cert.sha256] then
      certs[#certs + 1] = cert
      index[cert.sha256] = i - 1
    end
  end
  return certs, index, unreadable
end

local function anchors_of(store)
  return function(subject, deep)
    local certs = {}
    for _, der in ipairs(store.core:find(subject, deep)) do
      certs[#certs + 1] = memo.certificate(der)
    end
    return certs
  end
end

local function is_anchor(cert, anchors)
  for _, anchor in ipairs(anchors(cert.subject, false)) do
    if anchor.sha256 == cert.sha256 then return true end
  end
  return false
end

local function rules(held, opts)
  return function(cert, place, below)
    local at = {
      place = place, below = below, time = opts.time, name = opts.name, depth = opts.depth,
      usage = opts.usage or "serverAuth", settings = held.settings,
    }
    local found = policy.failures(held, cert, at)
    for _, failure in ipairs(found or {}) do failure.cert = cert end
    return found
  end
end

local function signatures(breathe)
  return function(child, issuer)
    local status, detail, computed = memo.signature(child, issuer)
    if computed and breathe then breathe() end
    return status, detail
  end
end

local function add(list, more)
  for _, item in ipairs(more or {}) do list[#list + 1] = item end
end

local function find(leaf, sent, anchors, failures, opts)
  if is_anchor(leaf, anchors) then
    return { certs = { leaf }, anchor = leaf, failures = failures(leaf, "pinned", 0) or {} }
  end
  local way, limited = path.find(leaf, {
    time = opts.time, sent = sent, anchors = anchors, failures = failures, signature = signatures(opts.breathe),
  })
  local all = failures(leaf, "leaf", 0) or {}
  if not way then
    all[#all + 1] = { rule = "bounds", code = "local.limit", detail = limited, cert = leaf }
    return { certs = { leaf }, failures = all }
  end
  add(all, way.failures)
  way.failures = all
  return way
end

-- Without any anchor it is idle to say which issuer is unknown.
local function without_store(way)
  local kept = { { rule = "store", code = "trust.no_store", detail = "there is no usable anchor to judge by" } }
  for _, failure in ipairs(way.failures) do
    if failure.rule ~= "anchor" or failure.code == "trust.bad_signature" or failure.code == "trust.unsupported" then
      kept[#kept + 1] = failure
    end
  end
  way.failures = kept
end

local function in_order(indices)
  for i, index in ipairs(indices) do
    if index ~= i - 1 then return false end
  end
  return true
end

local function warnings_of(way, indices, unreadable)
  local warnings = {}
  if way.anchor and not path.is_self_signed(way.anchor) then
    warnings[1] = { code = "trust.partial_chain", detail = "the anchor is not self-signed: " .. way.anchor.subject_text }
  end
  if not in_order(indices) then
    local detail = "the path uses the certificates that were sent in the order " .. table.concat(indices, ", ")
    warnings[#warnings + 1] = { code = "trust.wrong_order", detail = detail }
  end
  for _, one in ipairs(way.anchor and unreadable or {}) do
    local detail = ("certificate %d of the chain cannot be read: %s"):format(one.certificate, one.detail)
    warnings[#warnings + 1] = { code = "trust.bad_certificate", detail = detail }
  end
  return warnings
end

local function unreadable_failures(unreadable)
  local failures = {}
  for i, one in ipairs(unreadable) do
    failures[i] = { rule = "parse", code = "trust.bad_certificate", certificate = one.certificate, detail = one.detail }
  end
  return failures
end

-- The fields that do not depend on what was found.
local function blank(store, opts)
  return {
    store = store.name, time = opts.time, policy = opts.policy or "webpki",
    name = opts.name and (opts.name.text or opts.name.dns or opts.name.ip and name.show_address(opts.name.ip)),
    path = {}, indices = {}, failures = {}, warnings = {},
  }
end

local function settle(verdict)
  verdict.code = policy.first_code(verdict.failures)
  verdict.accepted = verdict.code == "ok" and verdict.anchor ~= nil
  return verdict
end

local function is_same(cert, other)
  return cert ~= nil and other ~= nil and cert.sha256 == other.sha256
end

-- An anchor has no place in the chain, even if it was sent as well; a leaf that is one has.
local function place_failures(way, index)
  for _, failure in ipairs(way.failures) do
    local cert = failure.cert
    if not failure.certificate then
      local outside = not cert or is_same(cert, way.anchor) and not is_same(cert, way.certs[1])
      failure.certificate = outside and -1 or index[cert.sha256]
    end
    failure.cert = nil
  end
end

local function fill(verdict, way, index, unreadable)
  if not way.anchor then add(way.failures, unreadable_failures(unreadable)) end
  place_failures(way, index)
  verdict.path, verdict.anchor, verdict.failures = way.certs, way.anchor, way.failures
  for i, cert in ipairs(way.certs) do verdict.indices[i] = index[cert.sha256] end
  verdict.warnings = warnings_of(way, verdict.indices, unreadable)
  return settle(verdict)
end

local function judge_at(ders, store, opts)
  local verdict = blank(store, opts)
  local certs, index, unreadable = parse_all(ders)
  local leaf = certs[1]
  if not leaf or index[leaf.sha256] ~= 0 then
    if #ders == 0 then unreadable[1] = { certificate = 0, detail = "no certificate was sent" } end
    verdict.failures = unreadable_failures(unreadable)
    return settle(verdict)
  end
  local failures = rules(assert(policy.get(verdict.policy)), opts)
  local way = find(leaf, certs, anchors_of(store), failures, opts)
  if not way.anchor and store.core:empty() then without_store(way) end
  return fill(verdict, way, index, unreadable)
end

local function with_time(opts, time)
  local copy = {}
  for key, value in pairs(opts) do copy[key] = value end
  copy.time = time
  return copy
end

local function has_date_failure(verdict)
  for _, failure in ipairs(verdict.failures) do
    if DATES[failure.code] then return true end
  end
  return false
end

-- A device whose clock is before kedge's build cannot tell dates; if all is well at build time, it is the clock.
local function blame_clock(verdict, ders, store, opts)
  if opts.at_given or not opts.build or opts.time >= opts.build or not has_date_failure(verdict) then return verdict end
  if not judge_at(ders, store, with_time(opts, opts.build)).accepted then return verdict end
  local detail = ("the clock says %s, which is before kedge was built (%s)"):format(
    instant.format(opts.time), instant.format(opts.build))
  for _, failure in ipairs(verdict.failures) do
    if DATES[failure.code] then failure.code, failure.detail = "trust.clock", detail end
  end
  return settle(verdict)
end

--- Judges a chain (list of DER strings, the leaf first) by a store (see sources). `opts`:
---   time      unix seconds to judge at
---   at_given  true when a person named that time, so that nothing is said about a clock
---   build     unix seconds of kedge's build, the least that a clock can say
---   name      {dns=} or {ip=raw} (see name.of); nil: any name
---   policy    "webpki"; usage: "serverAuth"; depth: most intermediates, nil: any
---   breathe   called after each signature that was checked anew; may yield
--- The verdict: { code= "ok" or the first of its failures', accepted=, store=, time=, name=, policy=,
--- path= parsed certificates, leaf first, without the anchor; indices= of these in the chain, from 0;
--- anchor= parsed or nil; failures= list of { rule=, code=, certificate= index in the chain, -1 for
--- an anchor, detail= }; warnings= list of { code=, detail= } }.
function judge.chain(ders, store, opts)
  return blame_clock(judge_at(ders, store, opts), ders, store, opts)
end

--- One verdict by each of opts.stores on what was seen (an observation with its chain):
--- { trust=, reference= or nil, accepted= by every store that was asked, code=, explains= verdict }.
--- opts: stores={trust=, reference=}, policy, at (unix seconds or nil). breathe: called after each new signature check, or nil.
function judge.each_store(seen, opts, breathe)
  local how = {
    time = opts.at or seen.clock.device, at_given = opts.at ~= nil, build = seen.clock.build,
    name = name.of(seen.target), policy = opts.policy, depth = opts.depth, breathe = breathe,
  }
  local trust = judge.chain(seen.chain, opts.stores.trust, how)
  local reference = opts.stores.reference and judge.chain(seen.chain, opts.stores.reference, how)
  local code, explains = compare.verdicts(trust, reference)
  return {
    trust = trust, reference = reference, code = code, explains = explains,
    accepted = trust.accepted and (not reference or reference.accepted),
  }
end

return judge
