---@meta kedge

-- The interface for scripts: annotations for the Lua language server, and what
-- `kedge help api` prints. This file is never run. A block of `---` lines stands
-- in front of what it describes; its first sentence is the summary; "Errors:"
-- begins a paragraph about what goes wrong, "Example:" code that is complete.

--- Everything a script needs: `local kedge = require "kedge"`.
---
--- Whatever waits (checks, connections, sleep, run) lets everything else go on
--- meanwhile, and works only inside a script's `run`. What the surroundings do
--- wrong is `nil, message, code`; what the script does wrong raises an error
--- with its line. Options default to those of the run under way; text means
--- what it means on the command line.
---@class kedge
local kedge = {}

--- Checks one target: name, connection, handshake, verdict, one request.
---
--- In the function of a ctx:each, --all-addresses has it look at one address
--- after another, and the function is called for each (see ctx:each). A script
--- that wants to compare the addresses says all_addresses=true itself, and gets
--- a list of results.
---
--- Errors: a check that fails is a result with status "fail". A target or
--- option that is none, or a store that can't be read, raises.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "our certificates live another 30 days",
---   run = function(ctx)
---     ctx:each({ "a.example", "b.example:8443" }, function(host)
---       local r = kedge.check("tls://" .. host)
---       if r.status == "ok" and r.chain[1].days_left < 30 then
---         return kedge.fail(r, "cert.expires_soon", "renew the certificate of " .. host)
---       end
---       return r
---     end)
---   end,
--- }
--- ```
---@param target string|kedge.target as on the command line: "host", "https://host:port/path", "tls://host"
---@param opts? kedge.check_options
---@return kedge.result
function kedge.check(target, opts) end

--- Looks at a target as kedge.check does, and gives what was seen as plain data.
---
--- Requests go out only if the stores of the options accept the chain. The same
--- observation can be judged several times, by other stores and at other times.
---
--- Errors: what stopped the observation is in `stopped`.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "would it do at the end of next year?",
---   run = function(ctx)
---     local seen = kedge.observe("tls://example.org")
---     ctx:report(kedge.explain(seen, kedge.judge(seen, { at = "2027-12-31" })))
---   end,
--- }
--- ```
---@param target string|kedge.target
---@param opts? kedge.check_options
---@return kedge.observation
function kedge.observe(target, opts) end

--- Judges an observation: pure, nothing is asked.
---@param observation kedge.observation
---@param opts? kedge.judgement_options
---@return kedge.verdicts|nil verdicts nil where no chain was received
function kedge.judge(observation, opts) end

--- Turns an observation and its verdicts into one result with one cause.
---@param observation kedge.observation
---@param verdicts? kedge.verdicts of kedge.judge
---@return kedge.result
function kedge.explain(observation, verdicts) end

--- A target made once, for instance as an item of ctx:each with an id of its own.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "two names for one check",
---   run = function(ctx)
---     local items = { kedge.target("example.org", { id = "shop", labels = { team = "web" } }) }
---     ctx:each(items, function(item) return kedge.check(item) end)
---   end,
--- }
--- ```
---@param text string|kedge.target
---@param opts? kedge.target_options
---@return kedge.target|nil target nil where the text is none
---@return string message
function kedge.target(text, opts) end

--- A function for `:convert(...)` of an option that takes one of several words.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "a word of two",
---   options = function(cmd) cmd:option("--side"):convert(kedge.choice("--side", "left", "right")) end,
---   run = function(ctx) ctx:report(kedge.ok(ctx.args.side or "left")) end,
--- }
--- ```
---@param option string as it is called in the message
---@param ... string the words
---@return function
function kedge.choice(option, ...) end

--- A result that is ok: one of one's own by an id, or another one changed (in a copy).
---
--- Own data may be added to it: `r.values = { queue = 3, depth_ms = 1.5 }` and
--- `r.labels = { team = "web" }` go through every format; a unit at the end of a
--- name (_ms, _seconds, _bytes) is understood.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "a number of one's own",
---   run = function(ctx)
---     local r = kedge.ok("queue", nil, "three messages wait")
---     r.values = { queue = 3, depth_ms = 1.5 }
---     ctx:report(r)
---   end,
--- }
--- ```
---@param original string|kedge.result an id, or the result that is changed
---@param code? nil|"ok" nothing else is ok
---@param message? string one sentence
---@param remedy? string what to do, if anything
---@return kedge.result
function kedge.ok(original, code, message, remedy) end

--- A result with a warning; `--strict` makes it fail.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "is there room for what is kept?",
---   run = function(ctx)
---     local done = kedge.run { "df", "-P", "/" }
---     local used = done and tonumber(done.output:match("(%d+)%%"))
---     if not used then return ctx:report(kedge.skip("disk", "disk.unknown", "df does not tell")) end
---     local r = used > 90 and kedge.warn("disk", "disk.full", used .. " % are used") or kedge.ok("disk")
---     r.values = { used_percent = used }
---     ctx:report(r)
---   end,
--- }
--- ```
---@param original string|kedge.result an id, or the result that is changed
---@param code string two words, "queue.long"
---@param message? string one sentence
---@param remedy? string what to do
---@return kedge.result
function kedge.warn(original, code, message, remedy) end

--- A result that failed.
---
--- A code of kedge's own (of `nil, message, code`) brings its stage and its
--- remedy along.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "is anybody there?",
---   run = function(ctx)
---     local stream, message, code = kedge.connect("example.org", 25)
---     if not stream then return ctx:report(kedge.fail("smtp", code, message)) end
---     ctx:report(stream:result("smtp"))
---   end,
--- }
--- ```
---@param original string|kedge.result an id, or the result that is changed
---@param code string two words, "queue.too_long"
---@param message? string one sentence
---@param remedy? string what to do
---@return kedge.result
function kedge.fail(original, code, message, remedy) end

--- A result of what was not checked.
---@param original string|kedge.result an id, or the result that is changed
---@param code string two words, "queue.absent"
---@param message? string one sentence
---@param remedy? string what to do
---@return kedge.result
function kedge.skip(original, code, message, remedy) end

--- Calls a function for each item of a list or iterator, several at once, and waits for all.
---
--- Errors: an error in one ends the others and is raised here.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "all addresses of some names",
---   run = function(ctx)
---     local found = kedge.map({ "localhost" }, function(name) return kedge.resolve(name) or {} end, 8)
---     ctx:report(kedge.ok("names", nil, ("%d addresses"):format(#found[1])))
---   end,
--- }
--- ```
---@param items any[]|function a list, or a function that gives the next item, nil at the end
---@param fn fun(item: any): any
---@param n? integer how many at once; 64
---@return any[] results the first result of each, in the order of the items
function kedge.map(items, fn, n) end

--- Calls the functions of a list at once and waits for all.
---
--- Errors: an error in one ends the others and is raised here.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "two services at once",
---   run = function(ctx)
---     local results = kedge.all {
---       function() return kedge.check("example.org") end,
---       function() return kedge.check("tls://example.org:993") end,
---     }
---     for _, r in ipairs(results) do ctx:report(r) end
---   end,
--- }
--- ```
---@param functions function[]
---@return any[] results the first result of each
function kedge.all(functions) end

--- Waits; everything else goes on.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "how exact is a pause?",
---   run = function(ctx)
---     local started, today = kedge.now(), kedge.time()
---     kedge.sleep(0.01)
---     local r = kedge.ok("pause", nil, ("begun at %d"):format(today))
---     r.values = { slept_ms = (kedge.now() - started) * 1000 }
---     ctx:report(r)
---   end,
--- }
--- ```
---@param seconds number from 0
function kedge.sleep(seconds) end

--- A clock that never jumps, for measuring.
---@return number seconds since some moment
function kedge.now() end

--- The device's clock.
---@return integer seconds since 1970, UTC
function kedge.time() end

--- The addresses of a host.
---
--- Errors: dns.nxdomain, dns.timeout and so on.
---@param host string a name or an address
---@param opts? kedge.route_options
---@return string[]|nil addresses
---@return string message
---@return string code
function kedge.resolve(host, opts) end

--- Opens a TCP connection, without TLS.
---
--- Errors: dns.* and tcp.* codes.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "the banner of an SMTP server",
---   run = function(ctx)
---     local stream, message, code = kedge.connect("localhost", 25, { timeout = 5 })
---     if not stream then return ctx:report(kedge.fail("banner", code, message)) end
---     local banner = stream:read()
---     local good = banner and banner:find("^220 ")
---     local r = stream:result("banner")
---     ctx:report(good and r or kedge.fail(r, "smtp.no_banner", "it does not begin with 220"))
---   end,
--- }
--- ```
---@param host string a name or an address
---@param port integer
---@param opts? kedge.route_options timeout holds for each later wait on the connection as well
---@return kedge.stream|nil stream
---@return string message
---@return string code
function kedge.connect(host, port, opts) end

--- Opens a TLS session that may be read and written: connects, shakes hands, verifies.
---
--- Errors: what went wrong is a result that failed, as kedge.check would give it.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "the greeting of an IMAP server",
---   run = function(ctx)
---     local session, failed = kedge.open("mail.example.org", 993)
---     if not session then return ctx:report(failed) end
---     local greeting = session:read()
---     local r = session:result("imap")
---     ctx:report(greeting and greeting:find("^%* OK") and r or kedge.fail(r, "imap.no_greeting", "it is not ready"))
---   end,
--- }
--- ```
---@param host string a name or an address
---@param port integer
---@param opts? kedge.open_options
---@return kedge.session|nil session
---@return kedge.result failed
function kedge.open(host, port, opts) end

--- Runs a program and waits for its end; it ends with the task.
---
--- Errors: local.tool_missing, local.tool_failed. A status that isn't 0 is none.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "what uname says",
---   run = function(ctx)
---     local done, message, code = kedge.run { "uname", "-r", timeout = 5 }
---     if not done then return ctx:report(kedge.fail("kernel", code, message)) end
---     ctx:report(kedge.ok("kernel", nil, (done.output:gsub("\n", ""))))
---   end,
--- }
--- ```
---@param command kedge.command
---@return kedge.ended|nil ended
---@return string message
---@return string code
function kedge.run(command) end

--- The SHA-256 of a string.
---@param bytes string
---@return string hash 64 hexadecimal digits in lower case
function kedge.sha256(bytes) end

kedge.trust = {}

--- Opens a store of trust anchors; several sources are added up.
---
--- Errors: local.file, local.permission, local.limit. What is broken inside a
--- source is passed over and stands in `warnings`.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "anchors that end this year",
---   run = function(ctx)
---     for _, anchor in ipairs(assert(kedge.trust.load("ats")):anchors()) do
---       local make = anchor.days_left < 365 and kedge.warn or kedge.ok
---       ctx:report(make(anchor.subject, anchor.days_left < 365 and "anchor.ends" or nil, anchor.not_after))
---     end
---   end,
--- }
--- ```
---@param ... string "system", "ats", a file or a folder
---@return kedge.store|nil store
---@return string message
---@return string code
function kedge.trust.load(...) end

kedge.x509 = {}

--- Reads a certificate, strictly.
---
--- Errors: trust.bad_certificate.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "certificates in a file: how long they live",
---   options = function(cmd) cmd:argument("FILE", "PEM") end,
---   run = function(ctx)
---     local text, message = kedge.file.read(ctx.args.FILE)
---     if not text then ctx:fail(message) end
---     local blocks, faults = kedge.pem.decode(text)
---     for _, fault in ipairs(faults) do ctx:problem(("line %d: %s"):format(fault.line, fault.message)) end
---     if #blocks == 0 then ctx:usage(ctx.args.FILE .. " holds no certificate") end
---     ctx:log(("%d bytes"):format(kedge.file.stat(ctx.args.FILE).size))
---     for _, block in ipairs(blocks) do
---       local certificate, why, code = kedge.x509.parse(block.der)
---       if certificate then
---         ctx:report(kedge.ok(certificate.subject, nil, ("%d days, %s"):format(certificate.days_left, kedge.sha256(block.der))))
---       else
---         ctx:report(kedge.fail("line " .. block.line, code, why))
---       end
---     end
---   end,
--- }
--- ```
---@param der string
---@return kedge.certificate|nil certificate
---@return string message
---@return string code
function kedge.x509.parse(der) end

kedge.pem = {}

--- The blocks of a PEM text, and what in it is none.
---@param text string
---@return kedge.pem_block[] blocks
---@return kedge.pem_fault[] faults
function kedge.pem.decode(text) end

--- A certificate as a PEM block.
---@param der string
---@return string text
function kedge.pem.encode(der) end

kedge.json = { null = {} }

--- Reads JSON (RFC 8259), whoever wrote it: objects and lists as tables.
---
--- A member of an object that is null is nil, as one that isn't there. In a list
--- null is kedge.json.null, so that what follows keeps its place.
---
--- Errors: text that is none, also where other readers are lenient, and null by itself.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "a service that says whether it is up",
---   run = function(ctx)
---     local r = kedge.check("https://example.org/health", { expect = { status = 200 } })
---     local body = r.status == "ok" and kedge.json.decode(r.http.body)
---     local is_up = type(body) == "table" and body.status == "up"
---     ctx:report((is_up or r.status ~= "ok") and r or kedge.fail(r, "health.down", "it does not say that it is up"))
---   end,
--- }
--- ```
---@param text string
---@return any|nil value
---@return string message
function kedge.json.decode(text) end

--- A value as JSON: names in their order, valid UTF-8; an empty table is an object.
---
--- Errors: raises for functions and whatever else JSON can't say, for lists with
--- gaps or names, and for what is nested within itself.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "addresses as JSON",
---   offline = true,
---   run = function(ctx) ctx:print(kedge.json.encode(kedge.resolve("localhost")) .. "\n") end,
--- }
--- ```
---@param value any
---@return string text
function kedge.json.encode(value) end

kedge.file = {}

--- The whole of a file, 16 MiB at most.
---
--- Errors: local.file, local.permission, local.limit.
---@param path string
---@return string|nil text
---@return string message
---@return string code
function kedge.file.read(path) end

--- Writes the whole of a file: it appears under its name when it is complete.
---
--- Errors: local.file, local.permission.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "the built-in anchors as a file, or on standard output",
---   options = function(cmd) cmd:option("--to", "the file") end,
---   run = function(ctx)
---     local blocks = {}
---     for i, anchor in ipairs(assert(kedge.trust.load("ats")):anchors()) do blocks[i] = kedge.pem.encode(anchor.der) end
---     if not ctx.args.to then return ctx:print(table.concat(blocks)) end
---     local done, message = kedge.file.write(ctx.args.to, table.concat(blocks))
---     if not done then ctx:fail(message) end
---     ctx:report(kedge.ok("anchors"))
---   end,
--- }
--- ```
---@param path string
---@param text string
---@return true|nil done
---@return string message
---@return string code
function kedge.file.write(path, text) end

--- What stands at a path.
---
--- Errors: local.file, local.permission.
---@param path string
---@return kedge.file_facts|nil facts
---@return string message
---@return string code
function kedge.file.stat(path) end

--- A TCP connection, of kedge.connect.
---
--- It belongs to the task that opened it (with ctx:each, one item), is closed
--- with it, and cannot be used outside of it. One coroutine reads and one writes
--- at a time. Each wait lasts `timeout` seconds at most, as connect was told;
--- a method's own `timeout` goes over that, false waits without end.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "does the mail server say goodbye?",
---   run = function(ctx)
---     local stream, message, code = kedge.connect("localhost", 25)
---     if not stream then return ctx:report(kedge.fail("smtp", code, message)) end
---     stream:read()
---     stream:write("QUIT\r\n")
---     local answer = stream:read(200, { timeout = 2 })
---     local r = stream:result("smtp")
---     r.values = { peer = (stream:peer()) }
---     stream:close()
---     ctx:report(answer and answer:find("^221") and r or kedge.fail(r, "smtp.rude", "it does not"))
---   end,
--- }
--- ```
---@class kedge.stream
local stream = {}

--- Reads what has come.
---
--- Errors: tcp.reset; peer.timeout when nothing came in time.
---@param n? integer bytes at most; 16384
---@param opts? { exact?: boolean, timeout?: number|false } exact: wait for all n bytes; seconds
---@return string|nil bytes 1 to n of them, with `exact` all n; "" (or fewer) at the end
---@return string message
---@return string code
function stream:read(n, opts) end

--- Writes all of a string.
---
--- Errors: tcp.reset; peer.timeout when it was not taken in time.
---@param bytes string
---@param opts? { timeout?: number|false } seconds
---@return true|nil done
---@return string message
---@return string code
function stream:write(bytes, opts) end

--- Where the connection leads.
---@return string address
---@return integer port
function stream:peer() end

--- Starts TLS and stands still when the server's certificates are there: nothing but the first message has left.
---
--- Errors: tls.*, alpn.mismatch.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "a line over TLS",
---   run = function(ctx)
---     local stream = assert(kedge.connect("example.org", 993))
---     local session = assert(stream:handshake { name = "example.org" })
---     if session:verify().accepted then ctx:log(session:read()) end
---     ctx:report(session:result("imap"))
---   end,
--- }
--- ```
---@param opts? kedge.handshake_options
---@return kedge.session|nil session
---@return string message
---@return string code
function stream:handshake(opts) end

--- A result with what is known of the connection so far: target, timings, TLS, chain, verdict.
---@param id? string else "host:port"
---@return kedge.result
function stream:result(id) end

--- Closes at once; may be called twice.
function stream:close() end

--- A TLS session, of stream:handshake. It stands still until verify was good.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "HTTP/1.1 by hand",
---   run = function(ctx)
---     local stream = assert(kedge.connect("example.org", 443))
---     local session = assert(stream:handshake { name = "example.org", alpn = "http/1.1" })
---     ctx:log(("%d certificates, %s, from %s"):format(#session:chain(), session:info().cipher, (session:peer())))
---     if not session:verify().accepted then
---       session:finish() -- to learn what else fails; nothing is sent
---       return ctx:report(session:result("by hand"))
---     end
---     session:write("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
---     local line = (session:read() or ""):match("^[^\r]*")
---     local r = session:result("by hand")
---     r.values = { line = line }
---     session:close()
---     ctx:report(r)
---   end,
--- }
--- ```
---@class kedge.session
local session = {}

--- What is known of the handshake.
---@return kedge.tls_info
function session:info() end

--- The certificates as they were sent, the leaf first.
---@return string[] chain DER
function session:chain() end

--- The verdict on the chain, in the middle of the handshake; a good one lets data pass.
---
--- With name=false anybody's certificate is good that an authority of the store
--- signed, so results carry the warning trust.unverified, and none of them is ok.
---@param opts? kedge.verify_options
---@return kedge.verdict
function session:verify(opts) end

--- Ends the handshake and sends nothing else. Allowed without a verdict; read, write and h2 do it by themselves.
---
--- Errors: tls.*.
---@param opts? { timeout?: number|false } seconds
---@return true|nil done
---@return string message
---@return string code
function session:finish(opts) end

--- Reads what has come.
---
--- Errors: tls.*, peer.timeout. Raises before session:verify was good, unless
--- unverified was asked for: then results of the task carry the warning
--- trust.unverified, and none of them is ok.
---@param n? integer bytes at most; 16384
---@param opts? { exact?: boolean, timeout?: number|false, unverified?: boolean } exact: wait for all n bytes; seconds
---@return string|nil bytes 1 to n of them, with `exact` all n; "" (or fewer) at the end
---@return string message
---@return string code
function session:read(n, opts) end

--- Writes all of a string.
---
--- Errors: tls.*, peer.timeout. Raises before session:verify was good, as read does.
---@param bytes string
---@param opts? { timeout?: number|false, unverified?: boolean } seconds
---@return true|nil done
---@return string message
---@return string code
function session:write(bytes, opts) end

--- Starts HTTP/2: preface and SETTINGS are exchanged. Offer it with handshake{alpn="h2"}.
---
--- Errors: alpn.none, h2.*. Raises before session:verify was good, as read does.
---@param opts? kedge.h2_options
---@return kedge.h2|nil h2
---@return string message
---@return string code
function session:h2(opts) end

--- Where the connection leads.
---@return string address
---@return integer port
function session:peer() end

--- A result with what is known of the connection so far: target, timings, TLS, chain, verdict.
---@param id? string else "host:port"
---@return kedge.result
function session:result(id) end

--- Closes the connection at once; may be called twice.
function session:close() end

--- HTTP/2 on a session, of session:h2; any coroutine of its task may use it.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "two requests at once on one connection",
---   run = function(ctx)
---     local session = assert(assert(kedge.connect("example.org", 443)):handshake { name = "example.org", alpn = "h2" })
---     assert(session:verify().accepted)
---     local h2 = assert(session:h2())
---     local sizes = kedge.map({ "/", "/favicon.ico" }, function(path)
---       local reply = assert(h2:request { path = path })
---       return #assert(reply:body())
---     end)
---     ctx:report(kedge.ok(session:result(), nil, table.concat(sizes, " and ") .. " bytes"))
---   end,
--- }
--- ```
---@class kedge.h2
local h2 = {}

--- The settings that the server sent, by name: SETTINGS_MAX_CONCURRENT_STREAMS and so on.
---@return table<string, integer>
function h2:settings() end

--- Sends a PING and waits for its answer.
---
--- Errors: h2.*.
---@param opts? { timeout?: number|false } seconds
---@return number|nil milliseconds
---@return string message
---@return string code
function h2:ping(opts) end

--- Sends a request and waits for the headers of its reply; several may be under way at once.
---
--- Errors: h2.*, http.timeout, http.too_large, http.bad_reply.
---@param request? kedge.request
---@return kedge.reply|nil reply
---@return string message
---@return string code
function h2:request(request) end

--- The GOAWAY that the server sent, if any.
---@return kedge.goaway|nil
function h2:goaway() end

--- Closes the connection at once; may be called twice.
function h2:close() end

--- The reply to a request over HTTP/2.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "how long a channel stays open, with a PING now and then",
---   run = function(ctx)
---     local stream = assert(kedge.connect("example.org", 443))
---     local session = assert(stream:handshake { name = "example.org", alpn = "h2" })
---     assert(session:verify().accepted)
---     local h2 = assert(session:h2 { settings = { INITIAL_WINDOW_SIZE = 65535 } })
---     local reply = assert(h2:request { path = "/v20160207/directives", headers = { authorization = "Bearer mine" } })
---     local started, piece, message, code = kedge.now(), nil, nil, nil
---     repeat
---       piece, message, code = reply:read { timeout = 60 }
---       if code == "http.timeout" and h2:ping() then piece = "alive" end
---     until not piece or piece == "" or kedge.now() - started > 600
---     local r = session:result("channel")
---     r.values = { lived_s = kedge.now() - started, streams = h2:settings().SETTINGS_MAX_CONCURRENT_STREAMS,
---       goaway = h2:goaway() and h2:goaway().name }
---     reply:close()
---     h2:close()
---     ctx:report(piece and r or kedge.fail(r, code, message))
---   end,
--- }
--- ```
---@class kedge.reply
---@field status integer
---@field headers table values by name in lower case; the list of { name, value } as sent besides
local reply = {}

--- A piece of the body, as it comes.
---
--- Errors: h2.goaway, h2.reset, http.timeout, http.bad_reply.
---@param opts? { timeout?: number|false } seconds
---@return string|nil bytes "" at the end
---@return string message
---@return string code
function reply:read(opts) end

--- The whole body.
---@param limit? integer bytes that are kept; 65536
---@return string|nil body
---@return boolean|string cut true where something was cut off; the message
---@return string code
function reply:body(limit) end

--- Ends the request where it still goes on; may be called twice.
function reply:close() end

--- A store of trust anchors, of kedge.trust.load; `#store` is how many it holds.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "Amazon Root CA 1: is it here, and does it verify itself?",
---   run = function(ctx)
---     local store = assert(kedge.trust.load("ats"))
---     local root = store:find("8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e")
---     local verdict = store:verify({ root }, { at = "2026-11-23" })
---     ctx:report(verdict.accepted and kedge.ok(root.subject) or kedge.fail(root.subject, verdict.code))
---   end,
--- }
--- ```
---@class kedge.store
---@field name string what was read
---@field source string as it was asked for
---@field warnings string[] sources that could not be found
local store = {}

--- All certificates of the store that can be read.
---@return kedge.certificate[]
function store:anchors() end

--- The certificate with this SHA-256.
---@param sha256 string hexadecimal; colons and spaces are allowed
---@return kedge.certificate|nil
function store:find(sha256) end

--- The verdict of this store on a chain.
---@param chain (string|kedge.certificate)[] DER or parsed, the leaf first
---@param opts? { name?: string|false, at?: string|integer, policy?: string, depth?: integer } without a name, for any
---@return kedge.verdict
function store:verify(chain, opts) end

--- What a script's `run` gets.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "the regions, and an endpoint of ours",
---   run = function(ctx)
---     ctx:run("regions", { "eu", "--base" }, function(r) return r.status ~= "ok" and r or nil end)
---     ctx:report(kedge.check("https://ours.example/"))
---   end,
--- }
--- ```
---@class kedge.ctx
---@field name string the command as the user called it
---@field args table arguments of the script's own command line
---@field options table options of every command, as read, by their long names with _ for -; --repeat is repeat_count; details = "full" has text show all of a certificate
local ctx = {}

--- Reports one result.
---@param r kedge.result
function ctx:report(r) end

--- Calls a function for each item, `-j` at once, each in a task of its own, and reports what it returns.
---
--- A list is reported in its order, an iterator as its items end. What was
--- opened for an item is closed with it. With --all-addresses the function is
--- called for an item as often as the hosts that it looks at by kedge.check,
--- kedge.observe, kedge.connect or kedge.open have addresses, each time with
--- another one behind the name. The address stands behind the ids of its results.
---
--- Errors: an error becomes a failed result of its item. Where an iterator
--- raises, the items that were begun are reported first.
---@param items any[]|function a list, or a function that gives the next item, nil at the end
---@param fn fun(item: any): kedge.result|kedge.result[]|nil
function ctx:each(items, fn) end

--- Targets of words of the command line, as ctx:each takes them: @FILE holds one a line, @- is standard input.
---
--- Errors: a word that is no target ends the run as a usage error, a file that
--- can't be read as a failure; a bad line of one is said and passed over.
---
--- Example:
--- ```lua
--- local kedge = require "kedge"
--- return {
---   summary = "pages that have to be ready",
---   options = function(cmd) cmd:argument("TARGET", "what to check"):args("+"):target("targets") end,
---   run = function(ctx)
---     ctx:each(ctx:targets(ctx.args.targets, { expect = { status = 200, body = "ready" } }), kedge.check)
---   end,
--- }
--- ```
---@param words string[]
---@param opts? { protocol?: string, expect?: kedge.expectation, labels?: table, sni?: string|false, alpn?: string|string[] }
---@return kedge.target[]|function
function ctx:targets(words, opts) end

--- Says one line on standard error, unless -q.
---@param text string
function ctx:log(text) end

--- Writes text on standard output, in place of a report there.
---
--- Errors: raises when a report has begun on standard output.
---@param text string as it is to stand there
function ctx:print(text) end

--- Runs another script inside this one; its results go to the same report.
---@param script string|kedge.script a name, a path, or a script's table
---@param args? table words of its command line, and its arguments by name
---@param filter? fun(r: kedge.result): kedge.result|nil what is reported instead
---@return kedge.result[] results
---@return integer|nil status that it returned
function ctx:run(script, args, filter) end

--- Ends the run as a usage error: exit status 2, no report.
---@param message string one sentence
function ctx:usage(message) end

--- Ends the run because a file can't be used: exit status 3, no report.
---@param message string one sentence
function ctx:fail(message) end

--- Says what is wrong and goes on; the exit status becomes at least 3.
---@param message string one sentence
function ctx:problem(message) end

--- What a script's file returns.
---@class kedge.script
---@field summary string one line, for kedge list
---@field description? string for kedge help NAME
---@field examples? string[][] { command line, what it does }, for kedge help NAME
---@field offline? boolean true for a script that judges no certificates: no store is opened
---@field options? fun(cmd: table, defaults: table) adds arguments and options to the script's argparse command
---@field run fun(ctx: kedge.ctx): integer|nil may return an exit status from 0 to 5

--- Where to connect to, and for how long.
---@class kedge.route_options
---@field connect_to? string|string[] "HOST1:PORT1:HOST2:PORT2", as in curl
---@field resolve? string|string[] "HOST:PORT:ADDRESS", as in curl
---@field dns? string a name server, "ADDRESS:PORT"
---@field ipv4? boolean IPv4 only
---@field ipv6? boolean IPv6 only
---@field interface? string to leave by this interface or address
---@field timeout? number|string seconds

--- What to judge by.
---@class kedge.judgement_options
---@field trust? string|string[]|kedge.store "system", "ats", a file, a folder, or an open store
---@field reference? string|string[]|kedge.store|false what the chain ought to end in; false: nothing
---@field policy? string "webpki"
---@field at? string|integer judge at this time: ISO 8601 or seconds since 1970
---@field depth? integer intermediate certificates allowed

--- What is asked of a target.
---@class kedge.target_options
---@field id? string in place of "host:port/protocol"
---@field labels? table own data that says which target it is
---@field protocol? "auto"|"h2"|"http1"|"tls"
---@field sni? string|false the name to send instead; false: none
---@field alpn? string|string[] application protocols to offer, "h2,http/1.1"; "none"
---@field expect? kedge.expectation

--- Options of kedge.check and kedge.observe.
---@class kedge.check_options: kedge.route_options, kedge.judgement_options, kedge.target_options
---@field tls? string versions to offer: "1.2", "1.0-1.2"
---@field all_addresses? boolean one check for each address, and the list of their results; observe has none
---@field insecure? boolean go on to HTTP although the verdict is bad; the check still fails

--- What a reply has to be.
---@class kedge.expectation
---@field status? string|integer|(string|integer)[] 200, "2xx"
---@field body? string text that the body holds
---@field fold? boolean upper and lower case are one
---@field pattern? boolean `body` is a Lua pattern, matched line by line
---@field mismatch? "fail"|"warn" what another body means
---@field no_reply? "fail"|"warn" what the want of a reply means

--- Options of stream:handshake.
---@class kedge.handshake_options
---@field name? string|false the name to send (SNI) and to verify; that of connect unless told; false sends none
---@field alpn? string|string[] application protocols to offer; none unless told
---@field tls? string versions to offer: "1.2", "1.0-1.2"
---@field timeout? number|false seconds
---@field unverified? boolean data may pass without a good verdict; results say so

--- Options of kedge.open.
---@class kedge.open_options: kedge.route_options, kedge.judgement_options
---@field name? string|false the name to send (SNI) and to verify; the host unless told; false sends none
---@field alpn? string|string[] application protocols to offer; none unless told
---@field tls? string versions to offer: "1.2", "1.0-1.2"

--- Options of session:verify.
---@class kedge.verify_options: kedge.judgement_options
---@field name? string|false the name that the certificate must be for; false: any, and results say so as with unverified
---@field unverified? boolean data may pass although the verdict is bad; results say so

--- Options of session:h2.
---@class kedge.h2_options
---@field settings? table<string, integer> to send, by name: SETTINGS_INITIAL_WINDOW_SIZE, with or without SETTINGS_ in front
---@field timeout? number|false seconds until the server's SETTINGS
---@field unverified? boolean data may pass without a good verdict; results say so

--- A request over HTTP/2.
---@class kedge.request
---@field method? string GET, or POST where there is a body
---@field path? string "/" unless told
---@field authority? string the host unless told
---@field scheme? string https unless told
---@field headers? table by name, or a list of { name, value }
---@field body? string|function text, or a function that gives pieces, nil at the end
---@field timeout? number|false seconds until the headers of the reply, and for each piece of its body

--- A target, of kedge.target.
---@class kedge.target
---@field id string
---@field host string
---@field port integer
---@field protocol string
---@field labels table

--- What was seen of a target: plain data.
---@class kedge.observation
---@field target kedge.target
---@field clock { device: integer, build: integer } seconds since 1970
---@field dns? { addresses: string[], ms: number }
---@field tcp? { address: string, attempts: table[], ms: number }
---@field tls? table version, cipher, group, alpn, sni, alert, ms
---@field chain? string[] DER, as sent
---@field h2? table settings, ping_ms, goaway, ms
---@field http? { version: string, status: integer, headers: table[], body: string, ms: number }
---@field stopped? { stage: string, code: string, detail: string } where it ended early

--- Verdicts of the stores that were asked, of kedge.judge.
---@class kedge.verdicts
---@field trust kedge.verdict
---@field reference? kedge.verdict
---@field code string "ok", or what the two come to
---@field accepted boolean by every store

--- A verdict of one store.
---@class kedge.verdict
---@field code string "ok", or the first failure's
---@field accepted boolean
---@field store string
---@field time integer seconds since 1970
---@field name? string
---@field policy string
---@field path kedge.certificate[] leaf first, without the anchor
---@field anchor? kedge.certificate
---@field failures { rule: string, code: string, certificate: integer, detail: string }[] certificate: place in the chain from 0, -1 the anchor
---@field warnings { code: string, detail: string }[]
---@field reference? kedge.verdict where session:verify was given one

--- A certificate, of kedge.x509.parse.
---@class kedge.certificate
---@field subject string RFC 4514
---@field issuer string RFC 4514
---@field serial string hexadecimal
---@field not_before? string ISO 8601, UTC
---@field not_after? string ISO 8601, UTC
---@field starts? integer not_before in seconds since 1970
---@field ends? integer not_after in seconds since 1970
---@field days_left? integer whole days until not_after
---@field key string "RSA 2048", "EC P-256"
---@field signature string "sha256WithRSAEncryption"
---@field san? string[] names and addresses; others with their kind in front
---@field sha256 string of the certificate, hexadecimal
---@field spki_sha256 string of its public key, hexadecimal
---@field version integer
---@field ca boolean
---@field path_length? integer
---@field key_usage? table<string, boolean>
---@field extended_key_usage? string[]
---@field der string
---@field pem string

--- What session:info gives.
---@class kedge.tls_info
---@field version string "TLSv1.2"
---@field cipher string
---@field group? string
---@field alpn? string that the server selected
---@field sni? string that was sent
---@field received integer bytes
---@field sent integer bytes
---@field client_certificate_requested boolean

--- A GOAWAY.
---@class kedge.goaway
---@field code integer
---@field name? string "NO_ERROR", "ENHANCE_YOUR_CALM"
---@field last_stream integer
---@field debug string

--- A program and its arguments, for kedge.run: { "program", "argument", timeout = 5 }.
---@class kedge.command
---@field [integer] string the program, looked up in PATH, and its arguments; no shell is involved
---@field cwd? string the folder to run in
---@field env? table<string, string> the whole environment; inherited unless told
---@field input? string what it reads; else nothing
---@field merge? boolean its standard error goes into output too
---@field root? string chroot to this folder first
---@field timeout? number seconds until it is ended
---@field limit? integer bytes kept of each output; 65536

--- How a program ended.
---@class kedge.ended
---@field status? integer
---@field signal? integer
---@field output string
---@field errors string
---@field truncated boolean
---@field timed_out boolean

--- A block of kedge.pem.decode.
---@class kedge.pem_block
---@field der string
---@field line integer where it begins
---@field label string "CERTIFICATE"

--- What kedge.pem.decode passed over.
---@class kedge.pem_fault
---@field line integer
---@field message string

--- What kedge.file.stat gives.
---@class kedge.file_facts
---@field type string "file", "directory" and so on
---@field size integer bytes
---@field mode integer
---@field uid integer
---@field mtime integer seconds since 1970

--- A result: what was checked and how it went, as every format gets it.
---@class kedge.result
---@field id string
---@field line? integer of standard input
---@field run? integer of --repeat
---@field target? { host: string, port: integer, address: string }
---@field labels? table own data that says which check it is
---@field status "ok"|"warn"|"fail"|"skip"
---@field stage? "dns"|"tcp"|"proxy"|"tls"|"trust"|"alpn"|"h2"|"http" where it stopped
---@field code string "ok", or what is the matter
---@field cause? string the same for results that one thing explains
---@field message? string
---@field remedy? string
---@field timings_ms? { dns: number, tcp: number, tls: number, h2: number, http: number, total: number }
---@field tls? { version: string, cipher: string, group: string, alpn: string, sni: string }
---@field chain? kedge.certificate[] as sent; subject to spki_sha256
---@field path? integer[] places in the chain from 0, leaf first
---@field anchor? { subject: string, sha256: string, not_after: string }
---@field verdicts? table trust and reference: code, store, failures
---@field warnings? { code: string, message: string, remedy: string }[]
---@field h2? table settings, ping_ms, goaway
---@field http? { version: string, status: integer, body: string }
---@field values? table own data: numbers, text, lists

return kedge
