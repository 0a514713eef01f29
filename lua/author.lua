-- What the author of a script is told: file and line are theirs, however deep
-- in kedge it was noticed.

local author = {}

local OWN = debug.getinfo(1, "S").source:match("^@(.*)author%.lua$") -- nil where line numbers were stripped
local LEVELS_MAX = 200

--- True for the source (of debug.getinfo) of a script or format that isn't compiled in.
function author.owns(source)
  return source:sub(1, 1) == "@" and not (OWN and source:sub(2, #OWN + 1) == OWN)
end

--- "x.lua:12", the nearest line of the author's on the stack; nil where none is.
function author.position()
  for level = 2, LEVELS_MAX do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and author.owns(info.source) then return info.short_src .. ":" .. info.currentline end
  end
end

--- "x.lua:12" where the function `fn` of the author's begins; nil for one of kedge's.
function author.place_of(fn)
  local info = debug.getinfo(fn, "S")
  if author.owns(info.source) then return info.short_src .. ":" .. info.linedefined end
end

local known = {} -- names of loaded files as they stand in messages

--- Remembers that messages may begin with this file's name.
function author.remember(chunk)
  require("kedge.core.watch").own(chunk)
  known[debug.getinfo(chunk, "S").short_src] = true
end

local function has_position(message)
  for name in pairs(known) do
    if message:sub(1, #name + 1) == name .. ":" and message:find("^%d+: ", #name + 2) then return true end
  end
  return false
end

--- `message` with the author's file and line in front, where it has none.
-- `position` is that of the caller's stack unless given.
function author.placed(message, position)
  message = message:gsub("^%?:%-1: ", "")
  if has_position(message) then return message end
  position = position or author.position()
  return position and position .. ": " .. message or message
end

local ending_mt = { __tostring = function(self) return self.message end }

--- What ctx:usage and ctx:fail raise: the run ends with this exit status and sentence.
function author.ending(status, message)
  return setmetatable({ status = status, message = message }, ending_mt)
end

--- True for a value that author.ending made.
function author.is_ending(problem)
  return getmetatable(problem) == ending_mt
end

--- What an error says, also one that isn't text: by its own __tostring, or as a result does.
function author.text(problem)
  if type(problem) == "string" or type(problem) == "number" then return tostring(problem) end
  local mt = getmetatable(problem)
  if type(mt) == "table" and mt.__tostring then
    local done, text = pcall(tostring, problem)
    if done then return text end
  end
  local said = type(problem) == "table" and rawget(problem, "message")
  if type(said) == "string" then return said end
  return ("an error that is a %s was raised"):format(type(problem))
end

--- Handler for xpcall: what was raised, as text that begins with the author's
-- file and line; what ctx:usage and ctx:fail raise stays what it is.
function author.describe(problem)
  if author.is_ending(problem) then return problem end
  return author.placed(author.text(problem))
end

return author
