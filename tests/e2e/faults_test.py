"""Every fault of the lab: its code, its status, kedge's exit status."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

FAULTS = [
    # server, status, code
    ("good", "ok", "ok"),
    ("rsa4096", "ok", "ok"),
    ("p256", "ok", "ok"),
    ("p384", "ok", "ok"),
    ("http1", "ok", "ok"),
    ("tls12", "ok", "ok"),
    ("tls13", "fail", "tls.version"),
    ("tls10", "fail", "tls.version"),
    ("missing", "fail", "trust.incomplete_chain"),
    ("order", "warn", "trust.wrong_order"),
    ("expired", "fail", "trust.expired"),
    ("future", "fail", "trust.not_yet_valid"),
    ("name", "fail", "trust.name_mismatch"),
    ("self", "fail", "trust.self_signed"),
    ("proxy", "fail", "trust.unknown_issuer"),
    ("unknown", "fail", "trust.unknown_issuer"),
    ("client-only", "fail", "trust.bad_usage"),
    ("not-ca", "fail", "trust.not_ca"),
    ("weak-key", "fail", "trust.weak_key"),
    ("weak-signature", "fail", "trust.weak_signature"),
    ("rsa8192", "fail", "trust.unsupported"),
    ("exponent", "fail", "trust.unsupported"),
    ("ed25519", "fail", "tls.no_cipher"),
    ("ring", "fail", "local.limit"),
    ("hostile", "ok", "ok"),
    ("cert400", "fail", "tls.client_cert_required"),
    ("cert40", "fail", "tls.client_cert_required"),
    ("cipher", "fail", "tls.no_cipher"),
    ("sni", "fail", "tls.alert.unrecognized_name"),
    ("silent", "fail", "tls.timeout"),
    ("closing", "fail", "tls.closed"),
    ("reset", "fail", "tls.reset"),
    ("http", "fail", "tls.not_tls"),
    ("ssh", "fail", "tls.not_tls"),
    ("garbage", "fail", "tls.not_tls"),
    ("bad-message", "fail", "tls.bad_message"),
    ("cut", "fail", "tls.closed"),
    ("ssl3", "fail", "tls.version"),
    ("alert", "fail", "tls.alert.internal_error"),
    ("blackhole", "fail", "tcp.timeout"),
    ("refused", "fail", "tcp.refused"),
]

# The stage is the code's first word but for these.
STAGE = {"tls.client_cert_required": ("tls", "http"), "local.limit": (None, "trust")}

SLOW = ("silent", "blackhole")


class Faults(kedge.Test):
    parts = ("nginx", "openssl", "peers")

    @rows(FAULTS)
    def fault(self, server, status, code):
        timeout = ["--timeout", "0.5"] if server in SLOW else ["--timeout", "60"]
        result = self.one(*self.to(server), *timeout, status=status, code=code)
        if status == "fail":
            self.assertIn(result["stage"], STAGE.get(code, (code.split(".")[0],)))
        else:
            self.assertIsNone(result.get("stage"))
        if code.startswith("trust."):
            self.assertTrue(result["chain"], "a chain is shown where one was seen")
        if code in ("ok", "trust.wrong_order"):
            self.assertIn("CN=Lab ", result["anchor"]["subject"])

    def test_old_versions_when_asked_for(self):
        result = self.one(*self.to("tls10"), "--tls", "1.0-1.2", status="ok", code="ok")
        self.assertEqual(result["tls"]["version"], "TLSv1.0")


class Verdicts(kedge.Test):
    """The device's store and the reference together, and the clock."""

    parts = ("nginx",)

    def bundle(self, name):
        return self.lab.file(f"{name}.bundle.pem")

    def judged(self, server, trust, reference, **expected):
        return self.one(
            "check", f"https://{kedge.AVS}", "--connect-to", f"::127.0.0.1:{self.lab.port[server]}",
            "--trust", self.bundle(trust), "--reference", self.bundle(reference), **expected,
        )  # fmt: skip

    def test_missing_ca(self):
        result = self.judged("p256", "root1", "anchors", status="fail", code="trust.missing_ca")
        self.assertEqual(result["verdicts"]["reference"]["code"], "ok")
        self.assertNotEqual(result["verdicts"]["trust"]["code"], "ok")

    def test_not_ats(self):
        result = self.judged("proxy", "with-proxy", "anchors", status="fail", code="trust.not_ats")
        self.assertEqual(result["verdicts"]["trust"]["code"], "ok")

    def test_neither_accepts(self):
        self.judged("proxy", "root1", "anchors", status="fail", code="trust.unknown_issuer")

    def test_the_verdict_that_got_further_counts(self):
        # The device's store knows no issuer, the reference does and finds it expired.
        self.judged("expired", "proxy", "anchors", status="fail", code="trust.expired")

    def test_services_g2_alone_is_enough(self):
        result = self.judged("good", "g2", "anchors", status="ok", code="ok")
        self.assertEqual(len(result["path"]), 3)

    def test_anchor_that_is_not_self_signed_is_a_warning(self):
        self.judged("good", "cross", "anchors", status="warn", code="trust.partial_chain")

    def test_all_failures_are_told(self):
        result = self.one(
            *self.to("expired", host="other.lab.example"), status="fail", code="trust.name_mismatch"
        )  # fmt: skip
        rules = {failure["code"] for failure in result["verdicts"]["trust"]["failures"]}
        self.assertLessEqual({"trust.name_mismatch", "trust.expired"}, rules)

    def test_at_another_time(self):
        self.one(*self.to("expired"), "--at", "2020-06-01T00:00:00Z", status="ok", code="ok")
        self.one(*self.to("expired"), "--at", "@1590969600", status="ok", code="ok")
        self.one(*self.to("good"), "--at", "2015-06-01", status="fail", code="trust.not_yet_valid")
        self.one(*self.to("good"), "--at", "2039-01-01", status="fail", code="trust.expired")

    def test_strict_makes_warnings_fail(self):
        self.one(*self.to("order"), "--strict", status="fail", code="trust.wrong_order", exit_status=1)

    def test_empty_store(self):
        with tempfile.NamedTemporaryFile(suffix=".pem") as empty:
            self.one(
                "check", f"https://{kedge.AVS}", "--connect-to", f"::127.0.0.1:{self.lab.port['good']}",
                "--trust", empty.name, status="fail", code="trust.no_store",
            )  # fmt: skip

    def test_a_store_that_is_set_and_absent(self):
        self.one(
            "check", f"https://{kedge.AVS}", "--connect-to", f"::127.0.0.1:{self.lab.port['good']}",
            env={"SSL_CERT_FILE": "/nonexistent/bundle.pem"}, status="fail", code="trust.no_store",
        )  # fmt: skip

    def test_the_store_of_the_environment_is_named(self):
        for variable, path in (("SSL_CERT_FILE", self.anchors), ("SSL_CERT_DIR", self.lab.file("anchors.d"))):
            result = self.one(
                "check", f"https://{kedge.AVS}", "--connect-to", f"::127.0.0.1:{self.lab.port['good']}",
                env={variable: path}, status="ok", code="ok",
            )  # fmt: skip
            self.assertIn(path, result["verdicts"]["trust"]["store"])

    @rows([("hashed", "anchors.d"), ("der", None), ("plain", None)])
    def store(self, kind, name):
        with tempfile.TemporaryDirectory() as folder:
            if kind == "der":
                path = f"{folder}/root.der"
                subprocess.run(
                    ["openssl", "x509", "-in", self.lab.file("root1.crt"), "-outform", "DER", "-out", path], check=True
                )
            elif kind == "plain":
                path = folder
                with open(self.bundle("root1"), "rb") as source, open(f"{folder}/one.pem", "wb") as copy:
                    copy.write(source.read())
                os.symlink("nowhere", f"{folder}/dead.pem")
                os.mkfifo(f"{folder}/fifo.pem")
                with open(f"{folder}/garbage.pem", "wb") as file:
                    file.write(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            else:
                path = self.lab.file(name)
            done = kedge.run(
                "check", f"https://{kedge.AVS}", "--connect-to", f"::127.0.0.1:{self.lab.port['good']}",
                "--trust", path, "-f", "json",
            )  # fmt: skip
            self.assertEqual((done.status, done.results[0]["status"]), (0, "ok"), str(done))
            if kind == "plain":
                for entry in ("dead.pem", "fifo.pem", "garbage.pem"):
                    self.assertIn(entry, done.err + done.out)

    @rows([
        # word, what stands before and behind --trust, exit status, words of what is said or of the code
        ("cat", "cat {root1} |", "/dev/stdin", 0, "ok"),
        ("process", "", "<(cat {root1})", 0, "ok"),
        ("der", "", "<(openssl x509 -in {root1} -outform DER)", 0, "ok"),
        ("two", "", "<(cat {root1}) --trust <(cat {root1})", 0, "ok"),
        ("empty", "", "<(true)", 1, "no_store"),
        ("garbage", "", "<(echo garbage)", 1, "it holds no certificate"),
        ("too large", "", "<(head -c 17000000 /dev/zero)", 3, "larger than 16"),
    ])  # fmt: skip
    def trust_of_a_pipe(self, _, before, source, status, words):
        """What a shell makes of <(command) is a pipe; curl's --cacert takes it too."""
        root1 = self.lab.file("root1.crt")
        line = f"{before} {kedge.KEDGE} check https://{kedge.AVS} --connect-to ::127.0.0.1:{self.lab.port['good']} --trust {source}"
        done = subprocess.run(
            ["bash", "-c", line.format(root1=root1)], capture_output=True, text=True, check=False,
            env=kedge.environment(), timeout=kedge.GUARD,
        )  # fmt: skip
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(words, done.stdout + done.stderr)

    @unittest.skipIf(kedge.VARIANT in ("static", "sanitized"), "the clock is preloaded")
    def test_a_clock_before_the_build(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["cc", "-shared", "-fPIC", "-o", f"{folder}/clock.so", f"{kedge.ROOT}/tests/lab/clock.c"], check=True
            )
            for now in ("0", "1450000000"):
                result = self.one(
                    *self.to("good"), env={"LD_PRELOAD": f"{folder}/clock.so", "KEDGE_TEST_TIME": now},
                    status="fail", code="trust.clock",
                )  # fmt: skip
                self.assertIn("clock", result["message"] + result["remedy"])


if __name__ == "__main__":
    unittest.main()
