#!/usr/bin/env python3
"""The books balance: packets read = delivered + every reason for skipping, and flows opened =
sessions + empty + not mail, over every capture there is and through a flood.

MAILSEAL_CORPUS names a folder with more captures.
"""
import json
import os
import re
import struct
import sys
import tempfile
from pathlib import Path

from session_record import SRCDIR, run
from tap import Tap
from traffic import HOSTS, START, Ends, Traffic, read_talk

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import talk as talks  # noqa: E402
import wire  # noqa: E402

FLOOD_CONF = """\
sensor: test
capture: {max_flows: %d, max_undecided: %d, idle_s: 20}
"""
BLOCKS_WITH_PACKETS = (2, 3, 6)  # of pcapng: obsolete, simple, enhanced


# Counting -----------------------------------------------------------------------------------------

def pcap_packets(data, order):
    at, n = 24, 0
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        if at + 16 + length > len(data):
            break
        at += 16 + length
        n += 1
    return n


def pcapng_packets(data):
    at, n, order = 0, 0, "<"
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\n\r\r\n":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or at + length > len(data):
            break
        n += kind in BLOCKS_WITH_PACKETS
        at += length
    return n


def packets_in(path):
    """Packets of a capture, counted without libpcap; None when it is none."""
    data = path.read_bytes()
    if data[:4] == b"\n\r\r\n":
        return pcapng_packets(data)
    for order in "<>":
        if len(data) >= 24 and struct.unpack_from(order + "I", data)[0] in (0xA1B2C3D4,
                                                                            0xA1B23C4D):
            return pcap_packets(data, order)
    return None


def summary(process):
    """The two lines of the summary as dictionaries: sessions by verdict, and health."""
    lines = {line.split(" ", 1)[0]: line for line in process.stderr.decode().splitlines()}
    return [{m[0]: int(m[1]) for m in re.findall(r"([a-z0-9_]+) (\d+)", lines[key])}
            for key in ("sessions", "packets")]


def unbalanced(process, packets=None):
    """Complaints about the books of a run that has come to its end."""
    said = process.stderr.decode(errors="replace")
    if "books" in said:
        return [said]
    verdicts, health = summary(process)
    delivered = health.get("delivered", 0)
    skipped = sum(v for k, v in health.items() if k.startswith("skip_"))
    accounted = verdicts["sessions"] + health.get("empty", 0) + health.get("not_mail", 0)
    out = []
    if packets not in (None, health["packets"]):
        out.append(f"{health['packets']} packets were read of {packets}")
    if health["packets"] != delivered + skipped:
        out.append(f"packets {health['packets']}, delivered {delivered}, skipped {skipped}")
    if health.get("flows", 0) != accounted:
        out.append(f"flows {health.get('flows', 0)}, accounted for {accounted}: {verdicts} {health}")
    if len(process.stdout.splitlines()) != verdicts["sessions"]:
        out.append(f"{len(process.stdout.splitlines())} records of {verdicts['sessions']} sessions")
    return out


def capture_balances(path, *arguments):
    process = run("-r", path, "--sessions", "-", *arguments)
    if process.returncode not in (0, 1) or b"packets" not in process.stderr:
        return [f"exit {process.returncode}: {process.stderr[:1000]}"]
    return unbalanced(process, packets_in(path) if process.returncode == 0 else None)


def both_modes(path):
    return [f"{mode}: {c}" for mode in ("any", "ports")
            for c in capture_balances(path, "--mode", mode)]


def captures():
    folders = [SRCDIR / "tests"]
    if os.environ.get("MAILSEAL_CORPUS"):
        folders.append(Path(os.environ["MAILSEAL_CORPUS"]))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in (".pcap", ".pcapng", ".cap", ".trace"):
                yield path, str(path.relative_to(folder.parent))


def talk_balances(name, folder):
    """Everything that a SPAN port can make of a talk."""
    path = folder / "talk.pcap"
    with open(path, "wb") as file:
        talks.write(talks.Talk(SRCDIR / "tests" / "talks" / (name + ".talk")), file)
    return both_modes(path)


# Loss ---------------------------------------------------------------------------------------------

LOSSY_TALKS = ("smtp-plaintext", "smtp-body-long", "smtp-starttls-220", "smtp-tls-1.2",
               "imaps-long-session", "pop3-stls-tls-1.3")


def acknowledged(packets, lost):
    """Bytes of a packet that the other side has, as those that are left say."""
    start = struct.unpack_from("!I", lost.head)[0]
    acks = [struct.unpack_from("!I", p.head, 4)[0] for p in packets
            if p.to_server != lost.to_server and p.flags & wire.ACK]
    return min(len(lost.payload), max(0, max(acks) - start))


def each_segment_lost(folder):
    """Before the verdict and behind it: what was acknowledged and not seen is told to the byte, and
    nothing is where nothing was lost."""
    whole, lossy, unseen = Flood(), Flood(), 0
    for number, name in enumerate(LOSSY_TALKS):
        packets = read_talk(name).packets()
        port = {"imap": 993, "pop3": 110}.get(name[:4], 25)
        whole.put(0, whole.connection(number, port), packets)
        for n, lost in enumerate(packets):
            if lost.payload:
                left = packets[:n] + packets[n + 1:]
                unseen += acknowledged(left, lost)
                lossy.put(n, lossy.connection(1000 * number + n, port), left)

    def told(traffic):
        path = folder / "loss.pcap"
        path.write_bytes(traffic.pcap())
        return summary(run("-r", path, "--sessions", "-"))[1].get("acked_unseen", 0)
    found = told(whole), told(lossy)
    return [f"{found} bytes told, not {(0, unseen)}"] * (found != (0, unseen) or unseen == 0)


# A flood --------------------------------------------------------------------------------------------

class Flood(Traffic):
    """Adds what fills tables, from addresses of its own."""

    def connection(self, number, server_port=25):
        return Ends(f"203.0.113.{number % 250 + 1}", 1024 + number % 60000, HOSTS["beta"] % 40,
                    server_port)

    def put(self, at, ends, packets):
        for n, packet in enumerate(packets):
            self.packets.append((int((START + at) * 10**6) + n, ends.frame(packet)))

    def syns(self, first, last, how_many):
        """Connections that are never answered."""
        syn = [wire.Packet(True, wire.SYN, 1, 0)]
        for n in range(how_many):
            self.put(first + (last - first) * n / how_many, self.connection(n), syn)

    def undecided(self, first, last, how_many):
        """Mail connections that greet and then say nothing more."""
        greeting = read_talk("smtp-open-after-ehlo").packets()
        for n in range(how_many):
            self.put(first + (last - first) * n / how_many, self.connection(n), greeting)


def flooded(folder, traffic, max_flows, max_undecided):
    conf, capture = folder / "flood.yaml", folder / "flood.pcap"
    conf.write_text(FLOOD_CONF % (max_flows, max_undecided), encoding="ascii")
    capture.write_bytes(traffic.pcap())
    return run("-c", conf, "-r", capture, "--sessions", "-"), packets_in(capture)


def counted(process, *names):
    health = summary(process)[1]
    return [f"{n} is {health.get(n, 0)}" for n in names if health.get(n, 0) == 0]


def sessions_are_right(process, traffic):
    """The sessions that the traffic added on its own have the verdicts that they should."""
    records = {(r["client"], r["client_port"]): r["verdict"]
               for r in map(json.loads, process.stdout.splitlines())}
    verdicts = {"enc_starttls": "encrypted-starttls", "plaintext": "plaintext",
                "no_transaction": "no-transaction", "tls_failed": "tls-failed"}
    return [f"{s.ends}: {records.get(s.ends)}, not {verdicts[s.column]}" for s in traffic.sessions
            if records.get(s.ends) != verdicts[s.column]]


def around(flood):
    """Mail before the flood, and when it is over."""
    for n, name in enumerate(("smtp-plaintext", "smtp-starttls-220", "smtp-scanner-quit")):
        flood.add(name, 1 + n)
        flood.add(name, 100 + n, "beta", "alpha")


def flood_of_syns(folder):
    """More connections than the table holds: mail goes on in the midst of them."""
    flood = Flood()
    around(flood)
    flood.syns(10, 40, 5000)
    for n in range(20):
        flood.add("smtp-plaintext", 15 + n)
    process, packets = flooded(folder, flood, 64, 32)
    return (unbalanced(process, packets) + counted(process, "evicted", "empty") +
            sessions_are_right(process, flood))


def flood_of_sessions(folder):
    """More undecided sessions than there is room for: what is refused is a session, too."""
    flood = Flood()
    around(flood)
    flood.undecided(10, 12, 300)
    process, packets = flooded(folder, flood, 1000, 16)
    complaints = unbalanced(process, packets) + counted(process, "undecided_full")
    verdicts = summary(process)[0]
    if verdicts.get("indeterminate", 0) != 300:
        complaints.append(f"of 300 undecided sessions: {verdicts}")
    return complaints + sessions_are_right(process, flood)


def flood_of_both(folder):
    """Sessions that push each other out of a full table."""
    flood = Flood()
    around(flood)
    flood.undecided(10, 12, 300)
    flood.syns(12, 20, 1000)
    process, packets = flooded(folder, flood, 16, 16)
    return (unbalanced(process, packets) + counted(process, "evicted") +
            sessions_are_right(process, flood))


def main():
    tap = Tap()
    found = list(captures())
    tap.result(bool(found), "there are captures", "none below tests/")
    for path, name in found:
        tap.run(name, both_modes, path)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for name in ("smtp-plaintext", "smtp-starttls-220", "smtp-tls-1.2", "smtp-scanner-reset"):
            tap.run(f"{name}, cut, lost, doubled and swapped", talk_balances, name, folder)
        tap.run("each segment lost", each_segment_lost, folder)
        tap.run("a flood of connections", flood_of_syns, folder)
        tap.run("a flood of undecided sessions", flood_of_sessions, folder)
        tap.run("a flood of both", flood_of_both, folder)
    if not os.environ.get("MAILSEAL_CORPUS"):
        tap.skip("the corpus", "MAILSEAL_CORPUS is not set")
    tap.finish()


if __name__ == "__main__":
    main()
