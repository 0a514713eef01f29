-- The command line: finds the command, loads it alone, sorts its options from
-- everybody's, opens what they name, runs it.

local options = require "kedge.options"

local cli = {}

local WARNINGS_SHOWN = 3

local function escape(text)
  return require("kedge.show").escape(text:sub(1, 200))
end

-- Says one line on standard error; the exit status.
local function complain(message, status)
  require("kedge.output").say(message)
  return status or 2
end

-- "unknown option ..." with what kedge has instead, or the nearest name.
local function unknown_option(name, script_names)
  local instead = require("kedge.foreign").instead(name)
  if instead then return ("no option '%s': %s"):format(escape(name), instead) end
  local names = options.names()
  for _, own in ipairs(script_names or {}) do names[#names + 1] = own end
  return ("unknown option '%s'%s"):format(escape(name), require("kedge.nearest").hint(name, names))
end

-- Reading words. A reader holds: words, position, opts (for options.set), rest
-- (what the script's own parser gets), own (names of the script's options ->
-- whether they take a value), plain (true behind "--").

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

-- Reads options until a plain word, which it returns, or the end (nil); or false, message.
local function read_options(reader)
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

-- The script's own parser (argparse), and the names that it knows.
local function parser_of(script, name, defaults)
  local parser = require("argparse")("kedge " .. name):add_help(false)
  parser:flag("-h --help"):hidden(true) -- argparse sees options only where there is one
  if script.options then script.options(parser, defaults) end
  local own = { names = {} }
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      own[alias] = option._maxargs > 0
      own.names[#own.names + 1] = alias
    end
  end
  return parser, own
end

-- Words behind the command: the script's arguments; nil, message.
local function parse_arguments(reader, parser, own)
  reader.own = own
  while true do
    local word, message = read_options(reader)
    if word == false then return nil, message end
    if word == nil then break end
    if reader.plain and reader.rest.plain ~= true then
      reader.rest.plain = true
      reader.rest[#reader.rest + 1] = "--"
    end
    reader.rest[#reader.rest + 1] = word
    reader.position = reader.position + 1
  end
  if reader.opts.help or reader.opts.version then return {} end
  local done, args = parser:pparse(reader.rest)
  if done then return args end
  return nil, (escape(args:match("^[^\n]*")))
end

-- Stores that --trust and --reference name, opened once for all checks.
local function open_stores(opts)
  local sources = require "kedge.sources"
  local stores = {}
  for _, role in ipairs { "trust", "reference" } do
    local names = opts[role] or role == "trust" and { "system" } or nil
    if names then
      local store, message, code = sources.open(names)
      if not store then return nil, message, code == "usage" and 2 or 3 end
      stores[role] = store
    end
  end
  opts.stores = stores
  return true
end

local function warn_of_proxies(opts, name)
  if opts.quiet then return end
  for _, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
    if (os.getenv(variable) or "") ~= "" then
      return require("kedge.output").say(("warning: %s is set, but %s connects directly"):format(variable, name))
    end
  end
end

-- What was skipped inside stores is said at the end, when what was needed of
-- them is loaded; all of it with -v.
local function warn_of_stores(opts)
  if opts.quiet then return end
  local say, sources = require("kedge.output").say, require "kedge.sources"
  for _, role in ipairs { "trust", "reference" } do
    local warnings = opts.stores[role] and sources.warnings(opts.stores[role]) or {}
    local most = opts.verbose and #warnings or math.min(#warnings, WARNINGS_SHOWN)
    for i = 1, most do say("warning: " .. warnings[i]) end
    if #warnings > most then say(("warning: %d more of this kind (-v shows them)"):format(#warnings - most)) end
  end
end

local function run_script(script, name, args, opts)
  local outputs, message, status
  opts.stores = {}
  if not script.offline then
    outputs, message, status = open_stores(opts)
    if not outputs then return complain(message, status) end
  end
  outputs, message, status = require("kedge.output").open(opts)
  if not outputs then return complain(message, status) end
  local task = require "kedge.task"
  require("kedge.interrupt").listen()
  opts.user_agent = "kedge/" .. require("kedge.core.embedded").version
  if not script.offline then warn_of_proxies(opts, "kedge " .. name) end
  local report = require("kedge.report").new(name, opts, outputs, task.time(), task.now)
  status = require("kedge.run").start(script, name, args, opts, report)
  warn_of_stores(opts)
  return status
end

local function show_text(text)
  local written, message, code = require("kedge.output").print(text)
  if written or code == "local.pipe" then return 0 end
  return complain("standard output cannot be written: " .. message, 3)
end

local function run_command(reader, name)
  local script, message, status = require("kedge.loader").script(name)
  if not script then return complain(message, status) end
  local defaults = {}
  local parser, own = parser_of(script, name, defaults)
  local args
  args, message = parse_arguments(reader, parser, own)
  if not args then return complain(message) end
  if reader.opts.help then return show_text(require("kedge.help").of_script(script, name)) end
  if reader.opts.version then return show_text(require("kedge.help").versions()) end
  for option, value in pairs(defaults) do
    if reader.opts[option] == nil then reader.opts[option] = value end
  end
  local done
  done, message = options.finish(reader.opts)
  if not done then return complain(message) end
  return run_script(script, name, args, reader.opts)
end

-- The words behind `list` and `help`; nil after a complaint.
local function plain_words(reader, most)
  reader.own = { names = {} }
  local words = {}
  while true do
    local word, message = read_options(reader)
    if word == false then return nil, message end
    if word == nil then return words end
    words[#words + 1] = word
    if #words > most then return nil, ("'%s' is one word too many"):format(escape(word)) end
    reader.position = reader.position + 1
  end
end

local builtin = {}

function builtin.list(reader)
  local words, message = plain_words(reader, 0)
  if not words then return complain(message) end
  local text, status
  text, message, status = require("kedge.help").list()
  if not text then return complain(message, status) end
  return show_text(text)
end

function builtin.help(reader)
  local words, message = plain_words(reader, 1)
  if not words then return complain(message) end
  local help, name = require "kedge.help", words[1]
  if not name or builtin[name] then return show_text(help.overview()) end
  local script, status
  script, message, status = require("kedge.loader").script(name)
  if not script then return complain(message, status) end
  return show_text(help.of_script(script, name))
end

--- Does what the words of the command line say; the exit status. Runs in a task.
function cli.run(words)
  local reader = { words = words, position = 1, opts = options.new(), rest = {}, own = { names = {} } }
  local command, message = read_options(reader)
  if command == false then return complain(message) end
  if reader.opts.version then return show_text(require("kedge.help").versions()) end
  if reader.opts.help and not command then return show_text(require("kedge.help").overview()) end
  if not command then
    require("kedge.output").say_plain(require("kedge.help").short())
    return 2
  end
  reader.position = reader.position + 1
  if builtin[command] then return builtin[command](reader) end
  return run_command(reader, command)
end

--- The whole program: words as main.c gives them (0 is the program's name).
-- The exit status; after SIGINT or SIGTERM it does not return.
function cli.main(words)
  local done, status, traceback = require("kedge.task").main(function() return cli.run(words) end)
  if not done then
    require("kedge.output").say("internal error: " .. tostring(status))
    require("kedge.output").say_plain(tostring(traceback) .. "\n")
    return 3
  end
  require("kedge.interrupt").die()
  return status
end

return cli
