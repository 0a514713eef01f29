-- h2 and http: one GET over the open connection.

local embedded = require "kedge.core.embedded"
local http1 = require "kedge.http1"
local limits = require "kedge.limits"
local task = require "kedge.task"

local http = {}

local USER_AGENT = "kedge/" .. embedded.version

-- The value of Host and :authority: the port only where it isn't the default (RFC 9110 §4.2.3).
local function authority(target)
  local host = target.name or (target.ip:find(":", 1, true) and "[" .. target.ip .. "]" or target.ip)
  return target.port == 443 and host or host .. ":" .. target.port
end

local function milliseconds(since)
  return (task.now() - since) * 1000
end

-- Reads a reply's body: bytes, truncated | nil, message, code.
local function body_of(stream, id)
  local kept, size, total = {}, 0, 0
  while true do
    local piece, message, code = stream:h2_body(id)
    if not piece then return nil, message, code end
    if piece == "" then break end
    total = total + #piece
    if size < limits.body_kept then
      kept[#kept + 1] = piece:sub(1, limits.body_kept - size)
      size = size + #kept[#kept]
    end
    if total > limits.body_drained then
      stream:h2_cancel(id)
      break
    end
  end
  return table.concat(kept), total > size
end

-- Preface, SETTINGS, PING and the request leave in one flight.
local function get_h2(seen, stream)
  local target, started = seen.target, task.now()
  seen.stage, seen.stage_started = "h2", started
  seen.h2 = {}
  local ok, message, code = stream:h2()
  if not ok then return nil, message, code end
  local ping = stream:h2_ping()
  local id
  id, message, code = stream:h2_request({ { ":method", "GET" }, { ":scheme", "https" }, { ":authority", authority(target) },
    { ":path", target.path }, { "user-agent", USER_AGENT }, { "accept", "*/*" } }, true)
  if not id then return nil, message, code end
  stream:h2_flush()
  task.spawn(function()
    if stream:h2_pong(ping) then seen.h2.ping_ms = milliseconds(started) end
  end)
  seen.h2.settings, message, code = stream:h2_settings()
  seen.h2.goaway = stream:h2_goaway()
  if not seen.h2.settings then return nil, message, code end
  seen.h2.ms = milliseconds(started)
  seen.stage, seen.stage_started = "http", task.now()
  seen.http = { version = "2" }
  seen.http.status, seen.http.headers, code = stream:h2_reply(id)
  if not seen.http.status then
    message, seen.http, seen.h2.goaway = seen.http.headers, nil, stream:h2_goaway()
    return nil, message, code
  end
  seen.http.body, seen.http.truncated, code = body_of(stream, id)
  seen.h2.goaway = stream:h2_goaway()
  if not seen.http.body then
    message, seen.http.truncated = seen.http.truncated, nil
    return nil, message, code
  end
  seen.http.ms = milliseconds(started)
  task.breathe() -- a PING answered by the same bytes is noted by now
  return true
end

local function get_http1(seen, stream)
  local target, started = seen.target, task.now()
  seen.stage, seen.stage_started = "http", started
  local request = http1.request("GET", target.path, authority(target),
    { { "User-Agent", USER_AGENT }, { "Accept", "*/*" }, { "Connection", "close" } })
  local ok, message, code = stream:write(request)
  if not ok then return nil, message, code == "tcp.reset" and "http.bad_reply" or code end
  local reply
  reply, message, code = http1.read(function() return stream:read() end)
  if not reply then
    -- A connection that ends without a reply is a bad reply, however it ended.
    return nil, message, code:find("^http%.") and code or "http.bad_reply"
  end
  seen.http = reply
  reply.ms = milliseconds(started)
  return true
end

--- One GET as the target says and the server selected: seen.h2 and seen.http.
--- true | nil, message, code.
function http.get(seen, stream)
  if seen.tls.alpn == "h2" then return get_h2(seen, stream) end
  return get_http1(seen, stream)
end

return http
