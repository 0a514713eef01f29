"""The scripts and the format of scripts/examples against real servers: each does what it says, and fails where it must."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import formats_test
import kedge
from kedge import rows
import peer
import servers

EXAMPLES = os.path.join(kedge.ROOT, "scripts/examples")

HEALTH = {
    "good": ('{"status": "up", "queue": 3, "free_percent": 41.5}', "ok", {"queue": 3, "free_percent": 41.5}),
    "down": ('{"status": "down", "queue": 3, "free_percent": 41.5}', "health.status", {"queue": 3, "free_percent": 41.5}),
    "queue": ('{"status": "up", "queue": 101, "free_percent": 41.5}', "health.queue", {"queue": 101, "free_percent": 41.5}),
    "absent": ('{"status": "up", "queue": 3}', "health.free_percent", {"queue": 3}),
    "kinds": ('{"status": "up", "queue": [1], "free_percent": {"a": 1}}', "health.queue", {}),
    "list": ("[1, 2]", "health.status", {}),
    "number": ("17", "health.no_json", None),
    "text": ("all is well", "health.no_json", None),
    "half": ('{"status": ', "health.no_json", None),
    "deep": ("[" * 60_000, "health.no_json", None),
    "empty": ("", "health.no_json", None),
}

# How a downchannel ends: what the server says behind its SETTINGS, and what is found.
ENDS = [
    ("stream", 'send reply()\nsend data(b"x", end=True)\nwait', "downchannel.ended"),
    ("goaway", 'send reply()\nsend goaway(last=0, code=11)\nwait', "h2.goaway"),
    ("reset", 'send reply()\nsend frame("RST_STREAM", 0, 1, bytes([0, 0, 0, 8]))\nwait', "h2.reset"),
    ("lost", "send reply()\nreset", "h2.reset"),
    ("refused", 'send frame("RST_STREAM", 0, 1, bytes([0, 0, 0, 7]))\nwait', "h2.reset"),
]


class Examples(kedge.Test):
    parts = ("nginx", "openssl", "dns", "peers", "mqtt")

    def play(self, name, *words, server=None, expect, exit_status=0, **keywords):
        """Runs an example; its results' codes are as expected."""
        to = ["--connect-to", f"::127.0.0.1:{self.lab.port[server]}"] if server else []
        trust = [] if "--trust" in words else ["--trust", self.anchors]
        done = kedge.run(f"{EXAMPLES}/{name}.lua", *words, "-f", "json", *trust, *to, **keywords)
        self.assertIsNotNone(done.report, str(done))
        self.assertEqual(sorted(result["code"] for result in done.results), sorted(expect), str(done))
        self.assertEqual(done.status, exit_status, str(done))
        return done.results

    def test_each_has_its_test_and_40_lines(self):
        here = open(__file__, encoding="utf-8").read()
        for path in glob.glob(f"{EXAMPLES}/*.lua"):
            name = os.path.basename(path)[:-4]
            with open(path, encoding="utf-8") as file:
                self.assertIn(file.read().count("\n"), range(10, 41), name)
            self.assertTrue(f'self.play("{name}"' in here or f"{name}.lua" in here, name)

    # expiry

    def test_expiry(self):
        results = self.play("expiry", "example.org", "www.example.org:993", server="good", expect=["ok", "ok"])
        self.assertEqual(results[0]["values"]["days_left"], results[0]["chain"][0]["days_left"])
        results = self.play("expiry", "example.org", "--days", "400", server="good", expect=["cert.expires_soon"], exit_status=1)
        self.assertRegex(results[0]["message"], r"the certificate of example\.org ends in 36\d days")
        self.play("expiry", "example.org", server="expired", expect=["trust.expired"], exit_status=1)

    def test_expiry_of_a_list(self):
        path = f"{self.lab.folder}/hosts.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write("# ours\nexample.org\nmail.example.org:993\tmail\n")
        results = self.play("expiry", f"@{path}", server="good", expect=["ok", "ok"])
        self.assertEqual([result["id"] for result in results], ["example.org:443/tls", "mail.example.org:993/tls"])

    # mqtt

    def mqtt(self, password, *more, user="pump", server="mqtt", **keywords):
        path = f"{self.lab.folder}/password"
        with open(path, "w", encoding="utf-8") as file:
            file.write(password + "\n")
        words = ("--user", user, "--password-file", path) if user else ()
        return self.play("mqtt", "mqtt.example.org", *words, *more, server=server, **keywords)

    def test_mqtt(self):
        results = self.mqtt("secret", expect=["ok"])
        self.assertEqual((results[0]["values"], results[0]["message"]), ({"connack": 0}, "the broker accepts"))

    @rows([("wrong", "wrong", "pump"), ("long", "x" * 5000, "pump"), ("stranger", "secret", "nobody"), ("no one", "", None)])
    def mqtt_refuses(self, _, password, user):
        results = self.mqtt(password, user=user, expect=["mqtt.refused"], exit_status=1)
        self.assertEqual(results[0]["values"], {"connack": 5})
        self.assertIn("code 5: the broker refuses this client: it is not authorized", results[0]["message"])

    def test_mqtt_says_nothing_to_whom_it_does_not_trust(self):
        self.mqtt("secret", "--trust", "ats", expect=["trust.unknown_issuer"], exit_status=1)

    def test_mqtt_of_what_is_none(self):
        script = 'tls none\nsend b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n"\nwait'
        with peer.Peer(script, self.lab.chain("rsa2048")) as other:
            to = ("--connect-to", f"::127.0.0.1:{other.port}")
            self.mqtt("secret", *to, server=None, expect=["mqtt.no_answer"], exit_status=1)
        with peer.Peer("tls none\nexpect 10\nsend b'\\x20'\nsend b'\\x02\\0'\nsend b'\\4'\nwait", self.lab.chain("rsa2048")) as other:
            to = ("--connect-to", f"::127.0.0.1:{other.port}")
            results = self.mqtt("secret", *to, server=None, expect=["mqtt.refused"], exit_status=1)
            self.assertIn("this user name or password", results[0]["message"])

    # downchannel

    def test_downchannel_lives(self):
        words = ("example.org", "/big", "--ping", "0.1", "--for", "3")
        results = self.play("downchannel", *words, server="slow", expect=["ok"])
        self.assertGreaterEqual(results[0]["values"]["lived_seconds"], 3)
        self.assertGreaterEqual(results[0]["values"]["pings"], 1)

    @rows(ENDS)
    def downchannel_ends(self, _, script, code):
        head = "tls\nexpect PREFACE\nsend settings() + settings(ack=True)\nexpect b'\\0\\0\\0\\1'\n"  # something on stream 1
        with peer.Peer(head + script, self.lab.chain("rsa2048")) as other:
            to = ("--connect-to", f"::127.0.0.1:{other.port}")
            results = self.play("downchannel", "example.org", "/events", *to, expect=[code], exit_status=1)
            self.assertTrue(results[0]["message"], results)
            self.assertIn("lived_seconds", results[0]["values"])

    def test_downchannel_where_there_is_none(self):
        self.play("downchannel", "example.org", "/", server="no-alpn", expect=["alpn.none"], exit_status=1)
        self.play("downchannel", "example.org", "/", server="expired", expect=["trust.expired"], exit_status=1)
        self.play("downchannel", "example.org", "/", server="refused", expect=["tcp.refused"], exit_status=4)

    # addresses

    def test_addresses(self):
        at = ("--dns", self.lab.dns)
        self.play("addresses", f"several.lab.test:{self.lab.port['good']}", *at, expect=["ok"] * 3)
        results = self.play(
            "addresses", f"several.lab.test:{self.lab.port['addresses']}", *at, expect=["ok", "ok", "addresses.differ"]
        )
        self.assertEqual([result["target"]["address"] for result in results if result["status"] == "warn"], ["127.0.0.2"])

    def test_addresses_strictly(self):
        words = (f"several.lab.test:{self.lab.port['addresses']}", "--dns", self.lab.dns, "--strict")
        self.play("addresses", *words, expect=["ok", "ok", "addresses.differ"], exit_status=1)

    # latency

    def test_latency(self):
        words = ("example.org", "www.example.org", "--repeat", "5", "--interval", "0")
        results = self.play("latency", *words, "--p95", "60000", server="good", expect=["ok"] * 10)
        last = results[-2:]
        times = sorted(result["timings_ms"]["tls"] for result in results if result["id"] == last[0]["id"])
        self.assertEqual(last[0]["values"], {"handshakes": 5, "p50_ms": times[2], "p95_ms": times[4]})
        self.assertEqual([result["run"] for result in last], [5, 5])

    def test_latency_is_judged_at_the_end(self):
        words = ("example.org", "--p95", "0.001")
        self.play("latency", *words, server="good", expect=["latency.high"], exit_status=1)
        more = ("--repeat", "3", "--interval", "0")
        self.play("latency", *words, *more, server="good", expect=["ok", "ok", "latency.high"], exit_status=1)

    # health

    @rows([(name, *row) for name, row in HEALTH.items()])
    def health(self, _, body, code, values):
        head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
        script = f'tls http/1.1\nexpect b"\\r\\n\\r\\n"\nsend b"{head}"\nsend {body.encode()!r}\nwait'
        with peer.Peer(script, self.lab.chain("rsa2048")) as other:
            to = ("--connect-to", f"::127.0.0.1:{other.port}")
            results = self.play("health", "https://example.org/health", *to, expect=[code], exit_status=int(code != "ok"))
        self.assertEqual(results[0].get("values") or {}, values or {}, results)

    def test_health_of_real_servers(self):
        self.play("health", "https://example.org/health", server="healthy", expect=["ok"])
        self.play("health", "https://example.org/absent", server="healthy", expect=["http.status"], exit_status=1)

    # banner

    def test_banner(self):
        ssh, words = str(self.lab.port["ssh"]), ("127.0.0.1",)
        results = self.play("banner", *words, ssh, "--begins", "SSH-2.0-", expect=["ok"])
        self.assertEqual(results[0]["values"], {"banner": "SSH-2.0-OpenSSH_9.2"})
        results = self.play("banner", *words, ssh, "--begins", "220 ", expect=["banner.unexpected"], exit_status=1)
        self.assertEqual(results[0]["message"], "it said 'SSH-2.0-OpenSSH_9.2'")
        self.play("banner", *words, str(self.lab.port["refused"]), expect=["tcp.refused"], exit_status=4)

    @rows([("pieces", "send b'22'\nsend b'0 re'\nsend b'ady\\r\\nmore'\nwait", "ok"), ("nothing", "close", "banner.none"),
           ("endless", "forever b'a'", "ok")])  # fmt: skip
    def banner_of(self, _, script, code):
        with peer.Peer(script) as other:
            results = self.play("banner", "127.0.0.1", str(other.port), expect=[code], exit_status=int(code != "ok"))
        if code == "ok":
            self.assertIn(results[0]["values"]["banner"], ("220 ready", "a" * 255))

    # own_regions

    def test_own_regions(self):
        words = ("eu", "--own", "https://example.org/", "--site", "kitchen", "--reference", self.anchors)
        results = self.play("own_regions", *words, server="good", expect=["ok"] * 5)
        self.assertEqual([result["labels"]["site"] for result in results], ["kitchen"] * 5)
        self.assertEqual([results[0]["id"], results[-1]["id"]], ["eu/base/h2", "own"])
        words = ("eu", "--own", "https://example.org/absent", "--reference", self.anchors)
        results = self.play("own_regions", *words, server="good", expect=["ok"] * 4 + ["http.status"], exit_status=1)


# A report whose words would break out of tags, fields and lines.
HOSTILE = r"""
local kedge = require "kedge"
local texts = { "plain", "with space, comma=equals", 'quotes " and \\" both', "back\\slash\\", "\\", "line\nnext,a=b c=1 2", "\0\27[2J",
  "\xFF\xFE", "\u{202E}gnp", "\u{FC}ber", "trailing\\\\", "a\\,b", ",", "=", " x " }
return { summary = "s", offline = true, run = function(ctx)
  for i, text in ipairs(texts) do
    local r = kedge.ok(("%d %s"):format(i, text))
    r.values = { text = text, n = i, half = i / 2, yes = true, [text .. "k"] = i, nan = 0/0 }
    ctx:report(r)
  end
end }
"""


class Influx:
    """An InfluxDB with nothing in it but the database `kedge`."""

    def __init__(self, folder):
        program = os.path.join(servers.unpack(os.path.join(kedge.ROOT, "build/lab"), "influxdb", "influxdb"), "usr/bin/influxd")
        with servers.listener("127.0.0.1") as one, servers.listener("127.0.0.1") as two:
            self.port, other = one.getsockname()[1], two.getsockname()[1]
        with open(f"{folder}/influx.conf", "w", encoding="utf-8") as file:
            file.write(
                f'reporting-enabled = false\nbind-address = "127.0.0.1:{other}"\n[meta]\ndir = "{folder}/meta"\n[monitor]\n'
                f'store-enabled = false\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
                f'[http]\nbind-address = "127.0.0.1:{self.port}"\n'
            )
        self.process = subprocess.Popen(
            [*servers.WITH_US, program, "-config", f"{folder}/influx.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + kedge.GUARD
        while True:
            try:
                self.ask("CREATE DATABASE kedge", post=True)
                return
            except urllib.error.URLError:
                assert self.process.poll() is None and time.monotonic() < deadline, "influxd does not answer"
                time.sleep(0.02)

    def ask(self, query, post=False):
        words = urllib.parse.urlencode({"q": query, "db": "kedge", "epoch": "s"})
        url = f"http://127.0.0.1:{self.port}/query"
        with urllib.request.urlopen(url if post else f"{url}?{words}", words.encode() if post else None) as reply:
            return json.load(reply)["results"][0]

    def write(self, lines):
        """None, or what it says of lines that it doesn't take."""
        try:
            url = f"http://127.0.0.1:{self.port}/write?db=kedge&precision=s"
            urllib.request.urlopen(url, lines.encode()).close()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        return None

    def close(self):
        servers.end(self.process)


class LineProtocol(kedge.Test):
    """influx.lua, read by InfluxDB."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.influx = Influx(cls.folder)
        cls.addClassCleanup(cls.influx.close)

    def test_what_is_written_is_what_json_says(self):
        with open(f"{self.folder}/hostile.lua", "w", encoding="utf-8") as file:
            file.write(HOSTILE)
        formats = ("-f", f"{EXAMPLES}/influx.lua:{self.folder}/points", "-f", f"json:{self.folder}/json")
        done = kedge.run(f"{self.folder}/hostile.lua", *formats)
        self.assertEqual(done.status, 0, str(done))
        with open(f"{self.folder}/points", encoding="utf-8") as points, open(f"{self.folder}/json", encoding="utf-8") as report:
            lines, report = points.read(), json.load(report)
        self.assertIsNone(self.influx.write(lines))
        series = self.influx.ask('SELECT * FROM "kedge"')["series"][0]
        found = {int(row["values.n"]): row for row in (dict(zip(series["columns"], values)) for values in series["values"])}
        self.assertEqual(len(found), len(report["results"]))
        for result in report["results"]:
            row, values = found[result["values"]["n"]], result["values"]
            self.assertEqual(row["id"], formats_test.clean(result["id"]).replace("\\", "/"))
            self.assertEqual(row["script"], f"{self.folder}/hostile.lua")
            for name, value in values.items():
                if value is not None:
                    self.assertEqual(row["values." + formats_test.clean(name).replace("\\", "/")], formats_test.clean(value) if name == "text" else value, name)
            self.assertEqual((row["status"], row["code"]), ("ok", "ok"))

    def test_a_line_that_is_none_is_refused(self):
        self.assertIn("unable to parse", self.influx.write('kedge,id= x="y" 1\n'))


if __name__ == "__main__":
    unittest.main()
