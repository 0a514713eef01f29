"""What leaves the device and when: the second flight is held until the verdict, no request after a bad one."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows
import relay
import servers

HANDSHAKE, CHANGE_CIPHER, DATA = 22, 20, 23


class Held(kedge.Test):
    parts = ("nginx",)

    def records(self, server, *options, host=kedge.AVS):
        """Types of the TLS records that a check sent, through a relay that remembers them."""
        with relay.Relay(self.lab.port[server]) as between:
            done = kedge.run(
                "check", f"https://{host}", "--trust", self.anchors, "-f", "json",
                "--connect-to", f"::127.0.0.1:{between.port}", *options,
            )  # fmt: skip
            self.assertEqual(len(between.client), 1, "one connection is enough")
            return done.results[0], [kind for kind, _ in relay.records(between.client[0])]

    def test_good_verdict(self):
        result, kinds = self.records("good")
        self.assertEqual(result["code"], "ok")
        self.assertEqual(kinds[:4], [HANDSHAKE, HANDSHAKE, CHANGE_CIPHER, HANDSHAKE])
        self.assertIn(DATA, kinds)

    @rows([("expired",), ("name",), ("missing",), ("self",), ("proxy",), ("client-only",)])
    def bad_verdict(self, server):
        """The handshake may go on to its end, but nothing is asked."""
        result, kinds = self.records(server)
        self.assertEqual(result["status"], "fail")
        self.assertNotIn(DATA, kinds)
        self.assertNotIn("http", {key for key, value in result.items() if value})

    def test_insecure(self):
        result, kinds = self.records("expired", "--insecure")
        self.assertEqual((result["status"], result["code"]), ("fail", "trust.expired"))
        self.assertIn(DATA, kinds)
        self.assertEqual(result["http"]["status"], 200)

    def test_one_of_two_stores_is_not_enough(self):
        result, kinds = self.records("good", "--reference", "ats")
        self.assertEqual(result["code"], "trust.not_ats")
        self.assertNotIn(DATA, kinds)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    @unittest.skipIf(kedge.SANITIZED, "LSan does not run under ptrace")
    def test_the_flight_waits_for_the_verdict(self):
        """With a hashed directory the judge opens files: it does so after the server's flight was read and before ours is written."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["strace", "-f", "-o", f"{folder}/trace", "-e", "trace=openat,open,write,writev,send,sendto,sendmsg,read,recvfrom,recvmsg,readv,recv",
                 kedge.KEDGE, *self.to("good", scheme="tls"), "--trust", self.lab.file("anchors.d")],
                env=kedge.environment(), stdout=subprocess.DEVNULL, timeout=kedge.GUARD, check=False,
            )  # fmt: skip
            with open(f"{folder}/trace", encoding="utf-8", errors="replace") as file:
                trace = file.read().splitlines()
        hello = next(i for i, line in enumerate(trace) if re.search(r'(write|send|sendto)\(\d+, "\\26\\3', line))
        flight = next(i for i, line in enumerate(trace) if i > hello and re.search(r'(write|send|sendto)\(\d+, "\\26\\3', line))
        opened = [i for i, line in enumerate(trace) if re.search(r'[0-9a-f]{8}\.0', line)]
        self.assertTrue(opened, "the judge opened no file of the hashed directory")
        self.assertTrue(all(hello < i < flight for i in opened), "\n".join(trace[hello : flight + 1]))

    @rows([("good", "rsa2048", False), ("bad", "expired", True)])
    def server_log(self, _, chain, bad):
        """openssl s_server that requires a client certificate writes down each message that it got."""
        server = servers.SServer(self.lab.pki, chain, "-Verify", "2", "-tls1_2", "-msg", "-www")
        try:
            done = kedge.run(
                "check", f"tls://{kedge.AVS}", "--trust", self.anchors, "-f", "json",
                "--connect-to", f"::127.0.0.1:{server.port}",
            )  # fmt: skip
        finally:
            server.close()
        received = [line for line in server.log.splitlines() if line.startswith("<<<")]
        self.assertTrue(any("ClientHello" in line for line in received), server.log)
        self.assertFalse(any("ApplicationData" in line for line in received), server.log)
        result = done.results[0]
        self.assertEqual(result["code"], "trust.expired" if bad else "tls.client_cert_required", str(done))
        self.assertTrue(result["chain"])

    def test_the_chain_is_told(self):
        result = self.one(*self.to("good"), status="ok", code="ok")
        leaf = result["chain"][0]
        self.assertEqual((leaf["subject"], leaf["issuer"]), ("CN=lab.test", "CN=Lab Amazon M01,O=Lab Amazon,C=US"))
        self.assertEqual(leaf["key"], "RSA 2048")
        fingerprint = subprocess.run(
            ["openssl", "x509", "-in", self.lab.file("rsa2048.crt"), "-noout", "-fingerprint", "-sha256"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        self.assertEqual(leaf["sha256"], fingerprint.split("=")[1].strip().replace(":", "").lower())
        self.assertEqual(leaf["not_before"], "2020-01-01T00:00:00Z")
        self.assertIn(leaf["days_left"], range(362, 366))
        self.assertEqual(result["tls"]["version"], "TLSv1.2")
        self.assertTrue(result["tls"]["cipher"].startswith("TLS_ECDHE_RSA_WITH_"), result["tls"])

    def test_elliptic_keys_are_told(self):
        for server, key in (("p256", "P-256"), ("p384", "P-384")):
            result = self.one(*self.to(server), status="ok", code="ok")
            self.assertIn(key, result["chain"][0]["key"])


if __name__ == "__main__":
    unittest.main()
