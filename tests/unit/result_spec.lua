local lu = require "luaunit"
local result = require "kedge.result"

TestResult = {}

local GOOD = { id = "x", status = "ok", code = "ok", message = "m", warnings = {} }

-- what is wrong, a word of the complaint
local FAULTS = {
  { "text", "table" }, { { status = "ok" }, "id" }, { { id = "x" }, "status" }, { { id = "x", status = "good" }, "status" },
  { { id = "x", status = "ok", mesage = "m" }, "did you mean 'message'" }, { { id = 1, status = "ok" }, "'id'" },
  { { id = "x", status = "ok", queue = 3 }, "values" }, { { id = "x", status = "ok", warnings = "none" }, "'warnings'" },
}

function TestResult.test_faults()
  lu.assertNil(result.fault(GOOD))
  for _, case in ipairs(FAULTS) do lu.assertStrContains(result.fault(case[1]), case[2]) end
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
