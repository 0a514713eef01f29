"""--interface: connections and look-ups leave by the interface or address that was named, or not at all."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
from kedge import rows

# A name server and a listener behind two ways, in a network of their own; says on standard output whom each heard. A is
# 10.98.1.2 -> 10.98.1.1, B is 10.98.2.2 -> 10.98.2.1, both lead to 10.98.9.9; A is the usual one.
FAR_END = r"""
import socket, subprocess, sys
def ip(*words): subprocess.run(["ip", *words], check=True)
print("ready", flush=True)
sys.stdin.readline()
for name, net in (("far-a", 1), ("far-b", 2)):
    ip("address", "add", f"10.98.{net}.1/24", "dev", name)
    ip("link", "set", name, "up")
ip("link", "set", "lo", "up")
ip("address", "add", "10.98.9.9/32", "dev", "lo")
listener = socket.create_server(("10.98.9.9", 443))
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("10.98.9.9", 53))
print("ready", flush=True)
import selectors
events = selectors.DefaultSelector()
events.register(listener, selectors.EVENT_READ)
events.register(names, selectors.EVENT_READ)
while True:
    for key, _ in events.select():
        if key.fileobj is listener:
            connection, peer = listener.accept()
            print("tcp", peer[0], flush=True)
            connection.close()
        else:
            query, peer = names.recvfrom(512)
            print("dns", peer[0], flush=True)
            end = query.index(b"\0", 12) + 5
            is_a = query[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes([10, 98, 9, 9]) if is_a else b""
            names.sendto(query[:2] + b"\x81\x80\0\1\0" + bytes([bool(answer)]) + bytes(4) + query[12:end] + answer, peer)
"""

NEAR_END = r"""
ip link set lo up
for one in a b; do
    ip link add near-$one type veth peer name far-$one netns "$1" || exit 77
    ip link set near-$one up
done
ip address add 10.98.1.2/24 dev near-a
ip address add 10.98.2.2/24 dev near-b
echo >&"$2"
read -r ready <&"$3"
ip route add 10.98.9.9 via 10.98.1.1 metric 1
ip route add 10.98.9.9 via 10.98.2.1 metric 2
shift 3
exec "$@"
"""


class Ways(kedge.Test):
    """Two networks joined by two pairs of virtual interfaces."""

    def run_kedge(self, *arguments):
        """Runs kedge in a network beside the far end's: (its report, whom the far end heard)."""
        if os.geteuid() != 0:
            self.skipTest("needs root for networks of its own")
        with contextlib.ExitStack() as stack:
            far = stack.enter_context(subprocess.Popen(
                ["unshare", "-n", sys.executable, "-c", FAR_END], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            ))  # fmt: skip
            stack.callback(far.kill)
            self.assertEqual(far.stdout.readline(), "ready\n")
            done = subprocess.run(
                ["unshare", "-n", "sh", "-c", NEAR_END, "sh", str(far.pid), str(far.stdin.fileno()), str(far.stdout.fileno()),
                 kedge.KEDGE, *arguments, "-f", "json"],
                pass_fds=[far.stdin.fileno(), far.stdout.fileno()], capture_output=True, text=True, check=False,
                env=kedge.environment(), timeout=kedge.GUARD,
            )  # fmt: skip
            if done.returncode == 77:
                self.skipTest("this kernel has no virtual interfaces")
            far.kill()
            heard = {tuple(line.split()) for line in far.stdout if not line.startswith("ready")}
        return kedge.validated(done.stdout)["results"][0], heard

    @rows([
        # word, options, the address that the far end hears
        ("the usual way", [], "10.98.1.2"),
        ("an interface", ["--interface", "near-b"], "10.98.2.2"),
        ("an interface as curl writes it", ["--interface", "if!near-b"], "10.98.2.2"),
        ("an address", ["--interface", "10.98.2.2"], "10.98.2.2"),
        ("an address as curl writes it", ["--interface", "host!10.98.2.2"], "10.98.2.2"),
    ])  # fmt: skip
    def leaves_by(self, _, options, address):
        result, heard = self.run_kedge("check", "any.test", "--dns", "10.98.9.9", *options)
        self.assertEqual(result["stage"], "tls", result)
        self.assertEqual(heard, {("dns", address), ("tcp", address)})

    def test_a_look_up_that_cannot_leave_by_it_does_not_leave(self):
        """lo leads to no name server: nothing goes out by another interface instead."""
        result, heard = self.run_kedge("check", "any.test", "--dns", "10.98.9.9", "--interface", "lo", "--timeout", "5")
        self.assertEqual(result["stage"], "dns", result)
        self.assertEqual(heard, set())

    def test_an_address_of_the_other_family_leads_to_no_name_server(self):
        result, heard = self.run_kedge("check", "any.test", "--dns", "10.98.9.9", "--interface", "::1", "--timeout", "5")
        self.assertEqual((result["stage"], result["code"]), ("dns", "dns.no_server"))
        self.assertEqual(heard, set())


class Loopback(kedge.Test):
    """Addresses of 127.0.0.0/8 are all this machine's own."""

    parts = ("nginx", "dns")

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.target = "tls://127.0.0.1:{}".format(self.listener.getsockname()[1])

    def heard_from(self, *options):
        process = kedge.start("check", self.target, "-f", "json", *options)
        self.addCleanup(kedge.stop, process)
        connection, peer = self.listener.accept()
        connection.close()
        self.assertEqual(process.wait(timeout=kedge.GUARD), 1)
        return peer[0]

    @rows([
        ("nothing", [], "127.0.0.1"),
        ("an address", ["--interface", "127.0.0.7"], "127.0.0.7"),
        ("the device", ["--interface", "lo"], "127.0.0.1"),
        ("equals sign", ["--interface=127.8.9.10"], "127.8.9.10"),
    ])  # fmt: skip
    def leaves_from(self, _, options, address):
        self.assertEqual(self.heard_from(*options), address)

    def test_a_name_server_on_this_machine_is_asked_whatever_the_device(self):
        """As systemd-resolved at 127.0.0.53: it asks others by its own ways, so that the name is found; then connecting fails."""
        devices = [name for _, name in socket.if_nameindex() if name != "lo"]
        if not devices:
            self.skipTest("this machine has no interface but lo")
        result = self.one(
            "check", f"good.lab.test:{self.lab.port['good']}", "--dns", self.lab.dns, "--trust", self.anchors,
            "--interface", devices[0], "--timeout", "1", status="fail", code=None,
        )  # fmt: skip
        self.assertEqual(result["stage"], "tcp")

    def one(self, *arguments, code=None, **expected):
        if code:
            return super().one(*arguments, code=code, **expected)
        done = kedge.run(*arguments, "-f", "json")
        return done.results[0]

    @rows([
        # word, options, code, exit status, words of the message
        ("no such interface", ["--interface", "wlan9"], "local.interface", 4, ["wlan9", "there are: lo"]),
        ("not ours", ["--interface", "192.0.2.1"], "local.interface", 4, ["192.0.2.1 is not an address of this device"]),
        ("not ours, v6", ["--interface", "2001:db8::1"], "local.interface", 4, ["2001:db8::1"]),
        ("long", ["--interface", "x" * 20], "local.interface", 4, ["x" * 20]),
        ("label", ["--interface", "lo:1"], "local.interface", 4, ["lo:1"]),
        ("all addresses", ["--interface", "wlan9", "--all-addresses"], "local.interface", 4, ["wlan9"]),
        ("other family", ["--interface", "::1"], "dns.nodata", 4, ["address"]),
    ])  # fmt: skip
    def cannot(self, _, options, code, exit_status, words):
        result = self.one("check", self.target, *options, status="fail", code=code, exit_status=exit_status)
        for word in words:
            self.assertIn(word, result["message"])

    @rows([
        ("empty", "", "--interface"), ("spaces", "a b", "a b"), ("folder", "../x", "../x"), ("unknown kind", "dev!lo", "dev!lo"),
        ("kind alone", "if!", "if!"), ("control", "lo\n", "lo\\x0a"),
    ])  # fmt: skip
    def refused_at_once(self, _, value, words):
        self.refused("check", self.target, "--interface", value, says=words)

    @rows([("v4 and -6", "127.0.0.1", "-6"), ("v6 and -4", "fe80::1%lo", "-4")])
    def contradicts(self, _, address, family):
        self.refused("check", self.target, "--interface", address, family, says=[address, family])

    def test_one_cause_for_all_checks(self):
        done = kedge.run("regions", "--interface", "wlan9", "-f", "text", "--trust", "ats")
        self.assertEqual(done.status, 4, str(done))
        self.assertEqual(done.out.count("Remedy"), 1, done.out)

    def test_before_linux_5_7_the_sentence_names_the_interface(self):
        """strace makes SO_BINDTODEVICE fail as it did there for users who aren't root."""
        if kedge.SANITIZED:
            self.skipTest("the sanitizer of leaks cannot run under strace")
        done = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "inject=setsockopt:error=EPERM", kedge.KEDGE, "check", self.target,
             "--interface", "lo", "-f", "json"],
            capture_output=True, text=True, env=kedge.environment(), timeout=kedge.GUARD, check=False,
        )  # fmt: skip
        result = json.loads(done.stdout)["results"][0]
        self.assertEqual(result["code"], "local.permission", result)
        self.assertIn("lo", result["message"])


if __name__ == "__main__":
    unittest.main()
