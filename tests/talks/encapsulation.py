"""Frames inside everything that a SPAN port may deliver them in.

A Wrapping turns one Ethernet frame that holds IP into the frames of a wire that carries it
inside something else: WRAPPINGS has them all by name. Headers have the fields and lengths that
real ones have; checksums that no sensor can rely on are left 0.
"""
import ipaddress
import struct

import wire

ETHERNET, PPP, PPP_SERIAL, PPP_ETHER = 1, 9, 50, 51  # link types of a pcap
MACS = bytes.fromhex("0200000000aa0200000000bb")
OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8:ffff::1", "2001:db8:ffff::2")}
PACKED = {v: b"".join(ipaddress.ip_address(a).packed for a in ends) for v, ends in OUTER.items()}
TYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}
PPP_PROTOCOLS = {4: b"\x00\x21", 6: b"\x00\x57"}
IPIP, IPV6, FRAGMENT, GRE, UDP = 4, 41, 44, 47, 17
FRAGMENT_SIZE = 64


# Bytes ----------------------------------------------------------------------------------------------

def version(ip):
    return ip[0] >> 4


def ethernet(kind, rest):
    return MACS + kind + rest


def frame_of(ip):
    return ethernet(TYPES[version(ip)], ip)


def outer(family, protocol, payload, ident=0):
    """An IP header of the wire that carries the rest."""
    if family == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + PACKED[6] + payload
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(payload), ident % 0x10000, 0, 64, protocol)
    check = wire.complement(wire.words(start) + wire.words(PACKED[4]))
    return start + struct.pack("!H", check) + PACKED[4] + payload


def udp(port, payload):
    return struct.pack("!HHHH", 50000, port, 8 + len(payload), 0) + payload


def gre(kind, payload, options=""):
    """options: of c(hecksum), k(ey), s(equence number)"""
    bits = {"c": 0x8000, "k": 0x2000, "s": 0x1000}
    head = struct.pack("!H", sum(bits[o] for o in options)) + kind
    return head + b"\0\0\x12\x34" * len(options) + payload


def pptp(payload):
    """GRE version 1 with key, sequence number and acknowledgment (RFC 2637)."""
    return b"\x30\x81\x88\x0b" + struct.pack("!HHII", len(payload), 7, 1, 1) + payload


def erspan(kind, frame):
    """Type 1 to 3; "3+" is 3 with a platform's subheader."""
    if kind == "1":
        return gre(b"\x88\xbe", frame)
    if kind == "2":
        return gre(b"\x88\xbe", b"\x10\x07\x00\x01\0\0\0\x05" + frame, "s")
    subheader = bytes(8) if kind == "3+" else b""
    head = b"\x20\x07\x00\x01" + bytes(4) + b"\0\0\0" + (b"\1" if subheader else b"\0")
    return gre(b"\x22\xeb", head + subheader + frame, "s")


def labels(count, payload):
    stack = b"".join(struct.pack("!I", (100 + n) << 12 | (n == count - 1) << 8 | 64)
                     for n in range(count))
    return stack + payload


def ppp(ip, short=False, framed=False):
    protocol = PPP_PROTOCOLS[version(ip)]
    return (b"\xff\x03" if framed else b"") + (protocol[1:] if short else protocol) + ip


def pppoe(payload):
    return b"\x11\0\0\x07" + struct.pack("!H", len(payload)) + payload


def vxlan(frame, port=4789):
    return udp(port, b"\x08\0\0\0\0\0\x2a\0" + frame)


def geneve(kind, payload, options=b""):
    return udp(6081, struct.pack("!BB", len(options) // 4, 0) + kind + b"\0\0\x2a\0" + options
               + payload)


# What is done to the packet itself --------------------------------------------------------------------

def fragments(ip, ident, size=FRAGMENT_SIZE):
    """The fragments of an IP packet, in order; the packet itself when it is short."""
    v6 = version(ip) == 6
    head, rest = (ip[:40], ip[40:]) if v6 else (ip[:20], ip[20:])
    if len(rest) <= size:
        return [ip]
    out = []
    for at in range(0, len(rest), size):
        more, part = at + size < len(rest), rest[at:at + size]
        if v6:
            part = struct.pack("!BBHI", head[6], 0, at | more, ident) + part
            out.append(head[:4] + struct.pack("!HB", len(part), FRAGMENT) + head[7:] + part)
        else:
            start = (head[:2] + struct.pack("!HHH", 20 + len(part), ident % 0x10000,
                                            at // 8 | more << 13) + head[8:10])
            check = wire.complement(wire.words(start) + wire.words(head[12:]))
            out.append(start + struct.pack("!H", check) + head[12:] + part)
    return out


def with_options(ip):
    """IPv4 with options; IPv6 with hop-by-hop options, a routing header and others."""
    if version(ip) == 6:
        chain = b"\x2b\0\1\4\0\0\0\0" + b"\x3c\0\0\0\0\0\0\0" + b"\x2c\0\1\4\0\0\0\0"
        chain += struct.pack("!BBHI", ip[6], 0, 0, 1)
        return ip[:4] + struct.pack("!HB", len(ip) - 40 + len(chain), 0) + ip[7:40] + chain + ip[40:]
    start = b"\x47" + ip[1:2] + struct.pack("!H", len(ip) + 8) + ip[4:10]
    options = b"\x94\4\0\0\1\1\1\0"
    check = wire.complement(wire.words(start) + wire.words(ip[12:20]) + wire.words(options))
    return start + struct.pack("!H", check) + ip[12:20] + options + ip[20:]


# Wrappings --------------------------------------------------------------------------------------------

class Wrapping:
    """wrap(frame, number) gives the frames; number tells the packets of a capture apart. named: what
    capture.encapsulations must name for it, the outermost encapsulation; None when there is none."""

    def __init__(self, wrap, named=None, vlan=None, link=ETHERNET):
        self.wrap, self.named, self.vlan, self.link = wrap, named, vlan, link


def of_frame(inside, **how):
    """In something that holds the frame: inside(frame) gives the new one."""
    return Wrapping(lambda frame, number: [inside(frame)], **how)


def of_ip(inside, **how):
    """In something that holds the IP packet."""
    return Wrapping(lambda frame, number: [inside(frame[14:])], **how)


def tunnel(family, protocol, inside, **how):
    """In IP: inside(frame) gives what the protocol carries."""
    return of_frame(lambda frame: frame_of(outer(family, protocol, inside(frame))), **how)


def kind_of(frame):
    return TYPES[version(frame[14:])]


def in_turn(*names):
    """One in the other, the innermost first. Those that hold the IP packet leave its frame behind,
    so that they come behind such as make one."""
    def wrap(frame, number):
        frames = [frame]
        for name in names:
            frames = [f for n, inner in enumerate(frames)
                      for f in WRAPPINGS[name].wrap(inner, number + 7919 * n)]
        return frames
    named = [WRAPPINGS[name].named for name in names if WRAPPINGS[name].named]
    return Wrapping(wrap, named=named[-1] if named else None, vlan=WRAPPINGS[names[-1]].vlan)


def tagged(*tags):
    inserted = b"".join(tags)
    first = int.from_bytes(tags[0][2:], "big") & 0xfff
    return of_frame(lambda f: f[:12] + inserted + f[12:], vlan=first)


def fragmented(order):
    def wrap(frame, number):
        return [ethernet(kind_of(frame), f) for f in order(fragments(frame[14:], number))]
    return Wrapping(wrap)


WRAPPINGS = {
    "vlan": tagged(b"\x81\0\0\x07"),
    "qinq": tagged(b"\x88\xa8\x20\x09", b"\x81\0\0\x07"),
    "options": of_ip(lambda ip: frame_of(with_options(ip))),
    "padding": of_frame(lambda f: f + b"\xee" * 30),
    "mpls": of_ip(lambda ip: ethernet(b"\x88\x47", labels(1, ip)), named="mpls"),
    "mpls-3-labels": of_ip(lambda ip: ethernet(b"\x88\x48", labels(3, ip)), named="mpls"),
    "mpls-ethernet": of_frame(lambda f: ethernet(b"\x88\x47", labels(2, f)), named="mpls"),
    "mpls-control-word": of_frame(lambda f: ethernet(b"\x88\x47", labels(2, bytes(4) + f)),
                                  named="mpls"),
    "pppoe": of_ip(lambda ip: ethernet(b"\x88\x64", pppoe(ppp(ip))), named="pppoe"),
    "pppoe-short": of_ip(lambda ip: ethernet(b"\x88\x64", pppoe(ppp(ip, short=True)) + bytes(9)),
                         named="pppoe"),
    "ppp": of_ip(lambda ip: ppp(ip, framed=True), link=PPP),
    "ppp-serial": of_ip(lambda ip: b"\x0f\0" + TYPES[version(ip)] + ip, link=PPP_SERIAL),
    "ppp-ether": of_ip(lambda ip: pppoe(ppp(ip)), link=PPP_ETHER),
    "pptp": tunnel(4, GRE, lambda f: pptp(ppp(f[14:], framed=True)), named="gre"),
}
for _family, _by in ((4, "ip4"), (6, "ip6")):
    for _options in ("", "c", "k", "s", "cks"):
        WRAPPINGS["gre%s-%s" % (_options and "-" + _options, _by)] = tunnel(
            _family, GRE, lambda f, o=_options: gre(kind_of(f), f[14:], o), named="gre")
    WRAPPINGS["gre-ethernet-" + _by] = tunnel(_family, GRE, lambda f: gre(b"\x65\x58", f, "k"),
                                              named="gre")
    WRAPPINGS["gre-mpls-" + _by] = tunnel(
        _family, GRE, lambda f: gre(b"\x88\x47", labels(1, f[14:])), named="gre")
    for _kind in ("1", "2", "3", "3+"):
        WRAPPINGS["erspan-%s-%s" % (_kind, _by)] = tunnel(
            _family, GRE, lambda f, k=_kind: erspan(k, f), named="erspan")
    WRAPPINGS["vxlan-" + _by] = tunnel(_family, UDP, vxlan, named="vxlan")
    WRAPPINGS["vxlan-8472-" + _by] = tunnel(_family, UDP, lambda f: vxlan(f, 8472), named="vxlan")
    WRAPPINGS["geneve-" + _by] = tunnel(_family, UDP, lambda f: geneve(b"\x65\x58", f),
                                        named="geneve")
    WRAPPINGS["geneve-ip-options-" + _by] = tunnel(
        _family, UDP, lambda f: geneve(kind_of(f), f[14:], bytes(12)), named="geneve")
    # 4 in 4 and 4 in 6, 6 in 4 and 6 in 6, by what the packet is
    WRAPPINGS["ip-in-" + _by] = of_ip(
        lambda ip, f=_family: frame_of(outer(f, IPIP if version(ip) == 4 else IPV6, ip)),
        named=("ipip", "6in4"))
WRAPPINGS.update({
    "fragments": fragmented(list),
    "fragments-backwards": fragmented(lambda parts: parts[::-1]),
    "fragments-doubled": fragmented(lambda parts: [p for part in parts for p in (part, part)]),
    "fragments-twice": fragmented(lambda parts: parts + parts),
})
WRAPPINGS.update({
    "gre-of-fragments": in_turn("fragments", "gre-k-ip4"),
    "fragments-of-gre": in_turn("gre-k-ip4", "fragments"),
    "fragments-of-vxlan-ip6": in_turn("vxlan-ip6", "fragments"),
    "fragments-of-vxlan-of-fragments": in_turn("fragments", "vxlan-ip4", "fragments-twice"),
    "nested": in_turn("vlan", "gre-ethernet-ip4", "pppoe", "mpls-ethernet", "geneve-ip6", "qinq"),
    "nested-8": in_turn("ip-in-ip6", "gre-ip4", "ip-in-ip4", "mpls", "vxlan-ip4", "pppoe",
                        "mpls-control-word", "erspan-2-ip6"),
})
