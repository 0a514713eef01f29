-- Reading the words of a command line: everybody's options from a script's own.
--
-- A reader holds: words, position, opts (for options.set), rest (what the
-- script's own parser gets), own (names of the script's options -> whether they
-- take a value), plain (true behind "--").

local options = require "kedge.options"

local command_line = {}

local function escape(text)
  return require("kedge.show").escape(text:sub(1, 200))
end

--- A reader of these words, options going to `opts`.
function command_line.reader(words, opts)
  return { words = words, position = 1, opts = opts, rest = {}, own = { names = {} } }
end

-- "unknown option ..." with what kedge has instead, or the nearest name.
local function unknown_option(name, script_names)
  local instead = require("kedge.foreign").instead(name)
  if instead then return ("no option '%s': %s"):format(escape(name), instead) end
  local names = options.names()
  for _, own in ipairs(script_names or {}) do names[#names + 1] = own end
  return ("unknown option '%s'%s"):format(escape(name), require("kedge.nearest").hint(name, names))
end

local function take_value(reader, name, attached)
  if attached then return attached end
  local value = reader.words[reader.position + 1]
  if not value then return nil, ("%s needs a value"):format(name) end
  reader.position = reader.position + 1
  return value
end

local function set(reader, spec, name, attached)
  if not spec.value then
    if attached then return nil, ("%s takes no value"):format(name) end
    return options.set(reader.opts, spec, name)
  end
  local value, message = take_value(reader, name, attached)
  if not value then return nil, message end
  return options.set(reader.opts, spec, name, value)
end

-- An option of the script's own goes on to argparse, its value tied to it so
-- that a value may begin with "-".
local function pass(reader, word, name, separator)
  local takes_value = reader.own[name]
  if takes_value == nil then return nil, unknown_option(name, reader.own.names) end
  if takes_value and word == name then
    local value, message = take_value(reader, name)
    if not value then return nil, message end
    word = word .. separator .. value
  end
  reader.rest[#reader.rest + 1] = word
  return true
end

local function read_long(reader, word)
  local name, attached = word:match("^(%-%-[^=]+)=(.*)$")
  name = name or word
  local spec = options.find(name)
  if spec then return set(reader, spec, name, attached) end
  return pass(reader, word, name, "=")
end

-- "-v", "-qv", "-j8", "-j 8"
local function read_short(reader, word)
  if #word > 2 and require("kedge.foreign").instead(word) then return nil, unknown_option(word) end
  local i = 2
  while i <= #word do
    local name = "-" .. word:sub(i, i)
    local spec = options.find(name)
    if not spec then return pass(reader, "-" .. word:sub(i), name, "") end
    local attached = i < #word and word:sub(i + 1) or nil
    local done, message = set(reader, spec, name, spec.value and attached)
    if not done then return nil, message end
    if spec.value then return true end
    i = i + 1
  end
  return true
end

--- Reads options until a plain word, which it returns, or the end (nil); or false, message.
function command_line.read_options(reader)
  while reader.position <= #reader.words do
    local word = reader.words[reader.position]
    if reader.plain or word == "-" or word:sub(1, 1) ~= "-" then return word end
    local done, message
    if word == "--" then
      reader.plain, done = true, true
    elseif word:sub(2, 2) == "-" then
      done, message = read_long(reader, word)
    else
      done, message = read_short(reader, word)
    end
    if not done then return false, message end
    reader.position = reader.position + 1
  end
  return nil
end

-- Sorts the words: true, or nil, message.
local function sort_words(reader)
  while true do
    local word, message = command_line.read_options(reader)
    if word == false then return nil, message end
    if word == nil then return true end
    if reader.plain and reader.rest.plain ~= true then
      reader.rest.plain = true
      reader.rest[#reader.rest + 1] = "--"
    end
    reader.rest[#reader.rest + 1] = word
    reader.position = reader.position + 1
  end
end

--- Reads the words behind a script's name: its arguments as argparse gives them,
--- and its defaults of common options; or nil, message, exit status.
function command_line.arguments(reader, script, name)
  local arguments = require "kedge.arguments"
  local parser, own, defaults = arguments.parser(script, name)
  if not parser then return nil, own, 3 end
  reader.own = own
  local done, message = sort_words(reader)
  if not done then return nil, message end
  if reader.opts.help or reader.opts.version then return {}, defaults end
  local args
  done, args = parser:pparse(reader.rest)
  if done then return arguments.strict(args, parser), defaults end
  if own.fault then return nil, own.fault, 3 end
  return nil, (escape(args:match("^[^\n]*")))
end

--- The values of the option `name` among the words that are still to be read,
-- for what must be known before its command is.
function command_line.look_ahead(reader, name)
  local found = { table.unpack(reader.opts[options.find(name).target] or {}) }
  for i = reader.position, #reader.words do
    local word = reader.words[i]
    if word == "--" then break end
    local attached = word:sub(1, #name + 1) == name .. "=" and word:sub(#name + 2)
    if attached or word == name then found[#found + 1] = attached or reader.words[i + 1] end
  end
  return found
end

--- At most `most` plain words, as behind `list` and `help`; or nil, message.
function command_line.plain(reader, most)
  reader.own = { names = {} }
  local words = {}
  while true do
    local word, message = command_line.read_options(reader)
    if word == false then return nil, message end
    if word == nil then return words end
    words[#words + 1] = word
    if #words > most then return nil, ("'%s' is one word too many"):format(escape(word)) end
    reader.position = reader.position + 1
  end
end

return command_line
