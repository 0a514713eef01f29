-- The certificates on the disk that a store is made from, and whether the configuration takes them in.

local config = require "kedge.audit.config"
local stores = require "kedge.audit.stores"

local files = {}

local function read(image, folder, name, cache)
  local path = folder .. "/" .. name
  local text = image:read(path)
  local content = stores.new("file", path, cache)
  if text then stores.add_text(content, text, path) end
  return { path = path, name = name, by_key = content.by_key, entries = content.entries }
end

-- What the configuration says of a shipped file: standing, and where it says so.
local function judge_shipped(file, layout, named)
  local entry = named and named[file.name]
  if not named then return "enabled" end
  if not entry then return "unlisted", layout.configuration end
  local where = ("%s, line %d"):format(layout.configuration, entry.line)
  if entry.is_disabled then return "disabled", where end
  if entry.fault then return "dropped", where .. ": " .. entry.fault end
  return "enabled", where
end

local function add_shipped(found, image, layout, cache, named)
  for _, name in ipairs(image:certificates(layout.shipped, true)) do
    local file = read(image, layout.shipped, name, cache)
    file.standing, file.where = judge_shipped(file, layout, named)
    found[#found + 1] = file
  end
end

local function add_folder(found, image, folder, cache, standing)
  for _, name in ipairs(image:certificates(folder, true)) do
    local file = read(image, folder, name, cache)
    file.standing, file.where = standing(name), folder
    found[#found + 1] = file
  end
end

local function refused() return "disabled" end
local function taken() return "enabled" end
local function crt_only(name) return name:find("%.crt$") and "enabled" or "unlisted" end

-- Lines that name a file which isn't there.
local function without_file(image, layout, entries)
  local found = {}
  for _, entry in ipairs(entries) do
    if not entry.is_disabled and image:kind(layout.shipped .. "/" .. entry.name) ~= "file" then
      found[#found + 1] = { name = entry.name, where = ("%s, line %d"):format(layout.configuration, entry.line) }
    end
  end
  return found
end

--- What a layout's configuration can take in: { list= of { path=, entries= and by_key= as in stores, standing= "enabled",
--- "disabled", "unlisted" or "dropped" (a line that the tool can't read), where= that is said }, missing= list of
--- { name=, where= } for lines without their file, dropped= list of { line=, name=, fault= } }.
function files.gather(image, layout, cache)
  local found, entries, named = {}, {}, nil
  local text = layout.configuration and image:read(layout.configuration)
  if text then
    entries = config.parse(text)
    named = config.by_name(entries)
  end
  if layout.shipped then add_shipped(found, image, layout, cache, named) end
  for _, folder in ipairs(layout.chosen or {}) do
    add_folder(found, image, folder, cache, layout.family == "debian" and crt_only or taken)
  end
  for _, folder in ipairs(layout.refused or {}) do add_folder(found, image, folder, cache, refused) end
  local dropped = {}
  for _, entry in ipairs(entries) do
    if entry.fault then dropped[#dropped + 1] = entry end
  end
  return { list = found, missing = without_file(image, layout, entries), dropped = dropped }
end

return files
