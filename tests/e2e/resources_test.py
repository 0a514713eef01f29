"""After 1,000 failed checks there are as many open descriptors and as much memory as after 10."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge

# KiB that a collector may not have taken back yet (it settles after some hundred checks, and stays flat for thousands). A leak
# of 1 KiB a check shows from the beginning, one of 500 bytes in the second half.
SLACK, SECOND_HALF_SLACK = 1024, 256


class Resources(kedge.Test):
    parts = ("nginx", "dns", "peers")

    def test_a_thousand_failed_checks(self):
        """kedge reads targets from its standard input one by one, and says of each how it ended before the next is given."""
        ports = self.lab.port
        failing = [f"tls://127.0.0.1:{ports[name]}" for name in ("refused", "reset", "http", "cut", "alert")]
        failing += [f"https://127.0.0.1:{ports[name]}" for name in ("expired", "good")]
        failing += [f"h2://127.0.0.1:{ports['http1']}", "nowhere.test", f"tls://127.0.0.1:{ports['silent']}"]
        process = kedge.start(
            "check", "@-", "--trust", self.lab.file("proxy.bundle.pem"), "--dns", self.lab.dns,
            "--timeout", "0.05", "-j", "4", "-f", "text",
        )  # fmt: skip
        self.addCleanup(kedge.stop, process)
        seen = {}
        self.assertEqual(len(failing), 10, "the first look comes when each kind was seen")
        for count in range(1, 1001):
            process.stdin.write(f"{failing[count % len(failing)]}\n".encode())
            process.stdin.flush()
            line = process.stdout.readline()
            self.assertTrue(line.strip(), f"no line for check {count}")
            if count in (10, 100, 500, 1000):
                seen[count] = self.look(process.pid)
        process.stdin.close()
        process.stdin = None
        out, err = process.communicate(timeout=kedge.GUARD)
        self.assertEqual(process.returncode, 1, out.decode() + err.decode())
        print("# " + ", ".join(f"after {n}: {fds} descriptors, {kib} KiB" for n, (fds, kib) in seen.items()))
        self.assertLessEqual(seen[1000][0], seen[10][0])
        if not kedge.SANITIZED:
            self.assertLessEqual(seen[1000][1], seen[500][1] + SECOND_HALF_SLACK)
            self.assertLessEqual(seen[1000][1], seen[10][1] + SLACK)

    def look(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        return len(os.listdir(f"/proc/{pid}/fd")), memory


if __name__ == "__main__":
    unittest.main()
