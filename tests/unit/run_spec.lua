local lu = require "luaunit"

-- The order in which results arrive is the test's: task.map is played here.
local signal, slept
local fake_task = { now = function() return 0 end, time = function() return 0 end, sleep = function(s) slept[#slept + 1] = s end }
-- A task is a call here; what it is called with stays known while it runs.
local current = { lists = 0 }
function fake_task.current() return current end
function fake_task.run(_, fn, ...)
  local outer = current
  current = { parent = outer }
  local outcome = table.pack(pcall(fn, ...))
  current = outer
  if outcome[1] then return table.unpack(outcome, 1, outcome.n) end
  return nil, { error = outcome[2] }
end
local completion -- list of places: the order in which items end
function fake_task.map(items, fn)
  local routines, all = {}, {}
  for item in items do all[#all + 1] = item end
  for i, item in ipairs(all) do routines[i] = coroutine.wrap(function() fn(item, i) end) end
  for i = 1, #all do routines[completion and completion[i] or i]() end
  return {}
end
package.loaded["kedge.task"] = fake_task
function fake_task.others() return 0 end
package.loaded["kedge.interrupt"] = {
  signal = function() return signal end, wait = function(fn, ...) return fn(...) end, hold = function(fn, ...) return fn(...) end,
  run = function(_, fn, ...) return true, fn(...) end,
}

local output = require "kedge.output"
local report = require "kedge.report"
local run = require "kedge.run"

TestRun = {}

local said, ids, abandoned
output.say = function(text) said[#said + 1] = text end
output.progress = function() end
output.shows_progress = function() return false end
output.close = function() return true end
output.abandon = function() abandoned = true end

local function start(script_run, opts)
  said, ids, slept, abandoned = {}, {}, {}, false
  opts = opts or {}
  opts.interval, opts.concurrency = opts.interval or 1, opts.concurrency or 64
  local out = { format = { result = function(_, r) ids[#ids + 1] = r.id .. (r.run and "/" .. r.run or "") end }, flush = function() end,
    is_busy = function() return false end }
  return run.start({ run = script_run }, "mine", {}, opts, report.new("mine", opts, { out }, 0, function() return 0 end))
end

local function good(item) return { id = item, status = "ok", code = "ok", warnings = {} } end

function TestRun.setUp() signal, completion = nil, nil end

function TestRun.test_a_list_keeps_its_order()
  completion = { 3, 1, 4, 2 }
  lu.assertEquals(start(function(ctx) ctx:each({ "a", "b", "c", "d" }, good) end), 0)
  lu.assertEquals(ids, { "a", "b", "c", "d" })
end

function TestRun.test_an_iterator_is_reported_as_it_comes()
  completion = { 3, 1, 2 }
  local left = { "a", "b", "c" }
  start(function(ctx) ctx:each(function() return table.remove(left, 1) end, good) end)
  lu.assertEquals(ids, { "c", "a", "b" })
end

function TestRun.test_an_item_may_have_several_results_or_none()
  completion = { 2, 1, 3 }
  start(function(ctx)
    ctx:each({ "a", "b", "c" }, function(item)
      if item == "a" then return { good "a1", good "a2" } end
      if item == "b" then return nil end
      return good(item)
    end)
  end)
  lu.assertEquals(ids, { "a1", "a2", "c" })
end

function TestRun.test_an_error_is_a_result_of_its_item()
  local status = start(function(ctx)
    ctx:each({ "a", "b" }, function(item) return item == "a" and error("oops") or good(item) end)
  end)
  lu.assertEquals({ status, ids }, { 3, { "a", "b" } })
end

function TestRun.test_no_result_is_an_error_that_says_so()
  lu.assertEquals(start(function(ctx) ctx:each({ "a" }, function() return { id = "a", status = "fine" } end) end), 3)
  lu.assertEquals(ids, { "a" })
  lu.assertEquals(start(function(ctx) ctx:report({ status = "ok" }) end), 3)
  lu.assertStrContains(said[1], "no id")
end

function TestRun.test_an_error_outside_of_checks()
  lu.assertEquals(start(function(ctx)
    ctx:report(good "a")
    error("oops")
  end), 3)
  lu.assertEquals(ids, { "a" })
  lu.assertStrContains(said[1], "oops")
end

function TestRun.test_endings()
  lu.assertEquals(start(function(ctx) ctx:usage("no such thing") end), 2)
  lu.assertEquals({ said, abandoned }, { { "no such thing" }, true })
  lu.assertEquals(start(function(ctx) ctx:fail("no such file") end), 3)
  lu.assertEquals(start(function(ctx) ctx:each({ "a" }, function() ctx:usage("within a check") end) end), 2)
  lu.assertEquals(said, { "within a check" })
  lu.assertEquals(start(function(ctx)
    ctx:problem("a bad line")
    ctx:report(good "a")
  end), 3)
  lu.assertEquals({ said, ids, abandoned }, { { "a bad line" }, { "a" }, false })
end

function TestRun.test_the_scripts_status_joins()
  lu.assertEquals(start(function() return 5 end), 5)
  lu.assertEquals(start(function() return 0 end), 0)
  for _, bad in ipairs { 6, -1, "x", 1.5 } do
    lu.assertEquals(start(function() return bad end), 3)
    lu.assertStrContains(said[1], "status")
  end
end

function TestRun.test_a_run_with_nothing_to_show_says_so()
  for _, case in ipairs {
    { function() end, "run reports with ctx:report" },
    { function(ctx) ctx:each({ "a" }, function() end) end, "returned nothing for any item" },
    { function() return { id = "a", status = "ok" } end, "report a result with ctx:report(result)" },
  } do
    lu.assertEquals(start(case[1]), 3)
    lu.assertStrContains(said[1], case[2])
    lu.assertStrContains(said[1], "run_spec.lua:")
  end
  lu.assertEquals(start(function(ctx) ctx:each({}, good) end), 0) -- there was nothing to do
end

function TestRun.test_what_ctx_has()
  for _, case in ipairs {
    { function(ctx) ctx:reprot(good "a") end, "ctx has no 'reprot'; did you mean 'report'?" },
    { function(ctx) ctx:each(nil, good) end, "wants a list or an iterator, not a nil" },
    { function(ctx) ctx:each({ "a" }) end, "wants a function for each item" },
  } do
    lu.assertEquals(start(case[1]), 3)
    lu.assertStrContains(said[1], case[2])
    lu.assertStrContains(said[1], "run_spec.lua:")
  end
end

function TestRun.test_repeat()
  local opts = { repeat_count = 3, interval = 2 }
  lu.assertEquals(start(function(ctx) ctx:each({ "a" }, good) end, opts), 0)
  lu.assertEquals(ids, { "a/1", "a/2", "a/3" })
  lu.assertEquals(slept, { 2, 4 }) -- from one start to the next, on a clock that stands still
  lu.assertEquals(start(function(ctx) ctx:each({ "a" }, good) end, { repeat_count = 1 }), 0)
  lu.assertEquals(ids, { "a/1" })
end

function TestRun.test_interrupted()
  local status = start(function(ctx)
    ctx:each({ "a", "b", "c" }, function(item)
      if item == "b" then signal = 2 end
      return good(item)
    end)
  end, { repeat_count = 5 })
  lu.assertEquals({ status, ids }, { 130, { "a/1", "b/1", "c/1" } })
  signal = 15
  lu.assertEquals(start(function(ctx) ctx:each({ "a" }, good) end), 143)
end

function TestRun.test_quiet()
  start(function(ctx) return ctx:log("hello") or 0 end, { quiet = true })
  lu.assertEquals(said, {})
  start(function(ctx) return ctx:log("hello") or 0 end)
  lu.assertEquals(said, { "hello" })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
