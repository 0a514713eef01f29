-- Packs a text as core/unpack.h describes: `pack(text)` -> packed text. For embed.lua.

local COPY_MIN, DISTANCE_MAX = 4, 65535
local TRIES = 64 -- places looked at for one copy

-- What of a count doesn't fit into its half byte.
local function rest_of(count)
  if count < 15 then return "" end
  count = count - 15
  return ("\255"):rep(count // 255) .. string.char(count % 255)
end

local function sequence(literals, distance, length)
  local copied = length and length - COPY_MIN or 0
  local halves = math.min(#literals, 15) << 4 | math.min(copied, 15)
  local out = string.char(halves) .. rest_of(#literals) .. literals
  return length and out .. string.pack("<I2", distance) .. rest_of(copied) or out
end

local function common(text, a, b)
  local length = 0
  while text:byte(b + length) and text:byte(a + length) == text:byte(b + length) do length = length + 1 end
  return length
end

return function(text)
  local newest, before = {}, {} -- places of four bytes: the newest of them, and of each the one before
  local parts, first, i = {}, 1, 1
  local function remember(place)
    local key = text:sub(place, place + COPY_MIN - 1)
    before[place], newest[key] = newest[key], place
  end
  local function longest(place)
    local candidate, best, length = newest[text:sub(place, place + COPY_MIN - 1)], nil, 0
    for _ = 1, TRIES do
      if not candidate or place - candidate > DISTANCE_MAX then break end
      local found = common(text, candidate, place)
      if found > length then best, length = candidate, found end
      candidate = before[candidate]
    end
    return best, length
  end
  while i <= #text do
    local place, length = longest(i)
    if place and length >= COPY_MIN then
      parts[#parts + 1] = sequence(text:sub(first, i - 1), i - place, length)
      for j = i, i + length - 1 do remember(j) end
      i = i + length
      first = i
    else
      remember(i)
      i = i + 1
    end
  end
  if first <= #text then parts[#parts + 1] = sequence(text:sub(first)) end
  return table.concat(parts)
end
