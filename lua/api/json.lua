-- kedge.json: JSON as RFC 8259 has it, of whoever wrote it, and nothing that
-- passes for it.

local blame = require "kedge.api.blame"
local common = require "kedge.json"
local limits = require "kedge.limits"
local scan = require "kedge.json_scan"

local json = {}

--- Stands in lists where JSON has null, so that they keep their length.
json.null = common.null

local WORDS = { ["true"] = true, ["false"] = false, null = json.null }

local function refuse(at, message)
  error({ at = at, message = message }, 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function expect(text, at, wanted)
  if at > #text then refuse(at, "the text ends where " .. wanted .. " has to follow") end
  refuse(at, wanted .. " has to stand here")
end

local read_value

-- The place behind the comma that stands between two elements; nil and the place behind the end.
local function go_on(text, at, closing)
  at = skip(text, at)
  local found = text:sub(at, at)
  if found == closing then return nil, at + 1 end
  if found ~= "," then expect(text, at, "a comma or " .. closing) end
  return skip(text, at + 1)
end

local function read_list(text, at, depth)
  local list, next, stop = {}, skip(text, at + 1), nil
  if text:sub(next, next) == "]" then return list, next + 1 end
  while next do
    list[#list + 1], stop = read_value(text, next, depth)
    next, stop = go_on(text, stop, "]")
  end
  return list, stop
end

local function read_object(text, at, depth)
  local object, next, stop = {}, skip(text, at + 1), nil
  if text:sub(next, next) == "}" then return object, next + 1 end
  while next do
    if text:sub(next, next) ~= '"' then expect(text, next, "a name in double quotes") end
    local key_stop, key = scan.string(text, next)
    local colon = skip(text, key_stop)
    if text:sub(colon, colon) ~= ":" then expect(text, colon, "a colon") end
    local value
    value, stop = read_value(text, skip(text, colon + 1), depth)
    if value == json.null then value = nil end
    object[key] = value
    next, stop = go_on(text, stop, "}")
  end
  return object, stop
end

-- The value at `at`, and the place behind it.
function read_value(text, at, depth)
  local first = text:sub(at, at)
  if first == "{" or first == "[" then
    if depth == limits.json_depth then refuse(at, ("objects and lists are nested deeper than %d"):format(depth)) end
    return (first == "{" and read_object or read_list)(text, at, depth + 1)
  elseif first == '"' then
    local stop, value = scan.string(text, at)
    return value, stop
  elseif first:find("[-%d]") then
    local stop = scan.number(text, at)
    return tonumber(text:sub(at, stop - 1)), stop
  end
  local word = text:match("^%a+", at)
  if WORDS[word] == nil then expect(text, at, "a value") end
  return WORDS[word], at + #word
end

local function read_document(text)
  local _, bad = utf8.len(text)
  if bad then refuse(bad, "it is not UTF-8") end
  local value, stop = read_value(text, skip(text, text:find("^\u{FEFF}") and 4 or 1), 0)
  local behind = skip(text, stop)
  if behind <= #text then refuse(behind, "something follows behind the end") end
  return value
end

--- The value of a JSON text, whoever wrote it | nil, message.
function json.decode(text)
  if type(text) ~= "string" then blame("kedge.json.decode wants a text, not a %s", type(text)) end
  local done, value = pcall(read_document, text)
  if not done and type(value) == "table" then
    return nil, ("it is no JSON: %s: %s"):format(scan.place(text, value.at), value.message)
  end
  if not done then error(value, 0) end
  if value == json.null then return nil, "it is null" end
  return value
end

local function number_text(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or math.abs(value) == math.huge then blame("kedge.json.encode: JSON has no number such as %s", tostring(value)) end
  for digits = 15, 17 do
    local text = ("%%.%dg"):format(digits):format(value)
    if tonumber(text) == value then return text end
  end
end

local value_text

local function list_text(list, depth)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = value_text(item, depth) end
  for key in pairs(list) do
    if not parts[key] then blame("kedge.json.encode: a list has '%s' besides its items", tostring(key)) end
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object_text(object, depth)
  local names, parts = {}, {}
  for name in pairs(object) do
    if type(name) ~= "string" then blame("kedge.json.encode: a name is a %s, not text: %s", type(name), tostring(name)) end
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = common.string(name) .. ":" .. value_text(object[name], depth) end
  return "{" .. table.concat(parts, ",") .. "}"
end

function value_text(value, depth)
  local kind = type(value)
  if value == json.null or value == nil then return "null" end
  if kind == "string" then return common.string(value) end
  if kind == "number" then return number_text(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then blame("kedge.json.encode: JSON has nothing for a %s", kind) end
  if depth == limits.json_depth then blame("kedge.json.encode: it is nested deeper than %d, or within itself", depth) end
  return (value[1] ~= nil and list_text or object_text)(value, depth + 1)
end

--- A value as JSON text.
function json.encode(value)
  return value_text(value, 0)
end

return json
