"""What a power cut leaves of a tree: a model of the worst that POSIX allows.

Whatever was flushed is there. Of what was not, nothing is certain: a folder may have the names it had at its last fsync, or those
of any moment since; a file the bytes, owner and mode of its last fsync or of any moment since, and one that was never flushed may
be empty, though its name is there. syncfs and sync flush everything. A symbolic link is there whole as soon as its name is.

The tree is looked at before each call that changes it, so whoever changes it is seen, by whatever call. It must lie on a file
system that doesn't use a file's number twice in a run (tmpfs doesn't)."""

import os
import stat

import calls

GONE, NAMES, MIXED = "gone", "names only", "mixed"


class Disk:
    """`before_call` is a calls.Run's `decide`, and gathers; `cut` then gives what there would be after a cut at some moment."""

    def __init__(self, root, source, place=None):
        """`place(path)` gives the path by which we find what the run knows as `path`, or None where that is not in the tree."""
        self.root, self.source = root, source
        self.place = place or (lambda path: path if path == root or path.startswith(root + "/") else None)
        self.top = os.lstat(root).st_ino
        # By file number: versions since the last flush, that one first. Of folders {name: number}, of files (mode, owner, bytes).
        self.folders, self.files = ({number: [value] for number, value in known.items()} for known in self.look())
        self.cuts = []

    def look(self):
        folders, files = {}, {}
        waiting = [self.root]
        while waiting:
            place = waiting.pop()
            try:
                number = os.lstat(place).st_ino
                names = {}
                for name in os.listdir(place):
                    path = os.path.join(place, name)
                    status = os.lstat(path)
                    names[name] = status.st_ino
                    files[status.st_ino] = (status.st_mode, status.st_uid, status.st_gid, content(path, status))
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(path)
                folders[number] = names
            except FileNotFoundError:
                continue  # another process removed it just now
        return folders, files

    def note(self):
        """What is now another version of whatever changed; what is new was empty at its last flush."""
        folders, files = self.look()
        for number, names in folders.items():
            add(self.folders.setdefault(number, [{}]), names)
        for number, file in files.items():
            add(self.files.setdefault(number, [(*file[:3], b"")]), file)

    def before_call(self, call, _run):
        if call.name != "sync" and not (call.changing and any(map(self.place, call.paths))):
            return None
        self.moment(f"before {call}")
        if call.name in ("sync", "syncfs"):
            flush(*self.folders.values(), *self.files.values())
        elif call.name in calls.FLUSHES and os.path.lexists(self.place(call.paths[0])):
            number = os.lstat(self.place(call.paths[0])).st_ino
            flush(*(known[number] for known in (self.folders, self.files) if number in known))
        return None

    def moment(self, when):
        """Adds the cuts of this moment; call it once more when the run has ended."""
        self.note()
        self.cuts.append((when, {what: self.cut(what) for what in (GONE, NAMES, MIXED)}))

    def cut(self, what):
        """The tree after a cut now, as {path: (mode, owner, group, bytes)}."""
        top = os.lstat(self.root)
        found = {"": (top.st_mode, top.st_uid, top.st_gid, b"")}
        waiting = [("", self.top)]
        while waiting:
            path, folder = waiting.pop()
            for name, number in self.version(self.folders[folder], what, what == NAMES).items():
                mode, user, group, data = self.version(self.files[number], what, False)
                if not stat.S_ISREG(mode):
                    mode, user, group, data = self.files[number][-1]
                found[f"{path}/{name}"] = (mode, user, group, data)
                if stat.S_ISDIR(mode):
                    waiting.append((f"{path}/{name}", number))
        return found

    def version(self, versions, what, newest):
        if what == MIXED:
            return self.source.choice(versions)
        return versions[-1 if newest else 0]


def add(versions, value):
    if versions[-1] != value:
        versions.append(value)


def flush(*all_versions):
    for versions in all_versions:
        del versions[:-1]


def content(path, status):
    if stat.S_ISLNK(status.st_mode):
        return os.fsencode(os.readlink(path))
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return file.read()
    return b""


def make(root, found):
    """Makes the tree that `cut` gave."""
    for path in sorted(found):
        mode, user, group, data = found[path]
        place = root + path
        if stat.S_ISDIR(mode):
            os.mkdir(place)
        elif stat.S_ISLNK(mode):
            os.symlink(os.fsdecode(data), place)
        else:
            with open(place, "wb") as file:
                file.write(data)
        os.chown(place, user, group, follow_symlinks=False)
        if not stat.S_ISLNK(mode):
            os.chmod(place, stat.S_IMODE(mode))
