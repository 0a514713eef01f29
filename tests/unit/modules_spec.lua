-- What is compiled in, and the require that finds it and nothing else. The
-- tests' interpreter has Lua's own require, so kedge's is asked through the
-- searcher; the binary's boot is looked at from outside in tests/build.

local lu = require "luaunit"
local embedded = require "kedge.core.embedded"

TestEmbedded = {}

function TestEmbedded:test_names_are_sorted_and_loadable()
  for _, kind in ipairs { "module", "format", "script" } do
    local names = embedded.names(kind)
    local sorted = table.move(names, 1, #names, 1, {})
    table.sort(sorted)
    lu.assertEquals(names, sorted)
    for _, name in ipairs(names) do
      lu.assertIsFunction(embedded.load(kind, name), kind .. " " .. name)
    end
  end
end

function TestEmbedded:test_what_the_house_is_made_of_is_there()
  lu.assertTableContains(embedded.names("module"), "argparse")
  lu.assertTableContains(embedded.names("module"), "dkjson")
  lu.assertTableContains(embedded.names("module"), "kedge.check")
  lu.assertTableContains(embedded.names("module"), "kedge.observe.resolve")
  lu.assertTableContains(embedded.names("format"), "text")
  lu.assertTableContains(embedded.names("format"), "json")
  lu.assertTableContains(embedded.names("script"), "regions")
  lu.assertTableContains(embedded.names("script"), "check")
end

function TestEmbedded:test_anchors_are_pem()
  local anchors = embedded.anchors()
  lu.assertEquals(#anchors, 6)
  lu.assertEquals(#embedded.names("anchor"), 6)
  for _, anchor in ipairs(anchors) do
    lu.assertStrMatches(anchor.name, "[%w-_]+%.pem")
    lu.assertStrContains(anchor.text, "-----BEGIN CERTIFICATE-----")
  end
end

function TestEmbedded:test_unknown_name()
  local chunk, message, code = embedded.load("script", "nonesuch")
  lu.assertNil(chunk)
  lu.assertEquals(message, "no built-in script 'nonesuch'")
  lu.assertEquals(code, "local.file")
end

function TestEmbedded:test_misuse_raises()
  lu.assertErrorMsgContains("invalid option 'scripts'", embedded.names, "scripts")
  lu.assertErrorMsgContains("an anchor is not a chunk", embedded.load, "anchor", "x.pem")
end

function TestEmbedded:test_a_chunk_gets_its_environment()
  local seen = {}
  local environment = setmetatable({}, {
    __index = function(_, name)
      seen[#seen + 1] = name
      return _G[name]
    end,
  })
  embedded.load("script", "check", environment)()
  lu.assertTableContains(seen, "require")
end

function TestEmbedded:test_build_time_is_a_believable_clock()
  lu.assertIsTrue(math.type(embedded.build_time) == "integer")
  lu.assertIsTrue(embedded.build_time <= os.time())
  lu.assertStrMatches(embedded.version, "%d+%.%d+%.%d+")
  lu.assertStrMatches(embedded.prefix, "/.*")
end

os.exit(lu.LuaUnit.run())
