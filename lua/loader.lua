-- Where scripts and formats come from, and whether they are what they should be.

local embedded = require "kedge.core.embedded"
local show = require "kedge.show"

local loader = {}

local SCRIPT = {
  summary = { "string", required = true }, description = { "string" }, options = { "function" },
  run = { "function", required = true },
  offline = { "boolean" }, -- checks no network: no store is opened, no proxy warned of
  examples = { "table" }, -- for help: list of { command line, what it does }
}
local FORMAT = { start = { "function" }, result = { "function" }, finish = { "function" } }

local function examples_fault(examples)
  for i, one in ipairs(examples) do
    if type(one) ~= "table" or type(one[1]) ~= "string" or type(one[2]) ~= "string" then
      return ("the field 'examples': number %d is not { command line, what it does }"):format(i)
    end
  end
end

local function names_of(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- nil, or what is wrong with the table that a file returned.
local function table_fault(value, fields)
  if type(value) ~= "table" then return "it returns a " .. type(value) .. ", not a table" end
  for name, rule in pairs(fields) do
    if value[name] == nil and rule.required then return ("the field '%s' (a %s) is missing"):format(name, rule[1]) end
    if value[name] ~= nil and type(value[name]) ~= rule[1] then
      return ("the field '%s' is a %s, not a %s"):format(name, type(value[name]), rule[1])
    end
  end
  for name in pairs(value) do
    if not fields[name] then
      return ("the field '%s' is unknown%s"):format(tostring(name), require("kedge.nearest").hint(tostring(name), names_of(fields)))
    end
  end
end

--- What `value`, returned by the script or format `origin` (a file's name),
-- lacks: nil, or a sentence. `kind` is "script" or "format".
function loader.fault(kind, value, origin)
  local fault = table_fault(value, kind == "script" and SCRIPT or FORMAT)
  if not fault and kind == "script" and value.examples then fault = examples_fault(value.examples) end
  if not fault and kind == "format" and next(value) == nil then fault = "it has none of start, result and finish" end
  return fault and origin .. ": " .. fault
end

local function is_built_in(kind, name)
  for _, known in ipairs(embedded.names(kind)) do
    if known == name then return true end
  end
  return false
end

-- The table of a built-in file; nil, message, exit status.
local function built_in(kind, name, origin)
  local chunk, message = embedded.load(kind, name)
  if not chunk then return nil, message, 3 end
  local done, value = pcall(chunk)
  if not done then return nil, tostring(value), 3 end
  local fault = loader.fault(kind, value, origin)
  if fault then return nil, fault, 3 end
  return value
end

local SIZE_MAX = 1024 * 1024

local function is_path(name)
  return name:find("/", 1, true) ~= nil or name:find("%.lua$") ~= nil
end

-- The table that the file at `path` returns; nil, message, exit status.
local function from_file(kind, path)
  local text, message = require("kedge.core.file").read(path, SIZE_MAX)
  if not text then return nil, message:find(path, 1, true) and message or path .. ": " .. message, 3 end
  local chunk
  chunk, message = load(text, "@" .. path, "t")
  if not chunk then return nil, message, 3 end
  local done, value = pcall(chunk)
  if not done then return nil, tostring(value), 3 end
  local fault = loader.fault(kind, value, path)
  if fault then return nil, fault, 3 end
  return value
end

local WORDS = { "help", "list" } -- commands that are no scripts

--- The script called `name`, or at the path `name` (it has a "/" or ends in
-- ".lua"): its table, or nil, message, exit status.
function loader.script(name)
  if is_path(name) then return from_file("script", name) end
  if is_built_in("script", name) then return built_in("script", name, "scripts/" .. name .. ".lua") end
  local known = embedded.names("script")
  for _, word in ipairs(WORDS) do known[#known + 1] = word end
  local hint = require("kedge.nearest").hint(name, known)
  if hint == "" then hint = " (kedge list shows them)" end
  return nil, ("unknown command '%s'%s"):format(show.escape(name:sub(1, 200)), hint), 2
end

--- The format called `name`, or at the path `name`: its table, or nil, message, exit status.
function loader.format(name)
  if is_path(name) then return from_file("format", name) end
  if is_built_in("format", name) then return built_in("format", name, "lua/formats/" .. name .. ".lua") end
  local known = embedded.names("format")
  local hint = require("kedge.nearest").hint(name, known)
  if hint == "" then hint = "; there are " .. table.concat(known, ", ") end
  return nil, ("unknown format '%s'%s"):format(show.escape(name:sub(1, 200)), hint), 2
end

--- Names of the scripts that are there, sorted.
function loader.scripts()
  return embedded.names("script")
end

return loader
