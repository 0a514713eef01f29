-- ctx:each: one function over many items, as many at once as -j says, their
-- results in the order of a list or as an iterator's items end.

local insecure = require "kedge.api.insecure"
local interrupt = require "kedge.interrupt"
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

-- Result or list of results that an item's function gave, as a list.
local function as_list(item, value)
  if value == nil then return {} end
  local list = type(value) == "table" and value.id == nil and value.status == nil and value or { value }
  for i, r in ipairs(list) do
    local fault = result.fault(r)
    if fault then list[i] = result.of_error(id_of(item), fault) end
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

local function describe(problem)
  if type(problem) == "table" and problem.status then return problem end
  return tostring(problem)
end

-- Waits while a reader keeps an output waiting: no check starts then.
local function wait_for_readers(self)
  while self.the_report:is_waiting() do task.sleep(0.02) end
end

-- Draws the progress line anew until `progress` has ended.
local function draw(progress)
  while not progress.over do
    task.sleep(PROGRESS_SECONDS)
    local of = progress.total and (" of %d"):format(progress.total) or ""
    local text = ("%d%s done, %d in flight"):format(progress.ended, of, progress.begun - progress.ended)
    if not progress.over then output.progress(text) end
  end
end

local function start_progress(self, total)
  self.progress = { begun = 0, ended = 0, total = total, over = self.options.quiet }
  if not self.options.quiet and output.shows_progress() then task.spawn(draw, self.progress) end
end

local function end_progress(self)
  self.progress.over = true
  output.progress(nil)
end

-- Runs fn on one item in a task of its own, which closes what it left open.
local function in_task(item, fn)
  return task.run(nil, function()
    task.current().is_item = true
    return insecure.mark_all(fn(item))
  end)
end

-- What one item's function gives, as a list of results.
local function work(self, item, fn)
  if interrupt.signal() then return { result.of_interrupt(id_of(item), item) } end
  self.progress.begun = self.progress.begun + 1
  local done, value = in_task(item, fn)
  self.progress.ended = self.progress.ended + 1
  if done then return as_list(item, value) end
  local problem = type(value) == "table" and describe(value.error)
  if type(problem) == "table" then error(problem, 0) end
  if not problem or interrupt.signal() then return { result.of_interrupt(id_of(item), item) } end
  return { result.of_error(id_of(item), problem) }
end

--- Runs fn(item) on each item of a list (reported in its order) or of an
-- iterator (reported as they end), -j at once. What fn returns is reported: a
-- result, a list of results, or nothing. An error in fn is a failed result.
function each.run(self, items, fn)
  local next_entry, is_ordered = entries(items)
  local report, put, stopped = self.the_report, sequence(self.the_report), nil
  local owner = task.current()
  owner.lists = (owner.lists or 0) + 1
  start_progress(self, is_ordered and #items or nil)
  local function next_if_wanted()
    if stopped or report:is_deaf() or (not is_ordered and interrupt.signal()) then return nil end
    return next_entry()
  end
  task.map(next_if_wanted, function(entry)
    wait_for_readers(self)
    local done, list = xpcall(work, describe, self, entry.item, fn)
    if not done then
      stopped = stopped or list
    elseif entry.place then
      put(entry.place, list)
    else
      for _, r in ipairs(list) do report:add(r) end
    end
  end, self.options.concurrency)
  end_progress(self)
  owner.lists = owner.lists - 1
  if stopped then error(stopped, 0) end
end

return each
