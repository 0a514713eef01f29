-- KEDGE_GOLDEN=write in the environment writes the golden files anew; look at the difference.
local lu = require "luaunit"
require "kedge.output"
local results = dofile "tests/unit/fake_results.lua"

TestText = {}

-- file in tests/golden, traits, options
local VIEWS = {
  { "text-80.txt", { width = 80 } },
  { "text-40.txt", { width = 40 } },
  { "text-terminal.txt", { width = 80, colour = true, unicode = true, terminal = true } },
  { "text-verbose.txt", { width = 80, ascii = true }, { verbose = true, at = 0, stores = { trust = { name = "/etc/store.pem" } } } },
}

local function render(view)
  local report, text = results.report("text", view[2], view[3])
  for _, r in ipairs(results.all()) do report:add(r) end
  local status = report:finish()
  return text(), status
end

local function contents(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

function TestText.test_golden()
  for _, view in ipairs(VIEWS) do
    local text, status = render(view)
    lu.assertEquals(status, 1)
    local path = "tests/golden/" .. view[1]
    if os.getenv("KEDGE_GOLDEN") == "write" then assert(io.open(path, "wb")):write(text):close() end
    lu.assertEquals(text, contents(path), view[1])
  end
end

function TestText.test_nothing_is_wider_than_the_terminal_or_unsafe()
  local show = require "kedge.show"
  for width = 40, 100 do
    for line in render({ nil, { width = width } }):gmatch("[^\n]+") do
      lu.assertNotNil(utf8.len(line))
      lu.assertTrue(show.width(line) <= width, width .. ": " .. line)
      lu.assertNil(line:find("%c"))
      for _, code in utf8.codes(line) do lu.assertFalse(show.is_hidden(code)) end
    end
  end
end

function TestText.test_one_paragraph_for_one_cause()
  local report, text = results.report("text", { width = 80 })
  local all = results.all()
  for i = 1, 500 do
    local copy = {}
    for key, value in pairs(all[4]) do copy[key] = value end
    copy.id = "copy/" .. i
    report:add(copy)
  end
  report:finish()
  local _, paragraphs = text():gsub("Remedy", "")
  lu.assertEquals(paragraphs, 1)
  lu.assertStrContains(text(), "500 checks")
  lu.assertStrContains(text(), "and 480 more")
end

local function not_tls(i, words)
  return { id = i .. "/tls", status = "fail", code = "tls.not_tls", cause = "tls.not_tls", message = words, warnings = {} }
end

function TestText.test_a_paragraph_says_whose_words_it_quotes()
  local report, text = results.report("text", { width = 80 })
  for i = 1, 9 do report:add(not_tls(i, "it says " .. i % 5)) end
  report:finish()
  lu.assertStrContains(text(), "\n  Seen    1/tls: it says 1\n          2/tls: it says 2\n          3/tls: it says 3\n"
    .. "          and others like these in 3 checks\n  Why")
end

function TestText.test_a_paragraph_of_one_sentence_quotes_nobody()
  local report, text = results.report("text", { width = 80 })
  for i = 1, 9 do report:add(not_tls(i, "it says this")) end
  report:finish()
  lu.assertStrContains(text(), "\n  Seen    it says this\n  Why")
end

function TestText.test_changes_read_like_a_diff_and_share_a_paragraph()
  local report, text = results.report("text", { width = 80 })
  for i = 1, 3 do
    report:add { id = "/etc/file-" .. i, labels = { update = "change" }, status = "warn", code = "store.pending", cause = "store.pending",
      message = "Sentence " .. i .. ".", remedy = "Do it.", values = { diff = "+line " .. i .. "\n" },
      warnings = { { code = "store.pending", message = "Sentence " .. i .. "." } } }
  end
  report:finish()
  local shown = text()
  lu.assertStrContains(shown, "warn Sentence 2.\n+line 2\nwarn Sentence 3.\n+line 3\n")
  lu.assertStrContains(shown, "store.pending, 3 changes\n")
  lu.assertStrContains(shown, "  Changes /etc/file-1, /etc/file-2, /etc/file-3\n")
  lu.assertEquals(select(2, shown:gsub("Sentence 1", "")), 1)
  lu.assertEquals(select(2, shown:gsub("Do it", "")), 1)
end

function TestText.test_causes_are_bounded()
  local report, text = results.report("text", { width = 80 })
  for i = 1, 60 do
    report:add({ id = "x/" .. i, status = "fail", code = "own.code" .. i, cause = "own.code" .. i, message = "m", warnings = {} })
  end
  report:finish()
  local _, paragraphs = text():gsub("\n  Seen", "")
  lu.assertEquals(paragraphs, 50)
  lu.assertStrContains(text(), "10 causes more in 10 checks")
end

function TestText.test_no_results()
  local report, text = results.report("text", { width = 80 })
  lu.assertEquals(report:finish(), 0)
  lu.assertEquals(text(), "0 checks (200.0 ms)\n")
end

os.exit(lu.LuaUnit.run("-o", "tap"))
