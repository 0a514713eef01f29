"""kedge regions: what is checked, narrowing, verdicts by default, and the demo."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

ALL = [f"{region}/{endpoint}/{protocol}" for region in ("fe", "eu", "na") for endpoint in ("base", "legacy") for protocol in ("h2", "http1")]  # fmt: skip

COUNTRIES = {
    "fe": ["Australia", "Japan", "New Zealand"],
    "eu": ["Austria", "France", "Germany", "India", "Italy", "Saudi Arabia", "United Arab Emirates", "Spain", "United Kingdom"],
    "na": ["Brazil", "Canada", "Mexico", "United States"],
}  # fmt: skip


class Regions(kedge.Test):
    parts = ("nginx", "dns", "peers")

    def regions(self, *arguments, server="good", reference=True, **options):
        arguments = ["regions", *arguments, "--trust", self.anchors, "--connect-to", f"::127.0.0.1:{self.lab.port[server]}"]
        if reference:
            arguments += ["--reference", self.anchors]
        return kedge.run(*arguments, "-f", "json", **options)

    def ids(self, *arguments):
        done = self.regions(*arguments)
        self.assertEqual(done.status, 0, str(done))
        return [result["id"] for result in done.results]

    def test_all_twelve(self):
        done = self.regions()
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual([result["id"] for result in done.results], ALL)
        self.assertEqual(done.report["summary"], {"total": 12, "ok": 12, "warn": 0, "fail": 0, "skip": 0})
        self.assertEqual(done.report["script"], "regions")
        for result in done.results:
            region, endpoint, protocol = result["id"].split("/")
            self.assertEqual(result["labels"]["countries"], COUNTRIES[region])
            self.assertEqual((result["labels"]["endpoint"], result["labels"]["protocol"]), (endpoint, protocol))
            self.assertEqual(result["tls"]["alpn"], {"h2": "h2", "http1": "http/1.1"}[protocol])
            host = {"base": f"alexa.{region}.gateway.devices.a2z.com", "legacy": f"avs-alexa-{region}.amazon.com"}
            self.assertEqual(result["target"]["host"], host[endpoint])
            self.assertEqual(result["http"]["status"], 200 if protocol == "h2" else 403)
        h2 = done.results[0]
        self.assertIn("connection established with ATS certificate", h2["http"]["body"])
        self.assertIsNotNone(h2["timings_ms"]["h2"])

    @rows([("code", "na"), ("upper", "NA"), ("name", "North America"), ("country", "brazil"), ("dashes", "united-states")])
    def narrowed(self, _, word):
        self.assertEqual(self.ids(word), ALL[8:])

    @rows([(country, region) for region, countries in COUNTRIES.items() for country in countries])
    def country(self, country, region):
        self.assertEqual(self.ids(country, "--base", "--protocol", "h2"), [f"{region}/base/h2"])

    def test_two_regions(self):
        self.assertEqual(self.ids("Japan", "germany"), ALL[:8])

    def test_one_region_twice_is_checked_once(self):
        self.assertEqual(self.ids("eu", "Germany", "France"), ALL[4:8])

    def test_endpoint_and_protocol(self):
        self.assertEqual(self.ids("--base"), [i for i in ALL if "base" in i])
        self.assertEqual(self.ids("--legacy"), [i for i in ALL if "legacy" in i])
        self.assertEqual(self.ids("--base", "--legacy"), ALL)
        self.assertEqual(self.ids("--protocol", "http1"), [i for i in ALL if "http1" in i])
        self.assertEqual(self.ids("--protocol", "h2", "--protocol", "http1"), ALL)
        self.assertEqual(self.ids("na", "--legacy", "--protocol", "h2"), ["na/legacy/h2"])

    def test_names_through_dns(self):
        port = self.lab.port["good"]
        done = kedge.run(
            "regions", "--trust", self.anchors, "--reference", self.anchors, "--dns", self.lab.dns,
            "--connect-to", f":443::{port}", "-f", "json",
        )  # fmt: skip
        self.assertEqual((done.status, done.report["summary"]["ok"]), (0, 12), str(done))
        self.assertTrue(all(result["timings_ms"]["dns"] is not None for result in done.results))

    def every(self, done, status, code):
        self.assertEqual({(r["status"], r["code"]) for r in done.results}, {(status, code)}, str(done))

    def test_reference_is_ats_unless_told(self):
        done = self.regions(reference=False)
        self.every(done, "fail", "trust.not_ats")
        self.assertEqual(done.status, 1)

    def test_twelve_failures_of_one_cause_are_one_paragraph(self):
        done = kedge.run(
            "regions", "--trust", self.anchors, "--reference", self.anchors,
            "--connect-to", f"::127.0.0.1:{self.lab.port['expired']}",
        )  # fmt: skip
        self.assertEqual(done.status, 1, str(done))
        paragraphs = [p for p in done.out.split("\n\n") if "trust.expired" in p and "\n" in p.strip()]
        self.assertLessEqual(len(paragraphs), 2, done.out)
        self.assertIn("12", done.out)
        causes = kedge.run(
            "regions", "--trust", self.anchors, "--reference", self.anchors, "-f", "json",
            "--connect-to", f"::127.0.0.1:{self.lab.port['expired']}",
        )  # fmt: skip
        self.assertEqual(len({result["cause"] for result in causes.results}), 1)
        self.assertTrue(all("a2z" not in result["cause"] and "amazon.com" not in result["cause"] for result in causes.results))

    def test_another_body_is_a_warning(self):
        done = self.regions("na", server="other-body")
        by_protocol = {r["labels"]["protocol"]: (r["status"], r["code"]) for r in done.results}
        self.assertEqual(by_protocol, {"h2": ("warn", "http.unexpected_body"), "http1": ("ok", "ok")}, str(done))
        self.assertEqual(done.status, 0)

    def test_a_server_without_h2(self):
        done = self.regions("na", server="http1")
        by_protocol = {r["labels"]["protocol"]: (r["status"], r["code"]) for r in done.results}
        self.assertEqual(by_protocol, {"h2": ("fail", "alpn.mismatch"), "http1": ("ok", "ok")}, str(done))
        self.assertEqual(done.status, 1)

    def test_no_valid_reply_over_http1_is_a_warning(self):
        script = 'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nsend b"220 mail.example ESMTP\\r\\n"\nclose'
        with kedge.lab.peer.Peer(script, self.lab.chain("rsa2048")) as peer:
            done = kedge.run(
                "regions", "na", "--base", "--protocol", "http1", "--trust", self.anchors, "--reference", self.anchors,
                "--connect-to", f"::127.0.0.1:{peer.port}", "-f", "json",
            )  # fmt: skip
        self.every(done, "warn", "http.bad_reply")
        self.assertEqual(done.status, 0)

    def test_nothing_could_be_tested(self):
        done = self.regions(server="refused")
        self.every(done, "fail", "tcp.refused")
        self.assertEqual(done.status, 4)

    @rows([("region", ["regions", "Japn"], ["Japn", "Japan"]), ("protocol", ["regions", "--protocol", "h3"], ["h3"])])
    def unknown(self, _, arguments, words):
        self.refused(*arguments, says=words)

    @unittest.skipIf(kedge.VARIANT != "plain", "once is enough")
    def test_the_demo(self):
        done = subprocess.run(
            [sys.executable, f"{kedge.ROOT}/tests/lab/lab.py", "demo", kedge.KEDGE], capture_output=True, text=True, timeout=kedge.GUARD
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("12 ok", done.stdout)
        self.assertIn("kedge regions", done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
