-- Why an update cannot go on, as a raised value: the many steps of one each end all of it, and whoever began decides
-- what is put back. Nothing but kedge.update's own rooms raises or sees these.

local refusal = {}
local methods = {}
methods.__index = methods
methods.__tostring = function(self) return self.message end

--- Raises a refusal: a sentence, the code of what happened ("local.file" unless given) and more of it by name.
function refusal.raise(message, code, more)
  local value = setmetatable({ message = message, code = code or "local.file" }, methods)
  for field, content in pairs(more or {}) do value[field] = content end
  error(value, 0)
end

--- Gives what a call gave, or raises its failure (nil, sentence, code). That something isn't there is no code of a result.
function refusal.check(value, message, ...)
  local code = ...
  if value == nil then refusal.raise(message, code ~= "missing" and code or nil) end
  return value, message, ...
end

--- Calls fn(...): its results behind true; false and the refusal where one was raised.
function refusal.catch(fn, ...)
  local outcome = table.pack(xpcall(fn, function(problem)
    return getmetatable(problem) == methods and problem or debug.traceback(tostring(problem), 2)
  end, ...))
  if not outcome[1] and getmetatable(outcome[2]) ~= methods then error(outcome[2], 0) end
  return table.unpack(outcome, 1, outcome.n)
end

--- The same for whoever has something to put back whatever went wrong: an error in kedge becomes a refusal that says so.
function refusal.catch_all(fn, ...)
  local outcome = table.pack(xpcall(fn, function(problem)
    if getmetatable(problem) == methods then return problem end
    local message = type(problem) == "string" and problem:match("^[^\n]*") or "an error without words"
    local value = { message = "kedge itself failed: " .. message, code = "local.file", output = debug.traceback(message, 2) }
    return setmetatable(value, methods)
  end, ...))
  return table.unpack(outcome, 1, outcome.n)
end

return refusal
