#!/usr/bin/env python3
"""Started as root over a directory of somebody else, the recorder writes as that user: root
without capabilities could not. So does mailseal rebuild-rrd: of files of root nobody had anything."""
import os
import subprocess
import tempfile
from pathlib import Path

from session_record import BUILDDIR, SRCDIR
from tap import Tap

SOMEBODY = 54321


def record(state):
    return subprocess.run([str(BUILDDIR / "mailseald"), "--quiet", "--state", str(state), "-r",
                           str(SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=300)


def rebuild(state):
    for path in state.rglob("*.rrd"):
        path.unlink()
    (state / "lock").unlink()  # as in a directory that comes from a backup
    return subprocess.run([str(BUILDDIR / "mailseal"), "rebuild-rrd", "--state", str(state)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=300)


def owned(state, how=record):
    done = how(state)
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr}"]
    return [f"{path} belongs to {path.stat().st_uid}" for path in [state, *state.rglob("*")]
            if path.stat().st_uid != SOMEBODY]


def drawn(state):
    return owned(state, rebuild) + ["nothing is drawn"] * (not list(state.rglob("*.rrd")))


def out_of_reach(state):
    """Refused, with words that say whose leave is missing, where the owner cannot get."""
    state.parent.chmod(0o700)
    tried = [(rebuild(state), "its owner cannot get there"),
             (record(state), f"for the user that the sensor runs as (number {SOMEBODY})")]
    state.parent.chmod(0o755)
    return [done.stderr for done, said in tried
            if done.returncode != 1 or said not in done.stderr]


def main():
    tap = Tap()
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can become somebody else")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        home, made = Path(folder) / "home", Path(folder) / "made"
        for path in home, made:
            path.mkdir()
            os.chown(path, SOMEBODY, SOMEBODY)
        tap.run("a directory that exists", owned, made)
        tap.run("a directory that is made", owned, home / "state")
        tap.run("its graphs are drawn", drawn, made)
        os.chown(home, 0, 0)
        tap.run("its owner cannot get there", out_of_reach, home / "state")
    tap.finish()


if __name__ == "__main__":
    main()
