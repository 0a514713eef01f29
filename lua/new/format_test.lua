-- A test of NAME.lua: `kedge ./NAME_test.lua`.

local kedge = require "kedge"
local format = require "NAME" -- the file beside this one

-- What kedge gives to a format as `out`, with what was written in `text`.
local function new_out()
  return {
    text = "", state = {},
    write = function(self, ...) self.text = self.text .. table.concat { ... } end,
    escape = function(_, text) return text end,
  }
end

local RESULTS = {
  kedge.ok("a.test:443/h2", nil, "all is well"),
  kedge.fail("b.test:443/h2", "tcp.refused", "nothing listens there"),
}

local EXPECTED = [[
# kedge check
ok   a.test:443/h2 ok: all is well
fail b.test:443/h2 tcp.refused: nothing listens there
# 2 checks, 1 failed
]]

return {
  summary = "a test of the format NAME",
  offline = true, -- no store of certificates is needed
  run = function(ctx)
    local out = new_out()
    local report = { script = "check", summary = { total = 2, ok = 1, warn = 0, fail = 1, skip = 0 } }
    format.start(out, report)
    for _, r in ipairs(RESULTS) do format.result(out, r) end
    format.finish(out, report)
    if out.text == EXPECTED then
      ctx:report(kedge.ok("a whole report"))
    else
      ctx:report(kedge.fail("a whole report", "test.failed", "it is not what was expected, but: " .. out.text))
    end
  end,
}
