-- Back from a run that didn't come to its end: byte for byte where only that run was at work, and without taking
-- anything away where others have changed the store since.

local backup = require "kedge.update.backup"
local bounds = require "kedge.update.bounds"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local manifest = require "kedge.update.manifest"
local merge = require "kedge.update.merge"
local refusal = require "kedge.update.refusal"
local restore = require "kedge.update.restore"
local survey = require "kedge.update.survey"
local verdict = require "kedge.update.verdict"

local recovery = {}

-- Files that are neither what they were nor what kedge meant to write.
local function files_of_others(system, saved)
  local list = {}
  for _, record in ipairs(saved.records) do
    local real = record[1] == "writes" and bounds.place(system, record[2])
    local entry = real and system:look(real)
    if entry and entry.type == "file" then
      local sum, before = manifest.sum((refusal.check(file.read(real)))), manifest.find(saved.records, "file", record[2])
      if sum ~= record[3] and not (before and sum == before[6]) then list[#list + 1] = record[2] end
    end
  end
  return list
end

--- What others have changed since a backup was made, in a few words, or nil. Reads the stores.
function recovery.changes_of_others(facts, saved)
  survey.read(facts)
  local list = files_of_others(facts.system, saved)
  local unknown = backup.unknown(saved, facts.stores)
  if unknown[1] then list[#list + 1] = verdict.names(unknown) end
  return list[1] and table.concat(list, ", ") or nil
end

--- Goes back to a loaded backup: what others have changed since, which stays, or nil. Then, how many certificates that were
--- usable are not any more, for whatever reason.
function recovery.go_back(facts, state, saved)
  local others = recovery.changes_of_others(facts, saved)
  local now = verdict.sets(facts.stores)
  if others then merge.all(facts, saved) else restore.all(facts.system, saved) end
  refusal.check(change.flush_system(state.folder))
  for _, name in ipairs { "bundle", "directory" } do
    local real = facts.layout[name] and facts.system:real(facts.layout[name])
    if real then refusal.check(change.flush_system(real)) end
  end
  survey.read(facts)
  local lost = backup.lacking(saved, facts.stores)
  if others then lost = math.max(lost, #verdict.lost(now, verdict.sets(facts.stores))) end
  return others, lost
end

--- What was left as others have made it, in words.
function recovery.others_words(others)
  return ("what others have changed meanwhile stays (%s), and what was there before is back"):format(others)
end

--- What is not as it was although everything was put back, in words for the end of a sentence.
function recovery.lost_words(lost)
  if lost == 0 then return "" end
  return ("; but %d certificates that programs could use are not found any more: look at the store with kedge ca-audit"):format(lost)
end

return recovery
