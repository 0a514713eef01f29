-- kedge.resolve and kedge.connect: names, addresses and TCP streams.

local blame = require "kedge.api.blame"
local observe = require "kedge.observe"
local options = require "kedge.api.options"
local resolve = require "kedge.observe.resolve"
local target = require "kedge.target"
local task = require "kedge.task"

local stream = {}

local function in_a_run(call)
  if not task.current() then blame("%s waits, so it works only inside a script's run function", call) end
end

-- A host (name or address, with or without brackets) as a target without a request.
local function item_of(call, host, port)
  if type(host) ~= "string" then blame("%s wants a host first, not a %s", call, type(host)) end
  local bare = host:match("^%[(.*)%]$") or host
  local found, message = target.authority(bare:find(":", 1, true) and "[" .. bare .. "]" or bare, port)
  if not found then blame("%s: %s", call, message) end
  found.id, found.protocol, found.alpn, found.labels = ("%s:%d"):format(found.shown, port), "tls", {}, {}
  return found
end

-- Runs fn within the time of the options: its results | nil, message, code.
local function within(seen, opts, fn)
  local outcome = table.pack(task.run(opts.timeout, fn))
  if outcome[1] then return table.unpack(outcome, 2, outcome.n) end
  local why = outcome[2]
  if type(why) == "table" then error(why.error, 0) end
  if why == "cancelled" then task.condition():wait() end -- after a signal nobody is left to answer to
  observe.ended(seen, why, opts.timeout)
  return nil, seen.stopped.detail, seen.stopped.code
end

--- The addresses of a host, as text: list | nil, message, code.
function stream.resolve(host, given)
  in_a_run "kedge.resolve"
  local opts = options.read("kedge.resolve", given, options.fields.route)
  local seen = observe.new(item_of("kedge.resolve", host, 443))
  return within(seen, opts, function() return resolve.all(seen, opts) end)
end

return stream
