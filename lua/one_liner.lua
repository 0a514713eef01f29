-- `kedge -e CODE`: a line of Lua as a script. `kedge` and `ctx` are there, `...`
-- are the words behind it, and variables may be made. What the code's last
-- value is, is reported where it is a result, else printed.

local loader = require "kedge.loader"
local result = require "kedge.result"

local one_liner = {}

local NAME = "-e"

--- Text of a value for people: JSON of a table, as far as it can be written so.
function one_liner.text_of(value)
  if type(value) ~= "table" or getmetatable(value) and getmetatable(value).__tostring then return tostring(value) end
  local done, text = pcall(require("kedge.json").encode, value)
  return done and text or tostring(value)
end

-- Which results were reported, so that none is again.
local function remember_reports(report)
  local reported, add = setmetatable({}, { __mode = "k" }), report.add
  function report.add(self, r)
    reported[r] = true
    return add(self, r)
  end
  return reported
end

-- Reports results, prints everything else.
local function give(ctx, value, reported)
  local list = type(value) == "table" and (value.id and { value } or value[1] ~= nil and value) or nil
  if list and not result.fault(list[1]) then
    for _, one in ipairs(list) do
      if not reported[one] then ctx:report(one) end
    end
    return
  end
  require("kedge.output").print_of_script(one_liner.text_of(value) .. "\n")
end

--- A script's table for `code`, called with `words`; nil, message.
function one_liner.script(code, words)
  local env = loader.environment { kedge = require "kedge" }
  local chunk = loader.code("return " .. code, NAME, env)
  local message
  if not chunk then chunk, message = loader.code(code, NAME, env) end
  if not chunk then return nil, message end
  local function run(ctx)
    env.ctx = ctx
    local reported = remember_reports(ctx.the_report)
    local values = table.pack(chunk(table.unpack(words)))
    while values.n > 0 and values[values.n] == nil do values.n = values.n - 1 end
    for i = 1, values.n do give(ctx, values[i], reported) end
  end
  return { summary = "a line of Lua", offline = true, is_code = true, run = run }
end

return one_liner
