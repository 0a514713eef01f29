-- How many checks the descriptors that are left allow at once, and waiting for
-- one where they have run out all the same.

local net = require "kedge.core.net"
local output = require "kedge.output"
local show = require "kedge.show"
local task = require "kedge.task"

local descriptors = {}

local CHECK = 4 -- that one check needs: two look-ups, and a second attempt to connect beside the first
local RESERVE = 8 -- for what is opened and closed on the way: /etc/hosts, resolv.conf, stores, reports, programs
local RETRY_SECONDS = 0.05

local is_said = false
local is_hopeless = false -- not even one check has what it needs, so that waiting is of no use

--- How many checks may be in flight of `wanted`. Where that is fewer, it says so, once.
function descriptors.checks(wanted)
  local free = net.descriptors(wanted * CHECK + RESERVE)
  local most = (free - RESERVE) // CHECK
  is_hopeless = free == 0
  if most >= wanted then return wanted end
  most = math.max(most, 1)
  if not is_said and (most < wanted or is_hopeless) then
    is_said = true
    output.say(is_hopeless and "the limit of open files leaves none for a check (ulimit -n raises it)"
      or ("the limit of open files allows %s at once, not %d: -j is lowered (ulimit -n raises it)"):format(
        show.count(most, "check"), wanted))
  end
  return most
end

--- Calls fn(...) until it gives something or fails by anything but a want of
--- descriptors: its results. Waits in between; the check's deadline ends it.
--- `seen.short` holds the message meanwhile.
function descriptors.patiently(seen, fn, ...)
  while true do
    local value, message, code = fn(...)
    if value or code ~= "local.limit" or is_hopeless then
      seen.short = nil
      return value, message, code
    end
    seen.short = message
    task.sleep(RETRY_SECONDS)
  end
end

return descriptors
