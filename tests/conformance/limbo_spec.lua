-- The public conformance cases of x509-limbo, where they lie beside the checkout.

local lu = require "luaunit"
local dkjson = require "dkjson"
local core_store = require "kedge.core.store"
local judge = require "kedge.judge"
local name = require "kedge.name"
local x509 = require "kedge.core.x509"

local CASES = "../shared/limbo/cases.json"
local FIRST_SECOND_OF_2026 = 1767225600 -- for cases that leave the time open; see the suite's README

-- What a later policy refuses, by the beginning of the case's name; until then it may be accepted.
local LATER = {
  ["webpki::"] = "rules of the CA/Browser Forum",
  ["rfc5280::nc::"] = "name constraints",
  ["rfc5280::serial::"] = "strict: serials",
  ["rfc5280::aki::"] = "strict: authority key identifiers",
  ["rfc5280::ski::"] = "strict: subject key identifiers",
  ["rfc5280::san::noncritical-with-empty-subject"] = "strict: criticality of subjectAltName",
}

local function later(id)
  for beginning, why in pairs(LATER) do
    if id:sub(1, #beginning) == beginning then return why end
  end
end

local function der_of(pem)
  return x509.pem(pem)[1].der
end

-- "2024-03-01T00:00:00+00:00", perhaps with milliseconds -> unix seconds
local function seconds(text)
  if not text then return FIRST_SECOND_OF_2026 end
  local year, month, day, hour, min, sec = text:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  local before = (year - 1) * 365 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  local months = { 31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
  for i = 1, month - 1 do before = before + months[i] end
  return ((before + day - 1 - 719162) * 24 + hour) * 3600 + min * 60 + sec -- 719162 days before 1970
end

local function wanted(peer)
  if not peer then return nil end
  return name.of { name = peer.kind == "DNS" and peer.value, ip = peer.kind == "IP" and peer.value }
end

local function judged(case)
  local ders = { der_of(case.peer_certificate) }
  for i, pem in ipairs(case.untrusted_intermediates) do ders[i + 1] = der_of(pem) end
  local store = { name = case.id, core = core_store.new(case.id) }
  for _, pem in ipairs(case.trusted_certs) do store.core:add_pem(pem, case.id) end
  return judge.chain(ders, store, {
    time = seconds(case.validation_time), at_given = true, name = wanted(case.expected_peer_name), depth = case.max_chain_depth,
  })
end

local function explain(verdict)
  local failure = verdict.failures[1]
  return failure and ("%s (%s)"):format(verdict.code, failure.detail) or verdict.code
end

TestLimbo = {}

function TestLimbo.test_all_cases()
  local file = io.open(CASES)
  if not file then
    print(("# figures: limbo: skipped, %s is not there"):format(CASES))
    lu.skip(CASES .. " is not there")
  end
  local cases = assert(dkjson.decode(file:read "a"))
  file:close()
  local counts, unexpected = { agree = 0, accepted = 0, refused = 0 }, {}
  for _, case in ipairs(cases) do
    local verdict = judged(case)
    if verdict.accepted == (case.expected_result == "SUCCESS") then
      counts.agree = counts.agree + 1
    elseif verdict.accepted then
      counts.accepted = counts.accepted + 1
      print(("# wrongly accepted: %s: %s"):format(case.id, later(case.id) or "no reason"))
      if not later(case.id) then unexpected[#unexpected + 1] = case.id end
    else
      counts.refused = counts.refused + 1
      print(("# wrongly refused: %s: %s"):format(case.id, explain(verdict)))
    end
  end
  print(("# figures: limbo: %d cases, %d agree, %d wrongly accepted, %d wrongly refused"):format(
    #cases, counts.agree, counts.accepted, counts.refused))
  lu.assertEquals(unexpected, {})
  lu.assertTrue(counts.agree >= 71) -- six more will agree when name constraints are judged
end

os.exit(lu.LuaUnit.run("-o", "tap"))
