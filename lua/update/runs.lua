-- Runs of the system's own tool for one update: until the stores are what their configuration says, three at most.

local change = require "kedge.core.change"
local changes = require "kedge.update.changes"
local forecast = require "kedge.update.forecast"
local interrupt = require "kedge.interrupt"
local plan = require "kedge.update.plan"
local refusal = require "kedge.update.refusal"
local survey = require "kedge.update.survey"
local tool = require "kedge.update.tool"
local verdict = require "kedge.update.verdict"

local runs = {}

local RUNS_MAX = 3 -- of the tool, where somebody else's runs get between
local QUIET = { 0.25, 1, 1 } -- seconds without anybody at work on the folder, behind so many runs

--- What the tool is run with: count= of its runs, looks= at what came of them, agreed= whether the last one found all as it
--- should be, difference= half a sentence otherwise, is_steady= true while each look found the same one, output= of the
--- last run; the rest is for changes.run_tool.
function runs.new(job, facts, the_plan)
  local temporary = job.state:temporary()
  return { tool = job.tool, temporary = temporary, lock = job.state.lock, seconds = job.seconds, relink = the_plan.relink,
    made = the_plan.made, bundle = changes.bundle(facts, temporary), has_dpkg = job.state.dpkg ~= nil, count = 0, looks = 0 }
end

-- The link that a file's name should have and hasn't, as half a sentence.
local function missing_link(facts, made)
  local folder, first = facts.system:real(facts.layout.directory), nil
  for name in pairs(made.links) do
    if not facts.system:look(folder .. "/" .. name) and not facts.system:look(folder .. "/ca-cert-" .. name) then
      first = first and first < name and first or name
    end
  end
  return first and first .. " is missing in the folder"
end

--- Looks at the stores once more, when nobody else works on them: whether they are what the configuration makes of them,
--- and if not, half a sentence that says how they differ.
function runs.look(facts)
  local has_remainder = tool.wait_for_others(facts)
  if has_remainder then refusal.check(change.remove(facts.system:name(facts.layout.bundle .. ".new"))) end
  survey.read(facts)
  local made = forecast.make(facts, facts.text)
  local difference = has_remainder and "there was a remainder of another run" or verdict.difference(made, facts.stores)
    or missing_link(facts, made)
  return difference == nil, difference
end

-- A look behind a run of the tool. The same difference each time is nobody else's.
local function look(facts, run)
  local before, is_first = run.difference, run.looks == 0
  run.agreed, run.difference = runs.look(facts)
  run.is_steady, run.looks = is_first or run.is_steady and run.difference == before, run.looks + 1
end

--- Whether there is no run left.
function runs.are_used_up(run)
  return run.count == RUNS_MAX
end

-- Whether the tool failed for want of what somebody else's run may have taken away.
local function has_missed_something(output)
  return output:find("No such file", 1, true) ~= nil or output:find("cannot open", 1, true) ~= nil
end

--- Runs the tool until the stores are what the configuration makes of them. Raises where the last run failed.
function runs.until_agreed(job, facts, run)
  repeat
    if run.count > 0 then
      tool.wait_until_quiet(facts, QUIET[run.count])
      run.made = forecast.make(facts, facts.text)
      run.relink = plan.stale_links(facts, run.made)
      job.log(run.why .. "; update-ca-certificates is run once more")
    end
    run.count = run.count + 1
    local done, message, output, is_final = changes.run_tool(facts, run)
    -- Another run may have taken away the bundle that this one was building.
    local is_last = is_final or runs.are_used_up(run)
    if not done and (is_last or not has_missed_something(output)) then refusal.raise(message, "local.tool_failed", { output = output }) end
    run.output = done and message or output
    look(facts, run)
    run.why = done and "the store is not what its configuration says: " .. (run.difference or "somebody else changed it") or message
    run.agreed = run.agreed and done
  until run.agreed or runs.are_used_up(run) or interrupt.signal()
  if run.agreed then return end
  tool.wait_until_quiet(facts, QUIET[RUNS_MAX])
  look(facts, run) -- the last of the others may have put it right
end

return runs
