-- Verdicts as scripts see them: the same fields, with certificates that people
-- can read. The judge's own stands behind each, for kedge.explain.

local blame = require "kedge.api.blame"
local certificate = require "kedge.certificate"

local verdict = {}

local inner_of = setmetatable({}, { __mode = "k" })

--- A verdict of kedge.judge for scripts.
function verdict.public(inner)
  local public = {}
  for field, value in pairs(inner) do public[field] = value end
  public.path = {}
  for i, cert in ipairs(inner.path) do public.path[i] = certificate.public(cert, inner.time) end
  public.anchor = inner.anchor and certificate.public(inner.anchor, inner.time)
  inner_of[public] = inner
  return public
end

--- What judge.each_store gives, for scripts.
function verdict.public_all(inner)
  local public = { code = inner.code, accepted = inner.accepted }
  public.trust = verdict.public(inner.trust)
  public.reference = inner.reference and verdict.public(inner.reference)
  inner_of[public] = inner
  return public
end

--- The judge's own verdicts of those that a script gives back; nil for nil.
function verdict.inner_all(public)
  if public == nil then return nil end
  local inner = inner_of[public]
  if not inner then blame("kedge.explain wants the verdicts that kedge.judge gave") end
  return inner
end

--- The judge's own of one verdict.
function verdict.inner(public)
  return inner_of[public]
end

return verdict
