local lu = require "luaunit"

-- Everything behind the command line is played: what would have run is looked at.
local said, ran, printed
package.loaded["kedge.output"] = {
  say = function(text) said[#said + 1] = text end, say_plain = function(text) said[#said + 1] = text end,
  print = function(text)
    printed = text
    return true
  end,
  open = function() return {} end, keep_for_report = function() end,
}
package.loaded["kedge.task"] = { now = function() return 0 end, time = function() return 0 end }
package.loaded["kedge.interrupt"] = { listen = function() end }
package.loaded["kedge.sources"] = {
  open_all = function(opts)
    local first = opts.trust and opts.trust[1]
    if first == "sytem" then return nil, "no store 'sytem'; did you mean 'system'?", 2 end
    if first == "/none" then return nil, "/none does not exist", 3 end
    return true
  end,
  warnings = function() return {} end,
}
package.loaded["kedge.run"] = {
  start = function(_, name, args, opts)
    ran = { name = name, args = args, opts = opts }
    return 0
  end,
}
local script = {
  summary = "a script for tests",
  options = function(cmd, defaults)
    cmd:argument("WORD"):args("*"):target("words")
    cmd:option("--text -t"):argname("TEXT")
    cmd:flag("--flag -x")
    defaults.reference = { "ats" }
  end,
  run = function() end,
}
local loader = require "kedge.loader"
loader.catalog = function()
  return { { name = "mine", folder = "/there", summary = "hidden", hidden = true }, { name = "mine", summary = "a script for tests" },
    { name = "text", format = true }, { name = "bad", folder = "/there", fault = "/there/bad.lua:1: it is bad" } }
end
local real_script = loader.script
loader.script = function(name)
  if name == "mine" then return script end
  return real_script(name)
end

local cli = require "kedge.cli"

TestCli = {}

local function run(...)
  said, ran, printed = {}, nil, nil
  return cli.run { ... }
end

local function words_of(text)
  local words = {}
  for word in text:gmatch("%S+") do words[#words + 1] = (word:gsub("_", " ")) end
  return table.unpack(words)
end

-- command line, option, value (of opts), words of the script
local GOOD = {
  { "mine", "timeout", 10 }, { "--timeout 3 mine", "timeout", 3 }, { "mine --timeout 3", "timeout", 3 },
  { "mine --timeout=0.5", "timeout", 0.5 },
  { "mine --timeout 1e2", "timeout", 100 }, { "mine -j8", "concurrency", 8 }, { "mine -j 8", "concurrency", 8 },
  { "-qv mine", "quiet", true }, { "mine -qvj8", "concurrency", 8 }, { "mine --concurrency=10000", "concurrency", 10000 },
  { "mine --tls 1.0-1.2", "tls", { min = 0x301, max = 0x303 } }, { "mine --tls 1.1", "tls", { min = 0x302, max = 0x302 } },
  { "mine --at @5", "at", 5 }, { "mine --at 1970-01-01", "at", 0 }, { "mine -4", "family", 4 }, { "-6 mine", "family", 6 },
  { "mine --dns 127.0.0.1", "dns", "127.0.0.1:53" }, { "mine --dns ::1", "dns", "[::1]:53" },
  { "mine --dns [::1]:5353", "dns", "[::1]:5353" },
  { "mine -f text -f json:out.json", "format", { { name = "text" }, { name = "json", file = "out.json" } } },
  { "mine -fjson:-", "format", { { name = "json" } } }, { "mine -q", "format", {} }, { "mine", "format", { { name = "text" } } },
  { "mine --trust a --trust=b", "trust", { "a", "b" } }, { "mine", "reference", { "ats" } },
  { "mine --reference x", "reference", { "x" } },
  { "mine --repeat 3 --interval 0", "repeat_count", 3 }, { "mine --timeout 3 --timeout 4", "timeout", 4 },
  { "mine --insecure", "insecure", true },
  { "mine a --strict b", "strict", true, { "a", "b" } }, { "mine -- --strict -x", "strict", nil, { "--strict", "-x" } },
  { "-- mine -x", "strict", nil, { "-x" } }, { "mine a -- b", "strict", nil, { "a", "b" } }, { "mine -", "strict", nil, { "-" } },
}

function TestCli.test_options_before_and_behind()
  for _, case in ipairs(GOOD) do
    lu.assertEquals(run(words_of(case[1])), 0, case[1])
    lu.assertEquals(ran.opts[case[2]], case[3], case[1])
    if case[4] then lu.assertEquals(ran.args.words, case[4], case[1]) end
  end
end

-- command line, --text
local OWN = {
  { "mine --text a", "a" }, { "mine --text=a", "a" }, { "mine -t a", "a" }, { "mine -ta", "a" }, { "mine --text -x", "-x" },
  { "mine --text=-x", "-x" },
  { "mine --text --strict", "--strict" }, { "mine -t -5", "-5" }, { "mine --text -- ", "--" }, { "mine -q --text a b", "a" },
  { "mine -qx --text a", "a" },
}

function TestCli.test_the_scripts_own_options()
  for _, case in ipairs(OWN) do
    lu.assertEquals(run(words_of(case[1])), 0, case[1])
    lu.assertEquals(ran.args.text, case[2], case[1])
  end
  run("mine", "-qx")
  lu.assertEquals({ ran.args.flag, ran.opts.quiet }, { true, true })
end

-- command line, words of the one line that is said, exit status
local BAD = {
  { "chek", "unknown command 'chek'; did you mean 'check'?" }, { "--tiemout 3 mine", "did you mean '--timeout'?" },
  { "mine --txet a", "did you mean '--text'?" }, { "--text a mine", "unknown option '--text'" }, { "mine -z", "unknown option '-z'" },
  { "mine --timeout", "--timeout needs a value" }, { "mine --text", "--text needs a value" }, { "mine --strict=yes", "takes no value" },
  { "mine --flag=1", "does not take arguments" }, { "mine --timeout 0", "not '0'" }, { "mine --timeout -1", "not '-1'" },
  { "mine --timeout nan", "not 'nan'" }, { "mine --timeout inf", "not 'inf'" }, { "mine --timeout 0x10", "not '0x10'" },
  { "mine --timeout 1e400", "not '1e400'" }, { "mine --timeout=", "not ''" }, { "mine -j 0", "1 to 10000" },
  { "mine -j 10001", "1 to 10000" },
  { "mine -j 1.5", "whole number" }, { "mine --repeat 0", "whole number" }, { "mine --repeat 99999999999999999999", "whole number" },
  { "mine --interval -1", "from 0" }, { "mine --tls 1.3", "BearSSL" }, { "mine --tls 1.2-1.3", "BearSSL" },
  { "mine --tls 1.2-1.0", "lower" },
  { "mine --tls ssl3", "1.0, 1.1, 1.2" }, { "mine --at yesterday", "2026" }, { "mine --policy strict", "webpki" },
  { "mine --color sometimes", "auto, always, never" }, { "mine -4 -6", "exclude" }, { "mine --dns name", "ADDRESS" },
  { "mine --dns 1.2.3.4:0", "ADDRESS" },
  { "mine --trust sytem", "did you mean 'system'?" }, { "mine --trust=", "empty" }, { "mine -f text:", "NAME:FILE" },
  { "mine --trust /none", "/none", 3 }, { "mine --connect-to a:b", "HOST1:PORT1:HOST2:PORT2" }, { "mine --resolve a:1:b", "address" },
  { "mine -k", "--insecure" }, { "mine --cacert x", "--trust FILE" }, { "mine --connect-timeout 3", "--timeout" },
  { "mine -CAfile x", "--trust" },
  { "mine -x http://proxy -o out", "-f NAME:FILE" }, { "--proxy x mine", "no proxy option" }, { "mine --tlsv1.3", "1.2" },
  { "list x", "too many" }, { "help x y", "too many" }, { "help chek", "did you mean 'check'?" }, { "--frob list", "unknown option" },
  { "mine --_\27[31m", "\\x1b" }, { "mi\27[31m", "\\x1b" },
}

function TestCli.test_one_line_that_says_what_is_wrong()
  for _, case in ipairs(BAD) do
    lu.assertEquals(run(words_of(case[1])), case[3] or 2, case[1])
    lu.assertNil(ran, case[1])
    lu.assertEquals(#said, 1, case[1])
    lu.assertNil(said[1]:find("\n", 1, true), case[1])
    lu.assertStrContains(said[1], case[2])
  end
end

function TestCli.test_bare()
  lu.assertEquals(run(), 2)
  lu.assertStrContains(said[1], "kedge help")
  lu.assertEquals(run("--strict"), 2)
end

function TestCli.test_help()
  for _, line in ipairs { "help", "--help", "-h", "help help" } do
    lu.assertEquals(run(words_of(line)), 0, line)
    lu.assertStrContains(printed, "--all-addresses")
  end
  for _, line in ipairs { "help mine", "mine --help", "mine -h", "mine --timeout 3 -h", "-h mine" } do
    lu.assertEquals(run(words_of(line)), 0, line)
    lu.assertStrContains(printed, "--text")
    lu.assertStrContains(printed, "a script for tests")
    for text in printed:gmatch("[^\n]+") do lu.assertTrue(#text <= 80, text) end
  end
  lu.assertEquals(run("list"), 3)
  lu.assertEquals(printed, "/there\n  mine  hidden (hidden by the one above: name it by its path)\n"
    .. "\nbuilt in\n  mine  a script for tests\n  -f    text\n")
  lu.assertEquals(said, { "/there/bad.lua:1: it is bad" })
end

function TestCli.test_versions()
  for _, line in ipairs { "--version", "-V", "mine --version" } do
    lu.assertEquals(run(words_of(line)), 0, line)
    lu.assertStrMatches(printed, "kedge [%d.]+\nLua 5%.4[%d.]*\nBearSSL [%d.]+\nnghttp2 [%d.]+\nc%-ares [%d.]+\n")
  end
end

function TestCli.test_what_a_script_must_return()
  local complete = { summary = "s", run = print }
  lu.assertNil(loader.fault("script", complete, "x.lua"))
  for _, case in ipairs { { {}, "'run'" }, { { run = print }, "'summary'" }, { { summary = 1, run = print }, "is a number" },
    { { summary = "s", run = print, optoins = print }, "did you mean 'options'" }, { "x", "not a table" },
    { { summary = "s", run = print, examples = { { "kedge x" } } }, "number 1" } } do
    local fault = loader.fault("script", case[1], "x.lua")
    lu.assertStrContains(fault, "x.lua: ")
    if case[2] ~= "'run'" then lu.assertStrContains(fault, case[2]) end
  end
  lu.assertStrContains(loader.fault("format", {}, "x.lua"), "none of")
  lu.assertNil(loader.fault("format", { finish = print }, "x.lua"))
end

os.exit(lu.LuaUnit.run("-o", "tap"))
