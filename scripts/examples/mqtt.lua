-- An MQTT broker over TLS: does it take these credentials?
--
--   kedge ./mqtt.lua mqtt.example.org --user pump --password-file pump.password

local kedge = require "kedge"

-- What CONNACK says by its number (MQTT 3.1.1, section 3.2.2.3).
local REFUSES = { "this version of the protocol", "this client's identifier", "everybody: the service is unavailable",
  "this user name or password", "this client: it is not authorized" }

local function connect_packet(user, password)
  local flags = 0x02 | (user and 0x80 or 0) | (password and 0x40 or 0) -- 0x02: a clean session
  local body = string.pack(">s2BBI2s2", "MQTT", 4, flags, 30, "kedge")
  for _, text in ipairs { user, password } do body = body .. string.pack(">s2", text) end
  local length = #body < 128 and string.char(#body) or string.char(#body % 128 | 128, #body // 128)
  return "\x10" .. length .. body
end

return {
  summary = "an MQTT broker over TLS",
  options = function(cmd)
    cmd:argument("HOST", "the broker"):target("host")
    cmd:option("--port", "8883 unless told"):argname("N"):convert(math.tointeger):default(8883)
    cmd:option("--user", "the name of a user"):argname("NAME")
    cmd:option("--password-file", "the file that holds the password"):argname("FILE")
  end,
  run = function(ctx)
    local args = ctx.args
    local password = args.password_file and assert(kedge.file.read(args.password_file)):gsub("\n$", "") or nil
    local session, failed = kedge.open(args.host, args.port)
    if not session then return ctx:report(failed) end
    session:write(connect_packet(args.user, password))
    local answer, r = session:read(4, { exact = true }), session:result()
    local code = answer and answer:match("^\x20\x02.(.)")
    if not code then return ctx:report(kedge.fail(r, "mqtt.no_answer", "the broker did not answer CONNECT with CONNACK")) end
    r.values = { connack = code:byte() }
    if code == "\0" then return ctx:report(kedge.ok(r, nil, "the broker accepts")) end
    ctx:report(kedge.fail(r, "mqtt.refused", ("code %d: the broker refuses %s"):format(code:byte(), REFUSES[code:byte()] or "")))
  end,
}
