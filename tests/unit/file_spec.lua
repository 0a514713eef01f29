-- kedge.core.file as Lua sees it, outside a task and inside one.

local lu = require "luaunit"
local file = require "kedge.core.file"
local task = require "kedge.task"

local function temporary()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function content(path)
  local handle <close> = assert(io.open(path))
  return handle:read("a")
end

TestFile = {}

function TestFile:setUp()
  self.path = temporary()
end

function TestFile:tearDown()
  os.remove(self.path)
end

function TestFile:test_create_write_commit()
  local output <close> = assert(file.create(self.path))
  lu.assertIsTrue(output:write("one "))
  lu.assertIsTrue(output:write(""))
  lu.assertIsTrue(output:write("two"))
  lu.assertNil(io.open(self.path))
  lu.assertIsTrue(output:commit())
  lu.assertEquals(content(self.path), "one two")
end

function TestFile:test_in_a_task()
  local text = ("x"):rep(100000)
  task.main(function()
    local output <close> = assert(file.create(self.path))
    lu.assertIsTrue(output:write(text))
    lu.assertIsTrue(output:commit())
  end)
  lu.assertEquals(content(self.path), text)
end

function TestFile:test_replace()
  local missing, message, code = file.replace(self.path)
  lu.assertEquals({ missing, message, code }, { nil, self.path .. ": No such file or directory", "local.file" })
  local output = assert(file.create(self.path))
  output:commit()
  local again <close> = assert(file.replace(self.path))
  lu.assertIsTrue(again:write("new"))
  lu.assertEquals(content(self.path), "")
  lu.assertIsTrue(again:commit())
  lu.assertEquals(content(self.path), "new")
end

function TestFile:test_close_without_commit_leaves_nothing()
  do
    local output <close> = assert(file.create(self.path))
    output:write("half")
  end
  lu.assertNil(io.open(self.path))
end

function TestFile:test_after_commit_the_handle_is_closed()
  local output = assert(file.create(self.path))
  output:commit()
  lu.assertErrorMsgContains("the file is closed", output.write, output, "x")
  lu.assertErrorMsgContains("the file is closed", output.commit, output)
  output:close()
end

function TestFile:test_a_full_disk_is_a_failure()
  local output <close> = assert(file.create("/dev/full"))
  local done, message, code = output:write("x")
  lu.assertNil(done)
  lu.assertEquals(message, "cannot write: No space left on device")
  lu.assertEquals(code, "local.file")
end

function TestFile:test_read()
  local output <close> = assert(file.create(self.path))
  output:write("a\0b")
  output:commit()
  lu.assertEquals(file.read(self.path), "a\0b")
  lu.assertEquals(file.read(self.path, 3), "a\0b")
  local text, message, code = file.read(self.path, 2)
  lu.assertNil(text)
  lu.assertStrContains(message, "larger than 2 bytes")
  lu.assertEquals(code, "local.limit")
end

-- A FIFO whose writer comes later: meanwhile others run, and the task may end.
function TestFile:test_a_fifo_is_waited_for_in_the_loop()
  assert(os.execute("mkfifo '" .. self.path .. "'"))
  local process = require "kedge.core.process"
  local text, ended, why
  task.main(function()
    ended, why = task.run(0.05, function() return file.read(self.path) end)
    task.all {
      function() text = file.read(self.path) end,
      function() process.run { "sh", "-c", 'printf one >"$0"', self.path } end,
    }
  end)
  lu.assertEquals({ ended, why, text }, { nil, "timeout", "one" })
  local command = ("sh -c 'sleep 0.05; { printf one; sleep 0.05; printf two; } >\"$0\"' '%s' &"):format(self.path)
  assert(os.execute(command))
  lu.assertEquals(file.read(self.path), "onetwo") -- and where there is no loop
  assert(os.execute((": >'%s' &"):format(self.path)))
  lu.assertEquals(file.read(self.path), "")
end

function TestFile:test_failures_name_the_file()
  for _, ask in ipairs { file.read, file.create, file.stat, file.place } do
    local got, message, code = ask("/no/such/file")
    lu.assertNil(got)
    lu.assertEquals(message, "/no/such/file: No such file or directory")
    lu.assertEquals(code, "local.file")
  end
end

function TestFile:test_place()
  lu.assertEquals(file.place("/dev/stdout"), file.place(1))
  lu.assertEquals(file.place(self.path), file.place("/." .. self.path))
  lu.assertNotEquals(file.place(self.path), file.place(self.path .. "2"))
end

function TestFile:test_stat()
  lu.assertEquals(file.stat("/").type, "directory")
  lu.assertEquals(file.stat("/dev/null").type, "device")
  lu.assertEquals(file.stat("/").uid, 0)
end

function TestFile:test_only_the_three_standard_descriptors()
  lu.assertErrorMsgContains("not one of descriptors 0 to 2", file.output, 3)
  lu.assertErrorMsgContains("not one of descriptors 0 to 2", file.input, -1)
  lu.assertErrorMsgContains("not open for writing", file.input(0).write, file.input(0), "x")
  lu.assertErrorMsgContains("not open for reading", file.output(1).read, file.output(1))
end

-- In a process of its own, where descriptors can be given.
local function run(program, shell)
  local script = temporary()
  local handle <close> = assert(io.open(script, "w"))
  handle:write("local file = require 'kedge.core.file'\nlocal early = file.output(1)\n",
    "local task = require 'kedge.task'\n", program)
  handle:close()
  local pipe = assert(io.popen(shell:gsub("@", function() return arg[-1] .. " " .. script end), "r"))
  local out = pipe:read("a")
  pipe:close()
  os.remove(script)
  return out
end

TestDescriptors = {}

function TestDescriptors:test_a_slow_reader_is_waited_for()
  local program = [[
    local text = ("0123456789"):rep(30000)
    local turns = 0
    task.main(function()
      local output = file.output(1)
      task.all { function() assert(output:write(text)) end, function() task.sleep(0.01) turns = turns + 1 end }
    end)
    assert(turns == 1)
  ]]
  lu.assertEquals(run(program, "@ | { sleep 0.1; wc -c; }"):match("%d+"), "300000")
end

-- At the end of the Lua state handles are collected last made first, so this one outlives the loop.
function TestDescriptors:test_a_handle_older_than_the_loop_ends_while_it_waits()
  local program = [[
    task.main(function()
      task.spawn(function() early:write(("x"):rep(1 << 20)) end)
      task.sleep(0.05)
    end)
  ]]
  lu.assertEquals(run(program, "{ { @; echo status $? >&2; } | { sleep 0.2; cat >/dev/null; }; } 2>&1"), "status 0\n")
end

function TestDescriptors:test_closed_while_it_waits()
  local program = [[
    local input = file.input(0)
    task.main(function()
      task.spawn(function() print(input:read()) end)
      task.breathe()
      input:close()
      task.breathe()
    end)
    print(pcall(input.read, input))
  ]]
  local fifo = temporary()
  assert(os.execute("mkfifo '" .. fifo .. "'"))
  local out = run(program, "@ <>'" .. fifo .. "'")
  os.remove(fifo)
  lu.assertStrMatches(out, "nil\tcannot read: the file was closed\tlocal.file\nfalse\t[^\n]*the file is closed\n")
end

function TestDescriptors:test_a_closed_reader()
  local program = [[
    task.main(function()
      local output = file.output(1)
      local done, message, code
      repeat done, message, code = output:write(("x"):rep(5000)) until not done
      io.stderr:write(code, ": ", message)
    end)
  ]]
  lu.assertEquals(run(program, "{ @ | true; } 2>&1"), "local.pipe: nobody reads the output any more")
end

function TestDescriptors:test_input_is_waited_for_and_ends()
  local program = [[
    task.main(function()
      local input, parts = file.input(0), {}
      repeat
        local part = assert(input:read(3))
        parts[#parts + 1] = part
      until part == ""
      print(table.concat(parts, "|"))
    end)
  ]]
  lu.assertEquals(run(program, "{ sleep 0.05; printf abcd; } | @"), "abc|d|\n")
  lu.assertEquals(run(program, "@ < /dev/null"), "\n")
end

function TestDescriptors:test_outside_a_task_it_blocks()
  lu.assertEquals(run("print(file.input(0):read(10))", "{ sleep 0.05; printf abcd; } | @"), "abcd\n")
  lu.assertEquals(run("file.output(1):write('text')", "@ | cat"), "text")
end

os.exit(lu.LuaUnit.run())
