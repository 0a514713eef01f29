-- Two verdicts about one chain, by the device's store and by the reference anchors, in one word.

local policy = require "kedge.policy"

local compare = {}

--- The code of both verdicts together and the verdict that explains it. Both accept: "ok". Only the
--- reference: "trust.missing_ca" (but a device without any store keeps "trust.no_store", which says
--- more). Only the device: "trust.not_ats". Neither: the code of the one that got further.
--- Without a reference the device's verdict stands alone.
function compare.verdicts(trust, reference)
  if not reference then return trust.code, trust end
  if trust.accepted and reference.accepted then return "ok", trust end
  if reference.accepted then return trust.code == "trust.no_store" and trust.code or "trust.missing_ca", trust end
  if trust.accepted then return "trust.not_ats", reference end
  local further = policy.rank(reference.code) > policy.rank(trust.code) and reference or trust
  return further.code, further
end

return compare
