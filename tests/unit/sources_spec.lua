local lu = require "luaunit"

-- A store that only notes what it was given.
package.loaded["kedge.core.store"] = {
  new = function()
    local core = { added = {} }
    function core:add_file(path)
      if path:find "unreadable" then return nil, path .. ": Permission denied", "local.file" end
      self.added[#self.added + 1] = "file " .. path
      return 1
    end
    function core:add_directory(path)
      self.added[#self.added + 1] = "directory " .. path
      return true
    end
    function core:add_pem(text, file)
      self.added[#self.added + 1] = ("pem %s %s"):format(file, text)
      return 1
    end
    function core:add_der(der, file)
      self.added[#self.added + 1] = ("der %s %s"):format(file, der)
      return true
    end
    function core.skipped()
      return { { file = "a.pem", line = 3, message = "no certificate" }, { file = "b", message = "a dead link" } }
    end
    return core
  end,
}
package.loaded["kedge.core.embedded"] = { anchors = function() return { { name = "One.pem", text = "ONE" } } end }

local sources = require "kedge.sources"

local function environment(variables)
  return function(name) return variables and variables[name] end
end

local folder

local function touch(name)
  local path = folder .. "/" .. name
  assert(io.open(path, "w")):close()
  return path
end

TestSources = {}

function TestSources.setUp()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end

function TestSources.tearDown()
  os.execute("rm -r " .. folder)
end

function TestSources.test_what_a_source_may_be()
  local file = touch "bundle.pem"
  local store = sources.open { file, folder, "ats" }
  lu.assertEquals(store.core.added, { "file " .. file, "directory " .. folder, "pem One.pem ONE" })
  lu.assertEquals(store.name, ("%s, %s, ats"):format(file, folder))
  lu.assertEquals(store.source, store.name)
  lu.assertEquals(store.warnings, {})
end

function TestSources.test_what_is_skipped_is_named()
  local store = sources.open { "ats" }
  lu.assertEquals(sources.warnings(store), { "a.pem:3: no certificate", "b: a dead link" })
end

-- what comes through a FIFO, what the store gets
local PIPED = { { "PEM", "pem %s PEM" }, { "", "pem %s " }, { "0der", "der %s 0der" } }

function TestSources.test_a_fifo_is_read_to_its_end()
  local fifo = folder .. "/fifo"
  assert(os.execute("mkfifo " .. fifo))
  for _, case in ipairs(PIPED) do
    assert(os.execute(("printf %%s '%s' >%s &"):format(case[1], fifo)))
    lu.assertEquals(sources.open({ fifo }).core.added, { case[2]:format(fifo) })
  end
end

-- source, sentence, code
local REFUSED = {
  { "sytem", "there is no store 'sytem'; did you mean 'system'? (system, ats, or a file or directory that exists)", "usage" },
  { "nowhere.pem", "there is no store 'nowhere.pem' (system, ats, or a file or directory that exists)", "usage" },
  { "./nowhere.pem", "./nowhere.pem does not exist", "local.file" },
}

function TestSources.test_what_is_refused()
  for _, case in ipairs(REFUSED) do
    local store, message, code = sources.open { "ats", case[1] }
    lu.assertNil(store)
    lu.assertEquals({ message, code }, { case[2], case[3] })
  end
  local unreadable = touch "unreadable"
  local store, message, code = sources.open { unreadable }
  lu.assertNil(store)
  lu.assertEquals({ message, code }, { unreadable .. ": Permission denied", "local.file" })
end

function TestSources.test_the_system_as_the_environment_says()
  local file = touch "bundle.pem"
  local store = sources.open({ "system" }, environment { SSL_CERT_FILE = file })
  lu.assertEquals({ store.name, store.source }, { file, "system" })
  store = sources.open({ "system" }, environment { SSL_CERT_DIR = folder .. ":" .. folder .. "/nowhere" })
  lu.assertEquals(store.core.added, { "directory " .. folder })
  lu.assertEquals(store.warnings, { ("SSL_CERT_DIR: %s/nowhere does not exist"):format(folder) })
  store = sources.open({ "system" }, environment { SSL_CERT_FILE = file, SSL_CERT_DIR = folder })
  lu.assertEquals(store.core.added, { "file " .. file, "directory " .. folder })
end

function TestSources.test_what_the_environment_names_is_the_store_even_if_it_is_not_there()
  local store = sources.open({ "system" }, environment { SSL_CERT_FILE = folder .. "/nowhere" })
  lu.assertEquals({ store.name, store.core.added }, { folder .. "/nowhere", {} })
  lu.assertEquals(store.warnings, { ("SSL_CERT_FILE: %s/nowhere does not exist"):format(folder) })
end

function TestSources.test_the_system_as_it_is()
  local store = sources.open({ "ats", "system" }, environment())
  lu.assertEquals(store.source, "ats, system")
  lu.assertStrMatches(store.name, "ats, .+")
  lu.assertTrue(#store.core.added == 2 or #store.warnings == 1)
end

os.exit(lu.LuaUnit.run("-o", "tap"))
