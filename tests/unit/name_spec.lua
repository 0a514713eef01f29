local lu = require "luaunit"
local name = require "kedge.name"

local function certificate(...)
  return { subject_alt_name = { ... }, common_names = { "common.example" } }
end

local function dns(value)
  return { type = "dns", value = value }
end

-- what it is for, presented, wanted, matches
local DNS_CASES = {
  { "the same", "a.example.com", "a.example.com", true },
  { "case counts for nothing", "A.Example.COM", "a.eXample.com", true },
  { "a final dot of the wanted name", "a.example.com", "a.example.com.", true },
  { "a final dot of the presented name", "a.example.com.", "a.example.com", false },
  { "another host", "a.example.com", "b.example.com", false },
  { "a part of it", "example.com", "a.example.com", false },
  { "an underscore", "a_b.example.com", "a_b.example.com", true },
  { "a wildcard", "*.example.com", "a.example.com", true },
  { "a wildcard in capitals", "*.EXAMPLE.com", "a.example.COM", true },
  { "a wildcard is one label", "*.example.com", "a.b.example.com", false },
  { "a wildcard is a label at all", "*.example.com", "example.com", false },
  { "a wildcard is no empty label", "*.example.com", ".example.com", false },
  { "a part of a label", "a*.example.com", "ab.example.com", false },
  { "a wildcard in the middle", "a.*.example.com", "a.b.example.com", false },
  { "two wildcards", "*.*.example.com", "a.b.example.com", false },
  { "a wildcard over a top-level domain", "*.com", "example.com", false },
  { "a wildcard alone", "*", "localhost", false },
  { "a wildcard and a dot", "*.", "localhost", false },
  { "a wildcard asked for", "*.example.com", "*.example.com", false },
  { "a NUL byte", "a.example.com\0.evil.example", "a.example.com", false },
  { "the same NUL byte", "a\0b.example.com", "a\0b.example.com", false },
  { "not ASCII", "\u{1F61C}.example.com", "\u{1F61C}.example.com", false },
  { "an embedded wildcard in an A-label", "xn--*-1b3c148a.example.com", "xn--bliss-1b3c148a.example.com", false },
  { "an empty label", "a..example.com", "a..example.com", false },
  { "an address as a DNS name", "192.0.2.1", "192.0.2.1", true },
  { "empty", "", "", false },
}

TestName = {}

function TestName.test_dns_names()
  for _, case in ipairs(DNS_CASES) do
    local word, presented, wanted, expected = table.unpack(case)
    lu.assertEquals(name.match(certificate(dns(presented)), { dns = wanted }), expected, word)
  end
end

function TestName.test_any_of_several()
  local cert = certificate(dns "a.example", { type = "ip", value = "\192\0\2\1" }, dns "b.example")
  lu.assertTrue(name.match(cert, { dns = "b.example" }))
  lu.assertTrue(name.match(cert, { ip = "\192\0\2\1" }))
end

function TestName.test_addresses_match_addresses_alone()
  local address = { ip = name.ipv4 "192.0.2.1", text = "192.0.2.1" }
  lu.assertFalse((name.match(certificate(dns "192.0.2.1"), address)))
  lu.assertFalse((name.match(certificate { type = "ip", value = "\192\0\2\0\255\255\255\0" }, address)))
  lu.assertTrue(name.match(certificate { type = "ip", value = "\192\0\2\1" }, address))
end

function TestName.test_the_common_name_counts_for_nothing()
  lu.assertFalse((name.match({ common_names = { "a.example" } }, { dns = "a.example" })))
end

function TestName.test_the_sentence_names_both()
  local many = certificate(dns "a.example", dns "b.example", dns "c.example", dns "d.example", dns "e.example")
  local _, detail = name.match(many, { dns = "other.example" })
  lu.assertEquals(detail, "the certificate is for a.example, b.example, c.example and 2 more, not for other.example")
  _, detail = name.match({}, { ip = "\127\0\0\1" })
  lu.assertEquals(detail, "the certificate names no host, so not 127.0.0.1 either")
end

function TestName.test_ipv4()
  for _, text in ipairs { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "1.2.3.1234" } do
    lu.assertNil(name.ipv4(text), text)
  end
  lu.assertEquals(name.ipv4 "0.10.200.255", "\0\10\200\255")
end

function TestName.test_ipv6()
  local good = {
    ["::"] = ("\0"):rep(16),
    ["::1"] = ("\0"):rep(15) .. "\1",
    ["2001:db8::1"] = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\1",
    ["1:2:3:4:5:6:7:8"] = "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\8",
    ["1:2:3:4:5:6:7::"] = "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\0",
    ["::ffff:192.0.2.1"] = ("\0"):rep(10) .. "\xff\xff\192\0\2\1",
    ["64:ff9b::192.0.2.1"] = "\0\x64\xff\x9b" .. ("\0"):rep(8) .. "\192\0\2\1",
  }
  for text, raw in pairs(good) do lu.assertEquals(name.ipv6(text), raw, text) end
  local bad = { "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1.2.3.4",
    "1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "1:2:3:4:5:6:7:8::", ":1::", "fe80::1%eth0" }
  for _, text in ipairs(bad) do lu.assertNil(name.ipv6(text), text) end
end

function TestName.test_the_name_of_a_target()
  lu.assertEquals(name.of { name = "a.example" }, { dns = "a.example", text = "a.example" })
  lu.assertEquals(name.of { ip = "::1" }, { ip = name.ipv6 "::1", text = "::1" })
  lu.assertNil(name.of {})
end

function TestName.test_addresses_are_shown()
  lu.assertEquals(name.show_address "\127\0\0\1", "127.0.0.1")
  lu.assertEquals(name.show_address(name.ipv6 "2001:db8::1"), "2001:db8:0:0:0:0:0:1")
  lu.assertEquals(name.show_address "\1\2\3", "010203")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
