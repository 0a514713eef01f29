-- kedge.check, and its steps one by one.

local blame = require "kedge.api.blame"
local check = require "kedge.check"
local every_address = require "kedge.every_address"
local expect = require "kedge.expect"
local explain = require "kedge.explain"
local judge = require "kedge.judge"
local options = require "kedge.api.options"
local targets = require "kedge.api.targets"
local task = require "kedge.task"
local verdict = require "kedge.api.verdict"

local checks = {}

local function in_a_run(call)
  if not task.current() then blame("%s waits, so it works only inside a script's run function", call) end
end

--- The result of the whole way of one check; where `given` asks for all_addresses a list of results.
function checks.check(what, given)
  in_a_run "kedge.check"
  local opts = options.read("kedge.check", given, options.fields.check)
  local item = targets.read("kedge.check", what, given or {})
  if given and given.all_addresses then return check.all_addresses(item, opts) end
  return check.run(every_address.turn("kedge.check", item, opts), opts)
end

--- What the network shows of a target, as far as the verdict in the middle of the handshake allows.
function checks.observe(what, given)
  in_a_run "kedge.observe"
  local opts = options.read("kedge.observe", given, options.fields.observe)
  local item = targets.read("kedge.observe", what, given or {})
  return (check.see(every_address.turn("kedge.observe", item, opts), opts))
end

local function check_observation(call, seen)
  if type(seen) ~= "table" or type(seen.target) ~= "table" or type(seen.clock) ~= "table" then
    blame("%s wants an observation, as kedge.observe gives it", call)
  end
end

--- Verdicts on an observation; nil where no chain was received.
function checks.judge(seen, given)
  check_observation("kedge.judge", seen)
  local opts = options.read("kedge.judge", given, options.fields.judgement)
  if not seen.chain then return nil end
  return verdict.public_all(judge.each_store(seen, opts, task.current() and task.breathe))
end

--- The result that an observation and its verdicts (or nil) come to.
function checks.explain(seen, verdicts)
  check_observation("kedge.explain", seen)
  local opts = options.read("kedge.explain", nil, {})
  return explain.result(seen, verdict.inner_all(verdicts), expect.judge(seen, opts))
end

return checks
