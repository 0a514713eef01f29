local lu = require "luaunit"

local change = require "kedge.core.change"
local file = require "kedge.core.file"
local history = require "kedge.history"

TestHistory = {}

local folder, user
function TestHistory:setUp()
  folder = os.tmpname()
  os.remove(folder)
  assert(change.make_folder(folder, 448))
  user = change.owner(folder).uid
end

function TestHistory:tearDown()
  os.execute("rm -rf " .. folder)
end

local function open(variables, who)
  variables = variables or { HOME = folder }
  return history.open(who or user, function(name) return variables[name] end)
end

local function mode(path)
  return change.owner(path).mode
end

function TestHistory:test_from_one_session_to_the_next()
  local first = open()
  lu.assertEquals(first.entries, {})
  for _, text in ipairs { "a = 1", "for i = 1, 2 do\nprint(i)\nend", "b = '\\n'", "b = '\\n'" } do first:add(text) end
  lu.assertEquals(open().entries, { "a = 1", "for i = 1, 2 do\nprint(i)\nend", "b = '\\n'" })
  local place = folder .. "/.local/state/kedge"
  lu.assertEquals({ mode(place), mode(place .. "/history") }, { 448, 384 })
end

function TestHistory:test_two_sessions_at_once_keep_both()
  local one, other = open(), open()
  one:add("from one")
  other:add("from the other")
  lu.assertEquals(open().entries, { "from one", "from the other" })
end

function TestHistory:test_xdg_state_home()
  open({ HOME = "/nonexistent", XDG_STATE_HOME = folder .. "/state" }):add("x")
  lu.assertEquals(file.read(folder .. "/state/kedge/history"), "x\n")
  open({ HOME = folder, XDG_STATE_HOME = "relative" }):add("y")
  lu.assertEquals(file.read(folder .. "/.local/state/kedge/history"), "y\n")
end

function TestHistory:test_it_is_bounded()
  local h = open()
  for i = 1, 1500 do h:add("line " .. i) end
  local entries = open().entries
  lu.assertEquals({ #entries, entries[1], entries[1000] }, { 1000, "line 501", "line 1500" })
  lu.assertEquals(select(2, file.read(folder .. "/.local/state/kedge/history"):gsub("\n", "")), 1000)
  lu.assertEquals(mode(folder .. "/.local/state/kedge/history"), 384)
end

-- word, what is done before, variables or nil, user or nil
local WITHOUT = {
  { "no home", function() end, {} }, { "empty", function() end, { HOME = "" } },
  { "home is a file", function() assert(change.create(folder .. "/f", "")) end, function() return { HOME = folder .. "/f" } end },
  { "somebody else's home", function() end, nil, 12345 },
  { "others may write the folder", function()
    open()
    local place = folder .. "/.local/state/kedge"
    local owner = change.owner(place)
    assert(change.own(place, owner.uid, owner.gid, 511))
  end },
  { "a folder in its place", function()
    open()
    assert(change.remove(folder .. "/.local/state/kedge/history"))
    assert(change.make_folder(folder .. "/.local/state/kedge/history"))
  end },
}

function TestHistory:test_none_where_it_cannot_be_kept()
  for _, case in ipairs(WITHOUT) do
    case[2]()
    local variables = case[3]
    if type(variables) == "function" then variables = variables() end
    local h = open(variables, case[4])
    h:add("secret")
    lu.assertEquals(open(variables, case[4]).entries, {}, case[1])
    self:tearDown()
    self:setUp()
  end
end

os.exit(lu.LuaUnit.run("-o", "tap"))
