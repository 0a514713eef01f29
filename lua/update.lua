-- One run of `kedge ca-update`: what it would do, or does, to a trust store.

local outcome = require "kedge.update.outcome"
local plan = require "kedge.update.plan"
local refusal = require "kedge.update.refusal"
local rollback = require "kedge.update.rollback"
local source = require "kedge.update.source"
local state = require "kedge.update.state"
local survey = require "kedge.update.survey"
local system = require "kedge.update.system"
local tool = require "kedge.update.tool"
local transaction = require "kedge.update.transaction"
local way_back = require "kedge.update.way_back"
local words = require "kedge.update.words"

local update = {}

local PENDING, REFUSED = 5, 3 -- exit statuses

local function is_ours(facts)
  return facts.layout.family ~= "openwrt" and facts.layout.family ~= "fedora"
end

-- The tool, where the layout has one to be run; nil where files are changed by hand.
local function choose_tool(job, facts)
  if facts.layout.family ~= "debian" then return nil end
  tool.check_configuration(facts)
  if not facts.layout.configuration then return nil end
  local chosen, why = tool.choose(facts.system, job.apply)
  if not chosen and facts.layout.name ~= "Buildroot" and facts.layout.name ~= "Alpine" then refusal.raise(why, "local.tool_missing") end
  return chosen
end

local function survey_and_plan(job, facts)
  survey.read(facts)
  job.tool = choose_tool(job, facts)
  return plan.make(facts, job.wanted, job.tool)
end

local function report_all(job, list)
  for _, r in ipairs(list) do job.report(r) end
end

local function dry(job, facts)
  local seen, journal = refusal.catch(function()
    local found = state.find(facts.system, facts.layout)
    found:check_hidden(job.again)
    return found:journal()
  end)
  if not seen and not journal.is_hidden then error(journal, 0) end
  if not seen then job.log("whether an earlier run was interrupted was not seen: " .. journal.message) end
  local is_interrupted = seen and journal ~= nil
  if is_interrupted then -- what stands there now is half of something: a plan from it would be another
    job.report(outcome.interrupted())
    return PENDING
  end
  local the_plan = survey_and_plan(job, facts)
  if not the_plan.is_needed then
    job.report(outcome.nothing(facts, job.wanted))
    return 0
  end
  report_all(job, words.plan(facts, the_plan, job.tool, job.opts.verbose))
  return PENDING
end

-- What checks say of the store; nobody else has to wait for them.
local function conclude(job, facts)
  if job.state then job.state:close(true) end
  return job.conclusion(facts)
end

local function nothing(job, facts)
  job.report(outcome.nothing(facts, job.wanted, conclude(job, facts)))
end

local function apply(job, facts)
  if not is_ours(facts) then
    refusal.raise(("kedge doesn't write the store of %s; without --apply it prints the commands of that system's own tool"):format(
      facts.layout.name))
  end
  job.state = state.find(facts.system, facts.layout)
  if not job.state:journal() then
    local the_plan = survey_and_plan(job, facts)
    if not the_plan.is_needed then return nothing(job, facts) end
    transaction.check_permission(job, facts, the_plan)
    transaction.check_space(facts, the_plan, job.state)
  end
  job.state:take_locks(job.log)
  local recovered = transaction.recover(job, facts)
  if recovered then job.report(outcome.interrupted(recovered)) end
  local the_plan = survey_and_plan(job, facts)
  if not the_plan.is_needed then return nothing(job, facts) end
  local list = words.plan(facts, the_plan, job.tool, job.opts.verbose)
  local done = transaction.apply(job, facts, the_plan)
  report_all(job, words.done(list))
  report_all(job, { outcome.complaint(done) })
  job.report(outcome.done(facts, done, conclude(job, facts)))
end

local function rollback_dry(job, facts)
  local found = state.find(facts.system, facts.layout)
  found:check_hidden(job.again)
  if found:journal() then
    job.report(outcome.interrupted())
    return PENDING
  end
  local number, paths, saved = rollback.plan(facts, found)
  report_all(job, number and way_back.plan(facts, saved, paths, job.opts.verbose) or {})
  if number and paths[1] then return PENDING end
  job.report(outcome.rolled_back(facts, 0, number, number and found:backup_folder(number)))
  return 0
end

local function rollback_apply(job, facts)
  job.state = state.find(facts.system, facts.layout)
  job.state:check_hidden(job.again)
  if job.state.folder then
    job.state:take_locks(job.log)
    local recovered = transaction.recover(job, facts)
    if recovered then job.report(outcome.interrupted(recovered)) end
  end
  local number, paths, saved = rollback.plan(facts, job.state)
  local list = number and way_back.plan(facts, saved, paths, job.opts.verbose) or {}
  if list[1] then rollback.apply(facts, job.state, number) end
  report_all(job, words.done(list))
  job.report(outcome.rolled_back(facts, number and #paths or 0, number, number and job.state:backup_folder(number)))
  return 0
end

local function load(job)
  local wanted, message, status = source.load { from = job.from, fetch = job.fetch, opts = job.opts }
  if not wanted then refusal.raise(message, "local.file", { status = status }) end
  for _, note in ipairs(wanted.notes or {}) do job.log(note) end
  return wanted
end

local function run(job)
  local facts = survey.open(system.open(job.root))
  if job.rollback then return (job.apply and rollback_apply or rollback_dry)(job, facts) end
  job.wanted = load(job)
  return (job.apply and apply or dry)(job, facts)
end

--- Does what `job` says: root=, from=, fetch=, apply=, rollback=, seconds= for the tool, opts= the options of the run,
--- report(result), log(sentence), conclusion(facts) -> what a check afterwards came to or nil, again= the command line with
--- sudo. The exit status, or nil where the results decide; nil, a sentence and a status where nothing was begun.
function update.run(job)
  local done, value = refusal.catch(run, job)
  if job.state then job.state:close() end
  if done then return value or true end
  if value.is_rolled_back or value.is_broken then
    job.report(outcome.failed(value))
    return REFUSED
  end
  return nil, value.message, value.status or REFUSED
end

return update
