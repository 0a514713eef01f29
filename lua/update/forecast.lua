-- What update-ca-certificates would make of a configuration: which certificates the bundle gets, and which of them
-- OpenSSL finds in the folder. It is judged before anything is changed, and what was made is compared with it.

local configuration = require "kedge.update.configuration"
local stores = require "kedge.audit.stores"

local forecast = {}

local function is_crt(name) return name:find("%.crt$") ~= nil end

--- The name of the link that the tool makes for a file.
function forecast.link_name(path)
  local name = path:match("[^/]*$")
  if name ~= ".crt" then name = name:gsub("%.crt$", "") end
  return (name:gsub("[ ,]", "_"):gsub("[()]", "=")) .. ".pem"
end

--- The file that a link of this name is for, by the forecast `made`: Alpine's tool puts "ca-cert-" in front of a name.
function forecast.source_of(made, name)
  return made.links[name] or made.links[name:match("^ca%-cert%-(.*)$") or ""]
end

-- A file with what it holds, read once.
local function file_of(facts, path)
  local known = facts.files[path]
  if known == nil then
    local text = facts.system:read(path)
    known = text and forecast.file(facts, path, text) or false
    facts.files[path] = known
  end
  return known
end

--- A file of certificates: { path=, text=, certs= list of what a bundle gets from it }.
function forecast.file(facts, path, text)
  local content = stores.new("file", path, facts.cache)
  if text:find("-----BEGIN", 1, true) then stores.add_text(content, text, path) end
  local certs = {}
  for _, entry in ipairs(content.entries) do certs[#certs + 1] = entry.cert end
  return { path = path, text = text, certs = certs, is_single = #certs == 1 and #content.duplicates == 0 }
end

-- The files that the tool takes in, in its order; `more` are files of the local folder that aren't there yet.
local function sources(facts, text, more)
  local list, layout = {}, facts.layout
  for _, name in ipairs(configuration.names(text)) do
    local file = file_of(facts, layout.shipped .. "/" .. name)
    if file then list[#list + 1] = file end
  end
  local names, by_name = {}, {}
  for _, folder in ipairs(layout.chosen) do
    for _, name in ipairs(facts.system:files(folder, is_crt)) do
      names[#names + 1] = folder .. "/" .. name
      by_name[names[#names]] = file_of(facts, names[#names])
    end
  end
  for _, file in ipairs(more) do
    names[#names + 1] = file.path
    by_name[file.path] = file
  end
  table.sort(names)
  for _, path in ipairs(names) do list[#list + 1] = by_name[path] or nil end
  return list
end

--- What comes of the configuration `text` and of the files that are there, with `more` files (see forecast.file) in the
--- local folder: { bundle= certificates by SHA-256, directory= those with a link of their own, links= by the link's name
--- the file's path, unparsable= number of entries in the bundle that can't be read }.
--- facts: system, layout, cache= of parsed certificates, files= of those read, by path.
function forecast.make(facts, text, more)
  local made, texts, last = { bundle = {}, directory = {}, links = {} }, {}, {}
  for _, file in ipairs(sources(facts, text, more or {})) do
    local name = forecast.link_name(file.path)
    last[name], made.links[name] = file, file.path
    texts[#texts + 1] = file.text .. (file.text:sub(-1) == "\n" and "" or "\n")
  end
  local content = stores.new("bundle", facts.layout.bundle, facts.cache)
  if texts[1] then stores.add_text(content, table.concat(texts), facts.layout.bundle) end
  for _, entry in ipairs(content.entries) do made.bundle[entry.cert.sha256] = entry.cert end
  for _, file in pairs(last) do
    if file.is_single then made.directory[file.certs[1].sha256] = file.certs[1] end
  end
  made.unparsable = #content.unparsable
  return made
end

return forecast
