#!/usr/bin/env python3
"""What mailseald costs, as a ratio to a bare libpcap loop over the same file in the page cache.

Each ratio is the median over pairs of runs, one of each. CPU time is user plus system of all
processes. Every run is checked against what the generator knows. Writes a table to --out.
"""
import argparse
import datetime
import fractions
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import measure
import tools

PART = "<!-- %s -->\n"


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="mailseal-bench-")
        self.generator = os.path.join(options.builddir, "tests/bench/generate")
        self.bare = os.path.join(options.builddir, "tests/bench/bare")
        self.sensors = {}

    def close(self):
        if not self.options.keep:
            shutil.rmtree(self.folder)

    def sensor(self, workload, scale=1.0, open_=0, prefixes=5):
        """The capture is made when it is first asked for."""
        name = "%s-%g-%d-%d" % (workload, scale, open_, prefixes)
        if name not in self.sensors:
            prefix = os.path.join(self.folder, name)
            scale *= self.options.scale
            truth = measure.generate(self.generator, workload, prefix, scale, open_, prefixes)
            program = os.path.join(self.options.builddir, "mailseald")
            self.sensors[name] = measure.Sensor(program, prefix, truth)
            print("%s: %d packets, %d MB" % (name, truth["packets"], truth["bytes"] / 1e6),
                  file=sys.stderr, flush=True)
        return self.sensors[name]

    def forget(self, sensor):
        """Room on the disk and in the page cache."""
        self.sensors = {n: s for n, s in self.sensors.items() if s is not sensor}
        if not self.options.keep:
            os.unlink(sensor.prefix + ".pcap")

    def pairs(self, sensor, command, most=99):
        """Ratios to the bare loop, and CPU nanoseconds per packet of both; medians."""
        bare = [self.bare, sensor.prefix + ".pcap"]
        ratios, costs, bares = [], [], []
        command()  # the file is in the page cache
        for _ in range(min(self.options.pairs, most)):
            bares.append(measure.cost_of(bare)[0].cpu)
            costs.append(command().cpu)
            ratios.append(costs[-1] / bares[-1])
        scale = 1e9 / sensor.truth["packets"]
        return (statistics.median(ratios), statistics.median(costs) * scale,
                statistics.median(bares) * scale)


def targets(bench):
    mail, mixed = bench.sensor("mail"), bench.sensor("mixed")
    rows = []
    for name, sensor, target, how in (
            ("mail: verdicts, tally, session log", mail, 1.8, {}),
            ("mail: sessions not logged", mail, 1.6, {"logged": False}),
            ("mixed, mode `ports`", mixed, 1.3, {"mode": "ports"}),
            ("mixed, mode `any`", mixed, 1.7, {"mode": "any"})):
        ratio, cost, bare = bench.pairs(sensor, lambda s=sensor, h=how: s.run(**h))
        peak = sensor.run(memory=True, **how).peak_kib / 1024
        rows.append((name, "%.2f" % ratio, "%.1f" % target, "%.0f" % cost, "%.0f" % bare,
                     "%.0f" % peak))
    bench.forget(mixed)
    return table(("work", "times bare", "target", "ns/packet", "bare ns/packet", "peak MiB"), rows)


def many_flows(bench):
    rows = []
    for name, workload, open_ in (("10 000 connections open", "flows", 10000),
                                  ("1 000 000 connections open", "flows", 1000000),
                                  ("a new one with each packet", "synflood", 0)):
        sensor = bench.sensor(workload, open_=open_)
        ratio, cost, bare = bench.pairs(sensor, sensor.run)
        peak = sensor.run(memory=True).peak_kib / 1024
        rows.append((name, "%.2f" % ratio, "%.0f" % cost, "%.0f" % bare, "%.0f" % peak))
        bench.forget(sensor)
    return table(("connections", "times bare", "ns/packet", "bare ns/packet", "peak MiB"), rows)


def start_and_end(bench, prefixes):
    """CPU nanoseconds of a run without packets, of mailseald and of the bare loop."""
    nothing = bench.sensor("mail", scale=1e-9, prefixes=prefixes)
    _, ours, bare = bench.pairs(nothing, nothing.run)
    return ours * nothing.truth["packets"], bare * nothing.truth["packets"]


def growth(bench):
    """What a run costs before and after its packets is shown by itself, and not in ns/packet."""
    rows = []
    for name, scale, prefixes in (("mail, 1/16 of it", 1 / 16, 5), ("mail, 1/4 of it", 1 / 4, 5),
                                  ("mail", 1, 5), ("mail, 5 000 prefixes", 1, 5000)):
        ours, bares = start_and_end(bench, prefixes)
        sensor = bench.sensor("mail", scale=scale, prefixes=prefixes)
        ratio, cost, bare = bench.pairs(sensor, sensor.run)
        rows.append((name, "%.2f" % ratio, "%.0f" % (ours / 1e6),
                     "%.0f" % (cost - ours / sensor.truth["packets"]),
                     "%.0f" % (bare - bares / sensor.truth["packets"])))
    return table(("capture", "times bare", "start and end, ms", "ns/packet", "bare ns/packet"), rows)


def other_tools(bench):
    sensor = bench.sensor("mail")
    ratio, cost, _ = bench.pairs(sensor, sensor.run)
    rows = [("mailseald", "verdicts, tally, session log", "all", "%.1f" % ratio, "%.0f" % cost)]
    rows += [tools.row(bench, tool) for tool in tools.TOOLS]
    return table(("tool", "does", "of the capture", "times bare", "ns/packet"), rows)


PARTS = {"targets": targets, "growth": growth, "tools": other_tools, "flows": many_flows}


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def first_line(path, key):
    with open(path, encoding="utf-8") as file:
        return next((re.split("[:=]", line, maxsplit=1)[1].strip() for line in file
                     if line.startswith(key)), "?")


def machine(builddir, how):
    version = subprocess.run([os.path.join(builddir, "mailseald"), "--version"],
                             capture_output=True, text=True, check=True).stdout.strip()
    library = subprocess.run(["pkg-config", "--modversion", "libpcap"], capture_output=True,
                             text=True, check=False).stdout.strip()
    return "%s (`%s`), libpcap %s; %s, %d cores, Linux %s; %s, %s.\n" % (
        version, first_line(os.path.join(builddir, "Makefile"), "CFLAGS ="), library,
        first_line("/proc/cpuinfo", "model name"), os.cpu_count(), platform.release(), how,
        datetime.date.today().isoformat())


def replace_part(text, name, new):
    """What stands between the marks of a part."""
    begin, end = PART % name, PART % ("end of " + name)
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return head + begin + "\n" + new + "\n" + end + tail


def write_parts(path, parts):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, part in parts.items():
        text = replace_part(text, name, part)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builddir", default=".")
    parser.add_argument("--scale", default="1", help="part of the full size, such as 1/16")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--out", help="document in which the tables are replaced")
    parser.add_argument("--keep", action="store_true", help="keep the captures")
    options = parser.parse_args()
    options.scale_text = options.scale
    options.scale = float(fractions.Fraction(options.scale))
    return options


def main():
    options = read_options()
    bench = Bench(options)
    try:
        parts = {name: PARTS[name](bench) for name in options.only or PARTS}
    except measure.Wrong as wrong:
        sys.exit("bench: %s" % wrong)
    finally:
        bench.close()
    parts["machine"] = machine(options.builddir, "scale %s, %d pairs of runs" % (
        options.scale_text, options.pairs))
    for name, text in parts.items():
        print("%s\n%s" % (name, text))
    if options.out:
        write_parts(options.out, parts)


if __name__ == "__main__":
    main()
