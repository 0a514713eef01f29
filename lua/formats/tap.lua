-- TAP 13 with YAML diagnostics, a test for each result.

local flat = require "kedge.flat"
local json = require "kedge.json"
local show = require "kedge.show"

local format = {}

-- A description ends where a directive begins.
local function description(text)
  return (show.clean(text):gsub("[\\#]", "\\%0"))
end

-- JSON's strings are YAML's but for characters in two halves.
local function yaml_string(text)
  return (json.string(text):gsub("\\u(d[89ab]%x%x)\\u(d[c-f]%x%x)", function(high, low)
    return ("\\U%08x"):format(0x10000 + ((tonumber(high, 16) & 0x3FF) << 10 | tonumber(low, 16) & 0x3FF))
  end))
end

local function yaml_value(value)
  if value == nil then return "~" end
  if type(value) == "number" then
    local text = json.number(value)
    return text == "null" and "~" or text
  end
  return type(value) == "boolean" and tostring(value) or yaml_string(tostring(value))
end

local function diagnostics(out, r)
  out:write("  ---\n")
  for _, field in ipairs(flat.list(r)) do
    local name = field.name:find("^[%w_.]+$") and field.name or yaml_string(field.name)
    out:write("  ", name, ": ", yaml_value(field.value), "\n")
  end
  out:write("  ...\n")
end

function format.start(out)
  out:write("TAP version 13\n")
  out.state.count = 0
end

function format.result(out, r)
  out.state.count = out.state.count + 1
  out:write(r.status == "fail" and "not ok " or "ok ", tostring(out.state.count), " - ", description(r.id))
  if r.status == "skip" then out:write(" # SKIP ", (description(r.message or r.code))) end
  out:write("\n")
  diagnostics(out, r)
end

function format.finish(out)
  out:write(("1..%d\n"):format(out.state.count))
end

return format
