-- A unified diff of two texts that differ in one place, as after an edit.

local limits = require "kedge.limits"

local diff = {}

local CONTEXT = 3
local NO_NEWLINE = "\\ No newline at end of file"

-- Lines with their newlines.
local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then lines[#lines + 1] = line end
  end
  return lines
end

-- How many lines at the beginning and at the end are the same.
local function common(old, new)
  local most, head, tail = math.min(#old, #new), 0, 0
  while head < most and old[head + 1] == new[head + 1] do head = head + 1 end
  while tail < most - head and old[#old - tail] == new[#new - tail] do tail = tail + 1 end
  return head, tail
end

-- The first byte in which two lines differ.
local function first_difference(a, b)
  local same, most = 0, math.min(#a, #b)
  while same < most do
    local middle = (same + most + 1) // 2
    if a:sub(same + 1, middle) == b:sub(same + 1, middle) then same = middle else most = middle - 1 end
  end
  return same + 1
end

-- A line that is too long, cut to what stands around the byte `at`.
local function clip(line, at)
  if #line <= limits.diff_line then return line end
  local first = math.max(1, at - limits.diff_line // 2)
  local last = math.min(#line, first + limits.diff_line)
  return (first > 1 and "..." or "") .. line:sub(first, last) .. (last < #line and "...\n" or "")
end

local function add(parts, mark, lines, first, last, at)
  for i = first, last do
    local line = clip(lines[i], at or 1)
    parts[#parts + 1] = mark .. line
    if line:sub(-1) ~= "\n" then parts[#parts + 1] = "\n" .. NO_NEWLINE .. "\n" end
  end
end

-- "12,7", or as diff writes it where there is but one line, or none.
local function range(first, count)
  if count == 1 then return tostring(first) end
  return ("%d,%d"):format(count == 0 and first - 1 or first, count)
end

--- The difference of two texts as one hunk with three lines around it; "" where
-- there is none. `name` stands in its head. Very long lines are shown in part.
function diff.unified(old, new, name)
  if old == new then return "" end
  old, new = lines_of(old), lines_of(new)
  local head, tail = common(old, new)
  local first, after = math.max(1, head - CONTEXT + 1), math.min(tail, CONTEXT)
  local old_last, new_last = #old - tail, #new - tail
  local at = first_difference(old[head + 1] or "", new[head + 1] or "")
  local parts = { ("--- %s\n+++ %s\n@@ -%s +%s @@\n"):format(name, name, range(first, old_last + after - first + 1),
    range(first, new_last + after - first + 1)) }
  add(parts, " ", old, first, head)
  add(parts, "-", old, head + 1, old_last, at)
  add(parts, "+", new, head + 1, new_last, at)
  add(parts, " ", old, old_last + 1, old_last + after)
  return table.concat(parts)
end

return diff
