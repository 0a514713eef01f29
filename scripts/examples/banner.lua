-- What a service says first, without TLS: SSH, SMTP, FTP ...
--
--   kedge ./banner.lua mail.example.org 25 --begins "220 "

local kedge = require "kedge"

-- The first line, of 255 bytes at most | nil, message, code.
local function first_line(stream)
  local heard = ""
  while #heard < 255 and not heard:find("\n", 1, true) do
    local piece, message, code = stream:read(255 - #heard)
    if not piece then return nil, message, code end
    if piece == "" then return nil, "the server closed the connection before it had said a line", "banner.none" end
    heard = heard .. piece
  end
  return (heard:gsub("\r?\n.*", ""))
end

return {
  summary = "the banner of a service without TLS",
  offline = true, -- no certificate is judged, so no store is opened
  options = function(cmd)
    cmd:argument("HOST", "a host"):target("host")
    cmd:argument("PORT", "its port"):target("port"):convert(math.tointeger)
    cmd:option("--begins", "what the banner has to begin with"):argname("TEXT"):default("")
  end,
  run = function(ctx)
    local args, id = ctx.args, ctx.args.host .. ":" .. ctx.args.port
    local stream, message, code = kedge.connect(args.host, args.port)
    if not stream then return ctx:report(kedge.fail(id, code, message)) end
    local banner, why, reason = first_line(stream)
    local r = stream:result(id)
    if not banner then return ctx:report(kedge.fail(r, reason, why)) end
    r.values = { banner = banner }
    if banner:sub(1, #args.begins) ~= args.begins then
      r = kedge.fail(r, "banner.unexpected", ("it said '%s'"):format(banner), "See which service listens on this port.")
    end
    ctx:report(r)
  end,
}
