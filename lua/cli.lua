-- The command line: finds the command and gives it its words.

local command_line = require "kedge.command_line"
local launch = require "kedge.launch"
local options = require "kedge.options"

local complain = launch.complain

local cli = {}

local INPUT_MAX = 1024 * 1024 + 1 -- of a script on standard input; loader refuses one that is longer

-- Folders that --script-dir names, wherever it stands. true, or nil, message, exit status.
local function ask_first(folders)
  local done, message = require("kedge.places").ask_first(folders or {})
  if not done then return nil, "--script-dir: " .. message, 3 end
  return true
end

-- Reads the options of a command whose script is there, and runs it.
local function run_script(reader, script, name)
  local args, defaults, status = command_line.arguments(reader, script, name)
  if not args then return complain(defaults, status) end
  local opts = reader.opts
  if opts.help then return launch.show(require("kedge.help").of_script(script, name)) end
  if opts.version then return launch.show(require("kedge.help").versions()) end
  local done, message = options.default(opts, defaults)
  if not done then return complain(("%s: among its defaults, %s"):format(name, message), 3) end
  done, message = options.finish(opts)
  if not done then return complain(message) end
  return launch.run(script, name, args, opts)
end

local function run_command(reader, name)
  local done, message, status = ask_first(command_line.look_ahead(reader, "--script-dir"))
  if not done then return complain(message, status) end
  local script
  script, message, status = require("kedge.loader").script(name)
  if not script then return complain(message, status) end
  return run_script(reader, script, name)
end

-- `kedge -`
local function run_input(reader)
  local input, pieces, length = require("kedge.core.file").input(0), {}, 0
  repeat
    local piece, message = input:read()
    if not piece then return complain("standard input cannot be read: " .. message, 3) end
    pieces[#pieces + 1], length = piece, length + #piece
  until piece == "" or length > INPUT_MAX
  local script, message, status = require("kedge.loader").script_of(table.concat(pieces), "standard input")
  if not script then return complain(message, status) end
  return run_script(reader, script, "-")
end

-- `kedge -e CODE [ARG]...`
local function run_code(reader, codes)
  local words, message = command_line.plain(reader, math.huge)
  if not words then return complain(message) end
  if reader.opts.version then return launch.show(require("kedge.help").versions()) end
  local casual, done = not reader.opts.format[1]
  done, message = options.finish(reader.opts)
  if not done then return complain(message) end
  local script
  script, message = require("kedge.one_liner").script(table.concat(codes, "\n"), words)
  if not script then return complain(message, 3) end
  return launch.run(script, "-e", {}, reader.opts, casual)
end

-- `kedge -i`
local function run_prompt(reader, codes)
  if codes[1] then return complain("-e and -i exclude each other") end
  local words, message = command_line.plain(reader, 0)
  if not words then return complain(message) end
  local help = require "kedge.help"
  if reader.opts.help or reader.opts.version then return launch.show(reader.opts.help and help.overview() or help.versions()) end
  local done
  done, message = options.finish(reader.opts)
  if not done then return complain(message) end
  return launch.run(require("kedge.prompt").script, "-i", {}, reader.opts, true)
end

local builtin = {}

function builtin.list(reader)
  local words, message = command_line.plain(reader, 0)
  if not words then return complain(message) end
  local done, status
  done, message, status = ask_first(reader.opts.script_dir)
  if not done then return complain(message, status) end
  local text, faults = require("kedge.help").list()
  for _, fault in ipairs(faults) do complain(fault) end
  return math.max(launch.show(text), faults[1] and 3 or 0)
end

-- What scripts can call, or all about one name of it.
local function help_api(name)
  local reference = require "kedge.api.reference"
  if not name then return launch.show(reference.overview()) end
  local text, message = reference.of(name)
  if not text then return complain(message) end
  return launch.show(text)
end

function builtin.help(reader)
  local words, message = command_line.plain(reader, 2)
  if not words then return complain(message) end
  local help, name = require "kedge.help", words[1]
  if name == "api" then return help_api(words[2]) end
  if words[2] then return complain(("'%s' is one word too many"):format(require("kedge.show").escape(words[2]:sub(1, 200)))) end
  if not name or builtin[name] then return launch.show(help.overview()) end
  local done, status, script
  done, message, status = ask_first(reader.opts.script_dir)
  if not done then return complain(message, status) end
  script, message, status = require("kedge.loader").script(name)
  if not script then return complain(message, status) end
  reader.opts.help = true
  return run_script(reader, script, name)
end

-- `kedge new NAME`, `kedge new --format NAME`
function builtin.new(reader)
  local words, message = command_line.plain(reader, 1)
  if not words then return complain(message) end
  local format = reader.opts.format
  if #format + #words ~= 1 or format[1] and format[1].file then
    return complain("new takes one name: kedge new NAME for a script, kedge new --format NAME for a format")
  end
  local text, status
  text, message, status = require("kedge.new").make(format[1] and "format" or "script", format[1] and format[1].name or words[1])
  if not text then return complain(message, status) end
  return launch.show(text)
end

-- What stands for a command among the options: -e CODE, and whether there is -i.
local function codes_of(reader)
  local codes, is_prompt = {}, false
  for _, word in ipairs(reader.rest) do
    codes[#codes + 1] = word:match("^%-e(.*)$")
    is_prompt = is_prompt or word == "-i"
  end
  return codes, is_prompt
end

--- Does what the words of the command line say; the exit status. Runs in a task.
function cli.run(words)
  local reader = command_line.reader(words, options.new())
  reader.own = { names = { "-e", "-i" }, ["-e"] = true, ["-i"] = false }
  local command, message = command_line.read_options(reader)
  if command == false then return complain(message) end
  local codes, is_prompt = codes_of(reader)
  if is_prompt then return run_prompt(reader, codes) end
  if codes[1] then return run_code(reader, codes) end
  if reader.opts.version then return launch.show(require("kedge.help").versions()) end
  if reader.opts.help and not command then return launch.show(require("kedge.help").overview()) end
  if not command then
    require("kedge.output").say_plain(require("kedge.help").short())
    return 2
  end
  reader.position = reader.position + 1
  if command == "-" then return run_input(reader) end
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
