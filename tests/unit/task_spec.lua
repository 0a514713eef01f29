-- Tasks: who runs, who owns what, how each end is told.

local lu = require "luaunit"
local net = require "kedge.core.net"
local loop = require "kedge.core.loop"
local task = require "kedge.task"

-- A handle that notes when it is closed.
local function handle(log, name)
  return { close = function() log[#log + 1] = name end }
end

-- Runs fn as the first task and gives its results, or raises what it raised.
local function inside(fn)
  local results = table.pack(task.main(fn))
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

TestEnds = {}

local ends = {
  { "return", function() return 7 end, true, 7 },
  { "deadline", function() task.sleep(60) end, nil, "timeout" },
  { "cancellation", function() task.current():close(); task.sleep(60) end, nil, "cancelled" },
}

function TestEnds.test_each_end_closes_what_the_task_owns_last_first()
  for _, case in ipairs(ends) do
    local name, fn, ok, result = table.unpack(case, 1, 4)
    local log = {}
    local got_ok, got = inside(function()
      return task.run(0.05, function()
        task.own(handle(log, "first"))
        task.own(handle(log, "second"))
        local guard <close> = setmetatable({}, { __close = function() log[#log + 1] = "variable" end })
        return fn(guard)
      end)
    end)
    lu.assertEquals(got_ok, ok, name)
    lu.assertEquals(got, result, name)
    lu.assertItemsEquals(log, { "variable", "second", "first" }, name)
    lu.assertEquals(log[#log], "first", name)
  end
end

function TestEnds.test_an_error_is_told_with_its_traceback()
  local log = {}
  local ok, why = inside(function()
    return task.run(5, function()
      task.own(handle(log, "handle"))
      error("broken on purpose")
    end)
  end)
  lu.assertNil(ok)
  lu.assertStrContains(why.error, "broken on purpose")
  lu.assertStrContains(why.traceback, "task_spec.lua")
  lu.assertEquals(log, { "handle" })
end

function TestEnds.test_an_error_in_a_child_ends_the_whole_task()
  local ok, why = inside(function()
    return task.run(5, function()
      task.spawn(function() error("a child's") end)
      task.sleep(60)
    end)
  end)
  lu.assertNil(ok)
  lu.assertStrContains(why.error, "a child's")
end

function TestEnds.test_children_end_with_their_task()
  local went_on = false
  inside(function()
    task.run(5, function()
      task.spawn(function() task.sleep(0.01); went_on = true end)
      task.run(nil, function() end)
    end)
    task.sleep(0.05)
  end)
  lu.assertFalse(went_on)
end

function TestEnds.test_the_end_of_a_task_ends_the_tasks_below_it()
  local log = {}
  local ok, why = inside(function()
    return task.run(0.02, function()
      return task.run(60, function()
        task.own(handle(log, "deep"))
        task.sleep(60)
      end)
    end)
  end)
  lu.assertNil(ok)
  lu.assertEquals(why, "timeout")
  lu.assertEquals(log, { "deep" })
end

function TestEnds.test_a_task_that_ended_owns_nothing_more()
  local log = {}
  inside(function()
    local ended
    task.run(nil, function() ended = task.current() end)
    lu.assertErrorMsgContains("has ended", function() ended:own(handle(log, "late")) end)
  end)
  lu.assertEquals(log, { "late" })
end

function TestEnds.test_a_handle_may_be_handed_up_or_left_to_the_caller()
  local log = {}
  inside(function()
    task.run(nil, function()
      task.run(nil, function()
        task.hand_up(task.own(handle(log, "handed up")))
        task.disown(task.own(handle(log, "left alone")))
        task.own(handle(log, "own"))
      end)
      log[#log + 1] = "ended"
    end)
  end)
  lu.assertEquals(log, { "own", "ended", "handed up" })
end

TestMap = {}

function TestMap.test_an_error_ends_the_others_and_is_raised_where_map_was_called()
  local closed = 0
  inside(function()
    local done, message = pcall(task.map, { 1, 2, 3 }, function(i)
      local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      if i == 2 then error("the second", 0) end
      task.sleep(60)
      return guard
    end)
    lu.assertEquals({ done, message, closed }, { false, "the second", 3 })
  end)
end

function TestMap.test_results_stand_in_the_order_of_the_items()
  local got = inside(function()
    return task.map({ 0.03, 0.01, 0.02 }, function(s) task.sleep(s); return s * 100 end)
  end)
  lu.assertEquals(got, { 3, 1, 2 })
end

function TestMap.test_no_more_run_at_once_than_asked_for()
  local now, most = 0, 0
  inside(function()
    task.map({ 1, 2, 3, 4, 5, 6, 7 }, function()
      now = now + 1
      most = math.max(most, now)
      task.sleep(0.002)
      now = now - 1
    end, 3)
  end)
  lu.assertEquals(most, 3)
end

function TestMap.test_an_iterator_is_asked_when_a_slot_is_free()
  local asked, running = 0, 0
  inside(function()
    task.map(function()
      lu.assertTrue(running < 2)
      asked = asked + 1
      return asked <= 5 and asked or nil
    end, function()
      running = running + 1
      task.sleep(0.002)
      running = running - 1
    end, 2)
  end)
  lu.assertEquals(asked, 6)
end

TestWaiting = {}

function TestWaiting.test_where_waiting_is_impossible_it_says_so()
  inside(function()
    lu.assertErrorMsgContains("cannot wait here", function()
      table.sort({ 2, 1 }, function(a, b) task.sleep(0); return a < b end)
    end)
    lu.assertErrorMsgContains("coroutine.wrap", function()
      coroutine.wrap(function() task.sleep(0) end)()
    end)
  end)
end

function TestWaiting.test_a_condition_tells_being_woken_from_time()
  inside(function()
    local c = task.condition()
    lu.assertFalse(c:wait(0.005))
    task.spawn(function() c:wake() end)
    lu.assertTrue(c:wait(5))
  end)
end

function TestWaiting.test_when_nothing_can_happen_any_more_the_loop_says_so()
  local ok, message = pcall(loop.run, function() task.condition():wait() end)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "nothing can happen")
end

function TestWaiting.test_a_routine_killed_and_collected_before_its_turn_is_not_looked_at_again()
  inside(function()
    local victim, ran
    loop.spawn(nil, function() end, function()
      loop.kill(victim)
      victim = nil
      collectgarbage()
      collectgarbage()
    end)
    victim = loop.spawn(nil, function() end, function() ran = true end)
    task.sleep(0.01)
    lu.assertNil(ran)
  end)
end

function TestWaiting.test_the_loop_does_not_run_within_itself()
  inside(function()
    lu.assertErrorMsgContains("runs already", loop.run, function() end)
    task.sleep(0.001)
  end)
end

function TestWaiting.test_a_closed_stream_is_not_used_again()
  inside(function()
    local stream = assert(net.connect("127.0.0.1", 1))
    stream:close()
    stream:close()
    lu.assertErrorMsgContains("closed", function() stream:connected() end)
  end)
end

function TestWaiting.test_a_refused_connection_is_told_by_its_code()
  inside(function()
    local stream <close> = assert(net.connect("127.0.0.1", 1))
    local ok, message, code = stream:connected()
    lu.assertNil(ok)
    lu.assertEquals(code, "tcp.refused")
    lu.assertStrContains(message, "refused")
  end)
end

os.exit(lu.LuaUnit.run())
