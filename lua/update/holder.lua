-- Who has a lock, for people: the process that noted its number, else one that was started by it and has the lock still.

local file = require "kedge.core.file"
local tree = require "kedge.core.tree"

local holder = {}

local BYTES = 4096 -- of a file in /proc

local function named(pid)
  local name = file.read(("/proc/%d/comm"):format(pid), BYTES)
  return ("process %d%s"):format(pid, name and (" (%s)"):format((name:gsub("%s+$", ""))) or "")
end

-- Whether a process has the lock by a descriptor of its own or one that it inherited. What may not be looked into has none.
local function has_lock(pid, path)
  local folder = ("/proc/%s/"):format(pid)
  for _, number in ipairs(tree.list(folder .. "fd") or {}) do
    local entry = tree.look(folder .. "fd/" .. number)
    if entry and entry.target == path then
      local info = file.read(folder .. "fdinfo/" .. number, BYTES)
      if info and info:find("FLOCK", 1, true) then return true end
    end
  end
  return false
end

--- Who has the lock on the file `path`, as words in a sentence. pid: who is known to have it, or nil.
function holder.name(path, pid)
  if pid then return named(pid) end
  for _, name in ipairs(tree.list("/proc") or {}) do
    if name:find("^%d+$") and has_lock(name, path) then
      return named(math.tointeger(tonumber(name))) .. ", which was started by the tool of an earlier run"
    end
  end
  return "another process"
end

return holder
