-- The first SIGINT or SIGTERM: what runs below the first task is cancelled,
-- so that what is finished can be reported. A second one ends the process.

local loop = require "kedge.core.loop"
local task = require "kedge.task"

local interrupt = {}

local signal

-- Cancels what runs below `parent`; an inner run goes on, to report what is finished.
local function cancel_below(parent)
  for handle in pairs(parent.owned) do
    if getmetatable(handle) == getmetatable(parent) then
      if handle.is_run then cancel_below(handle) else handle:close() end
    end
  end
end

--- Begins to listen; called once, in the first task.
function interrupt.listen()
  local main = task.current()
  loop.on_signal(function(number)
    signal = number
    cancel_below(main)
  end)
end

--- The number of the signal that came, or nil.
function interrupt.signal()
  return signal
end

--- Calls fn(...), which may wait: its results, or nil as soon as a signal comes.
function interrupt.wait(fn, ...)
  if signal then return nil end
  local outcome = table.pack(task.run(nil, fn, ...))
  if outcome[1] then return table.unpack(outcome, 2, outcome.n) end
  if type(outcome[2]) == "table" then error(outcome[2].error, 0) end
  return nil
end

--- Ends the process by the signal that came; returns if none did.
function interrupt.die()
  if signal then loop.die(signal) end
end

return interrupt
