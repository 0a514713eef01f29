"""Real servers for the lab: nginx from an unpacked package, openssl s_server, dnsmasq. Each ends with its owner."""

import contextlib
import fcntl
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pki

# Whoever starts a server may be killed; the server is to end with it.
WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]

# One row a server: which chain it sends and what else it is told.
NGINX = {
    "good": ("rsa2048", ""),
    "rsa4096": ("rsa4096", ""),
    "p256": ("p256", ""),
    "p384": ("p384", ""),
    "http1": ("rsa2048", "http1"),
    "tls12": ("rsa2048", "ssl_protocols TLSv1.2;"),
    "tls13": ("rsa2048", "ssl_protocols TLSv1.3;"),
    "tls10": ("rsa2048", "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"),
    "missing": ("missing", ""),
    "order": ("order", ""),
    "expired": ("expired", ""),
    "future": ("future", ""),
    "name": ("name", ""),
    "self": ("self", ""),
    "proxy": ("by-proxy", ""),
    "unknown": ("by-unknown", ""),
    "client-only": ("client-only", ""),
    "not-ca": ("not-ca", ""),
    "weak-key": ("weak-key", "ssl_ciphers ALL:@SECLEVEL=0;"),
    "weak-signature": ("weak-signature", "ssl_ciphers ALL:@SECLEVEL=0;"),
    "rsa8192": ("rsa8192", ""),
    "exponent": ("exponent", ""),
    "ed25519": ("ed25519", ""),
    "ring": ("by-ring", ""),
    "hostile": ("hostile", ""),
    "cert400": ("rsa2048", "ssl_verify_client on; ssl_client_certificate {pki}/anchors.bundle.pem;"),
    "cipher": ("rsa2048", "ssl_ciphers ECDHE-RSA-CAMELLIA128-SHA256;"),
    "sni": ("rsa2048", "ssl_reject_handshake on;"),
    "other-body": ("rsa2048", "set $lab_body other;"),
    "addresses": ("$lab_chain", ""),
    "healthy": ("rsa2048", "location = /health { return 200 '{\"status\": \"up\", \"queue\": 3, \"free_percent\": 41.5}\\n'; }"),
    "slow": ("rsa2048", "limit_rate 64;"),
}

NGINX_CONFIG = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
lock_file {folder}/nginx.lock;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    log_format lab '$server_port $server_protocol $ssl_protocol $ssl_server_name $request';
    access_log {folder}/access.log lab;
    default_type text/plain;
    root {folder}/www;
    ssl_session_tickets off;
    large_client_header_buffers 4 32k;
    map $host $avs {{ default 0; ~^alexa\\.(fe|eu|na)\\.gateway\\.devices\\.a2z\\.com$ 1; ~^avs-alexa-(fe|eu|na)\\.amazon\\.com$ 1; }}
    map $server_addr $lab_chain {{ default rsa2048; 127.0.0.2 p256; }}
    map "$avs$http2" $lab_status {{ default 200; 1 403; }}
{servers}
}}
"""

NGINX_SERVER = """
    server {{
        {listen}
        ssl_certificate {pki}/{chain}.chain.pem;
        ssl_certificate_key {pki}/{chain}.chain.key;
        set $lab_body "hello from the lab\\n";
        if ($avs) {{ set $lab_body "connection established with ATS certificate\\n"; }}
        {extra}
        location = / {{
            if ($lab_status = 403) {{ return 403 "speak HTTP/2\\n"; }}
            return 200 $lab_body;
        }}
        location = /hostile {{ return 200 "{hostile}"; }}
        location = /moved {{ return 302 /; }}
    }}
"""

# Body bytes that a terminal would obey.
HOSTILE_BODY = "esc\x1b[2J bell\x07 c1\u009b31m rtl\u202e end\n"

WWW = {"big": "0123456789abcde\n" * 6_250, "huge": "0123456789abcde\n" * 187_500, "a": "a" * 4_000}


def unpack(build, name, *packages):
    """The folder of packages that were unpacked and never installed (which would start a service)."""
    os.makedirs(build, exist_ok=True)
    beside = os.path.join(build, "..", name)  # where make unpacks it
    if os.path.exists(beside):
        return os.path.abspath(beside)
    folder = os.path.join(build, name)
    with open(os.path.join(build, f"{name}.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            with tempfile.TemporaryDirectory(dir=build) as new:
                subprocess.run(
                    ["apt-get", "-qq", "download", *packages], cwd=new, check=True, stderr=subprocess.DEVNULL
                )
                for package in glob.glob(f"{new}/*.deb"):
                    subprocess.run(["dpkg-deb", "-x", package, f"{new}/root"], check=True)
                os.rename(f"{new}/root", folder)
    return os.path.abspath(folder)


def unpack_nginx(build):
    return os.path.join(unpack(build, "nginx", "nginx"), "usr/sbin/nginx")


def end(process):
    """Ends one child, politely first."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


def listener(address, port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=512)


def listeners(addresses):
    """Sockets on one free port of all these addresses."""
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(listener(addresses[0]))
            try:
                rest = [stack.enter_context(listener(a, first.getsockname()[1])) for a in addresses[1:]]
            except OSError:
                continue
            stack.pop_all()
            return [first, *rest]
    raise OSError(f"no port is free on all of {addresses}")


class Nginx:
    """One nginx process with a port for each row of NGINX. It inherits sockets that we bound, so no port can be lost
    between choosing and listening, and a client that connects early waits in the backlog."""

    def __init__(self, program, folder, certificates, rows=None):
        self.folder = folder
        rows = rows or NGINX
        self.ports = {}
        sockets, servers = [], []
        for name, (chain, extra) in rows.items():
            # These also answer at two more addresses, for names with several of them; `addresses` with other keys.
            bound = listeners(["127.0.0.1", "127.0.0.2", "::1"] if name in ("good", "addresses") else ["127.0.0.1"])
            sockets += bound
            self.ports[name] = bound[0].getsockname()[1]
            kind = "ssl" if extra == "http1" else "ssl http2"
            listen = "".join(
                f"listen {'[%s]' % a[0] if ':' in a[0] else a[0]}:{a[1]} {kind};" for a in (s.getsockname() for s in bound)
            )
            extra = "" if extra == "http1" else extra.replace("{pki}", certificates)
            servers.append(
                NGINX_SERVER.format(listen=listen, chain=chain, extra=extra, pki=certificates, hostile=HOSTILE_BODY)
            )
        os.makedirs(f"{folder}/www")
        for name, text in WWW.items():
            with open(f"{folder}/www/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        with open(f"{folder}/www/endless", "wb") as file:
            file.truncate(1 << 30)  # sparse: takes no space
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX_CONFIG.format(folder=folder, user="user root;" if os.geteuid() == 0 else "", servers="".join(servers)))
        numbers = "".join(f"{s.fileno()};" for s in sockets)
        self.process = subprocess.Popen(
            [*WITH_US, program, "-p", folder, "-c", f"{folder}/nginx.conf"],
            env={"NGINX": numbers, "OPENSSL_CONF": "/dev/null", "PATH": "/usr/bin:/bin"},
            pass_fds=[s.fileno() for s in sockets],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for one in sockets:
            one.close()
        try:
            self.answer()
        except BaseException:
            self.close()
            raise

    def answer(self):
        """Returns when nginx has answered, raises with its words when it ended instead (a port with nobody behind refuses)."""
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        name = "good" if "good" in self.ports else next(iter(self.ports))
        try:
            with socket.create_connection(("127.0.0.1", self.ports[name])) as raw, context.wrap_socket(raw):
                pass
        except OSError:
            if self.process.poll() is not None:
                raise RuntimeError(f"nginx: {self.process.stderr.read().decode()}") from None

    def close(self):
        end(self.process)
        self.process.stderr.close()


class SServer:
    """openssl s_server on a port of its own choice. `log` holds what it printed once it is closed."""

    def __init__(self, certificates, chain, *options):
        self.process = subprocess.Popen(
            [*WITH_US, "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", f"{certificates}/{chain}.chain.pem",
             "-key", f"{certificates}/{chain}.chain.key", "-cert_chain", f"{certificates}/{chain}.chain.pem", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"OPENSSL_CONF": "/dev/null", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        self.lines = []
        self.port = None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(b"ACCEPT "):
                self.port = int(line.rsplit(b":", 1)[1])
                break
        if self.port is None:
            raise RuntimeError(b"".join(self.lines).decode())
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    @property
    def log(self):
        return b"".join(self.lines).decode(errors="replace")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.reader.join()
        end(self.process)


class Mosquitto:
    """An MQTT broker over TLS that knows one user, `pump` with the password `secret`; nobody else may come in."""

    PACKAGES = ("mosquitto", "libmosquitto1", "libcjson1", "libdlt2", "libwrap0")  # with libraries that nothing else brings

    def __init__(self, build, folder, certificates, chain="rsa2048"):
        root = unpack(build, "mosquitto", *self.PACKAGES)
        env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(glob.glob(f"{root}/usr/lib/*-linux-*") + glob.glob(f"{root}/lib/*-linux-*"))}
        subprocess.run([f"{root}/usr/bin/mosquitto_passwd", "-b", "-c", f"{folder}/passwords", "pump", "secret"], env=env, check=True)
        for _ in range(20):
            with listener("127.0.0.1") as free:
                self.port = free.getsockname()[1]
            with open(f"{folder}/mosquitto.conf", "w", encoding="utf-8") as file:
                file.write(
                    f"listener {self.port} 127.0.0.1\ncertfile {certificates}/{chain}.chain.pem\nkeyfile {certificates}/{chain}.chain.key\n"
                    f"password_file {folder}/passwords\nallow_anonymous false\n" + ("user root\n" if os.geteuid() == 0 else "")
                )
            self.process = subprocess.Popen(
                [*WITH_US, f"{root}/usr/sbin/mosquitto", "-c", f"{folder}/mosquitto.conf"],
                env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
            words = self.words_until_it_runs()
            if words is None:
                return
            self.close()
            if "in use" not in words:
                break
        raise RuntimeError(f"mosquitto: {words}")

    def words_until_it_runs(self):
        """None once it listens; else what it said."""
        said = b""
        for line in self.process.stderr:
            said += line
            if b"running" in line:
                return None
        return said.decode(errors="replace")

    def close(self):
        end(self.process)
        self.process.stderr.close()


class Upstream:
    """A scripted DNS server over UDP: reply(query) -> bytes or None for silence. Started in a thread."""

    def __init__(self, reply, address="127.0.0.1"):
        self.reply = reply
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self.queries = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:
                return
            self.queries += 1
            said = self.reply(query)
            if said is not None:
                self.socket.sendto(said, peer)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


def dns_code(code):
    """A reply function that answers every query with this response code and no records."""
    return lambda query: query[:2] + struct.pack(">H", 0x8180 | code) + query[4:6] + bytes(6) + question(query)


def question(query):
    stop = 12
    while query[stop]:
        stop += query[stop] + 1
    return query[12 : stop + 5]


DNSMASQ_CONFIG = """
no-resolv
no-hosts
no-poll
bind-interfaces
listen-address=127.0.0.1
port={port}
conf-file=
user={user}
group=
pid-file=
cache-size=0
no-negcache
local=/test/
server=/servfail.test/127.0.0.1#{servfail}
server=/silent.test/127.0.0.1#{silent}
server=/half.test/127.0.0.1#{silent}
host-record=half.test,127.0.0.1
host-record=good.lab.test,127.0.0.1
host-record=v6.lab.test,::1
host-record=both.lab.test,127.0.0.1,::1
host-record=several.lab.test,127.0.0.1
host-record=several.lab.test,127.0.0.2
host-record=several.lab.test,::1
host-record=onedead.lab.test,127.0.0.3
host-record=onedead.lab.test,127.0.0.1
cname=alias.lab.test,good.lab.test
txt-record=nodata.test,"a name without addresses"
{avs}
{many}
"""


class Dnsmasq:
    """A real dnsmasq. *.test that it doesn't know: NXDOMAIN; nodata.test; servfail.test; silent.test; half.test (A at
    once, AAAA never); names outside .test and AVS: REFUSED, as it has no server for them."""

    def __init__(self, folder):
        self.upstreams = [Upstream(dns_code(2)), Upstream(lambda _: None)]
        avs = "\n".join(f"host-record={name},127.0.0.1" for name in pki.AVS_HOSTS)
        many = "\n".join(f"host-record=many.lab.test,127.0.1.{i}" for i in range(1, 34))
        program = shutil.which("dnsmasq", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
        if not program:
            raise RuntimeError("dnsmasq isn't installed (package dnsmasq-base)")
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            path = f"{folder}/dnsmasq.conf"
            with open(path, "w", encoding="utf-8") as file:
                user = "root" if os.geteuid() == 0 else ""
                file.write(
                    DNSMASQ_CONFIG.format(
                        port=self.port, user=user, servfail=self.upstreams[0].port,
                        silent=self.upstreams[1].port, avs=avs, many=many,
                    ).replace("user=\n", "").replace("conf-file=\n", "")
                )  # fmt: skip
            self.process = subprocess.Popen(
                [*WITH_US, program, "--keep-in-foreground", f"--conf-file={path}", "--log-facility=-"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
            if self.answers():
                return
            words = self.process.stderr.read().decode()
            self.process.stderr.close()
            self.process.wait()
            if "in use" not in words:
                break
        self.close()
        raise RuntimeError(f"dnsmasq: {words}")

    def answers(self):
        """True when it answered a query, False when it ended instead."""
        query = b"\x12\x34\x01\0\0\x01" + bytes(6) + b"\x04good\x03lab\x04test\0\0\x01\0\x01"
        while self.process.poll() is None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.settimeout(0.05)
                asker.connect(("127.0.0.1", self.port))
                with contextlib.suppress(OSError):
                    asker.send(query)
                    if asker.recv(512)[:2] == query[:2]:
                        return True
        return False

    def close(self):
        end(self.process)
        if not self.process.stderr.closed:
            self.process.stderr.close()
        for upstream in self.upstreams:
            upstream.close()
