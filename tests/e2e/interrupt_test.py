"""SIGINT and SIGTERM: what is finished is reported, the rest is skipped, and kedge dies by the signal."""

import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

SIGNALS = [("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)]


class Interrupt(kedge.Test):
    parts = ("nginx", "peers")

    def start(self, *options, targets=("silent", "silent"), **keywords):
        """kedge checking one good server and silent ones; returns when the last silent one has been spoken to."""
        silent = self.lab.peers["silent"]
        before = len(silent.conversations)
        targets = [f"tls://127.0.0.1:{self.lab.port[name]}" for name in ("good", *targets)]
        process = kedge.start("check", *targets, "--trust", self.anchors, "--timeout", "100", *options, **keywords)
        self.addCleanup(kedge.stop, process)
        silent.wait_for(
            lambda: len(silent.conversations) == before + len(targets) - 1
            and all(talk.received for talk in silent.conversations[before:])
        )
        return process

    def finish(self, process):
        out, err = process.communicate(timeout=kedge.GUARD)
        return kedge.Run(process.returncode, out, err)

    @rows(SIGNALS)
    def dies_by(self, _, number):
        process = self.start("-f", "json")
        process.send_signal(number)
        done = self.finish(process)
        self.assertEqual(done.status, -number, str(done))
        self.assertEqual(done.report["summary"]["total"], 3)
        self.assertEqual([result["status"] for result in done.results][1:], ["skip", "skip"], str(done))

    @rows(SIGNALS)
    def finished_first(self, _, number):
        """The good one was reported as text before the signal: it is ok, and what follows is skipped."""
        process = self.start(stdout=kedge.subprocess.PIPE)
        first = process.stdout.readline()
        self.assertIn(b"127.0.0.1", first)
        process.send_signal(number)
        done = self.finish(process)
        self.assertEqual(done.status, -number, str(done))
        self.assertIn("skip", done.out)

    def test_what_is_queued_is_skipped_too(self):
        process = self.start("-f", "json", "-j", "2", targets=("silent", "silent"))
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.status, -signal.SIGINT)
        self.assertEqual(done.report["summary"]["total"], 3, str(done))

    @kedge.rows([
        # word, what waits
        ("sleep in a line of Lua", ["-e", "print('begun') kedge.sleep(1e6)"]),
        ("a store that never comes", ["-e", "print('begun') kedge.trust.load('{fifo}')"]),
    ])  # fmt: skip
    def ends(self, _, arguments):
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/fifo")
            process = kedge.start(*[word.format(fifo=f"{folder}/fifo") for word in arguments])
            self.addCleanup(kedge.stop, process)
            self.assertEqual(process.stdout.readline(), b"begun\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=kedge.GUARD), -signal.SIGINT)

    def test_what_is_ignored_stays_so(self):
        """As a shell starts a job in the background: Ctrl-C is not meant for it."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = self.start("-f", "json", targets=("silent",))
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        done = self.finish(process)
        self.assertEqual(done.status, -signal.SIGTERM, str(done))
        self.assertEqual(done.report["summary"]["total"], 2)

    def test_a_list_that_nobody_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/list")
            with kedge.start("check", f"@{folder}/list") as process:
                with open(f"{folder}/list", "wb", buffering=0):  # blocks until kedge has opened it
                    process.send_signal(signal.SIGINT)
                    self.assertEqual(self.finish(process).status, -signal.SIGINT)

    def test_a_report_file_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            process = self.start("-f", f"json:{folder}/out.json")
            process.send_signal(signal.SIGINT)
            self.finish(process)
            with open(f"{folder}/out.json", encoding="utf-8") as file:
                self.assertIn(kedge.validated(file.read())["summary"]["skip"], (2, 3))

    def test_a_second_signal_ends_it_at_once(self):
        """Standard output is a pipe that nobody reads, so that the report of the first signal can't be finished."""
        with tempfile.TemporaryDirectory() as folder:
            read, write = os.pipe()
            os.set_blocking(write, False)
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(write, b"." * 65536)
            os.set_blocking(write, True)
            process = self.start("-f", "text", "-f", f"json:{folder}/out.json", stdout=write)
            os.close(write)
            process.send_signal(signal.SIGINT)
            while process.poll() is None:  # the first may not have been seen yet: signals of one kind merge
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(0.05)
                except kedge.subprocess.TimeoutExpired:
                    continue
            os.close(read)
            self.assertEqual(process.returncode, -signal.SIGINT)
            self.assertEqual(os.listdir(folder), [], "no half-written file")

    def test_a_shell_loop_stops(self):
        """A shell goes on after `exit 130` but not after a death by SIGINT."""
        silent = self.lab.peers["silent"]
        before = len(silent.conversations)
        process = kedge.subprocess.Popen(
            ["bash", "-c", 'for i in 1 2 3; do "$@"; echo again; done', "bash", kedge.KEDGE, "check",
             f"tls://127.0.0.1:{self.lab.port['silent']}", "--timeout", "100"],
            env=kedge.environment(), stdin=kedge.subprocess.DEVNULL, stdout=kedge.subprocess.PIPE,
            stderr=kedge.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.addCleanup(kedge.stop, process)
        silent.wait_for(lambda: len(silent.conversations) > before and silent.conversations[-1].received)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=kedge.GUARD)
        self.assertEqual((process.returncode, out.count(b"again")), (-signal.SIGINT, 0), out)

    def test_standard_input_that_never_ends(self):
        silent = self.lab.peers["silent"]
        before = len(silent.conversations)
        process = kedge.start("check", "@-", "--timeout", "100", "-f", "json")
        self.addCleanup(kedge.stop, process)
        process.stdin.write(f"tls://127.0.0.1:{self.lab.port['silent']}\n".encode())
        process.stdin.flush()
        silent.wait_for(lambda: len(silent.conversations) > before and silent.conversations[-1].received)
        process.send_signal(signal.SIGTERM)
        process.wait(kedge.GUARD)
        done = self.finish(process)
        self.assertEqual((done.status, done.report["summary"]["skip"]), (-signal.SIGTERM, 1), str(done))

    def test_standard_input_without_a_target_yet(self):
        """What was interrupted may have had targets to come: it isn't said to hold none."""
        process = kedge.start("check", "@-", "--timeout", "100", "-f", "json")
        self.addCleanup(kedge.stop, process)
        process.stdin.write(b"two words\n")
        process.stdin.flush()
        self.assertIn(b"standard input:1", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        process.wait(kedge.GUARD)
        done = self.finish(process)
        self.assertEqual((done.status, done.err, done.results), (-signal.SIGTERM, "", []), str(done))


if __name__ == "__main__":
    unittest.main()
