-- A backup of everything that a run may change, and going back to it. A manifest says what was there:
--   file PATH COPY PLACE   a regular file, whose copy lies beside the manifest
--   absent PATH            nothing was there
--   link PATH TARGET       a symbolic link
--   folder PATH            a folder that wasn't there
--   links PATH             of this folder all links are in the manifest
--   end
-- Paths are those inside the system, without links on their way, so that a card may be mounted elsewhere next time.

local change = require "kedge.core.change"
local file = require "kedge.core.file"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"
local x509 = require "kedge.core.x509"

local backup = {}

-- Fields as text without white space.
local function encode(text)
  return (text:gsub("[^%w/._-]", function(byte) return ("%%%02x"):format(byte:byte()) end))
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

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

--- What is to be saved: file(real), link(real) and so on are called for it. A recorder collects records.
function backup.recorder(system)
  local self = { records = {}, known = {}, copies = 0 }
  local function add(kind, real, ...)
    if self.known[real] then return end
    self.known[real] = true
    table.insert(self.records, { kind, system:inside(real), ... })
  end
  --- Whatever is there now, a file, a link or nothing.
  function self.entry(real)
    local entry = system:look(real)
    if not entry then return add("absent", real) end
    if entry.type == "link" then return add("link", real, entry.target) end
    if entry.type ~= "file" then refusal.raise(real .. " is neither a file nor a link") end
    self.copies = self.copies + 1
    add("file", real, tostring(self.copies), ("%d:%d"):format(entry.device, entry.inode))
  end
  function self.folder(real) add("folder", real) end
  --- All links of a folder.
  function self.links(real)
    for _, name in ipairs(refusal.check(tree.list(real))) do
      local entry = system:look(real .. "/" .. name)
      if entry and entry.type == "link" then add("link", real .. "/" .. name, entry.target) end
    end
    table.insert(self.records, { "links", system:inside(real) })
  end
  return self
end

--- Writes what a recorder collected as backup `number` of a state; it is whole and on the disk when this returns.
function backup.write(state, recorder, number)
  local system, lines = state.system, {}
  local folder = state:backup_folder(number) .. ".new"
  refusal.check(change.make_folder(state.folder .. "/backup", 448))
  refusal.check(change.make_folder(folder, 448))
  for _, record in ipairs(recorder.records) do
    local fields = {}
    for i, field in ipairs(record) do fields[i] = encode(field) end
    lines[#lines + 1] = table.concat(fields, " ") .. "\n"
    if record[1] == "file" then refusal.check(change.copy(system:outside(record[2]), folder .. "/" .. record[3])) end
  end
  refusal.check(change.create(folder .. "/manifest", table.concat(lines) .. "end\n", { uid = system:look(state.folder).uid,
    gid = system:look(state.folder).gid, mode = 384 }))
  refusal.check(change.rename(folder, state:backup_folder(number)))
end

--- Notes beside a backup which certificates there were before and after, and the configuration's text: the run it belongs to
--- has come to its end.
function backup.write_certificates(state, number, before, after, text)
  local lines = {}
  for when, sets in pairs { before = before, after = after } do
    for store, set in pairs(sets) do
      for sha256 in pairs(set) do lines[#lines + 1] = ("%s %s %s\n"):format(when, store, x509.hex(sha256)) end
    end
  end
  table.sort(lines)
  lines[#lines + 1] = ("text %s\nend\n"):format(text and x509.hex(x509.sha256(text)) or "none")
  local path = state:backup_folder(number) .. "/certificates"
  refusal.check(change.remove(path))
  refusal.check(change.create(path, table.concat(lines)))
end

--- The records of a backup; raises where it isn't whole.
function backup.read(state, number)
  local folder = state:backup_folder(number)
  local path = folder .. "/manifest"
  local text = read(path)
  local records = {}
  for line in text:gmatch("([^\n]*)\n") do
    local record = {}
    for field in line:gmatch("%S+") do record[#record + 1] = decode(field) end
    records[#records + 1] = record
  end
  local last = table.remove(records)
  if not last or last[1] ~= "end" then refusal.raise(path .. ": the manifest is not whole") end
  for _, record in ipairs(records) do
    local copy = record[1] == "file" and folder .. "/" .. record[3]
    if copy and refusal.check(look(copy), copy .. " is missing").type ~= "file" then refusal.raise(copy .. ": not a file") end
  end
  return records
end

-- Whether a file is the one that was saved, untouched.
local function is_same(real, copy, place)
  local entry = look(real)
  if not entry or entry.type ~= "file" or ("%d:%d"):format(entry.device, entry.inode) ~= place then return false end
  local saved = look(copy)
  if entry.mode ~= saved.mode or entry.uid ~= saved.uid or entry.gid ~= saved.gid then return false end
  return entry.mtime_ns == saved.mtime_ns and read(real) == read(copy)
end

local restore = {}

function restore.absent(_, real)
  local entry = look(real)
  if entry and entry.type ~= "directory" then refusal.check(change.remove(real)) end
end

function restore.file(folder, real, copy, place)
  copy = folder .. "/" .. copy
  if is_same(real, copy, place) then return end
  local entry = look(real)
  if entry and entry.type == "link" then refusal.check(change.remove(real)) end
  refusal.check(change.restore(copy, real))
end

function restore.link(_, real, target)
  local entry = look(real)
  if entry and entry.type == "directory" then refusal.raise(real .. " has become a folder") end
  if not entry or entry.type ~= "link" or entry.target ~= target then refusal.check(change.link(target, real)) end
end

function restore.folder(_, real)
  if look(real) and #list_of(real) == 0 then refusal.check(change.remove_folder(real)) end
end

-- Links that were not there. A file that is no link is somebody else's.
local function remove_links(system, path, known)
  local real = system:outside(path)
  for _, name in ipairs(list_of(real)) do
    local one = path .. "/" .. name
    local entry = not known[one] and look(system:outside(one))
    if entry and entry.type == "link" then refusal.check(change.remove(system:outside(one))) end
  end
end

-- What a run that was killed left beside its targets: .NAME.PID-N, where NAME is one of a record's.
local function remove_unfinished(system, records)
  local folders = {}
  for _, record in ipairs(records) do
    local folder = record[2]:match("^(.*)/[^/]*$")
    if record[1] ~= "folder" then folders[record[1] == "links" and record[2] or folder] = true end
  end
  local known = {}
  for _, record in ipairs(records) do known[record[2]] = true end
  for folder in pairs(folders) do
    for _, name in ipairs(list_of(system:outside(folder))) do
      local of = name:match("^%.(.+)%.%d+%-%d+$")
      local real = system:outside(folder) .. "/" .. name
      local entry = of and look(real)
      if entry and (known[folder .. "/" .. of] and entry.type == "file" or entry.type == "link") then
        refusal.check(change.remove(real))
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

--- Goes back to a backup: everything is as its manifest says. May be killed and begun again at any point.
function backup.restore(state, number)
  local system, records, known = state.system, backup.read(state, number), {}
  for _, record in ipairs(records) do
    if record[1] == "link" then known[record[2]] = true end
  end
  remove_unfinished(system, records)
  for _, kind in ipairs(ORDER) do
    for i, record in ipairs(records) do
      -- Folders lie in one another: the last one recorded is removed first.
      if kind == "folder" then record = records[#records + 1 - i] end
      if order_of(record) == kind then
        if kind == "links" then
          remove_links(system, record[2], known)
        else
          restore[record[1]](state:backup_folder(number), system:outside(record[2]), table.unpack(record, 3))
        end
      end
    end
  end
end

--- The paths inside that are not as they were, of the files and links of a backup.
function backup.differences(state, number)
  local system, records, list, known = state.system, backup.read(state, number), {}, {}
  for _, record in ipairs(records) do known[record[2]] = true end
  for _, record in ipairs(records) do
    local kind, path, value = table.unpack(record)
    local real = system:outside(path)
    local entry = look(real)
    if kind == "absent" and entry or kind == "link" and not (entry and entry.target == value) then list[#list + 1] = path end
    if kind == "folder" and entry then list[#list + 1] = path end
    if kind == "file" and not (entry and entry.type == "file"
      and read(real) == read(state:backup_folder(number) .. "/" .. value)) then list[#list + 1] = path end
    if kind == "links" then
      for _, name in ipairs(list_of(real)) do
        local one = look(real .. "/" .. name)
        if one and one.type == "link" and not known[path .. "/" .. name] then list[#list + 1] = path .. "/" .. name end
      end
    end
  end
  return list
end

return backup
