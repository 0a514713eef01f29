-- What a run found out: results on their way to the formats, the summary, and
-- the exit status.

local output = require "kedge.output"

local report = {}
report.__index = report

-- Of several exit statuses the first of these wins; 143 and 130 stand before them.
local STATUS_ORDER = { 143, 130, 2, 3, 4, 1, 5, 0 }
local UNTESTED = { dns = true, tcp = true, proxy = true, ["local.interface"] = true } -- stages and a code

--- A report of the command `name`. `opts`: strict, verbose, quiet, repeat_count;
-- `outputs` as from output.open; `started` in seconds since 1970, `now` a
-- function that gives seconds of a clock that never jumps.
function report.new(name, opts, outputs, started, now)
  local summary = { total = 0, ok = 0, warn = 0, fail = 0, skip = 0 }
  return setmetatable({ script = name, opts = opts, outputs = outputs, started = started, now = now, begun = now(),
    summary = summary, ran = 0, untested = 0, statuses = {}, plan = {}, version = require("kedge.core.embedded").version,
  }, report)
end

--- An exit status that joins the order (DESIGN: several hold, the first wins).
function report:join(status)
  self.statuses[status] = true
end

-- A format that raises has failed; the others go on.
local function call(one, part, ...)
  local fn = one.format[part]
  if not fn or one.fault then return nil end
  local done, value = pcall(fn, one, ...)
  if done then return value end
  one.fault = { message = tostring(value), code = "script.error" }
end

local function start(self)
  if self.is_started then return end
  self.is_started = true
  for _, one in ipairs(self.outputs) do call(one, "start", self) end
end

local function count(self, r)
  self.summary.total = self.summary.total + 1
  self.summary[r.status] = self.summary[r.status] + 1
  if r.status ~= "skip" then self.ran = self.ran + 1 end
  if r.status == "fail" then
    if UNTESTED[r.stage] or UNTESTED[r.code] then self.untested = self.untested + 1 end
    self:join(r.code == "script.error" and 3 or 1)
  end
end

--- Takes one finished result: counts it and hands it to every format, which
-- may wait for readers.
function report:add(r)
  start(self)
  -- A change that is still to be made is no failure: its command ends with status 5.
  if self.opts.strict and r.status == "warn" and not r.code:find("%.pending$") then r.status = "fail" end
  if self.run and not r.run then r.run = self.run end
  count(self, r)
  for _, one in ipairs(self.outputs) do call(one, "result", r) end
  for _, one in ipairs(self.outputs) do one:flush() end
end

--- Leaves standard output to the script; nil where a report has begun there.
function report:leave_standard_output()
  local kept = {}
  for _, one in ipairs(self.outputs) do
    if one.file then kept[#kept + 1] = one elseif self.is_started then return nil end
  end
  self.outputs = kept
  return true
end

--- True while a reader keeps an output waiting; no check may start then.
function report:is_waiting()
  for _, one in ipairs(self.outputs) do
    if one:is_busy() then return true end
  end
  return false
end

--- True when there were outputs and nobody takes any of them any more.
function report:is_deaf()
  for _, one in ipairs(self.outputs) do
    if not one.fault then return false end
  end
  return self.outputs[1] ~= nil
end

local function end_output(self, one)
  local status = call(one, "finish", self)
  local done, message = output.close(one)
  if not done and message then
    output.say(message)
    self:join(3)
  end
  return math.type(status) == "integer" and status or nil
end

--- The exit status so far.
function report:status()
  local statuses = self.statuses
  if self.ran > 0 and self.untested == self.ran then statuses[4] = true end
  for _, status in ipairs(STATUS_ORDER) do
    if statuses[status] then return status end
  end
  return 0
end

--- True when kedge itself failed: a script broke, or a report could not be written.
function report:broke()
  return self.statuses[3] == true
end

-- Files first, so that what standard output says of the run knows whether they were written.
local function end_outputs(self)
  local replaced
  for _, is_file in ipairs { true, false } do
    for _, one in ipairs(self.outputs) do
      if (one.file ~= nil) == is_file then replaced = end_output(self, one) or replaced end
    end
  end
  return replaced
end

--- Ends every output and gives the exit status; a format's own replaces it where a
-- check failed at the worst: usage errors, interrupts and what broke stay to be seen.
function report:finish()
  if self.is_casual and not self.is_started then
    output.abandon(self.outputs)
    return self:status()
  end
  start(self)
  self.duration_ms = (self.now() - self.begun) * 1000
  output.progress(nil)
  local replaced, status = end_outputs(self), self:status()
  local is_kept = status == 130 or status == 143 or status == 2 or status == 3
  return replaced and not is_kept and replaced or status
end

return report
