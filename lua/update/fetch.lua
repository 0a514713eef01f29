-- Certificates from Amazon's own repository, over kedge's own client: observed, judged and only then asked for, one after
-- another. The repository holds five of the six; Starfield Class 2 isn't in it and is not fetched.

local avs = require "kedge.avs"
local explain = require "kedge.explain"
local judge = require "kedge.judge"
local observe = require "kedge.observe"
local source_of = require "kedge.sources"
local target = require "kedge.target"
local task = require "kedge.task"

local fetch = {}

local FOLDER = "https://www.amazontrust.com/repository/"

-- Names there, by place in avs.authorities.
local FILES = { "AmazonRootCA1.pem", "AmazonRootCA2.pem", "AmazonRootCA3.pem", "AmazonRootCA4.pem", "SFSRootCAG2.pem" }

local FAILED = 3 -- exit status: a named source can't be used

-- The stores that decide about the repository's host: the device's, and the reference where that one can't verify it yet.
local function stores_of(opts)
  local open = opts.stores or {}
  local trust, message, code = open.trust, nil, nil
  if not trust then trust, message, code = source_of.open(opts.trust or { "system" }) end
  if not trust then return nil, message, code == "usage" and 2 or FAILED end
  local reference = open.reference
  if not reference then reference, message, code = source_of.open(opts.reference or { "ats" }) end
  if not reference then return nil, message, code == "usage" and 2 or FAILED end
  return { trust = trust, reference = reference }
end

-- Asks for one file. What was seen, the verdicts, and the one by which the host was accepted (nil: it was not, and
-- nothing was requested).
local function get(url, opts, stores)
  local seen, verdicts, accepted = observe.new(assert(target.parse(url))), nil, nil
  local ended, why = task.run(opts.timeout, function()
    local stream = observe.open(seen, opts)
    if not seen.chain then return end
    seen.stage = "trust"
    verdicts = judge.each_store(seen, { stores = stores, policy = opts.policy, at = opts.at }, task.breathe)
    accepted = verdicts.trust.accepted and verdicts.trust or verdicts.reference.accepted and verdicts.reference or nil
    if not stream or not accepted or not observe.go_on(stream, seen) then return end
    observe.use(stream, seen)
  end)
  if not ended then observe.ended(seen, why, opts.timeout) end
  return seen, verdicts, accepted
end

-- Why there is no file: nil where there is one.
local function fault(seen, verdicts, accepted, opts)
  if not accepted or seen.stopped then
    if accepted then verdicts = { trust = accepted, accepted = true } end
    local r = explain.result(seen, verdicts, nil, opts)
    return ("%s %s"):format(r.code, r.message)
  end
  if seen.http.status ~= 200 then return ("the server answered with status %d"):format(seen.http.status) end
  if seen.http.truncated then return "the reply is larger than 64 KiB" end
end

local function holds(places, place)
  for _, one in ipairs(places) do
    if one == place then return true end
  end
  return false
end

local function name_of(place)
  return avs.authorities[place].name
end

-- Fetches the file at `place` and puts it through the sieve: the verdict by which the host was accepted; nil and a sentence.
local function fetch_one(sieve, place, opts, stores)
  local url = FOLDER .. FILES[place]
  local seen, verdicts, accepted = get(url, opts, stores)
  local why = fault(seen, verdicts, accepted, opts)
  if why then return nil, ("%s cannot be fetched: %s"):format(url, why) end
  local places, message = require("kedge.update.source").sift(sieve, url, seen.http.body)
  if not places then return nil, message end
  if not holds(places, place) then return nil, ("%s holds %s, not %s"):format(url, name_of(places[1]), name_of(place)) end
  return accepted
end

--- Fetches what the repository has into a sieve of kedge.update.source. opts: the options of the run (routes, stores,
--- deadlines of each request, time). A list of sentences to be said; nil, a sentence and an exit status where anything
--- fails: another source never takes its place unasked. Runs in a task.
function fetch.into(sieve, opts)
  if opts.insecure then return nil, "--fetch takes no --insecure: nothing is requested from a host that isn't verified", 2 end
  local stores, message, status = stores_of(opts)
  if not stores then return nil, message, status end
  local by_reference = false
  for place in ipairs(FILES) do
    local verdict
    verdict, message = fetch_one(sieve, place, opts, stores)
    if not verdict then return nil, message, FAILED end
    by_reference = by_reference or verdict.store ~= stores.trust.name
  end
  if not by_reference then return {} end
  return { ("this device's store (%s) cannot verify www.amazontrust.com yet; the host was verified with %s"):format(
    stores.trust.name, stores.reference.name == "ats" and "the built-in reference" or stores.reference.name) }
end

return fetch
