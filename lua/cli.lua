-- The command line: finds the command, loads it alone, opens what its options
-- name, runs it.

local command_line = require "kedge.command_line"
local options = require "kedge.options"

local cli = {}

local WARNINGS_SHOWN = 3

-- Says one line on standard error; the exit status.
local function complain(message, status)
  require("kedge.output").say(message)
  return status or 2
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
    outputs, message, status = require("kedge.sources").open_all(opts)
    if not outputs then return complain(message, status) end
  end
  require("kedge.interrupt").listen()
  outputs, message, status = require("kedge.output").open(opts)
  if not outputs then return complain(message, status) end
  local task = require "kedge.task"
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
  local args, defaults = command_line.arguments(reader, script, name)
  if not args then return complain(defaults) end
  local opts = reader.opts
  if opts.help then return show_text(require("kedge.help").of_script(script, name)) end
  if opts.version then return show_text(require("kedge.help").versions()) end
  local done
  done, message = options.default(opts, defaults)
  if not done then return complain(("%s: among its defaults, %s"):format(name, message), 3) end
  done, message = options.finish(opts)
  if not done then return complain(message) end
  return run_script(script, name, args, opts)
end

local builtin = {}

function builtin.list(reader)
  local words, message = command_line.plain(reader, 0)
  if not words then return complain(message) end
  local text, status
  text, message, status = require("kedge.help").list()
  if not text then return complain(message, status) end
  return show_text(text)
end

function builtin.help(reader)
  local words, message = command_line.plain(reader, 1)
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
  local reader = command_line.reader(words, options.new())
  local command, message = command_line.read_options(reader)
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
