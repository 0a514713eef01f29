-- lua/kedge.d.lua read for people: `kedge help api` and `kedge help api NAME`.

local nearest = require "kedge.nearest"
local show = require "kedge.show"

local reference = {}

local WIDTH = 80

-- A type and the words behind it: types may hold spaces inside of brackets.
local function split_type(text)
  local depth, i = 0, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c:find("[({<%[]") then depth = depth + 1 end
    if c:find("[)}>%]]") then depth = depth - 1 end
    if c == " " and depth == 0 and not text:sub(1, i - 1):find("[:,|]$") then return text:sub(1, i - 1), text:sub(i + 1) end
    i = i + 1
  end
  return text, ""
end

local tags = {}

local function named(text)
  local name, rest = text:match("^(%[?[%w_.]+%]?%??)%s*(.*)$")
  local kind, words = split_type(rest)
  return { name = name:gsub("%?$", ""), optional = name:find("%?$") ~= nil, type = kind, text = words }
end

function tags.param(entry, text) table.insert(entry.params, named(text)) end

function tags.field(entry, text) table.insert(entry.fields, named(text)) end

tags["return"] = function(entry, text)
  local kind, words = split_type(text)
  local name, rest = words:match("^(%S+)%s*(.*)$")
  table.insert(entry.returns, { name = name or "", type = kind, text = rest or "" })
end

function tags.class(entry, text)
  local name, parents = text:match("^([%w_.]+)%s*:?%s*(.*)$")
  entry.kind, entry.name, entry.parents = "class", name, {}
  for parent in parents:gmatch("[%w_.]+") do table.insert(entry.parents, parent) end
end

local function new() return { params = {}, fields = {}, returns = {}, lines = {} } end

-- One line that begins with ---; nil where it opens or closes code.
local function add_line(entry, line)
  local tag, rest = line:match("^@(%w+)%s*(.*)$")
  if tag then
    if tags[tag] then tags[tag](entry, rest) end
    return
  end
  line = line:gsub("^ ", "")
  if line:find("^```") then
    entry.in_code = not entry.in_code and line == "```lua"
  elseif entry.in_code then
    entry.example = entry.example or {}
    table.insert(entry.example, line)
  elseif line ~= "Example:" then
    table.insert(entry.lines, line)
  end
end

-- Text of an entry as a list of paragraphs.
local function paragraphs(entry)
  local list, current = {}, nil
  for _, line in ipairs(entry.lines) do
    if line == "" then
      current = nil
    elseif current then
      list[current] = list[current] .. " " .. line
    else
      current = #list + 1
      list[current] = line
    end
  end
  return list
end

--- Every entry in the order of the file: kind ("function" or "class"), name
--- ("kedge.check", "stream:read", "kedge.result"), signature, text (paragraphs),
--- params, returns, fields, parents, example (lines).
function reference.entries(text)
  text = text or assert(require("kedge.core.embedded").text("kedge.d"))
  local list, entry = {}, new()
  local function finish()
    entry.text = paragraphs(entry)
    list[#list + 1] = entry
    entry = new()
  end
  for line in text:gmatch("([^\n]*)\n") do
    local comment = line:match("^%-%-%-(.*)$")
    local name, arguments = line:match("^function ([%w_.:]+)(%b())")
    if comment then
      add_line(entry, comment)
    elseif name then
      entry.kind, entry.name, entry.signature = "function", name, name .. arguments
      finish()
    elseif entry.kind == "class" then
      finish()
    else
      entry = new()
    end
  end
  return list
end

local function first_sentence(entry)
  local text = entry.text[1] or ""
  return text:match("^(.-%.)%s") or text
end

local function short_name(entry) return (entry.name:gsub("^kedge%.", "")) end

-- The methods of a class, in the order of the file.
local function methods_of(entry, entries)
  local prefix, list = short_name(entry) .. ":", {}
  for _, other in ipairs(entries) do
    if other.kind == "function" and other.name:sub(1, #prefix) == prefix then list[#list + 1] = other end
  end
  return list
end

-- Lines of `text` behind a head of so many columns.
local function hang(head, text, columns)
  local lines = show.wrap(text, WIDTH - columns)
  if columns == 0 then return table.concat(lines, "\n") .. "\n" end
  if show.width(head) >= columns then table.insert(lines, 1, "") end
  lines[1] = show.width(head) >= columns and head or show.pad(head, columns) .. lines[1]
  for i = 2, #lines do lines[i] = (" "):rep(columns) .. lines[i] end
  return table.concat(lines, "\n") .. "\n"
end

--- `kedge help api`: every name with a sentence.
function reference.overview()
  local parts, classes, entries = {}, {}, reference.entries()
  for _, entry in ipairs(entries) do
    if entry.name == "kedge" then
      for _, text in ipairs(entry.text) do parts[#parts + 1] = hang("", text, 0) .. "\n" end
    elseif entry.kind == "function" then
      parts[#parts + 1] = hang("  " .. entry.signature, first_sentence(entry), 34)
    elseif #methods_of(entry, entries) == 0 then
      classes[#classes + 1] = hang("  " .. short_name(entry), first_sentence(entry), 34)
    else
      parts[#parts + 1] = "\n" .. hang("", entry.text[1], 0)
    end
  end
  return table.concat(parts) .. "\nTables:\n" .. table.concat(classes) .. "\nkedge help api NAME tells more of each.\n"
end

local function name_of(one) return one.name .. (one.optional and "?" or "") end

local function rows(title, list)
  if #list == 0 then return "" end
  local parts = { "\n" .. title .. ":\n" }
  for _, one in ipairs(list) do
    local head = "  " .. name_of(one)
    parts[#parts + 1] = hang(head, one.text == "" and one.type or one.type .. ": " .. one.text, 20)
  end
  return table.concat(parts)
end

-- Fields of a class and of those it is made of.
local function all_fields(entry, by_name)
  local list = { table.unpack(entry.fields) }
  for _, parent in ipairs(entry.parents or {}) do
    if by_name[parent] then table.move(all_fields(by_name[parent], by_name), 1, 99, #list + 1, list) end
  end
  return list
end

-- The first example in which `call` stands in front of its arguments, and whose it is.
local function example_with(call, entries)
  for _, other in ipairs(entries) do
    for _, line in ipairs(other.example or {}) do
      local _, stop = line:find(call, 1, true)
      if stop and line:find("^[ ({]", stop + 1) then return other.example, other.name end
    end
  end
end

--- The example of an entry, or one in which it is called and whose that is; as a list of lines.
function reference.example(entry, entries)
  if entry.example or entry.kind ~= "function" then return entry.example end
  local example, of = example_with(entry.name, entries)
  if not example then example, of = example_with(entry.name:match(":.*$") or entry.name, entries) end
  return example, of
end

local function describe(entry, entries, by_name)
  local parts = { (entry.signature or entry.name) .. "\n" }
  for _, text in ipairs(entry.text) do parts[#parts + 1] = "\n" .. hang("", text, 0) end
  parts[#parts + 1] = rows("Arguments (? may be left out)", entry.params)
  parts[#parts + 1] = rows("Gives", entry.returns)
  if entry.kind == "class" then
    local methods = methods_of(entry, entries)
    parts[#parts + 1] = rows("Fields (? may be left out)", all_fields(entry, by_name))
    if methods[1] then parts[#parts + 1] = "\nMethods:\n" end
    for _, other in ipairs(methods) do parts[#parts + 1] = hang("  " .. other.signature, first_sentence(other), 34) end
  end
  for _, one in ipairs(entry.params) do
    local options = by_name[one.type]
    if options then parts[#parts + 1] = rows("Fields of " .. one.name, all_fields(options, by_name)) end
  end
  local example, of = reference.example(entry, entries)
  if example then
    parts[#parts + 1] = ("\nExample%s:\n  %s\n"):format(of and " (that of " .. of .. ")" or "", table.concat(example, "\n  "))
  end
  return table.concat(parts)
end

--- `kedge help api NAME`: text, or nil and a sentence. NAME may lack "kedge.".
function reference.of(name)
  local entries, by_name, parts, names = reference.entries(), {}, {}, {}
  for _, entry in ipairs(entries) do
    if entry.kind == "class" then by_name[entry.name] = entry end
    names[#names + 1] = short_name(entry)
  end
  name = name:gsub("%(.*$", "")
  local wanted = { [name] = true, ["kedge." .. name] = true, [(name:gsub("%.", ":", 1))] = true }
  for _, entry in ipairs(entries) do -- a function and what it gives may have one name
    if wanted[entry.name] then parts[#parts + 1] = describe(entry, entries, by_name) end
  end
  if parts[1] then return table.concat(parts, "\n") end
  local hint = nearest.hint((name:gsub("^kedge%.", "")), names)
  return nil, ("the interface has no '%s'%s"):format(show.escape(name:sub(1, 100)), hint == "" and " (kedge help api shows it)" or hint)
end

return reference
