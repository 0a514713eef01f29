local lu = require "luaunit"
local fake = dofile "tests/unit/fake_certificates.lua"
local path = require "kedge.path"

-- A world in which the order of signature checks can be seen.
local function world(sent, anchors)
  local asked = {}
  return {
    time = fake.NOW, sent = sent, asked = asked,
    anchors = function(subject)
      local found = {}
      for _, cert in ipairs(anchors) do
        if cert.subject == subject then found[#found + 1] = cert end
      end
      return found
    end,
    signature = function(child, issuer)
      asked[#asked + 1] = issuer.word
      if child.signed_by == issuer.spki_sha256 then return "good" end
      return "bad_signature"
    end,
    failures = function(cert) return cert.broken end,
  }
end

TestPath = {}

function TestPath.test_the_order_of_candidates()
  local function issuer(word, fields)
    fields.name, fields.word, fields.key_name = "issuer", word, word
    return fake.authority(fields)
  end
  local last = fake.NOW - 1
  local leaf = fake.server { name = "leaf", issuer = "cn=issuer", issuer_text = "CN=issuer", authority_key_id = "1", signed_by = "nobody" }
  local sent = {
    issuer("sent, no identifier, expired", { not_after = last }),
    issuer("sent, no identifier", {}),
    issuer("another identifier", { subject_key_id = "2" }),
    issuer("sent, identifier, expired", { subject_key_id = "1", not_after = last }),
    issuer("sent, identifier", { subject_key_id = "1" }),
    issuer("sent, identifier, second", { subject_key_id = "1" }),
  }
  local anchors = { issuer("anchor", {}), issuer("anchor, identifier", { subject_key_id = "1" }) }
  local w = world(sent, anchors)
  local way = path.find(leaf, w)
  lu.assertEquals(w.asked, {
    "anchor, identifier", "anchor", "sent, identifier", "sent, identifier, second", "sent, identifier, expired",
    "sent, no identifier", "sent, no identifier, expired",
  })
  lu.assertEquals(way.failures[1].code, "trust.bad_signature")
end

function TestPath.test_broken_certificates_are_not_even_verified_while_a_good_way_may_be_left()
  local root = fake.authority { name = "root", word = "root" }
  local broken = fake.authority { name = "middle", word = "broken", signer = root, broken = { { code = "trust.not_ca" } } }
  local good = fake.authority { name = "middle", word = "good", signer = root }
  local leaf = fake.server { name = "leaf", signer = good }
  local w = world({ broken, good }, { root })
  lu.assertEquals(path.find(leaf, w).failures, {})
  lu.assertEquals(w.asked, { "good", "root" })
end

function TestPath.test_fewer_authorities_below_reopen_a_certificate()
  -- leaf <- long -> short -> root, where root allows one authority: the way over `long` comes first.
  local root = fake.authority { name = "root" }
  local short = fake.authority { name = "short", signer = root }
  local long = fake.authority { name = "long", signer = short, key_name = "shared" }
  local direct = fake.authority { name = "long", signer = root, key_name = "shared" }
  local leaf = fake.server { name = "leaf", signer = long }
  local w = world({ long, short, direct }, { root })
  function w.failures(cert, place, below)
    return place == "anchor" and cert == root and below > 1 and { { code = "trust.path_length" } } or nil
  end
  local way = path.find(leaf, w)
  lu.assertEquals(#way.certs, 2)
  lu.assertIs(way.certs[2], direct)
  lu.assertIs(way.anchor, root)
end

function TestPath.test_what_is_self_signed()
  local root = fake.authority { name = "root" }
  lu.assertTrue(path.is_self_signed(root))
  lu.assertFalse(path.is_self_signed(fake.authority { name = "middle", signer = root }))
  lu.assertFalse(path.is_self_signed(fake.authority { name = "root", subject_key_id = "1", authority_key_id = "2" }))
  lu.assertTrue(path.is_self_signed(fake.authority { name = "root", subject_key_id = "1", authority_key_id = "1" }))
end

os.exit(lu.LuaUnit.run("-o", "tap"))
