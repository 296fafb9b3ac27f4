#!/usr/bin/env python3
"""The generator's truth is what mailseald finds live, by a path on which nothing is lost: over a wire
between two network namespaces, of fewer packets than a ring holds. Needs root."""
import os
import sys
import tempfile
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
sys.path.insert(0, str(SRCDIR / "tests" / "integration"))
sys.path.insert(0, str(SRCDIR / "tests" / "bench"))
import live  # noqa: E402
import measure  # noqa: E402
import veth  # noqa: E402
from tap import Tap  # noqa: E402

PACKETS, RATE = 3000, 5000


def loses_nothing(reader, *arguments):
    """Each reader is checked where it is measured."""
    try:
        run = reader(*arguments)
    except measure.Wrong as wrong:
        return [wrong]
    return [] if live.is_whole(run) and run.cost > 0 else [run]


def notices(wire, capture):
    """A truth that is not the capture's is told from it."""
    capture.truth["sessions"][0][4] += 1
    try:
        live.sensor(wire, capture, RATE, 1)
    except measure.Wrong:
        return []
    return ["nothing was noticed"]


def look(tap, wire):
    with tempfile.TemporaryDirectory() as folder:
        capture = live.Capture(folder, PACKETS, "mail")
        for name, reader in live.readers((1, 2)):
            tap.run(name, loses_nothing, reader, wire, capture, RATE)
        tap.run("a wrong truth is noticed", notices, wire, capture)


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can make network namespaces")
        return
    wire = veth.Wire()
    try:
        wire.open()
    except measure.Wrong as wrong:
        print(f"1..0 # SKIP no network namespaces: {wrong}".replace("\n", " "))
        return
    tap = Tap()
    try:
        look(tap, wire)
    finally:
        wire.close()
    tap.finish()


if __name__ == "__main__":
    main()
