-- Where scripts and formats may lie, in the order in which a name is looked for.

local admit = require "kedge.core.admit"
local embedded = require "kedge.core.embedded"

local places = {}

local FILES_MAX = 1000 -- of one folder are listed

local first = {} -- folders of --script-dir: asked before what is built in

--- Asks these folders first (--script-dir). true, or nil, message where one isn't there.
function places.ask_first(folders)
  for _, folder in ipairs(folders) do
    local found, message = require("kedge.core.file").stat(folder)
    if not found then return nil, message:find(folder, 1, true) and message or folder .. ": " .. message end
    if found.type ~= "directory" then return nil, folder .. " is not a folder" end
  end
  first = folders
  return true
end

-- Folders that are asked behind what is built in.
local function last(getenv)
  local list = {}
  for folder in (getenv "KEDGE_PATH" or ""):gmatch("[^:]+") do list[#list + 1] = folder end
  local config, home = getenv "XDG_CONFIG_HOME", getenv "HOME"
  if config and config:sub(1, 1) == "/" then -- a relative one is invalid, says its specification
    list[#list + 1] = config .. "/kedge"
  elseif home and home ~= "" then
    list[#list + 1] = home .. "/.config/kedge"
  end
  list[#list + 1] = "/etc/kedge"
  list[#list + 1] = embedded.prefix .. "/share/kedge"
  return list
end

--- True for what names a file and not a script or format.
function places.is_path(name)
  return name:find("/", 1, true) ~= nil or name:find("%.lua$") ~= nil
end

local function is_built_in(kind, name)
  for _, known in ipairs(embedded.names(kind)) do
    if known == name then return true end
  end
  return false
end

-- The path of `name` in the first of the folders that has it; nil, or nil and
-- a message where it is there and can't be taken.
local function find_in(folders, name)
  for _, folder in ipairs(folders) do
    local path = folder .. "/" .. name .. ".lua"
    local found, message, code = admit.find(path, admit.is_root())
    if found then return path end
    if code ~= "missing" then return nil, message end
  end
end

--- Where the script or format `name` (`kind`) is: "built in", or a path; nil
-- where it is nowhere, nil and a message where it is there but can't be taken.
function places.find(kind, name, getenv)
  if places.is_path(name) then return name end
  local path, message = find_in(first, name)
  if path or message then return path, message end
  if is_built_in(kind, name) then return "built in" end
  return find_in(last(getenv or os.getenv), name)
end

local function add_folder(list, folder)
  local names = require("kedge.core.tree").list(folder)
  for i, file in ipairs(names or {}) do
    local name = file:match("^(.+)%.lua$")
    if i > FILES_MAX then return end
    if name and not name:find("_test$") then list[#list + 1] = { name = name, path = folder .. "/" .. file, folder = folder } end
  end
end

--- Everything that can be named, in the order in which it is looked for: list
-- of { name=, path=, folder= }, without path and folder for what is built in.
-- Tests (NAME_test.lua) are left out.
function places.all(kind, getenv)
  local list = {}
  for _, folder in ipairs(first) do add_folder(list, folder) end
  for _, name in ipairs(embedded.names(kind)) do list[#list + 1] = { name = name } end
  for _, folder in ipairs(last(getenv or os.getenv)) do add_folder(list, folder) end
  return list
end

return places
