-- One run of a command: its repetitions, its interruption, its end.

local interrupt = require "kedge.interrupt"
local output = require "kedge.output"
local task = require "kedge.task"

local run = {}

local options_of_run -- of the command under way

--- The options of the run under way, or of the inner run (ctx:run) that the
-- caller belongs to: what kedge.check and the like take where nothing else is
-- said. nil outside of any.
function run.options()
  local current = task.current()
  while current do
    if current.options then return current.options end
    current = current.parent
  end
  return options_of_run
end

--- Calls fn(...) as an inner run with options of its own: its results. Raises
-- what fn raised. nil after an interrupt.
function run.with_options(opts, fn, ...)
  local outcome = table.pack(task.run(nil, function(...)
    local current = task.current()
    current.options, current.is_run = opts, true
    return fn(...)
  end, ...))
  if outcome[1] then return table.unpack(outcome, 2, outcome.n) end
  if type(outcome[2]) == "table" then error(outcome[2].error, 0) end
  return nil
end

-- Joins what the script's run returned.
local function join_status(report, name, status)
  if status == nil then return end
  if math.type(status) == "integer" and status >= 0 and status <= 5 then return report:join(status) end
  output.say(("the script %s returned %s, which is not a status from 0 to 5"):format(name, tostring(status)))
  report:join(3)
end

-- One run; nil, or the table of context:usage and context:fail.
local function once(script, ctx)
  local ended, done, value = task.run(nil, function()
    local own = task.current()
    own.is_run = true
    own.lists = script.offline and 1 or 0 -- what changes files is not cut off by a first signal
    return xpcall(script.run, function(problem)
      if type(problem) == "table" and problem.status then return problem end
      return ctx.options.verbose and debug.traceback(tostring(problem), 2) or tostring(problem)
    end, ctx)
  end)
  if not ended then -- by an error of kedge's own coroutines, or by a signal
    if type(done) == "table" then ctx:problem(tostring(done.error)) end
    return nil
  end
  if not done and interrupt.signal() and type(value) ~= "table" then return nil end
  if not done and type(value) == "table" then return value end
  if done then
    join_status(ctx.the_report, ctx.name, value)
  else
    ctx:problem(value)
  end
end

local function repeat_runs(script, ctx)
  local count, started = ctx.options.repeat_count, task.now()
  for n = 1, count or 1 do
    ctx.the_report.run = count and n or nil
    ctx.options.clock = { device = task.time(), build = require("kedge.core.embedded").build_time }
    local ending = once(script, ctx)
    if ending then return ending end
    if interrupt.signal() or ctx.the_report:is_deaf() then return nil end
    local pause = started + n * ctx.options.interval - task.now()
    if n < (count or 1) and pause > 0 then interrupt.wait(task.sleep, pause) end
  end
end

--- Runs a script to its end: `name` as the user called it, `args` and `opts`
-- as parsed, `report` as from report.new. The exit status.
function run.start(script, name, args, opts, report)
  local ctx = require("kedge.context").new(name, args, opts, report)
  options_of_run = opts
  local ending = repeat_runs(script, ctx)
  options_of_run = nil
  if ending then
    output.progress(nil)
    output.abandon(report.outputs)
    output.say(ending.message)
    return ending.status
  end
  local signal = interrupt.signal()
  if signal then report:join(128 + signal) end
  return report:finish()
end

return run
