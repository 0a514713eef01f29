-- A run that changes a store: locks, what an interrupted run left, backup, journal, changes, proof, end. Whatever goes wrong
-- between the journal's first word and its last, everything goes back to the backup: by the run itself, or by the next one.

local admit = require "kedge.core.admit"
local backup = require "kedge.update.backup"
local change = require "kedge.core.change"
local changes = require "kedge.update.changes"
local recovery = require "kedge.update.recovery"
local refusal = require "kedge.update.refusal"
local runs = require "kedge.update.runs"
local survey = require "kedge.update.survey"
local tree = require "kedge.core.tree"
local verdict = require "kedge.update.verdict"

local transaction = {}

-- Does what nothing depends on any more: where it fails, the next run does it.
local function tidy(job, fn, ...)
  local done, problem = refusal.catch(fn, ...)
  if not done then job.log(problem.message .. "; nothing depends on it, and the next run tries it again") end
end

local function clean(state, is_ended)
  if is_ended then
    state:prune()
    state:end_journal()
  end
  state:clean()
end

--- Ends what an interrupted run left, under the locks: "finished" or "rolled back" with what else there is to say, or nil
--- where there was none.
function transaction.recover(job, facts)
  local state = job.state
  local journal = state:journal()
  if not journal or journal.state == "verified" then
    tidy(job, clean, state, journal ~= nil)
    return journal and "finished"
  end
  local done, saved = refusal.catch(backup.load, state, journal.backup)
  if not done then
    refusal.raise(("%s; nothing was changed. %s"):format(saved.message, saved.is_damaged and state:advice() or ""), saved.code)
  end
  local others, lost = recovery.go_back(facts, state, saved)
  state:end_journal()
  tidy(job, clean, state)
  return "rolled back" .. (others and ": " .. recovery.others_words(others) or "") .. recovery.lost_words(lost)
end

-- What can be known before anything is changed.

local MARGIN = 64 * 1024 -- bytes beside what is counted

local function check_place(job, real)
  local system = refusal.check(tree.system(real))
  if system.read_only then
    refusal.raise(("%s is on a file system that is mounted read-only; nothing was changed"):format(real), "local.file")
  end
  local may, _, code = change.access(real)
  if may then return end
  local hint = admit.is_root() and "" or "; run it as its owner, or: " .. job.again
  refusal.raise(("%s cannot be written%s; nothing was changed%s"):format(real, code == "local.permission" and " by this user" or "", hint),
    "local.permission")
end

-- The kernel's paths of the folders that a plan writes in.
local function places(facts, the_plan)
  local system, list = facts.system, {}
  local function add(path)
    if path then list[#list + 1] = system:nearest(path:match("^(.*)/[^/]*$")) end
  end
  for _, new in ipairs(the_plan.files) do add(new.path) end
  if the_plan.changes[1] then add(facts.layout.configuration) end
  if facts.layout.bundle and system:real(facts.layout.bundle) then
    add(facts.layout.bundle)
    add(system:inside(system:real(facts.layout.bundle)))
  end
  if the_plan.mode == "tool" then add(facts.layout.directory .. "/x") end
  return list
end

--- Raises where a plan can't be carried out: no permission, a file system that is read-only.
function transaction.check_permission(job, facts, the_plan)
  for _, real in ipairs(places(facts, the_plan)) do check_place(job, real) end
end

local function size_of(facts, path)
  local real = path and facts.system:real(path)
  return real and facts.system:look(real).size or 0
end

--- Raises where there is not the room that a plan needs.
function transaction.check_space(facts, the_plan, state)
  local system, layout = facts.system, facts.layout
  local bundle, text = size_of(facts, layout.bundle), size_of(facts, layout.configuration)
  local wanted = {}
  local function want(real, bytes)
    local device = system:look(real).device
    wanted[device] = wanted[device] or { real = real, bytes = MARGIN, inodes = 16 }
    wanted[device].bytes = wanted[device].bytes + bytes
  end
  want(state.folder or system:nearest(state.places[1]), 2 * bundle + text + size_of(facts, the_plan.remainder))
  if layout.bundle then want(system:nearest(layout.bundle:match("^(.*)/")), 2 * bundle) end
  if the_plan.changes[1] then want(system:nearest(layout.configuration:match("^(.*)/")), text) end
  for _, new in ipairs(the_plan.files) do want(system:nearest(new.path:match("^(.*)/")), #new.text + 4096) end
  for _, one in pairs(wanted) do
    local bytes, inodes = refusal.check(change.free(one.real))
    if bytes < one.bytes or inodes < one.inodes + 4 * #the_plan.files then
      refusal.raise(("the file system of %s is too full: %d KiB are needed and %d are free; nothing was changed"):format(one.real,
        one.bytes // 1024 + 1, bytes // 1024))
    end
  end
end

-- Carrying out.

-- Raises unless all that was usable is, and so is what was wanted.
local function prove(facts, wanted, before)
  local after = verdict.sets(facts.stores)
  local lost, absent = verdict.lost(before, after), verdict.absent(wanted, after)
  if lost[1] then refusal.raise(("%d would be lost: %s"):format(#lost, verdict.names(lost)), "local.tool_failed") end
  if absent[1] then refusal.raise("afterwards there is still no " .. table.concat(absent, ", "), "local.tool_failed") end
  return after
end

-- Back to the backup; raises what went wrong, with what became of it.
local function roll_back(job, facts, number, problem)
  local state = job.state
  local done, failure, lost = refusal.catch_all(function()
    local others, count = recovery.go_back(facts, state, backup.load(state, number))
    state:end_journal()
    return others or false, count
  end)
  if not done then
    refusal.raise(("%s; going back failed too (%s): run it again, and it will go on with that"):format(problem.message, failure.message),
      problem.code, { output = problem.output, is_broken = true })
  end
  tidy(job, clean, state)
  refusal.raise(("%s; %s%s"):format(problem.message, failure and recovery.others_words(failure) or "everything was rolled back",
    recovery.lost_words(lost)), problem.code,
    { output = problem.output, is_rolled_back = true })
end

-- What is meant to be usable afterwards.
local function wanted_sets(job, the_plan)
  if the_plan.made then return { bundle = the_plan.made.bundle, directory = the_plan.made.directory } end
  local set = {}
  for _, one in ipairs(job.wanted) do set[one.cert.sha256] = one.cert end
  return { bundle = set }
end

local function new_backup(job, facts, the_plan, before)
  local recorder = backup.recorder(facts.system)
  changes.record(facts, the_plan, recorder)
  local number = job.state:next_number()
  backup.write(job.state, recorder, number, { before = before, wanted = wanted_sets(job, the_plan), text = the_plan.text or facts.text })
  return number
end

-- What comes between the journal's words: the tool, and the proof. `run` is nil where no tool is needed.
local function work(job, facts, run, before)
  if run then runs.until_agreed(job, facts, run) else survey.read(facts) end
  return prove(facts, job.wanted, before)
end

local function finish(job, facts, the_plan, number)
  local state = job.state
  state:prove(number)
  for _, real in ipairs(places(facts, the_plan)) do refusal.check(change.flush_system(real)) end
  refusal.check(change.flush_system(state.folder))
  state:write_journal("verified", number)
end

-- One round, from behind the journal's first word to its last: the certificates that are usable now.
local function round(job, facts, the_plan, number, run, before)
  local done, after = refusal.catch_all(function()
    if not run or run.count == 0 then changes.write(facts, the_plan) end
    local sets = work(job, facts, run, before)
    finish(job, facts, the_plan, number)
    return sets
  end)
  if not done then roll_back(job, facts, number, after) end
  -- All is done and proven: what goes wrong from here on is for the next run to tidy up.
  tidy(job, function()
    job.state:prune()
    job.state:end_journal()
  end)
  return after
end

-- Whether the stores are what their configuration says, as far as can be seen.
local function still_agrees(job, facts)
  local seen, agrees = refusal.catch(runs.look, facts)
  if seen then return agrees end
  job.log(("%s; all is done, but whether somebody else's run came after was not seen"):format(agrees.message))
  return true
end

-- Everything up to the journal's first word: the backup's number, and what the tool is run with where it is.
local function begin(job, facts, the_plan, before)
  local state, number, run = job.state, nil, nil
  local done, problem = refusal.catch_all(function()
    transaction.check_permission(job, facts, the_plan)
    transaction.check_space(facts, the_plan, state)
    number = new_backup(job, facts, the_plan, before)
    run = the_plan.mode == "tool" and runs.new(job, facts, the_plan) or nil
    state:write_journal("begun", number)
  end)
  if done then return number, run end
  refusal.catch(function()
    state:end_journal()
    state:clean()
  end)
  local said = problem.message:find("nothing was changed", 1, true) and "" or "; nothing was changed"
  local hint = problem.code == "local.permission" and not admit.is_root() and "; run it as its owner, or: " .. job.again or ""
  if problem.message:find(job.again, 1, true) then hint = "" end
  refusal.raise(problem.message .. said .. hint, problem.code, { output = problem.output })
end

--- Carries out a plan under the locks: { before=, after= numbers of certificates, runs= of the tool, run= the last of them
--- (see kedge.update.runs) or nil }. Raises where it didn't succeed; then everything is as it was, unless the refusal
--- says otherwise.
function transaction.apply(job, facts, the_plan)
  local before = verdict.sets(facts.stores)
  local number, run = begin(job, facts, the_plan, before)
  local after = round(job, facts, the_plan, number, run, before)
  -- What somebody else began before us may have ended after us.
  while run and run.agreed and not still_agrees(job, facts) do
    run.agreed, run.is_steady = false, false
    if runs.are_used_up(run) then break end
    job.state:write_journal("begun", number)
    after = round(job, facts, the_plan, number, run, before)
  end
  refusal.catch(job.state.end_temporary, job.state)
  return { before = verdict.count(before), after = verdict.count(after), runs = run and run.count or 0, run = run }
end

return transaction
