#!/usr/bin/env python3
"""Started as root over a directory of somebody else, the recorder writes as that user: root
without capabilities could not."""
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


def owned(state):
    done = record(state)
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr}"]
    return [f"{path} belongs to {path.stat().st_uid}" for path in [state, *state.rglob("*")]
            if path.stat().st_uid != SOMEBODY]


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
    tap.finish()


if __name__ == "__main__":
    main()
