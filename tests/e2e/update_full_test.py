"""ca-update where it can't go on: a full disk, a read-only one, no permission, and a power cut at every change."""

import concurrent.futures
import multiprocessing
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import calls
import disk
import kill
import store
import update_kill_test as scenes

NOBODY = 65534
STEP = 4096  # bytes: what the smallest file takes
END = "after the end"
CUT_SECONDS = 40  # of trials in one scene, unless all are tried


def small_disk(place, size, inodes=0):
    """A file system of `size` bytes at `place`, seen by this process only, which has mounts of its own."""
    store.mount("tmpfs", place, "tmpfs", 0, f"size={size},mode=0755" + (f",nr_inodes={inodes}" if inodes else ""))


def in_a_process(function, *arguments):
    """Runs the function in a process of its own, which it may give mounts; fails with what it raised."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            store.own_mounts()
            function(*arguments)
            os.write(writer, b"ok")
        except BaseException:  # pylint: disable=broad-except
            os.write(writer, traceback.format_exc().encode()[-60000:])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    os.waitpid(pid, 0)
    if said != "ok":
        raise AssertionError(said)


def apply(tree, **options):
    return kedge.run("ca-update", "--root", tree.root, "--apply", **options)


def one_sentence(done, *words):
    """It says what is wrong in one line that holds one of the words."""
    lines = [line for line in (done.out + done.err).splitlines() if any(word in line for word in words)]
    assert lines, f"says none of {words}: {done}"
    return lines[0]


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
@unittest.skipIf(store.cannot_mount(), f"no mounts of our own here: {store.cannot_mount()}")
class NoRoom(kedge.Test):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kedge-full-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.scene = scenes.Debian()

    def with_room(self, room, inodes, outcomes, says):
        """A tree on a disk with so many bytes left: it reaches its goal, or nothing is changed and the disk is named."""
        place = self.folder
        small_disk(place, 4 << 20, 20000)
        tree = self.scene.build(place + "/tree")
        facts = self.scene.facts(tree)
        fill(place, room, inodes)
        before = tree.state(times=True, skip=(store.STATE,))
        done = apply(tree)
        if done.status == 0:
            self.scene.reached(tree, facts)
            outcomes.append("enough")
        else:
            assert done.status in (1, 3), str(done)
            said = one_sentence(done, "space", "room", "full", "inode")
            after = tree.state(times=True, skip=(store.STATE,))
            # Where kedge keeps its own was made, and so its folder is younger.
            same = all(before.get(path) == after.get(path) for path in before.keys() | after.keys() if path != "/var/lib")
            self.scene.left(tree, facts)
            if not same:
                assert tree.state(skip=(store.STATE,)) == {path: entry[:4] for path, entry in before.items()}, f"not rolled back: {done}"
            outcomes.append("named before" if same else "rolled back")
            says.append(f"{room} bytes, {inodes} names: {said}")
            shutil.rmtree(place + "/filler")
            self.scene.goal(tree, facts)

    def try_rooms(self, rooms):
        manager = multiprocessing.Manager()
        outcomes, says = manager.list(), manager.list()
        for room, inodes in rooms:
            with self.subTest(room=room, inodes=inodes):
                in_a_process(self.with_room, room, inodes, outcomes, says)
        counted = {what: list(outcomes).count(what) for what in sorted(set(outcomes))}
        print(f"# figures: full disk: {len(rooms)} sizes: {counted}", flush=True)
        for what in ("enough", "named before"):
            self.assertIn(what, counted, "\n".join(says))

    def test_bytes(self):
        self.try_rooms([(step * STEP, 10000) for step in (0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)])

    def test_names(self):
        self.try_rooms([(2 << 20, count) for count in (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256)])

    @unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
    def test_fills_up_meanwhile(self):
        """Somebody else fills the disk after kedge has looked: everything is rolled back, at the latest when there is room."""
        manager = multiprocessing.Manager()
        outcomes = manager.list()
        in_a_process(self.fills_up, outcomes)
        counted = {what: list(outcomes).count(what) for what in sorted(set(outcomes))}
        print(f"# figures: disk that fills up meanwhile: {counted}", flush=True)
        self.assertIn("rolled back", counted)

    def fills_up(self, outcomes):
        small_disk(self.folder, 4 << 20, 20000)
        seed = kill.seed()
        pristine = self.scene.build(self.folder + "/pristine")
        facts = self.scene.facts(pristine)
        tree = store.Tree(self.folder + "/tree").copy_from(pristine)
        run = self.scene.supervised(tree)
        begun = next(i for i, call in enumerate(run.calls) if call.name == "rename" and call.paths[-1].endswith("/journal"))
        moments = [call.point for call in run.calls[begun:] if call.changing and any(self.scene.inside(tree, path) for path in call.paths)]
        for moment in random.Random(seed).sample(moments, 200 if kill.ALL else 20):
            tree.copy_from(pristine)
            try:
                outcomes.append(self.full_from(tree, facts, moment))
            except AssertionError as error:
                raise AssertionError(f"full from {moment}, KEDGE_SEED={seed}: {error}") from error

    def full_from(self, tree, facts, moment):
        filled = []

        def decide(call, _run):
            if not filled and call.point == moment:
                filled.append(call)
                fill(self.folder, 0, 0)

        done = self.scene.supervised(tree, decide)
        assert filled, "the run didn't come to this moment"
        self.scene.left(tree, facts)
        shutil.rmtree(self.folder + "/filler")
        if done.status == 0:
            self.scene.reached(tree, facts)
            return "done"
        said = " ".join(done.out.split())
        what = "rolled back" if "everything was rolled back" in said else "half-way"
        assert what == "rolled back" or "No space left" in said, done.out
        after = self.scene.goal(tree, facts)
        assert what == "rolled back" or after, f"the next run says nothing about it: {done.out}"
        return what

    def test_read_only(self):
        in_a_process(self.read_only)

    def read_only(self):
        small_disk(self.folder, 4 << 20)
        tree = self.scene.build(self.folder + "/tree")
        store.mount(None, self.folder, flags=store.REMOUNT | store.READ_ONLY)
        before = tree.state(times=True)
        dry = kedge.run("ca-update", "--root", tree.root)
        assert dry.status == 5, str(dry)
        done = apply(tree)
        assert done.status == 3, str(done)
        one_sentence(done, "read-only", "Read-only")
        assert tree.state(times=True) == before

    def test_a_folder_that_is_read_only(self):
        """Only a part can't be written: /usr is mounted so on many a device."""
        in_a_process(self.part_read_only)

    def part_read_only(self):
        tree = self.scene.build(self.folder + "/tree")
        usr = tree.at("/usr")
        store.mount(usr, usr, flags=store.BIND)
        store.mount(None, usr, flags=store.BIND | store.REMOUNT | store.READ_ONLY)
        before = tree.state(times=True)
        done = apply(tree)
        assert done.status == 3, str(done)
        one_sentence(done, "read-only", "Read-only")
        assert tree.state(times=True, skip=(store.STATE,)) == {path: entry for path, entry in before.items() if not path.startswith(store.STATE)}


def fill(place, room, inodes):
    """Leaves so many bytes and so many names on the disk."""
    os.mkdir(place + "/filler")
    left = os.statvfs(place)
    for i in range(max(0, left.f_ffree - inodes - 1)):
        os.symlink("x", f"{place}/filler/{i}")
    with open(place + "/filler/bytes", "wb") as file:
        left = os.statvfs(place)
        os.posix_fallocate(file.fileno(), 0, max(1, left.f_bavail * left.f_frsize - room))


@unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
class NoPermission(kedge.Test):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kedge-full-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)

    def test_a_user_is_told_what_to_run(self):
        tree = store.small(self.folder + "/tree")
        before = tree.state(times=True)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        dry = kedge.run("ca-update", "--root", tree.root, **user)
        self.assertEqual(dry.status, 5, str(dry))
        done = apply(tree, **user)
        self.assertEqual(done.status, 3, str(done))
        self.assertRegex(done.out + done.err, r"sudo .*kedge ca-update .*--apply")
        self.assertEqual(tree.state(times=True), before)

    def test_one_folder_of_somebody_else(self):
        """All is the user's own but the folder of the links."""
        tree = store.small(self.folder + "/tree")
        for place, _, names in os.walk(tree.root):
            for name in [".", *names]:
                os.chown(os.path.join(place, name), NOBODY, NOBODY, follow_symlinks=False)
        os.chown(tree.at(store.CERTS), 0, 0)
        before = tree.state(times=True, skip=(store.STATE,))
        done = apply(tree, user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual(done.status, 3, str(done))
        one_sentence(done, store.CERTS)
        self.assertEqual(tree.state(times=True, skip=(store.STATE,)), before)


# Power cuts --------------------------------------------------------------------------------


def try_cut(scene, facts, found, at_end):
    """(what is wrong or None, what the next run did) with a tree that a power cut left."""
    place = kill.folder()
    try:
        disk.make(place + "/tree", found)
        tree = store.Tree(place + "/tree")
        scene.left(tree, facts)
        if at_end:  # kedge has said that it is done
            scene.reached(tree, facts)
        return None, scene.goal(tree, facts)
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}\n{traceback.format_exc()[-1500:]}", ""
    finally:
        shutil.rmtree(place)


@unittest.skipUnless(kill.MEMORY, "needs /dev/shm, whose file numbers are used once")
@unittest.skipIf(calls.unavailable(), f"runs can't be stopped at their calls here: {calls.unavailable()}")
class PowerCut(kedge.Test):
    def cut_everywhere(self, scene, share=1.0):
        seed = kill.seed()
        source = random.Random(seed)
        place = kill.folder()
        self.addCleanup(shutil.rmtree, place)
        tree = scene.build(place + "/tree")
        facts = scene.facts(tree)
        recorder = disk.Disk(tree.root, source, lambda path: scene.place(tree, path))
        ended = scene.supervised(tree, recorder.before_call)
        self.assertEqual(ended.status, 0, ended.out)
        recorder.moment(END)
        distinct = {}
        recorder.cuts.reverse()  # of equal trees the one at the end is tried as that
        for when, cuts in recorder.cuts:
            for what, found in cuts.items():
                distinct.setdefault(tuple(sorted(found.items())), (f"{what}, {when}", found))
        trials = list(distinct.values())
        source.shuffle(trials)
        trials.sort(key=lambda trial: END not in trial[0])
        results = self.try_trials(scene, facts, trials, CUT_SECONDS * share)
        counted = {what: sum(after == what for _, _, after in results) for what in ("back", "forward")}
        print(f"# figures: power cut, {scene.name}: {len(results)} of {len(trials)} trees after {len(recorder.cuts)} changes, then "
              f"{counted['back']} rolled back, {counted['forward']} rolled forward"
              + ("" if len(results) == len(trials) else f"; a sample, KEDGE_SEED={seed}"), flush=True)  # fmt: skip
        wrong = [f"{where}: {what}" for where, what, _ in results if what]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(results)} went wrong (KEDGE_SEED={seed})")
        self.assertTrue(recorder.cuts)
        return counted

    def try_trials(self, scene, facts, trials, seconds):
        ends = time.monotonic() + seconds
        results = []
        with concurrent.futures.ProcessPoolExecutor(kill.WORKERS, multiprocessing.get_context("fork")) as pool:
            for i in range(0, len(trials), 8):
                if not kill.ALL and time.monotonic() > ends:
                    break
                batch = trials[i : i + 8]
                at_end = [END in where for where, _ in batch]
                done = pool.map(try_cut, [scene] * len(batch), [facts] * len(batch), [found for _, found in batch], at_end)
                results += [(where, *result) for (where, _), result in zip(batch, done)]
        return results

    @unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
    def test_debian_image(self):
        counted = self.cut_everywhere(scenes.Debian())
        self.assertTrue(counted["back"], "no rollback was seen")

    @unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
    def test_debian_live(self):
        if store.cannot_mount():
            self.skipTest(f"no mounts of our own here: {store.cannot_mount()}")
        counted = self.cut_everywhere(scenes.Live(), 0.6)
        self.assertTrue(counted["back"], "no rollback was seen")

    def test_bare_bundle(self):
        self.cut_everywhere(scenes.Bare(), 0.3)

    def test_sdk_config(self):
        self.cut_everywhere(scenes.SdkConfig(), 0.2)


if __name__ == "__main__":
    unittest.main()
