-- Carrying out a plan: every file it writes and removes, the tool it runs, and putting right what the tool breaks.

local change = require "kedge.core.change"
local configuration = require "kedge.update.configuration"
local file = require "kedge.core.file"
local forecast = require "kedge.update.forecast"
local links = require "kedge.update.links"
local refusal = require "kedge.update.refusal"
local survey = require "kedge.update.survey"
local tool = require "kedge.update.tool"

local changes = {}

local function folder_of(path) return path:match("^(.*)/[^/]*$") end

-- Folders on the way to a path that aren't there, topmost first (kernel's paths), below the kernel's path of the first
-- that is.
local function missing_folders(system, path)
  local list, here = {}, path
  while here ~= "" and not system:real(here) do
    table.insert(list, 1, here)
    here = folder_of(here)
  end
  local real = system:real(here == "" and "/" or here)
  for i, one in ipairs(list) do
    real = (real == "/" and "" or real) .. "/" .. one:match("[^/]*$")
    list[i] = real
  end
  return list
end

-- Which files of the folder, links aside, the tool may put a link in the place of, or remove.
local function may_go(facts, plan)
  local names = {}
  for name in pairs(plan.made.links) do names[name], names["ca-cert-" .. name] = true, true end
  for _, name in ipairs(configuration.removed(facts.text)) do names[forecast.link_name(name)], names[name:match("[^/]*$")] = true, true end
  return function(name) return names[name] or name:find("^%x%x%x%x%x%x%x%x%.r?%d+$") ~= nil end
end

--- Everything that carrying out `plan` may change goes to the recorder of a backup. Raises where the way there is not safe.
function changes.record(facts, plan, recorder)
  local system, layout = facts.system, facts.layout
  local function entry(path)
    system:check_way(path)
    local place = system:place(folder_of(path)) or missing_folders(system, folder_of(path))
    if type(place) == "table" then place = place[#place] end
    place = (place == "/" and "" or place) .. path:match("/[^/]*$")
    recorder.entry(place)
    local real = system:real(path)
    if real and real ~= place then recorder.entry(real) end
    local missing = system:missing_target(path)
    if missing then recorder.entry(missing) end
    return missing or real or place
  end
  for _, new in ipairs(plan.files) do
    for _, folder in ipairs(missing_folders(system, folder_of(new.path))) do recorder.folder(folder) end
    recorder.writes(entry(new.path), new.text)
  end
  for _, link in ipairs(plan.links or {}) do entry(link.path) end
  if plan.changes[1] then recorder.writes(entry(layout.configuration), plan.text) end
  if plan.append and plan.append ~= "" then
    recorder.writes(entry(layout.bundle), refusal.check(file.read(system:real(layout.bundle))) .. plan.append)
  end
  if plan.mode ~= "tool" then return end
  entry(layout.bundle)
  recorder.entry(system:real(folder_of(layout.bundle)) .. (layout.bundle .. ".new"):match("/[^/]*$")) -- a link is never followed
  system:check_way(layout.directory .. "/x")
  recorder.links(refusal.check(system:real(layout.directory), layout.directory .. " is missing", "local.file"), may_go(facts, plan))
  if not system.is_live then
    for _, folder in ipairs { layout.shipped, layout.chosen[1] } do changes.record_links(system, folder, recorder, 1) end
  end
end

--- The links below a folder, which are changed while this system's tool works on an image.
function changes.record_links(system, folder, recorder, depth)
  for _, name in ipairs(system:list(folder)) do
    local real = system:real(folder) .. "/" .. name
    local entry = system:look(real)
    if entry and entry.type == "link" then recorder.entry(real) end
    if entry and entry.type == "directory" and depth < 8 then changes.record_links(system, folder .. "/" .. name, recorder, depth + 1) end
  end
end

local function write(real, text)
  local output <close> = refusal.check(file.replace(real))
  refusal.check(output:write(text))
  refusal.check(output:commit())
end

--- Writes what the plan says, in an order in which nothing is ever lost: what is needed by others first.
function changes.write(facts, plan)
  local system, layout = facts.system, facts.layout
  if plan.remainder then refusal.check(change.remove(system:name(plan.remainder))) end
  for _, new in ipairs(plan.files) do
    local folder = system:make_folder(folder_of(new.path))
    refusal.check(change.create(folder .. new.path:match("/[^/]*$"), new.text, system:owner_in(folder)))
  end
  for _, link in ipairs(plan.links or {}) do refusal.check(change.link(link.target, system:name(link.path))) end
  if plan.changes[1] then
    local real = system:real(layout.configuration)
    if refusal.check(file.read(real)) ~= facts.text then
      refusal.raise(layout.configuration .. " was changed by somebody else just now: run it again", "local.busy")
    end
    write(real, plan.text)
  end
  if plan.append and plan.append ~= "" then
    local real = system:real(layout.bundle)
    write(real, refusal.check(file.read(real)) .. plan.append)
  end
end

--- What the bundle is before the tool runs: { place= the kernel's path of its name, real= of the file or nil, target= of the
--- link that its name is, missing= where that leads to nothing, copy= a copy with owner, mode and attributes, or nil }.
function changes.bundle(facts, temporary)
  local system, path = facts.system, facts.layout.bundle
  local self = { place = system:real(folder_of(path)) .. path:match("/[^/]*$"), real = system:real(path) }
  local entry = system:look(self.place)
  self.target = entry and entry.target
  self.missing = system:missing_target(path)
  if self.real then
    self.copy = temporary .. "/bundle"
    refusal.check(change.copy(self.real, self.copy))
  end
  return self
end

-- The tool's `mv` puts a file of root's in the place of the bundle, or of the link that it was.
local function mend(facts, bundle)
  local system = facts.system
  local entry = system:look(bundle.place)
  if not entry or entry.type ~= "file" then return end
  local text = refusal.check(file.read(bundle.place))
  if bundle.target and bundle.real then
    write(bundle.real, text)
    refusal.check(change.link(bundle.target, bundle.place))
  elseif bundle.missing then
    local owner = system:owner_in(folder_of(bundle.missing))
    refusal.check(change.create(bundle.missing, text, owner))
    refusal.check(change.link(bundle.target, bundle.place))
    bundle.real, bundle.missing = bundle.missing, nil
  elseif bundle.copy then
    refusal.check(change.restore(bundle.copy, bundle.place))
    write(bundle.place, text)
  elseif not system.is_live then
    local owner = system:owner_in(folder_of(bundle.place))
    refusal.check(change.own(bundle.place, owner.uid, owner.gid, owner.mode))
  end
end

-- A link of a name that no file has: something of the tool's went wrong on the way, and it didn't notice.
local function find_stray(facts, before)
  survey.read(facts)
  local made = forecast.make(facts, facts.text)
  local folder = facts.system:real(facts.layout.directory)
  for _, name in ipairs(facts.system:names(folder)) do
    if not before[name] and not forecast.source_of(made, name) and not name:find("^%x%x%x%x%x%x%x%x%.%d+$") then
      local entry = facts.system:look(folder .. "/" .. name)
      if entry and entry.type == "link" then return name end
    end
  end
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

--- Runs the tool once and puts right what it broke. run: { tool=, temporary=, lock=, seconds=, has_dpkg=, bundle=,
--- relink=, made= }.
--- True and its output; nil, a sentence and the tool's own words where it failed, and true if it need not be tried again.
function changes.run_tool(facts, run)
  local system = facts.system
  local folder = system:real(facts.layout.directory)
  for _, name in ipairs(run.relink) do refusal.check(change.remove(folder .. "/" .. name)) end
  local before = set_of(system:names(folder))
  local list = run.tool.how == "folders" and links.localize(facts, run.made)
  local done, message, output, is_final = tool.run(facts, run)
  if is_final then return nil, message, output, true end
  if list then links.restore(facts, list) end
  if not system.is_live then links.give(facts) end
  mend(facts, run.bundle)
  if not done then return nil, message, output end
  local stray = find_stray(facts, before)
  if stray then return nil, ("%s made a link that no certificate has the name of: %s"):format(run.tool.path, stray), done.output, true end
  return true, done.output
end

return changes
