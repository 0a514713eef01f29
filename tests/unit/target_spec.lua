local lu = require "luaunit"
local target = require "kedge.target"

TestTarget = {}

-- text, id, name or address, path
local GOOD = {
  { "a.example", "a.example:443/auto", "a.example", "/" },
  { "A.Example.:8443", "A.Example.:8443/auto", "a.example", "/" },
  { "https://h", "h:443/auto", "h", "/" },
  { "https://h/p?q=1#fragment", "h:443/auto", "h", "/p?q=1" },
  { "https://h?q", "h:443/auto", "h", "/?q" },
  { "HTTPS://h", "h:443/auto", "h", "/" },
  { "h2://h:1/x", "h:1/h2", "h", "/x" },
  { "http1://h", "h:443/http1", "h", "/" },
  { "tls://h:8883", "h:8883/tls", "h", "/" },
  { "127.0.0.1", "127.0.0.1:443/auto", "127.0.0.1", "/" },
  { "[::1]:8443", "[::1]:8443/auto", "::1", "/" },
  { "tls://[2001:db8::1]", "[2001:db8::1]:443/tls", "2001:db8::1", "/" },
  { "[fe80::1%eth0]", "[fe80::1%eth0]:443/auto", "fe80::1", "/" },
  { "https://[fe80::1%25eth0]/", "[fe80::1%eth0]:443/auto", "fe80::1", "/" },
  { "_dmarc.a.example", "_dmarc.a.example:443/auto", "_dmarc.a.example", "/" },
  { ("a"):rep(63) .. ".example", ("a"):rep(63) .. ".example:443/auto", ("a"):rep(63) .. ".example", "/" },
}

function TestTarget.test_good()
  for _, case in ipairs(GOOD) do
    local item = assert(target.parse(case[1]))
    lu.assertEquals({ item.id, item.name or item.ip, item.path }, { case[2], case[3], case[4] })
    lu.assertEquals(item.name == nil, item.ip ~= nil)
  end
end

-- text, a word of the refusal
local BAD = {
  { "", "empty" }, { "http://h", "without TLS" }, { "htps://h", "did you mean 'https'" }, { "ftp://h", "unknown" },
  { "b\u{fc}cher.example", "punycode" }, { "a b", "host name" }, { "a\27[31m", "\\x1b" }, { "a..b", "empty" }, { ".", "empty" },
  { ".a", "empty" }, { ("a"):rep(64) .. ".example", "63" }, { ("a."):rep(127) .. "a", "253" }, { "1.2.3", "IPv4" },
  { "256.1.1.1", "IPv4" }, { "01.2.3.4", "IPv4" }, { "a.123", "IPv4" }, { "::1", "brackets" }, { "[::1", "[ADDRESS]" },
  { "[::1]x", "[ADDRESS]" }, { "[1.2.3.4]", "IPv6" }, { "[::g]", "IPv6" }, { "[fe80::1%a/b]", "[ADDRESS]" },
  { "h:", "port" }, { "h:0", "port" }, { "h:65536", "port" }, { "h:8a", "port" }, { ":443", "missing" },
  { "https:///x", "'https:///x': the host is missing" },
  { "user@h", "names and passwords" },
  { "https://h/a b", "percent" }, { "https://h/\u{fc}", "percent" }, { "tls://h/path", "no path" },
}

function TestTarget.test_bad()
  for _, case in ipairs(BAD) do
    local item, message = target.parse(case[1])
    lu.assertNil(item, case[1])
    lu.assertStrContains(message, case[2])
    lu.assertNil(message:find("%c"))
  end
end

-- text, --protocol, protocol or nil where it contradicts
local PROTOCOLS = {
  { "h", nil, "auto" }, { "h", "auto", "auto" }, { "h", "h2", "h2" }, { "https://h", "http1", "http1" }, { "h2://h", "h2", "h2" },
  { "h2://h", "auto", "h2" }, { "http1://h", "h2", nil }, { "h2://h", "http1", nil }, { "tls://h", "h2", nil },
  { "tls://h", "auto", "tls" },
}

function TestTarget.test_protocol()
  for _, case in ipairs(PROTOCOLS) do
    local item = target.parse(case[1], { protocol = case[2] })
    lu.assertEquals(item and item.protocol, case[3], case[1])
  end
  lu.assertEquals(target.parse("h").alpn, { "h2", "http/1.1" })
  lu.assertEquals(target.parse("h2://h").alpn, { "h2" })
  lu.assertEquals(target.parse("http1://h").alpn, { "http/1.1" })
  lu.assertEquals(target.parse("tls://h").alpn, {})
end

function TestTarget.test_a_reply_cannot_be_expected_of_tls()
  lu.assertNil(target.parse("tls://h", { expects = true }))
  lu.assertNotNil(target.parse("h", { expects = true }))
end

function TestTarget.test_repeated_targets_are_numbered()
  local list = {}
  for i, text in ipairs { "a", "b", "a", "https://a/x", "h2://a" } do list[i] = target.parse(text) end
  target.number(list)
  local ids = {}
  for i, item in ipairs(list) do ids[i] = item.id end
  lu.assertEquals(ids, { "a:443/auto", "b:443/auto", "a:443/auto#2", "a:443/auto#3", "a:443/h2" })
end

-- line, id or nil, a word of the complaint or nil
local LINES = {
  { "a.example", "a.example:443/auto" }, { "  a.example  \r", "a.example:443/auto" }, { "# comment", nil }, { "", nil }, { " \t", nil },
  { "a.example # why", "a.example:443/auto" }, { "https://a/x#y", "a:443/auto" }, { "\u{FEFF}a",
  "a:443/auto" }, { "a b", nil, "one target" },
  { "a:x", nil, "port" }, { ("a"):rep(5000), nil, "longer" }, { "\0", nil, "host name" },
}

function TestTarget.test_lines()
  for _, case in ipairs(LINES) do
    local item, message = target.line(case[1])
    lu.assertEquals(item and item.id, case[2], case[1])
    if case[3] then lu.assertStrContains(message, case[3]) else lu.assertNil(message) end
  end
end

-- line, id, label or nil, a word of the complaint or nil
local LABELS = {
  { "a:1\tpump 7", "a:1/auto", "pump 7" }, { "a\t", "a:443/auto" }, { "a\t # why", "a:443/auto" }, { "a\tx # y", "a:443/auto", "x # y" },
  { " a \tx\r", "a:443/auto", "x" }, { "a\tx\ty", "a:443/auto", "x\ty" }, { "\tx", nil, nil, "'x' has no target" },
  { "# a\tx", nil }, { " # a\tx", nil, nil, "has no target" }, { "a b\tx", nil, nil, "one target" }, { "a\t\xff", "a:443/auto", "\xff" },
}

function TestTarget.test_labels()
  for _, case in ipairs(LABELS) do
    local item, message = target.line(case[1])
    lu.assertEquals(item and item.id, case[2], case[1])
    lu.assertEquals(item and item.labels.label, case[3], case[1])
    if case[4] then lu.assertStrContains(message, case[4]) else lu.assertNil(message) end
  end
end

os.exit(lu.LuaUnit.run("-o", "tap"))
