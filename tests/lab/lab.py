#!/usr/bin/env python3
"""The lab: real servers with every fault on loopback, for tests, for the demo and for trying kedge by hand.

    lab.py serve                    in the foreground, prints ports and lines to paste; Ctrl-C ends it
    lab.py run -- COMMAND [ARG]...  runs COMMAND with KEDGE_LAB, a JSON document of ports and files, in its environment
    lab.py demo KEDGE               12 region checks against the lab's nginx

KEDGE_LAB_BUILD (or --build DIR before the verb): where keys, certificates and the unpacked nginx are kept; build/lab by default.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

import peer
import pki
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("KEDGE_LAB_BUILD") or os.path.join(HERE, "../../build/lab")

SSERVERS = {
    "cert40": ("rsa2048", "-Verify", "2", "-tls1_2", "-www"),
    "no-alpn": ("rsa2048", "-tls1_2", "-www"),
}

PEERS = {
    "silent": "wait",
    "closing": "expect 5\nclose",
    "reset": "expect 5\nreset",
    "http": 'expect 5\nsend b"HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n"\nclose',
    "ssh": 'send b"SSH-2.0-OpenSSH_9.2\\r\\n"\nwait',
    "garbage": "expect 5\nsend bytes(range(200, 256)) * 20\nwait",
    "bad-message": "expect 5\nsend record(22, bytes(range(200, 256)) * 20)\nwait",
    "cut": "expect 5\nsend server_hello()\nclose",
    "ssl3": "expect 5\nsend server_hello(version=0x0300)\nwait",
    "alert": "expect 5\nsend alert(80)\nclose",
}

ENDPOINT = "https://alexa.na.gateway.devices.a2z.com"


class Blackhole:
    """A port whose backlog is full: the kernel drops every further SYN, so that connecting never ends."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family, backlog=0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            filler.connect_ex((address, self.port))
            self.fillers.append(filler)

    def close(self):
        for one in [*self.fillers, self.listener]:
            one.close()


class Refused:
    """A port that is bound but doesn't listen: it refuses, and nobody else can take it."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()


class Lab:
    """Starts the parts asked for ("nginx", "openssl", "dns", "peers", and by its name alone "mqtt"); a context manager that
    ends them all.

    port["good"], file("anchors.bundle.pem"), dns ("127.0.0.1:PORT"), folder (temporary)."""

    def __init__(self, *parts, nginx=None):
        self.parts = parts or ("nginx", "openssl", "dns", "peers")
        self.rows = nginx
        self.port = {}
        self.dns = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack:
            self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="kedge-lab-"))
            self.pki = os.path.abspath(pki.cached(BUILD))
            for part in self.parts:
                getattr(self, f"start_{part}")()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def own(self, server):
        self.stack.callback(server.close)
        return server

    def file(self, name):
        return os.path.join(self.pki, name)

    def chain(self, name):
        """Certificate and key of one of the PKI's chains, for a peer that speaks TLS."""
        return self.file(f"{name}.chain.pem"), self.file(f"{name}.chain.key")

    def start_pki(self):
        """Keys and certificates alone."""

    def start_nginx(self):
        program = servers.unpack_nginx(BUILD)
        self.nginx = self.own(servers.Nginx(os.path.abspath(program), self.folder, self.pki, self.rows))
        self.port.update(self.nginx.ports)

    def start_openssl(self):
        self.openssl = {}
        for name, (chain, *options) in SSERVERS.items():
            self.openssl[name] = self.own(servers.SServer(self.pki, chain, *options))
            self.port[name] = self.openssl[name].port

    def start_mqtt(self):
        self.port["mqtt"] = self.own(servers.Mosquitto(BUILD, self.folder, self.pki)).port

    def start_dns(self):
        self.dnsmasq = self.own(servers.Dnsmasq(self.folder))
        self.dns = f"127.0.0.1:{self.dnsmasq.port}"

    def start_peers(self):
        self.peers = {name: self.stack.enter_context(peer.Peer(script)) for name, script in PEERS.items()}
        self.port.update((name, one.port) for name, one in self.peers.items())
        self.port["blackhole"] = self.own(Blackhole()).port
        self.port["refused"] = self.own(Refused()).port

    def describe(self):
        return {
            "ports": self.port,
            "dns": self.dns,
            "pki": self.pki,
            "anchors": self.file("anchors.bundle.pem"),
            "with_proxy": self.file("with-proxy.bundle.pem"),
        }


def serve():
    with Lab() as lab:
        anchors = lab.file("anchors.bundle.pem")
        print(f"anchors  {anchors}\nas a directory  {lab.file('anchors.d')}\nwith the intercepting proxy's  {lab.file('with-proxy.bundle.pem')}")
        print(f"dns      {lab.dns}\n")
        for name, port in lab.port.items():
            print(f"{name:15} 127.0.0.1:{port}")
        good = f"--connect-to ::127.0.0.1:{lab.port['good']}"
        print("\nTo paste:")
        print(f"  ./kedge regions --trust {anchors} --reference {anchors} {good}")
        print(f"  ./kedge regions --trust {anchors} --connect-to ::127.0.0.1:{lab.port['expired']}")
        for name in ("good", "missing", "expired", "cert40", "silent"):
            print(f"  ./kedge check {ENDPOINT} --trust {anchors} --connect-to ::127.0.0.1:{lab.port[name]}    # {name}")
        print(f"  ./kedge check nx.test half.test servfail.test --dns {lab.dns}")
        print("\nCtrl-C ends the lab.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def run(command):
    with Lab() as lab:
        environment = {**os.environ, "KEDGE_LAB": json.dumps(lab.describe())}
        with subprocess.Popen(command, env=environment) as process:
            # Ctrl-C goes to the whole group: the command decides what it means, and the lab ends after it.
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            return exit_status(process.wait())


def exit_status(returned):
    """As a shell counts: 128 and the signal's number for a death by signal."""
    return returned if returned >= 0 else 128 - returned


def interrupt(*_):
    raise KeyboardInterrupt


def demo(kedge):
    print("Lab: making keys and certificates, starting nginx on loopback ...", file=sys.stderr, flush=True)
    with Lab("nginx", nginx={"good": servers.NGINX["good"]}) as lab:
        anchors = os.path.relpath(lab.file("anchors.bundle.pem"))
        command = [kedge, "regions", "--trust", anchors, "--reference", anchors]
        command += ["--connect-to", f"::127.0.0.1:{lab.port['good']}"]
        print("$ " + " ".join(command), flush=True)
        status = subprocess.run(command).returncode
    print("Against the real endpoints, with this device's trust store: ./kedge regions")
    return exit_status(status)


def main(arguments):
    global BUILD
    signal.signal(signal.SIGTERM, interrupt)
    if arguments[:1] == ["--build"]:
        BUILD, arguments = arguments[1], arguments[2:]
    if arguments == ["serve"]:
        with contextlib.suppress(KeyboardInterrupt):
            serve()
        return
    if arguments[:2] == ["run", "--"] and len(arguments) > 2:
        sys.exit(run(arguments[2:]))
    if arguments[:1] == ["demo"] and len(arguments) == 2:
        sys.exit(demo(arguments[1]))
    sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
