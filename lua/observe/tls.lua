-- tls: the handshake in two halves, with the verdict in between.

local task = require "kedge.task"

local tls = {}

local ENTROPY_PAUSE = 0.05 -- seconds between two questions for random bytes in early boot
local DEFAULT = { min = 0x0303, max = 0x0303 }

local function record(seen, stream)
  local info = stream:info()
  if not info then return end
  seen.tls.version, seen.tls.cipher, seen.tls.group = info.version, info.cipher, info.group
  seen.tls.alpn, seen.tls.alert, seen.tls.warning = info.alpn, info.alert, info.warning
  seen.tls.received, seen.tls.sent = info.received, info.sent
  seen.tls.client_certificate_requested = info.client_certificate_requested
end

-- The name to send: the target's, another one that was asked for, or none (false).
local function sni_of(target)
  if target.sni == nil then return target.name end
  return target.sni or nil
end

--- Sends the ClientHello and takes the server's first flight: seen.tls and
--- seen.chain. true | nil, message, code. The chain may be there all the same.
--- opts: tls (versions), deadline (of task.now; nil: the task's).
function tls.open(seen, opts, stream)
  local target, versions = seen.target, opts.tls or DEFAULT
  seen.stage, seen.stage_started = "tls", task.now()
  seen.tls = { sni = sni_of(target) }
  local ok, message, code
  repeat
    ok, message, code = stream:handshake(seen.tls.sni, target.alpn, versions.min, versions.max, opts.deadline)
    local again = code == "local.entropy"
    if again then task.sleep(ENTROPY_PAUSE) end
  until not again
  record(seen, stream)
  seen.chain = stream:chain()
  seen.tls.ms = (task.now() - seen.stage_started) * 1000
  return ok, message, code
end

--- Lets the second flight go and waits for the server's Finished; then the
--- protocol must be one that the target can do with. true | nil, message, code.
function tls.finish(seen, stream, deadline)
  local started = task.now()
  seen.stage = "tls"
  local ok, message, code = stream:go_on(deadline)
  record(seen, stream)
  seen.tls.ms = seen.tls.ms + (task.now() - started) * 1000
  if not ok then return nil, message, code end
  if seen.target.protocol == "h2" and not seen.tls.alpn then
    return nil, "the server selected no application protocol, and HTTP/2 was needed", "alpn.none"
  end
  return true
end

return tls
