"""Runs kedge for a test: every JSON report is validated, and whatever it prints is looked at for what must never be there."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lab"))

import jsonschema  # noqa: E402
import lab  # noqa: E402

KEDGE = os.path.abspath(os.environ.get("KEDGE") or os.path.join(ROOT, "kedge"))
KEDGE_LUA = os.path.abspath(os.environ.get("KEDGE_LUA") or os.path.join(ROOT, "build/kedge-lua"))
VARIANT = os.environ.get("KEDGE_VARIANT", "plain")
SANITIZED = VARIANT == "sanitized"
GUARD = 120  # seconds until a hung kedge is killed and the test fails; nothing is measured by it

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where `make check &` has it ignored

AVS = "alexa.na.gateway.devices.a2z.com"

# What a terminal would obey: control characters but newline (and tab), C1, direction marks.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@functools.cache
def validator():
    with open(os.path.join(ROOT, "tests/schema/report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    return jsonschema.validators.validator_for(schema)(schema)


def validated(text):
    """The JSON report in `text`, valid by the schema and consistent in itself."""
    report = json.loads(text)
    validator().validate(report)
    counted = {key: 0 for key in ("ok", "warn", "fail", "skip")}
    for result in report["results"]:
        counted[result["status"]] += 1
        total, stages = result.get("timings_ms", {}).get("total"), result.get("timings_ms", {})
        assert total is None or all(value is None or value >= 0 for value in stages.values()), stages
    assert report["summary"] == {"total": len(report["results"]), **counted}, report["summary"]
    return report


class Run:
    """How a run of kedge ended. `report` is there when its standard output is a JSON document."""

    def __init__(self, status, out, err):
        self.status, self.raw, self.err = status, out, err.decode(errors="backslashreplace")
        self.out = out.decode()  # kedge prints UTF-8, whatever the peers said
        self.report = validated(self.out) if self.out.startswith("{") else None
        check_safe(self.out, self.err)

    @property
    def results(self):
        return self.report["results"]

    def __str__(self):
        return f"status {self.status}\n{self.out[:3000]}\n--- stderr\n{self.err[:3000]}"


def check_safe(out, err):
    for text in (out, err):
        colourless = re.sub("\x1b\\[[0-9;]*m", "", text)
        found = UNSAFE.search(colourless)
        assert not found, f"unsafe character {found[0]!r} in {colourless[max(0, found.start() - 60) : found.end() + 20]!r}"
    for bad in ("stack traceback", "internal error", "AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert bad not in err, err


def environment(**extra):
    """What kedge is started with: nothing of the tester's own but how instrumented builds report."""
    kept_names = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_ERROR_FILE")
    kept = {key: value for key, value in os.environ.items() if key in kept_names}
    return {**kept, "TERM": "dumb", **extra}


def program(env):
    """What is run: kedge, or the tests' interpreter with kedge's program where a library is preloaded."""
    return [KEDGE_LUA, os.path.join(HERE, "cli.lua")] if "LD_PRELOAD" in (env or {}) else [KEDGE]


def run(*arguments, stdin="", env=None, **options):
    """Runs kedge with these arguments to its end."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    if "preexec_fn" not in options:
        options.setdefault("input", stdin.encode())
    done = subprocess.run(
        [*program(env), *map(str, arguments)], env=environment(**(env or {})), timeout=GUARD, check=False, **options
    )
    return Run(done.returncode, done.stdout or b"", done.stderr or b"")


def start(*arguments, env=None, **options):
    """Starts kedge; the caller waits for it (use it in a `with`, or add a cleanup)."""
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([KEDGE, *map(str, arguments)], env=environment(**(env or {})), **options)


def stop(process):
    """Cleanup for `start`: kills what is still there and closes the pipes."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def rows(table):
    """A test method that runs once for each row of the table: test_METHOD_WORD(self, *row), the word being the row's first value."""

    def mark(function):
        function.rows = table
        return function

    return mark


class Test(unittest.TestCase):
    """The base of all: expands `rows`, starts the lab that `parts` asks for, asserts about runs."""

    parts = None
    maxDiff = None

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        for name, function in list(vars(cls).items()):
            for row in getattr(function, "rows", ()):
                word = re.sub(r"\W+", "_", str(row[0]))
                assert not hasattr(cls, f"test_{name}_{word}"), f"two rows called {row[0]} of {name}"
                setattr(cls, f"test_{name}_{word}", functools.partialmethod(function, *row))

    @classmethod
    def setUpClass(cls):
        if cls.parts is not None:
            cls.lab = cls.enterClassContext(lab.Lab(*cls.parts))
            cls.anchors = cls.lab.file("anchors.bundle.pem")

    def shortDescription(self):
        """What TAP calls a test: its class, and its name in words."""
        return f"{type(self).__name__}: {self._testMethodName.removeprefix('test_').replace('_', ' ')}"

    def to(self, server, host=AVS, scheme="https", path=""):
        """Arguments that check `host` at one of the lab's servers, judged by the lab's anchors."""
        return [
            "check", f"{scheme}://{host}{path}", "--trust", self.anchors,
            "--connect-to", f"::127.0.0.1:{self.lab.port[server]}",
        ]  # fmt: skip

    def one(self, *arguments, status, code, exit_status=None, **options):
        """Runs one check with -f json; its status, code and kedge's exit status are as said. Gives the result."""
        done = run(*arguments, "-f", "json", **options)
        self.assertIsNotNone(done.report, str(done))
        self.assertEqual(len(done.results), 1, str(done))
        result = done.results[0]
        self.assertEqual((result["status"], result["code"]), (status, code), str(done))
        if exit_status is None:
            stage = code.split(".")[0]
            exit_status = 0 if status in ("ok", "warn") else 4 if stage in ("dns", "tcp", "proxy") else 1
        self.assertEqual(done.status, exit_status, str(done))
        if status == "fail":
            self.assertTrue(result["message"] and result["remedy"], str(done))
        return result

    def refused(self, *arguments, says, exit_status=2, **options):
        """Runs kedge; it does nothing but say one line on standard error that holds each of `says`."""
        done = run(*arguments, **options)
        self.assertEqual((done.status, done.out), (exit_status, ""), str(done))
        self.assertEqual(done.err.count("\n"), 1, done.err)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, done.err)
        return done
