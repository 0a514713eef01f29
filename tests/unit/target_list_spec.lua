local lu = require "luaunit"

local files, pieces = {}, {}
package.loaded["kedge.core.file"] = {
  read = function(path)
    if files[path] then return files[path] end
    return nil, path .. ": No such file or directory", "local.file"
  end,
  input = function() return { read = function() return table.remove(pieces, 1) or "" end } end,
}
package.loaded["kedge.interrupt"] = { signal = function() end, wait = function(fn, ...) return fn(...) end }
local target_list = require "kedge.target_list"

TestTargetList = {}

local problems
local function context(opts)
  problems = {}
  return {
    options = opts or {}, usage = function(_, message) error("usage: " .. message, 0) end, fail = function(_,
      message) error("fail: " .. message, 0) end,
    problem = function(_, message) problems[#problems + 1] = message end,
  }
end

local function ids(words, opts)
  local items, list = target_list.open(context(opts), words, {}), {}
  if type(items) == "table" then
    for _, item in ipairs(items) do list[#list + 1] = item.id end
  else
    for item in items do list[#list + 1] = item.id .. (item.line and "@" .. item.line or "") end
  end
  return list
end

function TestTargetList.test_words_and_files_in_order()
  files = { ["list.txt"] = "# hosts\nb\n\n  c:8443 # why\r\nd" }
  lu.assertEquals(ids { "a", "@list.txt", "e" }, { "a:443/auto", "b:443/auto", "c:8443/auto", "d:443/auto", "e:443/auto" })
  lu.assertEquals(problems, {})
end

function TestTargetList.test_bad_lines_are_named()
  files = { ["list.txt"] = "a\nb:x\nc d\ne\n" }
  lu.assertEquals(ids { "@list.txt" }, { "a:443/auto", "e:443/auto" })
  lu.assertEquals(#problems, 2)
  lu.assertStrContains(problems[1], "list.txt:2: ")
  lu.assertStrContains(problems[2], "list.txt:3: ")
end

-- words, options, how it ends
local ENDS = {
  { { "@none.txt" }, {}, "fail: none.txt: No such file" }, { { "a:x" }, {}, "usage: " }, { { "@" }, {}, "usage: " },
  { { "@empty.txt" }, {}, "usage: empty.txt holds no target" }, { { "@-", "@-" }, {}, "usage: @- stands there twice" },
  { { "@-" }, { repeat_count = 2 }, "usage: --repeat" }, { { "@-" }, {}, "usage: standard input holds no target" },
}

function TestTargetList.test_ends()
  files = { ["empty.txt"] = "# nothing\n" }
  for _, case in ipairs(ENDS) do
    local done, message = pcall(ids, case[1], case[2])
    lu.assertFalse(done)
    lu.assertStrContains(message, case[3])
  end
end

function TestTargetList.test_a_filter_may_be_given_nothing()
  lu.assertEquals(ids({ "@-" }, { format = { { name = "jsonl" } } }), {})
  lu.assertErrorMsgContains("no target", ids, { "@-" }, { format = { { name = "jsonl" }, { name = "text", file = "x" } } })
end

-- pieces as they arrive, what is found
local INPUTS = {
  { { "a\nb\n" }, { "a:443/auto@1", "b:443/auto@2" } }, { { "a\nb" }, { "a:443/auto@1", "b:443/auto@2" } },
  { { "a", ".exam", "ple\n", "\n#\nb\n" }, { "a.example:443/auto@1", "b:443/auto@4" } }, { { "a\r\na\r\n" },
  { "a:443/auto@1", "a:443/auto@2" } },
}

function TestTargetList.test_standard_input()
  for i, case in ipairs(INPUTS) do
    pieces = case[1]
    lu.assertEquals(ids { "@-" }, case[2], i)
  end
  pieces = { "b\n" }
  lu.assertEquals(ids { "a", "@-" }, { "a:443/auto", "b:443/auto@1" })
end

function TestTargetList.test_a_line_without_end_is_bounded()
  pieces = {}
  for i = 1, 1000 do pieces[i] = ("x"):rep(4096) end
  pieces[1001] = "\na\n"
  collectgarbage()
  local before = collectgarbage("count")
  local item = target_list.open(context(), { "@-" }, {})()
  lu.assertEquals({ item.id, item.line, #problems }, { "a:443/auto", 2, 1 })
  lu.assertTrue(collectgarbage("count") - before < 8000)
end

os.exit(lu.LuaUnit.run("-o", "tap"))
