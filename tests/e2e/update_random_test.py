"""ca-update on 300 random configurations: whatever was usable stays usable, the six are there, the second run changes nothing,
and lines stay in their order. KEDGE_SEED repeats a run, KEDGE_CASE one of its configurations."""

import concurrent.futures
import multiprocessing
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import kill
import store

CASES = 300
WORKERS = 2
FOLDERS = ("mozilla", "my own", "Größe", "a,b (c)")
UMASKS = (0o022, 0o022, 0o077, 0o027, 0o002, 0)
NAMES = ("plain", "back\\slash", "with space", "Zertifikat Ä é", "brackets (1)", "com,ma", "-dash", "dot.dot", "under_score", "日本", "quote's", "$HOME", "a&b")


class Case:
    """One random system. What is drawn stands in `drawn`, for whoever reads a failure."""

    def __init__(self, seed, number, root):
        self.source = random.Random(f"{seed}/{number}")
        self.tree = store.Tree(root)
        self.drawn = []
        self.lines = []

    def chance(self, probability, what):
        yes = self.source.random() < probability
        if yes:
            self.drawn.append(what)
        return yes

    def pick(self, what, choices):
        found = self.source.choice(choices)
        self.drawn.append(f"{what}: {found}")
        return found

    def ship(self, path, content, line=True):
        """A file of the package's folder, and its line."""
        self.tree.write(f"{store.PACKAGE}/{path}", content)
        if line is True:
            line = path
        if line:
            self.lines.append(line)

    def build(self):
        self.tree.skeleton()
        self.others()
        self.six()
        self.source.shuffle(self.lines)
        # A sound system at first: what it has in bundle and directory is usable, and the rest of this wears it down.
        self.write_lines(self.lines, b"\n", True)
        if self.chance(0.95, "the tool has run"):
            self.tree.update()
        self.wear_lines()
        self.wear_files()
        self.wear_bundle()
        return self.tree

    # What is there.

    def others(self):
        names = self.source.sample(NAMES, self.source.randint(2, 5))
        for i, name in enumerate(names):
            # Of a name with a backslash in the local folder the tool itself dies.
            place = self.source.choice(("package", "package", "package" if "\\" in name else "local"))
            if place == "package":
                path = f"{self.source.choice(FOLDERS)}/{name}.crt"
                self.ship(path, store.made(f"Lab {i} {name}"), self.source.choice(("", "", "", "!")) + path)
            else:
                self.tree.write(f"{store.LOCAL}/{self.source.choice(['', 'below/'])}{name}.crt", store.made(f"Lab {i} {name}"))
        self.drawn.append(f"others {names}")
        if self.chance(0.15, "one base name in two folders"):
            for folder in FOLDERS[:2]:
                self.ship(f"{folder}/twice.crt", store.made(f"Lab Twice {folder}"))
        if self.chance(0.1, "one certificate in two files"):
            self.ship("mozilla/first.crt", store.made("Lab Copied"))
            self.tree.write(f"{store.LOCAL}/second.crt", store.made("Lab Copied"))
        if self.chance(0.1, "two certificates in one file"):
            self.tree.write(f"{store.LOCAL}/pair.crt", store.made("Lab Pair One") + store.made("Lab Pair Two"))
        if self.chance(0.1, "a file that is a link"):
            self.tree.write("/etc/local/linked.crt", store.made("Lab Linked"))
            self.tree.link(self.source.choice(["", "../../../.."]) + "/etc/local/linked.crt", f"{store.PACKAGE}/mozilla/linked.crt")
            self.lines.append("mozilla/linked.crt")

    def six(self):
        for name, file in store.SIX.items():
            path = "mozilla/" + file
            how = self.pick(name, ("enabled", "enabled", "disabled", "no line", "no file", "nothing", "nothing", "local", "elsewhere"))
            if how == "enabled":
                self.ship(path, store.pem(name))
            elif how == "disabled":
                self.ship(path, store.pem(name), "!" + path)
            elif how == "no line":
                self.ship(path, store.pem(name), None)
            elif how == "no file":
                self.lines.append(path)
            elif how == "local":
                self.tree.write(f"{store.LOCAL}/{self.source.choice([name, file[:-4], 'our root'])} {name[-1]}.crt", store.pem(name))
            elif how == "elsewhere":
                self.ship(f"my own/{name}.crt", store.pem(name), self.source.choice(["", "!"]) + f"my own/{name}.crt")

    # What years did to it.

    def write_lines(self, lines, ending, newline):
        text = ending.join(line if isinstance(line, bytes) else line.encode() for line in lines)
        self.tree.write(store.CONF, text + (ending if newline else b""))

    def wear_lines(self):
        lines = ["# This file lists certificates", *self.lines]
        for line in self.lines:
            if self.chance(0.06, f"{line} twice"):
                lines.append(line)
        for text in ("# a comment", "", "#mozilla/commented.crt", "mozilla/unknown.crt", "!mozilla/unknown too.crt", "  ", "! ", "!", "garbage \t x",
                     b"\xff\xfe not UTF-8.crt", "../../etc/passwd", "/etc/hostname", "mozilla/plain.crt ", "*.crt"):  # fmt: skip
            if self.chance(0.15, f"line {text!r}"):
                lines.insert(self.source.randint(0, len(lines)), text)
        how = self.pick("endings", ("\n",) * 5 + ("\r\n", "mixed"))
        if how == "mixed":
            lines = [line.encode() + b"\r" if isinstance(line, str) and self.source.random() < 0.3 else line for line in lines]
        self.write_lines(lines, b"\r\n" if how == "\r\n" else b"\n", not self.chance(0.35, "no last newline"))
        os.chmod(self.tree.at(store.CONF), self.pick("mode of the configuration", (0o644,) * 4 + (0o600, 0o664, 0o444)))
        if self.chance(0.1, "the configuration is a link"):
            self.move_behind_link(store.CONF, "/etc/local/certificates.conf")

    def wear_files(self):
        tree = self.tree
        if self.chance(0.2, "a file of the administrator's in the package's folder, without line"):
            tree.write(f"{store.PACKAGE}/mozilla/unlisted.crt", store.made("Lab Unlisted"))
        if self.chance(0.2, "notes beside certificates"):
            tree.write(f"{store.LOCAL}/README", "read me\n")
            tree.write(f"{store.LOCAL}/ignored.pem", store.made("Lab Ignored"))
        if self.chance(0.1, "what is no certificate"):
            tree.write(f"{store.LOCAL}/notes.crt", "no certificate\n")
        if self.chance(0.1, "a dead link in the local folder"):
            tree.link("/nowhere/at/all.crt", f"{store.LOCAL}/dead.crt")
        if self.chance(0.1, "a certificate with CRLF"):
            tree.write(f"{store.LOCAL}/crlf.crt", store.made("Lab CRLF").replace(b"\n", b"\r\n"))
        if self.chance(0.05, "DER"):
            tree.write(f"{store.LOCAL}/binary.crt", store.der(store.made("Lab DER")))
        if self.chance(0.1, "no newline at a certificate's end"):
            tree.write(f"{store.LOCAL}/short.crt", store.made("Lab Short").rstrip())
        if self.chance(0.15, "a stale link"):
            tree.link("/usr/share/ca-certificates/mozilla/gone.crt", f"{store.CERTS}/gone.pem")
        if self.chance(0.15, "a file of the administrator's among the links"):
            tree.write(f"{store.CERTS}/own.pem", store.made("Lab Own"))
            subprocess.run(["openssl", "rehash", tree.at(store.CERTS)], check=False, capture_output=True)
        if self.chance(0.1, "no local folder") and not os.path.islink(tree.at(store.LOCAL)):
            if not os.listdir(tree.at(store.LOCAL)):
                os.rmdir(tree.at(store.LOCAL))
        elif self.chance(0.08, "the local folder is a link"):
            self.move_behind_link(store.LOCAL, "/etc/local/authorities")

    def wear_bundle(self):
        tree = self.tree
        content = tree.content(store.BUNDLE)
        if content and self.chance(0.4, "authorities in the bundle only"):
            for i in range(self.source.randint(1, 3)):
                content += self.source.choice([b"", b"# a note\n", b"\n"]) + store.made(f"Lab Live {i}")
            tree.write(store.BUNDLE, content.rstrip(b"\n") if self.chance(0.3, "bundle without last newline") else content)
        if content and self.chance(0.1, "one of the six in the bundle only"):
            tree.write(store.BUNDLE, tree.read(store.BUNDLE).rstrip(b"\n") + b"\n" + store.pem(self.source.choice(list(store.SIX))))
        if content:
            os.chmod(tree.at(store.BUNDLE), self.pick("mode of the bundle", (0o644,) * 4 + (0o600, 0o640, 0o664, 0o444)))
            if self.chance(0.1, "owned by somebody"):
                os.chown(tree.at(store.BUNDLE), 1234, 4321)
            if self.chance(0.15, "the bundle is a link"):
                self.move_behind_link(store.BUNDLE, self.pick("to", ("/etc/local/bundle.crt", "/etc/ssl/certs/real-bundle.crt")))
        remainder = self.pick("remainder", (None,) * 5 + ("whole", "cut", "empty"))
        if remainder:
            text = store.made("Lab Planted") + store.made("Lab 0 plain")
            tree.write(store.BUNDLE + ".new", {"whole": text, "cut": text[:-400], "empty": b""}[remainder])

    def move_behind_link(self, path, real):
        os.makedirs(os.path.dirname(self.tree.at(real)), exist_ok=True)
        os.rename(self.tree.at(path), self.tree.at(real))
        self.tree.link(real if self.chance(0.5, "absolute") else os.path.relpath(real, os.path.dirname(path)), path)


# What must be true ---------------------------------------------------------------------


def same_line(old, new):
    """A line stays, but that of one of the six may be enabled."""
    return old == new or (old.startswith(b"!") and old[1:] == new)


def check_lines(before, after):
    rest = iter(after.split(b"\n"))
    for old in before.split(b"\n"):
        if old or before:
            assert any(same_line(old, new) for new in rest) or not old, f"the line {old!r} is gone, changed or elsewhere"


def check_enabled(tree, before, after):
    """Only lines of the six were enabled, and no line is new but theirs."""
    for new in set(after.split(b"\n")) - set(before.split(b"\n")):
        if not new:
            continue
        content = tree.content(f"{store.PACKAGE}/{os.fsdecode(new)}")
        assert set(store.certificates(content)) <= store.GOAL and content, f"the new line {new!r} is not for one of the six"


def untouched(before, after, tree):
    """What was there is there, but for what the update is about: the configuration, the bundle, links, the remainder."""
    real = {tree.resolve(path) for path in (store.CONF, store.BUNDLE)}
    for path, entry in before.items():
        if path.startswith((store.CERTS + "/", store.STATE, "/var/lib/dpkg")) or tree.at(path) in real:
            continue
        assert path in after, f"{path} is gone"
        if path != store.LOCAL and entry[:3] != after[path][:3] or entry[3] != after[path][3]:
            raise AssertionError(f"{path} changed")


def identity(tree, path):
    real = tree.resolve(path)
    status = os.stat(real) if real else None
    return status and (os.path.islink(tree.at(path)), real, status.st_mode, status.st_uid, status.st_gid)


def check(case):
    tree = case.build()
    bundle, directory = tree.bundle(), tree.directory()
    lines, state = tree.content(store.CONF), tree.state()
    identities = {path: identity(tree, path) for path in (store.CONF, store.BUNDLE)}
    run = ["ca-update", "--root", tree.root]

    dry = kedge.run(*run)
    assert dry.status in (0, 5), f"dry run: {dry}"
    assert tree.state(skip=(store.STATE,)) == {path: entry for path, entry in state.items() if not path.startswith(store.STATE)}, "a dry run writes"
    known = set(tree.state())
    umask = case.pick("umask", UMASKS)
    done = kedge.run(*run, "--apply", umask=umask)
    assert done.status == 0, f"apply: {done}"
    for what, before, after in (("bundle", bundle, tree.bundle()), ("directory", directory, tree.directory())):
        assert before <= after, f"{what}: {len(before - after)} of {len(before)} lost\n{done}"
        assert store.GOAL <= after, f"{what}: {len(store.GOAL - after)} of the six are missing\n{done}"
    check_lines(lines, tree.content(store.CONF))
    check_enabled(tree, lines, tree.content(store.CONF))
    untouched(state, tree.state(), tree)
    for path, before in identities.items():
        assert not before or identity(tree, path) == before, f"{path} was {before}, is {identity(tree, path)}"
    assert not os.path.lexists(tree.at(store.BUNDLE + ".new")), "a remainder is left"
    assert tree.unlisted() <= store_unlisted(state, lines), "a file without line is new"

    for path, entry in tree.state(skip=(store.STATE,)).items():
        mode = stat.S_IMODE(entry[0])
        assert path in known or stat.S_ISLNK(entry[0]) or path == store.BUNDLE or mode == (0o755 if stat.S_ISDIR(entry[0]) else 0o644), f"{path}: mode {mode:o}"

    settled = tree.state(times=True, skip=(store.STATE,))
    for words in (run, [*run, "--apply"]):
        again = kedge.run(*words)
        assert again.status == 0, f"again, {words[3:]}: {again}"
        assert tree.state(times=True, skip=(store.STATE,)) == settled, f"the second run changes something: {again}"
    return dry.status


def store_unlisted(state, lines):
    named = {line.lstrip(b"!").rstrip(b"\r") for line in lines.split(b"\n")}
    inside = (path[len(store.PACKAGE) + 1 :] for path in state if path.startswith(store.PACKAGE + "/") and path.endswith(".crt"))
    return {path for path in inside if os.fsencode(path) not in named}


def try_case(seed, number):
    """(what is wrong or None, the dry run's status)"""
    place = tempfile.mkdtemp(prefix="kedge-random-", dir=kill.MEMORY)
    case = Case(seed, number, place + "/root")
    try:
        return None, check(case)
    except Exception as error:  # pylint: disable=broad-except
        where = "".join(traceback.format_exception(error)[-2:])
        return f"KEDGE_SEED={seed} KEDGE_CASE={number}: {error}\n{where}\ndrawn: {'; '.join(case.drawn)}", None
    finally:
        if not os.environ.get("KEDGE_KEEP"):
            shutil.rmtree(place)


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
class Random(kedge.Test):
    def test_random_configurations(self):
        seed = kill.seed()
        one = os.environ.get("KEDGE_CASE")
        numbers = [int(one)] if one else range(CASES)
        context = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(WORKERS, context) as pool:
            results = list(pool.map(try_case, [seed] * len(numbers), numbers))
        wrong = [what for what, _ in results if what]
        pending = sum(status == 5 for _, status in results)
        print(f"# figures: {len(results)} random configurations, {pending} with something to do, KEDGE_SEED={seed}", flush=True)
        self.assertEqual("\n".join(wrong[:5]), "", f"{len(wrong)} went wrong")
        if not one:
            self.assertGreater(pending, len(results) / 2)


if __name__ == "__main__":
    unittest.main()
