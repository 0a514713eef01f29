local lu = require "luaunit"
local show = require "kedge.show"

TestShow = {}

-- what, shown on a terminal, as UTF-8
local HOSTILE = {
  { "plain", "plain", "plain" },
  { "ESC \27[31m", "ESC \\x1b[31m", "ESC \27[31m" },
  { "newline\nand\r", "newline\\x0aand\\x0d", "newline\nand\r" },
  { "DEL \127 NUL \0", "DEL \\x7f NUL \\x00", "DEL \127 NUL \0" },
  { "C1 \u{9b}31m", "C1 \\u{009b}31m", "C1 \u{9b}31m" },
  { "bare \x9b31m", "bare \\x9b31m", "bare \u{FFFD}31m" },
  { "override \u{202e}cod", "override \\u{202e}cod", "override \u{202e}cod" },
  { "isolate \u{2066}\u{2069}", "isolate \\u{2066}\\u{2069}", "isolate \u{2066}\u{2069}" },
  { "marks \u{200e}\u{200f}", "marks \\u{200e}\\u{200f}", "marks \u{200e}\u{200f}" },
  { "line \u{2028}", "line \\u{2028}", "line \u{2028}" },
  { "tag \u{E0041}", "tag \\u{e0041}", "tag \u{E0041}" },
  { "M\u{fc}nchen \u{65e5}\u{672c}", "M\u{fc}nchen \u{65e5}\u{672c}", "M\u{fc}nchen \u{65e5}\u{672c}" },
  { "overlong \xc0\xaf", "overlong \\xc0\\xaf", "overlong \u{FFFD}\u{FFFD}" },
  { "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80", "surrogate \u{FFFD}\u{FFFD}\u{FFFD}" },
  { "cut \xe6\x97", "cut \\xe6\\x97", "cut \u{FFFD}\u{FFFD}" },
  { "beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80", "beyond \u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}" },
  { "latin1 \xfc x", "latin1 \\xfc x", "latin1 \u{FFFD} x" },
  { "\xe6\x97\xa5\xff\xe6\x9c\xac", "\u{65e5}\\xff\u{672c}", "\u{65e5}\u{FFFD}\u{672c}" },
}

function TestShow.test_hostile_bytes()
  for _, case in ipairs(HOSTILE) do
    lu.assertEquals(show.escape(case[1]), case[2])
    lu.assertEquals(show.utf8(case[1]), case[3])
  end
end

function TestShow.test_escaped_text_is_safe_whatever_the_bytes()
  local seed = os.time()
  math.randomseed(seed)
  for _ = 1, 2000 do
    local bytes = {}
    for i = 1, math.random(0, 24) do bytes[i] = string.char(math.random(0, 255)) end
    local text = show.escape(table.concat(bytes))
    lu.assertNotNil(utf8.len(text), "seed " .. seed)
    lu.assertNil(text:find("%c"))
    for _, code in utf8.codes(text) do lu.assertFalse(show.is_hidden(code)) end
    lu.assertNotNil(utf8.len(show.utf8(table.concat(bytes))))
  end
end

function TestShow.test_ascii_only()
  lu.assertEquals(show.escape("M\u{fc}nchen", true), "M\\u{00fc}nchen")
end

-- text, limit, kept, cut
local CUTS = {
  { "abc", 3, "abc", false }, { "abcd", 3, "abc", true }, { "a\u{65e5}b", 3, "a", true }, { "a\u{65e5}b", 4, "a\u{65e5}", true },
  { "ab\xff", 4, "ab", true }, { "", 4, "", false }, { "\u{65e5}", 3, "\u{65e5}", false }, { ("x"):rep(5000), 4096, ("x"):rep(4096), true },
}

function TestShow.test_cut()
  for i, case in ipairs(CUTS) do
    local kept, cut = show.cut_utf8(case[1], case[2])
    lu.assertEquals({ kept, cut }, { case[3], case[4] }, i)
  end
end

function TestShow.test_columns()
  lu.assertEquals(show.width("abc"), 3)
  lu.assertEquals(show.width("M\u{fc}"), 2)
  lu.assertEquals(show.width("\u{65e5}\u{672c}"), 4)
  lu.assertEquals(show.width("e\u{301}"), 1)
  lu.assertEquals(show.pad("\u{65e5}", 4) .. "|", "\u{65e5}  |")
  lu.assertEquals(show.pad("1", 3, "right"), "  1")
end

function TestShow.test_wrap()
  lu.assertEquals(show.wrap("one two three", 8), { "one two", "three" })
  lu.assertEquals(show.wrap("a " .. ("x"):rep(20) .. " b", 10), { "a", ("x"):rep(10), ("x"):rep(10), "b" })
  lu.assertEquals(show.wrap("", 10), {})
  for _, piece in ipairs(show.wrap(("\u{65e5}"):rep(30), 9)) do lu.assertTrue(show.width(piece) <= 9) end
end

os.exit(lu.LuaUnit.run("-o", "tap"))
