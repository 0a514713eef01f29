-- Whether a chain to one of Amazon's roots can be verified with a store: by the judge's own search and rules, over
-- certificates that stand for what a server sends. These have the names and keys of the real ones and no bytes.

local memo = require "kedge.memo"
local path = require "kedge.path"
local policy = require "kedge.policy"

local chains = {}

local SERVICES, CLASS2 = 5, 6 -- places in avs.authorities

-- What a server sends besides leaf and intermediate, by the way that it opens.
local WAYS = {
  { name = "direct", sends = {} },
  { name = "services", sends = { SERVICES } },
  { name = "class2", sends = { SERVICES, CLASS2 } },
}

local function stand_in(name, subject, cert, issuer)
  return {
    is_stand_in = true, sha256 = name, subject = subject, issuer = issuer.subject, spki_sha256 = cert and cert.spki_sha256 or name,
    subject_text = cert and cert.subject_text or name, issuer_text = issuer.subject_text, der = cert and cert.der,
    subject_key_id = cert and cert.subject_key_id, authority_key_id = issuer.subject_key_id, signer = issuer.spki_sha256,
  }
end

-- Leaf, intermediate, and cross-signed certificates from the root upwards.
local function sent_for(reference, root, way)
  local leaf = stand_in("leaf", "leaf", nil, { subject = "intermediate", subject_text = "intermediate", spki_sha256 = "intermediate" })
  local sent, below = { stand_in("intermediate", "intermediate", nil, reference[root]) }, reference[root]
  for _, place in ipairs(way.sends) do
    sent[#sent + 1] = stand_in("cross " .. place, below.subject, below, reference[place])
    below = reference[place]
  end
  return leaf, sent
end

local function signature(child, issuer)
  if not child.is_stand_in then return memo.signature(child, issuer) end
  return child.signer == issuer.spki_sha256 and "good" or "bad_signature"
end

local function failures_at(time)
  local held = assert(policy.get "webpki")
  return function(cert, place, below)
    if cert.is_stand_in then return nil end
    return policy.failures(held, cert, { place = place, below = below, time = time, usage = "serverAuth", settings = held.settings })
  end
end

-- The anchors of a subject; all certificates of the store, or (as OpenSSL has it without partial chains) its self-signed ones.
local function anchors_of(store, only_roots)
  return function(subject)
    local certs = {}
    for _, entry in ipairs(store.by_subject[subject] or {}) do
      if not only_roots or path.is_self_signed(entry.cert) then certs[#certs + 1] = entry.cert end
    end
    return certs
  end
end

local function search(store, leaf, sent, time, only_roots)
  local way = path.find(leaf, {
    time = time, sent = sent, anchors = anchors_of(store, only_roots), failures = failures_at(time), signature = signature,
  })
  if not way then return nil end
  return way, way.anchor ~= nil and #way.failures == 0
end

-- Whether OpenSSL with its defaults finds a way too: the store's other certificates only help.
local function openssl_verifies(store, leaf, sent, time)
  sent = table.move(sent, 1, #sent, 1, {})
  for _, entry in ipairs(store.entries) do
    if not path.is_self_signed(entry.cert) then sent[#sent + 1] = entry.cert end
  end
  return select(2, search(store, leaf, sent, time, true)) == true
end

--- The way to reference[root] (parsed certificates in the order of avs.authorities) with a store (see stores) at `time`:
--- { way= "direct", "services", "class2" or nil where there is none, anchor= certificate or nil, failures= what is wrong
--- with the best way, openssl= whether programs that want a self-signed anchor verify it too }.
function chains.judge(store, reference, root, time)
  local best
  for _, way in ipairs(WAYS) do
    local leaf, sent = sent_for(reference, root, way)
    local found, accepted = search(store, leaf, sent, time, false)
    if accepted then
      return { way = way.name, anchor = found.anchor, failures = {}, openssl = openssl_verifies(store, leaf, sent, time) }
    end
    if found and found.anchor and not (best and best.anchor) then best = found end
  end
  return { anchor = best and best.anchor, failures = best and best.failures or {}, openssl = false }
end

--- What is wrong with a certificate as an anchor at `time`: a list of { rule=, code=, detail= }, or nil.
function chains.faults(cert, time)
  return failures_at(time)(cert, "anchor", 1)
end

return chains
