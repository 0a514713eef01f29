-- Any TLS service: name, connection, handshake, verdict, one request.

local expect = require "kedge.expect"
local kedge = require "kedge"

-- What is expected of every reply, or nil; a usage error where it contradicts itself.
local function expectation(ctx)
  local args = ctx.args
  if args.pattern and not args.expect_body then ctx:usage("--pattern needs --expect-body TEXT") end
  if args.pattern then
    local good, message = expect.pattern(args.expect_body)
    if not good then ctx:usage("--expect-body " .. message) end
  end
  if #args.expect_status == 0 and not args.expect_body then return nil end
  return { status = args.expect_status[1] and args.expect_status, body = args.expect_body, pattern = args.pattern }
end

return {
  summary = "check any TLS service",
  description = "TARGET is host, host:port, https://host[:port]/path, h2://... or http1://... for one protocol alone, "
    .. "tls://host:port for the handshake without a request, [IPv6]:port, or @FILE with one target a line (@- for "
    .. "standard input) and behind a tab, if you like, a label for its result. Certificates are judged by the device's "
    .. "store; any valid HTTP reply is ok unless told otherwise.",
  examples = {
    { "kedge check example.org", "One host, judged by this device's store." },
    { "kedge check https://example.org:8443/status --expect-body ready", "A page that has to say so." },
    { "kedge check --reference ats alexa.na.gateway.devices.a2z.com", "Whether the chain also ends where it should." },
    { "kedge check -f json:report.json @hosts.txt", "One target a line; the report goes to a file." },
    { "kedge check -f jsonl @-", "A filter: a target a line in, a result a line out, at once." },
  },
  options = function(cmd)
    cmd:argument("TARGET", "what to check"):args("+"):target("targets")
    cmd:option("--protocol", "auto (the default: HTTP/2 or HTTP/1.1), h2 or http1"):argname("NAME")
      :convert(kedge.choice("--protocol", "auto", "h2", "http1"))
    cmd:option("--expect-status", "the status that the reply must have, as 200 or 2xx; may be given several times")
      :argname("CODE"):count("*"):convert(expect.status)
    cmd:option("--expect-body", "text that the reply's body must hold"):argname("TEXT")
    cmd:flag("--pattern", "TEXT is a Lua pattern, matched against each line; two of its *, + and - at most, three behind a ^")
  end,
  run = function(ctx)
    ctx:each(ctx:targets(ctx.args.targets, { protocol = ctx.args.protocol, expect = expectation(ctx) }), kedge.check)
  end,
}
