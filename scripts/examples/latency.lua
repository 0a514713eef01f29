-- A threshold on the time of TLS handshakes, by percentiles over the runs of --repeat.
--
--   kedge ./latency.lua example.org --repeat 20 --interval 0.5 --p95 300

local kedge = require "kedge"

-- --repeat calls run again. What stands out here stays from one run to the next.
local times = {} -- milliseconds, by target

local function percentile(sorted, p)
  return sorted[math.ceil(#sorted * p / 100)]
end

return {
  summary = "a threshold on the time of TLS handshakes",
  options = function(cmd)
    cmd:argument("TARGET", "a host"):args("+"):target("targets")
    cmd:option("--p95", "milliseconds in which 95 of 100 handshakes are done; 500 unless told"):argname("MS")
      :convert(tonumber):default(500)
  end,
  run = function(ctx)
    local runs = ctx.options.repeat_count or 1
    ctx:each(ctx:targets(ctx.args.targets, { protocol = "tls" }), function(target)
      local r = kedge.check(target)
      if r.status ~= "ok" then return r end
      local seen = times[target.id] or {}
      times[target.id] = seen
      table.insert(seen, r.timings_ms.tls)
      table.sort(seen)
      r.values = { p50_ms = percentile(seen, 50), p95_ms = percentile(seen, 95), handshakes = #seen } -- so far
      if r.values.p95_ms <= ctx.args.p95 or #seen < runs then return r end
      return kedge.fail(r, "latency.high", ("95 of 100 handshakes took up to %.0f ms"):format(r.values.p95_ms))
    end)
  end,
}
