-- session:h2: requests, several at once, and PINGs over one verified session.

local blame = require "kedge.api.blame"
local embedded = require "kedge.core.embedded"
local handle = require "kedge.api.handle"
local limits = require "kedge.limits"
local task = require "kedge.task"

local h2 = {}

-- RFC 9113 §6.5.2; ENABLE_PUSH is not to be chosen.
local SETTINGS = { SETTINGS_HEADER_TABLE_SIZE = 1, SETTINGS_MAX_CONCURRENT_STREAMS = 3, SETTINGS_INITIAL_WINDOW_SIZE = 4,
  SETTINGS_MAX_FRAME_SIZE = 5, SETTINGS_MAX_HEADER_LIST_SIZE = 6, SETTINGS_ENABLE_CONNECT_PROTOCOL = 8 }

local REQUEST = { "authority", "body", "headers", "method", "path", "scheme", "timeout" }

local function names_of(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function settings_of(given)
  if type(given) ~= "table" then blame("session:h2: 'settings' is a table of names and numbers, not a %s", type(given)) end
  local numbers = {}
  for name, value in pairs(given) do
    local id = SETTINGS[name] or type(name) == "string" and SETTINGS["SETTINGS_" .. name]
    if not id then
      blame("session:h2: there is no setting '%s'%s", tostring(name), require("kedge.nearest").hint(tostring(name), names_of(SETTINGS)))
    end
    if math.type(value) ~= "integer" or value < 0 or value > 0xFFFFFFFF then blame("session:h2: %s is a number from 0", name) end
    numbers[id] = value
  end
  return numbers
end

-- Header fields as a list of { name, value }; from a list of these, or a table by name.
local function add_headers(fields, headers)
  if type(headers) ~= "table" then blame("h2:request: 'headers' is a table, not a %s", type(headers)) end
  local function add(name, value)
    value = type(value) == "number" and tostring(value) or value
    if type(name) ~= "string" or type(value) ~= "string" then blame "h2:request: a header is a name and a text" end
    if name == "" or name:find("[^%w!#$%%&'*+%-.^_`|~]") then blame("h2:request: '%s' is no name of a header", name) end
    if value:find("[%z\r\n]") then blame("h2:request: the header %s holds a line end or a zero byte", name) end
    fields[#fields + 1] = { name:lower(), value }
  end
  for i, pair in ipairs(headers) do
    if type(pair) ~= "table" then blame("h2:request: header %d is { name, value } in a list", i) end
    add(pair[1], pair[2])
  end
  local names = {}
  for name in pairs(headers) do
    if math.type(name) ~= "integer" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = headers[name]
    for _, one in ipairs(type(value) == "table" and value or { value }) do add(name, one) end
  end
end

local function has(fields, name)
  for _, field in ipairs(fields) do
    if field[1] == name then return true end
  end
  return false
end

local function authority_of(seen)
  local target = seen.target
  return target.port == 443 and target.shown or ("%s:%d"):format(target.shown, target.port)
end

local function fields_of(self, given)
  local fields = {
    { ":method", given.method or (given.body and "POST" or "GET") }, { ":scheme", given.scheme or "https" },
    { ":authority", given.authority or authority_of(self.base.seen) }, { ":path", given.path or "/" },
  }
  for _, field in ipairs(fields) do
    if type(field[2]) ~= "string" or field[2]:find("[%c ]") or field[2] == "" then
      blame("h2:request: '%s' is text without spaces", field[1]:sub(2))
    end
  end
  if given.headers ~= nil then add_headers(fields, given.headers) end
  if not has(fields, "user-agent") then fields[#fields + 1] = { "user-agent", "kedge/" .. embedded.version } end
  return fields
end

-- Replies.

local reply_methods = {}

--- A piece of the body, "" at its end | nil, message, code.
function reply_methods:read(given)
  local opts = handle.options("reply:read", given, { "timeout" })
  if self.ended then return "" end
  if self.reading and coroutine.status(self.reading) == "suspended" then blame "another coroutine is reading this reply" end
  local seconds = opts.timeout
  if seconds == nil then seconds = self.timeout end
  self.reading = coroutine.running()
  local piece, message, code = self.base.core:h2_body(self.id, handle.deadline(self, seconds, "reply:read"))
  self.reading = false
  if piece == "" then
    self.ended = true
    self.base.core:h2_cancel(self.id)
  end
  return piece, message, code
end

--- The whole body, at most `limit` bytes (64 KiB) of it | nil, message, code. The
--- second result of a success is true where something was cut off.
function reply_methods:body(limit)
  limit = limit or limits.body_kept
  if math.type(limit) ~= "integer" or limit < 0 then blame "reply:body wants a number of bytes" end
  local pieces, size = {}, 0
  while size <= limit do
    local piece, message, code = reply_methods.read(self)
    if not piece then return nil, message, code end
    if piece == "" then return table.concat(pieces), false end
    size, pieces[#pieces + 1] = size + #piece, piece
  end
  reply_methods.close(self)
  return table.concat(pieces):sub(1, limit), true
end

--- Ends the request where it still goes on; may be called twice.
function reply_methods:close()
  if self.ended or self.base.closed then return end
  self.ended = true
  self.base.core:h2_cancel(self.id)
end

local reply_class = handle.class("reply", reply_methods)

-- A forgotten reply is ended by the next call on its connection, for here the collector works.
function reply_class.__gc(self)
  if not self.ended then table.insert(self.base.forgotten, self.id) end
end

local function end_forgotten(base)
  local forgotten = base.forgotten
  base.forgotten = {}
  for _, id in ipairs(forgotten) do base.core:h2_cancel(id) end
end

-- Values by name in lower case, joined as RFC 9110 §5.3 says; the list as sent stays in the places 1 and on.
local function headers_of(list)
  local headers = {}
  for i, field in ipairs(list) do
    headers[i] = field
    headers[field[1]] = headers[field[1]] and headers[field[1]] .. ", " .. field[2] or field[2]
  end
  return headers
end

-- Sends a body: text, or a function that gives pieces until nil. true | nil, message, code.
local function send_body(core, id, body, deadline)
  if type(body) == "string" then return core:h2_write(id, body, true, deadline) end
  while true do
    local piece = body()
    if piece ~= nil and type(piece) ~= "string" then blame("h2:request: the body's function gave a %s, not a string", type(piece)) end
    if not piece or piece == "" then return core:h2_write(id, "", true, deadline) end
    local ok, message, code = core:h2_write(id, piece, false, deadline)
    if not ok then return nil, message, code end
  end
end

local methods = {}

-- Cancels a request that no reply was made of, however its function ended.
local pending = { __close = function(request)
  if request.id and not request.base.closed then request.base.core:h2_cancel(request.id) end
end }

--- One request; waits for the headers of its reply: a reply | nil, message, code.
function methods:request(given)
  given = handle.options("h2:request", given, REQUEST)
  local kind = type(given.body)
  if kind ~= "nil" and kind ~= "string" and kind ~= "function" then blame("h2:request: 'body' is text or a function, not a %s", kind) end
  local core, deadline = self.base.core, handle.deadline(self, given.timeout, "h2:request")
  end_forgotten(self.base)
  local id, message, code = core:h2_request(fields_of(self, given), given.body == nil)
  if not id then return nil, message, code end
  local request <close> = setmetatable({ base = self.base, id = id }, pending)
  core:h2_flush()
  local sent, status, list = true, nil, nil
  if given.body ~= nil then sent, message, code = send_body(core, id, given.body, deadline) end
  if sent or code ~= "local.limit" then status, list, code = core:h2_reply(id, deadline) end
  if not status then return nil, list or message, code end
  request.id = nil
  local seconds = given.timeout
  if seconds == nil then seconds = self.base.timeout end
  return setmetatable({ base = self.base, id = id, status = status, headers = headers_of(list), timeout = seconds,
    ended = false, reading = false }, reply_class)
end

--- Sends a PING: milliseconds until its answer | nil, message, code.
function methods:ping(given)
  local opts = handle.options("h2:ping", given, { "timeout" })
  local core, started = self.base.core, task.now()
  local number, message, code = core:h2_ping()
  if not number then return nil, message, code end
  core:h2_flush()
  local ok
  ok, message, code = core:h2_pong(number, handle.deadline(self, opts.timeout, "h2:ping"))
  if not ok then return nil, message, code end
  return (task.now() - started) * 1000
end

--- The settings that the server sent, by name (0xN where one has none).
function methods:settings()
  local named = {}
  for _, setting in ipairs(self.base.core:h2_settings() or {}) do
    named[setting.name or ("0x%x"):format(setting.id)] = setting.value
  end
  return named
end

--- The server's GOAWAY: { code=, name=, last_stream=, debug= }, or nil where none came.
function methods:goaway()
  return self.base.core:h2_goaway()
end

--- Closes the connection at once, with a GOAWAY if it can be sent; may be called twice.
function methods:close()
  self.base:close()
end

local class = handle.class("h2 session", methods)

--- Exchanges preface and SETTINGS on a session that may pass data: an h2 session | nil, message, code.
function h2.start(session, given)
  local base, started = session.base, task.now()
  local ok, message, code = base.core:h2(given.settings ~= nil and settings_of(given.settings) or nil)
  if not ok then return nil, message, code end
  base.core:h2_flush()
  base.seen.stage, base.seen.h2 = "h2", {}
  base.seen.h2.settings, message, code = base.core:h2_settings(handle.deadline(session, given.timeout, "session:h2"))
  base.seen.h2.ms = (task.now() - started) * 1000
  if not base.seen.h2.settings then
    base.seen.h2 = nil
    return nil, message, code
  end
  base.forgotten = {}
  return setmetatable({ base = base }, class)
end

return h2
