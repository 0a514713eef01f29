local lu = require "luaunit"
local metric = require "kedge.metric"

-- a value's name, the metric's behind "kedge_value", the factor of its values
local NAMES = {
  { "queue", "_queue", 1 }, { "depth_ms", "_depth_seconds", 1e-3 }, { "depthMs", "_depth_seconds", 1e-3 },
  { "age_days", "_age_seconds", 86400 },
  { "free percent", "_free_ratio", 0.01 }, { "size_mib", "_size_bytes", 1048576 }, { "ms", "_seconds", 1e-3 },
  { "uptime_seconds", "_uptime_seconds", 1 }, { "queue_total", "_queuetotal", 1 }, { "ms_per_call", "ms_per_call", 1 },
  { "kilobytes", "kilobytes", 1 }, { "gauge", "gauge", 1 }, { "wait.d", "_waitd", 1 }, { "HTTP-Errors", "_http_errors", 1 },
  { "7", "_7", 1 },
  { "\u{65E5}", "", 1 }, { "a\"}\n", "_a", 1 },
}

TestMetric = {}

function TestMetric.test_names_of_values()
  for _, case in ipairs(NAMES) do
    local name, factor = metric.name("kedge_value", case[1])
    lu.assertEquals(name, "kedge_value" .. case[2], case[1])
    lu.assertEquals(factor, case[3], case[1])
  end
end

function TestMetric.test_names_of_labels()
  lu.assertEquals(metric.label("label", "Region"), "label_region")
  lu.assertEquals(metric.label("label", "countries.0"), "label_countries_0")
  lu.assertEquals(metric.label("label", "a b=\"c\""), "label_a_b_c")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
