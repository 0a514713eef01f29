"""What an update does about the state that it finds: backups and journals that are damaged or not its own, and what others have
changed since a run was interrupted."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import store
import update_test as base

NOBODY = {"user": base.NOBODY, "group": base.NOBODY, "extra_groups": []}
OTHER = "/corp/other.crt"


def fingerprint(name):
    return store.fingerprint(store.made(name).strip())


def sealed(text):
    return text + f"end {hashlib.sha256(text.encode()).hexdigest()}\n"


@base.BY_TOOL
class Damaged(base.Update):
    """A backup that isn't what was saved is not put back."""

    def setUp(self):
        super().setUp()
        self.tree = self.small()
        self.run_in(self.tree, "--apply", status=0)
        self.backup = store.STATE + "/backup/1"

    def record(self, kind, path):
        lines = self.tree.read(self.backup + "/manifest").decode().splitlines()
        return next(line.split() for line in lines if line.startswith(f"{kind} {path} "))

    @kedge.rows([("the bundle's copy", store.BUNDLE), ("the configuration's", store.CONF)])
    def a_copy(self, _, path):
        place = self.tree.at(f"{self.backup}/{self.record('file', path)[2]}")
        os.truncate(place, os.path.getsize(place) // 2)
        self.refuses(self.tree, "--rollback", "--apply", says=[place, path])
        self.tree.write(store.STATE + "/journal", "kedge.journal/1 begun 1\n")
        self.refuses(self.tree, "--apply", says=[place, "nothing was changed", "ca-audit", store.STATE + "/journal"])

    def test_a_copy_of_the_same_size(self):
        place = f"{self.backup}/{self.record('file', store.BUNDLE)[2]}"
        content = bytearray(self.tree.read(place))
        content[len(content) // 2] ^= 1
        with open(self.tree.at(place), "wb") as file:
            file.write(content)
        self.refuses(self.tree, "--rollback", "--apply", says=[place, "not what was saved"])

    @kedge.rows([("manifest",), ("certificates",)])
    def its_notes(self, name):
        place = self.tree.at(f"{self.backup}/{name}")
        os.truncate(place, os.path.getsize(place) // 2)
        self.refuses(self.tree, "--rollback", "--apply", says=[place, "not whole"])

    @kedge.rows([
        ("a journal without sense", lambda self: self.tree.write(store.STATE + "/journal", "?"), "damaged"),
        ("a number that is none", lambda self: self.tree.write(store.STATE + "/journal", f"kedge.journal/1 begun {'9' * 20}\n"), "damaged"),
        ("a backup that is gone", lambda self: self.tree.write(store.STATE + "/journal", "kedge.journal/1 begun 7\n"), "missing"),
    ])  # fmt: skip
    def journal(self, _, make, says):
        make(self)
        self.refuses(self.tree, "--apply", says=[says, "ca-audit", "remove"])
        done = self.run_in(self.tree)
        self.assertIn(done.status, (3, 5), str(done))  # never that there is nothing to do

    def test_a_journal_that_is_a_fifo(self):
        os.mkfifo(self.tree.at(store.STATE + "/journal"))
        self.refuses(self.tree, "--apply", says=["journal", "regular file"])

    def test_a_number_past_all(self):
        os.mkdir(self.tree.at(store.STATE + "/backup/9223372036854775807"))
        os.unlink(self.tree.at(base.LOCAL_NAMES[store.FOUR]))
        self.run_in(self.tree, "--apply", status=0)
        self.assertTrue(os.path.exists(self.tree.at(store.STATE + "/backup/2/proven")))
        self.run_in(self.tree, "--rollback", "--apply", status=0)


class Hostile(base.Update):
    """Whoever owns a card may have written its journal."""

    def setUp(self):
        super().setUp()
        self.tree = store.bare(self.folder + "/tree")
        self.outside = store.Tree(self.folder + "/outside")
        self.outside.write("/victim", "precious")
        self.outside.write("/secret", "secret")

    def plant(self, text):
        """A backup with this manifest, and a journal that says to go back to it; all of it belongs to somebody else."""
        state = store.STATE
        self.tree.write(state + "/backup/1/1", "planted")
        self.tree.write(state + "/backup/1/certificates", sealed("text none\n"))
        self.tree.write(state + "/backup/1/manifest", sealed(text))
        self.tree.write(state + "/journal", "kedge.journal/1 begun 1\n")
        os.chmod(self.tree.at(state), 0o700)
        if os.geteuid() == 0:
            self.tree.own(base.NOBODY)

    @kedge.rows([
        ("a file above", "file /../outside/victim 1 0:0 7 SUM\n", "line 1"),
        ("nothing above", "absent /../outside/victim\n", "line 1"),
        ("behind a link", "file /etc/out/victim 1 0:0 7 SUM\n", "touches"),
        ("gone behind a link", "absent /etc/out/victim\n", "touches"),
        ("elsewhere inside", "file /etc/passwd 1 0:0 7 SUM\n", "touches"),
        ("all of a folder's links", "links /etc/out\n", "touches"),
        ("a copy with a way", "file /etc/ssl/cert.pem ../../../../outside/secret 0:0 6 SUM\n", "line 1"),
    ])  # fmt: skip
    def manifest(self, _, text, says):
        self.tree.link(self.outside.root, "/etc/out")
        self.tree.write("/etc/passwd", "root\n")
        before = self.outside.state(times=True)
        self.plant(text.replace("SUM", hashlib.sha256(b"planted").hexdigest()))
        self.refuses(self.tree, "--apply", says=["manifest", says])
        self.assertEqual(self.outside.state(times=True), before)

    @kedge.rows([("link", 6), ("folder", 7)])
    def a_copy_that_is_a_link(self, kind, size):
        """Nothing of this system comes into the image."""
        path = "/etc/ssl/cert.pem"
        total = hashlib.sha256(b"secret").hexdigest()
        self.plant(f"file {path} 1 0:0 {size} {total}\n")
        copy = store.STATE + "/backup/1"
        if kind == "link":
            self.tree.link(self.outside.root + "/secret", copy + "/1")
        else:
            shutil.move(self.tree.at(copy), self.outside.root + "/1")
            self.tree.link(self.outside.root + "/1", copy)
        self.refuses(self.tree, "--apply", says=[copy])

    @base.BY_ROOT
    def test_a_state_of_somebody_else(self):
        self.plant("absent /etc/ssl/new.pem\n")
        os.chown(self.tree.at(store.STATE), 4242, 4242)
        self.refuses(self.tree, "--apply", says=[store.STATE, "user 4242"])

    def test_a_state_that_others_may_write(self):
        self.plant("absent /etc/ssl/new.pem\n")
        os.chmod(self.tree.at(store.STATE), 0o777)
        self.refuses(self.tree, "--apply", says=[store.STATE, "mode 777"])


@base.BY_TOOL
@base.BY_ROOT
class Others(base.Update):
    """Somebody else changes the store while a run is under way, or after it was interrupted: nothing of that is taken away."""

    def setUp(self):
        super().setUp()
        try:
            self.tree = base.with_programs(self.small())
        except PermissionError as error:
            self.skipTest(f"no devices can be made here: {error}")

    def end_by(self, script):
        """An image whose tool is this script once; then it is the real one again."""
        real = self.tree.read(store.TOOL)
        self.tree.write(store.TOOL + ".real", real, 0o755)
        self.tree.write(store.TOOL, "#!/bin/sh\n" + script.replace("REAL", store.TOOL + ".real"), 0o755)
        done = kedge.run("ca-update", "--root", self.tree.root, "--apply", "-f", "json")
        self.tree.write(store.TOOL, real, 0o755)
        return done

    def add_other(self):
        self.tree.write(store.PACKAGE + OTHER, store.made("Lab Other"))

    LINE = f"printf '\\n{OTHER[1:]}\\n' >>{store.CONF}\n"

    @kedge.rows([("before the tool", "kill -9 $PPID\n"), ("after the tool", "REAL\nkill -9 $PPID\n")])
    def since_an_interrupted_run(self, _, script):
        pristine = self.tree.bundle(), self.tree.directory()
        done = self.end_by(script)
        self.assertEqual(done.status, -9, str(done))
        self.assertTrue(os.path.exists(self.tree.at(store.STATE + "/journal")))
        self.add_other()
        self.tree.write(store.CONF, self.tree.read(store.CONF) + f"\n{OTHER[1:]}\n".encode())
        self.tree.update()
        self.tree.write(store.BUNDLE, self.tree.read(store.BUNDLE) + store.made("Lab Appended"))
        before = self.tree.bundle() | pristine[0], self.tree.directory() | pristine[1], self.tree.lines()
        done = self.run_in(self.tree, "--apply", status=0)
        self.assertIn("stays", done.results[0]["message"])
        self.reached(self.tree, *before)
        self.assertLessEqual({fingerprint("Lab Other"), fingerprint("Lab Appended")}, self.tree.bundle())
        self.assertIn(OTHER[1:].encode(), self.tree.lines())
        self.assertEqual(self.outcome(done)["values"]["before"], len(before[0]))
        self.assertIn("Nothing to do", self.outcome(self.run_in(self.tree, "--apply", status=0))["message"])

    def test_a_line_alone_since_an_interrupted_run(self):
        self.end_by("kill -9 $PPID\n")
        self.add_other()
        self.tree.write(store.CONF, self.tree.read(store.CONF) + f"{OTHER[1:]}\n".encode())
        self.run_in(self.tree, "--apply", status=0)
        self.assertIn(fingerprint("Lab Other"), self.tree.bundle())

    def test_a_line_during_a_run_that_fails(self):
        self.add_other()
        bundle, directory, lines = self.tree.bundle(), self.tree.directory(), self.tree.lines()
        done = self.end_by(self.LINE + "REAL\nexit 1\n")
        self.assertEqual(done.status, 3, str(done))
        self.assertIn("stays", self.outcome(done)["message"])
        self.assertIn(OTHER[1:].encode(), self.tree.lines())
        self.reached(self.tree, bundle, directory, lines, goal=set())
        self.assertIn(fingerprint("Lab Other"), self.tree.bundle())
        self.applied(self.tree)

    def test_a_line_during_a_run_that_succeeds(self):
        self.add_other()
        self.assertEqual(self.end_by(self.LINE + "REAL\n").status, 0)
        self.assertIn(fingerprint("Lab Other"), self.tree.bundle())
        self.refuses(self.tree, "--rollback", "--apply", says=["Lab Other"])

    def own_file(self):
        """A regular file in the folder, of a name that the tool makes a link of."""
        text = store.made("Lab Own")
        self.tree.write(store.LOCAL + "/own.crt", text)
        self.tree.write(store.CERTS + "/own.pem", text)
        self.tree.write(store.BUNDLE, self.tree.read(store.BUNDLE) + text)
        asked = subprocess.run(["openssl", "x509", "-noout", "-hash"], input=text, check=True, capture_output=True)
        self.tree.link("own.pem", f"{store.CERTS}/{asked.stdout.decode().strip()}.0")
        self.assertIn(fingerprint("Lab Own"), self.tree.directory())

    def test_a_regular_file_that_the_tool_replaces(self):
        self.own_file()
        state = self.tree.state(skip=(store.STATE,))
        self.run_in(self.tree, "--apply", status=0)
        self.assertTrue(os.path.islink(self.tree.at(store.CERTS + "/own.pem")))
        self.run_in(self.tree, "--rollback", "--apply", status=0)
        self.assertEqual(self.tree.state(skip=(store.STATE,)), state)

    def test_a_regular_file_and_a_tool_that_fails(self):
        self.own_file()
        state = self.tree.state(skip=(store.STATE,))
        done = self.end_by("REAL\nexit 3\n")
        self.assertEqual(done.status, 3, str(done))
        os.unlink(self.tree.at(store.TOOL + ".real"))
        self.assertEqual(self.tree.state(skip=(store.STATE,)), state)


class Merged(base.Update):
    def test_a_bundle_by_hand_that_others_appended_to(self):
        tree = store.bare(self.folder + "/tree")
        path = "/etc/ssl/cert.pem"
        before = tree.bundle(path)
        self.run_in(tree, "--apply", status=0)
        tree.write(store.STATE + "/journal", "kedge.journal/1 begun 1\n")
        tree.write(path, store.made("Lab Later"))  # and all others are gone
        done = self.run_in(tree, "--apply", status=0)
        self.assertIn("Lab Later", done.results[0]["message"])
        self.assertEqual(tree.bundle(path), before | store.GOAL | {fingerprint("Lab Later")})


class Refused(base.Update):
    def test_an_interrupt_while_it_waits_for_the_lock(self):
        tree = store.bare(self.folder + "/tree")
        tree.write(store.STATE + "/lock", "")
        os.chmod(tree.at(store.STATE), 0o700)
        state = tree.state()
        with open(tree.at(store.STATE + "/lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = kedge.start("ca-update", "--root", tree.root, "--apply", stdin=subprocess.DEVNULL)
            self.addCleanup(kedge.stop, process)
            self.assertIn(b"waiting for kedge's lock", process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=kedge.GUARD)
        self.assertEqual(process.returncode, -signal.SIGTERM, err)
        self.assertIn(b"nothing was changed", err)
        self.assertEqual(tree.state(), state)

    @base.BY_TOOL
    def test_a_folder_that_is_a_link_to_nothing(self):
        tree = self.small()
        shutil.rmtree(tree.at(store.LOCAL))
        tree.link("/nowhere", store.LOCAL)
        for words in ((), ("--apply",)):
            self.refuses(tree, *words, says=[store.LOCAL, "leads nowhere"])
        self.assertFalse(os.path.exists(tree.at(store.STATE + "/journal")))


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
@base.BY_TOOL
class Users(base.Update):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        self.tree = self.small()

    def run_as(self, *words, status, **user):
        return self.run_in(self.tree, *words, status=status, **user)

    def test_root_among_a_users_runs(self):
        self.tree.own(base.NOBODY)
        for user in (NOBODY, {}, NOBODY, {}, {}, NOBODY):
            self.run_as("--apply", status=0, **user)
            self.run_as("--rollback", status=5, **NOBODY)
            os.unlink(self.tree.at(base.LOCAL_NAMES[store.FOUR]))
        self.assertEqual(sorted(os.listdir(self.tree.at(store.STATE) + "/backup")), ["4", "5", "6"])

    def test_a_user_who_may_not_look(self):
        self.run_as("--apply", status=0)
        done = kedge.run("ca-update", "--root", self.tree.root, **NOBODY)
        self.assertEqual(done.status, 0, str(done))
        self.assertIn("was not seen", done.err)

    def test_what_is_left_to_tidy_up_fails_no_run(self):
        self.tree.own(base.NOBODY)
        self.run_as("--apply", status=0, **NOBODY)
        os.makedirs(self.tree.at(store.STATE + "/backup/9.new/sub"), 0o700)
        os.unlink(self.tree.at(base.LOCAL_NAMES[store.FOUR]))
        done = self.run_as("--apply", status=0, **NOBODY)
        self.assertIn("9.new", done.err)


if __name__ == "__main__":
    unittest.main()
