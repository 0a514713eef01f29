-- kedge.update.holder: who has a lock, by name.

local lu = require "luaunit"

local change = require "kedge.core.change"
local file = require "kedge.core.file"
local holder = require "kedge.update.holder"
local lock = require "kedge.core.lock"
local process = require "kedge.core.process"
local task = require "kedge.task"

TestHolder = {}

function TestHolder:setUp()
  self.folder = assert(io.popen("mktemp -d /tmp/kedge-holder-XXXXXX")):read("l")
end

function TestHolder:tearDown()
  os.execute("rm -rf '" .. self.folder .. "'")
end

function TestHolder.test_who_is_known()
  local pid = assert(file.read("/proc/self/stat", 4096)):match("^%d+")
  lu.assertStrMatches(holder.name("/nowhere", math.tointeger(tonumber(pid))), "process " .. pid .. " %([^()]+%)")
end

function TestHolder:test_nobody()
  local path = self.folder .. "/lock"
  assert(change.create(path, ""))
  lu.assertEquals(holder.name(path), "another process")
end

-- Whoever started it is gone, or may be.
function TestHolder:test_who_inherited_it()
  local path, pipe = self.folder .. "/lock", self.folder .. "/pipe"
  assert(os.execute("mkfifo '" .. pipe .. "'"))
  assert(task.main(function()
    local held = assert(lock.take(path))
    task.spawn(function()
      process.run { "sh", "-c", "echo $$ >'" .. pipe .. "'; read -r line <'" .. pipe .. "'", keep = { held } }
    end)
    task.breathe()
    held:close()
    local pid = assert(file.read(pipe)):match("%d+")
    lu.assertEquals(holder.name(path), ("process %s (sh), which was started by the tool of an earlier run"):format(pid))
    assert(os.execute("echo >'" .. pipe .. "'"))
  end))
end

os.exit(lu.LuaUnit.run())
