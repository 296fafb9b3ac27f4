"""TLS records and handshake messages as they look on the wire (RFC 5246, RFC 8446).

Only what a passive observer can see is right: types, lengths, versions, extensions. Keys,
signatures and ciphertext are noise, the same at every run.
"""
import hashlib
import struct

VERSIONS = {"ssl3": 0x0300, "1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
HANDSHAKE, ALERT, CCS, APPLICATION = 22, 21, 20, 23
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
ALERT_LEVELS = {"warning": 1, "fatal": 2}


def noise(length, seed):
    """Bytes without meaning, always the same for one seed."""
    out = b""
    while len(out) < length:
        out += hashlib.sha256(b"%s %d" % (seed.encode(), len(out))).digest()
    return out[:length]


def vector(size, body):
    """A vector with a length field of `size` bytes in front."""
    return len(body).to_bytes(size, "big") + body


def record(kind, version, body):
    return struct.pack("!BH", kind, version) + vector(2, body)


def message(kind, body):
    return bytes([kind]) + vector(3, body)


def extension(kind, body):
    return struct.pack("!H", kind) + vector(2, body)


def host_name(name):
    return extension(0, vector(2, b"\0" + vector(2, name.encode())))


def client_extensions(sni, versions, alpn):
    """The extensions of a current OpenSSL client, in its order."""
    out = host_name(sni) if sni else b""
    out += extension(11, vector(1, b"\0"))
    out += extension(10, vector(2, struct.pack("!3H", 0x001D, 0x0017, 0x0018)))
    if alpn:
        out += extension(16, vector(2, b"".join(vector(1, p.encode()) for p in alpn.split(","))))
    out += extension(22, b"") + extension(23, b"")
    out += extension(13, vector(2, struct.pack("!4H", 0x0403, 0x0804, 0x0401, 0x0201)))
    if 0x0304 in versions:
        out += extension(43, vector(1, b"".join(struct.pack("!H", v) for v in versions)))
        out += extension(45, vector(1, b"\1"))
        share = struct.pack("!H", 0x001D) + vector(2, noise(32, "client share"))
        out += extension(51, vector(2, share))
    return out


def client_hello(sni=None, versions="1.3,1.2", alpn=None, size=0, session="client session"):
    """size: pad the message to so many bytes, as large key shares would (RFC 7685)."""
    offered = [VERSIONS[v] for v in versions.split(",")]
    suites = [0x1302, 0x1301] if 0x0304 in offered else []
    suites += [0xC030, 0xC02F, 0xC014, 0x0035, 0x00FF]
    body = struct.pack("!H", min(max(offered), 0x0303)) + noise(32, "client random")
    body += vector(1, noise(32, session))
    body += vector(2, b"".join(struct.pack("!H", s) for s in suites)) + vector(1, b"\0")
    extensions = client_extensions(sni, offered, alpn)
    missing = int(size) - len(body) - len(extensions) - 6
    if missing >= 4:
        extensions += extension(21, bytes(missing - 4))
    return message(1, body + vector(2, extensions))


def server_hello(version="1.2", cipher="0xc02f", retry=False, psk=False):
    code = VERSIONS[version]
    body = struct.pack("!H", min(code, 0x0303))
    body += RETRY_RANDOM if retry else noise(32, "server random")
    body += vector(1, noise(32, "client session")) + struct.pack("!HB", int(cipher, 0), 0)
    if code == 0x0304:
        extensions = extension(43, struct.pack("!H", code))
        share = struct.pack("!H", 0x001D)  # a retry asks for what is then used (RFC 8446, 4.2.8)
        extensions += extension(51, share if retry else share + vector(2, noise(32, "share")))
        extensions += extension(41, b"\0\0") if psk else b""
    else:
        extensions = extension(0xFF01, b"\0") + extension(23, b"")
    return message(2, body + vector(2, extensions))


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + struct.pack("!H", size)) + body


def name(common_name):
    attribute = der(0x30, bytes.fromhex("0603550403"), der(0x0C, common_name.encode()))
    return der(0x30, der(0x31, attribute))


def x509(comment):
    """A certificate for mx.example; the comment makes it as long as it has to be."""
    algorithm = der(0x30, bytes.fromhex("06082a8648ce3d040302"))
    validity = der(0x30, der(0x17, b"240101000000Z"), der(0x17, b"340101000000Z"))
    curve = der(0x30, bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107"))
    key = der(0x30, curve, der(0x03, b"\0\4", noise(64, "public key")))
    alternative = der(0x30, der(0x82, b"mx.example"))
    extensions = der(0x30, bytes.fromhex("0603551d11"), der(0x04, alternative))
    extensions += der(0x30, bytes.fromhex("06096086480186f842010d"), der(0x04, der(0x16, comment)))
    body = der(0x30, der(0xA0, der(0x02, b"\2")), der(0x02, b"\x11\x22\x33"), algorithm,
               name("Test CA"), validity, name("mx.example"), key,
               der(0xA3, der(0x30, extensions)))
    value = der(0x30, der(0x02, b"\x55" + noise(31, "signature")), der(0x02, b"\1"))
    return der(0x30, body, algorithm, der(0x03, b"\0", value))


def certificate(length):
    """A chain of one certificate of about so many bytes."""
    comment = b"-" * max(int(length) - len(x509(b"")) - 8, 0)
    return message(11, vector(3, vector(3, x509(comment))))


def server_key_exchange():
    point = b"\x03\x00\x1d" + vector(1, noise(32, "server point"))
    return message(12, point + b"\x08\x04" + vector(2, noise(256, "signature")))


def certificate_request():
    return message(13, vector(1, b"\1\x40") + vector(2, b"\x08\x04\x04\x01") + vector(2, b""))


def server_hello_done():
    return message(14, b"")


def client_key_exchange(kind="ecdhe"):
    return message(16, vector(2, noise(128, "secret")) if kind == "rsa" else
                   vector(1, noise(32, "client point")))


def session_ticket():
    return message(4, struct.pack("!I", 7200) + vector(2, noise(160, "ticket")))


MESSAGES = {
    "client-hello": client_hello,
    "server-hello": server_hello,
    "hello-retry-request": lambda **args: server_hello(version="1.3", retry=True, **args),
    "certificate": certificate,
    "server-key-exchange": server_key_exchange,
    "certificate-request": certificate_request,
    "server-hello-done": server_hello_done,
    "client-key-exchange": client_key_exchange,
    "session-ticket": session_ticket,
}
RECORDS = ("ccs", "finished", "app", "alert")


class Tls:
    """Turns the TLS directives of one talk into bytes; remembers the version agreed on."""

    def __init__(self):
        self.version = 0x0303

    def handshake(self, messages, split=0):
        """messages: (name, positional, keywords) that share one record, or are cut into
        records of `split` bytes."""
        hello = messages[0][0] == "client-hello"
        body = b""
        for name, positional, keywords in messages:
            body += MESSAGES[name](*positional, **keywords)
            if name == "server-hello":
                self.version = min(VERSIONS[keywords.get("version", "1.2")], 0x0303)
        step = int(split) or len(body)
        version = 0x0301 if hello else self.version
        return b"".join(record(HANDSHAKE, version, body[at:at + step])
                        for at in range(0, len(body), step))

    def ccs(self):
        return record(CCS, self.version, b"\1")

    def finished(self):
        """TLS up to 1.2: the first encrypted handshake message."""
        return record(HANDSHAKE, self.version, noise(40, "finished"))

    def app(self, length):
        return record(APPLICATION, self.version, noise(int(length), "application %s" % length))

    def alert(self, level, description):
        if level == "encrypted":  # up to TLS 1.2; in 1.3 it is an <app 19>
            return record(ALERT, self.version, noise(int(description), "alert"))
        return record(ALERT, self.version, bytes([ALERT_LEVELS[level], int(description)]))
