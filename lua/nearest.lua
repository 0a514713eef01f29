-- The word that somebody probably meant.

local nearest = {}

-- Words longer than this are compared by their beginning only.
local LENGTH_MAX = 64

-- Distance of two words: insertions, deletions, changes, and neighbours swapped.
local function distance(a, b)
  local before, last, row = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last, row = last, row, before
  end
  return last[#b]
end

--- The candidate nearest to `word`, upper and lower case alike, or nil when
-- none is near. `candidates` is a list of strings; the first of equals wins.
function nearest.word(word, candidates)
  local wanted = word:sub(1, LENGTH_MAX):lower()
  local best, best_distance
  for _, candidate in ipairs(candidates) do
    local other = candidate:sub(1, LENGTH_MAX):lower()
    local d = distance(wanted, other)
    -- A beginning of four letters or more is an abbreviation.
    if #wanted >= 4 and other:sub(1, #wanted) == wanted then d = math.min(d, 1) end
    if not best_distance or d < best_distance then best, best_distance = candidate, d end
  end
  local allowed = math.max(1, (#wanted:gsub("^%-+", "")) // 3)
  if best and best_distance <= allowed and best_distance < #wanted then return best end
end

--- "; did you mean 'X'?" or an empty string.
function nearest.hint(word, candidates)
  local found = nearest.word(word, candidates)
  return found and ("; did you mean '%s'?"):format(found) or ""
end

return nearest
