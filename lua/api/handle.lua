-- What every handle of a script's keeps to: it belongs to the task that opened
-- it, is closed with it, and says so when it is used otherwise.

local blame = require "kedge.api.blame"
local frame = require("kedge.core.call").frame
local task = require "kedge.task"

local handle = {}

--- Names of kinds -> metatables, with `methods`.
handle.classes = {}

--- A metatable for handles called `kind` ("stream") with these methods, each of
--- which gets a handle that was checked; `close` may run at any time and twice.
function handle.class(kind, methods)
  local class = { __name = "kedge." .. kind }
  class.__index = function(_, field)
    local method = class.methods[field]
    if method then return method end
    local names = {}
    for name in pairs(class.methods) do names[#names + 1] = name end
    table.sort(names)
    blame("a %s has no '%s'%s", kind, tostring(field), require("kedge.nearest").hint(tostring(field), names))
  end
  class.methods = {}
  for name, method in pairs(methods) do
    class.methods[name] = frame(function(self, ...)
      if getmetatable(self) ~= class then blame("call it with a colon: %s:%s(...)", kind, name) end
      if name ~= "close" then handle.check(self, kind) end
      return method(self, ...)
    end)
  end
  class.__close = methods.close
  class.__tostring = function(self)
    local base = rawget(self, "base") or self
    local shown = base.seen.target.shown
    return ("%s with %s (%s)"):format(kind, shown, base.closed and "closed" or "open")
  end
  handle.classes[kind] = class
  return class
end

local function is_below(current, owner)
  while current do
    if current == owner then return true end
    current = current.parent
  end
  return false
end

--- Raises where the handle is closed, or doesn't belong to the running task or one above it.
function handle.check(self, kind)
  local base = rawget(self, "base") or self
  if base.closed then
    local why = base.owner.outcome and "with the task that opened it" or "already"
    blame("this %s was closed %s", kind, why)
  end
  if not is_below(task.current(), base.owner) then
    blame("this %s belongs to the task that opened it; here another one runs", kind)
  end
end

--- The time at which a wait of `seconds` is late (nil: the handle's own time; false: never).
function handle.deadline(self, seconds, call)
  if seconds == nil then seconds = (rawget(self, "base") or self).timeout end
  if seconds == false then return nil end
  if type(seconds) ~= "number" or seconds <= 0 or seconds ~= seconds then
    blame("%s: the timeout is a number of seconds above 0, or false", call)
  end
  return task.now() + seconds
end

local KINDS = { exact = "boolean", settings = "table", unverified = "boolean" } -- of options; others are looked at elsewhere

--- The options of a method call, `names` being those it knows.
function handle.options(call, given, names)
  given = given == nil and {} or given
  if type(given) ~= "table" then blame("%s: the options are a table, not a %s", call, type(given)) end
  local known = {}
  for _, name in ipairs(names) do known[name] = true end
  for name, value in pairs(given) do
    if not known[name] then
      blame("%s has no option '%s'%s", call, tostring(name), require("kedge.nearest").hint(tostring(name), names))
    end
    local kind = KINDS[name]
    if kind and type(value) ~= kind then
      blame("%s: '%s' is %s, not a %s", call, name, kind == "boolean" and "true or false" or "a " .. kind, type(value))
    end
  end
  return given
end

--- 1 to n bytes of a connection, "" at its end | nil, message, code. With `exact` all n of them; fewer only at the end.
function handle.read(core, n, deadline, exact)
  if not exact then return core:read(n, deadline) end
  local pieces, missing = {}, n
  while missing > 0 do
    local piece, message, code = core:read(missing, deadline)
    if not piece then return nil, message, code end
    if piece == "" then break end
    missing, pieces[#pieces + 1] = missing - #piece, piece
  end
  return table.concat(pieces)
end

return handle
