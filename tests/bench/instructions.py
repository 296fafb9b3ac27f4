#!/usr/bin/env python3
"""Instructions per packet of two revisions, by stage, counted by valgrind: no noise of a machine.

Builds the revision and the sources as they are, both without confinement, which would not let
valgrind write; runs both over the same small captures. What a run costs before its first packet
falls out, because two captures of different size are compared. Exit 1 when some workload takes
more than 5 % more instructions per packet.
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

GROWTH_MAX = 1.05
SCALES = (1 / 256, 1 / 64)
RUNS = (("mail, logged", "mail", ["--sessions", "/dev/null"]), ("mail", "mail", []),
        ("mixed, any", "mixed", []), ("mixed, ports", "mixed", ["--mode", "ports"]))

STAGES = (("capture", r"sensor/(capture|stoppable|pcapfile)"), ("decode", r"sensor/decode|cursor\.h"),
          ("flow", r"sensor/(flow|tracker|clock|sequence|pool)|siphash"),
          ("session", r"sensor/(session|reasm|probe|volume|classify)"),
          ("certificates", r"sensor/certificates|crypto|asn1|x509"),
          ("dissect", r"dissectors/"), ("channel", r"sensor/(channel|inbox|pipeline)"),
          ("record", r"reports/|sensor/(recorder|store|summary|log)"))


def stage_of(source, binary):
    for name, pattern in STAGES:
        if re.search(pattern, source):
            return name
    library = re.search(r"lib([a-z]+)[-\w.+]*\.so", binary)
    return library.group(1) if library else "rest"


def counted(path):
    """Self cost by stage of one process."""
    names = {"f": {}, "o": {}}
    now = {"f": "", "o": ""}
    costs = collections.Counter()
    inclusive = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            name = re.match(r"(fl|fi|fe|cfi|cfl|ob|cob)=\((\d+)\)(?: (.*))?", line)
            if name:
                kind = "o" if "ob" in name.group(1) else "f"
                known = names[kind]
                if name.group(3):
                    known[name.group(2)] = name.group(3)
                if not name.group(1).startswith("c"):
                    now[kind] = known.get(name.group(2), "")
            elif line.startswith("calls="):
                inclusive = True
            elif line[:1] in "0123456789+-*" and line.strip():
                if not inclusive:
                    costs[stage_of(now["f"], now["o"])] += int(line.split()[-1])
                inclusive = False
    return costs


def instructions(program, prefix, arguments, folder):
    for old in Path(folder).glob("callgrind.*"):
        old.unlink()
    command = ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=%s/callgrind.%%p" % folder,
               str(program), "-r", prefix + ".pcap", "-c", prefix + ".yaml", "--quiet", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return sum((counted(path) for path in Path(folder).glob("callgrind.*")), collections.Counter())


def per_packet(program, workload, arguments, captures, folder):
    (small, small_n), (large, large_n) = captures[workload]
    first = instructions(program, small, arguments, folder)
    second = instructions(program, large, arguments, folder)
    return {stage: (second[stage] - first[stage]) / (large_n - small_n)
            for stage in set(first) | set(second)}


def build(source, builddir):
    """An optimised build that is not confined."""
    if not (source / "configure").exists():
        subprocess.run(["autoreconf", "-i"], cwd=source, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    builddir.mkdir()
    subprocess.run([str(source / "configure"), "--quiet", "CPPFLAGS=-DWITHOUT_CONFINEMENT",
                    "CFLAGS=-O2 -g"], cwd=builddir, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["make", "-s", "-j%d" % os.cpu_count(), "mailseald"], cwd=builddir, check=True,
                   stdout=subprocess.DEVNULL)
    return builddir / "mailseald"


def make_captures(builddir, folder):
    subprocess.run(["make", "-s", "tests/bench/generate"], cwd=builddir, check=True,
                   stdout=subprocess.DEVNULL)
    captures = collections.defaultdict(list)
    for workload in ("mail", "mixed"):
        for scale in SCALES:
            prefix = os.path.join(folder, "%s-%g" % (workload, scale))
            truth = measure.generate(str(builddir / "tests/bench/generate"), workload, prefix, scale,
                                     200)
            captures[workload].append((prefix, truth["packets"]))
    return captures


def show(name, before, after):
    """A table of one workload; true when it has grown too much."""
    old, new = sum(before.values()), sum(after.values())
    print("\n%s: %.0f instructions per packet, %.0f before: %+.1f %%" % (
        name, new, old, 100 * (new / old - 1)))
    for stage in sorted(set(before) | set(after), key=lambda s: -after.get(s, 0)):
        row = before.get(stage, 0), after.get(stage, 0)
        if max(row) >= 0.5:
            print("  %-12s %8.1f %8.1f" % (stage, *row))
    return new > old * GROWTH_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--base", default="HEAD", help="the revision to compare with")
    options = parser.parse_args()
    source = options.source.resolve()
    with tempfile.TemporaryDirectory(prefix="mailseal-bench-") as folder:
        os.chmod(folder, 0o755)
        base = Path(folder, "base")
        subprocess.run(["git", "-C", str(source), "worktree", "add", "--detach", "--quiet", str(base),
                        options.base], check=True)
        try:
            old = build(base, Path(folder, "old"))
            new = build(source, Path(folder, "new"))
            captures = make_captures(new.parent, folder)
            grown = [show(name, *(per_packet(program, workload, arguments, captures, folder)
                                  for program in (old, new)))
                     for name, workload, arguments in RUNS]
        finally:
            subprocess.run(["git", "-C", str(source), "worktree", "remove", "--force", str(base)],
                           check=True)
    sys.exit(1 if any(grown) else 0)


if __name__ == "__main__":
    main()
