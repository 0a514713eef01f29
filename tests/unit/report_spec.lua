local lu = require "luaunit"
local output = require "kedge.output"
local report = require "kedge.report"

TestReport = {}

local said
output.say = function(text) said[#said + 1] = text end
output.close = function(one)
  if one.fault and one.fault.quiet then return nil end
  if one.fault then return nil, one.name .. " failed" end
  return true
end

local function fake_output(format, fault)
  return { name = "fake", format = format or {}, fault = fault, flush = function() end, is_busy = function() return false end }
end

local function run(results, opts, outputs)
  said = {}
  local r = report.new("check", opts or {}, outputs or {}, 0, function() return 0 end)
  for _, one in ipairs(results) do r:add(one) end
  return r:finish(), r
end

local function fail(code)
  return { id = code, status = "fail", code = code, stage = code:match("^[^.]*"), warnings = {} }
end
local function ok() return { id = "ok", status = "ok", code = "ok", warnings = {} } end
local function warn() return { id = "warn", status = "warn", code = "http.unexpected_body", warnings = {} } end
local function skip() return { id = "skip", status = "skip", code = "local.interrupted", warnings = {} } end

-- what, results, options, status
local CASES = {
  { "nothing", {}, {}, 0 }, { "ok", { ok() }, {}, 0 }, { "warnings are ok", { ok(), warn() }, {}, 0 },
  { "strict", { ok(), warn() }, { strict = true }, 1 }, { "one failed", { ok(), fail "tls.closed" }, {}, 1 },
  { "untested", { fail "dns.nxdomain", fail "tcp.refused" }, {}, 4 }, { "partly untested", { fail "dns.nxdomain", ok() }, {}, 1 },
  { "untested and failed", { fail "dns.nxdomain", fail "trust.expired" }, {}, 1 },
  { "untested and skipped", { fail "dns.timeout", skip() }, {}, 4 },
  { "skipped", { skip() }, {}, 0 }, { "a script's error", { ok(), fail "script.error" }, {}, 3 },
  { "a script's error and untested", { fail "script.error", fail "tcp.refused" }, {}, 3 },
}

function TestReport.test_status()
  for _, case in ipairs(CASES) do lu.assertEquals(run(case[2], case[3]), case[4], case[1]) end
end

-- statuses that hold, the one that wins
local ORDER = {
  { { 1, 5 }, 1 }, { { 5 }, 5 }, { { 4, 1 }, 4 }, { { 3, 4 }, 3 }, { { 2, 3 }, 2 }, { { 130, 2 }, 130 }, { { 143, 1 }, 143 },
  { { 0, 5 }, 5 },
}

function TestReport.test_several_statuses()
  for _, case in ipairs(ORDER) do
    local r = report.new("check", {}, {}, 0, function() return 0 end)
    for _, status in ipairs(case[1]) do r:join(status) end
    lu.assertEquals(r:finish(), case[2])
  end
end

function TestReport.test_formats_are_called_in_order()
  local calls = {}
  local format = {
    start = function() calls[#calls + 1] = "start" end,
    result = function(_, r) calls[#calls + 1] = r.id end,
    finish = function(_, r) calls[#calls + 1] = "finish " .. r.summary.total end,
  }
  run({ ok(), fail "tls.closed" }, {}, { fake_output(format), fake_output() })
  lu.assertEquals(calls, { "start", "ok", "tls.closed", "finish 2" })
  calls = {}
  run({}, {}, { fake_output(format) })
  lu.assertEquals(calls, { "start", "finish 0" })
end

function TestReport.test_a_formats_status_replaces()
  local nagios = { finish = function() return 2 end }
  lu.assertEquals(run({ fail "tls.closed" }, {}, { fake_output(nagios) }), 2)
end

function TestReport.test_what_broke_is_not_replaced()
  local broke
  local nagios = { finish = function(_, r) broke = r:broke() return 2 end }
  local file = fake_output({}, { code = "local.file" })
  file.file = "out.xml"
  lu.assertEquals({ (run({ ok(), fail "tls.closed" }, {}, { fake_output(nagios), file })), broke }, { 3, true })
  lu.assertEquals({ (run({ fail "script.error" }, {}, { fake_output(nagios) })), broke }, { 3, true })
  lu.assertEquals({ (run({ fail "tcp.refused" }, {}, { fake_output(nagios) })), broke }, { 2, false })
end

function TestReport.test_a_format_that_raises_hurts_no_other()
  local seen = 0
  local bad, good = { result = function() error("oops") end }, { result = function() seen = seen + 1 end }
  local status = run({ ok(), ok() }, {}, { fake_output(bad), fake_output(good) })
  lu.assertEquals({ status, seen, said }, { 3, 2, { "fake failed" } })
end

function TestReport.test_readers_that_are_gone()
  local status, r = run({ ok() }, {}, { fake_output({}, { quiet = true }) })
  lu.assertEquals({ status, said, r:is_deaf() }, { 0, {}, true })
end

function TestReport.test_runs_are_numbered()
  local r = report.new("check", {}, {}, 0, function() return 0 end)
  local one, two = ok(), ok()
  r.run = 2
  r:add(one)
  r.run = nil
  r:add(two)
  lu.assertEquals({ one.run, two.run }, { 2, nil })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
