#!/usr/bin/env python3
"""Bad peers as a few lines of script. One verb a line; its argument is a Python expression over wire.py's names:

    tls [PROTOCOL]      a TLS 1.2 handshake as a server (with the certificate given), ALPN protocol h2 unless said, `none` for none
    expect BYTES        read until these bytes have come; expect N: until N more bytes have come
    send BYTES          say them
    repeat N BYTES      say them N times;  forever BYTES: until the peer has gone
    wait                read and forget until the peer has gone
    close               shut down (also what the end of the script does)
    reset               close with RST
    once                the rest of the script is for the first connection; later ones are closed at once

A peer that leaves ends the script quietly. From the command line: peer.py [--tls CHAIN KEY] SCRIPT... (one line per argument)."""

import contextlib
import select
import socket
import ssl
import struct
import sys
import threading

import wire

NAMES = {name: value for name, value in vars(wire).items() if not name.startswith("_")}
VERBS = ("tls", "expect", "send", "repeat", "forever", "wait", "close", "reset", "once")


def parse(script, names):
    """The script as a list of (verb, values); an unknown verb is an error here, not when a peer comes."""
    steps = []
    for line in script.strip().splitlines():
        verb, _, rest = line.strip().partition(" ")
        if not verb or verb.startswith("#"):
            continue
        if verb not in VERBS:
            raise ValueError(f"unknown verb {verb!r}")
        if verb == "repeat":
            count, _, rest = rest.strip().partition(" ")
            steps.append((verb, int(count.replace("_", "")), eval(rest, names)))
        elif verb in ("tls", "once"):
            steps.append((verb, rest.strip() or "h2"))
        else:
            steps.append((verb, eval(rest, names)) if rest.strip() else (verb,))
    return steps


class Conversation:
    """One connection: what was said and heard. `received` keeps the first 64 KiB."""

    def __init__(self, raw, certificate, changed):
        self.socket = raw
        self.changed = changed
        self.certificate = certificate
        self.received = b""
        self.received_bytes = self.sent_bytes = 0
        self.buffer = b""
        self.selected = None
        self.error = None

    def run(self, steps):
        try:
            for verb, *values in steps:
                if verb != "once":
                    getattr(self, f"do_{verb}")(*values)
        except (OSError, EOFError) as error:
            self.error = error
        finally:
            with contextlib.suppress(OSError):
                self.socket.close()

    def do_tls(self, protocol):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        if protocol != "none":
            context.set_alpn_protocols([protocol])
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.do_handshake()
        self.selected = self.socket.selected_alpn_protocol()

    def read(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError("the peer has gone")
        self.received_bytes += len(piece)
        self.received = (self.received + piece)[:65536]
        self.changed()
        return piece

    def do_expect(self, wanted):
        while len(self.buffer) < wanted if isinstance(wanted, int) else wanted not in self.buffer:
            self.buffer += self.read()
        self.buffer = self.buffer[wanted if isinstance(wanted, int) else self.buffer.index(wanted) + len(wanted) :]

    def do_send(self, said):
        self.socket.sendall(said)
        self.sent_bytes += len(said)

    def do_repeat(self, count, said):
        together = max(1, 4096 // max(1, len(said)))
        for done in range(0, count, together):
            self.do_send(said * min(together, count - done))

    def do_forever(self, said):
        while True:
            self.do_repeat(4096, said)

    def do_wait(self):
        with contextlib.suppress(EOFError):
            while True:
                self.read()

    def do_close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def do_reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Peer:
    """A listening socket that plays a script to everyone who comes. Use it as a context manager; `port` and `conversations` tell."""

    def __init__(self, script, certificate=None, address="127.0.0.1", port=0, **names):
        self.steps = parse(script, {**NAMES, **names, "__builtins__": {"bytes": bytes, "range": range, "chr": chr}})
        self.once = any(step[0] == "once" for step in self.steps)
        self.certificate = certificate
        self.conversations = []
        self.threads = []
        self.news = threading.Condition()
        self.wake = socket.socketpair()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family, backlog=256)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.threads.append(threading.Thread(target=self.accept, daemon=True))
        self.threads[0].start()
        return self

    def accept(self):
        while self.wake[1] not in select.select([self.listener, self.wake[1]], [], [])[0]:
            raw, _ = self.listener.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = Conversation(raw, self.certificate, self.changed)
            self.conversations.append(talk)
            self.changed()
            steps = [("close",)] if self.once and len(self.conversations) > 1 else self.steps
            thread = threading.Thread(target=talk.run, args=(steps,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def changed(self):
        with self.news:
            self.news.notify_all()

    def wait_for(self, predicate):
        """Waits until this holds; it is asked again whenever somebody comes or says something."""
        with self.news:
            if not self.news.wait_for(predicate, 120):
                raise TimeoutError("what was waited for did not come")

    def finish(self):
        """Waits until every conversation that has begun is over (the peer must have gone)."""
        for thread in self.threads[1:]:
            thread.join()

    def __exit__(self, *_):
        self.wake[0].close()
        self.threads[0].join()
        self.listener.close()
        for talk in self.conversations:
            with contextlib.suppress(OSError):
                talk.socket.shutdown(socket.SHUT_RDWR)
        self.finish()
        self.wake[1].close()


def main(arguments):
    certificate = None
    if arguments and arguments[0] == "--tls":
        certificate, arguments = tuple(arguments[1:3]), arguments[3:]
    if not arguments:
        sys.exit(__doc__)
    with Peer("\n".join(arguments), certificate) as peer:
        print(f"127.0.0.1:{peer.port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
