-- tcp: the first of several addresses that answers (RFC 8305 §5).

local descriptors = require "kedge.descriptors"
local net = require "kedge.core.net"
local task = require "kedge.task"

local connect = {}

local STAGGER = 0.25 -- seconds between the starts of two attempts: RFC 8305 §5

-- Of several addresses that failed, the first of these names the check.
local RANK = { ["tcp.refused"] = 1, ["tcp.reset"] = 2, ["tcp.timeout"] = 3, ["tcp.unreachable"] = 4 }

local function text_of(address)
  return address.zone and address.ip .. "%" .. address.zone or address.ip
end

local function attempt(race, address)
  local started = task.now()
  local record = { address = text_of(address) }
  race.attempts[#race.attempts + 1] = record
  race.active = race.active + 1
  local stream, message, code = descriptors.patiently(race.seen, net.connect, address.ip, address.port, address.zone, race.interface)
  local ok = stream
  if stream then
    task.own(stream)
    race.streams[stream] = true
    ok, message, code = stream:connected()
  end
  record.ms = (task.now() - started) * 1000
  race.active = race.active - 1
  if ok and not race.winner then
    race.winner, race.address = stream, record.address
  elseif not ok then
    record.error, record.detail = code, message
    race.next_start = 0 -- RFC 8305 §5: a failure starts the next attempt at once
  end
  if stream and race.winner ~= stream then
    race.streams[stream] = nil
    task.release(stream)
  end
  race.source.news:wake()
end

-- Code and detail of attempts that brought no connection; one that is still
-- under way has run out of time.
local function failure(attempts)
  local best
  for _, record in ipairs(attempts) do
    if not record.error then record.error, record.detail = "tcp.timeout", "no answer to the connection attempt" end
    local rank = RANK[record.error] or 0
    if not best or rank < best.rank then
      best = { rank = rank, code = record.error, detail = record.detail, address = record.address }
    end
  end
  return best.code, ("%s: %s"):format(best.address, best.detail)
end

-- Waits until it is worth looking again: news, the next start, or the end of the resolution delay.
local function wait(race, soon)
  local seconds = soon
  if race.source:any() and race.active > 0 then
    local left = race.next_start - task.now()
    seconds = math.max(soon or 0, left, 0)
  end
  race.source.news:wait(seconds)
end

--- Races the addresses of `source` for a connection: stream | nil, code, detail.
function connect.race(seen, opts, source)
  local race = { seen = seen, source = source, attempts = {}, streams = {}, active = 0, next_start = 0,
    interface = opts.interface }
  while not race.winner do
    local address, soon
    if race.active == 0 or task.now() >= race.next_start then address, soon = source:take() end
    if address then
      if not seen.tcp then
        seen.dns.ms = seen.dns.fixed and 0 or (task.now() - seen.stage_started) * 1000
        seen.stage, seen.stage_started = "tcp", task.now()
        seen.tcp = { attempts = race.attempts }
      end
      race.next_start = task.now() + STAGGER
      task.spawn(attempt, race, address)
      task.breathe()
    elseif race.active > 0 or source:open() or source:any() then
      wait(race, soon)
    elseif seen.tcp then
      seen.tcp.ms = (task.now() - seen.stage_started) * 1000
      return nil, failure(race.attempts)
    else
      return nil, source:failure()
    end
  end
  for stream in pairs(race.streams) do
    if stream ~= race.winner then task.release(stream) end
  end
  seen.tcp.address, seen.tcp.ms = race.address, (task.now() - seen.stage_started) * 1000
  return race.winner
end

--- Code and detail of a race that the deadline ended.
function connect.timed_out(seen)
  return failure(seen.tcp.attempts)
end

return connect
