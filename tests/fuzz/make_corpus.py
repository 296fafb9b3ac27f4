#!/usr/bin/env python3
"""Writes the corpus of every fuzz target into corpus/ next to this file.

The inputs come from the talks and from a few bytes written here; the same sources give the same
files. An input that once broke a target is kept here under a name that says what it was. Files
called found-* are what the fuzzer found, minimised; they are left alone.

usage: make_corpus.py
"""
import re
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
IMAP_TALKS = ("imap-authenticate-response-like-command", "imap-bye-in-between", "imap-capability-lookalikes",
              "imap-fetch-many-literals", "imap-gap-in-append", "imap-gap-over-list", "imap-idle",
              "imap-literal-plus-overflow", "imap-login-second-literal-refused", "imap-masked-and-offered",
              "imap-mid-stream-literal", "imap-preauth-starttls-bad", "imap-starttls-other-tag",
              "imap-tag-odd", "imap-text-with-braces")
POP3_TALKS = ("pop3-auth-gssapi", "pop3-auth-lists-then-stls", "pop3-capa-err", "pop3-lf-only",
              "pop3-masked-then-login", "pop3-mid-stream-retr", "pop3-open-in-capa", "pop3-pipelined",
              "pop3-stls-ignored", "pop3-unknown-commands", "pop3-user-bare")
MAIL_TALKS = {"imap": ("imap-starttls", "imap-starttls-hello-at-once", "imap-injected-command",
                       "imap-starttls-server-alert", "imap-granted-then-logout"),
              "pop3": ("pop3-stls-tls-1.3", "pop3-stls-tls-1.2", "pop3-injected-reply", "pop3-hello-first")}
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


def said_by(*lines):
    """Steps out of lines such as "C: NOOP"; "C+ " goes on in the same step, "S? 9" is a gap."""
    out = []
    for line in lines:
        to_server, kind, text = line[0] == "C", line[1], line[3:].encode("latin-1")
        if kind == "?":
            out.append(("gap", to_server, int(text)))
        elif kind == "+":
            out[-1] = ("data", to_server, out[-1][2] + text + b"\r\n")
        else:
            out.append(("data", to_server, text + b"\r\n"))
    return out


IMAP = {
    "login": ("S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi", "C: a LOGIN joe secret",
              "S: a OK [CAPABILITY IMAP4rev1] in", "C: b SELECT INBOX", "S: * 3 EXISTS",
              "S+ b OK done", "C: c LOGOUT", "S: * BYE", "S+ c OK"),
    "login-literals": ("S: * OK hi", "C: a LOGIN {3}", "S: + go", "C: joe {6+}", "C+ secret",
                       "S: a NO [ALERT] no", "C: b LOGIN {99999999999999999999}", "S: b BAD"),
    "authenticate": ("S: * OK hi", "C: a AUTHENTICATE PLAIN", "S: + ", "C: AGpvZQBzZWNyZXQ=",
                     "S: a OK", "C: b AUTHENTICATE PLAIN =", "S: b NO", "C: c AUTHENTICATE LOGIN",
                     "S: + x", "C: *", "S: c BAD"),
    "starttls": ("S: * OK hi", "C: a CAPABILITY", "S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED",
                 "S+ a OK", "C: b STARTTLS", "S: b OK go", "C: c NOOP", "S: c BAD"),
    "starttls-refused": ("S: * OK [CAPABILITY STARTTLS]", "C: a STARTTLS", "C+ b NOOP", "S: a NO",
                         "S+ b OK", "C: c STARTTLS", "S? 20", "C: d LOGIN a b", "S: d OK"),
    "masked": ("S: * OK [CAPABILITY XXXXXXXA] hi", "C: a XXXXXXXX", "S: a BAD"),
    "preauth": ("S: * PREAUTH hi", "C: a LIST \"\" *", "S: * LIST () \"/\" {5}", "S+ INBOX", "S+ a OK"),
    "append": ("S: * OK hi", "C: a APPEND x (\\Seen) {12}", "S: + ok", "C: From: joe", "C+ ", "S: a OK",
               "C: b COMPRESS DEFLATE", "S: b OK", "C: \x16\x03\x01"),
    "gaps": ("S: * OK hi", "C: a FETCH 1 BODY[] ", "S: * 1 FETCH (BODY[] {30}", "S+ Subject: x",
             "S? 17", "S:  FLAGS ())", "S+ a OK", "C? 9", "C: secret", "C+ b LOGIN a b", "S: b OK"),
    "server-alone": ("S: * OK hi", "S: * CAPABILITY IMAP4rev1", "S+ a OK", "S: b OK", "S: c OK"),
    "queue": ("S: * OK hi", *("C: t%d NOOP" % n for n in range(20)), *("S: t%d OK" % n for n in range(20))),
}
POP3 = {
    "login": ("S: +OK POP3 <1.2@mx>", "C: USER joe", "S: +OK", "C: PASS secret", "S: +OK", "C: LIST",
              "S: +OK", "S+ 1 120", "S+ .", "C: RETR 1", "S: +OK", "S+ Subject: x", "S+ ", "S+ ..", "S+ .",
              "C: QUIT", "S: +OK"),
    "apop": ("S: +OK <1896.697170952@dbc>", "C: APOP joe c4c9334bac560ecc979e58001b3e22fb", "S: -ERR",
             "C: PASS x", "S: -ERR"),
    "auth": ("S: +OK", "C: AUTH", "S: +OK", "S+ PLAIN", "S+ .", "C: AUTH PLAIN", "S: + ",
             "C: AGpvZQBzZWNyZXQ=", "S: +OK", "C: AUTH LOGIN", "S: + VXNlcg==", "C: *", "S: -ERR",
             "C: AUTH PLAIN =", "S: +OK"),
    "stls": ("S: +OK", "C: CAPA", "S: +OK", "S+ STLS", "S+ TOP", "S+ .", "C: STLS", "C+ USER joe",
             "S: +OK go", "C: NOOP", "S: -ERR"),
    "stls-refused": ("S: +OK", "C: CAPA", "S: +OK", "S+ XXXA", "S+ .", "C: STLS", "S: -ERR", "C: XXXX",
                     "S: -ERR", "C: USER a", "S? 12", "C: PASS b", "S: +OK"),
    "pipelined": ("S: +OK", "C: USER a", "C+ PASS b", "C+ RETR 1", "C+ RETR 2", "C+ DELE 1", "S: +OK",
                  "S+ +OK", "S+ +OK", "S+ one", "S+ .", "S+ -ERR", "S+ +OK"),
    "gaps": ("S: +OK", "C: TOP 1 0", "S: +OK", "S? 40", "S: .", "C? 9", "C: secret", "C+ RETR 1", "S: +OK",
             "S+ body", "S? 100", "C: STLS", "S: +OK"),
    "server-alone": ("S: +OK", "S: +OK", "S+ TOP", "S+ STLS", "S+ .", "S: +OK", "S: + x", "S: -ERR"),
    "queue": ("S: +OK", *("C: %s" % ("NOOP", "STAT")[n % 2] for n in range(40)), "S: +OK", "S+ +OK"),
}


def dialogues(texts, flags=FROM_THE_START):
    out = {name: bytes([flags | 0x30]) + script(said_by(*lines)) for name, lines in texts.items()}
    alone = script(s for s in said_by(*texts["server-alone"]) if not s[1])
    out["server-alone"] = bytes([flags | SERVER_ONLY]) + alone
    out["client-alone"] = (bytes([flags | CLIENT_ONLY])
                           + script(s for s in said_by(*texts["login"]) if s[1]))
    out["mid-stream"] = bytes([0x10]) + script(said_by(*texts["login"])[2:])
    return out


def imap():
    return dict(dialogues(IMAP), **conversation(IMAP_TALKS, flags=FROM_THE_START | 0x60))


def pop3():
    return dict(dialogues(POP3), **conversation(POP3_TALKS, flags=FROM_THE_START | 0x60))


def clear():
    out = {"imap-" + name: b"\1" + data for name, data in dialogues(IMAP).items()}
    out.update({"pop3-" + name: b"\2" + data for name, data in dialogues(POP3).items()})
    out.update({"smtp-" + name: b"\0" + data for name, data in conversation(CLEAR[:4]).items()})
    return out


def wordbuf():
    return {
        "greeting": b"\x05* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n",
        "login": b"\x02a LOGIN {3}\r\njoe {6+}\nsecret\r\n",
        "large": b"\x00a APPEND {9223372036854775807}\r\n{9223372036854775808}\r\n{+}\n{}\n",
        "long-word": b"\x09a " + b"b" * 40 + b" c\r\n",
        "brackets": b"\x00a b ]c]d[e] [f\r\n\r\n \t x{1}\r\r\n",
    }


def words(*texts):
    return {"word-%02d" % n: text.encode() for n, text in enumerate(texts)}


def imap_words():
    return words("login", "AUTHENTICATE", "STARTTLS", "UID", "UNSUBSCRIBE", "COMPRESS", "PREAUTH", "bye",
                 "OK", "NO", "BAD", "EXISTS", "ESEARCH", "123", "")


def pop3_words():
    return words("USER joe", "pass x", "APOP joe c4c9", "AUTH", "AUTH PLAIN =", "STLS", "STLS x", "CAPA",
                 "LIST", "LIST 1", "UIDL", "RETR 1", "TOP 1 0", "QUIT", "+OK POP3 <1.2@mx>", "-ERR no",
                 "+ x", "DELE")


def pending():
    push, many, pop, drop = range(4)

    def ops(*pairs):
        return bytes(op | argument << 2 for op, argument in pairs)
    return {
        "runs": ops(*((push, n % 2) for n in range(40)), (pop, 5)),
        "stale": ops((push, 1), (push, 2), (drop, 1), (push, 2), (pop, 1), (drop, 2), (push, 3)),
        "times": ops(*((many, 7 << 3 | 1) for _ in range(8)), (pop, 60), (push, 1), (pop, 60)),
    }


def starttls():
    def events(text):
        return bytes("offer not ask yes no clear mask-offer mask-ask plain hello".split().index(word)
                     for word in text.split())
    return {
        "granted": b"\x08XXXXXXXA" + events("offer ask yes hello"),
        "refused": b"\x04XXXA" + events("offer ask no plain"),
        "mirror": b"\x80" + events("ask yes clear plain offer ask yes hello clear"),
        "masked": b"\x08STARTTLS" + events("mask-offer not mask-ask clear plain"),
        "broken": b"\0" + events("ask hello no clear ask yes clear ask hello yes"),
    }


SERVER_ONLY, CLIENT_ONLY = 4, 2


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


PROTOCOLS = {"none": 0, "smtp": 1, "imap": 2, "pop3": 3}


def whole(protocol, talk_steps, flags=FROM_THE_START, piece=2, later="imap"):
    first = bytes([flags | PROTOCOLS[protocol] << 6, piece | PROTOCOLS[later] - 1 << 6])
    return first + script(talk_steps)


def mail():
    ehlo = said_by("S: 220 mx", "C: EHLO c", "S: 250 STARTTLS")
    tls13 = tls_only("smtp-tls-1.3-sha256")
    hello, alert = tls13[0], ("data", True, tlswire.record(21, 0x0301, b"\2\x28"))
    out = {name: whole("smtp", steps(name)) for name in UPGRADED + CLEAR[:4]}
    out.update({name: whole(protocol, steps(name)) for protocol, names in MAIL_TALKS.items() for name in names})
    out.update({
        "hold-overflow": whole("smtp", ehlo + said_by("C: STARTTLS", *["C: RSET"] * 140, "S: 220 go") + [hello]),
        "data-held": whole("smtp", ehlo + said_by("C: DATA", "C+ x", "C+ .", "C+ QUIT", "S? 20", "S: 250 ok",
                                                  "S+ 221 bye")),
        "back-in-clear": whole("smtp", ehlo + said_by("C: STARTTLS", "S: 220 go") + [alert]
                               + said_by("C: MAIL FROM:<>")),
        "imaps": whole("imap", tls13), "renamed": whole("none", tls13, later="pop3"),
        "pop3s-server-only": whole("pop3", [s for s in tls13 if not s[1]], flags=5),
        "imap-starttls": whole("imap", said_by(*IMAP["starttls"][:6]) + tls13),
        "imap-injected": whole("imap", said_by(*IMAP["starttls"][:5], "C: c LOGIN a b", "S: b OK") + tls13),
        "imap-login": whole("imap", said_by(*IMAP["login"])),
        "imap-literals": whole("imap", said_by(*IMAP["login-literals"]), piece=0),
        "imap-append": whole("imap", said_by(*IMAP["append"])),
        "pop3-stls": whole("pop3", said_by(*POP3["stls"][:7], "S: +OK") + tls13),
        "pop3-login": whole("pop3", said_by(*POP3["login"])),
        "pop3-refused": whole("pop3", said_by(*POP3["stls-refused"])),
        "mirror": whole("smtp", ehlo + said_by("C: STARTTLS", "S: 220 go", "C: EHLO c", "S: 250 ok",
                                               "C: MAIL FROM:<>", "S: 250 ok"), flags=9),
        "mirrored": whole("imap", said_by(*IMAP["login"]), flags=25),
    })
    return out


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


CONNECTION = {25: 0, 587: 1, 110: 2, 143: 3, 993: 4, 465: 5, 443: 6, 8025: 7}
DATA, SYN, FIN, RST, ACK, LONG_DATA, LOST, WAIT, AGAIN, OFF, CUT, NO_ACK, OVERTAKEN, JUMP, FIN_DATA, WILD = range(16)


def operation(what, to_server, port=25, data=b"", length=None):
    head = bytes([what << 4 | (0 if to_server else 8) | CONNECTION[port]])
    if what in (LOST, WAIT):
        return head + struct.pack("!H", length)
    if what == JUMP:
        return head + bytes([length])
    if what in (SYN, FIN, RST, ACK, AGAIN):
        return head
    if len(data) > 255:
        return bytes([head[0] & 15 | LONG_DATA << 4]) + struct.pack("!H", len(data)) + data
    return head + bytes([len(data)]) + data


def opened(port=25):
    return operation(SYN, True, port) + operation(SYN, False, port) + operation(ACK, True, port)


def connection(talk_steps, port=25, begin=True, end=True, how=DATA):
    out = opened(port) if begin else b""
    for kind, to_server, data in talk_steps:
        if kind == "data":
            out += operation(how, to_server, port, shorten(data))
        elif kind == "gap":
            out += operation(LOST, to_server, port, length=data)
        else:
            out += operation({"fin": FIN, "rst": RST}[kind], to_server, port)
    if end:
        out += operation(FIN, True, port) + operation(FIN, False, port) + operation(ACK, True, port)
    return out


def tracker():
    any_port, room = 1, 4
    tls13, login, pop = tls_only("smtp-tls-1.3-sha256"), said_by(*IMAP["login"]), said_by(*POP3["login"])
    def made(flags, *parts):
        return bytes([flags]) + b"".join(parts)
    wait = operation(WAIT, True, length=2000)
    out = {name: made(0, connection(steps(name))) for name in
           ("smtp-plaintext", "smtp-tls-1.2", "smtp-starttls-454", "smtp-gap-in-body", "smtp-scanner-reset")}
    out.update({
        "imap": made(0, connection(login, 143)), "pop3": made(0, connection(pop, 110)),
        "imaps": made(0, connection(tls13, 993)), "any": made(1, connection(login, 8025)),
        "https": made(1, connection(tls13, 443)),
        "mid-stream": made(0, connection(login[2:], 143, begin=False, end=False)),
        "overtaken": made(room, connection(login, 143, how=OVERTAKEN), wait),
        "cut": made(room, connection(pop, 110, how=CUT), wait, wait),
        "eviction": made(0, *(connection(login[:3], port, end=False) for port in CONNECTION)),
        "reused": made(0, connection(login[:4], 143), operation(WAIT, True, length=10), connection(login, 143)),
        "again": made(0, opened(25), operation(DATA, False, data=b"220 mx\r\n"), operation(AGAIN, False),
                      operation(DATA, True, data=b"MAIL FROM:<>\r\n"), operation(AGAIN, True),
                      operation(OFF, True, data=b"\x80"), operation(RST, True), wait),
        "jump": made(room, connection(login[:3], 143, end=False), operation(JUMP, True, length=200),
                     operation(JUMP, False, length=3), operation(JUMP, True, length=7)),
        "wild": made(any_port | room, bytes([WILD << 4]) + b"\x12" + bytes(8), opened(25)),
    })
    return out


def conf():
    return {
        "example": (HERE.parent.parent / "mailseal.yaml.example").read_bytes()[:8000],
        "quoted": b"sensor: 'a''b'\nuser: \"a\\\\b\"\n",
        "capture": b"capture: {interfaces: [eth0, \"e 1\"], mode: any, snaplen: 2000, encapsulations: [mpls]}\n",
        "ports": b"capture:\n  ports:\n    smtp: [25, 2525]\n    imaps: []\n",
        "peers": b"peers:\n  - name: a\n    signatory: true\n    mta: [192.0.2.0/28, 2001:db8::/64]\n"
                 b"exceptions:\n  - client: 192.0.2.1\n    server: 192.0.2.2\n",
        "anchor": b"a: &x 1\nb: *x\n", "tag": b"a: !!str 1\n", "documents": b"--- a\n--- b\n",
        "deep": b"a: " + b"[" * 10, "not-utf8": b"sensor: \xff\n", "empty": b"# nothing\n",
        "key-twice": b"sensor: a\nsensor: b\n", "number": b"capture: {max_flows: 0x10}\n",
        "percent": b"incidents: {lossy_percent: 1.25}\n",
        "rules": b"peers: [{name: a}]\nalerts:\n  rules:\n    - {rule: ratio-below, client: a, server: a-net,"
                 b" severity: critical, threshold_percent: 99.5, min_sessions: 9, min_coverage_percent: 80}\n"
                 b"    - {rule: tls-too-old, min_version: TLSv1.3}\n    - {rule: sensor-blind, blind_s: 5}\n",
        "targets": b"alerts:\n  targets:\n    - {name: b, kind: syslog, transport: tcp, host: h, port: 601}\n"
                   b"    - {name: j, kind: journald, critical_only: true, timeout_s: 3}\n"
                   b"    - {name: p, kind: program, program: [/bin/a, \"b \\\"c\", '']}\n"
                   b"syslog: {socket: ''}\n",
        "targets-http": b"alerts:\n  targets:\n    - {name: a, kind: alertmanager, url: 'http://h:9093', repeat_s: 30}\n"
                        b"    - {name: w, kind: webhook, url: 'https://h/p', ca_file: /c, secret_file: /s}\n",
        "targets-snmp": b"alerts: {targets: [{name: s, kind: snmp, host: h, security: authPriv, user: u,"
                        b" auth_file: /a, priv_file: /p, inform: true}, {name: t, kind: snmp, host: h, user: c}]}\n",
        "maintenance": b"alerts:\n  maintenance:\n    - from: 2026-11-22T22:00:00Z\n      to: 2026-11-23T03:00:00+01:00\n"
                       b"      peer: a\n      note: n\npeers: [{name: a}]\n",
        "unused": b"alerts: {rules: [{rule: sensor-blind, min_version: TLSv1.2}]}\n",
        "party": b"peers: [{name: orange}]\nalerts: {maintenance: [{from: 2026-01-01T00:00Z, to: 2027-01-01T00:00Z,"
                 b" peer: oragne-net}]}\n",
    }


def classify():
    def asked(payload, alpn=b"", sni=b""):
        return bytes([len(alpn), len(sni)]) + alpn + sni + payload
    texts = (b"220 mx ESMTP\r\n", b"EHLO c\r\n", b"* OK hi\r\n", b"a1 LOGIN a b\r\n", b"+OK hi\r\n",
             b"USER a\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\x16\3\1\0\2\1\0", b"hello\r\n", b"\0\1",
             b"220 ftp ready\r\n", b"NICK a\r\nUSER a 0 * :a\r\n", b"*1\r\n$4\r\nPING\r\n")
    out = {"first-%02d" % n: asked(text) for n, text in enumerate(texts)}
    out["alpn"] = asked(b"", b"h2,imap,pop3")
    out["sni"] = asked(b"", b"", b"smtps.mx.example")
    return out


RECORD = (b'{"timestamp":"2026-11-22T10:00:00.123456Z","sensor":"th2-1","duration":1.234,"client":"198.51.100.5",'
          b'"client_port":40312,"server":"192.0.2.25","server_port":25,"client_peer":"a","server_peer":"b",'
          b'"protocol":"smtp","service":"mta","verdict":"plaintext","reason":"mail-in-clear",'
          b'"starttls_offered":true,"starttls_requested":false,"starttls_accepted":null,"tls_version":"TLSv1.3",'
          b'"tls_cipher":"0x1302","sni":"mx\\u00E9\\u0000","tls_cipher_name":null,"alpn":"imap","tls_group":"x25519",'
          b'"tls_resumed":null,"tls_alert":"unknown_ca","certificate":%s,"messages":2,"auth_cleartext":false,'
          b'"stripped":null,"injected":false,"fallback":false,"exposure":"content","confirmed":true,'
          b'"directions":"both","cause":"not-requested","evidence":"220 EHLO MAIL","bytes_to_server":5310,'
          b'"bytes_to_client":4120,"bytes_missing":3,"oddities":["bare-lf"],"findings":[],'
          b'"counted":"2026-11-22T10:00:00Z","interface":"eth1","vlan":7,"community_id":null,"downgrade":%s}')


def record_read():
    seen = (b'{"subject":"CN=x","issuer":"","not_before":"2020-01-01T00:00:00Z",'
            b'"not_after":"2049-12-31T23:59:59Z","name_matches":true,"self_signed":null}')
    offer = b'{"offered_at":"2026-11-22T09:00:00.000001Z","without_offer":3}'
    return {
        "whole": b"\0" + RECORD % (b"null", b"null"), "certificate": b"\0" + RECORD % (seen, offer),
        "not-observable": b"\0" + RECORD % (b'"not-observable"', b'{"tls_failed_at":"2026-11-22T09:00:00.000001Z"}'),
        "array": b"\0[1]", "deep": b"\0" + b"[" * 60, "unknown": b'\0{"x":1}', "twice": b'\0{"vlan":1,"vlan":2}',
        "session": b"\1" + bytes(range(1, 250)), "session-zero": b"\1" + bytes(120),
        "session-names": b"\1\1" + bytes(range(255, 0, -1)) * 2,
    }


def line_scan():
    out = {name: data[1:] for name, data in record_read().items() if data[:1] == b"\0"}
    whole = out["whole"]
    out["encrypted"] = whole.replace(b'"plaintext"', b'"encrypted-starttls"').replace(
        b'"content","confirmed":true', b'null,"confirmed":null').replace(b'"not-requested"', b"null")
    out["blanks"] = whole.replace(b",", b" ,\t").replace(b":", b" : ", 3) + b" \r\n"
    out["escaped-key"] = whole.replace(b'"sni"', b'"s\\u006ei"').replace(b'"client"', b'"\\u0063lient"')
    out["utf-8"] = whole.replace(b"mx\\u00E9", b"mx\xc3\xa9\\n\\/")
    out["nul-in-word"] = whole.replace(b'"plaintext"', b'"plaintext\\u0000"')
    out["no-end"] = whole[:-1] + b',"x":"\\'
    return out


def pcapfile():
    """Two packets of 40 and 70 bytes, as a classic file may have them and as it may not."""
    def made(order="<", magic=0xA1B2C3D4, version=(2, 4), snaplen=65535, second=(70, 70, 70)):
        caplen, length, there = second
        out = struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, 1)
        out += struct.pack(order + "IIII", 1709287200, 123456, 40, 40) + bytes(range(40))
        return out + struct.pack(order + "IIII", 0xF0000000, 999999, caplen, length) + bytes(there)
    whole = made()
    return {"little": whole, "big": made(">"), "nano": made(magic=0xA1B23C4D),
            "version-2.3": made(version=(2, 3)), "modified": made(magic=0xA1B2CD34),
            "cut-in-header": whole[:-75], "cut-in-packet": whole[:-5], "only-header": whole[:24],
            "snaplen-60": made(snaplen=60), "snaplen-0": made(snaplen=0),
            "too-long": made(second=(262145, 70, 70)), "longest": made(second=(262144, 70, 70)),
            "empty-packet": made(second=(0, 1500, 0)), "negative": made(second=(0xFFFFFFFF, 70, 70))}


TARGETS = (linebuf, wordbuf, tls_record, tls_hello, smtp_words, imap_words, pop3_words, pending, starttls,
           smtp, imap, pop3, clear, tls, mail, reasm, decode, fragments,
           certificates, classify, conf, tracker, record_read, line_scan, pcapfile)


def main():
    for target in TARGETS:
        folder = HERE / "corpus" / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for name, data in target().items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
