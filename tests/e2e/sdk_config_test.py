"""kedge sdk-config: exit statuses, what is shown, modes, owners and links, and that a file is written whole or not at all."""

import json
import os
import random
import resource
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

EU = "https://alexa.eu.gateway.devices.a2z.com"

BEFORE = b"""{
    // the device
    "deviceInfo": { "clientId": "a", "productId": "b" },
    "sampleApp": {
        "displayCardsSupported": true // cards
    }
}
"""
AFTER = BEFORE.replace(b"true // cards\n", f'true, // cards\n        "endpoint": "{EU}"\n'.encode())
DIFF = f"""\
@@ -2,6 +2,7 @@
     // the device
     "deviceInfo": {{ "clientId": "a", "productId": "b" }},
     "sampleApp": {{
-        "displayCardsSupported": true // cards
+        "displayCardsSupported": true, // cards
+        "endpoint": "{EU}"
     }}
 }}
"""


class SdkConfig(kedge.Test):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = self.path("AlexaClientSDKConfig.json")
        self.write(BEFORE)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, content, path=None):
        with open(path or self.file, "wb") as file:
            file.write(content)

    def content(self, path=None):
        with open(path or self.file, "rb") as file:
            return file.read()

    def edit(self, *arguments, status=0, content=None, **options):
        """Runs sdk-config on the file; its exit status and what the file then holds are as said, and nothing is left beside."""
        names = sorted(os.listdir(self.folder))
        done = kedge.run("sdk-config", self.file, *arguments, **options)
        self.assertEqual(done.status, status, str(done))
        if content is not None:
            self.assertEqual(self.content(), content)
        self.assertEqual(sorted(os.listdir(self.folder)), names)
        return done

    def test_dry_run_shows_a_diff_and_writes_nothing(self):
        before = os.stat(self.file)
        done = self.edit("--region", "eu", status=5, content=BEFORE)
        self.assertIn(f"--- {self.file}\n+++ {self.file}\n{DIFF}", done.out)
        self.assertIn("--apply", done.out)
        after = os.stat(self.file)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_the_diff_is_one_that_patch_takes(self):
        done = self.edit("--region", "eu", "-f", "json", status=5)
        patch = subprocess.run(["git", "apply", "--unsafe-paths", "-p0", "-"], input=done.results[0]["values"]["diff"].encode(),
                               cwd=self.folder, capture_output=True, check=False)  # fmt: skip
        self.assertEqual(patch.returncode, 0, patch.stderr)
        self.assertEqual(self.content(), AFTER)

    def test_apply_then_nothing_to_do_then_reset(self):
        done = self.edit("--region", "eu", "--apply", content=AFTER)
        self.assertIn(f"kedge check {EU}\n", done.out)
        self.assertIn("Restart the SDK", done.out)
        inode = os.stat(self.file).st_ino
        for words in ([], ["--apply"]):
            self.edit("--region", "Germany", *words, content=AFTER)
        self.assertEqual(os.stat(self.file).st_ino, inode, "nothing to do writes nothing")
        self.edit("--reset", status=5, content=AFTER)
        self.assertIn("kedge regions\n", self.edit("--reset", "--apply", content=BEFORE).out)
        self.edit("--reset", content=BEFORE)

    def test_shows_what_is_set(self):
        self.assertIn("No endpoint is set", self.edit(content=BEFORE).out)
        self.write(AFTER)
        self.assertIn(EU, self.edit(content=AFTER).out)

    def test_as_json(self):
        pending = self.edit("--region", "eu", "-f", "json", status=5).results[0]
        self.assertEqual((pending["id"], pending["status"], pending["code"]), (self.file, "warn", "config.pending"))
        self.assertEqual(pending["values"]["endpoint"], EU)
        self.assertTrue(pending["values"]["diff"].endswith(DIFF))
        done = self.edit("--region", "eu", "--apply", "-f", "json").results[0]
        self.assertEqual((done["status"], done["code"]), ("ok", "ok"))
        self.assertEqual(done["values"]["next"], f"kedge check {EU}")
        self.assertIn("Restart", done["remedy"])
        again = self.edit("--region", "eu", "-f", "json").results[0]
        self.assertEqual((again["status"], again["values"]["changed"]), ("ok", False))

    def test_a_slash_at_the_end_is_dropped(self):
        self.edit("--endpoint", EU + "/", "--apply", content=AFTER)

    def test_needs_no_store_and_no_proxy(self):
        done = self.edit("--region", "eu", "--apply", content=AFTER,
                         env={"SSL_CERT_FILE": "/nowhere", "https_proxy": "http://proxy.example"})  # fmt: skip
        self.assertEqual(done.err, "")

    @rows([
        ("http", ["--endpoint", "http://a.example"], "not an https URL"),
        ("no_scheme", ["--endpoint", "a.example"], "not an https URL"),
        ("no_host", ["--endpoint", "https://"], "host is missing"),
        ("port", ["--endpoint", "https://a.example:0"], "port"),
        ("quote", ["--endpoint", 'https://a.example/"'], "can't stand there"),
        ("control", ["--endpoint", "https://a.example/\x1b"], "can't stand there"),
        ("query", ["--endpoint", "https://a.example/?a"], "query"),
        ("user", ["--endpoint", "https://a@a.example/"], "passwords"),
        ("region", ["--region", "mars"], "unknown region 'mars'"),
        ("near", ["--region", "Germny"], "'Germany'"),
        ("two", ["--region", "eu", "--reset"], "together"),
        ("bare_apply", ["--apply"], "--apply needs"),
        ("no_value", ["--apply", "--region"], "needs a value"),
    ])  # fmt: skip
    def usage(self, _, words, says):
        self.refused("sdk-config", self.file, *words, *([] if "--apply" in words else ["--apply"]), says=says)
        self.assertEqual(self.content(), BEFORE)

    @rows([
        ("no_json", b"endpoint=x", "line 1, column 1"),
        ("trailing_comma", b'{\n  "sampleApp": {\n    "a": 1,\n  }\n}\n', "line 3, column 11"),
        ("control", b'{"a": "\x1b[31m"}', "line 1, column 8"),
        ("behind", b"{}\n{}", "line 2, column 1"),
        ("no_object", b'{\n"sampleApp": [] }', "line 2, column 14"),
        ("twice", b'{"sampleApp":{"endpoint":"",\n"endpoint":""}}', "line 1, column 15 and at line 2, column 1"),
        ("deep", b'{"a":' + b"[" * 100000, "deeper than 512"),
        ("empty", b"", "line 1, column 1"),
        ("large", b"{}" + b" " * (16 << 20), "larger than 16777216 bytes"),
    ])  # fmt: skip
    def unreadable(self, _, content, says):
        self.write(content)
        for words in (["--region", "eu", "--apply"], ["--reset", "--apply"], ["--region", "eu"], []):
            self.refused("sdk-config", self.file, *words, says=[self.file, says], exit_status=3)
        self.assertEqual(self.content(), content)

    def test_missing_or_no_file(self):
        os.mkfifo(self.path("fifo"))
        for name in ("missing", ".", "fifo"):
            self.refused("sdk-config", self.path(name), "--reset", "--apply", says=self.path(name), exit_status=3)

    @rows([("owner", 0o600), ("group", 0o640), ("everybody", 0o666), ("odd", 0o755)])
    def mode(self, _, mode):
        os.chmod(self.file, mode)
        self.edit("--region", "eu", "--apply", content=AFTER, umask=0o027)
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), mode)

    @unittest.skipIf(os.geteuid() != 0, "only root can give files away")
    def test_owner(self):
        os.chown(self.file, 12345, 54321)
        os.chmod(self.file, 0o600)
        self.edit("--region", "eu", "--apply", content=AFTER)
        after = os.stat(self.file)
        self.assertEqual((after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)), (12345, 54321, 0o600))

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_without_permission(self):
        os.chmod(self.folder, 0o755)
        done = self.edit("--region", "eu", "--apply", status=3, content=BEFORE, user=12345, group=12345, extra_groups=[])
        self.assertIn("sudo", done.err)
        self.edit("--region", "eu", status=5, user=12345, group=12345, extra_groups=[])

    def test_extended_attributes(self):
        try:
            os.setxattr(self.file, "user.note", b"kept")
        except OSError:
            self.skipTest("this file system has none")
        self.edit("--region", "eu", "--apply", content=AFTER)
        self.assertEqual(os.getxattr(self.file, "user.note"), b"kept")

    def test_links_are_followed(self):
        os.mkdir(self.path("there"))
        real = self.path("there/real.json")
        os.rename(self.file, real)
        os.symlink("there/real.json", self.path("middle"))
        os.symlink("middle", self.file)
        self.edit("--region", "eu", "--apply", content=AFTER)
        self.assertEqual((os.readlink(self.file), os.readlink(self.path("middle"))), ("middle", "there/real.json"))
        self.assertEqual(os.listdir(self.path("there")), ["real.json"])
        self.assertEqual(self.content(real), AFTER)

    def test_a_link_of_others_is_not_followed(self):
        real = self.path("real.json")
        os.rename(self.file, real)
        os.mkdir(self.path("open"))
        os.symlink("../real.json", self.path("open/link"))
        os.chmod(self.path("open"), 0o777)
        self.refused("sdk-config", self.path("open/link"), "--region", "eu", "--apply", says="others may write", exit_status=3)
        self.assertEqual(self.content(real), BEFORE)

    def test_a_file_that_cannot_grow_stays(self):
        def no_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

        done = self.edit("--region", "eu", "--apply", status=3, content=BEFORE, preexec_fn=no_room, restore_signals=False)
        self.assertIn("File too large", done.err)

    def test_killed_at_any_moment(self):
        seed = random.randrange(1 << 30)
        source = random.Random(seed)
        began = time.monotonic()
        kedge.run("sdk-config", self.file, "--region", "eu", "--apply")
        lasts = time.monotonic() - began
        for _ in range(40):
            self.write(BEFORE)
            process = kedge.start("sdk-config", self.file, "--region", "eu", "--apply")
            try:
                process.wait(source.uniform(0, lasts))
            except subprocess.TimeoutExpired:
                process.kill()
            kedge.stop(process)
            self.assertIn(self.content(), (BEFORE, AFTER), f"seed {seed}")
        self.edit("--region", "eu", "--apply", content=AFTER)

    def test_hostile_content_is_shown_escaped(self):
        self.write('{\r\n  // \x1b[31m \u202e\r\n  "sampleApp": {\r\n    "a": "\u202e"\r\n  }\r\n}\r\n'.encode() + b"// \xff\x9b\n")
        done = self.edit("--region", "eu", status=5)
        self.assertIn("\\x1b[31m \\u{202e}\n", done.out)
        json.loads(self.edit("--region", "eu", "-f", "json", status=5).out)


if __name__ == "__main__":
    unittest.main()
