"""A public key infrastructure in the shape of Amazon's, made with the openssl command.

    Class 2 -> Services G2 -> four roots (self-signed, and cross-signed by Services G2) -> intermediates -> leaves

Authorities start in 2015 and leaves in 2020, before any build of kedge, so that a device clock before
the build (trust.clock) can be tried; `openssl ca -startdate` is the one command of OpenSSL 3.0 that can do that.
"""

import concurrent.futures
import datetime
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile

AVS_HOSTS = [f"alexa.{region}.gateway.devices.a2z.com" for region in ("fe", "eu", "na")] + [
    f"avs-alexa-{region}.amazon.com" for region in ("fe", "eu", "na")
]
# Names that the lab's good leaves are for; the lab's dnsmasq knows those under .test too. Guides speak of example.org.
LAB_NAMES = ["lab.test", "*.lab.test", "localhost", "example.org", "*.example.org"]

AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature"
INTERMEDIATE = AUTHORITY.replace("CA:TRUE", "CA:TRUE,pathlen:0") + "\nextendedKeyUsage=serverAuth,clientAuth"
LEAF = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment"
IDENTIFIERS = "\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid"

ALL_NAMES = ",".join([f"DNS:{name}" for name in AVS_HOSTS + LAB_NAMES] + ["IP:127.0.0.1", "IP:::1"])
SERVER = f"{LEAF}\nextendedKeyUsage=serverAuth\nsubjectAltName={ALL_NAMES}"

AUTHORITY_DATES = ("20150525120000Z", "20371231010000Z")
LEAF_DATES = ("20200101000000Z", "+365")
EXPIRED_DATES = ("20200101000000Z", "20210101000000Z")
FUTURE_DATES = ("+365", "+730")

# Terminal escapes, a C1 control, a right-to-left override and a zero-width joiner, as a hostile authority would write them.
HOSTILE_SUBJECT = "/O=\x1b[2J\x1b]0;owned\x07/CN=evil\u202egnp\u200d.\u009b31mlab.test\rSPOOF"

KEYS = {
    "class2": "rsa:2048", "g2": "rsa:2048",
    "root1": "rsa:2048", "root2": "rsa:4096", "root3": "ec:P-256", "root4": "ec:P-384",
    "m1": "rsa:2048", "m2": "rsa:4096", "m3": "ec:P-256", "m4": "ec:P-384",
    "proxy": "rsa:2048", "unknown": "ec:P-256", "unknown-m": "ec:P-256",
    "rsa2048": "rsa:2048", "rsa4096": "rsa:4096", "p256": "ec:P-256", "p384": "ec:P-384",
    "rsa1024": "rsa:1024", "rsa8192": "rsa:8192", "exponent": "rsa:2048:0x10000000000000001", "ed25519": "ed25519",
    **{f"ring{i}": "ec:P-256" for i in range(1, 31)},
}  # fmt: skip

# file, subject, key, issuer's file (itself: self-signed), extensions, dates; in the order of signing
CERTIFICATES = [
    ("class2", "/C=US/O=Lab Starfield Technologies, Inc./OU=Lab Starfield Class 2 Certification Authority", "class2", "class2", AUTHORITY, AUTHORITY_DATES),
    ("g2", "/C=US/ST=Arizona/L=Scottsdale/O=Lab Starfield Technologies, Inc./CN=Lab Starfield Services Root Certificate Authority - G2", "g2", "g2", AUTHORITY, AUTHORITY_DATES),
    ("g2-by-class2", None, "g2", "class2", AUTHORITY, AUTHORITY_DATES),
    *[
        row
        for n in "1234"
        for row in [
            (f"root{n}", f"/C=US/O=Lab Amazon/CN=Lab Amazon Root CA {n}", f"root{n}", f"root{n}", AUTHORITY, AUTHORITY_DATES),
            (f"root{n}-by-g2", None, f"root{n}", "g2", AUTHORITY, AUTHORITY_DATES),
            (f"m{n}", f"/C=US/O=Lab Amazon/CN=Lab Amazon M0{n}", f"m{n}", f"root{n}", INTERMEDIATE, AUTHORITY_DATES),
        ]
    ],
    ("proxy", "/O=Intercepting Proxy/CN=Intercepting Proxy CA", "proxy", "proxy", AUTHORITY, AUTHORITY_DATES),
    ("unknown", "/O=Unknown/CN=Unknown Root", "unknown", "unknown", AUTHORITY, AUTHORITY_DATES),
    ("unknown-m", "/O=Unknown/CN=Unknown Intermediate", "unknown-m", "unknown", INTERMEDIATE, AUTHORITY_DATES),
    ("rsa2048", "/CN=lab.test", "rsa2048", "m1", SERVER, LEAF_DATES),
    ("rsa4096", "/CN=lab.test", "rsa4096", "m2", SERVER, LEAF_DATES),
    ("p256", "/CN=lab.test", "p256", "m3", SERVER, LEAF_DATES),
    ("p384", "/CN=lab.test", "p384", "m4", SERVER, LEAF_DATES),
    ("expired", "/CN=lab.test", "rsa2048", "m1", SERVER, EXPIRED_DATES),
    ("future", "/CN=lab.test", "rsa2048", "m1", SERVER, FUTURE_DATES),
    ("name", "/CN=elsewhere.lab.test", "rsa2048", "m1", SERVER.replace(ALL_NAMES, "DNS:elsewhere.example,DNS:*.sub.lab.test"), LEAF_DATES),
    ("self", "/CN=lab.test", "rsa2048", "self", SERVER, LEAF_DATES),
    ("by-proxy", "/CN=lab.test", "rsa2048", "proxy", SERVER, LEAF_DATES),
    ("by-unknown", "/CN=lab.test", "rsa2048", "unknown-m", SERVER, LEAF_DATES),
    ("client-only", "/CN=lab.test", "rsa2048", "m1", SERVER.replace("serverAuth", "clientAuth"), LEAF_DATES),
    ("not-ca", "/CN=lab.test", "p256", "rsa2048", SERVER, LEAF_DATES),
    ("weak-key", "/CN=lab.test", "rsa1024", "m1", SERVER, LEAF_DATES),
    ("weak-signature", "/CN=lab.test", "rsa2048", "m1", SERVER, LEAF_DATES),
    ("rsa8192", "/CN=lab.test", "rsa8192", "m1", SERVER, LEAF_DATES),
    ("exponent", "/CN=lab.test", "exponent", "m1", SERVER, LEAF_DATES),
    ("ed25519", "/CN=lab.test", "ed25519", "m1", SERVER.replace(",keyEncipherment", ""), LEAF_DATES),
    ("hostile", HOSTILE_SUBJECT, "rsa2048", "m1", SERVER, LEAF_DATES),
    # 15 authorities of one name, signed by 15 of another, signed by those of the first: a path builder has to try 15 at every step.
    *[(f"ring{i}", f"/CN=Ring {i % 2}", f"ring{i}", f"ring{i % 30 + 1}", AUTHORITY, AUTHORITY_DATES) for i in range(1, 31)],
    ("by-ring", "/CN=lab.test", "p256", "ring1", SERVER, LEAF_DATES),
]  # fmt: skip

AMAZON = ["m1", "root1-by-g2", "g2-by-class2"]
# What each server sends, leaf first.
CHAINS = {
    "rsa2048": ["rsa2048", *AMAZON],
    "rsa4096": ["rsa4096", "m2", "root2-by-g2", "g2-by-class2"],
    "p256": ["p256", "m3", "root3-by-g2", "g2-by-class2"],
    "p384": ["p384", "m4", "root4-by-g2", "g2-by-class2"],
    "missing": ["rsa2048"],
    "order": ["rsa2048", "g2-by-class2", "root1-by-g2", "m1"],
    "by-proxy": ["by-proxy", "proxy"],
    "by-unknown": ["by-unknown", "unknown-m", "unknown"],
    "self": ["self"],
    "not-ca": ["not-ca", "rsa2048", *AMAZON],
    "by-ring": ["by-ring", *[f"ring{i}" for i in range(1, 31)]],
    **{name: [name, *AMAZON] for name in ("expired", "future", "name", "client-only", "weak-key", "weak-signature", "rsa8192", "exponent", "ed25519", "hostile")},
}  # fmt: skip

ROOTS = ["root1", "root2", "root3", "root4"]
BUNDLES = {
    "anchors": ["class2", "g2", *ROOTS],
    "root1": ["root1"],
    "g2": ["g2"],
    "proxy": ["proxy"],
    "with-proxy": ["class2", "g2", *ROOTS, "proxy"],
    "without-root1": ["root2", "root3", "root4"],
    "cross": ["root1-by-g2"],
}


def openssl(*arguments, **options):
    """Runs openssl; its output is shown only when it fails."""
    done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stdout.decode(errors='replace')}")
    return done.stdout


def make_key(path, kind):
    algorithm, *rest = kind.split(":")
    options = {
        "rsa": ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{rest[0] if rest else ''}"],
        "ec": ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{rest[0] if rest else ''}"],
        "ed25519": ["-algorithm", "ED25519"],
    }[algorithm]
    if algorithm == "rsa" and len(rest) > 1:
        options += ["-pkeyopt", f"rsa_keygen_pubexp:{rest[1]}"]
    if kind == "rsa:8192":
        options += ["-pkeyopt", "rsa_keygen_primes:5"]  # ten times as quick as with two primes
    openssl("genpkey", *options, "-out", path)


def when(text):
    """'+DAYS' from now, or the time as it stands, as openssl ca wants it."""
    if not text.startswith("+"):
        return text
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=int(text[1:]))
    return later.strftime("%Y%m%d%H%M%SZ")


CONFIG = """
[ca]
default_ca=lab
[lab]
new_certs_dir={folder}/new
database={folder}/index.txt
rand_serial=yes
default_md=sha256
policy=anything
unique_subject=no
string_mask=utf8only
[anything]
countryName=optional
stateOrProvinceName=optional
localityName=optional
organizationName=optional
organizationalUnitName=optional
commonName=optional
[req]
string_mask=utf8only
distinguished_name=empty
[empty]
"""


class Builder:
    """Makes the whole infrastructure in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.subjects = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def key(self, name):
        return self.path(f"{name}.key")

    def make(self):
        os.mkdir(self.path("new"))
        self.write("index.txt", "")
        self.write("openssl.cnf", CONFIG.format(folder=self.folder))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda item: make_key(self.key(item[0]), item[1]), KEYS.items()))
        for row in CERTIFICATES:
            self.certificate(*row)
        for name, chain in CHAINS.items():
            self.write(f"{name}.chain.pem", self.concatenate(chain))
            shutil.copy(self.key(self.key_of(chain[0])), self.path(f"{name}.chain.key"))
        for name, bundle in BUNDLES.items():
            self.write(f"{name}.bundle.pem", self.concatenate(bundle))
        self.hashed("anchors.d", BUNDLES["anchors"])

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def concatenate(self, names):
        parts = []
        for name in names:
            with open(self.path(f"{name}.crt"), encoding="utf-8") as file:
                parts.append(file.read())
        return "".join(parts)

    def key_of(self, name):
        return next(row[2] for row in CERTIFICATES if row[0] == name)

    def subject_of(self, name):
        return next(row[1] for row in CERTIFICATES if row[0] == name)

    def certificate(self, name, subject, key, issuer, extensions, dates):
        """Signs one certificate; without a subject it's a cross-sign: the name of the key's own authority."""
        subject = subject or self.subjects[key]
        self.subjects[name] = subject
        issuer_key = self.key_of(issuer)
        ring = name.startswith("ring")
        self.write("extensions", extensions + ("" if ring or name == "by-ring" else IDENTIFIERS))
        openssl(
            "req", "-new", "-utf8", "-config", self.path("openssl.cnf"), "-key", self.key(key),
            "-subj", subject, "-out", self.path("request"),
        )  # fmt: skip
        if ring:
            # Signed by a key whose certificate comes later: one made for the purpose, of that name, stands in for it.
            openssl(
                "req", "-new", "-x509", "-config", self.path("openssl.cnf"), "-key", self.key(issuer_key),
                "-subj", self.subject_of(issuer), "-out", self.path("ring.crt"),
            )  # fmt: skip
            signer = ["-cert", self.path("ring.crt")]
        elif issuer == name:
            signer = ["-selfsign"]
        else:
            signer = ["-cert", self.path(f"{issuer}.crt")]
        openssl(
            "ca", "-batch", "-notext", "-utf8", "-preserveDN", "-config", self.path("openssl.cnf"), *signer,
            "-keyfile", self.key(issuer_key), "-in", self.path("request"), "-out", self.path(f"{name}.crt"),
            "-startdate", when(dates[0]), "-enddate", when(dates[1]), "-extfile", self.path("extensions"),
            "-md", "sha1" if name == "weak-signature" else "default" if "ed25519" in issuer_key else "sha256",
        )  # fmt: skip

    def hashed(self, name, members):
        os.mkdir(self.path(name))
        for member in members:
            shutil.copy(self.path(f"{member}.crt"), self.path(os.path.join(name, f"{member}.pem")))
        openssl("rehash", self.path(name))


def cached(build):
    """The infrastructure of today under the folder `build`, made if it isn't there; parallel callers make it once."""
    os.makedirs(build, exist_ok=True)
    with open(__file__, "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()[:12]
    folder = os.path.join(build, f"pki-{datetime.date.today().isoformat()}-{version}")
    with open(os.path.join(build, "pki.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            new = tempfile.mkdtemp(prefix="making-", dir=build)
            try:
                Builder(new).make()
                os.rename(new, folder)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    return folder
