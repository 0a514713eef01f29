-- What became of the stores: which certificates were usable before and are now. Pure, over what surveys found.

local avs = require "kedge.avs"

local verdict = {}

--- The certificates of stores, by store and SHA-256: { bundle= set or nil, directory= set or nil } of certificates.
function verdict.sets(stores)
  local sets = {}
  for name, store in pairs(stores) do
    sets[name] = {}
    for _, entry in ipairs(store.entries) do sets[name][entry.cert.sha256] = entry.cert end
  end
  return sets
end

--- The certificates of `before` that `after` lacks, store by store: list of { store=, cert= }.
function verdict.lost(before, after)
  local list = {}
  for _, name in ipairs { "bundle", "directory" } do
    for sha256, cert in pairs(before[name] or {}) do
      if not (after[name] and after[name][sha256]) then list[#list + 1] = { store = name, cert = cert } end
    end
  end
  table.sort(list, function(a, b)
    if a.store ~= b.store then return a.store < b.store end
    return a.cert.subject_text .. a.cert.sha256 < b.cert.subject_text .. b.cert.sha256
  end)
  return list
end

--- The names of the wanted authorities that a store lacks now.
function verdict.absent(wanted, after)
  local list = {}
  for _, one in ipairs(wanted) do
    local is_there = after.bundle ~= nil or after.directory ~= nil
    for _, set in pairs(after) do is_there = is_there and set[one.cert.sha256] ~= nil end
    if not is_there then list[#list + 1] = avs.authorities[one.place].name end
  end
  return list
end

--- How many certificates programs find: in the bundle, else in the folder.
function verdict.count(sets)
  local count = 0
  for _ in pairs(sets.bundle or sets.directory or {}) do count = count + 1 end
  return count
end

-- The first by name of the certificates that are in one set and not in another.
local function first_missing(set, seen)
  local first
  for sha256, cert in pairs(set) do
    if not seen[sha256] and not (first and first < cert.subject_text) then first = cert.subject_text end
  end
  return first
end

--- How the stores differ from what the configuration makes of them (see forecast), as half a sentence; nil where they don't.
function verdict.difference(made, stores)
  if not stores.bundle then return "there is no bundle" end
  local name = first_missing(made.bundle, stores.bundle.seen)
  if name then return name .. " is missing in the bundle" end
  local there = {}
  for _, entry in ipairs(stores.bundle.entries) do there[entry.cert.sha256] = entry.cert end
  name = first_missing(there, made.bundle)
  if name then return name .. " is in the bundle as well" end
  if #stores.bundle.unparsable ~= made.unparsable then
    return ("%d entries of the bundle cannot be read"):format(#stores.bundle.unparsable)
  end
  name = first_missing(stores.directory and made.directory or {}, stores.directory and stores.directory.seen or {})
  return name and name .. " is not found in the folder"
end

local NAMED_MAX = 5

--- The names of some certificates in one sentence.
function verdict.names(list)
  local names = {}
  for i = 1, math.min(#list, NAMED_MAX) do names[i] = list[i].cert.subject_text .. " in the " .. list[i].store end
  local more = #list > NAMED_MAX and (" and %s more"):format(#list - NAMED_MAX) or ""
  return table.concat(names, "; ") .. more
end

--- "145 authorities before, 148 after, none lost"
function verdict.sentence(before, after)
  local text = ("%s before, %d after"):format(before == 1 and "1 authority" or before .. " authorities", after)
  return text .. ", none lost"
end

return verdict
