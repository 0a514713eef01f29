-- Reads JSON with comments as RapidJSON does with kParseCommentsFlag, and tells
-- where in the text things stand. Nothing is decoded but what is asked for:
-- the members of the outermost object, and those of the objects in it that the
-- caller names. Positions are those of string.sub; a `stop` is the first byte
-- behind.

local limits = require "kedge.limits"

local scan = {}

local BOM = "\u{FEFF}"
local QUOTE, SLASH, STAR, COMMA, COLON, BRACE, BRACE_END, BRACKET, BRACKET_END, MINUS, ZERO, NINE, BACKSLASH, SPACE =
  ('"/*,:{}[]-09\\ '):byte(1, -1)
local SIMPLE = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local EXPONENT_MAX = 308 -- RapidJSON refuses what a double can't hold

local function refuse(at, message)
  error({ at = at, message = message }, 0)
end

--- "line 3, column 7" of a byte of the text; columns count characters, a
-- byte-order mark isn't one.
function scan.place(text, at)
  local line, begin, from = 1, 1, 1
  while true do
    local newline = text:find("\n", from, true)
    if not newline or newline >= at then break end
    line, begin, from = line + 1, newline + 1, newline + 1
  end
  if begin == 1 and text:sub(1, #BOM) == BOM then begin = math.min(#BOM + 1, at) end
  local before = text:sub(begin, at - 1)
  return ("line %d, column %d"):format(line, (utf8.len(before) or #before) + 1)
end

-- The first byte from `at` that belongs to no white space and no comment.
local function skip(text, at)
  while true do
    local byte = text:byte(at)
    if byte and byte > SPACE and byte ~= SLASH then return at end -- the usual case, and the quick one
    at = text:find("[^ \t\r\n]", at) or #text + 1
    if text:byte(at) ~= SLASH then return at end
    local next = text:byte(at + 1)
    if next == SLASH then
      at = (text:find("\n", at, true) or #text) + 1
    elseif next == STAR then
      local _, stop = text:find("*/", at + 2, true)
      if not stop then refuse(at, "the comment that begins here does not end") end
      at = stop + 1
    else
      refuse(at, "a '/' stands here that begins no comment")
    end
  end
end

scan.skip = skip

-- What stands at `at` is not what has to: says so.
local function unexpected(text, at, wanted)
  if at > #text then refuse(at, "the file ends where " .. wanted .. " has to follow") end
  refuse(at, wanted .. " has to stand here")
end

-- The character that "\uXXXX" at `at` means (one or two of them); stop.
local function unicode(text, at)
  local code = tonumber(text:match("^\\u(%x%x%x%x)", at) or refuse(at, "\\u needs four hexadecimal digits"), 16)
  if code < 0xD800 or code > 0xDFFF then return utf8.char(code), at + 6 end
  local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at + 6) or "", 16)
  if code > 0xDBFF or not low then refuse(at, "half of a surrogate pair stands alone") end
  return utf8.char(0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF)), at + 12
end

-- The string whose quote is at `at`: stop, and its value.
local function read_string(text, at)
  local parts, from = nil, at + 1
  while true do
    local found = text:find('["\\\0-\31]', from)
    if not found then refuse(at, "the string that begins here does not end") end
    local byte = text:byte(found)
    local before = text:sub(from, found - 1)
    if byte == QUOTE then return found + 1, parts and table.concat(parts) .. before or before end
    if byte ~= BACKSLASH then refuse(found, "a control character (or the end of the line) stands in a string") end
    parts = parts or {}
    parts[#parts + 1] = before
    local letter = text:sub(found + 1, found + 1)
    if letter == "u" then
      parts[#parts + 1], from = unicode(text, found)
    else
      parts[#parts + 1] = SIMPLE[letter] or refuse(found, "a backslash stands here that begins no escape of JSON")
      from = found + 2
    end
  end
end

local function read_number(text, at)
  local stop = text:match("^%-?0()", at) or text:match("^%-?[1-9]%d*()", at)
  if not stop then refuse(at, "a number needs a digit here") end
  local fraction = 0
  if text:sub(stop, stop) == "." then
    local behind = text:match("^%.%d+()", stop) or refuse(stop, "a number needs a digit behind its point")
    fraction, stop = behind - stop - 1, behind
  end
  if text:find("^[eE]", stop) then
    local sign, digits, behind = text:match("^[eE]([+-]?)(%d+)()", stop)
    if not behind then refuse(stop, "a number needs a digit in its exponent") end
    if sign ~= "-" and tonumber(digits) > EXPONENT_MAX + fraction then refuse(at, "the number is too large") end
    stop = behind
  end
  if math.abs(tonumber(text:sub(at, stop - 1))) == math.huge then refuse(at, "the number is too large") end
  return stop
end

--- For kedge.json.decode: the string whose quote, and the number that begins at a place (stop,
-- and the string's value). Raise { at=, message= } where none does.
scan.string, scan.number = read_string, read_number

local read_value

-- What follows an element of `closing`'s kind: the next element's place, or nil
-- and the place behind the end; and the comma's.
local function go_on(text, at, closing)
  at = skip(text, at)
  local byte = text:byte(at)
  if byte == closing then return nil, at + 1 end
  if byte ~= COMMA then unexpected(text, at, closing == BRACE_END and "a comma or }" or "a comma or ]") end
  local next = skip(text, at + 1)
  if text:byte(next) == closing then refuse(at, "a comma stands before the end, behind which nothing follows") end
  return next, nil, at
end

local function read_array(text, at, depth)
  local next = skip(text, at + 1)
  if text:byte(next) == BRACKET_END then return next + 1 end
  local stop
  while next do
    stop = read_value(text, next, depth + 1)
    next, stop = go_on(text, stop, BRACKET_END)
  end
  return stop
end

-- `wanted` as for scan.read; nil: only read, keep nothing.
local function read_object(text, at, depth, wanted)
  local object = wanted and { first = at, members = {} }
  local next, stop = skip(text, at + 1), nil
  if text:byte(next) == BRACE_END then
    stop, next = next + 1, nil
  end
  while next do
    if text:byte(next) ~= QUOTE then unexpected(text, next, "a name in double quotes") end
    local key_stop, key = read_string(text, next)
    local colon = skip(text, key_stop)
    if text:byte(colon) ~= COLON then unexpected(text, colon, "a colon") end
    local value_at = skip(text, colon + 1)
    local deeper = wanted and wanted[key]
    local value_stop, kind, value = read_value(text, value_at, depth + 1, deeper)
    local key_at, comma = next
    next, stop, comma = go_on(text, value_stop, BRACE_END)
    if object then
      table.insert(object.members, { key = key, key_at = key_at, key_stop = key_stop, colon = colon, value_at = value_at,
        value_stop = value_stop, kind = kind, value = value, comma = comma })
    end
  end
  if object then object.last = stop - 1 end
  return stop, object
end

-- stop, kind, value of a string or of an object that is wanted.
function read_value(text, at, depth, wanted)
  local byte = text:byte(at)
  if (byte == BRACE or byte == BRACKET) and depth > limits.json_depth then
    refuse(at, ("objects and lists are nested deeper than %d"):format(limits.json_depth))
  end
  if byte == QUOTE then
    local stop, value = read_string(text, at)
    return stop, "string", value
  elseif byte == BRACE then
    local stop, object = read_object(text, at, depth, wanted)
    return stop, "object", object
  elseif byte == BRACKET then
    return read_array(text, at, depth), "list"
  elseif byte == MINUS or byte and byte >= ZERO and byte <= NINE then
    return read_number(text, at), "number"
  end
  local word = text:match("^%a+", at)
  if word == "true" or word == "false" or word == "null" then return at + #word, word end
  unexpected(text, at, "a value")
end

local function read_document(text, wanted)
  local zero = text:find("\0", 1, true)
  if zero then refuse(zero, "a NUL byte stands here") end
  local begin = text:sub(1, #BOM) == BOM and #BOM + 1 or 1
  local at = skip(text, begin)
  if text:byte(at) ~= BRACE then unexpected(text, at, "an object in braces") end
  local stop, root = read_object(text, at, 1, wanted)
  local behind = skip(text, stop)
  if behind <= #text then refuse(behind, "text stands behind the end of the object") end
  root.begin = begin
  return root
end

--- Reads `text`, whose outermost value has to be an object. `wanted` names the
-- members whose own members are wanted too: { NAME = {} }. The object:
-- { first=, last=, members=, begin= } with the places of its braces and of the
-- first byte behind a byte-order mark; a member is { key=, key_at=, key_stop=,
-- colon=, value_at=, value_stop=, comma= (the one behind, or nil), kind=
-- "string", "object", "list", "number", "true", "false" or "null", value= }.
-- nil and a sentence with line and column where this isn't JSON or goes beyond a bound.
function scan.read(text, wanted)
  if #text > limits.json_bytes then return nil, ("larger than %d bytes"):format(limits.json_bytes) end
  local done, found = pcall(read_document, text, wanted)
  if done then return found end
  if type(found) ~= "table" then error(found, 0) end
  return nil, ("%s: %s"):format(scan.place(text, found.at), found.message)
end

return scan
