-- Certificates that end soon, over a list of hosts.
--
--   kedge ./expiry.lua example.org mail.example.org:993
--   kedge ./expiry.lua @hosts.txt --days 14

local kedge = require "kedge"

local function judge(r, days)
  if r.status ~= "ok" then return r end -- it failed already, and says why
  local left = r.chain[1].days_left
  r.values = { days_left = left }
  if left >= days then return r end
  return kedge.fail(r, "cert.expires_soon", ("the certificate of %s ends in %d days"):format(r.target.host, left), "Renew it.")
end

return {
  summary = "certificates that end soon",
  options = function(cmd)
    cmd:argument("TARGET", "a host, or @FILE with one a line"):args("+"):target("targets")
    cmd:option("--days", "days that a certificate has to live; 30 unless told"):argname("N"):convert(tonumber):default(30)
  end,
  run = function(ctx)
    ctx:each(ctx:targets(ctx.args.targets, { protocol = "tls" }), function(target)
      return judge(kedge.check(target), ctx.args.days)
    end)
  end,
}
