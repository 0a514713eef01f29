-- The first SIGINT or SIGTERM: what runs below the first task is cancelled,
-- so that what is finished can be reported. A second one ends the process.

local loop = require "kedge.core.loop"
local task = require "kedge.task"

local interrupt = {}

local signal

local GRACE = 0.1 -- seconds in which a script's own function may come to its end, again and again while it does

local function tasks_below(parent)
  local list = {}
  for handle in pairs(parent.owned) do
    if getmetatable(handle) == getmetatable(parent) then list[#list + 1] = handle end
  end
  return list
end

-- Cancels the checks below `parent`; runs and items go on, to report what is finished.
local function cancel_below(parent)
  for _, child in ipairs(tasks_below(parent)) do
    if child.is_run or child.is_item then cancel_below(child) else child:close() end
  end
end

-- Then cancels functions of a script that only wait, for a peer or for time.
local function cancel_idle(parent)
  for _, child in ipairs(tasks_below(parent)) do
    if #tasks_below(child) > 0 then
      cancel_idle(child)
    elseif (child.lists or 0) == 0 then
      child:close()
    end
  end
end

local function cancel_later(main)
  loop.after(GRACE, function()
    cancel_below(main)
    cancel_idle(main)
    cancel_later(main)
  end)
end

--- Begins to listen; called once, in the first task.
function interrupt.listen()
  local main = task.current()
  loop.on_signal(function(number)
    signal = number
    cancel_below(main)
    cancel_later(main)
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
