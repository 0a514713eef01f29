"""Every fenced block of every *.md is run, and what it prints compared with what stands there. See README.md beside this file."""

import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import junitparser
import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import lab
import peer
import store

DOCUMENTS = sorted(
    os.path.relpath(path, kedge.ROOT)
    for path in glob.glob(f"{kedge.ROOT}/**/*.md", recursive=True)
    if not os.path.relpath(path, kedge.ROOT).startswith("build/")
)
PROMTOOL = shutil.which("promtool") or os.path.join(kedge.ROOT, "build/prometheus/usr/bin/promtool")

# What a guide's hosts are in the lab: host, port, and a server of the lab; the first that fits counts.
HOSTS = [
    ("old.example.org", "", "expired"), ("down.example.org", "", "refused"), ("mqtt.example.org", 8883, "mqtt"),
    ("mail.example.org", 25, "smtp"), ("events.example.org", 443, "slow"), ("example.org", 443, "healthy"), ("", "", "good"),
]  # fmt: skip

WRAPPER = """#!/bin/sh
# kedge as guides call it: their hosts are servers of the lab.
case $1 in
new|help|list|ca-audit|sdk-config|ca-update) exec "$KEDGE" "$@" ;;
*) exec "$KEDGE" {options} "$@" ;;
esac
"""

END = "\x01"


class Block:
    """A fenced block: its language, the name of the file it is, its text; what the comment in front of it says."""

    def __init__(self, document, line, info, text, comment):
        self.place = f"{document}:{line}"
        self.language, _, self.name = info.partition(" ")
        self.text, self.comment = text, comment

    def commands(self):
        """[(command, what it reads, what it prints)] of a console. Behind `$ ` stands a command, behind `> ` more of it, or what
        a prompt is told."""
        found = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], [], []))
            elif line.startswith("> ") and found and found[-1][0][0] == "kedge -i":
                found[-1][1].append(line[2:])
            elif line.startswith("> ") and found and not found[-1][2]:
                found[-1][0].append(line[2:])
            elif found:
                found[-1][2].append(line)
            else:
                raise AssertionError(f"{self.place}: a console begins with '$ '")
        return [("\n".join(command), "".join(f"{line}\n" for line in told), "\n".join(printed)) for command, told, printed in found]


def blocks(document):
    found, fence, comment = [], None, ""
    with open(os.path.join(kedge.ROOT, document), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        if fence is None and line.startswith("```"):
            fence = (number, line[3:].strip(), [])
        elif fence is not None and line == "```":
            found.append(Block(document, fence[0], fence[1], "".join(f"{one}\n" for one in fence[2]), comment))
            fence, comment = None, ""
        elif fence is not None:
            fence[2].append(line)
        elif line.strip():
            comment = line if line.startswith("<!--") else ""
    assert fence is None, f"{document}: a block is never closed"
    return found


def indented(document):
    """Lines that stand as code by their indentation, outside of fences and lists."""
    with open(os.path.join(kedge.ROOT, document), encoding="utf-8") as file:
        text = re.sub(r"(?ms)^```.*?^```$", "", file.read())
    for part in re.findall(r"(?m)(?:^\n|\A)((?:^ {4}.*\n)+)", text):
        yield from (line.strip() for line in part.splitlines())


# What differs from run to run, or from machine to machine.
ALIKE = [
    (r"\S*/pki-[^/ ]*/", "LAB/"), (r"\b127\.0\.0\.1:\d{4,5}\b", "ADDRESS"),
    (r"Judged by the store[^$]*?(?=\d+ checks?: |\n\n|\Z)", "Judged by STORE\n"),
    (r"\b20\d\d-\d\d-\d\d(T[\d:]+Z?)?\b", "DATE"), (r"\b\d{10}\b", "TIME"), (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"(?<![\d./v])\d+\.\d+(e[-+]\d+)?(?![\d.])", "N"), (r"\b\d+(?= (days|authorities|after|ms)\b)", "N"),
    (r"\(N m?s\)", "(TIME)"), (r"(\bdays'?=)\d+", r"\1N"), (r"@@ -\S+ \+\S+ @@", "@@"), (r"[ \t]+", " "), (r" +$", ""),
]  # fmt: skip


def alike(text):
    for pattern, replacement in ALIKE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip("\n")


def fits(expected, printed):
    """Are they alike? A line `...` of what is expected stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"(?m)^\.\.\.(?:\n|\Z)", alike(expected) + "\n")]
    return re.fullmatch("(?:.*\n)*".join(parts), alike(printed) + "\n") is not None


class Guides(kedge.Test):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(lab.Lab("nginx", "peers", "mqtt"))
        cls.anchors = cls.lab.file("anchors.bundle.pem")
        cls.lab.port["smtp"] = cls.enterClassContext(peer.Peer('send b"220 mail.example.org ESMTP\\r\\n"\nwait')).port
        cls.bin = cls.enterClassContext(tempfile.TemporaryDirectory())
        options = " ".join(f"--connect-to '{host}:{port}:127.0.0.1:{cls.lab.port[server]}'" for host, port, server in HOSTS)
        cls.program("kedge", WRAPPER.format(options=options))
        cls.program("sudo", '#!/bin/sh\nexec "$@"\n')
        os.symlink(PROMTOOL, f"{cls.bin}/promtool")

    @classmethod
    def program(cls, name, text):
        with open(f"{cls.bin}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{cls.bin}/{name}", 0o755)

    def shell(self, text, folder, **options):
        env = kedge.environment(
            PATH=f"{self.bin}:{os.environ['PATH']}:/usr/sbin:/sbin", KEDGE=kedge.KEDGE, HOME=folder,
            **({} if options else {"SSL_CERT_FILE": self.anchors}),
        )  # fmt: skip
        done = subprocess.run(["sh", "-c", text], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=kedge.GUARD, check=False, **options)  # fmt: skip
        return done.stdout.decode()

    # A console.

    def run_console(self, block, folder, **options):
        commands = block.commands()
        script = ""
        for command, told, _ in commands:
            command = re.sub(r"\S*build/lab/pki-[^/ ]*", lambda _: self.lab.pki, command)
            command = re.sub(r"127\.0\.0\.1:\d{4,5}", f"127.0.0.1:{self.lab.port['good']}", command)
            if told:
                command += f" <<'END OF WORDS'\n{told}END OF WORDS"
            script += f"{command}\n__status=$?; printf '{END}'; (exit $__status)\n"
        printed = self.shell(script, folder, **options).split(END)
        self.assertEqual(len(printed), len(commands) + 1, f"{block.place} ended early: {printed}")
        for (command, _, expected), got in zip(commands, printed):
            if not fits(expected, got):
                self.assertEqual(alike(expected), alike(got), f"{block.place}: $ {command}")
                self.fail(f"{block.place}: $ {command}\n{got}")

    @contextlib.contextmanager
    def a_device(self):
        """Options of a run on a device whose trust store is worn as README tells; laid over this system's, for it alone."""
        if store.cannot_mount():
            self.skipTest(f"no mount namespace here: {store.cannot_mount()}")
        with tempfile.TemporaryDirectory() as folder:
            tree = store.live(store.full(f"{folder}/tree"))
            lines = tree.read(store.CONF).decode().replace("\nmozilla/Amazon_Root_CA_1.crt", "\n!mozilla/Amazon_Root_CA_1.crt")
            tree.write(store.CONF, lines.replace("mozilla/Amazon_Root_CA_3.crt\n", "").rstrip("\n"))
            os.unlink(tree.at(f"{store.PACKAGE}/mozilla/Amazon_Root_CA_3.crt"))
            tree.write(store.CONF, tree.read(store.CONF) + b"\n")
            tree.update()
            tree.write(store.CONF, tree.read(store.CONF).rstrip(b"\n"))
            places = {path: tree.at(path) for path in ("/etc", store.PACKAGE, store.LOCAL, "/var/lib")}
            yield {"preexec_fn": lambda: store.mount_over(places)}

    def play_demo(self, block):
        """What `make demo` prints; its first line is the command, as it runs it."""
        done = subprocess.run([sys.executable, "tests/lab/lab.py", "demo", "./kedge"], cwd=kedge.ROOT, capture_output=True, text=True,
                              timeout=kedge.GUARD, check=False, env=kedge.environment())  # fmt: skip
        self.assertEqual(alike(block.text), alike(done.stdout), block.place)

    def play_console(self, block, folder):
        if block.comment.startswith("<!-- demo:"):
            return self.play_demo(block)
        if "a worn device" in block.comment:
            with self.a_device() as options:
                return self.run_console(block, folder, **options)
        if block.commands()[0][0].startswith("./kedge"):
            return self.run_console(block, kedge.ROOT, preexec_fn=lambda: None)  # the system's own store
        return self.run_console(block, folder)

    # Files.

    def check_file(self, block, folder):
        path = os.path.join(folder, block.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(block.text)
        for same in glob.glob(f"{kedge.ROOT}/scripts/examples/{block.name}"):
            with open(same, encoding="utf-8") as file:
                self.assertEqual(file.read(), block.text, f"{block.place} isn't {same}")
        ending = os.path.splitext(block.name)[1].lstrip(".")
        check = getattr(self, f"check_{ending}", None)
        if check:
            check(block, path, folder)
        return check is not None

    def steps(self, block, found, folder):
        """Runs the lines that a CI's file holds; the JUnit report that it hands over is there."""
        for line in found:
            words = self.shell(f"GITHUB_STEP_SUMMARY=summary.md\n{line}\necho status $?", folder)
            self.assertRegex(words, r"(?m)^status 0$", f"{block.place}: {line}")
        reports = re.findall(r"[\w./-]+\.xml", block.text)
        self.assertTrue(reports, block.place)
        for report in set(reports):
            self.assertGreater(len(list(junitparser.JUnitXml.fromfile(os.path.join(folder, report)))), 0, block.place)

    def check_yml(self, block, path, folder):
        document = yaml.safe_load(block.text)
        if "groups" in document:
            done = self.shell(f"promtool check rules {path}", folder)
            self.assertIn("SUCCESS", done, block.place)
            return
        jobs = document.get("jobs", document).values()
        found = [step["run"] for job in jobs for step in job.get("steps", []) if "run" in step]
        found += [line for job in jobs for line in job.get("script", [])]
        self.assertTrue(found, block.place)
        self.steps(block, found, folder)

    def unit(self, block, path, folder):
        """systemd takes the units, with a kedge where they say; and the command does what it has to."""
        verify = shutil.which("systemd-analyze")
        for line in re.findall(r"(?m)^ExecStart=(.*)$", block.text):
            line = line.replace("/usr/local/bin/kedge", "kedge").replace("/var/lib/prometheus/node-exporter", folder)
            words = self.shell(line, folder)
            self.assertEqual(words, "", f"{block.place}: {line}")
        if verify:
            root = f"{folder}/root"
            os.makedirs(f"{root}/usr/local/bin", exist_ok=True)
            shutil.copy("/bin/true", f"{root}/usr/local/bin/kedge")
            os.makedirs(f"{root}/etc/systemd/system", exist_ok=True)
            if not os.path.exists(f"{root}/lib"):
                shutil.copytree("/lib/systemd/system", f"{root}/lib/systemd/system", symlinks=True)
            shutil.copy(path, f"{root}/etc/systemd/system")
            words = subprocess.run(
                [verify, "verify", "--man=no", f"--root={root}", block.name], capture_output=True, text=True, check=False
            )
            about = [line for line in words.stderr.splitlines() if block.name in line]
            self.assertEqual(about, [], f"{block.place}: {words.stderr}")

    check_service = check_timer = unit

    def check_cfg(self, block, _, folder):
        """A command of Nagios': run with its macros in place."""
        command = re.search(r"(?m)^\s*command_line\s+(.*)$", block.text)[1].replace("/usr/local/bin/kedge", "kedge")
        for macro, value in (("$HOSTADDRESS$", "127.0.0.1"), ("$HOSTNAME$", "example.org"), ("$ARG1$", "example.org")):
            command = command.replace(macro, value)
        words = self.shell(f"{command}; echo $?", folder)
        self.assertRegex(words, r"\AKEDGE OK - .*\|(?s:.*)\n0\n\Z", block.place)

    # Documents.

    def test_every_block_is_one_that_can_be_run(self):
        for document in DOCUMENTS:
            for block in blocks(document):
                known = block.language == "console" and not block.name or block.language == "text" or block.name
                self.assertTrue(known, f"{block.place}: nothing runs a block of '{block.language}'")

    @kedge.rows([(document,) for document in DOCUMENTS if blocks(document)])
    def document(self, name):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        found = blocks(name)
        consoles = "\n".join(block.text for block in found if block.language == "console")
        for block in found:
            with self.subTest(block.place):
                if block.language == "console":
                    self.play_console(block, folder)
                elif block.name:
                    checked = self.check_file(block, folder)
                    self.assertTrue(checked or block.name in consoles, f"{block.place}: no command uses {block.name}")

    @kedge.rows([
        ("ini wrong.service", "[Service]\nType=oneshot\nExecStrt=/usr/local/bin/kedge\n"),
        ("ini option.service", "[Service]\nType=oneshot\nExecStart=/usr/local/bin/kedge check example.org -q --bogus\n"),
        ("ini wrong.timer", "[Timer]\nOnCalendar=*:0/99\n"),
        ("yaml rules.yml", "groups:\n- name: x\n  rules:\n  - alert: A\n    expr: a == == 1\n"),
        ("yaml fails.yml", "jobs:\n  a:\n    steps:\n    - run: kedge check old.example.org -f junit:t.xml\n"),
        ("yaml absent.yml", "t:\n  script: [kedge check example.org -f junit:t.xml]\n  artifacts: {reports: {junit: u.xml}}\n"),
        ("nagios fails.cfg", "define command {\n  command_line /usr/local/bin/kedge check old.example.org -f nagios\n}\n"),
        ("lua expiry.lua", "-- another one\n"),
        ("console", "$ kedge check example.org --print '{code}\\n'\nbad\n"),
        ("console early", "$ exit 3\n$ echo there\nthere\n"),
    ])  # fmt: skip
    def seen(self, info, text):
        """What is wrong in a block doesn't pass."""
        if "wrong" in info and not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        block = Block("x.md", 1, info.replace("console early", "console"), text, "")
        with tempfile.TemporaryDirectory() as folder, self.assertRaises((AssertionError, FileNotFoundError)):
            self.check_file(block, folder) if block.name else self.play_console(block, folder)

    def test_forms_of_commands(self):
        """Lines that stand indented show a command's forms: the command is there, and each option of its."""
        for document in DOCUMENTS:
            for line in indented(document):
                with self.subTest(f"{document}: {line}"):
                    self.form(document, line)

    def form(self, document, line):
        words = re.split(r" {2,}|\t", line)[0].removeprefix("sudo ").split()
        if words[0] == "make":
            with open(f"{kedge.ROOT}/Makefile", encoding="utf-8") as file:
                return self.assertIn(f"\n{words[1]}:", file.read())
        if words[0] not in ("kedge", "./kedge"):
            return self.assertEqual(document, "trust/README.md", line)
        told = kedge.run("help", words[1])
        self.assertEqual(told.status, 0, line)
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", " ".join(words[2:])):
            self.assertRegex(told.out, rf"(?m)^  (-\w, )?{option}\b", line)


class Comparing(unittest.TestCase):
    """The comparison can fail."""

    @staticmethod
    def block(text, info="console"):
        return Block("x.md", 1, info, textwrap.dedent(text), "")

    def test_what_differs_is_seen(self):
        self.assertTrue(fits("ok   a  h2   57.6 ms\n", "ok   a  h2   1.2 ms\n"))
        for other in ("ok   b  h2   57.6 ms", "FAIL a  h2   57.6 ms", "", "ok   a  h2   57.6 ms\nmore"):
            self.assertFalse(fits("ok   a  h2   57.6 ms", other), other)

    def test_lines_that_are_left_out(self):
        self.assertTrue(fits("a\n...\nz\n", "a\nb\nc\nz\n"))
        self.assertTrue(fits("a\n...\n", "a\nb\nc\n"))
        self.assertFalse(fits("a\n...\nz\n", "a\nb\nc\n"))

    def test_commands(self):
        block = self.block("$ one \\\n> two\nout\n> no command\n$ kedge -i\n> =1\n1\n")
        self.assertEqual(block.commands(), [("one \\\ntwo", "", "out\n> no command"), ("kedge -i", "=1\n", "1")])


if __name__ == "__main__":
    unittest.main()
