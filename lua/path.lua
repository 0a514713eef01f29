-- From a leaf to an anchor, through what the server sent. Two searches: first only over certificates
-- that keep every rule; if that finds none, over all, to learn what is wrong with the best there is.
--
-- Both go depth first and prune by one observation: whether a certificate leads to an anchor depends
-- on the way to it only through the number of authorities below, and fewer are never worse. So a
-- certificate is entered again only with fewer below it than before, which also ends every loop.

local limits = require "kedge.limits"
local policy = require "kedge.policy"

local path = {}

local search_methods = {}
local search_mt = { __index = search_methods }

-- "same", "unknown" when one of them lacks a key identifier, "different" (RFC 5280 §4.2.1.1).
local function key_identifiers(child, issuer)
  local wanted, offered = child.authority_key_id, issuer.subject_key_id
  if not wanted or not offered then return "unknown" end
  return wanted == offered and "same" or "different"
end

local function self_issued(cert)
  return cert.subject == cert.issuer
end

--- Whether it is its own issuer as far as names and key identifiers say.
function path.is_self_signed(cert)
  return self_issued(cert) and key_identifiers(cert, cert) ~= "different"
end

local function in_time(cert, time)
  return cert.not_before and cert.not_after and cert.not_before <= time and time <= cert.not_after
end

-- A certificate whose key identifier is another one is not the issuer: OpenSSL and GnuTLS, by which
-- devices judge, never try it, and neither do we.
function search_methods:consider(list, child, cert, anchor)
  local identifiers = key_identifiers(child, cert)
  if identifiers == "different" then return end
  local score = (anchor and 4 or 0) + (identifiers == "same" and 2 or 0) + (in_time(cert, self.world.time) and 1 or 0)
  list[#list + 1] = { cert = cert, anchor = anchor, score = score, order = #list }
end

local function better(a, b)
  if a.score ~= b.score then return a.score > b.score end
  return a.order < b.order
end

-- Who may have issued the child: anchors first, then by key identifier, dates, and as sent. What
-- says that it is its own issuer has no other: OpenSSL ends there without looking at the signature.
function search_methods:candidates(child)
  local list, anchors = {}, {}
  if path.is_self_signed(child) then return list end
  for _, cert in ipairs(self.world.anchors(child.issuer, self.deep)) do
    anchors[cert.sha256] = true
    self:consider(list, child, cert, true)
  end
  for _, cert in ipairs(self.world.sent) do
    if cert.subject == child.issuer and not anchors[cert.sha256] then self:consider(list, child, cert, false) end
  end
  if #list > 1 then table.sort(list, better) end
  return list
end

-- Counts what is distinct in this verdict, whether remembered or not: the answer must not depend on
-- what was judged before.
function search_methods:signature(child, issuer)
  local known = self.checked[child.sha256]
  if not known then
    known = {}
    self.checked[child.sha256] = known
  end
  local answer = known[issuer.spki_sha256]
  if answer then return answer.status, answer.detail end
  if self.signatures >= limits.path_signatures then
    self.limited = ("more than %d signatures would have to be checked"):format(limits.path_signatures)
    return "limited"
  end
  self.signatures = self.signatures + 1
  local status, detail = self.world.signature(child, issuer)
  known[issuer.spki_sha256] = { status = status, detail = detail }
  return status, detail
end

function search_methods:step()
  self.steps = self.steps + 1
  if self.steps > limits.path_steps then
    self.limited = ("more than %d steps would have to be taken"):format(limits.path_steps)
  end
  return not self.limited
end

-- The failures of the way so far, and of one more certificate.
function search_methods:failures_with(more)
  local all = {}
  for i = 1, #self.certs do
    for _, failure in ipairs(self.broken[i] or {}) do all[#all + 1] = failure end
  end
  for _, failure in ipairs(more or {}) do all[#all + 1] = failure end
  return all
end

function search_methods:way(anchor, failures)
  return {
    certs = table.move(self.certs, 1, #self.certs, 1, {}),
    anchor = anchor,
    failures = failures,
    reach = anchor and policy.rank(policy.first_code(failures)) or 0,
  }
end

-- An anchor is worth more than none; then who got further, then who has less against it; and of two
-- that ended nowhere the longer.
function search_methods:propose(way)
  local best = self.best
  if best and not way.anchor and (best.anchor or #best.certs >= #way.certs) then return end
  if best and best.anchor and (best.reach > way.reach
    or best.reach == way.reach and #best.failures <= #way.failures) then return end
  self.best = way
end

function search_methods:complete(cert, failures)
  if self.clean then
    self.best = self:way(cert, {})
    return true
  end
  self:propose(self:way(cert, self:failures_with(failures)))
  return false
end

function search_methods:enter(cert, failures)
  local depth = #self.certs + 1
  local below = self.below
  self.certs[depth], self.broken[depth] = cert, failures or false
  if not self_issued(cert) then self.below = below + 1 end
  local done = self:climb()
  self.certs[depth], self.broken[depth], self.below = nil, nil, below
  return done
end

-- What becomes of one candidate: its status as an issuer, and whether the search is over.
function search_methods:try(child, candidate)
  local cert, anchor = candidate.cert, candidate.anchor
  local failures = self.world.failures(cert, anchor and "anchor" or "issuer", self.below)
  if self.clean and failures then return "unfit", false end
  local before = not anchor and self.entered[cert.sha256]
  if before and before <= self.below then return "entered", false end
  local status, detail = self:signature(child, cert)
  if status ~= "good" then return status, status == "limited", detail end
  if anchor then return status, self:complete(cert, failures) end
  self.entered[cert.sha256] = self.below
  return status, self:enter(cert, failures)
end

-- True when the search is over: a way was found, or a bound was reached.
function search_methods:climb()
  local child = self.certs[#self.certs]
  local tried = {}
  for _, candidate in ipairs(self:candidates(child)) do
    if not self:step() then return true end
    local status, done, detail = self:try(child, candidate)
    if done then return true end
    tried[status] = tried[status] or detail or true
  end
  if not self.clean and not tried.good then self:propose(self:dead_end(child, tried)) end
  return false
end

local function sentence(detail, otherwise)
  return type(detail) == "string" and detail or otherwise
end

-- What becomes of a certificate that says it is its own issuer.
function search_methods:own_reason(child)
  local status, detail = self:signature(child, child)
  if status == "bad_signature" and key_identifiers(child, child) == "same" then
    return status, sentence(detail, "its own key does not verify its signature")
  end
  if #self.certs > 1 then return "unknown_issuer", "the path ends at an authority that is no anchor: " .. child.subject_text end
  if status ~= "bad_signature" then return "self_signed", "it is its own issuer, and no anchor" end
  return "self_signed", "it has the name of its issuer and no key identifier that tells them apart, so clients take it for its own"
end

-- Why there is no way on from here: what follows "trust." in the code, and a sentence.
function search_methods:reason(child, tried)
  if path.is_self_signed(child) then return self:own_reason(child) end
  if tried.bad_signature then return "bad_signature", sentence(tried.bad_signature, "its issuer's key does not verify it") end
  if tried.unsupported then return "unsupported", sentence(tried.unsupported, "kedge cannot check its signature") end
  if tried.entered then return "unknown_issuer", "the path leads in a circle, and to no anchor" end
  local missing = "its issuer was not sent and is no anchor: " .. child.issuer_text
  return #self.certs == 1 and "incomplete_chain" or "unknown_issuer", missing
end

function search_methods:dead_end(child, tried)
  local why, detail = self:reason(child, tried)
  local failures = self:failures_with { { rule = "anchor", code = "trust." .. why, detail = detail, cert = child } }
  return self:way(nil, failures)
end

local function run(self, clean, deep)
  self.clean, self.deep, self.entered = clean, deep, { [self.leaf.sha256] = 0 }
  self.certs, self.broken, self.below = { self.leaf }, { false }, 0
  self:climb()
  return self.best
end

--- The best way from the leaf to an anchor: { certs= leaf first, without the anchor; anchor= or nil;
--- failures= of all but the leaf, each with its `cert` } ; and, instead, nil and a sentence when a
--- bound was reached before the search was over. `world` is
---   time       unix seconds
---   sent       list of parsed certificates
---   anchors    function(subject, deep) -> list of parsed certificates
---   signature  function(child, issuer) -> "good" | "bad_signature" | "unsupported", sentence
---   failures   function(cert, place, below) -> list of failures or nil (see policy)
function path.find(leaf, world)
  local self = setmetatable({ leaf = leaf, world = world, checked = {}, signatures = 0, steps = 0 }, search_mt)
  local best = run(self, true, false) or not self.limited and run(self, true, true)
  if best then return best end
  if self.limited then return nil, self.limited end
  return run(self, false, true), self.limited
end

return path
