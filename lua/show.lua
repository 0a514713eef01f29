-- How text from a peer, a file or a user is shown: valid UTF-8, nothing that
-- moves a cursor or turns the direction of writing, aligned and wrapped.

local show = {}

local REPLACEMENT = "\u{FFFD}"
local SEQUENCE = "^[\xC2-\xF4][\x80-\xBF]+" -- more than the longest is cut by utf8.len

-- Length in bytes of the valid sequence at `i`, or nil.
local function sequence_length(s, i)
  local byte = s:byte(i)
  if byte < 0x80 then return 1 end
  if not s:find(SEQUENCE, i) then return nil end
  local length = byte < 0xE0 and 2 or byte < 0xF0 and 3 or 4
  return i + length - 1 <= #s and utf8.len(s, i, i + length - 1) == 1 and length or nil
end

-- Rewrites `s` code point by code point. bad(byte) and other(code, bytes) give
-- what stands for an invalid byte and for a valid sequence beyond ASCII.
local function rewrite(s, bad, other)
  local parts, i, n = {}, 1, #s
  while i <= n do
    local stop = s:find("[\x80-\xFF]", i) or n + 1
    if stop > i then parts[#parts + 1] = s:sub(i, stop - 1) end
    i = stop
    if i > n then break end
    local length = sequence_length(s, i)
    if length then
      local bytes = s:sub(i, i + length - 1)
      parts[#parts + 1] = other and other(utf8.codepoint(bytes), bytes) or bytes
      i = i + length
    else
      parts[#parts + 1] = bad(s:byte(i))
      i = i + 1
    end
  end
  return table.concat(parts)
end

--- `s` as valid UTF-8: each byte that isn't part of it becomes U+FFFD.
function show.utf8(s)
  if not s:find("[\x80-\xFF]") or utf8.len(s) then return s end
  return rewrite(s, function() return REPLACEMENT end)
end

--- The first `limit` bytes of `s` at most, made valid UTF-8 without cutting a
-- character in two. The second result is true when something was cut off.
function show.cut_utf8(s, limit)
  if #s <= limit then
    local valid = show.utf8(s)
    if #valid <= limit then return valid, false end
    s = valid
  else
    s = show.utf8(s:sub(1, limit + 3)) -- the last character may end behind the limit
    if #s <= limit then return s, true end
  end
  local stop = limit
  while stop > 0 and (s:byte(stop + 1) or 0) & 0xC0 == 0x80 do stop = stop - 1 end
  return s:sub(1, stop), true
end

--- True for characters that are shown escaped: controls, those that change the
-- direction of writing, that have no width, or that break lines.
function show.is_hidden(code)
  return code < 0x20 or (code >= 0x7F and code <= 0x9F) or code == 0xAD or code == 0x61C
    or code == 0x180E or (code >= 0x200B and code <= 0x200F) or (code >= 0x2028 and code <= 0x202E)
    or (code >= 0x2060 and code <= 0x206F) or code == 0xFEFF or (code >= 0xFFF9 and code <= 0xFFFB)
    or (code >= 0xE0000 and code <= 0xE007F)
    or code & 0xFFFE == 0xFFFE -- no characters, and not allowed in XML
end

local function escape_byte(byte) return ("\\x%02x"):format(byte) end
local function escape_control(c) return escape_byte(c:byte()) end
local function escape_code(code, bytes)
  if not show.is_hidden(code) then return bytes end
  return ("\\u{%04x}"):format(code)
end

--- `s` as it may stand on a terminal: control bytes and invalid UTF-8 as \x1b,
-- direction marks and their like as \u{202e}. With `ascii` every character
-- beyond ASCII is written as \u{...}.
function show.escape(s, ascii)
  if s:find("[%c\x80-\xFF]") == nil then return s end
  if s:find("%c") then s = s:gsub("%c", escape_control) end
  if not s:find("[\x80-\xFF]") then return s end
  local other = ascii and function(code) return ("\\u{%04x}"):format(code) end or escape_code
  return rewrite(s, escape_byte, other)
end

--- `s` for formats that other programs read: what json.string says of it, shown
-- as show.escape does, the same on every terminal and in every file.
function show.clean(s)
  return show.escape(show.utf8(s))
end

-- First and last code points of two columns, and of none (combining).
local WIDE = {
  0x1100, 0x115F, 0x2E80, 0x303E, 0x3041, 0xA4CF, 0xA960, 0xA97F, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
  0xFE30, 0xFE6F, 0xFF00, 0xFF60, 0xFFE0, 0xFFE6, 0x1F300, 0x1F64F, 0x1F680, 0x1F6FF, 0x1F900, 0x1FAFF,
  0x20000, 0x3FFFD,
}
local COMBINING = { 0x300, 0x36F, 0x483, 0x489, 0x591, 0x5BD, 0x610, 0x61A, 0x64B, 0x65F, 0x1AB0, 0x1AFF,
  0x1DC0, 0x1DFF, 0x20D0, 0x20FF, 0xFE00, 0xFE0F, 0xFE20, 0xFE2F }

local function among(ranges, code)
  for i = 1, #ranges, 2 do
    if code < ranges[i] then return false end
    if code <= ranges[i + 1] then return true end
  end
  return false
end

--- Columns that `s`, which was escaped, takes on a terminal.
function show.width(s)
  if not s:find("[\x80-\xFF]") then return #s end
  local width = 0
  for _, code in utf8.codes(s) do
    width = width + (among(WIDE, code) and 2 or among(COMBINING, code) and 0 or 1)
  end
  return width
end

--- `s` and as many spaces as bring it to `columns`; "right" puts them in front.
function show.pad(s, columns, side)
  local space = (" "):rep(columns - show.width(s))
  return side == "right" and space .. s or s .. space
end

-- Pieces of at most `columns` of a word that is longer.
local function chop(word, columns)
  local pieces, piece, width = {}, {}, 0
  for _, code in utf8.codes(word) do
    local character = utf8.char(code)
    local w = show.width(character)
    if width + w > columns and width > 0 then
      pieces[#pieces + 1] = table.concat(piece)
      piece, width = {}, 0
    end
    piece[#piece + 1] = character
    width = width + w
  end
  pieces[#pieces + 1] = table.concat(piece)
  return pieces
end

--- The lines of `text`, which was escaped, none wider than `columns`; it is
-- broken at spaces, and inside a word only where the word is too long.
function show.wrap(text, columns)
  columns = math.max(columns, 8)
  local lines, line, width = {}, "", 0
  local function add(word, w)
    if width > 0 and width + 1 + w > columns then
      lines[#lines + 1] = line
      line, width = "", 0
    end
    line = width > 0 and line .. " " .. word or word
    width = width > 0 and width + 1 + w or w
  end
  for word in text:gmatch("%S+") do
    local w = show.width(word)
    if w <= columns then
      add(word, w)
    else
      for _, piece in ipairs(chop(word, columns)) do add(piece, show.width(piece)) end
    end
  end
  if width > 0 then lines[#lines + 1] = line end
  return lines
end

--- "1 check", "12 checks".
function show.count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

--- Lower-case hexadecimal digits of raw bytes.
function show.hex(raw)
  return (raw:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return show
