#!/usr/bin/env python3
"""What SPAN ports and taps do to packets, done to every whole talk: copies, directions apart, frames
of 64 kB, frames that are cut. What is lost for good is the affair of test_talks.py.
"""
import ipaddress
import random
import tempfile

import batch
from batch import Packet, compare, pcap, sense, shown
from tap import Tap
from test_talks import FACTS, WEIGHT

import encapsulation
import talk as talks
import wire

LATER_US = 300  # a copy comes so much later
SECOND_US = 10**6
TURN_US = 500
LAST = 6  # packets of a connection that are copied once it is over
MOST_LINES = 200  # bytes of a frame that hold most lines of a conversation
WHERE = ("interface", "vlan")


# Copies -----------------------------------------------------------------------------------------------

def routed(frame):
    """The same packet behind a router: other addresses of Ethernet, one hop less."""
    at = 14 + (8 if frame[12:14] == b"\x08\x00" else 7)
    return frame[6:12] + frame[:6] + frame[12:at] + bytes([frame[at] - 1]) + frame[at + 1:]


def inside(name):
    return lambda frame: encapsulation.WRAPPINGS[name].wrap(frame, 5)[0]


COPIES = {
    "the same": lambda frame: frame,
    "behind a router": routed,
    "in another VLAN": inside("vlan"),
    "behind a router and in two VLANs": lambda frame: inside("qinq")(routed(frame)),
    "in MPLS": inside("mpls"),
    "in VXLAN over IPv6": inside("vxlan-ip6"),
    "with IP options": inside("options"),
}


def with_copies(packets, copy, later_us):
    return packets + [Packet(p.time + later_us, copy(p.frame), p.to_server) for p in packets]


def payload_of(packet):
    """Bytes of TCP payload, without options of IP."""
    ip = packet.frame[14:]
    head = 40 if ip[0] >> 4 == 6 else 20
    return len(ip) - head - (ip[head + 12] >> 4) * 4


def in_clear(plain, packets):
    """Those of sessions that are followed to their end: a sealed one is not."""
    followed = [r for r in plain.records.values()
                if "completed" not in r["evidence"] and "gap" not in r["evidence"]]
    both = {frozenset(ipaddress.ip_address(r[end]).packed for end in ("client", "server"))
            for r in followed}
    return [p for p in packets if connection_of(p) in both]


def flows_are_the_same(plain, got, packets):
    """No connection more than there was, and copies are counted for what they are."""
    out = [] if got.health["flows"] == plain.health["flows"] else [
        "%d flows, not %d" % (got.health["flows"], plain.health["flows"])]
    seen = got.health.get("duplicate", 0) - plain.health.get("duplicate", 0)
    least, most = (sum(payload_of(p) > 0 for p in some)
                   for some in (in_clear(plain, packets), packets))
    if not 0 < least <= seen <= most:
        out.append("duplicate rose by %d, not by %d to %d" % (seen, least, most))
    return out


def copies(directory, packets, plain, copy, later_us):
    got = sense(directory, pcap(with_copies(packets, copy, later_us)))
    return shown(compare(plain, got, WHERE + ("duration",)) +
                 flows_are_the_same(plain, got, packets))


def the_original_comes_second(directory, packets, plain):
    """The copy in a tunnel overtakes the packet."""
    got = sense(directory, pcap(with_copies(packets, inside("gre-k-ip4"), -LATER_US)))
    return shown(compare(plain, got, WHERE + ("duration", "timestamp", "counted")))


def connection_of(packet):
    """Its two addresses, which no other connection has."""
    ip = packet.frame[14:]
    start, size = (8, 16) if ip[0] >> 4 == 6 else (12, 4)
    return frozenset((ip[start:start + size], ip[start + size:start + 2 * size]))


def connections(packets):
    """Packets by connection, which lie one behind the other in time."""
    out = {}
    for p in packets:
        out.setdefault(connection_of(p), []).append(p)
    return list(out.values())


def is_over(connection):
    """Both ends said FIN."""
    def is_fin(p):
        return p.frame[14 + (40 if p.frame[14] >> 4 == 6 else 20) + 13] & wire.FIN
    return len({p.to_server for p in connection if is_fin(p)}) == 2


def apart(packets, gap_us):
    """The connections so far from each other that nothing of two of them meets."""
    out, shift = [], 0
    for connection in connections(packets):
        out += [[Packet(p.time + shift, *p[1:]) for p in connection]]
        shift += gap_us
    return out


def copies_when_it_is_over(directory, packets, after_us):
    """Late copies of the last packets open nothing."""
    spread = [c for c in apart(packets, 20 * SECOND_US) if is_over(c)]
    all_of_them = [p for c in spread for p in c]
    late = [Packet(c[-1].time + after_us + n, routed(p.frame), p.to_server)
            for c in spread for n, p in enumerate(c[-LAST:])]
    plain = sense(directory, pcap(all_of_them))
    got = sense(directory, pcap(all_of_them + late))
    return shown(compare(plain, got, ("duration", "counted")) + flows_are_the_same(plain, got, late))


# Directions -------------------------------------------------------------------------------------------

def two_files(directory, packets, plain, later_us=0):
    """One direction each, as from two taps; the server's is late, or early."""
    ways = [[p for p in packets if p.to_server],
            [Packet(p.time + later_us, *p[1:]) for p in packets if not p.to_server]]
    got = sense(directory, *map(pcap, ways))
    if later_us == 0:
        return shown(compare(plain, got, WHERE))
    return shown(all_but_order(plain, got))


def by_turns(directory, packets, plain, seed):
    """Each direction in its own order, and how they lie to each other by chance: as two taps are read
    whose packets come in blocks."""
    draw, out = random.Random(seed), []
    for connection in connections(packets):
        ways = [[p for p in connection if p.to_server == way] for way in (True, False)]
        turns = [way for way in (0, 1) for _ in ways[way]]
        draw.shuffle(turns)
        out += [Packet(connection[0].time + n * TURN_US, *ways[way].pop(0)[1:])
                for n, way in enumerate(turns)]
    got = sense(directory, pcap(sorted(out, key=lambda p: p.time)))
    return shown(all_but_order(plain, got))


def all_but_order(plain, got):
    """Complaints unless records say the same or less where their packets came in another order. Nothing
    was lost."""
    complaints = list(got.complaints)
    for key, before in plain.records.items():
        after = got.records.get(key)
        complaints += weaker(key, before, after)
        if after:
            complaints += ["%s: %s is %s, not %s" % (key, fact, after[fact], before[fact])
                           for fact in ("verdict", "bytes_missing") if after[fact] != before[fact]]
    return complaints


def weaker(key, before, after):
    """Complaints unless a record says the same as another, or less."""
    if not after:
        yield "%s: no record" % (key,)
        return
    if after["verdict"] not in (before["verdict"], "indeterminate"):
        yield "%s %s: %s, not %s" % (key, before["evidence"], after["verdict"], before["verdict"])
    for fact in FACTS:
        if after[fact] not in (None, before[fact], []):
            yield "%s %s: %s is %s, not %s" % (key, before["evidence"], fact, after[fact], before[fact])
    if WEIGHT[after["exposure"]] > WEIGHT[before["exposure"]]:
        yield "%s: exposure %s, more than %s" % (key, after["exposure"], before["exposure"])
    if after["confirmed"] and not before["confirmed"]:
        yield "%s: confirmed" % (key,)


# Sizes ------------------------------------------------------------------------------------------------

BODY = """\
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example
S: 250 STARTTLS
C: MAIL FROM:<a@client.example>
S: 250 ok
C: RCPT TO:<b@mx.example>
S: 250 ok
C: DATA
S: 354 go on
C: <fill 300000>
--
C: .
S: 250 queued
C: QUIT
S: 221 bye
expect: verdict=plaintext
"""


def large_frames(directory, size, zero, ipv6):
    """Segments that offload has joined; beyond 64 kB, where IP has no length for them, and when it
    is not filled in yet, that is 0."""
    path = directory + "/large.talk"
    with open(path, "w", encoding="ascii") as file:
        file.write(BODY)
    talk, addresses = talks.Talk(path), wire.Addresses(1, 25, ipv6)
    results = []
    for most in (wire.MSS, size):
        wire.SEGMENT_MAX = most
        packets = talk.packets()
        wire.SEGMENT_MAX = wire.MSS
        for packet in packets:
            if zero and most == size and len(packet.payload) > 1000:
                packet.length = 0 if ipv6 else -20
        # All at one time, because those that are fewer would be done sooner.
        frames = [Packet(wire.Writer.START_US, addresses.frame(p), p.to_server) for p in packets]
        results.append(sense(directory, pcap(frames)))
    longest = max(len(f.frame) for f in frames)
    complaints = [] if longest > size else ["the longest frame has %d bytes" % longest]
    if [r["messages"] for r in results[0].records.values()] != [1]:
        complaints.append("the message is not there")
    return complaints + compare(*results)


def cut(directory, packets, plain, snaplen, wrapping=None):
    """Frames of which the end was not captured: less is known, and nothing else. What cannot be
    told for mail any more is counted as such."""
    if wrapping:
        packets = [Packet(p.time, frame, p.to_server) for n, p in enumerate(packets)
                   for frame in encapsulation.WRAPPINGS[wrapping].wrap(p.frame, n)]
    got = sense(directory, pcap(packets, snaplen=snaplen))
    complaints = list(got.complaints)
    if not 0 < got.health.get("truncated", 0) <= len(packets):
        complaints.append("truncated is %d of %d" % (got.health.get("truncated", 0), len(packets)))
    for key in plain.records.keys() & got.records.keys():
        complaints += weaker(key, plain.records[key], got.records[key])
    unknown = len(plain.records.keys() - got.records.keys())
    let_go = got.health.get("not_mail", 0) - plain.health.get("not_mail", 0)
    due = unknown == 0 if snaplen >= MOST_LINES and not wrapping else unknown == let_go
    if not due and "skip_tcp" not in got.health:  # where headers are cut, connections are unseen
        complaints.append("%d have no record, of which %d were let go" % (unknown, let_go))
    return shown(complaints)


def test_copies(tap, directory, packets, plain):
    for name, copy in COPIES.items():
        tap.run("each packet twice: %s" % name, copies, directory, packets, plain, copy, LATER_US)
    tap.run("each packet twice, the second in the midst of the next ones", copies, directory,
            packets, plain, routed, 5 * wire.Writer.STEP_US // 2)
    tap.run("the copy in GRE comes first", the_original_comes_second, directory, packets, plain)
    for seconds in (0.01, 1, 3.9):
        tap.run("the last packets again %s s after the end" % seconds, copies_when_it_is_over,
                directory, packets, int(seconds * SECOND_US))


def main():
    tap = Tap()
    packets = batch.whole_talks()
    with tempfile.TemporaryDirectory() as directory:
        plain = sense(directory, pcap(packets))
        tap.result(not plain.complaints, "every talk as it is", *plain.complaints)
        test_copies(tap, directory, packets, plain)
        tap.run("two taps, one direction each", two_files, directory, packets, plain)
        for later in (3, 12, -3, -12):
            tap.run("two taps, one of them %d ms late" % later, two_files, directory, packets,
                    plain, later * 1000)
        for seed in range(4):
            tap.run("two taps, read by turns, %d" % seed, by_turns, directory, packets, plain, seed)
        for ipv6 in (False, True):
            for size, zero in ((9000, False), (64000, False), (64000, True), (200000, True)):
                tap.run("frames of %d bytes%s, IPv%d" % (size, " and length 0" * zero, 6 if ipv6 else 4),
                        large_frames, directory, size, zero, ipv6)
        for snaplen in (50, 56, 78, 96, 128, 200, 300):
            tap.run("cut at %d bytes" % snaplen, cut, directory, packets, plain, snaplen)
        tap.run("cut in VXLAN", cut, directory, packets, plain, 200, "vxlan-ip6")
        tap.run("cut in fragments", cut, directory, packets, plain, 110, "fragments")
    tap.finish()


if __name__ == "__main__":
    main()
