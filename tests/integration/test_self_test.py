#!/usr/bin/env python3
"""mailseald --self-test: passes for whoever runs it, fails when a counter is wrong, and leaves nothing."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from session_record import MAILSEALD, NO_LEAK_CHECK, PROGRAM, SRCDIR
from tap import Tap
from traffic import PATIENCE

PASSED = re.compile(r"self-test passed: (\d+) counters\n")
MAKER = SRCDIR / "tests" / "pcaps" / "self-test" / "make-self-test.py"
DATA = SRCDIR / "sensor"
NOBODY = 65534


def run(*words, program=MAILSEALD, **options):
    return subprocess.run([str(program), *words], capture_output=True, text=True, check=False,
                          timeout=PATIENCE, env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ}, **options)


def passes(*words, **options):
    done = run("--self-test", *words, **options)
    passed = PASSED.fullmatch(done.stdout)
    if done.returncode or done.stderr or not passed:
        return [f"exit {done.returncode}: {done.stdout!r} {done.stderr!r}"]
    return [] if int(passed.group(1)) > 200 else [f"few counters: {done.stdout}"]


def leaves_nothing():
    with tempfile.TemporaryDirectory() as folder:
        return passes(cwd=folder) + [f"left {p}" for p in Path(folder).iterdir()]


def without_privileges():
    """Nobody, with no capability: where the test may not change its user, it is that already."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "mailseald"
        program.write_bytes(MAILSEALD.read_bytes())
        os.chmod(folder, 0o755)
        program.chmod(0o755)
        if os.geteuid() != 0:
            return passes(program=program)
        return passes(program=program, user=NOBODY, group=NOBODY, extra_groups=[])


def changed(old, new):
    """What a program says in which the capture is another."""
    capture = (DATA / "self_test.pcap").read_bytes()
    image = bytearray(PROGRAM.read_bytes())
    at = image.find(capture)
    if at < 0 or capture.count(old) == 0:
        raise ValueError("the capture is not in the program, or has no such words")
    image[at:at + len(capture)] = capture.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "mailseald"
        program.write_bytes(image)
        program.chmod(0o755)
        return run("--self-test", program=program)


def one_word_less():
    """Without its MAIL the session that was refused is none, and the others still are."""
    done = changed(b"MAIL FROM", b"NOOP FROM")
    lines = done.stdout.splitlines()
    complaints = [f"exit {done.returncode}"] if done.returncode != 1 else []
    if not re.fullmatch(r"self-test failed: \d+ of \d+ counters are wrong", lines[-1]):
        complaints.append(f"ends with {lines[-1:]}")
    for line in lines[:-1]:
        if not re.fullmatch(r"self-test: [a-z-]+ ([a-z-]+ [a-z-]+ )?[a-z_0-9]+: \d+, not \d+", line):
            complaints.append(line)
    wanted = "self-test: mta beta alpha refused: 0, not 1"
    return complaints + ([] if wanted in lines else [f"does not say {wanted}", done.stdout])


def usage():
    complaints = []
    for words in (["-r", "x"], ["-c", "x"], ["--state", "x"], ["--sessions", "-"], ["--mode", "any"],
                  ["--filter", "tcp"]):
        done = run("--self-test", *words)
        if done.returncode != 2 or done.stderr.count("\n") != 1 or done.stdout:
            complaints.append(f"{words}: exit {done.returncode}: {done.stderr}{done.stdout}")
    return complaints


def data_is_what_is_made():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(MAKER), folder], check=True, timeout=PATIENCE)
        return [f"{name} is not what {MAKER.name} makes" for name in
                ("self_test.pcap", "self_test.counts")
                if (DATA / name).read_bytes() != (Path(folder) / name).read_bytes()]


def main():
    tap = Tap()
    tap.run("passes, and leaves nothing", leaves_nothing)
    tap.run("passes without privileges", without_privileges)
    tap.run("passes with three workers", passes, "--workers", "3")
    tap.run("a capture that is another fails, one line for each counter", one_word_less)
    tap.run("goes with no other input", usage)
    tap.run("its data are what their script makes", data_is_what_is_made)
    tap.finish()


if __name__ == "__main__":
    main()
