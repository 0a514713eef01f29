-- `kedge new NAME` and `kedge new --format NAME`: a script or a format that runs
-- as it stands, and its test, in the working folder.

local change = require "kedge.core.change"
local embedded = require "kedge.core.embedded"
local show = require "kedge.show"

local new = {}

local NAME_MAX = 64
local WORDS = { api = true, help = true, list = true, new = true }

local function quoted(name)
  return show.escape(name:sub(1, 100))
end

-- nil, or why no script or format (`kind`) can have this name.
local function name_fault(kind, name)
  if not name:find("^%a[%w_-]*$") or #name > NAME_MAX then
    return ("'%s' is no name for a %s: it has letters, digits, - and _, begins with a letter, and is %d long at most"):format(
      quoted(name), kind, NAME_MAX)
  end
  if name:find("_test$") then return ("'%s' would be the test of another %s"):format(name, kind) end
  for _, known in ipairs(embedded.names(kind)) do
    if known == name then return ("there is a built-in %s '%s', which would go first; choose another name"):format(kind, name) end
  end
  if kind == "script" and WORDS[name] then return ("'%s' is a word of kedge's own; choose another name"):format(name) end
end

local function write(template, name, path)
  local text = assert(embedded.text("new." .. template)):gsub("%f[%w]NAME%f[%W]", name)
  local done, message = change.create(path, text)
  if done then return true end
  if message:find("File exists", 1, true) then return nil, ("%s is there already, and nothing is overwritten"):format(path) end
  return nil, message:find(path, 1, true) and message or path .. ": " .. message
end

local NEXT = {
  script = { { "kedge ./NAME.lua", "runs it" }, { "kedge ./NAME_test.lua", "tests it, without any network" },
    { "kedge help api", "everything that a script can call" }, last = "In ~/.config/kedge/ it is a command: kedge NAME." },
  format = { { "kedge check example.org -f ./NAME.lua", "uses it" }, { "kedge ./NAME_test.lua", "tests it, without any network" },
    last = "In ~/.config/kedge/ it has a name: -f NAME." },
}

local function next_lines(kind, name)
  local lines, widest = {}, 0
  for _, line in ipairs(NEXT[kind]) do widest = math.max(widest, #line[1]:gsub("NAME", name)) end
  for i, line in ipairs(NEXT[kind]) do lines[i] = ("  %s  %s\n"):format(show.pad((line[1]:gsub("NAME", name)), widest), line[2]) end
  return table.concat(lines) .. NEXT[kind].last:gsub("NAME", name) .. "\n"
end

--- Writes NAME.lua and NAME_test.lua. `kind` is "script" or "format". What to
-- say, or nil, message, exit status; then nothing was written.
function new.make(kind, name)
  local fault = name_fault(kind, name)
  if fault then return nil, fault, 2 end
  local template = kind == "script" and "check" or "format"
  local path, test = name .. ".lua", name .. "_test.lua"
  local done, message = write(template, name, path)
  if not done then return nil, message, 3 end
  done, message = write(template .. "_test", name, test)
  if not done then
    change.remove(path)
    return nil, message, 3
  end
  return ("Wrote %s, a %s, and %s, its test. Next:\n"):format(path, kind, test) .. next_lines(kind, name)
end

return new
