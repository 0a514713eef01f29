"""Trust stores on the disk, as devices have them: builds Debian trees, bare bundles and the SDK's configuration, and reads back
which certificates a program would find there, counted by SHA-256 of what was parsed, never by PEM headers."""

import ctypes
import datetime
import functools
import glob
import hashlib
import os
import re
import shutil
import stat
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRUST = os.path.join(ROOT, "trust")
TOOL = "/usr/sbin/update-ca-certificates"

CONF = "/etc/ca-certificates.conf"
CERTS = "/etc/ssl/certs"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PACKAGE = "/usr/share/ca-certificates"
LOCAL = "/usr/local/share/ca-certificates"
STATE = "/var/lib/kedge"

# Our name of each authority, and what Debian's package calls its file.
SIX = {
    "AmazonRootCA1": "Amazon_Root_CA_1.crt",
    "AmazonRootCA2": "Amazon_Root_CA_2.crt",
    "AmazonRootCA3": "Amazon_Root_CA_3.crt",
    "AmazonRootCA4": "Amazon_Root_CA_4.crt",
    "StarfieldServicesRootCertificateAuthority-G2": "Starfield_Services_Root_Certificate_Authority_-_G2.crt",
    "StarfieldClass2CertificationAuthority": "Starfield_Class_2_CA.crt",
}
ONE, TWO, THREE, FOUR, SERVICES, CLASS2 = SIX

# Certificates -----------------------------------------------------------------

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----.*?-----END \1-----", re.DOTALL)


@functools.lru_cache(maxsize=4096)
def fingerprint(block):
    """SHA-256 of the certificate in one PEM block or of DER, or None where it is none."""
    load = x509.load_pem_x509_certificate if block.startswith(b"-----") else x509.load_der_x509_certificate
    try:
        return hashlib.sha256(load(block).public_bytes(serialization.Encoding.DER)).hexdigest()
    except ValueError:
        return None


def certificates(content):
    """The certificates in the bytes of a bundle, as a list of SHA-256 in their order; what can't be parsed counts for nothing.
    A bundle with a broken block in it is unusable for OpenSSL as a whole, and so is an empty list."""
    found = [fingerprint(match[0]) for match in BLOCK.finditer(content)]
    if None in found or content.count(b"-----BEGIN ") != len(found):
        return []
    return found


def pem(name):
    """One of the six, as kedge carries it."""
    with open(f"{TRUST}/{name}.pem", "rb") as file:
        return file.read()


GOAL = frozenset(fingerprint(BLOCK.search(pem(name))[0]) for name in SIX)


@functools.cache
def key():
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def made(name):
    """The certificate of an authority of our own, in PEM."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key().public_key())
        .serial_number(1 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
        .not_valid_before(datetime.datetime(2015, 1, 1)).not_valid_after(datetime.datetime(2037, 12, 31))
        .add_extension(x509.BasicConstraints(True, None), True)
    )  # fmt: skip
    return builder.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def der(text):
    return x509.load_pem_x509_certificate(text).public_bytes(serialization.Encoding.DER)


# Trees ------------------------------------------------------------------------


class Tree:
    """Files of a system below the folder `root`; paths are those that they have inside."""

    def __init__(self, root):
        self.root = os.path.abspath(root)

    def at(self, path):
        return self.root + path

    def write(self, path, content, mode=0o644):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.at(path), mode)

    def read(self, path):
        with open(self.at(path), "rb") as file:
            return file.read()

    def link(self, target, path):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        if os.path.lexists(self.at(path)):
            os.unlink(self.at(path))
        os.symlink(target, self.at(path))

    def resolve(self, path, depth=40):
        """The path of ours to which a path inside leads, all links resolved inside, or None."""
        done, rest = "", [part for part in path.split("/") if part]
        while rest:
            part = rest.pop(0)
            if part == "..":
                done = os.path.dirname(done)
            elif part != ".":
                done += "/" + part
                if os.path.islink(self.at(done)):
                    target = os.readlink(self.at(done))
                    depth -= 1
                    if depth < 0:
                        return None
                    rest = [word for word in target.split("/") if word] + rest
                    done = "" if target.startswith("/") else os.path.dirname(done).rstrip("/")
        return self.at(done) if os.path.exists(self.at(done)) else None

    def content(self, path):
        """What a program inside reads there; empty where there is nothing."""
        real = self.resolve(path)
        if not real or not os.path.isfile(real):
            return b""
        with open(real, "rb") as file:
            return file.read()

    # What programs find.

    def bundle(self, path=BUNDLE):
        """The certificates that a program finds in the bundle."""
        return set(certificates(self.content(path)))

    def directory(self, path=CERTS):
        """The certificates that OpenSSL finds by hash links: it reads HASH.0, HASH.1, … until one is missing."""
        found = set()
        names = set(os.listdir(self.at(path))) if os.path.isdir(self.at(path)) else set()
        for name in sorted(names):
            if not re.fullmatch(r"[0-9a-f]{8}\.0", name):
                continue
            number = 0
            while f"{name[:8]}.{number}" in names:
                found.update(certificates(self.content(f"{path}/{name[:8]}.{number}"))[:1])
                number += 1
        return found

    # The configuration, as the tool reads it.

    def lines(self):
        return self.content(CONF).split(b"\n")

    def unlisted(self):
        """Files of the package's folder that no line names: a later reconfigure would take each for disabled."""
        named = {re.sub(rb"^!", b"", line).rstrip(b"\r") for line in self.lines()}
        folder = self.at(PACKAGE)
        found = set()
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.fsencode(os.path.relpath(os.path.join(place, name), folder))
                if path.endswith(b".crt") and path not in named:
                    found.add(os.fsdecode(path))
        return found

    # The tool.

    def tool_words(self):
        return [TOOL, "--certsconf", self.at(CONF), "--certsdir", self.at(PACKAGE), "--localcertsdir", self.at(LOCAL),
                "--etccertsdir", self.at(CERTS), "--hooksdir", "/nonexistent"]  # fmt: skip

    def update(self):
        """Runs the distribution's own tool on the tree; its links get the paths that they have inside."""
        for folder in (CERTS, LOCAL, PACKAGE):
            os.makedirs(self.at(folder), exist_ok=True)
        subprocess.run(self.tool_words(), check=True, capture_output=True)
        for link in glob.glob(self.at(CERTS) + "/*"):
            target = os.path.islink(link) and os.readlink(link)
            if target and target.startswith(self.root + "/"):
                os.unlink(link)
                os.symlink(target[len(self.root) :], link)

    def skeleton(self):
        """What is in every Debian system besides its store: dpkg's lock, a place for state."""
        self.write("/etc/os-release", 'NAME="Debian"\nID=debian\n')
        for name in ("lock", "lock-frontend"):
            self.write("/var/lib/dpkg/" + name, b"", 0o640)
        os.makedirs(self.at(LOCAL), exist_ok=True)
        os.makedirs(self.at(CERTS), exist_ok=True)

    def state(self, times=False, skip=()):
        """All of the tree that a write would change: {path: (kind and mode, owner, content)}, without what lies in `skip`."""
        found = {}
        for place, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if (place + "/" + name)[len(self.root) :] not in skip]
            for name in folders + names:
                path = os.path.join(place, name)
                status = os.lstat(path)
                entry = (status.st_mode, status.st_uid, status.st_gid, read_entry(path, status))
                inside = path[len(self.root) :]
                if inside not in skip:
                    found[inside] = entry + ((status.st_mtime_ns, status.st_ino) if times else ())
        return found

    def own(self, user):
        """Gives all of it to a user and the group of the same number."""
        for place, folders, names in os.walk(self.root):
            for name in [".", *folders, *names]:
                os.chown(os.path.join(place, name), user, user, follow_symlinks=False)

    def copy_from(self, other):
        """Makes this the same as the tree `other`, whatever it was."""
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", other.root, self.root], check=True)
        return self


def read_entry(path, status):
    if stat.S_ISLNK(status.st_mode):
        return os.fsencode(os.readlink(path))
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return file.read()
    return b""


OTHERS = ("Lab One", "Lab Two", "Lab Three", "Lab Local", "Lab Live")


def small(root, worn=True):
    """A Debian system with seven authorities in its bundle. Worn: of the six one is disabled, one has no line (it is written
    `!` by a reconfigure, as on a device), two have no file; the last line has no newline; one authority is only live."""
    tree = Tree(root)
    tree.skeleton()
    one, two, three, local, live = OTHERS
    for name in (one, two, three):
        tree.write(f"{PACKAGE}/mozilla/{name.replace(' ', '_')}.crt", made(name))
    tree.write(f"{LOCAL}/{local.replace(' ', '_')}.crt", made(local))
    for name in (ONE, SERVICES, TWO, THREE):
        tree.write(f"{PACKAGE}/mozilla/{SIX[name]}", pem(name))
    conf = [
        "# This file lists certificates that you wish to use or to ignore", "#", "mozilla/Lab_One.crt",
        f"mozilla/{SIX[ONE]}", f"!mozilla/{SIX[TWO]}", "mozilla/Lab_Two.crt", f"!mozilla/{SIX[THREE]}",
        f"mozilla/{SIX[SERVICES]}", "mozilla/Lab_Three.crt",
    ]  # fmt: skip
    if not worn:
        conf = [line.removeprefix("!") for line in conf]
        for name in (FOUR, CLASS2):
            tree.write(f"{PACKAGE}/mozilla/{SIX[name]}", pem(name))
            conf.append(f"mozilla/{SIX[name]}")
    tree.write(CONF, "\n".join(conf) + "\n")
    tree.update()
    if worn:
        tree.write(CONF, "\n".join(conf))
        tree.write(BUNDLE, tree.read(BUNDLE) + made(live))
    return tree


def full(root):
    """A Debian system with a copy of this machine's store."""
    tree = Tree(root)
    tree.skeleton()
    shutil.copytree(PACKAGE, tree.at(PACKAGE), symlinks=True)
    shutil.copy2(CONF, tree.at(CONF))
    tree.update()
    return tree


def bare(root, names=(ONE, SERVICES), path="/etc/ssl/cert.pem"):
    """A system with nothing but a bundle: two of the six, five of our own, no newline at its end."""
    tree = Tree(root)
    content = b"".join([*map(made, OTHERS), *map(pem, names)])
    tree.write(path, content.rstrip(b"\n"))
    os.makedirs(tree.at("/var/lib"))
    return tree


SDK_BEFORE = b"""{
    // the device
    "deviceInfo": { "clientId": "a", "productId": "b" },
    "sampleApp": {
        "displayCardsSupported": true // cards
    }
}
"""


def sdk_config(root, content=SDK_BEFORE, mode=0o600):
    """The SDK's configuration, readable by its owner only."""
    tree = Tree(root)
    tree.write("/AlexaClientSDKConfig.json", content, mode)
    return tree


# This system itself, in a mount namespace ------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 0x20000, 1, 32, 4096, 16384, 1 << 18


def call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    call(libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() if options else None))


def own_mounts():
    """From here on this process and its children have mounts of their own."""
    call(libc.unshare(NEW_MOUNTS))
    mount(None, "/", flags=RECURSIVE | PRIVATE)


def end_with_parent():
    """This process is killed when its parent has ended."""
    libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG


def mount_over(places):
    """Lays folders over others ({there: folder}), for this process and its children only."""
    own_mounts()
    for there, place in places.items():
        mount(place, there, flags=BIND)


@functools.cache
def cannot_mount():
    """Why no mount namespace can be had, or None."""
    pid = os.fork()
    if pid == 0:
        try:
            own_mounts()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return os.strerror(status) if status else None


def live(tree):
    """Puts into a tree what programs look for in /etc, so that it can be laid over this system's."""
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "ssl/openssl.cnf"):
        if os.path.exists("/etc/" + name):
            shutil.copy("/etc/" + name, tree.at("/etc/" + name))
    tree.write("/etc/ca-certificates/update.d/lab", "#!/bin/sh\nexec cat >/dev/null\n", 0o755)
    return tree
