#!/usr/bin/env python3
"""Every whole talk again inside each encapsulation, over IPv4 and over IPv6: the session record is
the same as without, but for where it was seen. Arguments: names of wrappings; none for all.
"""
import os
import struct
import sys
import tempfile

from session_record import SRCDIR, sessions
from tap import Tap

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402
import talk as talks  # noqa: E402
import wire  # noqa: E402

SHOWN = 4
ELSEWHERE = ("interface", "vlan")


def whole_talks():
    """Every packet of every talk: (time in microseconds, Ethernet frame)."""
    out = []
    now = wire.Writer.START_US
    number = 0
    for path in sorted((SRCDIR / "tests" / "talks").glob("*.talk")):
        talk = talks.Talk(path)
        packets = talk.packets()
        for ipv6 in (False, True):
            number += 1
            addresses = wire.Addresses(number, talk.port, ipv6)
            for packet in packets:
                out.append((now, addresses.frame(packet)))
                now += wire.Writer.STEP_US
    return out


def pcap(packets, link=encapsulation.ETHERNET):
    out = [wire.PCAP_HEADER[:-4], struct.pack("<I", link)]
    for now, frame in packets:
        seconds, micros = divmod(now, 10**6)
        out += [struct.pack("<IIII", seconds, micros, len(frame), len(frame)), frame]
    return b"".join(out)


def records_of(directory, packets, link=encapsulation.ETHERNET):
    """Session records by the two ends, and complaints about the run."""
    path = os.path.join(directory, "talks.pcap")
    with open(path, "wb") as file:
        file.write(pcap(packets, link))
    records, complaints = sessions(path)
    by_ends = {(r["client"], r["client_port"], r["server_port"]): r for r in records}
    if len(by_ends) != len(records):
        complaints.append("%d sessions where there should be %d" % (len(records), len(by_ends)))
    return by_ends, complaints



def differences(plain, wrapped, vlan):
    for ends in sorted(set(plain) | set(wrapped)):
        one, other = plain.get(ends), wrapped.get(ends)
        if not one or not other:
            yield "%s: %s" % (ends, "no record" if one else "a record that should not be")
            continue
        for key in one:
            if key not in ELSEWHERE and one[key] != other[key]:
                yield "%s %s: %s is %s, not %s" % (ends, one["evidence"], key, other[key], one[key])
        if other["vlan"] != vlan:
            yield "%s: vlan is %s, not %s" % (ends, other["vlan"], vlan)


def same_inside(directory, packets, plain, wrapping):
    wrapped = [(now, frame) for n, (now, inner) in enumerate(packets)
               for frame in wrapping.wrap(inner, n)]
    got, complaints = records_of(directory, wrapped, wrapping.link)
    complaints += differences(plain, got, wrapping.vlan)
    return complaints[:SHOWN] + ["%d complaints" % len(complaints)] * (len(complaints) > SHOWN)


def too_deep(directory, packets):
    """Nine encapsulations are one too many: nothing is found, and nothing is wrong."""
    deep = encapsulation.in_turn("nested-8", "mpls")
    got, complaints = records_of(directory, [(now, deep.wrap(frame, n)[0])
                                             for n, (now, frame) in enumerate(packets)])
    return complaints + ["%d sessions" % len(got)] * (len(got) != 0)


def main():
    tap = Tap()
    wanted = sys.argv[1:] or list(encapsulation.WRAPPINGS)
    packets = whole_talks()
    with tempfile.TemporaryDirectory() as directory:
        plain, complaints = records_of(directory, packets)
        tap.result(not complaints and len(plain) > 150, "every talk over IPv4 and IPv6",
                   "%d sessions" % len(plain), *complaints)
        for name in wanted:
            tap.run(name, same_inside, directory, packets, plain, encapsulation.WRAPPINGS[name])
        tap.run("nine encapsulations", too_deep, directory, packets)
    tap.finish()


if __name__ == "__main__":
    main()
