-- What an update came to, in words.

local avs = require "kedge.avs"
local result = require "kedge.result"
local verdict = require "kedge.update.verdict"

local outcome = {}

local function restart(facts)
  return facts.system.is_live and "Programs that read the store when they start, such as the SDK, have to be restarted." or nil
end

local function make(status, code, message, remedy, values)
  local r = result.make("update", status, code, message, remedy)
  r.labels = { update = "outcome" }
  r.values = values
  return r
end

local LINES_MAX, BYTES_MAX = 20, 4000 -- of the tool's words

-- The tool's own words, of which the last tell most.
local function with_output(values, output)
  local lines = {}
  for line in (output or ""):sub(-BYTES_MAX):gmatch("[^\n]+") do lines[#lines + 1] = line end
  if lines[1] then values.output = table.concat(lines, "\n", math.max(1, #lines - LINES_MAX + 1)) end
  return values
end

--- Nothing is to be done; `conclusion` is what a check of the store came to, or nil.
function outcome.nothing(facts, wanted, conclusion)
  local count = verdict.count(verdict.sets(facts.stores))
  local names = #wanted == #avs.authorities and "all six authorities" or ("%d of the six authorities"):format(#wanted)
  local store = facts.layout.bundle or facts.layout.directory
  local message = ("Nothing to do: %s are in the store for good (%s)"):format(names, store)
  local values = { changed = false, before = count, after = count, lost = 0 }
  return make("ok", nil, message .. (conclusion and "; " .. conclusion or "."), nil, values)
end

--- It was done; `conclusion` is what a check afterwards came to, or nil.
function outcome.done(facts, outcome_of, conclusion)
  local sentence = verdict.sentence(outcome_of.before, outcome_of.after)
  local values = { changed = true, before = outcome_of.before, after = outcome_of.after, lost = 0, runs = outcome_of.runs }
  local message = sentence .. (conclusion and "; " .. conclusion or "")
  local run = outcome_of.run
  if run and not run.agreed and run.is_steady then
    return make("warn", "local.tool_failed", ("%s; but after %d runs of update-ca-certificates the store is still not what its "
      .. "configuration says: %s"):format(message, run.count, run.difference), "Run update-ca-certificates by hand, and see what it says.",
      with_output(values, run.output))
  elseif run and not run.agreed then
    return make("warn", "local.busy", message .. "; but somebody else keeps changing the store",
      "Find out who else runs update-ca-certificates, then run kedge ca-update --apply again.", values)
  end
  return make("ok", nil, message, restart(facts), values)
end

--- What a hook of the tool's complained of, which is no failure of the tool's; nil where none did.
function outcome.complaint(outcome_of)
  local output = outcome_of.run and outcome_of.run.output or ""
  local line = ("\n" .. output):match("\nE: ([^\n]*)")
  if not line then return nil end
  local r = result.make("hooks", "warn", "local.tool_failed", "update-ca-certificates says: " .. line,
    "The store itself is done. Mend the hook, then run update-ca-certificates by hand, so that what it keeps is done too.")
  r.labels, r.values = { update = "complaint" }, with_output({}, output)
  return r
end

--- After going back, or where there is nothing to go back to.
function outcome.rolled_back(facts, count, number, folder)
  local values = { changed = count > 0, backup = number }
  if not number then return make("ok", nil, "Nothing to do: there is no backup of a run.", nil, values) end
  if count == 0 then
    return make("ok", nil, ("Nothing to do: everything is as it was in the last backup (%s)."):format(folder), nil, values)
  end
  return make("ok", nil, ("Everything is again as it was before the last run (%s)."):format(folder), restart(facts), values)
end

--- A run that was interrupted: "finished" or "rolled back", or (in a dry run) nil: what is still to be done about it.
function outcome.interrupted(what_was_done)
  if not what_was_done then
    local r = result.make("interrupted", "warn", "store.pending",
      "An earlier run was interrupted; with --apply it is finished or rolled back first.", "Run it again with --apply.")
    r.labels = { update = "change" }
    return r
  end
  local r = result.make("interrupted", "ok", nil, ("An earlier run that was interrupted has been %s."):format(what_was_done))
  r.labels = { update = "recovery" }
  return r
end

--- It failed after it had begun. `problem` is a refusal; its output, where it has one, is the tool's own words.
function outcome.failed(problem)
  local values = with_output({ changed = problem.is_broken or false }, problem.output)
  local remedy
  if problem.is_broken then
    remedy = "Make room or mend what is named, then run kedge ca-update --apply again: it goes back first. The backup is safe."
  elseif values.output then
    remedy = "Mend what its words above complain of (the tool, or a hook in /etc/ca-certificates/update.d), then run it again."
  end
  return make("fail", problem.code, problem.message, remedy, values)
end

return outcome
