-- What going back to a backup would change, in words that read like a diff.

local configuration = require "kedge.update.configuration"
local file = require "kedge.core.file"
local refusal = require "kedge.update.refusal"
local show = require "kedge.show"
local stores = require "kedge.audit.stores"
local words = require "kedge.update.words"

local way_back = {}

-- The certificates of a text, as the lines that name them, by SHA-256.
local function certificates(facts, text)
  local content, lines = stores.new("bundle", "backup", facts.cache), {}
  if text then stores.add_text(content, text, "backup") end
  for _, entry in ipairs(content.entries) do lines[entry.cert.sha256] = entry.cert.subject_text .. "\n" end
  return lines
end

-- "-" lines for what `now` has and `before` hasn't, "+" lines for the other way round, and how many there are of each.
local function compared(now, before)
  local lines, gone, back = {}, 0, 0
  for sha256, line in pairs(now) do
    if not before[sha256] then
      gone, lines[#lines + 1] = gone + 1, "-" .. line
    end
  end
  for sha256, line in pairs(before) do
    if not now[sha256] then
      back, lines[#lines + 1] = back + 1, "+" .. line
    end
  end
  table.sort(lines)
  return lines, gone, back
end

local function for_certificates(list, path, now, before, all)
  local lines, gone, back = compared(now, before)
  local parts = { gone > 0 and ("%s fewer"):format(show.count(gone, "certificate")) or nil }
  if back > 0 then parts[#parts + 1] = ("%s more"):format(show.count(back, "certificate")) end
  local message = parts[1] and table.concat(parts, ", ") or "as it was, with the same certificates"
  words.put(list, path, ("To be put back: %s."):format(message), ("Put %s back: %s."):format(path, message),
    ("--- %s\n+++ %s (backup)\n"):format(path, path) .. words.some(lines, all))
end

-- A file: with its lines where it is the configuration, else with its certificates.
local function for_file(list, facts, path, text, all)
  local real = facts.system:outside(path)
  local entry = facts.system:look(real)
  local now = entry and entry.type == "file" and refusal.check(file.read(real)) or nil
  local is_configuration = facts.text and path == facts.system:inside(facts.system:real(facts.layout.configuration))
  if is_configuration and text and now then
    local changes = configuration.between(now, text)
    local count = show.count(#changes, "line")
    return words.put(list, path, ("To be put back: %s."):format(count), ("Put %s back: %s."):format(path, count),
      configuration.diff(now, changes, path))
  end
  if text or not now then return for_certificates(list, path, certificates(facts, now), certificates(facts, text), all) end
  local lines = compared(certificates(facts, now), {})
  local diff = ("--- %s\n+++ /dev/null\n"):format(path) .. words.some(lines, all)
  words.put(list, path, "A file of the last run, to be taken away.", ("Took %s away."):format(path), diff)
end

local function for_links(list, facts, folder, links, all)
  local lines, names = {}, {}
  for i, one in ipairs(links) do
    local entry = facts.system:look(facts.system:outside(one.path))
    names[i] = one.path:sub(#folder + 1)
    local now = entry and (entry.target and ("-%s -> %s\n"):format(names[i], entry.target) or ("-%s\n"):format(names[i])) or ""
    lines[i] = now .. (one.target and ("+%s -> %s\n"):format(names[i], one.target) or "")
  end
  local count = show.count(#links, "link")
  words.put(list, folder .. " (links)", ("To be put back: %s."):format(count), ("Put back in %s: %s."):format(folder, count),
    words.some(lines, all), { links = names })
end

--- The changes of `paths`, as rollback.plan gave them, by which everything becomes what it was in a backup (`saved`, see
--- kedge.update.backup): a list of results.
function way_back.plan(facts, saved, paths, all)
  local records, list, links = {}, {}, {}
  for _, record in ipairs(saved.records) do
    if record[1] ~= "writes" and record[1] ~= "links" then records[record[2]] = record end
  end
  local folder = facts.layout.directory and facts.system:real(facts.layout.directory)
  folder = folder and facts.system:inside(folder) .. "/"
  for _, path in ipairs(paths) do
    local kind, _, value = table.unpack(records[path] or {})
    if folder and path:sub(1, #folder) == folder and kind ~= "file" and not path:find("%.new$") then
      links[#links + 1] = { path = path, target = kind == "link" and value or nil }
    else
      local text = kind == "file" and refusal.check(file.read(saved.folder .. "/" .. value)) or nil
      for_file(list, facts, path, text, all)
    end
  end
  if links[1] then for_links(list, facts, folder, links, all) end
  return list
end

return way_back
