"""Frames by the hundred thousand that are meant to fill something, made fast: no checksum is right.

A flood is a function from the number of frames to the frames, in their order. Its addresses are those of
nobody in traffic.py.
"""
import itertools
import struct
import sys

from session_record import SRCDIR

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import tlswire  # noqa: E402
import wire  # noqa: E402

FIN, SYN, RST, PSH, ACK = wire.FIN, wire.SYN, wire.RST, wire.PSH, wire.ACK
SERVER = 0xCB007119  # 203.0.113.25
CLIENT = 0x0A000000  # 10.0.0.0
HEADERS = struct.Struct("!14sBBHHHBBHIIHHIIBBHHH")
TO_SERVER, TO_CLIENT = wire.MAC[True] + b"\x08\x00", wire.MAC[False] + b"\x08\x00"
MORE_FRAGMENTS = 0x2000
WINDOW = 64240
GREETING = b"220 mx.example ESMTP\r\n"
EHLO = b"EHLO client.example\r\n"
STARTTLS = (EHLO, b"250-mx.example\r\n250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go ahead\r\n")


def segment(to_server, client, port, flags, seq, ack, payload=b"", *, server=SERVER,
            server_port=25, window=WINDOW, options=b""):
    """One frame. client: its number; the address holds it."""
    ends = ((CLIENT + client, server, port, server_port) if to_server else
            (server, CLIENT + client, server_port, port))
    return HEADERS.pack(TO_SERVER if to_server else TO_CLIENT, 0x45, 0,
                        40 + len(options) + len(payload), 0, 0x4000, 64, 6, 0, *ends, seq, ack,
                        20 + len(options) << 2, flags, window, 0, 0) + options + payload


def connection(number, lines, *, end=FIN, **ends):
    """A connection: the server's greeting, then what the client and the server say in turn."""
    client, port = number // 60000, 1024 + number % 60000
    here = {True: 1000, False: 5000}

    def say(to_server, flags, payload=b""):
        frame = segment(to_server, client, port, flags, here[to_server], here[not to_server],
                        payload, **ends)
        here[to_server] += len(payload) + bool(flags & (SYN | FIN))
        return frame
    yield say(True, SYN)
    yield say(False, SYN | ACK)
    for n, line in enumerate(lines):
        if line:
            yield say(bool(n % 2), ACK | PSH, line)
    if end:
        yield say(True, end | ACK)
        yield say(False, end | ACK)


def connections(frames, lines_of, **ends):
    """So many frames of connections, one after the other."""
    return itertools.islice((f for n in itertools.count() for f in connection(
        n, lines_of(n), **{k: v(n) if callable(v) else v for k, v in ends.items()})), frames)


# What is never finished ---------------------------------------------------------------------------

def syns(frames):
    return (segment(True, n, 1024 + n % 60000, SYN, n, 0) for n in range(frames))


def new_flows(frames):
    """Mail connections in which nothing follows the EHLO."""
    return connections(frames, lambda n: (GREETING, EHLO), end=0)


def strangers(frames):
    """Connections on no mail port that may become mail."""
    return connections(frames, lambda n: (b"220 ready\r\n",), end=0, server_port=8025)


def fragments(frames):
    """The first of two, and never the second; every tenth time the second, and never the first."""
    for n in range(frames):
        frame = bytearray(segment(True, n % 999, 1024, ACK, 1, 1, bytes(200)))
        struct.pack_into("!HH", frame, 18, n & 0xFFFF, MORE_FRAGMENTS if n % 10 else 100)
        yield bytes(frame)


def holes(frames):
    """Connections that all have a hole, behind which something waits."""
    def one(number):
        frames = list(connection(number, (GREETING, EHLO), end=0))
        port = 1024 + number % 60000
        for n in range(6):
            frames.append(segment(False, number // 60000, port, ACK, 9000 + 1400 * n, 1022,
                                  bytes(1000)))
        return frames
    return itertools.islice((f for n in itertools.count() for f in one(n)), frames)


# What is taken apart, or too long -------------------------------------------------------------------

def one_byte_segments(frames):
    """One connection, byte by byte; then backwards, behind a hole."""
    yield from connection(1, (GREETING, EHLO), end=0)
    line = b"NOOP " + 70 * b"x" + b"\r\n"
    for n in range(frames // 2):
        yield segment(True, 0, 1025, ACK | PSH, 1022 + n, 5023, line[n % len(line):][:1])
    far = 1022 + frames // 2 + 65000
    for n in range(frames - frames // 2):
        yield segment(True, 0, 1025, ACK | PSH, far - n % 60000, 5023, b"x")


def backwards(frames):
    """Many connections whose bytes wait in blocks of their own."""
    for n in range(frames):
        number, at = n % 500, n // 500
        yield (segment(True, number, 1025, SYN, 1000, 0) if at == 0 else
               segment(True, number, 1025, ACK | PSH, 600000 - 1450 * at, 1, b"x"))


def long_lines(frames):
    """A command without an end, and an answer without one."""
    yield from connection(1, (GREETING, EHLO), end=0)
    text = 200 * b"y"
    for n in range(frames // 2):
        yield segment(True, 0, 1025, ACK, 1022 + 200 * n, 5023, text)
        yield segment(False, 0, 1025, ACK, 5023 + 200 * n, 1022 + 200 * n, b"250-" + text[4:])


def huge_ehlo(frames):
    """Answers to EHLO of a thousand lines; in every third the offer is the last of them."""
    line = b"250-X-NOTHING-%04d\r\n"
    answer = b"".join(line % n for n in range(1000))

    def one(number):
        out = list(connection(number, (GREETING, EHLO), end=0))
        port, at = 1024 + number % 60000, 5023
        whole = answer + (b"250 STARTTLS\r\n" if number % 3 == 0 else b"250 HELP\r\n")
        for n in range(0, len(whole), 100):
            out.append(segment(False, 0, port, ACK, at + n, 1022, whole[n:n + 100]))
        return out
    return itertools.islice((f for n in itertools.count() for f in one(n)), frames)


# What should be remembered ---------------------------------------------------------------------------

def servers(frames):
    """Each session on another server, which offers STARTTLS."""
    return connections(frames, lambda n: (GREETING,) + STARTTLS[:2],
                       server=lambda n: 0x0B000000 + n)


def pairs(frames):
    """Mail in clear between any two of the peers of peers_of_pairs()."""
    def one(number):
        client = PEER - CLIENT + 256 * (number % PEERS) + 2 + number // 60000
        server = PEER + 256 * (number // PEERS % PEERS) + 1
        return [segment(way, client, 1024 + number % 60000, *rest, server=server)
                for way, *rest in CLEAR]
    return itertools.islice((f for n in itertools.count() for f in one(n)), frames)


def peers_of_pairs():
    return "".join("  - {name: p%d, signatory: %s, mta: [172.16.%d.0/24]}\n" %
                   (n, "true" if n < 5 else "false", n) for n in range(PEERS))


PEERS, PEER = 40, 0xAC100000  # 172.16.0.0
CLEAR = ((True, SYN, 1000, 0), (False, SYN | ACK, 5000, 1001),
         (False, ACK, 5001, 1001, GREETING), (True, ACK, 1001, 5023, EHLO),
         (False, ACK, 5023, 1022, b"250 mx.example\r\n"),
         (True, ACK, 1022, 5039, b"MAIL FROM:<a@b.example>\r\n"),
         (False, ACK, 5039, 1047, b"250 ok\r\n"),
         (True, FIN | ACK, 1047, 5047), (False, FIN | ACK, 5047, 1048))


def tls_record(*messages):
    return tlswire.record(tlswire.HANDSHAKE, 0x0303, b"".join(messages))


def failed_tls(frames):
    """Handshakes that fail, each with another server."""
    hello = tls_record(tlswire.client_hello())
    refused = tlswire.record(tlswire.ALERT, 0x0303, b"\x02\x28")
    return connections(frames, lambda n: (GREETING,) + STARTTLS + (hello, refused),
                       server=lambda n: 0x0B000000 + n)


def names(frames):
    """TLS from the first byte, each time with another name."""
    name = "%s.example" % (63 * "s")
    hello = tls_record(tlswire.client_hello(sni=name))
    return connections(frames, lambda n: (
        b"", hello.replace(name.encode(), b"%063d.example" % n)), server_port=465)


def certificates(frames):
    """TLS 1.2, each time with another certificate."""
    serial = b"0123456789abcdef"
    hello = tls_record(tlswire.client_hello(versions="1.2"))
    chain = tlswire.vector(3, tlswire.vector(3, tlswire.x509(serial)))
    answer = tls_record(tlswire.server_hello(), tlswire.message(11, chain),
                        tlswire.server_hello_done())
    return connections(frames, lambda n: (b"", hello, answer.replace(serial, b"%016d" % n)),
                       server_port=465)


# What is odd ----------------------------------------------------------------------------------------

def resets(frames):
    """Resets of everything, at any number."""
    return (segment(n % 2 == 0, n // 3, 1024, RST, n * 2654435761 % 2**32, 0)
            for n in range(frames))


def options(frames):
    """Windows of zero, and every header as long as it can be."""
    full = bytes.fromhex("020405b40402080a0000000100000000030307") + 21 * b"\x01"
    yield from connection(1, (GREETING, EHLO), end=0)
    for n in range(frames):
        yield segment(n % 2 == 0, 0, 1025, ACK, 1022 if n % 2 == 0 else 5023,
                      5023 if n % 2 == 0 else 1022, window=0, options=full)


def tunnels(frames):
    """Mail in GRE in GRE and deeper than is looked into, each time another connection."""
    for n in range(frames):
        inner = segment(True, n, 1024 + n % 60000, SYN, n, 0)[14:]
        for depth in range(n % 12):
            inner = (struct.pack("!BBHHHBBHII", 0x45, 0, 24 + len(inner), 0, 0, 64, 47, 0,
                                 CLIENT + depth, SERVER) + b"\0\0\x08\x00" + inner)
        yield TO_SERVER + inner


def ipv6(frames):
    """Behind no extension header, or up to forty; every fourth a first fragment without a second."""
    option = bytes.fromhex("0104 00000000")  # behind the number of the next header and a length of 0
    syn = segment(True, 0, 1024, SYN, 1, 0)[34:]
    ends = bytes.fromhex("20010db8" + 24 * "0" + "20010db8" + 22 * "0" + "19")
    for n in range(frames):
        kinds = [60] * (n % 41)
        packet = b"".join(bytes([k, 0]) + option for k in kinds[1:] + [6]) if kinds else b""
        packet += syn
        kind = 60 if kinds else 6
        if n % 4 == 0:
            packet = struct.pack("!BBHI", kind, 0, 1, n) + packet[:len(packet) // 8 * 8]
            kind = 44
        source = ends[:12] + n.to_bytes(4, "big") + ends[16:]
        yield (wire.MAC[True] + b"\x86\xdd" +
               struct.pack("!IHBB", 6 << 28, len(packet), kind, 64) + source + packet)


def garbage(frames):
    """What a mail connection would be, cut at any place."""
    whole = segment(True, 1, 1025, ACK | PSH, 1, 1, EHLO)
    return (whole[:14 + n % (len(whole) - 14)] for n in range(frames))
