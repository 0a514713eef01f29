"""Where `kedge ca-update` has its certificates from: --fetch against a real server that stands for Amazon's repository, and
--from; and --then-check, which looks at what came of it."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import servers
import store
from audit_test import CLASS2, NAMES, ONE, SIX, common_name, made, pem, reissued
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "www.amazontrust.com"
URL = f"https://{HOST}/repository/"
PUBLISHED = {f"{name}.pem" if name != SIX[4] else "SFSRootCAG2.pem": name for name in SIX[:5]}
SCRIPT = os.path.join(kedge.HERE, "update_source.lua")


def forged(name):
    """A certificate that goes by the name of one of the six and has another key."""
    return made(x509.load_pem_x509_certificate(pem(name).encode()).subject)


# What each server has in the place of one of the files: word, file, content, what a refusal says.
WRONG = [
    ("missing", "AmazonRootCA3.pem", None, "status 404"),
    ("moved", "AmazonRootCA3.pem", None, "status 302"),
    ("page", "AmazonRootCA1.pem", "<!doctype html><title>Sign in</title>\n", "neither PEM nor"),
    ("empty", "AmazonRootCA1.pem", "", "neither PEM nor"),
    ("swapped", "AmazonRootCA2.pem", pem(ONE), "Amazon Root CA 1, not Amazon Root CA 2"),
    ("large", "AmazonRootCA4.pem", pem(SIX[3]) + "x" * 70_000, "larger than 64 KiB"),
    ("forged", "AmazonRootCA1.pem", forged(ONE), "goes by the name of Amazon Root CA 1"),
    ("forged_beside", "SFSRootCAG2.pem", pem(SIX[4]) + forged(CLASS2), f"goes by the name of {NAMES[CLASS2]}"),
    ("resigned", "AmazonRootCA1.pem", reissued(ONE), "signature is of none of the six keys"),
    ("others", "AmazonRootCA1.pem", made(common_name("Another Root")), "other authorities"),
]  # fmt: skip


def server_certificate(folder, word, name, authority_key, authority):
    """Key and certificate for a server called `name`, in the files where the lab's nginx looks for them."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name(name)).issuer_name(authority.subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before).not_valid_after(authority.not_valid_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(authority_key, hashes.SHA256())
    )  # fmt: skip
    pem_ = serialization.Encoding.PEM
    with open(f"{folder}/{word}.chain.pem", "wb") as file:
        file.write(certificate.public_bytes(pem_))
    with open(f"{folder}/{word}.chain.key", "wb") as file:
        file.write(key.private_bytes(pem_, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def authority(folder, word):
    """An authority of its own, in WORD.pem: key and certificate."""
    import audit_test

    text = made(common_name(f"Authority {word}"))
    with open(f"{folder}/{word}.pem", "w", encoding="ascii") as file:
        file.write(text)
    return audit_test.KEY, x509.load_pem_x509_certificate(text.encode())


class Repository(kedge.Test):
    """An nginx that stands for www.amazontrust.com: one port for what is right, one for each thing that is wrong."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="kedge-repository-"))
        key, certificate = authority(cls.folder, "ours")
        authority(cls.folder, "theirs")
        server_certificate(cls.folder, "repository", HOST, key, certificate)
        server_certificate(cls.folder, "elsewhere", "elsewhere.example", key, certificate)
        rows = {"good": ("repository", ""), "http1": ("repository", "http1"), "elsewhere": ("elsewhere", "")}
        for word, changed, content, _ in WRONG:
            cls.publish(f"{cls.folder}/{word}", {changed: content})
            rows[word] = ("repository", f"root {cls.folder}/{word};")
        rows["moved"] = ("repository", "location /repository/AmazonRootCA3.pem { return 302 /moved.pem; }" + rows["moved"][1])
        program = os.path.abspath(servers.unpack_nginx(kedge.lab.BUILD))
        cls.nginx = servers.Nginx(program, cls.folder, cls.folder, rows)
        cls.addClassCleanup(cls.nginx.close)
        cls.publish(f"{cls.folder}/www", {})

    @staticmethod
    def publish(root, changed):
        os.makedirs(f"{root}/repository", exist_ok=True)
        for file, name in PUBLISHED.items():
            content = changed.get(file, pem(name))
            if content is not None:
                with open(f"{root}/repository/{file}", "w", encoding="ascii") as out:
                    out.write(content)

    def store(self, word):
        return f"{self.folder}/{word}.pem"

    def to(self, server, trust="ours", **_):
        """Arguments that fetch from one of the servers, judged by the authority `trust`."""
        port = self.nginx.ports[server]
        return [SCRIPT, "--fetch", "--trust", self.store(trust), "--connect-to", f"{HOST}:443:127.0.0.1:{port}"]

    def fetched(self, done):
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual({r["id"]: r["message"] for r in done.results}, {f"{n}.pem": URL + f for f, n in PUBLISHED.items()})
        for result in done.results:
            self.assertEqual(result["values"]["pem"], pem(result["id"][: -len(".pem")]))

    def requests(self, server):
        """What one of the servers was asked for. Everything before now is in it: what nginx knew of when it answered the
        first of two requests it has done when it answers the second."""
        import http.client
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for _ in range(2):
            client = http.client.HTTPSConnection("127.0.0.1", self.nginx.ports[server], context=context)
            client.request("GET", "/the-end")
            client.getresponse().read()
            client.close()
        with open(f"{self.folder}/access.log", encoding="utf-8") as log:
            lines = [line.split() for line in log if line.startswith(f"{self.nginx.ports[server]} ")]
        self.assertIn("/the-end", [line[-2] for line in lines])
        return [f"{line[1]} {line[-2]}" for line in lines if line[-2] != "/the-end"]


class Fetch(Repository):
    def test_all_that_the_repository_has(self):
        done = kedge.run(*self.to("good"), "-f", "json")
        self.fetched(done)
        self.assertIn("Starfield Class 2", done.err)
        self.assertEqual(self.requests("good")[:5], [f"HTTP/2.0 /repository/{file}" for file in PUBLISHED])

    def test_over_http1(self):
        self.fetched(kedge.run(*self.to("http1"), "-f", "json"))

    @kedge.rows([row for row in WRONG])
    def wrong(self, word, file, _, says):
        self.refused(*self.to(word), says=[URL + file, says], exit_status=3)

    def test_what_comes_before_a_refusal_is_not_shown(self):
        done = kedge.run(*self.to("missing"), "-f", "json")
        self.assertEqual((done.status, done.out), (3, ""))

    def test_nobody_there(self):
        done = self.refused(*self.to("good")[:-1], f"{HOST}:443:127.0.0.1:{self.closed_port()}", says="tcp.refused", exit_status=3)
        self.assertIn("AmazonRootCA1.pem", done.err)

    def closed_port(self):
        with servers.listener("127.0.0.1") as one:
            return one.getsockname()[1]

    def test_the_store_of_the_environment(self):
        arguments = [word for word in self.to("good") if word not in ("--trust", self.store("ours"))]
        self.fetched(kedge.run(*arguments, "-f", "json", env={"SSL_CERT_FILE": self.store("ours")}))


class Verdicts(Repository):
    """Nothing is requested before a good verdict on the host."""

    def test_a_host_that_nothing_verifies(self):
        self.refused(*self.to("elsewhere", trust="theirs"), says=["cannot be fetched", "trust."], exit_status=3)
        self.assertEqual(self.requests("elsewhere"), [])

    def test_another_name(self):
        self.refused(*self.to("elsewhere"), says="trust.name_mismatch", exit_status=3)
        self.assertEqual(self.requests("elsewhere"), [])

    def test_at_another_time(self):
        self.refused(*self.to("elsewhere"), "--at", "2040-01-01", says="trust.", exit_status=3)
        self.assertEqual(self.requests("elsewhere"), [])

    def test_insecure_is_refused(self):
        self.refused(*self.to("elsewhere"), "--insecure", says="--insecure")
        self.assertEqual(self.requests("elsewhere"), [])

    def test_by_the_reference_where_the_store_cannot_yet(self):
        done = kedge.run(*self.to("good", trust="theirs"), "--reference", self.store("ours"), "-f", "json")
        self.fetched(done)
        self.assertIn("cannot verify www.amazontrust.com yet", done.err)

    def test_by_the_store_nothing_is_said(self):
        done = kedge.run(*self.to("good"), "--reference", self.store("theirs"), "-f", "json")
        self.fetched(done)
        self.assertNotIn("cannot verify", done.err)


@unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
class Update(Repository):
    """A whole run: what was taken is what is written."""

    def setUp(self):
        self.tree = store.small(self.enterContext(tempfile.TemporaryDirectory(prefix="kedge-update-")))

    def update(self, *arguments):
        return kedge.run("ca-update", "--root", self.tree.root, *arguments, "-f", "json")

    def test_fetched_certificates_are_written(self):
        arguments = self.to("good")[1:]
        before = self.tree.state(times=True)
        planned = self.update(*arguments)
        self.assertEqual(planned.status, 5, str(planned))
        self.assertIn(URL + "AmazonRootCA4.pem", planned.out)
        self.assertEqual(self.tree.state(times=True), before)
        done = self.update(*arguments, "--apply")
        self.assertEqual(done.status, 0, str(done))
        self.assertEqual(self.tree.read(f"{store.LOCAL}/AmazonRootCA4.crt"), pem(SIX[3]).encode())
        self.assertIn("Starfield Class 2", done.err)
        again = self.update(*arguments)
        self.assertEqual(again.status, 0, str(again))
        self.assertIn("5 of the six", again.out)

    def test_of_a_file_with_some_only_those(self):
        source = f"{self.folder}/some.pem"
        with open(source, "w", encoding="ascii") as file:
            file.write(made(common_name("Another Root")) + pem(SIX[3]))
        done = self.update("--from", source, "--apply")
        self.assertEqual(done.status, 0, str(done))
        goal = {store.fingerprint(pem(SIX[3]).encode())}
        self.assertLess(self.tree.bundle() & store.GOAL, store.GOAL)
        self.assertLessEqual(goal, self.tree.bundle())
        self.assertEqual(self.update("--from", source).status, 0)

    def test_a_refused_source_changes_nothing(self):
        before = self.tree.state(times=True)
        for content, says in ((pem(ONE) + forged(SIX[1]), "Amazon Root CA 2"), ("", "no certificate")):
            source = f"{self.folder}/refused.pem"
            with open(source, "w", encoding="ascii") as file:
                file.write(content)
            for more in ([], ["--apply"]):
                self.refused("ca-update", "--root", self.tree.root, "--from", source, *more, says=[source, says], exit_status=3)
        self.refused("ca-update", "--root", self.tree.root, "--apply", *self.to("forged")[1:], says="AmazonRootCA1.pem", exit_status=3)
        self.assertEqual(self.tree.state(times=True), before)

    def test_a_proxy_that_is_not_used(self):
        proxy = {"https_proxy": "http://127.0.0.1:1"}
        words = ["ca-update", "--root", self.tree.root]
        self.assertIn("https_proxy is set", kedge.run(*words, *self.to("good")[1:], env=proxy).err)
        self.assertEqual(kedge.run(*words, env=proxy).err, "")

    def test_what_contradicts_itself(self):
        for words, says in (
            (["--from", "x", "--fetch"], "--from and --fetch"), (["--rollback", "--fetch"], "--rollback"),
            (["--then-check"], "--then-check needs --apply"), (["--rollback", "--apply", "--then-check"], "--then-check"),
        ):  # fmt: skip
            self.refused("ca-update", "--root", self.tree.root, *words, says=says)


class ThenCheck(kedge.Test):
    """--then-check judges by the store that was repaired."""

    parts = ("nginx",)

    def update(self, tree, *arguments):
        regions = ["--reference", self.anchors, "--connect-to", f"::127.0.0.1:{self.lab.port['good']}"]
        return kedge.run("ca-update", "--root", tree.root, "--apply", "--then-check", *regions, *arguments)

    def tree(self):
        return store.bare(self.enterContext(tempfile.TemporaryDirectory(prefix="kedge-update-")))

    def test_the_regions_pass(self):
        tree = self.tree()
        with open(self.anchors, "rb") as file:
            tree.write("/etc/ssl/cert.pem", tree.read("/etc/ssl/cert.pem") + b"\n" + file.read())
        for changed in (True, False):
            done = self.update(tree, "-f", "json")
            self.assertEqual(done.status, 0, str(done))
            last = done.results[-1]
            self.assertEqual((last["id"], last["values"]["changed"]), ("update", changed))
            self.assertTrue(last["message"].endswith("; a check of the three regions now passes"), last["message"])
            self.assertEqual(sum("target" in result for result in done.results), 12)

    def test_the_regions_fail(self):
        done = self.update(self.tree())
        self.assertEqual(done.status, 1, str(done))
        self.assertIn("none lost; a check of the three regions still fails because ", " ".join(done.out.split()))
        self.assertIn("trust.missing_ca", done.out)


if __name__ == "__main__":
    unittest.main()
