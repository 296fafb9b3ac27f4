#!/usr/bin/env python3
"""The generator's truth is what mailseald finds, of a small capture of each workload."""
import os
import sys
import tempfile
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR / "build")
sys.path.insert(0, str(SRCDIR / "tests" / "integration"))
sys.path.insert(0, str(SRCDIR / "tests" / "bench"))
import measure  # noqa: E402
from tap import Tap  # noqa: E402

WORKLOADS = (("mail", 0.01, 0, 5), ("mail", 0.01, 100, 1000), ("mixed", 0.02, 200, 5),
             ("flows", 0.01, 3000, 5), ("synflood", 0.02, 0, 5))


def agree(folder, workload, scale, open_, prefixes):
    prefix = os.path.join(folder, workload)
    truth = measure.generate(str(BUILDDIR / "tests/bench/generate"), workload, prefix, scale, open_,
                             prefixes)
    sensor = measure.Sensor(str(BUILDDIR / "mailseald"), prefix, truth)
    complaints = []
    for mode in ("any", "ports"):
        try:
            sensor.run(mode=mode)
        except measure.Wrong as wrong:
            complaints.append(wrong)
    if not truth["sessions"]:
        complaints.append("no session was made")
    return complaints


def same(folder):
    """The same at every run."""
    made = []
    for name in ("a", "b"):
        measure.generate(str(BUILDDIR / "tests/bench/generate"), "mail", os.path.join(folder, name),
                         0.001)
        made.append(Path(folder, name + ".pcap").read_bytes())
    return [] if made[0] == made[1] else ["the two captures differ"]


def notices(folder):
    """A truth that is not the capture's is told from it."""
    prefix = os.path.join(folder, "mail")
    truth = measure.generate(str(BUILDDIR / "tests/bench/generate"), "mail", prefix, 0.001)
    truth["sessions"][0][4] += 1
    try:
        measure.Sensor(str(BUILDDIR / "mailseald"), prefix, truth).run()
    except measure.Wrong:
        return []
    return ["nothing was noticed"]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        for row in WORKLOADS:
            tap.run("%s, scale %g, %d open, %d prefixes" % row, agree, folder, *row)
        tap.run("a capture is the same at every run", same, folder)
        tap.run("a wrong truth is noticed", notices, folder)
    tap.finish()


main()
