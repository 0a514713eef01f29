-- stream:handshake: a TLS session that stands still until its chain was
-- verified. The easy way is the safe way: what would give or take data raises
-- before a good verdict, unless it was asked for by name.

local blame = require "kedge.api.blame"
local handle = require "kedge.api.handle"
local insecure = require "kedge.api.insecure"
local judge = require "kedge.judge"
local options = require "kedge.api.options"
local stores = require "kedge.api.stores"
local targets = require "kedge.api.targets"
local task = require "kedge.task"
local tls = require "kedge.observe.tls"
local verdict = require "kedge.api.verdict"

local session = {}

local methods = {}

--- Version, cipher, group, alpn and sni of the handshake so far, and what else is known of it.
function methods:info()
  return self.base.core:info()
end

--- The certificates as they were sent: list of DER, the leaf first.
function methods:chain()
  return self.base.seen.chain or {}
end

--- The verdict on the chain by one store; a good one opens the session.
function methods:verify(given)
  local opts = options.read("session:verify", given, options.fields.verify)
  local host = self.name
  if given and given.name ~= nil then host = given.name end
  local base, how = self.base, stores.how("session:verify", opts, host)
  base.seen.stage = "trust"
  local trust = judge.chain(base.seen.chain, opts.stores.trust, how)
  local reference = given and given.reference and judge.chain(base.seen.chain, opts.stores.reference, how) or nil
  local code, explains = require("kedge.compare").verdicts(trust, reference)
  base.verdicts = { trust = trust, reference = reference, code = code, explains = explains, nameless = host == false,
    accepted = trust.accepted and (not reference or reference.accepted) }
  if given and given.unverified ~= nil then self.unverified = given.unverified end
  local public = verdict.public(trust)
  public.reference = reference and verdict.public(reference)
  public.code, public.accepted = code, base.verdicts.accepted
  return public
end

-- Marks a session as ending its handshake until the value goes out of scope,
-- also where the coroutine that does it is ended: another one then goes on.
local busy = { __close = function(mark)
  local news = mark.session.finishing
  mark.session.finishing = false
  news:wake()
end }

-- Ends the handshake where that wasn't done, once for all who want it: true | nil, message, code.
local function finish(self, seconds, call)
  local deadline = handle.deadline(self, seconds, call)
  while self.finishing do self.finishing:wait() end
  if not self.finished then
    self.finishing = task.condition()
    local _ <close> = setmetatable({ session = self }, busy)
    self.finished = table.pack(tls.finish(self.base.seen, self.base.core, deadline))
  end
  return table.unpack(self.finished, 1, 3)
end

-- Raises unless data may pass; where that was asked for without a good verdict, remembers it.
local function admit(self, call, unverified)
  local verdicts = self.base.verdicts
  local base, nameless = self.base, verdicts and verdicts.accepted and verdicts.nameless
  if verdicts and verdicts.accepted and not nameless then return end
  if nameless or self.unverified or unverified then
    insecure.warn(base.seen, nameless)
    return insecure.note(base.owner, insecure.peer(base.seen, nameless))
  end
  if not verdicts then blame("%s before session:verify{...}: nobody has looked at the server's certificate yet", call) end
  blame("%s although session:verify{...} said %s; unverified=true would go on all the same", call, verdicts.code)
end

--- Ends the handshake and sends nothing else; allowed before a verdict.
function methods:finish(given)
  local opts = handle.options("session:finish", given, { "timeout" })
  return finish(self, opts.timeout, "session:finish")
end

--- 1 to n bytes, "" at the end | nil, message, code.
function methods:read(n, given)
  local opts = handle.options("session:read", given, { "exact", "timeout", "unverified" })
  if n ~= nil and (math.type(n) ~= "integer" or n < 1) then blame "session:read wants a number of bytes from 1" end
  if opts.exact and not n then blame "session:read: with 'exact' it wants to know how many" end
  if self.has_h2 then blame "this session speaks HTTP/2: read the replies of its requests" end
  admit(self, "session:read", opts.unverified)
  local ok, message, code = finish(self, opts.timeout, "session:read")
  if not ok then return nil, message, code end
  return handle.read(self.base.core, n, handle.deadline(self, opts.timeout, "session:read"), opts.exact)
end

--- true when all was taken | nil, message, code.
function methods:write(bytes, given)
  local opts = handle.options("session:write", given, { "timeout", "unverified" })
  if type(bytes) ~= "string" then blame("session:write wants a string, not a %s", type(bytes)) end
  if self.has_h2 then blame "this session speaks HTTP/2: write requests" end
  admit(self, "session:write", opts.unverified)
  local ok, message, code = finish(self, opts.timeout, "session:write")
  if not ok then return nil, message, code end
  return self.base.core:write(bytes, handle.deadline(self, opts.timeout, "session:write"))
end

--- HTTP/2 on this session, preface and SETTINGS exchanged: an h2 session | nil, message, code.
function methods:h2(given)
  local opts = handle.options("session:h2", given, { "settings", "timeout", "unverified" })
  if self.has_h2 then blame "this session speaks HTTP/2 already" end
  admit(self, "session:h2", opts.unverified)
  local ok, message, code = finish(self, opts.timeout, "session:h2")
  if not ok then return nil, message, code end
  if self.has_h2 then blame "this session speaks HTTP/2 already" end -- another coroutine was quicker
  if self.base.seen.tls.alpn ~= "h2" then
    return nil, "the server did not select HTTP/2; offer it with handshake{alpn=\"h2\"}", "alpn.none"
  end
  self.has_h2 = true
  return require("kedge.api.h2").start(self, opts)
end

--- A result with what is known of connection and handshake.
function methods:result(id)
  return self.base:result(id)
end

--- Address and port of the other side.
function methods:peer()
  return self.base:peer()
end

--- Closes the connection at once; may be called twice.
function methods:close()
  self.base:close()
end

local class = handle.class("session", methods)

--- stream:handshake{name=, alpn=, tls=, timeout=, unverified=}: a session | nil, message, code.
function session.start(stream, given)
  if stream.seen.tls then blame "this stream speaks TLS already" end
  local opts = options.read("stream:handshake", given, options.fields.handshake)
  given = given or {}
  local seen, name = stream.seen, given.name
  if name == nil then name = seen.target.host end
  local wanted = stores.wanted("stream:handshake", name)
  seen.target.sni = wanted and wanted.dns or false
  seen.target.alpn = given.alpn ~= nil and targets.alpn("stream:handshake", given.alpn) or {}
  local seconds = given.timeout
  if seconds == nil then seconds = stream.timeout end
  local ok, message, code = tls.open(seen, { tls = opts.tls, deadline = handle.deadline(stream, seconds, "stream:handshake") },
    stream.core)
  if not ok then
    seen.stopped = { stage = "tls", code = code, detail = message }
    return nil, message, code
  end
  return setmetatable({ base = stream, name = name or seen.target.host, unverified = given.unverified or false, finished = false,
    finishing = false, has_h2 = false }, class)
end

-- What `given` says of these.
local function some(given, fields)
  local part = {}
  for _, name in ipairs(fields) do part[name] = given[name] end
  return part
end

--- kedge.open: a session that data may pass | nil, the result of what failed.
function session.open(host, port, given)
  options.read("kedge.open", given, options.fields.open)
  given = given or {}
  local stream, message, code = require("kedge.api.stream").connect(host, port, some(given, options.fields.route))
  if not stream then
    local r = require("kedge.api.results").fail(("%s:%d"):format(host, port), code, message)
    r.target = { host = host, port = port }
    return nil, r
  end
  local opened = session.start(stream, some(given, { "alpn", "name", "tls" }))
  if opened and methods.verify(opened, some(given, options.fields.judgement)).accepted then return opened end
  local r = stream:result()
  stream:close()
  return nil, r
end

return session
