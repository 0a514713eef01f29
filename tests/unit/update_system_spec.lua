-- The files of a system below a folder, as an update sees them; its state and its backups on a real disk.

local backup = require "kedge.update.backup"
local lu = require "luaunit"
local manifest = require "kedge.update.manifest"
local refusal = require "kedge.update.refusal"
local restore = require "kedge.update.restore"
local state = require "kedge.update.state"
local system = require "kedge.update.system"
local tree = require "kedge.core.tree"

local root

local function run(command, ...)
  assert(os.execute(command:format(...)), command:format(...))
end

local function write(path, text)
  run("mkdir -p '%s'", root .. path:match("^(.*)/"))
  local handle <close> = assert(io.open(root .. path, "wb"))
  assert(handle:write(text))
end

local function read(path)
  local handle <close> = assert(io.open(root .. path, "rb"))
  return handle:read("a")
end

-- The refusal's sentence, or nil where fn doesn't refuse.
local function refused(fn, ...)
  local done, problem = refusal.catch(fn, ...)
  return not done and problem.message or nil
end

local Base = {}

function Base.setUp()
  local name = os.tmpname()
  os.remove(name)
  root = name .. ".d"
  run("mkdir -m 755 '%s'", root)
end

function Base.tearDown()
  run("rm -rf '%s'", root)
end

TestSystem = { setUp = Base.setUp, tearDown = Base.tearDown }

function TestSystem.test_what_is_there()
  write("/etc/a", "text")
  run("ln -s /etc/a '%s/link' && ln -s round '%s/round' && mkfifo '%s/fifo'", root, root, root)
  local one = system.open(root)
  lu.assertFalse(one.is_live)
  lu.assertEquals(one:read("/link"), "text")
  lu.assertNil(one:read("/etc"))
  lu.assertNil(one:read("/nothing"))
  lu.assertNil(one:real("/round"))
  lu.assertEquals({ one:kind("/link"), one:kind("/etc"), one:kind("/fifo") }, { "file", "directory", "other" })
  lu.assertEquals(one:inside(one:real("/link")), "/etc/a")
  lu.assertEquals(one:place("/etc/new"), root .. "/etc/new")
  lu.assertNil(one:place("/nowhere/new"))
  lu.assertEquals(one:nearest("/etc/x/y"), root .. "/etc")
  lu.assertEquals(one:list("/nothing"), {})
  local entry = one:look(root .. "/link")
  lu.assertEquals({ entry.type, entry.target }, { "link", "/etc/a" })
  lu.assertEquals(one:look(root .. "/etc/a").size, 4)
end

function TestSystem.test_not_a_folder()
  lu.assertStrContains(refused(system.open, root .. "/nothing"), "nothing")
end

function TestSystem.test_files_are_sorted_as_the_tool_sorts_them()
  for _, name in ipairs { "b.crt", "B.crt", "a/z.crt", "a.crt", "a b.crt" } do write("/s/" .. name, "") end
  run("ln -s /s/a '%s/s/c'", root)
  lu.assertEquals(system.open(root):files("/s", function(name) return name:find("%.crt$") end),
    { "B.crt", "a b.crt", "a.crt", "a/z.crt", "b.crt", "c/z.crt" })
end

function TestSystem.test_links_where_others_may_write()
  write("/etc/real", "")
  run("mkdir -m 777 '%s/shared' && mkdir -m 1777 '%s/sticky'", root, root)
  run("ln -s /etc/real '%s/shared/a' && ln -s /etc/real '%s/sticky/a' && ln -s ../shared/a '%s/etc/b' && ln -s real '%s/etc/c'", root, root,
    root, root)
  local one = system.open(root)
  lu.assertStrContains(refused(one.check_way, one, "/shared/a"), "others may write")
  lu.assertStrContains(refused(one.check_way, one, "/etc/b"), "others may write")
  for _, path in ipairs { "/sticky/a", "/etc/c", "/etc/real", "/shared/new", "/etc/nothing/below", "/../etc/./real" } do
    lu.assertNil(refused(one.check_way, one, path), path)
  end
end

function TestSystem.test_a_link_that_leads_nowhere_yet()
  write("/etc/there", "")
  run("ln -s /etc/x '%s/a' && ln -s etc/y '%s/b' && ln -s /no/z '%s/c' && ln -s /etc/there '%s/d'", root, root, root, root)
  local one = system.open(root)
  lu.assertEquals(one:missing_target("/a"), root .. "/etc/x")
  lu.assertEquals(one:missing_target("/b"), root .. "/etc/y")
  for _, path in ipairs { "/c", "/d", "/etc/there", "/nothing" } do lu.assertNil(one:missing_target(path), path) end
end

function TestSystem.test_make_folder()
  local one = system.open(root)
  local real, made = one:make_folder("/a/b/c")
  lu.assertEquals(real, root .. "/a/b/c")
  lu.assertEquals(made, { root .. "/a", root .. "/a/b", root .. "/a/b/c" })
  lu.assertEquals(select(2, one:make_folder("/a/b")), {})
  write("/file", "")
  lu.assertNotNil(refused(one.make_folder, one, "/file/x"))
end

TestBackup = { setUp = Base.setUp, tearDown = Base.tearDown }

local LAYOUT = { family = "debian", bundle = "/etc/ssl/certs/all.crt", directory = "/etc/ssl/certs", shipped = "/usr/share/certs",
  chosen = { "/new/er" } }

local function new_state()
  local one = state.find(system.open(root), LAYOUT)
  one:make()
  return one
end

local function everything()
  local command = "cd '%s' && find . -path ./var -prune -o -printf '%%p %%y %%m %%l\\n' | sort; cat etc/ca-certificates.conf"
  local pipe <close> = assert(io.popen(command:format(root)))
  return pipe:read("a")
end

local KNOWN = { before = { bundle = {} }, wanted = { bundle = {} } }

local function backed_up(one, number, record)
  local recorder = backup.recorder(one.system)
  record(recorder)
  backup.write(one, recorder, number, KNOWN)
end

function TestBackup.test_back_to_what_it_was()
  write("/etc/ca-certificates.conf", "before\n")
  write("/etc/ssl/certs/all.crt", "bundle\n")
  write("/etc/ssl/certs/own.pem", "own\n")
  run("cd '%s/etc' && ln -s /x/a.crt ssl/certs/a.pem && ln -s 'odd name%%' 'ssl/certs/odd %% name' && chmod 640 ca-certificates.conf", root)
  local one, before = new_state(), everything()
  backed_up(one, 1, function(recorder)
    recorder.entry(root .. "/etc/ca-certificates.conf")
    recorder.writes(root .. "/etc/ca-certificates.conf", "after\n")
    recorder.entry(root .. "/etc/ssl/certs/all.crt")
    recorder.folder(root .. "/new")
    recorder.folder(root .. "/new/er")
    recorder.entry(root .. "/new/er/file.crt")
    recorder.writes(root .. "/new/er/file.crt", "x")
    recorder.links(root .. "/etc/ssl/certs", function(name) return name == "own.pem" end)
  end)
  lu.assertEquals(one:backups(), { 1 })
  lu.assertEquals(restore.differences(one.system, backup.load(one, 1)), {})
  local function damage()
    write("/etc/ca-certificates.conf", "after\n")
    write("/new/er/file.crt", "x")
    write("/etc/.ca-certificates.conf.12-0", "half")
    run("cd '%s/etc/ssl/certs' && rm all.crt && ln -s /else all.crt && rm a.pem && ln -s /y a.pem && ln -s b.pem 0.0 && rm odd* &&"
      .. " ln -sf /x own.pem", root)
  end
  for _ = 1, 2 do
    damage()
    lu.assertEquals(#restore.differences(one.system, backup.load(one, 1)), 9)
    restore.all(one.system, backup.load(one, 1))
    lu.assertEquals(everything(), before)
    restore.all(one.system, backup.load(one, 1))
    lu.assertEquals(everything(), before)
    lu.assertEquals(restore.differences(one.system, backup.load(one, 1)), {})
  end
  lu.assertEquals(read("/etc/ssl/certs/all.crt"), "bundle\n")
  lu.assertEquals(read("/etc/ssl/certs/own.pem"), "own\n")
end

function TestBackup.test_what_others_put_there_stays()
  write("/etc/ssl/certs/all.crt", "bundle\n")
  local one = new_state()
  backed_up(one, 1, function(recorder)
    recorder.links(root .. "/etc/ssl/certs")
    recorder.entry(root .. "/new/er/file.crt")
    recorder.writes(root .. "/new/er/file.crt", "kedge's")
  end)
  write("/etc/ssl/certs/own.pem", "theirs")
  write("/new/er/file.crt", "theirs")
  restore.all(one.system, backup.load(one, 1))
  lu.assertEquals(read("/etc/ssl/certs/own.pem"), "theirs")
  lu.assertEquals(read("/new/er/file.crt"), "theirs")
end

local SUM = ("0"):rep(64)
local LINES = {
  "weird /etc/ssl/certs/x", "file", "file /etc/ssl/certs/x", "link /etc/ssl/certs/x", "", "absent /etc/ssl/certs/x y",
  "absent etc/ssl/certs/x", "absent /etc/ssl/certs/../x", "absent /etc//ssl", "absent /etc/ssl/certs/", "absent /etc/ssl/certs/%2e%2e",
  "absent /etc/ssl/certs/%0", "absent /etc/ssl/certs/%00", "writes /etc/ssl/certs/x 00", "file /etc/ssl/certs/x ../1 0:0 1 " .. SUM,
  "file /etc/ssl/certs/x 1 0:0 99999999999999999999 " .. SUM, "absent /etc/ssl/certs/x ",
}

function TestBackup.test_a_manifest_that_kedge_did_not_write()
  local one, path = new_state(), "/var/lib/kedge/backup/1/manifest"
  for _, line in ipairs(LINES) do
    write(path, manifest.seal("absent /etc/ssl/certs/y\n" .. line .. "\n"))
    lu.assertStrContains(refused(backup.load, one, 1) or "accepted: " .. line, "line 2")
  end
  local whole = manifest.seal("absent /etc/ssl/certs/y\n")
  for text, says in pairs { [""] = "not whole", ["end\n"] = "not whole", [whole:sub(1, -2)] = "not whole", [whole .. whole] = "damaged",
    [(whole:gsub("y", "z"))] = "damaged" } do
    write(path, text)
    lu.assertStrContains(refused(backup.load, one, 1), says)
  end
end

function TestBackup.test_places_that_no_update_touches()
  local one, path = new_state(), "/var/lib/kedge/backup/1/manifest"
  run("mkdir -p '%s/elsewhere' '%s/etc/ssl/certs' && ln -s /elsewhere '%s/etc/ssl/certs/sub'", root, root, root)
  for _, line in ipairs { "absent /etc/shadow", "link /etc/ssl/x y", "links /etc", "folder /etc/ssl", "absent /elsewhere/x",
    "absent /etc/ssl/certs/sub/x" } do
    write(path, manifest.seal(line .. "\n"))
    lu.assertStrContains(refused(backup.load, one, 1), "touches")
  end
  run("rm -r '%s/etc/ssl/certs' && ln -s /elsewhere '%s/etc/ssl/certs'", root, root)
  write(path, manifest.seal("absent /etc/ssl/certs/x\n"))
  lu.assertStrContains(refused(backup.load, one, 1), "touches")
end

function TestBackup.test_copies_that_are_not_what_was_saved()
  write("/etc/ssl/certs/all.crt", "bundle\n")
  for how, says in pairs { ["truncate -s 3"] = "3 bytes", ["printf Bundle: >"] = "not what was saved", ["rm"] = "missing",
    ["ln -sf /etc/passwd"] = "regular file" } do
    local one = new_state()
    backed_up(one, 1, function(recorder) recorder.entry(root .. "/etc/ssl/certs/all.crt") end)
    run("%s '%s/var/lib/kedge/backup/1/1'", how, root)
    lu.assertStrContains(refused(backup.load, one, 1), says)
    run("rm -r '%s/var/lib/kedge/backup/1'", root)
  end
end

function TestBackup.test_a_way_that_has_become_a_link()
  write("/etc/ssl/certs/all.crt", "bundle\n")
  local one = new_state()
  backed_up(one, 1, function(recorder) recorder.entry(root .. "/etc/ssl/certs/all.crt") end)
  local saved = backup.load(one, 1)
  run("mv '%s/etc/ssl' '%s/moved' && ln -s ../moved '%s/etc/ssl'", root, root, root)
  lu.assertStrContains(refused(restore.all, one.system, saved), "symbolic link")
end

function TestBackup.test_journal()
  local one = new_state()
  lu.assertNil(one:journal())
  one:write_journal("begun", 3)
  lu.assertEquals(one:journal(), { state = "begun", backup = 3 })
  one:write_journal("verified", 3)
  lu.assertEquals(state.find(one.system, LAYOUT):journal(), { state = "verified", backup = 3 })
  one:end_journal()
  lu.assertNil(one:journal())
  for _, text in ipairs { "?", "", "kedge.journal/1 begun 99999999999999999999\n", "kedge.journal/1 other 1\n",
    "kedge.journal/1 begun 0\n" } do
    write("/var/lib/kedge/journal", text)
    lu.assertStrContains(refused(one.journal, one), "ca-audit")
  end
end

function TestBackup.test_what_is_kept()
  local one = new_state()
  for i = 1, 6 do
    write(("/var/lib/kedge/backup/%d/manifest"):format(i), "")
    if i ~= 4 then write(("/var/lib/kedge/backup/%d/proven"):format(i), "") end
  end
  write("/var/lib/kedge/backup/7.new/1", "")
  write("/var/lib/kedge/backup/9223372036854775807/proven", "")
  write("/var/lib/kedge/backup/08/proven", "")
  write("/var/lib/kedge/tmp/x/y", "")
  write("/var/lib/kedge/.journal.99-0", "")
  one:clean()
  lu.assertEquals(one:backups(), { 1, 2, 3, 5, 6 })
  lu.assertEquals(one:next_number(), 7)
  one:prune()
  lu.assertEquals(one:backups(), { 3, 5, 6 })
  lu.assertEquals(tree.list(root .. "/var/lib/kedge"), { "backup" })
end

function TestBackup.test_odd_things_in_the_state_folder()
  new_state()
  for command, says in pairs { ["mkfifo 'X/journal'"] = "regular file", ["ln -s /etc 'X/backup'"] = "symbolic link",
    ["touch 'X/tmp'"] = "folder", ["touch 'X/journal' && chmod 666 'X/journal'"] = "mode 666" } do
    run("%s", (command:gsub("X", root .. "/var/lib/kedge")))
    lu.assertStrContains(refused(state.find, system.open(root), LAYOUT), says)
    run("rm -r '%s/var/lib/kedge'", root)
    new_state()
  end
end

os.exit(lu.LuaUnit.run())
