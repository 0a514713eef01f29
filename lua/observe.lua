-- What the network shows, decided by nobody: an observation is plain data that
-- outlives the task which made it, whatever ended that.

local connect = require "kedge.observe.connect"
local embedded = require "kedge.core.embedded"
local resolve = require "kedge.observe.resolve"
local task = require "kedge.task"
local tls = require "kedge.observe.tls"

local observe = {}

--- An empty observation of `target`, with both clocks.
function observe.new(target)
  return {
    target = target,
    clock = { device = task.time(), build = embedded.build_time },
    started = task.now(),
    warnings = {},
    stage = "dns",
  }
end

--- Records why the observation ended early. The stage is the code's own where
--- it names one, else the one it was in.
local STAGES = { dns = true, tcp = true, proxy = true, tls = true, trust = true, alpn = true, h2 = true, http = true }
function observe.stop(seen, code, detail)
  if seen.stopped then return end
  local stage = code:match("^(%w+)%.")
  if not STAGES[stage] then stage = seen.stage end
  seen.stopped = { stage = stage, code = code, detail = detail }
  local part = seen[stage]
  if type(part) == "table" and not part.error then part.error = code end
end

-- Where no other stage is under way, a deadline is named after the stage before.
local TIMEOUTS = { dns = "dns.timeout", tcp = "tcp.timeout", tls = "tls.timeout", trust = "tls.timeout", alpn = "tls.timeout",
  h2 = "h2.timeout", http = "http.timeout" }

--- Records how the check's task ended, when it didn't return: its deadline, a cancellation, an error.
function observe.ended(seen, why, seconds)
  if why == "timeout" then
    local timings = seen[seen.stage]
    if type(timings) == "table" and seen.stage_started and not timings.ms then
      timings.ms = (task.now() - seen.stage_started) * 1000
    end
    local code, detail = TIMEOUTS[seen.stage], ("nothing more came within %g seconds"):format(seconds)
    if seen.stage == "tcp" then code, detail = connect.timed_out(seen) end
    if seen.short then code, detail = "local.limit", seen.short end
    observe.stop(seen, code, detail)
  elseif why == "cancelled" then
    observe.stop(seen, "local.interrupted", "interrupted before it was done")
  else
    seen.raised = why
    observe.stop(seen, "script.error", tostring(why.error))
  end
end

--- Opens the connection up to the server's whole first flight (seen.chain): name,
--- TCP, TLS; our second flight is held. The stream, or nil with seen.stopped.
function observe.open(seen, opts)
  local source, detail, code = resolve.start(seen, opts)
  local stream
  if source then stream, code, detail = connect.race(seen, opts, source) end
  if not stream then
    observe.stop(seen, code, detail)
    return nil
  end
  local ok
  ok, detail, code = tls.open(seen, opts, stream)
  if not ok then
    observe.stop(seen, code, detail)
    task.release(stream)
    return nil
  end
  return stream
end

--- Lets the held flight go and ends the handshake. False with seen.stopped.
function observe.go_on(stream, seen)
  local ok, detail, code = tls.finish(seen, stream)
  if not ok then observe.stop(seen, code, detail) end
  return ok
end

--- Uses the open connection as the target says: one GET over HTTP/2 or HTTP/1.1, or nothing.
function observe.use(stream, seen)
  if seen.target.protocol == "tls" then return end
  local http = require "kedge.observe.http"
  local ok, detail, code = http.get(seen, stream)
  if not ok then observe.stop(seen, code, detail) end
end

return observe
