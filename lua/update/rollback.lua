-- Going back to the last backup of a run that came to its end: what it wrote is as it was before, byte for byte, and what
-- it added is gone. Refused where that would take away what others have added since.

local backup = require "kedge.update.backup"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local refusal = require "kedge.update.refusal"
local survey = require "kedge.update.survey"
local verdict = require "kedge.update.verdict"
local x509 = require "kedge.core.x509"

local rollback = {}

--- The number of the backup to go back to, or nil.
function rollback.last(state)
  local list = state:backups()
  for i = #list, 1, -1 do
    if state:is_proven(list[i]) then return list[i] end
  end
end

-- What the run noted of certificates before and after it, and of the configuration's text.
local function noted(state, number)
  local known, text = {}, nil
  for line in refusal.check(file.read(state:backup_folder(number) .. "/certificates")):gmatch("[^\n]+") do
    local store, sha256 = line:match("^%a+ (%a+) (%x+)$")
    if store then known[store .. sha256] = true end
    text = text or line:match("^text (%w+)$")
  end
  return known, text
end

-- Certificates that came into a store after the run.
local function added_since(facts, known)
  local list = {}
  for _, name in ipairs { "bundle", "directory" } do
    local store = facts.stores[name]
    for _, entry in ipairs(store and store.entries or {}) do
      if not known[name .. x509.hex(entry.cert.sha256)] then list[#list + 1] = { store = name, cert = entry.cert } end
    end
  end
  return list
end

-- Raises where others have changed what going back would undo.
local function check_others(facts, state, number, paths)
  local known, text = noted(state, number)
  local added = added_since(facts, known)
  if added[1] then
    refusal.raise(("going back would take away what others have added since that run: %s; the backup is in %s"):format(
      verdict.names(added), state:backup_folder(number)))
  end
  local now = facts.text and x509.hex(x509.sha256(facts.text)) or "none"
  for _, path in ipairs(paths) do
    if facts.text and path == facts.system:inside(facts.system:real(facts.layout.configuration)) and text ~= now then
      refusal.raise(("%s was changed by others since that run; the backup is in %s"):format(path, state:backup_folder(number)))
    end
  end
end

--- What going back would change: the number of the backup and a list of paths, empty where everything is as it was; nil
--- where there is no backup. Raises where it would take away what others have added.
function rollback.plan(facts, state)
  local number = rollback.last(state)
  if not number then return nil end
  survey.read(facts)
  local paths = backup.differences(state, number)
  if paths[1] then check_others(facts, state, number, paths) end
  return number, paths
end

--- Goes back, under the locks. Raises where it didn't succeed; the next run then goes on with it.
function rollback.apply(state, number)
  state:write_journal("begun", number)
  local done, problem = refusal.catch(function()
    backup.restore(state, number)
    refusal.check(change.flush_system(state.folder))
    local left = backup.differences(state, number)
    if left[1] then refusal.raise(left[1] .. " is still not as it was") end
  end)
  if not done then
    refusal.raise(("going back did not succeed (%s): run it again, and it will go on with that"):format(problem.message), problem.code)
  end
  state:end_journal()
end

return rollback
