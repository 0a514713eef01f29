local lu = require "luaunit"
local fake = dofile "tests/unit/fake_seen.lua"
local explain = require "kedge.explain"
local result = require "kedge.result"

TestExplain = {}

local GOOD = fake.verdicts(fake.verdict())
local OK = { ok = true, status = "ok" }
local UNEXPECTED = { ok = false, status = "warn", code = "http.unexpected_body", expected = "text" }

local function bad(code, failure)
  return fake.verdict(code, nil, { { rule = "r", code = code, certificate = failure or 0, detail = "a detail" } })
end

local function failing(code) return fake.verdicts(bad(code)) end

-- what, seen, verdicts, expectation: status, stage, code, cause, other codes among the warnings
local CASES = {
  { "all well", fake.seen(), GOOD, OK, "ok", nil, "ok", nil, "" },
  { "tls only", fake.seen { h2 = false, http = false }, GOOD, nil, "ok", nil, "ok", nil, "" },
  { "no name", fake.stopped("dns", "dns.nxdomain"), nil, OK, "fail", "dns", "dns.nxdomain", "dns.nxdomain", "" },
  { "refused", fake.stopped("tcp", "tcp.refused", "no"), nil, OK, "fail", "tcp", "tcp.refused", "tcp.refused", "" },
  { "not TLS", fake.stopped("tls", "tls.not_tls", "SSH"), nil, OK, "fail", "tls", "tls.not_tls", "tls.not_tls", "" },
  { "alert", fake.stopped("tls", "tls.alert.access_denied"), GOOD, OK, "fail", "tls",
      "tls.alert.access_denied", "tls.alert.access_denied", "" },
  { "no h2", fake.stopped("alpn", "alpn.none"), GOOD, OK, "fail", "alpn", "alpn.none", "alpn.none", "" },
  { "goaway", fake.stopped("h2", "h2.goaway", nil, { h2 = { goaway = { code = 1, name = "PROTOCOL_ERROR" } } }), GOOD, OK, "fail", "h2",
    "h2.goaway", "h2.goaway PROTOCOL_ERROR", "" },
  { "reply late", fake.stopped("http", "http.timeout"), GOOD, OK, "fail", "http", "http.timeout", "http.timeout", "" },
  { "http1 lenient", fake.stopped("http", "http.timeout"), GOOD, { ok = false, status = "warn", code = "http.timeout" }, "warn", nil,
    "http.timeout", "http.timeout", "http.timeout" },
  { "body", fake.seen(), GOOD, UNEXPECTED, "warn", nil, "http.unexpected_body", "http.unexpected_body", "http.unexpected_body" },
  { "status", fake.seen(), GOOD, { ok = false, status = "fail", code = "http.status", expected = "204" }, "fail", "http", "http.status",
    "http.status 200", "" },
  { "expired", fake.seen { h2 = false, http = false }, failing("trust.expired"), OK, "fail", "trust",
      "trust.expired", "trust.expired", "" },
  { "expired authority", fake.seen(), fake.verdicts(bad("trust.expired", 1)), OK, "fail", "trust",
      "trust.expired", "trust.expired CN=M01", "" },
  { "unknown", fake.seen(), failing("trust.unknown_issuer"), OK, "fail", "trust", "trust.unknown_issuer",
      "trust.unknown_issuer CN=Root 1", "" },
  { "incomplete", fake.seen(), failing("trust.incomplete_chain"), OK, "fail", "trust", "trust.incomplete_chain",
    "trust.incomplete_chain CN=M01", "" },
  { "missing", fake.seen(), fake.verdicts(bad("trust.unknown_issuer"), fake.verdict()), OK, "fail", "trust", "trust.missing_ca",
    "trust.missing_ca CN=Root 1", "" },
  { "not ats", fake.seen(), fake.verdicts(fake.verdict(), bad("trust.unknown_issuer")), OK, "fail", "trust", "trust.not_ats",
    "trust.not_ats CN=Root 1", "" },
  { "no store", fake.seen(), fake.verdicts(fake.verdict("trust.no_store", "/none", { { rule = "store",
      code = "trust.no_store", certificate = -1,
    detail = "x" } })), OK, "fail", "trust", "trust.no_store", "trust.no_store /none", "" },
  { "too deep", fake.seen(), failing("local.limit"), OK, "fail", nil, "local.limit", "local.limit", "" },
  { "bad verdict, then alert", fake.stopped("tls", "tls.client_cert_required"), failing("trust.expired"), OK,
      "fail", "trust", "trust.expired",
    "trust.expired", "tls.client_cert_required" },
  { "bad verdict, handshake closed by us", fake.stopped("trust", "trust.expired"), failing("trust.expired"), OK, "fail", "trust",
    "trust.expired", "trust.expired", "" },
  { "key of no use", fake.stopped("tls", "trust.unsupported"), failing("trust.expired"), OK, "fail", "trust", "trust.unsupported",
    "trust.unsupported", "trust.expired" },
  { "unreadable before that", fake.stopped("tls", "trust.unsupported"), failing("trust.bad_certificate"), OK, "fail", "trust",
    "trust.bad_certificate", "trust.bad_certificate", "trust.unsupported" },
  { "wrong signature in the handshake", fake.stopped("tls", "trust.bad_signature"), GOOD, OK, "fail", "trust", "trust.bad_signature",
    "trust.bad_signature", "" },
  { "insecure, and the body too", fake.seen(), failing("trust.expired"), { ok = false, status = "fail",
      code = "http.status" }, "fail", "trust",
    "trust.expired", "trust.expired", "http.status" },
  { "order", fake.seen(), fake.verdicts(fake.verdict(nil, nil, nil, { warnings = { { code = "trust.wrong_order" } } })), OK, "warn", nil,
    "trust.wrong_order", "trust.wrong_order", "trust.wrong_order" },
  { "order and body", fake.seen(), fake.verdicts(fake.verdict(nil, nil, nil,
      { warnings = { { code = "trust.wrong_order" } } })), UNEXPECTED,
    "warn", nil, "trust.wrong_order", "trust.wrong_order", "trust.wrong_order http.unexpected_body" },
  { "a failure keeps the warnings", fake.stopped("h2", "h2.timeout"), fake.verdicts(fake.verdict(nil, nil, nil, { warnings =
    { { code = "trust.partial_chain" } } })), OK, "fail", "h2", "h2.timeout", "h2.timeout", "trust.partial_chain" },
  { "no PING", fake.seen { h2 = { settings = {} } }, GOOD, OK, "warn", nil, "h2.no_ping_ack", "h2.no_ping_ack", "h2.no_ping_ack" },
  { "interrupted", fake.stopped("tls", "local.interrupted"), nil, OK, "skip", nil, "local.interrupted", nil, "" },
  { "out of descriptors", fake.stopped("tcp", "local.limit", "Too many open files"), nil, OK, "fail", nil,
      "local.limit", "local.limit", "" },
}

function TestExplain.test_cases()
  for _, case in ipairs(CASES) do
    local r = explain.result(case[2], case[3], case[4])
    local others = {}
    for i, warning in ipairs(r.warnings) do others[i] = warning.code end
    lu.assertEquals({ r.status, r.stage or "-", r.code, r.cause or "-", table.concat(others, " ") },
      { case[5], case[6] or "-", case[7], case[8] or "-", case[9] }, case[1])
    lu.assertNil(result.fault(r), case[1])
    lu.assertNotNil(r.message)
    lu.assertNil(r.message:find("nil", 1, true), r.message)
    if r.status == "fail" then lu.assertNotNil(r.remedy, case[1]) end
  end
end

function TestExplain.test_a_cause_names_no_host()
  for _, case in ipairs(CASES) do
    local r = explain.result(case[2], case[3], case[4])
    if r.cause then lu.assertNil(r.cause:find("alexa.example", 1, true), r.cause) end
  end
end

function TestExplain.test_what_a_result_shows()
  local r = explain.result(fake.seen(), GOOD, OK)
  lu.assertEquals(r.target, { host = "alexa.example", port = 443, address = "192.0.2.1" })
  lu.assertEquals(r.timings_ms, { dns = 1.25, tcp = 20, tls = 44, h2 = 21, http = 22, total = 108.9 })
  lu.assertEquals({ r.chain[1].subject, r.chain[1].days_left, r.chain[1].key, r.chain[1].not_after },
    { "CN=host.example", 200, "RSA 2048", "2027-06-11T08:00:00Z" })
  lu.assertEquals(r.path, { 0, 1 })
  lu.assertEquals({ r.anchor.subject, #r.anchor.sha256 }, { "CN=Root 1", 64 })
  lu.assertEquals(r.h2, { settings = { MAX_CONCURRENT_STREAMS = 128 }, ping_ms = 21.3 })
  lu.assertEquals(r.http, { version = "2", status = 200, body = "all is well" })
  lu.assertEquals(r.verdicts, { trust = { code = "ok", store = "/etc/store.pem" } })
end

function TestExplain.test_absent_parts_are_left_out()
  local r = explain.result(fake.stopped("dns", "dns.timeout"), nil, OK)
  for _, part in ipairs { "tls", "chain", "path", "anchor", "verdicts", "h2", "http" } do lu.assertNil(r[part], part) end
  lu.assertNil(r.target.address)
  lu.assertNil(r.timings_ms.tcp)
end

function TestExplain.test_the_chain_is_shown_where_no_verdict_came()
  local r = explain.result(fake.stopped("tls", "tls.timeout"), nil, OK)
  lu.assertEquals(#r.chain, 2)
  lu.assertNil(r.path)
end

function TestExplain.test_bodies_and_names_are_bounded()
  fake.certificate("long", "M01", { subject_text = ("x"):rep(100000) })
  local r = explain.result(fake.seen { chain = { "long", "unreadable" }, http = { version = "2", status = 200,
      body = ("\xff"):rep(5000) } }, GOOD)
  lu.assertEquals(#r.chain[1].subject, 1000)
  lu.assertNil(r.chain[2].subject)
  lu.assertEquals(#r.chain[2].sha256, 64)
  lu.assertTrue(#r.http.body <= 4096)
  lu.assertNotNil(utf8.len(r.http.body))
  lu.assertTrue(r.http.truncated)
end

function TestExplain.test_dates_that_cannot_be_read()
  fake.certificate("undated", "M01", { not_after = false, not_before = false })
  local r = explain.result(fake.seen { chain = { "undated" } }, GOOD)
  lu.assertNil(r.chain[1].not_after)
  lu.assertNil(r.chain[1].days_left)
end

function TestExplain.test_messages()
  local r = explain.result(fake.seen(), fake.verdicts(bad("trust.unknown_issuer"), fake.verdict(nil, "ats")), OK)
  lu.assertStrContains(r.message, "CN=Root 1")
  lu.assertStrContains(r.message, "/etc/store.pem")
  r = explain.result(fake.seen(), fake.verdicts(fake.verdict("trust.clock")), OK)
  lu.assertStrContains(r.message, "2026-11-23T08:00:00Z")
  lu.assertStrContains(r.message, "2026-10-24T08:00:00Z")
  r = explain.result(fake.stopped("tcp", "tcp.refused"), nil, OK)
  lu.assertStrContains(r.message, "192.0.2.1")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
