#!/usr/bin/env python3
"""However many workers share the packets of a file, what comes out is the same: every session record,
and every counter of every step. Records of sessions that end with one and the same packet, as the last
of a file ends all that are open, may stand in another order.
"""
import itertools
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

from batch import pcap, whole_talks
from session_record import SRCDIR, run
from tap import Tap
from traffic import Traffic

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402

WORKERS = (2, 3, 4)
SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"
CONFIGURATION = SRCDIR / "mailseal.yaml.example"
CORPUS = os.environ.get("MAILSEAL_CORPUS")
TUNNELS = ("vxlan-ip6", "gre-k-ip4", "qinq", "fragments", "fragments-of-vxlan-ip6",
           "gre-of-fragments")


def outcome(folder, workers, files):
    """Exit code, records, what was said, and all of the ledger."""
    state = Path(folder) / f"state-{workers}"
    done = run(*(word for f in files for word in ("-r", f)), "-c", CONFIGURATION, "--workers",
               workers, "--sessions", "-", "--state", state)
    ledger = []
    if (state / "ledger.db").exists():
        with sqlite3.connect(state / "ledger.db") as db:
            ledger = list(db.iterdump())
    return {"exit code": [done.returncode], "records": sorted(done.stdout.splitlines()),
            "summary": done.stderr.splitlines(), "ledger": ledger}


def first_difference(got, alone):
    for what, lines in got.items():
        for one, other in itertools.zip_longest(lines, alone[what]):
            if one != other:
                return f"{what}: {one!r}, not {other!r}"
    return None


def the_same(files, code=0, sessions=1):
    with tempfile.TemporaryDirectory() as folder:
        alone = outcome(folder, 1, files)
        complaints = [f"{k}: {alone[k]}" for k in ("exit code",) if alone[k] != [code]]
        if len(alone["records"]) < sessions:
            complaints.append("%d sessions" % len(alone["records"]))
        for n in WORKERS:
            differs = first_difference(outcome(folder, n, files), alone)
            complaints += [f"{n} workers: {differs}"] if differs else []
        return complaints


def no_such_cpu(folder, workers):
    conf = written(folder, "conf", b"capture: {cpus: [0, 1023]}" if workers > 1 else
                   b"capture: {cpus: [1023]}")
    done = run("-r", SAMPLE, "-c", conf, "--workers", workers)
    said = done.stderr.decode()
    good = done.returncode == 1 and said.startswith("mailseald: capture.cpus: CPU 1023: ")
    return [] if good else [f"exit {done.returncode}: {said}"]


def written(folder, name, data):
    path = Path(folder) / name
    path.write_bytes(data)
    return path


def wrapped(packets, name):
    wrapping = encapsulation.WRAPPINGS[name]
    return pcap([(now, frame) for n, (now, inner, _) in enumerate(packets)
                 for frame in wrapping.wrap(inner, n)], wrapping.link)


def in_two(packets):
    """One direction each."""
    return [pcap([p for p in packets if p.to_server is way]) for way in (True, False)]


def long_traffic():
    """Minutes, with times that jump, and what times out meanwhile."""
    traffic = Traffic()
    traffic.add_steps(0, 4)
    traffic.syn(10000)
    traffic.add_steps(200, 203)
    return traffic.pcap()


def main():
    tap = Tap()
    packets = whole_talks()
    with tempfile.TemporaryDirectory() as folder:
        tap.run("a capture of real servers", the_same, [SAMPLE])
        talks = written(folder, "talks", pcap(packets))
        tap.run("every talk", the_same, [talks], 0, 100)
        for name in TUNNELS:
            tap.run(f"every talk: {name}", the_same,
                    [written(folder, name, wrapped(packets, name))], 0, 100)
        tap.run("two files, one direction each", the_same,
                [written(folder, f"way-{n}", way) for n, way in enumerate(in_two(packets))], 0, 100)
        tap.run("minutes, and a jump in time", the_same, [written(folder, "long", long_traffic())])
        tap.run("a file that breaks off", the_same,
                [written(folder, "broken", talks.read_bytes()[:-7])], 1, 100)
        for n in (1, 2):
            tap.run(f"{n} workers: a CPU that is not there", no_such_cpu, folder, n)
        for path in sorted(Path(CORPUS).glob("*.pcap*")) if CORPUS else ():
            if path.suffix != ".json":
                tap.run(path.name, the_same, [path], 0, 0)
    tap.finish()


if __name__ == "__main__":
    main()
