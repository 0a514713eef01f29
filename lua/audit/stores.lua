-- What is in a bundle or a folder of certificates: what parses, where, and what is wrong with the rest.
-- Certificates are counted after they were parsed, never by their PEM headers.

local x509 = require "kedge.core.x509"

local stores = {}

-- "X509 CERTIFICATE" is an old name of the same; what else stands in a bundle (keys, lists) is no anchor.
local LABELS = { CERTIFICATE = true, ["X509 CERTIFICATE"] = true }

local function complain(store, file, line, message)
  table.insert(store.unparsable, { file = file, line = line, message = message })
end

-- The certificate of these bytes, parsed once for all stores of an audit.
local function parse(cache, der)
  local known = cache[der]
  if known == nil then
    local cert, message = x509.parse(der)
    known = cert or message or "it cannot be parsed"
    cache[der] = known
  end
  if type(known) == "table" then return known end
  return nil, known
end

local function add(store, der, file, line)
  local cert, message = parse(store.cache, der)
  if not cert then return complain(store, file, line, message) end
  if store.seen[cert.sha256] then
    table.insert(store.duplicates, { file = file, line = line, cert = cert })
    return
  end
  store.seen[cert.sha256] = true
  local entry = { cert = cert, file = file, line = line }
  table.insert(store.entries, entry)
  for index, key in pairs { by_key = cert.spki_sha256, by_subject = cert.subject } do
    store[index][key] = store[index][key] or {}
    table.insert(store[index][key], entry)
  end
end

--- An empty store: { name= "bundle" or "directory", path=, entries= list of { cert=, file=, line= }, by_key= and
--- by_subject= lists of these, unparsable= list of { file=, line=, message= }, duplicates= list of { file=, line=, cert= },
--- stale= list of { name=, why= } }. `cache` remembers parsed certificates by their bytes.
function stores.new(name, path, cache)
  return { name = name, path = path, cache = cache, seen = {}, entries = {}, by_key = {}, by_subject = {}, unparsable = {},
    duplicates = {}, stale = {} }
end

--- Adds what a file holds: PEM, or one certificate in DER.
function stores.add_text(store, text, file)
  if not text:find("-----BEGIN", 1, true) then
    if text:byte(1) == 0x30 then return add(store, text, file) end
    return complain(store, file, nil, "there is no certificate in it")
  end
  local blocks, faults = x509.pem(text, file)
  for _, block in ipairs(blocks) do
    if LABELS[block.label] then add(store, block.der, file, block.line) end
  end
  for _, fault in ipairs(faults or {}) do complain(store, file, fault.line, fault.message) end
end

--- The name without its number by which OpenSSL looks for a subject in a folder: "3513523f".
function stores.hash(cert)
  local a, b, c, d = x509.sha1(cert.subject):byte(1, 4)
  return ("%02x%02x%02x%02x"):format(d, c, b, a)
end

local function read_into(store, image, path)
  local text, message, code = image:read(path)
  if not text then return nil, message, code end
  stores.add_text(store, text, path)
  return true
end

--- Reads a bundle; nil, a sentence and a code where it can't be read.
function stores.bundle(image, path, cache)
  local store = stores.new("bundle", path, cache)
  local done, message, code = read_into(store, image, path)
  if not done then return nil, message, code end
  return store
end

-- One hash link: what OpenSSL finds there is in the store, and nothing else.
local function add_link(store, image, name)
  local path = store.path .. "/" .. name
  local content = stores.new("link", path, store.cache)
  local done, message, code = read_into(content, image, path)
  if not done then
    local why = code == "missing" and "it leads nowhere" or message
    table.insert(store.stale, { name = name, why = why })
    return
  end
  table.move(content.unparsable, 1, #content.unparsable, #store.unparsable + 1, store.unparsable)
  local wrong
  for _, entry in ipairs(content.entries) do
    local hash = stores.hash(entry.cert)
    if hash == name:sub(1, 8) then
      add(store, entry.cert.der, entry.file, entry.line)
    else
      wrong = ("it leads to %s, which OpenSSL looks for as %s"):format(entry.cert.subject_text, hash)
    end
  end
  if wrong then table.insert(store.stale, { name = name, why = wrong }) end
end

-- Hash links in the order in which they are looked for; those behind a gap are never opened.
local function sort_links(names)
  local numbers, order = {}, {}
  for _, name in ipairs(names) do
    local hash, number = name:match("^(%x%x%x%x%x%x%x%x)%.(%d+)$")
    if hash then
      if not numbers[hash] then
        numbers[hash] = {}
        order[#order + 1] = hash
      end
      numbers[hash][math.tointeger(tonumber(number)) or 0] = name
    end
  end
  local reached, unreached = {}, {}
  for _, hash in ipairs(order) do
    local n = 0
    while numbers[hash][n] do
      reached[#reached + 1], numbers[hash][n], n = numbers[hash][n], nil, n + 1
    end
    for _, name in pairs(numbers[hash]) do unreached[#unreached + 1] = name end
  end
  table.sort(unreached)
  return reached, unreached
end

local function read_links(store, image, names)
  local reached, unreached = sort_links(names)
  for _, name in ipairs(reached) do add_link(store, image, name) end
  for _, name in ipairs(unreached) do
    table.insert(store.stale, { name = name, why = "a link with a lower number is missing, so it is never looked for" })
  end
  for _, name in ipairs(names) do
    if (name:find("%.pem$") or name:find("%.crt$")) and not image:kind(store.path .. "/" .. name) then
      table.insert(store.stale, { name = name, why = "it leads nowhere" })
    end
  end
end

--- Reads a folder as OpenSSL does, by its hash links; where it has none, all of its files if `is_whole`. Gives the
--- store; false where there is nothing to read; nil, a sentence and a code where it can't be read.
function stores.directory(image, path, cache, is_whole)
  local names, message, code = image:list(path)
  if not names then return nil, message, code end
  local store, has_links = stores.new("directory", path, cache), false
  for _, name in ipairs(names) do has_links = has_links or name:find("^%x%x%x%x%x%x%x%x%.%d+$") ~= nil end
  if has_links then
    read_links(store, image, names)
  elseif is_whole then
    for _, name in ipairs(names) do
      if image:kind(path .. "/" .. name) == "file" then read_into(store, image, path .. "/" .. name) end
    end
  else
    return false
  end
  return store
end

return stores
