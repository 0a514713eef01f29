-- AlexaClientSDKConfig.json: sets "endpoint" in "sampleApp", or takes it out
-- again. People edit this file and the SDK reads it, so nothing is written
-- anew: an edit is a list of { first, stop, text }, places in the old text (stop
-- is the first byte that stays) and what stands there afterwards.

local scan = require "kedge.json_scan"

local sdk_config = {}

local APP, ENDPOINT = "sampleApp", "endpoint"
local UNIT = "    " -- one step of indentation, where the file has none to go by

-- How the file is laid out.

-- The first byte of the line in which `at` stands.
local function line_start(config, at)
  return config.text:sub(1, at - 1):match("^.*\n()") or config.root.begin
end

local function indent_at(config, at)
  return config.text:match("^[ \t]*", line_start(config, at))
end

-- The line ending before the line of `at`, else the file's first, else "\n".
local function newline_at(config, at)
  local begin = line_start(config, at)
  if begin == config.root.begin then begin = (config.text:find("\n", 1, true) or 0) + 1 end
  return config.text:sub(begin - 2, begin - 1) == "\r\n" and "\r\n" or "\n"
end

-- The first member that stands on a line further down than its object's brace.
local function first_on_own_line(config, object)
  for _, member in ipairs(object.members) do
    if line_start(config, member.key_at) > object.first then return member end
  end
end

-- What a nested object is indented by.
local function unit(config)
  local member = first_on_own_line(config, config.root)
  local indent = member and indent_at(config, member.key_at) or ""
  local outer = indent_at(config, config.root.first)
  if #indent > #outer and indent:sub(1, #outer) == outer then return indent:sub(#outer + 1) end
  return UNIT
end

-- The colon as it is written elsewhere, with its spaces.
local function colon_like(config, object)
  local member = object.members[#object.members] or config.root.members[#config.root.members]
  local written = member and config.text:sub(member.key_stop, member.value_at - 1)
  return written and written:match("^[ \t]*:[ \t]*$") or ": "
end

-- What stands between two members on one line.
local function space_like(config, object, colon)
  local members = object.members
  local before = members[#members - 1]
  local written = before and config.text:sub(before.comma + 1, members[#members].key_at - 1)
  return written and written:match("^[ \t]*$") or colon:match("[ \t]*$")
end

-- Line ending and indentation of a member on a line of its own: `broken` says
-- whether the object is laid out so.
local function layout(config, object)
  local text, last = config.text, object.members[#object.members]
  local style = { colon = colon_like(config, object), newline = newline_at(config, last and last.key_at or object.last) }
  style.space = space_like(config, object, style.colon)
  if last and line_start(config, last.key_at) > object.first then
    style.broken, style.indent = true, indent_at(config, last.key_at)
  else
    style.indent = indent_at(config, object.first) .. unit(config)
    style.broken = not last and (text:sub(object.first, object.last):find("\n", 1, true) ~= nil
      or object ~= config.root and first_on_own_line(config, config.root) ~= nil)
  end
  return style
end

-- Setting.

-- The end of the comments that belong to what ends at `at`, those on its line
-- (or, with `all`, every one up to the next token); true if a line has to end there.
local function comments_end(text, at, all)
  local stop, ends_line = at, false
  while true do
    local next = text:match(all and "^[ \t\r\n]*()" or "^[ \t]*()", stop)
    local opening = text:sub(next, next + 1)
    if opening == "//" then
      stop, ends_line = text:find("\r?\n", next), true
      if not all then return stop, true end
    elseif opening == "/*" then
      stop, ends_line = select(2, text:find("*/", next + 2, true)) + 1, false
    else
      return stop, ends_line
    end
  end
end

-- What stands before the new member, and behind it up to the brace (nil: what was there).
local function surroundings(config, object, style, at, must_break)
  local text, is_empty = config.text, #object.members == 0
  local rest = text:sub(at, object.last - 1)
  local line_break = style.newline .. style.indent
  if not style.broken and not must_break then
    if is_empty and at == object.first + 1 then return rest end
    return style.space
  end
  if is_empty and not rest:find("\n", 1, true) then
    return line_break, style.newline .. indent_at(config, object.first)
  end
  return line_break
end

-- Edits that add a member behind the last one and behind what is said about that.
local function add_member(config, object, style, member)
  local last = object.members[#object.members]
  local from = last and last.value_stop or object.first + 1
  local at, must_break = comments_end(config.text, from, not last)
  local before, behind = surroundings(config, object, style, at, must_break)
  local insertion = { at, behind and object.last or at, before .. member .. (behind or "") }
  if not last then return { insertion } end
  return { { from, from, "," }, insertion }
end

local function endpoint_member(style, url)
  return ('"%s"%s"%s"'):format(ENDPOINT, style.colon, url)
end

-- A whole new "sampleApp".
local function app_member(config, style, url)
  local inside, behind = style.colon:match("[ \t]*$"), style.colon:match("[ \t]*$")
  if style.broken then
    inside, behind = style.newline .. style.indent .. unit(config), style.newline .. style.indent
  end
  return ('"%s"%s{%s%s%s}'):format(APP, style.colon, inside, endpoint_member(style, url), behind)
end

-- Taking out.

-- The tokens of a member without the comments between them.
local function token_ranges(text, member)
  local ranges = { { member.key_at, member.key_stop } }
  local tokens = { { member.colon, member.colon + 1 }, { member.value_at, member.value_stop } }
  if member.comma then tokens[3] = { member.comma, member.comma + 1 } end
  for _, token in ipairs(tokens) do
    local before = ranges[#ranges]
    if text:sub(before[2], token[1] - 1):find("/", 1, true) then
      ranges[#ranges + 1] = token
    else
      before[2] = token[2]
    end
  end
  return ranges
end

-- Takes along the white space that only the member needed.
local function widen(config, object, member, ranges)
  local text, first, last = config.text, ranges[1], ranges[#ranges]
  local begin = line_start(config, first[1])
  local line_stop = text:match("^[ \t]*\r?\n()", last[2])
  if #ranges == 1 and line_stop and begin > object.first and not text:sub(begin, first[1] - 1):find("[^ \t]") then
    first[1], first[2] = begin, line_stop
  elseif member.comma then
    last[2] = text:match("^[ \t]*()", last[2])
  else
    while text:sub(first[1] - 1, first[1] - 1):find("^[ \t]") do first[1] = first[1] - 1 end
  end
end

-- Finding.

-- The one member called `name`: it and its index, or nil; nil, sentence where there are two.
local function find(config, object, name)
  local found, index
  for i, member in ipairs(object.members) do
    if member.key == name then
      if found then
        return nil, ('"%s" stands there twice, at %s and at %s'):format(name, scan.place(config.text, found.key_at),
          scan.place(config.text, member.key_at))
      end
      found, index = member, i
    end
  end
  return found, index
end

--- Reads the text of a configuration: { text=, root=, app= (the object
-- "sampleApp" or nil), endpoint= (its value where it is text, else nil) }, or nil
-- and a sentence with line and column.
function sdk_config.read(text)
  local root, message = scan.read(text, { [APP] = {} })
  if not root then return nil, message end
  local config = { text = text, root = root }
  local app, member
  app, message = find(config, root, APP)
  if not app then
    if message then return nil, message end
    return config
  end
  if app.kind ~= "object" then return nil, ('%s: "%s" is not an object'):format(scan.place(text, app.value_at), APP) end
  config.app = app.value
  member, message = find(config, app.value, ENDPOINT)
  if not member then
    if message then return nil, message end
    return config
  end
  if member.kind == "object" or member.kind == "list" then
    return nil, ('%s: "%s" is not a text'):format(scan.place(text, member.value_at), ENDPOINT)
  end
  config.member, config.index, config.endpoint = member, message, member.value
  return config
end

--- Edits that set the endpoint to `url` (characters of a URL only); an empty
-- list where it is set already.
function sdk_config.set(config, url)
  if config.endpoint == url then return {} end
  local member = config.member
  if member then return { { member.value_at, member.value_stop, '"' .. url .. '"' } } end
  local object = config.app or config.root
  local style = layout(config, object)
  return add_member(config, object, style, config.app and endpoint_member(style, url) or app_member(config, style, url))
end

--- Edits that take the endpoint out; an empty list where there is none.
function sdk_config.reset(config)
  local member = config.member
  if not member then return {} end
  local edits, before = {}, config.app.members[config.index - 1]
  if before and not member.comma then edits[1] = { before.comma, before.comma + 1, "" } end
  local ranges = token_ranges(config.text, member)
  widen(config, config.app, member, ranges)
  for _, range in ipairs(ranges) do edits[#edits + 1] = { range[1], range[2], "" } end
  return edits
end

--- The text after the edits, which stand in the order of the text.
function sdk_config.edit(text, edits)
  local parts, from = {}, 1
  for _, edit in ipairs(edits) do
    parts[#parts + 1] = text:sub(from, edit[1] - 1) .. edit[3]
    from = edit[2]
  end
  return table.concat(parts) .. text:sub(from)
end

--- The text of a configuration that was read, with the endpoint at `url`, or
-- without one where `url` is nil: the same text where nothing is to be done.
function sdk_config.change(config, url)
  local edits = url and sdk_config.set(config, url) or sdk_config.reset(config)
  if not edits[1] then return config.text end
  local changed = sdk_config.edit(config.text, edits)
  local again = assert(sdk_config.read(changed)) -- a wrong edit must never reach the file
  assert(again.endpoint == url and (url or not again.member), "the edit missed its mark")
  return changed
end

return sdk_config
