-- A health endpoint that answers in JSON, judged field by field.
--
--   kedge ./health.lua https://example.org/health

local kedge = require "kedge"

local function number(least, most)
  return function(value) return type(value) == "number" and value >= least and value <= most end
end

-- What each field has to be. A server may send anything: nothing is taken for granted but what is tested here.
local WANTED = {
  { field = "status", means = "up", good = function(value) return value == "up" end },
  { field = "queue", means = "at most 100", good = number(0, 100) },
  { field = "free_percent", means = "at least 10", good = number(10, 100) },
}

local function judge(r)
  if r.status ~= "ok" then return r end
  local body, message = kedge.json.decode(r.http.body)
  if type(body) ~= "table" then return kedge.fail(r, "health.no_json", message or "the answer is no object") end
  r.values = { queue = tonumber(body.queue), free_percent = tonumber(body.free_percent) }
  for _, wanted in ipairs(WANTED) do
    local value = body[wanted.field]
    if not wanted.good(value) then
      local text = ("%s is %s, not %s"):format(wanted.field, tostring(value), wanted.means)
      return kedge.fail(r, "health." .. wanted.field, text, "See the server's log.")
    end
  end
  return r
end

return {
  summary = "a health endpoint whose fields are judged",
  options = function(cmd) cmd:argument("URL", "what answers in JSON"):args("+"):target("targets") end,
  run = function(ctx)
    ctx:each(ctx:targets(ctx.args.targets, { expect = { status = 200 } }), function(target) return judge(kedge.check(target)) end)
  end,
}
