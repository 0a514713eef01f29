-- The result of one check: its fields, and the making of one by hand.

local result = {}

--- Fields of a result and their types; a script's own data goes into labels and values.
result.fields = {
  id = "string", line = "number", run = "number", target = "table", labels = "table", status = "string",
  stage = "string", code = "string", cause = "string", message = "string", remedy = "string", timings_ms = "table",
  tls = "table", chain = "table", path = "table", anchor = "table", verdicts = "table", warnings = "table",
  h2 = "table", http = "table", values = "table",
}

local STATUSES = { ok = true, warn = true, fail = true, skip = true }

local function is_code(text)
  return text == "ok" or text:find("^%l[%l%d_]*%.[%l%d_.]*[%l%d_]$") ~= nil
end

--- nil for a result that can be reported, else what is wrong with it.
function result.fault(r)
  if type(r) ~= "table" then return "a result is a table, not a " .. type(r) end
  for field, value in pairs(r) do
    local expected = result.fields[field]
    if not expected then
      local known = {}
      for name in pairs(result.fields) do known[#known + 1] = name end
      table.sort(known)
      local hint = require("kedge.nearest").hint(tostring(field), known)
      return ("a result has no field '%s'%s; own data goes into values"):format(tostring(field), hint)
    end
    if type(value) ~= expected then return ("'%s' is a %s, not a %s"):format(field, expected, type(value)) end
  end
  if not r.id then return "the result has no id" end
  if not STATUSES[r.status] then return "'status' is ok, warn, fail or skip" end
  if r.code and not is_code(r.code) then return ("'%s' is no code; one is two words such as 'queue.too_long'"):format(r.code) end
  return require("kedge.result_shape").fault(r)
end

local function copy_of(original)
  if type(original) == "string" then return { id = original } end
  local copy = {}
  for field, value in pairs(original) do copy[field] = value end
  return copy
end

--- A result of one's own: `original` is an id, or a result that is changed (in
-- a copy). code "word.word", message and remedy are left as they were where nil.
function result.make(original, status, code, message, remedy)
  local r = copy_of(original)
  local changed = status ~= r.status
  r.status = status
  r.code = code or (changed and status == "ok" and "ok") or r.code or status
  if code or changed then
    r.message, r.remedy = message or (not code and r.message) or nil, remedy
    r.cause = (status == "fail" or status == "warn") and r.code or nil
    r.stage = nil
  end
  r.message = message or r.message or r.code
  r.warnings = copy_of(r.warnings or {})
  if status == "warn" and r.code ~= "ok" then
    table.insert(r.warnings, 1, { code = r.code, message = r.message, remedy = r.remedy })
  end
  return r
end

--- The result of an item whose function raised `problem` (a message with file and line).
function result.of_error(id, problem)
  local message, remedy = require("kedge.reasons").explain("script.error", { detail = problem })
  message = message:gsub("%?%.$", "?") -- a suggestion is a question
  return { id = id, status = "fail", code = "script.error", cause = "script.error", message = message, remedy = remedy,
    warnings = {} }
end

--- The result of an item that was not begun, or not ended, because of an interrupt.
function result.of_interrupt(id, item)
  local message, remedy = require("kedge.reasons").explain("local.interrupted", {})
  local target = type(item) == "table" and item.host and { host = item.host, port = item.port } or nil
  local labels = type(item) == "table" and type(item.labels) == "table" and next(item.labels) and item.labels or nil
  return { id = id, target = target, labels = labels, status = "skip", code = "local.interrupted", message = message,
    remedy = remedy, warnings = {} }
end

return result
