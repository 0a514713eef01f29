"""`kedge ca-audit`: unpacked roots in every layout, sound and broken in every way that it names."""

import datetime
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TRUST = os.path.join(kedge.ROOT, "trust")
TOOL = "/usr/sbin/update-ca-certificates"
NAMES = {
    "AmazonRootCA1": "Amazon Root CA 1", "AmazonRootCA2": "Amazon Root CA 2", "AmazonRootCA3": "Amazon Root CA 3",
    "AmazonRootCA4": "Amazon Root CA 4",
    "StarfieldServicesRootCertificateAuthority-G2": "Starfield Services Root Certificate Authority - G2",
    "StarfieldClass2CertificationAuthority": "Starfield Class 2 Certification Authority",
}  # fmt: skip
SIX = list(NAMES)
ONE, SERVICES, CLASS2 = SIX[0], SIX[4], SIX[5]
PACKAGE = {
    "AmazonRootCA1": "Amazon_Root_CA_1", "AmazonRootCA2": "Amazon_Root_CA_2", "AmazonRootCA3": "Amazon_Root_CA_3",
    "AmazonRootCA4": "Amazon_Root_CA_4", "StarfieldClass2CertificationAuthority": "Starfield_Class_2_CA",
    "StarfieldServicesRootCertificateAuthority-G2": "Starfield_Services_Root_Certificate_Authority_-_G2",
}  # fmt: skip
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CONF = "/etc/ca-certificates.conf"
SHIPPED = "/usr/share/ca-certificates/mozilla/"


def pem(name):
    with open(f"{TRUST}/{name}.pem", encoding="ascii") as file:
        return file.read()


def certificate(name):
    return x509.load_pem_x509_certificate(pem(name).encode())


def common_name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


KEY = ec.generate_private_key(ec.SECP256R1())


def made(subject, key=None, issuer=None, begins="2015-01-01", ends="2037-12-31", identifier=None):
    """An authority's certificate in PEM, signed with KEY: self-signed by name unless an issuer is named."""
    key = key or KEY.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer or subject).public_key(key).serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.fromisoformat(begins)).not_valid_after(datetime.datetime.fromisoformat(ends))
        .add_extension(x509.BasicConstraints(True, None), True)
    )  # fmt: skip
    if identifier:
        builder = builder.add_extension(identifier, False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def reissued(name, **options):
    """Another certificate with the key of one of the six."""
    original = certificate(name)
    identifier = original.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return made(original.subject, original.public_key(), identifier=identifier, **options)


class Image:
    """A system below a temporary folder."""

    def __init__(self, folder):
        self.root = folder

    def at(self, path):
        return self.root + path

    def write(self, path, text, changed=None):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        if changed:
            os.utime(self.at(path), (changed, changed))

    def read(self, path):
        with open(self.at(path), encoding="utf-8") as file:
            return file.read()

    def link(self, target, path):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        if os.path.lexists(self.at(path)):
            os.unlink(self.at(path))
        os.symlink(target, self.at(path))

    def release(self, name, like=""):
        self.write("/etc/os-release", f'NAME="x"\nID={name}\nID_LIKE="{like}"\n')

    def bundle(self, names=SIX, more="", path=BUNDLE):
        self.write(path, "".join(map(pem, names)) + more)

    def ship(self, names=SIX, disabled=(), unlisted=()):
        """Files and configuration of the package."""
        lines = ["# comment"]
        for name in names:
            file = f"{SHIPPED}{PACKAGE[name]}.crt"
            self.write(file, pem(name))
            if name not in unlisted:
                lines.append(("!" if name in disabled else "") + "mozilla/" + PACKAGE[name] + ".crt")
        self.write(CONF, "\n".join(lines) + "\n")

    def update(self):
        """Runs the distribution's own tool on it; its links get the paths that they have inside."""
        os.makedirs(self.at("/etc/ssl/certs"), exist_ok=True)
        os.makedirs(self.at("/usr/local/share/ca-certificates"), exist_ok=True)
        subprocess.run(
            [TOOL, "--certsconf", self.at(CONF), "--certsdir", self.at("/usr/share/ca-certificates"), "--localcertsdir",
             self.at("/usr/local/share/ca-certificates"), "--etccertsdir", self.at("/etc/ssl/certs"), "--hooksdir", "/nonexistent"],
            check=True, capture_output=True,
        )  # fmt: skip
        for link in glob.glob(self.at("/etc/ssl/certs/*")):
            target = os.path.islink(link) and os.readlink(link)
            if target and target.startswith(self.root):
                os.unlink(link)
                os.symlink(target[len(self.root) :], link)

    def debian(self, **options):
        self.release("debian")
        self.ship(**options)
        self.update()

    def rehash(self, folder="/etc/ssl/certs"):
        subprocess.run(["openssl", "rehash", self.at(folder)], check=True, capture_output=True)

    def state(self):
        """Everything in it that a write would change."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            for name in folders + files:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                content = b""
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file:
                        content = file.read()
                found[path] = (status.st_mode, status.st_mtime_ns, hashlib.sha256(content).digest())
        return found


class Audit(kedge.Test):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="kedge-audit-")
        self.addCleanup(shutil.rmtree, folder)
        self.image = Image(folder)

    def audit(self, *arguments, status, **options):
        done = kedge.run("ca-audit", "--root", self.image.root, "-f", "json", *arguments, **options)
        self.assertIsNotNone(done.report, str(done))
        self.assertEqual(done.status, status, str(done))
        self.assertEqual(done.err, "", str(done))
        for result in done.results:
            self.assertNotIn("target", result)
            self.assertIsNone(result["stage"])
            if result["status"] != "ok":
                self.assertTrue(result["code"].startswith("store."), result)
                self.assertTrue(result["message"] and result["remedy"], result)
        self.by_id = {result["id"]: result for result in done.results}
        self.assertEqual(len(self.by_id), len(done.results), "ids are distinct")
        return done

    def finding(self, name, code, status="warn"):
        self.assertIn(name, self.by_id)
        found = self.by_id[name]
        self.assertEqual((found["code"], found["status"]), (code, status), found)
        return found

    def authority(self, name, code, status="warn"):
        return self.finding("authority/" + NAMES[name], code, status)

    def chain(self, name, code, status, store="bundle"):
        return self.finding(f"{store}/chain to {NAMES[name]}", code, status)

    def codes(self):
        return {result["code"] for result in self.by_id.values()} - {"ok"}

    def layout(self, name):
        self.assertEqual(self.by_id["layout"]["values"]["layout"], name)


class Layouts(Audit):
    """Each is detected and named, and sound ones are status 0 without a warning."""

    @unittest.skipUnless(os.path.exists(TOOL), "no update-ca-certificates")
    @kedge.rows([("debian", "Debian"), ("raspbian", "Raspbian"), ("ubuntu", "Ubuntu"), ("alpine", "Alpine")])
    def with_the_real_tool(self, name, shown):
        self.image.debian()
        self.image.release(name, "debian")
        before = self.image.state()
        self.audit(status=0)
        self.layout(shown)
        self.assertEqual(self.codes() - {"store.temporary"}, set())
        for place in SIX[:4]:
            for store in ("bundle", "directory"):
                self.assertEqual(self.chain(place, "ok", "ok", store)["values"]["way"], "direct")
        for place in SIX:
            self.assertIn("/etc/ssl/certs", self.authority(place, "ok", "ok")["message"])
        self.assertEqual(self.image.state(), before, "an audit only reads")

    @unittest.skipUnless(os.path.exists(TOOL), "no update-ca-certificates")
    def test_absolute_links_are_resolved_inside(self):
        self.image.debian()
        target = os.readlink(glob.glob(self.image.at("/etc/ssl/certs/Amazon_Root_CA_1.pem"))[0])
        self.assertTrue(target.startswith("/usr/share/ca-certificates/"), target)
        # The same name on this system is not looked at: inside, it is another certificate.
        self.image.write(f"{SHIPPED}Amazon_Root_CA_1.crt", made(common_name("Other")))
        self.audit(status=1)
        self.chain(ONE, "ok", "ok")
        self.assertEqual(self.chain(ONE, "store.through_services", "warn", "directory")["values"]["way"], "services")
        self.finding("agreement/" + NAMES[ONE], "store.disagree", "fail")

    def test_buildroot_with_its_bundle_alone(self):
        self.image.release("buildroot")
        self.image.bundle()
        self.audit(status=0)
        self.layout("Buildroot")
        self.assertNotIn("directory", self.by_id)

    def test_openwrt(self):
        self.image.release("openwrt")
        for name in SIX:
            self.image.write(f"/etc/ssl/certs/{name}.crt", pem(name))
        self.image.rehash()
        self.audit(status=0)
        self.layout("OpenWrt")
        self.assertNotIn("bundle", self.by_id)
        self.assertEqual(self.by_id["directory"]["values"]["authorities"], 6)

    @kedge.rows([("fedora", "Fedora"), ("rhel", "RHEL")])
    def update_ca_trust(self, name, shown):
        self.image.release(name)
        os.makedirs(self.image.at("/etc/pki/ca-trust/source/anchors"))
        self.image.bundle(path="/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", names=SIX[1:4])
        self.image.write("/etc/pki/ca-trust/source/blocklist/one.pem", pem(ONE))
        self.audit(status=1)
        self.layout(shown)
        self.assertIn("update-ca-trust", self.authority(ONE, "store.disabled", "fail")["remedy"])
        self.image.bundle(path="/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")
        self.audit(status=0)

    @kedge.rows([("usual", BUNDLE), ("short", "/etc/ssl/cert.pem"), ("pki", "/etc/pki/tls/certs/ca-bundle.crt")])
    def bare_bundle(self, _, path):
        self.image.bundle(path=path)
        self.audit(status=0)
        self.layout("bare bundle")
        self.assertEqual(self.by_id["bundle"]["values"]["path"], path)

    def test_bare_directory(self):
        for name in SIX:
            self.image.write(f"/etc/ssl/certs/{name}.pem", pem(name))
        self.audit(status=0)
        self.layout("bare directory")

    def test_a_store_that_is_named(self):
        self.image.bundle(["AmazonRootCA1"], path="/opt/my/store.pem")
        self.audit("--store", "/opt/my/store.pem", status=1)
        self.layout("bare bundle")
        self.chain(ONE, "ok", "ok")
        self.chain(SIX[1], "store.no_chain", "fail")
        self.audit("--store", "/opt/my", status=1)
        self.layout("bare directory")

    def test_a_store_that_is_named_from_here(self):
        self.image.bundle(path="/opt/store.pem")
        done = kedge.run("ca-audit", "--store", "opt/store.pem", "-f", "json", cwd=self.image.root)
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(done.results[0]["values"]["layout"], "bare bundle")

    def test_no_layout(self):
        self.audit(status=3)
        self.finding("layout", "store.no_layout", "fail")

    @kedge.rows([("loop",), ("fifo",), ("large",)])
    def a_store_that_cannot_be_read(self, how):
        self.image.release("buildroot")
        self.image.write(CONF, "")
        os.makedirs(self.image.at("/etc/ssl/certs"))
        if how == "loop":
            self.image.link("ca-certificates.crt", BUNDLE)
        elif how == "fifo":
            os.mkfifo(self.image.at(BUNDLE))
        else:
            with open(self.image.at(BUNDLE), "wb") as file:
                file.truncate((16 << 20) + 1)
        self.audit(status=3)
        self.finding(BUNDLE, "store.unreadable", "fail")

    def test_what_is_refused(self):
        self.audit("--store", "/no/such", status=3)
        self.finding("layout", "store.unreadable", "fail")
        self.refused("ca-audit", "--root", "/no/such/folder", says="/no/such/folder", exit_status=3)
        self.refused("ca-audit", "--root", "/dev/null", says="not a folder", exit_status=3)
        self.refused("ca-audit", "--trust", "ats", says="--store")

    def test_no_store_at_all(self):
        self.image.ship()
        self.audit(status=1)
        self.finding("store", "store.empty", "fail")


@unittest.skipUnless(os.path.exists(TOOL), "no update-ca-certificates")
class Configuration(Audit):
    """What became of an authority that the store lacks, on Debian's layout; without Services G2 its chain fails."""

    rest = [name for name in SIX if name not in (ONE, SERVICES, CLASS2)]

    def broken(self, code, **options):
        self.audit(status=1, **options)
        self.chain(ONE, "store.no_chain", "fail")
        self.chain(ONE, "store.no_chain", "fail", "directory")
        self.chain(SIX[1], "ok", "ok")
        return self.authority(ONE, code, "fail")

    def test_disabled(self):
        self.image.debian(names=[ONE, *self.rest], disabled=[ONE])
        found = self.broken("store.disabled")
        self.assertIn(f"{CONF}, line 2", found["message"])
        self.assertIn("!", found["remedy"])

    def test_on_disk_but_not_in_the_configuration(self):
        self.image.debian(names=[ONE, *self.rest], unlisted=[ONE])
        self.assertIn(f"{SHIPPED}Amazon_Root_CA_1.crt", self.broken("store.not_configured")["message"])

    def test_a_local_file_of_another_ending(self):
        self.image.debian(names=self.rest)
        self.image.write("/usr/local/share/ca-certificates/AmazonRootCA1.pem", pem(ONE))
        self.broken("store.not_configured")

    def test_in_the_configuration_without_its_file(self):
        self.image.debian(names=self.rest)
        self.image.write(CONF, self.image.read(CONF) + "amazon/AmazonRootCA1.pem\n")
        self.assertIn("line 5", self.broken("store.no_file")["message"])

    def test_wrong_content_under_the_expected_name(self):
        self.image.ship(names=self.rest)
        self.image.write(f"{SHIPPED}Amazon_Root_CA_1.crt", made(common_name("Somebody Else")))
        self.image.write(CONF, self.image.read(CONF) + "mozilla/Amazon_Root_CA_1.crt\n")
        self.image.update()
        self.assertIn("Somebody Else", self.broken("store.wrong_content")["message"])

    def test_a_file_of_its_name_without_a_certificate(self):
        self.image.debian(names=self.rest)
        self.image.write(f"{SHIPPED}Amazon_Root_CA_1.crt", "<html>not found</html>")
        self.broken("store.wrong_content")

    def test_a_certificate_that_claims_its_name(self):
        self.image.debian(names=self.rest)
        self.image.write("/usr/local/share/ca-certificates/x.crt", made(certificate(ONE).subject))
        self.image.update()
        self.broken("store.wrong_content")

    def test_one_that_claims_its_name_beside_it(self):
        self.image.debian()
        self.image.write("/usr/local/share/ca-certificates/x.crt", made(certificate(ONE).subject))
        self.image.update()
        self.audit(status=0)
        self.authority(ONE, "store.wrong_content")

    def test_absent(self):
        self.image.debian(names=self.rest)
        self.broken("store.absent")

    def test_configured_and_the_tool_never_run(self):
        self.image.debian(names=self.rest)
        self.image.ship(names=[ONE, *self.rest])
        hour_ago = time.time() - 3600
        os.utime(self.image.at(BUNDLE), (hour_ago, hour_ago))
        self.broken("store.not_applied")
        self.assertIn(CONF, self.finding(BUNDLE, "store.outdated")["message"])

    @kedge.rows([("newline", "mozilla/Amazon_Root_CA_1.crt", "newline"), ("crlf", "mozilla/Amazon_Root_CA_1.crt\r\n", "carriage return")])
    def lines_that_are_dropped(self, _, line, why):
        self.image.ship(names=[ONE, *self.rest], unlisted=[ONE])
        self.image.write(CONF, self.image.read(CONF) + line)
        self.image.update()
        self.assertIn(why, self.broken("store.broken_line")["message"])
        self.finding("configuration/line 5", "store.broken_line")

    @kedge.rows([("disabled", {"disabled": [ONE]}), ("unlisted", {"unlisted": [ONE]}), ("nowhere", {"names": SIX[1:]})])
    def in_the_store_until_the_next_run(self, _, changed):
        self.image.debian()
        self.image.ship(**changed)
        if "names" in changed:
            os.unlink(self.image.at(f"{SHIPPED}Amazon_Root_CA_1.crt"))
            os.unlink(self.image.at("/etc/ssl/certs/Amazon_Root_CA_1.pem"))
            self.image.write("/etc/ssl/certs/Amazon_Root_CA_1.pem", pem(ONE))
        self.audit(status=0)
        self.chain(ONE, "ok", "ok")
        self.authority(ONE, "store.only_live")

    def test_expired(self):
        self.image.debian(names=self.rest)
        self.image.write("/usr/local/share/ca-certificates/one.crt", reissued(ONE, ends="2020-01-01"))
        self.image.update()
        self.broken("store.expired")

    def test_not_yet_valid(self):
        self.image.debian(names=self.rest)
        self.image.write("/usr/local/share/ca-certificates/one.crt", reissued(ONE, begins="2036-01-01"))
        self.image.update()
        self.broken("store.not_yet_valid")
        self.finding("clock/newest anchor", "store.clock_anchor")

    def test_class_2_absent_is_a_note(self):
        self.image.debian(names=SIX[:5])
        for arguments in ([], ["--strict"]):
            self.audit(*arguments, status=0 if not self.is_temporary() or not arguments else 1)
            found = self.authority(CLASS2, "ok", "ok")
            self.assertEqual([warning["code"] for warning in found["warnings"]], ["store.class2_absent"])

    def is_temporary(self):
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.image.root], capture_output=True, text=True, check=True).stdout
        return kind.strip() in ("overlayfs", "tmpfs")

    def test_class_2_absent_where_chains_fail(self):
        self.image.debian(names=self.rest)
        self.audit(status=1)
        self.authority(CLASS2, "store.absent")


class Chains(Audit):
    """Can a chain to Amazon Root CA N be verified: directly, through G2, through Class 2, or not at all?"""

    def ways(self):
        return [self.by_id[f"bundle/chain to {NAMES[name]}"]["values"]["way"] for name in SIX[:4]]

    @kedge.rows([
        ("all", SIX, ["direct"] * 4, 0),
        ("only_services", [SERVICES], ["services"] * 4, 0),
        ("only_class_2", [CLASS2], ["class2"] * 4, 0),
        ("one_and_services", [ONE, SERVICES], ["direct", "services", "services", "services"], 0),
        ("only_the_second", [SIX[1]], ["none", "direct", "none", "none"], 1),
    ])  # fmt: skip
    def of(self, _, names, ways, status):
        self.image.bundle(names)
        self.audit(status=status)
        self.assertEqual(self.ways(), ways)

    def test_only_services_depends_on_the_server(self):
        self.image.bundle([SERVICES])
        done = kedge.run("ca-audit", "--root", self.image.root)
        self.assertIn("chains that Amazon sends today", " ".join(done.out.split()))
        self.assertIn("depends on the server", " ".join(done.out.split()))
        self.audit(status=0)
        self.chain(ONE, "store.through_services", "warn")
        self.authority(ONE, "store.absent")

    def test_an_empty_bundle_verifies_nothing(self):
        self.image.bundle([])
        self.audit(status=1)
        self.finding("bundle", "store.empty", "fail")
        self.assertEqual(self.ways(), ["none"] * 4)

    def test_cross_signed_and_its_issuer_is_not_there(self):
        self.image.bundle(SIX[1:4], reissued(ONE, issuer=common_name("Their Root")))
        self.audit(status=0)
        found = self.chain(ONE, "store.partial_chain", "warn")
        self.assertEqual((found["values"]["way"], found["values"]["openssl"]), ("direct", False))
        self.assertRegex(self.authority(ONE, "store.cross_signed")["message"], "issued by CN=Their Root.*can use it")

    def test_cross_signed_and_its_issuer_is_there(self):
        self.image.bundle(SIX[1:4], reissued(ONE, issuer=common_name("Their Root")) + made(common_name("Their Root")))
        self.audit(status=0)
        self.assertTrue(self.chain(ONE, "ok", "ok")["values"]["openssl"])
        self.authority(ONE, "store.cross_signed")

    def test_reissued(self):
        self.image.bundle(SIX[1:4], reissued(ONE))
        self.audit(status=0)
        self.assertEqual(self.authority(ONE, "ok", "ok")["values"]["state"], "reissued")

    @kedge.rows([("name",), ("identifier",)])
    def a_certificate_of_its_key_that_does_not_fit(self, what):
        original, other = certificate(ONE), x509.SubjectKeyIdentifier(b"another")
        name = common_name("Amazon Root CA 1") if what == "name" else original.subject
        self.image.bundle(SIX[1:4], made(name, original.public_key(), identifier=other if what == "identifier" else None))
        self.audit(status=1)
        self.chain(ONE, "store.no_chain", "fail")
        self.assertIn("cannot use it", self.authority(ONE, "store.cross_signed", "fail")["message"])

    def test_of_an_expired_and_a_good_one_the_good_one_counts(self):
        self.image.bundle(SIX, reissued(ONE, ends="2020-01-01"))
        self.audit(status=0)
        self.authority(ONE, "ok", "ok")

    def test_at(self):
        self.image.bundle()
        self.audit("--at", "2050-01-01", status=1)
        self.authority(ONE, "store.expired", "fail")
        self.assertIn("2050-01-01", self.by_id["clock"]["message"])
        self.audit("--at", "2001-01-01", status=1)
        self.authority(ONE, "store.not_yet_valid", "fail")
        self.finding("clock", "ok", "ok")

    @unittest.skipIf(kedge.VARIANT in ("static", "sanitized"), "the clock is preloaded (tests/unit/audit_spec.lua needs none)")
    def test_a_clock_before_the_build(self):
        self.image.bundle()
        library = self.image.root + "/clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, f"{kedge.ROOT}/tests/lab/clock.c"], check=True)
        self.audit(status=0, env={"LD_PRELOAD": library, "KEDGE_TEST_TIME": "86400"})
        self.finding("clock", "store.clock")
        self.finding("clock/newest anchor", "store.clock_anchor")
        self.authority(ONE, "ok", "ok")


@unittest.skipUnless(os.path.exists(TOOL), "no update-ca-certificates")
class Upkeep(Audit):
    """The state of the store itself, and of what lies around it."""

    def test_bundle_and_directory_are_judged_each(self):
        self.image.debian()
        self.image.bundle(SIX[1:4])
        self.audit(status=1)
        self.chain(ONE, "store.no_chain", "fail")
        self.chain(ONE, "ok", "ok", "directory")
        self.finding("agreement/" + NAMES[ONE], "store.disagree", "fail")
        self.finding("agreement/" + NAMES[SERVICES], "store.disagree", "fail")
        self.assertNotIn("agreement/" + NAMES[CLASS2], self.by_id)
        self.assertIn("only in /etc/ssl/certs", self.finding("agreement", "store.differ")["message"])

    def test_another_authority_in_one_of_them_is_a_warning(self):
        self.image.debian()
        self.image.bundle(SIX, made(common_name("Of the Bundle")))
        self.audit(status=0)
        self.assertIn("Of the Bundle", self.finding("agreement", "store.differ")["message"])

    def test_stale_links(self):
        self.image.debian()
        self.image.link("gone.pem", "/etc/ssl/certs/0123abcd.0")
        self.image.link("Amazon_Root_CA_1.pem", "/etc/ssl/certs/89abcdef.0")
        self.image.link("Amazon_Root_CA_2.pem", "/etc/ssl/certs/01234567.2")
        self.audit(status=0)
        for name, why in (("0123abcd.0", "nowhere"), ("89abcdef.0", "Amazon Root CA 1"), ("01234567.2", "lower number")):
            self.assertIn(why, self.finding("directory/" + name, "store.stale_link")["message"])

    def test_links_of_the_host_dangle(self):
        self.image.debian()
        self.image.link(self.image.at(f"{SHIPPED}Amazon_Root_CA_1.crt"), "/etc/ssl/certs/Amazon_Root_CA_1.pem")
        self.audit(status=1)
        self.finding("directory/Amazon_Root_CA_1.pem", "store.stale_link")
        self.chain(ONE, "ok", "ok")
        self.authority(ONE, "store.not_applied", "fail")

    def test_duplicates(self):
        self.image.debian()
        self.image.bundle(SIX + [ONE])
        self.audit(status=0)
        self.assertIn("Amazon Root CA 1", self.finding("bundle/duplicates", "store.duplicates")["message"])
        self.assertEqual(self.by_id["bundle"]["values"]["authorities"], 6)

    def test_parsed_authorities_count_and_not_headers(self):
        self.image.debian()
        good = pem(ONE).splitlines(keepends=True)
        self.image.bundle(SIX, good[0] + "!!!\n" + "".join(good[1:]) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        self.audit(status=0)
        self.assertEqual(self.by_id["bundle"]["values"]["authorities"], 6)
        line = sum(pem(name).count("\n") for name in SIX) + len(good) + 2
        self.finding(f"bundle/{BUNDLE}:{line}", "store.unparsable")
        self.assertEqual(sum(result["code"] == "store.unparsable" for result in self.by_id.values()), 2)

    def test_a_remainder(self):
        self.image.debian()
        self.image.write(BUNDLE + ".new", "-----BEGIN")
        self.audit(status=0)
        self.finding(BUNDLE + ".new", "store.remainder")

    def test_bundles_of_languages(self):
        self.image.debian()
        own = "/usr/local/lib/python3.11/dist-packages/certifi/cacert.pem"
        linked = "/usr/lib/python3/dist-packages/certifi/cacert.pem"
        java = "/usr/lib/jvm/java-17/lib/security/cacerts"
        self.image.bundle([ONE], path=own)
        self.image.link(BUNDLE, linked)
        self.image.write(java, b"\xfe\xed\xfe\xed")
        self.image.write("/etc/ssl/certs/java/cacerts", pem(ONE))
        self.image.write("/usr/bin/node", b"\x7fELF")
        self.audit(status=0)
        for path, words in ((own, "1 of Amazon's four"), (java, "no PEM"), ("/etc/ssl/certs/java/cacerts", "1 authority"),
                            ("/usr/bin/node", "compiled in")):  # fmt: skip
            found = self.finding("other" + path, "ok", "ok")
            self.assertEqual(found["warnings"][0]["code"], "store.own_bundle")
            self.assertIn(words, found["message"])
            self.assertIn("don't use this store", found["message"])
        self.assertNotIn("other" + linked, self.by_id, "a link to the store is no bundle of its own")

    @unittest.skipUnless(os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK), "no tmpfs to write to")
    def test_tmpfs(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            self.image.root = folder
            self.image.bundle()
            self.audit(status=0)
            self.assertIn("tmpfs", self.finding("file system", "store.temporary")["message"])

    def test_a_read_only_file_system(self):
        self.image.bundle()
        root = self.image.root
        mounted = f"mount --bind {root} {root} && mount -o remount,ro,bind {root}"
        if subprocess.run(["unshare", "-rm", "sh", "-c", mounted], capture_output=True, check=False).returncode:
            self.skipTest("no mount namespaces here")
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", f'{mounted} && exec "$0" ca-audit --root {root} -f json', kedge.KEDGE],
            capture_output=True, env=kedge.environment(), check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done)
        codes = [result["code"] for result in kedge.validated(done.stdout.decode())["results"]]
        self.assertIn("store.read_only", codes)


class Text(Audit):
    """Findings for people: one sentence each, then what to do."""

    def test_sentences(self):
        self.image.bundle([ONE, SERVICES])
        done = kedge.run("ca-audit", "--root", self.image.root)
        self.assertEqual(done.status, 0, str(done))
        text = " ".join(done.out.split())
        for words in (
            f"bare bundle layout in {self.image.root}", "holds 2 authorities.", "A chain to Amazon Root CA 1 can be verified",
            "only through Starfield Services G2", "append its certificate (PEM) to /etc/ssl/certs/ca-certificates.crt",
            "Do not remove any authority",
        ):  # fmt: skip
            self.assertIn(words, text.replace(" \n", " "))
        self.assertNotIn("Judged by the store", text)

    def test_kedges_own_remedy_where_it_writes_this_layout(self):
        self.image.bundle([ONE])
        absent = f"authority/{NAMES[SERVICES]}"
        self.audit(status=1)
        self.assertIn(f"sudo kedge ca-update --root {self.image.root} --apply", self.by_id[absent]["remedy"])
        self.audit("--store", BUNDLE, status=1)
        self.assertNotIn("ca-update", self.by_id[absent]["remedy"])
        self.image.release("openwrt")
        self.audit(status=1)
        self.assertNotIn("ca-update", self.by_id[absent]["remedy"])

    def test_help(self):
        done = kedge.run("help", "ca-audit")
        self.assertEqual(done.status, 0)
        self.assertIn("--root", done.out)
        self.assertIn("--store", done.out)

    def test_the_live_system(self):
        done = kedge.run("ca-audit", "-f", "json")
        self.assertIn(done.status, (0, 1, 3), str(done))
        self.assertEqual(done.results[0]["id"], "layout")

    def of_environment(self, *arguments, **env):
        done = kedge.run("ca-audit", *arguments, "-f", "json", env=env)
        return {r["id"]: r for r in done.results if any(w["code"] == "store.environment" for w in r["warnings"])}

    def test_a_store_that_the_environment_names(self):
        self.image.bundle([ONE, SERVICES])
        file, folder = self.image.at(BUNDLE), self.image.at("/folder")
        os.makedirs(folder)
        shutil.copy(file, folder + "/some.pem")
        found = self.of_environment(SSL_CERT_FILE=file, SSL_CERT_DIR=f"{folder}:{folder}-gone")
        self.assertEqual(list(found), [f"$SSL_CERT_FILE {file}", f"$SSL_CERT_DIR {folder}", f"$SSL_CERT_DIR {folder}-gone"])
        for result, words in zip(found.values(), ("2 authorities, 1 of", "2 authorities, 1 of", "No such file"), strict=True):
            self.assertEqual(result["status"], "ok")
            self.assertIn(words, result["message"])
            self.assertIn("programs in this environment", result["message"])
            self.assertIn("kedge ca-audit --store " + result["values"]["path"], result["warnings"][0]["remedy"])

    def test_an_environment_that_says_nothing_else(self):
        self.image.bundle()
        self.assertEqual(self.of_environment(SSL_CERT_FILE="", SSL_CERT_DIR=""), {})
        self.assertEqual(self.of_environment("--root", self.image.root, SSL_CERT_FILE="/nowhere"), {})
        self.assertEqual(self.of_environment("--store", self.image.at(BUNDLE), SSL_CERT_FILE="/nowhere"), {})
        if os.path.exists(BUNDLE):
            self.assertEqual(self.of_environment(SSL_CERT_FILE=BUNDLE), {})
            os.symlink(BUNDLE, self.image.root + "/link")
            self.assertEqual(self.of_environment(SSL_CERT_FILE=self.image.root + "/link"), {})

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    @unittest.skipIf(kedge.SANITIZED, "leaks cannot be looked for under ptrace")
    def test_no_network_and_nothing_written(self):
        self.image.bundle()
        log = self.image.root + ".strace"
        self.addCleanup(os.unlink, log)
        calls = "trace=%network,openat,open,rename,renameat2,unlink,unlinkat,mkdir,link,symlink,chmod"
        subprocess.run(
            ["strace", "-f", "-o", log, "-e", calls, kedge.KEDGE, "ca-audit", "--root", self.image.root],
            env=kedge.environment(), stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        with open(log, encoding="utf-8", errors="replace") as file:
            done = [line for line in file if "+++" not in line and "---" not in line]
        for line in done:
            self.assertRegex(line, r"open(at)?\(.*O_RDONLY|open(at)?\(.*ENOENT", line)


if __name__ == "__main__":
    unittest.main()
