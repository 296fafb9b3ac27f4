#!/usr/bin/env python3
"""Writes the corpus of every fuzz target into corpus/ next to this file.

The inputs come from the talks and from a few bytes written here; the same sources give the same
files. An input that once broke a target is kept here under a name that says what it was.

usage: make_corpus.py
"""
import re
import shutil
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TALKS = HERE.parent / "talks"
sys.path.insert(0, str(TALKS))
sys.dont_write_bytecode = True
import encapsulation  # noqa: E402
import talk  # noqa: E402
import tlswire  # noqa: E402
import wire  # noqa: E402

FROM_THE_START = 1
SERVER, GAP, LONG, HUGE = 1, 2, 4, 8  # of a step, as in fuzz.h
BODY_MAX = 400  # longer pieces of a talk are cut: sizes matter, contents do not

CLEAR = ("smtp-plaintext", "smtp-auth-login", "smtp-bdat-next-mail", "smtp-pipelined-next-mail",
         "smtp-body-commands", "smtp-ehlo-endless", "smtp-masked-offer", "smtp-starttls-454",
         "smtp-gap-in-body", "smtp-bdat-refused")
UPGRADED = ("smtp-tls-1.3-sha256", "smtp-tls-resumption", "smtp-tls-hello-retry",
            "smtp-tls-client-alert", "smtp-granted-then-clear", "smtp-injected-command",
            "smtp-implicit-tls-1.3")
LINES = ("smtp-plaintext-lf-only", "smtp-bare-codes", "smtp-body-long")


def steps(name):
    return talk.Talk(TALKS / (name + ".talk")).steps


def step(to_server, data):
    flags = 0 if to_server else SERVER
    if len(data) > 255:
        return struct.pack("!BH", flags | LONG, len(data)) + data
    return struct.pack("!BB", flags, len(data)) + data


def gap(to_server, length, huge=False):
    flags = (0 if to_server else SERVER) | GAP | LONG | (HUGE if huge else 0)
    return struct.pack("!BH", flags, length)


def is_tls(data):
    return data[:1] in (b"\x14", b"\x15", b"\x16", b"\x17")


def shorten(data):
    """Text is cut to BODY_MAX bytes, with its end; a record keeps its header and its length."""
    if len(data) <= BODY_MAX or is_tls(data):
        return data
    return data[:BODY_MAX - 100] + data[-100:]


def script(talk_steps):
    out = b""
    for kind, to_server, data in talk_steps:
        if kind == "data":
            out += step(to_server, shorten(data))
        elif kind == "gap":
            out += gap(to_server, data)
    return out


def conversation(names, flags=FROM_THE_START, **extra):
    out = {name: bytes([flags]) + script(steps(name)) for name in names}
    out.update(extra)
    return out


def tls_only(name):
    return [s for s in steps(name) if s[0] == "gap" or (s[0] == "data" and is_tls(s[2]))]


def said(name, to_server):
    return b"".join(data for kind, way, data in steps(name) if kind == "data" and way == to_server)


def linebuf():
    out = {name: b"\x0c" + said(name, True)[:900] for name in LINES}
    out["cr-cr-lf"] = b"\x00one\r\r\n\r\n\n\rtwo\r"
    out["over-2048"] = b"\xffEHLO " + b"x" * 2100 + b"\r\nQUIT\r\n"
    out["120-and-cr"] = b"\x07" + b"y" * 120 + b"\r\n" + b"y" * 121 + b"\r\n"
    return out


def tls_record():
    out = {name: b"\x06" + b"".join(d for _, way, d in tls_only(name) if way)[:900]
           for name in ("smtp-tls-1.3-sha256", "smtp-tls-1.2")}
    out["empty-app"] = b"\x00" + tlswire.record(23, 0x0303, b"") * 2
    out["empty-handshake"] = b"\x00" + tlswire.record(22, 0x0303, b"")
    out["too-long"] = b"\x01\x17\x03\x03\x48\x01" + b"z" * 20
    out["clear-text"] = b"\x02" + tlswire.record(21, 0x0303, b"\2\x28") + b"454 no\r\n"
    return out


def tls_hello():
    def body(message):
        return message[4:]
    return {
        "client-1.3": b"\0" + body(tlswire.client_hello(sni="mx.example", alpn="smtp")),
        "client-1.2": b"\0" + body(tlswire.client_hello(sni="mx.example", versions="1.2")),
        "client-1.0-bare": b"\0\3\1" + bytes(32) + b"\0\0\2\0\x35\1\0",
        "server-1.3": b"\1" + body(tlswire.server_hello("1.3", "0x1302")),
        "server-1.2": b"\1" + body(tlswire.server_hello("1.2")),
        "server-retry": b"\1" + body(tlswire.server_hello("1.3", "0x1301", retry=True)),
        "server-1.0-bare": b"\1\3\1" + bytes(32) + b"\0\0\x35\0",
        "server-psk": b"\1" + body(tlswire.server_hello("1.3", "0x1301", psk=True)),
        "client-alpn": b"\0" + body(tlswire.client_hello(alpn=",".join(["smtp", "imap"] * 9))),
        "key-exchange-ecdhe": b"\2\xc0\x2f" + body(tlswire.server_key_exchange())[:40],
        "key-exchange-dhe": b"\2\0\x39\3\0" + bytes(40),
    }


def smtp_words():
    lines = ("EHLO client.example", "mail FROM:<a@client.example> SIZE=10", "STARTTLS \t",
             "BDAT 9223372036854775807 LAST", "BDAT 18446744073709551616", "BDAT -1", "AUTH PLAIN =",
             "250-STARTTLS", "354", "4.7.0 later", "220\tmx", "25", "999 no")
    return {"line-%02d" % n: text.encode() for n, text in enumerate(lines)}


def smtp():
    held = b"\1" + step(False, b"220 mx\r\n") + step(True, b"MAIL FROM:<>\r\nDATA\r\n")
    return conversation(
        CLEAR,
        **{"huge-gap-in-chunk": held + step(True, b"BDAT 9223372036854775807\r\nx")
           + gap(True, 0x7fff, huge=True) + step(True, b"QUIT\r\n"),
           "server-only": b"\5" + script(s for s in steps("smtp-auth-plain") if not s[1]),
           "client-only": b"\3" + script(s for s in steps("smtp-plaintext") if s[1]),
           "many-commands": held + step(True, b"NOOP\r\nRSET\r\n" * 20)})


def tls():
    out = {name: b"\0" + script(tls_only(name)) for name in UPGRADED + ("smtp-tls-1.2-no-app", "smtp-tls-1.2")}
    hello = tlswire.server_hello("1.2")
    nothing = tlswire.record(22, 0x0303, hello[:4] + b"\0\0" + hello[6:])
    out["version-0"] = b"\2" + step(False, nothing + tlswire.record(20, 0x0303, b"\1"))
    out["client-only"] = b"\1" + script(s for s in tls_only("smtp-tls-1.3-sha256") if s[1])
    out["server-only"] = b"\2" + script(s for s in tls_only("smtp-tls-resumption") if not s[1])
    return out


def mail():
    text = step(False, b"220 mx\r\n") + step(True, b"EHLO c\r\n") + step(False, b"250 STARTTLS\r\n")
    return conversation(
        UPGRADED + CLEAR[:4],
        **{"hold-overflow": b"\1" + text + step(True, b"STARTTLS\r\n") + step(True, b"RSET\r\n" * 140)
           + step(False, b"220 go\r\n") + step(True, b"\x16\3\1\0\1\1"),
           "data-held": b"\1" + text + step(True, b"DATA\r\nx\r\n.\r\nQUIT\r\n") + gap(False, 20)
           + step(False, b"250 ok\r\n221 bye\r\n"),
           "back-in-clear": b"\1" + text + step(True, b"STARTTLS\r\n") + step(False, b"220 go\r\n")
           + step(True, tlswire.record(21, 0x0301, b"\2\x28")) + step(True, b"MAIL FROM:<>\r\n"),
           "imap": b"\3" + script(tls_only("smtp-tls-1.3-sha256"))})


def ethernet_variants(frame):
    """(link, frame) for one Ethernet frame; numbers of enum link."""
    ip, kind = frame[14:], frame[12:14]
    macs = frame[:12]
    yield "ethernet", 1, frame
    yield "vlan", 1, macs + b"\x81\x00\x20\x07" + kind + ip
    yield "qinq", 1, macs + b"\x88\xa8\x00\x64\x81\x00\x00\x07" + kind + ip
    yield "sll", 2, b"\0\0\0\1\0\6" + macs[:6] + b"\0\0" + kind + ip
    yield "sll2", 3, kind + b"\0\0\0\0\0\2\0\1\0\6" + macs[:6] + b"\0\0" + ip
    yield "raw", 4, ip
    yield "null", 5, b"\2\0\0\0" + ip
    yield "loop", 6, b"\0\0\0\2" + ip


def frames():
    packet = wire.Packet(True, wire.ACK, 1000, 2000, b"EHLO client.example\r\n", 1)
    return [wire.Addresses(1, 25, ipv6).frame(packet) for ipv6 in (False, True)]


def frame_input(link, *frames_in_turn):
    """Of the decoder: frames behind a time and their lengths; the link as in enum link."""
    return bytes([link]) + b"".join(struct.pack("!BH", 0, len(f)) + f for f in frames_in_turn)


LINKS = {encapsulation.ETHERNET: 1, encapsulation.PPP: 7, encapsulation.PPP_SERIAL: 7,
         encapsulation.PPP_ETHER: 8}  # of a pcap: enum link


def wrapped():
    """One input for each encapsulation, over IPv4, and IPv6 inside where that is something else."""
    v4, v6 = frames()
    out = {}
    for name, wrapping in encapsulation.WRAPPINGS.items():
        for suffix, frame in (("", v4), ("-of-ipv6", v6)):
            name_of_file = (name + suffix).replace("+", "-sub")
            out[name_of_file] = frame_input(LINKS[wrapping.link], *wrapping.wrap(frame, 9))
    return out


def decode():
    v4, v6 = frames()
    out = wrapped()
    out.update({name: frame_input(link, frame) for name, link, frame in ethernet_variants(v4)})
    out["ipv6"] = frame_input(1, v6)
    out["fragment"] = frame_input(4, v4[14:20] + b"\x20\x01" + v4[22:])
    out["length-0"] = frame_input(4, v4[14:16] + b"\0\0" + v4[18:])
    out["arp"] = frame_input(1, v4[:12] + b"\x08\x06" + bytes(28))
    out["two-in-turn"] = frame_input(1, v4, v6)
    return out


def fragment(which, offset, length, more=True, v6=False, cut=0, later=0, flags=0):
    flags |= (1 if more else 0) | (2 if v6 else 0) | (16 if length >= 1536 else 0)
    return struct.pack("!BBHHBB", flags, which, offset // 8, length, cut, later)


def fragments():
    lie, backwards = 4, 8
    whole = [(at, min(1480, 65512 - at), at + 1480 < 65512) for at in range(0, 65512, 1480)]
    return {
        "in-order": fragment(1, 0, 1480) + fragment(1, 1480, 1480) + fragment(1, 2960, 7, False),
        "backwards": fragment(1, 1480, 99, False, True) + fragment(1, 0, 1480, True, True),
        "copies": (fragment(1, 0, 64) * 2 + fragment(1, 64, 9, False) * 2 + fragment(1, 0, 64)),
        "overlap": fragment(1, 0, 64) + fragment(1, 32, 64) + fragment(1, 96, 8, False),
        "overlap-v6": fragment(1, 0, 64, v6=True) + fragment(1, 32, 64, v6=True),
        "lie": fragment(1, 0, 64) + fragment(1, 0, 64, flags=lie) + fragment(1, 64, 8, False),
        "cut": fragment(1, 0, 640, cut=200) + fragment(1, 640, 64, False, cut=9),
        "two-ends": fragment(1, 64, 9, False) + fragment(1, 64, 10, False),
        "behind-the-end": fragment(1, 128, 64) + fragment(1, 64, 8, False),
        "too-late": fragment(1, 0, 64) + fragment(1, 64, 8, False, later=255)
        + fragment(1, 64, 8, False, later=255),
        "time-goes-back": fragment(1, 0, 64) + fragment(1, 64, 8, False, later=200, flags=backwards),
        "used-again": (fragment(1, 0, 64, later=5) + fragment(1, 64, 8, False)) * 3,
        "largest": b"".join(fragment(1, at, length, more) for at, length, more in whole),
        "flood": b"".join(fragment(n, 64 * n, 4096) for n in range(200)),
    }


def segment(offset, length, ack=None, server=False, flags=0, missing=0):
    flags |= (1 if server else 0) | (2 if ack is not None else 0)
    return struct.pack("!BHHBH", flags, offset, length, missing, ack or 0)


def reasm():
    fin, later, lie, wild = 4, 8, 16, 32
    start, wrap = b"\0\1\2", b"\0\xff\xff"
    return {
        "in-order": start + segment(0, 30, 0, True) + segment(0, 20, 30) + segment(30, 9, 20, True)
        + segment(20, 6, 39, flags=fin) + segment(39, 0, 26, True, fin),
        "out-of-order": wrap + segment(20, 10, 0) + segment(10, 10, 0) + segment(0, 10, 0),
        "overlaps": start + segment(10, 20, 0) + segment(40, 20, 0) + segment(5, 60, 0)
        + segment(0, 30, 0),
        "gap": start + segment(0, 10, 0) + segment(2000, 1500, 0) + segment(0, 0, 3500, True, later)
        + segment(3500, 10, 0, flags=later),
        "snap-length": start + segment(0, 40, 0, missing=200) + segment(240, 40, 0, missing=9),
        "conflict": start + segment(20, 20, 0) + segment(10, 20, 0, flags=lie) + segment(0, 20, 0),
        "answer-first": start + segment(0, 30, 25, True) + segment(0, 25, 0),
        "each-waits": start + segment(0, 30, 25, True) + segment(0, 25, 30) + segment(25, 9, 30),
        "over-budget": start + b"".join(segment(2000 * n, 1500, 0) for n in range(1, 9)),
        "wild-ack": b"\1\1\2" + segment(0, 10, 4000, flags=wild) + segment(0, 10, 900, True, wild),
        "one-sided": b"\1\1\2" + segment(500, 10) + segment(700, 10, flags=later) + segment(900, 10),
    }


def self_signed():
    """The certificate that the sensor itself tries out."""
    source = (HERE.parents[1] / "sensor" / "certificates_x509.c").read_text(encoding="utf-8")
    array = re.search(r"sample\[\] = \{(.*?)\}", source, re.S).group(1)
    return bytes(int(b, 16) for b in re.findall(r"0x(..)", array))


def certificates():
    named = b"\x03\x0amx.example"
    other = tlswire.x509(b"")
    return {"issued": named + other, "self-signed": named + self_signed(),
            "no-name": b"\x01\x00" + self_signed(), "cut": named + other[:-9],
            "trailing": named + other + b"\0",
            "two-hundred-lengths": b"\0\1x" + b"\x30\x80" * 200}


TARGETS = (linebuf, tls_record, tls_hello, smtp_words, smtp, tls, mail, decode, fragments,
           reasm, certificates)


def main():
    for target in TARGETS:
        folder = HERE / "corpus" / target.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in target().items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
