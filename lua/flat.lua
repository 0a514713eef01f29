-- A result as a list of names and plain values, for formats without nesting:
-- "target.host", "chain.0.subject", "labels.region".

local json = require "kedge.json"
local limits = require "kedge.limits"
local show = require "kedge.show"

local flat = {}

local walk

local function walk_list(list, name, value, kind, depth)
  for i, item in ipairs(value) do walk(list, ("%s.%d"):format(name, i - 1), item, kind, depth) end
end

local function walk_open(list, name, value, depth)
  if depth > limits.value_depth then error("values and labels are nested too deeply (or within themselves)", 0) end
  if #value > 0 then return walk_list(list, name, value, "open", depth + 1) end
  local keys, values = {}, {}
  for key, item in pairs(value) do
    keys[#keys + 1] = tostring(key)
    values[keys[#keys]] = item
  end
  table.sort(keys)
  for _, key in ipairs(keys) do walk(list, name .. "." .. key, values[key], "open", depth + 1) end
end

local function walk_fields(list, name, value, fields, depth)
  for _, field in ipairs(fields) do
    local field_name, kind = field, "plain"
    if type(field) == "table" then field_name, kind = field[1], field[2] end
    local full = name and name .. "." .. field_name or field_name
    if value[field_name] ~= nil then
      walk(list, full, value[field_name], kind, depth + 1)
    elseif fields.always and fields.always[field_name] then
      list[#list + 1] = { name = full }
    end
  end
end

function walk(list, name, value, kind, depth)
  if type(value) ~= "table" then
    list[#list + 1] = { name = name, value = value }
    return
  end
  local element, fields = kind:match("^(.*)%*$"), json.kinds[kind]
  if element then return walk_list(list, name, value, element, depth) end
  if fields then return walk_fields(list, name, value, fields, depth) end
  return walk_open(list, name, value, depth)
end

--- The fields of a result in the order of -f json: a list of { name=, value= },
-- value a string as the peer sent it, a number, a boolean, or nil where json says null.
function flat.list(r)
  local list = {}
  walk(list, nil, r, "result", 1)
  return list
end

--- The same for labels or values of one's own, names without a part in front.
function flat.own(object)
  local list = {}
  walk(list, "", object or {}, "open", 1)
  for _, field in ipairs(list) do field.name = field.name:sub(2) end
  return list
end

--- `name`, or with _2, _3 ... behind it where `taken` (which remembers it) has
-- it already: names that are too rich for a format may become one.
function flat.unique(taken, name)
  local one, count = name, 1
  while taken[one] do
    count = count + 1
    one = name .. "_" .. count
  end
  taken[one] = true
  return one
end

--- A value as clean text; "" for nil.
function flat.text(value)
  if value == nil then return "" end
  if type(value) == "number" then return json.number(value) end
  return show.clean(tostring(value))
end

return flat
