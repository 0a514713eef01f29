-- Where an update keeps its lock, its journal and its backups: /var/lib/kedge of the system that is repaired, or, where that
-- can't be made or written, .kedge beside the store.

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
local KEPT = 3 -- backups

-- The folder beside the store, by its name inside.
local function beside(layout)
  local store = layout.directory or layout.bundle:match("^(.*)/")
  return (store:match("^(.*)/") or "") .. "/" .. BESIDE
end

-- Whether root runs kedge: what root may not do is a fault, for others it is a reason to look elsewhere.
local is_root = require("kedge.core.admit").is_root

-- A folder that is there and that we may write; nil where it isn't, or others may.
local function usable(system, path)
  system:check_way(path)
  local done, real = refusal.catch(system.real, system, path)
  if not done and (is_root() or real.code ~= "local.permission") then error(real, 0) end
  if not done or not real or system:look(real).type ~= "directory" then return nil end
  local may, message, code = change.access(real)
  if may then return real end
  if not tree.system(real).read_only and (is_root() or code ~= "local.permission") then refusal.raise(message, code) end
end

-- What nobody but its owner and root may look into; nil where it can't be made.
local function make(system, path)
  system:check_way(path)
  local done, real, made = refusal.catch(system.make_folder, system, path)
  if not done then
    local above = system:nearest(path)
    if tree.system(above).read_only or real.code == "local.permission" and not is_root() then return nil end
    error(real, 0)
  end
  if made[1] then
    local owner = system:look(real)
    refusal.check(change.own(real, owner.uid, owner.gid, 448))
  end
  return usable(system, path)
end

-- What stands in the folder is ours; a link in it is not, and would lead who knows where.
local function check_links(system, real)
  for _, name in ipairs { "lock", "journal", "tmp", "backup" } do
    local entry = system:look(real .. "/" .. name)
    if entry and entry.type == "link" then
      refusal.raise(("%s/%s is a symbolic link, and kedge makes none there: remove it"):format(real, name), "local.permission")
    end
  end
end

--- The state of a system's updates: { folder= the kernel's path or nil where none was made yet }. A journal decides
--- which of the two places it is.
function state.find(system, layout)
  local self = setmetatable({ system = system, places = { FOLDER, beside(layout) } }, methods)
  local found
  for _, path in ipairs(self.places) do
    local real = usable(system, path)
    if real then check_links(system, real) end
    if real and (not found or system:look(real .. "/journal") and not system:look(found .. "/journal")) then found = real end
  end
  self.folder = found
  return self
end

--- Raises where there is a folder that only somebody else may look into. hint: what to do then.
function methods:check_hidden(hint)
  for _, path in ipairs(self.folder and {} or self.places) do
    local real = self.system:real(path)
    if real and not change.access(real) then
      refusal.raise(("%s cannot be read by this user; run it as its owner, or: %s"):format(real, hint), "local.permission")
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

-- Takes a lock, and waits for it; nil where its file is missing and that is no matter.
local function take(path, kind, what)
  local began = task.now()
  while true do
    local held, message, code, pid = lock.take(path, kind)
    if held then return held end
    if code == "missing" and kind == "posix" then return nil end
    if code ~= "local.busy" then refusal.raise(message, code) end
    if task.now() - began > PATIENCE or interrupt.signal() then
      local who = holder.name(path, pid)
      refusal.raise(("%s is held by %s; nothing was changed. Try again when it has ended"):format(what, who), "local.busy")
    end
    interrupt.wait(task.sleep, 0.1)
  end
end

--- Takes kedge's lock and dpkg's; they are held until the handles in `locks` and `dpkg` are closed.
function methods:take_locks()
  self.lock = take(self:make() .. "/lock", "flock", "kedge's lock on this store")
  refusal.check(self.lock:write_pid())
  local real = self.system:real(DPKG)
  -- On a file system that nobody can write to, nobody takes it.
  if real and not tree.system(real).read_only then self.dpkg = take(real, "posix", "dpkg's lock (" .. DPKG .. ")") end
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

--- What the journal says: { state= "begun", "verified" or "unreadable", backup= number }, or nil where there is none.
function methods:journal()
  if not self.folder or not self.system:look(journal_path(self)) then return nil end
  local text = refusal.check(file.read(journal_path(self), 4096))
  local word, number = text:match("^kedge%.journal/1 (%a+) (%d+)\n$")
  return { state = word or "unreadable", backup = math.tointeger(tonumber(number)) }
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

-- Backups: folders with a number, complete where they have no other name.

local function remove_all(folder)
  if refusal.check(tree.look(folder)).type ~= "directory" then return refusal.check(change.remove(folder)) end
  for _, name in ipairs(refusal.check(tree.list(folder))) do
    remove_all(folder .. "/" .. name)
  end
  refusal.check(change.remove_folder(folder))
end

-- Renamed first: a half of a backup must not look like one.
local function remove_backup(self, number)
  local folder = self:backup_folder(number)
  refusal.check(change.rename(folder, folder .. ".new"))
  remove_all(folder .. ".new")
end

--- The numbers of the complete backups, lowest first.
function methods:backups()
  local list = {}
  for _, name in ipairs(self.folder and self.system:names(self.folder .. "/backup") or {}) do
    if name:find("^%d+$") then list[#list + 1] = math.tointeger(tonumber(name)) end
  end
  table.sort(list)
  return list
end

--- The folder of a backup.
function methods:backup_folder(number)
  return ("%s/backup/%d"):format(self.folder, number)
end

--- Whether the run that a backup was made for came to its end (see kedge.update.backup).
function methods:is_proven(number)
  return self.system:look(self:backup_folder(number) .. "/certificates") ~= nil
end

--- Takes away what earlier runs left that didn't come to their end, when there is no journal and so nothing depends on it.
function methods:clean()
  for _, folder in ipairs { self.folder, self.folder .. "/backup" } do
    for _, name in ipairs(self.system:names(folder)) do
      local path = folder .. "/" .. name
      if name == "tmp" or name:find("%.new$") then remove_all(path) end
      if name:find("^%.[%a%d.]+%.%d+%-%d+$") then refusal.check(change.remove(path)) end
    end
  end
  for _, number in ipairs(self:backups()) do
    if not self:is_proven(number) then remove_backup(self, number) end
  end
end

--- An empty folder for the tool's own files.
function methods:temporary()
  self:end_temporary()
  local path = self.folder .. "/tmp"
  refusal.check(change.make_folder(path, 448))
  return path
end

--- Keeps the last backups and removes the others.
function methods:prune()
  local list = self:backups()
  for i = 1, #list - KEPT do
    remove_backup(self, list[i])
  end
end

--- Gives what root made in somebody else's image to its owner; copies in a backup keep theirs, which belong to them.
function methods:give()
  local owner = self.system:look(self.folder)
  local list = { self.folder .. "/lock", self.folder .. "/backup" }
  for _, number in ipairs(self:backups()) do
    local folder = self:backup_folder(number)
    table.move({ folder, folder .. "/manifest", folder .. "/certificates" }, 1, 3, #list + 1, list)
  end
  for _, path in ipairs(list) do
    local entry = self.system:look(path)
    if entry and entry.uid ~= owner.uid then refusal.check(change.own(path, owner.uid, owner.gid, entry.mode)) end
  end
end

--- Removes the folder of `temporary`.
function methods:end_temporary()
  local path = self.folder .. "/tmp"
  if self.system:look(path) then remove_all(path) end
end

return state
