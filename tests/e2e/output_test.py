"""Reports to standard output and files, descriptors that are closed or full, colour and width."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows


class Output(kedge.Test):
    parts = ("nginx", "peers")

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_several_at_once(self):
        done = kedge.run(*self.to("good"), "-f", "text", "-f", f"json:{self.path('a.json')}", "-f", f"text:{self.path('b.txt')}")
        self.assertEqual(done.status, 0, str(done))
        with open(self.path("a.json"), encoding="utf-8") as file:
            report = kedge.validated(file.read())
        self.assertEqual(report["summary"]["ok"], 1)
        with open(self.path("b.txt"), encoding="utf-8") as file:
            self.assertIn(kedge.AVS, file.read())
        self.assertIn(kedge.AVS, done.out)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.json", "b.txt"], "nothing is left beside")

    def test_only_a_file(self):
        done = kedge.run(*self.to("good"), "-f", f"json:{self.path('a.json')}")
        self.assertEqual((done.status, done.out), (0, ""), str(done))

    def test_a_file_is_replaced_when_the_new_one_is_whole(self):
        with open(self.path("a.json"), "w", encoding="utf-8") as file:
            file.write("old")
        os.chmod(self.path("a.json"), 0o640)
        process = kedge.start(*self.to("silent"), "--timeout", "60", "-f", f"json:{self.path('a.json')}", "-f", "text")
        self.addCleanup(kedge.stop, process)
        self.wait_for_connection("silent")
        with open(self.path("a.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")
        process.kill()
        process.wait()
        with open(self.path("a.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(kedge.run(*self.to("good"), "-f", f"json:{self.path('a.json')}").status, 0)
        with open(self.path("a.json"), encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)

    def wait_for_connection(self, server):
        """Until somebody has said something to the lab's peer; it is the one thing there is to wait for."""
        peer = self.lab.peers[server]
        peer.wait_for(lambda: peer.conversations and peer.conversations[-1].received)

    def test_a_full_file_system_leaves_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for a small file system")
        script = f'mount -t tmpfs -o size=4k none {self.folder} && "$@" -f json:{self.folder}/out.json; s=$?; ls -A {self.folder}; exit $s'
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", kedge.KEDGE, *self.to("good"), *["127.0.0.1"] * 9],
            capture_output=True, text=True, env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
        self.assertIn("out.json", done.stderr)
        self.assertIn("No space left", done.stderr)

    def test_a_file_beyond_the_limit_leaves_nothing(self):
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", kedge.KEDGE, *self.to("good"), "-f", f"json:{self.path('out.json')}"],
            capture_output=True, text=True, env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, os.listdir(self.folder)), (3, []), done.stderr)
        self.assertIn("File too large", done.stderr)

    def test_a_fifo_is_written_through(self):
        os.mkfifo(self.path("fifo"))
        process = kedge.start(*self.to("good"), "-f", f"json:{self.path('fifo')}")
        self.addCleanup(kedge.stop, process)
        with open(self.path("fifo"), encoding="utf-8") as fifo:
            self.assertEqual(kedge.validated(fifo.read())["summary"]["ok"], 1)
        self.assertEqual(process.wait(), 0)
        self.assertTrue(os.path.exists(self.path("fifo")))

    def test_dev_stderr(self):
        done = kedge.run(*self.to("good"), "-f", "text", "-f", "json:/dev/stderr")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(kedge.validated(done.err)["summary"]["ok"], 1)

    def test_a_link_to_a_file(self):
        os.symlink("real.json", self.path("link.json"))
        with open(self.path("real.json"), "w", encoding="utf-8") as file:
            file.write("old")
        self.assertEqual(kedge.run(*self.to("good"), "-f", f"json:{self.path('link.json')}").status, 0)
        self.assertTrue(os.path.islink(self.path("link.json")))
        with open(self.path("real.json"), encoding="utf-8") as file:
            kedge.validated(file.read())

    @rows([("good", "good", 0), ("bad", "expired", 1)])
    def closed_pipe(self, _, server, status):
        """A reader that is gone is no error: the status is that of the checks."""
        for options in (["-f", "text"], ["-f", "json"]):
            read, write = os.pipe()
            os.close(read)
            done = kedge.run(*self.to(server), *options, stdout=write)
            os.close(write)
            self.assertEqual((done.status, done.err), (status, ""), str(done))

    @rows([("text", ["-f", "text"]), ("json", ["-f", "json"]), ("list", None)])
    def full(self, _, options):
        with open("/dev/full", "wb") as full:
            arguments = ["list"] if options is None else [*self.to("good"), *options]
            done = kedge.run(*arguments, stdout=full)
        self.assertEqual(done.status, 3, str(done))
        self.assertIn("No space left", done.err)

    @rows([("0", [0]), ("1", [1]), ("2", [2]), ("0 1", [0, 1]), ("all", [0, 1, 2])])
    def closed(self, _, numbers):
        """No socket may become standard output: the report in a file is whole and the server got nothing but TLS."""
        output = self.path("out.json")
        redirect = " ".join(f"{n}<&-" if n == 0 else f"{n}>&-" for n in numbers)
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirect}', "sh", kedge.KEDGE, *self.to("good"), "-f", f"json:{output}", "-f", "text"],
            capture_output=True, env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(output, encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)
        if 1 in numbers:
            self.assertEqual(done.stdout, b"")

    def test_descriptors_stay_blocking(self):
        """Standard output is shared with the shell: it must not be left non-blocking."""
        import fcntl

        read, write = os.pipe()
        self.addCleanup(os.close, read)
        done = kedge.run(*self.to("good"), stdout=write, stderr=subprocess.PIPE)
        self.assertEqual(done.status, 0)
        self.assertFalse(fcntl.fcntl(write, fcntl.F_GETFL) & os.O_NONBLOCK)
        os.close(write)

    def test_a_slow_reader_gets_everything(self):
        """The pipe is filled before: output waits, nothing is lost, and no check is charged for it."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        stuffed = 0
        with self.assertRaises(BlockingIOError):
            while True:
                stuffed += os.write(write, b"." * 65536)
        os.set_blocking(write, True)
        process = kedge.start(*self.to("good"), "127.0.0.1", "-f", "json", stdout=write)
        self.addCleanup(kedge.stop, process)
        os.close(write)
        with open(read, "rb") as pipe:
            self.assertEqual(pipe.read(stuffed), b"." * stuffed)
            self.assertEqual(kedge.validated(pipe.read().decode())["summary"]["ok"], 2)
        self.assertEqual(process.wait(), 0)

    def test_quiet(self):
        for server, status in (("good", 0), ("expired", 1)):
            done = kedge.run(*self.to(server), "-q")
            self.assertEqual((done.status, done.out, done.err), (status, "", ""), str(done))

    def test_no_colour_and_no_marks_in_a_pipe(self):
        done = kedge.run(*self.to("good"), env={"LC_ALL": "C.UTF-8", "TERM": "xterm"})
        self.assertNotIn("\x1b", done.out)
        self.assertTrue(done.out.isascii(), done.out)

    def test_colour_when_asked(self):
        self.assertIn("\x1b[", kedge.run(*self.to("good"), "--color", "always").out)
        self.assertNotIn("\x1b[", kedge.run(*self.to("good"), "--color", "never").out)

    @rows([("80", 80), ("40", 40)])
    def terminal(self, _, width):
        """On a terminal of this width: colour, marks, and no line beyond it."""
        for server, mark in (("good", "\u2713"), ("expired", "\u2717"), ("order", "!")):
            text = self.on_terminal(width, *self.to(server), env={"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"})
            self.assertIn(mark, text)
            self.assertIn("\x1b[", text)
            plain = kedge.re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", text)
            for line in plain.replace("\r\n", "\n").split("\n"):
                self.assertLessEqual(len(line.split("\r")[-1]), width, plain)

    def test_a_terminal_without_utf8_or_colour(self):
        text = self.on_terminal(80, *self.to("good"), env={"LC_ALL": "C", "TERM": "xterm"})
        self.assertTrue(text.isascii(), text)
        text = self.on_terminal(80, *self.to("good"), env={"LC_ALL": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1"})
        self.assertFalse(kedge.re.search("\x1b\\[[0-9;]+m", text), text)

    def test_progress_on_a_terminal_only(self):
        """Standard error is a terminal, standard output a pipe: a progress line, gone in the end."""
        text = self.on_terminal(80, *self.to("silent"), "--timeout", "1.5", env={"LC_ALL": "C.UTF-8", "TERM": "xterm"}, only_stderr=True)
        self.assertIn("1", text)

    def on_terminal(self, width, *arguments, env, only_stderr=False):
        import fcntl
        import pty
        import struct
        import termios

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        stdout = subprocess.DEVNULL if only_stderr else slave
        process = kedge.start(*arguments, env=env, stdin=slave, stdout=stdout, stderr=slave)
        self.addCleanup(kedge.stop, process)
        os.close(slave)
        pieces = []
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            pieces.append(piece)
        os.close(master)
        process.wait()
        return b"".join(pieces).decode()

    def test_the_report_names_what_it_should(self):
        """The text report: one line per check, the code, and what to do."""
        done = kedge.run(*self.to("expired"))
        self.assertIn(kedge.AVS, done.out)
        self.assertIn("trust.expired", done.out)
        self.assertLessEqual(max(map(len, done.out.splitlines())), 80)

    def test_json_is_one_document(self):
        done = kedge.run(*self.to("good"), "-f", "json")
        self.assertEqual(json.loads(done.out)["schema"], "kedge.report/1")
        self.assertTrue(done.out.endswith("\n"))

    def test_fifty_causes_at_most(self):
        """Sixty checks that fail for sixty causes are fifty paragraphs and a word about the rest."""
        with kedge.lab.contextlib.ExitStack() as stack:
            targets = []
            for number in range(60):
                peer = stack.enter_context(kedge.lab.peer.Peer(f"expect 5\nsend alert({130 + number})\nclose"))
                targets.append(f"tls://127.0.0.1:{peer.port}")
            done = kedge.run("check", *targets)
        self.assertEqual(done.status, 1, str(done))
        self.assertIn("10 causes more", done.out)


if __name__ == "__main__":
    unittest.main()
