local lu = require "luaunit"
local policy = require "kedge.policy"

TestPolicy = {}

function TestPolicy.test_only_webpki_is_there()
  lu.assertEquals(policy.get("webpki").name, "webpki")
  for _, word in ipairs { "strict", "legacy", "", "name" } do
    local held, message = policy.get(word)
    lu.assertNil(held)
    lu.assertEquals(message, ("there is no policy %q; webpki is the one that there is"):format(word))
  end
end

function TestPolicy.test_the_first_code_in_order()
  local function first(...)
    local failures = {}
    for i, code in ipairs { ... } do failures[i] = { code = "trust." .. code } end
    return policy.first_code(failures)
  end
  lu.assertEquals(first(), "ok")
  lu.assertEquals(first("expired", "name_mismatch", "weak_key"), "trust.name_mismatch")
  lu.assertEquals(first("not_yet_valid", "expired"), "trust.expired")
  lu.assertEquals(first("self_signed", "bad_signature"), "trust.bad_signature")
end

function TestPolicy.test_every_rule_has_a_place_in_the_order()
  local held = policy.get "webpki"
  for _, place in ipairs { "leaf", "pinned", "issuer", "anchor" } do
    lu.assertTrue(#held[place] > 0, place)
    for _, row in ipairs(held[place]) do lu.assertTrue(policy.rank(row.code) > 0, row.code) end
  end
end

function TestPolicy.test_nothing_is_said_about_what_keeps_every_rule()
  local cert = {
    version = 3, subject = "a", issuer = "b", key = { type = "rsa", bits = 2048, supported = true }, signature_hash = "sha256",
    not_before = 10, not_after = 20,
  }
  local held = policy.get "webpki"
  local at = { place = "leaf", time = 15, usage = "serverAuth", settings = held.settings, below = 0 }
  lu.assertNil(policy.failures(held, cert, at))
  at.time = 21
  lu.assertEquals(policy.failures(held, cert, at),
    { { rule = "not_expired", code = "trust.expired", detail = "it ended on 1970-01-01T00:00:20Z" } })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
