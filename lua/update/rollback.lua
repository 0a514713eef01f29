-- Going back to the last backup of a run that came to its end: what it wrote is as it was before, byte for byte, and what
-- it added is gone. Refused where that would take away what others have added since.

local backup = require "kedge.update.backup"
local manifest = require "kedge.update.manifest"
local recovery = require "kedge.update.recovery"
local refusal = require "kedge.update.refusal"
local restore = require "kedge.update.restore"
local survey = require "kedge.update.survey"
local verdict = require "kedge.update.verdict"

local rollback = {}

--- The number of the backup to go back to, or nil.
function rollback.last(state)
  local list = state:backups()
  for i = #list, 1, -1 do
    if state:is_proven(list[i]) then return list[i] end
  end
end

-- Raises where others have changed what going back would undo.
local function check_others(facts, saved, paths)
  local added = backup.unknown(saved, facts.stores)
  if added[1] then
    refusal.raise(("going back would take away what others have added since that run: %s; the backup is in %s"):format(
      verdict.names(added), saved.folder))
  end
  local now = facts.text and manifest.sum(facts.text) or "none"
  for _, path in ipairs(paths) do
    if facts.text and path == facts.system:inside(facts.system:real(facts.layout.configuration)) and saved.known.text ~= now then
      refusal.raise(("%s was changed by others since that run; the backup is in %s"):format(path, saved.folder))
    end
  end
end

--- What going back would change: the number of the backup, a list of paths, empty where everything is as it was, and the
--- backup (see kedge.update.backup); nil where there is none. Raises where it would take away what others have added, and
--- where the backup is damaged.
function rollback.plan(facts, state)
  local number = rollback.last(state)
  if not number then return nil end
  survey.read(facts)
  local done, saved = refusal.catch(backup.load, state, number)
  if not done then
    refusal.raise(("the last backup can't be put back: %s; nothing was changed, and the store is as the last run left it"):format(
      saved.message), saved.code)
  end
  local paths = restore.differences(facts.system, saved)
  if paths[1] then check_others(facts, saved, paths) end
  return number, paths, saved
end

--- Goes back, under the locks. Raises where it didn't succeed; the next run then goes on with it.
function rollback.apply(facts, state, number)
  local saved = backup.load(state, number)
  state:write_journal("begun", number)
  local done, problem = refusal.catch(function()
    local others, lost = recovery.go_back(facts, state, saved)
    local left = not others and restore.differences(facts.system, saved)
    if left and left[1] then refusal.raise(left[1] .. " is still not as it was") end
    if others or lost > 0 then
      state:end_journal()
      refusal.raise((others and recovery.others_words(others) or "everything is as it was") .. recovery.lost_words(lost), nil,
        { is_ended = true })
    end
  end)
  if not done and problem.is_ended then refusal.raise(problem.message) end
  if not done then
    refusal.raise(("going back did not succeed (%s): run it again, and it will go on with that"):format(problem.message), problem.code)
  end
  state:end_journal()
end

return rollback
