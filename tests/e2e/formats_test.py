"""Every format, read by a program that kedge knows nothing of: what it finds is what -f json says, whatever the peers said.

The report is every_result.lua's: every status, every stage, and text made to break out of each format."""

import csv
import datetime
import html
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
import prometheus_client.parser
import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

# Unpacked, not installed, by `make deps-check`: its package enables a service.
PROMTOOL = shutil.which("promtool") or os.path.join(kedge.ROOT, "build/prometheus/usr/bin/promtool")
KEDGE_LUA = os.path.abspath(os.environ.get("KEDGE_LUA") or os.path.join(kedge.ROOT, "build/plain/kedge-lua"))
FORMATS = ["jsonl", "csv", "tap", "junit", "sh", "markdown", "prometheus", "nagios", "html", "text"]
STREAMING = ["jsonl", "csv", "tap", "sh", "markdown", "text"]

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


def render(folder, *options, formats=FORMATS):
    """Writes the report into the folder, a file a format; the exit status that kedge would have, and KiB in use at the end."""
    done = subprocess.run(
        [KEDGE_LUA, "tests/e2e/every_result.lua", folder, "formats=" + ",".join(formats), *options],
        cwd=kedge.ROOT, capture_output=True, text=True, check=False, timeout=kedge.GUARD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tuple(map(int, done.stdout.split()))


def tool(*words, stdin=None, status=0):
    """What another program prints; it must end well."""
    done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=kedge.GUARD, cwd=kedge.ROOT)
    assert done.returncode == status, f"{words}: {done.returncode} {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout.decode()


class Formats(kedge.Test):
    # What --print is asked for; objects and lists as JSON.
    fields = ("id line run target.host target.port target.address labels.region labels.list.0 labels.list.2 labels.line status stage code cause "
              "message remedy timings_ms.dns timings_ms.total tls.version tls.sni chain.0.subject chain.0.days_left chain.2.not_after chain.0.san.0 "
              "path.0 anchor.subject verdicts.trust.failures.0.detail warnings.0.message warnings.0.remedy h2.ping_ms h2.goaway.debug "
              "h2.settings.MAX_CONCURRENT_STREAMS http.body http.truncated values.depth_ms values.wait.d values.on "
              "labels values chain warnings target verdicts path h2 http").split()  # fmt: skip

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.exit_status, _ = render(cls.folder, "template=" + r"\t".join("{" + name + "}" for name in cls.fields) + r"\n")
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
        fitting = [r for r in self.results if not r["id"].startswith("everywhere/")]
        self.assertGreater(len(self.results) - len(fitting), 20, "text of peers stands in every field of some results")
        counts = {status: sum(r["status"] == status for r in fitting) for status in ("ok", "warn", "fail", "skip")}
        kedge.validated(json.dumps({**self.report, "results": fitting, "summary": {"total": len(fitting), **counts}}))
        self.assertEqual({r["status"] for r in self.results}, {"ok", "warn", "fail", "skip"})
        self.assertEqual({r["stage"] for r in fitting}, {None, "dns", "tcp", "proxy", "tls", "trust", "alpn", "h2", "http"})

    def test_nothing_that_a_terminal_obeys(self):
        for name in FORMATS:
            with self.subTest(name):
                kedge.check_safe(self.text(name).replace("\r\n", "\n") if name == "csv" else self.text(name), "")

    def test_what_streams_keeps_nothing(self):
        """Ten times the results, the same memory."""
        folder = tempfile.mkdtemp(dir=self.folder)
        few, many = (render(folder, "only=warn", f"times={n}", formats=STREAMING)[1] for n in (10, 100))
        self.assertLess(many - few, 16, "KiB more")

    def test_jsonl(self):
        lines = tool("jq", "-c", ".", self.path("jsonl")).splitlines()
        self.assertEqual([json.loads(line) for line in lines], self.results)
        self.assertEqual(self.text("jsonl").count("\n"), len(self.results))

    def test_print(self):
        lines = self.text("print").split("\n")
        self.assertEqual(lines.pop(), "")
        self.assertEqual(len(lines), len(self.results))
        for line, result in zip(lines, self.results):
            cells = line.split("\t")
            self.assertEqual(len(cells), len(self.fields))
            values = flat(result)
            for name, cell in zip(self.fields, cells):
                if name in self.fields[-9:]:
                    self.assertEqual(json.loads(cell or "null"), result.get(name), name)
                else:
                    self.same(cell, values.get(name), name)

    def test_text(self):
        """For people, but each check has its line, and its words are there, whole."""
        lines, paragraphs = self.text("text").split("\n  Seen ", 1)
        self.assertEqual(len(re.findall("^(?:ok  |warn|FAIL|skip) ", lines, re.M)), len(self.results) + 1, "and the first paragraph's head")
        for stage in ("dns", "tcp", "proxy", "tls", "trust", "alpn", "h2", "http"):
            self.assertRegex(lines + paragraphs, rf"\nFAIL {stage}[.]timeout, 1 check\n")
        self.assertIn(f"\n{len(self.results)} checks: ", paragraphs)

    def test_csv(self):
        lines = list(csv.DictReader(io.StringIO(self.text("csv"), newline=""), strict=True))
        self.assertEqual(len(lines), len(self.results))
        for row, result in zip(lines, self.results):
            self.assertNotIn(None, row, "a cell too many")
            values = flat(result)
            for name, cell in row.items():
                self.assertFalse(re.match("[=+@]|-(?![0-9.]+$)", cell), cell)
                if name in ("labels", "values", "warnings", "path", "chain", "verdicts", "h2"):
                    self.assertEqual(json.loads(cell or "null"), result.get(name) or None)
                else:
                    self.same(cell.removeprefix("'"), values.get(name), name)
            self.assertLessEqual({"labels", "values", "warnings", "path", "chain", "verdicts", "h2"}, row.keys())
            whole = {name.split(".")[0] for name in row}
            self.assertLessEqual(result.keys(), whole, "a field that no column has")
            for name in ("tls", "http", "target", "timings_ms", "anchor"):
                self.assertLessEqual({f"{name}.{part}" for part in result.get(name, {})}, row.keys())
        self.assertFalse(re.search("[^\r]\n|\r[^\n]", self.text("csv")), "lines end in CR LF")

    def test_tap_in_prove(self):
        good = tempfile.mkdtemp(dir=self.folder)
        render(good, "only=ok,warn,skip")
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
            self.assertEqual((outcome.type, outcome.message), (clean(result["code"]), clean(result["message"])))
            self.assertEqual(outcome.text or "", text_of(result["remedy"]))
        lines = [f"warning {clean(warning['code'])}: {clean(warning['message'])}\n" for warning in result["warnings"]]
        self.assertEqual(case.system_out or "", "".join(lines))
        if result["status"] == "warn":
            self.assertTrue(lines)

    @rows([("busybox", ["busybox", "ash"]), ("dash", ["dash"]), ("bash", ["bash"]), ("bash_posix", ["bash", "--posix"])])
    def sh(self, _, shell):
        """Nothing is run, nothing is split: every variable is what json has."""
        expected = {f"kedge_{key}": value for key, value in self.report["summary"].items()}
        for number, result in enumerate(self.results, 1):
            for name, value in flat(result).items():
                name = re.sub(rb"[^A-Za-z0-9_]", b"_", clean(name).encode()).decode()
                expected[f"kedge_{number}_{name}"] = value
        folder = tempfile.mkdtemp(dir=self.folder)
        script = 'set -eu; cd "$2"; eval "$(cat "$1")"; unset HOME; shift 2\n'
        script += "".join(f"printf '%s\\n' \"${name}\"\n" for name in expected)
        with open(f"{folder}/script", "w", encoding="utf-8") as file:
            file.write(script)
        said = tool(*shell, f"{folder}/script", self.path("sh"), folder).split("\n")
        self.assertEqual(said.pop(), "")
        self.assertEqual(len(said), len(expected))
        for (name, value), found in zip(expected.items(), said):
            self.same(found, value, name)
        self.assertEqual(os.listdir(folder), ["script"], "a command of a peer's was run")

    def own(self, result, between, kinds=("labels", "values"), equals="="):
        """Own data as markdown and nagios write it."""
        pairs = [pair for kind in kinds for pair in flat(result.get(kind, {})).items()]
        return between.join(f"{clean(name)}{equals}{text_of(value)}" for name, value in pairs)

    def test_markdown(self):
        said = tool("cmark-gfm", "--extension", "table", "--extension", "autolink", "--extension", "strikethrough",
                    "--extension", "tagfilter", self.path("markdown"))  # fmt: skip
        rows_found = re.findall("<tr>\n(.*?)</tr>", said, re.S)
        self.assertEqual(said.count("<table>"), 1)
        self.assertEqual(len(rows_found), len(self.results) + 1)
        tags = set(re.findall("<(/?[a-z]+)", said)) - {"/" + tag for tag in re.findall("</([a-z]+)", said)}
        self.assertEqual(tags, {"table", "thead", "tbody", "tr", "th", "td", "p", "code", "strong"})
        for row, result in zip(rows_found[1:], self.results):
            cells = [html.unescape(re.sub("</?(code|strong)>", "", cell)) for cell in re.findall("<td[^>]*>(.*?)</td>", row, re.S)]
            messages = [clean(result["message"])] if result["message"] else []
            messages += [f"{clean(w['code'])}: {clean(w['message'])}" for w in result["warnings"][result["status"] == "warn" :]]
            expected = [result["status"], clean(result["id"]), text_of(result["stage"]), clean(result["code"]), None,
                        "; ".join(messages), text_of(result["remedy"]), self.own(result, "; ")]  # fmt: skip
            self.same(cells[4], result.get("timings_ms", {}).get("total"), "ms")
            cells[4] = None
            self.assertEqual(cells, expected)
            mentioned = re.sub("<code>.*?</code>", "", row, flags=re.S)
            self.assertNotRegex(html.unescape(mentioned), "[@#]|www[.]|://", "GitHub makes links of these")
        self.assertIn(f"{len(self.results)} checks of every", said)

    def metrics(self):
        """Samples by name: a dictionary of labels' items to the value."""
        tool(PROMTOOL, "check", "metrics", stdin=self.text("prometheus").encode())
        samples = {}
        for family in prometheus_client.parser.text_string_to_metric_families(self.text("prometheus")):
            for sample in family.samples:
                key = frozenset(sample.labels.items())
                self.assertNotIn(key, samples.setdefault(sample.name, {}))
                samples[sample.name][key] = sample.value
        return samples

    def test_promtool_says_nothing(self):
        said = subprocess.run([PROMTOOL, "check", "metrics"], input=self.text("prometheus").encode(), capture_output=True, check=True)
        self.assertEqual((said.stdout, said.stderr), (b"", b""))

    def test_prometheus(self):
        samples = self.metrics()
        seen = {name: 0 for name in samples}

        def has(metric, value, /, **labels):
            found = samples.get(metric, {}).get(frozenset((key, str(item)) for key, item in labels.items()))
            if value is None:
                self.assertIsNone(found, (metric, labels))
            else:
                self.assertIsNotNone(found, (metric, labels))
                self.assertAlmostEqual(found, value, 9, (metric, labels))
                seen[metric] += 1

        for result in self.results:
            own = {"id": clean(result["id"]), **{key: result[key] for key in ("line", "run") if key in result}}
            self.prometheus_of(result, own, has)
        for status in ("ok", "warn", "fail", "skip"):
            has("kedge_checks", self.report["summary"][status], status=status)
        has("kedge_last_run_timestamp_seconds", self.seconds(self.report["started"]))
        has("kedge_last_run_duration_seconds", self.report["duration_ms"] / 1000)
        own = {name for name in samples if name.startswith("kedge_value") or name == "kedge_check_info"}
        for name in samples.keys() - own:
            self.assertEqual(seen[name], len(samples[name]), f"{name}: samples of which json says nothing")

    def seconds(self, text):
        return datetime.datetime.fromisoformat(text).timestamp()

    def prometheus_of(self, result, own, has):
        has("kedge_check_success", {"fail": 0, "skip": None}.get(result["status"], 1), **own)
        has("kedge_check_warnings", len(result["warnings"]), **own)
        for stage, ms in result.get("timings_ms", {}).items():
            if stage in ("dns", "tcp", "tls", "h2", "http", "total"):
                has("kedge_check_duration_seconds", ms / 1000, stage=stage, **own)
        if result["status"] == "fail":
            has("kedge_check_failure_info", 1, stage=text_of(result["stage"]), code=clean(result["code"]), **own)
        chain = result.get("chain", [])
        path = [chain[i] for i in result.get("path", [])] + ([result["anchor"]] if "anchor" in result else [])
        for of, certificates in (("leaf", chain[:1]), ("sent_chain", chain), ("path", path)):
            ends = [self.seconds(c["not_after"]) for c in certificates if re.match(r"\d{4}-", c["not_after"] or "")]
            has("kedge_certificate_not_after_timestamp_seconds", min(ends, default=None), of=of, **own)
        values = result.get("values", {})
        for name, called, factor in (("queue", "queue", 1), ("depth_ms", "depth_seconds", 0.001), ("free_percent", "free_ratio", 0.01),
                                     ("on", "on", 1), ("queue_total", "queuetotal", 1)):  # fmt: skip
            has(f"kedge_value_{called}", values[name] * factor if name in values else None, **own)
        has("kedge_value_depth_seconds", values.get("depth_s"), **own, **({"name": "depth_s"} if values else {}))
        if "note" in values:
            has("kedge_value_info", 1, name="note", value=clean(values["note"]), **own)

    def test_prometheus_labels(self):
        infos = {dict(key)["id"]: dict(key) for key in self.metrics()["kedge_check_info"]}
        self.assertEqual(len(infos), len(self.results))
        for result in self.results:
            found = infos[clean(result["id"])]
            target, tls = result.get("target", {}), result.get("tls", {})
            labels = {"countries": ["", ""], **result.get("labels", {})}
            for name, value in (("host", target.get("host")), ("port", target.get("port")), ("address", target.get("address")),
                                ("status", result["status"]), ("tls_version", tls.get("version")), ("tls_cipher", tls.get("cipher")),
                                ("label_region", labels.get("region")), ("label_countries_1", labels["countries"][1])):  # fmt: skip
                self.assertEqual(found.get(name, ""), text_of(value), name)

    def test_nagios(self):
        self.assertEqual(self.exit_status, 2)
        first, *lines = self.text("nagios").rstrip("\n").split("\n")
        summary = self.report["summary"]
        self.assertTrue(first.startswith(f"KEDGE CRITICAL - {summary['total']} checks of every: {summary['ok']} ok, "), first)
        self.assertEqual(len(lines), len(self.results))
        words = {"ok": "OK|WARNING|CRITICAL", "warn": "WARNING", "fail": "CRITICAL", "skip": "SKIPPED"}
        for line, result in zip(lines, self.results):
            self.assertNotIn("|", line)
            remedy = (" " if result["message"].endswith(".") else ". ") + clean(result["remedy"]) if result["remedy"] else ""
            own = self.own(result, ", ")
            text = f"{clean(result['id'])}: {clean(result['code'])}, {clean(result['message'])}{remedy}{f' ({own})' if own else ''}"
            word, _, rest = line.partition(" ")
            self.assertRegex(word, f"^({words[result['status']]})$")
            self.assertEqual(rest, text.replace("|", "\\x7c"))

    def test_nagios_performance_data(self):
        """Read by Monitoring::Plugin, which many plugins are written with."""
        script = """
            use Monitoring::Plugin::Performance; use JSON::PP; binmode STDOUT;
            my $line = <STDIN>; chomp $line; $line =~ s/^[^|]*\\| //;
            print JSON::PP->new->latin1->encode([map { [$_->label, $_->value, $_->uom, "" . ($_->warning // ""),
                "" . ($_->critical // "")] } Monitoring::Plugin::Performance->parse_perfstring($line)]);
        """
        found = json.loads(tool("perl", "-e", script, stdin=self.text("nagios").encode()))
        expected = []
        for result in self.results:
            name = result["id"] + "".join(f" {key} {result[key]}" for key in ("line", "run") if key in result)
            total = result.get("timings_ms", {}).get("total")
            if total is not None:
                expected.append([name, round(total / 1000, 6), "s", "", ""])
            chain = result.get("chain", [])
            days = [c["days_left"] for c in ([chain[i] for i in result["path"]] if "path" in result else chain) if "days_left" in c]
            if days:
                expected.append([f"{name} days", min(days), "", "14:", "7:"])
            for key, value in flat(result.get("values", {})).items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    expected.append([f"{name} {key}", value, "", "", ""])
        for row in expected:
            row[0] = re.sub("[|'=]", lambda c: f"\\x{ord(c[0]):02x}", clean(row[0]))
        self.assertEqual([[row[0], float(row[1]), *(cell or "" for cell in row[2:])] for row in found], expected)

    @rows([
        ("all_good", "only=ok", 0, "OK"), ("warnings", "only=ok,warn", 1, "WARNING"), ("failures", "only=ok,fail", 2, "CRITICAL"),
        ("skipped", "only=skip", 3, "UNKNOWN"), ("nothing", "only=none", 3, "UNKNOWN"), ("some_skipped", "only=ok,skip", 0, "OK"),
        ("soon", "only=ok warning_days=214", 1, "WARNING"), ("not_yet", "only=ok warning_days=213", 0, "OK"),
        ("too_soon", "only=ok critical_days=214", 2, "CRITICAL"), ("not_too_soon", "only=ok critical_days=213", 0, "OK"),
    ])  # fmt: skip
    def nagios_status(self, _, options, status, word):
        folder = tempfile.mkdtemp(dir=self.folder)
        self.assertEqual(render(folder, *options.split())[0], status)
        with open(f"{folder}/nagios", encoding="utf-8") as file:
            self.assertTrue(file.read().startswith(f"KEDGE {word} - "))


class Command(kedge.Test):
    """The binary itself: formats by name, several at once, streaming."""

    parts = ("nginx", "peers")

    def test_every_format_of_a_real_check(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        options = [word for name in FORMATS for word in ("-f", f"{name}:{folder}/{name}")]
        done = kedge.run(*self.to("good"), "-f", "json", *options, "--warning-days", "0", "--critical-days", "0")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(sorted(os.listdir(folder)), sorted(FORMATS))
        with open(f"{folder}/jsonl", encoding="utf-8") as file:
            self.assertEqual(json.loads(file.read()), done.results[0])
        self.assertEqual(ElementTree.parse(f"{folder}/junit").find(".//testcase").get("name"), done.results[0]["id"])
        self.assertIn("All tests successful.", tool("prove", "--exec", "cat", f"{folder}/tap"))

    @rows([("good", "good", ["--warning-days", "0", "--critical-days", "0"], 0), ("expired", "expired", [], 2),
           ("order", "order", ["--warning-days=0", "--critical-days=0"], 1), ("soon", "good", ["--warning-days", "99999"], 1),
           ("very_soon", "good", ["--critical-days", "99999"], 2)])  # fmt: skip
    def nagios(self, _, server, options, status):
        done = kedge.run(*self.to(server), "-f", "nagios", *options)
        self.assertEqual(done.status, status, str(done))
        self.assertTrue(done.out.startswith(f"KEDGE {['OK', 'WARNING', 'CRITICAL'][status]} - 1 check of check"), str(done))

    def test_nagios_options(self):
        self.refused(*self.to("good"), "--warning-days", "3", says=["--warning-days", "-f nagios"])
        self.refused(*self.to("good"), "-f", "nagios", "--critical-days", "-3", says=["--critical-days", "'-3'"])
        self.refused(*self.to("good"), "-f", "nagios", "--warning-days", "soon", says=["--warning-days", "'soon'"])

    def test_a_result_is_written_as_soon_as_it_is_there(self):
        """A reader of these sees the first while the second check still waits for its server."""
        for options in [*(["-f", name] for name in STREAMING), ["--print", "{id}"]]:
            with self.subTest(options[-1]):
                targets = [self.lab.port["good"], self.lab.port["silent"]]
                process = kedge.start("check", *(f"tls://127.0.0.1:{port}" for port in targets), *options, "--timeout", "60")
                self.addCleanup(kedge.stop, process)
                text = ""
                while f"127.0.0.1:{targets[0]}" not in text:
                    piece = os.read(process.stdout.fileno(), 65536)
                    self.assertTrue(piece, text)
                    text += piece.decode()
                self.assertIsNone(process.poll())

    def test_help_names_the_formats(self):
        said = re.sub(r"\s+", " ", kedge.run("--help").out)
        for name in ["text", "json", *FORMATS]:
            self.assertRegex(said, rf"report format \([a-z, ]*\b{name}\b")

    def test_a_format_that_is_not_there(self):
        self.refused(*self.to("good"), "-f", "jsnol", says=["jsnol", "jsonl"])

    def lua(self, folder, name, text):
        with open(f"{folder}/{name}.lua", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{folder}/{name}.lua"

    @rows([
        ("two_to_one_file", ["-f", "json:{0}/out", "-f", "junit:{0}/out"], 2, ["two reports to one place", "{0}/out"]),
        ("two_names_of_one_file", ["-f", "json:{0}/out", "-f", "junit:{0}/./out"], 2, ["two reports to one place"]),
        ("two_to_standard_output", ["-f", "json", "-f", "tap"], 2, ["two reports to one place, standard output"]),
        ("print_and_a_format", ["-f", "json", "--print", "x"], 2, ["two reports to one place, standard output"]),
        ("no_folder", ["-f", "text:{0}/good", "-f", "html:{0}/none/out"], 3, ["{0}/none/out cannot be written: No such file"]),
        ("a_folder", ["-f", "text:{0}/good", "-f", "html:{0}"], 3, ["{0} cannot be written", "irectory"]),
        ("without_functions", ["-f", "json:{0}/good", "-f", "{1}:{0}/out"], 3, ["none of start, result and finish", "empty.lua"]),
        ("misspelt", ["-f", "json:{0}/good", "-f", "{2}:{0}/out"], 3, ["'finnish' is unknown; did you mean 'finish'?"]),
        ("print_unknown", ["-f", "json:{0}/out", "--print", "{{timing_ms.total}}"], 2,
         ["--print has no field 'timing_ms.total'; did you mean 'timings_ms.total'?"]),
        ("print_open", ["--print", "{{id"], 2, ["--print has a {{ without its }}"]),
    ])  # fmt: skip
    def refusals(self, _, options, status, says):
        """Before anything is checked: one sentence, and no file begun."""
        folder, scripts = (self.enterContext(tempfile.TemporaryDirectory()) for _ in range(2))
        places = (folder, self.lua(scripts, "empty", "return {}"), self.lua(scripts, "typo", "return { finnish = function() end }"))
        self.refused(*self.to("good"), *(option.format(*places) for option in options), exit_status=status,
                     says=[words.format(*places) for words in says])  # fmt: skip
        self.assertEqual(os.listdir(folder), [])

    def test_an_output_that_is_a_link_is_followed(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.symlink("out", f"{folder}/link")
        self.refused(*self.to("good"), "-f", f"json:{folder}/out", "-f", f"tap:{folder}/link", says="two reports to one place")
        self.assertEqual(kedge.run(*self.to("good"), "-f", f"json:{folder}/link").status, 0)
        self.assertTrue(os.path.islink(f"{folder}/link"))
        with open(f"{folder}/out", encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["results"]), 1)

    def test_outputs_that_fail_on_the_way(self):
        """The others are whole, and no beginning of the bad ones is left."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        raising = self.lua(self.enterContext(tempfile.TemporaryDirectory()), "raising",
                           "return { result = function(out) out:write('begun') error('oops') end }")  # fmt: skip
        done = kedge.run(*self.to("good"), "-f", "text", "-f", f"json:{folder}/whole", "-f", f"{raising}:{folder}/out", "-f", "tap:/dev/full")
        self.assertEqual(done.status, 3, str(done))
        self.assertEqual(os.listdir(folder), ["whole"])
        with open(f"{folder}/whole", encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)
        lines = done.err.splitlines()
        self.assertEqual(len(lines), 2, done.err)
        self.assertRegex(lines[0], "^kedge: the format '.*raising.lua' failed: .*raising.lua:1: oops$")
        self.assertEqual(lines[1], "kedge: /dev/full cannot be written: No space left on device")

    @rows([("good", "good", []), ("bad", "expired", []), ("in_a_file", "good", ["-f", "nagios:{}"])])
    def nagios_and_an_unwritten_report(self, _, server, options):
        """UNKNOWN, not the state of the checks: a dead report would never be missed."""
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "nagios")
        options = [option.format(path) for option in options] or ["-f", "nagios"]
        done = kedge.run(*self.to(server), *options, "-f", "json:/dev/full")
        self.assertEqual(done.status, 3, str(done))
        self.assertIn("/dev/full cannot be written", done.err)
        if done.out:
            self.assertRegex(done.out, "^KEDGE UNKNOWN - 1 check of check: .*, kedge itself failed")

    @rows([("exponent", "exponent", [], "(RSA 2048, and a public exponent of 9 bytes, where 8 are the most)"),
           ("modulus", "rsa8192", [], "(RSA 8192, 4096 are the most)"), ("ring", "ring", [], "A limit was reached: more than 64 signatures")])  # fmt: skip
    def sentences(self, _, server, options, words):
        result = kedge.run(*self.to(server), *options, "-f", "json").results[0]
        self.assertIn(words, result["message"])

    @rows([("v6", ["tls://[::1]:1", "-4"], "::1 is not an IPv4 address."), ("v4", ["tls://127.0.0.1:1", "-6"], "127.0.0.1 is not an IPv6 address."),
           ("resolve", ["tls://a.example:1", "-6", "--resolve", "a.example:1:127.0.0.1"], "127.0.0.1 is not an IPv6 address.")])  # fmt: skip
    def no_address(self, _, arguments, words):
        result = self.one("check", *arguments, status="fail", code="dns.nodata")
        self.assertEqual(result["message"], "There is no address to connect to: " + words)

    def test_print(self):
        done = kedge.run(*self.to("good"), "--print", "{id} {code} {tls.version} {chain.0.key} {stage}|{values}|{{{status}}}\\t\\n")
        self.assertEqual((done.status, done.out, done.err), (0, f"{kedge.AVS}:443/auto ok TLSv1.2 RSA 2048 ||{{ok}}\t\n", ""))

    def test_print_beside_a_file(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        done = kedge.run(*self.to("expired"), "--print", "{timings_ms.total} {path} {target}\\n", "-f", f"json:{folder}/json", "-q")
        with open(f"{folder}/json", encoding="utf-8") as file:
            result = json.load(file)["results"][0]
        total, path, target = done.out.split(" ")
        self.assertEqual((float(total), json.loads(path), json.loads(target)), (result["timings_ms"]["total"], result["path"], result["target"]))
        self.assertEqual(done.status, 1)

    def test_print_is_safe_on_a_terminal(self):
        """One line a check, whatever the peer says (kedge.run looks for what a terminal obeys)."""
        done = kedge.run(*self.to("hostile"), *self.to("http")[1:], "--print", "{message} {remedy} {chain} {warnings} {verdicts} {http.body}\\n")
        self.assertEqual(done.out.count("\n"), 2, str(done))


if __name__ == "__main__":
    unittest.main()
