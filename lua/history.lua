-- What was typed at the prompt, from one session to the next: a file with an
-- entry a line, in a folder that is the user's alone, or none.

local change = require "kedge.core.change"
local file = require "kedge.core.file"

local history = {}
history.__index = history

local ENTRIES_MAX = 1000 -- that are kept
local FILE_MAX = 1024 * 1024 -- bytes; a larger file is begun anew
local WRITABLE_BY_OTHERS = 18 -- mode bits 022

local function escaped(text)
  return (text:gsub("\\", "\\\\"):gsub("\n", "\\n"))
end

local function unescaped(line)
  return (line:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

local function is_ours(path, user)
  local owner = change.owner(path)
  return owner and owner.uid == user and owner.mode & WRITABLE_BY_OTHERS == 0 and owner or nil
end

-- The folder for it, made where it is missing, and who owns it. nil where there
-- is no home, or one that isn't ours (as root, somebody else's).
local function folder_of(getenv, user)
  local state, home = getenv "XDG_STATE_HOME", getenv "HOME"
  if not state or state:sub(1, 1) ~= "/" then -- a relative one is to be ignored (XDG Base Directory Specification)
    if not home or home:sub(1, 1) ~= "/" or not is_ours(home, user) then return nil end
    change.make_folder(home .. "/.local", 448) -- 0700
    state = home .. "/.local/state"
  end
  change.make_folder(state, 448)
  change.make_folder(state .. "/kedge", 448)
  return state .. "/kedge", is_ours(state .. "/kedge", user)
end

local function entries_of(text)
  local list = {}
  for line in text:gmatch("([^\n]+)\n") do list[#list + 1] = unescaped(line) end
  return table.move(list, math.max(1, #list - ENTRIES_MAX + 1), #list, 1, {}), #list
end

-- Writes the file anew with these entries.
local function write(path, owner, entries)
  local lines = {}
  for i, entry in ipairs(entries) do lines[i] = escaped(entry) .. "\n" end
  change.remove(path .. ".new")
  return change.create(path .. ".new", table.concat(lines), { uid = owner.uid, gid = owner.gid, mode = 384 }) -- 0600
    and change.rename(path .. ".new", path)
end

--- The history of the user with this number: `entries`, oldest first, and
--- h:add(text). Where nothing can be kept it is empty and keeps nothing.
function history.open(user, getenv)
  local self = setmetatable({ entries = {} }, history)
  local folder, owner = folder_of(getenv or os.getenv, user)
  if not owner then return self end
  local path = folder .. "/history"
  local found = file.stat(path)
  if found and found.type ~= "file" then return self end
  local text = found and file.read(path, FILE_MAX) or ""
  local total
  self.entries, total = entries_of(text)
  if not found or text == "" or total > ENTRIES_MAX then
    if not write(path, owner, self.entries) then return self end
  end
  self.path = path
  return self
end

--- Adds an entry, unless it is the one before again.
function history:add(text)
  if text == self.entries[#self.entries] then return end
  self.entries[#self.entries + 1] = text
  local handle = self.path and io.open(self.path, "a")
  if not handle then return end
  handle:write(escaped(text), "\n")
  handle:close()
end

return history
