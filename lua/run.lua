-- One run of a command: what a script's `run` gets as ctx, in which order its
-- results are reported, repetition and interruption.

local interrupt = require "kedge.interrupt"
local output = require "kedge.output"
local result = require "kedge.result"
local task = require "kedge.task"

local run = {}

local PROGRESS_SECONDS = 0.2

local context = {}
context.__index = context

-- Ends the run with one line and this exit status; caught in run.start.
local function stop(status, message)
  error(setmetatable({ status = status, message = message }, { __tostring = function(self) return self.message end }), 0)
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

--- Reports one result. Raises where it is none.
function context:report(r)
  local fault = result.fault(r)
  if fault then error(fault, 2) end
  self.the_report:add(r)
end

local function id_of(item)
  if type(item) == "table" then
    return type(item.id) == "string" and item.id or type(item.host) == "string" and item.host or "check"
  end
  return tostring(item)
end

-- Result or list of results that an item's function gave, as a list.
local function as_list(item, value)
  if value == nil then return {} end
  local list = type(value) == "table" and value.id == nil and value.status == nil and value or { value }
  for i, r in ipairs(list) do
    local fault = result.fault(r)
    if fault then list[i] = result.of_error(id_of(item), fault) end
  end
  return list
end

-- Items one after another with their places; the second result tells whether
-- the order of the list holds.
local function entries(items)
  if type(items) == "function" then
    return function()
      local item = items()
      if item ~= nil then return { item = item } end
    end, false
  end
  local i = 0
  return function()
    i = i + 1
    if items[i] ~= nil then return { item = items[i], place = i } end
  end, true
end

-- Reports lists of results in the order of their places: a finished one waits
-- for its predecessors.
local function sequence(report)
  local waiting, next_place = {}, 1
  return function(place, list)
    waiting[place] = list
    while waiting[next_place] do
      local ready = waiting[next_place]
      waiting[next_place] = nil
      next_place = next_place + 1
      for _, r in ipairs(ready) do report:add(r) end
    end
  end
end

local function describe(problem)
  if type(problem) == "table" and problem.status then return problem end
  return tostring(problem)
end

-- Waits while a reader keeps an output waiting: no check starts then.
local function wait_for_readers(self)
  while self.the_report:is_waiting() do task.sleep(0.02) end
end

-- Draws the progress line anew until `progress` has ended.
local function draw(progress)
  while not progress.over do
    task.sleep(PROGRESS_SECONDS)
    local of = progress.total and (" of %d"):format(progress.total) or ""
    local text = ("%d%s done, %d in flight"):format(progress.ended, of, progress.begun - progress.ended)
    if not progress.over then output.progress(text) end
  end
end

local function start_progress(self, total)
  self.progress = { begun = 0, ended = 0, total = total, over = self.options.quiet }
  if not self.options.quiet and output.shows_progress() then task.spawn(draw, self.progress) end
end

local function end_progress(self)
  self.progress.over = true
  output.progress(nil)
end

-- What one item's function gives, as a list of results.
local function work(self, item, fn)
  if interrupt.signal() then return { result.of_interrupt(id_of(item), item) } end
  self.progress.begun = self.progress.begun + 1
  local done, value = xpcall(fn, describe, item)
  self.progress.ended = self.progress.ended + 1
  if done then return as_list(item, value) end
  if type(value) == "table" then error(value, 0) end
  return { result.of_error(id_of(item), value) }
end

--- Runs fn(item) on each item of a list (reported in its order) or of an
-- iterator (reported as they end), -j at once. What fn returns is reported: a
-- result, a list of results, or nothing. An error in fn is a failed result.
function context:each(items, fn)
  local next_entry, is_ordered = entries(items)
  local report, put, stopped = self.the_report, sequence(self.the_report), nil
  start_progress(self, is_ordered and #items or nil)
  local function next_if_wanted()
    if stopped or report:is_deaf() or (not is_ordered and interrupt.signal()) then return nil end
    return next_entry()
  end
  task.map(next_if_wanted, function(entry)
    wait_for_readers(self)
    local done, list = xpcall(work, describe, self, entry.item, fn)
    if not done then
      stopped = stopped or list
    elseif entry.place then
      put(entry.place, list)
    else
      for _, r in ipairs(list) do report:add(r) end
    end
  end, self.options.concurrency)
  end_progress(self)
  if stopped then error(stopped, 0) end
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
  local done, value = xpcall(script.run, function(problem)
    if type(problem) == "table" and problem.status then return problem end
    return ctx.options.verbose and debug.traceback(tostring(problem), 2) or tostring(problem)
  end, ctx)
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
  local ctx = setmetatable({ name = name, args = args, options = opts, the_report = report }, context)
  local ending = repeat_runs(script, ctx)
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
