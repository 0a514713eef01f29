-- A finding of an audit as a result: `id` names what was looked at, there is no target and no stage.

local reasons = require "kedge.reasons"

local finding = {}

local function make(kind, id, status, code, message, remedy, values)
  return {
    id = id, labels = { finding = kind }, status = status, code = code, cause = status ~= "ok" and code or nil, message = message,
    remedy = remedy, values = values, warnings = {},
  }
end

--- All is well with `id`; `kind` is one word for programs that sort findings.
function finding.ok(kind, id, message, values)
  return make(kind, id, "ok", "ok", message, nil, values)
end

--- Worth knowing, and neither a failure nor a warning: status ok, with the note among the warnings.
function finding.note(kind, id, code, facts, values)
  local message, remedy = reasons.explain(code, facts)
  local r = make(kind, id, "ok", "ok", message, nil, values)
  r.warnings[1] = { code = code, message = message, remedy = remedy }
  return r
end

--- status "warn" or "fail", with the sentences of `code` and `facts` filled in.
function finding.bad(kind, id, status, code, facts, values)
  local message, remedy = reasons.explain(code, facts)
  local r = make(kind, id, status, code, message, remedy, values)
  if status == "warn" then r.warnings[1] = { code = code, message = message, remedy = remedy } end
  return r
end

return finding
