-- io for scripts: what they write on standard output keeps out of a report
-- that goes there, as print does, and what they read of standard input isn't
-- what @- reads.

local output = require "kedge.output"

local standard_files = {}

local standard = {} -- metatable of the three

local function is_standard(value)
  return getmetatable(value) == standard
end

local function no_close(self)
  error(("%s can't be closed: it isn't the script's"):format(tostring(self)), 2)
end

-- One of the three; what isn't in `methods` fails as on a file that can't do it.
local function stream(name, methods)
  local function refuse() return nil, name .. " is not for that" end
  local self = setmetatable({ read = refuse, write = refuse, lines = refuse, seek = refuse, close = no_close }, standard)
  self.flush, self.setvbuf = function() return self end, function() return true end
  for field, method in pairs(methods) do self[field] = method end
  self.name = name
  return self
end

function standard.__tostring(self) return self.name end

local function writing(name, write)
  return stream(name, { write = function(self, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
      local kind = type(parts[i])
      if kind ~= "string" and kind ~= "number" then
        error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, kind), 2)
      end
    end
    write(table.concat(parts))
    return self
  end })
end

local function check_free(level)
  local list = package.loaded["kedge.target_list"]
  if list and list.has_input then error("standard input isn't for scripts here: @- reads targets from it", level + 1) end
end

local function reading(name)
  return stream(name, {
    read = function(_, ...)
      check_free(2)
      return io.stdin:read(...)
    end,
    lines = function(_, ...)
      check_free(2)
      return io.stdin:lines(...)
    end,
  })
end

local function opened(path, mode)
  if type(path) ~= "string" then return path end
  local file, message = io.open(path, mode)
  if not file then error(message, 3) end
  return file
end

--- What stands in io in place of Lua's own.
function standard_files.new()
  local input, out = reading "standard input", writing("standard output", output.print_of_script)
  local changed = { stdin = input, stdout = out, stderr = writing("standard error", output.say_plain) }
  function changed.input(file)
    if file ~= nil then input = opened(file, "r") end
    return input
  end
  function changed.output(file)
    if file ~= nil then out = opened(file, "w") end
    return out
  end
  function changed.read(...)
    if is_standard(input) then check_free(2) end
    return input:read(...)
  end
  function changed.write(...) return out:write(...) end
  function changed.lines(path, ...)
    if path ~= nil then return io.lines(path, ...) end
    if is_standard(input) then check_free(2) end
    return input:lines(...)
  end
  function changed.close(file) return (file or out):close() end
  function changed.type(value) return is_standard(value) and "file" or io.type(value) end
  return changed
end

return standard_files
