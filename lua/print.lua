-- --print: a template as a format, as curl's -w. {name} is a field by the name it has in -f json, {{ and }} are braces,
-- \n \t \r \\ what they are in C; any other \ stays as it is, as in curl.

local json = require "kedge.json"
local show = require "kedge.show"

local print = {}

local ESCAPES = { n = "\n", t = "\t", r = "\r", ["\\"] = "\\" }
local SHOWN = 200 -- bytes of a name that a message quotes

local function unescape(text)
  return (text:gsub("\\(.)", ESCAPES))
end

local function quoted(text)
  return "'" .. show.escape(text:sub(1, SHOWN)) .. "'"
end

local function hint(fields, name, before, after)
  local names = {}
  for i, field in ipairs(fields) do names[i] = type(field) == "table" and field[1] or field end
  local found = require("kedge.nearest").word(name, names)
  return found and ("; did you mean '%s'?"):format(before .. found .. after) or ""
end

local function kind_of(fields, name)
  for _, field in ipairs(fields) do
    if field == name then return "plain" end
    if type(field) == "table" and field[1] == name then return field[2] end
  end
end

-- The step from a value of `kind` to its part `name`: key, kind of the part; nil, the rest of a sentence.
local function step(kind, name, before, after)
  local whole = before .. name .. after
  local element, fields = kind:match("^(.*)%*$"), json.kinds[kind]
  if element then
    local place = name:match("^%d%d?%d?%d?$")
    if place then return math.tointeger(tonumber(place)) + 1, element end
    return nil, ("has no field %s: %s is a list, the first is %s0"):format(quoted(whole), before:sub(1, -2), before)
  end
  if not fields then return nil, ("has no field %s: %s has no parts"):format(quoted(whole), before:sub(1, -2)) end
  local part = kind_of(fields, name)
  if part then return name, part end
  return nil, ("has no field %s%s"):format(quoted(whole), hint(fields, name, before, after))
end

-- The way to a field: { keys=, kind= of what is there, own= what follows inside data of a script's own or nil }; nil, message.
local function way_to(name)
  local way, kind, position = { keys = {}, kind = "result" }, "result", 1
  while position <= #name + 1 do
    if kind == "open" then
      way.own = name:sub(position)
      break
    end
    local stop = name:find(".", position, true) or #name + 1
    local key, part = step(kind, name:sub(position, stop - 1), name:sub(1, position - 1), name:sub(stop))
    if not key then return nil, part end
    way.keys[#way.keys + 1], kind = key, part
    position = stop + 1
  end
  way.kind = kind
  return way
end

local function by_key(value, key)
  if value[key] ~= nil then return value[key] end
  local number = tonumber(key)
  if not number then return nil end
  return value[#value > 0 and number + 1 or number]
end

-- A name of one's own may have dots in it, so the longest that is there counts.
local function own_part(value, name)
  if type(value) ~= "table" then return nil end
  local stop = #name
  while stop > 0 do
    local found = by_key(value, name:sub(1, stop))
    if stop == #name and found ~= nil then return found end
    if found ~= nil then
      local part = own_part(found, name:sub(stop + 2))
      if part ~= nil then return part end
    end
    local shorter = name:sub(1, stop):match("^(.*)%.")
    stop = shorter and #shorter or 0
  end
end

local function text_of(value, kind)
  if value == nil then return "" end
  if type(value) == "table" then return json.encode(value, kind) end
  if type(value) == "number" then return (json.number(value):gsub("^null$", "")) end
  return show.clean(tostring(value))
end

local function find(r, way)
  local value = r
  for _, key in ipairs(way.keys) do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  if way.own then return own_part(value, way.own) end
  return value
end

-- The pieces of a template, texts and ways; nil, message.
local function parse(template)
  local pieces, position = {}, 1
  while position <= #template do
    local stop = template:find("[{}]", position) or #template + 1
    if stop > position then pieces[#pieces + 1] = unescape(template:sub(position, stop - 1)) end
    local sign = template:sub(stop, stop)
    position = stop + 1
    if sign ~= "" and template:sub(position, position) == sign then
      pieces[#pieces + 1] = sign
      position = position + 1
    elseif sign == "}" then
      return nil, "has a } without its {; a brace is written }}"
    elseif sign == "{" then
      local close = template:find("}", position, true)
      if not close then return nil, ("has a { without its }, before %s; a brace is written {{"):format(quoted(template:sub(position))) end
      local way, message = way_to(template:sub(position, close - 1))
      if not way then return nil, message end
      pieces[#pieces + 1] = way
      position = close + 1
    end
  end
  return pieces
end

--- The format of a template: a table with the function `result`; nil and the rest of a sentence where the template is wrong.
function print.format(template)
  local pieces, message = parse(template)
  if not pieces then return nil, message end
  return {
    result = function(out, r)
      for _, piece in ipairs(pieces) do
        out:write(type(piece) == "string" and piece or text_of(find(r, piece), piece.kind))
      end
    end,
  }
end

return print
