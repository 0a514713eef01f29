"""kedge -i as somebody types at it, on a real terminal (tmux), and as a pipe talks to it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

PATIENCE = float(os.environ.get("KEDGE_TEST_PATIENCE", kedge.GUARD))  # seconds until a screen that never shows it is a failure
EDITS = kedge.VARIANT != "static"  # kedge-static is built without line editing


class Screen:
    """A terminal in tmux in which a command runs. Nothing here sleeps: it is looked at until it shows what is waited for."""

    def __init__(self, folder, command, env, columns=80, lines=50):
        self.socket = os.path.join(folder, f"tmux{len(os.listdir(folder))}")  # one that ends may still answer for a while
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "screen", **env}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-s", "kedge",
                  *command, env=environment)  # fmt: skip

    def tmux(self, *words, **options):
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, check=False, **options)
        return done.stdout

    def shown(self):
        return self.tmux("capture-pane", "-p", "-J", "-t", "kedge")

    def type(self, text, *keys):
        """Types text, then presses keys by tmux's names (Enter, C-c, Up)."""
        if text:
            self.tmux("send-keys", "-t", "kedge", "-l", text)
        if keys:
            self.tmux("send-keys", "-t", "kedge", *keys)

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while True:
            shown = self.shown()
            if condition(shown):
                return shown
            if time.monotonic() > end:
                raise AssertionError(f"never saw {what}:\n{shown}")
            time.sleep(0.02)

    def wait_for(self, *lines):
        """Until these lines, whole and in this order, are the last on the screen (what is blank at their ends apart)."""
        wanted = [line.rstrip() for line in lines]
        return self.wait(lambda shown: [line.rstrip() for line in shown.rstrip().split("\n")][-len(wanted) :] == wanted, lines)

    def close(self):
        self.tmux("kill-server")


class Prompt(kedge.Test):
    parts = ("nginx", "peers")

    def setUp(self):
        if not shutil.which("tmux"):
            self.skipTest("tmux is not installed")
        self.folder = self.enterContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))

    def open(self, *options, shell=False, **env):
        """kedge -i on a screen, in a shell that says how it ended."""
        script = '"$@"; echo "ended with $?"; read -r line' if not shell else 'trap : INT; PS1="sh: " exec bash --norc --noprofile -i'
        screen = Screen(self.folder, ["sh", "-c", script, "sh", kedge.KEDGE, "-i", *options], {"LANG": "C.UTF-8", **env})
        self.addCleanup(screen.close)
        if not shell:
            screen.wait_for(">")
        return screen

    def answered(self, screen, line, *answer):
        screen.type(line, "Enter")
        screen.wait_for("> " + line, *answer, ">")

    @rows([
        # word, what is typed, what is answered
        ("an expression", "1 + 1", ["2"]),
        ("an expression with its sign", "= 1 + 1", ["2"]),
        ("several values", "1, nil, 'x'", ["1", "nil", "x"]),
        ("a table", "{ 1, a = { b = true } }", ["{ 1, a = { b = true } }"]),
        ("nothing", "nothing = nil", []),
        ("a print", "print('a', 1)", ["a       1"]),
        ("hostile text", "'\\27[2J\\27]0;title\\7'", ["\\x1b[2J\\x1b]0;title\\x07"]),
        ("a module", "require('kedge.show').count(2, 'check')", ["2 checks"]),
        ("an error", "error('boom')", ["kedge: prompt:1: boom"]),
        ("an error that is a table", "error({})", ["kedge: an error that is a table was raised"]),
        ("no Lua", "1 +* 2", ["kedge: prompt:1: unexpected symbol near '*'"]),
        ("half an expression", "= 1 +* 2", ["kedge: prompt:1: unexpected symbol near '*'"]),
        ("a misspelt variable", "kegde.check()", ["kedge: prompt:1: there is no variable 'kegde'; did you mean 'kedge'?"]),
        ("a misspelt field", "kedge.chekc()", ["kedge: prompt:1: kedge has no 'chekc'; did you mean 'check'?"]),
    ])  # fmt: skip
    def answers(self, _, typed, answer):
        screen = self.open()
        if answer is None:
            screen.type(typed, "Enter")
        else:
            self.answered(screen, typed, *answer)
        self.answered(screen, "'still here'", "still here")

    def test_a_check_is_a_table(self):
        screen = self.open("--trust", self.anchors)
        screen.type(f'kedge.check("https://127.0.0.1:{self.lab.port["good"]}").code', "Enter")
        screen.wait_for("ok", ">")
        screen.type(f'kedge.check("tls://127.0.0.1:{self.lab.port["refused"]}")', "Enter")
        shown = screen.wait_for("  warnings = {},", "}", ">")
        self.assertIn('  status = "fail",\n  stage = "tcp",\n  code = "tcp.refused",\n', shown)

    def test_a_list_of_checks_has_a_line_for_each(self):
        screen = self.open()
        screen.type(f'kedge.map({{ 1, 2 }}, function(i) return kedge.check("tls://127.0.0.1:{self.lab.port["refused"]}") end)', "Enter")
        shown = screen.wait(lambda text: text.count("tcp.refused") == 2, "two results")
        self.assertRegex(shown, r"status +id +code +ms\nfail +127\.0\.0\.1:\d+/tls +tcp\.refused +[\d.]+\nfail ")

    def test_variables_stay_and_local_ones_do_not(self):
        screen = self.open()
        self.answered(screen, "a = 5")
        self.answered(screen, "local b = 6")
        self.answered(screen, "a", "5")
        self.answered(screen, "_ + 1", "6")
        self.answered(screen, "b", "kedge: prompt:1: there is no variable 'b'")

    def test_several_lines(self):
        screen = self.open()
        for line, prompt in (("for i = 1, 2 do", ">>"), ("  print(i)", ">>"), ("end", ">")):
            screen.type(line, "Enter")
            screen.wait(lambda shown, prompt=prompt: shown.rstrip().split("\n")[-1].rstrip() == prompt, prompt)
        self.assertIn("\n>> end\n1\n2\n>", screen.shown())

    def test_what_a_line_opened_the_next_can_use(self):
        screen = self.open()
        self.answered(screen, f's = kedge.connect("127.0.0.1", {self.lab.port["http"]})')
        self.answered(screen, 's:write("hello"), s:read() ~= nil', "true", "true")

    def test_an_interrupt_ends_the_check_and_not_the_prompt(self):
        screen = self.open()
        self.answered(screen, "before = 1")
        screen.type(f'r = kedge.check("tls://127.0.0.1:{self.lab.port["silent"]}", {{ timeout = 100 }})', "Enter")
        peer = self.lab.peers["silent"]
        count = len(peer.conversations)
        peer.wait_for(lambda: len(peer.conversations) > count or peer.conversations and peer.conversations[-1].received)
        screen.type("", "C-c")
        screen.wait_for("^Ckedge: interrupted", ">")
        self.answered(screen, "before", "1")

    @rows([("a loop", "while true do end"), ("a loop that catches errors", "while true do pcall(error) end"), ("sleep", "kedge.sleep(1e6)")])
    def interrupted(self, _, typed):
        screen = self.open()
        for _ in range(2):  # the next signal is a first one again
            screen.type("print('begun') " + typed, "Enter")
            screen.wait_for("> print('begun') " + typed, "begun")
            screen.type("", "C-c")
            screen.wait(lambda shown: shown.rstrip().split("\n")[-1].rstrip() == ">", "the prompt")
        self.answered(screen, "'still here'", "still here")

    def test_an_interrupt_drops_a_line_that_is_half_typed(self):
        screen = self.open()
        screen.type("a = 'half")
        screen.wait_for("> a = 'half")
        screen.type("", "C-c")
        screen.wait(lambda shown: shown.rstrip().split("\n")[-1].rstrip() == ">", "the prompt")
        screen.type("function f()", "Enter")
        screen.wait_for("> function f()", ">>")
        screen.type("", "C-c")
        screen.wait(lambda shown: shown.rstrip().split("\n")[-1].rstrip() == ">", "the prompt")
        self.answered(screen, "7", "7")

    @rows([("Ctrl-D", "", "C-d"), ("exit", "exit", "Enter"), ("quit", "quit", "Enter")])
    def ends(self, _, text, key):
        screen = self.open()
        self.answered(screen, "error('x')", "kedge: prompt:1: x")
        screen.type(text, key)
        screen.wait(lambda shown: shown.rstrip().endswith("ended with 0"), "the end")

    def test_the_terminal_is_as_it_was(self):
        screen = self.open(shell=True)
        screen.wait_for("sh:")
        before = self.modes(screen, "before")
        for ending in (("", "C-d"), ("os.exit", "C-c"), None):
            screen.type(f"{kedge.KEDGE} -i", "Enter")
            screen.wait_for(">")
            if ending == ("os.exit", "C-c"):
                screen.type("kedge.sleep(1000)", "Enter")
                screen.wait_for("> kedge.sleep(1000)")
                screen.type("", "C-c")
                screen.wait_for(">")
                screen.type("", "C-d")
            elif ending:
                screen.type(*ending)
            else:
                shell_pid = screen.tmux("display-message", "-p", "-t", "kedge", "#{pane_pid}").strip()
                pid = subprocess.run(["pgrep", "-P", shell_pid], capture_output=True, text=True, check=True).stdout
                os.kill(int(pid), 15)
            screen.wait(lambda shown: shown.rstrip().split("\n")[-1].rstrip() == "sh:", "the shell")
            self.assertEqual(self.modes(screen, f"after{ending}"), before)

    def modes(self, screen, _):
        path = os.path.join(self.folder, "modes")
        screen.type(f"stty -g >{path}; echo said", "Enter")
        screen.wait(lambda shown: shown.rstrip().endswith("said\nsh:"), "stty")
        with open(path, encoding="ascii") as file:
            return file.read()

    def test_the_arrow_keys_bring_lines_back(self):
        if not EDITS:
            self.skipTest("no line editing in this build")
        screen = self.open()
        self.answered(screen, "first = 1")
        self.answered(screen, "second = 2")
        screen.type("", "Up", "Up")
        screen.wait_for("> first = 1")
        screen.type("0", "Enter")
        screen.wait_for("> first = 10", ">")
        self.answered(screen, "first", "10")

    def test_a_line_is_edited(self):
        if not EDITS:
            self.skipTest("no line editing in this build")
        screen = self.open()
        screen.type("'grün'", "Left", "BSpace", "BSpace", "Home", "Delete")
        screen.type('"ä', "End")
        screen.type('"', "BSpace", "BSpace")
        screen.type('"', "Enter")
        screen.wait_for('> "ägr"', "ägr", ">")

    def history(self):
        with open(os.path.join(self.folder, ".local/state/kedge/history"), encoding="utf-8") as file:
            return file.read()

    def test_history_from_one_session_to_the_next(self):
        if not EDITS:
            self.skipTest("no line editing in this build")
        screen = self.open()
        self.answered(screen, "'from the first'", "from the first")
        screen.type("", "C-d")
        screen.wait(lambda shown: "ended with 0" in shown, "the end")
        screen.close()
        self.assertEqual(self.history(), "'from the first'\n")
        self.assertEqual(os.stat(os.path.join(self.folder, ".local/state/kedge/history")).st_mode & 0o777, 0o600)
        screen = self.open()
        screen.type("", "Up", "Enter")
        screen.wait_for("> 'from the first'", "from the first", ">")

    def test_no_history_without_a_home(self):
        screen = self.open(HOME="")
        self.answered(screen, "1", "1")
        self.assertEqual([name for name in os.listdir(self.folder) if not name.startswith("tmux")], [])

    def test_a_size_that_changes_and_a_stop(self):
        if not EDITS:
            self.skipTest("the terminal itself forgets a line at a stop")
        screen = self.open(shell=True)
        screen.wait_for("sh:")
        screen.type(f"{kedge.KEDGE} -i", "Enter")
        screen.wait_for(">")
        screen.type("'abc")
        screen.wait_for("> 'abc")
        screen.tmux("resize-window", "-t", "kedge", "-x", "60", "-y", "30")
        screen.type("", "C-z")
        screen.wait(lambda shown: shown.rstrip().split("\n")[-1].rstrip() == "sh:", "the shell")
        screen.type("fg", "Enter")
        screen.wait(lambda shown: "-i" in shown.rstrip().split("\n")[-1] or "'abc" in shown.rstrip().split("\n")[-1], "kedge again")
        screen.type("def'", "Enter")
        screen.wait(lambda shown: "\nabcdef\n" in shown, "the value")

    def test_a_terminal_that_goes_away_ends_it(self):
        """Where SIGHUP is ignored, as under nohup, nothing else tells."""
        master, slave = os.openpty()
        process = kedge.start(
            "-i", stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, start_new_session=True, env={"HOME": self.folder},
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        )  # fmt: skip
        self.addCleanup(process.kill)
        os.close(slave)
        shown = b""
        while b"> " not in shown:  # without line editing it stands alone
            shown += os.read(master, 4096)
        os.close(master)
        process.wait(timeout=PATIENCE)

    def test_options_hold_for_every_check(self):
        screen = self.open("--timeout", "0.05")
        screen.type(f'kedge.check("tls://127.0.0.1:{self.lab.port["silent"]}").code', "Enter")
        screen.wait_for("tls.timeout", ">")


class Piped(kedge.Test):
    """Without a terminal: lines in, values out, nothing else."""

    @rows([
        # word, input, output, exit status, said
        ("values", "1+1\n='x'\n", "2\nx\n", 0, ""),
        ("no line end", "1+1", "2\n", 0, ""),
        ("several lines", "for i = 1, 2 do\nprint(i)\nend\n", "1\n2\n", 0, ""),
        ("nothing", "", "", 0, ""),
        ("an error goes on", "error('x')\n1\n", "1\n", 3, "kedge: prompt:1: x\n"),
        ("help of one", "help(kedge.sha256)\nhelp 'sha256'\n", None, 0, ""),
        ("help of a part", "help(kedge.pem.decode)\n", None, 0, ""),
        ("help of all", "help()\n", None, 0, ""),
        ("help of nothing", "help(print)\nhelp'chekc'\n", "", 3, None),
        ("cut off", "1\nfor i = 1, 2 do\n", "1\n", 3, "kedge: the input ends in the middle of: for i = 1, 2 do\n"),
        ("the end in words", "1\nexit\n2\n", "1\n", 0, ""),
    ])  # fmt: skip
    def reads(self, _, text, out, status, said):
        done = kedge.run("-i", stdin=text)
        self.assertEqual((done.out if out is not None else None, done.status), (out, status), str(done))
        if said is not None:
            self.assertEqual(done.err, said)
        if out is None:
            self.assertIn("kedge.", done.out)

    def test_reads_a_line_when_it_is_there(self):
        process = kedge.start("-i")
        self.addCleanup(kedge.stop, process)
        for number in range(3):
            process.stdin.write(f"{number} + 1\n".encode())
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), f"{number + 1}\n".encode())

    @rows([
        ("a command behind", ["-i", "check"], "check"), ("code besides", ["-i", "-e", "1"], "-e and -i"),
        ("bad option", ["-i", "--timeout", "x"], "--timeout"), ("unknown option", ["-i", "--timeot", "3"], "--timeout"),
    ])  # fmt: skip
    def refused_at_once(self, _, arguments, says):
        self.refused(*arguments, says=says)

    def test_a_line_without_end(self):
        done = kedge.run("-i", stdin="x = 1" + " " * 3_000_000 + "\n1\n")
        self.assertEqual((done.status, done.out), (3, "1\n"), done.err[:1000])


if __name__ == "__main__":
    unittest.main()
