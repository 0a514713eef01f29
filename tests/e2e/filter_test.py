"""`kedge check @- -f jsonl` as a filter: any runner that deals out lines and collects lines can drive it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

LINES = 20_000
SLACK = 512  # KiB by which memory may differ between 2,000 and 20,000 lines; a leak of 30 bytes a line is more


class Filter(kedge.Test):
    parts = ("nginx", "peers")

    def setUp(self):
        self.refused_port, self.good = self.lab.port["refused"], self.lab.port["good"]

    def command(self, *options):
        """kedge as a filter whose checks go to the lab's nginx; addresses as they are."""
        return ["check", "@-", "-f", "jsonl", "--trust", self.anchors, "--connect-to", f"{kedge.AVS}:443:127.0.0.1:{self.good}", *options]

    def start(self, *options, **keywords):
        process = kedge.start(*self.command(*options), **keywords)
        self.addCleanup(kedge.stop, process)
        return process

    def answers(self, text):
        """Exit status, results and what was said of a run that is given all of its input at once."""
        done = subprocess.run(
            [kedge.KEDGE, *self.command()], input=text if isinstance(text, bytes) else text.encode(), capture_output=True,
            env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        kedge.check_safe(done.stdout.decode(), done.stderr.decode())
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    def ask(self, process, line):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def end(self, process):
        process.stdin.close()
        process.stdin = None
        out, err = process.communicate(timeout=kedge.GUARD)
        return process.returncode, out.decode(), err.decode()

    def test_each_line_is_answered_before_the_next_is_given(self):
        """Nothing waits for the end of the input or for a full buffer: every answer is read while the input is open."""
        process = self.start()
        for number in range(1, 6):
            result = self.ask(process, f"tls://127.0.0.1:{self.refused_port}\tunit {number}")
            self.assertEqual((result["line"], result["labels"], result["code"]), (number, {"label": f"unit {number}"}, "tcp.refused"))
        result = self.ask(process, f"{kedge.AVS}\tthe good one")
        self.assertEqual((result["line"], result["labels"], result["code"]), (6, {"label": "the good one"}, "ok"))
        self.assertEqual(self.end(process), (1, "", ""))

    def test_a_slow_one_does_not_hold_up_the_others(self):
        process = self.start("--timeout", "60")
        process.stdin.write(f"tls://127.0.0.1:{self.lab.port['silent']}\tslow\n".encode())
        result = self.ask(process, f"tls://127.0.0.1:{self.refused_port}\tquick")
        self.assertEqual(result["labels"]["label"], "quick")

    @rows([
        # word, what stands behind the tab, label
        ("words", "pump 7, hall 3", "pump 7, hall 3"),
        ("json", '{"a": "b"}', '{"a": "b"}'),
        ("tabs", "a\tb", "a\tb"),
        ("letters", "Gerät ﷽", "Gerät ﷽"),
        ("control", "\x1b[31mred\x07", "\x1b[31mred\x07"),
        ("carriage return", "seven\r", "seven"),
        ("nothing", "", None),
        ("a comment", "# why", None),
    ])  # fmt: skip
    def label(self, _, text, label):
        _, (result,), _ = self.answers(f"tls://127.0.0.1:{self.refused_port}\t{text}\n")
        self.assertEqual(result.get("labels"), label and {"label": label})

    def test_a_label_that_is_not_utf8(self):
        _, (result,), _ = self.answers(f"tls://127.0.0.1:{self.refused_port}\t".encode() + b"\xff\xfe\n")
        self.assertIn("label", result["labels"])

    def test_labels_go_through_every_address_and_a_list_in_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(f"tls://127.0.0.1:{self.refused_port}\tfrom a file\n")
            file.flush()
            done = kedge.run("check", f"@{file.name}", "--all-addresses", "-f", "json")
        self.assertEqual(done.results[0]["labels"], {"label": "from a file"}, str(done))

    def test_bad_lines_are_named_and_the_others_go_on(self):
        target = f"tls://127.0.0.1:{self.refused_port}"
        lines = [f"{target}\tone", "no such thing\ttwo", "http://a.test\tthree", "\tfour", "", f"{target}\tsix", "x" * 5000]
        status, results, said = self.answers("\n".join(lines))
        self.assertEqual(status, 3, said)
        self.assertEqual(sorted(result["labels"]["label"] for result in results), ["one", "six"])
        self.assertEqual([line.split(":")[2] for line in said.splitlines()], ["2", "3", "4", "7"], said)
        self.assertTrue(all(line.startswith("kedge: standard input:") for line in said.splitlines()), said)

    @rows([("nothing", ""), ("comments alone", "# nothing today\n\n")])
    def is_given(self, _, text):
        """An empty part of a distributed input is no mistake."""
        self.assertEqual(self.answers(text), (0, [], ""))

    def test_for_people_an_empty_input_is_a_mistake(self):
        self.refused("check", "@-", says="no target")

    def test_two_processes_of_parallel_answer_each_of_20000_lines_once(self):
        """Every hundredth is a whole check against nginx, the others are refused connections."""
        lines = [f"{kedge.AVS}\t{n}" if n % 100 == 0 else f"tls://127.0.0.1:{self.refused_port}\t{n}" for n in range(LINES)]
        folder = self.enterContext(tempfile.TemporaryDirectory())
        done = subprocess.run(
            ["parallel", "--will-cite", "--pipe", "--roundrobin", "-j", "2", "--block", "16k", "--quote", kedge.KEDGE, *self.command()],
            input="".join(line + "\n" for line in lines).encode(), capture_output=True, check=False, timeout=3 * kedge.GUARD,
            env=kedge.environment(HOME=folder),
        )  # fmt: skip
        self.assertEqual(done.stderr.decode(), "")
        self.assertEqual(done.returncode, 2, "parallel counts the jobs that failed: both had refused connections")
        codes = {}
        for line in done.stdout.decode().splitlines():
            result = json.loads(line)
            number = int(result["labels"]["label"])
            self.assertNotIn(number, codes)
            codes[number] = result["code"]
        self.assertEqual(codes, {n: "ok" if n % 100 == 0 else "tcp.refused" for n in range(LINES)})

    def test_memory_is_flat_over_an_input_without_end(self):
        process = self.start("-j", "8")
        seen = {}
        for number in range(1, LINES + 1):
            kind = number % 10
            host = "localhost" if kind == 1 else "127.0.0.1"
            target = f"tls://{host}:{self.refused_port}" if kind else f"no such target {number}"
            process.stdin.write(f"{target}\tunit {number}\n".encode())
            if not kind:
                process.stdin.flush()
                for _ in range(9):
                    self.assertTrue(process.stdout.readline())
                process.stderr.readline()
            if number in (2_000, LINES):
                seen[number] = self.memory(process.pid)
        status, out, _ = self.end(process)
        self.assertEqual((status, out), (3, ""))
        print(f"# figures: filter: {seen[2_000]} KiB after 2,000 lines, {seen[LINES]} KiB after {LINES:,}")
        if not kedge.SANITIZED:
            self.assertLessEqual(seen[LINES], seen[2_000] + SLACK)

    def memory(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def test_a_reader_that_leaves_ends_it(self):
        """`kedge check @- -f jsonl | head -1`, with an input that never ends."""
        process = self.start(stdout=subprocess.PIPE)
        self.ask(process, f"tls://127.0.0.1:{self.refused_port}")
        process.stdout.close()
        process.stdout = None
        try:
            while process.poll() is None:
                process.stdin.write(f"tls://127.0.0.1:{self.refused_port}\n".encode() * 100)
                process.stdin.flush()
        except BrokenPipeError:
            pass
        process.stdin = None
        self.assertEqual(process.wait(timeout=kedge.GUARD), 4)
        self.assertEqual(process.stderr.read(), b"")


if __name__ == "__main__":
    unittest.main()
