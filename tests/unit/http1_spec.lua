local lu = require "luaunit"
local http1 = require "kedge.http1"
local limits = require "kedge.limits"

-- Gives a text in pieces of n bytes, then what an end is: "" or nil, message, code.
local function reader(text, n, ...)
  local at, last = 1, select("#", ...) > 0 and table.pack(...) or { "", n = 1 }
  return function()
    if at > #text then return table.unpack(last, 1, last.n) end
    local piece = text:sub(at, at + n - 1)
    at = at + n
    return piece
  end
end

-- The reply, or code and message; the same whole, in pieces and byte by byte.
local function read(text, method)
  local reply, message, code = http1.read(reader(text, math.max(#text, 1)), method)
  for _, n in ipairs { 1, 7 } do
    local again, _, again_code = http1.read(reader(text, n), method)
    lu.assertEquals(again_code, code)
    if reply then
      again.rest, again.truncated = reply.rest, reply.truncated -- depend on what was read ahead
      lu.assertEquals(again, reply)
    end
  end
  return reply, message, code
end

-- CRLF for each line end.
local function crlf(text) return (text:gsub("\n", "\r\n")) end

-- what it is for, reply, status, body
local GOOD = {
  { "Content-Length", crlf "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello" },
  { "bytes behind it", crlf "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello, world", 200, "hello" },
  { "the same length twice", crlf "HTTP/1.1 200 OK\nContent-Length: 2\ncontent-length: 2, 2\n\nhi", 200, "hi" },
  { "no body", crlf "HTTP/1.1 404 Not Found\nContent-Length: 0\n\n", 404, "" },
  { "no reason", crlf "HTTP/1.1 200\nContent-Length: 0\n\n", 200, "" },
  { "a reason of other bytes", crlf "HTTP/1.1 200 \xe4\xf6\nContent-Length: 0\n\n", 200, "" },
  { "bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi" },
  { "HTTP/1.0 until the end", crlf "HTTP/1.0 200 OK\n\nhello", 200, "hello" },
  { "identity", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: identity\n\nhi", 200, "hi" },
  { "chunks", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0A ; x=\"y;z\"\n, worlds!!\n0\n\n", 200, "hello, worlds!!" },
  { "chunks with trailers", crlf "HTTP/1.1 200 OK\ntransfer-encoding: Chunked\n\n1\na\n0;last\nX: y\n\n", 200, "a" },
  { "chunks with bare LF", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n", 200, "a" },
  { "204 has no body", crlf "HTTP/1.1 204 No Content\nTransfer-Encoding: chunked\n\n", 204, "" },
  { "304 has no body", crlf "HTTP/1.1 304 Not Modified\nContent-Length: 9\n\n", 304, "" },
  { "101 is final", crlf "HTTP/1.1 101 Switching Protocols\nUpgrade: h2c\n\n\0\0\0", 101, "" },
  { "1xx are skipped",
    crlf "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: a\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\na", 200, "a" },
  { "599", crlf "HTTP/1.1 599 What\n\n", 599, "" },
}

-- what it is for, reply
local BAD = {
  { "nothing", "" },
  { "a part of the version", "HTT" },
  { "SSH", "SSH-2.0-OpenSSH_9.2p1\r\n" },
  { "HTTP/2 frames", "\0\0\0\4\0\0\0\0\0" },
  { "HTTP/0.9", "<html>hello</html>" },
  { "HTTP/2 as text", crlf "HTTP/2 200\n\n" },
  { "two digits of version", crlf "HTTP/1.10 200 OK\n\n" },
  { "lower case", crlf "http/1.1 200 OK\n\n" },
  { "an empty line first", crlf "\nHTTP/1.1 200 OK\n\n" },
  { "two digits of status", crlf "HTTP/1.1 20 OK\n\n" },
  { "four digits of status", crlf "HTTP/1.1 2000 OK\n\n" },
  { "status 099", crlf "HTTP/1.1 099 OK\n\n" },
  { "no status", crlf "HTTP/1.1 OK\n\n" },
  { "end in the status line", "HTTP/1.1 200 O" },
  { "end in the header", crlf "HTTP/1.1 200 OK\nA: b\n" },
  { "end after 1xx", crlf "HTTP/1.1 100 Continue\n\n" },
  { "no colon", crlf "HTTP/1.1 200 OK\nhello\n\n" },
  { "no name", crlf "HTTP/1.1 200 OK\n: b\n\n" },
  { "space before the colon", crlf "HTTP/1.1 200 OK\nContent-Length : 5\n\nhello" },
  { "a folded first field", crlf "HTTP/1.1 200 OK\n A: b\n\n" },
  { "CR in a value", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n" },
  { "CR alone as line ends", "HTTP/1.1 200 OK\rContent-Length: 0\r\r" },
  { "NUL in a value", crlf "HTTP/1.1 200 OK\nA: b\0c\n\n" },
  { "lengths that differ", crlf "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello" },
  { "lengths that differ in one field", crlf "HTTP/1.1 200 OK\nContent-Length: 5, 6\n\nhello" },
  { "negative length", crlf "HTTP/1.1 200 OK\nContent-Length: -1\n\n" },
  { "length with a sign", crlf "HTTP/1.1 200 OK\nContent-Length: +1\n\na" },
  { "length in hex", crlf "HTTP/1.1 200 OK\nContent-Length: 0x1\n\na" },
  { "no length at all", crlf "HTTP/1.1 200 OK\nContent-Length:\n\na" },
  { "a length of 20 digits", crlf "HTTP/1.1 200 OK\nContent-Length: 18446744073709551617\n\na" },
  { "length and chunks", crlf "HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n1\na\n0\n\n" },
  { "chunked twice", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked, chunked\n\n0\n\n" },
  { "gzip", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n0\n\n" },
  { "chunked, but not last", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: x\n\n0\n\n" },
  { "a coding that looks like chunked", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: xchunked\n\n0\n\n" },
  { "chunks in HTTP/1.0", crlf "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n" },
  { "end in a body", crlf "HTTP/1.1 200 OK\nContent-Length: 5\n\nhell" },
  { "end in a chunk", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhell" },
  { "end in the trailers", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n" },
  { "no chunk size", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n;a=b\n" },
  { "chunk size in letters", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5g\n" },
  { "negative chunk size", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-1\n" },
  { "chunk size of 13 digits", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1000000000000\na\n0\n\n" },
  { "a chunk longer than its size", crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nab\n0\n\n" },
}

local function head(extra) return crlf("HTTP/1.1 200 OK\n" .. extra .. "\n") end

-- A field that makes the list of `total` bytes with its line end.
local function long_field(total) return "A: " .. ("v"):rep(total - 5) .. "\n" end

-- what it is for, function of n, the largest n that is allowed, code
local BOUNDS = {
  { "status line",
    function(n) return "HTTP/1." .. ("1 200 " .. ("r"):rep(8192)):sub(1, n) .. "\n\n" end, limits.http_line, "http.too_large" },
  { "fields", function(n) return head(("A: b\n"):rep(n)) end, limits.http_fields, "http.too_large" },
  { "bytes of fields", function(n) return head(long_field(n)) end, limits.http_field_bytes, "http.too_large" },
  { "bytes of folded fields", function(n) return head("A: b\n" .. " c\n" .. (" \n"):rep(n)) end, (65536 - 10) // 3, "http.too_large" },
  { "interim replies", function(n) return crlf(("HTTP/1.1 103 Early\n\n"):rep(n) .. "HTTP/1.1 204 No\n\n") end,
    limits.interim_replies, "http.bad_reply" },
  { "chunk extension", function(n) return head "Transfer-Encoding: chunked\n" .. "0;" .. ("x"):rep(n - 2) .. "\n\n" end,
    limits.http_line, "http.too_large" },
  { "trailers", function(n) return head "Transfer-Encoding: chunked\n" .. "0\r\n" .. crlf(("A: b\n"):rep(n)) .. "\r\n" end,
    limits.http_fields, "http.too_large" },
}

TestHttp1 = {}

function TestHttp1.test_good_replies()
  for _, case in ipairs(GOOD) do
    local reply, message = read(case[2])
    lu.assertNotNil(reply, case[1] .. ": " .. tostring(message))
    lu.assertEquals({ reply.status, reply.body, reply.truncated }, { case[3], case[4], false }, case[1])
  end
end

function TestHttp1.test_bad_replies()
  for _, case in ipairs(BAD) do
    local reply, message, code = read(case[2])
    lu.assertNil(reply, case[1])
    lu.assertEquals(code, "http.bad_reply", case[1])
    lu.assertNotStrContains(message, "[^\x20-\x7e]", true)
  end
end

function TestHttp1.test_one_past_each_bound()
  for _, case in ipairs(BOUNDS) do
    local word, text, most, wanted = table.unpack(case)
    local reply, message = read(text(most))
    lu.assertNotNil(reply, word .. ": " .. tostring(message))
    local _, _, code = read(text(most + 1))
    lu.assertEquals(code, wanted, word)
  end
end

function TestHttp1.test_everything_of_a_reply()
  local text = crlf "HTTP/1.1 102 Processing\n\nHTTP/1.1 200 All Right\nServer: \t a b \t \nX-Fold: one\n  two\n\t three\nserver:\n"
  local reply = read(text .. crlf "Content-Length: 1\n\nx")
  lu.assertEquals(reply, { version = "1.1", status = 200, reason = "All Right", interim = 1, body = "x", truncated = false, rest = "",
    headers = { { "Server", "a b" }, { "X-Fold", "one two three" }, { "server", "" }, { "Content-Length", "1" } } })
  lu.assertEquals(http1.values(reply.headers, "SERVER"), { "a b", "" })
end

function TestHttp1.test_head_and_connect_have_no_body()
  lu.assertEquals(read(crlf "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "HEAD").body, "")
  lu.assertEquals(read(crlf "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "CONNECT").body, "")
  lu.assertEquals(read(crlf "HTTP/1.1 407 No\nContent-Length: 5\n\nhello", "CONNECT").body, "hello")
  local reply = http1.read(reader(crlf "HTTP/1.1 200 OK\n\n\22\3\3", 100), "CONNECT")
  lu.assertEquals(reply.rest, "\22\3\3")
end

-- Whatever frames it: kept up to 64 KiB, drained up to 1 MiB, then cut off without reading on.
function TestHttp1.test_large_bodies()
  local function framings(n)
    return {
      length = head("Content-Length: " .. n .. "\n") .. ("x"):rep(n),
      close = head "" .. ("x"):rep(n),
      chunked = head "Transfer-Encoding: chunked\n" .. ("400\r\n" .. ("x"):rep(1024) .. "\r\n"):rep(n // 1024) .. "0\r\n\r\n",
    }
  end
  for kind, text in pairs(framings(64 * 1024)) do
    local reply = assert(http1.read(reader(text, 5000)))
    lu.assertEquals({ #reply.body, reply.truncated }, { 65536, false }, kind)
  end
  for kind, text in pairs(framings(65 * 1024)) do
    local reply = assert(http1.read(reader(text, 5000)))
    lu.assertEquals({ #reply.body, reply.truncated }, { 65536, true }, kind)
  end
  for kind, text in pairs(framings(2 * 1024 * 1024)) do
    local given, next_piece = 0, reader(text, 5000)
    local reply = assert(http1.read(function()
      local piece = next_piece()
      given = given + #piece
      return piece
    end))
    lu.assertEquals({ #reply.body, reply.truncated }, { 65536, true }, kind)
    lu.assertTrue(given <= limits.body_drained + 10000, kind)
  end
end

-- One byte in chunks with long extensions is no way to keep a reader busy: what is drained is counted on the wire.
function TestHttp1.test_chunks_that_carry_little()
  local chunk, given = "1;" .. ("e"):rep(8000) .. "\r\nx\r\n", 0
  local reply = assert(http1.read(function()
    given = given + 1
    return given == 1 and head "Transfer-Encoding: chunked\n" or chunk
  end))
  lu.assertTrue(reply.truncated)
  lu.assertTrue(given < 140)
end

function TestHttp1.test_a_stream_that_fails()
  local function failing(text) return http1.read(reader(text, 4, nil, "connection reset", "tls.reset")) end
  for _, text in ipairs { "", "HTTP/1.1 200 OK\r\nA", head "Content-Length: 5\n" .. "hell" } do
    local reply, message, code = failing(text)
    lu.assertEquals({ reply, message, code }, { nil, "connection reset", "tls.reset" })
  end
  local reply = failing(head "" .. "hello")
  lu.assertEquals({ reply.status, reply.body, reply.truncated }, { 200, "hello", true })
end

function TestHttp1.test_errors_of_the_reader_pass_through()
  lu.assertErrorMsgEquals("deadline", http1.read, function() error("deadline", 0) end)
  local cancelled, sent = { code = "x" }, false
  local ok, err = pcall(http1.read, function()
    if sent then error(cancelled, 0) end
    sent = true
    return head ""
  end)
  lu.assertFalse(ok)
  lu.assertIs(err, cancelled)
end

function TestHttp1.test_a_reader_may_yield()
  local run = coroutine.wrap(function() return http1.read(function() return coroutine.yield() end) end)
  run()
  run(head "")
  run "a"
  lu.assertEquals(run("").body, "a")
end

-- Long runs of anything take time in proportion: 64 KiB that a careless pattern would look at 64 Ki times.
function TestHttp1.test_no_field_is_slow()
  local started = os.clock()
  for _, value in ipairs { (" "):rep(65000) .. "x", ("\t "):rep(32000) .. "x" .. (" "):rep(500), (","):rep(65000), ("a, "):rep(21000) } do
    http1.read(reader(head("A: b" .. value .. "\nContent-Length: 0\n"), 1))
    http1.read(reader(head("Transfer-Encoding: " .. value .. "\n"), 100))
  end
  lu.assertTrue(os.clock() - started < 5)
end

function TestHttp1.test_requests()
  lu.assertEquals(http1.request("GET", "/a?b=c", "h:8443", { { "Accept", "*/*" } }),
    "GET /a?b=c HTTP/1.1\r\nHost: h:8443\r\nAccept: */*\r\n\r\n")
  lu.assertEquals(http1.request("POST", "/", "h", nil, "hello"), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
  lu.assertEquals(http1.request("GET", "/a b\r\n\xc3\xa4%20", "h"), "GET /a%20b%0D%0A%C3%A4%20 HTTP/1.1\r\nHost: h\r\n\r\n")
  lu.assertError(http1.request, "GET /", "/", "h")
  lu.assertError(http1.request, "GET", "", "h")
  lu.assertError(http1.request, "GET", "/", "h\r\nX: y")
  lu.assertError(http1.request, "GET", "/", "h", { { "A:", "b" } })
  lu.assertError(http1.request, "GET", "/", "h", { { "A", "b\nc" } })
end

os.exit(lu.LuaUnit.run("-o", "tap"))
