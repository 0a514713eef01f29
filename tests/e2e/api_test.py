"""The interface for scripts against real servers: raw connections, the held handshake, HTTP/2, ownership, misuse, signals."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows
import peer
import relay
import servers

HANDSHAKE, DATA = 22, 23
AVS = kedge.AVS

TEN_LINES = """\
local kedge = require "kedge"
return {
  summary = "our certificates live another 30 days",
  run = function(ctx)
    ctx:each({ "a.example", "b.example:8443" }, function(host)
      local r = kedge.check("tls://" .. host)
      if r.status == "ok" and r.chain[1].days_left < 30 then
        return kedge.fail(r, "cert.expires_soon", "renew the certificate of " .. host)
      end
      return r
    end)
  end,
}
"""


EXAMPLES = os.path.join(kedge.ROOT, "scripts/examples")


class Nghttpd:
    """nghttpd that gives back what it was sent, and one file."""

    def __init__(self, certificate, key, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(os.path.join(folder, "large"), "wb") as file:
            file.write(b"0123456789abcdef" * 40_000)
        self.process = subprocess.Popen(
            [*servers.WITH_US, shutil.which("nghttpd", path="/usr/sbin:/usr/bin"), "-a", "127.0.0.1", "--echo-upload", "-d", folder,
             str(self.port), key, certificate],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + kedge.GUARD
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None and time.monotonic() < deadline, "nghttpd does not listen"
            time.sleep(0.01)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Api(kedge.Test):
    """A script's text around `body`, which runs with kedge, ctx and PORT (a number) in sight."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def file(self, text):
        path = os.path.join(self.folder, "mine.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def script(self, body, port=0):
        head = f'local kedge = require "kedge"; local PORT = {port}; return {{ summary = "s", run = function(ctx)\n'
        return self.file(head + textwrap.dedent(body) + "\nend }\n")

    def play(self, body, *options, port=0, **keywords):
        trust = ("--trust", self.anchors) if self.parts and "--trust" not in options else ()
        done = kedge.run(self.script(body, port), "-f", "json", *trust, *options, **keywords)
        self.assertIsNotNone(done.report, str(done))
        return done

    def good(self, body, **keywords):
        """Runs a script whose results are all ok; their values by id."""
        done = self.play(body, **keywords)
        self.assertEqual(done.status, 0, str(done))
        for result in done.results:
            self.assertEqual(result["status"], "ok", str(done))
        return {result["id"]: result.get("values") for result in done.results}

    def raised(self, body, says, line=None, **keywords):
        """Runs a script of one item, whose function raises this."""
        done = self.play(body, **keywords)
        self.assertEqual((done.status, len(done.results)), (3, 1), str(done))
        result = done.results[0]
        self.assertEqual(result["code"], "script.error")
        self.assertIn(says, result["message"])
        where = re.search(r"mine\.lua:(\d+): ", result["message"])
        self.assertTrue(where, result["message"])
        if line:
            self.assertEqual(int(where[1]), line, result["message"])


class Checks(Api):
    parts = ("nginx",)

    def options(self, server="good"):
        return ("--trust", self.anchors, "--connect-to", f"::127.0.0.1:{self.lab.port[server]}")

    def test_the_ten_lines(self):
        done = kedge.run(self.file(TEN_LINES), "-f", "json", *self.options())
        self.assertEqual(done.status, 1, str(done))
        self.assertEqual([result["id"] for result in done.results], ["a.example:443/tls", "b.example:8443/tls"])
        self.assertEqual([result["code"] for result in done.results], ["trust.name_mismatch"] * 2)

    def test_the_ten_lines_find_what_they_look_for(self):
        text = TEN_LINES.replace("a.example", AVS).replace("b.example", AVS)
        done = kedge.run(self.file(text), "-f", "json", *self.options())
        self.assertEqual([result["code"] for result in done.results], ["ok", "ok"])
        ends = done.results[0]["chain"][0]["not_after"]
        done = kedge.run(self.file(text), "-f", "json", *self.options(), "--at", ends[:8] + "01")
        self.assertEqual([result["code"] for result in done.results], ["cert.expires_soon"] * 2, str(done))
        self.assertIn(f"renew the certificate of {AVS}", done.results[0]["message"])

    def test_steps_and_counterfactuals(self):
        done = self.play(f"""
            local seen = kedge.observe("https://{AVS}", {{ labels = {{ team = "web" }} }})
            ctx:report(kedge.explain(seen, kedge.judge(seen)))
            local late = kedge.explain(seen, kedge.judge(seen, {{ at = "2090-01-01" }}))
            late.id = "late"
            ctx:report(late)
            local other = kedge.explain(seen, kedge.judge(seen, {{ trust = "ats" }}))
            other.id = "other"
            ctx:report(other)
            """, *self.options())  # fmt: skip
        self.assertEqual([result["code"] for result in done.results], ["ok", "trust.expired", "trust.unknown_issuer"], str(done))
        self.assertEqual(done.results[0]["http"]["status"], 200)
        self.assertEqual(done.results[0]["labels"], {"team": "web"})

    def test_options_of_a_call_go_over_those_of_the_run(self):
        done = self.play(f"""
            ctx:report(kedge.check("https://{AVS}", {{ trust = "ats", id = "ats" }}))
            ctx:report(kedge.check("https://{AVS}", {{ id = "h1", protocol = "http1", expect = {{ status = 404 }} }}))
            ctx:report(kedge.check("https://{AVS}", {{ id = "sni", sni = "none", alpn = "none" }}))
            ctx:report(kedge.check("https://{AVS}", {{ id = "to", connect_to = "::127.0.0.1:{self.lab.port["expired"]}" }}))
            """, *self.options())  # fmt: skip
        codes = {result["id"]: result["code"] for result in done.results}
        self.assertEqual(codes, {"ats": "trust.unknown_issuer", "h1": "http.status", "sni": "ok", "to": "trust.expired"}, str(done))
        self.assertNotIn("sni", done.results[2]["tls"])

    def test_results_of_ones_own(self):
        done = self.play("""
            local r = kedge.ok("queue")
            r.values, r.labels = { queue = 3, depth_ms = 1.5 }, { team = "web" }
            ctx:report(r)
            ctx:report(kedge.warn("w", "queue.long", "it is long", "wait"))
            ctx:report(kedge.skip("s", "queue.absent"))
            """)  # fmt: skip
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(done.results[0]["values"], {"queue": 3, "depth_ms": 1.5})
        self.assertEqual(done.results[1]["warnings"][0]["code"], "queue.long")

    def test_targets_from_words_and_lists(self):
        path = self.file("""
            local kedge = require "kedge"
            return {
              summary = "s",
              options = function(cmd) cmd:argument("TARGET", "x"):args("+"):target("targets") end,
              run = function(ctx) ctx:each(ctx:targets(ctx.args.targets, { expect = { status = 200 } }), kedge.check) end,
            }""")
        done = kedge.run(path, "-f", "json", *self.options(), "@-", AVS, stdin=f"{AVS}/one\n{AVS}/two\n")
        codes = sorted((result.get("line", 0), result["code"]) for result in done.results)
        self.assertEqual(codes, [(0, "ok"), (1, "http.status"), (2, "http.status")], str(done))

    def test_a_tail_call_has_a_line(self):
        self.raised('ctx:each({ "x" }, function()\nreturn kedge.check("x", { timeot = 3 })\nend)', "did you mean 'timeout'", line=3)

    def test_print_takes_standard_output(self):
        path = self.script('ctx:print("plain\\n"); ctx:report(kedge.ok("x"))')
        done = kedge.run(path, "-f", "text", "-f", f"json:{self.folder}/out.json")
        self.assertEqual((done.status, done.out), (0, "plain\n"), str(done))
        with open(f"{self.folder}/out.json", encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)
        done = kedge.run(self.script('ctx:report(kedge.ok("x")); ctx:print("late\\n")'), "-f", "tap")
        self.assertEqual(done.status, 3, str(done))
        self.assertIn("before the first result", done.err)


class Streams(Api):
    """Plain TCP, no TLS."""

    parts = ("pki",)

    def peer(self, script):
        return self.enterContext(peer.Peer(script))

    def test_a_banner_and_an_answer(self):
        other = self.peer('send b"220 ready\\r\\n"\nexpect b"QUIT\\r\\n"\nsend b"221 bye\\r\\n"\nclose')
        values = self.good("""
            local s <close> = assert(kedge.connect("localhost", PORT, { ipv4 = true }))
            local banner = assert(s:read())
            assert(tostring(s) == "stream with localhost (open)")
            assert(s:write("QUIT\\r\\n"))
            local rest = ""
            repeat local piece = assert(s:read(3)); rest = rest .. piece until piece == ""
            local address, port = s:peer()
            local r = s:result("banner")
            r.values = { banner = banner, rest = rest, address = address, port = port }
            ctx:report(r)
            """, port=other.port)  # fmt: skip
        self.assertEqual(values["banner"], {"banner": "220 ready\r\n", "rest": "221 bye\r\n", "address": "127.0.0.1", "port": other.port})

    def test_exactly_so_many_bytes(self):
        other = self.peer('send b"12"\nexpect b"go"\nsend b"3456789"\nclose')
        values = self.good("""
            local s = assert(kedge.connect("127.0.0.1", PORT))
            local got = kedge.all { function() return s:read(5, { exact = true }) end, function() return s:write("go") end }
            local r = s:result("x")
            r.values = { five = got[1], rest = s:read(100, { exact = true }), after = s:read(1, { exact = true }) }
            ctx:report(r)
            """, port=other.port)  # fmt: skip
        self.assertEqual(values["x"], {"five": "12345", "rest": "6789", "after": ""})

    def test_failures_are_told(self):
        other = self.peer("wait")
        with socket.create_server(("127.0.0.1", 0)) as free:
            unused = free.getsockname()[1]
        done = self.play(f"""
            local s, message, code = kedge.connect("127.0.0.1", {unused})
            assert(s == nil)
            ctx:report(kedge.fail("refused", code, message))
            s = assert(kedge.connect("127.0.0.1", PORT))
            local bytes
            bytes, message, code = s:read(10, {{ timeout = 0.05 }})
            assert(bytes == nil)
            ctx:report(kedge.fail("silent", code, message))
            s, message, code = kedge.connect("127.0.0.1", PORT, {{ interface = "no-such" }})
            ctx:report(kedge.fail("interface", s or code, message))
            """, port=other.port)  # fmt: skip
        self.assertEqual([(result["code"], result["stage"]) for result in done.results], [("tcp.refused", "tcp"), ("peer.timeout", None), ("local.interface", None)], str(done))
        self.assertTrue(done.results[0]["remedy"])

    def test_two_coroutines_on_one_stream(self):
        other = self.peer("wait")
        self.raised("""
            ctx:each({ "x" }, function()
              local s = assert(kedge.connect("127.0.0.1", PORT))
              kedge.all {
                function() s:read() end,
                function() s:read() end,
              }
            end)""", "another coroutine is reading from this stream", line=7, port=other.port)  # fmt: skip

    def test_two_writers_on_one_stream(self):
        """More than the kernel's buffers hold, to a peer that stops reading."""
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.raised("""
            ctx:each({ "x" }, function()
              local s = assert(kedge.connect("127.0.0.1", PORT))
              kedge.all {
                function() s:write(("x"):rep(16000000)) end,
                function() s:write("y") end,
              }
            end)""", "another coroutine is writing to this stream", line=7, port=listener.getsockname()[1])  # fmt: skip

    def test_one_reads_and_one_writes(self):
        other = self.peer("expect 200000\nsend b'done'\nclose")
        self.good("""
            local s = assert(kedge.connect("127.0.0.1", PORT))
            local got = kedge.all { function() return s:read() end, function() return s:write(("x"):rep(200000)) end }
            assert(got[1] == "done" and got[2] == true)
            ctx:report(s:result("x"))""", port=other.port)  # fmt: skip

    def test_a_reader_that_was_ended_reads_no_more(self):
        other = self.peer("expect b'go'\nsend b'here'\nwait")
        self.good("""
            local s = assert(kedge.connect("127.0.0.1", PORT))
            local done = pcall(kedge.all, { function() s:read() end, function() error("enough") end })
            assert(not done)
            s:write("go")
            assert(s:read() == "here")
            ctx:report(s:result("x"))""", port=other.port)  # fmt: skip

    def test_forgotten_handles_are_closed_with_their_item(self):
        other = self.peer("wait")
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))  # noqa: E731
        done = self.play("""
            local items = {}
            for i = 1, 120 do items[i] = "item " .. i end
            ctx:each(items, function(item)
              local s, message, code = kedge.connect("127.0.0.1", PORT)
              if not s then return kedge.fail(item, code, message) end
              return kedge.ok(item)
            end)""", "-j", "1", port=other.port, preexec_fn=limit, stdin=None)  # fmt: skip
        self.assertEqual(done.report["summary"]["ok"], 120, str(done))

    def test_a_handle_outside_of_its_task(self):
        other = self.peer("wait")
        done = self.play("""
            local kept, news
            ctx:each({ "opens", "comes later" }, function(item)
              if item == "opens" then kept = assert(kedge.connect("127.0.0.1", PORT)) return kedge.ok(item) end
              kept:read()
            end)
            ctx:each({ "holds", "uses" }, function(item)
              if item == "uses" then while not news do kedge.sleep(0.001) end news:read() end
              news = assert(kedge.connect("127.0.0.1", PORT))
              kedge.sleep(0.05)
              return kedge.ok(item)
            end)""", "-j", "1", port=other.port)  # fmt: skip
        self.assertIn("this stream was closed with the task that opened it", done.results[1]["message"])
        done = self.play("""
            local news
            ctx:each({ "holds", "uses" }, function(item)
              if item == "uses" then while not news do kedge.sleep(0.001) end news:read() end
              news = assert(kedge.connect("127.0.0.1", PORT))
              kedge.sleep(0.2)
              return kedge.ok(item)
            end)""", port=other.port)  # fmt: skip
        self.assertEqual(done.results[0]["status"], "ok", str(done))
        self.assertIn("mine.lua:5: this stream belongs to the task that opened it", done.results[1]["message"])

    @rows([
        ("closed", "s:close(); s:close(); s:read()", "this stream was closed already"),
        ("method", "s:raed()", "a stream has no 'raed'; did you mean 'read'"),
        ("colon", "s.read()", "call it with a colon: stream:read(...)"),
        ("bytes", "s:read(0)", "a number of bytes from 1"),
        ("number", "s:write(3)", "wants a string, not a number"),
        ("options", "s:read(1, { timeut = 3 })", "did you mean 'timeout'"),
        ("timeout", "s:read(1, { timeout = -1 })", "a number of seconds above 0"),
        ("sort", "table.sort({ 2, 1 }, function(a, b) s:read() return a < b end)", "cannot wait here"),
        ("wrap", "coroutine.wrap(function() s:read() end)()", "cannot wait here"),
        ("tail", "return s:raed()", "a stream has no 'raed'"),
        ("handshake", "s:handshake { nam = 'x' }", "did you mean 'name'"),
        ("versions", "s:handshake { tls = '1.4' }", "tls must be 1.0, 1.1, 1.2"),
        ("exact", "s:read(nil, { exact = true })", "it wants to know how many"),
    ])  # fmt: skip
    def misuse(self, _, code, says):
        other = self.peer("wait")
        body = 'ctx:each({ "x" }, function()\n local s = assert(kedge.connect("127.0.0.1", PORT))\n%s\nend)' % code
        self.raised(body, says, line=4, port=other.port)

    def test_programs_and_files(self):
        values = self.good(f"""
            local done = assert(kedge.run {{ "sh", "-c", "cat; exit 3", input = "text" }})
            assert(kedge.file.write("{self.folder}/written", done.output))
            local nothing, _, code = kedge.run {{ "no-such-program-of-kedge" }}
            local r = kedge.ok("x")
            r.values = {{ status = done.status, read = kedge.file.read("{self.folder}/written"), code = code,
              absent = select(3, kedge.file.stat("{self.folder}/absent")), nothing = nothing == nil }}
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"], {"status": 3, "read": "text", "code": "local.tool_missing", "absent": "local.file", "nothing": True})


class Sessions(Api):
    parts = ("nginx",)

    OPEN = """
        local function open(more)
          local s = assert(kedge.connect("127.0.0.1", PORT))
          local given = { name = "%s", alpn = "h2" }
          for key, value in pairs(more or {}) do given[key] = value end
          return assert(s:handshake(given))
        end
        """ % AVS  # fmt: skip

    def play(self, body, *options, server="good", port=None, **keywords):
        return super().play(textwrap.dedent(self.OPEN).replace("\n", " ") + "\n" + textwrap.dedent(body), *options,
                            port=port or self.lab.port[server], **keywords)  # fmt: skip

    def test_what_is_known_before_a_verdict(self):
        values = self.good("""
            local t = open()
            local info, leaf = t:info(), kedge.x509.parse(t:chain()[1])
            local r = kedge.ok("x")
            r.values = { version = info.version, alpn = info.alpn, sni = info.sni, count = #t:chain(), subject = leaf.subject,
              ends = leaf.not_after }
            ctx:report(r)""")  # fmt: skip
        self.assertEqual((values["x"]["version"], values["x"]["alpn"], values["x"]["sni"]), ("TLSv1.2", "h2", AVS))
        self.assertEqual((values["x"]["subject"], values["x"]["count"]), ("CN=lab.test", 4))

    def test_nothing_but_the_first_message_leaves_before_a_verdict(self):
        with relay.Relay(self.lab.port["good"]) as between:
            done = self.play("local t = open(); kedge.sleep(0.05); t:close(); ctx:report(kedge.ok('x'))", port=between.port)
            self.assertEqual(done.status, 0, str(done))
            self.assertEqual([kind for kind, _ in relay.records(between.client[0])], [HANDSHAKE])
        with relay.Relay(self.lab.port["expired"]) as between:
            self.play("local t = open(); t:verify(); t:finish(); pcall(t.h2, t); ctx:report(t:result('x'))", port=between.port)
            self.assertNotIn(DATA, [kind for kind, _ in relay.records(between.client[0])])

    @rows([
        ("read", "t:read()"), ("write", "t:write('x')"), ("h2", "t:h2()"), ("tail", "return t:read()"),
    ])  # fmt: skip
    def before_a_verdict(self, word, code):
        self.raised('ctx:each({ "x" }, function()\n local t = open()\n%s\nend)' % code, "before session:verify{...}", line=5)

    @rows([("expired", "trust.expired"), ("name", "trust.name_mismatch"), ("self", "trust.self_signed"), ("missing", "trust.incomplete_chain")])
    def after_a_bad_verdict(self, server, code):
        self.raised(
            'ctx:each({ "x" }, function()\n local t = open()\nassert(t:verify().accepted == false)\nt:read()\nend)',
            f"although session:verify{{...}} said {code}", line=6, server=server,
        )  # fmt: skip

    def test_unverified_is_possible_and_told(self):
        done = self.play("""
            ctx:each({ "asked for", "another" }, function(item)
              if item == "another" then return kedge.ok(item) end
              local t = open { unverified = true }
              assert(t:verify().code == "trust.expired")
              assert(t:h2():ping() > 0)
              return kedge.ok(item)
            end)
            ctx:each({ "bare" }, function(item)
              assert(open():h2 { unverified = true })
              return { id = item, status = "ok", code = "ok" }
            end)""", server="expired")  # fmt: skip
        told = {result["id"]: (result["status"], result["code"]) for result in done.results}
        warned = ("warn", "trust.unverified")
        self.assertEqual(told, {"asked for": warned, "another": ("ok", "ok"), "bare": warned}, str(done))

    def test_a_verdict_for_no_name_is_told(self):
        done = self.play("""
            ctx:each({ "used", "seen", "named" }, function(item)
              local t = open()
              assert(t:verify { name = false }.accepted)
              if item == "named" then assert(t:verify().accepted) end
              if item ~= "seen" then assert(t:h2():ping() > 0) end
              if item ~= "used" then return t:result(item) end
              return kedge.ok(item)
            end)""")  # fmt: skip
        told = {result["id"]: (result["status"], result["code"], len(result["warnings"])) for result in done.results}
        warned = ("warn", "trust.unverified", 1)
        self.assertEqual(told, {"used": warned, "seen": warned, "named": ("ok", "ok", 0)}, str(done))
        self.assertEqual((str(done).count("nobody looked for the name in the certificate"), done.status), (3, 0), str(done))

    @rows([
        ("unverified", "t:write('x', { unverified = 'yes' })", "session:write: 'unverified' is true or false, not a string"),
        ("exact", "t:read(1, { exact = 1 })", "session:read: 'exact' is true or false, not a number"),
        ("settings", "t:h2 { settings = 'x' }", "session:h2: 'settings' is a table, not a string"),
    ])
    def kinds_of_options(self, _, code, words):
        self.raised('ctx:each({ "x" }, function()\n local t = open()\n%s\nend)' % code, words, line=5)

    def test_unverified_is_told_by_whoever_uses_the_handle(self):
        done = self.play("""
            local t, h = open { unverified = true }, nil
            local function ask(item)
              h = h or assert(t:h2())
              return kedge.ok(item, nil, "status " .. assert(h:request { path = "/" }).status)
            end
            ctx:each({ "a" }, ask)
            ctx:each({ "b", "c" }, ask)
            ctx:report(kedge.ok("d"))""", server="expired")  # fmt: skip
        self.assertEqual({(result["status"], result["code"]) for result in done.results}, {("warn", "trust.unverified")}, str(done))

    def test_a_first_use_that_fails_leaves_the_session_usable(self):
        values = self.good("""
            local t = open()
            assert(t:verify().accepted)
            local done, why = pcall(t.finish, t, { timeout = -1 })
            assert(not done, why)
            pcall(kedge.all, { function() t:finish() end, function() error "x" end })
            local r = t:result("x")
            r.values = { finished = t:finish({ timeout = 20 }) }
            ctx:report(r)""")
        self.assertEqual(values["x"], {"finished": True})

    def test_a_request_that_ends_by_an_error_is_cancelled(self):
        values = self.good("""
            local t = open()
            assert(t:verify().accepted)
            local h = assert(t:h2())
            for _ = 1, 300 do pcall(h.request, h, { path = "/", body = function() error "broke" end }) end
            local r = t:result("x")
            r.values = { status = assert(h:request { path = "/" }).status }
            ctx:report(r)""")
        self.assertEqual(values["x"], {"status": 200})

    def test_verdicts(self):
        values = self.good("""
            local t = open()
            local codes = {
              good = t:verify().code, name = t:verify { name = "other.example" }.code, store = t:verify { trust = "ats" }.code,
              late = t:verify { at = "2090-01-01" }.code, depth = t:verify { depth = 0 }.code, any = t:verify { name = false }.code,
              loaded = assert(kedge.trust.load("ats")):verify(t:chain(), { name = t:info().sni }).code,
            }
            local v = t:verify()
            codes.path, codes.anchor = #v.path, v.anchor.subject
            local r = t:result("x")
            r.values = codes
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"], {
            "good": "ok", "name": "trust.name_mismatch", "store": "trust.unknown_issuer", "late": "trust.expired",
            "depth": "trust.path_length", "any": "ok", "loaded": "trust.unknown_issuer", "path": 2,
            "anchor": "CN=Lab Amazon Root CA 1,O=Lab Amazon,C=US",
        })  # fmt: skip

    def test_http1_by_hand(self):
        values = self.good("""
            local t = open { alpn = "http/1.1" }
            assert(t:verify().accepted)
            assert(t:write("GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"))
            local text = ""
            repeat local piece = assert(t:read()); text = text .. piece until piece == ""
            local r = t:result("x")
            r.values = { line = text:match("^[^\\r]*") }
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"]["line"], "HTTP/1.1 200 OK")

    OPENED = [("good", "ok"), ("expired", "trust.expired"), ("name", "trust.name_mismatch"), ("tls13", "tls.version"), ("no one", "tcp.refused")]

    @rows(OPENED)
    def opened(self, server, code):
        """kedge.open: a session to read from, or a result that says as much as kedge.check's."""
        with servers.listener("127.0.0.1") as free:
            unused = free.getsockname()[1]
        port = self.lab.port.get(server, unused)
        done = self.play(f"""
            local session, failed = kedge.open("127.0.0.1", PORT, {{ name = "{AVS}", alpn = "http/1.1" }})
            if not session then return ctx:report(failed) end
            session:write("GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
            local r = session:result()
            r.values = {{ line = session:read(12, {{ exact = true }}) }}
            ctx:report(r)""", port=port)  # fmt: skip
        result = done.results[0]
        self.assertEqual((result["code"], result["target"]["port"]), (code, port), str(done))
        self.assertEqual(done.status, {"ok": 0, "tcp.refused": 4}.get(code, 1), str(done))
        if code == "ok":
            self.assertEqual(result["values"]["line"], "HTTP/1.1 200")
        else:
            self.assertTrue(result["message"] and result["remedy"], str(done))
        self.assertEqual("chain" in result, server in ("good", "expired", "name"))

    def test_kedge_open_for_a_store_and_a_time(self):
        done = self.play(f"""
            for _, opts in ipairs {{ {{ trust = "ats" }}, {{ at = "2090-01-01" }}, {{ depth = 0 }} }} do
              opts.name = "{AVS}"
              local session, failed = kedge.open("127.0.0.1", PORT, opts)
              ctx:report(session and kedge.ok("x") or failed)
            end""")  # fmt: skip
        self.assertEqual([r["code"] for r in done.results], ["trust.unknown_issuer", "trust.expired", "trust.path_length"], str(done))

    def test_a_protocol_that_was_not_selected(self):
        done = self.play("""
            local t = open { alpn = "http/1.1" }
            t:verify()
            local h, message, code = t:h2()
            ctx:report(kedge.fail("x", h or code, message))""")  # fmt: skip
        self.assertEqual(done.results[0]["code"], "alpn.none", str(done))

    def test_lines_with_openssl(self):
        server = servers.SServer(self.lab.pki, "rsa2048", "-tls1_2", "-rev")
        self.addCleanup(server.close)
        values = self.good("""
            local t = open { alpn = "none" }
            assert(t:verify().accepted)
            t:write("hello\\n")
            local r = kedge.ok("x")
            r.values = { line = t:read() }
            ctx:report(r)""", port=server.port)  # fmt: skip
        self.assertEqual(values["x"]["line"], "olleh\n")

    def test_two_coroutines_that_end_the_handshake(self):
        server = servers.SServer(self.lab.pki, "rsa2048", "-tls1_2", "-rev")
        self.addCleanup(server.close)
        self.good("""
            local t = open { alpn = "none" }
            assert(t:verify().accepted)
            local got = kedge.all { function() return t:read() end, function() return t:write("abc\\n") end }
            assert(got[1] == "cba\\n", got[1])
            ctx:report(kedge.ok("x"))""", port=server.port)  # fmt: skip


class Http2(Api):
    parts = ("nginx",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.nghttpd = Nghttpd(*cls.lab.chain("rsa2048"), folder)
        cls.addClassCleanup(cls.nghttpd.close)

    def play(self, body, *options, port=None, **keywords):
        head = (f'local session = assert(assert(kedge.connect("127.0.0.1", PORT)):handshake {{ name = "{AVS}", alpn = "h2" }});'
                " assert(session:verify().accepted); local h2 = assert(session:h2 { settings = { INITIAL_WINDOW_SIZE = 20000 } });")  # fmt: skip
        return super().play(f"{head}\n{textwrap.dedent(body)}", *options, port=port or self.nghttpd.port, **keywords)

    def test_settings_and_ping(self):
        values = self.good("""
            local r = session:result("x")
            r.values = { streams = h2:settings().SETTINGS_MAX_CONCURRENT_STREAMS, ping = h2:ping(),
              pings = #kedge.map({ 1, 2, 3 }, function() return h2:ping() end) }
            ctx:report(r)""")  # fmt: skip
        self.assertEqual((values["x"]["streams"], values["x"]["pings"]), (100, 3))
        self.assertGreater(values["x"]["ping"], 0)

    def test_many_requests_at_once_with_bodies_as_streams(self):
        values = self.good("""
            local paths, pieces = {}, 0
            for i = 1, 24 do paths[i] = "/large" end
            local sizes = kedge.map(paths, function(path)
              local reply = assert(h2:request { path = path })
              assert(reply.status == 200)
              local size = 0
              while true do
                local piece = assert(reply:read())
                if piece == "" then return size end
                size, pieces = size + #piece, pieces + 1
              end
            end)
            local r = session:result("x")
            r.values = { sizes = sizes, pieces = pieces }
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"]["sizes"], [640_000] * 24)
        self.assertGreater(values["x"]["pieces"], 24 * 32)

    def test_bodies_are_sent(self):
        values = self.good("""
            local text = ("0123456789"):rep(30000)
            local left = 5
            local replies = kedge.all {
              function() return assert(h2:request { method = "POST", body = text, headers = { ["x-mine"] = "1" } }):body(1000000) end,
              function()
                local function piece() left = left - 1; return left > 0 and ("x"):rep(70000) or nil end
                return assert(h2:request { body = piece }):body(1000000)
              end,
            }
            local r = session:result("x")
            r.values = { same = replies[1] == text, size = #replies[2] }
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"], {"same": True, "size": 280_000})

    def test_headers(self):
        values = self.good("""
            local reply = assert(h2:request { path = "/", headers = { { "accept", "*/*" } } })
            local r = session:result("x")
            r.values = { status = reply.status, kind = reply.headers["content-type"], first = reply.headers[1][1], body = reply:body(4) }
            ctx:report(r)""", port=self.lab.port["good"])  # fmt: skip
        self.assertEqual((values["x"]["status"], values["x"]["kind"], values["x"]["first"]), (200, "text/plain", "server"))
        self.assertEqual(len(values["x"]["body"]), 4)

    def test_forgotten_replies_are_ended(self):
        self.good("""
            for _ = 1, 300 do
              assert(assert(h2:request { path = "/large" }).status == 200)
              collectgarbage()
            end
            ctx:report(session:result("x"))""")  # fmt: skip

    def test_why_a_channel_ended(self):
        script = (
            "tls\nexpect b'PRI'\nsend settings() + frame('SETTINGS', 1)\nexpect 70\n"
            "send reply(200, stream=1)\nsend data(b'piece')\nsend goaway(last=1, code=11, debug=b'calm')\nclose"
        )
        other = self.enterContext(peer.Peer(script, self.lab.chain("rsa2048")))
        done = self.play("""
            local reply = assert(h2:request { path = "/v20160207/directives" })
            assert(reply:read() == "piece")
            local piece, message, code = reply:read { timeout = 30 }
            local r = kedge.fail("channel", piece or code, message)
            r.values = { goaway = h2:goaway().name }
            ctx:report(r)""", port=other.port)  # fmt: skip
        self.assertEqual(done.results[0]["code"], "h2.goaway", str(done))
        self.assertEqual(done.results[0]["values"], {"goaway": "ENHANCE_YOUR_CALM"})

    def test_two_coroutines_on_one_reply(self):
        script = "tls\nexpect b'PRI'\nsend settings() + frame('SETTINGS', 1)\nexpect 70\nsend reply(200, stream=1)\nwait"
        other = self.enterContext(peer.Peer(script, self.lab.chain("rsa2048")))
        self.raised("""
            ctx:each({ "x" }, function()
              local own = assert(assert(kedge.connect("127.0.0.1", PORT)):handshake { name = "%s", alpn = "h2" })
              own:verify()
              local r = assert(assert(own:h2()):request())
              kedge.all { function() r:read() end, function() r:read() end }
            end)""" % AVS, "another coroutine is reading this reply", port=other.port)  # fmt: skip

    @rows([
        ("setting", "session:h2()", "speaks HTTP/2 already"),
        ("read", "session:read()", "speaks HTTP/2"),
        ("option", "h2:request { pth = '/' }", "did you mean 'path'"),
        ("header", "h2:request { headers = { ['a b'] = 'c' } }", "no name of a header"),
        ("injection", "h2:request { headers = { a = 'b\\r\\nc: d' } }", "a line end"),
        ("path", "h2:request { path = '/a b' }", "without spaces"),
        ("body", "h2:request { body = 3 }", "text or a function"),
        ("piece", "h2:request { body = function() return 3 end }", "gave a number"),
        ("unknown", "h2:pin()", "did you mean 'ping'"),
        ("closed", "h2:close(); h2:ping()", "closed already"),
    ])  # fmt: skip
    def misuse(self, _, code, says):
        done = self.play(f"ctx:report(kedge.ok('x'))\n{code}")
        self.assertEqual(done.status, 3, str(done))
        self.assertRegex(done.err, r"mine\.lua:\d+: ")
        self.assertIn(says, done.err)


class Examples(Api):
    """Those of the reference that ask no network but the loopback."""

    @staticmethod
    def example(page):
        lines = page.partition("\nExample:\n")[2].splitlines()
        return "\n".join(lines[: lines.index("  }") + 1])

    @rows([("kedge.target", ("--resolve", "*:443:127.0.0.1"), 4), ("kedge.choice", ("--side", "right"), 0), ("kedge.ok", (), 0),
           ("kedge.warn", (), 0), ("kedge.map", (), 0), ("kedge.sleep", (), 0), ("kedge.run", (), 0), ("kedge.trust.load", (), 0),
           ("kedge.x509.parse", ("trust/AmazonRootCA1.pem",), 0), ("kedge.file.write", ("--to", "/dev/null"), 0), ("store", (), 0)])  # fmt: skip
    def runs(self, name, words, status):
        page = kedge.run("help", "api", name).out
        done = kedge.run(self.file(self.example(page)), *words, "-f", "json", cwd=kedge.ROOT)
        self.assertEqual(done.status, status, str(done))
        self.assertTrue(done.results)

    def test_the_built_in_anchors_are_printed(self):
        page = kedge.run("help", "api", "kedge.file.write").out
        done = kedge.run(self.file(self.example(page)))
        self.assertEqual((done.status, done.out.count("BEGIN CERTIFICATE")), (0, 6), str(done))


class Interrupted(Api):
    parts = ("pki",)

    def begin(self, body, ready):
        other = self.enterContext(peer.Peer("expect 1\nwait"))
        process = kedge.start(self.script(body, other.port), "-f", "json", "--timeout", "300")
        self.addCleanup(kedge.stop, process)
        other.wait_for(lambda: sum(bool(talk.received) for talk in other.conversations) >= ready)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=kedge.GUARD)
        done = kedge.Run(process.returncode, out, err)
        self.assertEqual(done.status, -signal.SIGINT, str(done))
        return done

    def test_items_that_wait_for_a_peer_are_skipped(self):
        done = self.begin("""
            ctx:each({ "a", "b", "c" }, function(item)
              local s = assert(kedge.connect("127.0.0.1", PORT))
              s:write("x")
              s:read()
              return kedge.ok(item)
            end)""", 3)  # fmt: skip
        self.assertEqual([result["code"] for result in done.results], ["local.interrupted"] * 3, str(done))

    def test_a_run_that_waits_ends_and_what_it_reported_stays(self):
        done = self.begin("""
            ctx:report(kedge.ok("first"))
            local s = assert(kedge.connect("127.0.0.1", PORT))
            s:write("x")
            kedge.all { function() s:read(1, { timeout = false }) end, function() kedge.sleep(1000) end }""", 1)  # fmt: skip
        self.assertEqual([result["id"] for result in done.results], ["first"], str(done))

    def test_variables_are_closed(self):
        marker = os.path.join(self.folder, "closed")
        self.begin(f"""
            ctx:each({{ "a" }}, function()
              local guard <close> = setmetatable({{}}, {{ __close = function() io.open("{marker}", "w"):close() end }})
              local s = assert(kedge.connect("127.0.0.1", PORT))
              s:write("x")
              s:read()
              return guard
            end)""", 1)  # fmt: skip
        self.assertTrue(os.path.exists(marker))


class Names(Api):
    parts = ("nginx", "dns")

    def test_resolve_and_routes(self):
        port = self.lab.port["good"]
        values = self.good(f"""
            local r = kedge.ok("x")
            local _, _, unknown = kedge.resolve("nx.test", {{ dns = "{self.lab.dns}" }})
            local s = assert(kedge.connect("a.example", 443, {{ connect_to = "a.example:443:b.example:{port}", resolve = "b.example:{port}:127.0.0.1" }}))
            r.values = {{ literal = kedge.resolve("127.0.0.1"), unknown = unknown, address = (s:peer()),
              fixed = kedge.resolve("a.example", {{ resolve = "*:443:127.0.0.2,127.0.0.3" }}) }}
            ctx:report(r)""")  # fmt: skip
        self.assertEqual(values["x"], {
            "literal": ["127.0.0.1"], "unknown": "dns.nxdomain", "address": "127.0.0.1", "fixed": ["127.0.0.2", "127.0.0.3"],
        })  # fmt: skip


class Addresses(Api):
    """--all-addresses of the user's: every address is judged by the script, whatever its author thought of."""

    parts = ("nginx", "dns")

    def everywhere(self, *command, server="good"):
        return kedge.run(*command, "--dns", self.lab.dns, "--trust", self.anchors, "--all-addresses", "-f", "json")

    def each_of_three(self, body, codes, server="good", **keywords):
        done = self.everywhere(self.script(body, self.lab.port[server]), **keywords)
        self.assertEqual(sorted(r["code"] for r in done.results), sorted(codes), str(done))
        return done

    @rows([
        ("a text", '"several.lab.test:" .. PORT', "item"),
        ("a target", 'kedge.target("several.lab.test:" .. PORT)', "item"),
        ("a table of its own", '{ id = "mine", at = "several.lab.test:" .. PORT }', 'item.at, { id = "mine" }'),
    ])
    def what_is_judged(self, _, item, what):
        done = self.each_of_three(f"""
            ctx:each({{ {item} }}, function(item)
              local r = kedge.check({what})
              if r.status ~= "ok" then return r end
              return kedge.warn(r, "address.seen", r.target.address .. " " .. r.chain[1].days_left)
            end)""", ["address.seen"] * 3)  # fmt: skip
        self.assertEqual(sorted(r["target"]["address"] for r in done.results), ["127.0.0.1", "127.0.0.2", "::1"])
        self.assertEqual(sorted(r["id"].rpartition("@")[2] for r in done.results), ["127.0.0.1", "127.0.0.2", "::1"])
        self.assertEqual((done.status, done.err), (0, ""))

    def test_the_check_that_kedge_new_writes(self):
        self.assertEqual(kedge.run("new", "mine", cwd=self.folder).status, 0)
        host = f"several.lab.test:{self.lab.port['good']}"
        for script, code, status in ((f"{self.folder}/mine.lua", "cert.expires_soon", 0), (f"{EXAMPLES}/expiry.lua", "cert.expires_soon", 1)):
            done = self.everywhere(script, host, "--days", "9999")
            self.assertEqual((done.status, [r["code"] for r in done.results]), (status, [code] * 3), str(done))

    def test_other_ways_to_look(self):
        for body in ("return kedge.explain(kedge.observe(at))", """
            local s = assert(kedge.connect("several.lab.test", PORT)):handshake()
            s:verify()
            return s:result()""", 'local s = assert(kedge.open("several.lab.test", PORT)) return s:result()'):  # fmt: skip
            done = self.each_of_three(f'ctx:each({{ "several.lab.test:" .. PORT }}, function(at)\n{body}\nend)', ["ok"] * 3)
            self.assertEqual(sorted(r["target"]["address"] for r in done.results), ["127.0.0.1", "127.0.0.2", "::1"])

    def test_two_hosts_in_one_function(self):
        """Each address of each is looked at, though one has more of them."""
        done = self.each_of_three("""
            ctx:each({ "x" }, function()
              return { kedge.check("tls://127.0.0.1:" .. PORT), kedge.check("tls://several.lab.test:" .. PORT) }
            end)""", ["ok"] * 6)  # fmt: skip
        self.assertEqual(len({r["id"] for r in done.results if "several" in r["id"]}), 3)

    def test_one_address_fails(self):
        done = self.each_of_three("""
            ctx:each({ "several.lab.test:" .. PORT }, function(at)
              local r = kedge.check(at)
              if r.target.address == "127.0.0.2" then error("not this one") end
              return r
            end)""", ["ok", "ok", "script.error"])  # fmt: skip
        bad = {r["id"] for r in done.results if r["code"] != "ok"}
        self.assertEqual((done.status, bad), (3, {f"several.lab.test:{self.lab.port['good']}@127.0.0.2"}))

    def test_ids_of_ones_own_are_told_apart(self):
        done = self.each_of_three("""
            ctx:each({ "several.lab.test:" .. PORT }, function(at)
              local r = kedge.check(at)
              return { kedge.ok("own", nil, r.status), kedge.ok("more") }
            end)""", ["ok"] * 6)  # fmt: skip
        self.assertEqual({r["id"] for r in done.results},
                         {f"{name}@{address}" for name in ("own", "more") for address in ("127.0.0.1", "127.0.0.2", "::1")})  # fmt: skip

    def test_who_asks_for_a_list_gets_one(self):
        for option in ([], ["--all-addresses"]):
            done = kedge.run(self.script("""
                ctx:each({ "several.lab.test:" .. PORT }, function(at)
                  return kedge.ok("count", nil, tostring(#kedge.check(at, { all_addresses = true })))
                end)
                ctx:report(kedge.check("several.lab.test:" .. PORT, { all_addresses = false, id = "one" }))""", self.lab.port["good"]),
                "--dns", self.lab.dns, "--trust", self.anchors, "-f", "json", *option)  # fmt: skip
            self.assertEqual([(r["id"], r["message"]) for r in done.results][0], ("count", "3"), str(done))
            self.assertEqual([r["id"] for r in done.results], ["count", "one"], str(done))
            self.assertEqual(done.err, "")

    def test_outside_of_each_it_is_said(self):
        done = self.each_of_three("""
            for _ = 1, 2 do ctx:report(kedge.check("several.lab.test:" .. PORT)) end""", ["ok", "ok"])  # fmt: skip
        self.assertIn("mine.lua:3: kedge.check looks at one address here, in spite of --all-addresses", done.err)
        self.assertEqual(done.err.count("\n"), 1, done.err)


class Help(kedge.Test):
    def test_the_reference_is_printed(self):
        done = kedge.run("help", "api")
        self.assertEqual(done.status, 0, str(done))
        for words in ("kedge.check(target, opts)", "session:verify(opts)", "ctx:each(items, fn)", "kedge help api NAME"):
            self.assertIn(words, done.out)
        done = kedge.run("help", "api", "stream:read")
        for words in ("peer.timeout", "timeout?", "seconds", "Gives:"):
            self.assertIn(words, done.out)
        self.refused("help", "api", "chek", says="did you mean 'check'")
        self.refused("help", "check", "more", says="one word too many")


if __name__ == "__main__":
    unittest.main()
