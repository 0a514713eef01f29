-- kedge -i: reads Lua, runs it, prints what it gives. Without a terminal the
-- same line by line, without prompts.

local author = require "kedge.author"
local core = require "kedge.core.prompt"
local file = require "kedge.core.file"
local inspect = require "kedge.inspect"
local interrupt = require "kedge.interrupt"
local loader = require "kedge.loader"
local output = require "kedge.output"
local task = require "kedge.task"
local terminal = require "kedge.terminal"

local prompt = {}

local STDIN, STDOUT = 0, 1
local CHUNK_MAX = 1024 * 1024 -- bytes of one piece of code, and of a line
local FIRST, MORE = "> ", ">> "
local NAME = "prompt"

local GREETING = "kedge %s, %s. Ctrl-C interrupts, Ctrl-D ends.\n"
  .. 'An expression prints its value: try kedge.check("example.org").\n'
  .. "help() tells of all there is, help(kedge.check) of one.\n"

-- Where lines come from. A source has read(prompt) -> text | nil at the end; nil, true after an interrupt.

local function editing(editor)
  local source = { is_edited = true }
  local history = require("kedge.history").open(core.user())
  for _, entry in ipairs(history.entries) do editor:remember(entry) end
  function source.read(text)
    local line = interrupt.wait(editor.line, editor, text)
    local interrupted = interrupt.signal() ~= nil
    if interrupted then editor:drop() end
    if not line then output.print("\n") end
    return not interrupted and line or nil, interrupted
  end
  function source.remember(text)
    editor:remember(text)
    history:add(text)
  end
  return source
end

-- Lines as the terminal, a pipe or a file gives them.
local function plainly(shows_prompt)
  local reader, buffer, ended = file.input(STDIN), "", false
  local source = { remember = function() end }
  function source.read(text)
    if shows_prompt then output.print(text) end
    while not buffer:find("\n", 1, true) and not ended and #buffer <= CHUNK_MAX do
      local piece = interrupt.wait(reader.read, reader)
      if interrupt.signal() then
        buffer = ""
        if shows_prompt then output.print("\n") end
        return nil, true
      end
      ended = not piece or piece == ""
      buffer = buffer .. (piece or "")
    end
    if buffer == "" then
      if shows_prompt then output.print("\n") end
      return nil
    end
    local line, rest = buffer:match("^([^\n]*)\n(.*)$")
    buffer, line = rest or "", line or buffer
    return line
  end
  return source
end

local function open_source(traits)
  if not (file.isatty(STDIN) and file.isatty(STDOUT)) then return plainly(false) end
  local editor = core.open(traits.unicode)
  return editor and editing(task.own(editor)) or plainly(true)
end

-- Reading code.

local function goes_on(message)
  return message:find("<eof>$") ~= nil
end

-- True where statements fail at their first word: it was meant as an expression, or is neither.
local function fails_at_once(message, text)
  local word = message:match("unexpected symbol near '(.*)'$")
  return word ~= nil and text:find(word, 1, true) == text:find("%S")
end

-- The function that `text` is, as an expression or as statements; nil, message, true where it goes on.
local function compile(text, env)
  local expression, count = text:gsub("^%s*=", "")
  local chunk, expected = loader.code("return " .. expression, NAME, env)
  if chunk then return chunk end
  if count > 0 then return nil, expected, goes_on(expected) end
  local message
  chunk, message = loader.code(text, NAME, env)
  if chunk then return chunk end
  if fails_at_once(message, text) then message = expected end
  return nil, message, goes_on(message)
end

-- One piece of code, over as many lines as it takes: function, text | nil, message;
-- nil at the end; nil, nil, true after an interrupt.
local function read_chunk(source, env)
  local text
  while true do
    local line, interrupted = source.read(text and MORE or FIRST)
    if interrupted then return nil, nil, true end
    if not line and not text then return nil end
    if not line then return nil, "the input ends in the middle of: " .. text:match("^[^\n]*") end
    text = text and text .. "\n" .. line or line
    if #text > CHUNK_MAX then return nil, ("one piece of code has %d bytes at most"):format(CHUNK_MAX) end
    local chunk, message, is_incomplete = compile(text, env)
    if not is_incomplete then
      if text:find("%S") then source.remember(text) end
      return chunk, chunk and text or message
    end
  end
end

-- Running it.

-- What a line opened and didn't close belongs to the prompt from now on, so that the next line can use it.
local function hand_over(from, to)
  local handles = {}
  for handle, number in pairs(from.owned) do
    if getmetatable(handle) ~= getmetatable(to) then handles[#handles + 1] = { handle = handle, number = number } end
  end
  table.sort(handles, function(a, b) return a.number < b.number end)
  for _, one in ipairs(handles) do
    from.owned[one.handle] = nil
    to:own(one.handle)
    if type(one.handle) == "table" and rawget(one.handle, "owner") == from then one.handle.owner = to end
  end
end

-- Runs the function in a task of its own: true, values | nil, message | nil after an interrupt.
local function run(chunk, opts)
  local main = task.current()
  opts.clock = { device = task.time(), build = require("kedge.core.embedded").build_time }
  local outcome = table.pack(task.run(nil, function()
    local values = table.pack(chunk())
    hand_over(task.current(), main)
    return values
  end))
  if outcome[1] then return true, outcome[2] end
  if interrupt.signal() or type(outcome[2]) ~= "table" then return nil end
  return nil, outcome[2].error
end

local function show_values(values, traits)
  for i = 1, values.n do
    local written = output.print(inspect.text(values[i], traits.width, traits.ascii))
    if not written then return end
  end
end

-- "check" or "pem.decode" for one of kedge's functions.
local function name_of(wanted, library, front)
  for name, value in pairs(library) do
    if value == wanted then return front .. name end
    local found = type(value) == "table" and name_of(wanted, value, front .. name .. ".")
    if found then return found end
  end
end

-- help() at the prompt: what `kedge help api` prints; help(what) of a function of kedge's, or of a name.
local function help(what)
  local reference = require "kedge.api.reference"
  if what == nil then return output.print(reference.overview()) end
  local name = type(what) == "string" and what or name_of(what, require "kedge", "")
  if not name then error("help wants a function of kedge's, or its name as text", 0) end
  local text, message = reference.of(name)
  if not text then error(message, 0) end
  output.print(text)
end

local function is_over(text)
  return text == "exit" or text == "quit" or text == "exit()" or text == "quit()"
end

-- Reads and runs one piece of code: false at the end.
local function turn(self)
  local chunk, text, interrupted = read_chunk(self.source, self.env)
  if interrupted then return true end
  if not chunk and not text or chunk and is_over(text) then return false end
  local done, values = nil, text
  if chunk then done, values = run(chunk, self.opts) end
  if done then
    if values[1] ~= nil then self.env._ = values[1] end
    done, values = pcall(show_values, values, self.traits)
  end
  if done then return true end
  if interrupt.signal() then
    output.say "interrupted"
  elseif values ~= nil then
    self.failed = true
    output.say(author.text(values))
  end
  return true
end

local SIGINT = 2

-- Reads and runs until the input ends or SIGTERM comes: the exit status, 3
-- where something failed that no terminal gave.
local function run_all(ctx)
  local opts, traits = ctx.options, terminal.traits(STDOUT, ctx.options.color)
  local self = { opts = opts, traits = traits, source = open_source(traits),
    env = loader.environment { kedge = require "kedge", ctx = ctx, help = function(what) help(what) end, _ = false } }
  if self.source.is_edited and not opts.quiet then
    output.print(GREETING:format(require("kedge.core.embedded").version, _VERSION))
  end
  while turn(self) do
    local signal = interrupt.signal()
    if signal and signal ~= SIGINT then break end
    interrupt.forget()
  end
  return self.failed and not file.isatty(STDIN) and 3 or 0
end

--- The prompt as a script.
prompt.script = { summary = "an interactive prompt", offline = true, run = run_all }

return prompt
