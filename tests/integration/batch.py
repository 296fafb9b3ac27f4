"""Every whole talk in one capture, over IPv4 and over IPv6, to be changed as a wire may change it.

A packet is (time in microseconds, Ethernet frame, whether the client sent it).
"""
import collections
import json
import os
import struct
import sys

from session_record import SRCDIR, check, run
from test_books import summary, unbalanced

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402
import talk as talks  # noqa: E402
import wire  # noqa: E402

SHOWN = 6  # complaints of one test
MOST = 2**18  # bytes of a frame that libpcap reads

Packet = collections.namedtuple("Packet", "time frame to_server")
Result = collections.namedtuple("Result", "records health complaints")


def whole_talks():
    out = []
    now = wire.Writer.START_US
    paths = sorted((SRCDIR / "tests" / "talks").glob("*.talk"))
    for number, path in enumerate(paths):
        talk = talks.Talk(path)
        packets = talk.packets()
        for ipv6 in (False, True):
            addresses = wire.Addresses(2 * number + ipv6, talk.port, ipv6)
            for packet in packets:
                out.append(Packet(now, addresses.frame(packet), packet.to_server))
                now += wire.Writer.STEP_US
    return out


def pcap(packets, link=encapsulation.ETHERNET, snaplen=MOST):
    """A capture of packets in the order of their times."""
    out = [wire.PCAP_HEADER[:-4], struct.pack("<I", link)]
    for packet in sorted(packets, key=lambda p: p[0]):
        seconds, micros = divmod(packet[0], 10**6)
        frame = packet[1][:snaplen]
        out += [struct.pack("<IIII", seconds, micros, len(frame), len(packet[1])), frame]
    return b"".join(out)


def ends(record):
    return record["client"], record["client_port"], record["server_port"]


def sense(directory, *captures):
    """What the sensor makes of captures that it reads together."""
    arguments = []
    for number, capture in enumerate(captures):
        path = os.path.join(directory, "%d.pcap" % number)
        with open(path, "wb") as file:
            file.write(capture)
        arguments += ["-r", path]
    process = run(*arguments, "--sessions", "-")
    complaints = unbalanced(process)
    if process.returncode != 0:
        complaints.append("exit %d: %r" % (process.returncode, process.stderr[:1000]))
    records = [json.loads(line) for line in process.stdout.splitlines()]
    complaints += [c for r in records for c in check(r)]
    by_ends = {ends(r): r for r in records}
    if len(by_ends) != len(records):
        complaints.append("%d sessions, of %d connections" % (len(records), len(by_ends)))
    return Result(by_ends, summary(process)[1], complaints)


def compare(before, after, but=()):
    """Complaints unless the same sessions have the same records, but for some keys."""
    out = list(after.complaints)
    for key in sorted(set(before.records) | set(after.records)):
        one, other = before.records.get(key), after.records.get(key)
        if not one or not other:
            out.append("%s: %s" % (key, "no record" if one else "a record that should not be"))
            continue
        out += ["%s %s: %s is %s, not %s" % (key, one["evidence"], k, other[k], one[k])
                for k in one if k not in but and one[k] != other[k]]
    return out


def shown(complaints):
    return complaints[:SHOWN] + ["%d complaints" % len(complaints)] * (len(complaints) > SHOWN)
