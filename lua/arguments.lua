-- What a script takes: its argparse parser, its defaults of common options, and
-- mistakes in either told at their line.

local author = require "kedge.author"
local nearest = require "kedge.nearest"
local options = require "kedge.options"

local arguments = {}

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- `args` so that reading a name which no argument of the script's has is an error.
function arguments.strict(args, parser)
  local known = {}
  for _, list in ipairs { parser._arguments, parser._options } do
    for _, element in ipairs(list) do known[element._target or element:_get_default_target()] = true end
  end
  return setmetatable(args, { __index = function(_, name)
    if known[name] then return nil end
    error(("there is no argument '%s'%s"):format(tostring(name), nearest.hint(tostring(name), sorted(known))), 2)
  end })
end

-- A table for defaults of common options: what is no option, or no value of one, is an error where it is set.
local function new_defaults()
  return setmetatable({}, { __newindex = function(self, name, value)
    local done, message = options.take({}, { [name] = value })
    if not done then error(message, 2) end
    rawset(self, name, value)
  end })
end

local METHODS = { "action", "argname", "args", "argument", "choices", "convert", "count", "default", "defmode", "description",
  "flag", "group", "hidden", "init", "mutex", "option", "overwrite", "target", "usage" }

local function describe(problem)
  local message = author.describe(problem)
  local method = type(message) == "string" and message:match("attempt to call a nil value %(method '(.-)'%)$")
  return method and message .. nearest.hint(method, METHODS) or message
end

-- What an option or argument is called in a message.
local function name_of(element)
  for _, alias in ipairs(element._aliases or {}) do
    if alias:sub(1, 2) == "--" then return alias end
  end
  return element._name
end

local EXPECTED = { [tonumber] = "is no number", [math.tointeger] = "is no whole number" }

-- An element's function for its values, so that what it doesn't take is named with
-- the element, and what it raises goes to `own.fault`.
local function telling(element, convert, own)
  return function(text)
    local done, value, message = xpcall(convert, describe, text)
    if not done then
      own.fault = author.is_ending(value) and value.message or value
      return nil, own.fault
    end
    if value ~= nil or message ~= nil then return value, message end
    return nil, ("%s: '%s' %s"):format(name_of(element), tostring(text):sub(1, 100), EXPECTED[convert] or "is not what it takes")
  end
end

local function tell(element, own)
  local convert = element._convert
  if type(convert) == "function" then
    element._convert = telling(element, convert, own)
  elseif type(convert) == "table" and type(convert[1]) == "function" then
    element._convert = {}
    for i, fn in ipairs(convert) do element._convert[i] = telling(element, fn, own) end
  elseif type(convert) == "table" then
    element._convert = function(text)
      if convert[text] ~= nil then return convert[text] end
      return nil, ("%s: '%s' is none of %s"):format(name_of(element), tostring(text):sub(1, 100), table.concat(sorted(convert), ", "))
    end
  end
end

--- The script's parser, the names of its options (each -> whether it takes a
-- value; in `names` as a list; `fault` is what one of its functions raises while
-- it reads the words), its defaults; or nil, message.
function arguments.parser(script, name)
  local parser, defaults = require("argparse")("kedge " .. name):add_help(false), new_defaults()
  parser:flag("-h --help"):hidden(true) -- argparse sees options only where there is one
  if script.options then
    local done, message = xpcall(script.options, describe, parser, defaults)
    if not done then return nil, type(message) == "table" and message.message or message end
  end
  local own = { names = {} }
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      own[alias] = option._maxargs > 0
      own.names[#own.names + 1] = alias
    end
  end
  for _, list in ipairs { parser._arguments, parser._options } do
    for _, element in ipairs(list) do tell(element, own) end
  end
  return parser, own, defaults
end

return arguments
