-- Going back to a backup: everything is as it was, byte for byte. May be killed and begun again at any point.

local bounds = require "kedge.update.bounds"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local manifest = require "kedge.update.manifest"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"

local restore = {}

-- What is at a path itself, or nil where nothing is.
local function look(real)
  local entry, message, code = tree.look(real)
  if not entry and code ~= "missing" then refusal.raise(message, code) end
  return entry
end

local function list_of(real)
  local names, message, code = tree.list(real)
  if not names and code ~= "missing" then refusal.raise(message, code) end
  return names or {}
end

local function read(real)
  return (refusal.check(file.read(real)))
end

-- Whether a file is the one that was saved, untouched.
local function is_same(real, copy, place)
  local entry = look(real)
  if not entry or entry.type ~= "file" or ("%d:%d"):format(entry.device, entry.inode) ~= place then return false end
  local saved = look(copy)
  if entry.mode ~= saved.mode or entry.uid ~= saved.uid or entry.gid ~= saved.gid then return false end
  return entry.mtime_ns == saved.mtime_ns and read(real) == read(copy)
end

local back = {}

-- A file in whose place kedge meant to write something else is somebody else's.
function back.absent(saved, real, record)
  local entry = look(real)
  if not entry or entry.type == "directory" then return end
  local writes = manifest.find(saved.records, "writes", record[2])
  if writes and entry.type == "file" and manifest.sum(read(real)) ~= writes[3] then return end
  refusal.check(change.remove(real))
end

function back.file(saved, real, record)
  local copy = saved.folder .. "/" .. record[3]
  if is_same(real, copy, record[4]) then return end
  local entry = look(real)
  if entry and entry.type == "link" then refusal.check(change.remove(real)) end
  refusal.check(change.restore(copy, real))
end

function back.link(_, real, record)
  local entry = look(real)
  if entry and entry.type == "directory" then refusal.raise(real .. " has become a folder") end
  if not entry or entry.type ~= "link" or entry.target ~= record[3] then refusal.check(change.link(record[3], real)) end
end

function back.folder(_, real)
  local entry = look(real)
  if entry and entry.type == "directory" and #list_of(real) == 0 then refusal.check(change.remove_folder(real)) end
end

local function names_of(records, kind)
  local known = {}
  for _, record in ipairs(records) do
    if not kind or record[1] == kind then known[record[2]] = true end
  end
  return known
end

-- Links that were not there. A file that is no link is somebody else's.
function back.links(saved, real, record)
  local known = names_of(saved.records, "link")
  for _, name in ipairs(list_of(real)) do
    local entry = not known[record[2] .. "/" .. name] and look(real .. "/" .. name)
    if entry and entry.type == "link" then refusal.check(change.remove(real .. "/" .. name)) end
  end
end

--- Removes what a run that was killed left beside its targets: .NAME.PID-N, where NAME is one of a record's.
function restore.remove_unfinished(system, saved)
  local folders, known = {}, names_of(saved.records)
  for _, record in ipairs(saved.records) do
    local folder = record[2]:match("^(.*)/[^/]*$")
    if record[1] ~= "folder" then folders[record[1] == "links" and record[2] or folder] = true end
  end
  for folder in pairs(folders) do
    local place = bounds.place(system, folder .. "/x")
    local real = place and place:match("^(.*)/")
    for _, name in ipairs(real and list_of(real) or {}) do
      local of = name:match("^%.(.+)%.%d+%-%d+$")
      local entry = of and look(real .. "/" .. name)
      if entry and (known[folder .. "/" .. of] and entry.type == "file" or entry.type == "link") then
        refusal.check(change.remove(real .. "/" .. name))
      end
    end
  end
end

-- In this order nothing that is usable depends on what was taken away before, and room is made first.
local ORDER = { "absent remainder", "file", "link", "links", "absent", "folder" }

local function order_of(record)
  if record[1] == "absent" and record[2]:find("%.crt%.new$") then return "absent remainder" end
  return record[1]
end

--- Puts one record's file or link back as it was.
function restore.one(system, saved, record)
  local real = bounds.place(system, record[2])
  if real then return back[record[1]](saved, real, record) end
  if record[1] == "file" or record[1] == "link" then refusal.raise(("%s: its folder is gone"):format(record[2])) end
end

--- Goes back to a backup (see kedge.update.backup): everything is as its manifest says.
function restore.all(system, saved)
  local records = saved.records
  restore.remove_unfinished(system, saved)
  for _, kind in ipairs(ORDER) do
    for i, record in ipairs(records) do
      -- Folders lie in one another: the last one recorded is removed first.
      if kind == "folder" then record = records[#records + 1 - i] end
      if order_of(record) == kind then restore.one(system, saved, record) end
    end
  end
end

local different = {}

function different.absent(_, entry) return entry ~= nil end
function different.folder(_, entry) return entry ~= nil end
function different.link(_, entry, record) return not (entry and entry.target == record[3]) end

function different.file(_, entry, record, real)
  return not (entry and entry.type == "file" and manifest.sum(read(real)) == record[6])
end

--- The paths inside that are not as they were, of the files and links of a backup.
function restore.differences(system, saved)
  local list, known = {}, names_of(saved.records)
  for _, record in ipairs(saved.records) do
    local kind, path = record[1], record[2]
    local real = bounds.place(system, path)
    local entry = real and look(real)
    if different[kind] and different[kind](saved, entry, record, real) then list[#list + 1] = path end
    for _, name in ipairs(kind == "links" and real and list_of(real) or {}) do
      local one = look(real .. "/" .. name)
      if one and one.type == "link" and not known[path .. "/" .. name] then list[#list + 1] = path .. "/" .. name end
    end
  end
  return list
end

return restore
