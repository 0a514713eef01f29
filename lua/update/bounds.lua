-- Which places an update may touch at all. A backup and a journal may have been written by whoever owns the card, so
-- each path that they name is looked at before anything is read, written or removed there.

local refusal = require "kedge.update.refusal"

local bounds = {}

local CONFIGURATION = "/etc/ca-certificates.conf"

--- The name inside of a path without links on its way, as far as it is there.
function bounds.canonical(system, path)
  local here, rest = path, ""
  while true do
    local real = system:real(here == "" and "/" or here)
    if real then
      local inside = system:inside(real)
      return (inside == "/" and "" or inside) .. rest
    end
    local above, name = here:match("^(.*)(/[^/]*)$")
    here, rest = above, name .. rest
  end
end

--- The same for the last part's own name, where that is a link.
function bounds.name(system, path)
  local folder, name = path:match("^(.*)(/[^/]+)$")
  return bounds.canonical(system, folder) .. name
end

--- Where a link of this name and target leads, or would lead.
function bounds.target(system, name, target)
  return bounds.canonical(system, target:sub(1, 1) == "/" and target or name:match("^(.*)/") .. "/" .. target)
end

--- Raises where a folder for something new can't be made, because a link in its place leads nowhere.
function bounds.check_folder(system, path)
  local here = path
  while here ~= "" and not system:real(here) do
    local real = system:name(here)
    local entry = real and system:look(real)
    if entry and entry.type == "link" then
      refusal.raise(("%s is a symbolic link that leads nowhere%s (%s): make that folder, or remove the link"):format(here,
        system.is_live and "" or " inside of " .. system.shown, entry.target))
    end
    here = here:match("^(.*)/")
  end
end

-- The files that an update may change: the configuration and the bundle, by their names and behind their links.
local function files_of(system, layout, records)
  local set = {}
  local paths = { layout.bundle }
  paths[#paths + 1] = layout.configuration or layout.family == "debian" and CONFIGURATION or nil
  for _, path in ipairs(paths) do
    local name = bounds.name(system, path)
    set[name], set[bounds.canonical(system, path)] = true, true
    for _, record in ipairs(records) do
      if record[1] == "link" and record[2] == name then set[bounds.target(system, name, record[3])] = true end
    end
  end
  if layout.bundle then set[bounds.name(system, layout.bundle .. ".new")] = true end
  return set
end

local function is_below(path, folder)
  return path:sub(1, #folder + 1) == folder .. "/"
end

--- Raises unless all paths of a backup's records are places that an update of this layout may touch. shown: the manifest.
function bounds.check(system, layout, records, shown)
  local files, deep = files_of(system, layout, records), {}
  local directory = layout.directory and bounds.canonical(system, layout.directory)
  for _, folder in ipairs { layout.shipped, table.unpack(layout.chosen or {}) } do deep[#deep + 1] = bounds.canonical(system, folder) end
  local function may(kind, path)
    if kind == "links" then return path == directory end
    if kind ~= "folder" and (files[path] or directory and path:match("^(.*)/") == directory) then return true end
    for _, folder in ipairs(deep) do
      if kind == "folder" and is_below(folder .. "/", path) or kind ~= "folder" and is_below(path, folder) then return true end
    end
    return false
  end
  for _, record in ipairs(records) do
    if not may(record[1], record[2]) then
      refusal.raise(("%s names %s, which no update of kedge's touches"):format(shown, record[2]), "local.permission", { is_damaged = true })
    end
  end
end

--- The kernel's path of a record's path; nil where its folder is gone. Raises where a link has come on the way.
function bounds.place(system, path)
  local real = system:name(path)
  if real and real ~= system:outside(path) then
    refusal.raise(("the way to %s leads through a symbolic link that wasn't there; nothing is written through it"):format(path),
      "local.permission")
  end
  return real
end

return bounds
