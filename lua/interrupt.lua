-- The first SIGINT or SIGTERM: what runs below the first task is cancelled,
-- so that what is finished can be reported. A second one ends the process.

local loop = require "kedge.core.loop"
local task = require "kedge.task"

local interrupt = {}

-- Seconds in which a script's functions may come to their end after what they
-- waited for was cancelled; then they are cancelled too.
local GRACE_SECONDS = 0.1

local signal
local grace -- the timer after which a script's functions are cancelled too

-- Cancels the checks below `parent`. Of the tasks that run a script's functions
-- (is_run) those end with `hard` that wait by themselves, and hold nothing: they
-- are not waiting for others, whose results are still to be reported. True while
-- something is held.
local function cancel_below(parent, hard)
  local is_held = (parent.held or 0) > 0
  for handle in pairs(parent.owned) do
    if getmetatable(handle) == getmetatable(parent) then
      if not handle.is_run then
        handle:close()
      elseif cancel_below(handle, hard) then
        is_held = true
      elseif hard then
        handle:close()
      end
    end
  end
  return is_held
end

local function cancel_again(main)
  cancel_below(main, true)
  for handle in pairs(main.owned) do
    if getmetatable(handle) == getmetatable(main) then
      grace = loop.after(GRACE_SECONDS, function() cancel_again(main) end)
      return
    end
  end
end

--- Begins to listen; called once, in the first task.
function interrupt.listen()
  local main = task.current()
  loop.on_signal(function(number)
    signal = number
    cancel_below(main, false)
    grace = loop.after(GRACE_SECONDS, function() cancel_again(main) end)
  end)
end

--- The number of the signal that came, or nil.
function interrupt.signal()
  return signal
end

--- Calls fn(...) as a task of a script's functions, with `fields` (or nothing)
-- as fields of the task. As task.run without a deadline.
function interrupt.run(fields, fn, ...)
  return task.run(nil, function(...)
    local current = task.current()
    current.is_run = true
    for name, value in pairs(fields or {}) do current[name] = value end
    return fn(...)
  end, ...)
end

--- Calls fn(...), and an interrupt doesn't end the calling task meanwhile: its results. What
-- fn waits for is cancelled all the same where it is a task of its own.
function interrupt.hold(fn, ...)
  local current = task.current()
  current.held = (current.held or 0) + 1
  local results = table.pack(pcall(fn, ...))
  current.held = current.held - 1
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

--- Calls fn(...), which may wait: its results, or nil as soon as a signal comes.
function interrupt.wait(fn, ...)
  if signal then return nil end
  local outcome = table.pack(task.run(nil, fn, ...))
  if outcome[1] then return table.unpack(outcome, 2, outcome.n) end
  if type(outcome[2]) == "table" then error(outcome[2].error, 0) end
  return nil
end

--- Forgets the signal that came: the next one is the first again, and what runs from now on isn't interrupted.
function interrupt.forget()
  signal = nil
  if grace then grace:close() end
  loop.forget_signal()
end

--- Ends the process by the signal that came; returns if none did.
function interrupt.die()
  if signal then loop.die(signal) end
end

return interrupt
