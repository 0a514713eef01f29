-- One run of a command: its repetitions, its interruption, its end.

local author = require "kedge.author"
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
  local outcome = table.pack(interrupt.run({ options = opts }, fn, ...))
  if outcome[1] then return table.unpack(outcome, 2, outcome.n) end
  if type(outcome[2]) == "table" then error(outcome[2].error, 0) end
  return nil
end

-- Joins what the script's run returned.
local function join_status(ctx, value, place)
  local report = ctx.the_report
  if math.type(value) == "integer" and value >= 0 and value <= 5 then return report:join(value) end
  local fault = ("the script %s returned %s, which is not a status from 0 to 5"):format(ctx.name, tostring(value))
  if type(value) == "table" then
    fault = "run returned a table, which nobody reads: report a result with ctx:report(result), or return a status from 0 to 5"
  end
  ctx:problem(author.placed(fault, place))
end

-- Says so where a run came to its end and there is nothing to show for it.
local function mind_silence(ctx, place)
  local report = ctx.the_report
  if report.is_casual or report.summary.total > 0 or interrupt.signal() or report:is_deaf() then return end
  if report.asked then
    local where = author.place_of(report.asked) or place
    ctx:problem(author.placed("nothing was reported: the function given to ctx:each returned nothing for any item; "
      .. "it returns the result that is to be reported", where))
  elseif not report.was_asked then
    ctx:problem(author.placed("nothing was reported: run reports with ctx:report(result) or ctx:each(list, function), "
      .. "or returns a status from 0 to 5", place))
  end
end

-- The script's run, in a task of its own; true, what it returned | false, what it raised.
local function call(script, ctx)
  local done, value = xpcall(script.run, function(problem)
    problem = author.describe(problem)
    return type(problem) == "string" and ctx.options.verbose and debug.traceback(problem, 2) or problem
  end, ctx)
  local others = task.others()
  if done and others > 0 then
    ctx:problem(author.placed(("run returned while %d of its coroutines were at work"):format(others), author.place_of(script.run)))
  end
  return done, value
end

-- One run; nil, or the table of context:usage and context:fail.
local function once(script, ctx)
  local place = author.place_of(script.run)
  -- What changes files is not cut off by a first signal; a script of somebody's own ends.
  local held = script.offline and not place and not script.is_code and 1 or 0
  local ended, done, value = interrupt.run({ held = held }, call, script, ctx)
  if not ended and type(done) == "table" then return ctx:problem(author.describe(done.error)) end
  if not ended then return nil end
  if not done and type(value) == "table" then return value end
  if not done then return ctx:problem(value) end
  if value ~= nil then return join_status(ctx, value, place) end
  mind_silence(ctx, place)
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
