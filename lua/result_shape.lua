-- Whether every format can tell what stands in a result: fields that json
-- knows, text or numbers as it has them, and own data (labels, values) that ends somewhere.

local json = require "kedge.json"
local limits = require "kedge.limits"
local nearest = require "kedge.nearest"

local shape = {}

-- Fields of kinds of objects that are no text.
local TYPES = {
  result = { path = "integer*" }, target = { port = "integer" }, certificate = { days_left = "integer" },
  failure = { certificate = "integer" },
  timings = { dns = "number", tcp = "number", tls = "number", h2 = "number", http = "number", total = "number" },
  goaway = { code = "integer" }, h2 = { ping_ms = "number" }, http = { status = "integer", truncated = "boolean" },
}
-- What formats name an object by.
local NEEDED = {
  target = { "host" }, tls = { "version" }, verdict = { "code" },
  failure = { "code", "rule" }, warning = { "code", "message" },
}
local NAMES = { string = "a text", number = "a number", integer = "a whole number", boolean = "true or false" }
local OWN = { string = true, number = true, boolean = true }

local kinds_of = {} -- kind of object -> { field -> kind }
for object, fields in pairs(json.kinds) do
  local kinds, types = {}, TYPES[object] or {}
  for _, field in ipairs(fields) do
    local name, kind = field, "plain"
    if type(field) == "table" then name, kind = field[1], field[2] end
    kinds[name] = types[name] or kind:gsub("^plain", "string")
  end
  kinds_of[object] = kinds
end

-- A value that is no table, of one of the types in NAMES or of own data.
local function is_single(value, kind)
  local type_of = type(value)
  if kind == "open" then return OWN[type_of] == true end
  return type_of == kind or kind == "integer" and type_of == "number" and math.tointeger(value) ~= nil
end

local fault_of

local function fault_of_list(name, list, kind, depth)
  local count = 0
  for key in pairs(list) do
    if math.type(key) ~= "integer" then return ("%s is a list, and has the name '%s' in it"):format(name, tostring(key)) end
    count = count + 1
  end
  if count ~= #list then return ("%s is a list with holes in it"):format(name) end
  for i, item in ipairs(list) do
    local fault = fault_of(("%s[%d]"):format(name, i), item, kind, depth + 1)
    if fault then return fault end
  end
end

local function fault_of_open(name, object, depth)
  if depth > limits.value_depth then return ("%s is nested too deeply, or within itself"):format(name:sub(1, 40)) end
  if #object > 0 then return fault_of_list(name, object, "open", depth) end
  for key, item in pairs(object) do
    if type(key) ~= "string" or key == "" then return ("%s has a name that is no text: %s"):format(name, tostring(key)) end
    local fault = fault_of(name .. "." .. key, item, "open", depth + 1)
    if fault then return fault end
  end
end

local function fault_of_fields(name, object, kind, depth)
  local kinds = kinds_of[kind]
  for key, value in pairs(object) do
    if not kinds[key] then
      local known = {}
      for field in pairs(kinds) do known[#known + 1] = field end
      table.sort(known)
      return ("%s has no field '%s'%s; own data goes into values"):format(name, tostring(key), nearest.hint(tostring(key), known))
    end
    local fault = fault_of(name .. "." .. key, value, kinds[key], depth + 1)
    if fault then return fault end
  end
  for _, field in ipairs(NEEDED[kind] or {}) do
    if object[field] == nil then return ("%s has no '%s'"):format(name, field) end
  end
end

function fault_of(name, value, kind, depth)
  if value == json.null then return ("%s is null, which no format can tell"):format(name) end
  if type(value) ~= "table" then
    if is_single(value, kind) then return nil end
    if kind == "open" then return ("%s is a %s, which no format can tell"):format(name, type(value)) end
    local found = type(value) == "number" and kind == "integer" and "number with a fraction" or type(value)
    return ("%s is a %s, not %s"):format(name, found, NAMES[kind] or "a table")
  end
  if NAMES[kind] then return ("%s is a table, not %s"):format(name, NAMES[kind]) end
  local element = kind:match("^(.*)%*$")
  if element then return fault_of_list(name, value, element, depth) end
  if kinds_of[kind] then return fault_of_fields(name, value, kind, depth) end
  return fault_of_open(name, value, depth)
end

-- The same without names, for the many that have no fault: true where all is well.

local elements = {} -- "certificate*" -> "certificate"

local function element_of(kind)
  local element = elements[kind]
  if element == nil then
    element = kind:match("^(.*)%*$") or false
    elements[kind] = element
  end
  return element
end

local function has_needed(object, kind)
  for _, field in ipairs(NEEDED[kind] or {}) do
    if object[field] == nil then return false end
  end
  return true
end

local function is_good(value, kind, depth)
  if type(value) ~= "table" then return is_single(value, kind) end
  local element, kinds = element_of(kind), kinds_of[kind]
  if NAMES[kind] or value == json.null or depth > limits.value_depth then return false end
  if element or not kinds and #value > 0 then
    local count = #value
    for key, item in pairs(value) do
      count = count - 1
      if math.type(key) ~= "integer" or not is_good(item, element or "open", depth + 1) then return false end
    end
    return count == 0
  end
  for key, item in pairs(value) do
    local inner = kinds and kinds[key] or not kinds and type(key) == "string" and key ~= "" and "open"
    if not inner or not is_good(item, inner, depth + 1) then return false end
  end
  return has_needed(value, kind)
end

--- nil where the fields of a result `r` can be told, else a sentence.
function shape.fault(r)
  for field, value in pairs(r) do
    local kind = kinds_of.result[field]
    if not NAMES[kind] and not is_good(value, kind, 1) then return fault_of(field, value, kind, 1) end
  end
end

return shape
