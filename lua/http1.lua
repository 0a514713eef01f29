-- HTTP/1.1 (RFC 9112): the text of a request, and a bounded parser of its reply. It knows no stream, only a function that gives bytes.
--
-- Where the RFC leaves a choice, or forbids what is common, it is as curl does: a line may end with a bare LF, the reason may be missing,
-- folded fields are joined, HTTP/0.9 is refused, and so is a field without a colon. Stricter than curl where a reply could be read in
-- two ways (§6.3): Content-Lengths that differ or stand beside Transfer-Encoding, a transfer coding that isn't chunked alone, space
-- before a colon, CR or NUL within a line.

local limits = require "kedge.limits"

local http1 = {}

local TOKEN = "[%w!#$%%&'*+%-.^_`|~]+" -- RFC 9110 §5.6.2

-- Failures travel as errors of this kind inside the parser, and leave it as nil, message, code. Other errors pass through.
local failure = {}

local function fail(message, code)
  error(setmetatable({ message = message, code = code or "http.bad_reply" }, failure), 0)
end

-- Bytes as text for a message.
local function quote(bytes)
  return '"' .. bytes:sub(1, 40):gsub("[^\x20-\x7e]", "?") .. '"'
end

-- Without white space at both ends; a pattern for the end would look at each inner space again.
local function trim(text)
  local first = text:find("[^ \t]")
  if not first then return "" end
  local last = #text
  while text:byte(last) == 0x20 or text:byte(last) == 0x09 do last = last - 1 end
  return text:sub(first, last)
end

-- The bytes that were read and not used are those of `buffer` from `at`.
local source = {}
source.__index = source

-- Reads more; false at the end.
function source:more()
  local bytes, message, code = self.read()
  if not bytes then fail(message, code) end
  self.buffer, self.at = bytes, 1
  return bytes ~= ""
end

-- At most n bytes, those at hand or else the next; "" at the end.
function source:some(n)
  if self.at > #self.buffer and not self:more() then return "" end
  local bytes = self.buffer:sub(self.at, self.at + n - 1)
  self.at = self.at + #bytes
  return bytes
end

-- A line without its LF, of at most `most` bytes, and its size; what = "the status line" and the like, total = the bound it belongs to.
function source:line(most, what, total)
  local parts, size = {}, 0
  while true do
    local stop = self.buffer:find("\n", self.at, true)
    local part = self.buffer:sub(self.at, stop and stop - 1)
    size = size + #part
    if size > most then fail(what .. " is longer than " .. (total or most) .. " bytes", "http.too_large") end
    parts[#parts + 1] = part
    if stop then
      self.at = stop + 1
      break
    end
    if not self:more() then fail("closed within " .. what) end
  end
  local line = table.concat(parts):gsub("\r$", "")
  if line:find("[\r\0]") then fail(what .. " has a CR or NUL in it") end
  return line, size + 1
end

-- Whatever isn't HTTP is refused by its first bytes, without waiting for a line's end.
local function check_start(from)
  local start = ""
  while #start < 7 do
    local bytes = from:some(7 - #start)
    if bytes == "" then fail(start == "" and "closed without a reply" or "closed after " .. quote(start)) end
    start = start .. bytes
    if start ~= ("HTTP/1."):sub(1, #start) then
      fail("not HTTP/1: the reply begins with " .. quote(start .. from.buffer:sub(from.at)))
    end
  end
end

local function status_line(from)
  check_start(from)
  local line = from:line(limits.http_line, "the status line")
  local minor, status, reason = line:match("^(%d) +([1-9]%d%d)(.*)$")
  if not minor or not (reason == "" or reason:find("^ ")) then fail("bad status line " .. quote("HTTP/1." .. line)) end
  return { version = "1." .. minor, status = tonumber(status), reason = reason:sub(2) }
end

-- One field; a line that begins with white space goes on with the one before (§5.2).
local function add_field(fields, line)
  if line:find("^[ \t]") then
    local last = fields[#fields]
    if not last then fail("white space in front of the first field") end
    last.parts[#last.parts + 1] = trim(line)
    return
  end
  local name, rest = line:match("^(" .. TOKEN .. "):(.*)$")
  if not name then fail("bad header field " .. quote(line)) end
  if #fields == limits.http_fields then fail("more than " .. limits.http_fields .. " header fields", "http.too_large") end
  fields[#fields + 1] = { name, parts = { trim(rest) } }
end

-- Fields up to the empty line: header list or trailers.
local function field_lines(from)
  local fields, left = {}, limits.http_field_bytes
  while true do
    local line, size = from:line(math.max(left - 1, 1), "the header list", limits.http_field_bytes)
    if line == "" then break end
    left = left - size
    add_field(fields, line)
  end
  for _, field in ipairs(fields) do
    field[2], field.parts = trim(table.concat(field.parts, " ")), nil
  end
  return fields
end

--- All values of a field, in order; name in any case. headers as in a reply.
function http1.values(headers, name)
  local values = {}
  for _, field in ipairs(headers) do
    if field[1]:lower() == name:lower() then values[#values + 1] = field[2] end
  end
  return values
end

-- The members of a field that is a comma-separated list, lower case; an empty field could be read in two ways.
local function members(headers, name)
  local list = {}
  for _, value in ipairs(http1.values(headers, name)) do
    if value == "" then fail("empty " .. name) end
    for member in value:gmatch("[^,]+") do list[#list + 1] = trim(member):lower() end
  end
  return list
end

local function content_length(headers)
  local length
  for _, member in ipairs(members(headers, "content-length")) do
    if not member:find("^%d+$") or #member > 15 then fail("bad Content-Length " .. quote(member)) end
    if length and length ~= tonumber(member) then fail("Content-Lengths that differ") end
    length = tonumber(member)
  end
  return length
end

-- How the body ends: "none", "chunked", "length" and its bytes, "close" (§6.3).
local function framing(reply, method)
  local status, length = reply.status, content_length(reply.headers)
  local codings = members(reply.headers, "transfer-encoding")
  if method == "HEAD" or status == 101 or status == 204 or status == 304 or (method == "CONNECT" and status // 100 == 2) then
    return "none"
  end
  if #codings == 1 and codings[1] == "identity" then codings = {} end
  if #codings > 0 then
    if #codings > 1 or codings[1] ~= "chunked" then fail("transfer coding " .. quote(table.concat(codings, ", "))) end
    if reply.version == "1.0" then fail("Transfer-Encoding in HTTP/1.0") end
    if length then fail("both Content-Length and Transfer-Encoding") end
    return "chunked"
  end
  return length and "length" or "close", length
end

-- What is kept of a body, and how many bytes of it have come, framing included.
local body = {}
body.__index = body

function body:add(bytes)
  local room = limits.body_kept - self.size
  if room > 0 then
    self[#self + 1] = bytes:sub(1, room)
    self.size = self.size + #self[#self]
  end
  self.truncated = self.truncated or #bytes > room
  return self:count(#bytes)
end

-- False when enough was drained: the rest is cut off.
function body:count(n)
  self.drained = self.drained + n
  if self.drained > limits.body_drained then self.truncated = true end
  return self.drained <= limits.body_drained
end

-- n bytes; false if cut off.
local function read_length(from, into, n)
  local left = n
  while left > 0 do
    local bytes = from:some(left)
    if bytes == "" then fail(("closed after %d of %d bytes"):format(n - left, n)) end
    left = left - #bytes
    if not into:add(bytes) then return false end
  end
  return true
end

local function read_chunked(from, into)
  while true do
    local line, size = from:line(limits.http_line, "a chunk's size")
    local digits, rest = line:match("^(%x+)[ \t]*(.*)$")
    if not digits or #digits > 12 or not (rest == "" or rest:find("^;")) then fail("bad chunk size " .. quote(line)) end
    local length = tonumber(digits, 16)
    if length == 0 then break end
    if not into:count(size + 2) or not read_length(from, into, length) then return end
    if from:line(2, "a chunk's end") ~= "" then fail("a chunk is longer than its size") end
  end
  field_lines(from)
end

-- A server that breaks off without close_notify or with a reset has said what it had to say: the body may be cut, the reply is one.
local function read_to_close(from, into)
  repeat
    local ok, bytes = pcall(from.some, from, limits.body_drained)
    if not ok then
      if getmetatable(bytes) ~= failure then error(bytes, 0) end
      into.truncated = true
      return
    end
  until bytes == "" or not into:add(bytes)
end

local function read_reply(from, method)
  local reply
  local interim = -1
  repeat
    interim = interim + 1
    if interim > limits.interim_replies then fail("more than " .. limits.interim_replies .. " interim replies") end
    reply = status_line(from)
    reply.headers = field_lines(from)
  until reply.status >= 200 or reply.status == 101
  local kind, length = framing(reply, method)
  local into = setmetatable({ size = 0, drained = 0, truncated = false }, body)
  if kind == "length" then
    read_length(from, into, length)
  elseif kind == "chunked" then
    read_chunked(from, into)
  elseif kind == "close" then
    read_to_close(from, into)
  end
  reply.interim, reply.body, reply.truncated = interim, table.concat(into), into.truncated
  reply.rest = from.buffer:sub(from.at)
  return reply
end

--- Reads one reply. read() gives bytes, "" at the end, or nil, message, code; method is that of the request ("GET").
--- { version = "1.1", status = 200, reason =, headers = { { name, value }, … } as sent, interim = 1xx replies skipped, body = at most
--- limits.body_kept bytes, truncated = whether there was more (cut off past limits.body_drained), rest = bytes read behind the reply:
--- the tunnel's after CONNECT or 101 } | nil, message, code ("http.bad_reply", "http.too_large", or that of read).
function http1.read(read, method)
  local from = setmetatable({ read = read, buffer = "", at = 1 }, source)
  local ok, reply = pcall(read_reply, from, method or "GET")
  if ok then return reply end
  if getmetatable(reply) ~= failure then error(reply, 0) end
  return nil, reply.message, reply.code
end

-- Bytes that would end a line, or that no request target has, as %XX.
local function escape(path)
  return (path:gsub("[^\x21-\x7e]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- The text of a request. path: "/x" (or host:port for CONNECT), bytes outside visible ASCII are sent as %XX; host: the value of Host;
--- headers: { { name, value }, … }; body (optional) adds Content-Length. Raises on names and values that would break the header.
function http1.request(method, path, host, headers, content)
  assert(method:find("^" .. TOKEN .. "$"), "bad method")
  assert(path ~= "", "empty path")
  local lines = { method .. " " .. escape(path) .. " HTTP/1.1" }
  local fields = { { "Host", host }, table.unpack(headers or {}) }
  if content then fields[#fields + 1] = { "Content-Length", tostring(#content) } end
  for _, field in ipairs(fields) do
    assert(field[1]:find("^" .. TOKEN .. "$") and not field[2]:find("[\r\n\0]"), "bad header field " .. field[1])
    lines[#lines + 1] = field[1] .. ": " .. field[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (content or "")
end

return http1
