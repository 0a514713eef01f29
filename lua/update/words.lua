-- What an update says of its plan: results that read like a diff.

local avs = require "kedge.avs"
local configuration = require "kedge.update.configuration"
local forecast = require "kedge.update.forecast"
local result = require "kedge.result"
local show = require "kedge.show"
local tool = require "kedge.update.tool"

local words = {}

local AGAIN = "Run it again with --apply to make these changes."
local SHOWN_MAX = 5 -- links, and other things of which a store has hundreds

local said_then = setmetatable({}, { __mode = "k" }) -- by a pending result: its sentence when it has been carried out

--- Puts a change that is still to be made into a list. done: what is said of it when it has been made; values: more of it.
function words.put(list, id, message, done, diff, values)
  local r = result.make(id, "warn", "store.pending", message, AGAIN)
  r.labels = { update = "change" }
  r.values = values or {}
  r.values.diff = diff
  list[#list + 1] = r
  said_then[r] = done
  return r
end

--- The results of a list of changes when they have been made. The sentence says all, but of lines that were changed.
function words.done(list)
  local done = {}
  for i, r in ipairs(list) do
    done[i] = result.make(r.id, "ok", nil, said_then[r])
    done[i].labels, done[i].values = r.labels, r.values
    if not r.values.diff:find("\n@@", 1, true) then done[i].values.diff = nil end
  end
  return done
end

local put = words.put

--- The first lines of a list as one text, and how many there are beside them; all where that is asked for.
function words.some(lines, all)
  local shown = all and #lines or math.min(#lines, SHOWN_MAX)
  local more = #lines > shown and ("and %d more\n"):format(#lines - shown) or ""
  return table.concat(lines, "", 1, shown) .. more
end

local function name_of(one)
  return avs.authorities[one.place].name
end

local function from_of(one)
  return one.from == "built in" and "built in" or "from " .. show.escape(one.from)
end

local function what(new)
  if new.why == "kept" then return ("%s, which is in the store now and would be lost"):format(new.cert.subject_text) end
  return ("%s, %s"):format(name_of(new.why), from_of(new.why))
end

local function for_files(list, the_plan)
  for _, new in ipairs(the_plan.files) do
    put(list, new.path, ("A new file: %s."):format(what(new)), ("Wrote %s: %s."):format(new.path, what(new)),
      ("--- /dev/null\n+++ %s\n+%s\n"):format(new.path, what(new)))
  end
  for _, link in ipairs(the_plan.links or {}) do
    put(list, link.path, ("A new link to %s."):format(link.target), ("Linked %s to %s."):format(link.path, link.target),
      ("--- /dev/null\n+++ %s -> %s\n"):format(link.path, link.target))
  end
end

local function for_configuration(list, facts, the_plan)
  if not the_plan.changes[1] then return end
  local path, counts = facts.layout.configuration, { 0, 0, 0 }
  for _, one in ipairs(the_plan.changes) do
    local kind = not one.old and 2 or one.old:sub(1, 1) == "!" and one.new:sub(1, 1) ~= "!" and 1 or 3
    counts[kind] = counts[kind] + 1
  end
  local to_do, done = {}, {}
  if counts[1] > 0 then to_do[1], done[1] = ("%d to be switched on"):format(counts[1]), ("%d switched on"):format(counts[1]) end
  if counts[2] > 0 then to_do[#to_do + 1], done[#done + 1] = ("%d to be added"):format(counts[2]), ("%d added"):format(counts[2]) end
  if counts[3] > 0 then
    to_do[#to_do + 1], done[#done + 1] = "the last one to be ended by a newline", "the last one ended by a newline"
  end
  put(list, path, "Lines: " .. table.concat(to_do, ", ") .. ".", ("Lines of %s: %s."):format(path, table.concat(done, ", ")),
    configuration.diff(facts.text, the_plan.changes, path))
end

local function for_bundle(list, facts, the_plan)
  local remainder, path = the_plan.remainder, facts.layout.bundle
  if remainder then
    put(list, remainder, "A remainder of an interrupted run, to be removed.", ("Removed %s, a remainder of an interrupted run."):format(
      remainder), ("--- %s\n+++ /dev/null\n"):format(remainder))
  end
  if the_plan.append and the_plan.append ~= "" then
    local lines = {}
    for i, one in ipairs(the_plan.appended) do lines[i] = ("+%s, %s\n"):format(name_of(one), from_of(one)) end
    local count = show.count(#lines, "certificate")
    put(list, path, ("To be put at its end: %s."):format(count), ("Put at the end of %s: %s."):format(path, count),
      ("--- %s\n+++ %s\n%s"):format(path, path, table.concat(lines)))
  end
end

-- Links that the tool makes anew, with what they lead to and will lead to.
local function for_links(list, facts, the_plan, all)
  local path, lines = facts.layout.directory, {}
  if not the_plan.relink[1] then return end
  for i, name in ipairs(the_plan.relink) do
    local entry = facts.system:look(facts.system:real(path) .. "/" .. name)
    lines[i] = ("-%s -> %s\n+%s -> %s\n"):format(name, entry and entry.target or "?", name, forecast.source_of(the_plan.made, name))
  end
  local count = show.count(#lines, "link")
  put(list, path .. " (links)", ("To be made anew, so that hash links lead to what they stand for: %s."):format(count),
    ("Made anew in %s: %s."):format(path, count), words.some(lines, all), { links = the_plan.relink })
end

local function for_tool(list, facts, the_plan, chosen)
  if the_plan.mode ~= "tool" then return end
  local command = tool.command(chosen, facts)
  put(list, "command", "The system's own tool, to be run.", "Ran: " .. command, "+ " .. command .. "\n", { command = command })
end

-- The commands of a system whose store kedge doesn't write.

local function here_document(path, one)
  return ("cat >%s <<'END'\n%sEND\n"):format(path, one.pem)
end

-- The first link of this hash that nothing has taken; it is taken from now on.
local function free_link(facts, taken, hash)
  local n = 0
  while true do
    local link = ("%s/%s.%d"):format(facts.layout.directory, hash, n)
    local real = facts.system:name(link)
    if not taken[link] and not (real and facts.system:look(real)) then
      taken[link] = true
      return link
    end
    n = n + 1
  end
end

local function openwrt_commands(facts, missing)
  local stores = require "kedge.audit.stores"
  local layout, bundle, directory = facts.layout, facts.stores.bundle, facts.stores.directory
  local lines, taken = { "opkg update && opkg install ca-certificates ca-bundle\n# those that are still missing then:\n" }, {}
  for _, one in ipairs(missing) do
    local path = ("%s/%s"):format(layout.directory, (avs.authorities[one.place].file:gsub("%.pem$", ".crt")))
    local sha256 = one.cert.sha256
    lines[#lines + 1] = here_document(path, one)
    if directory and not directory.seen[sha256] then
      lines[#lines + 1] = ("ln -s %s %s\n"):format(path:match("[^/]*$"), free_link(facts, taken, stores.hash(one.cert)))
    end
    if bundle and not bundle.seen[sha256] then -- behind a newline, if its last line has none
      lines[#lines + 1] = ("{ echo; cat %s; } >>%s\n"):format(path, layout.bundle)
    end
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
  local message = ("On %s, run these as root to add %s."):format(facts.layout.name, table.concat(names, ", "))
  local r = put(list, "command", message, nil, commands, { command = commands })
  local where = facts.system.is_live and "" or " in the running system, or in a chroot of it"
  r.remedy = "Run the commands above" .. where .. "; kedge doesn't write this layout."
end

--- The plan as a list of results. all: name each link, however many there are.
function words.plan(facts, the_plan, chosen, all)
  local list = {}
  if the_plan.mode == "commands" then
    for_commands(list, facts, the_plan)
    return list
  end
  for_bundle(list, facts, the_plan)
  for_configuration(list, facts, the_plan)
  for_files(list, the_plan)
  for_links(list, facts, the_plan, all)
  for_tool(list, facts, the_plan, chosen)
  return list
end

return words
