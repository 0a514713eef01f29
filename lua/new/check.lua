-- NAME: a check of your own.
--
--   kedge ./NAME.lua [TARGET]...    runs it; -f json, --trust FILE, --timeout N ... as for every command
--   kedge ./NAME_test.lua           tests it, without any network
--   kedge help ./NAME.lua           what it does and takes
--   kedge help api                  everything that a script can call
--
-- In ~/.config/kedge/ it is a command: kedge NAME.

local kedge = require "kedge"

-- What is checked where the command line names nothing.
local TARGETS = { "example.org" }

-- Looks further at the result of one check. A result says what was found: r.status ("ok", "warn", "fail", "skip"),
-- r.code, r.chain, r.timings_ms, r.http ... `kedge check example.org -f json` shows all of it.
local function judge(r, days)
  local leaf = r.chain and r.chain[1]
  if leaf and leaf.days_left then
    r.values = { days_left = leaf.days_left } -- data of your own: every format shows it
  end
  if r.status == "ok" and leaf.days_left < days then
    return kedge.warn(r, "cert.expires_soon", ("the certificate ends in %d days"):format(leaf.days_left), "Renew it in time.")
  end
  return r -- whatever failed before is reported as it is
end

return {
  summary = "certificates that end soon", -- `kedge list` shows this line
  description = "Checks each TARGET (host, host:port or a URL) and warns of a certificate that ends soon.",
  options = function(cmd) -- the script's own words, by argparse
    cmd:argument("TARGET", "what to check"):args("*"):target("targets")
    cmd:option("--days", "warn of a certificate that ends in less; 30 unless told"):argname("N"):convert(tonumber):default(30)
  end,
  run = function(ctx) -- ctx.args are those words
    local targets = #ctx.args.targets > 0 and ctx.args.targets or TARGETS
    -- Calls the function for each target, many at once, and reports what it returns.
    ctx:each(targets, function(target) return judge(kedge.check(target), ctx.args.days) end)
  end,
}
