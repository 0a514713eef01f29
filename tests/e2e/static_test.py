"""kedge-static in an empty root: nothing there but the file, resolv.conf, hosts and a bundle. Resolver, store and locale work."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge

STATIC = kedge.KEDGE if kedge.VARIANT == "static" else os.path.join(kedge.ROOT, "kedge-static")


@unittest.skipUnless(os.path.exists(STATIC), "make static makes it")
@unittest.skipIf(kedge.VARIANT in ("sanitized", "coverage"), "once is enough")
class Static(kedge.Test):
    parts = ("nginx", "dns")

    def setUp(self):
        self.root = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(self.root, 0o755)
        shutil.copy(STATIC, f"{self.root}/kedge")
        os.makedirs(f"{self.root}/etc/ssl/certs")
        shutil.copy(self.anchors, f"{self.root}/etc/ssl/certs/ca-certificates.crt")
        with open(f"{self.root}/etc/hosts", "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n127.0.0.2 hosted.lab.test\n")
        with open(f"{self.root}/etc/resolv.conf", "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\n")
        self.port = self.lab.port["good"]

    def inside(self, *arguments, **env):
        """Runs it by chroot, in a user namespace if need be."""
        enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "chroot"]
        done = subprocess.run(
            [*enter, self.root, "/kedge", *arguments], env=kedge.environment(**env), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        return kedge.Run(done.returncode, done.stdout, done.stderr)

    def test_it_is_smaller_than_2_mib(self):
        self.assertLess(os.path.getsize(STATIC), 2 * 1024 * 1024)

    def test_a_good_check_with_the_system_store_and_the_hosts_file(self):
        done = self.inside("check", f"hosted.lab.test:{self.port}", "-f", "json")
        self.assertEqual(done.status, 0, str(done))
        result = done.results[0]
        self.assertEqual(result["target"]["address"], "127.0.0.2")
        self.assertIn("/etc/ssl/certs/ca-certificates.crt", result["verdicts"]["trust"]["store"])

    def test_regions_through_a_name_server(self):
        done = self.inside("regions", "--dns", self.lab.dns, "--connect-to", f":443::{self.port}", "-f", "json")
        self.assertEqual({result["code"] for result in done.results}, {"trust.not_ats"}, str(done))

    def test_a_name_that_does_not_exist(self):
        done = self.inside("check", "nowhere.test", "--dns", self.lab.dns, "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (4, "dns.nxdomain"), str(done))

    def test_the_name_server_of_resolv_conf(self):
        """Nothing listens on port 53 of loopback here, or something refuses: either way it was asked."""
        done = self.inside("check", "name.example", "--timeout", "2", "-f", "json")
        self.assertEqual((done.status, done.results[0]["stage"]), (4, "dns"), str(done))

    def test_no_store(self):
        os.remove(f"{self.root}/etc/ssl/certs/ca-certificates.crt")
        done = self.inside("check", f"hosted.lab.test:{self.port}", "-f", "json")
        self.assertEqual((done.status, done.results[0]["code"]), (1, "trust.no_store"), str(done))

    def test_locale_and_list(self):
        done = self.inside("list", LC_ALL="de_DE.UTF-8")
        self.assertEqual((done.status, done.err), (0, ""), str(done))
        done = self.inside("check", f"hosted.lab.test:{self.port}", "--color", "always", LC_ALL="C.UTF-8")
        self.assertEqual(done.status, 0, str(done))

    def test_closed_descriptors_without_dev_null(self):
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", "chroot", self.root, "/kedge", "check",
             f"hosted.lab.test:{self.port}", "-f", "json:/out.json"],
            env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0)
        with open(f"{self.root}/out.json", encoding="utf-8") as file:
            self.assertEqual(kedge.validated(file.read())["summary"]["ok"], 1)


if __name__ == "__main__":
    unittest.main()
