-- kedge.resolve and kedge.connect: names, addresses and TCP streams.

local blame = require "kedge.api.blame"
local connect = require "kedge.observe.connect"
local every_address = require "kedge.every_address"
local explain = require "kedge.explain"
local handle = require "kedge.api.handle"
local insecure = require "kedge.api.insecure"
local observe = require "kedge.observe"
local options = require "kedge.api.options"
local resolve = require "kedge.observe.resolve"
local target = require "kedge.target"
local task = require "kedge.task"

local stream = {}

local INTERRUPTED = 2 -- seconds, far more than an interrupt grants

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
  -- After a signal the script's function is about to end here; one that must not be cut off goes on.
  if why == "cancelled" then task.sleep(INTERRUPTED) end
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

local methods = {}

--- 1 to n bytes, "" at the end | nil, message, code.
function methods:read(n, given)
  local opts = handle.options("stream:read", given, { "exact", "timeout" })
  if self.seen.tls then blame "this stream speaks TLS now: read from the session that handshake gave" end
  if n ~= nil and (math.type(n) ~= "integer" or n < 1) then blame "stream:read wants a number of bytes from 1" end
  if opts.exact and not n then blame "stream:read: with 'exact' it wants to know how many" end
  return handle.read(self.core, n, handle.deadline(self, opts.timeout, "stream:read"), opts.exact)
end

--- true when all was taken | nil, message, code.
function methods:write(bytes, given)
  local opts = handle.options("stream:write", given, { "timeout" })
  if self.seen.tls then blame "this stream speaks TLS now: write to the session that handshake gave" end
  if type(bytes) ~= "string" then blame("stream:write wants a string, not a %s", type(bytes)) end
  return self.core:write(bytes, handle.deadline(self, opts.timeout, "stream:write"))
end

--- Address and port of the other side.
function methods:peer()
  return self.seen.tcp.address, self.port
end

--- A result with what is known of the connection: ok, to be changed by kedge.fail and the like.
function methods:result(id)
  if id ~= nil and (type(id) ~= "string" or id == "") then blame "result wants an id, or nothing" end
  local seen = self.seen
  seen.total_ms = (task.now() - seen.started) * 1000
  local nameless = self.verdicts and self.verdicts.accepted and self.verdicts.nameless
  if seen.tls and (not self.verdicts or nameless) then insecure.warn(seen, nameless) end
  local r = explain.result(seen, self.verdicts, nil)
  r.id = id or r.id
  if not self.verdicts and r.status == "ok" then r.message = "the connection is open" end
  return insecure.mark(r)
end

--- Starts TLS, up to the server's whole first flight: a session | nil, message, code.
function methods:handshake(given)
  return require("kedge.api.session").start(self, given)
end

--- Closes the connection at once; may be called twice.
function methods:close()
  if rawget(self, "closed") then return end
  self.closed = true
  self.owner.owned[self] = nil
  self.core:close()
end

local class = handle.class("stream", methods)

--- A TCP connection to a host: a stream | nil, message, code.
function stream.connect(host, port, given)
  in_a_run "kedge.connect"
  if math.type(port) ~= "integer" or port < 1 or port > 65535 then blame "kedge.connect wants a port from 1 to 65535" end
  local opts = options.read("kedge.connect", given, options.fields.route)
  local seen = observe.new(every_address.turn("kedge.connect", item_of("kedge.connect", host, port), opts))
  local core, message, code = within(seen, opts, function()
    local source, refusal, reason = resolve.start(seen, opts)
    if not source then return nil, refusal, reason end
    local found, why, detail = connect.race(seen, opts, source)
    if not found then return nil, detail, why end
    return task.hand_up(found), source.port
  end)
  if not core then return nil, message, code end
  local self = setmetatable({ core = core, seen = seen, port = message, timeout = opts.timeout, owner = task.current(),
    closed = false, verdicts = false }, class)
  task.disown(core)
  return task.own(self)
end

return stream
