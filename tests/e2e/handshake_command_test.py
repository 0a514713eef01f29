"""kedge handshake: what it tells, in each format; the chain handed out; bad input."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows
import peer
import servers

AVS = kedge.AVS


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, check=True).stdout


class Handshake(kedge.Test):
    parts = ("nginx",)

    def arguments(self, *options, server="good", host=AVS):
        return ("handshake", host, "--trust", self.anchors, "--connect-to", f"::127.0.0.1:{self.lab.port[server]}", *options)

    def result(self, *options, **where):
        done = kedge.run(*self.arguments(*options, **where), "-f", "json")
        self.assertIsNotNone(done.report, str(done))
        self.assertEqual(len(done.results), 1)
        return done.results[0], done

    def test_everything_is_told(self):
        result, done = self.result()
        self.assertEqual((done.status, result["code"]), (0, "ok"), str(done))
        self.assertEqual(result["tls"]["version"], "TLSv1.2")
        self.assertEqual(result["tls"]["sni"], AVS)
        self.assertIn("group", result["tls"])
        self.assertEqual((result["path"], result["anchor"]["subject"]), ([0, 1], "CN=Lab Amazon Root CA 1,O=Lab Amazon,C=US"))
        self.assertEqual(result["values"]["stores"]["ats"], "trust.unknown_issuer")
        self.assertEqual(result["values"]["stores"][self.anchors], "ok")
        self.assertIn("system", result["values"]["stores"])
        self.assertLessEqual({"dns", "tcp", "tls", "total"}, set(result["timings_ms"]))
        self.assertNotIn("http", result)

    def test_certificates_are_as_openssl_reads_them(self):
        result, _ = self.result()
        leaf, path = result["chain"][0], self.lab.file("rsa2048.crt")
        told = openssl("x509", "-in", path, "-noout", "-serial", "-fingerprint", "-sha256", "-ext", "subjectAltName")
        self.assertIn(f"serial={leaf['serial'].upper().lstrip('0')}", told.replace("serial=0", "serial="))
        self.assertIn(leaf["sha256"], told.replace(":", "").lower())
        names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", told)
        self.assertEqual([name.lower() for name in leaf["san"]], [name.lower() for name in names])
        self.assertEqual((leaf["key"], leaf["signature"]), ("RSA 2048", "sha256WithRSAEncryption"))
        self.assertGreater(leaf["days_left"], 360)

    def test_text_shows_all_of_it(self):
        done = kedge.run(*self.arguments())
        self.assertEqual(done.status, 0, str(done))
        result, _ = self.result()
        flat = re.sub(r"\s+", "", done.out)
        for certificate in result["chain"]:
            for field in ("subject", "issuer", "not_before", "not_after", "key", "serial", "sha256", "spki_sha256"):
                self.assertIn(re.sub(r"\s+", "", certificate[field]), flat, field)
        for words in (f"SNI{AVS}", "stores.ats:trust.unknown_issuer", "path0,1,totheanchor", "*.lab.test", "daysleft"):
            self.assertIn(words, flat)

    @rows([("jsonl",), ("csv",), ("tap",), ("junit",), ("prometheus",), ("markdown",), ("html",), ("sh",), ("nagios",)])
    def in_each_format(self, name):
        with tempfile.TemporaryDirectory() as folder:
            done = kedge.run(*self.arguments("-f", f"{name}:{folder}/report"))
            self.assertEqual(done.status, 0, str(done))
            self.assertGreater(os.path.getsize(f"{folder}/report"), 20)

    def test_showcerts_prints_pem_and_nothing_else(self):
        for server, status in (("good", 0), ("expired", 1)):
            done = kedge.run(*self.arguments("--showcerts", server=server))
            self.assertEqual(done.status, status, str(done))
            blocks = re.findall(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n", done.out)
            self.assertEqual("".join(blocks), done.out)
            self.assertIn("CN = lab.test", openssl("x509", "-noout", "-subject", stdin=blocks[0]))
            self.assertEqual(bool(done.err), status == 1, done.err)

    def test_the_chain_is_saved_besides_the_report(self):
        with tempfile.TemporaryDirectory() as folder:
            done = kedge.run(*self.arguments("--save-chain", f"{folder}/chain.pem", "-f", "json", "-f", f"text:{folder}/report"))
            self.assertEqual((done.status, done.results[0]["code"]), (0, "ok"), str(done))
            with open(f"{folder}/chain.pem", encoding="ascii") as file:
                self.assertEqual(file.read().count("BEGIN CERTIFICATE"), len(done.results[0]["chain"]))
            self.assertEqual(sorted(os.listdir(folder)), ["chain.pem", "report"])
            done = kedge.run(*self.arguments("--save-chain", f"{folder}/absent/chain.pem", "-f", "json"))
            self.assertEqual(done.status, 3, str(done))
            self.assertIn("absent", done.err)

    @rows([
        ("enough", ("--verify-depth", "1"), "ok"), ("too few", ("--verify-depth", "0"), "trust.path_length"), ("default", (), "ok"),
    ])  # fmt: skip
    def verify_depth(self, _, options, code):
        self.assertEqual(self.result(*options)[0]["code"], code)

    @rows([
        ("sent", ("--alpn", "h2,http/1.1"), "h2"), ("one", ("--alpn", "http/1.1"), "http/1.1"), ("none", ("--alpn", "none"), None),
    ])  # fmt: skip
    def alpn(self, _, options, selected):
        self.assertEqual(self.result(*options)[0]["tls"].get("alpn"), selected)

    @rows([("another", "lab.test", "lab.test"), ("none", "none", None), ("that of the host", None, AVS)])
    def sni(self, _, name, sent):
        """What was sent is what the server heard; the certificate has to be for the host all the same."""
        server = servers.SServer(self.lab.pki, "rsa2048", "-tls1_2", "-msg", "-www")
        try:
            options = ("--sni", name) if name else ()
            done = kedge.run("handshake", f"{AVS}:{server.port}", "--trust", self.anchors, "-f", "json", "--connect-to",
                             f"{AVS}:{server.port}:127.0.0.1:{server.port}", *options)  # fmt: skip
        finally:
            server.close()
        self.assertEqual(done.results[0]["tls"].get("sni"), sent, str(done))
        hello = re.search(r"<<< [^\n]*ClientHello\n((?: {4}[0-9a-f ]+\n)+)", server.log)
        heard = bytes.fromhex("".join(hello[1].split()))
        for host in ("lab.test", AVS):
            self.assertEqual(host.encode() in heard, host == sent, host)

    @rows([("expired", "trust.expired"), ("name", "trust.name_mismatch"), ("unknown", "trust.unknown_issuer"), ("tls13", "tls.version")])
    def failures(self, server, code):
        result, done = self.result(server=server)
        self.assertEqual((result["code"], done.status), (code, 1), str(done))
        self.assertTrue(result["remedy"])

    def test_addresses_and_ports(self):
        done = kedge.run("handshake", f"127.0.0.1:{self.lab.port['good']}", "--trust", self.anchors, "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (0, "ok"), str(done))
        self.assertNotIn("sni", done.results[0]["tls"])

    def test_no_server(self):
        with peer.Peer("close") as other:
            done = kedge.run("handshake", f"127.0.0.1:{other.port}", "--showcerts", "--trust", self.anchors)
        self.assertEqual((done.status, done.out), (1, ""), str(done))
        self.assertIn("closed", done.err)

    @rows([
        ("host", ("a b",), "not a host name"), ("port", ("x:99999",), "not a number from 1 to 65535"),
        ("depth", ("x", "--verify-depth", "many"), "from 0 to 32"), ("depth_high", ("x", "--verify-depth", "33"), "from 0 to 32"),
        ("alpn", ("x", "--alpn", "h2,"), "1 to 255 bytes"), ("sni", ("x", "--sni", "a b"), "SNI"), ("nothing", (), "HOST"), ("two", ("x", "y"), "too many arguments"), ("option", ("x", "--showcert"), "--showcerts"),
    ])  # fmt: skip
    def bad_input(self, _, words, says):
        self.refused("handshake", *words, says=says)

    def test_it_is_short_and_stands_on_the_public_interface(self):
        with open(os.path.join(kedge.ROOT, "scripts/handshake.lua"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertLess(len(lines), 80)
        self.assertEqual([line for line in lines if "require" in line], ['local kedge = require "kedge"'])

    def test_a_copy_of_it_runs_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "mine.lua")
            with open(os.path.join(kedge.ROOT, "scripts/handshake.lua"), encoding="utf-8") as source, open(path, "w", encoding="utf-8") as file:
                file.write(source.read())
            done = kedge.run(path, *self.arguments()[1:], "-f", "json")
        ours, _ = self.result()
        for result in (ours, done.results[0]):
            del result["timings_ms"]
        self.assertEqual(json.dumps(done.results[0]), json.dumps(ours))


if __name__ == "__main__":
    unittest.main()
