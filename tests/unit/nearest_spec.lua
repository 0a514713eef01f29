local lu = require "luaunit"
local nearest = require "kedge.nearest"

TestNearest = {}

local WORDS = { "regions", "check", "list", "help", "--timeout", "--trust" }

-- word, what was meant
local CASES = {
  { "chek", "check" }, { "CHECK", "check" }, { "hcekc", nil }, { "cehck", "check" }, { "region", "regions" }, { "regi", "regions" },
  { "lsit", "list" }, { "--tiemout", "--timeout" }, { "--time", "--timeout" }, { "x", nil }, { "", nil }, { "zzzzzz", nil },
  { ("x"):rep(100000), nil },
}

function TestNearest.test_words()
  for _, case in ipairs(CASES) do lu.assertEquals(nearest.word(case[1], WORDS), case[2], case[1]:sub(1, 20)) end
end

function TestNearest.test_hint()
  lu.assertEquals(nearest.hint("chek", WORDS), "; did you mean 'check'?")
  lu.assertEquals(nearest.hint("x", WORDS), "")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
