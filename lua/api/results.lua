-- Results of a script's own, and results that it changed.

local blame = require "kedge.api.blame"
local insecure = require "kedge.api.insecure"
local reasons = require "kedge.reasons"
local result = require "kedge.result"

local results = {}

local function check_text(call, what, value)
  if value ~= nil and type(value) ~= "string" then blame("%s: %s is text, not a %s", call, what, type(value)) end
end

local function check_code(call, status, code, original)
  check_text(call, "the code", code)
  if status == "ok" then
    if code and code ~= "ok" then blame("%s: the code of what is ok is 'ok', not '%s'; give nil to name a message", call, code) end
    return
  end
  if not code and type(original) == "table" and original.status == status then return end
  if not code then blame("%s wants a code, two words such as 'queue.too_long'", call) end
  if not code:find("^%l[%l%d_]*%.[%l%d_.]*[%l%d_]$") then
    blame("%s: a code is two words in lower case such as 'queue.too_long', not '%s'", call, code)
  end
end

-- A code that kedge itself gave (of connect, say) brings its stage and its remedy along.
local function complete(r, remedy)
  local entry = r.status == "fail" and reasons.find(r.code)
  if not entry then return r end
  local word = r.code:match("^[^.]*")
  r.stage = reasons.stages[word] and word or nil
  local fix = entry.fix and entry.fix:gsub("%b[]", "")
  if not remedy and not r.remedy and fix and not fix:find("{", 1, true) then r.remedy = fix end
  return r
end

local function maker(status)
  local call = "kedge." .. status
  return function(original, code, message, remedy)
    if type(original) ~= "string" and type(original) ~= "table" then
      blame("%s wants a result or an id first, not a %s", call, type(original))
    end
    if type(original) == "table" and not original.id then blame("%s: the table is no result, it has no id", call) end
    check_code(call, status, code, original)
    check_text(call, "the message", message)
    check_text(call, "the remedy", remedy)
    local r = result.make(original, status, code, message, remedy)
    if code then complete(r, remedy) end
    return insecure.mark(r)
  end
end

for _, status in ipairs { "ok", "warn", "fail", "skip" } do results[status] = maker(status) end

return results
