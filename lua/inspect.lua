-- Any Lua value as text for people: bounded, escaped, results as tables.

local result = require "kedge.result"
local show = require "kedge.show"

local inspect = {}

local DEPTH_MAX, ENTRIES_MAX, LINES_MAX = 8, 100, 400
local STRING_MAX, TEXT_MAX = 500, 64 * 1024 -- bytes shown of a string in a table, and of one alone
local ROOM_MIN = 20 -- columns below which a long text is left to the terminal to break
local STATUSES = { ok = true, warn = true, fail = true, skip = true }

-- The fields of a result in the order in which people read them.
local FIELDS = { "id", "line", "run", "target", "labels", "status", "stage", "code", "cause", "message", "remedy", "timings_ms",
  "tls", "chain", "path", "anchor", "verdicts", "warnings", "h2", "http", "values" }
local RANK = {}
for i, field in ipairs(FIELDS) do RANK[field] = i end

local function is_result(value)
  return type(value) == "table" and getmetatable(value) == nil and type(value.id) == "string"
    and STATUSES[value.status] ~= nil and result.fault(value) == nil
end

local function quoted(state, text)
  local rest = #text - STRING_MAX
  local shown = rest > 0 and show.cut_utf8(text, STRING_MAX) or text
  shown = show.escape((shown:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t")), state.ascii)
  shown = shown:gsub("\\x0a", "\\n"):gsub("\\x09", "\\t")
  return '"' .. shown .. '"' .. (rest > 0 and (" (%d bytes more)"):format(rest) or "")
end

-- What a value that is no table says of itself; __tostring is a script's own and may fail.
local function plain(state, value)
  if type(value) == "string" then return quoted(state, value) end
  if math.type(value) == "float" and math.abs(value) < 1e6 then return ("%.6g"):format(value) end
  local done, text = pcall(tostring, value)
  return show.escape((done and text or type(value)):sub(1, STRING_MAX), state.ascii)
end

local function is_plain(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) ~= "table" or type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

local function key_text(state, key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then return key end
  return "[" .. plain(state, key) .. "]"
end

local function key_before(a, b)
  local rank_a, rank_b = RANK[a], RANK[b]
  if rank_a and rank_b then return rank_a < rank_b end
  if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
  return type(a) < type(b)
end

-- { text in front, value } of each entry: the list first, then what has names, in order.
local function entries_of(state, value)
  local list, keys, length = {}, {}, rawlen(value)
  for i = 1, math.min(length, ENTRIES_MAX) do list[i] = { "", rawget(value, i) } end
  local left_out = length - #list
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > length then keys[#keys + 1] = key end
  end
  table.sort(keys, is_result(value) and key_before or function(a, b)
    if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
    return type(a) < type(b)
  end)
  for i, key in ipairs(keys) do
    if i > ENTRIES_MAX then break end
    list[#list + 1] = { key_text(state, key) .. " = ", rawget(value, key) }
  end
  return list, left_out + math.max(0, #keys - ENTRIES_MAX)
end

-- A value on one line of at most `room` columns, or nil.
local function on_a_line(state, value, room, depth)
  if is_plain(value) then return plain(state, value) end
  if state.path[value] then return "{ as above }" end
  pcall(pairs, value) -- a way of its own to be walked through (__pairs) loads what is loaded late
  if next(value) == nil then return "{}" end
  if depth >= DEPTH_MAX then return "{ ... }" end
  local entries, left_out = entries_of(state, value)
  if left_out > 0 or #entries * 3 > room then return nil end
  state.path[value] = true
  local parts, used = {}, 4
  for i, entry in ipairs(entries) do
    local text = on_a_line(state, entry[2], room - used, depth + 1)
    used = text and used + show.width(entry[1] .. text) + 2 or room + 1
    if used > room then break end
    parts[i] = entry[1] .. text
  end
  state.path[value] = nil
  return #parts == #entries and "{ " .. table.concat(parts, ", ") .. " }" or nil
end

local function add_line(state, text)
  state.count = state.count + 1
  if state.count <= LINES_MAX then state.lines[#state.lines + 1] = text end
end

-- A value that stands on one line, or a long text in several, each below the first.
local function add_plain(state, front, text, indent, behind)
  local room = state.width - #indent - show.width(front) - #behind
  if show.width(text) <= room or room < ROOM_MIN then return add_line(state, indent .. front .. text .. behind) end
  local lines = show.wrap(text, room)
  for i, line in ipairs(lines) do
    add_line(state, indent .. (i == 1 and front or (" "):rep(show.width(front))) .. line .. (i == #lines and behind or ""))
  end
end

-- The numbers and short words that a list begins with, as many in a line as fit; how many there were.
local function add_packed(state, entries, indent)
  local line, count = "", 0
  for i, entry in ipairs(entries) do
    if entry[1] ~= "" or not is_plain(entry[2]) then break end
    local text = plain(state, entry[2]) .. ", "
    if show.width(indent .. line .. text) > state.width then
      if line ~= "" then add_line(state, indent .. line:sub(1, -2)) end
      line = ""
    end
    if show.width(indent .. text) > state.width then break end
    line, count = line .. text, i
  end
  if line ~= "" then add_line(state, indent .. line:sub(1, -2)) end
  return count
end

local function add_value(state, front, value, indent, behind, depth)
  local line = on_a_line(state, value, state.width - #indent - show.width(front) - #behind, depth)
  if line then return add_plain(state, front, line, indent, behind) end
  state.path[value] = true
  add_line(state, indent .. front .. "{")
  local entries, left_out = entries_of(state, value)
  local packed = add_packed(state, entries, indent .. "  ")
  for i = packed + 1, #entries do
    if state.count > LINES_MAX then break end
    add_value(state, entries[i][1], entries[i][2], indent .. "  ", ",", depth + 1)
  end
  if left_out > 0 then add_line(state, indent .. ("  -- %d more"):format(left_out)) end
  add_line(state, indent .. "}" .. behind)
  state.path[value] = nil
end

-- A list of nothing but results: a line for each.
local function are_results(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil or not value[1] or value.id then return false end
  for _, item in ipairs(value) do
    if not is_result(item) then return false end
  end
  return true
end

local function add_results(state, list)
  local rows, widths = { { "status", "id", "code", "ms" } }, {}
  for i = 1, math.min(#list, LINES_MAX) do
    local r = list[i]
    local total = r.timings_ms and r.timings_ms.total
    local id, code = show.escape(r.id, state.ascii), show.escape(r.code or "", state.ascii)
    rows[#rows + 1] = { r.status, id, code, total and ("%.1f"):format(total) or "" }
  end
  for column = 1, 4 do
    widths[column] = 0
    for _, row in ipairs(rows) do widths[column] = math.max(widths[column], show.width(row[column])) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for column = 1, 4 do cells[column] = show.pad(row[column], widths[column], column == 4 and "right" or nil) end
    add_line(state, (table.concat(cells, "  "):gsub("%s+$", "")))
  end
  if #list > LINES_MAX then add_line(state, ("(%d more)"):format(#list - LINES_MAX)) end
end

-- Text alone keeps its lines.
local function add_text(state, text)
  for line in (show.cut_utf8(text, TEXT_MAX):gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
    add_line(state, (show.escape(line, state.ascii):gsub("\\x09", "\t"):gsub("\\x0d$", "")))
  end
  if #text > TEXT_MAX then add_line(state, ("(%d bytes more)"):format(#text - TEXT_MAX)) end
end

--- `value` as lines of text for a terminal of `width` columns (80 unless told),
--- each ended by a newline; `ascii`: nothing beyond ASCII.
function inspect.text(value, width, ascii)
  local state = { lines = {}, count = 0, path = {}, width = width or 80, ascii = ascii }
  if type(value) == "string" then
    add_text(state, value)
  elseif math.type(value) == "float" then
    add_line(state, tostring(value))
  elseif are_results(value) then
    add_results(state, value)
  else
    add_value(state, "", value, "", "", 0)
  end
  if state.count > LINES_MAX then state.lines[LINES_MAX] = ("-- %d lines more"):format(state.count - LINES_MAX + 1) end
  return table.concat(state.lines, "\n") .. "\n"
end

return inspect
