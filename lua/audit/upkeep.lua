-- The state that a store is in, apart from its authorities: what was left behind, what is stale, what cannot be read,
-- where it lies, and which programs read another one.

local finding = require "kedge.audit.finding"
local instant = require "kedge.instant"
local show = require "kedge.show"
local stores = require "kedge.audit.stores"

local upkeep = {}

local NAMED_MAX = 20 -- entries of one kind that get a result of their own

local function place_of(entry)
  return entry.line and ("%s:%d"):format(entry.file, entry.line) or entry.file
end

-- A warning for each of a list, and one for all beyond NAMED_MAX.
local function each(results, list, prefix, code, facts, describe)
  for i = 1, math.min(#list, NAMED_MAX) do
    local where, detail = describe(list[i])
    results[#results + 1] = finding.bad("upkeep", prefix .. where, "warn", code, facts:with { detail = detail })
  end
  if #list > NAMED_MAX then
    local detail = ("%d more of this kind"):format(#list - NAMED_MAX)
    results[#results + 1] = finding.bad("upkeep", prefix .. "more", "warn", code, facts:with { detail = detail })
  end
end

local function authorities_in(store)
  local n = #store.entries
  return n == 1 and "1 authority" or ("%d authorities"):format(n)
end

local function contents(results, facts, store)
  local told, values = facts:with { store = store.path }, { path = store.path, authorities = #store.entries }
  if #store.entries == 0 then
    results[#results + 1] = finding.bad("store", store.name, "fail", "store.empty", told, values)
  else
    local text = ("The %s %s holds %s."):format(store.name, store.path, authorities_in(store))
    results[#results + 1] = finding.ok("store", store.name, text, values)
  end
  each(results, store.unparsable, store.name .. "/", "store.unparsable", told, function(entry)
    return place_of(entry), ("%s: %s"):format(place_of(entry), entry.message)
  end)
  each(results, store.stale, store.name .. "/", "store.stale_link", told, function(link)
    return link.name, ("%s/%s: %s"):format(store.path, link.name, link.why)
  end)
  if #store.duplicates > 0 then
    local first = store.duplicates[1]
    local detail = ("%s, the first at %s: %s"):format(show.count(#store.duplicates, "time"), place_of(first), first.cert.subject_text)
    results[#results + 1] = finding.bad("upkeep", store.name .. "/duplicates", "warn", "store.duplicates", told:with { detail = detail })
  end
end

local function only_in(one, other)
  local list = {}
  for _, entry in ipairs(one.entries) do
    if not other.seen[entry.cert.sha256] then list[#list + 1] = entry end
  end
  return list
end

local function differences(results, facts)
  local one, other = facts.stores[1], facts.stores[2]
  if not other then return end
  local parts = {}
  for _, pair in ipairs { { one, other }, { other, one } } do
    local list = only_in(pair[1], pair[2])
    if #list > 0 then
      parts[#parts + 1] = ("%s only in %s (%s%s)"):format(show.count(#list, "certificate"), pair[1].path, list[1].cert.subject_text,
        #list > 1 and " and others" or "")
    end
  end
  if #parts > 0 then
    local told = facts:with { detail = table.concat(parts, ", ") }
    results[#results + 1] = finding.bad("agreement", "agreement", "warn", "store.differ", told)
  end
end

-- The newest change of the configuration and of the files that it takes in.
local function configured_at(facts)
  local newest, name
  local function consider(path)
    local changed = path and facts.image:changed(path)
    if changed and (not newest or changed > newest) then newest, name = changed, path end
  end
  consider(facts.layout.configuration)
  for _, folder in ipairs(facts.layout.chosen or {}) do
    if facts.image:kind(folder) == "directory" then
      for _, file in ipairs(facts.image:certificates(folder)) do consider(folder .. "/" .. file) end
    end
  end
  return newest, name
end

local function made_when(results, facts)
  local bundle = facts.layout.bundle
  local made, changed, name = bundle and facts.image:changed(bundle), configured_at(facts)
  if made and changed and made < changed then
    local detail = ("%s is of %s, %s of %s"):format(bundle, instant.format(made), name, instant.format(changed))
    results[#results + 1] = finding.bad("upkeep", bundle, "warn", "store.outdated", facts:with { detail = detail, store = bundle })
  end
  if facts.layout.family == "debian" and facts.image:kind(bundle .. ".new") then
    results[#results + 1] = finding.bad("upkeep", bundle .. ".new", "warn", "store.remainder", facts:with { detail = bundle .. ".new" })
  end
  each(results, facts.files.dropped, "configuration/", "store.broken_line", facts:with { authority = "A line" }, function(entry)
    return "line " .. entry.line, ("%s, line %d (%s): %s"):format(facts.layout.configuration, entry.line, entry.name, entry.fault)
  end)
end

local function file_system(results, facts)
  local system = facts.image:system(facts.place)
  if not system then return end
  -- OpenWrt's root is an overlay whose upper half is kept in flash.
  if system.temporary and not (system.temporary == "overlay" and facts.layout.name == "OpenWrt") then
    local told = facts:with { detail = system.temporary, store = facts.place }
    results[#results + 1] = finding.bad("system", "file system", "warn", "store.temporary", told)
  end
  if system.read_only then
    results[#results + 1] = finding.bad("system", "read-only", "warn", "store.read_only", facts:with { store = facts.place })
  end
end

-- Bundles that languages bring along. A "*" stands for every name of a folder that begins and ends like that.
local OTHERS = {
  { "/usr/lib/python3*/*-packages/certifi/cacert.pem", "Python's certifi" },
  { "/usr/lib/python3*/*-packages/pip/_vendor/certifi/cacert.pem", "pip" },
  { "/usr/local/lib/python3*/*-packages/certifi/cacert.pem", "Python's certifi" },
  { "/usr/local/lib/python3*/*-packages/pip/_vendor/certifi/cacert.pem", "pip" },
  { "/opt/*/lib/python3*/*-packages/certifi/cacert.pem", "Python's certifi" },
  { "/etc/ssl/certs/java/cacerts", "Java" },
  { "/etc/pki/ca-trust/extracted/java/cacerts", "Java" },
  { "/usr/lib/jvm/*/lib/security/cacerts", "Java" },
  { "/usr/lib/jvm/*/jre/lib/security/cacerts", "Java" },
  { "/usr/share/nodejs/*/cacert.pem", "Node.js" },
  { "/usr/bin/node", "Node.js" }, { "/usr/local/bin/node", "Node.js" }, { "/usr/bin/nodejs", "Node.js" },
}

local function expand(image, pattern, found, head)
  head = head or ""
  local folder, part, rest = pattern:match("^(.-)/([^/]*%*[^/]*)(.*)$")
  if not part then
    if image:kind(head .. pattern) == "file" then found[#found + 1] = head .. pattern end
    return found
  end
  local before, behind = part:match("^(.*)%*(.*)$")
  for _, name in ipairs(image:list(head .. folder) or {}) do
    local fits = #name >= #before + #behind and name:sub(1, #before) == before and name:sub(#name - #behind + 1) == behind
    if fits then expand(image, rest, found, head .. folder .. "/" .. name) end
  end
  return found
end

-- "145 authorities, 4 of Amazon's four roots"
local function describe(facts, store)
  local there = 0
  for place = 1, 4 do there = there + (store.by_key[facts.reference[place].spki_sha256] and 1 or 0) end
  return ("%s, %d of Amazon's four roots"):format(authorities_in(store), there)
end

local function own_bundle(facts, path, whose)
  if path:find("/node[js]*$") then return ("%s (%s) has a bundle compiled in"):format(whose, path) end
  local text = facts.image:read(path)
  local content = stores.new("other", path, facts.cache)
  if text and text:find("-----BEGIN", 1, true) then stores.add_text(content, text, path) end
  if #content.entries == 0 then return ("%s reads %s, which is no PEM and was not looked into"):format(whose, path) end
  return ("%s reads %s (%s)"):format(whose, path, describe(facts, content))
end

local function others(results, facts)
  local known = {}
  for _, store in ipairs(facts.stores) do known[facts.image:real(store.path) or store.path] = true end
  for _, other in ipairs(OTHERS) do
    for _, path in ipairs(expand(facts.image, other[1], {})) do
      local real = facts.image:real(path)
      if not known[real] then
        known[real] = true
        local told = facts:with { detail = own_bundle(facts, path, other[2]) }
        results[#results + 1] = finding.note("other", "other" .. path, "store.own_bundle", told, { path = path })
      end
    end
  end
end

local function is_of_the_system(facts, path)
  local real = facts.image:real(path)
  for _, store in ipairs(facts.stores) do
    if real and facts.image:real(store.path) == real then return true end
  end
  return false
end

local function elsewhere(results, facts, variable, path)
  if is_of_the_system(facts, path) then return end
  local read = facts.image:kind(path) == "directory" and stores.directory or stores.bundle
  local store, message = read(facts.image, path, facts.cache, true)
  local detail = store and describe(facts, store) or message or "nothing is in it"
  local told = facts:with { variable = variable, other = path, detail = detail }
  results[#results + 1] = finding.note("other", ("$%s %s"):format(variable, path), "store.environment", told, { path = path })
end

-- What OpenSSL's variables name, for programs that are started as kedge was.
local function environment(results, facts)
  local file, folders = facts.getenv "SSL_CERT_FILE", facts.getenv "SSL_CERT_DIR"
  if file and file ~= "" then elsewhere(results, facts, "SSL_CERT_FILE", facts.whole_path(file)) end
  for folder in (folders or ""):gmatch("[^:]+") do elsewhere(results, facts, "SSL_CERT_DIR", facts.whole_path(folder)) end
end

local function newest_anchor(facts)
  local newest
  for _, store in ipairs(facts.stores) do
    for _, entry in ipairs(store.entries) do
      local begins = entry.cert.not_before
      if begins and (not newest or begins > newest.not_before) then newest = entry.cert end
    end
  end
  return newest
end

--- The clock by which was judged: a list of results.
function upkeep.clock(facts)
  local clock, results = facts.clock, {}
  local now, build = instant.format(clock.device), instant.format(clock.build)
  if facts.at then return { finding.ok("clock", "clock", ("Judged at %s, as asked for."):format(instant.format(facts.at))) } end
  if clock.device < clock.build then
    results[1] = finding.bad("clock", "clock", "warn", "store.clock", facts:with { now = now, build = build })
  end
  local newest = newest_anchor(facts)
  if newest and clock.device < newest.not_before then
    local detail = ("%s begins on %s"):format(newest.subject_text, instant.format(newest.not_before))
    results[#results + 1] = finding.bad("clock", "clock/newest anchor", "warn", "store.clock_anchor",
      facts:with { now = now, detail = detail })
  end
  if not results[1] then results[1] = finding.ok("clock", "clock", ("Judged at %s, by this device's clock."):format(now)) end
  return results
end

--- What each store holds and what is wrong with it: a list of results.
function upkeep.stores(facts)
  local results = {}
  for _, store in ipairs(facts.stores) do contents(results, facts, store) end
  differences(results, facts)
  return results
end

--- Everything around the stores: a list of results.
function upkeep.around(facts)
  local results = {}
  made_when(results, facts)
  file_system(results, facts)
  if facts.getenv then environment(results, facts) end
  others(results, facts)
  return results
end

return upkeep
