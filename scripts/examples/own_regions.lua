-- The regions of the Alexa Voice Service, and an endpoint of one's own in the same report.
--
--   kedge ./own_regions.lua eu --own https://example.org/health --site kitchen

local kedge = require "kedge"

return {
  summary = "the regions, and our own endpoint besides",
  options = function(cmd)
    cmd:argument("REGION", "as for kedge regions"):args("*"):target("regions")
    cmd:option("--own", "the endpoint besides"):argname("URL"):default("https://example.org/health")
    cmd:option("--site", "where this device stands; a label of all results"):argname("NAME"):default("lab")
  end,
  run = function(ctx)
    local site = ctx.args.site
    ctx:run("regions", ctx.args.regions, function(r)
      r.labels.site = site
      return r -- nil would leave it out
    end)
    ctx:report(kedge.check(ctx.args.own, { id = "own", labels = { site = site }, expect = { status = 200 } }))
  end,
}
