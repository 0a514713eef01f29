-- The whole way of one check, and the only place that knows its order.

local every_address = require "kedge.every_address"
local expect = require "kedge.expect"
local explain = require "kedge.explain"
local judge = require "kedge.judge"
local observe = require "kedge.observe"
local task = require "kedge.task"

local check = {}

--- Looks at one target as far as the verdict allows: observation, verdicts (nil
--- without a chain). `opts` are those of lua/options.lua with the stores opened;
--- timeout is for all of it, in seconds.
function check.see(item, opts)
  local seen, verdicts = observe.new(item), nil -- outlives the task, whatever ends it
  local ended, why = task.run(opts.timeout, function()
    local stream = observe.open(seen, opts) -- dns, tcp, tls up to the chain; else seen.stopped
    if seen.chain then
      seen.stage = "trust"
      verdicts = judge.each_store(seen, opts, task.breathe)
    end
    if not stream or not observe.go_on(stream, seen) then return end -- lets the held flight go
    if verdicts.accepted or opts.insecure then observe.use(stream, seen) end
  end)
  if not ended then observe.ended(seen, why, opts.timeout) end -- deadline, cancelled, raised: at the stage it was in
  seen.total_ms = (task.now() - seen.started) * 1000
  return seen, verdicts
end

--- Checks one target: a result (see lua/result.lua). `opts` as for check.see.
function check.run(item, opts)
  local seen, verdicts = check.see(item, opts)
  return explain.result(seen, verdicts, expect.judge(seen, opts), opts)
end

--- Checks a target at each of its addresses at once: a list of results.
function check.all_addresses(item, opts)
  return task.map(every_address.targets(item, opts), function(one) return check.run(one, opts) end)
end

return check
