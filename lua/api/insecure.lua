-- What was read from a peer that nobody verified is no ground for "ok": a task
-- remembers that it used such a session, and its results say so.

local reasons = require "kedge.reasons"
local task = require "kedge.task"

local insecure = {}

local CODE = "trust.unverified"

--- Remembers that a session with `peer` was used that was not verified: in the
-- running task, and in those above it up to `owner`, to which the session belongs.
function insecure.note(owner, peer)
  local user = task.current()
  while user and user ~= owner do
    user.unverified = user.unverified or peer
    user = user.parent
  end
  owner.unverified = owner.unverified or peer
end

-- The peer of such a session that the running task or one above it used; nil for none.
local function unverified()
  local user = task.current()
  while user and not user.unverified do user = user.parent end
  return user and user.unverified
end

--- What a connection is called of which not even that is known: `nameless` where its chain was accepted all the same.
function insecure.peer(seen, nameless)
  return seen.target.shown .. (nameless and " (its chain was accepted, but nobody looked for the name in the certificate)" or "")
end

--- Says in an observation that its connection was not verified.
function insecure.warn(seen, nameless)
  for _, warning in ipairs(seen.warnings) do
    if warning.code == CODE then return end
  end
  table.insert(seen.warnings, { code = CODE, detail = insecure.peer(seen, nameless) })
end

local function is_marked(r)
  for _, warning in ipairs(r.warnings or {}) do
    if type(warning) == "table" and warning.code == CODE then return true end
  end
  return false
end

--- The result `r` as the running task may tell it: where it, or a task above
--- it, used such a session, with a warning, and no better than "warn". Anything else as it is.
function insecure.mark(r)
  local peer = unverified()
  if not peer or type(r) ~= "table" or not r.status or is_marked(r) then return r end
  local message, remedy = reasons.explain(CODE, { detail = peer })
  r.warnings = r.warnings or {}
  table.insert(r.warnings, { code = CODE, message = message, remedy = remedy })
  if r.status == "ok" then
    r.status, r.code, r.message, r.remedy, r.cause = "warn", CODE, message, remedy, CODE
  end
  return r
end

--- The same for what a function of ctx:each gave: a result or a list of them.
function insecure.mark_all(value)
  if type(value) ~= "table" then return value end
  insecure.mark(value)
  if value.status == nil then
    for _, r in ipairs(value) do insecure.mark(r) end
  end
  return value
end

return insecure
