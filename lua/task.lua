-- Who runs, who owns what, and until when.
--
-- A task is a function in a coroutine together with everything that was opened
-- under it: handles, child coroutines, child tasks. It ends by return, by
-- error, by its deadline or by cancellation, and each of these does the same:
-- its coroutines are closed (and with them their <close> variables), then what
-- it owns, last opened first, then the outcome is delivered.

local loop = require "kedge.core.loop"

local task = {}

--- Seconds of a clock that never jumps; the device's clock in whole seconds since 1970.
task.now, task.time = loop.now, loop.time

--- Suspends the calling coroutine for so many seconds.
task.sleep = loop.sleep

--- Lets the loop turn, and everything else that is ready run.
task.breathe = loop.breathe

--- A condition: c:wait([seconds]) -> true when woken, false when the time is over; c:wake().
task.condition = loop.condition

--- The task that the caller runs in; nil outside of any.
function task.current()
  return (loop.owner())
end

--- How many other coroutines of the running task are still at work, without
--- those that it counts as `background`.
function task.others()
  local self, count = task.current(), 0
  for _ in pairs(self.routines) do count = count + 1 end
  return count - 1 - (self.background or 0)
end

local methods = {}
local task_mt = { __index = methods, __name = "kedge.task" }

local function new(parent)
  local self = setmetatable({ parent = parent, owned = {}, routines = {}, sequence = 0, over = loop.condition() }, task_mt)
  if parent then parent:own(self) end
  return self
end

-- The keys of `set` (handle -> sequence number), last opened first.
local function last_first(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list, function(a, b) return set[a] > set[b] end)
  return list
end

local function finish(self, ...)
  if self.outcome then return end
  self.outcome = table.pack(...)
  if self.timer then self.timer:close() end
  for _, routine in ipairs(last_first(self.routines)) do loop.kill(routine) end
  for _, handle in ipairs(last_first(self.owned)) do handle:close() end
  self.owned, self.routines = {}, {}
  if self.parent then self.parent.owned[self] = nil end
  self.over:wake()
end

function methods:own(handle)
  if self.outcome then
    handle:close()
    error("the task that this would belong to has ended", 3)
  end
  self.sequence = self.sequence + 1
  self.owned[handle] = self.sequence
  return handle
end

local function cancel(self)
  finish(self, nil, "cancelled")
end

--- Ends the task as cancelled; nothing for one that has ended. A task that
--- cancels itself ends as soon as it waits, so that its variables close first.
function methods:close()
  if loop.owner() ~= self then return cancel(self) end
  self.closing = self.closing or loop.after(0, function() cancel(self) end)
end

local function start(self, fn, on_end, ...)
  local routine
  routine = loop.spawn(self, function(...)
    self.routines[routine] = nil
    on_end(...)
  end, fn, ...)
  self.sequence = self.sequence + 1
  self.routines[routine] = self.sequence
  return routine
end

--- Runs fn(...) as a task of its own, of `seconds` at most (nil: without a
--- deadline), and waits for it. true, results... | nil, why: "timeout",
--- "cancelled", or { error=, traceback= } when it raised.
function task.run(seconds, fn, ...)
  local self = new(task.current())
  start(self, fn, function(ok, ...)
    if ok then
      finish(self, true, ...)
    else
      local message, traceback = ...
      finish(self, nil, { error = message, traceback = traceback })
    end
  end, ...)
  if seconds then self.timer = loop.after(seconds, function() finish(self, nil, "timeout") end) end
  while not self.outcome do self.over:wait() end
  return table.unpack(self.outcome, 1, self.outcome.n)
end

--- Gives `handle` (anything with a close method) to the running task, which closes it at its end; returns it.
function task.own(handle)
  local self = assert(task.current(), "no task runs")
  return self:own(handle)
end

--- Closes a handle before its task ends.
function task.release(handle)
  local self = task.current()
  if self then self.owned[handle] = nil end
  handle:close()
end

--- Gives a handle of the running task to the task that this one is part of; returns it.
function task.hand_up(handle)
  local self = task.current()
  self.owned[handle] = nil
  return self.parent:own(handle)
end

--- Leaves a handle to the caller, who closes it or gives it to a task inside of something else.
function task.disown(handle)
  task.current().owned[handle] = nil
end

--- Runs fn(...) in another coroutine of the running task; an error in it ends the task.
function task.spawn(fn, ...)
  local self = assert(task.current(), "no task runs")
  start(self, fn, function(ok, message, traceback)
    if not ok then finish(self, nil, { error = message, traceback = traceback }) end
  end, ...)
end

local function iterator(items)
  if type(items) == "function" then return items end
  local i = 0
  return function()
    i = i + 1
    return items[i]
  end
end

-- Ends the coroutines of a map that was left early: by an error in one, or with its caller.
local function ending(self, routines)
  return setmetatable({}, { __close = function()
    for routine in pairs(routines) do
      self.routines[routine] = nil
      loop.kill(routine)
    end
  end })
end

--- Calls fn(item, index) for each item of a list or iterator, n at once at
--- most (64 by default), and waits for all: the list of first results. An
--- iterator is asked for the next item when a slot is free. An error in one
--- ends the others and is raised here.
function task.map(items, fn, n)
  local self = assert(task.current(), "no task runs")
  local results, running, index, changed, failed = {}, 0, 0, loop.condition(), nil
  local routines = {}
  local _ <close> = ending(self, routines)
  for item in iterator(items) do
    index, running = index + 1, running + 1
    local routine
    routine = start(self, function(i) results[i] = fn(item, i) end, function(ok, problem)
      running, routines[routine] = running - 1, nil
      if not ok then failed = failed or { problem } end
      changed:wake()
    end, index)
    routines[routine] = true
    while running >= (n or 64) and not failed do changed:wait() end
    if failed then break end
  end
  while running > 0 and not failed do changed:wait() end
  if failed then error(failed[1], 0) end
  return results
end

--- Runs the functions of a list at once and waits for all: the list of their first results.
function task.all(functions)
  return task.map(functions, function(fn) return fn() end, #functions)
end

--- Runs fn as the first task, turning the loop until it has ended: true,
--- results... | false, message, traceback.
function task.main(fn)
  local self = new(nil)
  local outcome = table.pack(loop.run(fn, self))
  finish(self, table.unpack(outcome, 1, outcome.n))
  return table.unpack(outcome, 1, outcome.n)
end

return task
