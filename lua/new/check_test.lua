-- A test of NAME.lua: `kedge ./NAME_test.lua`. No network: what kedge.check would find is played here.

local kedge = require "kedge"
local script = require "NAME" -- the file beside this one

-- What the network shows, as results of kedge.check; what NAME makes of it.
local CASES = {
  { "a fresh certificate", kedge.ok { id = "a", chain = { { days_left = 80 } } }, status = "ok", code = "ok" },
  { "one that ends soon", kedge.ok { id = "b", chain = { { days_left = 3 } } }, status = "warn", code = "cert.expires_soon" },
  { "no server", kedge.fail("c", "tcp.refused", "nothing listens there"), status = "fail", code = "tcp.refused" },
}

-- The first result that the script reports where kedge.check finds `found`.
local function run(ctx, found)
  local reported
  kedge.check = function() return found end
  ctx:run(script, { "host.test", "--days", "30" }, function(r) -- words of its command line; its results come here,
    reported = reported or r
    return nil -- and not into the report of this test
  end)
  return reported
end

return {
  summary = "a test of NAME",
  offline = true, -- no store of certificates is needed
  run = function(ctx)
    for _, case in ipairs(CASES) do
      local r = run(ctx, case[2])
      if r.status == case.status and r.code == case.code then
        ctx:report(kedge.ok(case[1]))
      else
        ctx:report(kedge.fail(case[1], "test.failed", ("it is %s %s, not %s %s"):format(r.status, r.code, case.status, case.code)))
      end
    end
  end,
}
