-- Where an update keeps its lock, its journal and its backups: /var/lib/kedge of the system that is repaired, or, where that
-- can't be made or written, .kedge beside the store.

local admit = require "kedge.core.admit"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local holder = require "kedge.update.holder"
local interrupt = require "kedge.interrupt"
local lock = require "kedge.core.lock"
local refusal = require "kedge.update.refusal"
local task = require "kedge.task"
local tree = require "kedge.core.tree"

local state = {}
local methods = {}
methods.__index = methods

local FOLDER, BESIDE = "/var/lib/kedge", ".kedge"
local DPKG = "/var/lib/dpkg/lock-frontend"
local PATIENCE = 60 -- seconds for a lock
local TOLD = 1 -- seconds of it before that is said
local OWN_MAX = 8 * 1024 * 1024 -- bytes of a file of kedge's own
local NUMBER_DIGITS = 6 -- of a backup's number

-- The folder beside the store, by its name inside.
local function beside(layout)
  local store = layout.directory or layout.bundle:match("^(.*)/")
  return (store:match("^(.*)/") or "") .. "/" .. BESIDE
end

-- Whether root runs kedge: what root may not do is a fault, for others it is a reason to look elsewhere.
local is_root = admit.is_root

local function is_read_only(real)
  return refusal.check(tree.system(real)).read_only
end

-- A folder that is there and that we may write; nil where it isn't, or others may.
local function usable(system, path)
  system:check_way(path)
  local done, real = refusal.catch(system.real, system, path)
  if not done and (is_root() or real.code ~= "local.permission") then error(real, 0) end
  if not done or not real or system:look(real).type ~= "directory" then return nil end
  local may, message, code = change.access(real)
  if may then return real end
  if not is_read_only(real) and (is_root() or code ~= "local.permission") then refusal.raise(message, code) end
end

-- What nobody but its owner and root may look into; nil where it can't be made.
local function make(system, path)
  system:check_way(path)
  local done, real, made = refusal.catch(system.make_folder, system, path)
  if not done then
    local above = system:nearest(path)
    if is_read_only(above) or real.code == "local.permission" and not is_root() then return nil end
    error(real, 0)
  end
  if made[1] then
    local owner = system:look(is_root() and system.root or real)
    refusal.check(change.own(real, owner.uid, owner.gid, 448))
  end
  return usable(system, path)
end

-- Whether what an owner writes may decide what kedge does: ours, root's, and in an image those of whoever owns it.
local function is_trusted(system, entry)
  local owner = system:look(system.root).uid
  return (entry.uid == 0 or entry.uid == admit.user() or entry.uid == owner) and (entry.type == "link" or entry.mode & 18 == 0)
end

local TYPES = { directory = "a folder", file = "a regular file" }

-- Raises unless what is there (if anything) is of this type, and of somebody who is trusted.
local function check_own(system, path, kind)
  local entry = system:look(path)
  if not entry then return nil end
  if entry.type == "link" then
    refusal.raise(path .. " is a symbolic link, and kedge makes none there: remove it", "local.permission")
  end
  if entry.type ~= kind then
    refusal.raise(("%s is not %s: kedge didn't make it; remove it"):format(path, TYPES[kind]), "local.permission")
  end
  if not is_trusted(system, entry) then
    refusal.raise(("%s belongs to user %d (mode %o), so it may not say what is written here; look at it, then remove it"):format(path,
      entry.uid, entry.mode & 4095), "local.permission")
  end
  return entry
end

-- What stands in the folder is ours, or it isn't used at all: a link in it would lead who knows where.
local function check_folder(system, real)
  check_own(system, real, "directory")
  for _, name in ipairs { "lock", "journal" } do check_own(system, real .. "/" .. name, "file") end
  for _, name in ipairs { "tmp", "backup" } do check_own(system, real .. "/" .. name, "directory") end
end

--- The state of a system's updates: { folder= the kernel's path or nil where none was made yet }. A journal decides
--- which of the two places it is.
function state.find(system, layout)
  local self = setmetatable({ system = system, layout = layout, places = { FOLDER, beside(layout) } }, methods)
  local found
  for _, path in ipairs(self.places) do
    local real = usable(system, path)
    if real then check_folder(system, real) end
    if real and (not found or system:look(real .. "/journal") and not system:look(found .. "/journal")) then found = real end
  end
  self.folder = found
  return self
end

--- Raises where there is a folder that only somebody else may look into. hint: what to do then.
function methods:check_hidden(hint)
  for _, path in ipairs(self.folder and {} or self.places) do
    local real = self.system:real(path)
    if real and not change.access(real) and not is_read_only(real) then
      refusal.raise(("%s cannot be read by this user; run it as its owner, or: %s"):format(real, hint), "local.permission",
        { is_hidden = true })
    end
  end
end

--- Makes the folder, if it isn't there.
function methods:make()
  for _, path in ipairs(self.folder and {} or self.places) do
    self.folder = self.folder or make(self.system, path)
  end
  if not self.folder then
    refusal.raise(("neither %s nor %s can be written"):format(self.places[1], self.places[2]), "local.permission")
  end
  return self.folder
end

-- Locks.

-- Takes a lock, and waits for it, which log(sentence) is told of; nil where its file is missing and that is no matter.
local function take(path, kind, what, log)
  local began, is_told = task.now(), false
  while true do
    local held, message, code, pid = lock.take(path, kind)
    if held then return held end
    if code == "missing" and kind == "posix" then return nil end
    if code ~= "local.busy" then refusal.raise(message, code) end
    local waited = task.now() - began
    if interrupt.signal() then
      refusal.raise(("interrupted while waiting for %s; nothing was changed"):format(what), "local.interrupted")
    end
    if waited > PATIENCE then
      local who = holder.name(path, pid)
      refusal.raise(("%s is held by %s; nothing was changed. Try again when it has ended"):format(what, who), "local.busy")
    end
    if waited > TOLD and not is_told then log(("waiting for %s, which is held by %s"):format(what, holder.name(path, pid))) end
    is_told = waited > TOLD
    interrupt.wait(task.sleep, 0.1)
  end
end

--- Takes kedge's lock and dpkg's; they are held until `close`. log(sentence) is told of a wait.
function methods:take_locks(log)
  self.lock = take(self:make() .. "/lock", "flock", "kedge's lock on this store", log)
  self.lock:write_pid() -- for others to name us, where the disk has room for it
  self:give(self.folder .. "/lock")
  local real = self.system:real(DPKG)
  -- On a file system that nobody can write to, nobody takes it.
  if real and not is_read_only(real) then self.dpkg = take(real, "posix", "dpkg's lock (" .. DPKG .. ")", log) end
end

--- Lets the locks go. is_done: all came to its end; then a daemon that the tool started keeps nobody waiting.
function methods:close(is_done)
  if is_done and self.lock then self.lock:retire(self.folder .. "/lock") end
  for _, name in ipairs { "dpkg", "lock" } do
    if self[name] then self[name]:close() end
    self[name] = nil
  end
end

-- The journal: one word, "begun" or "verified", and the number of the backup.

local function journal_path(self) return self.folder .. "/journal" end

--- Reads one of kedge's own files in the state folder, which may have been put there by somebody else.
function methods:read(path)
  local entry = check_own(self.system, path, "file")
  if not entry then refusal.raise(path .. " is missing", nil, { is_damaged = true }) end
  return (refusal.check(file.read(path, OWN_MAX)))
end

--- What to do where an interrupted run can't be brought to its end by kedge.
function methods:advice()
  return ("An earlier run was interrupted, and how to end it is not known. Look at the store with kedge ca-audit; what was there "
    .. "before lies in %s/backup. When the store is as it should be, remove %s and run this again"):format(self.folder, journal_path(self))
end

--- What the journal says: { state= "begun" or "verified", backup= number }, or nil where there is none. Raises where it
--- can't be understood.
function methods:journal()
  if not self.folder or not self.system:look(journal_path(self)) then return nil end
  local word, number = self:read(journal_path(self)):match("^kedge%.journal/1 (%l+) ([1-9]%d*)\n$")
  if word ~= "begun" and word ~= "verified" or #number > NUMBER_DIGITS then
    refusal.raise(("%s is damaged; nothing was changed. %s"):format(journal_path(self), self:advice()))
  end
  return { state = word, backup = math.tointeger(tonumber(number)) }
end

--- Writes the journal; it is on the disk when this returns.
function methods:write_journal(word, number)
  local text = ("kedge.journal/1 %s %d\n"):format(word, number)
  if not self.system:look(journal_path(self)) then return refusal.check(change.create(journal_path(self), text)) end
  local output <close> = refusal.check(file.replace(journal_path(self)))
  refusal.check(output:write(text))
  refusal.check(output:commit())
end

function methods:end_journal()
  refusal.check(change.remove(journal_path(self)))
end

--- Raises where the folder of a backup isn't kedge's own; true where it is there.
function methods:check_backup(number)
  return check_own(self.system, self:backup_folder(number), "directory") ~= nil
end

--- Gives what root made in somebody else's image to the owner of the state folder.
function methods:give(path)
  local owner, entry = self.system:look(self.folder), self.system:look(path)
  if entry and (entry.uid ~= owner.uid or entry.gid ~= owner.gid) and is_root() then
    refusal.check(change.own(path, owner.uid, owner.gid, entry.mode))
  end
end

for name, method in pairs(require "kedge.update.backups") do methods[name] = method end

return state
