#!/usr/bin/env python3
"""The kernel filter of mode ports passes all that may be mail: the same wire, seen by three sensors
at once. One has no filter; one lets every encapsulation through; one lets none through. The first two
find the same sessions, the third all those that lie in none. Needs root."""
import struct
import sys
from pathlib import Path

from between_hosts import run_between_hosts
from mailhosts import WIRE, command
from session_record import SRCDIR, check
from test_live import WiredSensor, ended_well
from traffic import Ends, pcap_record, query, read_talk, wait_until

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402
import wire  # noqa: E402

NAMES = "{encapsulations: [mpls, pppoe, gre, erspan, vxlan, geneve, ipip, 6in4]}"
TAGS = ((), ("vlan",), ("qinq",))
ENDS = (("198.51.100.5", "198.51.100.37"), ("2001:db8:1::5", "2001:db8:2::37"))
NOISE = 4000  # frames that are not mail
CHATTER = 100  # of the two hosts' own at most
MOMENT = ("timestamp", "duration", "counted")  # may differ between two sensors
MARK = 65000  # port of the session that comes last


class Wire:
    """All that is sent, and what is in it."""

    def __init__(self):
        self.frames = []
        self.port = 20000
        self.mail = {}  # by port of the client: name of the wrapping, outer tag, named or not

    def session(self, name, tags):
        """One session over IPv4 and one over IPv6, in a wrapping and behind tags."""
        wrapping = encapsulation.in_turn(name, *tags)
        for (client, server), talk in zip(ENDS, ("smtp-plaintext", "smtp-starttls-220")):
            self.port += 1
            ends = Ends(client, self.port, server, 25)
            for packet in read_talk(talk).packets():
                self.frames += wrapping.wrap(ends.frame(packet), len(self.frames))
            self.mail[self.port] = (name, wrapping.vlan, encapsulation.WRAPPINGS[name].named)

    def mark(self):
        ends = Ends(*(ENDS[0][0], MARK, ENDS[0][1], 25))
        self.frames += [ends.frame(p) for p in read_talk("smtp-plaintext").packets()]

    def noise(self):
        """The web, names, and what is not IP; also behind tags and in fragments' company."""
        web = Ends(ENDS[0][0], 50000, ENDS[0][1], 80)
        web6 = Ends(ENDS[1][0], 50000, ENDS[1][1], 443)
        packet = wire.Packet(True, wire.ACK, 1000, 2000, b"x" * 100)
        names = encapsulation.frame_of(encapsulation.outer(4, encapsulation.UDP,
                                                           encapsulation.udp(53, b"x" * 40)))
        plain = (web.frame(packet), web6.frame(packet), names,
                 encapsulation.ethernet(b"\x88\xcc", bytes(46)))
        kinds = [f for tags in TAGS for frame in plain
                 for f in (encapsulation.in_turn(*tags).wrap(frame, 0) if tags else [frame])]
        self.frames += [kinds[n % len(kinds)] for n in range(NOISE)]

    def pcap(self):
        head = wire.PCAP_HEADER[:-4] + struct.pack("<I", encapsulation.ETHERNET)
        return head + b"".join(pcap_record(n, f) for n, f in enumerate(self.frames))


def everything():
    out = Wire()
    for name, wrapping in encapsulation.WRAPPINGS.items():
        for tags in TAGS:
            if wrapping.link == encapsulation.ETHERNET and not (tags and wrapping.vlan):
                out.session(name, tags)
    out.noise()
    out.mark()
    return out


def packets_read(sensor):
    return query(sensor.state, "SELECT sum(packets), sum(drop_kernel) FROM health_minutes")[0]


def found(sensor, sent, due):
    """Complaints unless these sessions were found and no other. Fragments pass in any case, so of
    a tunnel that is not named something is seen when it is cut into them."""
    records = {p: r for p, r in sensor.records().items()
               if p in due or p == MARK or not sent.mail[p][0].startswith("fragments-of")}
    complaints = [f"{sent.mail[p][0]}, port {p}: no record" for p in due if p not in records]
    complaints += [f"{sent.mail[p][0]}, port {p}: was not let through, yet there is a record"
                   for p in records if p not in due and p != MARK]
    for port, record in records.items():
        vlan = sent.mail[port][1] if port != MARK else None
        complaints += [f"port {port}: {c}" for c in check(record)]
        verdict = "plaintext" if "." in record["client"] else "encrypted-starttls"
        for key, value in (("verdict", verdict), ("vlan", vlan), ("bytes_missing", 0)):
            if record[key] != value:
                complaints.append(f"{sent.mail.get(port)}: {key} is {record[key]}, not {value}")
    return complaints[:10]


def same_sessions(one, other, ports):
    records, others = one.records(), other.records()
    return [f"port {p}: {k} is {records[p][k]} and {others[p][k]}" for p in records
            for k in records[p] if p in ports and p in others and k not in MOMENT
            and records[p][k] != others[p][k]][:10]


def look(tap, folder, hosts, sent):
    capture = Path(folder) / "sent.pcap"
    capture.write_bytes(sent.pcap())
    folders = [Path(folder) / name for name in ("any", "named", "none")]
    for f in folders:
        f.mkdir()
    with WiredSensor(folders[0], hosts, "--quiet", "--mode", "any") as unfiltered, \
            WiredSensor(folders[1], hosts, "--quiet", capture=NAMES) as named, \
            WiredSensor(folders[2], hosts, "--quiet") as none:
        sensors = (unfiltered, named, none)
        hosts.replay(capture)
        for sensor in sensors:
            wait_until(lambda s=sensor: MARK in s.records(), "the last session")
            tap.run("it ends well", lambda s=sensor: ended_well(*s.end()))
        judge(tap, sent, *sensors)


def judge(tap, sent, unfiltered, named, none):
    all_mail = set(sent.mail)
    bare = {p for p, (_, _, name) in sent.mail.items() if name is None}
    mail_frames = len(sent.frames) - NOISE
    tap.run("without a filter all is found", found, unfiltered, sent, all_mail)
    tap.run("with a filter that names the encapsulations, too", found, named, sent, all_mail)
    tap.run("with one that names none, all outside them", found, none, sent, bare)
    tap.run("the sessions are the same", same_sessions, unfiltered, named, all_mail)
    tap.run("the same outside encapsulations", same_sessions, none, unfiltered, bare)
    read, dropped = zip(*map(packets_read, (unfiltered, named, none)))
    tap.result(not any(dropped), "nothing was dropped", dropped)
    tap.result(read[0] >= len(sent.frames), "all frames came", read[0], len(sent.frames))
    tap.result(mail_frames <= read[1] < mail_frames + CHATTER,
               "what is not mail stays out", f"{read[1]} packets, {mail_frames} of mail")
    tap.result(read[2] < read[1] / 2, "what is not named stays out", read[2], read[1])


def tests(tap, hosts, folder):
    for name in hosts.names:  # room for what is around a full segment
        command("ip", "-n", name, "link", "set", WIRE, "mtu", "3000")
    look(tap, folder, hosts, everything())


if __name__ == "__main__":
    run_between_hosts(tests)
