-- Trust stores by the names that people give them: `system`, `ats`, a file, a directory.

local core_store = require "kedge.core.store"
local file = require "kedge.core.file"
local nearest = require "kedge.nearest"

local sources = {}

local WORDS = { "system", "ats" }

local FILE_MAX = 16 * 1024 * 1024 -- bytes, as of a file that core/store reads
local DER_FIRST = 0x30 -- a SEQUENCE

-- Where systems keep their anchors; the first that exists is the one.
local SYSTEM_PLACES = {
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/ssl/cert.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/certs",
}

local ENOENT, ENOTDIR = 2, 20 -- on every Linux

-- "directory", "file" (whatever else it is; the store says what is wrong with it), or nil, message.
-- Asking for "PATH/." never opens a FIFO or a device.
local function kind_of(path)
  local handle, message, errno = io.open(path .. "/.")
  if handle then
    handle:close()
    return "directory"
  end
  if errno == ENOTDIR then return "file" end
  if errno == ENOENT then return nil, ("%s does not exist"):format(path) end
  return nil, message
end

local function warn(store, message)
  store.warnings[#store.warnings + 1] = message
end

-- A FIFO, or what a shell makes of <(command). Its reading is waited for.
local function is_pipe(path)
  local status = file.stat(path)
  return status and status.type == "fifo"
end

local function add_piped(store, path)
  local text, message, code = file.read(path, FILE_MAX)
  if not text then return nil, message, code end
  if text:byte(1) == DER_FIRST then return store.core:add_der(text, path) end
  if not text:find("-----BEGIN", 1, true) then
    warn(store, path .. (text == "" and ": it is empty" or ": it holds no certificate"))
  end
  return store.core:add_pem(text, path)
end

local function add_path(store, path, kind)
  local added, message, code
  if kind == "directory" then
    added, message, code = store.core:add_directory(path)
  elseif is_pipe(path) then
    added, message, code = add_piped(store, path)
  else
    added, message, code = store.core:add_file(path)
  end
  if not added then return nil, message, code or "local.file" end
  store.names[#store.names + 1] = path
  return true
end

-- What the environment names is the store even if it isn't there: OpenSSL's programs would find nothing either.
local function add_named_by(store, variable, value)
  local kind, message = kind_of(value)
  local added = kind
  if kind then added, message = add_path(store, value, kind) end
  if added then return end
  store.names[#store.names + 1] = value
  warn(store, ("%s: %s"):format(variable, message))
end

local function add_environment(store, getenv)
  local bundle, directories = getenv "SSL_CERT_FILE", getenv "SSL_CERT_DIR"
  if bundle and bundle ~= "" then add_named_by(store, "SSL_CERT_FILE", bundle) end
  for directory in (directories or ""):gmatch("[^:]+") do add_named_by(store, "SSL_CERT_DIR", directory) end
  return #store.names > 0
end

local function add_system(store, getenv)
  local names = store.names
  store.names = {}
  local found = add_environment(store, getenv)
  for _, place in ipairs(SYSTEM_PLACES) do
    local kind = not found and kind_of(place)
    if kind then
      found = true
      local added, message = add_path(store, place, kind)
      if not added then
        store.names[1] = place
        warn(store, message)
      end
    end
  end
  if not found then
    store.names[1] = "system"
    warn(store, "this system has no trust store in any of the usual places")
  end
  store.names = table.move(store.names, 1, #store.names, #names + 1, names)
  return true
end

local function add_ats(store)
  for _, anchor in ipairs(require("kedge.core.embedded").anchors()) do
    store.core:add_pem(anchor.text, anchor.name)
  end
  store.names[#store.names + 1] = "ats"
  return true
end

local function unknown_word(word)
  return nil, ("there is no store '%s'%s (system, ats, or a file or directory that exists)"):format(
    word, nearest.hint(word, WORDS)), "usage"
end

local function add(store, source, getenv)
  if source == "system" then return add_system(store, getenv) end
  if source == "ats" then return add_ats(store) end
  local kind, message = kind_of(source)
  if kind then return add_path(store, source, kind) end
  if not source:find("/", 1, true) then return unknown_word(source) end
  return nil, message, "local.file"
end

local function describe_skipped(skipped)
  local where = skipped.line and ("%s:%d"):format(skipped.file, skipped.line) or skipped.file
  return ("%s: %s"):format(where, skipped.message)
end

--- What is wrong with a store: what could not be found, and what had to be skipped so far (a
--- directory with hash links is read as names are asked for). A list of sentences.
function sources.warnings(store)
  local list = table.move(store.warnings, 1, #store.warnings, 1, {})
  for _, skipped in ipairs(store.core:skipped()) do list[#list + 1] = describe_skipped(skipped) end
  return list
end

--- Opens the sources (list of `system`, `ats`, paths), added up: { name= what was read, for people;
--- source= as asked for; core= kedge.core.store; warnings= list of sentences (see sources.warnings) }.
--- Bad entries inside are warnings. nil, a sentence and "usage" (a word that is none: exit 2) or
--- "local.file" (a path that cannot be read: exit 3). `getenv` is os.getenv unless given.
function sources.open(list, getenv)
  local source = table.concat(list, ", ")
  local store = { source = source, core = core_store.new(source), names = {}, warnings = {} }
  for _, one in ipairs(list) do
    local added, message, code = add(store, one, getenv or os.getenv)
    if not added then return nil, message, code end
  end
  store.name, store.names = table.concat(store.names, ", "), nil
  return store
end

--- Opens the stores that opts.trust (system, unless told) and opts.reference name, as opts.stores.trust and
--- opts.stores.reference; one that is open already stays. true, or nil, a sentence, exit status.
function sources.open_all(opts)
  opts.stores = opts.stores or {}
  for _, role in ipairs { "trust", "reference" } do
    local names = opts[role] or role == "trust" and { "system" } or nil
    if names and not opts.stores[role] then
      local store, message, code = sources.open(names)
      if not store then return nil, message, code == "usage" and 2 or 3 end
      opts.stores[role] = store
    end
  end
  return true
end

return sources
