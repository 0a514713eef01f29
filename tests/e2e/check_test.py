"""kedge check: each form of target, lists, ids, repetition, expectations."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows
from kedge import lab


class Targets(kedge.Test):
    parts = ("nginx", "dns", "openssl")

    def check(self, *arguments, server="good", **options):
        return kedge.run(
            "check", *arguments, "--trust", self.anchors, "-f", "json",
            "--connect-to", f"::127.0.0.1:{self.lab.port[server]}", **options,
        )  # fmt: skip

    def ids(self, done):
        return [result.get("id") for result in done.results]

    @rows([
        # word, target, id, ALPN protocol, status of the reply
        ("host", "lab.test", "lab.test:443/auto", "h2", 200),
        ("port", "lab.test:8443", "lab.test:8443/auto", "h2", 200),
        ("https", "https://lab.test", "lab.test:443/auto", "h2", 200),
        ("path", "https://lab.test:1234/moved", "lab.test:1234/auto", "h2", 302),
        ("h2", "h2://lab.test", "lab.test:443/h2", "h2", 200),
        ("http1", "http1://lab.test", "lab.test:443/http1", "http/1.1", 200),
        ("tls", "tls://lab.test:443", "lab.test:443/tls", None, None),
        ("ipv4", "127.0.0.1", "127.0.0.1:443/auto", "h2", 200),
        ("ipv6", "[::1]:443", "[::1]:443/auto", "h2", 200),
        ("final dot", "lab.test.", "lab.test.:443/auto", "h2", 200),
    ])  # fmt: skip
    def form(self, _, target, name, alpn, status):
        done = self.check(target)
        self.assertEqual((done.status, self.ids(done)), (0, [name]), str(done))
        result = done.results[0]
        self.assertEqual((result["status"], result["tls"].get("alpn")), ("ok", alpn))
        self.assertEqual((result.get("http") or {}).get("status"), status)
        self.assertEqual(result["tls"]["version"], "TLSv1.2")
        self.assertEqual(len(result["chain"]), 4)
        self.assertNotIn("reference", result["verdicts"], "no reference unless it is given")

    def seen_name(self):
        """The server name that nginx saw in the last handshake."""
        with open(f"{self.lab.folder}/access.log", encoding="utf-8") as log:
            return log.read().splitlines()[-1].split(" ")[3]

    def test_server_name_without_the_final_dot_and_none_for_addresses(self):
        self.check("lab.test.")
        self.assertEqual(self.seen_name(), "lab.test")
        self.check("127.0.0.1")
        self.assertEqual(self.seen_name(), "-")
        self.check("[::1]")
        self.assertEqual(self.seen_name(), "-")

    def test_an_address_without_connect_to(self):
        for address in (f"127.0.0.1:{self.lab.port['good']}", f"[::1]:{self.lab.port['good']}"):
            done = kedge.run("check", address, "--trust", self.anchors, "-f", "json")
            self.assertEqual((done.status, self.ids(done)), (0, [f"{address}/auto"]), str(done))

    def test_a_zone(self):
        self.one("check", f"[fe80::1%lo]:{self.lab.port['good']}", status="fail", code="tcp.unreachable")

    def test_protocol(self):
        self.assertEqual(self.ids(self.check("lab.test", "--protocol", "h2")), ["lab.test:443/h2"])
        self.assertEqual(self.ids(self.check("lab.test", "--protocol", "http1")), ["lab.test:443/http1"])
        self.assertEqual(self.ids(self.check("lab.test", "--protocol", "auto")), ["lab.test:443/auto"])
        self.refused("check", "http1://lab.test", "--protocol", "h2", says=["http1://lab.test", "h2"])

    def test_auto_falls_back_to_what_the_server_has(self):
        self.assertEqual(self.check("lab.test", server="http1").results[0]["http"]["version"], "1.1")
        self.assertEqual(self.check("lab.test", server="no-alpn").results[0]["http"]["version"], "1.0")

    def test_h2_is_needed_and_absent(self):
        self.one(*self.to("no-alpn", scheme="h2"), status="fail", code="alpn.none")
        self.one(*self.to("http1", scheme="h2"), status="fail", code="alpn.mismatch")

    def test_several_targets_in_their_order_and_twice_the_same(self):
        done = self.check("lab.test", "tls://lab.test", "lab.test", "lab.test:443")
        self.assertEqual(
            self.ids(done), ["lab.test:443/auto", "lab.test:443/tls", "lab.test:443/auto#2", "lab.test:443/auto#3"], str(done)
        )

    def test_a_list(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("# servers\nlab.test\n\n  tls://lab.test   # handshake only\r\nlab.test")
            file.flush()
            done = self.check(f"@{file.name}", "127.0.0.1")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(
            self.ids(done), ["lab.test:443/auto", "lab.test:443/tls", "lab.test:443/auto#2", "127.0.0.1:443/auto"]
        )

    def test_a_list_with_a_bad_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("lab.test\nb\u00fccher.example\ntls://lab.test\n")
            file.flush()
            done = self.check(f"@{file.name}")
        self.assertEqual((done.status, self.ids(done)), (3, ["lab.test:443/auto", "lab.test:443/tls"]), str(done))
        self.assertIn(f"{file.name}:2", done.err)
        self.assertIn("punycode", done.err)

    def test_a_list_without_targets(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("# nothing\n\n")
            file.flush()
            self.refused("check", f"@{file.name}", says=file.name)

    def test_a_list_that_is_not_there(self):
        self.refused("check", "@/nonexistent/list", says=["/nonexistent/list", "No such file"], exit_status=3)

    def test_standard_input(self):
        done = self.check("@-", stdin="lab.test\n# no\ntls://lab.test\nlab.test\n")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(sorted(result["line"] for result in done.results), [1, 3, 4], str(done))

    def test_standard_input_with_a_bad_line(self):
        done = self.check("@-", stdin="lab.test\nnot a target\ntls://lab.test\n")
        self.assertEqual((done.status, len(done.results)), (3, 2), str(done))
        self.assertIn(":2", done.err)

    def test_repeat(self):
        done = self.check("lab.test", "tls://lab.test", "--repeat", "3", "--interval", "0")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(
            [(result["id"], result["run"]) for result in done.results],
            [(name, run) for run in (1, 2, 3) for name in ("lab.test:443/auto", "lab.test:443/tls")],
        )

    def test_all_addresses(self):
        done = kedge.run(
            "check", f"several.lab.test:{self.lab.port['good']}", "--all-addresses", "--dns", self.lab.dns,
            "--trust", self.anchors, "-f", "json",
        )  # fmt: skip
        name = f"several.lab.test:{self.lab.port['good']}/auto"
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(sorted(self.ids(done)), sorted(f"{name}@{a}" for a in ("127.0.0.1", "127.0.0.2", "::1")), str(done))


class Expectations(kedge.Test):
    parts = ("nginx",)

    @rows([
        # word, options, path, status, code
        ("any reply", [], "/nothing-here", "ok", "ok"),
        ("status", ["--expect-status", "404"], "/nothing-here", "ok", "ok"),
        ("class", ["--expect-status", "2xx"], "/", "ok", "ok"),
        ("one of two", ["--expect-status", "2xx", "--expect-status", "404"], "/nothing-here", "ok", "ok"),
        ("other status", ["--expect-status", "2xx"], "/nothing-here", "fail", "http.status"),
        ("body", ["--expect-body", "from the lab"], "/", "ok", "ok"),
        ("other case", ["--expect-body", "From the Lab"], "/", "fail", "http.unexpected_body"),
        ("plain text", ["--expect-body", "from.the.lab"], "/", "fail", "http.unexpected_body"),
        ("pattern", ["--expect-body", "^hello.*l%ab$", "--pattern"], "/", "ok", "ok"),
        ("big", [], "/big", "ok", "ok"),
        ("huge", [], "/huge", "ok", "ok"),
        ("not in the huge", ["--expect-body", "zzz"], "/huge", "fail", "http.too_large"),
        ("in the huge", ["--expect-body", "0123456789abcde"], "/huge", "ok", "ok"),
        ("backtracking", ["--expect-body", "a-a-b", "--pattern"], "/a", "fail", "http.unexpected_body"),
    ])  # fmt: skip
    def expectation(self, _, options, path, status, code):
        for scheme in ("h2", "http1"):
            self.one(*self.to("good", scheme=scheme, host="lab.test", path=path), *options, status=status, code=code)

    def test_a_body_is_shown_up_to_4_kib(self):
        result = self.one(*self.to("good", path="/big"), status="ok", code="ok")
        self.assertEqual(len(result["http"]["body"]), 4096)

    @rows([
        ("no text for tls", ["check", "tls://lab.test", "--expect-body", "x"], "tls://lab.test"),
        ("bad pattern", ["check", "lab.test", "--expect-body", "[a", "--pattern"], "[a"),
        ("endless pattern", ["check", "lab.test", "--expect-body", "a-a-a-a-b", "--pattern"], "minutes on one line"),
        ("bad status", ["check", "lab.test", "--expect-status", "20x"], "20x"),
    ])  # fmt: skip
    def bad(self, _, arguments, words):
        self.refused(*arguments, says=words)


class Hostile(kedge.Test):
    """What a terminal would obey never arrives raw, in any format; kedge.Run looks at everything that is printed."""

    parts = ("nginx",)

    @rows([("text", []), ("colour", ["--color", "always"]), ("verbose", ["-v"]), ("json", ["-f", "json"])])
    def format(self, _, options):
        for host, path in ((kedge.AVS, "/hostile"), ("wrong.example", "/hostile")):
            done = kedge.run(*self.to("hostile", host=host, path=path), *options, env={"LC_ALL": "C.UTF-8"})
            self.assertIn(done.status, (0, 1), str(done))
            self.assertNotIn("\x1b]", done.out)

    @rows([
        ("alert text", 'send b"\\x1b[31mHTTP/1.1 \\xe2\\x80\\xae\\r\\n"\nwait', "tls.not_tls"),
        ("headers", 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nsend b"HTTP/1.1 200 \\x1b[2J\\r\\nx: \\x1b]0;t\\x07\\r\\nContent-Length: 0\\r\\n\\r\\n"\nwait', None),
        ("h2 headers", 'tls\nexpect PREFACE\nsend settings() + settings(ack=True)\nexpect 30\nsend reply(200, field("x", "\\x1b[2J\\x9b31m"))+data(b"\\x1b[2J", end=True)\nwait', None),
        ("goaway", 'tls\nexpect PREFACE\nsend settings() + goaway(0, 2, b"\\x1b[2J\\xe2\\x80\\xae\\xff")\nwait', "h2.goaway"),
        ("not h2", 'tls\nexpect PREFACE\nsend b"\\x1b[2J\\x1b]0;x\\x07 hello, this is not it\\r\\n"\nwait', "h2.not_h2"),
    ])  # fmt: skip
    def bytes(self, _, script, code):
        for options in (["-v"], ["-f", "json"]):
            with lab.peer.Peer(script, self.lab.chain("rsa2048")) as peer:
                done = kedge.run(
                    "check", f"https://{kedge.AVS}", "--trust", self.anchors, "--timeout", "60",
                    "--connect-to", f"::127.0.0.1:{peer.port}", *options,
                )  # fmt: skip
            if code:
                self.assertIn(code, done.out)


if __name__ == "__main__":
    unittest.main()
