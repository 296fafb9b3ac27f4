#!/usr/bin/env python3
"""Every whole talk again inside each encapsulation, over IPv4 and over IPv6: the session record is
the same as without, but for where it was seen. Arguments: names of wrappings; none for all.
"""
import sys
import tempfile

import batch
from batch import compare, pcap, sense, shown
from tap import Tap

import encapsulation

WHERE = ("interface", "vlan")


def wrapped(packets, wrapping):
    return pcap([(now, frame) for n, (now, inner, _) in enumerate(packets)
                 for frame in wrapping.wrap(inner, n)], wrapping.link)


def same_inside(directory, packets, plain, wrapping):
    got = sense(directory, wrapped(packets, wrapping))
    complaints = compare(plain, got, WHERE)
    complaints += ["%s: vlan is %s" % (ends, r["vlan"]) for ends, r in got.records.items()
                   if r["vlan"] != wrapping.vlan]
    decoded = got.health["delivered"] + got.health.get("skip_fragment", 0)
    if got.health["delivered"] < len(packets) or decoded != got.health["packets"]:
        complaints.append("of %d packets: %s" % (len(packets), got.health))
    return shown(complaints)


def too_deep(directory, packets):
    """Nine encapsulations are one too many: nothing is found, and nothing is wrong."""
    got = sense(directory, wrapped(packets, encapsulation.in_turn("nested-8", "mpls")))
    complaints = got.complaints + ["%d sessions" % len(got.records)] * bool(got.records)
    if got.health.get("skip_tunnel") != len(packets):
        complaints.append("of %d packets: %s" % (len(packets), got.health))
    return complaints


def main():
    tap = Tap()
    wanted = sys.argv[1:] or list(encapsulation.WRAPPINGS)
    packets = batch.whole_talks()
    with tempfile.TemporaryDirectory() as directory:
        plain = sense(directory, pcap(packets))
        tap.result(not plain.complaints and len(plain.records) > 150,
                   "every talk over IPv4 and IPv6", "%d sessions" % len(plain.records),
                   *plain.complaints)
        for name in wanted:
            tap.run(name, same_inside, directory, packets, plain, encapsulation.WRAPPINGS[name])
        tap.run("nine encapsulations", too_deep, directory, packets)
    tap.finish()


if __name__ == "__main__":
    main()
