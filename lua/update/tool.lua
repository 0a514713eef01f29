-- The system's own update-ca-certificates: whether and how it can be run for a system, and running it.

local file = require "kedge.core.file"
local admit = require "kedge.core.admit"
local interrupt = require "kedge.interrupt"
local process = require "kedge.core.process"
local refusal = require "kedge.update.refusal"
local task = require "kedge.task"

local tool = {}

local NAME = "update-ca-certificates"
local PLACES = { "/usr/sbin/", "/usr/bin/", "/sbin/", "/usr/local/sbin/" }
local NOWHERE = "/nonexistent" -- for hooks, which never run outside of their system
local PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

-- The tool's place in a system, or nil.
local function find_in(system)
  for _, folder in ipairs(PLACES) do
    if system:kind(folder .. NAME) == "file" then return folder .. NAME end
  end
end

-- What a program is built for: class, byte order and machine of its ELF header.
local function machine(text)
  if not text or text:sub(1, 4) ~= "\127ELF" then return nil end
  return text:sub(5, 6) .. text:sub(19, 20)
end

-- Whether the image's tool can run inside it: by root, on this processor, with what the tool calls.
local function runs_inside(system, path)
  if not admit.is_root() then return false end
  local null = system:real("/dev/null")
  if not null or system:look(null).type ~= "other" then return false end
  local text = system:read(path)
  if not text then return false end
  local is_script = text:sub(1, 2) == "#!"
  local program = is_script and system:read("/bin/sh") or text
  if is_script and system:kind("/usr/bin/openssl") ~= "file" then return false end
  local ours = file.read("/proc/self/exe", 256 * 1024 * 1024)
  return machine(program) ~= nil and machine(program) == machine(ours)
end

-- Whether what the tool calls starts there: a system for this processor may still lack its libraries.
local function starts_inside(system)
  local done = process.run { "/bin/sh", "-c", "for i in sed find sort mktemp; do command -v $i || exit 1; done; sed -n '' </dev/null",
    root = system.root, env = { PATH = PATH, LC_ALL = "C" }, timeout = 10 }
  return done ~= nil and done.status == 0
end

-- Whether this system's own tool can be pointed at other folders.
local function takes_folders(path)
  local text = file.read(path)
  return text ~= nil and text:find("--etccertsdir", 1, true) ~= nil and text:find("--hooksdir", 1, true) ~= nil
end

local function find_here()
  for _, folder in ipairs(PLACES) do
    local status = file.stat(folder .. NAME)
    if status and status.type == "file" then return folder .. NAME end
  end
end

-- The tool doesn't quote every path that it is given.
local function can_be_given(path)
  return path:find("^[%w/._+,=@:-]+$") ~= nil
end

--- Raises where a system has the tool, but not the configuration by which it would make the store anew.
function tool.check_configuration(facts)
  local system, path = facts.system, "/etc/ca-certificates.conf"
  if facts.layout.configuration or not find_in(system) then return end
  local real = system:name(path)
  local entry = real and system:look(real)
  local what = "is missing"
  if entry then what = entry.target and ("is a link that leads nowhere (to %s)"):format(entry.target) or "is not a file" end
  refusal.raise(("%s %s, and %s makes the store from it: put it back first, as dpkg-reconfigure ca-certificates does"):format(path, what,
    NAME))
end

--- How the tool is to be run for a system: { how= "live", "chroot" or "folders", path= }; nil and why it can't be.
--- Nothing of an image's is run to find out, unless `try` says so.
function tool.choose(system, try)
  local path = find_in(system)
  if system.is_live then
    if path then return { how = "live", path = path } end
    return nil, NAME .. " is not installed"
  end
  if path and runs_inside(system, path) and (not try or starts_inside(system)) then return { how = "chroot", path = path } end
  local here = find_here()
  if not here then return nil, ("the %s of %s can't run here, and this system has none"):format(NAME, system.shown) end
  if not takes_folders(here) then
    return nil, ("the %s of %s can't run here, and this system's is too old to be pointed at other folders"):format(NAME, system.shown)
  end
  if not can_be_given(system.root) then
    return nil, ("%s: %s can't be given a path with spaces or other special characters; mount or move it elsewhere"):format(
      system.root, NAME)
  end
  return { how = "folders", path = here }
end

-- The words of the command.
local function words(chosen, facts, nowhere)
  if chosen.how ~= "folders" then return { chosen.path } end
  local system, layout = facts.system, facts.layout
  local function real(path) return system:place(path) or system:outside(path) end
  return { chosen.path, "--certsconf", real(layout.configuration), "--certsdir", real(layout.shipped), "--localcertsdir",
    real(layout.chosen[1]), "--etccertsdir", real(layout.directory), "--hooksdir", nowhere }
end

--- The command as a person would type it.
function tool.command(chosen, facts)
  if chosen.how == "live" then return NAME end
  if chosen.how == "chroot" then return ("chroot %s %s"):format(facts.system.root, chosen.path) end
  return table.concat(words(chosen, facts, NOWHERE), " ")
end

--- Runs the tool: what its process gave (see kedge.core.process), output and errors in one; nil and a sentence where it
--- couldn't be run or did not come to its end, what it said, and true if it need not be tried again. run: temporary= a folder
--- (the kernel's path) for its own files, lock= is kept open by the tool as long as it or a child of it lives, seconds=
--- then it is stopped, has_dpkg= dpkg's lock is ours, and as apt does, we tell those hooks that call dpkg.
function tool.run(facts, run)
  local system, chosen, temporary, seconds = facts.system, run.tool, run.temporary, run.seconds
  local plan = words(chosen, facts, NOWHERE)
  plan.env = { PATH = PATH, LC_ALL = "C", HOME = "/", TMPDIR = chosen.how == "chroot" and system:inside(temporary) or temporary,
    DPKG_FRONTEND_LOCKED = run.has_dpkg and "true" or nil }
  plan.root = chosen.how == "chroot" and system.root or nil
  plan.merge, plan.keep, plan.timeout = true, { run.lock }, seconds
  local done, message = interrupt.wait(process.run, plan)
  if not done then return nil, message or NAME .. " was interrupted", "", true end
  local output = done.output
  if done.timed_out then return nil, ("%s did not end within %g s and was stopped"):format(NAME, seconds), output, true end
  if done.signal then return nil, ("%s was ended by signal %d"):format(NAME, done.signal), output end
  if done.status ~= 0 then return nil, ("%s failed with status %d"):format(NAME, done.status), output end
  return done
end

local STALE = 2 -- seconds without a change after which the bundle under construction belongs to nobody
local PATIENCE = 60 -- seconds for somebody else's run

--- Waits while somebody else's run of the tool is building a bundle: true where there is a remainder that nobody works on.
function tool.wait_for_others(facts)
  local real, last, since = facts.system:name(facts.layout.bundle .. ".new"), nil, nil
  local began = task.now()
  while real do
    local entry = facts.system:look(real)
    if not entry then return false end
    local state = ("%d %d %d"):format(entry.inode, entry.size, entry.mtime_ns)
    local is_old = not last and task.time() - entry.mtime_ns // 1000000000 > STALE -- it was like that before we came
    if state ~= last then last, since = state, task.now() end
    if is_old or task.now() - since > STALE or task.now() - began > PATIENCE then return true end
    interrupt.wait(task.sleep, 0.05)
    if interrupt.signal() then return true end
  end
  return false
end

-- What changes while somebody works on the folder.
local function activity(facts)
  local system, layout = facts.system, facts.layout
  local folder = system:real(layout.directory)
  local bundle = system:real(layout.bundle)
  local seen = { system:look(folder).mtime_ns, bundle and system:look(bundle).inode or 0 }
  return table.concat(seen, " "), system:look(folder .. "/" .. layout.bundle:match("[^/]*$") .. ".new") ~= nil
end

--- Waits until nobody has worked on the folder for so many seconds.
function tool.wait_until_quiet(facts, seconds)
  local began, since = task.now(), task.now()
  local last, is_building = activity(facts)
  while task.now() - since < seconds and task.now() - began < PATIENCE and not interrupt.signal() do
    if is_building then tool.wait_for_others(facts) end
    interrupt.wait(task.sleep, 0.02)
    local now
    now, is_building = activity(facts)
    if now ~= last then last, since = now, task.now() end
  end
end

return tool
