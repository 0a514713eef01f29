-- The files of the system that is repaired, by the names that they have there. Unlike an audit, which goes on where
-- something can't be read, an update that would judge by half of the facts is refused.

local change = require "kedge.core.change"
local file = require "kedge.core.file"
local image = require "kedge.audit.image"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"

local system = {}
local methods = {}
methods.__index = methods

--- The system below `root`; raises where that is no folder.
function system.open(root)
  local found, message = image.open(root)
  if not found then refusal.raise(message) end
  local real = refusal.check(tree.resolve("/", root:sub(1, 1) == "/" and root or tree.resolve("/", "/proc/self/cwd") .. "/" .. root))
  return setmetatable({ root = real, is_live = real == "/", image = found, shown = root }, methods)
end

-- nil where nothing is, or links lead round in a circle; raises every other failure.
local function found(value, message, code)
  if value == nil and code ~= "missing" and code ~= "circle" then refusal.raise(message, code) end
  return value
end

--- Where the kernel has `path`, its links followed inside; nil where nothing is.
function methods:real(path)
  return found(tree.resolve(self.root, path))
end

--- As real, also for something that isn't there yet in a folder that is; nil where the folder is missing.
function methods:place(path)
  return self:real(path) or self:name(path)
end

--- The kernel's path of a name itself, a link not followed; nil where its folder is missing.
function methods:name(path)
  local folder, name = path:match("^(.*)/([^/]+)$")
  local above = self:real(folder == "" and "/" or folder)
  return above and (above == "/" and "" or above) .. "/" .. name
end

--- The kernel's path of the file that the link at `path` would lead to, where nothing is there; nil where it is no link,
--- leads to something, or to no folder.
function methods:missing_target(path)
  local folder, name = path:match("^(.*)/([^/]+)$")
  local above = self:real(folder == "" and "/" or folder)
  local entry = above and self:look(above .. "/" .. name)
  if not entry or not entry.target or self:real(path) then return nil end
  local target = entry.target:sub(1, 1) == "/" and entry.target or self:inside(above) .. "/" .. entry.target
  local place = self:place(target)
  return place and not self:look(place) and place or nil
end

--- The name inside of what the kernel has at `real`.
function methods:inside(real)
  if self.is_live then return real end
  if real == self.root then return "/" end
  assert(real:sub(1, #self.root + 1) == self.root .. "/", "outside of the root")
  return real:sub(#self.root + 1)
end

--- The kernel's name of a path inside, without following anything.
function methods:outside(path)
  return self.is_live and path or self.root .. path
end

--- "file", "directory", "link", "other" of what is at a kernel's path itself, with more of it (see tree.look); nil.
function methods.look(_, real)
  return found(tree.look(real))
end

--- "file", "directory", "other" behind all links; nil where nothing is.
function methods:kind(path)
  local real = self:real(path)
  local entry = real and self:look(real)
  return entry and entry.type
end

--- What a regular file holds; nil where there is none.
function methods:read(path)
  if self:kind(path) ~= "file" then return nil end
  return found(self.image:read(path))
end

--- The names in a folder, sorted; an empty list where there is none.
function methods:list(path)
  local real = self:real(path)
  if not real or self:look(real).type ~= "directory" then return {} end
  return refusal.check(tree.list(real))
end

--- The names in a folder of the kernel's; an empty list where there is none.
function methods.names(_, real)
  return found(tree.list(real)) or {}
end

--- The kernel's path of the deepest folder that is there on the way to `path`.
function methods:nearest(path)
  local here = path
  while true do
    local real = self:real(here == "" and "/" or here)
    if real and self:look(real).type == "directory" then return real end
    here = here:match("^(.*)/[^/]*$") or ""
  end
end

local FILES_MAX, DEPTH_MAX = 10000, 8 -- of one tree of certificates

local function collect(self, list, folder, prefix, depth, keep)
  for _, name in ipairs(self:list(folder)) do
    local path = folder .. "/" .. name
    local kind = self:kind(path)
    if #list >= FILES_MAX then refusal.raise(("%s: more than %d files"):format(folder, FILES_MAX), "local.limit") end
    if kind == "directory" and depth < DEPTH_MAX then
      collect(self, list, path, prefix .. name .. "/", depth + 1, keep)
    elseif kind == "file" and keep(name) then
      list[#list + 1] = prefix .. name
    end
  end
end

--- The regular files in and below `folder` whose names `keep` accepts, links followed: their names behind it, sorted as
--- `LC_ALL=C sort` does.
function methods:files(folder, keep)
  local list = {}
  collect(self, list, folder, "", 1, keep)
  table.sort(list)
  return list
end

-- Whether somebody may put something else in the place of a link in this folder who could not write what we write anyway:
-- neither root, nor who runs kedge, nor the owner of an image, in which links don't lead out.
local function others_may_write(self, folder, link)
  local ours = refusal.check(file.stat("/proc/self")).uid
  local owner = not self.is_live and self:look(self.root).uid or ours
  if folder.uid ~= 0 and folder.uid ~= ours and folder.uid ~= owner then return true end
  if folder.mode & 18 == 0 then return false end
  return folder.mode & 512 == 0 or link.uid ~= 0 and link.uid ~= folder.uid
end

--- Raises where the way to `path` goes through a link that others could have put there: they would choose what is written.
function methods:check_way(path)
  local here, rest, steps = "", path, 0
  while true do
    local name, more = rest:match("^/+([^/]+)(.*)$")
    if not name then return end
    local entry = name ~= "." and name ~= ".." and self:look(self:outside(here .. "/" .. name))
    steps = steps + 1
    if name == ".." then
      here, rest = here:match("^(.*)/") or "", more
    elseif name == "." then
      rest = more
    elseif not entry then
      return
    elseif entry.type ~= "link" then
      here, rest = here .. "/" .. name, more
    else
      local folder = self:look(self:outside(here == "" and "/" or here))
      if steps > 200 or others_may_write(self, folder, entry) then
        refusal.raise(("%s/%s is a symbolic link in a folder in which others may write; nothing is written through it"):format(
          here, name), "local.permission")
      end
      local target = entry.target
      here, rest = target:sub(1, 1) == "/" and "" or here, (target:sub(1, 1) == "/" and target or "/" .. target) .. more
    end
  end
end

--- The owner for something new in a folder of the system (a kernel's path): { uid=, gid=, mode= 0644 }.
function methods:owner_in(folder)
  local entry = self:look(folder)
  return { uid = entry.uid, gid = entry.gid, mode = 420 }
end

--- Makes a folder and those above it, as their folder's owner; the kernel's path, and the ones that were made, topmost first.
function methods:make_folder(path)
  local made, done = {}, ""
  for name in path:gmatch("[^/]+") do
    done = done .. "/" .. name
    local real = self:real(done)
    if not real then
      real = self:place(done)
      local above = self:look(real:match("^(.*)/[^/]*$") ~= "" and real:match("^(.*)/[^/]*$") or "/")
      refusal.check(change.make_folder(real, 493))
      local now = self:look(real)
      if now.uid ~= above.uid then refusal.check(change.own(real, above.uid, above.gid, 493)) end
      made[#made + 1] = real
    end
  end
  return self:real(path), made
end

return system
