-- Going back where others have changed the store since: nothing is taken away, and what is missing of what was there before
-- is put back. What this leaves is no tidy store, but one in which everything is usable; the next plan makes the rest. May be
-- killed and begun again at any point.

local bounds = require "kedge.update.bounds"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local links = require "kedge.update.links"
local manifest = require "kedge.update.manifest"
local refusal = require "kedge.update.refusal"
local restore = require "kedge.update.restore"
local stores = require "kedge.audit.stores"
local x509 = require "kedge.core.x509"

local merge = {}

local HASHED = "^(%x%x%x%x%x%x%x%x%.)%d+$"

local function content(text)
  local store = stores.new("bundle", "bundle", {})
  if text ~= "" then stores.add_text(store, text, "bundle") end
  return store
end

--- A bundle with all certificates of two, `now` as it is unless it is damaged.
function merge.bundles(now, before)
  local here, there = content(now), content(before)
  if #here.unparsable > #there.unparsable then now, here, there = before, there, here end
  local parts = { now, now ~= "" and now:sub(-1) ~= "\n" and "\n" or "" }
  for _, entry in ipairs(there.entries) do
    if not here.seen[entry.cert.sha256] then parts[#parts + 1] = x509.encode_pem(entry.cert.der) end
  end
  return #parts == 2 and now or table.concat(parts)
end

local function write(real, text)
  local output <close> = refusal.check(file.replace(real))
  refusal.check(output:write(text))
  refusal.check(output:commit())
end

-- The tool's `mv` put a file in the place of the link that the bundle's name was.
local function write_behind_link(system, saved, record, link, text)
  local target = refusal.check(bounds.place(system, record[2]), record[2] .. ": its folder is gone")
  if not system:look(target) then refusal.check(change.restore(saved.folder .. "/" .. record[3], target)) end
  write(target, text)
  restore.one(system, saved, link)
end

local function merge_bundle(facts, saved)
  local system, path = facts.system, facts.layout.bundle
  local name = path and bounds.name(system, path)
  local link = name and manifest.find(saved.records, "link", name)
  local record = name and manifest.find(saved.records, "file", link and bounds.target(system, name, link[3]) or name)
  if not record then return end
  system:check_way(path)
  local real, copy = system:real(path), saved.folder .. "/" .. record[3]
  if not real then
    restore.one(system, saved, record)
    return link and restore.one(system, saved, link)
  end
  local now = refusal.check(file.read(real))
  local text, entry = merge.bundles(now, refusal.check(file.read(copy))), system:look(system:name(path))
  if link and entry.type == "file" then return write_behind_link(system, saved, record, link, text) end
  if text ~= now then write(real, text) end
  local was = refusal.check(change.owner(copy))
  if not link and (entry.uid ~= was.uid or entry.gid ~= was.gid or entry.mode & 4095 ~= was.mode) then
    refusal.check(change.own(real, was.uid, was.gid, was.mode))
  end
end

-- OpenSSL finds a certificate under any number of its hash.
local function link_by_hash(system, real, target)
  local folder, hash = real:match("^(.*/)([^/]*%.)%d+$")
  local number = 0
  while true do
    local entry = system:look(folder .. hash .. number)
    if not entry then return refusal.check(change.link(target, folder .. hash .. number)) end
    if entry.target == target then return end
    number = number + 1
  end
end

local function merge_link(system, saved, record)
  local path, target = record[2], record[3]
  local real = bounds.place(system, path)
  local entry = real and system:look(real)
  if not real or entry and entry.target == target then return end
  if entry and entry.type ~= "link" then return end
  local leads = system:real(target:sub(1, 1) == "/" and target or path:match("^(.*/)") .. target)
  if not entry then
    if leads then refusal.check(change.link(target, real)) end
  elseif path:match("[^/]*$"):find(HASHED) then
    if leads then link_by_hash(system, real, target) end
  elseif not system:real(path) or not system.is_live and entry.target:sub(1, #system.root + 1) == system.root .. "/" then
    restore.one(system, saved, record)
  end
end

-- A file is put back where nothing is there, or where the tool has put one of its links.
local function merge_file(system, saved, record)
  local real = bounds.place(system, record[2])
  local entry = real and system:look(real)
  if real and (not entry or entry.type == "link") then restore.one(system, saved, record) end
end

--- Puts back what is missing of what a backup (see kedge.update.backup) holds.
function merge.all(facts, saved)
  local system, hashed = facts.system, {}
  restore.remove_unfinished(system, saved)
  merge_bundle(facts, saved)
  for _, record in ipairs(saved.records) do
    if record[1] == "absent" and record[2]:find("%.crt%.new$") then restore.one(system, saved, record) end
    if record[1] == "file" then merge_file(system, saved, record) end
  end
  for _, record in ipairs(saved.records) do
    if record[1] == "link" and record[2]:match("[^/]*$"):find(HASHED) then
      hashed[#hashed + 1] = record
    elseif record[1] == "link" then
      merge_link(system, saved, record)
    end
  end
  if not system.is_live and facts.layout.chosen then links.restore(facts, {}) end
  for _, record in ipairs(hashed) do merge_link(system, saved, record) end
  if not system.is_live and facts.layout.directory then links.give(facts) end
end

return merge
