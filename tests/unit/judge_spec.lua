local lu = require "luaunit"
local fake = dofile "tests/unit/fake_certificates.lua"
local judge = require "kedge.judge"
local limits = require "kedge.limits"

local NOW, DAY = fake.NOW, fake.DAY
local HOST = { dns = "host.example" }

-- A good chain; `change[which]` overrides fields of one of its certificates.
local function chain(change)
  change = change or {}
  local function fields(which, base)
    for key, value in pairs(change[which] or {}) do base[key] = value end
    return base
  end
  local root = fake.authority(fields("root", { name = "root" }))
  local middle = fake.authority(fields("middle", { name = "middle", signer = root }))
  local leaf = fake.server(fields("leaf", { name = "host.example", signer = middle }))
  return { root = root, middle = middle, leaf = leaf }
end

local function verdict_of(sent, store, opts)
  local how = { time = NOW, name = HOST }
  for key, value in pairs(opts or {}) do how[key] = value end
  return judge.chain(fake.ders(sent), store, how)
end

-- "rule@certificate code" of each failure, in order.
local function found(verdict)
  local list = {}
  for i, failure in ipairs(verdict.failures) do
    list[i] = ("%s@%d %s"):format(failure.rule, failure.certificate, failure.code:gsub("^trust%.", ""))
    lu.assertIsString(failure.detail)
  end
  return list
end

local function codes(list)
  local all = {}
  for i, one in ipairs(list) do all[i] = one.code end
  return all
end

TestAccepts = {}

function TestAccepts.test_a_chain_in_order()
  local c = chain()
  local verdict = verdict_of({ c.leaf, c.middle }, fake.store { c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertTrue(verdict.accepted)
  lu.assertEquals(verdict.failures, {})
  lu.assertEquals(verdict.warnings, {})
  lu.assertEquals(verdict.indices, { 0, 1 })
  lu.assertIs(verdict.path[1], c.leaf)
  lu.assertIs(verdict.anchor, c.root)
  lu.assertEquals({ verdict.store, verdict.time, verdict.name, verdict.policy }, { "a store", NOW, "host.example", "webpki" })
end

function TestAccepts.test_any_order_with_a_warning()
  local c, other = chain(), fake.authority { name = "other" }
  local verdict = verdict_of({ c.leaf, other, c.root, c.middle }, fake.store { c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(verdict.indices, { 0, 3 })
  lu.assertEquals(codes(verdict.warnings), { "trust.wrong_order" })
end

function TestAccepts.test_more_than_is_needed()
  local c = chain()
  local other = fake.authority { name = "other" }
  local verdict = verdict_of({ c.leaf, c.middle, c.root, other, c.leaf }, fake.store { c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(verdict.warnings, {})
end

function TestAccepts.test_what_cannot_be_read_and_is_not_needed_is_a_warning()
  local c = chain()
  local verdict = verdict_of({ c.leaf, c.middle, "garbage" }, fake.store { c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(codes(verdict.warnings), { "trust.bad_certificate" })
end

function TestAccepts.test_an_anchor_that_is_not_self_signed()
  local c = chain()
  local verdict = verdict_of({ c.leaf }, fake.store { c.middle })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(codes(verdict.warnings), { "trust.partial_chain" })
  lu.assertIs(verdict.anchor, c.middle)
end

function TestAccepts.test_a_leaf_that_is_an_anchor()
  local leaf = fake.server { name = "host.example", signature_hash = "sha1" }
  local verdict = verdict_of({ leaf }, fake.store { leaf })
  lu.assertEquals(verdict.code, "ok")
  lu.assertIs(verdict.anchor, leaf)
  lu.assertEquals(verdict.indices, { 0 })
end

function TestAccepts.test_cross_signs_and_twins()
  local c = chain()
  local dead = fake.authority { name = "dead" }
  local cross = fake.authority { name = "middle", signer = dead }
  local expired = fake.authority { name = "middle", signer = c.root, not_after = NOW - DAY }
  local no_authority = fake.authority { name = "middle", signer = c.root, basic_constraints = false }
  local wrong_key = fake.authority { name = "middle", signer = c.root, key_name = "another" }
  local verdict = verdict_of({ c.leaf, wrong_key, expired, cross, no_authority, dead, c.middle }, fake.store { c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(verdict.indices, { 0, 6 })
end

function TestAccepts.test_an_expired_anchor_beside_its_successor()
  local c = chain()
  local old = fake.authority { name = "root", not_after = NOW - DAY }
  local verdict = verdict_of({ c.leaf, c.middle }, fake.store { old, c.root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertIs(verdict.anchor, c.root)
end

function TestAccepts.test_loops_with_a_way_out()
  local root = fake.authority { name = "root" }
  local b = fake.authority { name = "b", signer = root }
  local a = fake.authority { name = "a", signer = b }
  local back = fake.authority { name = "b", signer = a }
  local leaf = fake.server { name = "host.example", signer = a }
  local verdict = verdict_of({ leaf, a, back, b }, fake.store { root })
  lu.assertEquals(verdict.code, "ok")
  lu.assertEquals(verdict.indices, { 0, 1, 3 })
end

function TestAccepts.test_an_anchor_that_is_only_found_deep()
  local c = chain()
  lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store({}, { c.root })).code, "ok")
end

function TestAccepts.test_both_ends_of_validity()
  local c = chain { leaf = { not_before = NOW, not_after = NOW } }
  lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store { c.root }).code, "ok")
end

function TestAccepts.test_self_issued_authorities_are_not_counted()
  local root = fake.authority { name = "root", basic_constraints = { ca = true, path_length = 0 }, subject_key_id = "1" }
  local next_key = fake.authority {
    name = "root", key_name = "next", signer = root, subject_key_id = "2", authority_key_id = "1",
  }
  local leaf = fake.server { name = "host.example", signer = next_key }
  lu.assertEquals(verdict_of({ leaf, next_key }, fake.store { root }, { depth = 0 }).code, "ok")
end

function TestAccepts.test_an_old_anchor_of_version_1()
  local c = chain { root = { version = 1, basic_constraints = false } }
  c.root.key_usage = nil
  lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store { c.root }).code, "ok")
end

TestRules = {}

-- word, changes to the good chain, code, failures
local RULE_CASES = {
  { "expired", { leaf = { not_after = NOW - 1 } }, "expired", "not_expired@0" },
  { "not yet valid", { leaf = { not_before = NOW + 1 } }, "not_yet_valid", "already_valid@0" },
  { "an expired intermediate", { middle = { not_after = NOW - 1 } }, "expired", "not_expired@1" },
  { "an expired anchor", { root = { not_after = NOW - 1 } }, "expired", "not_expired@-1" },
  { "another name", { leaf = { subject_alt_name = { { type = "dns", value = "other" } } } }, "name_mismatch", "name@0" },
  { "an intermediate that is none", { middle = { basic_constraints = { ca = false } } }, "not_ca", "authority@1" },
  { "an intermediate of version 1", { middle = { version = 1, basic_constraints = false } }, "not_ca", "authority@1" },
  { "an anchor that is no authority", { root = { basic_constraints = false } }, "not_ca", "authority@-1" },
  { "too long for the anchor", { root = { basic_constraints = { ca = true, path_length = 0 } } }, "path_length", "path_length@-1" },
  { "name constraints", { middle = { name_constraints = { critical = true } } }, "critical_extension", "name_constraints@1" },
  { "an unknown extension in the leaf", { leaf = { unknown_critical = { "1.2.3" } } }, "critical_extension", "critical_extensions@0" },
  { "an unknown extension in the anchor", { root = { unknown_critical = { "1.2.3" } } }, "critical_extension", "critical_extensions@-1" },
  { "an intermediate that may not sign", { middle = { key_usage = { crl_sign = true } } }, "bad_usage", "certificate_signing@1" },
  { "a leaf that may not sign", { leaf = { key_usage = { key_cert_sign = true } } }, "bad_usage", "server_key_usage@0" },
  { "a client's certificate", { leaf = { extended_key_usage = { "clientAuth" } } }, "bad_usage", "extended_usage@0" },
  { "an authority for mail", { middle = { extended_key_usage = { "emailProtection" } } }, "bad_usage", "extended_usage@1" },
  { "a small key", { leaf = { key = { type = "rsa", bits = 1024, supported = true } } }, "weak_key", "key_size@0" },
  { "a small key of the anchor", { root = { key = { type = "rsa", bits = 1024, supported = true } } }, "weak_key", "key_size@-1" },
  { "SHA-1", { leaf = { signature_hash = "sha1" } }, "weak_signature", "signature_hash@0" },
  { "SHA-1 in the middle", { middle = { signature_hash = "sha1" } }, "weak_signature", "signature_hash@1" },
  { "SHA-1 at the anchor", { root = { signature_hash = "sha1" } }, "ok" },
  { "any usage", { leaf = { extended_key_usage = { "anyExtendedKeyUsage" } } }, "bad_usage", "extended_usage@0" },
  { "any usage and a server's", { leaf = { extended_key_usage = { "anyExtendedKeyUsage", "serverAuth" } } }, "ok" },
  { "a key that cannot be used", { leaf = { key = { type = "ed25519", supported = false } } }, "unsupported", "key_supported@0" },
  { "an exponent that is too long", { leaf = { key = { type = "rsa", bits = 2048, exponent_length = 9, supported = false } } },
    "unsupported", "key_supported@0" },
  { "two algorithms", { root = { algorithms_agree = false } }, "bad_certificate", "algorithms_agree@-1" },
}

function TestRules.test_each_rule_alone()
  for _, case in ipairs(RULE_CASES) do
    local word, changes, code, failure = table.unpack(case)
    local c = chain(changes)
    local verdict = verdict_of({ c.leaf, c.middle }, fake.store { c.root })
    lu.assertEquals(verdict.code, code == "ok" and code or "trust." .. code, word)
    lu.assertEquals(found(verdict), failure and { failure .. " " .. code } or {}, word)
    lu.assertEquals(verdict.accepted, code == "ok", word)
    lu.assertEquals(verdict.indices, { 0, 1 }, word)
    lu.assertIs(verdict.anchor, c.root)
  end
end

function TestRules.test_dates_that_cannot_be_read()
  local c = chain()
  c.middle.not_after = nil
  local verdict = verdict_of({ c.leaf, c.middle }, fake.store { c.root })
  lu.assertEquals(found(verdict), { "dates_readable@1 bad_certificate" })
end

function TestRules.test_all_that_is_wrong_is_kept()
  local c = chain {
    leaf = { not_after = NOW - 1, subject_alt_name = { { type = "dns", value = "other" } }, signature_hash = "sha1" },
    middle = { basic_constraints = { ca = false }, not_before = NOW + 1 },
    root = { not_after = NOW - 1, key = { type = "rsa", bits = 1024, supported = true } },
  }
  local verdict = verdict_of({ c.leaf, c.middle, c.root }, fake.store { c.root })
  lu.assertEquals(found(verdict), {
    "name@0 name_mismatch", "signature_hash@0 weak_signature", "not_expired@0 expired",
    "authority@1 not_ca", "already_valid@1 not_yet_valid", "key_size@-1 weak_key", "not_expired@-1 expired",
  })
  lu.assertEquals(verdict.code, "trust.name_mismatch")
end

function TestRules.test_depth()
  local c = chain()
  lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store { c.root }, { depth = 0 }).code, "trust.path_length")
  lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store { c.root }, { depth = 1 }).code, "ok")
end

TestOrigin = {}

function TestOrigin.test_self_signed()
  local leaf = fake.server { name = "host.example" }
  local c = chain()
  lu.assertEquals(found(verdict_of({ leaf }, fake.store { c.root })), { "anchor@0 self_signed" })
end

function TestOrigin.test_incomplete()
  local c = chain()
  local verdict = verdict_of({ c.leaf }, fake.store { c.root })
  lu.assertEquals(found(verdict), { "anchor@0 incomplete_chain" })
  lu.assertEquals(verdict.failures[1].detail, "its issuer was not sent and is no anchor: CN=middle")
  lu.assertNil(verdict.anchor)
  lu.assertEquals(verdict.indices, { 0 })
end

function TestOrigin.test_unknown()
  local c, other = chain(), fake.authority { name = "other" }
  local store = fake.store { other }
  lu.assertEquals(found(verdict_of({ c.leaf, c.middle, c.root }, store)), { "anchor@2 unknown_issuer" })
  lu.assertEquals(found(verdict_of({ c.leaf, c.middle }, store)), { "anchor@1 unknown_issuer" })
end

function TestOrigin.test_a_leaf_with_the_name_of_its_issuer()
  local root = fake.authority { name = "host.example", key_name = "root", subject_key_id = "1" }
  local leaf = fake.server { name = "host.example", signer = root }
  lu.assertEquals(found(verdict_of({ leaf }, fake.store { root })), { "anchor@0 self_signed" })
  leaf = fake.server { name = "host.example", signer = root, subject_key_id = "2", authority_key_id = "1" }
  lu.assertEquals(verdict_of({ leaf }, fake.store { root }).code, "ok")
end

function TestOrigin.test_a_circle_ends()
  local a = fake.authority { name = "a" }
  local b = fake.authority { name = "b", signer = a }
  local again = fake.authority { name = "a", signer = b }
  local leaf = fake.server { name = "host.example", signer = again }
  lu.assertEquals(verdict_of({ leaf, again, b }, fake.store { chain().root }).code, "trust.unknown_issuer")
end

function TestOrigin.test_no_store()
  local c = chain { leaf = { not_after = NOW - 1 } }
  local verdict = verdict_of({ c.leaf, c.middle }, fake.store {})
  lu.assertEquals(found(verdict), { "store@-1 no_store", "not_expired@0 expired" })
  lu.assertEquals(verdict.code, "trust.no_store")
end

function TestOrigin.test_what_stands_below_no_anchor_is_judged_too()
  local c = chain { middle = { not_after = NOW - 1 } }
  local verdict = verdict_of({ c.leaf, c.middle }, fake.store { fake.authority { name = "other" } })
  lu.assertEquals(found(verdict), { "not_expired@1 expired", "anchor@1 unknown_issuer" })
  lu.assertEquals(verdict.code, "trust.unknown_issuer")
end

TestSignatures = {}

function TestSignatures.test_a_forged_leaf()
  local c = chain { leaf = { signed_by = "nobody" } }
  lu.assertEquals(found(verdict_of({ c.leaf, c.middle }, fake.store { c.root })), { "anchor@0 bad_signature" })
end

function TestSignatures.test_a_forged_intermediate()
  local c = chain { middle = { signed_by = "nobody" } }
  lu.assertEquals(found(verdict_of({ c.leaf, c.middle }, fake.store { c.root })), { "anchor@1 bad_signature" })
end

function TestSignatures.test_a_forged_leaf_of_its_own()
  local leaf = fake.server { name = "host.example", subject_key_id = "1", authority_key_id = "1", signed_by = "nobody" }
  lu.assertEquals(verdict_of({ leaf }, fake.store { chain().root }).code, "trust.bad_signature")
end

function TestSignatures.test_another_key_identifier_is_another_issuer()
  local root = fake.authority { name = "root", subject_key_id = "1" }
  local leaf = fake.server { name = "host.example", signer = root, authority_key_id = "2" }
  lu.assertEquals(verdict_of({ leaf }, fake.store { root }).code, "trust.incomplete_chain")
end

function TestSignatures.test_a_key_that_cannot_be_used()
  local c = chain { root = { key = { type = "dsa", supported = false } } }
  lu.assertEquals(found(verdict_of({ c.leaf, c.middle }, fake.store { c.root })), { "anchor@1 unsupported" })
end

function TestSignatures.test_a_verified_dead_end_outranks_a_wrong_key()
  local c = chain()
  local wrong_key = fake.authority { name = "middle", signer = c.root, key_name = "another" }
  local verdict = verdict_of({ c.leaf, wrong_key, c.middle }, fake.store { fake.authority { name = "other" } })
  lu.assertEquals(verdict.code, "trust.unknown_issuer")
  lu.assertEquals(verdict.indices, { 0, 2 })
end

function TestSignatures.test_the_path_that_got_further_explains()
  local root = fake.authority { name = "root" }
  local expired = fake.authority { name = "middle", signer = root, not_after = NOW - 1 }
  local none = fake.authority { name = "middle", signer = root, basic_constraints = { ca = false } }
  local leaf = fake.server { name = "host.example", signer = expired }
  lu.assertEquals(verdict_of({ leaf, none, expired }, fake.store { root }).code, "trust.expired")
  lu.assertEquals(verdict_of({ leaf, expired, none }, fake.store { root }).code, "trust.expired")
end

function TestSignatures.test_each_is_checked_once_and_the_loop_turns()
  local c, turns = chain(), 0
  local opts = { breathe = function() turns = turns + 1 end }
  fake.verified = 0
  for _ = 1, 3 do
    lu.assertEquals(verdict_of({ c.leaf, c.middle }, fake.store { c.root }, opts).code, "ok")
  end
  lu.assertEquals({ fake.verified, turns }, { 2, 2 })
end

function TestSignatures.test_breathing_may_yield()
  local c = chain()
  local turning = coroutine.wrap(function()
    return verdict_of({ c.leaf, c.middle }, fake.store { c.root }, { breathe = coroutine.yield })
  end)
  lu.assertNil(turning())
  lu.assertNil(turning())
  lu.assertEquals(turning().code, "ok")
end

TestBounds = {}

-- A leaf below `count` authorities of one name, each with its own key, none of them an anchor.
local function ladder(count, name_of)
  local signer, sent = nil, {}
  for i = 1, count do
    signer = fake.authority { name = name_of(i), key_name = "key " .. i, signer = signer }
    sent[i] = signer
  end
  table.insert(sent, 1, fake.server { name = "host.example", signer = signer })
  return sent
end

function TestBounds.test_signatures()
  local store = fake.store { fake.authority { name = "other" } }
  fake.verified = 0
  local verdict = verdict_of(ladder(100, function() return "same" end), store)
  lu.assertEquals(found(verdict), { "bounds@0 local.limit" })
  lu.assertEquals(verdict.code, "local.limit")
  lu.assertEquals(fake.verified, limits.path_signatures)
end

function TestBounds.test_one_signature_more_than_allowed()
  local function judged(count)
    local sent = ladder(count, function(i) return "authority " .. i end)
    return verdict_of(sent, fake.store { sent[2] }).code
  end
  lu.assertEquals(judged(limits.path_signatures), "ok")
  lu.assertEquals(judged(limits.path_signatures + 1), "local.limit")
end

function TestBounds.test_steps()
  local sent = {}
  local root = fake.authority { name = "root", subject_key_id = "1" }
  for i = 1, limits.path_steps + 1 do
    sent[i] = fake.authority { name = "middle", key_name = "key " .. i, signer = root, basic_constraints = { ca = false } }
  end
  local leaf = fake.server { name = "host.example", signer = sent[1] }
  table.insert(sent, 1, leaf)
  lu.assertEquals(verdict_of(sent, fake.store { root }).code, "local.limit")
end

function TestBounds.test_a_dense_graph_is_answered()
  local root = fake.authority { name = "root" }
  local sent = {}
  for i = 1, 7 do
    for j = 1, 7 do
      if i ~= j then
        sent[#sent + 1] = fake.authority { name = "a" .. i, signer = fake.authority { name = "a" .. j } }
      end
    end
  end
  sent[#sent + 1] = fake.authority { name = "a7", signer = root }
  table.insert(sent, 1, fake.server { name = "host.example", signer = sent[1] })
  lu.assertEquals(verdict_of(sent, fake.store { root }).code, "ok")
end

function TestBounds.test_the_answer_does_not_depend_on_what_is_remembered()
  local sent = ladder(100, function() return "same" end)
  local store = fake.store { fake.authority { name = "other" } }
  lu.assertEquals(verdict_of(sent, store), verdict_of(sent, store))
end

TestReading = {}

function TestReading.test_a_leaf_that_cannot_be_read()
  local c = chain()
  local verdict = verdict_of({ "garbage", c.middle }, fake.store { c.root })
  lu.assertEquals(found(verdict), { "parse@0 bad_certificate" })
  lu.assertFalse(verdict.accepted)
end

function TestReading.test_an_intermediate_that_cannot_be_read()
  local c = chain()
  local verdict = verdict_of({ c.leaf, "garbage" }, fake.store { c.root })
  lu.assertEquals(found(verdict), { "anchor@0 incomplete_chain", "parse@1 bad_certificate" })
  lu.assertEquals(verdict.code, "trust.bad_certificate")
end

function TestReading.test_no_certificate()
  local verdict = verdict_of({}, fake.store { chain().root })
  lu.assertEquals({ verdict.code, verdict.accepted }, { "trust.bad_certificate", false })
end

TestClock = {}

local BUILD = NOW

local function at(time, opts, change)
  local c = chain(change)
  opts.time, opts.build = time, BUILD
  return verdict_of({ c.leaf, c.middle }, fake.store { c.root }, opts)
end

function TestClock.test_a_clock_before_the_build_is_to_blame()
  local verdict = at(0, {})
  lu.assertEquals(verdict.code, "trust.clock")
  lu.assertEquals(found(verdict), { "already_valid@0 clock", "already_valid@1 clock", "already_valid@-1 clock" })
  lu.assertEquals(verdict.failures[1].detail,
    "the clock says 1970-01-01T00:00:00Z, which is before kedge was built (2023-11-14T22:13:20Z)")
end

function TestClock.test_not_with_a_given_time()
  lu.assertEquals(at(0, { at_given = true }).code, "trust.not_yet_valid")
end

function TestClock.test_not_after_the_build()
  lu.assertEquals(at(NOW + 200 * DAY, {}).code, "trust.expired")
end

function TestClock.test_not_where_the_chain_is_bad_at_build_time_too()
  lu.assertEquals(at(0, {}, { leaf = { not_before = NOW + DAY } }).code, "trust.not_yet_valid")
  lu.assertEquals(at(0, { name = { dns = "other.example" } }).code, "trust.name_mismatch")
end

TestStores = {}

local function each(trust, reference, c)
  local seen = { chain = fake.ders { c.leaf, c.middle }, target = { name = "host.example" }, clock = { device = NOW, build = 0 } }
  return judge.each_store(seen, { stores = { trust = trust, reference = reference } })
end

function TestStores.test_both()
  local c = chain()
  local good, bad = fake.store { c.root }, fake.store { fake.authority { name = "other" } }
  local cases = {
    { "both", good, good, "ok", true },
    { "one alone", good, nil, "ok", true },
    { "one alone that refuses", bad, nil, "trust.unknown_issuer", false },
    { "the reference alone", bad, good, "trust.missing_ca", false },
    { "the device alone", good, bad, "trust.not_ats", false },
    { "neither", bad, bad, "trust.unknown_issuer", false },
  }
  for _, case in ipairs(cases) do
    local verdicts = each(case[2], case[3], c)
    lu.assertEquals({ verdicts.code, verdicts.accepted }, { case[4], case[5] }, case[1])
    lu.assertEquals(verdicts.reference ~= nil, case[3] ~= nil, case[1])
  end
end

function TestStores.test_the_time_that_was_given_counts()
  local c = chain()
  local seen = { chain = fake.ders { c.leaf, c.middle }, target = { ip = "192.0.2.1" }, clock = { device = 0, build = NOW } }
  local verdicts = judge.each_store(seen, { stores = { trust = fake.store { c.root } }, at = NOW })
  lu.assertEquals({ verdicts.code, verdicts.trust.name, verdicts.trust.time }, { "trust.name_mismatch", "192.0.2.1", NOW })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
