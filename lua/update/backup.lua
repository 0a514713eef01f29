-- A backup of everything that a run may change: copies, a manifest (see kedge.update.manifest), and which certificates
-- there were before and are meant to be there afterwards. Read again, nothing of it is believed that its sums don't say.

local bounds = require "kedge.update.bounds"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local manifest = require "kedge.update.manifest"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"
local x509 = require "kedge.core.x509"

local backup = {}

local STORES = { "bundle", "directory" }

local function read(real)
  return (refusal.check(file.read(real)))
end

--- What is to be saved: entry(real), links(real) and so on are called for it. A recorder collects records.
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
    if self.known[real] then return end
    self.copies = self.copies + 1
    add("file", real, tostring(self.copies), ("%d:%d"):format(entry.device, entry.inode))
  end
  function self.folder(real) add("folder", real) end
  --- What kedge means to write there.
  function self.writes(real, text)
    table.insert(self.records, { "writes", system:inside(real), manifest.sum(text) })
  end
  --- All links of a folder, and those of its files that `may_go` (a function of the name) says.
  function self.links(real, may_go)
    for _, name in ipairs(refusal.check(tree.list(real))) do
      local entry = system:look(real .. "/" .. name)
      if entry and entry.type == "link" then add("link", real .. "/" .. name, entry.target) end
      if entry and entry.type == "file" and may_go and may_go(name) then self.entry(real .. "/" .. name) end
    end
    table.insert(self.records, { "links", system:inside(real) })
  end
  return self
end

-- Text of the sets { bundle=, directory= } of certificates by SHA-256 before, those that are meant to be there afterwards, and
-- of the configuration that is meant to be.
local function certificates_text(before, wanted, text)
  local lines = {}
  for when, sets in pairs { before = before, wanted = wanted } do
    for store, set in pairs(sets) do
      for sha256 in pairs(set) do lines[#lines + 1] = ("%s %s %s\n"):format(when, store, x509.hex(sha256)) end
    end
  end
  table.sort(lines)
  lines[#lines + 1] = ("text %s\n"):format(text and manifest.sum(text) or "none")
  return manifest.seal(table.concat(lines))
end

--- Writes what a recorder collected as backup `number` of a state; it is whole and on the disk when this returns. known: { before=,
--- wanted= sets of certificates (see kedge.update.verdict), text= of the configuration that is meant to be, or nil }.
function backup.write(state, recorder, number, known)
  local system, records = state.system, {}
  local final, owner = state:backup_folder(number), state.system:look(state.folder)
  local folder = final .. ".new"
  for _, path in ipairs { state.folder .. "/backup", folder } do
    refusal.check(change.make_folder(path, 448))
    state:give(path)
  end
  for i, record in ipairs(recorder.records) do
    records[i] = record
    if record[1] == "file" then
      local copy = folder .. "/" .. record[3]
      refusal.check(change.copy(system:outside(record[2]), copy))
      local text = read(copy)
      records[i] = { record[1], record[2], record[3], record[4], tostring(#text), manifest.sum(text) }
    end
  end
  local ours = { uid = owner.uid, gid = owner.gid, mode = 384 }
  refusal.check(change.create(folder .. "/certificates", certificates_text(known.before, known.wanted, known.text), ours))
  refusal.check(change.create(folder .. "/manifest", manifest.format(records), ours))
  refusal.check(change.rename(folder, final))
end

-- What was noted of certificates: { before=, wanted= sets by store and SHA-256 in hexadecimal, text= sum }.
local function read_certificates(state, folder)
  local path = folder .. "/certificates"
  local known = { before = { bundle = {}, directory = {} }, wanted = { bundle = {}, directory = {} } }
  for line in manifest.open(state:read(path), path):gmatch("([^\n]*)\n") do
    local when, store, sha256 = line:match("^(%l+) (%l+) (%x+)$")
    if known[when] and known[when][store] then known[when][store][sha256] = true end
    known.text = known.text or line:match("^text (%w+)$")
  end
  return known
end

-- Raises unless a copy is what was saved.
local function check_copy(state, copy, record)
  local entry = state.system:look(copy)
  local problem = not entry and "is missing" or entry.type ~= "file" and "is not a regular file"
    or entry.size ~= math.tointeger(tonumber(record[5])) and ("has %d bytes in place of %s"):format(entry.size, record[5])
    or manifest.sum(read(copy)) ~= record[6] and "is not what was saved"
  if problem then refusal.raise(("%s (of %s) %s"):format(copy, record[2], problem), nil, { is_damaged = true }) end
end

--- A backup, once all of it was found to be what was saved, and to lie where updates may work: { folder=, records=, known=
--- certificates }. Raises where it isn't.
function backup.load(state, number)
  local folder = state:backup_folder(number)
  if not state:check_backup(number) then refusal.raise(folder .. " is missing", nil, { is_damaged = true }) end
  local path = folder .. "/manifest"
  local records = manifest.parse(state:read(path), path)
  bounds.check(state.system, state.layout, records, path)
  for _, record in ipairs(records) do
    if record[1] == "file" then check_copy(state, folder .. "/" .. record[3], record) end
  end
  return { folder = folder, records = records, known = read_certificates(state, folder) }
end

--- The certificates of stores (see kedge.update.survey) that a backup doesn't know, neither as those that were there nor as
--- those that were meant to be: list of { store=, cert= }.
function backup.unknown(saved, stores)
  local list, known = {}, saved.known
  for _, name in ipairs(STORES) do
    for _, entry in ipairs(stores[name] and stores[name].entries or {}) do
      local sha256 = x509.hex(entry.cert.sha256)
      if not (known.before[name][sha256] or known.wanted.bundle[sha256] or known.wanted.directory[sha256]) then
        list[#list + 1] = { store = name, cert = entry.cert }
      end
    end
  end
  return list
end

--- How many certificates that were there before a store lacks now, both stores together.
function backup.lacking(saved, stores)
  local count = 0
  for _, name in ipairs(STORES) do
    local seen = {}
    for _, entry in ipairs(stores[name] and stores[name].entries or {}) do seen[x509.hex(entry.cert.sha256)] = true end
    for sha256 in pairs(saved.known.before[name]) do count = count + (seen[sha256] and 0 or 1) end
  end
  return count
end

return backup
