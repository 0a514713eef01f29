-- Names for new files of certificates. The tool makes a link of each file's base name, so one that is taken anywhere would
-- push another authority's link away, at this run or a later one.

local configuration = require "kedge.update.configuration"
local forecast = require "kedge.update.forecast"

local names = {}

local function any() return true end

-- Whether a name in the folder is a link of the tool's to a file that is gone: the tool takes it away, or gives it to a new
-- file of that name.
local function is_left_over(facts, name)
  local system = facts.system
  local entry = system:look(system:real(facts.layout.directory) .. "/" .. name)
  local own = entry and entry.target == ("%s/%s"):format((facts.layout.chosen or {})[1], (name:gsub("%.pem$", ".crt")))
  return own and not system:real(entry.target)
end

--- The names of links that are spoken for, as a set: those in the folder, and those that files and lines would get.
function names.taken(facts)
  local taken, layout, system = {}, facts.layout, facts.system
  for _, name in ipairs(layout.directory and system:list(layout.directory) or {}) do
    taken[name] = not is_left_over(facts, name) or nil
  end
  for _, folder in ipairs { layout.shipped, table.unpack(layout.chosen or {}) } do
    for _, name in ipairs(system:files(folder, any)) do taken[forecast.link_name(name)] = true end
  end
  for _, name in ipairs(facts.text and configuration.names(facts.text) or {}) do taken[forecast.link_name(name)] = true end
  for _, name in ipairs(facts.text and configuration.removed(facts.text) or {}) do taken[forecast.link_name(name)] = true end
  return taken
end

local WORD_MAX = 60 -- bytes of a name

-- Letters, digits and _ of a certificate's name.
local function word_of(cert)
  local name = cert.common_names and cert.common_names[#cert.common_names] or cert.subject_text:match("O=([^,+]*)") or "authority"
  name = name:sub(1, 200):gsub("[^%w]+", "_"):sub(1, WORD_MAX):gsub("^_", ""):gsub("_$", "")
  return name ~= "" and name or "authority"
end

--- A name without its ending for a file of `cert` that nothing has taken, by preference `wish`; it is taken from now on.
function names.choose(taken, cert, wish)
  local word, n = wish or word_of(cert), 1
  local name = word
  while taken[name .. ".pem"] or taken[name .. ".crt"] do
    n = n + 1
    name = ("%s-%d"):format(word, n)
  end
  taken[name .. ".pem"] = true
  return name
end

return names
