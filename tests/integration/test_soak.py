#!/usr/bin/env python3
"""A month of traffic in less than a minute: a day that is looped with its times shifted, through one sensor that
lives for weeks, and then through several that are stopped and killed. Configurations are loaded anew, logs
are rotated, an RRD file is cut short. Memory and descriptors stay what they are; totals are exact.

MAILSEAL_SOAK=full is the month; otherwise there are three days, whose memory says nothing.
"""
import collections
import json
import os
import random
import signal
import struct
import subprocess
import tempfile
from pathlib import Path

from session_record import BUILDDIR
from tap import Tap
from traffic import (CONFIGURATION, START, STEP, TALKS, Sensor, Traffic, built_with,
                     ledger_counts, process_status, rolled_up, sound, wait_until)

DAY = 86400
FULL = os.environ.get("MAILSEAL_SOAK") == "full"
# Days of each life, and how it ends. Of the first one the memory is looked at.
LIVES = (((18, "stopped"), (2, "killed"), (3, "stopped"), (1, "killed"), (4, "over"), (2, "over"))
         if FULL else ((1, "stopped"), (1, "killed"), (1, "over")))
CUT_SHORT = 1  # before this life, a file of RRDtool
STEPS = 120 if FULL else 24  # of a day that have sessions
APART = 24 * 60 // STEPS  # minutes
SESSIONS = 18  # of each of them
GROWTH = 0.03
MEMORY = "/dev/shm"  # a disk that is slow has nothing to do with it
PAIRS = (("alpha", "beta"), ("beta", "alpha"), ("other", "alpha"))


# The day ---------------------------------------------------------------------------------------------

class Looped(Traffic):
    """Packets of one day, which can be had as those of any other. It begins in the middle of one of
    ours, as START does."""

    def __init__(self, seed):
        super().__init__()
        chance = random.Random(seed)
        for step in range(STEPS):
            minute = step * APART + chance.randrange(APART // 3)
            for n in range(SESSIONS):
                self.port = 20000 + step * SESSIONS + n
                self.add(chance.choice(list(TALKS)), STEP * minute + 1 + 3 * n,
                         *chance.choice(PAIRS))
        self.whole = self.between()
        self.at, here = [], 0
        while here < len(self.whole):
            self.at.append((here, struct.unpack_from("<I", self.whole, here)[0]))
            here += 16 + struct.unpack_from("<I", self.whole, here + 8)[0]

    def of_day(self, day):
        out = bytearray(self.whole)
        for here, seconds in self.at:
            struct.pack_into("<I", out, here, seconds + day * DAY)
        return bytes(out)

    def truth_of(self, days):
        out = collections.Counter()
        for (step, *rest), n in self.truth().items():
            for day in range(days):
                out[(step + day * DAY, *rest)] += n
        return out


def end_of(day):
    """A lone packet that ends the last step of a day, and lies in a step of its own."""
    out = Traffic()
    out.port += day
    out.syn((day + 1) * DAY - 2 * STEP)
    out.syn((day + 1) * DAY - STEP // 2)
    return out.between()


# A life ----------------------------------------------------------------------------------------------

def state_of(pid):
    """(KiB in memory, open descriptors)"""
    return (int(process_status(pid)["VmRSS"].split()[0]),
            len(os.listdir(f"/proc/{pid}/fd")))


def is_done(state, end):
    """The metrics are the last that is written of a step."""
    path = state / "metrics.prom"
    return path.exists() and f" {START + end}\n" in path.read_text("ascii")


def rotate(folder, day):
    """As logrotate would, also what is being written."""
    for path in (folder / "state" / "sessions").glob("*.jsonl"):
        path.rename(folder / "rotated" / f"{path.name}.{day}")


def reload(sensor, times):
    """Another configuration, and the log files anew."""
    text = CONFIGURATION + ("incidents: {quiet_s: %d}\n" % (3600 + times))
    sensor.conf.write_text(text, encoding="ascii")
    sensor.signal(signal.SIGHUP)
    wait_until(lambda: sensor.said().count("event=reloaded") == times, "a new configuration")
    sensor.signal(signal.SIGUSR1)
    wait_until(lambda: sensor.said().count("event=reopened") == times, "the log anew")


def live(folder, looped, days, how):
    """Goes through some days; returns what the two processes had at the end of each, and complaints."""
    samples, reloads = [], 0
    with Sensor(folder, folder / "state", configuration=CONFIGURATION) as sensor:
        sensor.feed(b"")
        pids = sensor.pid, sensor.capture_pid()
        for day in days:
            sensor.feed(looped.of_day(day) + end_of(day))
            wait_until(lambda d=day: is_done(folder / "state", (d + 1) * DAY - STEP),
                       "the end of a day")
            samples.append([state_of(pid) for pid in pids])
            if day % 3 == 1:
                rotate(folder, day)
                reloads += 1
                reload(sensor, reloads)
        if how != "over":
            sensor.signal({"stopped": signal.SIGTERM, "killed": signal.SIGKILL}[how])
        code, said = sensor.end()
    wanted = {"over": 0, "stopped": 0, "killed": -signal.SIGKILL}[how]
    return samples, ([] if code == wanted else [f"exit {code}: {said}"])


def cut_short(folder):
    path = folder / "state" / "rrd" / "mta" / "alpha" / "beta.rrd"
    os.truncate(path, path.stat().st_size // 2)


def month(folder, looped):
    (folder / "rotated").mkdir()
    samples, complaints, first = [], [], 0
    for number, (days, how) in enumerate(LIVES):
        if number == CUT_SHORT:
            cut_short(folder)
        taken, said = live(folder, looped, range(first, first + days), how)
        samples.append(taken)
        if number != CUT_SHORT or how == "killed":
            complaints += [f"life {number}: {c}" for c in said]
        first += days
    return first, samples, complaints


# What it comes to ------------------------------------------------------------------------------------

def flat(samples):
    """Of the first life: the last third takes no more than the second."""
    out, third = [], len(samples) // 3
    for number, name in enumerate(("recorder", "capture")):
        memory = [day[number][0] for day in samples]
        open_files = {day[number][1] for day in samples}
        before, last = (sum(memory[n * third:(n + 1) * third]) / third for n in (1, 2))
        if last > before * (1 + GROWTH):
            out.append(f"the {name} process grew: {memory}")
        if len(open_files) != 1:
            out.append(f"the {name} process had {sorted(open_files)} open descriptors")
    return out


def descriptors(samples):
    """The same in every life."""
    all_of = {tuple(process[1] for process in day) for life in samples for day in life}
    return [f"open descriptors: {sorted(all_of)}"] * (len(all_of) != 1)


def exact(state, wanted):
    out = []
    for table, unit in (("hours", 3600), ("days", DAY)):
        truth, got = rolled_up(wanted, unit), ledger_counts(state, table)
        out += [f"{table}: {k}: {got[k]}, not {truth[k]}" for k in sorted(set(truth) | set(got))
                if truth[k] != got[k]][:6]
    return out


def tool(*words):
    done = subprocess.run([str(BUILDDIR / "mailseal"), *map(str, words)], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def told(folder, looped, days):
    """What the tool says of all of it."""
    found = tool("matrix", "--all", "--json", "--state", folder / "state", "--from",
                 "2024-02-01T00:00", "--to", "2024-05-01T00:00")
    got = collections.Counter()
    for pair in found["pairs"]:
        for column, n in pair["counts"].items():
            if column in TALKS.values() and n:
                got[pair["client"], pair["server"], column] += n
    wanted = collections.Counter()
    for (_, *rest), n in looped.truth().items():
        wanted[tuple(rest)] += n * days
    return [] if got == wanted else [f"the matrix tells {got}, not {wanted}"]


def logged(folder, sessions):
    """Each session has its line, in a log that was rotated or not."""
    lines = sum(len(path.read_text("ascii").splitlines()) for path in
                [*(folder / "rotated").iterdir(), *(folder / "state" / "sessions").iterdir()])
    return [f"{lines} lines of {sessions} sessions"] * (lines != sessions)


def drawn(folder, days):
    """The file that was cut short goes to the end."""
    path = folder / "state" / "rrd" / "mta" / "alpha" / "beta.rrd"
    last = subprocess.run(["rrdtool", "last", str(path)], check=False, capture_output=True,
                          text=True)
    wanted = START + days * DAY - STEP
    return [] if last.returncode == 0 and int(last.stdout) >= wanted - 2 * STEP else [
        f"it ends with {last.stdout}{last.stderr}, not {wanted}"]


def main():
    tap = Tap()
    looped = Looped(1)
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as directory:
        folder = Path(directory)
        folder.chmod(0o755)
        days, samples, complaints = month(folder, looped)
        state = folder / "state"
        tap.result(not complaints, f"{days} days in {len(LIVES)} lives", *complaints)
        tap.run("totals are exact", exact, state, looped.truth_of(days))
        tap.run("the tool tells them", told, folder, looped, days)
        tap.run("each session is in the log", logged, folder, days * len(looped.sessions))
        tap.run("the databases are sound", sound, state)
        tap.run("an RRD file that was cut short is whole", drawn, folder, days)
        if not built_with("WITH_SANITIZERS"):
            tap.run("descriptors stay what they are", descriptors, samples)
        if FULL and not built_with("WITH_SANITIZERS"):
            tap.run("memory is flat", flat, samples[0])
        else:
            tap.skip("memory is flat", "MAILSEAL_SOAK is not full")
    tap.finish()


if __name__ == "__main__":
    main()
