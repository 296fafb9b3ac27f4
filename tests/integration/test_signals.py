#!/usr/bin/env python3
"""SIGUSR1 opens files anew without losing a line; SIGTERM ends the sensor whatever stands still, and
the open step is in the ledger."""
import json
import os
import signal
from pathlib import Path

from tap import Tap
from traffic import (CONFIGURATION, STEP, Sensor, Traffic, built_with, ledger_is, process_status,
                     wait_until)

ROOT = os.geteuid() == 0


def steps(first, last):
    traffic = Traffic()
    traffic.add_steps(first, last)
    return traffic


class Recording(Sensor):
    def __init__(self, folder, sessions=None, **options):
        Path(folder).chmod(0o755)
        self.state, self.sessions = Path(folder) / "state", sessions or Path(folder) / "sessions"
        super().__init__(folder, self.state, "--sessions", self.sessions, **options)


# SIGUSR1 ------------------------------------------------------------------------------------------

def ports(path):
    """Of the clients, by line; every line must be whole."""
    return [json.loads(line)["client_port"]
            for line in path.read_text(encoding="ascii").split("\n")[:-1]]


def renamed_under_way(folder):
    """Both files of session records, several times while packets come. Every line is in one file."""
    traffic = steps(0, 12)
    wanted = sorted(ends[1] for ends in traffic.began)
    with Recording(folder) as sensor:
        logs = sensor.state / "sessions"
        for step in range(12):
            sensor.feed(traffic.between(step * STEP, (step + 1) * STEP))
            sensor.capture_pid()
            for path in (sensor.sessions, logs / "2024-03-01.jsonl"):
                wait_until(path.exists, f"{path}")
                path.rename(path.with_suffix(f".{step}"))
            said = sensor.said().count("event=reopened")
            sensor.signal(signal.SIGUSR1)
            wait_until(lambda n=said: sensor.said().count("event=reopened") > n, "new files")
        code, said = sensor.end()
    complaints = [f"exit {code}: {said}"] * (code != 0 or "error" in said)
    for where, name in ((Path(folder), "sessions"), (logs, "2024-03-01")):
        found = [ports(p) for p in where.iterdir() if p.is_file() and p.name.startswith(name)]
        if sorted(sum(found, [])) != wanted:
            complaints.append(f"{name}: {len(sum(found, []))} lines, not {len(wanted)}")
        complaints += [f"{name}: all in one file"] * (sum(map(bool, found)) < 2)
    return complaints + ledger_is(sensor.state, traffic.truth())


def what_was_there_stays(folder):
    """A file that somebody has put in the place of the old one is not emptied."""
    traffic = steps(0, 2)
    with Recording(folder) as sensor:
        sensor.feed(traffic.between(None, STEP))
        sensor.capture_pid()
        sensor.sessions.rename(sensor.sessions.with_suffix(".old"))
        sensor.sessions.write_text("{}\n", encoding="ascii")
        sensor.sessions.chmod(0o666)
        sensor.signal(signal.SIGUSR1)
        wait_until(lambda: "event=reopened" in sensor.said(), "a new file")
        sensor.feed(traffic.between(STEP))
        sensor.end()
    text = sensor.sessions.read_text(encoding="ascii")
    return [text[:100]] * (not text.startswith('{}\n{"timestamp"'))


def where_no_file_can_be(folder):
    """It is said, and the old file is written on."""
    traffic, gone = steps(0, 2), folder / "gone"
    gone.mkdir()
    with Recording(folder, gone / "sessions") as sensor:
        sensor.feed(traffic.between(None, STEP))
        sensor.capture_pid()
        gone.rename(folder / "elsewhere")
        sensor.signal(signal.SIGUSR1)
        wait_until(lambda: "event=reopen-failed" in sensor.said(), "a line in the log")
        sensor.feed(traffic.between(STEP))
        code, said = sensor.end()
    complaints = [f"exit {code}: {said}"] * (code != 0 or str(gone / "sessions") not in said)
    found = ports(folder / "elsewhere" / "sessions")
    return complaints + [f"{len(found)} lines"] * (len(found) != len(traffic.sessions))


# SIGHUP -------------------------------------------------------------------------------------------

def the_terminal_is_gone(folder):
    """Nobody looks any more: SIGHUP is no wish for another configuration."""
    traffic = steps(0, 1)
    ours, theirs = os.openpty()
    with Recording(folder, stderr=theirs) as sensor:
        os.close(theirs)
        sensor.feed(traffic.between())
        sensor.capture_pid()
        os.close(ours)
        sensor.signal(signal.SIGHUP)
        code, _ = sensor.ended()
    return [f"exit {code}"] * (code != 0)


# SIGTERM ------------------------------------------------------------------------------------------

def stopped_capture(folder, user, word):
    """What it had sent is in the ledger. It is killed, or, when it belongs to another user than the
    recorder, left to find that nobody reads any more."""
    traffic = steps(0, 1)
    with Recording(folder, configuration=CONFIGURATION + user) as sensor:
        sensor.feed(traffic.between())
        sensor.read_all()
        capture = sensor.capture_pid()
        wait_until(lambda: sensor.sessions.exists() and
                   len(ports(sensor.sessions)) == len(traffic.sessions), "all records")
        os.kill(capture, signal.SIGSTOP)
        sensor.signal(signal.SIGTERM)
        code, said = sensor.ended()
    complaints = [f"exit {code}: {said}"] * (code != 1 or word not in said)
    if process_status(capture):
        complaints += ["it is still there"] * (word == "event=capture-killed")
        os.kill(capture, signal.SIGCONT)
        wait_until(lambda: not process_status(capture), "its end")
    return complaints + ledger_is(sensor.state, traffic.truth())


def nobody_reads_the_records(folder):
    """--sessions is a pipe that is full: what is in the ledger does not depend on it."""
    fifo, traffic = folder / "fifo", steps(0, 40)
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    try:
        with Recording(folder, fifo) as sensor:
            sensor.feed(traffic.between())
            sensor.read_all()
            wait_until(lambda: waits_for_a_pipe(sensor.pid), "a recorder that waits")
            sensor.signal(signal.SIGTERM)
            code, said = sensor.ended()
    finally:
        os.close(held)
    complaints = [f"exit {code}: {said}"] * (code != 1 or "what=sessions" not in said)
    return complaints + ledger_is(sensor.state, traffic.truth())


def waits_for_a_pipe(pid):
    """In a write(2)."""
    try:
        return Path(f"/proc/{pid}/syscall").read_text("ascii").split()[0] == "1"
    except (OSError, IndexError):
        return False


def in_the_middle_of_much(folder):
    """The order is heard before all is read, and what was read counts once."""
    traffic, enough = steps(0, 1), Traffic()
    for n in range(20000):
        enough.syn(STEP + n / 1000)
    with Recording(folder) as sensor:
        sensor.feed(traffic.between())
        sensor.capture_pid()
        sensor.signal(signal.SIGTERM)
        try:
            for _ in range(1000):
                sensor.feed(enough.between())
            complaints = ["it has read everything"]
        except BrokenPipeError:
            complaints = []
        code, said = sensor.ended()
    return complaints + [f"exit {code}: {said}"] * (code != 0)


TESTS = (
    ("files are renamed", renamed_under_way),
    ("a file that is there already", what_was_there_stays),
    ("where no file can be", where_no_file_can_be),
    ("SIGHUP when the terminal is gone", the_terminal_is_gone),
    ("the capture process stands still",
     lambda folder: stopped_capture(folder, "user: nobody\n", "event=capture-killed")),
    ("that of another user does",
     lambda folder: stopped_capture(folder, "user: does-not-exist\n", "event=capture-" + (
         "left" if ROOT and not built_with("WITHOUT_CONFINEMENT") else "killed"))),
    ("nobody reads the records", nobody_reads_the_records),
    ("in the middle of much to read", in_the_middle_of_much),
)


def main():
    tap = Tap()
    tap.run_together(TESTS)
    tap.finish()


if __name__ == "__main__":
    main()
