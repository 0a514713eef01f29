local lu = require "luaunit"
local expect = require "kedge.expect"

TestExpect = {}

local function seen(http, more)
  local observation = { target = {}, http = http, tls = {} }
  for key, value in pairs(more or {}) do observation[key] = value end
  return observation
end

local function stopped(stage, code)
  return seen(nil, { stopped = { stage = stage, code = code } })
end

local function reply(status, body, truncated)
  return { version = "2", status = status, body = body, truncated = truncated }
end

local ASKED = { tls = { client_certificate_requested = true } }
local AVS = { body = "connection established with ATS certificate", fold = true, mismatch = "warn" }
local ATS = "Connection Established with ATS Certificate"

-- what, observation, target's expectation, options, status, code
local CASES = {
  { "nothing asked", seen(reply(500, "x")), nil, {}, "ok" },
  { "no reply, none asked", seen(nil), nil, { expect_status = { "200" } }, "ok" },
  { "status", seen(reply(204, "")), nil, { expect_status = { "204" } }, "ok" },
  { "class", seen(reply(204, "")), nil, { expect_status = { "2xx" } }, "ok" },
  { "one of two", seen(reply(404, "")), nil, { expect_status = { "2xx", "404" } }, "ok" },
  { "another status", seen(reply(500, "")), nil, { expect_status = { "2xx", "404" } }, "fail", "http.status" },
  { "body", seen(reply(200, "all is well")), nil, { expect_body = "is well" }, "ok" },
  { "a body has its case", seen(reply(200, "ALL IS WELL")), nil, { expect_body = "is well" }, "fail", "http.unexpected_body" },
  { "plain, no pattern", seen(reply(200, "a.c")), nil, { expect_body = "a%p" }, "fail", "http.unexpected_body" },
  { "pattern", seen(reply(200, "x\na.c\n")), nil, { expect_body = "^a%pc$", pattern = true }, "ok" },
  { "a pattern sees lines", seen(reply(200, "a\nb")), nil, { expect_body = "a.b", pattern = true }, "fail", "http.unexpected_body" },
  { "CRLF", seen(reply(200, "a\r\nb\r\n")), nil, { expect_body = "^b$", pattern = true }, "ok" },
  { "a line is cut", seen(reply(200, ("x"):rep(512) .. "y")), nil, { expect_body = "y", pattern = true }, "fail",
    "http.unexpected_body" },
  { "cut off", seen(reply(200, "x", true)), nil, { expect_body = "y" }, "fail", "http.too_large" },
  { "cut off behind it", seen(reply(200, "xy", true)), nil, { expect_body = "y" }, "ok" },
  { "cut off, status only", seen(reply(200, "x", true)), nil, { expect_status = { "200" } }, "ok" },
  { "no body at all", seen(reply(204)), nil, { expect_body = "y" }, "fail", "http.unexpected_body" },
  { "stopped before", stopped("tls", "tls.closed"), nil, { expect_status = { "200" } }, "ok" },
  { "AVS", seen(reply(403, "<p>" .. ATS .. "</p>")), AVS, {}, "ok" },
  { "AVS, another body", seen(reply(200, "Hello")), AVS, {}, "warn", "http.unexpected_body" },
  { "http1: anything", seen(reply(500, "no")), { no_reply = "warn" }, {}, "ok" },
  { "http1: no reply", stopped("http", "http.timeout"), { no_reply = "warn" }, {}, "warn", "http.timeout" },
  { "http1: closed", stopped("http", "tls.closed"), { no_reply = "warn" }, {}, "warn", "http.bad_reply" },
  { "http1: no TLS", stopped("tls", "tls.closed"), { no_reply = "warn" }, {}, "ok" },
  { "h2: no reply is left to explain", stopped("http", "http.timeout"), AVS, {}, "ok" },
  { "a certificate is wanted", seen(reply(400, ""), ASKED), nil, {}, "fail", "tls.client_cert_required" },
  { "400 as expected", seen(reply(400, ""), ASKED), nil, { expect_status = { "400" } }, "ok" },
  { "a plain 400", seen(reply(400, "")), nil, {}, "ok" },
}

function TestExpect.test_judge()
  for _, case in ipairs(CASES) do
    case[2].target.expect = case[3]
    local found = expect.judge(case[2], case[4])
    lu.assertEquals({ found.status, found.code, found.ok }, { case[5], case[6], case[5] == "ok" }, case[1])
  end
end

function TestExpect.test_a_pattern_that_takes_for_ever()
  local body = (("a"):rep(512) .. "\n"):rep(128)
  local started = os.clock()
  local found = expect.judge(seen(reply(200, body)), { expect_body = "a-a-b", pattern = true })
  lu.assertEquals(found.code, "local.limit")
  lu.assertTrue(os.clock() - started < 8) -- 128 lines take 13 s without the bound
end

local PATTERNS = { "", "a", "^a$", "a-", "[]a]", "[^]]", "[%]]", "%bxy", "%f[%w]", "(a)%1", "()", "%%", "a[b-", "%", "(", ")", "[",
  "[^", "[a", "%b", "%bx", "%f", "%fa", "%1", "(%1)", "(a)%2", ("(a)"):rep(33), "[%", "[]" }

-- A pattern that is accepted must not raise on any subject; what Lua raises on must be refused.
function TestExpect.test_patterns()
  for _, pattern in ipairs(PATTERNS) do
    local accepted = expect.pattern(pattern)
    local raised = false
    for _, subject in ipairs { "", "a", "aa", "xay", "]", "a]b", "(", ")", ("a"):rep(40) } do
      if not pcall(string.find, subject, pattern) then raised = true end
    end
    if raised then lu.assertNil(accepted, pattern) end
  end
  for i = 1, 12 do lu.assertTrue(expect.pattern(PATTERNS[i]), PATTERNS[i]) end
end

-- pattern, whether it is quick enough on any line
local COSTS = {
  { "^HTTP.-%d+ .*$", true }, { "a.*b.*c", true }, { "a.*b.*c.*d", false }, { "^a.*b.*c.*d", true }, { "^.*.*.*.*x", false },
  { ("a?"):rep(8) .. "b", true }, { ("a?"):rep(40) .. ("a"):rep(40), false }, { "a-a-a-b", false }, { "^*a*b*c*d", true },
  { "%b()%b[]%b{}", false },
  { "[*+-]?[*][+][-]x*", true }, { "%*%*%*%*%*", true }, { "(.-)=(.-)", true },
  { ("[%s]-"):format(("a"):rep(4000)):rep(2) .. "b", false },
}

function TestExpect.test_a_pattern_that_could_take_minutes_is_refused()
  for _, case in ipairs(COSTS) do
    local accepted, message = expect.pattern(case[1])
    lu.assertEquals(accepted == true, case[2], case[1])
    if not case[2] then lu.assertStrContains(message, "could take minutes on one line") end
    if case[2] then
      local started = os.clock()
      for _, line in ipairs { ("a"):rep(512), ("a*b"):rep(170), ("."):rep(512) } do line:find(case[1]) end
      lu.assertTrue(os.clock() - started < 30, case[1]) -- the next worse take minutes
    end
  end
end

function TestExpect.test_status_words()
  for _, word in ipairs { "200", "599", "2xx", "5xx" } do lu.assertEquals(expect.status(word), word) end
  for _, word in ipairs { "", "20", "2000", "099", "600", "6xx", "2XX", "x", "-1" } do lu.assertNil(expect.status(word), word) end
end

os.exit(lu.LuaUnit.run("-o", "tap"))
