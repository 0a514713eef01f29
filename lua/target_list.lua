-- Targets of a command line with lists in files among them: @FILE, @- is standard input.

local file = require "kedge.core.file"
local show = require "kedge.show"
local target = require "kedge.target"

--- has_input: whether standard input is read here, and so for nobody else.
local target_list = { has_input = false }

local STDIN = 0
local LINE_MAX = 4096 -- what is longer is cut here, and too long for a target
local FILE_MAX = 16 * 1024 * 1024

-- Text of a line as a target; nil for none, after saying so where it is bad.
local function parse_line(ctx, text, name, number, opts)
  local item, message = target.line(text, { protocol = opts.protocol, expects = opts.expects })
  if message then ctx:problem(("%s:%d: %s"):format(name, number, message)) end
  return item
end

local function add_file(ctx, list, path, opts)
  local text, message = file.read(path, FILE_MAX)
  if not text then ctx:fail(message:find(path, 1, true) and message or path .. ": " .. message) end
  local before, number = #list, 0
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    list[#list + 1] = parse_line(ctx, line, path, number, opts)
  end
  return #list - before
end

-- Lines of standard input as they come: text, number; nil at the end or after an interrupt.
local function input_lines(ctx)
  local reader, interrupt = file.input(STDIN), require "kedge.interrupt"
  local buffer, position, number, ended = "", 1, 0, false
  local function fill()
    local piece, message = interrupt.wait(reader.read, reader)
    if message then ctx:problem("standard input cannot be read: " .. message) end
    ended = not piece or piece == ""
    buffer, position = buffer:sub(position), 1
    -- Of a line without end only as much is kept as shows that it is too long.
    if #buffer > LINE_MAX and not (piece or ""):find("\n", 1, true) then return end
    buffer = buffer .. (piece or "")
  end
  return function()
    local stop = buffer:find("\n", position, true)
    while not stop and not ended do
      fill()
      stop = buffer:find("\n", position, true)
    end
    if position > #buffer then return nil end
    local line = buffer:sub(position, (stop or #buffer + 1) - 1)
    position, number = (stop or #buffer) + 1, number + 1
    return line, number
  end
end

-- With -f jsonl or --print alone kedge is a filter: distributed runners also give it nothing, and get nothing.
local function is_filter(opts)
  for _, spec in ipairs(opts.format or {}) do
    if spec.name ~= "jsonl" and not spec.made then return false end
  end
  return opts.format ~= nil and opts.format[1] ~= nil
end

local function stdin_targets(ctx, list, opts)
  local next_line, i, found = input_lines(ctx), 0, #list > 0
  return function()
    i = i + 1
    if list[i] then return list[i] end
    while true do
      local text, number = next_line()
      if not text then
        if not found and not is_filter(ctx.options) and not require("kedge.interrupt").signal() then
          ctx:usage("standard input holds no target")
        end
        return nil
      end
      local item = parse_line(ctx, text, "standard input", number, opts)
      if item then
        item.line, found = number, true
        return item
      end
    end
  end
end

--- The targets of `words`: a list, or an iterator where standard input is among
-- them. `opts`: protocol and expects, as for target.parse. A word that is no
-- target ends the run as a usage error, a file that can't be read as a failure;
-- a bad line is said and passed over.
function target_list.open(ctx, words, opts)
  local list, has_input, files = {}, false, {}
  for _, word in ipairs(words) do
    local path = word:match("^@(.*)$")
    if path == "-" then
      if has_input then ctx:usage("@- stands there twice, but standard input can be read only once") end
      if ctx.options.repeat_count then ctx:usage("--repeat and @- exclude each other: standard input can be read only once") end
      has_input = true
    elseif path == "" then
      ctx:usage("@ is followed by the name of a file, or by - for standard input")
    elseif path then
      add_file(ctx, list, path, opts)
      files[#files + 1] = path
    else
      local item, message = target.parse(word, opts)
      if not item then ctx:usage(message) end
      list[#list + 1] = item
    end
  end
  if has_input then
    target_list.has_input = true
    return stdin_targets(ctx, list, opts)
  end
  if #list == 0 then ctx:usage(show.escape(table.concat(files, ", ")) .. " holds no target") end
  return list
end

return target_list
