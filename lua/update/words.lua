-- What an update says: its plan as results that read like a diff, and its outcome.

local avs = require "kedge.avs"
local configuration = require "kedge.update.configuration"
local result = require "kedge.result"
local tool = require "kedge.update.tool"
local verdict = require "kedge.update.verdict"

local words = {}

local AGAIN = "Run it again with --apply to make these changes."

local function pending(id, message, diff, values)
  local r = result.make(id, "warn", "store.pending", message, AGAIN)
  r.labels = { update = "change" }
  r.values = values or {}
  r.values.diff = diff
  return r
end

local function name_of(one)
  return avs.authorities[one.place].name
end

local function from_of(one)
  return one.from == "built in" and "built in" or "from " .. one.from
end

local function what(new)
  if new.why == "kept" then return ("%s, which is in the store now and would be lost"):format(new.cert.subject_text) end
  return ("%s, %s"):format(name_of(new.why), from_of(new.why))
end

local function for_files(list, the_plan)
  for _, new in ipairs(the_plan.files) do
    list[#list + 1] = pending(new.path, ("A new file: %s."):format(what(new)), ("--- /dev/null\n+++ %s\n+%s\n"):format(new.path, what(new)))
  end
  for _, link in ipairs(the_plan.links or {}) do
    list[#list + 1] = pending(link.path, ("A new link to %s."):format(link.target),
      ("--- /dev/null\n+++ %s -> %s\n"):format(link.path, link.target))
  end
end

local function for_configuration(list, facts, the_plan)
  if not the_plan.changes[1] then return end
  local path, parts = facts.layout.configuration, {}
  local counts = { 0, 0, 0 }
  for _, one in ipairs(the_plan.changes) do
    local kind = not one.old and 2 or one.old:sub(1, 1) == "!" and one.new:sub(1, 1) ~= "!" and 1 or 3
    counts[kind] = counts[kind] + 1
  end
  if counts[1] > 0 then parts[1] = ("%d switched on"):format(counts[1]) end
  if counts[2] > 0 then parts[#parts + 1] = ("%d added"):format(counts[2]) end
  if counts[3] > 0 then parts[#parts + 1] = "the newline at the end of the last one" end
  list[#list + 1] = pending(path, "Lines: " .. table.concat(parts, ", ") .. ".", configuration.diff(facts.text, the_plan.changes, path))
end

local function for_bundle(list, facts, the_plan)
  if the_plan.remainder then
    list[#list + 1] = pending(the_plan.remainder, "A remainder of an interrupted run is removed.",
      ("--- %s\n+++ /dev/null\n"):format(the_plan.remainder))
  end
  if the_plan.append and the_plan.append ~= "" then
    local lines, path = {}, facts.layout.bundle
    for i, one in ipairs(the_plan.appended) do lines[i] = ("+%s, %s\n"):format(name_of(one), from_of(one)) end
    list[#list + 1] = pending(path, ("At its end: %d certificates more."):format(#lines),
      ("--- %s\n+++ %s\n%s"):format(path, path, table.concat(lines)))
  end
end

local function for_tool(list, facts, the_plan, chosen)
  if the_plan.relink[1] then
    local path, lines = facts.layout.directory, {}
    for i, name in ipairs(the_plan.relink) do lines[i] = ("-%s\n+%s\n"):format(name, name) end
    list[#list + 1] = pending(path .. " (links)", "Links that the folder's hashes don't lead to are made anew.", table.concat(lines))
  end
  if the_plan.mode ~= "tool" then return end
  local command = tool.command(chosen, facts)
  list[#list + 1] = pending("command", "This command runs: " .. command, "+ " .. command .. "\n", { command = command })
end

-- The commands of a system whose store kedge doesn't write.

local function here_document(path, one)
  return ("cat >%s <<'END'\n%sEND\n"):format(path, one.pem)
end

local function openwrt_commands(facts, missing)
  local stores = require "kedge.audit.stores"
  local lines = { "opkg update && opkg install ca-certificates ca-bundle\n# those that are still missing then:\n" }
  for _, one in ipairs(missing) do
    local path = ("%s/%s"):format(facts.layout.directory, (avs.authorities[one.place].file:gsub("%.pem$", ".crt")))
    lines[#lines + 1] = here_document(path, one)
    lines[#lines + 1] = ("ln -s %s %s/%s.0\n"):format(path:match("[^/]*$"), facts.layout.directory, stores.hash(one.cert))
    lines[#lines + 1] = ("cat %s >>%s\n"):format(path, facts.layout.bundle)
  end
  return table.concat(lines)
end

local function fedora_commands(_, missing)
  local lines = {}
  for i, one in ipairs(missing) do
    lines[i] = here_document("/etc/pki/ca-trust/source/anchors/" .. avs.authorities[one.place].file, one)
  end
  return table.concat(lines) .. "update-ca-trust\n"
end

local function for_commands(list, facts, the_plan)
  local names = {}
  for i, one in ipairs(the_plan.missing) do names[i] = name_of(one) end
  local commands = (facts.layout.family == "openwrt" and openwrt_commands or fedora_commands)(facts, the_plan.missing)
  local r = pending("command", ("On %s, run these as root to add %s."):format(facts.layout.name, table.concat(names, ", ")), commands,
    { command = commands })
  local where = facts.system.is_live and "" or " in the running system, or in a chroot of it"
  r.remedy = "Run the commands above" .. where .. "; kedge doesn't write this layout."
  list[1] = r
end

--- The plan as a list of results.
function words.plan(facts, the_plan, chosen)
  local list = {}
  if the_plan.mode == "commands" then
    for_commands(list, facts, the_plan)
    return list
  end
  for_bundle(list, facts, the_plan)
  for_configuration(list, facts, the_plan)
  for_files(list, the_plan)
  for_tool(list, facts, the_plan, chosen)
  return list
end

--- The same when it is about to be done.
function words.applied(facts, the_plan, chosen)
  local list = words.plan(facts, the_plan, chosen)
  for i, r in ipairs(list) do
    list[i] = result.make(r.id, "ok", nil, r.message)
    list[i].labels, list[i].values = r.labels, r.values
  end
  return list
end

local function restart(facts)
  return facts.system.is_live and "Programs that read the store when they start, such as the SDK, have to be restarted." or nil
end

local function outcome(status, code, message, remedy, values)
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
function words.nothing(facts, wanted, conclusion)
  local count = verdict.count(verdict.sets(facts.stores))
  local names = #wanted == #avs.authorities and "all six authorities" or ("%d of the six authorities"):format(#wanted)
  local store = facts.layout.bundle or facts.layout.directory
  local message = ("Nothing to do: %s are in the store for good (%s)"):format(names, store)
  local values = { changed = false, before = count, after = count, lost = 0 }
  return outcome("ok", nil, message .. (conclusion and "; " .. conclusion or "."), nil, values)
end

--- It was done; `conclusion` is what a check afterwards came to, or nil.
function words.done(facts, outcome_of, conclusion)
  local sentence = verdict.sentence(outcome_of.before, outcome_of.after)
  local values = { changed = true, before = outcome_of.before, after = outcome_of.after, lost = 0, runs = outcome_of.runs }
  local message = sentence .. (conclusion and "; " .. conclusion or "")
  local run = outcome_of.run
  if run and not run.agreed and run.is_steady then
    return outcome("warn", "local.tool_failed", ("%s; but after %d runs of update-ca-certificates the store is still not what its "
      .. "configuration says: %s"):format(message, run.count, run.difference), "Run update-ca-certificates by hand, and see what it says.",
      with_output(values, run.output))
  elseif run and not run.agreed then
    return outcome("warn", "local.busy", message .. "; but somebody else keeps changing the store",
      "Find out who else runs update-ca-certificates, then run kedge ca-update --apply again.", values)
  end
  return outcome("ok", nil, message, restart(facts), values)
end

--- What a hook of the tool's complained of, which is no failure of the tool's; nil where none did.
function words.complaint(outcome_of)
  local output = outcome_of.run and outcome_of.run.output or ""
  local line = ("\n" .. output):match("\nE: ([^\n]*)")
  if not line then return nil end
  local r = result.make("hooks", "warn", "local.tool_failed", "update-ca-certificates says: " .. line,
    "The store itself is done. Mend the hook, then run update-ca-certificates by hand, so that what it keeps is done too.")
  r.labels, r.values = { update = "complaint" }, with_output({}, output)
  return r
end

--- What going back to a backup changes: `paths` that are not as they were.
function words.rollback_plan(facts, paths)
  local list, links, folder = {}, {}, facts.layout.directory and facts.layout.directory .. "/"
  for _, path in ipairs(paths) do
    local is_link = folder and path:sub(1, #folder) == folder and path ~= facts.layout.bundle
    if is_link then
      links[#links + 1] = path:sub(#folder + 1)
    else
      local diff = ("--- %s\n+++ %s (backup)\n"):format(path, path)
      list[#list + 1] = pending(path, "It becomes again what it was before the last run.", diff)
    end
  end
  if links[1] then
    list[#list + 1] = pending(folder .. " (links)", ("%d links become again what they were before the last run."):format(#links),
      ("--- %s\n+++ %s (backup)\n"):format(folder, folder), { links = links })
  end
  return list
end

--- After going back, or where there is nothing to go back to.
function words.rolled_back(facts, count, number, folder)
  local values = { changed = count > 0, backup = number }
  if not number then return outcome("ok", nil, "Nothing to do: there is no backup of a run.", nil, values) end
  if count == 0 then
    return outcome("ok", nil, ("Nothing to do: everything is as it was in the last backup (%s)."):format(folder), nil, values)
  end
  return outcome("ok", nil, ("Everything is again as it was before the last run (%s)."):format(folder), restart(facts), values)
end

--- A run that was interrupted: "finished" or "rolled back", or (in a dry run) nil: what is still to be done about it.
function words.interrupted(what_was_done)
  if not what_was_done then
    local r = pending("interrupted", "An earlier run was interrupted; with --apply it is finished or rolled back first.", "")
    r.values.diff = nil
    return r
  end
  local r = result.make("interrupted", "ok", nil, ("An earlier run that was interrupted has been %s."):format(what_was_done))
  r.labels = { update = "recovery" }
  return r
end

--- It failed after it had begun. `problem` is a refusal; its output, where it has one, is the tool's own words.
function words.failed(problem)
  local values = with_output({ changed = problem.is_broken or false }, problem.output)
  local remedy
  if problem.is_broken then
    remedy = "Make room or mend what is named, then run kedge ca-update --apply again: it goes back first. The backup is safe."
  elseif values.output then
    remedy = "Mend what its words above complain of (the tool, or a hook in /etc/ca-certificates/update.d), then run it again."
  end
  return outcome("fail", problem.code, problem.message, remedy, values)
end

return words
