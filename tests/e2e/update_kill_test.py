"""Runs that repair a store or the SDK's configuration, killed at every call: nothing is lost, and one more run reaches the goal."""

import os
import re
import shutil
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import calls
import kill
import store
from kedge import rows

REGION = "eu"
SDK_FILE = "/AlexaClientSDKConfig.json"


class SdkConfig(kill.Scene):
    name = "sdk-config"

    def build(self, root):
        return store.sdk_config(root)

    def words(self, tree):
        return ["sdk-config", tree.at(SDK_FILE), "--region", REGION, "--apply"]

    def facts(self, tree):
        after = kedge.run("sdk-config", tree.at(SDK_FILE), "--region", REGION, "--apply")
        assert after.status == 0, str(after)
        after = tree.read(SDK_FILE)
        tree.write(SDK_FILE, store.SDK_BEFORE, 0o600)
        return {"before": store.SDK_BEFORE, "after": after}

    def left(self, tree, facts):
        assert tree.read(SDK_FILE) in facts.values(), "the file is neither the old nor the new one"
        for name in os.listdir(tree.root):
            # What a killed run leaves is one file beside, which nobody else may read where they couldn't read the file itself.
            status = os.lstat(tree.at("/" + name))
            assert name == SDK_FILE[1:] or name.startswith("." + SDK_FILE[1:] + "."), name
            assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, os.geteuid()), name
        assert len(os.listdir(tree.root)) <= 2

    def reached(self, tree, facts):
        assert tree.read(SDK_FILE) == facts["after"]

    def goal(self, tree, facts):
        self.left(tree, facts)
        forward = tree.read(SDK_FILE) == facts["after"]
        for words in (self.words(tree), self.words(tree)[:-1]):
            done = self.plain(tree, words)
            assert done.status == 0, f"one more run: {done}"
            assert tree.read(SDK_FILE) == facts["after"]
        return "forward" if forward else "back"


class Update(kill.Scene):
    """ca-update on some tree: what is true after any of its runs was killed."""

    path = store.BUNDLE
    states = (store.STATE, "/etc/.kedge")  # where kedge keeps its own, which may differ from run to run

    def apply(self, tree):
        return ["ca-update", "--root", tree.root, "--apply"]

    def words(self, tree):
        return self.apply(tree)

    def facts(self, tree):
        place = kill.folder()
        try:
            goal = store.Tree(place + "/tree").copy_from(tree)
            done = self.plain(goal, self.apply(goal))
            assert done.status == 0, f"an undisturbed run fails: {done}"
            return {
                "bundle": tree.bundle(self.path), "directory": tree.directory(), "lines": tree.lines(),
                "unlisted": tree.unlisted(), "goal": goal.state(skip=self.states), "directory after": goal.directory(),
            }  # fmt: skip
        finally:
            shutil.rmtree(place)

    def left(self, tree, facts):
        # What is missing is in a backup, and the journal tells the next run to go back to it.
        going_back = self.kept(tree, facts["bundle"])
        for what, now in (("bundle", tree.bundle(self.path)), ("directory", tree.directory())):
            missing = facts[what] - now
            assert not missing or going_back, f"{what}: {len(missing)} authorities gone, and no backup that will bring them back"
        assert lines_kept(facts["lines"], tree.lines()), f"lines lost: {facts['lines']} became {tree.lines()}"
        assert tree.unlisted() <= facts["unlisted"], f"files without a line: {tree.unlisted() - facts['unlisted']}"

    def kept(self, tree, certificates):
        """A file among kedge's own holds all of the previous bundle, and there is a journal."""
        for state in self.states:
            if not os.path.exists(tree.at(state + "/journal")):
                continue
            for place, _, names in os.walk(tree.at(state)):
                for name in names:
                    with open(os.path.join(place, name), "rb") as file:
                        if certificates <= set(store.certificates(file.read())):
                            return True
        return False

    def goal(self, tree, facts):
        words = self.words(tree)
        first = self.plain(tree, words)
        assert first.status == 0, f"one more run: {first}"
        self.reached(tree, facts)
        again = self.plain(tree, words[:-1])
        assert again.status == 0, f"something is left to do: {again}"
        return what_it_did(first)

    def reached(self, tree, facts):
        for what, now in (("bundle", tree.bundle(self.path)), ("directory", tree.directory())):
            if facts[what]:
                assert facts[what] <= now, f"{what}: {len(facts[what] - now)} authorities lost"
                assert store.GOAL <= now, f"{what}: {len(store.GOAL - now)} of the six are missing"
        assert lines_kept(facts["lines"], tree.lines())
        assert tree.directory() == facts["directory after"]
        state, goal = tree.state(skip=self.states), facts["goal"]
        different = sorted(path for path in state.keys() | goal.keys() if state.get(path) != goal.get(path))
        # A tool that lost a child may give a link another name; what the links lead to was just compared.
        different = [path for path in different if not any(is_link(states.get(path)) for states in (state, goal))]
        assert not different, f"not the tree of an undisturbed run: {different}"


def is_link(entry):
    return entry and stat.S_ISLNK(entry[0])


def lines_kept(before, after):
    """Lines that were there are there, in the same order; one with a `!` may have lost it."""
    rest = iter(after)
    return all(any(line in (old, old.removeprefix(b"!")) for line in rest) for old in before if old)


def what_it_did(run):
    """What a run said about the interrupted one before it."""
    return "back" if "rolled back" in run.out + run.err else "forward" if "finished" in run.out + run.err else ""


class Debian(Update):
    """An image that isn't root's, with the host's tool and its directory options."""

    name = "Debian image"
    owner = 12345

    def build(self, root):
        tree = store.small(root)
        if os.geteuid() == 0:
            tree.own(self.owner)
        return tree

    def reached(self, tree, facts):
        super().reached(tree, facts)
        if os.geteuid() == 0:
            state = tree.state(skip=self.states).items()
            others = [path for path, entry in state if entry[1:3] != (self.owner, self.owner)]
            assert not others, f"not owned as the image's files are: {others}"


class Bare(Update):
    name = "bare bundle"
    path = "/etc/ssl/cert.pem"

    def build(self, root):
        return store.bare(root)


class Live(Debian):
    """The system itself, as kedge sees it in a mount namespace in which the tree lies over its folders."""

    name = "Debian, live"
    over = ("/etc", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/var/lib")

    def build(self, root):
        return store.live(store.small(root))

    def reached(self, tree, facts):
        Update.reached(self, tree, facts)

    def apply(self, tree):
        return ["ca-update", "--apply"]

    def prepare(self, tree):
        return lambda: store.mount_over({path: tree.at(path) for path in self.over})

    def place(self, tree, path):
        return tree.at(path) if any(path == place or path.startswith(place + "/") for place in self.over) else None


class Recovery(Live):
    """The run after one that was killed, killed itself while it goes back or finishes."""

    moment = "?"

    def build(self, root):
        tree = super().build(root)
        self.pristine = super().facts(tree)
        seen = []

        def decide(call, run):
            seen.append(call)
            if not self.is_now(call, seen):
                return None
            run.kill(run.everybody())
            return "die"

        ended = self.supervised(tree, decide)
        assert ended.stopped, "the run wasn't interrupted"
        self.left(tree, self.pristine)
        return tree

    def facts(self, tree):
        return self.pristine

    def points(self, tree, recorded):
        """Those of the recovery: what comes after it is the way of every run."""
        first = next((i for i, call in enumerate(recorded) if call.name in calls.FORKS), len(recorded))
        return super().points(tree, recorded[:first])

    def is_now(self, call, seen):
        raise NotImplementedError


def is_rename_of_bundle(call):
    return call.process != "0" and call.name in calls.RENAMES and call.paths[-1] == store.BUNDLE


class BeforeBundle(Recovery):
    name = "going back, the bundle is the old one"

    def is_now(self, call, seen):
        return is_rename_of_bundle(call)


class AfterBundle(Recovery):
    name = "going back, the bundle is the new one"

    def is_now(self, call, seen):
        return call.process == "0" and any(map(is_rename_of_bundle, seen))


class Verified(Recovery):
    name = "finishing"

    def is_now(self, call, seen):
        return call.process == "0" and call.name in calls.RENAMES and call.paths[-1] == store.STATE + "/journal" and len(call.paths) == 1


class Rollback(Live):
    """`--rollback --apply` after a run: one more of it, or of the plain run, comes to its end, whichever is next."""

    name = "--rollback"
    back = ["ca-update", "--rollback", "--apply"]

    def build(self, root):
        tree = super().build(root)
        self.pristine = {**super().facts(tree), "state": tree.state(skip=self.states)}
        done = self.plain(tree, self.apply(tree))
        assert done.status == 0, str(done)
        return tree

    def words(self, tree):
        return self.back

    def facts(self, tree):
        return self.pristine

    def goal(self, tree, facts):
        first = self.plain(tree, self.back)
        assert first.status == 0, f"one more --rollback: {first}"
        state = tree.state(skip=self.states)
        different = sorted(path for path in state.keys() | facts["state"].keys() if state.get(path) != facts["state"].get(path))
        assert not different, f"not what was before: {different}"
        again = self.plain(tree, self.back[:-1])
        assert again.status == 0, f"something is left to go back: {again}"
        done = self.plain(tree, self.apply(tree))
        assert done.status == 0, f"the next run: {done}"
        self.reached(tree, facts)
        return what_it_did(first)


@unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
class Kill(kedge.Test):
    def tried(self, scene, share=1.0, seen=("back", "forward")):
        tried = kill.try_all(scene, share)
        print(f"# figures: {tried.figures(scene.name)}", flush=True)
        self.assertEqual(tried.missed(), [], "points that no run came to")
        wrong = tried.wrong()
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(tried.trials)} trials went wrong (KEDGE_SEED={tried.seed})")
        if kill.ALL:
            self.assertEqual(len(tried.trials), tried.chosen)
        for what in seen:
            self.assertIn(what, {trial.after for trial in tried.trials}, "never seen: nothing is proven about it")

    def test_sdk_config(self):
        self.tried(SdkConfig(), 0.2)

    @unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
    def test_debian_image(self):
        self.tried(Debian())

    @unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
    def test_debian_live(self):
        if store.cannot_mount():
            self.skipTest(f"no mount namespace here: {store.cannot_mount()}")
        self.tried(Live())

    @rows([(scene.name, scene) for scene in (BeforeBundle, AfterBundle, Verified)])
    def recovery(self, _, scene):
        if store.cannot_mount():
            self.skipTest(f"no mount namespace here: {store.cannot_mount()}")
        self.tried(scene(), 0.3, seen=())

    def test_rollback(self):
        if store.cannot_mount():
            self.skipTest(f"no mount namespace here: {store.cannot_mount()}")
        self.tried(Rollback(), 0.3, seen=("back",))

    def test_bare_bundle(self):
        self.tried(Bare(), 0.3)

    def test_no_kind_of_call_is_overlooked(self):
        """What strace counts among calls on files, descriptors and processes is stopped at, or stands here."""
        harmless = {
            "mmap", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "eventfd2", "signalfd4",
            "timerfd_create", "timerfd_settime", "socket", "connect", "bind", "sendto", "recvfrom", "umask", "getpid", "gettid",
            "memfd_create", "rt_sigprocmask", "tgkill", "fadvise64", "arch_prctl", "prctl", "getppid",
        }  # fmt: skip
        place = kill.folder()
        self.addCleanup(shutil.rmtree, place)
        scene = SdkConfig()
        tree = scene.build(place + "/tree")
        traced = subprocess.run(
            ["strace", "-f", "-qq", "-o", place + "/trace", "-e", "trace=%file,%desc,%process", kedge.KEDGE, *scene.words(tree)],
            env=kedge.environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        if traced.returncode != 0:
            self.skipTest(f"strace can't trace here: {traced.stderr.decode(errors='replace')[:200]}")
        with open(place + "/trace", encoding="utf-8", errors="replace") as file:
            seen = set(re.findall(r"^\d+ +(\w+)\(", file.read(), re.MULTILINE))
        self.assertIn("rename", {name[:6] for name in seen})
        overlooked = {name for name in seen if name not in calls.CALLS and name not in harmless and not name.startswith("epoll")}
        self.assertEqual(overlooked, set())


if __name__ == "__main__":
    unittest.main()
