#!/usr/bin/env python3
"""Makes what `mailseald --self-test` reads, and what it must find.

usage: make-self-test.py FOLDER     writes self_test.pcap and self_test.counts; always the same

The counts come from the talks, whose expect lines say what each conversation is, and from what is done
to their packets here; not from the sensor.
"""
import collections
import ipaddress
import struct
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests" / "talks"), str(TOP / "tests" / "integration")]
import encapsulation  # noqa: E402
import wire  # noqa: E402
from talk import Talk  # noqa: E402

START_US = 1448186400 * 10**6  # 2015-11-22T10:00:00Z

# Who is who: as in sensor/self_test.c.
PLACES = {  # name: first address, IPv6 or not
    "alpha": "198.51.100.1", "beta": "198.51.100.33", "cloud": "203.0.113.1", "other": "192.0.2.1",
    "alpha access": "198.51.100.17", "alpha-net": "198.51.100.129",
    "alpha 6": "2001:db8:1::1", "beta 6": "2001:db8:2::1"}
COLUMNS = {"encrypted-starttls": "enc_starttls", "encrypted-implicit": "enc_implicit",
           "plaintext": "plaintext", "tls-failed": "tls_failed", "no-transaction": "no_transaction",
           "indeterminate": "indeterminate"}
FUNNEL = {"starttls_offered": "offered", "starttls_requested": "requested",
          "starttls_accepted": "accepted", "auth_cleartext": "auth_clear"}
UNSAID = {"starttls_requested": None, "starttls_accepted": None, "auth_cleartext": None,
          "stripped": None}  # of a conversation that is not seen well enough
TLS = {"TLSv1.0": "tls10", "TLSv1.1": "tls11", "TLSv1.2": "tls12", "TLSv1.3": "tls13"}


def said(expect, key):
    """What the talk says of it, which must be one thing."""
    if isinstance(expect.get(key, ()), tuple):
        raise ValueError(f"a talk does not say what {key} is: {expect}")
    return expect[key]


class Ends(wire.Addresses):
    """The two ends of a connection, by address and port."""

    def __init__(self, client, client_port, server, server_port):  # pylint: disable=W0231
        self.client, self.server = map(ipaddress.ip_address, (client, server))
        self.client_port, self.server_port = client_port, server_port
        self.ipv6 = self.client.version == 6
        both = self.client.packed + self.server.packed
        self.sum = wire.words(both) + client_port + server_port
        self.packed = {True: both, False: self.server.packed + self.client.packed}
        self.ports = {True: struct.pack("!HH", client_port, server_port),
                      False: struct.pack("!HH", server_port, client_port)}


class Capture:
    """Frames in turn, and what they come to."""

    def __init__(self):
        self.frames = []  # bytes, captured bytes
        self.counts = collections.Counter()
        self.health = collections.Counter()
        self.port = 40000

    # What a conversation comes to ------------------------------------------------------------------

    def count(self, service, client, server, expect):
        def add(column, n=1):
            self.counts[f"{service} {client} {server} {column}"] += n
        add(COLUMNS[expect["verdict"]])
        for key, column in FUNNEL.items():
            if said(expect, key) is True:
                add(column)
        if expect.get("exposure") == "refused":
            add("refused")
        if expect.get("reason") == "began-before-capture":
            add("begun_before")
        if said(expect, "stripped"):
            add("stripped")
        if expect["verdict"].startswith("encrypted"):
            add(TLS[said(expect, "tls_version")])
        if said(expect, "messages"):
            add("messages_clear", expect["messages"])

    # Packets ---------------------------------------------------------------------------------------

    def put(self, frame, cut=None):
        self.frames.append((frame, frame[:cut]))
        self.health["packets"] += 1
        self.health["bytes"] += len(frame)
        self.health["truncated"] += cut is not None

    def tcp(self, frame, wrap=None):
        """A frame that is delivered, as it is or in something: of fragments the last one is."""
        frames = wrap.wrap(frame, self.health["packets"] + 1) if wrap else [frame]
        for f in frames:
            self.put(f)
        self.health["delivered"] += 1
        self.health["skip_fragment"] += len(frames) - 1
        self.health["reassembled"] += len(frames) > 1

    def connection(self, place, server_place, server_port):
        self.port += 1
        self.health["flows"] += 1
        first, second = (ipaddress.ip_address(PLACES[p]) for p in (place, server_place))
        return Ends(first + self.port % 4, self.port, second + 5, server_port)

    def talk(self, name, client="alpha", server="beta", service="mta", port=None, wrap=None,
             doubled=False, **more):
        """A conversation. doubled: each packet comes twice, as from a SPAN port. more: what the talk does
        not say of itself."""
        talk = Talk(TOP / "tests" / "talks" / (name + ".talk"))
        ends = self.connection(client, server, port or talk.port)
        for packet in talk.packets():
            for _ in range(1 + doubled):
                self.tcp(ends.frame(packet), wrap and encapsulation.WRAPPINGS[wrap])
            self.health["duplicate"] += doubled and len(packet.payload) > 0
        self.health["sessions"] += 1
        for kind, _, what in talk.steps:
            if kind == "gap":
                self.health["gaps"] += 1
                self.health["gap_bytes"] += what
                self.health["acked_unseen"] += what
        self.count(service, client.split()[0], server.split()[0], {**talk.expect, **more})

    def empty(self):
        """A connection that says nothing."""
        ends = self.connection("other", "beta", 25)
        talk = wire.Conversation()
        talk.begin()
        talk.close()
        for packet in talk.packets:
            self.tcp(ends.frame(packet))
        self.health["empty"] += 1

    def not_mail(self):
        """HTTP on the port of mail."""
        ends = self.connection("other", "beta", 25)
        talk = wire.Conversation()
        talk.begin()
        talk.data(True, b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n")
        talk.data(False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        talk.close()
        for packet in talk.packets:
            self.tcp(ends.frame(packet))
        self.health["not_mail"] += 1

    def skipped(self):
        """Each reason why a packet is none of a connection."""
        udp = encapsulation.frame_of(encapsulation.outer(4, 17, encapsulation.udp(53, b"query")))
        good = self.connection("other", "other", 25).frame(wire.Packet(True, wire.SYN, 1, 0))
        self.health["flows"] -= 1
        for reason, frame, cut in (
                ("skip_not_ip", wire.MAC[True] + b"\x08\x06" + bytes(28), None),
                ("skip_link", good[:10], None), ("skip_ip", good[:14] + b"\x41" + good[15:], None),
                ("skip_not_tcp", udp, None), ("skip_tcp", good, 40),
                ("skip_tunnel", wire.MAC[True] + b"\x88\x47" + bytes.fromhex("00010140") * 2, None)):
            self.put(frame, cut)
            self.health[reason] += 1

    # Files -----------------------------------------------------------------------------------------

    def pcap(self):
        out = [wire.PCAP_HEADER]
        for n, (frame, captured) in enumerate(self.frames):
            seconds, micros = divmod(START_US + n * 100000, 10**6)
            out.append(struct.pack("<IIII", seconds, micros, len(captured), len(frame)) + captured)
        return b"".join(out)

    def lines(self):
        rows = {**self.counts, **{f"health {name}": n for name, n in self.health.items()}}
        return "".join(f"{what} {n}\n" for what, n in sorted(rows.items()) if n)


def make():
    c = Capture()
    c.talk("smtp-starttls-220")
    c.talk("smtp-tls-1.2", "beta", "alpha")
    c.talk("smtp-plaintext")
    c.talk("smtp-plaintext", "cloud", wrap="fragments")
    c.talk("smtp-mail-530", "beta", "alpha", doubled=True)
    c.talk("smtp-masked-offer", "alpha-net")
    c.talk("smtp-tls-client-alert", "cloud", "alpha")
    c.talk("smtp-scanner-quit", "other")
    c.talk("smtp-gap-before-quit", "other", starttls_offered=True, **{**UNSAID, "messages": None})
    c.talk("smtp-mid-stream-quit", "cloud", starttls_offered=None, **UNSAID)
    c.talk("smtp-plaintext-ipv6", "alpha 6", "beta 6")
    c.talk("smtp-starttls-220", "beta 6", "alpha 6", wrap="vxlan-ip4")
    c.talk("smtp-plaintext-two-mails", "other", "cloud", port=4444)
    c.talk("smtp-starttls-587", "alpha-net", "alpha access", "submission")
    c.talk("smtp-implicit-tls-1.3", "other", "alpha access", "submission",
           auth_cleartext=None, stripped=None)
    c.talk("imap-starttls", "other", "alpha access", "access", wrap="qinq")
    c.talk("imaps-tls-1.3", "alpha-net", "alpha access", "access")
    c.talk("imap-login", "other", "alpha access", "access", wrap="gre-k-ip6")
    c.talk("pop3-stls-tls-1.2", "other", "alpha access", "access")
    c.talk("pop3s-tls-1.2", "other", "alpha access", "access", wrap="mpls")
    c.talk("pop3-user-pass", "alpha-net", "alpha access", "access")
    c.talk("pop3-quit", "other", "alpha access", "access")
    c.empty()
    c.not_mail()
    c.skipped()
    return c


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder, capture = Path(sys.argv[1]), make()
    (folder / "self_test.pcap").write_bytes(capture.pcap())
    (folder / "self_test.counts").write_text(capture.lines(), encoding="ascii")


if __name__ == "__main__":
    main()
