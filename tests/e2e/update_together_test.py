"""ca-update beside others: a second ca-update waits for the first, dpkg's lock is waited for, and runs of the distribution's
tool, which has no lock, take nothing away."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import calls
import kill
import store
import update_full_test as full
import update_kill_test as scenes

ROUNDS = 100 if kill.ALL else 25
PAIRS = 40 if kill.ALL else 8
FRONTEND = "/var/lib/dpkg/lock-frontend"


def in_background(function):
    """Runs the function in a process of its own; gives its number and what it writes with the `say` that it is called with."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        store.end_with_parent()
        status = 99
        try:
            os.close(reader)
            status = function(lambda: say(writer))
        finally:
            os._exit(status)
    os.close(writer)
    return pid, os.fdopen(reader, "rb", 0)


def say(writer):
    try:
        os.write(writer, b".")
    except BrokenPipeError:
        pass  # nobody needs to hear it any more


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
@unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
class Locks(kedge.Test):
    def setUp(self):
        self.scene = scenes.Debian()
        self.folder = kill.folder()
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = self.scene.build(self.folder + "/tree")
        self.facts = self.scene.facts(self.tree)

    def finished(self):
        self.scene.reached(self.tree, self.facts)
        again = self.scene.plain(self.tree, self.scene.words(self.tree)[:-1])
        self.assertEqual(again.status, 0, str(again))

    def test_two_at_once(self):
        """The first is held in the middle until the second has looked twice for the lock."""
        seed = kill.seed()
        source = random.Random(seed)
        pristine = store.Tree(self.folder + "/pristine").copy_from(self.tree)
        first = self.scene.supervised(self.tree)
        moments = [call.point for call in first.calls if call.changing and call.paths and self.scene.inside(self.tree, call.paths[0])]
        locked = next(i for i, call in enumerate(first.calls) if call.name == "flock")
        after = {call.point for call in first.calls[locked:]}
        moments = source.sample([point for point in moments if point in after], PAIRS)
        for moment in moments:
            with self.subTest(moment=moment, seed=seed):
                self.two_at_once(pristine, moment)

    def two_at_once(self, pristine, moment):
        tree = self.tree.copy_from(pristine)
        others = []

        def second(say):
            def looks(call, _run):
                if call.name == "flock":
                    say()

            calls.become_reaper()
            return self.scene.supervised(tree, looks).status

        def hold(call, _run):
            if not others and call.point == moment:
                others.append(in_background(second))
                for _ in range(2):
                    others[0][1].read(1)

        first = self.scene.supervised(tree, hold)
        if "Cannot fork" in first.out:
            self.skipTest("the system had no room for another process of the tool; the run was rolled back")
        self.assertEqual(first.status, 0, first.out)
        self.assertTrue(others, "the first run didn't come to this moment")
        others[0][1].close()
        self.assertEqual(ended(others[0][0]), 0, "the second run")
        self.finished()

    def hold_frontend(self):
        """Somebody who has dpkg's lock; the number of the process. (A lock of our own would go when we look at the tree.)"""

        def hold(say):
            with open(self.tree.at(FRONTEND), "rb+") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
                say()
                signal.pause()
            return 0

        holder, said = in_background(hold)
        said.read(1)
        said.close()
        self.addCleanup(self.end, holder)
        return holder

    def end(self, pid):
        os.kill(pid, signal.SIGKILL)
        ended(pid)

    def test_waits_for_dpkg(self):
        holder = self.hold_frontend()
        looked = []

        def looks(call, _run):
            if call.name == "fcntl" and call.paths[0] == self.tree.at(FRONTEND):
                looked.append(call)
                if len(looked) == 3:
                    os.kill(holder, signal.SIGKILL)

        run = self.scene.supervised(self.tree, looks)
        self.assertEqual(run.status, 0, run.out)
        self.assertGreaterEqual(len(looked), 3, "it didn't wait for dpkg's lock")
        self.finished()

    @unittest.skipUnless(kill.ALL, "takes more than a minute: make check-all")
    def test_says_who_holds_a_lock_for_long(self):
        holder = self.hold_frontend()
        before = self.tree.state(skip=(store.STATE,))
        done = self.scene.plain(self.tree, self.scene.words(self.tree))
        self.assertEqual(done.status, 3, str(done))
        self.assertIn(str(holder), done.out + done.err)
        self.assertEqual(self.tree.state(skip=(store.STATE,)), before)


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
@unittest.skipIf(store.cannot_mount(), f"no mounts of our own here: {store.cannot_mount()}")
class Tools(kedge.Test):
    """Plain runs of the tool, one after another, at random moments of a run on the live system."""

    def test_runs_of_the_tool_at_random_moments(self):
        full.in_a_process(self.rounds)

    def rounds(self):
        seed = kill.seed()
        source = random.Random(seed)
        scene = scenes.Live()
        place = kill.folder()
        counted = {"between": 0, "later": 0}
        try:
            pristine = scene.build(place + "/pristine")
            facts = scene.facts(pristine)
            tree = store.Tree(place + "/tree").copy_from(pristine)
            store.mount_over({path: tree.at(path) for path in scene.over})
            began = time.monotonic()
            assert kedge.run("ca-update", "--apply").status == 0
            lasts = time.monotonic() - began
            for number in range(ROUNDS):
                for path in scene.over:  # what lies under a mount stays the same folder
                    renew(tree.at(path), pristine.at(path))
                self.round(tree, facts, source, lasts, counted, f"round {number}, KEDGE_SEED={seed}")
        finally:
            shutil.rmtree(place)
        print(f"# figures: {ROUNDS} runs beside {counted['between']} of the tool's, {counted['later']} that ended later; KEDGE_SEED={seed}",
              flush=True)  # fmt: skip
        assert counted["between"] >= ROUNDS / 5, counted

    def round(self, tree, facts, source, lasts, counted, where):
        delays = [source.uniform(0, 0.4 * lasts) for _ in range(source.choice((1, 1, 2, 3)))]
        ends = []
        done = []

        def tools():
            for delay in delays:
                if done:
                    return
                time.sleep(delay)  # a random moment is what is tried; nothing is waited for
                subprocess.run([store.TOOL], stdin=subprocess.DEVNULL, capture_output=True, check=False)
                ends.append(time.monotonic())

        thread = threading.Thread(target=tools)
        thread.start()
        run = kedge.run("ca-update", "--apply")
        finished = time.monotonic()
        done.append(True)
        found = (tree.bundle(), tree.directory())
        thread.join()
        if ends and ends[-1] > finished:
            counted["later"] += 1  # not ours, but a run of the tool alone must mend it
            subprocess.run([store.TOOL], stdin=subprocess.DEVNULL, capture_output=True, check=True)
            found = (tree.bundle(), tree.directory())
        else:
            counted["between"] += 1
        assert run.status == 0, f"{where}: {run}"
        for what, now in zip(("bundle", "directory"), found):
            assert facts[what] | store.GOAL <= now, f"{where}: {what}: {len((facts[what] | store.GOAL) - now)} lost\n{run}"


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
@unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
@unittest.skipIf(store.cannot_mount(), f"no mounts of our own here: {store.cannot_mount()}")
class Afterwards(kedge.Test):
    """A run was killed; before the next one an administrator adds authorities, which the recovery must not take away."""

    @kedge.rows([(scene.name, scene) for scene in (scenes.BeforeBundle, scenes.AfterBundle, scenes.Verified)])
    def others(self, _, scene_class):
        scene = scene_class()
        place = kill.folder()
        self.addCleanup(shutil.rmtree, place)
        tree = scene.build(place + "/tree")
        before = {"bundle": tree.bundle() | scene.pristine["bundle"], "directory": tree.directory() | scene.pristine["directory"]}
        added = {store.fingerprint(store.made(name).strip()) for name in ("Lab Line", "Lab File", "Lab Appended")}
        full.in_a_process(self.administrator, scene, tree)
        before["bundle"] |= tree.bundle()
        before["directory"] |= tree.directory()
        lines = tree.lines()
        self.assertLessEqual(added, tree.bundle())
        done = scene.plain(tree, scene.apply(tree))
        self.assertEqual(done.status, 0, str(done))
        for what, now in (("bundle", tree.bundle()), ("directory", tree.directory())):
            self.assertLessEqual(store.GOAL, now, f"{what}: {done}")
            self.assertFalse(before[what] - now, f"{what}: {len(before[what] - now)} lost: {done}")
        rest = iter(tree.lines())
        self.assertTrue(all(any(new in (old, old.removeprefix(b"!")) for new in rest) for old in lines if old), str(done))
        again = scene.plain(tree, scene.apply(tree)[:-1])
        self.assertEqual(again.status, 0, str(again))

    def administrator(self, scene, tree):
        """By line and by file, with the distribution's tool; one more by hand, at the end of the bundle."""
        tree.write(f"{store.PACKAGE}/corp/line.crt", store.made("Lab Line"))
        text = tree.read(store.CONF)
        tree.write(store.CONF, text + (b"" if text.endswith(b"\n") else b"\n") + b"corp/line.crt\n")
        tree.write(f"{store.LOCAL}/file.crt", store.made("Lab File"))
        store.mount_over({path: tree.at(path) for path in scene.over})
        subprocess.run([store.TOOL], check=True, capture_output=True)
        tree.write(store.BUNDLE, tree.read(store.BUNDLE) + store.made("Lab Appended"))


def renew(place, pristine):
    """Makes the folder's content the same as the other's; the folder itself stays."""
    for name in os.listdir(place):
        path = os.path.join(place, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    subprocess.run(["cp", "-a", pristine + "/.", place], check=True)


if __name__ == "__main__":
    unittest.main()
