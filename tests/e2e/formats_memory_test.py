"""Formats that write each result as it is done keep nothing of it: 100,000 results take the memory that 1,000 take."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge

STREAMING = ["jsonl", "tap", "text", "csv"]
SLACK = 512  # KiB that two runs may differ: causes and their names, up to their bounds

SCRIPT = """
return {
  summary = "as many results as are asked for",
  options = function(cmd) cmd:argument("n") end,
  run = function(ctx)
    for i = 1, tonumber(ctx.args.n) do
      local bad = i % 10 == 0
      ctx:report { id = "check/" .. i, status = bad and "fail" or "ok", code = bad and "own.bad" .. i % 7000 or "ok",
        cause = bad and "own.bad" .. i % 7000 or nil, message = "number " .. i, labels = { number = i }, values = { depth_ms = i },
        timings_ms = { total = i }, warnings = {} }
    end
  end,
}
"""


class Memory(kedge.Test):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        with open(f"{self.folder}/many.lua", "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        # A child's peak counts its parent's pages before exec, and Python is large.
        subprocess.run(["cc", "-O1", "-static", "-o", f"{self.folder}/measure", f"{kedge.ROOT}/tests/lab/measure.c"], check=True)

    def peak(self, count):
        """KiB that kedge needed at most for so many results in all these formats at once; all of them are there."""
        outputs = [word for name in STREAMING for word in ("-f", f"{name}:{self.folder}/{name}")]
        command = [f"{self.folder}/measure", kedge.KEDGE, f"{self.folder}/many.lua", str(count), *outputs, "--print", "{id} {code}\\n"]
        with open(f"{self.folder}/print", "wb") as printed:
            subprocess.run(["sh", "-c", 'exec "$@" 3>"$0"', f"{self.folder}/figures", *command],
                           stdout=printed, env=kedge.environment(), check=True)  # fmt: skip
        for name, lines in (("jsonl", count), ("csv", count + 1), ("print", count)):
            with open(f"{self.folder}/{name}", "rb") as file:
                self.assertEqual(sum(1 for _ in file), lines, name)
        with open(f"{self.folder}/figures", encoding="ascii") as file:
            *_, peak, status = map(int, file.read().split())
        self.assertEqual(status, 1)
        return peak

    def test_a_hundred_thousand_results(self):
        few, many = self.peak(1000), self.peak(100000)
        print(f"# {few} KiB for 1,000 results, {many} KiB for 100,000")
        self.assertLess(many - few, SLACK)


if __name__ == "__main__":
    unittest.main()
