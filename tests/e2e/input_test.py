"""Bad input: one line that names the word and what was probably meant, and the right exit status."""

import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

USAGE = [
    # word, arguments, what the line holds
    ("command", ["regoins"], ["regoins", "regions"]),
    ("option", ["check", "a.test", "--concurency", "3"], ["--concurency", "--concurrency"]),
    ("option of the script", ["regions", "--protocl", "h2"], ["--protocl", "--protocol"]),
    ("region", ["regions", "Germny"], ["Germny", "Germany"]),
    ("format", ["-f", "jsn", "regions"], ["jsn", "json"]),
    ("store", ["check", "a.test", "--trust", "systm"], ["systm", "system"]),
    ("reference", ["check", "a.test", "--reference", "ast"], ["ast", "ats"]),
    ("policy", ["check", "a.test", "--policy", "webpk"], ["webpk", "webpki"]),
    ("policy of later", ["check", "a.test", "--policy", "strict"], ["strict"]),
    ("colour", ["check", "a.test", "--color", "alwys"], ["alwys", "always"]),
    ("number", ["check", "a.test", "-j", "many"], ["many"]),
    ("zero", ["check", "a.test", "-j", "0"], ["0"]),
    ("timeout", ["check", "a.test", "--timeout", "soon"], ["soon"]),
    ("negative", ["check", "a.test", "--timeout", "-1"], ["-1"]),
    ("repeat", ["check", "a.test", "--repeat", "0"], ["--repeat"]),
    ("time", ["check", "a.test", "--at", "yesterday"], ["yesterday"]),
    ("tls", ["check", "a.test", "--tls", "1.3"], ["1.3", "1.2"]),
    ("tls range", ["check", "a.test", "--tls", "1.2-1.0"], ["1.2-1.0"]),
    ("connect-to", ["check", "a.test", "--connect-to", "a:b"], ["a:b"]),
    ("resolve", ["check", "a.test", "--resolve", "a.test:443:nowhere"], ["nowhere"]),
    ("dns", ["check", "a.test", "--dns", "resolver.example"], ["resolver.example"]),
    ("families", ["check", "a.test", "-4", "-6"], ["-4", "-6"]),
    ("value missing", ["check", "a.test", "--timeout"], ["--timeout"]),
    ("no target", ["check"], ["TARGET"]),
    ("empty target", ["check", ""], ["target"]),
    ("scheme", ["check", "htps://a.test"], ["htps", "https"]),
    ("plain http", ["check", "http://a.test"], ["http://a.test"]),
    ("port", ["check", "a.test:99999"], ["a.test:99999"]),
    ("port zero", ["check", "a.test:0"], ["a.test:0"]),
    ("letters", ["check", "b\u00fccher.test"], ["punycode"]),
    ("space", ["check", "a b.test"], ["a b.test"]),
    ("long label", ["check", "a" * 64 + ".test"], ["63"]),
    ("long name", ["check", ".".join(["a" * 60] * 5)], ["253"]),
    ("empty label", ["check", "a..test"], ["a..test"]),
    ("escape", ["check", "a\x1b[2J.test"], ["a\\"]),
    ("bare v6", ["check", "fe80::1"], ["fe80::1", "bracket"]),
    ("not v6", ["check", "[fe80::zz]"], ["fe80::zz"]),
    ("user", ["check", "https://me:secret@a.test/"], ["not supported"]),
    ("two outputs", ["check", "a.test", "-f", "text", "-f", "json"], ["standard output"]),
    ("help of nothing", ["help", "regoins"], ["regoins", "regions"]),
]

CURL = [
    ("-k", "--insecure"), ("--cacert", "--trust"), ("--capath", "--trust"), ("--connect-timeout", "--timeout"),
    ("-m", "--timeout"), ("--max-time", "--timeout"), ("-x", "proxy"), ("--http2", "--protocol"), ("--ipv4", "-4"),
    ("--tlsv1.2", "--tls"), ("-CAfile", "--trust"), ("--tls-max", "--tls"),
]  # fmt: skip

LATER = ["--proxy", "--cert", "--key", "--record"]

LIMIT = 16 * 1024 * 1024


class Input(kedge.Test):
    @rows(USAGE)
    def usage(self, _, arguments, words):
        self.refused(*arguments, says=words)

    @rows(CURL)
    def curl(self, option, instead):
        for arguments in (["check", "a.test", option, "x"], [option, "x", "check", "a.test"]):
            done = self.refused(*arguments, says=[option, instead])
            self.assertNotIn("Traceback", done.err)

    @rows([(option,) for option in LATER])
    def later(self, option):
        self.refused("check", "a.test", option, "x", says=option)

    @rows([
        ("trust", ["check", "a.test", "--trust", "/nonexistent/x.pem"], ["/nonexistent/x.pem", "not exist"]),
        ("reference", ["regions", "--reference", "./nonexistent.pem"], ["./nonexistent.pem", "not exist"]),
        ("list", ["check", "@/nonexistent"], ["/nonexistent", "No such file"]),
        ("list is a folder", ["check", "@/tmp"], ["/tmp", "directory"]),
        ("output", ["check", "127.0.0.1:1", "-f", "json:/nonexistent/out.json"], ["/nonexistent/out.json", "No such file"]),
    ])  # fmt: skip
    def file(self, _, arguments, words):
        self.refused(*arguments, says=words, exit_status=3)

    def test_two_outputs_to_one_file(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused("check", "a.test", "-f", f"json:{folder}/a", "-f", f"text:{folder}/./a", says=folder)

    def test_a_store_over_16_mib(self):
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.truncate(LIMIT + 1)
            done = kedge.run("check", "127.0.0.1:1", "--trust", file.name)
            self.assertEqual(done.status, 3, str(done))
            self.assertIn(file.name, done.err)

    def test_nothing_asked(self):
        done = kedge.run()
        self.assertEqual(done.status, 2)
        self.assertIn("regions", done.out + done.err)
        self.assertLess((done.out + done.err).count("\n"), 30)

    def test_help_list_version(self):
        for arguments, words in (
            (["list"], ["regions", "check"]),
            (["help"], ["regions", "--trust"]),
            (["--help"], ["regions", "--trust"]),
            (["help", "regions"], ["--legacy", "na"]),
            (["help", "check"], ["TARGET", "--expect-body"]),
            (["check", "--help"], ["TARGET", "--expect-body"]),
            (["--version"], ["kedge", "Lua 5.4", "BearSSL", "nghttp2", "c-ares"]),
        ):
            with self.subTest(arguments=arguments):
                done = kedge.run(*arguments)
                self.assertEqual((done.status, done.err), (0, ""), str(done))
                for word in words:
                    self.assertIn(word, done.out)
                self.assertLessEqual(max(map(len, done.out.splitlines())), 80, done.out)

    def test_examples_of_every_command(self):
        for name in re.findall(r"^  (\w\S*)", kedge.run("list").out, re.M):
            with self.subTest(command=name):
                options, _, examples = kedge.run("help", name).out.partition("\nExamples:\n")
                lines = re.findall(r"^  ((?:sudo )?kedge .*)$", examples, re.M)
                self.assertTrue(lines, name)
                for line in lines:
                    self.assertIn(f" {name}", line)
                    self.assertLessEqual(len(line), 78)
                    for option in re.findall(r" (--?[a-z][a-z-]*)", line):
                        self.assertRegex(options, rf"(?m)^  (-\w, )?{option}\b", line)

    def test_options_stand_before_or_after_the_command(self):
        for arguments in (["-f", "json", "check", "127.0.0.1:1"], ["check", "-f", "json", "127.0.0.1:1"], ["check", "127.0.0.1:1", "-f", "json"], ["-fjson", "check", "127.0.0.1:1"], ["--format=json", "check", "127.0.0.1:1"]):  # fmt: skip
            done = kedge.run(*arguments)
            self.assertEqual((done.status, len(done.results)), (4, 1), str(done))

    def test_one_binary(self):
        with tempfile.TemporaryDirectory() as folder:
            import shutil
            import subprocess

            shutil.copy(kedge.KEDGE, f"{folder}/elsewhere")
            done = subprocess.run(["env", "-i", f"{folder}/elsewhere", "list"], cwd="/", capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertIn(b"regions", done.stdout)


if __name__ == "__main__":
    unittest.main()
