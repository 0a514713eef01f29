-- The options of a call: those of the run under way, with what the call's own
-- table says in their place. Text means what it means on the command line.

local blame = require "kedge.api.blame"
local common = require "kedge.options"
local nearest = require "kedge.nearest"

local options = {}

local STORES_KEPT = 16 -- of those that calls name, so that a list of hosts doesn't read one again for each

local ROUTE = { "connect_to", "resolve", "dns", "ipv4", "ipv6", "interface", "timeout" }
local JUDGEMENT = { "trust", "reference", "policy", "at", "depth" }
local TARGET = { "alpn", "expect", "id", "labels", "protocol", "sni" }

-- Fields that no option of the command line has, with the types they may have.
local OWN = {
  alpn = "string or table", depth = "integer", expect = "table", id = "string", interface = "string", labels = "table",
  name = "string or false", protocol = "string", sni = "string or false", unverified = "boolean",
}

local function joined(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  table.sort(all)
  return all
end

--- What may be given to the calls, by kind.
options.fields = {
  route = joined(ROUTE),
  judgement = joined(JUDGEMENT),
  target = joined(TARGET),
  check = joined(ROUTE, JUDGEMENT, TARGET, { "all_addresses", "insecure", "tls" }),
  observe = joined(ROUTE, JUDGEMENT, TARGET, { "insecure", "tls" }),
  handshake = { "alpn", "name", "timeout", "tls", "unverified" },
  open = joined(ROUTE, JUDGEMENT, { "alpn", "name", "tls" }),
  verify = joined(JUDGEMENT, { "name", "unverified" }),
}

local specs = {}
for _, spec in ipairs(common.list) do specs[spec.target] = spec end

-- Not required: this file is of use without a run as well.
local function of_run()
  local run = package.loaded["kedge.run"]
  return run and run.options and run.options() or common.base()
end

local function type_of(value)
  return math.type(value) == "integer" and "integer" or value == false and "false" or type(value)
end

-- Values as the command line's functions make them, which ctx.options holds; a script may hand them on.
local made = {
  tls = function(value) return math.type(value.min) == "integer" and math.type(value.max) == "integer" end,
  connect_to = function(value) return type(value.from) == "table" and type(value.to) == "table" end,
  resolve = function(value) return type(value.host) == "string" and type(value.addresses) == "table" end,
}

-- One value as the command line's function makes it of text.
local function convert(call, spec, name, value)
  if math.type(value) == "integer" and name == "at" then return value end
  if type(value) == "table" and made[name] and made[name](value) then return value end
  if type(value) == "number" then value = ("%.14g"):format(value) end
  if type(value) ~= "string" then blame("%s: '%s' is text, not a %s", call, name, type(value)) end
  local converted, message, hint = spec.convert(value)
  if converted == nil then blame("%s: %s", call, common.refusal(name, value, message, hint)) end
  return converted
end

local function read_common(call, spec, name, value)
  if not spec.value then
    if type(value) ~= "boolean" then blame("%s: '%s' is true or false, not a %s", call, name, type(value)) end
    return value
  end
  if not spec.list then return convert(call, spec, name, value) end
  local list = {}
  for i, one in ipairs(type(value) == "table" and value or { value }) do
    list[i] = convert(call, spec, name, one)
  end
  return list
end

local function read_own(call, name, value)
  local allowed = OWN[name]
  if allowed:find(type_of(value), 1, true) then return value end
  blame("%s: '%s' is %s, not %s", call, name, allowed, type_of(value))
end

-- Stores.

local opened = {} -- { key=, store= } for lists of names, newest last

local function open_named(names)
  local key = table.concat(names, "\0")
  for _, entry in ipairs(opened) do
    if entry.key == key then return entry.store end
  end
  local store, message = require("kedge.sources").open(names)
  if not store then return nil, message end
  if #opened == STORES_KEPT then table.remove(opened, 1) end
  opened[#opened + 1] = { key = key, store = store }
  return store
end

-- The store that an option names, or that it is: one of kedge.trust.load.
local function open_store(call, name, value)
  if type(value) == "table" and value.core then return value end
  local names = type(value) == "table" and value or { value }
  for _, one in ipairs(names) do
    if type(one) ~= "string" then
      blame("%s: '%s' is a source, a list of sources, or a store of kedge.trust.load", call, name)
    end
  end
  local store, message = open_named(names)
  if not store then blame("%s: %s", call, message) end
  return store
end

-- trust and reference become stores; `reference = false` asks none.
local function open_stores(call, into, given)
  local stores = {}
  for role, store in pairs(into.stores or {}) do stores[role] = store end
  if given.reference == false then stores.reference, into.reference = nil, nil end
  for _, role in ipairs { "trust", "reference" } do
    if given[role] then
      stores[role] = open_store(call, role, given[role])
    elseif not stores[role] and (into[role] or role == "trust") then
      stores[role] = open_store(call, role, into[role] or "system")
    end
  end
  into.stores = stores
end

-- Raises where `given` is no table, or has a name that isn't among `fields`.
local function check_names(call, given, fields)
  if type(given) ~= "table" then blame("%s: the options are a table, not a %s", call, type(given)) end
  local known = {}
  for _, name in ipairs(fields) do known[name] = true end
  for name in pairs(given) do
    if not known[name] then
      local hint = nearest.hint(tostring(name), fields)
      if hint == "" then hint = "; there are " .. table.concat(fields, ", ") end
      blame("%s has no option '%s'%s", call, tostring(name), hint)
    end
  end
end

--- The options for one call: those of the run, then what `given` (a table or
--- nil) says. `call` is its name in messages, `fields` the names that it knows
--- (see options.fields). Raises for a name or value that is none. Where a
--- judgement is among the fields, `stores` are opened.
function options.read(call, given, fields)
  local into = {}
  for name, value in pairs(of_run()) do into[name] = value end
  given = given or {}
  check_names(call, given, fields)
  local judges = false
  for _, name in ipairs(fields) do
    local spec, value = specs[name], given[name]
    if name == "trust" then
      judges = true
    elseif value ~= nil and name ~= "reference" then
      if spec then into[name] = read_common(call, spec, name, value) else into[name] = read_own(call, name, value) end
    end
  end
  if given.ipv4 and given.ipv6 then blame("%s: ipv4 and ipv6 exclude each other", call) end
  if given.ipv4 ~= nil or given.ipv6 ~= nil then into.family = given.ipv4 and 4 or given.ipv6 and 6 or nil end
  if judges then open_stores(call, into, given) end
  return into
end

return options
