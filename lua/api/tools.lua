-- Concurrency, clocks, hashes, files and programs for scripts.

local blame = require "kedge.api.blame"
local lists = require "kedge.api.lists"
local nearest = require "kedge.nearest"
local task = require "kedge.task"
local x509 = require "kedge.core.x509"

local tools = {}

local function in_a_run(call)
  if not task.current() then blame("%s waits, so it works only inside a script's run function", call) end
end

local function check_function(call, fn)
  if type(fn) ~= "function" then blame("%s wants a function, not a %s", call, type(fn)) end
end

--- Calls fn(item) for each item of a list or iterator, n at once: the list of first results.
function tools.map(items, fn, n)
  in_a_run "kedge.map"
  check_function("kedge.map", fn)
  if type(items) ~= "table" and type(items) ~= "function" then
    blame("kedge.map wants a list or an iterator first, not a %s", type(items))
  end
  if n ~= nil and (math.type(n) ~= "integer" or n < 1) then blame "kedge.map: how many at once is a whole number from 1" end
  if type(items) == "table" then lists.check("kedge.map", items) end
  return task.map(items, function(item) return fn(item) end, n)
end

--- Calls the functions of a list at once: the list of their first results.
function tools.all(functions)
  in_a_run "kedge.all"
  if type(functions) ~= "table" then blame("kedge.all wants a list of functions, not a %s", type(functions)) end
  lists.check("kedge.all", functions)
  for _, fn in ipairs(functions) do check_function("kedge.all", fn) end
  return task.all(functions)
end

--- Waits so many seconds.
function tools.sleep(seconds)
  in_a_run "kedge.sleep"
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    blame "kedge.sleep wants seconds from 0"
  end
  task.sleep(seconds)
end

tools.now, tools.time = task.now, task.time

--- SHA-256 in lower-case hexadecimal.
function tools.sha256(bytes)
  if type(bytes) ~= "string" then blame("kedge.sha256 wants a string, not a %s", type(bytes)) end
  return x509.hex(x509.sha256(bytes))
end

--- A certificate in DER as a PEM block.
function tools.encode_pem(der)
  if type(der) ~= "string" then blame("kedge.pem.encode wants a certificate in DER, not a %s", type(der)) end
  return x509.encode_pem(der)
end

-- Programs.

local LIMIT_MAX = 1024 * 1024 * 1024

local function is_text(value) return type(value) == "string" and not value:find("\0", 1, true) end

local function is_environment(value)
  if type(value) ~= "table" then return false end
  for name, text in pairs(value) do
    if not is_text(name) or not is_text(text) or name == "" or name:find("=", 1, true) then return false end
  end
  return true
end

-- Options of kedge.run: what they must be, and whether a value is.
local PROGRAM = {
  cwd = { "a path", is_text }, root = { "a path", is_text },
  env = { "a table of names and texts", is_environment },
  input = { "text", function(value) return type(value) == "string" end },
  merge = { "true or false", function(value) return type(value) == "boolean" end },
  timeout = { "seconds above 0", function(value) return type(value) == "number" and value > 0 and value < math.huge end },
  limit = { "a number of bytes", function(value) return math.type(value) == "integer" and value > 0 and value <= LIMIT_MAX end },
}

local function check_command(command)
  if type(command) ~= "table" or not is_text(command[1]) then blame "kedge.run wants { 'program', 'argument', ... }" end
  for i, word in ipairs(command) do
    if not is_text(word) then blame("kedge.run: argument %d is text without zero bytes, not a %s", i - 1, type(word)) end
  end
  local names = {}
  for name in pairs(PROGRAM) do names[#names + 1] = name end
  table.sort(names)
  for name, value in pairs(command) do
    local rule = PROGRAM[name]
    if not rule and math.type(name) ~= "integer" then
      blame("kedge.run has no option '%s'%s", tostring(name), nearest.hint(tostring(name), names))
    end
    if rule and not rule[2](value) then blame("kedge.run: '%s' is %s", name, rule[1]) end
  end
end

--- Runs a program and waits for its end.
function tools.run(command)
  in_a_run "kedge.run"
  check_command(command)
  return require("kedge.core.process").run(command)
end

--- A function for argparse's convert that takes one of these words.
function tools.choice(option, ...)
  if type(option) ~= "string" or select("#", ...) == 0 then blame "kedge.choice wants an option's name and the words that it takes" end
  local common = require "kedge.options"
  local take = common.one_of(...)
  return function(word)
    local value, message, hint = take(word)
    if value ~= nil then return value end
    return nil, common.refusal(option, word, message, hint)
  end
end

-- Files.

local FILE_MAX = 16 * 1024 * 1024

local file = {}

--- The whole of a file | nil, message, code.
function file.read(path)
  if type(path) ~= "string" then blame("kedge.file.read wants a path, not a %s", type(path)) end
  return require("kedge.core.file").read(path, FILE_MAX)
end

--- Writes the whole of a file, which appears under its name when it is complete: true | nil, message, code.
function file.write(path, text)
  if type(path) ~= "string" or type(text) ~= "string" then blame "kedge.file.write wants a path and a text" end
  local output, message, code = require("kedge.core.file").create(path)
  if not output then return nil, message, code end
  local done
  done, message, code = output:write(text)
  if done then done, message, code = output:commit() end
  output:close()
  if not done then return nil, message, code end
  return true
end

--- What stands at a path: { type=, size=, mode=, uid=, mtime= } | nil, message, code.
function file.stat(path)
  if type(path) ~= "string" then blame("kedge.file.stat wants a path, not a %s", type(path)) end
  return require("kedge.core.file").stat(path)
end

tools.file = file

return tools
