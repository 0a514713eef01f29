-- kedge.core.process, kedge.core.lock and kedge.core.change as Lua sees them: the
-- forms of results and failures, and that a program ends with the task that waits for it.

local lu = require "luaunit"
local change = require "kedge.core.change"
local file = require "kedge.core.file"
local lock = require "kedge.core.lock"
local process = require "kedge.core.process"
local task = require "kedge.task"

local function run(plan)
  local outcome
  assert(task.main(function() outcome = table.pack(process.run(plan)) end))
  return table.unpack(outcome, 1, outcome.n)
end

local function shell(script, plan)
  plan = plan or {}
  plan[1], plan[2], plan[3] = "/bin/sh", "-c", script
  return run(plan)
end

local function assert_raises(pattern, fn, ...)
  local ok, message = pcall(fn, ...)
  lu.assertFalse(ok)
  lu.assertStrContains(message, pattern)
end

-- A folder of the test's own, and paths in it.
local function temporary()
  local path = os.tmpname()
  os.remove(path)
  assert(change.make_folder(path, 448))
  return path
end

local Folder = {}

function Folder:setUp()
  self.folder = temporary()
end

function Folder:tearDown()
  os.execute("rm -rf '" .. self.folder .. "'")
end

function Folder:at(name)
  return self.folder .. "/" .. name
end

local function test_class()
  return setmetatable({ setUp = Folder.setUp, tearDown = Folder.tearDown }, { __index = { at = Folder.at } })
end

TestProcess = test_class()

function TestProcess:test_a_result()
  lu.assertEquals(shell("echo out; echo err >&2; exit 3"),
    { status = 3, output = "out\n", errors = "err\n", truncated = false, timed_out = false })
  lu.assertEquals(shell("echo out; echo err >&2; kill -KILL $$", { merge = true }),
    { signal = 9, output = "out\nerr\n", errors = "", truncated = false, timed_out = false })
end

function TestProcess:test_what_it_is_given()
  local cases = {
    { "cat", { input = "a\0b" }, "a\0b" },
    { "cat", {}, "" },
    { "pwd", { cwd = self.folder }, self.folder .. "\n" },
    { 'echo "$A-$HOME"', { env = { A = "1 2" } }, "1 2-\n" },
  }
  for _, case in ipairs(cases) do
    lu.assertEquals(shell(case[1], case[2]).output, case[3])
  end
end

function TestProcess:test_what_cannot_be_run()
  local nobody = self:at("nobody")
  local cases = {
    { { "kedge-missing" }, "kedge-missing cannot be run: No such file or directory", "local.tool_missing" },
    { { "/etc/passwd" }, "/etc/passwd cannot be run: Permission denied", "local.tool_missing" },
    { { "sh", cwd = nobody }, "cannot enter " .. nobody .. ": No such file or directory", "local.tool_failed" },
    { { "sh", root = nobody }, "cannot enter " .. nobody .. " as a root: No such file or directory", "local.tool_failed" },
    { { "sh", root = self.folder }, "sh cannot be run in " .. self.folder .. ": No such file or directory",
      "local.tool_missing" },
  }
  local root = run({ "id", "-u" }).output == "0\n"
  for _, case in ipairs(cases) do
    if not case[1].root or root then lu.assertEquals({ run(case[1]) }, { nil, case[2], case[3] }) end
  end
  if not root then
    lu.assertEquals({ run { "sh", root = "/" } },
      { nil, "cannot enter / as a root: Operation not permitted", "local.permission" })
  end
end

function TestProcess:test_a_root_of_its_own()
  if run({ "id", "-u" }).output ~= "0\n" then return end
  assert(os.execute("cp /bin/busybox '" .. self.folder .. "'"))
  local seen = run { "/busybox", "sh", "-c", "pwd; echo *", root = self.folder }
  lu.assertEquals({ seen.status, seen.output }, { 0, "/\nbusybox\n" })
end

function TestProcess:test_bounds()
  local seen = shell("echo first; yes | head -c 1000000; echo last", { limit = 100 })
  lu.assertEquals({ seen.status, seen.truncated }, { 0, true })
  lu.assertStrMatches(seen.output, "first\n[y\n]+%[999911 bytes left out%]\n[y\n]+last\n")
  lu.assertEquals(#seen.output, 100 + #"[999911 bytes left out]\n")
  seen = shell("exec sleep 1000", { timeout = 0.1 })
  lu.assertEquals({ seen.status, seen.signal, seen.timed_out }, { nil, 15, true })
end

function TestProcess:test_many_at_once()
  local outputs
  assert(task.main(function()
    outputs = task.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(i)
      return process.run({ "sh", "-c", "cat; echo " .. i, input = ("x"):rep(i) }).output
    end)
  end))
  for i = 1, 8 do lu.assertEquals(outputs[i], ("x"):rep(i) .. i .. "\n") end
end

-- Whether a process of this number lives (or is a zombie that its parent has yet to see).
local function lives(pid)
  return os.execute("kill -0 " .. pid .. " 2>/dev/null") ~= nil
    and not (file.read("/proc/" .. pid .. "/stat") or ") Z"):match("%) Z")
end

-- A script that writes the numbers of two processes of its group to a file, and then hangs.
local HANGS = "trap '' TERM HUP; sleep 1000 & echo $$ $! >'%s.new'; mv '%s.new' '%s'; wait"

function TestProcess:test_ends_with_its_task()
  local path = self:at("pids")
  local function hang()
    return process.run { "sh", "-c", HANGS:format(path, path, path) }
  end
  local function await_start()
    while not file.stat(path) do task.sleep(0.005) end
  end
  local ways = {
    cancelled = function()
      task.run(nil, function()
        local inner = task.current()
        task.spawn(function() await_start() inner:close() end)
        hang()
      end)
    end,
    ["an error beside it"] = function()
      task.run(nil, function()
        task.spawn(function() await_start() error("raised") end)
        hang()
      end)
    end,
    ["the end of the main task"] = function()
      task.spawn(hang)
      await_start()
    end,
  }
  for name, way in pairs(ways) do
    assert(task.main(way))
    local one, other = file.read(path):match("^(%d+) (%d+)")
    lu.assertFalse(lives(one), name)
    while lives(other) do os.execute("sleep 0.01") end -- it got its SIGKILL already
    os.remove(path)
  end
end

function TestProcess:test_misuse_raises()
  assert_raises("not in a task", process.run, { "true" })
  local cases = {
    { "no program", {} },
    { "without NUL", { "a\0b" } },
    { "without NUL", { "sh", {} } },
    { "without NUL", { "sh", root = "a\0b" } },
    { "without NUL", { "sh", env = { A = "\0" } } },
    { "must be strings", { "sh", env = { A = 1 } } },
    { "string expected", { "sh", input = 1 } },
    { "timeout", { "sh", timeout = -1 } },
    { "timeout", { "sh", timeout = 0 / 0 } },
    { "limit", { "sh", limit = 0 } },
    { "limit", { "sh", limit = (16 << 20) + 1 } },
    { "kedge.lock expected", { "sh", keep = { 1 } } },
  }
  for _, case in ipairs(cases) do
    task.main(function() assert_raises(case[1], process.run, case[2]) end)
  end
end

-- Kernels before 5.3 have no pidfd_open, those before 5.9 no close_range.
function TestProcess:test_on_an_old_kernel()
  local path = self:at("old.lua")
  assert(change.create(path, [[
    local process, task = require "kedge.core.process", require "kedge.task"
    assert(task.main(function()
      local seen = process.run { "sh", "-c", "for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done; exit 4",
        timeout = 60 }
      assert(seen.status == 4 and seen.output == "0\n1\n2\n", seen.output)
      seen = process.run { "sleep", "1000", timeout = 0.1 }
      assert(seen.signal == 15 and seen.timed_out)
    end))
    print("good")
  ]]))
  local command = ("strace -f --seccomp-bpf -o '%s' -e trace=pidfd_open,close_range "):format(self:at("trace"))
    .. "-e inject=pidfd_open,close_range:error=ENOSYS '%s' '%s' 30</dev/null"
  local seen = shell(command:format(os.getenv("KEDGE_LUA") or arg[-1], path))
  lu.assertEquals({ seen.output, seen.status }, { "good\n", 0 }, seen.errors)
  local trace = assert(file.read(self:at("trace")))
  lu.assertStrContains(trace, "INJECTED")
  lu.assertStrContains(trace, "close_range")
  lu.assertStrContains(trace, "pidfd_open")
end

TestLock = test_class()

function TestLock:test_one_at_a_time()
  local path = self:at("lock")
  local held = assert(lock.take(path))
  lu.assertTrue(held:write_pid())
  local pid = tonumber(file.read(path))
  lu.assertEquals({ lock.take(path) }, { nil, ("%s: locked by process %d"):format(path, pid), "local.busy", pid })
  assert(change.create(self:at("other"), "none"))
  local other <close> = assert(lock.take(self:at("other")))
  lu.assertEquals({ lock.take(self:at("other")) },
    { nil, self:at("other") .. ": locked by another process", "local.busy" })
  held:close()
  held:close()
  lock.take(path):close()
  assert_raises("closed", held.write_pid, held)
  lu.assertNotNil(other)
end

-- A file that has been taken away is no lock any more, whoever has it still.
function TestLock:test_retired()
  local path = self:at("lock")
  local old <close> = assert(lock.take(path))
  lu.assertTrue(old:retire(path))
  lu.assertNil((file.stat(path)))
  local new <close> = assert(lock.take(path))
  lu.assertTrue(old:retire(path)) -- the new one is somebody else's
  lu.assertNil((lock.take(path)))
  lu.assertTrue(new:retire(path))
end

function TestLock:test_failures()
  assert(change.link("nowhere", self:at("link")))
  lu.assertEquals({ lock.take(self:at("none"), "posix") },
    { nil, self:at("none") .. ": No such file or directory", "missing" })
  lu.assertEquals({ lock.take(self:at("link")) },
    { nil, self:at("link") .. ": a symbolic link, which a lock is not taken through", "local.permission" })
  lu.assertEquals({ lock.take(self.folder) }, { nil, self.folder .. ": Is a directory", "local.file" })
  assert_raises("invalid option", lock.take, self:at("lock"), "other")
end

-- The tool that is started holds the lock until it ends, though kedge is gone.
function TestLock:test_a_child_inherits_it()
  local path, pipe = self:at("lock"), self:at("pipe")
  assert(os.execute("mkfifo '" .. pipe .. "'"))
  assert(task.main(function()
    local held = assert(lock.take(path))
    task.spawn(function()
      lu.assertEquals(process.run({ "sh", "-c", "echo >'" .. pipe .. "'; cat '" .. pipe .. "'", keep = { held } }).status, 0)
    end)
    task.breathe()
    held:close()
    lu.assertEquals(file.read(pipe), "\n")
    lu.assertNil((lock.take(path)))
    assert(os.execute(": >'" .. pipe .. "'"))
    local again
    repeat
      task.sleep(0.005)
      again = lock.take(path)
    until again
    again:close()
  end))
end

function TestLock:test_a_posix_lock_is_not_inherited()
  assert(change.create(self:at("lock"), ""))
  local held <close> = assert(lock.take(self:at("lock"), "posix"))
  task.main(function() assert_raises("process's alone", process.run, { "true", keep = { held } }) end)
end

TestChange = test_class()

function TestChange:test_each()
  local a, b = self:at("a"), self:at("b")
  local owner = change.owner(self.folder)
  for _, step in ipairs {
    { "create", a, "text" }, { "copy", a, b }, { "create", a .. "2", "", { uid = owner.uid, gid = owner.gid, mode = 384 } },
    { "make_folder", self:at("sub"), 493 }, { "make_folder", self:at("sub") },
    { "link", "a", self:at("link") }, { "remove", a }, { "remove", a }, { "restore", b, a },
    { "rename", b, self:at("sub/b") }, { "own", a, owner.uid, owner.gid, 416 }, { "flush", a },
    { "flush_system", self.folder }, { "access", a }, { "remove", self:at("sub/b") }, { "remove_folder", self:at("sub") },
  } do
    lu.assertEquals({ change[step[1]](table.unpack(step, 2)) }, { true }, step[1])
  end
  lu.assertEquals(file.read(a), "text")
  lu.assertEquals(change.owner(a), { uid = owner.uid, gid = owner.gid, mode = 416 })
  local bytes, inodes = change.free(self.folder)
  lu.assertTrue(math.type(bytes) == "integer" and bytes > 0 and math.type(inodes) == "integer" and inodes > 0)
end

function TestChange:test_failures_name_the_path()
  local here, gone = self:at("here"), self:at("gone/file")
  assert(change.create(here, ""))
  local missing = gone .. ": No such file or directory"
  for _, case in ipairs {
    { missing, "missing", "create", gone, "" }, { missing, "missing", "make_folder", gone },
    { missing, "missing", "link", "x", gone }, { missing, "missing", "owner", gone },
    { missing, "missing", "free", gone }, { missing, "missing", "access", gone }, { missing, "missing", "flush", gone },
    { here .. " to " .. missing, "missing", "rename", here, gone },
    { gone .. " to " .. here .. "2: No such file or directory", "missing", "copy", gone, here .. "2" },
    { here .. ": File exists", "local.file", "create", here, "" },
    { self.folder .. ": Is a directory", "local.file", "remove", self.folder },
  } do
    lu.assertEquals({ change[case[3]](table.unpack(case, 4)) }, { nil, case[1], case[2] })
  end
end

os.exit(lu.LuaUnit.run())
