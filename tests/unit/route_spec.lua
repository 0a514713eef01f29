local lu = require "luaunit"
local route = require "kedge.route"
local target = require "kedge.target"

TestRoute = {}

-- target, --connect-to, --resolve, where it goes: host:port [addresses]
local WAYS = {
  { "a", {}, {}, "a:443" },
  { "a", { ":::" }, {}, "a:443" },
  { "a", { "::127.0.0.1:8443" }, {}, "127.0.0.1:8443" },
  { "a", { "a:443:b:1" }, {}, "b:1" },
  { "A.", { "a:443:b:" }, {}, "b:443" },
  { "a:444", { "a:443:b:1" }, {}, "a:444" },
  { "a", { "a:::1" }, {}, "a:1" },
  { "a", { ":443:b:" }, {}, "b:443" },
  { "a", { "a:443:b:1", "a:443:c:2" }, {}, "b:1" },
  { "[::1]", { "[::1]:443:[::2]:5" }, {}, "::2:5" },
  { "a", {}, { "a:443:127.0.0.1" }, "a:443 127.0.0.1" },
  { "a", {}, { "a:443:127.0.0.1,[::1],::2" }, "a:443 127.0.0.1 ::1 ::2" },
  { "a:444", {}, { "a:443:127.0.0.1" }, "a:444" },
  { "b", {}, { "*:443:127.0.0.1" }, "b:443 127.0.0.1" },
  { "b", {}, { "*:443:127.0.0.1", "b:443:127.0.0.2" }, "b:443 127.0.0.2" },
  { "a", { "a::b:1" }, { "b:1:127.0.0.3", "a:443:127.0.0.4" }, "b:1 127.0.0.3" },
}

function TestRoute.test_ways()
  for i, case in ipairs(WAYS) do
    local opts = { connect_to = {}, resolve = {} }
    for _, text in ipairs(case[2]) do table.insert(opts.connect_to, assert(route.connect_to(text))) end
    for _, text in ipairs(case[3]) do table.insert(opts.resolve, assert(route.resolve(text))) end
    local found = route.of(target.parse(case[1]), opts)
    local words = { (found.name or found.ip) .. ":" .. found.port, table.unpack(found.addresses or {}) }
    lu.assertEquals(table.concat(words, " "), case[4], i)
  end
end

function TestRoute.test_refused()
  for _, text in ipairs { "", "a", "a:1:b", "a:1:b:2:3", "a:x:b:1", "a:0:b:1", "a:1:b:65536", "[::1:1:b:1", "[x]:1:b:1", "a b:1:c:2" } do
    lu.assertNil(route.connect_to(text), text)
  end
  for _, text in ipairs { "", "a", "a:1", "a:1:", "a:1:b", "a:x:127.0.0.1", "a:0:127.0.0.1", "a:1:127.0.0.1,", "[::1]:1:[::x]" } do
    lu.assertNil(route.resolve(text), text)
  end
  lu.assertNotNil(route.resolve("a:1:" .. ("127.0.0.1,"):rep(31) .. "127.0.0.1"))
  lu.assertNil(route.resolve("a:1:" .. ("127.0.0.1,"):rep(32) .. "127.0.0.1"))
end

os.exit(lu.LuaUnit.run("-o", "tap"))
