"""Hostile peers: one past every bound that a peer controls, each ending by its count, never by the deadline.

A row is a word, the peer's script (tests/lab/peer.py), the status and the code. The deadline is far away, so a peer that is ended
by it shows another code."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import lab, rows

FAR = ["--timeout", "100"]

# Before the handshake is done all is in the clear: no keys are needed to say these.
HANDSHAKE = [
    ("33 certificates", "expect 5\nsend server_hello() + certificates(*[leaf] * 33)\nwait", "tls.too_large"),
    ("128 KiB of certificates", "expect 5\nsend server_hello() + certificates(*[bytes(60_000)] * 3)\nwait", "tls.too_large"),
    ("a certificate over 64 KiB", "expect 5\nsend server_hello() + certificates(bytes(65537))\nwait", "tls.too_large"),
    ("a certificate message of 16 MB", """
        expect 5
        send server_hello() + record(22, message(11, bytes.fromhex('fffffc fffff9'), length=0xffffff))
        repeat 1024 record(22, bytes(16384))
        wait""", "tls.too_large"),
    ("small certificates without end", """
        expect 5
        send server_hello() + record(22, message(11, bytes.fromhex('fffffc'), length=0xffffff))
        forever record(22, bytes.fromhex('000001 00') * 4096)""", "tls.too_large"),
    ("a chain cut off", "expect 5\nsend server_hello() + certificates(leaf)[:600]\nclose", "tls.closed"),
    ("empty records", "expect 5\nforever record(22, b'')", "tls.flood"),
    ("warnings", "expect 5\nforever alert(90, level=1)", "tls.flood"),
    ("hello requests", "expect 5\nforever record(22, message(0, b''))", "tls.flood"),
    ("hello requests after the hello", "expect 5\nsend server_hello()\nforever record(22, message(0, b''))", None),
    ("a hello of 16 MB", "expect 5\nsend record(22, message(2, b'\\3\\3', length=0xffffff))\nforever record(22, bytes(16384))", None),
    ("plain text without end", "expect 5\nforever b'HTTP/1.1 200 OK\\r\\n' * 100", "tls.not_tls"),
    ("no certificate", "expect 5\nsend server_hello() + certificates()\nwait", "tls.bad_message"),
    ("an empty certificate", "expect 5\nsend server_hello() + certificates(b'')\nwait", "trust.bad_certificate"),
]  # fmt: skip

H2 = "tls\nexpect PREFACE\nsend settings() + settings(ack=True)\n"

HTTP2 = [
    ("settings", H2 + "forever settings(s3=100)", "fail", "h2.flood"),
    ("settings with many values", H2 + "forever frame('SETTINGS', 0, 0, bytes([0, 3, 0, 0, 0, 1]) * 2730)", "fail", ("h2.flood", "h2.protocol_error")),
    ("pings", H2 + "forever frame('PING', 0, 0, bytes(8))", "fail", "h2.flood"),
    ("ping acknowledgements", H2 + "forever frame('PING', ACK, 0, bytes(8))", "fail", "h2.flood"),
    ("window updates", H2 + "forever frame('WINDOW_UPDATE', 0, 0, bytes([0, 0, 0, 1]))", "fail", "h2.flood"),
    ("priorities", H2 + "forever frame('PRIORITY', 0, 1, bytes([0, 0, 0, 3, 1]))", "fail", "h2.flood"),
    ("empty data", H2 + "expect 30\nsend reply()\nforever data(b'')", "fail", "h2.flood"),
    ("padding alone", H2 + "expect 30\nsend reply()\nforever frame('DATA', PADDED, 1, bytes([255]) + bytes(255))", "fail", "h2.flood"),
    ("unknown frames", H2 + "forever frame(0xbe, 0, 0, b'x')", "fail", "h2.flood"),
    ("large unknown frames", H2 + "forever frame(0xbe, 0, 0, bytes(16384))", "fail", "h2.flood"),
    ("alternative services", H2 + "forever frame('ALTSVC', 0, 1, bytes([0, 0]) + b'h2=\":1\"')", "fail", "h2.flood"),
    ("origins", H2 + "forever frame('ORIGIN', 0, 0, b'')", "fail", "h2.flood"),
    ("resets of another stream", H2 + "forever frame('RST_STREAM', 0, 3, bytes(4))", "fail", ("h2.flood", "h2.protocol_error")),
    ("continuations", H2 + "expect 30\nsend frame('HEADERS', 0, 1, field(':status', '200'))\nforever frame('CONTINUATION', 0, 1, b'')", "fail", "h2.flood"),
    ("interim replies", H2 + "expect 30\nrepeat 17 reply(103)\nsend reply() + data(b'', end=True)\nwait", "fail", "h2.flood"),
    ("sixteen interim replies", H2 + "expect 30\nrepeat 16 reply(103)\nsend reply() + data(b'', end=True)\nwait", "warn", "h2.no_ping_ack"),
    ("a bomb of headers", H2 + "expect 30\nsend bomb(143_000)\nwait", "fail", "http.too_large"),
    ("129 fields", H2 + "expect 30\nsend reply(200, *[field('a', 'b')] * 129) + data(b'', end=True)\nwait", "fail", "http.too_large"),
    ("a header list over 64 KiB", H2 + "expect 30\nsend frame('HEADERS', 0, 1, field(':status', '200') + field('a', 'v' * 14000)) + frame('CONTINUATION', 0, 1, field('b', 'v' * 14000)) * 3 + frame('CONTINUATION', END_HEADERS, 1, field('c', 'v' * 14000))\nwait", "fail", "http.too_large"),
    ("a body beyond the window", H2 + "expect 30\nsend reply()\nforever data(bytes(16000))", "fail", ("h2.protocol_error", "http.bad_reply")),
    ("a push", H2 + "expect 30\nsend frame('PUSH_PROMISE', END_HEADERS, 1, bytes([0, 0, 0, 2]) + field(':path', '/'))\nwait", "fail", "h2.protocol_error"),
    ("http/1.1 instead", "tls\nexpect PREFACE\nsend b'HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n'\nwait", "fail", "h2.not_h2"),
    ("http/1.1 and close", "tls\nexpect PREFACE\nsend b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n'\nclose", "fail", "h2.not_h2"),
    ("text without end", "tls\nexpect PREFACE\nforever b'hello, this is not HTTP/2\\r\\n'", "fail", "h2.not_h2"),
    ("a frame that is too large", H2 + "send frame('PING', 0, 0, bytes(16385))\nwait", "fail", "h2.protocol_error"),
    ("settings of the wrong size", "tls\nexpect PREFACE\nsend frame('SETTINGS', 0, 0, bytes(5))\nwait", "fail", "h2.protocol_error"),
    ("bad compression", H2 + "expect 30\nsend frame('HEADERS', END_HEADERS, 1, bytes([0xff, 0xff, 0xff, 0xff, 0xff]))\nwait", "fail", "h2.protocol_error"),
    ("goaway first", "tls\nexpect PREFACE\nsend goaway(0, 11, b'calm down')\nwait", "fail", ("h2.goaway", "h2.protocol_error")),
    ("goaway after settings", "tls\nexpect PREFACE\nsend settings() + goaway(0, 11, b'calm down')\nwait", "fail", "h2.goaway"),
    ("goaway after the request", H2 + "expect 30\nsend goaway(0, 1)\nwait", "fail", "h2.goaway"),
    ("goaway after the headers", H2 + "expect 30\nsend reply() + goaway(0, 1)\nclose", "fail", ("h2.goaway", "h2.reset")),
    ("goaway with 16 KiB of words", H2 + "send goaway(0, 11, b'x' * 16000)\nwait", "fail", "h2.goaway"),
    ("goaways without end", H2 + "expect 30\nforever goaway(1, 0)", "fail", ("h2.flood", "h2.goaway")),
    ("goaway that covers the stream", H2 + "expect 30\nsend goaway(1, 0) + reply() + data(b'hello', end=True)\nwait", "warn", "h2.no_ping_ack"),
    ("reset of the stream", H2 + "expect 30\nsend frame('RST_STREAM', 0, 1, bytes([0, 0, 0, 8]))\nwait", "fail", "h2.reset"),
    ("closed after settings", H2 + "close", "fail", "h2.reset"),
    ("closed in the body", H2 + "expect 30\nsend reply() + data(b'half')\nclose", "fail", "h2.reset"),
    ("closed before settings", "tls\nexpect PREFACE\nclose", "fail", ("h2.reset", "h2.not_h2")),
    ("two final replies", H2 + "expect 30\nsend reply() + reply()\nwait", "fail", ("h2.protocol_error", "http.bad_reply")),
    ("a wrong length", H2 + "expect 30\nsend reply(200, field('content-length', '3')) + data(b'hello', end=True)\nwait", "fail", ("h2.protocol_error", "http.bad_reply")),
]  # fmt: skip

H1 = 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\n'

ENDLESS_HTTP1 = H1 + "send b'HTTP/1.1 200 OK\\r\\n\\r\\n'\nforever bytes(16000)"

HTTP1 = [
    ("a status line without end", H1 + "forever b'HTTP/1.1 200 ' + b'x' * 1000", "fail", ("http.too_large", "http.bad_reply")),
    ("a header line without end", H1 + "send b'HTTP/1.1 200 OK\\r\\nx: '\nforever b'x' * 1000", "fail", "http.too_large"),
    ("headers without end", H1 + "send b'HTTP/1.1 200 OK\\r\\n'\nforever b'x: y\\r\\n'", "fail", "http.too_large"),
    ("129 headers", H1 + "send b'HTTP/1.1 200 OK\\r\\n' + b'x: y\\r\\n' * 129 + b'Content-Length: 0\\r\\n\\r\\n'\nwait", "fail", "http.too_large"),
    ("interim replies", H1 + "forever b'HTTP/1.1 103 Early Hints\\r\\n\\r\\n'", "fail", ("http.too_large", "http.bad_reply")),
    ("an endless body", ENDLESS_HTTP1, "ok", "ok"),
    ("a length over all measure", H1 + "send b'HTTP/1.1 200 OK\\r\\nContent-Length: 99999999999999999999999\\r\\n\\r\\n'\nwait", "fail", ("http.bad_reply", "http.too_large")),
    ("a chunk over all measure", H1 + "send b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nffffffffffffffffff\\r\\n'\nwait", "fail", ("http.bad_reply", "http.too_large")),
    ("tiny chunks without end", H1 + "send b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n'\nforever b'1\\r\\nx\\r\\n'", "ok", "ok"),
    ("a chunk line without end", H1 + "send b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1;'\nforever b'x' * 1000", "fail", ("http.bad_reply", "http.too_large")),
    ("trailers without end", H1 + "send b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n'\nforever b'x: y\\r\\n'", "fail", ("http.bad_reply", "http.too_large")),
    ("no http", H1 + "send b'220 mail.example ESMTP\\r\\n'\nwait", "fail", "http.bad_reply"),
    ("nothing", H1 + "close", "fail", "http.bad_reply"),
    ("cut off", H1 + "send b'HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nhalf'\nclose", "fail", "http.bad_reply"),
]  # fmt: skip


class Hostile(kedge.Test):
    parts = ("nginx",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        leaf = subprocess.run(
            ["openssl", "x509", "-in", cls.lab.file("rsa2048.crt"), "-outform", "DER"], check=True, capture_output=True
        )
        cls.leaf = leaf.stdout

    def check(self, peer, *options, scheme="https"):
        return ["check", f"{scheme}://lab.test", "--trust", self.anchors, "--connect-to", f"::127.0.0.1:{peer.port}", *FAR, *options]

    def play(self, script, *options, scheme="https"):
        """One check against a peer that plays the script: the result, and how many bytes the peer could say."""
        with lab.peer.Peer(script, self.lab.chain("rsa2048"), leaf=self.leaf) as peer:
            done = kedge.run(*self.check(peer, *options, scheme=scheme), "-f", "json")
            self.assertIsNotNone(done.report, str(done))
            peer.finish()
            self.assertEqual(len(peer.conversations), 1, "one connection is enough")
            return done.results[0], peer.conversations[0].sent_bytes

    def expect(self, result, status, code):
        codes = code if isinstance(code, tuple) else (code,)
        self.assertEqual(result["status"], status, result)
        self.assertIn(result["code"], codes, result)

    @rows(HANDSHAKE)
    def handshake(self, _, script, code):
        result, sent = self.play(script, scheme="tls")
        self.assertEqual(result["status"], "fail")
        if code:
            self.assertEqual(result["code"], code, result)
        else:
            self.assertIn(result["code"], ("tls.bad_message", "tls.flood", "tls.too_large"), result)
        self.assertLess(sent, 24 << 20, "it went on reading")

    @rows(HTTP2)
    def http2(self, _, script, status, code):
        result, sent = self.play(script, scheme="h2")
        self.expect(result, status, code)
        self.assertLess(sent, 24 << 20, "it went on reading")

    @rows(HTTP1)
    def http1(self, _, script, status, code):
        result, sent = self.play(script, scheme="http1")
        self.expect(result, status, code)
        self.assertLess(sent, 24 << 20, "it went on reading")

    def test_an_endless_body_that_does_not_hold_what_is_expected(self):
        result, _ = self.play(ENDLESS_HTTP1, "--expect-body", "hello", scheme="http1")
        self.expect(result, "fail", "http.too_large")

    def test_an_endless_body_over_http2(self):
        """An honest server (it keeps to the window) with a body of a gigabyte."""
        for options, status, code in (([], "ok", "ok"), (["--expect-body", "hello"], "fail", "http.too_large")):
            self.one(*self.to("good", scheme="h2", host="lab.test", path="/endless"), *FAR, *options, status=status, code=code)

    def routines(self, peer_script, alpn, program):
        """Two coroutines on one connection, without the check around them: what the program prints."""
        begin = f"""
            local loop, net, port = require "kedge.core.loop", require "kedge.core.net", tonumber(arg[1])
            print(loop.run(function()
              local s <close> = assert(net.connect("127.0.0.1", port))
              assert(s:connected() and s:handshake(nil, {{ {alpn} }}, 0x303, 0x303) and s:go_on())
              local function ended() end
              local function get(path)
                return {{ {{ ":method", "GET" }}, {{ ":scheme", "https" }}, {{ ":authority", "x" }}, {{ ":path", path }} }}
              end
              {program}
            end))"""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(begin)
            file.flush()
            with lab.peer.Peer(peer_script, self.lab.chain("rsa2048"), leaf=self.leaf) as peer:
                done = subprocess.run([kedge.KEDGE_LUA, file.name, str(peer.port)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_what_one_coroutine_receives_wakes_the_other(self):
        peer = H2 + """
            expect 30
            send frame('HEADERS', END_HEADERS, 1, field(':status', '200')) + data(b'hello')
            expect b'kdge'
            send frame('HEADERS', END_HEADERS, 3, field(':status', '201'))
            wait"""
        program = """
            assert(s:h2())
            local one, three, status = assert(s:h2_request(get "/1", true)), assert(s:h2_request(get "/3", true))
            s:h2_flush()
            loop.spawn(nil, ended, function() status = s:h2_reply(three) end)
            assert(s:h2_reply(one))
            s:h2_ping()
            s:h2_flush()
            loop.sleep(0) -- who was woken by that waits again
            local soon = loop.now() + 0.3
            repeat until loop.now() > soon -- the other's reply comes now, and no loop turns
            s:h2_body(one)
            loop.sleep(0.1)
            return status"""
        self.assertEqual(self.routines(peer, '"h2"', program), "true\t201\n")

    def test_no_ping_acknowledgement_is_a_warning(self):
        result, _ = self.play(H2 + "expect 30\nsend reply() + data(b'hello', end=True)\nwait", scheme="h2")
        self.expect(result, "warn", "h2.no_ping_ack")
        self.assertIsNone(result["timings_ms"].get("h2") and result.get("h2", {}).get("ping_ms"))

    def test_what_the_goaway_said_is_told(self):
        result, _ = self.play(H2 + "send goaway(0, 11, b'calm down')\nwait", scheme="h2")
        self.assertIn("ENHANCE_YOUR_CALM", result["message"])
        self.assertEqual(result["h2"]["goaway"], {"code": 11, "name": "ENHANCE_YOUR_CALM", "debug": "calm down"})

    @unittest.skipIf(kedge.SANITIZED, "the sanitizers' memory is not kedge's")
    def test_memory(self):
        """Peak memory of these is less than 4 MiB over that of an honest reply; the measure is a small launcher of our own."""
        with tempfile.TemporaryDirectory() as folder:
            launcher = f"{folder}/measure"
            subprocess.run(["cc", "-O1", "-static", "-o", launcher, f"{kedge.ROOT}/tests/lab/measure.c"], check=True)
            honest = self.peak(launcher, H2 + "expect 30\nsend reply() + data(b'hello', end=True)\nwait", "h2")
            table = {row[0]: row[1] for row in HANDSHAKE + HTTP2}
            endless = self.measured(launcher, *self.to("good", scheme="h2", host="lab.test", path="/endless"))
            self.assertLess(endless - honest, 4096, "an endless body")
            for word, scheme in (
                ("a bomb of headers", "h2"), ("a body beyond the window", "h2"), ("goaway with 16 KiB of words", "h2"),
                ("http/1.1 instead", "h2"), ("a certificate message of 16 MB", "tls"),
                ("small certificates without end", "tls"),
            ):  # fmt: skip
                peak = self.peak(launcher, table[word], scheme)
                print(f"# {word}: {peak} KiB, an honest reply: {honest} KiB")
                self.assertLess(peak - honest, 4096, word)

    def peak(self, launcher, script, scheme):
        with lab.peer.Peer(script, self.lab.chain("rsa2048"), leaf=self.leaf) as peer:
            return self.measured(launcher, *self.check(peer, scheme=scheme))

    def measured(self, launcher, *arguments):
        """Peak memory of one run in KiB."""
        read, write = os.pipe()
        subprocess.run(
            ["sh", "-c", f'exec "$@" 3>&{write}', "sh", launcher, kedge.KEDGE, *arguments, "-q"],
            pass_fds=[write], env=kedge.environment(), timeout=kedge.GUARD, check=True,
        )  # fmt: skip
        os.close(write)
        with open(read, encoding="ascii") as pipe:
            return int(pipe.read().split()[3])


if __name__ == "__main__":
    unittest.main()
