-- /etc/ca-certificates.conf, read as update-ca-certificates reads it and changed by single bytes. Pure.
-- The tool's shell drops comments, empty and "!" lines, then `read`s each of the rest: white space at both ends goes,
-- a backslash stands for the byte behind it and at the end of a line joins the next one, and a last line without a newline
-- is dropped.

local configuration = {}

-- Its lines with their newlines.
local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then lines[#lines + 1] = line end
  end
  return lines
end

-- What `read` makes of a line; true where the line goes on in the next one.
local function read_word(line)
  local text = line:gsub("\n$", "")
  local joined = false
  if text:find("\\", 1, true) then
    text = text:gsub("\\(.?)", function(byte)
      joined = byte == ""
      return byte
    end)
  end
  return text, joined
end

local function trimmed(text)
  return (text:gsub("^[ \t]+", ""):gsub("[ \t]+$", ""))
end

--- The names that the tool takes in, in its order: behind the folder of shipped certificates, as they are looked for there;
--- and the numbers of their lines.
function configuration.names(text)
  local names, numbers, begun = {}, {}, ""
  for number, line in ipairs(lines_of(text)) do
    if line:find("\n$") and line ~= "\n" and not line:find("^[#!]") then
      local word, joined = read_word(line)
      begun = begun .. word
      if not joined then
        names[#names + 1], numbers[#numbers + 1] = trimmed(begun), number
        begun = ""
      end
    end
  end
  return names, numbers
end

--- The names whose links the tool takes away before it adds others: those of "!" lines.
function configuration.removed(text)
  local names = {}
  for _, line in ipairs(lines_of(text)) do
    local name = line:match("^!(.*)\n$")
    if name and name ~= "" then names[#names + 1] = trimmed((read_word(name))) end
  end
  return names
end

-- The line that switches `name` off and does nothing else.
local function is_disabling(line, name)
  return line == "!" .. name .. "\n" or line == "!" .. name
end

--- What is said of a shipped file: "enabled", "disabled" by a line that can be enabled as it is, "unlisted", or "other":
--- a line that isn't understood names it.
function configuration.standing(text, name)
  for _, known in ipairs(configuration.names(text)) do
    if known == name then return "enabled" end
  end
  local standing = "unlisted"
  for _, line in ipairs(lines_of(text)) do
    if is_disabling(line, name) then return "disabled" end
    if line:sub(1, 1) ~= "#" and line:find(name, 1, true) then standing = "other" end
  end
  return standing
end

-- Whether the last line has to get its newline: not for its own sake where the tool drops it anyway, or where it
-- would only begin to switch something off.
local function must_end(line, add)
  return line:sub(-1) ~= "\n" and (add[1] ~= nil or not line:find("^[!#]") and not line:find("\r$"))
end

--- The list of changes that enable the shipped files `enable` (names, a set), add lines for `add` (a list of names)
--- and end the last line where need be: { line=, old= or nil, new= }, with their newlines.
function configuration.changes(text, enable, add)
  local lines, changes = lines_of(text), {}
  for i, line in ipairs(lines) do
    local new = line
    local name = line:match("^!(.-)\n?$")
    if name and enable[name] and is_disabling(line, name) then new = line:sub(2) end
    if i == #lines and must_end(new, add) then new = new .. "\n" end
    if new ~= line then changes[#changes + 1] = { line = i, old = line, new = new } end
  end
  for i, name in ipairs(add) do changes[#changes + 1] = { line = #lines + i, new = name .. "\n" } end
  return changes
end

--- The text after these changes.
function configuration.change(text, changes)
  local lines = lines_of(text)
  for _, one in ipairs(changes) do lines[one.line] = one.new end
  return table.concat(lines)
end

local CONTEXT = 2 -- lines around a change

-- Changes that are near one another, as lists.
local function hunks_of(changes)
  local hunks = {}
  for _, one in ipairs(changes) do
    local last = hunks[#hunks]
    if last and one.line - last[#last].line <= 2 * CONTEXT + 1 then
      last[#last + 1] = one
    else
      hunks[#hunks + 1] = { one }
    end
  end
  return hunks
end

local function put(parts, mark, line)
  parts[#parts + 1] = mark .. line
  if line:sub(-1) ~= "\n" then parts[#parts + 1] = "\n\\ No newline at end of file\n" end
end

local function put_hunk(parts, lines, hunk)
  local first = math.max(1, hunk[1].line - CONTEXT)
  local last = math.min(math.max(#lines, hunk[#hunk].line), hunk[#hunk].line + CONTEXT)
  local head, next = #parts + 1, 1
  local before, after = 0, 0
  parts[head] = ""
  for i = first, last do
    local one = hunk[next]
    if one and one.line == i then
      if one.old then put(parts, "-", one.old) end
      if one.new then put(parts, "+", one.new) end
      before, after, next = before + (one.old and 1 or 0), after + (one.new and 1 or 0), next + 1
    else
      put(parts, " ", lines[i])
      before, after = before + 1, after + 1
    end
  end
  parts[head] = ("@@ -%d,%d +%d,%d @@\n"):format(before == 0 and first - 1 or first, before,
    after == 0 and first - 1 or first, after)
end

--- The changes that make one text of another, line by line; what is behind the last line of either is new or gone (new=nil).
function configuration.between(text, other)
  local lines, others, changes = lines_of(text), lines_of(other), {}
  for i = 1, math.max(#lines, #others) do
    if lines[i] ~= others[i] then changes[#changes + 1] = { line = i, old = lines[i], new = others[i] } end
  end
  return changes
end

--- The changes as a unified diff; `name` stands in its head.
function configuration.diff(text, changes, name)
  if not changes[1] then return "" end
  local lines, parts = lines_of(text), { ("--- %s\n+++ %s\n"):format(name, name) }
  for _, hunk in ipairs(hunks_of(changes)) do put_hunk(parts, lines, hunk) end
  return table.concat(parts)
end

return configuration
