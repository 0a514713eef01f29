"""Random certificate graphs, judged by kedge, by openssl, and by a search through every path.

KEDGE_SEED repeats a run; KEDGE_GRAPHS or KEDGE_TEST_ALL asks for more of them.
"""

import dataclasses
import datetime
import hashlib
import json
import os
import random
import subprocess
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = 1767225600  # the first second of 2026
YEAR = 365 * 86400
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
PARALLEL = 2  # openssl processes at once


@dataclasses.dataclass
class Made:
    """A certificate, and what was meant by it."""

    subject: str
    key: int
    issuer: str
    signed_by: int
    authority: bool
    path_length: object
    may_sign: bool
    in_time: bool
    subject_id: object
    authority_id: object
    pem: str = ""
    sha256: str = ""


class Forge:
    """Makes certificates from one source of randomness."""

    def __init__(self, seed, keys=16):
        self.random = random.Random(seed)
        self.identified = False  # every certificate has both key identifiers
        self.keys = [ec.derive_private_key(self.random.randrange(1, ORDER), ec.SECP256R1()) for _ in range(keys)]
        self.ids = [x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest for key in self.keys]

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def dates(self):
        if self.chance(12):
            return NOW - 2 * YEAR, NOW - YEAR, False
        if self.chance(5):
            return NOW + YEAR, NOW + 2 * YEAR, False
        return NOW - YEAR, NOW + YEAR, True

    def certificate(self, subject, issuer, authority=True):
        """subject and issuer are (name, number of a key)."""
        wrong = self.chance(8)  # signed with a key that the issuer's name doesn't have
        signer = self.random.randrange(len(self.keys)) if wrong else issuer[1]
        begin, end, in_time = self.dates()
        made = Made(
            subject=subject[0], key=subject[1], issuer=issuer[0], signed_by=signer,
            authority=authority and not self.chance(6),
            path_length=self.random.randrange(3) if authority and self.chance(20) else None,
            may_sign=not self.chance(4), in_time=in_time,
            subject_id=subject[1] if self.identified or self.chance(70) else None,
            authority_id=issuer[1] if self.identified or self.chance(60) else None,
        )
        if not made.authority:
            made.path_length = None
        self.sign(made, begin, end)
        return made

    def sign(self, made, begin, end):
        def common(name):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

        def date(seconds):
            return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)

        builder = x509.CertificateBuilder(
            common(made.issuer), common(made.subject), self.keys[made.key].public_key(),
            self.random.getrandbits(64) + 1, date(begin), date(end))
        builder = builder.add_extension(x509.BasicConstraints(made.authority, made.path_length), True)
        if made.authority:
            builder = builder.add_extension(x509.KeyUsage(
                not made.may_sign, False, False, False, False, made.may_sign, True, False, False), True)
        if made.subject_id is not None:
            builder = builder.add_extension(x509.SubjectKeyIdentifier(self.ids[made.subject_id]), False)
        if made.authority_id is not None:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier(self.ids[made.authority_id], None, None), False)
        cert = builder.sign(self.keys[made.signed_by], hashes.SHA256())
        made.pem = cert.public_bytes(serialization.Encoding.PEM).decode()
        made.sha256 = hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).hexdigest()

    def authorities(self):
        """Cross-signs, twins and loops: up to three certificates for each of a few names with keys.

        Some names have a second key. It signs something only where key identifiers tell the keys
        apart: openssl verify cannot be shown a path with two keys under one name otherwise.
        """
        names = [f"authority {i}" for i in range(self.random.randint(2, 6))]
        entities = [(name, self.random.randrange(len(self.keys))) for name in names]
        strangers = [(self.random.choice(names), self.random.randrange(len(self.keys)))
                     for _ in range(self.random.randrange(3))]
        if self.identified:
            entities, strangers = entities + strangers, []
        made = []
        for i, entity in enumerate(entities + strangers):
            above = entities[:max(i, 1)]  # mostly upwards, so that there are ways to the top
            for _ in range(self.random.randint(1, 3)):
                made.append(self.certificate(entity, self.random.choice(entities if self.chance(30) else above)))
        return entities, made

    def graph(self):
        self.identified = self.chance(40)
        entities, made = self.authorities()
        leaf = self.certificate(("leaf", self.random.randrange(len(self.keys))), entities[-1], authority=False)
        anchors = self.random.sample(made[:4], self.random.randint(1, min(2, len(made))))
        if self.chance(25):
            anchors.append(made[-1])
        if self.chance(2):
            anchors.append(leaf)
        sent = [one for one in made if self.chance(92) and (one not in anchors or self.chance(30))]
        self.random.shuffle(sent)
        return [leaf] + sent, anchors


def other_identifier(child, issuer):
    return None not in (child.authority_id, issuer.subject_id) and child.authority_id != issuer.subject_id


def issued(child, issuer):
    """Whether the issuer's key signed the child, and names and key identifiers agree to it.

    As for openssl, what seems to be self-signed has no other issuer.
    """
    seems_own = child.subject == child.issuer and not other_identifier(child, child)
    signed = child.issuer == issuer.subject and child.signed_by == issuer.key
    return signed and not seems_own and not other_identifier(child, issuer)


def fit(issuer, below):
    long_enough = issuer.path_length is None or below <= issuer.path_length
    return issuer.authority and issuer.may_sign and issuer.in_time and long_enough


def reaches(way, sent, anchors, below=0):
    """Tries every path; `way` is the one so far, leaf first."""
    child = way[-1]
    if any(issued(child, anchor) and fit(anchor, below) for anchor in anchors):
        return True
    return any(
        issued(child, one) and fit(one, below) and one not in way
        and reaches(way + [one], sent, anchors, below + (one.subject != one.issuer))
        for one in sent)


def acceptable(sent, anchors):
    return sent[0].in_time and (sent[0] in anchors or reaches(sent[:1], sent[1:], anchors))


class Verification:
    """One `openssl verify`, running beside others."""

    def __init__(self, folder, name, sent, anchors):
        paths = [os.path.join(folder, f"{name}.{part}") for part in ("leaf", "sent", "anchors")]
        for path, certs in zip(paths, (sent[:1], sent[1:] or sent[:1], anchors)):
            with open(path, "w", encoding="ascii") as file:
                file.write("".join(one.pem for one in certs))
        self.process = subprocess.Popen(
            ["openssl", "verify", "-partial_chain", "-attime", str(NOW), "-no-CAfile", "-no-CApath", "-no-CAstore",
             "-trusted", paths[2], "-untrusted", paths[1], paths[0]],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def result(self):
        words = self.process.communicate()[1]
        return self.process.returncode == 0, words.strip().replace("\n", " ")


def openssl_all(folder, graphs):
    results = []
    for start in range(0, len(graphs), PARALLEL):
        batch = [Verification(folder, i, *graph) for i, graph in enumerate(graphs[start:start + PARALLEL], start)]
        results += [one.result() for one in batch]
    return results


def kedge_all(graphs):
    lines = [json.dumps({"sent": "".join(one.pem for one in sent), "anchors": "".join(one.pem for one in anchors),
                         "time": NOW}) for sent, anchors in graphs]
    run = subprocess.run([os.environ.get("KEDGE_LUA", "build/kedge-lua"), "tests/conformance/graphs.lua"],
                         input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def path_alone(graph, verdict):
    """The graph with nothing in it but kedge's path."""
    sent, anchors = graph
    return [sent[i] for i in verdict["indices"]], [one for one in anchors if one.sha256 == verdict["anchor"]]


class GraphsTest(unittest.TestCase):
    def test_random_graphs(self):
        seed = int(os.environ.get("KEDGE_SEED") or random.SystemRandom().randrange(1 << 32))
        count = int(os.environ.get("KEDGE_GRAPHS") or (2000 if os.environ.get("KEDGE_TEST_ALL") else 200))
        print(f"# figures: graphs: KEDGE_SEED={seed} KEDGE_GRAPHS={count}", flush=True)
        forge = Forge(seed)
        graphs = [forge.graph() for _ in range(count)]
        verdicts = kedge_all(graphs)
        self.assertEqual(len(verdicts), count)
        with tempfile.TemporaryDirectory() as folder:
            self.compare(folder, graphs, verdicts, openssl_all(folder, graphs))

    def compare(self, folder, graphs, verdicts, answers):
        counts = {"both accept": 0, "both refuse": 0, "kedge finds another path": 0, "wrongly refused": 0}
        wrong = []
        for i, (graph, verdict, (accepted, words)) in enumerate(zip(graphs, verdicts, answers)):
            if verdict["accepted"] and not accepted:
                accepted, words = Verification(folder, f"alone{i}", *path_alone(graph, verdict)).result()
                counts["kedge finds another path"] += 1
                if not accepted:
                    wrong.append(f"graph {i} is wrongly accepted: {words}")
            elif verdict["accepted"] == accepted:
                counts["both accept" if accepted else "both refuse"] += 1
            if not verdict["accepted"] and (accepted or acceptable(*graph)):
                counts["wrongly refused"] += 1
                print(f"# figures: graph {i} is wrongly refused: {verdict['code']} ({verdict.get('detail')})")
            if verdict["accepted"] and not acceptable(*graph):
                wrong.append(f"graph {i} has no path, kedge accepts {verdict['indices']}")
        print("# figures: graphs:", ", ".join(f"{number} {what}" for what, number in counts.items()), flush=True)
        self.assertEqual(wrong, [])
        self.assertTrue(counts["both accept"] and counts["both refuse"], "the graphs are of one kind only")


if __name__ == "__main__":
    unittest.main()
