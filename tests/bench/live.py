#!/usr/bin/env python3
"""What is lost live, and what a packet costs there: mail at rising rates, and mixed traffic as fast as it
goes, over a wire between two network namespaces, read by a bare libpcap loop and by mailseald, in turn
and never at once.

Lost are packets that the kernel says it dropped (with those that were read they must come to what was
sent) and records that the sensor's second process had no room for. CPU time is user plus system of
all processes of a reader, from when it is ready until all is read. Where nothing was lost the
sensor's verdicts are checked against what the generator knows.

A reader that others kept from running loses what it need not: sender and readers go before what else
runs on the machine, each is tried again until it loses nothing, twice at least and four times at
most, and the best counts. Needs root, and leaves nothing behind.
"""
import argparse
import collections
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import bench
import measure
import veth
from live_sensor import LiveSensor  # veth has said where
from session_record import BUILDDIR

RATES = (100000, 200000, 300000, 400000, 0)
TOP = 600000  # packets per second, to know how many to make for as fast as it goes
TRIES = (2, 4)
TO_NOBODY = "syslog: {socket: \"\"}\n"  # what it finds is not told
NICE = -10

# packets and records lost, CPU nanoseconds per packet, packets and bits per second
Run = collections.namedtuple("Run", "lost records cost rate bits")


class Capture:
    """What is sent."""

    def __init__(self, folder, packets, workload):
        prefix = os.path.join(folder, workload)
        generator = str(BUILDDIR / "tests/bench/generate")
        hundredth = measure.generate(generator, workload, prefix, 0.01)["packets"]
        self.truth = measure.generate(generator, workload, prefix, packets / hundredth / 100)
        self.pcap = prefix + ".pcap"
        self.conf = Path(prefix + ".yaml").read_text(encoding="ascii") + TO_NOBODY

    def complaints(self, said, state):
        logs = list((state / "sessions").iterdir())
        return measure.check_summary(self.truth, said) + measure.check_sessions(self.truth, *logs)


def measured(wire, reader, capture, rate):
    """One run, and what the reader said at its end."""
    wire.check_rings()
    cpu, dropped = veth.cpu_s(reader), wire.dropped()
    sent, seconds = wire.send(capture.pcap, rate)
    veth.wait_until_idle(reader)
    cpu, dropped = veth.cpu_s(reader) - cpu, wire.dropped() - dropped
    code, said = reader.end()
    numbers = measure.summary_numbers(said)
    lost = numbers.get("drop_kernel", 0) + dropped
    if code != 0 or numbers.get("packets", 0) + lost != sent:
        raise measure.Wrong("exit %d, %d packets sent, %d dropped: %s" % (code, sent, lost, said))
    return Run(lost, numbers.get("lost", 0), cpu * 1e9 / sent, sent / seconds,
               8 * capture.truth["bytes"] / seconds), said


def is_whole(run):
    return run.lost == run.records == 0


def bare(wire, capture, rate):
    with veth.Bare(wire) as reader:
        return measured(wire, reader, capture, rate)[0]


def sensor(wire, capture, rate, workers):
    """As in service: with a state directory, and the session log in it."""
    with tempfile.TemporaryDirectory() as folder, \
            LiveSensor(folder, wire.reader, capture.conf, veth.WIRE, "--mode", "any", "--workers",
                       workers, logged=False) as reader:
        run, said = measured(wire, reader, capture, rate)
        complaints = capture.complaints(said, reader.state) if is_whole(run) else []
    if complaints:
        raise measure.Wrong("mailseald, %d workers: %s" % (workers, "; ".join(complaints[:6])))
    return run


@contextlib.contextmanager
def goes_first():
    """Before what else runs on the machine, also where the kernel shares the CPUs by sessions first."""
    autogroup = Path("/proc/self/autogroup")
    os.nice(NICE)
    with contextlib.suppress(FileNotFoundError):
        autogroup.write_text("%d" % NICE, encoding="ascii")
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            autogroup.write_text("0", encoding="ascii")


# The table ------------------------------------------------------------------------------------------

def readers(workers):
    """Names, and functions that measure one."""
    yield "bare libpcap", bare
    for n in workers:
        yield ("mailseald, %d worker%s" % (n, "s" * (n > 1)),
               lambda wire, capture, rate, n=n: sensor(wire, capture, rate, n))


def tried(reader, wire, capture, rate):
    """The runs of one reader at one rate."""
    runs = []
    least, most = TRIES
    while len(runs) < least or len(runs) < most and not any(map(is_whole, runs)):
        runs.append(reader(wire, capture, rate))
    return runs


def plan(options):
    """Workloads and rates."""
    return [("mail", rate) for rate in options.rates] + [("mixed", 0)]


def all_runs(options, wire):
    """By workload, rate and name of the reader."""
    runs = {}
    for workload, rate in plan(options):
        with tempfile.TemporaryDirectory() as folder:
            capture = Capture(folder, int((rate or TOP) * options.seconds), workload)
            for name, reader in readers(options.workers):
                runs[workload, rate, name] = tried(reader, wire, capture, rate)
                print(workload, rate or "top", name, *runs[workload, rate, name], file=sys.stderr,
                      flush=True)
    return runs


def number(value):
    return "{:,.0f}".format(value).replace(",", " ")


def loss(run):
    return number(run.lost) + (" and %s records" % number(run.records)) * (run.records > 0)


def steps(options, runs):
    names = [name for name, _ in readers(options.workers)]
    rows = []
    for workload, rate in plan(options):
        best = [min(runs[workload, rate, name]) for name in names]
        came = number(min(run.rate for run in best) // 1000 * 1000)
        rows.append([workload, came if rate else "as fast as it goes, %s" % came] +
                    ["%s; %.0f" % (loss(run), run.cost) for run in best])
    return bench.table(["sent", "packets/s"] + ["%s: lost; ns/packet" % name for name in names], rows)


def highest(options, runs):
    """The last column is reckoned: bits for each nanosecond of CPU time."""
    rows = []
    for workload, name in ((w, n) for w in ("mail", "mixed") for n, _ in readers(options.workers)):
        whole = [run for at in plan(options) if at[0] == workload for run in runs[(*at, name)]
                 if is_whole(run)]
        if not whole:
            rows.append((workload, name, "none", "-", "-", "-"))
            continue
        best = max(whole, key=lambda run: run.rate)
        rows.append((workload, name, number(best.rate // 1000 * 1000), "%.2f" % (best.bits / 1e9),
                     "%.0f" % best.cost, "%.1f" % (best.bits / best.rate / best.cost)))
    return bench.table(("sent", "reader", "packets/s without loss", "Gbit/s", "ns/packet",
                        "Gbit per second of CPU"), rows)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES,
                        help="packets per second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=2, help="that each run should take")
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--out", help="document in which the table is replaced")
    return parser.parse_args()


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("live: stopped"))
    try:
        with goes_first(), contextlib.closing(veth.Wire()) as wire:
            wire.open()
            runs = all_runs(options, wire)
    except (measure.Wrong, OSError, subprocess.SubprocessError) as wrong:
        sys.exit("live: %s" % wrong)
    text = "\n".join((highest(options, runs), steps(options, runs),
                      bench.machine(str(BUILDDIR), "%g s a run" % options.seconds)))
    print(text)
    if options.out:
        bench.write_parts(options.out, {"live": text})


if __name__ == "__main__":
    main()
