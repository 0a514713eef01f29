-- Whether every format can tell what stands in a result: fields that json
-- knows, of plain values, and own data (labels, values) that ends somewhere.

local json = require "kedge.json"
local limits = require "kedge.limits"
local nearest = require "kedge.nearest"

local shape = {}

local PLAIN = { string = true, number = true, boolean = true }

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

local function fault_of_fields(name, object, fields, depth)
  local kinds, known = {}, {}
  for _, field in ipairs(fields) do
    local own = type(field) == "table" and field or { field, "plain" }
    kinds[own[1]], known[#known + 1] = own[2], own[1]
  end
  for key, value in pairs(object) do
    if not kinds[key] then
      return ("%s has no field '%s'%s; own data goes into values"):format(name, tostring(key), nearest.hint(tostring(key), known))
    end
    local fault = fault_of(name .. "." .. key, value, kinds[key], depth + 1)
    if fault then return fault end
  end
end

function fault_of(name, value, kind, depth)
  if type(value) ~= "table" then
    if kind ~= "plain" and kind ~= "open" then return ("%s is a %s, not a table"):format(name, type(value)) end
    if PLAIN[type(value)] then return nil end
    return ("%s is a %s, which no format can tell"):format(name, type(value))
  end
  if kind == "plain" then return ("%s is a table, not a text or number"):format(name) end
  local element = kind:match("^(.*)%*$")
  if element then return fault_of_list(name, value, element, depth) end
  local fields = json.kinds[kind]
  return fields and fault_of_fields(name, value, fields, depth) or not fields and fault_of_open(name, value, depth) or nil
end

-- The same without names, for the many that have no fault: true where all is well.

local kinds_of = {} -- kind of object -> { field -> kind }
for object, fields in pairs(json.kinds) do
  local kinds = {}
  for _, field in ipairs(fields) do
    if type(field) == "table" then kinds[field[1]] = field[2] else kinds[field] = "plain" end
  end
  kinds_of[object] = kinds
end

local elements = {} -- "certificate*" -> "certificate"

local function element_of(kind)
  local element = elements[kind]
  if element == nil then
    element = kind:match("^(.*)%*$") or false
    elements[kind] = element
  end
  return element
end

local function is_good(value, kind, depth)
  local type_of = type(value)
  if kind == "plain" or type_of ~= "table" then return PLAIN[type_of] and (kind == "plain" or kind == "open") end
  local element, kinds = element_of(kind), kinds_of[kind]
  if depth > limits.value_depth then return false end
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
  return true
end

--- nil where the fields of a result `r` can be told, else a sentence.
function shape.fault(r)
  for field, value in pairs(r) do
    local kind = kinds_of.result[field]
    if kind ~= "plain" and not is_good(value, kind, 1) then return fault_of(field, value, kind, 1) end
  end
  for _, warning in ipairs(r.warnings or {}) do
    if type(warning.code) ~= "string" or type(warning.message) ~= "string" then return "a warning has a code and a message, both text" end
  end
  for stage, ms in pairs(r.timings_ms or {}) do
    if type(ms) ~= "number" then return ("timings_ms.%s is a number, not a %s"):format(stage, type(ms)) end
  end
end

return shape
