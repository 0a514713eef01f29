"""Bytes as they stand on the wire, for peer scripts: TLS records, HTTP/2 frames, HPACK literals. No state, no sockets."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

TYPES = {
    "DATA": 0, "HEADERS": 1, "PRIORITY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PUSH_PROMISE": 5, "PING": 6,
    "GOAWAY": 7, "WINDOW_UPDATE": 8, "CONTINUATION": 9, "ALTSVC": 10, "ORIGIN": 12,
}  # fmt: skip
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8


def frame(kind, flags=0, stream=0, payload=b""):
    """One HTTP/2 frame; kind is a name or a number."""
    number = TYPES.get(kind, kind)
    return len(payload).to_bytes(3, "big") + bytes([number, flags]) + stream.to_bytes(4, "big") + payload


def settings(**values):
    """SETTINGS with values by number: settings(s3=100); and ack=True for the acknowledgement alone."""
    if values.pop("ack", False):
        return frame("SETTINGS", ACK)
    payload = b"".join(int(name[1:]).to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values.items())
    return frame("SETTINGS", 0, 0, payload)


def goaway(last=0, code=0, debug=b""):
    return frame("GOAWAY", 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + debug)


def integer(value, prefix, first=0):
    """An HPACK integer with a prefix of so many bits."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def field(name, value, first=0x00):
    """A literal header field; 0x00 not indexed, 0x40 put into the dynamic table."""
    name, value = name.encode("latin-1"), value.encode("latin-1")
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def reply(status=200, *fields, stream=1, flags=END_HEADERS):
    """HEADERS of a reply, fields as encoded by field()."""
    return frame("HEADERS", flags, stream, field(":status", str(status)) + b"".join(fields))


def data(payload, stream=1, end=False):
    return frame("DATA", END_STREAM if end else 0, stream, payload)


def bomb(references):
    """HEADERS and CONTINUATIONs whose one 4,000-byte field is put into the table and then referred to so often."""
    block = field(":status", "200") + field("x", "v" * 3900, 0x40) + b"\xbe" * references
    pieces = [block[i : i + 16384] for i in range(0, len(block), 16384)]
    kinds = ["HEADERS"] + ["CONTINUATION"] * (len(pieces) - 1)
    flags = [0] * (len(pieces) - 1) + [END_HEADERS]
    return b"".join(frame(kind, flag, 1, piece) for kind, flag, piece in zip(kinds, flags, pieces))


def record(kind, payload, version=0x0303):
    """TLS records of one type (22 handshake, 21 alert, 23 data), cut at 16 KiB."""
    pieces = [payload[i : i + 16384] for i in range(0, len(payload), 16384)] or [b""]
    return b"".join(bytes([kind]) + version.to_bytes(2, "big") + len(p).to_bytes(2, "big") + p for p in pieces)


def message(kind, body, length=None):
    """A handshake message; `length` may lie."""
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


def alert(number, level=2):
    return record(21, bytes([level, number]))


def server_hello(version=0x0303, suite=0xC02F):
    """A ServerHello record that chooses ECDHE-RSA with AES-128-GCM, no extensions."""
    body = version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    return record(22, message(2, body))


def certificates(*ders):
    """A Certificate message record of these."""
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return record(22, message(11, len(entries).to_bytes(3, "big") + entries))
