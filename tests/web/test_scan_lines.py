#!/usr/bin/env python3
"""Lines as the sensor writes them: the scanner of the session log reads them as record_read does.

The sample capture, its answer key, and some talks with all their variants."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
sys.path += [str(SRCDIR / "tests" / "integration"), str(SRCDIR / "tests" / "talks")]
from session_record import BUILDDIR  # noqa: E402
from tap import Tap  # noqa: E402
import talk as talks  # noqa: E402

SAMPLE = SRCDIR / "tests" / "pcaps" / "sample"
TALKS = ("smtp-tls-1.3-sha256", "smtp-plaintext", "imap-starttls", "pop3-stls-tls-1.2", "smtp-implicit-tls-1.3")


def lines_of(capture):
    """Without a state directory, with the peers of the example."""
    done = subprocess.run([str(BUILDDIR / "mailseald"), "-r", str(capture), "-c", str(SRCDIR / "mailseal.yaml.example"),
                           "--sessions", "-"], stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=300)
    return done.stdout


def scanned(lines, records):
    """At least so many records, each read the same."""
    done = subprocess.run([str(BUILDDIR / "tests" / "web" / "scan_lines")], input=lines, capture_output=True,
                          check=False, timeout=300)
    said = done.stdout.decode(errors="replace").splitlines()
    if done.returncode != 0 or not said:
        return [f"exit {done.returncode}"] + said[:5]
    found = int(said[-1].split()[0])
    return [] if found >= records else [f"{found} records, not {records}"]


def of_talk(name):
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "talk.pcap"
        with open(capture, "wb") as file:
            talks.write(talks.Talk(SRCDIR / "tests" / "talks" / (name + ".talk")), file)
        return scanned(lines_of(capture), 10)


def main():
    tap = Tap()
    tap.run("the sample", lambda: scanned(lines_of(SAMPLE / "sample.pcap"), 82))
    tap.run("its answer key has no records", lambda: scanned((SAMPLE / "sample.answers.jsonl").read_bytes(), 0))
    for name in TALKS:
        tap.run(name, of_talk, name)
    tap.finish()


if __name__ == "__main__":
    main()
