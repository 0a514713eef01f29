-- dns: from a name to addresses. Both families are asked at once, and the
-- answers are handed over as they come (RFC 8305 §3).

local descriptors = require "kedge.descriptors"
local net = require "kedge.core.net"
local resolver = require "kedge.core.resolver"
local route = require "kedge.route"
local task = require "kedge.task"

local resolve = {}

local RESOLUTION_DELAY = 0.05 -- seconds that an answer for IPv4 waits for IPv6: RFC 8305 §3
local ADDRESSES_MAX = 32

-- Of two families that failed, the code that says most.
local RANK = { "local.limit",
  "dns.nxdomain", "dns.servfail", "dns.refused", "dns.timeout", "dns.no_server", "dns.bad_answer", "dns.nodata" }

local source_methods = {}
local source_mt = { __index = source_methods }

local function split_zone(text)
  local ip, zone = text:match("^(.-)%%(.*)$")
  return ip or text, zone
end

local function add(source, family, addresses, zone)
  for _, text in ipairs(addresses) do
    local ip, own_zone = split_zone(text)
    local list = source.waiting[family or (ip:find(":", 1, true) and 6 or 4)]
    if list and source.count < ADDRESSES_MAX then
      source.count = source.count + 1
      list[#list + 1] = { ip = ip, zone = own_zone or zone, port = source.port }
      source.all[#source.all + 1] = own_zone and ip .. "%" .. own_zone or ip
    end
  end
end

local function ask(name, family, opts)
  local lookup, message, code = resolver.start(name, family, opts.timeout or 10, opts.dns, opts.interface)
  if not lookup then return nil, message, code end
  task.own(lookup)
  local addresses
  addresses, message, code = lookup:wait()
  task.release(lookup)
  return addresses, message, code
end

local function look_up(source, seen, opts, name, family)
  local addresses, message, code = descriptors.patiently(seen, ask, name, family, opts)
  source.pending[family] = nil
  if addresses then
    add(source, family, addresses)
  else
    source.failures[family] = { code = code, message = message }
  end
  if family == 4 and source.pending[6] and addresses then source.ready_at = task.now() + RESOLUTION_DELAY end
  if not next(source.pending) or (family == 6 and addresses) then source.ready_at = task.now() end
  seen.dns.ms = (task.now() - seen.stage_started) * 1000
  source.news:wake()
end

-- The families of addresses to look for: those that opts.interface has; nil, message, code where it can't be used.
local function families_of(opts)
  local family = opts.family
  if opts.interface then
    local usable, own, code = net.interface(opts.interface)
    if not usable then return nil, own, code end
    family = family or own
  end
  return family and { family } or { 6, 4 }
end

--- Starts to find out where `seen.target` is to be reached: a source of
--- addresses | nil, message, code.
function resolve.start(seen, opts)
  local to = route.of(seen.target, opts)
  local families, message, code = families_of(opts)
  if not families then return nil, message, code end
  local source = setmetatable({ news = task.condition(), pending = {}, failures = {}, waiting = {}, all = {}, count = 0,
    port = to.port, last_family = 4, families = families }, source_mt)
  for _, family in ipairs(families) do source.waiting[family] = {} end
  seen.stage, seen.stage_started = "dns", task.now()
  seen.dns = { addresses = source.all }
  local fixed = seen.target.address and { seen.target.address } or to.addresses or (to.ip and { to.ip })
  if fixed then
    source.literal = fixed[1]
    add(source, nil, fixed, to.zone)
    source.ready_at = task.now()
    seen.dns.fixed = true
    return source
  end
  for _, family in ipairs(families) do source.pending[family] = true end
  for _, family in ipairs(families) do task.spawn(look_up, source, seen, opts, to.name, family) end
  return source
end

--- The next address to try, families in turn, IPv6 first: { ip, zone, port } |
--- nil, seconds (or nil) after which it is worth asking again without news.
function source_methods:take()
  local now = task.now()
  if not self.ready_at then return nil end
  if now < self.ready_at then return nil, self.ready_at - now end
  local family = self.last_family == 4 and 6 or 4
  if not self.waiting[family] or #self.waiting[family] == 0 then family = family == 4 and 6 or 4 end
  local list = self.waiting[family]
  if not list or #list == 0 then return nil end
  self.last_family = family
  return table.remove(list, 1)
end

--- Whether more addresses may still come.
function source_methods:open()
  return next(self.pending) ~= nil
end

--- Whether there are addresses that take would give, now or soon.
function source_methods:any()
  return #(self.waiting[4] or {}) + #(self.waiting[6] or {}) > 0
end

-- What the family that was asked for did not find.
local function nothing_found(self)
  local family = #self.families == 1 and ("IPv%d "):format(self.families[1]) or ""
  if self.literal then return ("%s is not an %saddress"):format(self.literal, family) end
  return ("the name exists, but has no %saddress"):format(family)
end

--- When no address came at all: code, message.
function source_methods:failure()
  local best, rank
  for _, failure in pairs(self.failures) do
    for i, code in ipairs(RANK) do
      if failure.code == code and (not rank or i < rank) then best, rank = failure, i end
    end
    best = best or failure
  end
  if best and best.code ~= "dns.nodata" then return best.code, best.message end
  return "dns.nodata", nothing_found(self)
end

--- All addresses of a target, as text: list | nil, message, code. Waits.
function resolve.all(seen, opts)
  local source, detail, why = resolve.start(seen, opts)
  if not source then return nil, detail, why end
  while source:open() do source.news:wait() end
  if #source.all == 0 then
    local code, message = source:failure()
    return nil, message, code
  end
  return source.all
end

return resolve
