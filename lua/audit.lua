-- The audit of a trust store: which store a system has, whether chains to Amazon's roots can be verified with it, and
-- what became of each authority. Reads, and changes nothing; asks no network.

local authorities = require "kedge.audit.authorities"
local avs = require "kedge.avs"
local files = require "kedge.audit.files"
local finding = require "kedge.audit.finding"
local image = require "kedge.audit.image"
local layout = require "kedge.audit.layout"
local memo = require "kedge.memo"
local stores = require "kedge.audit.stores"
local upkeep = require "kedge.audit.upkeep"
local x509 = require "kedge.core.x509"

local audit = {}

-- What a sentence is filled in with: the layout's commands, and more of it.
local facts_methods = {}
facts_methods.__index = facts_methods

function facts_methods:with(more)
  local told = setmetatable({ add = self.add, update = self.update, repair = self.repair, store = self.store, where = self.where,
    authority = self.authority }, facts_methods)
  for key, value in pairs(more) do told[key] = value end
  return told
end

--- The six authorities as certificates, in the order of avs.authorities: those that are built in.
function audit.reference()
  local by_file, list = {}, {}
  for _, anchor in ipairs(require("kedge.core.embedded").anchors()) do by_file[anchor.name] = anchor.text end
  for i, authority in ipairs(avs.authorities) do
    list[i] = assert(memo.certificate(x509.pem(by_file[authority.file])[1].der))
  end
  return list
end

-- A path that does not begin at the root is looked for where kedge was started, on the live system.
local function whole_path(system, path)
  if path:sub(1, 1) == "/" then return path end
  local here = system.is_live and system:real("/proc/self/cwd") or ""
  return (here == "/" and "" or here) .. "/" .. path
end

local function find_layout(system, path)
  if not path then
    return layout.detect(function(place) return system:kind(place) end, function(place) return system:read(place) end)
  end
  path = whole_path(system, path)
  local status, message = system:stat(path)
  if not status then return nil, message end
  return layout.bare(path, status.type)
end

-- Reads the stores that are there; results for those that can't be read.
local function read_stores(facts)
  local found, unreadable, shape = {}, {}, facts.layout
  local function take(store, path, message)
    if store then found[#found + 1] = store end
    if store == nil then
      unreadable[#unreadable + 1] = finding.bad("store", path, "fail", "store.unreadable", facts:with { store = path, detail = message })
    end
  end
  local function is_there(path)
    if not path then return false end
    local status, _, code = facts.image:stat(path)
    return status ~= nil or code ~= "missing"
  end
  if is_there(shape.bundle) then
    local store, message = stores.bundle(facts.image, shape.bundle, facts.cache)
    take(store, shape.bundle, message)
  end
  if is_there(shape.directory) then
    local store, message = stores.directory(facts.image, shape.directory, facts.cache, shape.is_whole)
    take(store, shape.directory, message)
  end
  return found, unreadable
end

local function describe(facts)
  local shape, parts = facts.layout, {}
  if shape.configuration then parts[1] = "configuration " .. shape.configuration end
  for _, store in ipairs(facts.stores) do parts[#parts + 1] = ("%s %s"):format(store.name, store.path) end
  local where = facts.image.is_live and "this system" or facts.image.root
  local text = ("%s layout in %s: %s."):format(shape.name, where, #parts > 0 and table.concat(parts, ", ") or "there is no store")
  return finding.ok("layout", "layout", text, { layout = shape.name, family = shape.family, root = facts.image.root })
end

local function append(results, more)
  table.move(more, 1, #more, #results + 1, results)
end

local function judge(facts, results)
  append(results, upkeep.clock(facts))
  append(results, upkeep.stores(facts))
  local conclusions, failing = authorities.chains(facts)
  append(results, conclusions)
  local all_verify = #facts.stores > 0 and next(failing) == nil
  for place = 1, #facts.authorities do
    results[#results + 1] = authorities.finding(facts, place, failing[place], all_verify)
  end
  append(results, authorities.disagreements(facts))
  append(results, upkeep.around(facts))
end

-- kedge's own command, where it writes this layout.
local function repair(system, shape, opts)
  if opts.store or shape.family == "openwrt" or shape.family == "fedora" then return nil end
  return system.is_live and "sudo kedge ca-update --apply" or ("sudo kedge ca-update --root %s --apply"):format(system.root)
end

local function new_facts(system, shape, opts)
  local clock = opts.clock
  return setmetatable({
    image = system, layout = shape, add = shape.add, update = shape.update, repair = repair(system, shape, opts), cache = {},
    clock = clock, at = opts.at,
    time = opts.at or math.max(clock.device, clock.build), authorities = avs.authorities, reference = audit.reference(),
    -- What the environment names counts where nobody said which system or store is meant.
    getenv = system.is_live and not opts.store and (opts.getenv or os.getenv) or nil,
    whole_path = function(path) return whole_path(system, path) end,
  }, facts_methods)
end

--- Audits a system. opts: root= folder ("/": the live one), store= file or folder inside it to audit instead of the
--- system's own, at= unix seconds or nil, clock= { device=, build= }, getenv= os.getenv unless given. Gives the list of
--- results and 3 where there is no known layout or a store can't be read, else 0; nil and a sentence where `root` is no folder.
function audit.run(opts)
  local system, message = image.open(opts.root)
  if not system then return nil, message end
  local shape
  shape, message = find_layout(system, opts.store)
  if not shape then
    local told = { detail = message, store = opts.store, where = system.is_live and "this system" or opts.root }
    return { finding.bad("layout", "layout", "fail", message and "store.unreadable" or "store.no_layout", told) }, 3
  end
  local facts = new_facts(system, shape, opts)
  local found, unreadable = read_stores(facts)
  facts.stores = found
  facts.files = files.gather(system, shape, facts.cache)
  facts.place = facts.stores[1] and facts.stores[1].path or "/"
  local results = { describe(facts) }
  append(results, unreadable)
  if #facts.stores == 0 and #unreadable == 0 then
    results[2] = finding.bad("store", "store", "fail", "store.empty", facts:with { store = shape.bundle or shape.directory })
  end
  judge(facts, results)
  return results, #unreadable > 0 and 3 or 0
end

return audit
