-- --all-addresses where a script says nothing of addresses: the function of
-- ctx:each is called again for each address of the hosts that it looks at, and
-- what it judges is one address each time.
--
-- A walk (of one item) holds: count, the calls that are known to be needed;
-- running; hosts, which calls have found so far ({ first=, list= }: the call
-- that found it, and its addresses); news; over.

local observe = require "kedge.observe"
local resolve = require "kedge.observe.resolve"
local target = require "kedge.target"
local task = require "kedge.task"

local every = {}

-- The addresses of a target as text; none for a name that has none.
local function addresses(item, opts)
  local seen = observe.new(item)
  local ended, list = task.run(opts.timeout, resolve.all, seen, opts)
  return ended and list or {}
end

-- The target at one of its addresses, with "@ADDRESS" behind its id.
local function at(item, address)
  local one = target.with(item, item.protocol, item.id .. "@" .. address)
  one.address, one.alpn = address, item.alpn
  return one
end

--- The target once for each of its addresses; for a name that has none, the target as it is.
function every.targets(item, opts)
  local list = addresses(item, opts)
  for i, address in ipairs(list) do list[i] = at(item, address) end
  return list[1] and list or { item }
end

-- The walk's numbers of calls. More may come as long as a call is under way.
local function numbers(walk)
  local number = 0
  return function()
    while number >= walk.count and walk.running > 0 and not walk.over do walk.news:wait() end
    if walk.over or number >= walk.count then return nil end
    number, walk.running = number + 1, walk.running + 1
    return number
  end
end

local leaving = { __close = function(self, problem)
  local walk = self.walk
  walk.running, walk.over = walk.running - 1, walk.over or problem ~= nil
  walk.news:wake()
end }

--- Calls fn(turn) as often as it needs to have looked at every address, at
-- once: the list of its results. `turn` is for the field of that name of the
-- task in which the addresses are asked for (see every.turn), and for every.named.
function every.call(fn)
  local walk = { count = 1, running = 0, hosts = {}, news = task.condition(), over = false }
  return task.map(numbers(walk), function(number)
    local _ <close> = setmetatable({ walk = walk }, leaving)
    return fn({ walk = walk, number = number, ends = {} })
  end)
end

local function turn_of_caller()
  local current = task.current()
  while current do
    if current.turn then return current.turn end
    current = current.parent
  end
end

local is_said = false

-- One line where a script doesn't do what its user asked for.
local function say_once(call)
  if is_said then return end
  is_said = true
  require("kedge.output").say(require("kedge.author").placed(
    ("%s looks at one address here, in spite of --all-addresses: it isn't called by the function of a ctx:each"):format(call)))
end

--- The target as the call of kedge's that is named `call` has to look at it now:
-- with the address whose turn it is, where the run's user asked for all of them.
function every.turn(call, item, opts)
  if not opts.all_addresses or item.address then return item end
  local turn = turn_of_caller()
  if not turn then
    say_once(call)
    return item
  end
  local walk, key = turn.walk, ("%s %d %s"):format(item.host, item.port, opts.family or "any")
  local host = walk.hosts[key]
  if not host then
    local list = addresses(item, opts)
    host = walk.hosts[key] or { first = turn.number, list = list }
    walk.hosts[key] = host
    walk.count = math.max(walk.count, host.first + #host.list - 1)
    walk.news:wake()
  end
  if #host.list == 0 then return item end
  local address = host.list[(turn.number - host.first) % #host.list + 1]
  turn.address = turn.address or address
  turn.ends["@" .. address] = true
  return at(item, address)
end

--- A result of the call whose turn it was, told from those of the others by the address behind its id.
function every.named(turn, r)
  if not turn or not turn.address or turn.ends[r.id:match("@[^@]*$")] then return r end
  local copy = {}
  for field, value in pairs(r) do copy[field] = value end
  copy.id = r.id .. "@" .. turn.address
  return copy
end

return every
