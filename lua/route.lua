-- Where a connection goes instead: --connect-to and --resolve, as in curl.

local target = require "kedge.target"

local route = {}

local ADDRESSES_MAX = 32

-- Cuts "a:[b:c]:d" at the colons outside brackets; empty fields stay.
local function fields(text)
  local list, position = {}, 1
  while true do
    local field = text:match("^%[[^%]]*%]", position) or text:match("^[^:%[]*", position)
    list[#list + 1] = field
    position = position + #field
    if position > #text then return list end
    if text:sub(position, position) ~= ":" then return nil end
    position = position + 1
    if position > #text then
      list[#list + 1] = ""
      return list
    end
  end
end

local function endpoint(host, port)
  local found = {}
  if host ~= "" then
    local parsed, message = target.authority(host)
    if not parsed then return nil, message end
    found = parsed
  end
  if port ~= "" then
    local number = port:find("^%d+$") and #port <= 5 and tonumber(port) or 0
    if number < 1 or number > 65535 then return nil, ("'%s' is not a port"):format(port:sub(1, 40)) end
    found.port = number
  end
  return found
end

--- --connect-to H1:P1:H2:P2 as { from=, to= }, each with host and port where
-- the field isn't empty (an empty H1 or P1 matches every one, an empty H2 or
-- P2 leaves it as it is). nil, message when it is none.
function route.connect_to(text)
  local list = fields(text)
  if not list or #list ~= 4 then return nil, "is HOST1:PORT1:HOST2:PORT2, each of which may be empty" end
  local from, message = endpoint(list[1], list[2])
  if not from then return nil, message end
  local to
  to, message = endpoint(list[3], list[4])
  if not to then return nil, message end
  return { from = from, to = to }
end

--- --resolve HOST:PORT:ADDRESS[,ADDRESS]... as { host= (or "*"), port=, addresses= }.
-- A "+" in front, which in curl makes an entry that ages, changes nothing here.
function route.resolve(text)
  text = text:gsub("^%+", "")
  local host, port, rest = text:match("^([^:%[]+):(%d+):(.+)$")
  if not host then
    host, port, rest = text:match("^(%[[^%]]+%]):(%d+):(.+)$")
  end
  if not host then return nil, "is HOST:PORT:ADDRESS[,ADDRESS]..." end
  local any = host == "*"
  local from, message = endpoint(any and "" or host, port)
  if not from then return nil, message end
  local addresses = {}
  for word in (rest .. ","):gmatch("([^,]*),") do
    local bare = word:match("^%[(.*)%]$") or word
    local parsed = target.authority(bare:find(":", 1, true) and "[" .. bare .. "]" or bare)
    if not parsed or not parsed.ip then return nil, ("'%s' is not an address"):format(word:sub(1, 60)) end
    addresses[#addresses + 1] = parsed.zone and parsed.ip .. "%" .. parsed.zone or parsed.ip
  end
  if #addresses > ADDRESSES_MAX then return nil, ("has more than %d addresses"):format(ADDRESSES_MAX) end
  return { host = any and "*" or from.name or from.ip, port = from.port, addresses = addresses }
end

local function matches(from, item)
  if from.port and from.port ~= item.port then return false end
  if not from.host then return true end
  return (from.name or from.ip) == (item.name or item.ip)
end

--- Where to connect for `item` (a target): { name= or ip=, zone=, port=,
-- addresses= where --resolve gives them }. First --connect-to, whose first
-- match holds, then --resolve with the name and port that came out.
function route.of(item, opts)
  local found = { name = item.name, ip = item.ip, zone = item.zone, port = item.port }
  for _, rule in ipairs(opts.connect_to or {}) do
    if matches(rule.from, item) then
      local to = rule.to
      if to.host then found.name, found.ip, found.zone = to.name, to.ip, to.zone end
      found.port = to.port or found.port
      break
    end
  end
  for _, rule in ipairs(opts.resolve or {}) do
    local host = found.name or found.ip
    if rule.port == found.port and (rule.host == host or rule.host == "*") then
      found.addresses = rule.addresses
      if rule.host ~= "*" then break end -- a name goes before the asterisk
    end
  end
  return found
end

return route
