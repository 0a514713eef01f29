"""Names, addresses, deadlines: DNS codes by a real dnsmasq, Happy Eyeballs, what timed out is named by its stage."""

import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import lab, rows
import servers


class Names(kedge.Test):
    parts = ("nginx", "dns")

    def ask(self, name, *options, port="good", **expected):
        port = self.lab.port.get(port, port)
        return self.one("check", f"{name}:{port}", "--trust", self.anchors, "--dns", self.lab.dns, *options, **expected)

    @rows([
        # word, name, options, code
        ("nxdomain", "nowhere.test", [], "dns.nxdomain"),
        ("nodata", "nodata.test", [], "dns.nodata"),
        ("servfail", "servfail.test", [], "dns.servfail"),
        ("refused", "name.example", [], "dns.refused"),
        ("silence", "silent.test", ["--timeout", "0.5"], "dns.timeout"),
        ("only v4 asked for v6", "good.lab.test", ["-6"], "dns.nodata"),
        ("only v6 asked for v4", "v6.lab.test", ["-4"], "dns.nodata"),
    ])  # fmt: skip
    def fails(self, _, name, options, code):
        result = self.ask(name, *options, status="fail", code=code)
        self.assertEqual(result["stage"], "dns")

    @rows([
        ("v4", "good.lab.test", [], "127.0.0.1"),
        ("v6", "v6.lab.test", [], "::1"),
        ("alias", "alias.lab.test", [], "127.0.0.1"),
        ("both as v4", "both.lab.test", ["-4"], "127.0.0.1"),
        ("both as v6", "both.lab.test", ["-6"], "::1"),
    ])  # fmt: skip
    def found(self, _, name, options, address):
        result = self.ask(name, *options, status="ok", code="ok")
        self.assertEqual(result["target"]["address"], address)
        self.assertIsNotNone(result["timings_ms"]["dns"])

    def test_a_silent_aaaa_beside_a_good_a(self):
        """50 ms resolution delay, then the address that is there; the deadline is far away."""
        result = self.one(
            "check", f"half.test:{self.lab.port['good']}", "--trust", self.anchors, "--dns", self.lab.dns,
            "--timeout", "60", status="fail", code="trust.name_mismatch",
        )  # fmt: skip
        self.assertEqual(result["target"]["address"], "127.0.0.1")

    def test_a_truncated_answer_is_asked_for_again_over_tcp_and_bounded(self):
        done = kedge.run(
            "check", f"many.lab.test:{self.lab.port['good']}", "--all-addresses", "--dns", self.lab.dns,
            "--trust", self.anchors, "-f", "json",
        )  # fmt: skip
        self.assertEqual(done.report["summary"]["total"], 32, str(done))

    @rows([
        ("formerr", servers.dns_code(1), ("dns.bad_answer", "dns.servfail")),
        ("notimp", servers.dns_code(4), ("dns.bad_answer", "dns.servfail")),
        ("garbage", lambda query: query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + servers.question(query) + b"\xff" * 30, ("dns.bad_answer",)),
    ])  # fmt: skip
    def upstream(self, _, reply, codes):
        upstream = servers.Upstream(reply)
        self.addCleanup(upstream.close)
        done = kedge.run("check", "any.test", "--dns", f"127.0.0.1:{upstream.port}", "--timeout", "2", "-f", "json")
        self.assertEqual(done.status, 4, str(done))
        self.assertIn(done.results[0]["code"], codes, str(done))

    def test_no_server(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        self.one("check", "any.test", "--dns", f"127.0.0.1:{port}", "--timeout", "5", status="fail", code="dns.no_server")

    def test_resolve(self):
        port = self.lab.port["good"]
        result = self.one("check", f"lab.test:{port}", "--resolve", f"lab.test:{port}:127.0.0.2", "--trust", self.anchors, status="ok", code="ok")  # fmt: skip
        self.assertEqual(result["target"]["address"], "127.0.0.2")

    def test_resolve_to_v6(self):
        port = self.lab.port["good"]
        result = self.one("check", f"lab.test:{port}", "--resolve", f"lab.test:{port}:[::1]", "--trust", self.anchors, status="ok", code="ok")  # fmt: skip
        self.assertEqual(result["target"]["address"], "::1")

    @rows([
        # word, --connect-to with {port}, works
        ("any to any", "::127.0.0.1:{port}", True),
        ("host and port", "lab.test:443:127.0.0.1:{port}", True),
        ("port alone", ":443:127.0.0.1:{port}", True),
        ("to a name", "lab.test:443:good.lab.test:{port}", True),
        ("to v6", "lab.test:443:[::1]:{port}", True),
        ("other host", "other.test:443:127.0.0.1:{port}", False),
        ("other port", "lab.test:444:127.0.0.1:{port}", False),
    ])  # fmt: skip
    def connect_to(self, _, words, works):
        words = words.format(port=self.lab.port["good"])
        done = kedge.run(
            "check", "lab.test", "--connect-to", words, "--dns", self.lab.dns, "--trust", self.anchors, "-f", "json"
        )
        self.assertEqual(done.results[0]["code"], "ok" if works else "dns.nodata", str(done))


class Eyeballs(kedge.Test):
    """One port at which 127.0.0.1, 127.0.0.2 and ::1 behave each in its own way."""

    parts = ("nginx", "dns")

    def setting(self, **behaviours):
        """A port where each address is `good` (a relay to nginx), `refused`, `blackhole` or a peer's script."""
        addresses = {"a": "127.0.0.1", "b": "127.0.0.2", "six": "::1"}
        for _ in range(100):
            with lab.contextlib.ExitStack() as stack:
                port = 0
                try:
                    for name, behaviour in behaviours.items():
                        made = self.behave(behaviour, addresses[name], port, stack)
                        port = made.port
                except OSError:
                    continue
                self.addCleanup(stack.pop_all().close)
                return port
        raise OSError("no port")

    def behave(self, behaviour, address, port, stack):
        if behaviour == "refused":
            made = lab.Refused(address, port)
        elif behaviour == "blackhole":
            made = lab.Blackhole(address, port)
        else:
            script = 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nsend b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"\nwait'
            return stack.enter_context(lab.peer.Peer(behaviour or script, self.lab.chain("rsa2048"), address, port))
        stack.callback(made.close)
        return made

    @rows([
        # word, behaviours, the address that wins
        ("v6 first", {"six": None, "a": None}, "::1"),
        ("v6 refused", {"six": "refused", "a": None}, "127.0.0.1"),
        ("v6 lost", {"six": "blackhole", "a": None}, "127.0.0.1"),
        ("v4 refused", {"six": None, "a": "refused"}, "::1"),
        ("v4 lost", {"six": None, "a": "blackhole"}, "::1"),
        ("all but the last refused", {"six": "refused", "a": "refused", "b": None}, "127.0.0.2"),
    ])  # fmt: skip
    def wins(self, _, behaviours, address):
        port = self.setting(**behaviours)
        result = self.one(
            "check", f"several.lab.test:{port}", "--dns", self.lab.dns, "--trust", self.anchors, "--timeout", "60",
            status="ok", code="ok",
        )  # fmt: skip
        self.assertEqual(result["target"]["address"], address)

    @rows([
        ("all refused", {"six": "refused", "a": "refused", "b": "refused"}, "tcp.refused"),
        ("refused and lost", {"six": "blackhole", "a": "refused", "b": "refused"}, "tcp.refused"),
        ("all lost", {"six": "blackhole", "a": "blackhole", "b": "blackhole"}, "tcp.timeout"),
    ])  # fmt: skip
    def nobody(self, _, behaviours, code):
        port = self.setting(**behaviours)
        self.one("check", f"several.lab.test:{port}", "--dns", self.lab.dns, "--timeout", "1.5", status="fail", code=code)

    def test_each_address_has_its_own_result(self):
        port = self.setting(six="refused", a=None, b="expect 5\nclose")
        done = kedge.run(
            "check", f"several.lab.test:{port}", "--dns", self.lab.dns, "--trust", self.anchors, "--all-addresses", "-f", "json"
        )
        codes = {result["id"].split("@")[1]: result["code"] for result in done.results}
        self.assertEqual(codes, {"::1": "tcp.refused", "127.0.0.1": "ok", "127.0.0.2": "tls.closed"}, str(done))
        self.assertEqual(done.status, 1)


class Deadlines(kedge.Test):
    """One deadline for all stages; what timed out is named by the stage."""

    parts = ("nginx", "dns", "peers")

    STAGES = [
        # word, script
        ("tls.timeout", "wait"),
        ("tls.timeout", 'expect 5\nsend server_hello()\nwait'),
        ("h2.timeout", "tls\nwait"),
        ("http.timeout", "tls\nexpect PREFACE\nsend settings() + settings(ack=True)\nwait"),
        ("http.timeout", "tls\nexpect PREFACE\nsend settings() + settings(ack=True)\nexpect 30\nsend reply(200)\nwait"),
        ("http.timeout", 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nwait'),
        ("http.timeout", 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nsend b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf"\nwait'),
    ]

    @rows([(f"{code} {number}", code, script) for number, (code, script) in enumerate(STAGES)])
    def stage(self, _, code, script):
        with lab.peer.Peer(script, self.lab.chain("rsa2048")) as peer:
            result = self.one(
                "check", f"https://{kedge.AVS}", "--trust", self.anchors, "--connect-to", f"::127.0.0.1:{peer.port}",
                "--timeout", "0.7", status="fail", code=code, exit_status=1,
            )  # fmt: skip
        self.assertEqual(result["stage"], code.split(".")[0])

    def test_dns_and_tcp(self):
        self.one("check", "silent.test", "--dns", self.lab.dns, "--timeout", "0.5", status="fail", code="dns.timeout")
        self.one("check", f"127.0.0.1:{self.lab.port['blackhole']}", "--timeout", "0.5", status="fail", code="tcp.timeout")

    def test_the_clock_starts_with_the_check_and_not_in_the_queue(self):
        """Ten silent servers one after another: each has its own half second."""
        targets = [f"tls://127.0.0.1:{self.lab.port['silent']}"] * 5
        done = kedge.run("check", *targets, "--timeout", "0.3", "-j", "1", "-f", "json")
        self.assertEqual({result["code"] for result in done.results}, {"tls.timeout"}, str(done))
        for result in done.results:
            self.assertGreaterEqual(result["timings_ms"]["total"], 290)


if __name__ == "__main__":
    unittest.main()
