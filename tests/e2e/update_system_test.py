"""ca-update on a real Debian system, made for it with debootstrap and thrown away: the six are there after the update, after
dpkg-reconfigure, a reinstall and an upgrade of the package, and the system's own openssl verifies chains with them."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import store

CHAINS = os.path.join(kedge.ROOT, "../shared/ats")
CHAINS_AT = "1742040000"  # 2025-03-15, when those chains were good
KEDGE_STATIC = os.path.join(kedge.ROOT, "kedge-static")
LIMIT = 400  # seconds for one call of debootstrap or apt


def host(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def mirror():
    """(suite, URL) of the Debian that apt is configured for."""
    with open("/etc/os-release", encoding="utf-8") as file:
        suite = re.search(r"^VERSION_CODENAME=\"?(\w+)", file.read(), re.MULTILINE)
    lines = host("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages", "Origin: Debian")
    for line in lines.splitlines():
        codename, uri = line.split()
        if suite and codename == suite[1]:
            return codename, uri
    raise RuntimeError("apt knows no Debian mirror")


def newer_package(installed, folder):
    """A package of a later version than the one that is installed: the mirror's own, or the same rebuilt with a higher number."""
    version = host("dpkg-deb", "-f", installed, "Version").strip()
    for line in subprocess.run(["apt-cache", "madison", "ca-certificates"], capture_output=True, text=True, check=False).stdout.splitlines():
        found = line.split("|")[1].strip()
        if subprocess.run(["dpkg", "--compare-versions", found, "gt", version], check=False).returncode == 0:
            host("apt-get", "-qq", "download", "ca-certificates=" + found, cwd=folder)
            return glob.glob(folder + "/ca-certificates_*.deb")[0]
    return rebuilt(installed, folder, version)


def rebuilt(package, folder, version):
    host("dpkg-deb", "-R", package, folder + "/unpacked")
    control = folder + "/unpacked/DEBIAN/control"
    with open(control, encoding="utf-8") as file:
        text = file.read()
    with open(control, "w", encoding="utf-8") as file:
        file.write(text.replace(f"Version: {version}", f"Version: {version}+later"))
    host("dpkg-deb", "-b", folder + "/unpacked", folder + "/later.deb")
    return folder + "/later.deb"


class System(kedge.Test):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can make a system")
        if not shutil.which("debootstrap"):
            raise unittest.SkipTest("no debootstrap")
        cls.folder = tempfile.mkdtemp(prefix="kedge-system-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        try:
            suite, url = mirror()
            host("debootstrap", "--variant=minbase", "--include=ca-certificates,openssl", suite, cls.folder + "/root", url)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            raise unittest.SkipTest(f"debootstrap can't make a system here: {error}") from error
        cls.tree = store.Tree(cls.folder + "/root")
        os.mkdir(cls.tree.at("/chains"))
        cls.chains()

    @classmethod
    def chains(cls):
        """Puts chains into the system: Amazon's, without the root that Starfield signed, or the roots alone."""
        cls.chain = {}
        for number, name in enumerate(list(store.SIX)[:4], 1):
            path = f"{CHAINS}/valid-rootca{number}-chain.pem"
            content = store.pem(name)
            if os.path.exists(path):
                with open(path, "rb") as file:
                    content = file.read()
            blocks = [match[0] for match in store.BLOCK.finditer(content)]
            cls.tree.write(f"/chains/{number}.leaf", blocks[0] + b"\n")
            cls.tree.write(f"/chains/{number}.rest", blocks[1] + b"\n" if len(blocks) > 1 else blocks[0] + b"\n")
            cls.chain[name] = number

    def inside(self, *words, status=0):
        done = subprocess.run(
            ["chroot", self.tree.root, *words], capture_output=True, text=True, check=False, timeout=LIMIT, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        )  # fmt: skip
        if status is not None:
            self.assertEqual(done.returncode, status, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def verifies(self, name, where):
        """Does the system's own openssl verify a chain to this root?"""
        store_words = {"bundle": ["-no-CApath", "-CAfile", store.BUNDLE], "directory": ["-no-CAfile", "-CApath", store.CERTS]}[where]
        number = self.chain[name]
        words = ["openssl", "verify", "-no-CAstore", "-attime", CHAINS_AT, *store_words, "-untrusted", f"/chains/{number}.rest", f"/chains/{number}.leaf"]
        return self.inside(*words, status=None).returncode == 0

    def lost(self, names):
        """Takes away, with the system's own tools: the first is disabled, of the second the line, of the third file and line."""
        conf = self.tree.read(store.CONF)
        first, second, third = (b"mozilla/" + store.SIX[name].encode() for name in names)
        conf = conf.replace(first, b"!" + first).replace(second + b"\n", b"").replace(third + b"\n", b"")
        self.tree.write(store.CONF, conf)
        os.rename(f"{self.tree.at(store.PACKAGE)}/{third.decode()}", self.tree.at("/taken"))
        for file in glob.glob(self.tree.at(store.LOCAL) + "/*"):
            os.unlink(file)
        self.inside("update-ca-certificates", "--fresh")
        for name in names:
            for where in ("bundle", "directory"):
                self.assertFalse(self.verifies(name, where), f"{name} by {where} before the update")
        self.before = self.tree.bundle()

    def all_there(self, when):
        for where, found in (("bundle", self.tree.bundle()), ("directory", self.tree.directory())):
            self.assertLessEqual(store.GOAL, found, f"{when}: {where}")
            self.assertLessEqual(self.before, found, f"{when}: {where}")
            for name in self.chain:
                self.assertTrue(self.verifies(name, where), f"{when}: {name} by {where}")
        again = kedge.run("ca-update", "--root", self.tree.root)
        self.assertEqual(again.status, 0, f"{when}: {again}")

    def restore(self):
        """The package's own state again, but what kedge wrote."""
        if os.path.exists(self.tree.at("/taken")):
            os.rename(self.tree.at("/taken"), f"{self.tree.at(store.PACKAGE)}/mozilla/{store.SIX[store.THREE]}")

    def test_survives_what_packages_do(self):
        self.lost([store.ONE, store.TWO, store.THREE])
        done = kedge.run("ca-update", "--root", self.tree.root)
        self.assertEqual(done.status, 5, str(done))
        done = kedge.run("ca-update", "--root", self.tree.root, "--apply")
        self.assertEqual(done.status, 0, str(done))
        self.all_there("updated from outside")
        outside = [link for link in glob.glob(self.tree.at(store.CERTS) + "/*") if os.path.islink(link) and self.folder in os.readlink(link)]
        self.assertEqual(outside, [], "links hold this machine's path")

        self.inside("dpkg-reconfigure", "-f", "noninteractive", "ca-certificates")
        self.all_there("reconfigured")
        self.inside("update-ca-certificates", "--fresh")
        self.all_there("made afresh")
        package = glob.glob(self.tree.at("/var/cache/apt/archives/ca-certificates_*.deb"))[0]
        self.restore()
        self.inside("dpkg", "-i", package[len(self.tree.root) :])
        self.all_there("reinstalled")
        before = self.inside("dpkg-query", "-W", "ca-certificates").stdout
        shutil.copy(newer_package(package, self.folder), self.tree.at("/later.deb"))
        self.before &= store.GOAL  # an upgrade may take away authorities of others
        self.inside("dpkg", "-i", "/later.deb")
        after = self.inside("dpkg-query", "-W", "ca-certificates").stdout
        self.assertNotEqual(after, before)
        self.all_there("upgraded")

        self.inside_the_system()
        print(f"# figures: real system: {before.split()[1]} upgraded to {after.split()[1]}", flush=True)

    def inside_the_system(self):
        """The same again, with kedge in the system, and its package's scripts after it."""
        self.lost([store.TWO, store.FOUR, store.THREE])
        shutil.copy(KEDGE_STATIC if os.path.exists(KEDGE_STATIC) else kedge.KEDGE, self.tree.at("/usr/local/bin/kedge"))
        self.inside("/usr/local/bin/kedge", "ca-update", status=5)
        self.inside("/usr/local/bin/kedge", "ca-update", "--apply")
        self.inside("/usr/local/bin/kedge", "ca-update")
        self.all_there("updated inside")
        self.inside("dpkg-reconfigure", "-f", "noninteractive", "ca-certificates")
        self.all_there("reconfigured after the update inside")


if __name__ == "__main__":
    unittest.main()
