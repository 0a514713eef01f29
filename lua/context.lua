-- What a script's `run` gets as ctx.

local author = require "kedge.author"
local each = require "kedge.each"
local insecure = require "kedge.api.insecure"
local limits = require "kedge.limits"
local output = require "kedge.output"
local result = require "kedge.result"

local context = {}

-- Fields of ctx that a script may read; another one is a mistake of its.
local context_mt = { __index = function(_, field)
  local value = context[field]
  if value ~= nil then return value end
  local names = { "args", "name", "options" }
  for name in pairs(context) do
    if name ~= "new" then names[#names + 1] = name end
  end
  table.sort(names)
  error(("ctx has no '%s'%s"):format(tostring(field), require("kedge.nearest").hint(tostring(field), names)), 2)
end }

-- An option that isn't there is a mistake where a script's author asks for it; kedge itself may ask for any.
local options_mt = { __index = function(_, name)
  if not author.owns(debug.getinfo(2, "S").source) then return nil end
  local known = {}
  for _, spec in ipairs(require("kedge.options").list) do
    if spec.target == name then return nil end
    known[#known + 1] = spec.target
  end
  error(("there is no option '%s'%s"):format(tostring(name), require("kedge.nearest").hint(tostring(name), known)), 2)
end }

--- The context of one script: `name` as the user called it, `args` and `opts`
-- as parsed, `report` where its results go.
-- `depth` says how many scripts run this one by ctx:run.
function context.new(name, args, opts, report, depth)
  return setmetatable({ name = name, args = args, options = setmetatable(opts, options_mt), the_report = report,
    depth = depth or 0 }, context_mt)
end

-- Ends the run with one line and this exit status; caught in run.start.
local function stop(status, message)
  error(author.ending(status, message), 0)
end

--- Ends the run as a usage error: one line, exit status 2, no report.
function context.usage(_, message)
  stop(2, message)
end

--- Ends the run because a file or source can't be used: one line, exit status 3, no report.
function context.fail(_, message)
  stop(3, message)
end

--- Says what is wrong and goes on; the exit status becomes at least 3.
function context:problem(message)
  output.say(message)
  self.the_report:join(3)
end

--- A line on standard error, unless -q.
function context:log(text)
  if not self.options.quiet then output.say(tostring(text)) end
end

--- Writes text on standard output in place of a report there, before the first result.
function context:print(text)
  if type(text) ~= "string" then error(("ctx:print wants text, not a %s"):format(type(text)), 2) end
  if not self.the_report:leave_standard_output() then
    error("ctx:print comes before the first result; a report has begun on standard output", 2)
  end
  self.the_report.was_asked = true
  output.keep_for_report(false)
  local done, message, code = output.print(text)
  if not done and code ~= "local.pipe" then self:problem("standard output cannot be written: " .. message) end
end

--- Reports one result. Raises where it is none.
function context:report(r)
  local fault = result.fault(r)
  if fault then error(fault, 2) end
  self.the_report:add(insecure.mark(r))
end

--- Targets of a command line's words, as each takes them.
function context:targets(words, opts)
  return require("kedge.api.targets").list(self, words, opts)
end

--- See lua/each.lua.
context.each = each.run

-- The options of a script inside this run: the user's, the inner script's own
-- defaults, and what the words say.
local function inner_options(self, words, defaults)
  local options, opts = require "kedge.options", {}
  for name, value in pairs(self.options) do opts[name] = value end
  for name in pairs(opts.defaulted or {}) do opts[name] = nil end
  for name, value in pairs(words) do opts[name] = value end
  local done, message = options.default(opts, defaults)
  if not done then return nil, message end
  local stores = self.options.stores
  opts.stores = {}
  for _, role in ipairs { "trust", "reference" } do
    local same = table.concat(opts[role] or {}, "\0") == table.concat(self.options[role] or {}, "\0")
    if same then opts.stores[role] = stores[role] end
  end
  return opts
end

-- `given`: words of a command line in its list part, arguments by name besides.
local function inner_arguments(script, name, given)
  local command_line = require "kedge.command_line"
  local reader = command_line.reader({ table.unpack(given) }, {})
  local args, defaults = command_line.arguments(reader, script, name)
  if not args then return nil, defaults end
  for _, option in ipairs { "format", "help", "version", "repeat_count" } do
    if reader.opts[option] ~= nil then return nil, "it cannot have a report, help or repetitions of its own" end
  end
  for key, value in pairs(given) do
    if math.type(key) ~= "integer" then
      local _ = args[key] -- raises where the script has no such argument
      args[key] = value
    end
  end
  return args, defaults, reader.opts
end

-- The report of an inner script: what `filter` lets through goes to the outer one.
local function inner_report(self, filter, list)
  local outer = self.the_report
  local function add(_, r)
    if filter then
      r = filter(r)
      local fault = r ~= nil and result.fault(r)
      if fault then error(fault, 0) end
    end
    if r == nil then return end
    list[#list + 1] = r
    outer:add(r)
  end
  return setmetatable({ add = add }, { __index = outer })
end

--- Runs another script inside this run: `script` is a name, a path or a
-- script's table, `given` the words of its command line and, by name,
-- arguments that go over them: ctx:run("check", { "a.example", protocol = "h2" }).
-- Its results go to the same report, through filter(result) -> result or nil
-- where that is given. The list of its results, and the status that it
-- returned. Raises where it can't be run.
function context:run(script, given, filter)
  local name = type(script) == "string" and script or "script"
  if self.depth >= limits.script_depth then
    error(("%s: scripts run each other more than %d deep"):format(name, limits.script_depth), 2)
  end
  if type(script) == "string" then
    local found, message = require("kedge.loader").script(script)
    if not found then error(message, 2) end
    script = found
  else
    local fault = require("kedge.shape").fault("script", script, "ctx:run")
    if fault then error(fault, 2) end
  end
  local args, defaults, words = inner_arguments(script, name, given or {})
  if not args then error(("%s: %s"):format(name, defaults), 2) end
  local opts, message = inner_options(self, words, defaults)
  local opened = opts and (script.offline or true)
  if opts and not script.offline then opened, message = require("kedge.sources").open_all(opts) end
  if not opened then error(("%s: %s"):format(name, message), 2) end
  local list = {}
  local inner = context.new(name, args, opts, inner_report(self, filter, list), self.depth + 1)
  local done, status = pcall(require("kedge.run").with_options, opts, script.run, inner)
  if done then return list, status end
  if author.is_ending(status) then error(("%s: %s"):format(name, status.message), 2) end
  error(status, 0)
end

return context
