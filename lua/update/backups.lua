-- The backups of a state, as methods of it: folders with a number, complete where they have no other name.

local change = require "kedge.core.change"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"

local backups = {}

local KEPT = 3
local NUMBER_MAX = 999999 -- kedge makes no higher one

-- Links are removed, never followed.
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

--- The numbers of the complete backups, lowest first. Other names in the folder are not kedge's.
function backups:backups()
  local list = {}
  for _, name in ipairs(self.folder and self.system:names(self.folder .. "/backup") or {}) do
    if name:find("^[1-9]%d*$") and #name < 10 and tonumber(name) <= NUMBER_MAX then list[#list + 1] = math.tointeger(tonumber(name)) end
  end
  table.sort(list)
  return list
end

--- The number for a new one.
function backups:next_number()
  local list = self:backups()
  local number = (list[#list] or 0) + 1
  if number > NUMBER_MAX then
    refusal.raise(self:backup_folder(NUMBER_MAX) .. " has the highest number of all: rename or remove it")
  end
  return number
end

--- The folder of a backup.
function backups:backup_folder(number)
  return ("%s/backup/%d"):format(self.folder, number)
end

--- Notes that the run that a backup was made for came to its end.
function backups:prove(number)
  local path = self:backup_folder(number) .. "/proven"
  if not self.system:look(path) then refusal.check(change.create(path, "")) end
  self:give(path)
end

--- Whether it did.
function backups:is_proven(number)
  return self.system:look(self:backup_folder(number) .. "/proven") ~= nil
end

--- Takes away what earlier runs left that didn't come to their end, when there is no journal and so nothing depends on it.
function backups:clean()
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
function backups:temporary()
  self:end_temporary()
  local path = self.folder .. "/tmp"
  refusal.check(change.make_folder(path, 448))
  return path
end

--- Removes the folder of `temporary`.
function backups:end_temporary()
  local path = self.folder .. "/tmp"
  if self.system:look(path) then remove_all(path) end
end

--- Keeps the last backups and removes the others.
function backups:prune()
  local list = self:backups()
  for i = 1, #list - KEPT do
    remove_backup(self, list[i])
  end
end

return backups
