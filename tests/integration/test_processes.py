#!/usr/bin/env python3
"""The two processes of the sensor: what each of them may do, and what happens when one dies."""
import os
import re
import signal
import tempfile
from collections import Counter
from pathlib import Path

from session_record import run
from tap import Tap
from traffic import (START, STEP, Sensor, Traffic, built_with, children, committed, differences,
                     last_step, ledger_counts, ledger_is, process_status, query, sound,
                     wait_until)

ROOT = os.geteuid() == 0
O_ACCMODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


def four_steps():
    traffic = Traffic()
    traffic.add_steps(0, 4)
    return traffic


def started(folder, traffic, until, **options):
    """A sensor that has read the packets up to a time and waits for more."""
    sensor = Sensor(folder, folder / "state", **options)
    sensor.feed(traffic.between(None, until))
    return sensor


def wait_for_step(folder, step):
    wait_until(lambda: committed(folder / "state", step), f"step {step} in the ledger")


def gone(pid):
    return not process_status(pid)


# What they may do -------------------------------------------------------------------------------

def writable(pid):
    """Descriptors that are open for writing, and what they are."""
    out = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        flags = [line for line in Path(f"/proc/{pid}/fdinfo/{fd}").read_text("ascii").splitlines()
                 if line.startswith("flags:")]
        if int(flags[0].split()[1], 8) & O_ACCMODE != os.O_RDONLY:
            out[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return out


def not_limited(pid):
    """Files of some length and new processes are refused, whatever the filter does."""
    limits = Path(f"/proc/{pid}/limits").read_text("ascii")
    names = ["Max processes", "Max core file size"]
    if not built_with("WITH_SANITIZERS"):  # whose report may be a file
        names.append("Max file size")
    return [f"{name} is not limited" for name in names
            if not re.search(rf"^{name} +0 +0 ", limits, re.M)]


def capture_is_confined(folder):
    traffic = four_steps()
    with open(folder / "out", "wb") as out, started(folder, traffic, 10, stdout=out) as sensor:
        pid = sensor.capture_pid()
        status = process_status(pid)
        wanted = {"NoNewPrivs": "1", "CapEff": "0" * 16, "CapPrm": "0" * 16, "CapInh": "0" * 16,
                  "CapAmb": "0" * 16}
        if not built_with("WITHOUT_CONFINEMENT"):
            wanted["Seccomp"] = "2"
        if ROOT:
            wanted["CapBnd"] = "0" * 16
        complaints = [f"{k} is {status[k]}, not {v}" for k, v in wanted.items() if status[k] != v]
        if ROOT and "0" in status["Uid"].split() + status["Gid"].split():
            complaints.append(f"Uid {status['Uid']}, Gid {status['Gid']}")
        if ROOT and status.get("Groups"):
            complaints.append(f"Groups {status['Groups']}")
        if not built_with("WITHOUT_CONFINEMENT"):
            complaints += not_limited(pid)
    return complaints


def only_the_channel_can_be_written_to(folder):
    traffic = four_steps()
    with open(folder / "out", "wb") as out, started(folder, traffic, 10, stdout=out) as sensor:
        pid = sensor.capture_pid()
        speaks = built_with("WITH_SANITIZERS") or built_with("WITHOUT_CONFINEMENT")
        expected = 2 if speaks else 1  # a report of a sanitizer has to go somewhere

        def closed():
            return len(writable(pid)) <= expected
        try:
            wait_until(closed, "one descriptor that can be written to")
        except TimeoutError:
            return [f"can be written to: {writable(pid)}"]
        found = writable(pid)
        if speaks:
            found.pop(2, None)
        if len(found) != 1 or not all(v.startswith("pipe:") for v in found.values()):
            return [f"can be written to: {found}"]
    return []


def recorder_has_no_capability(folder):
    with started(folder, four_steps(), 10) as sensor:
        sensor.capture_pid()
        status = process_status(sensor.pid)
        names = ("CapEff", "CapPrm", "CapInh", "CapAmb") + (("CapBnd",) if ROOT else ())
        return [f"{n} is {status[n]}" for n in names if int(status[n], 16) != 0]


# When one dies ------------------------------------------------------------------------------------

def one_line(said, *words):
    """Complaints unless the log is one line with these words. Incidents are no log."""
    log = [line for line in said.splitlines() if not line.startswith("incident ")]
    if len(log) != 1 or not all(w in log[0] for w in words):
        return [f"expected one line with {words}, got {log}"]
    return []


def capture_killed(folder):
    """What was decided in closed steps is in the ledger; the exit code says that it is not all."""
    traffic, state = four_steps(), folder / "state"
    with started(folder, traffic, 2 * STEP + 30) as sensor:
        wait_for_step(folder, 1)
        os.kill(sensor.capture_pid(), signal.SIGKILL)
        code, said = sensor.ended()
    complaints = one_line(said, "event=capture-died", "signal 9, SIGKILL")
    if code != 1:
        complaints.append(f"exit {code}, not 1")
    complaints += sound(state)
    closed = Counter({k: n for k, n in ledger_counts(state).items() if k[0] < START + 2 * STEP})
    return complaints + differences(traffic.truth(0, 2 * STEP), closed, "closed steps")


def recorder_killed(folder):
    """The capture process does not outlive it, and the next run goes on behind the last step."""
    traffic, state = four_steps(), folder / "state"
    with started(folder, traffic, 2 * STEP + 30) as sensor:
        wait_for_step(folder, 1)
        capture = sensor.capture_pid()
        sensor.signal(signal.SIGKILL)
        wait_until(lambda: gone(capture), "the end of the capture process")
        sensor.ended()
    complaints = ledger_is(state, traffic.truth(0, last_step(state) + STEP))
    with Sensor(folder, state) as sensor:
        sensor.feed(traffic.between(last_step(state) + STEP))
        code, said = sensor.end()
    if code != 0 or "error" in said:
        complaints.append(f"the next run: exit {code}: {said}")
    return complaints + ledger_is(state, traffic.truth())


def recorder_killed_before_the_first_packet(folder):
    """Also while the capture process still waits for its input to be there at all."""
    with Sensor(folder, folder / "state") as sensor:
        wait_until(lambda: children(sensor.pid), "a capture process")
        capture = children(sensor.pid)[0]
        sensor.signal(signal.SIGKILL)
        try:
            wait_until(lambda: gone(capture), "the end of the capture process")
        except TimeoutError as error:
            os.kill(capture, signal.SIGKILL)
            return [str(error)]
    return []


def terminated(folder, number):
    """The order to stop is heard while the sensor waits for its input."""
    traffic, state = four_steps(), folder / "state"
    with started(folder, traffic, 2 * STEP + 50) as sensor:
        wait_for_step(folder, 1)
        sensor.read_all()
        capture = sensor.capture_pid()
        sensor.signal(number)
        code, said = sensor.ended()
    complaints = [] if code == 0 else [f"exit {code}"]
    complaints += [f"said {said!r}"] * ("mailseald:" in said)
    complaints += ["the capture process is still there"] * (not gone(capture))
    counted = traffic.truth(0, 2 * STEP)
    for s in traffic.sessions:
        if s.step == START + 2 * STEP and traffic.began[s.ends] < 2 * STEP + 50:
            counted[s.step, s.client, s.server, s.column] += 1
    return complaints + ledger_is(state, counted)


def a_signal_twice(folder):
    with started(folder, four_steps(), STEP) as sensor:
        sensor.read_all()
        sensor.capture_pid()
        for _ in range(3):
            sensor.signal(signal.SIGTERM)
        code, _ = sensor.ended()
    return [] if code == 0 else [f"exit {code}"]


# Two sensors --------------------------------------------------------------------------------------

def second_sensor(folder):
    """One state directory, one sensor; and when the first is gone, another may take it."""
    traffic, state = four_steps(), folder / "state"
    capture = folder / "capture.pcap"
    capture.write_bytes(traffic.pcap(3 * STEP))
    arguments = ("-c", folder / "mailseal.yaml", "-r", capture, "--state", state, "--quiet")
    with started(folder, traffic, STEP + 10) as sensor:
        wait_for_step(folder, 0)
        before = query(state, "SELECT * FROM minutes")
        second = run(*arguments)
        complaints = one_line(second.stderr.decode(), str(state), "in use")
        if second.returncode != 1:
            complaints.append(f"exit {second.returncode}, not 1")
        if query(state, "SELECT * FROM minutes") != before:
            complaints.append("the ledger has changed")
        sensor.signal(signal.SIGKILL)
        sensor.ended()
    third = run(*arguments)
    if third.returncode != 0:
        complaints.append(f"afterwards: exit {third.returncode}: {third.stderr}")
    return complaints


TESTS = (
    ("the capture process is confined", capture_is_confined),
    ("the recorder has no capability", recorder_has_no_capability),
    ("kill -9 of the capture process", capture_killed),
    ("kill -9 of the recorder", recorder_killed),
    ("kill -9 of the recorder before there is a packet", recorder_killed_before_the_first_packet),
    ("SIGTERM", lambda folder: terminated(folder, signal.SIGTERM)),
    ("SIGINT", lambda folder: terminated(folder, signal.SIGINT)),
    ("SIGTERM more than once", a_signal_twice),
    ("a second sensor on the same state directory", second_sensor),
)


def main():
    tap = Tap()

    def test(name, function):
        with tempfile.TemporaryDirectory() as directory:
            tap.run(name, function, Path(directory))

    if ROOT:
        test("it can write to the channel only", only_the_channel_can_be_written_to)
    else:
        tap.skip("it can write to the channel only", "only root can look into it")
    for name, function in TESTS:
        test(name, function)
    tap.finish()


if __name__ == "__main__":
    main()
