#!/usr/bin/env python3
"""The units, as systemd reads them: nothing in them is unknown to it, and each service is as tight as the
table says, by systemd-analyze security (0 is best, 10 worst).
"""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
PROGRAM = re.compile(r"^(Exec\w+=)\S*/(mailseald?)\b", re.M)

# What a service may score at most. A service that is not in the table fails.
BOUNDS = {"mailseald.service": 2.0, "mailseal-web.service": 1.5, "mailseal-html.service": 1.5,
          "mailseal-report.service": 1.5}


def analyze(*words):
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False,
                          timeout=60)


def copies(folder):
    """The units of the build, with the programs of the build in place of those that are installed."""
    for path in [*sorted((BUILDDIR / "systemd").glob("*.service")),
                 *sorted((SRCDIR / "systemd").glob("*.timer"))]:
        text = PROGRAM.sub(rf"\g<1>{BUILDDIR}/\g<2>", path.read_text("utf-8"))
        (folder / path.name).write_text(text, "utf-8")
        yield folder / path.name


def scores_at_most(unit):
    """Of this kind: → Overall exposure level for mailseald.service: 1.5 OK :-)"""
    if unit.name not in BOUNDS:
        return ["no bound is set for it in this test"]
    done = analyze("security", "--offline=true", "--no-pager", unit)
    found = re.search(r"exposure level for \S+: (\d+\.\d+)", done.stdout)
    if not found:
        return [done.stdout + done.stderr]
    score = float(found.group(1))
    return [f"it scores {score}, not {BOUNDS[unit.name]} at most"] * (score > BOUNDS[unit.name])


def is_understood(unit):
    """What it says of other units, which the machine may not have, is not about ours."""
    done = analyze("verify", "--man=no", unit)
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    return said + [f"exit {done.returncode}: {done.stderr}"] * (done.returncode != 0 and not said)


def main():
    if not shutil.which("systemd-analyze"):
        print("1..0 # SKIP systemd-analyze is not installed")
        return
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        units = list(copies(Path(folder)))
        tap.result(len(units) > 0, "there are units", BUILDDIR / "systemd")
        for unit in units:
            tap.run(f"systemd understands {unit.name}", is_understood, unit)
        for unit in units:
            if unit.suffix == ".service":
                tap.run(f"{unit.name} is tight", scores_at_most, unit)
    tap.finish()


if __name__ == "__main__":
    main()
