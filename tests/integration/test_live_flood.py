#!/usr/bin/env python3
"""A flood on a live interface: memory, with the rings of the kernel, stays below what --check-config says,
and mail before and after is right. Needs root."""
import os
from pathlib import Path

import floods
from between_hosts import run_between_hosts
from test_clock_steps import Mail, ShiftedSensor, records, verdicts
from test_floods import SANITIZED, ceilings, peak
from test_live import ended_well
from traffic import health, pcap_record, sound, wait_until, wire

FRAMES = 40000
SILENT = 18  # seconds: longer than it takes to give up one's room, too short for setting the clock


def flood(folder, hosts):
    path = Path(folder) / "flood.pcap"
    path.write_bytes(wire.PCAP_HEADER + b"".join(
        pcap_record(0, frame) for frame in floods.new_flows(FRAMES)))
    hosts.replay(path)


def told(sensor, mail):
    ends = {s.ends for s in mail.sessions}
    wait_until(lambda: ends <= set(records(sensor)), "every session")


def flooded(folder, hosts, workers):
    os.chmod(folder, 0o755)
    mail = [Mail(n) for n in range(2)]
    with ShiftedSensor(folder, hosts, "--workers", workers) as sensor:
        capture = sensor.confined()[0]
        mail[0].replay(folder, hosts)
        told(sensor, mail[0])
        flood(folder, hosts)
        sensor.shift(0, SILENT)
        mail[1].replay(folder, hosts)
        told(sensor, mail[1])
        complaints = verdicts(records(sensor), mail)
        peaks = peak(capture), peak(sensor.process.pid)
        complaints += ended_well(*sensor.end())
        most = ceilings(folder, sensor.conf.read_text(encoding="ascii"), "--workers", workers)
    counters = health(sensor.state, "undecided_full", "drop_kernel", "lost")
    complaints += [f"{counters}"] * (counters["undecided_full"] == 0)
    return complaints + sound(sensor.state) + [f"{peaks} KiB, of at most {most}"] * (
        not SANITIZED and any(got > limit for got, limit in zip(peaks, most)))


def tests(tap, hosts, _):
    for workers in ("1", "3"):
        tap.run_each(((f"{workers} workers", flooded),), hosts, workers)


if __name__ == "__main__":
    run_between_hosts(tests)
