-- The files of a system, live or unpacked below a folder, by the names that they have there.
-- Symbolic links are followed inside it. Only regular files are ever opened.

local file = require "kedge.core.file"
local tree = require "kedge.core.tree"

local image = {}
local methods = {}
methods.__index = methods

--- The system below the folder `root` ("/" for the live one): its files; nil and a sentence.
function image.open(root)
  local status, message = file.stat(root)
  if not status then return nil, message end
  if status.type ~= "directory" then return nil, root .. " is not a folder" end
  return setmetatable({ root = root, is_live = tree.resolve("/", root) == "/" }, methods)
end

--- Where the kernel has `path`; nil, a sentence and a code ("missing" where nothing is).
function methods:real(path)
  return tree.resolve(self.root, path)
end

--- As file.stat, or nil, a sentence and a code.
function methods:stat(path)
  local real, message, code = self:real(path)
  if not real then return nil, message, code end
  return file.stat(real)
end

--- "file", "directory", … or nil where nothing is (or nobody may look).
function methods:kind(path)
  local status = self:stat(path)
  return status and status.type
end

--- Seconds since 1970 of the last change, or nil.
function methods:changed(path)
  local status = self:stat(path)
  return status and status.mtime
end

--- The names in a folder, sorted; an empty list where there is none. nil, a sentence and a code where it can't be read.
function methods:list(path)
  local real, message, code = self:real(path)
  if not real and code == "missing" then return {} end
  if not real then return nil, message, code end
  return tree.list(real)
end

--- What a regular file holds, up to 16 MiB; nil, a sentence and a code.
function methods:read(path)
  local real, message, code = self:real(path)
  if not real then return nil, message, code end
  local status
  status, message, code = file.stat(real)
  if not status then return nil, message, code end
  if status.type ~= "file" then return nil, path .. ": not a regular file", "local.file" end
  return file.read(real)
end

local FILES_MAX, DEPTH_MAX = 10000, 8 -- of one tree of certificates

-- Adds the files below `folder` whose names end in .crt (or .pem where `pem` says so), by their names behind it.
local function collect(self, found, folder, prefix, pem, depth)
  for _, name in ipairs(self:list(folder) or {}) do
    local path = folder .. "/" .. name
    if #found >= FILES_MAX then return end
    local is_certificate = name:find("%.crt$") or pem and name:find("%.pem$")
    local kind = self:kind(path)
    if kind == "directory" and depth < DEPTH_MAX then
      collect(self, found, path, prefix .. name .. "/", pem, depth + 1)
    elseif kind == "file" and is_certificate then
      found[#found + 1] = prefix .. name
    end
  end
end

--- The names, behind `folder`, of the certificates in it and below it: *.crt, and *.pem if `pem`.
function methods:certificates(folder, pem)
  local found = {}
  collect(self, found, folder, "", pem, 1)
  return found
end

--- { temporary= "overlay", "tmpfs" or nil, read_only= } of the file system on which `path` lies, or nil.
function methods:system(path)
  local real = self:real(path)
  return real and tree.system(real)
end

return image
