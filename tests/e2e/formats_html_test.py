"""-f html: what a reader finds is what -f json says; nothing of a peer's is obeyed; the page loads nothing, and can be used by
keyboard, by screen reader, on a phone and on paper. Read by Python's html.parser, tidy, and Chromium where it is installed."""

import collections
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from formats_test import clean, flat, render, text_of, tool

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)
VOID = {"meta", "input", "br"}
TAGS = set(
    "html head meta title style body a header h1 h2 h3 h4 p nav ul li main section table thead tbody tfoot tr th td svg rect dl dt dd article "
    "fieldset legend label input details summary span bdi b code pre ins del div footer".split()
)


class Node:
    """An element: its name, its attributes, what is in it (nodes and text)."""

    def __init__(self, tag, attributes=(), parent=None):
        self.tag, self.attributes, self.parent, self.inner = tag, dict(attributes), parent, []

    @property
    def text(self):
        return "".join(inner if isinstance(inner, str) else inner.text for inner in self.inner)

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()

    @property
    def children(self):
        return [inner for inner in self.inner if isinstance(inner, Node)]

    def all(self, tag=None, class_=None):
        for child in self.children:
            if (tag is None or child.tag == tag) and (class_ is None or class_ in child.classes):
                yield child
            yield from child.all(tag, class_)

    def first(self, tag=None, class_=None):
        return next(self.all(tag, class_), None)


class Reader(html.parser.HTMLParser):
    """The document as a tree; each element has to be closed where it should."""

    def __init__(self, text):
        super().__init__()
        self.root = self.at = Node("document")
        self.feed(text)
        self.close()
        assert self.at is self.root, f"<{self.at.tag}> is not closed"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        node = Node(tag, attrs, self.at)
        self.at.inner.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag, attrs):
        self.at.inner.append(Node(tag, attrs, self.at))

    def handle_endtag(self, tag):
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.inner.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


class Html(kedge.Test):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        render(cls.folder, formats=["html"])
        with open(f"{cls.folder}/json", encoding="utf-8") as file:
            cls.report = json.load(file)
        with open(f"{cls.folder}/html", encoding="utf-8", newline="") as file:
            cls.text = file.read()
        cls.page = Reader(cls.text).root
        cls.checks = list(cls.page.all("details", "check"))

    def pairs(self):
        self.assertEqual(len(self.checks), len(self.report["results"]))
        return zip(self.checks, self.report["results"])

    def fields(self, table):
        return [(row.first("th").text, row.first("td").text) for row in table.first("tbody").all("tr")]

    def test_all_fields(self):
        """The table of each check is json's result, field by field and in its order."""
        for check, result in self.pairs():
            found = self.fields(check.first("details", "all").first("table"))
            expected = flat(result)
            self.assertEqual([name for name, _ in found], [clean(name) for name in expected])
            for (name, text), value in zip(found, expected.values()):
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    self.assertEqual(float(text), value, name)
                else:
                    self.assertEqual(text, text_of(value), name)

    def test_rows(self):
        words = {"ok": "\u2713 ok", "warn": "! warning", "fail": "\u2717 failed", "skip": "\u2013 skipped"}
        for place, (check, result) in enumerate(self.pairs(), 1):
            row, body = check.children[0], check.children[1]
            self.assertEqual((row.tag, body.attributes["id"]), ("summary", f"r{place}"))
            self.assertIn(result["status"], check.classes)
            self.assertEqual(row.first("span", "mark").text, words[result["status"]])
            name = clean(result["id"]) + "".join(f", {key} {result[key]}" for key in ("line", "run") if key in result)
            self.assertEqual(row.first("span", "name").text, name)
            code = row.first("span", "code")
            self.assertEqual(code and code.text, clean(result["code"]) if result["code"] != "ok" else None)
            self.assertEqual(body.children[0].text, clean(result["message"]))
            remedy = body.first("p", "remedy")
            self.assertEqual(remedy and remedy.text, "Remedy: " + clean(result["remedy"]) if result["remedy"] else None)
            total = result.get("timings_ms", {}).get("total")
            time = row.first("span", "time")
            self.assertEqual(bool(time), total is not None)
            if time:
                self.assertAlmostEqual(float(time.text.split()[0]) * (1 if time.text.endswith(" ms") else 1000), total, 1)

    def test_waterfall(self):
        for check, result in self.pairs():
            timings = dict(result.get("timings_ms", {}))
            total = timings.pop("total", 0)
            stages = {name: timings[name] for name in ("dns", "tcp", "tls", "h2", "http") if name in timings}
            table = check.first("table", "stages")
            self.assertEqual(bool(table), bool(stages))
            if not table:
                continue
            rows = list(table.first("tbody").all("tr"))
            self.assertEqual([row.first("th").inner[0].strip() for row in rows], list(stages))
            at, scale = 0, max(total, sum(stages.values()))
            for row, (name, ms) in zip(rows, stages.items()):
                self.assertEqual(float(row.first("td", "time").text.removesuffix(" ms")), ms)
                rect = row.first("rect", name).attributes
                self.assertAlmostEqual(float(rect["x"]), at / scale * 1000, delta=0.06)
                self.assertAlmostEqual(float(rect["width"]), max(1, ms / scale * 1000), delta=0.06)
                at += ms
            self.assertEqual(float(table.first("tfoot").first("td").text.removesuffix(" ms")), total)
            bars = [rect.attributes["class"] for rect in check.children[0].all("rect")]
            self.assertEqual(bars, list(stages))

    def test_where_it_stopped(self):
        ends = {"trust": "tls", "alpn": "tls", "proxy": "tcp"}
        for check, result in self.pairs():
            marked = [row.first("th").inner[0].strip() for row in check.all("tr") if row.first("b")]
            stage = ends.get(result["stage"], result["stage"])
            self.assertEqual(marked, [stage] if stage in result.get("timings_ms", {}) else [])

    def tree(self, node):
        """Nested lists of (subject, class) as nested tuples."""
        return [
            (item.first("b").text, [word for word in item.first("div").classes if word != "certificate"][0],
             self.tree(item.children[1]) if len(item.children) > 1 else [])
            for item in node.children
        ]  # fmt: skip

    def test_tree_of_certificates(self):
        for check, result in self.pairs():
            trees = list(check.all("ul", "tree"))
            self.assertEqual(len(trees), 1 if "chain" in result else 0)
            if not trees:
                continue
            subjects = [clean(c.get("subject", "A certificate that cannot be read")) for c in result["chain"]]
            shown = [node.text for node in trees[0].all("b")]
            for subject in subjects:
                self.assertIn(subject, shown)
            if result["id"] == "hostile/controls":
                anchor = clean(result["anchor"]["subject"])
                path = (anchor, "good", [("CN=authority", "good", [(subjects[0], "good", [])])])
                unused = ("CN=CN=not needed", "absent", [("CN=not needed", "bad", [])])
                self.assertEqual(self.tree(trees[0]), [path, unused])
                self.assertIn("expired 3 days ago", trees[0].text)
            if result["id"] == "expired":
                self.assertEqual([row[1] for row in self.tree(trees[0])], ["absent", "absent", "bad"])

    def test_summary_and_causes(self):
        summary = self.report["summary"]
        counts = self.page.first("table", "counts")
        self.assertEqual([int(cell.text) for cell in counts.all("td")], [summary[k] for k in ("total", "ok", "warn", "fail", "skip")])
        self.assertEqual(self.page.first("p", "verdict").text, f"{summary['fail']} of {summary['total']} checks failed")
        shares = self.page.first("svg", "shares")
        self.assertEqual(shares.attributes["aria-label"],
                         ", ".join(f"{summary[k]} {w}" for k, w in (("fail", "failed"), ("warn", "with warnings"), ("ok", "ok"), ("skip", "skipped"))))  # fmt: skip
        self.assertAlmostEqual(sum(float(rect.attributes["width"]) for rect in shares.all("rect")), 1000, delta=1)
        causes = {cause.first("code").text: cause for cause in self.page.all("article", "cause")}
        self.assertEqual(causes.keys(), {clean(r["cause"]) for r in self.report["results"] if r["cause"]})
        ids = {f"#r{place}": clean(result["id"]) for place, result in enumerate(self.report["results"], 1)}
        for link in [link for cause in causes.values() for link in cause.all("a")]:
            name = re.sub(r" \((line|run) \d\)", "", link.text)
            self.assertEqual(ids[link.attributes["href"]], name)

    def test_own_data(self):
        whole = next(check for check, result in self.pairs() if result["id"] == "hostile/quotes")
        found = dict(self.fields(next(table for table in whole.all("table", "fields"))))
        text = r""""double" 'single' `back` ''two'' \end\ """.strip()
        self.assertEqual(found["countries"], f"Brazil, {text}")
        self.assertEqual((found["depth_ms"], found["wait.d"], found["on"], found["note"]), ("1.5", "2", "true", text))

    def test_nothing_of_a_peers_is_obeyed(self):
        tags = {node.tag for node in self.page.all()}
        self.assertLessEqual(tags, TAGS)
        kedge.check_safe(self.text, "")
        for node in self.page.all():
            for name, value in node.attributes.items():
                self.assertNotRegex(name, "^on|style$|srcdoc")
                self.assertNotRegex(value or "", "example|touch|SUM|cmd", "a peer's text in an attribute")

    def test_nothing_is_loaded(self):
        for node in self.page.all():
            self.assertFalse({"src", "srcset", "data", "action", "background", "poster"} & node.attributes.keys())
            self.assertTrue(node.attributes.get("href", "#").startswith("#"))
        style = self.page.first("style").text
        self.assertNotRegex(style, r"url\(|@import|expression|@font-face")
        policy = next(n for n in self.page.all("meta") if n.attributes.get("http-equiv") == "Content-Security-Policy")
        self.assertIn("default-src 'none'", policy.attributes["content"])

    def test_for_screen_readers(self):
        page = self.page
        self.assertEqual(page.first("html").attributes["lang"], "en")
        self.assertTrue(page.first("title").text.startswith("kedge every: "))
        for landmark in ("header", "nav", "main", "footer"):
            self.assertEqual(len(list(page.all(landmark))), 1, landmark)
        ids = collections.Counter(node.attributes["id"] for node in page.all() if "id" in node.attributes)
        self.assertEqual([name for name, count in ids.items() if count > 1], [])
        level = 0
        for node in page.all():
            now = int(node.tag[1]) if re.fullmatch("h[1-6]", node.tag) else int(node.attributes.get("aria-level", 0))
            if now:
                self.assertLessEqual(now, level + 1, f"{node.text}: a level is left out")
                level = now
            for name in ("aria-labelledby", "href"):
                if name in node.attributes:
                    self.assertIn(node.attributes[name].removeprefix("#"), ids)
            if node.tag == "th":
                self.assertIn(node.attributes.get("scope"), ("row", "col"))
            if node.tag == "svg":
                self.assertTrue(node.attributes.get("aria-hidden") == "true" or node.attributes.get("aria-label"))
            if node.tag == "input":
                self.assertEqual(node.parent.tag, "label")
            if node.tag == "details":
                self.assertEqual(node.children[0].tag, "summary")
            if node.tag == "section":
                self.assertIn("aria-labelledby", node.attributes)

    def test_contrast(self):
        """Each colour of text on what it stands on, light and dark: 4.5 to 1 (WCAG 2 AA); of bars 3 to 1."""
        style = self.page.first("style").text
        palettes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
        self.assertEqual(len(palettes), 2)

        def light(colour):
            parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
            parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

        for palette in palettes:
            for wanted, names in ((4.5, "text dim link ok warn fail skip"), (3, "dns tcp tls h2 http rest")):
                for name in names.split():
                    for back in ("back", "panel"):
                        low, high = sorted((light(palette[name]), light(palette[back])))
                        self.assertGreaterEqual((high + 0.05) / (low + 0.05), wanted, (name, back, palette[name]))

    def test_tidy(self):
        done = subprocess.run(["tidy", "-quiet", "-errors", "-utf8", f"{self.folder}/html"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def small(self, *options):
        folder = tempfile.mkdtemp(dir=self.folder)
        render(folder, *options, formats=["html"])
        with open(f"{folder}/html", encoding="utf-8") as file:
            return folder, Reader(file.read()).root

    @kedge.rows([
        ("nothing", "only=none", "Nothing was checked", "skip"), ("good", "only=ok", "{ok} checks, all of them ok", "ok"),
        ("warnings", "only=ok,warn", "{warn} of {total} checks with warnings, none failed", "warn"),
        ("skipped", "only=skip", "{skip} checks skipped", "skip"),
    ])  # fmt: skip
    def verdict(self, _, option, sentence, status):
        folder, page = self.small(option)
        with open(f"{folder}/json", encoding="utf-8") as file:
            summary = json.load(file)["summary"]
        self.assertEqual(page.first("p", "verdict").text, sentence.format(**summary))
        self.assertEqual(page.first("header").attributes["class"], status)
        tool("tidy", "-quiet", "-errors", "-utf8", f"{folder}/html")

    def test_two_thousand_results(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        render(folder, "times=18", formats=["html"])
        with open(f"{folder}/html", encoding="utf-8") as file:
            text = file.read()
        self.assertGreaterEqual(text.count('<details class="check '), 2000)
        self.assertNotRegex(text, "<details[^>]* open")
        tool("tidy", "-quiet", "-errors", "-utf8", f"{folder}/html")


# What the page is asked in the browser; the answer is written into its title.
ASK = """
<script>
addEventListener("load", () => {
  const shown = (query) => [...document.querySelectorAll(query)].filter((e) => e.checkVisibility()).length;
  const answer = { width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth,
    dark: getComputedStyle(document.body).backgroundColor, all: shown(".check") };
  answer.wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
    && e.checkVisibility() && !e.closest(".skip-link, pre, svg")).map((e) => e.tagName + "." + e.className).slice(0, 5);
  const choice = document.querySelector("#show-fail");
  choice.click();
  answer.failed = shown(".check");
  document.querySelector("#show-all").click();
  document.querySelectorAll("details").forEach((e) => { e.open = false; });
  answer.closed = shown(".body");
  const link = document.querySelector(".cause a");
  link.click();
  setTimeout(() => {
    answer.opened = document.querySelector(link.getAttribute("href")).checkVisibility();
    document.title = "ANSWER" + JSON.stringify(answer) + "END";
  }, 0);
});
</script>
"""


class Browser(kedge.Test):
    """In headless Chromium, where it is installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        render(cls.folder, formats=["html"])
        with open(f"{cls.folder}/html", encoding="utf-8") as file:
            text = file.read()
        with open(f"{cls.folder}/json", encoding="utf-8") as file:
            cls.summary = json.load(file)["summary"]
        cls.opened = f"{cls.folder}/opened.html"
        text = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</main>", "</main>" + ASK)
        with open(cls.opened, "w", encoding="utf-8") as file:
            file.write(text.replace('<details class="check fail">', '<details class="check fail" open>'))

    def setUp(self):
        if not CHROMIUM:
            self.skipTest("chromium is not installed")

    def chromium(self, *options):
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={self.folder}/profile",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000", *options],
            capture_output=True, check=False, timeout=kedge.GUARD, env={"PATH": os.environ["PATH"], "HOME": self.folder},
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        return done.stdout.decode()

    @kedge.rows([("phone", 360, False), ("desk", 1280, False), ("dark", 1280, True)])
    def browser(self, _, width, is_dark):
        dark = ["--blink-settings=preferredColorScheme=0"] if is_dark else []
        said = self.chromium(f"--window-size={width},900", *dark, "--dump-dom", f"file://{self.opened}")
        answer = json.loads(re.search("<title>ANSWER(.*)END</title>", said)[1].replace("&amp;", "&"))
        self.assertEqual(answer["width"], width)
        self.assertEqual((answer["overflow"], answer["wide"]), (0, []), "the page is wider than its window")
        self.assertEqual((answer["all"], answer["failed"]), (self.summary["total"], self.summary["fail"]))
        self.assertEqual((answer["closed"], answer["opened"]), (0, True), "a link from a cause opens its check")
        self.assertEqual(answer["dark"] == "rgb(255, 255, 255)", not is_dark)

    def test_on_paper(self):
        paper = f"{self.folder}/paper.pdf"
        self.chromium("--no-pdf-header-footer", "--blink-settings=preferredColorScheme=0", f"--print-to-pdf={paper}", f"file://{self.folder}/html")
        with open(paper, "rb") as file:
            self.assertGreater(len(re.findall(rb"/Type\s*/Page\b", file.read())), 1)


if __name__ == "__main__":
    unittest.main()
