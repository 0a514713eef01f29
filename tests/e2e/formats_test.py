"""Every format, read by a program that kedge knows nothing of: what it finds is what -f json says, whatever the peers said.

The report is every_result.lua's: every status, every stage, and text made to break out of each format."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

import junitparser
import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge

KEDGE_LUA = os.path.abspath(os.environ.get("KEDGE_LUA") or os.path.join(kedge.ROOT, "build/plain/kedge-lua"))
FORMATS = ["jsonl", "csv", "tap", "junit"]

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def clean(text):
    """What show.clean makes of a string."""
    return HIDDEN.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 0x80 else f"\\u{{{ord(found[0]):04x}}}", text)


def flat(value, name=""):
    """Names with dots and their values, of a JSON value."""
    if isinstance(value, dict):
        return {key: item for part, inner in value.items() for key, item in flat(inner, f"{name}.{part}" if name else part).items()}
    if isinstance(value, list):
        return {key: item for part, inner in enumerate(value) for key, item in flat(inner, f"{name}.{part}").items()}
    return {name: value}


def text_of(value):
    """A JSON value as a cell or an attribute holds it; numbers are compared as numbers."""
    if value is None:
        return ""
    return clean(value) if isinstance(value, str) else str(value).lower()


def render(folder, *options):
    """Writes the report into the folder, a file a format; the exit status that kedge would have."""
    done = subprocess.run(
        [KEDGE_LUA, "tests/e2e/every_result.lua", folder, "formats=" + ",".join(FORMATS), *options],
        cwd=kedge.ROOT, capture_output=True, text=True, check=False, timeout=kedge.GUARD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def tool(*words, stdin=None, status=0):
    """What another program prints; it must end well."""
    done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=kedge.GUARD, cwd=kedge.ROOT)
    assert done.returncode == status, f"{words}: {done.returncode} {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout.decode()


class Formats(kedge.Test):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.exit_status = render(cls.folder)
        cls.report = json.loads(cls.text("json"))
        cls.results = cls.report["results"]

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def text(cls, name):
        with open(cls.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def same(self, found, expected, where):
        """Two values, one of them perhaps as text."""
        if isinstance(expected, (int, float)) and not isinstance(expected, bool):
            self.assertEqual(float(found), expected, where)
        else:
            self.assertEqual(found, text_of(expected), where)

    def test_the_report_itself(self):
        kedge.validated(self.text("json"))
        self.assertEqual({r["status"] for r in self.results}, {"ok", "warn", "fail", "skip"})
        self.assertEqual({r["stage"] for r in self.results}, {None, "dns", "tcp", "proxy", "tls", "trust", "alpn", "h2", "http"})

    def test_nothing_that_a_terminal_obeys(self):
        for name in FORMATS:
            with self.subTest(name):
                kedge.check_safe(self.text(name).replace("\r\n", "\n") if name == "csv" else self.text(name), "")

    def test_jsonl(self):
        lines = tool("jq", "-c", ".", self.path("jsonl")).splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.results)
        self.assertEqual(self.text("jsonl").count("\n"), len(self.results))

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.text("csv"), newline=""), strict=True))
        self.assertEqual(len(rows), len(self.results))
        for row, result in zip(rows, self.results):
            self.assertNotIn(None, row, "a cell too many")
            values = flat(result)
            for name, cell in row.items():
                self.assertFalse(re.match("[=+@]|-(?![0-9.]+$)", cell), cell)
                if name in ("labels", "values", "warnings"):
                    self.assertEqual(json.loads(cell or "null"), result.get(name) or None)
                else:
                    self.same(cell.removeprefix("'"), values.get(name), name)
        self.assertFalse(re.search("[^\r]\n|\r[^\n]", self.text("csv")), "lines end in CR LF")

    def test_tap_in_prove(self):
        good = tempfile.mkdtemp(dir=self.folder)
        self.assertEqual(render(good, "only=ok,warn,skip"), 0)
        counted = {word: sum(r["status"] == word for r in self.results) for word in ("ok", "warn", "fail", "skip")}
        said = tool("prove", "--verbose", "--exec", "cat", os.path.join(good, "tap"))
        self.assertIn("All tests successful.", said)
        self.assertIn(f"Tests={len(self.results) - counted['fail']},", said)
        said = tool("prove", "--exec", "cat", self.path("tap"), status=1)
        self.assertIn(f"Failed {counted['fail']}/{len(self.results)} subtests", said)
        self.assertIn(f"(less {counted['skip']} skipped subtests: {counted['ok'] + counted['warn']} okay)", said)
        self.assertNotIn("Parse errors", said)

    def test_tap_in_perl(self):
        """Perl's own parser: descriptions, directives."""
        script = """
            use TAP::Parser; use JSON::PP; binmode STDOUT;
            my $parser = TAP::Parser->new({ exec => ["cat", $ARGV[0]] });
            my @tests; my @bad;
            while (my $r = $parser->next) {
                push @tests, [$r->description, $r->is_actual_ok ? 1 : 0, $r->directive, $r->explanation] if $r->is_test;
                push @bad, $r->raw if $r->is_unknown && $r->raw =~ /\\S/;
            }
            print JSON::PP->new->latin1->encode({ tests => \\@tests, bad => \\@bad, errors => [$parser->parse_errors] });
        """
        found = json.loads(tool("perl", "-e", script, self.path("tap")))
        self.assertEqual((found["bad"], found["errors"]), ([], []))
        self.assertEqual(len(found["tests"]), len(self.results))
        for (description, is_ok, directive, explanation), result in zip(found["tests"], self.results):
            self.assertEqual(re.sub(r"\\([\\#])", r"\1", description.removeprefix("- ")), clean(result["id"]))
            self.assertEqual(is_ok, int(result["status"] != "fail"))
            self.assertEqual(directive, "SKIP" if result["status"] == "skip" else "")
            if directive:
                self.assertEqual(re.sub(r"\\([\\#])", r"\1", explanation), clean(result["message"]))

    def test_tap_diagnostics(self):
        blocks = re.findall(r"^  ---\n(.*?)^  \.\.\.\n", self.text("tap"), re.M | re.S)
        self.assertEqual([yaml.safe_load(block) for block in blocks], [flat(result) for result in self.results])

    def test_junit(self):
        tool("xmllint", "--noout", self.path("junit"))
        suites = junitparser.JUnitXml.fromfile(self.path("junit"))
        self.assertEqual((suites.tests, suites.failures, suites.skipped, suites.errors),
                         (*(self.report["summary"][key] for key in ("total", "fail", "skip")), 0))  # fmt: skip
        cases = [case for suite in suites for case in suite]
        self.assertEqual(len(cases), len(self.results))
        for case, result in zip(cases, self.results):
            self.assertEqual((case.classname, case.name), ("kedge.every", clean(result["id"])))
            self.assertAlmostEqual(case.time, result.get("timings_ms", {}).get("total", 0) / 1000)
            self.junit_outcome(case, result)
            properties = {p.get("name"): p.get("value") for p in case._elem.iter("property")}
            expected = {clean(name): value for name, value in flat(result).items() if value is not None}
            self.assertEqual(properties.keys(), expected.keys())
            for name, value in properties.items():
                self.same(value, expected[name], name)

    def junit_outcome(self, case, result):
        kinds = {"fail": junitparser.Failure, "skip": junitparser.Skipped}
        kind = kinds.get(result["status"])
        self.assertEqual([type(outcome) for outcome in case.result], [kind] if kind else [])
        for outcome in case.result:
            self.assertEqual((outcome.type, outcome.message), (result["code"], clean(result["message"])))
            self.assertEqual(outcome.text or "", text_of(result["remedy"]))
        lines = [f"warning {warning['code']}: {clean(warning['message'])}\n" for warning in result["warnings"]]
        self.assertEqual(case.system_out or "", "".join(lines))
        if result["status"] == "warn":
            self.assertTrue(lines)


class Command(kedge.Test):
    """The binary itself: formats by name, several at once, streaming."""

    parts = ("nginx", "peers")

    def test_every_format_of_a_real_check(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        options = [word for name in FORMATS for word in ("-f", f"{name}:{folder}/{name}")]
        done = kedge.run(*self.to("good"), "-f", "json", *options)
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(sorted(os.listdir(folder)), sorted(FORMATS))
        with open(f"{folder}/jsonl", encoding="utf-8") as file:
            self.assertEqual(json.loads(file.read()), done.results[0])
        self.assertEqual(ElementTree.parse(f"{folder}/junit").find(".//testcase").get("name"), done.results[0]["id"])
        self.assertIn("All tests successful.", tool("prove", "--exec", "cat", f"{folder}/tap"))

    def test_help_names_the_formats(self):
        said = re.sub(r"\s+", " ", kedge.run("--help").out)
        for name in ["text", "json", *FORMATS]:
            self.assertRegex(said, rf"report format \([a-z, ]*\b{name}\b")

    def test_a_format_that_is_not_there(self):
        self.refused(*self.to("good"), "-f", "jsnol", says=["jsnol", "jsonl"])


if __name__ == "__main__":
    unittest.main()
