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

    def goal(self, tree, facts):
        self.left(tree, facts)
        forward = tree.read(SDK_FILE) == facts["after"]
        for words in (self.words(tree), self.words(tree)[:-1]):
            done = self.plain(tree, words)
            assert done.status == 0, f"one more run: {done}"
            assert tree.read(SDK_FILE) == facts["after"]
        return "forward" if forward else "back"


@unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
class Kill(kedge.Test):
    def tried(self, scene, share=1.0):
        tried = kill.try_all(scene, share)
        print(f"# figures: {tried.figures(scene.name)}", flush=True)
        self.assertEqual(tried.missed(), [], "points that no run came to")
        wrong = tried.wrong()
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(tried.trials)} trials went wrong (KEDGE_SEED={tried.seed})")
        if kill.ALL:
            self.assertEqual(len(tried.trials), tried.points)
        for what in ("back", "forward"):
            self.assertIn(what, {trial.after for trial in tried.trials}, "never seen: nothing is proven about it")

    def test_sdk_config(self):
        self.tried(SdkConfig(), 0.2)

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
