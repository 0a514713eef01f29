-- /etc/ca-certificates.conf as the tool reads it, and the changes of single bytes.

local configuration = require "kedge.update.configuration"
local lu = require "luaunit"

TestConfiguration = {}

-- word, text, names that the tool takes in
local NAMES = {
  { "plain", "a.crt\nb/c.crt\n", { "a.crt", "b/c.crt" } },
  { "comments, empty and disabled lines", "# c\n\n!x.crt\na.crt\n", { "a.crt" } },
  { "no newline at the end", "a.crt\nb.crt", { "a.crt" } },
  { "carriage returns belong to the name", "a.crt\r\n", { "a.crt\r" } },
  { "white space around a name", "  a.crt\t\n", { "a.crt" } },
  { "white space in a name", "my own/a b.crt\n", { "my own/a b.crt" } },
  { "a mark behind a space is no mark", " !a.crt\n", { "!a.crt" } },
  { "a backslash stands for the next byte", "a\\b.crt\n", { "ab.crt" } },
  { "a backslash at the end joins lines", "a\\\nb.crt\nc.crt\n", { "ab.crt", "c.crt" } },
  { "lines between are gone before they are joined", "a\\\n# c\nb.crt\n", { "ab.crt" } },
  { "bytes that are not UTF-8", "\xff.crt\n", { "\xff.crt" } },
  { "nothing", "", {} },
}

function TestConfiguration.test_names()
  for _, row in ipairs(NAMES) do lu.assertEquals(configuration.names(row[2]), row[3], row[1]) end
end

local TOOLS_LOOP = "sed -e '/^$/d' -e '/^#/d' -e '/^!/d' %s | while read crt; do printf '%%s\\n' \"$crt\"; done"

function TestConfiguration.test_the_tools_own_shell_agrees()
  local name = os.tmpname()
  for _, row in ipairs(NAMES) do
    local handle <close> = assert(io.open(name, "wb"))
    handle:write(row[2])
    handle:flush()
    local pipe <close> = assert(io.popen(TOOLS_LOOP:format(name)))
    local seen = {}
    for line in pipe:lines() do seen[#seen + 1] = line end
    lu.assertEquals(seen, row[3], row[1])
  end
  os.remove(name)
end

function TestConfiguration.test_removed()
  lu.assertEquals(configuration.removed("!a.crt\nb.crt\n! c.crt\n!\n!d.crt"), { "a.crt", "c.crt" })
end

-- word, text, standing of m/a.crt
local STANDINGS = {
  { "enabled", "m/a.crt\n", "enabled" },
  { "switched off", "!m/a.crt\n", "disabled" },
  { "switched off at the end", "x\n!m/a.crt", "disabled" },
  { "switched off and on", "!m/a.crt\nm/a.crt\n", "enabled" },
  { "not there", "m/b.crt\n", "unlisted" },
  { "in a comment", "# m/a.crt\n", "unlisted" },
  { "with a carriage return", "m/a.crt\r\n", "other" },
  { "switched off with a carriage return", "!m/a.crt\r\n", "other" },
  { "switched off with a space", "! m/a.crt\n", "other" },
  { "twice marked", "!!m/a.crt\n", "other" },
  { "without newline", "m/a.crt", "other" },
}

function TestConfiguration.test_standing()
  for _, row in ipairs(STANDINGS) do lu.assertEquals(configuration.standing(row[2], "m/a.crt"), row[3], row[1]) end
end

-- word, text, names to enable, names to add, text afterwards
local CHANGES = {
  { "nothing", "a\nb\n", {}, {}, "a\nb\n" },
  { "the mark goes", "# c\n!a\nb\n", { a = true }, {}, "# c\na\nb\n" },
  { "every line of that name", "!a\n!a\n", { a = true }, {}, "a\na\n" },
  { "only that name", "!ab\n!a\n", { a = true }, {}, "!ab\na\n" },
  { "at the end", "!a", { a = true }, {}, "a\n" },
  { "not with a carriage return", "!a\r\n", { a = true }, {}, "!a\r\n" },
  { "a missing newline", "a\nb", {}, {}, "a\nb\n" },
  { "not for a comment", "a\n# b", {}, {}, "a\n# b" },
  { "not for what is switched off", "a\n!b", {}, {}, "a\n!b" },
  { "not for a carriage return", "a\nb\r", {}, {}, "a\nb\r" },
  { "behind the last line", "a", {}, { "c", "d" }, "a\nc\nd\n" },
  { "behind a comment", "# b", {}, { "c" }, "# b\nc\n" },
  { "into nothing", "", {}, { "c" }, "c\n" },
}

function TestConfiguration.test_changes()
  for _, row in ipairs(CHANGES) do
    local changes = configuration.changes(row[2], row[3], row[4])
    lu.assertEquals(configuration.change(row[2], changes), row[5], row[1])
    lu.assertEquals(changes[1] == nil, row[2] == row[5], row[1])
  end
end

function TestConfiguration.test_diff()
  local text = "1\n2\n3\n!a\n5\n6\n7\n8\n9\n10\n11\n!b"
  local changes = configuration.changes(text, { a = true, b = true }, { "c" })
  lu.assertEquals(configuration.diff(text, changes, "/x"), table.concat({
    "--- /x", "+++ /x", "@@ -2,5 +2,5 @@", " 2", " 3", "-!a", "+a", " 5", " 6", "@@ -10,3 +10,4 @@", " 10", " 11", "-!b",
    "\\ No newline at end of file", "+b", "+c", "" }, "\n"))
  lu.assertEquals(configuration.diff(text, {}, "/x"), "")
  lu.assertEquals(configuration.diff("", configuration.changes("", {}, { "c" }), "/x"), "--- /x\n+++ /x\n@@ -0,0 +1,1 @@\n+c\n")
end

-- What `patch` makes of the diff is what is written.
function TestConfiguration.test_patch_agrees()
  if not os.execute("patch --version >/dev/null 2>&1") then lu.skip("no patch") end
  local name = os.tmpname()
  for _, row in ipairs(CHANGES) do
    local changes = configuration.changes(row[2], row[3], row[4])
    if changes[1] and row[2] ~= "" then
      local handle = assert(io.open(name, "wb"))
      handle:write(row[2])
      handle:close()
      local pipe = assert(io.popen(("patch --binary -s %s"):format(name), "w"))
      pipe:write(configuration.diff(row[2], changes, "x"))
      lu.assertTrue(pipe:close(), row[1])
      handle = assert(io.open(name, "rb"))
      lu.assertEquals(handle:read("a"), row[5], row[1])
      handle:close()
    end
  end
  os.remove(name)
end

os.exit(lu.LuaUnit.run())
