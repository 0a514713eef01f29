-- What is said of an update by the checks that come after it.

local after = require "kedge.update.after"
local lu = require "luaunit"

local function results(...)
  local list = {}
  for i, one in ipairs { ... } do
    local status, message = one:match("^(%w+) ?(.*)$")
    list[i] = { status = status, code = "c." .. #message, cause = status == "fail" and message or nil, message = message }
  end
  return list
end

-- word, results as "status message", conclusion behind "a check of the three regions "
local CASES = {
  { "all pass", { "ok", "ok" }, "now passes" },
  { "warnings are no failures", { "ok", "warn odd body" }, "now passes" },
  { "all fail", { "fail The name is unknown.", "fail The name is unknown." }, "still fails because the name is unknown" },
  { "some fail", { "ok", "fail It ended.", "ok" }, "still fails in 1 of 3 checks because it ended" },
  { "the cause of most", { "fail One.", "fail The two.", "fail The two." },
    "still fails because the two (and for other reasons in 1 check)" },
  { "a name stays as it is", { "fail TLS is odd" }, "still fails because TLS is odd" },
  { "interrupted", { "ok", "skip" }, "was interrupted" },
}

TestAfter = {}

function TestAfter.test_conclusions()
  for _, row in ipairs(CASES) do
    lu.assertEquals(after.conclusion(results(table.unpack(row[2]))), "a check of the three regions " .. row[3], row[1])
  end
end

function TestAfter.test_nothing_was_done()
  lu.assertEquals(after.conclusion(results("skip")), "no check of the three regions was made")
  lu.assertEquals(after.conclusion {}, "no check of the three regions was made")
end

os.exit(lu.LuaUnit.run())
