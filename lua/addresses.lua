-- --all-addresses: one check for each address of a target.

local check = require "kedge.check"
local interrupt = require "kedge.interrupt"
local task = require "kedge.task"

local addresses = {}

--- Checks a target as the options say: a result, or with all_addresses a list
-- of results, one for each address, in the order of the answers.
function addresses.check(item, opts)
  if not opts.all_addresses then return check.run(item, opts) end
  local list = check.addresses(item, opts)
  if interrupt.signal() then return require("kedge.result").of_interrupt(item.id, item) end
  return task.map(list, function(one) return check.run(one, opts) end, #list)
end

return addresses
