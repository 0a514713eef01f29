-- The links of an image while this system's tool works on it. The tool sees absolute links with this system's eyes: they
-- would lead it to this system's own files, or nowhere, and then it removes them. So before it runs, each leads by its full
-- path to where it leads inside the image, and afterwards it says what it said before. What the tool made itself
-- leads, on the card, to the same files by their names there.

local change = require "kedge.core.change"
local configuration = require "kedge.update.configuration"
local forecast = require "kedge.update.forecast"
local refusal = require "kedge.update.refusal"
local tree = require "kedge.core.tree"

local links = {}

local DEPTH_MAX = 8

-- Calls fn(path inside, kernel's path, target) for each link of a folder, and below it if `deep`.
local function each(system, folder, deep, fn, depth)
  for _, name in ipairs(system:list(folder)) do
    local path = folder .. "/" .. name
    local real = system:real(folder) .. "/" .. name
    local entry = system:look(real)
    if entry and entry.type == "link" then fn(path, real, entry.target) end
    if deep and entry and entry.type == "directory" and (depth or 1) < DEPTH_MAX then
      each(system, path, true, fn, (depth or 1) + 1)
    end
  end
end

-- Where the kernel thinks that a path leads; nil where nothing is, or links lead round in a circle.
local function seen_from_here(real)
  local found, message, code = tree.resolve("/", real)
  if not found and code ~= "missing" and code ~= "circle" then refusal.raise(message, code) end
  return found
end

-- Calls fn(path inside, kernel's path) for each link below `path`, folders behind links passed over; these go to the list
-- `linked`. seen: the kernel's paths of folders, each of which is gone through once.
local function gather(system, path, depth, seen, linked, fn)
  local folder = system:real(path)
  if not folder or seen[folder] then return end
  seen[folder] = true
  if depth > DEPTH_MAX then refusal.raise(("%s: more than %d folders in one another"):format(path, DEPTH_MAX), "local.limit") end
  for _, name in ipairs(system:list(path)) do
    local entry = system:look(folder .. "/" .. name)
    local kind = entry and entry.type
    if kind == "link" then
      fn(path .. "/" .. name, folder .. "/" .. name)
      if system:kind(path .. "/" .. name) == "directory" then linked[#linked + 1] = path .. "/" .. name end
    elseif kind == "directory" then
      gather(system, path .. "/" .. name, depth + 1, seen, linked, fn)
    end
  end
end

-- Links in folders behind links are not ours to change: they have to lead the tool to the image's files by themselves.
local function check_linked_folders(facts)
  local system, seen, linked = facts.system, {}, {}
  for _, folder in ipairs { facts.layout.shipped, facts.layout.chosen[1] } do
    gather(system, folder, 1, seen, linked, function() end)
  end
  for _, path in ipairs(linked) do -- which grows
    gather(system, path, 1, seen, linked, function(name, real)
      local here = seen_from_here(real)
      if here ~= system:real(name) then
        refusal.raise(("%s is an absolute link in a folder that a link leads to, and this system's tool would follow it to %s: make it "
          .. "a relative one"):format(name, here or "nowhere"), "local.permission")
      end
    end)
  end
end

--- Raises where this system's tool would read something else than the image's files, whatever is done about its links.
function links.check(facts)
  local system, layout = facts.system, facts.layout
  local folder = system:real(layout.shipped)
  local names, numbers = configuration.names(facts.text)
  for i, name in ipairs(folder and names or {}) do
    local goes_up = ("/" .. name .. "/"):find("/../", 1, true)
    if goes_up and seen_from_here(folder .. "/" .. name) ~= system:real(layout.shipped .. "/" .. name) then
      refusal.raise(("%s:%d: '%s' leads out of %s for the tool, which runs outside of it: remove this line"):format(layout.configuration,
        numbers[i], name, system.shown), "local.permission")
    end
  end
  check_linked_folders(facts)
end

--- Before the tool runs: a list for `restore`. made: the forecast, whose links the tool makes anew by itself.
function links.localize(facts, made)
  local system, layout, list = facts.system, facts.layout, {}
  local function consider(path, real, target)
    if not target:find("/", 1, true) then return end -- to a neighbour, which is looked at itself; such are the hash links
    local inside = system:real(path)
    if inside == seen_from_here(real) then return end
    local leads = inside or system.root .. "/nowhere"
    list[#list + 1] = { real = real, target = target, temporary = leads }
  end
  each(system, layout.directory, false, function(path, real, target)
    local source = forecast.source_of(made, path:match("[^/]*$"))
    if not source or system:real(source) ~= system:real(path) then consider(path, real, target) end
  end)
  for _, folder in ipairs { layout.shipped, layout.chosen[1] } do each(system, folder, true, consider) end
  for _, one in ipairs(list) do refusal.check(change.link(one.temporary, one.real)) end
  return list
end

-- The name inside of what a link of the tool's leads to.
local function name_inside(facts, target)
  local system = facts.system
  for _, folder in ipairs { facts.layout.shipped, facts.layout.chosen[1] } do
    local real = system:place(folder)
    if real and target:sub(1, #real + 1) == real .. "/" then return folder .. target:sub(#real + 1) end
  end
  if target:sub(1, #system.root + 1) == system.root .. "/" then return target:sub(#system.root + 1) end
  return target
end

--- After the tool ran.
function links.restore(facts, list)
  local system = facts.system
  for _, one in ipairs(list) do
    local entry = system:look(one.real)
    if entry and entry.target == one.temporary then refusal.check(change.link(one.target, one.real)) end
  end
  each(system, facts.layout.directory, false, function(_, real, target)
    local name = name_inside(facts, target)
    if name ~= target then refusal.check(change.link(name, real)) end
  end)
end

--- Gives links that root made in somebody else's image to the owner of their folder.
function links.give(facts)
  local system = facts.system
  local folder = system:look(system:real(facts.layout.directory))
  each(system, facts.layout.directory, false, function(_, real, target)
    local entry = system:look(real)
    if entry.uid ~= folder.uid or entry.gid ~= folder.gid and folder.uid ~= 0 then refusal.check(change.link(target, real)) end
  end)
end

return links
