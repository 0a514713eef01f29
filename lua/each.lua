-- ctx:each: one function over many items, as many at once as -j says, their
-- results in the order of a list or as an iterator's items end.

local author = require "kedge.author"
local descriptors = require "kedge.descriptors"
local every_address = require "kedge.every_address"
local insecure = require "kedge.api.insecure"
local interrupt = require "kedge.interrupt"
local lists = require "kedge.api.lists"
local output = require "kedge.output"
local result = require "kedge.result"
local task = require "kedge.task"

local each = {}

local PROGRESS_SECONDS = 0.2

local function id_of(item)
  if type(item) == "table" then
    return type(item.id) == "string" and item.id or type(item.host) == "string" and item.host or "check"
  end
  return tostring(item)
end

local function is_list(value)
  return type(value) == "table" and value.id == nil and value.status == nil and (value[1] ~= nil or next(value) == nil)
end

-- What is wrong with a list of results, as a list; nil if nothing is.
local function fault_of_list(list)
  if next(list) == nil then return "the function returned an empty list; where nothing is to be reported it returns nothing" end
  local gap = lists.gap(list)
  return gap and ("result %d of the list that the function returned is nil, and others follow it"):format(gap)
end

-- Result or list of results that an item's function gave, as a list.
local function as_list(item, value, fn)
  if value == nil then return {} end
  local function told(fault) return result.of_error(id_of(item), author.placed(fault, author.place_of(fn))) end
  local whole = is_list(value) and value or { value }
  local fault = fault_of_list(whole)
  local list = fault and { told(fault) } or {}
  for _, r in ipairs(whole) do
    fault = result.fault(r)
    list[#list + 1] = fault and told(fault) or r
  end
  return list
end

-- Items one after another with their places; the second result tells whether
-- the order of the list holds.
local function entries(items)
  if type(items) == "function" then
    return function()
      local item = items()
      if item ~= nil then return { item = item } end
    end, false
  end
  local i = 0
  return function()
    i = i + 1
    if items[i] ~= nil then return { item = items[i], place = i } end
  end, true
end

-- Reports lists of results in the order of their places: a finished one waits
-- for its predecessors.
local function sequence(report)
  local waiting, next_place = {}, 1
  return function(place, list)
    waiting[place] = list
    while waiting[next_place] do
      local ready = waiting[next_place]
      waiting[next_place] = nil
      next_place = next_place + 1
      for _, r in ipairs(ready) do report:add(r) end
    end
  end
end

-- Waits while a reader keeps an output waiting: no check starts then.
local function wait_for_readers(self)
  while self.the_report:is_waiting() do task.sleep(0.02) end
end

-- Draws the progress line anew until `progress` has ended.
local function draw(progress)
  local owner = task.current()
  owner.background = (owner.background or 0) + 1
  while not progress.over do
    task.sleep(PROGRESS_SECONDS)
    local of = progress.total and (" of %d"):format(progress.total) or ""
    local text = ("%d%s done, %d in flight"):format(progress.ended, of, progress.begun - progress.ended)
    if not progress.over then output.progress(text) end
  end
  owner.background = owner.background - 1
end

local function start_progress(self, total)
  self.progress = { begun = 0, ended = 0, total = total, over = self.options.quiet }
  if not self.options.quiet and output.shows_progress() then task.spawn(draw, self.progress) end
end

local function end_progress(self)
  self.progress.over = true
  output.progress(nil)
end

-- Calls fn(item), and sees that it waited for all that it began.
local function call(fn, item)
  local value = insecure.mark_all(fn(item))
  local others = task.others()
  if others > 0 then
    error(author.placed(("the function returned while %d of its coroutines were at work"):format(others), author.place_of(fn)), 0)
  end
  return insecure.mark_all(value)
end

-- What one call of an item's function gives, as a list of results. `place` is the line on which ctx:each
-- stands: an error of kedge.check and the like, given to it as they are, has no other of the author's.
local function work(item, fn, place, turn)
  if interrupt.signal() then return { result.of_interrupt(id_of(item), item) } end
  local ended, done, value = interrupt.run({ turn = turn }, xpcall, call, author.describe, fn, item)
  if not ended and type(done) == "table" then return { result.of_error(id_of(item), author.describe(done.error)) } end
  if not ended then return { result.of_interrupt(id_of(item), item) } end
  if done then return as_list(item, value, fn) end
  if type(value) == "table" then error(value, 0) end
  return { result.of_error(id_of(item), author.placed(value, place)) }
end

-- The same of all calls for one item: one, or one for each address.
local function work_all(self, item, fn, place)
  if interrupt.signal() or not self.options.all_addresses then return work(item, fn, place) end
  local all = {}
  every_address.call(function(turn)
    local list = work(item, fn, place, turn)
    for i, r in ipairs(list) do list[i] = every_address.named(turn, r) end
    all[turn.number] = list
  end)
  local joined = {}
  for _, list in ipairs(all) do table.move(list, 1, #list, #joined + 1, joined) end
  return joined
end

local function check_call(items, fn)
  if type(items) ~= "table" and type(items) ~= "function" then
    error(("ctx:each wants a list or an iterator, not a %s"):format(type(items)), 3)
  end
  if type(items) == "table" then lists.check("ctx:each", items) end
  if type(fn) ~= "function" then error(("ctx:each wants a function for each item, not a %s"):format(type(fn)), 3) end
end

-- One item from its turn to its report.
local function take(self, entry, fn, put, place)
  wait_for_readers(self)
  self.progress.begun = self.progress.begun + 1
  local list = work_all(self, entry.item, fn, place)
  self.progress.ended = self.progress.ended + 1
  if entry.place then return put(entry.place, list) end
  for _, r in ipairs(list) do self.the_report:add(r) end
end

local function run_all(self, items, fn, place)
  local next_entry, is_ordered = entries(items)
  local report, put, stopped = self.the_report, sequence(self.the_report), nil
  start_progress(self, is_ordered and #items or nil)
  local function next_if_wanted()
    if stopped or report:is_deaf() or (not is_ordered and interrupt.signal()) then return nil end
    local done, entry = xpcall(next_entry, author.describe)
    if not done then -- what is under way comes to its end, and is reported
      stopped = stopped or entry
      return nil
    end
    if entry then report.asked = report.asked or fn end
    return entry
  end
  task.map(next_if_wanted, function(entry)
    local done, problem = xpcall(take, author.describe, self, entry, fn, put, place)
    if not done then stopped = stopped or problem end
  end, descriptors.checks(math.min(self.options.concurrency, is_ordered and #items or math.huge)))
  end_progress(self)
  if stopped then error(stopped, 0) end
end

--- Runs fn(item) on each item of a list (reported in its order) or of an
-- iterator (reported as they end), -j at once. What fn returns is reported: a
-- result, a list of results, or nothing. An error in fn is a failed result.
-- Each item is a task of its own, which closes what was opened in it.
function each.run(self, items, fn)
  check_call(items, fn)
  self.the_report.was_asked = true
  return interrupt.hold(run_all, self, items, fn, author.position())
end

return each
