"""kedge in shells, pipes and poor surroundings: what is printed where, exit statuses, limits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

SHELLS = {"busybox ash": ["busybox", "ash"], "dash": ["dash"], "bash": ["bash", "--norc"]}


class Shell(kedge.Test):
    parts = ("nginx", "dns", "peers")

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        port = self.lab.port
        self.good = f"{kedge.AVS} --trust {self.anchors} --connect-to ::127.0.0.1:{port['good']}"
        self.refused_target = f"tls://127.0.0.1:{port['refused']}"
        self.silent_target = f"tls://127.0.0.1:{port['silent']}"

    def sh(self, script, *, shell=("sh",), wrapper=(), env=None, **options):
        """Runs a line of shell in which `kedge` is kedge: (what it printed, what it said)."""
        env = kedge.environment() if env is None else env
        script = f'kedge() {{ "{kedge.KEDGE}" "$@"; }}\n{script}'
        done = subprocess.run(
            [*wrapper, *shell, "-c", script], capture_output=True, text=True, check=False, env=env, timeout=kedge.GUARD, **options
        )
        kedge.check_safe(done.stdout, done.stderr)
        return done.stdout, done.stderr

    def status(self, script, **options):
        out, err = self.sh(f"{script} >/dev/null; echo $?", **options)
        return int(out.splitlines()[-1]), err

    def rooted(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for name spaces of its own")

    def test_no_colour_and_no_progress_in_a_pipe(self):
        out, err = self.sh(f"kedge check --timeout 0.5 {self.silent_target} {self.refused_target} | cat")
        self.assertIn("tcp.refused", out)
        self.assertEqual(err, "")
        for mark in ("\x1b", "\r"):
            self.assertNotIn(mark, out + err)

    def test_a_reader_that_leaves_is_no_fault(self):
        """More is written than a pipe holds, so that kedge notices."""
        targets = " ".join([self.refused_target] * 300)
        for options in ("", "-f jsonl", "-f json -j 1", "-f tap", "-f csv"):
            out, err = self.sh(f"kedge check {options} {targets} | head -n 1")
            self.assertEqual((out.count("\n"), err), (1, ""), options)

    def test_help_to_a_reader_that_leaves(self):
        for words in ("help", "help check", "list", "--version"):
            out, err = self.sh(f"{{ kedge {words}; echo $? >&2; }} | true")
            self.assertEqual((out, err), ("", "0\n"), words)

    @rows([
        # word, arguments, exit status, what it says
        ("good", "check {good}", 0, ""),
        ("failed", "check {refused}", 4, ""),
        ("several formats", "check {refused} -f json:/dev/null", 4, ""),
        ("usage", "check", 2, "TARGET"),
        ("file", "check @/nonexistent", 3, "/nonexistent"),
    ])  # fmt: skip
    def quiet(self, _, arguments, status, says):
        arguments = arguments.format(good=self.good, refused=self.refused_target)
        out, err = self.sh(f"kedge -q {arguments}; echo $?")
        self.assertEqual(out, f"{status}\n")
        self.assertIn(says, err)
        self.assertEqual(err.count("\n"), 1 if says else 0, err)

    @rows([
        # word, redirections, exit status
        ("standard input", "<&-", 0),
        ("standard output", ">&-", 0),
        ("standard error", "2>&-", 0),
        ("input and error", "<&- 2>&-", 0),
        ("all", "<&- >&- 2>&-", 0),
    ])  # fmt: skip
    def closed(self, _, redirections, status):
        out, _ = self.sh(f"kedge check {self.good} {redirections}; echo status $?")
        self.assertIn(f"status {status}\n", out)

    def test_a_closed_input_that_is_to_be_read(self):
        status, err = self.status("kedge check @- <&-")
        self.assertEqual((status, err.count("\n")), (2, 1), err)

    def test_without_an_environment(self):
        out, err = self.sh(f"env -i {kedge.KEDGE} check {self.good}; echo status $?", env={"PATH": "/usr/bin:/bin"})
        self.assertIn("status 0\n", out)
        self.assertEqual(err, "")

    @rows([(name,) for name in SHELLS])
    def from_shell(self, name):
        shell = SHELLS[name]
        if not shutil.which(shell[0]):
            self.skipTest(f"{shell[0]} is not installed")
        script = (
            f'kedge check {self.good} >/dev/null && echo good; kedge check {self.refused_target} >/dev/null || echo "bad $?";'
            f' n=$(kedge check {self.refused_target} {self.refused_target} -f jsonl | wc -l); echo "$((n))";'
            f" echo {self.refused_target} | kedge check @- -f jsonl | while read -r line; do echo one; done"
        )
        self.assertEqual(self.sh(script, shell=shell), ("good\nbad 4\n2\none\n", ""))

    def test_on_a_read_only_file_system(self):
        self.rooted()
        script = f"mount --make-rprivate / && mount -o remount,bind,ro / && touch {self.folder}/x; kedge check {self.good}; echo status $?"
        out, err = self.sh(script, wrapper=["unshare", "-m"])
        self.assertIn("status 0\n", out)
        self.assertIn("Read-only file system", err, "the test's own touch has to fail")
        self.assertEqual(err.count("\n"), 1, err)
        out, err = self.sh(f"mount --make-rprivate / && mount -o remount,bind,ro / && kedge check {self.good} -f json:{self.folder}/x; echo $?",
                           wrapper=["unshare", "-m"])  # fmt: skip
        self.assertEqual(out, "3\n")
        self.assertRegex(err, rf"^kedge: {self.folder}/x cannot be written: Read-only file system\n$")

    def test_without_proc(self):
        self.rooted()
        if kedge.SANITIZED:
            self.skipTest("the sanitizers need /proc")
        script = f"mount --make-rprivate / && umount -l /proc && ls /proc && kedge check {self.good} -f text -f json:{self.folder}/x; echo status $?"
        out, err = self.sh(script, wrapper=["unshare", "-m"])
        self.assertIn("status 0\n", out)
        self.assertEqual(err, "")
        with open(os.path.join(self.folder, "x"), encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)

    def limited(self, limits, *arguments, stdin=""):
        """Runs kedge as a user for whom the limits count, with the default of -j."""
        self.rooted()
        program = shutil.copy(kedge.KEDGE, self.folder)
        os.chmod(self.folder, 0o755)
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "prlimit", *limits, program, *arguments],
            input=stdin, capture_output=True, text=True, check=False, env=kedge.environment(), timeout=kedge.GUARD,
        )  # fmt: skip
        kedge.check_safe(done.stdout, done.stderr)
        return done

    def codes(self, done):
        return [json.loads(line)["code"] for line in done.stdout.splitlines()]

    def test_32_processes_and_64_descriptors(self):
        """Says that it lowers -j; no check fails for want of a descriptor, though names are looked up for each."""
        targets = f"{self.refused_target}\ngood.lab.test:{self.lab.port['refused']}\n" * 200
        done = self.limited(["--nproc=32", "--nofile=64"], "check", "@-", "-f", "jsonl", "--trust", "ats", "--dns", self.lab.dns,
                            stdin=targets)  # fmt: skip
        self.assertRegex(done.stderr, r"^kedge: the limit of open files allows \d+ checks at once, not 64: -j is lowered[^\n]*\n$")
        self.assertEqual(self.codes(done), ["tcp.refused"] * 400)
        self.assertEqual(done.returncode, 4)

    def test_64_descriptors_are_enough_for_few_checks(self):
        done = self.limited(["--nofile=64"], "check", *[self.refused_target] * 8, "-f", "jsonl", "--trust", "ats")
        self.assertEqual((done.stderr, self.codes(done)), ("", ["tcp.refused"] * 8))

    def test_a_soft_limit_is_raised(self):
        done = self.limited(["--nofile=32:4096"], "check", *[self.refused_target] * 100, "-f", "jsonl", "--trust", "ats")
        self.assertEqual((done.stderr, self.codes(done)), ("", ["tcp.refused"] * 100))

    def test_16_descriptors_and_checks_that_wait(self):
        """More addresses to try than there are descriptors: an attempt waits for one instead of failing."""
        targets = [f"tls://127.0.0.1:{self.lab.port['silent']}"] * 12
        done = self.limited(["--nofile=16"], "check", *targets, "--timeout", "0.3", "-f", "jsonl", "--trust", "ats")
        self.assertEqual(self.codes(done), ["tls.timeout"] * 12, done.stderr)

    def test_no_descriptor_at_all(self):
        done = self.limited(["--nofile=5"], "check", self.refused_target, "-f", "jsonl", "--trust", "ats")
        self.assertIn("open files", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(self.codes(done), ["local.limit"])

    @rows([
        # word, command line, exit status
        ("all ok", "check {good}", 0),
        ("a list", "list", 0),
        ("a check failed", "check {silent} --timeout 0.3 {refused}", 1),
        ("usage", "check --timeout", 2),
        ("unknown command", "chekc", 2),
        ("no command", "", 2),
        ("a source that isn't there", "check a.test --trust /nonexistent/x", 3),
        ("a list with a bad line", "check @{folder}/list", 3),
        ("a script that fails", "-e 'error(1)'", 3),
        ("nothing could be tested", "check {refused}", 4),
        ("changes are pending", "sdk-config {folder}/config.json --region eu", 5),
    ])  # fmt: skip
    def exit_status(self, _, line, status):
        with open(os.path.join(self.folder, "list"), "w", encoding="ascii") as file:
            file.write(f"{self.refused_target}\nnot a target\n")
        with open(os.path.join(self.folder, "config.json"), "w", encoding="ascii") as file:
            file.write('{ "sampleApp": {} }\n')
        line = line.format(good=self.good, refused=self.refused_target, silent=self.silent_target, folder=self.folder)
        self.assertEqual(self.status(f"kedge {line}")[0], status)

    @rows([("interrupted", signal.SIGINT, 130), ("terminated", signal.SIGTERM, 143)])
    def exit_status_when(self, _, number, status):
        """It dies by the signal, of which a shell makes this number. The shell itself gets none, and goes on."""
        peer = self.lab.peers["silent"]
        before = len(peer.conversations)
        script = f"{kedge.KEDGE} check {self.silent_target} --timeout {kedge.GUARD}; echo $?"
        shell = subprocess.Popen(
            ["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kedge.environment(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        self.addCleanup(kedge.stop, shell)
        peer.wait_for(lambda: len(peer.conversations) > before and peer.conversations[-1].received)
        pid = subprocess.run(["pgrep", "-P", str(shell.pid)], capture_output=True, text=True, check=True).stdout
        os.kill(int(pid), number)
        out, _ = shell.communicate(timeout=kedge.GUARD)
        self.assertEqual(out.splitlines()[-1], str(status))


if __name__ == "__main__":
    unittest.main()
