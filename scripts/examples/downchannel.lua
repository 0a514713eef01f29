-- An HTTP/2 stream that stays open and is pinged, as devices of the Alexa Voice Service keep one: how long it lives, what ends it.
--
--   kedge ./downchannel.lua example.org /events --ping 60 --for 3600

local kedge = require "kedge"

-- Reads until the stream ends or its time is over, and pings whenever nothing came: how many pings; message and code of the end.
local function hold(h2, reply, ping, stop)
  local pings = 0
  while kedge.now() < stop do
    local piece, message, code = reply:read { timeout = math.min(ping, math.max(stop - kedge.now(), 0.001)) }
    if piece == "" then return pings, "the server ended the stream", "downchannel.ended" end
    if code == "http.timeout" then
      pings, piece, message, code = pings + 1, h2:ping()
    end
    if not piece then return pings, message, code end -- a reset, a GOAWAY, a connection that is gone
  end
  return pings
end

return {
  summary = "how long an HTTP/2 stream stays open, and what ends it",
  options = function(cmd)
    cmd:argument("HOST", "a host"):target("host")
    cmd:argument("PATH", "what is asked for"):target("path")
    cmd:option("--ping", "a PING after so many seconds of silence; 60 unless told"):argname("N"):convert(tonumber):default(60)
    cmd:option("--for", "seconds it has to live; 3600 unless told"):argname("N"):convert(tonumber):default(3600):target("seconds")
  end,
  run = function(ctx)
    local args, session, r = ctx.args, kedge.open(ctx.args.host, 443, { alpn = "h2" })
    if not session then return ctx:report(r) end
    local h2, message, code = session:h2()
    local started, reply, pings = kedge.now(), nil, 0
    if h2 then reply, message, code = h2:request { path = args.path } end
    if reply then pings, message, code = hold(h2, reply, args.ping, started + args.seconds) end
    r = session:result()
    r.values = { pings = pings, lived_seconds = kedge.now() - started }
    ctx:report(code and kedge.fail(r, code, message) or kedge.ok(r, nil, ("it lived, and answered %d pings"):format(pings)))
  end,
}
