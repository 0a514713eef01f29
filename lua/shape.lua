-- What the table must hold that a script or a format returns.

local nearest = require "kedge.nearest"

local shape = {}

local SCRIPT = {
  summary = { "string", required = true }, description = { "string" }, options = { "function" },
  run = { "function", required = true },
  offline = { "boolean" }, -- checks no network: no store is opened, no proxy warned of
  examples = { "table" }, -- for help: list of { command line, what it does }
}
local FORMAT = { start = { "function" }, result = { "function" }, finish = { "function" } }

local function examples_fault(examples)
  for i, one in ipairs(examples) do
    if type(one) ~= "table" or type(one[1]) ~= "string" or type(one[2]) ~= "string" then
      return ("the field 'examples': number %d is not { command line, what it does }"):format(i), "examples"
    end
  end
end

local function sorted_keys(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

-- nil, or what is wrong with the table that a file returned, and the field
-- that it is about. A misspelt field is told before the one that is missing for it.
local function table_fault(value, fields)
  if value == nil then return "it returns nothing, not a table" end
  if type(value) ~= "table" then return "it returns a " .. type(value) .. ", not a table" end
  local names = sorted_keys(fields)
  for _, name in ipairs(sorted_keys(value)) do
    if not fields[name] then
      local hint = nearest.hint(tostring(name), names)
      if hint == "" then hint = "; there are " .. table.concat(names, ", ") end
      return ("the field '%s' is unknown%s"):format(tostring(name), hint), tostring(name)
    end
  end
  for _, name in ipairs(names) do
    local rule = fields[name]
    if value[name] == nil and rule.required then return ("the field '%s' (a %s) is missing"):format(name, rule[1]) end
    if value[name] ~= nil and type(value[name]) ~= rule[1] then
      return ("the field '%s' is a %s, not a %s"):format(name, type(value[name]), rule[1]), name
    end
  end
end

-- The line of the text where `field` is set, else where the table begins that is returned.
local function line_of(text, field)
  local last, number = 1, 0
  local wanted = field and "%f[%w_]" .. field:gsub("%W", "%%%0") .. "%s*=%f[^=]"
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if wanted and line:find(wanted) then return number end
    if line:find("^%s*return%f[^%w_]") then last = number end
  end
  return last
end

--- What `value`, returned by the script or format `origin` (a file's name),
-- lacks: nil, or a sentence, with the line in `text` where that is given.
-- `kind` is "script" or "format".
function shape.fault(kind, value, origin, text)
  local fault, field = table_fault(value, kind == "script" and SCRIPT or FORMAT)
  if not fault and kind == "script" and value.examples then fault, field = examples_fault(value.examples) end
  if not fault and kind == "format" and next(value) == nil then fault = "it has none of start, result and finish" end
  if not fault then return nil end
  if text then return ("%s:%d: %s"):format(origin, line_of(text, field), fault) end
  return origin .. ": " .. fault
end

--- True for the table of a script, false for that of a format; nil for neither.
function shape.is_script(value)
  if type(value) ~= "table" then return nil end
  if value.run or value.summary then return true end
  if value.start or value.result or value.finish then return false end
  return nil
end

return shape
