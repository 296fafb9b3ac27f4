#!/usr/bin/env python3
"""Conversations as text, and the packets that a capture would have of them.

usage: talk.py [--variant NAME | --list] [-o FILE] TALK

A talk is one TCP connection, written as lines:

    # name: what it is about        a comment
    S: 220 mx.example ESMTP         the server sends this and CRLF
    C: EHLO client.example          so does the client
    --                              ends a segment between two lines of one side
    C.lf: EHLO client.example       ends in LF alone
    C.raw: EHLO cli                 no line end
    C: <<END                        every line up to END, each with CRLF
    expect: verdict=plaintext       what the session record must say

Consecutive lines of one side are one segment. In a line \\xNN, \\r, \\n, \\t and \\\\ are bytes.
The connection ends with the client's FIN and the server's, unless the talk says otherwise.

Things that are not text stand in angle brackets:

    <fin> <rst>                     this side closes here; nothing is closed by itself then
    <gap 100>                       100 bytes that the capture does not have
    <fill 500>                      500 bytes of text in lines
    <long 10000>                    10000 bytes of text without a line end
    <client-hello sni=N versions=1.3,1.2 alpn=N size=N>     <server-hello version=V cipher=0xN>
    <hello-retry-request cipher=0xN> <certificate LENGTH> <server-key-exchange>
    <certificate-request> <server-hello-done> <client-key-exchange [rsa]> <session-ticket>
    <ccs> <finished> <app LENGTH>   finished: TLS 1.2's, encrypted; app: a record of type 23
    <alert fatal 40>                in clear; <alert encrypted 26>: of 26 bytes, up to TLS 1.2
    <A + B>                         two handshake messages in one record
    split=N                         ... in records of N bytes
    cut=N                           a new segment after N bytes of this line

Other lines: "port: 587", "ipv6: yes", "begin: mid-stream" (no SYN), "end: open" (the capture
ends first), "expect-client:" and "expect-server:" (what must hold when only one direction was
seen). Values are null, true, false, numbers, words or "quoted"; a|b allows either, "220 EHLO..."
any text that begins so. A list (findings, oddities) is its words with commas between them, in any
order, or none.

In IMAP the bytes of a literal are lines like any other; its length counts their line ends.
"""
import argparse
import os
import re
import sys
from pathlib import Path

import tlswire
import wire

LINE = re.compile(r"^([CS])(\.lf|\.raw)?:(?: (.*))?$")
OPTION = re.compile(r"^([a-z0-9-]+):\s+(.*)$")
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt\\])")
ESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
HERE = re.compile(r"^<<([A-Z]+)$")
DIRECTIVES = {"fin", "rst", "gap", "fill", "long"} | set(tlswire.RECORDS) | set(tlswire.MESSAGES)
DIRECTIVE = re.compile(r"^<((?:%s)\b.*)>$" % "|".join(sorted(DIRECTIVES, key=len, reverse=True)))
LINE_END = {None: b"\r\n", ".lf": b"\n", ".raw": b""}
HEAD, TAIL, STRIDE = 100, 40, 29  # where long segments are cut
WRAP = 2**32 - 40
EVERY = int(os.environ.get("MAILSEAL_TALK_CUTS", "1"))  # of the cuts only each so-many-th


class TalkError(Exception):
    """A talk that cannot be read; the text says where and why."""


def unescape(text):
    def byte(match):
        code = match.group(1)
        return ESCAPED.get(code) or bytes([int(code[1:], 16)])
    return ESCAPE.sub(byte, text.encode())


def value(text):
    """One value of an expect line; "a|b" becomes a tuple."""
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    if "|" in text:
        return tuple(value(part) for part in text.split("|"))
    words = {"null": None, "true": True, "false": False}
    if text in words:
        return words[text]
    return int(text) if re.match(r"^-?[0-9]+$", text) else text


def expectations(text):
    out = {}
    for key, word in re.findall(r'([a-z_]+)=("[^"]*"|\S+)', text):
        out[key] = value(word)
    if not out:
        raise ValueError("nothing is expected")
    return out


def arguments(words):
    """name, positional arguments, keywords"""
    positional = [w for w in words[1:] if "=" not in w]
    keywords = dict(w.split("=", 1) for w in words[1:] if "=" in w)
    return words[0], positional, keywords


class Talk:
    """One conversation: steps are (kind, to_server, data) with kind data, gap, fin or rst."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.stem
        self.port = 25
        self.ipv6 = self.mid_stream = self.open = False
        self.steps = []
        self.expect, self.expect_client, self.expect_server = {}, {}, {}
        self._tls = tlswire.Tls()
        self._joined = False  # the next line goes on in the last segment
        self._read(self.path.read_text(encoding="utf-8").splitlines())
        self.explicit_close = any(kind in ("fin", "rst") for kind, _, _ in self.steps)

    def _read(self, lines):
        numbered = iter(enumerate(lines, 1))
        for number, line in numbered:
            try:
                self._line(line, numbered)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise TalkError("%s:%d: %s: %s" % (self.path, number, line, error)) from error
        if not self.expect:
            raise TalkError("%s: no expect line" % self.path)

    def _line(self, line, following):
        spoken, option = LINE.match(line), OPTION.match(line)
        if not line.strip() or line.startswith("#"):
            return
        if line == "--":
            self._joined = False
        elif spoken:
            self._speak(spoken.group(1) == "C", spoken.group(2), spoken.group(3) or "", following)
        elif option:
            self._option(*option.groups())
        else:
            raise ValueError("neither a line of the talk nor an option")

    def _option(self, name, text):
        if name in ("expect", "expect-client", "expect-server"):
            getattr(self, name.replace("-", "_")).update(expectations(text))
        elif name == "port":
            self.port = int(text)
        elif (name, text) in (("ipv6", "yes"), ("begin", "mid-stream"), ("end", "open")):
            setattr(self, {"ipv6": "ipv6", "begin": "mid_stream", "end": "open"}[name], True)
        else:
            raise ValueError("unknown option")

    def _speak(self, to_server, line_end, text, following):
        here, directive = HERE.match(text), DIRECTIVE.match(text)
        if here:
            for _, line in following:
                if line == here.group(1):
                    return
                self._say(to_server, unescape(line) + b"\r\n")
            raise ValueError("%s is missing" % here.group(1))
        if directive:
            self._directive(to_server, directive.group(1))
        else:
            self._say(to_server, unescape(text) + LINE_END[line_end])

    def _say(self, to_server, data):
        last = self.steps[-1] if self.steps else None
        if self._joined and last and last[:2] == ("data", to_server):
            self.steps[-1] = ("data", to_server, last[2] + data)
        else:
            self.steps.append(("data", to_server, data))
        self._joined = True

    def _directive(self, to_server, text):
        parts = [arguments(part.split()) for part in text.split("+")]
        name, positional, keywords = parts[0]
        if name in ("fin", "rst"):
            self.steps.append((name, to_server, b""))
            return
        if name == "gap":
            self.steps.append((name, to_server, int(positional[0])))
            return
        cut = int(keywords.pop("cut", 0))
        data = self._bytes(name, positional, keywords, parts)
        self._say(to_server, data[:cut] if cut else data)
        if cut:
            self._joined = False
            self._say(to_server, data[cut:])

    def _bytes(self, name, positional, keywords, parts):
        if name == "fill":
            line = b"Nothing that anybody would want to read stands here.\r\n"
            length = int(positional[0])
            return (line * (length // len(line) + 1))[:length - 2] + b"\r\n"
        if name == "long":
            return (b"No end of it. " * (int(positional[0]) // 14 + 1))[:int(positional[0])]
        if name in tlswire.RECORDS:
            return getattr(self._tls, name)(*positional, **keywords)
        return self._tls.handshake(parts, split=keywords.pop("split", 0))

    def packets(self, steps=None, client_isn=1000, server_isn=500000):
        out = wire.Conversation(client_isn, server_isn)
        if not self.mid_stream:
            out.begin()
        for kind, to_server, data in steps or self.steps:
            getattr(out, kind)(*((to_server, data) if kind in ("data", "gap") else (to_server,)))
        if not self.explicit_close and not self.open:
            out.close()
        out.acknowledge()
        return out.packets

    def cuts(self):
        """Every place inside a segment, as an offset into all bytes of the talk; the middle of
        long segments only here and there."""
        start = 0
        for kind, _, data in self.steps:
            if kind != "data":
                continue
            for at in range(1, len(data)):
                if at < HEAD or at >= len(data) - TAIL or at % STRIDE == 0:
                    yield start + at
            start += len(data)

    def cut_at(self, offset):
        """The steps with the segment that holds this byte in two: before it, and from it on."""
        out = []
        for step in self.steps:
            kind, to_server, data = step
            length = len(data) if kind == "data" else 0
            if 0 < offset < length:
                out += [(kind, to_server, data[:offset]), (kind, to_server, data[offset:])]
            else:
                out.append(step)
            offset -= length
        return out

    def byte_by_byte(self):
        out = []
        for step in self.steps:
            kind, to_server, data = step
            if kind == "data":
                out += [(kind, to_server, data[at:at + 1]) for at in range(len(data))]
            else:
                out.append(step)
        return out


def swapped(packets, at):
    return packets[:at] + [packets[at + 1], packets[at]] + packets[at + 2:]


def variants(talk):
    """All that a capture may make of a talk, as (name, packets)."""
    whole = talk.packets()
    yield "whole", whole
    yield "wrap", talk.packets(client_isn=WRAP, server_isn=WRAP)
    yield "bytes", talk.packets(talk.byte_by_byte())
    for offset in list(talk.cuts())[::EVERY]:
        yield "cut:%d" % offset, talk.packets(talk.cut_at(offset))
    yield "client", [p for p in whole if p.to_server]
    yield "server", [p for p in whole if not p.to_server]
    for at in range(len(whole)):
        yield "doubled:%d" % at, whole[:at + 1] + whole[at:]
        yield "lost:%d" % at, whole[:at] + whole[at + 1:]
    for at in range(len(whole) - 1):
        yield "swapped:%d" % at, swapped(whole, at)


def write(talk, file, only="all"):
    """Writes the variants of a talk to one pcap, each a connection of its own, or only one of
    them, with the addresses and times that it has among the others. Returns (name, packets,
    addresses, first and last time in microseconds) of each that was written."""
    out = []
    pcap = wire.Writer(file)
    for number, (name, packets) in enumerate(variants(talk)):
        if only in (name, "all"):
            addresses = wire.Addresses(number, talk.port, talk.ipv6)
            out.append((name, packets, addresses) + pcap.connection(addresses, packets))
        else:
            pcap.skip(packets)
    return out


def main():
    parser = argparse.ArgumentParser(description="Write a talk as a pcap.")
    parser.add_argument("--variant", default="whole", help='which (default "whole"), or "all"')
    parser.add_argument("--list", action="store_true", help="print the names of the variants")
    parser.add_argument("-o", dest="out", default="-", help="file to write, - for standard output")
    parser.add_argument("talk")
    options = parser.parse_args()
    try:
        talk = Talk(options.talk)
    except (TalkError, OSError) as error:
        sys.exit("talk.py: %s" % error)
    names = [name for name, _ in variants(talk)]
    if options.list:
        print("\n".join(names))
        return
    if options.variant not in names + ["all"]:
        sys.exit("talk.py: %s: no variant %s" % (options.talk, options.variant))
    if options.out == "-":
        write(talk, sys.stdout.buffer, options.variant)
    else:
        with open(options.out, "wb") as file:
            write(talk, file, options.variant)


if __name__ == "__main__":
    main()
