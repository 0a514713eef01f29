-- Scripts and formats by name or path, as the tables that they return.

local admit = require "kedge.core.admit"
local author = require "kedge.author"
local embedded = require "kedge.core.embedded"
local environment = require "kedge.environment"
local file = require "kedge.core.file"
local places = require "kedge.places"
local shape = require "kedge.shape"
local show = require "kedge.show"

local loader = {}

local SIZE_MAX = 1024 * 1024

--- See shape.fault.
loader.fault = shape.fault

-- The table of a built-in file; nil, message, exit status.
local function built_in(kind, name)
  local origin = kind == "script" and "scripts/" .. name .. ".lua" or "lua/formats/" .. name .. ".lua"
  local chunk, message = embedded.load(kind, name)
  if not chunk then return nil, message, 3 end
  local done, value = pcall(chunk)
  if not done then return nil, tostring(value), 3 end
  local fault = shape.fault(kind, value, origin)
  if fault then return nil, fault, 3 end
  return value
end

-- Text as Lua may read it: without a byte-order mark, and without the first
-- line's #!, the line itself kept for the numbers' sake.
local function prepared(text)
  return (text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", ""))
end

-- The text as a function with these globals; nil, message. `shown` is what messages call it.
local function compile(text, shown, env)
  text = prepared(text)
  if text:sub(1, 1) == "\27" then return nil, shown .. " is bytecode, which kedge doesn't run: give it the Lua text" end
  if text:find("\0", 1, true) then return nil, shown .. " is not Lua: it has bytes that no text has" end
  local chunk, message = load(text, "@" .. shown, "t", env)
  if not chunk then return nil, message end
  author.remember(chunk)
  return chunk
end

-- Text of a file that may be run, and its own path without symbolic links; nil, message, code.
local function read(path)
  local resolved, message, code = admit.find(path, admit.is_root())
  if not resolved then return nil, message, code end
  local text
  text, message, code = file.read(resolved, SIZE_MAX)
  if text then return text, resolved end
  if code == "local.limit" then return nil, ("%s is larger than 1 MiB, which no script is"):format(path), code end
  return nil, message:find(path, 1, true) and message or path .. ": " .. message, code
end

-- For require: a module of a script's own.
local function load_module(path, env)
  local text, message, code = read(path)
  if not text then return nil, message, code end
  return compile(text, path, env)
end

local function folder_of(path)
  return path:match("^(.*)/[^/]*$")
end

--- Globals for code of the command line or a prompt: a script's and `extra`;
-- it may make new ones. Its modules are in the working folder.
function loader.environment(extra)
  return environment.new(".", load_module, extra, true)
end

--- Code as a function with these globals, or nil, message. `shown` is what messages call it.
function loader.code(text, shown, env)
  return compile(text, shown, env)
end

-- The table that a text returns; nil, message, exit status.
local function evaluate(kind, text, shown, folder)
  local chunk, message = compile(text, shown, environment.new(folder, load_module))
  if not chunk then return nil, message, 3 end
  local done, value = xpcall(chunk, author.describe, shown)
  if not done then return nil, value, 3 end
  local fault = shape.fault(kind, value, shown, prepared(text))
  if fault and kind == "script" and shape.is_script(value) == false then
    fault = fault .. (" (it looks like a format: -f %s)"):format(shown)
  end
  if fault then return nil, fault, 3 end
  return value
end

-- The table that the file at `path` returns; nil, message, exit status.
local function from_file(kind, path)
  local text, resolved = read(path)
  if not text then return nil, resolved, 3 end
  return evaluate(kind, text, path, folder_of(resolved))
end

--- The script in `text`, which messages call `shown`: its table, or nil, message, exit status.
function loader.script_of(text, shown)
  if #text > SIZE_MAX then return nil, ("%s is larger than 1 MiB, which no script is"):format(shown), 3 end
  return evaluate("script", text, shown, nil)
end

local WORDS = { "help", "list", "new" } -- commands that are no scripts

local function unknown(kind, name)
  local known = kind == "script" and table.move(WORDS, 1, #WORDS, 1, {}) or {}
  for _, one in ipairs(places.all(kind)) do known[#known + 1] = one.name end
  local hint = require("kedge.nearest").hint(name, known)
  if hint == "" and kind == "script" then hint = " (kedge list shows them)" end
  if hint == "" then hint = "; there are " .. table.concat(embedded.names(kind), ", ") end
  local what = kind == "script" and "command" or "format"
  return nil, ("unknown %s '%s'%s"):format(what, show.escape(name:sub(1, 200)), hint), 2
end

local function get(kind, name)
  local place, message = places.find(kind, name)
  if message then return nil, message, 3 end
  if not place then return unknown(kind, name) end
  if place == "built in" then return built_in(kind, name) end
  return from_file(kind, place)
end

--- The script called `name`, or at the path `name` (it has a "/" or ends in
-- ".lua"): its table, or nil, message, exit status.
function loader.script(name)
  return get("script", name)
end

--- The format called `name`, or at the path `name`: its table, or nil, message, exit status.
function loader.format(name)
  return get("format", name)
end

--- Everything that `kedge list` shows, in the order in which names are looked
-- for: { name=, folder= (nil: built in), summary= | format=true | fault= }.
function loader.catalog()
  local list, seen = {}, { script = {}, format = {} }
  local function add(kind, one)
    local value, message
    if not one.path then
      value, message = built_in(kind, one.name)
    else
      value, message = from_file("script", one.path)
      if not value and from_file("format", one.path) then kind = "format" end
    end
    local entry = { name = one.name, folder = one.folder, format = kind == "format" or nil, hidden = seen[kind][one.name] }
    if kind == "script" then entry.summary, entry.fault = value and value.summary, message end
    seen[kind][one.name] = true
    list[#list + 1] = entry
  end
  for _, one in ipairs(places.all("script")) do add("script", one) end
  for _, name in ipairs(embedded.names("format")) do list[#list + 1] = { name = name, format = true } end
  return list
end

return loader
