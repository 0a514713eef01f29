"""Kills a run at every one of its calls and looks at what is left.

An undisturbed run gives the points: every file-system and process call of kedge's own, and of the tool that it starts and of
the tool's children every call that changes the tree, begins a process or a program. Each is tried in a tree of its own: the
run dies exactly there, what it had started comes to its end, the invariants are looked at, and kedge is run once more."""

import concurrent.futures
import dataclasses
import errno
import hashlib
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import calls
import store

WORKERS = 2
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where trees are made; None: the usual temporary folder
ALL = bool(os.environ.get("KEDGE_TEST_ALL"))
AT_LEAST = 30  # kills and errors of a sample, besides those that are always tried
SAMPLE_SECONDS = 30  # of trials in one scene, unless all are tried
ERRORS = 1500  # of a scene's points with an error that are tried when all are killed
TRIES = 3  # to meet a point again whose run took another way
FAULTS = (errno.EIO, errno.ENOSPC, errno.EACCES)

# Who is killed: the caller; kedge, while the tool that it started goes on; everything at once.
CALLER, KEDGE, EVERYBODY = "caller", "kedge", "everybody"


def seed():
    """The run's seed: KEDGE_SEED, or a new one."""
    return int(os.environ.get("KEDGE_SEED") or random.randrange(1 << 30))


def folder():
    return tempfile.mkdtemp(prefix="kedge-trial-", dir=MEMORY)


@dataclasses.dataclass
class Point:
    address: tuple  # calls.Call.point
    how: object  # CALLER, KEDGE, EVERYBODY or an errno
    always: bool  # also in a sample
    nth: int = None  # of the program's own calls of this name

    def __str__(self):
        process, name, paths, again = self.address
        how = errno.errorcode[self.how] if isinstance(self.how, int) else f"kill {self.how}"
        return f"{how} at {process} {name}({', '.join(paths)}) #{again}"


@dataclasses.dataclass
class Trial:
    point: Point
    met: bool = False  # the run did come to this point and was stopped there
    wrong: str = ""  # what is wrong with what was left
    tree: tuple = ()  # what was left, as a hash
    itself: bool = False  # the run said that it had rolled everything back
    after: str = ""  # what the next run said it did: "back", "forward", or nothing


class Scene:
    """Something that is killed. `build` makes the tree, `words` are kedge's; the checks raise AssertionError."""

    name = "?"

    def build(self, root):
        raise NotImplementedError

    def words(self, tree):
        raise NotImplementedError

    def prepare(self, tree):  # in the new process, before kedge begins
        return None

    def inside(self, tree, path):
        return self.place(tree, path) is not None

    def place(self, tree, path):
        """The path by which we find what the run knows as `path`; None where that is not in the tree."""
        return path if path == tree.root or path.startswith(tree.root + "/") else None

    def facts(self, tree):
        """What was true before, for the checks."""
        raise NotImplementedError

    def left(self, tree, facts):
        """Checks what a killed run left."""
        raise NotImplementedError

    def goal(self, tree, facts):
        """Brings the tree to its goal by one more run and checks that; says what that run did."""
        raise NotImplementedError

    # Running

    def supervised(self, tree, decide=None, only=calls.CALLS, nth=None):
        return calls.Run(decide, only, nth).run([kedge.KEDGE, *self.words(tree)], self.prepare(tree), TERM="dumb")

    def plain(self, tree, words):
        done = subprocess.run(
            [kedge.KEDGE, *words], env=kedge.environment(), preexec_fn=self.prepare(tree), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        return kedge.Run(done.returncode, done.stdout, done.stderr)

    # Points

    def points(self, tree, recorded):
        """The points of an undisturbed run."""
        found = []
        for call in recorded:
            always = call.name in calls.RENAMES and self.changes_tree(tree, call)
            always = always or (call.name in calls.EXECS and os.path.exists(call.paths[0]))  # not one tried along PATH
            if call.own and is_file_or_process(call):
                nth = call.nth if call.process == "0" else None
                found.append(Point(call.point, CALLER, always, nth))
                found += [Point(call.point, fault, False, nth) for fault in faults_of(call)]
            elif not call.own and self.changes_tree(tree, call):
                found += [Point(call.point, how, always and how == CALLER) for how in (CALLER, KEDGE, EVERYBODY)]
                found += [Point(call.point, fault, False) for fault in faults_of(call)]
        return found

    def changes_tree(self, tree, call):
        if call.name in calls.FORKS | calls.EXECS:
            return True
        return call.changing and any(self.inside(tree, path) for path in call.paths)


def is_file_or_process(call):
    """Not what is done to pipes, sockets, the loop, or what the report is written to."""
    return not any(path and (not path.startswith("/") or path.startswith(("/tmp/#", "/dev/"))
                             and not path.startswith("/dev/shm")) for path in call.paths)  # fmt: skip


def faults_of(call):
    """Errors that the kernel might give for this call."""
    unfailing = {"close", "exit_group", "kill", "wait4", "waitid", "getcwd", "fcntl", "ioctl", "lseek", "flock", "setpgid", "setsid"}
    if call.name in unfailing | calls.FORKS | calls.EXECS or (call.name, call.process) == ("readlink", "0") and not call.again:
        return ()
    return FAULTS


# What the next run did with trees that this worker has seen. Many points leave the same one, all those between two changes for
# instance; the next run knows nothing but the tree, so it is tried once for each.
reached = {}


def likeness(tree):
    """A hash of the tree without what differs from run to run."""
    found = hashlib.sha256()
    for path, (mode, user, group, content) in sorted(tree.state().items()):
        if not path.endswith("/kedge/lock"):  # holds a process's number, and manifests the numbers of files and a sum over them
            content = re.sub(rb"\b\d+:\d+\b|^end [0-9a-f]{64}$", b"N", content.replace(tree.root.encode(), b"/"), flags=re.MULTILINE)
            found.update(repr((calls.steady(path), mode, user, group, content)).encode())
    return found.hexdigest()


# One trial ---------------------------------------------------------------------------


class Stop:
    """A run's decision: this one point. It counts its calls itself where the run shows it no others."""

    def __init__(self, point, shown_alone):
        self.point, self.shown_alone, self.met = point, shown_alone, False

    def is_met(self, call):
        address = self.point.address
        if self.shown_alone:  # its paths prove it; how many there were before is what was counted
            return call.point[:3] == address[:3]
        return call.name == address[1] and call.point == address

    def __call__(self, call, run):
        if not self.is_met(call):
            return None
        self.met = run.over = True
        how = self.point.how
        if isinstance(how, int):
            return how
        run.kill({CALLER: [call.pid], KEDGE: [run.pid], EVERYBODY: run.everybody()}[how])
        return None if how == KEDGE and call.pid != run.pid else "die"


def try_point(scene, pristine, facts, point):
    """One trial, in a tree of its own."""
    trial = Trial(point)
    for attempt in range(TRIES):
        place = folder()
        try:
            tree = store.Tree(place + "/tree").copy_from(store.Tree(pristine))
            nth = point.nth if attempt == 0 else None  # the quick way first
            decide = Stop(point, nth is not None)
            ended = scene.supervised(tree, decide, {point.address[1]}, nth)
            trial.met = decide.met
            if not trial.met:
                continue
            trial.itself = "everything was rolled back" in " ".join(ended.out.split())
            scene.left(tree, facts)
            said_so(point, ended)
            trial.tree = (scene.name, likeness(tree))
            if trial.tree not in reached:
                reached[trial.tree] = scene.goal(tree, facts)
            trial.after = reached[trial.tree]
            return trial
        except Exception as error:  # pylint: disable=broad-except
            trial.wrong = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
            return trial
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return trial


def said_so(point, ended):
    """A run that met an error and lived has not crashed."""
    if isinstance(point.how, int):
        kedge.check_safe("", ended.out.replace("\r", ""))
        assert 0 <= ended.status <= 5, f"status {ended.status}: {ended.out}"


# All trials of a scene -----------------------------------------------------------------


@dataclasses.dataclass
class Tried:
    points: int = 0
    chosen: int = 0
    unsteady: int = 0  # points that not every undisturbed run has
    trials: list = dataclasses.field(default_factory=list)
    seed: int = 0
    all: bool = False

    def wrong(self):
        return [f"{trial.point}\n    {trial.wrong}" for trial in self.trials if trial.wrong]

    def missed(self):
        return [str(trial.point) for trial in self.trials if not trial.met and not trial.wrong]

    def figures(self, name):
        kills = sum(not isinstance(trial.point.how, int) for trial in self.trials)
        counted = {what: sum(trial.after == what for trial in self.trials) for what in ("back", "forward")}
        trees = len({trial.tree for trial in self.trials})
        return (f"{name}: {len(self.trials)} of {self.points} points tried ({kills} killed, {len(self.trials) - kills} errors), "
                f"{trees} different trees were left, "
                f"{sum(trial.itself for trial in self.trials)} rolled back by the run itself, "
                f"{counted['back']} by the next one, {counted['forward']} rolled forward"
                + (f"; {self.unsteady} not in every run" if self.unsteady else "")
                + f"; {'all kills, a sample of errors' if self.all else 'a sample'}, KEDGE_SEED={self.seed}")  # fmt: skip


def begin_worker():
    calls.become_reaper()


def try_all(scene, share=1.0):
    """Tries the scene's points: all, or a sample that takes about SAMPLE_SECONDS * share besides what is always tried."""
    place = folder()
    tried = Tried(seed=seed(), all=ALL)
    try:
        pristine = scene.build(place + "/pristine")
        facts = scene.facts(pristine)
        points, tried.unsteady = record(scene, pristine)
        tried.points = len(points)
        source = random.Random(tried.seed)
        source.shuffle(points)
        if ALL:
            errors = [point for point in points if isinstance(point.how, int)][:ERRORS]
            points = [point for point in points if not isinstance(point.how, int)] + errors
        for is_error in (True, False):
            for point in [point for point in points if isinstance(point.how, int) == is_error][:AT_LEAST]:
                point.always = True
        points.sort(key=lambda point: not point.always)
        tried.chosen = len(points)
        run_points(scene, pristine.root, facts, points, tried, SAMPLE_SECONDS * share)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return tried


def record(scene, pristine):
    """The points that two undisturbed runs have in common, and how many only one of them has: what waits looks again and again."""
    found = []
    for _ in range(2):
        place = folder()
        tree = store.Tree(place + "/tree").copy_from(pristine)
        ended = scene.supervised(tree)
        shutil.rmtree(place)
        assert ended.status == 0, f"an undisturbed run fails: {ended.out}"
        found.append(scene.points(tree, ended.calls))
    addresses = [{(point.address, point.how) for point in points} for points in found]
    other = addresses[0] ^ addresses[1]
    assert len(other) <= 0.02 * len(addresses[0]), f"undisturbed runs differ: {sorted(map(str, other))[:20]}"
    return [point for point in found[0] if (point.address, point.how) in addresses[1]], len(other)


def run_points(scene, pristine, facts, points, tried, seconds):
    ends = time.monotonic() + seconds
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(WORKERS, context, begin_worker) as pool:
        waiting, left = set(), list(points)
        while left or waiting:
            while left and len(waiting) < 2 * WORKERS:
                if not ALL and not left[0].always and time.monotonic() > ends:
                    left = []
                    break
                waiting.add(pool.submit(try_point, scene, pristine, facts, left.pop(0)))
            done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            tried.trials += [future.result() for future in done]
            if ALL and len(tried.trials) % 500 < len(done):
                print(f"{scene.name}: {len(tried.trials)} of {len(points)}", file=sys.stderr, flush=True)
