-- A report as InfluxDB's line protocol, a point for each check.
--
--   kedge check example.org -f ./influx.lua | curl --data-binary @- 'http://localhost:8086/write?db=kedge&precision=s'

local flat = require "kedge.flat"
local show = require "kedge.show"

local SENT = { ["^status$"] = true, ["^code$"] = true, ["^timings_ms%."] = true, ["^values%."] = true } -- named as in -f json

local function is_sent(name)
  for pattern in pairs(SENT) do if name:find(pattern) then return true end end
end

-- A backslash can't be told from an escape there; an empty tag is none.
local function tag(text)
  text = show.clean(text):gsub("\\", "/"):gsub("[,= ]", "\\%0")
  return text == "" and "-" or text
end

-- nil for what has no place there: null, infinity, and what is no number.
local function value(v)
  if type(v) == "string" then return '"' .. show.clean(v):gsub('[\\"]', "\\%0") .. '"' end
  if type(v) == "number" then return math.abs(v) < math.huge and ("%.14g"):format(v) or nil end
  return v ~= nil and tostring(v) or nil
end

return {
  result = function(out, r)
    local fields = {}
    for _, field in ipairs(flat.list(r)) do
      local text = is_sent(field.name) and value(field.value)
      if text then fields[#fields + 1] = tag(field.name) .. "=" .. text end
    end
    out:write("kedge,script=", tag(out.state.script), ",id=", tag(r.id), r.run and ",run=" .. r.run or "", " ",
      table.concat(fields, ","), " ", out.state.time, "\n")
  end,
  start = function(out, report)
    out.state.script, out.state.time = report.script, ("%d"):format(report.started)
  end,
}
