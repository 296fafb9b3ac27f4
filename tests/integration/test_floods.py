#!/usr/bin/env python3
"""Floods: memory stays below what the sensor says it needs at most, what it refuses is counted under its
reason, the books balance, and mail before, in the midst of and after a flood has the right verdict, or in
the midst none.

The floods are 200000 frames each, fewer where a frame costs more; under a sanitizer, and with
MAILSEAL_FLOODS=few, an eighth.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import floods
from session_record import MAILSEALD, check
from tap import Tap
from traffic import (START, Sensor, Traffic, built_with, pcap_record, process_status, query,
                     sound)

FRAMES = 200000
SANITIZED = built_with("WITH_SANITIZERS")
FEW = SANITIZED or os.environ.get("MAILSEAL_FLOODS") == "few"
BEGIN, LAST = 60, 20  # seconds from START; the flood takes as long as that
VERDICT = {"enc_starttls": "encrypted-starttls", "plaintext": "plaintext",
           "no_transaction": "no-transaction", "tls_failed": "tls-failed"}
CONFIGURATION = """\
sensor: test
capture: {max_flows: 2000, max_undecided: 1000, reassembly_kib: 1024, fragments_kib: 256,
          ring_mib: 1}
record: {max_series: 24, max_servers: 1000}
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28, "2001:db8:1::/48"]}
  - {name: beta, signatory: true, mta: [198.51.100.32/28, "2001:db8:2::/48"]}
"""


# The mail --------------------------------------------------------------------------------------------

def mail():
    """Of each kind: before, in the midst, and as soon as it is over and some seconds have passed."""
    before, midst, after = Traffic(), Traffic(), Traffic()
    for number, traffic in enumerate((before, midst, after)):
        traffic.port += 1000 * number
    for n, name in enumerate(("smtp-plaintext", "smtp-starttls-220", "smtp-scanner-quit",
                              "smtp-tls-client-alert")):
        for way in (("alpha", "beta"), ("beta", "alpha")):
            before.add(name, n, *way)
            midst.add(name, BEGIN + 3 * n + 7, *way)
            after.add(name, BEGIN + LAST + 20 + n, *way)
    return before, midst, after


def capture(flood, frames, *traffics):
    """The packets as they stand in a capture, without its header."""
    mail_packets = iter(sorted((p for t in traffics for p in t.packets), key=lambda p: p[0]))
    out, pending = [], next(mail_packets)
    for n, frame in enumerate(flood(frames)):
        now = (START + BEGIN) * 10**6 + n * LAST * 10**6 // frames
        while pending and pending[0] <= now:
            out.append(pcap_record(*pending))
            pending = next(mail_packets, None)
        out.append(pcap_record(now, frame))
    return b"".join(out + [pcap_record(*p) for p in ([pending] if pending else [])] +
                    [pcap_record(*p) for p in mail_packets])


def records_of(path):
    """The records of the mail, by the client's end."""
    with open(path, encoding="ascii") as lines:
        records = [json.loads(line) for line in lines if '"client":"198.51.100.' in line]
    return {(r["client"], r["client_port"]): r for r in records}


def right(records, traffic, also=()):
    out = []
    for s in traffic.sessions:
        record = records.get(s.ends)
        if record is None:
            out.append(f"{s.ends}: no record")
        elif record["verdict"] not in (VERDICT[s.column], *also):
            out.append(f"{s.ends}: {record['verdict']} ({record['reason']}), not "
                       f"{VERDICT[s.column]}")
        else:
            out += check(record)
    return out


# The run ---------------------------------------------------------------------------------------------

def ceilings(folder, configuration, *arguments):
    """What --check-config says that the processes need at most, in KiB."""
    conf = Path(folder) / "mailseal.yaml"
    conf.write_text(configuration, encoding="ascii")
    said = subprocess.run([MAILSEALD, "--check-config", "-c", conf, *arguments], check=True,
                          capture_output=True, text=True).stdout
    found = re.search(r"memory at most (\d+) MiB: capture (\d+) MiB, recorder (\d+) MiB", said)
    if not found or int(found[1]) != int(found[2]) + int(found[3]):
        raise ValueError(said)
    return int(found[2]) << 10, int(found[3]) << 10


def peak(pid):
    """The most memory that a process had, in KiB."""
    return int(process_status(pid)["VmHWM"].split()[0])


def through(folder, packets, configuration):
    """What came of it: (exit code and what was said, peaks of capture and recorder)."""
    with Sensor(folder, folder / "state", "--sessions", folder / "sessions",
                configuration=configuration) as sensor:
        sensor.feed(b"")
        child = sensor.capture_pid()
        sensor.feed(packets)
        sensor.read_all()
        capture_peak = peak(child)
        # The recorder is behind by what the channel and its queue hold, which is little.
        recorder_peak = peak(sensor.pid)
        return sensor.end(), (capture_peak, recorder_peak)


def verdicts(folder, before, midst, after):
    records = records_of(folder / "sessions")
    return ([f"before: {c}" for c in right(records, before)] +
            [f"in the midst: {c}" for c in right(records, midst, ("indeterminate",))] +
            [f"after: {c}" for c in right(records, after)])


def refused(folder, counters):
    sums = ", ".join(f"sum({c})" for c in counters) or "1"
    found = query(folder / "state", f"SELECT {sums} FROM health_days")[0]
    return [f"{k} is {v}" for k, v in zip(counters, found) if v == 0]


def too_much(folder, peaks, configuration):
    """A sanitizer has its own memory."""
    return [f"the {what} process had {got} KiB, of at most {most}" for what, got, most in
            zip(("capture", "recorder"), peaks, ceilings(folder, configuration))
            if got > most and not SANITIZED]


def flooded(folder, flood, frames, counters, configuration):
    """That the books balance is what the exit code says."""
    folder = Path(folder)
    traffics = mail()
    packets = capture(flood, frames // 8 if FEW else frames, *traffics)
    (code, said), peaks = through(folder, packets, configuration)
    complaints = [f"exit {code}: {said}"] if code != 0 or "error" in said.lower() else []
    return (complaints + verdicts(folder, *traffics) + refused(folder, counters) +
            too_much(folder, peaks, configuration) + sound(folder / "state"))


FLOODS = (
    ("SYNs", floods.syns, FRAMES, ("evicted", "empty")),
    ("new flows", floods.new_flows, FRAMES, ("undecided_full",)),
    ("flows that may be mail", floods.strangers, FRAMES, ("undecided_full",)),
    ("fragments", floods.fragments, FRAMES, ("fragments_lost", "skip_fragment")),
    ("holes", floods.holes, FRAMES, ("gaps", "undecided_full", "reasm_full")),
    ("segments of one byte", floods.one_byte_segments, FRAMES, ("gaps",)),
    ("segments backwards", floods.backwards, FRAMES, ("gaps",)),
    ("long lines", floods.long_lines, FRAMES, ()),
    ("answers to EHLO", floods.huge_ehlo, FRAMES, ()),
    ("servers", floods.servers, FRAMES // 2, ("forgotten",)),
    ("pairs", floods.pairs, FRAMES // 2, ("overflow",)),
    ("failed handshakes", floods.failed_tls, FRAMES // 2, ()),
    ("names", floods.names, FRAMES // 2, ()),
    ("certificates", floods.certificates, FRAMES // 4, ()),
    ("resets", floods.resets, FRAMES, ("evicted",)),
    ("all options, no window", floods.options, FRAMES, ()),
    ("tunnels", floods.tunnels, FRAMES, ("skip_tunnel",)),
    ("IPv6 with all that may be in it", floods.ipv6, FRAMES, ("evicted", "fragments_lost")),
    ("garbage", floods.garbage, FRAMES, ("skip_ip", "skip_tcp")),
)


def main():
    tap = Tap()
    for name, flood, frames, counters in FLOODS:
        configuration = CONFIGURATION + (floods.peers_of_pairs() if flood is floods.pairs else "")
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            tap.run(f"a flood of {name}", flooded, folder, flood, frames, counters, configuration)
    tap.finish()


if __name__ == "__main__":
    main()
