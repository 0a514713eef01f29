#!/usr/bin/env python3
"""bench.py [--runs N] KEDGE: speed and memory of KEDGE beside curl, openssl s_client and a bare BearSSL client, on the lab's nginx.

Whole processes, started by a small launcher (tests/lab/measure.c), commands of one table taking turns; medians. It prints and
judges nothing: run it on a quiet machine. The last column is what the project aims at."""

import argparse
import glob
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lab"))

import lab  # noqa: E402
import relay  # noqa: E402

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOST = "lab.test"
DELAY = 0.025
MANY = 500


class Bench:
    def __init__(self, kedge, runs, folder, laboratory):
        self.kedge, self.runs, self.folder, self.lab = os.path.abspath(kedge), runs, folder, laboratory
        self.port = laboratory.port["good"]
        self.measure = self.compile("measure", os.path.join(HERE, "../lab/measure.c"), "-static")
        self.bare = self.compile("bare", os.path.join(HERE, "bare.c"), "-l:libbearssl.a", "-l:libnghttp2.a")
        self.bundle = self.make_bundle()
        self.directory = self.make_directory()
        self.root = os.path.join(folder, "class2.der")
        self.run_quietly("openssl", "x509", "-in", laboratory.file("class2.crt"), "-outform", "DER", "-out", self.root)

    @staticmethod
    def run_quietly(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def compile(self, name, source, *options):
        path = os.path.join(self.folder, name)
        subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", path, source, *options], check=True)
        return path

    def make_bundle(self):
        """Debian's whole bundle and the lab's anchors behind it."""
        path = os.path.join(self.folder, "bundle.pem")
        with open(path, "wb") as out:
            for part in (SYSTEM_BUNDLE, self.lab.file("anchors.bundle.pem")):
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out)
        return path

    def make_directory(self):
        """The same as a hashed directory, such as /etc/ssl/certs."""
        path = os.path.join(self.folder, "certs")
        os.mkdir(path)
        for source in glob.glob("/usr/share/ca-certificates/mozilla/*.crt") + glob.glob(self.lab.file("anchors.d/*.pem")):
            shutil.copy(source, os.path.join(path, os.path.basename(source).replace(".crt", ".pem")))
        self.run_quietly("openssl", "rehash", path)
        return path

    def once(self, command):
        """One run: (wall ms, CPU ms, peak MiB)."""
        read, write = os.pipe()
        subprocess.run(
            ["sh", "-c", f'exec "$@" 3>&{write}', "sh", self.measure, *command], pass_fds=[write], check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with open(read, encoding="ascii") as pipe:
            wall, user, system, peak, status = map(int, pipe.read().split())
        if status != 0:
            raise SystemExit(f"status {status}: {' '.join(command)}")
        return wall / 1000, (user + system) / 1000, peak / 1024

    def alternate(self, commands, runs=None):
        """Medians of each command, which take turns; the first round only warms up."""
        seen = {name: [] for name in commands}
        for turn in range((runs or self.runs) + 1):
            for name, command in commands.items():
                values = self.once(command)
                if turn > 0:
                    seen[name].append(values)
        return {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in seen.items()}

    def check(self, port, trust, *more, kedge=None):
        return [kedge or self.kedge, "check", f"https://{HOST}", "--protocol", "h2", "--trust", trust, "--connect-to", f"::127.0.0.1:{port}", *more]

    def curl(self, port):
        return [
            shutil.which("curl"), "-sS", "--http2", "--tls-max", "1.2", "--cacert", self.bundle,
            "--connect-to", f"::127.0.0.1:{port}", f"https://{HOST}/",
        ]  # fmt: skip

    def s_client(self, *store):
        return [
            shutil.which("openssl"), "s_client", "-tls1_2", "-verify", "10", "-verify_return_error", *store,
            "-servername", HOST, "-connect", f"127.0.0.1:{self.port}",
        ]  # fmt: skip

    def cold(self):
        static = os.path.join(os.path.dirname(self.kedge), "kedge-static")
        got = self.alternate({
            "kedge check, bundle": self.check(self.port, self.bundle),
            **({"kedge-static check, bundle": self.check(self.port, self.bundle, kedge=static)} if os.path.exists(static) else {}),
            "curl --http2, bundle": self.curl(self.port),
            "openssl s_client, bundle": self.s_client("-CAfile", self.bundle),
            "bare BearSSL + nghttp2, one anchor": [self.bare, str(self.port), HOST, self.root],
            "kedge check, directory": self.check(self.port, self.directory),
            "openssl s_client, directory": self.s_client("-CApath", self.directory),
        })  # fmt: skip
        heading(f"One cold check, medians of {self.runs} alternating runs", "wall ms", "CPU ms", "peak MiB")
        for name, values in got.items():
            row(name, *(f"{value:.1f}" for value in values))
        kedge, curl = got["kedge check, bundle"], got["curl --http2, bundle"]
        directory, capath = got["kedge check, directory"], got["openssl s_client, directory"]
        ratio("wall time, kedge / curl", kedge[0] / curl[0], 1 / 5)
        ratio("peak memory, kedge / curl", kedge[2] / curl[2], 1 / 4)
        ratio("wall time in a directory, kedge / openssl", directory[0] / capath[0], 1)

    def many(self):
        targets = os.path.join(self.folder, "targets")
        with open(targets, "w", encoding="ascii") as file:
            file.write(f"h2://{HOST}\n" * MANY)
        command = [
            self.kedge, "check", f"@{targets}", "-j", "64", "--trust", self.bundle, "--timeout", "60",
            "--connect-to", f"::127.0.0.1:{self.port}",
        ]  # fmt: skip
        got = self.alternate({
            f"kedge, {MANY} checks, -j 64": command,
            f"bare client, {MANY} in a row": [self.bare, str(self.port), HOST, self.root, str(MANY)],
        }, runs=5)  # fmt: skip
        heading(f"{MANY} checks of one server, medians of 5", "wall ms", "CPU ms", "peak MiB")
        for name, values in got.items():
            row(name, *(f"{value:.1f}" for value in values))
        kedge, bare = got.values()
        ratio("CPU time, kedge / bare client", kedge[1] / bare[1], 1)

    def round_trips(self):
        with relay.Relay(self.port, DELAY) as far:
            anchors = self.lab.file("anchors.bundle.pem")
            regions = [
                self.kedge, "regions", "--trust", anchors, "--reference", anchors, "--connect-to", f"::127.0.0.1:{far.port}",
            ]  # fmt: skip
            got = self.alternate({
                "kedge check": self.check(self.port, self.bundle),
                "kedge check, far": self.check(far.port, self.bundle),
                "curl --http2": self.curl(self.port),
                "curl --http2, far": self.curl(far.port),
                "kedge, one of the 12, far": [*regions, "na", "--base", "--protocol", "h2"],
                "kedge regions, all 12, far": regions,
            })  # fmt: skip
        heading(f"Through a relay that delays each direction by {DELAY * 1000:.0f} ms, medians of {self.runs}", "wall ms")
        for name, values in got.items():
            row(name, f"{values[0]:.1f}")
        wall = {name: values[0] for name, values in got.items()}
        trip = 2 * DELAY * 1000
        ratio("round trips of a cold check, kedge", (wall["kedge check, far"] - wall["kedge check"]) / trip, 3.3)
        ratio("round trips of a cold check, curl", (wall["curl --http2, far"] - wall["curl --http2"]) / trip, None)
        ratio("12 region checks / one", wall["kedge regions, all 12, far"] / wall["kedge, one of the 12, far"], 1.3)


def heading(text, *columns):
    print(f"\n{text}\n{'':44}" + "".join(f"{column:>10}" for column in columns), flush=True)


def row(name, *values):
    print(f"  {name:42}" + "".join(f"{value:>10}" for value in values), flush=True)


def ratio(name, value, most):
    aim = f"   aim <= {most:.2f}{'' if value <= most else '   MISSED'}" if most is not None else ""
    print(f"  {name:42}{value:>10.2f}{aim}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("kedge")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kedge-bench-") as folder, lab.Lab("nginx", nginx={"good": lab.servers.NGINX["good"]}) as here:
        bench = Bench(arguments.kedge, arguments.runs, folder, here)
        print(f"kedge of {os.path.getsize(bench.kedge) / 1048576:.2f} MiB, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        bench.cold()
        bench.many()
        bench.round_trips()


if __name__ == "__main__":
    main()
