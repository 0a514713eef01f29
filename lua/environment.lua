-- What a user's script sees: Lua's libraries without what would stop every
-- other check or lose the report, and globals that can't be misspelt.

local author = require "kedge.author"
local nearest = require "kedge.nearest"

local environment = {}

local function keys(t)
  local list = {}
  for key in pairs(t) do
    if type(key) == "string" then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function refuse(name, instead)
  return function() error(("%s isn't for scripts: %s"):format(name, instead), 2) end
end

-- A library's functions, with others in place of some; a field that isn't there is named.
local function library(name, original, changed)
  local copy = {}
  for field, value in pairs(original) do copy[field] = value end
  for field, value in pairs(changed or {}) do copy[field] = value end
  return setmetatable(copy, { __index = function(self, field)
    error(("%s has no '%s'%s"):format(name, tostring(field), nearest.hint(tostring(field), keys(self))), 2)
  end })
end

local KEDGES = "cannot %s a coroutine that kedge started: it goes on by itself when what it waits for is there"

-- Coroutines of a script's own, which an interrupt reaches as well; those that
-- kedge started (kedge.map, ctx:each) are left to it.
local function coroutines()
  local watched = require("kedge.core.watch").resume
  local own = setmetatable({}, { __mode = "k" })
  local function create(fn)
    local inner = coroutine.create(fn)
    own[inner] = true
    return inner
  end
  local function resume(inner, ...)
    if type(inner) ~= "thread" then error("bad argument #1 to 'resume' (coroutine expected)", 2) end
    if not own[inner] then return false, KEDGES:format "resume" end
    return watched(inner, ...)
  end
  local function give(inner, done, ...)
    if done then return ... end
    coroutine.close(inner)
    error((...), 0)
  end
  return library("coroutine", coroutine, { create = create, resume = resume,
    wrap = function(fn)
      local inner = create(fn)
      return function(...) return give(inner, resume(inner, ...)) end
    end,
    close = function(inner)
      if type(inner) == "thread" and not own[inner] then error(KEDGES:format "close", 2) end
      return coroutine.close(inner)
    end,
  })
end

local function libraries()
  local files = require("kedge.standard_files").new()
  files.popen = refuse("io.popen", "it would stop every other check; kedge.run{...} runs a program")
  return {
    coroutine = coroutines(), math = library("math", math), string = library("string", string),
    table = library("table", table), utf8 = library("utf8", utf8),
    debug = library("debug", { traceback = debug.traceback, getinfo = debug.getinfo }),
    io = library("io", io, files),
    os = library("os", os, {
      execute = refuse("os.execute", "it would stop every other check; kedge.run{...} runs a program"),
      exit = refuse("os.exit", "the report would be lost; return a status from run"),
      setlocale = refuse("os.setlocale", "reports have one way to write numbers"),
    }),
  }
end

local PLAIN = { "assert", "collectgarbage", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal",
  "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "warn", "xpcall", "_VERSION" }

-- Names that the function at this level can see: its locals, its upvalues, the globals.
local function visible(level, env)
  local names, i = keys(env), 1
  local fn = debug.getinfo(level + 1, "f").func
  while true do
    local name = debug.getlocal(level + 1, i)
    if not name then break end
    if name:sub(1, 1) ~= "(" then names[#names + 1] = name end
    i = i + 1
  end
  i = 1
  while true do
    local name = debug.getupvalue(fn, i)
    if not name then return names end
    names[#names + 1] = name
    i = i + 1
  end
end

local KNOWN = { kedge = ("; write local kedge = require %q"):format("kedge"), arg = "; arguments are in ctx.args",
  ctx = "; it is the argument of run", package = "; require knows kedge's modules and the script's folder",
  dofile = "; require is for that", loadfile = "; require is for that", module = "; return a table" }

local function strict(env, may_assign)
  local metatable = { __index = function(_, name)
    local hint = KNOWN[name] or nearest.hint(tostring(name), visible(2, env))
    error(("there is no variable '%s'%s"):format(tostring(name), hint), 2)
  end }
  if not may_assign then
    metatable.__newindex = function(_, name, value)
      local is = type(value) == "function" and "local function %s(...)" or "local %s"
      error(("'%s' would become global, and shared by all checks: write " .. is):format(tostring(name), tostring(name)), 2)
    end
  end
  return setmetatable(env, metatable)
end

-- Calls fn where it cannot wait: a module that is half loaded must not be seen
-- by others. gsub is such a place.
local function without_waiting(fn, ...)
  local arguments, results = table.pack(...), nil
  string.gsub("", "", function() results = table.pack(fn(table.unpack(arguments, 1, arguments.n))) end)
  return table.unpack(results, 1, results.n)
end

local function kedges(name)
  local found, value = pcall(require, name)
  if found then return value end
  if not tostring(value):find("not found", 1, true) then error(value, 0) end
  local names = require("kedge.core.embedded").names("module")
  error(("kedge has no module '%s'%s"):format(name, nearest.hint(name, names)), 2) -- called by a tail call
end

-- require: kedge's modules, and files beside the script.
local function require_for(env, folder, load_file)
  local loaded, LOADING = {}, {}
  local own = {}
  for _, name in ipairs(require("kedge.core.embedded").names("module")) do own[name] = true end
  return function(name)
    if type(name) ~= "string" then error("require wants the name of a module, not a " .. type(name), 2) end
    if own[name] or name:find("^kedge%f[%.%z]") then return kedges(name) end
    if loaded[name] == LOADING then error(("the module '%s' requires itself"):format(name), 2) end
    if loaded[name] ~= nil then return loaded[name] end
    if not folder or not name:find("^[%w_-][%w_.-]*$") or name:find("..", 1, true) then
      error(("there is no module '%s'%s"):format(name, nearest.hint(name, keys(own))), 2)
    end
    local path = folder .. "/" .. name:gsub("%.", "/") .. ".lua"
    local chunk, message, code = load_file(path, env)
    if not chunk and code == "missing" then
      message = ("there is no module '%s': kedge has none, and %s isn't there%s"):format(name, path, nearest.hint(name, keys(own)))
    end
    if not chunk then error(message, 2) end
    loaded[name] = LOADING
    local done, value = pcall(without_waiting, chunk, name, path)
    loaded[name] = nil
    if not done then error(value, 0) end
    loaded[name] = value == nil and true or value
    return loaded[name]
  end
end

--- The globals of one script. `folder` is where its own modules are (nil: it
-- has none), `load_file(path, env)` gives a file as a function or nil, message,
-- code. `extra` are more globals; with `may_assign` new ones may be made.
function environment.new(folder, load_file, extra, may_assign)
  local env = libraries()
  for _, name in ipairs(PLAIN) do env[name] = _G[name] end
  env._G = env
  env.require = require_for(env, folder, load_file)
  env.load = function(text, name, _, given)
    local chunk, message = load(text, name, "t", given or env)
    if chunk then author.remember(chunk) end
    return chunk, message
  end
  env.print = function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    require("kedge.output").print_of_script(table.concat(words, "\t") .. "\n")
  end
  for name, value in pairs(extra or {}) do env[name] = value end
  return strict(env, may_assign)
end

return environment
