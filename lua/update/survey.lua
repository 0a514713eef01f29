-- What an update finds: the layout, the configuration, the certificates that programs can use now. Reads only, and is
-- refused where it can't read all of it.

local layout = require "kedge.audit.layout"
local refusal = require "kedge.update.refusal"
local stores = require "kedge.audit.stores"

local survey = {}

-- One store as it is now, or nil where there is none.
local function read_store(facts, which)
  local path = facts.layout[which]
  if not path or not facts.system:real(path) then return nil end
  local read = which == "bundle" and stores.bundle or stores.directory
  local store, message, code = read(facts.system.image, path, facts.cache, facts.layout.is_whole)
  if store == nil then refusal.raise(message, code) end
  return store or nil
end

--- The stores as they are now: { bundle=, directory= } as in kedge.audit.stores, each nil where there is none.
function survey.stores(facts)
  return { bundle = read_store(facts, "bundle"), directory = read_store(facts, "directory") }
end

--- Whether a store (or nil) holds a certificate.
function survey.holds(store, sha256)
  return store ~= nil and store.seen[sha256] ~= nil
end

--- Reads what is there now: the text of the configuration (nil where there is none), the stores; files are forgotten.
function survey.read(facts)
  facts.files, facts.shipped = {}, nil
  facts.text = facts.layout.configuration and facts.system:read(facts.layout.configuration)
  facts.stores = survey.stores(facts)
end

--- A system by its layout: { system=, layout=, cache= of certificates, files= those read, by path }; the rest is for read.
--- Raises where it is no known layout.
function survey.open(system)
  local shape = layout.detect(function(path)
    local kind = system:kind(path)
    return kind ~= "other" and kind or nil
  end, function(path) return system:read(path) end)
  if not shape then
    refusal.raise(("%s: there is no trust store in any layout that kedge knows"):format(system.is_live and "this system" or system.shown))
  end
  return { system = system, layout = shape, cache = {}, files = {} }
end

return survey
