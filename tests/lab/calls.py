"""Stops a program and all its children before each of their file-system and process calls, and decides there: go on, fail with
an error, or die exactly here, before the call.

The kernel's seccomp notifications do it (Linux 5.8): a filter, which children inherit, sends the listed calls to us and nothing
else, so it needs no code in the program, is exact where counting by process isn't, and costs a tenth of strace. A call has an
address that is the same from run to run: which process (0 is the program, 0.2 its second child), which call on which path, and
the how manieth such."""

import collections
import ctypes
import dataclasses
import errno
import fcntl
import functools
import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

GUARD = 120  # seconds until a run that hangs is killed and the test fails; nothing is measured by it

# What each listed call gets, by the place of the argument: D a folder's descriptor, P a path, T a link's text, F a descriptor,
# O flags of open.
CALLS = {
    "open": "PO", "openat": "DPO", "openat2": "DP", "creat": "P", "close": "F",
    "stat": "P", "lstat": "P", "fstat": "F", "newfstatat": "DP", "statx": "DP", "access": "P", "faccessat": "DP", "faccessat2": "DP",
    "statfs": "P", "fstatfs": "F", "readlink": "P", "readlinkat": "DP", "getdents64": "F", "lseek": "F", "getcwd": "",
    "read": "F", "pread64": "F", "readv": "F", "preadv": "F", "write": "F", "pwrite64": "F", "writev": "F", "pwritev": "F",
    "sendfile": "F", "copy_file_range": "--F", "rename": "PP", "renameat": "DPDP", "renameat2": "DPDP",
    "link": "PP", "linkat": "DPDP", "symlink": "TP", "symlinkat": "TDP", "unlink": "P", "unlinkat": "DP",
    "mkdir": "P", "mkdirat": "DP", "rmdir": "P", "mknod": "P", "mknodat": "DP",
    "chmod": "P", "fchmod": "F", "fchmodat": "DP", "fchmodat2": "DP", "chown": "P", "lchown": "P", "fchown": "F", "fchownat": "DP",
    "truncate": "P", "ftruncate": "F", "fallocate": "F", "utime": "P", "utimes": "P", "futimesat": "DP", "utimensat": "DP",
    "fsync": "F", "fdatasync": "F", "sync": "", "syncfs": "F", "sync_file_range": "F", "flock": "F", "fcntl": "F", "ioctl": "F",
    "setxattr": "P", "lsetxattr": "P", "fsetxattr": "F", "getxattr": "P", "lgetxattr": "P", "fgetxattr": "F",
    "listxattr": "P", "llistxattr": "P", "flistxattr": "F", "removexattr": "P", "lremovexattr": "P", "fremovexattr": "F",
    "chdir": "P", "fchdir": "F", "chroot": "P",
    "fork": "", "vfork": "", "clone": "", "clone3": "", "execve": "P", "execveat": "DP", "wait4": "", "waitid": "",
    "kill": "", "setpgid": "", "setsid": "", "exit_group": "",
}  # fmt: skip
RENAMES = {"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat"}
FORKS = {"fork", "vfork", "clone", "clone3"}
EXECS = {"execve", "execveat"}
OPENS = {"open", "openat", "openat2"}
FLUSHES = {"fsync", "fdatasync", "sync", "syncfs"}
CHANGES = RENAMES | {
    "creat", "write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range", "mkdir", "mkdirat", "rmdir", "mknod", "mknodat",
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "truncate", "ftruncate", "fallocate",
    "utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
AT_FDCWD = -100


class Unavailable(Exception):
    """This sandbox or this kernel has no seccomp notifications."""


@dataclasses.dataclass
class Call:
    process: str  # "0" the program, "0.2" its second child
    pid: int
    name: str
    paths: tuple  # of what it is about, absolute; a descriptor's is what it leads to
    own: bool  # the program's own code runs: itself, or a child of it that has not begun another program
    changing: bool  # it changes a file or a folder, or flushes one
    again: int = 0  # how many such calls the process has made before
    nth: int = 0  # how many calls of this name, on whatever path
    number: int = 0  # among all calls of the run

    @property
    def point(self):
        """Its address in every run."""
        return (self.process, self.name, tuple(map(steady, self.paths)), self.again)

    def __str__(self):
        return f"{self.process} {self.name}({', '.join(self.paths)}) #{self.again}"


@functools.lru_cache(maxsize=65536)
def steady(path):
    """The path without what differs from run to run: numbers of processes, mktemp's letters, where the tree lies."""
    path = re.sub(r"/kedge-trial-[^/]*", "", path)
    path = re.sub(r"\.tmp\.\w{6}$", ".tmp.X", path)
    path = re.sub(r"(socket|pipe|anon_inode):.*", r"\1", path)
    path = re.sub(r"/(ln|CuXXXX)?Cu\w{6}$", "/Cu", path)  # ln -f: a name beside
    return re.sub(r"\d{3,}(?!\d*\.(pem|crt|0)$)", "N", path)


# The kernel's interface ----------------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1
NEW_LISTENER, KILLABLE = 1 << 3, 1 << 5
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
NOTICE = struct.Struct("=QIIiIQ6Q")
ANSWER = struct.Struct("=QqiI")


@functools.cache
def numbers():
    """{name: number} of this machine's calls, from the compiler's headers."""
    done = subprocess.run(["cc", "-E", "-dM", "-"], input=b"#include <sys/syscall.h>\n", capture_output=True, check=True)
    raw = dict(re.findall(r"#define __NR(\w+) (\S+)", done.stdout.decode()))
    found = {}
    for name, value in raw.items():
        value = raw.get(value.removeprefix("__NR"), value)
        if name.startswith("_") and value.isdigit():
            found[name[1:]] = int(value)
    return found


@functools.cache
def filter_program(only):
    """Classic BPF: the calls of these names go to us, everything else on."""
    machine = platform.machine()
    if machine not in AUDIT:
        raise Unavailable(f"no table for {machine}")
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, AUDIT[machine]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    for name in only:
        if name in numbers():
            code += [(EQUAL, 0, 1, numbers()[name]), (RETURN, 0, 0, NOTIFY)]
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in code), len(code)


def install_filter(only):
    """Puts the filter on this process; gives the descriptor that speaks to whoever supervises it."""
    code, length = filter_program(only)
    text = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", length, ctypes.addressof(text)))
    if os.geteuid() != 0:
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    for flags in (NEW_LISTENER | KILLABLE, NEW_LISTENER):
        fd = libc.syscall(numbers()["seccomp"], 1, ctypes.c_ulong(flags), program)
        if fd >= 0:
            return fd
    raise OSError(ctypes.get_errno(), "seccomp")


def become_reaper():
    """Orphans below this process become its children, so that it can wait for them."""
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


# A run -----------------------------------------------------------------------------


@dataclasses.dataclass
class Ended:
    status: int  # exit status, or minus the signal
    out: str
    calls: list
    stopped: list  # calls at which `decide` didn't say to go on


class Run:
    """One supervised run. `decide(call, run)` says None (go on), an errno, or "die" after it killed whom it wanted to.
    Where `only` calls of some names matter, the run stops at no others, but those that tell its processes apart; where it is
    but the Nth call of one name of the program itself (`nth`), everything else is let go at once. So it is when `over` is set."""

    def __init__(self, decide=None, only=CALLS, nth=None):
        self.decide, self.nth, self.over = decide, nth, False
        self.only = frozenset(only) if nth is not None else frozenset(only) | FORKS | EXECS | {"exit_group"}
        self.known = {}  # pid → [process, how many children were seen, began another program, Counter of calls]
        self.calls, self.stopped, self.count = [], [], 0
        self.ended = set()

    # Who is it?

    def process(self, pid):
        """The entry of a process; those that its parent began before it are named first."""
        if pid in self.ended:  # another one has its number now
            self.ended.discard(pid)
            del self.known[pid]
        if pid not in self.known:
            parent = parent_of(pid)
            above = self.known.get(parent)
            if not above:
                self.known[pid] = ["?", 0, True, collections.Counter()]
            else:
                for child in children_of(parent) or [pid]:
                    if child not in self.known:
                        above[1] += 1
                        self.known[child] = [f"{above[0]}.{above[1]}", 0, above[2], collections.Counter()]
                self.known.setdefault(pid, ["?", 0, True, collections.Counter()])
        return self.known[pid]

    def understand(self, pid, name, args):
        entry = self.process(pid)
        paths, writes = [], False
        folder = AT_FDCWD
        for kind, arg in zip(CALLS[name], args):
            if kind == "D":
                folder = ctypes.c_int(arg).value
            elif kind == "P":
                paths.append(path_at(pid, folder, text_at(pid, arg)))
                folder = AT_FDCWD
            elif kind == "F":
                paths.append(descriptor(pid, ctypes.c_int(arg).value))
            elif kind == "O":
                writes = bool(arg & WRITING)
        own = not entry[2] or entry[0] == "0"
        changing = name in CHANGES or name in FLUSHES or (name in OPENS and writes)
        call = Call(entry[0], pid, name, tuple(paths), own, changing, number=self.count)
        point = call.point
        call.again = entry[3][point]
        entry[3][point] += 1
        call.nth = entry[3][name]
        entry[3][name] += 1
        self.count += 1
        if name in EXECS and entry[0] != "0":
            entry[2] = True
        return call

    # What becomes of it?

    def kill(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def everybody(self):
        return [self.pid, *(self.known.keys() - self.ended)]

    def is_awaited(self, pid):
        """Counts down to the Nth call."""
        if self.nth is None:
            return True
        self.nth -= pid == self.pid
        return self.nth == -1 and pid == self.pid

    def notice(self, listener):
        buffer = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(listener, RECEIVE, buffer)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return
            raise
        ident, pid, _, number, _, _, *args = NOTICE.unpack(buffer)
        if self.over or not self.is_awaited(pid):
            self.answer(listener, ident)
            return
        name = names()[number]
        verdict = None
        try:
            call = self.understand(pid, name, args)
        except (ProcessLookupError, FileNotFoundError):
            return  # it was killed just now
        self.calls.append(call)
        if self.decide:
            verdict = self.decide(call, self)
            if verdict:
                self.stopped.append(call)
        if name == "exit_group":
            self.ended.add(pid)
        if verdict == "die":
            return
        self.answer(listener, ident, verdict)

    def answer(self, listener, ident, verdict=None):
        answer = ANSWER.pack(ident, 0, -verdict if verdict else 0, 0 if verdict else CONTINUE)
        try:
            fcntl.ioctl(listener, SEND, bytearray(answer))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def supervise(self, listener):
        """Until nobody is left who has the filter."""
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        ends = time.monotonic() + GUARD
        while True:
            for _, event in poll.poll(1000):
                if event & select.POLLIN:
                    self.notice(listener)
                elif event & select.POLLHUP:
                    return
            if time.monotonic() > ends:
                self.kill(self.everybody())
                raise TimeoutError(f"still running after {GUARD} s; last call {self.calls[-1] if self.calls else None}")

    def run(self, words, prepare=None, **environment):
        """Runs the command to the end of it and of all that it began. `prepare` is called in the new process."""
        ours, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as out, ours:
            self.pid = os.fork()
            if self.pid == 0:
                begin(words, prepare, environment, out, theirs, self.only)
            theirs.close()
            _, fds, _, _ = socket.recv_fds(ours, 16, 1)
            if not fds:
                os.waitpid(self.pid, 0)
                out.seek(0)
                raise Unavailable(out.read().decode(errors="replace").strip().splitlines()[-1:] or "no seccomp notifications")
            self.known[self.pid] = ["0", 0, False, collections.Counter()]
            try:
                self.supervise(fds[0])
            finally:
                os.close(fds[0])
            status = reap(self.pid, self.known)
            out.seek(0)
            return Ended(status, out.read().decode(errors="backslashreplace"), self.calls, self.stopped)


def begin(words, prepare, environment, out, theirs, only):
    """The new process, up to the program."""
    try:
        os.setpgid(0, 0)
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        if prepare:
            prepare()
        filter_program(only)
        path, environment = words[0], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}
        listener = install_filter(only)
        socket.send_fds(theirs, [b"x"], [listener])
        os.execve(path, words, environment)
    except BaseException as error:  # pylint: disable=broad-except
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(127)


def reap(pid, others):
    """The program's status; takes its orphans away, which have ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for other in others:
        try:
            os.waitpid(other, 0)
        except ChildProcessError:
            pass
    return status


@functools.cache
def names():
    return {number: name for name, number in numbers().items() if name in CALLS}


def parent_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return list(map(int, file.read().split()))
    except OSError:
        return []


def text_at(pid, address):
    """The string at an address of the process."""
    found = b""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        while address and len(found) < 4096:
            part = os.pread(memory, 4096 - address % 4096, address)
            end = part.find(b"\0")
            if end >= 0:
                return os.fsdecode(found + part[:end])
            found += part
            address += len(part)
    except OSError:
        pass
    finally:
        os.close(memory)
    return os.fsdecode(found)


def descriptor(pid, fd):
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}").removesuffix(" (deleted)")
    except FileNotFoundError:
        return ""


def path_at(pid, folder, text):
    if text.startswith("/"):
        root = os.readlink(f"/proc/{pid}/root")
        return os.path.normpath(root.rstrip("/") + text) if root != "/" else os.path.normpath(text)
    base = os.readlink(f"/proc/{pid}/cwd") if folder == AT_FDCWD else descriptor(pid, folder)
    return os.path.normpath(os.path.join(base, text)) if text else base


@functools.cache
def unavailable():
    """Why runs can't be supervised here, or None."""
    try:
        ended = Run().run(["/bin/true"])
    except (Unavailable, OSError, subprocess.CalledProcessError, KeyError) as error:
        return str(error)
    return None if ended.status == 0 and ended.calls else "no call was seen"
