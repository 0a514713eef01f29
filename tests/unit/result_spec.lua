local lu = require "luaunit"
local result = require "kedge.result"

TestResult = {}

local GOOD = { id = "x", status = "ok", code = "ok", message = "m", warnings = {} }

-- what is wrong, a word of the complaint
local FAULTS = {
  { "text", "table" }, { { status = "ok" }, "id" }, { { id = "x" }, "status" }, { { id = "x", status = "good" }, "status" },
  { { id = "x", status = "ok", mesage = "m" }, "did you mean 'message'" }, { { id = 1, status = "ok" }, "'id'" },
  { { id = "x", status = "ok", queue = 3 }, "values" }, { { id = "x", status = "ok", warnings = "none" }, "'warnings'" },
  { { id = "x", status = "ok", code = "Bad" }, "no code" },
  -- own data
  { { id = "x", status = "ok", values = { queue = print } }, "values.queue is a function" },
  { { id = "x", status = "ok", labels = { [true] = 1 } }, "no text" },
  { { id = "x", status = "ok", values = { 1, 2, a = 3 } }, "has the name 'a'" },
  { { id = "x", status = "ok", values = { a = { 1, 2, [4] = 3 } } }, "holes" },
  -- fields that kedge knows
  { { id = "x", status = "ok", tls = { verson = "x" } }, "did you mean 'version'" },
  { { id = "x", status = "ok", chain = { "leaf" } }, "chain[1] is a string" },
  { { id = "x", status = "ok", warnings = { { code = "a.b" } } }, "warnings[1] has no 'message'" },
  { { id = "x", status = "ok", target = { port = 443 } }, "target has no 'host'" },
  { { id = "x", status = "ok", target = { host = "h", port = "443" } }, "target.port is a string, not a whole number" },
  { { id = "x", status = "ok", chain = { { sha256 = "5a", days_left = 1.5 } } }, "days_left is a number with a fraction, not a whole" },
  { { id = "x", status = "ok", chain = { { sha256 = "5a", not_after = 1795420800 } } }, "not_after is a number, not a text" },
  { { id = "x", status = "ok", verdicts = { trust = { code = true } } }, "code is a boolean, not a text" },
  { { id = "x", status = "ok", path = { "0" } }, "path[1] is a string, not a whole number" },
  { { id = "x", status = "ok", timings_ms = { total = "1" } }, "timings_ms.total" },
  { { id = "x", status = "ok", http = { status = {} } }, "http.status is a table" },
}

function TestResult.test_faults()
  lu.assertNil(result.fault(GOOD))
  for _, case in ipairs(FAULTS) do lu.assertStrContains(result.fault(case[1]), case[2]) end
end

function TestResult.test_own_data_that_is_told()
  local inner = {}
  inner.again = inner
  lu.assertStrContains(result.fault { id = "x", status = "ok", values = inner }, "nested")
  lu.assertNil(result.fault { id = "x", status = "ok", path = { 0, 1.0 }, target = { host = "h" }, chain = { { sha256 = "5a", san = { "a" },
    days_left = -3.0 } }, http = { version = "2", status = 200, truncated = true } })
  lu.assertNil(result.fault { id = "x", status = "ok", labels = { list = { "a", "b" } }, values = { queue = 3, depth_ms = 1.5,
    ["a b"] = true, deeper = { still = "text" } } })
end

function TestResult.test_made_by_hand()
  local r = result.make("mine", "fail", "cert.expires_soon", "in a week", "renew it")
  lu.assertNil(result.fault(r))
  lu.assertEquals({ r.id, r.status, r.code, r.cause, r.message, r.remedy },
    { "mine", "fail", "cert.expires_soon", "cert.expires_soon", "in a week", "renew it" })
  r = result.make("mine", "ok")
  lu.assertEquals({ r.status, r.code, r.cause }, { "ok", "ok", nil })
end

function TestResult.test_a_result_changed_is_a_copy()
  local r = result.make(GOOD, "warn", "cert.expires_soon", "in a week")
  lu.assertEquals({ GOOD.status, #GOOD.warnings }, { "ok", 0 })
  lu.assertEquals(r.warnings, { { code = "cert.expires_soon", message = "in a week" } })
end

function TestResult.test_errors_and_interrupts()
  for _, r in ipairs { result.of_error("x", "file.lua:3: oops"), result.of_interrupt("x", { host = "h", port = 1, labels = { a = 1 } }),
    result.of_interrupt("x", "x") } do
    lu.assertNil(result.fault(r))
    lu.assertNotNil(r.message)
  end
  lu.assertStrContains(result.of_error("x", "file.lua:3: oops").message, "file.lua:3: oops")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
