#!/usr/bin/env python3
"""kill -9 of either process at random instants of a looped capture. After the restart the ledger
holds whole steps, each exactly as in the capture and none twice; only the last one may hold less,
when it was the capture process that died. Every RRD file holds what the ledger holds.

MAILSEAL_FAULTS=full kills 200 times instead of 20, MAILSEAL_SEED repeats a run."""
import collections
import fcntl
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tap import Tap
from test_ledger import Place, log_of
from traffic import (START, STEP, TALKS, VERDICTS, Ends, Sensor, children, differences, last_step,
                     ledger_counts, pcap_record, process_status, query, read_talk, rolled_up, sound,
                     wait_until)

SEED = int(os.environ.get("MAILSEAL_SEED") or random.SystemRandom().randrange(2**32))
ROUNDS = 10 if os.environ.get("MAILSEAL_FAULTS") == "full" else 1
KILLS = 20  # of a round, which has a state directory of its own
TOGETHER = 6  # steps that a run gets
SHOWN = 12  # complaints
PERIOD = 12  # steps, then they come again
SESSIONS = 8  # of a step
PEERS = ("alpha", "beta", "delta", "gamma")
PAIRS = [(c, s) for c in PEERS for s in PEERS if c != s]
CONFIGURATION = "sensor: test\ncapture: {max_flows: 5000, max_undecided: 1000}\npeers:\n" + "".join(
    f"  - {{name: {p}, signatory: true, mta: [198.51.100.{16 * n}/28]}}\n"
    for n, p in enumerate(PEERS))
SEALED = "smtp-starttls-220"  # mostly: in clear there is much to do for the incidents
PIPE = 1 << 20


class Loop:
    """A capture of PERIOD steps, over and over."""

    def __init__(self):
        self.steps = [self._step(n) for n in range(PERIOD)]

    @staticmethod
    def _step(n):
        packets, counts, talks = [], collections.Counter(), sorted(TALKS)
        for k in range(SESSIONS):
            client, server = PAIRS[(5 * n + 7 * k) % len(PAIRS)]
            name = SEALED if (n + k) % 4 else talks[(n + k) // 4 % len(talks)]
            ends = Ends(f"198.51.100.{16 * PEERS.index(client) + 1 + k}", 20000 + 100 * n + k,
                        f"198.51.100.{16 * PEERS.index(server) + 15}", 25)
            packets += [(10**6 * (1 + 6 * k) + 1000 * i, ends.frame(packet))
                        for i, packet in enumerate(read_talk(name).packets())]
            counts[client, server, TALKS[name]] += 1
        return packets, counts

    def packets(self, first, last):
        """Of the steps from first up to last."""
        return b"".join(pcap_record((START + n * STEP) * 10**6 + at, frame)
                        for n in range(first, last) for at, frame in self.steps[n % PERIOD][0])

    def truth(self, steps):
        return collections.Counter({(START + n * STEP, *key): count for n in steps
                                    for key, count in self.steps[n % PERIOD][1].items()})


# Files ------------------------------------------------------------------------------------------

def steps_of(rows):
    return {(step - START) // STEP for step, in rows}


def fetch(paths, last):
    """What rrdtool reads of all files, in one process: {path: {step: {source: count}}}."""
    asked = "".join(f'fetch "{p}" AVERAGE -r {STEP} -s {START} -e {START + last * STEP}\n'
                    for p in paths)
    done = subprocess.run(["rrdtool", "-"], input=asked, capture_output=True, text=True,
                          check=False, env={**os.environ, "LC_ALL": "C"}, timeout=60)
    out, parts = {}, done.stdout.split("OK u:")
    for path, part in zip(paths, parts):
        lines = [line for line in part.splitlines() if line.strip()]
        lines = lines[1:] if lines and lines[0][0].isdigit() else lines  # behind "OK u:"
        names = lines[0].split() if lines else []
        out[path] = {(int(time_) - START) // STEP - 1: {
            n: None if "nan" in v else round(float(v) * STEP)
            for n, v in zip(names, values.split())}
            for time_, values in (line.split(":", 1) for line in lines[1:])}
    return out


def unlike(what, got, steps, wanted):
    """wanted: the count of a step in a column; None where the file knows nothing."""
    return [f"{what} {step} {column}: {got.get(step, {}).get(column)}, not {wanted(step, column)}"
            for step in steps for column in VERDICTS
            if got.get(step, {}).get(column) != wanted(step, column)][:3]


def files_are_the_ledger(state):
    counts = ledger_counts(state)
    ran = steps_of(query(state, "SELECT step FROM health_minutes"))
    if not ran:
        return []
    packets = dict(query(state, "SELECT step, packets FROM health_minutes"))
    steps, folder, firsts = range(max(ran) + 1), state / "rrd" / "mta", {}
    for step, client, server, _ in sorted(counts):
        firsts.setdefault((client, server), (step - START) // STEP)
    files = {pair: folder / pair[0] / (pair[1] + ".rrd") for pair in firsts}
    total, sensor = folder / "total.rrd", state / "rrd" / "health.rrd"
    got = fetch([*files.values(), total, sensor], max(ran) + 1)
    complaints = []
    for pair, path in files.items():
        complaints += unlike("/".join(pair), got.get(path, {}), range(firsts[pair], len(steps)),
                             lambda n, column, pair=pair: None if n not in ran else
                             counts[START + n * STEP, *pair, column])
    first = min(ran)
    complaints += unlike("total", got.get(total, {}), range(first, len(steps)), lambda n, column:
                         None if n not in ran else
                         sum(counts[START + n * STEP, *pair, column] for pair in firsts))
    health = got.get(sensor, {})
    return complaints + [f"health.rrd {n}: {health.get(n, {}).get('packets')}"
                         for n in range(first, len(steps))
                         if health.get(n, {}).get("packets") != packets.get(START + n * STEP)][:3]


# A round ------------------------------------------------------------------------------------------

class Round:
    def __init__(self, directory, rolls):
        self.place, self.rolls, self.loop = Place(directory), rolls, Loop()
        self.state = self.place.state
        self.next = 0  # step
        self.counted = set()  # steps of which all must be in the ledger
        self.partial = set()  # of which not more may be
        self.offered = collections.Counter()
        self.took = 0.5  # seconds, for all that a run is given
        self.marked = 0

    def sensor(self):
        sensor = Sensor(self.place.dir, self.state, configuration=CONFIGURATION)
        fcntl.fcntl(sensor.process.stdin.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
        return sensor

    def wait_for_the_moment(self, sensor):
        """Any moment; or, every other time, while RRD files are written."""
        end = time.monotonic() + self.rolls.random() * self.took
        if self.rolls.randrange(2) or last_step(self.state) is None:
            time.sleep(max(0, end - time.monotonic()))
            return
        end += self.took
        while not is_marked(self.state) and time.monotonic() < end and \
                sensor.process.poll() is None:
            pass
        time.sleep(0.002 * self.rolls.random())

    def run_and_kill(self):
        """Complaints. What is fed may end at any byte."""
        first, last = self.next, self.next + TOGETHER
        packets = self.loop.packets(first, last)
        if self.rolls.randrange(2):
            packets = packets[:self.rolls.randrange(len(packets))]
        for step in range(first, last):
            self.offered[step] += 1
        with self.sensor() as sensor:
            sensor.feed(packets)
            wait_until(lambda: children(sensor.pid), "a capture process")
            capture, of_capture = children(sensor.pid)[0], self.rolls.randrange(3) == 0
            self.wait_for_the_moment(sensor)
            os.kill(capture if of_capture else sensor.pid, signal.SIGKILL)
            code, said = sensor.ended()
            wait_until(lambda: not process_status(capture), "the end of the capture process")
        complaints = self.look(first, last, of_capture)
        if of_capture and (code != 1 or "event=capture-died" not in said):
            complaints.append(f"the recorder: exit {code}: {said}")
        return complaints

    def look(self, first, last, of_capture):
        """At what was left behind."""
        end = last_step(self.state)
        end = -1 if end is None else end // STEP
        self.marked += is_marked(self.state)
        done = set(range(first, end + 1))
        if of_capture and done:
            self.partial.add(end)
            done.remove(end)
        self.counted |= done
        self.next = max(first, end + 1) if self.rolls.random() < 0.5 else last
        return self.ledger_is_right() if end >= 0 else []

    def ledger_is_right(self):
        got, complaints = ledger_counts(self.state), sound(self.state)
        ran = steps_of(query(self.state, "SELECT step FROM health_minutes"))
        if ran != self.counted | self.partial:
            complaints.append(f"steps {sorted(ran ^ (self.counted | self.partial))}")
        rest = {k: n for k, n in got.items() if (k[0] - START) // STEP in self.partial}
        most = self.loop.truth(self.partial)
        complaints += [f"more than there was: {k}: {n}" for k, n in rest.items() if n > most[k]]
        truth = self.loop.truth(self.counted) + collections.Counter(rest)
        for table, unit in (("minutes", STEP), ("hours", 3600), ("days", 86400)):
            complaints += differences(rolled_up(truth, unit), ledger_counts(self.state, table),
                                      table)
        return complaints

    def tear_log(self):
        """As a kill in the midst of a line leaves it."""
        for path in (self.state / "sessions").iterdir():
            if path.stat().st_size > 20 and self.rolls.random() < 0.3:
                os.truncate(path, path.stat().st_size - self.rolls.randrange(2, 20))

    def restart_and_compare(self):
        """A run of two steps that ends well; before them and behind them files are the ledger."""
        begun, first = time.monotonic(), self.next
        with self.sensor() as sensor:
            sensor.feed(self.loop.packets(first, first + 1))
            wait_until(lambda: not is_marked(self.state) or sensor.process.poll() is not None,
                       "files that are drawn")
            complaints = files_are_the_ledger(self.state)
            sensor.feed(self.loop.packets(first + 1, first + 2))
            code, said = sensor.end()
        self.took = min(self.took, time.monotonic() - begun)
        rest = [line for line in log_of(said) if "event=rrd-rebuild" not in line]
        self.counted |= {first, first + 1}
        self.offered[first] += 1
        self.offered[first + 1] += 1
        self.next = first + 2
        return complaints + [f"exit {code}: {rest}"] * (code != 0 or bool(rest)) + \
            self.ledger_is_right() + files_are_the_ledger(self.state)

    def log_is_whole(self):
        """Whole lines, of sessions that there were, not more often than they were offered."""
        counted = collections.Counter()
        for path in (self.state / "sessions").iterdir():
            for line in path.read_text("ascii").splitlines(keepends=True):
                r = json.loads(line)
                minute = int(r["counted"][11:13]) * 60 + int(r["counted"][14:16]) - 600
                counted[minute] += 1
                if not line.endswith("\n"):
                    return [f"half a line: {line}"]
        return [f"{n} lines of step {step}" for step, n in counted.items()
                if n > SESSIONS * self.offered[step]]

    def run(self):
        for n in range(KILLS):
            found = self.run_and_kill()
            if (self.state / "sessions").exists():
                self.tear_log()
            if is_marked(self.state):
                found += self.restart_and_compare()
            elif last_step(self.state) is not None:
                found += files_are_the_ledger(self.state)
            if found:
                return [f"kill {n + 1}: {c}" for c in found[:SHOWN]]
        return self.restart_and_compare() + self.log_is_whole()


def is_marked(state):
    """Whether a batch of RRD updates has begun and not ended."""
    return last_step(state) is not None and \
        query(state, "SELECT value FROM meta WHERE name = 'rrd_dirty'") == [(1,)]


def main():
    tap, marked = Tap(), 0
    print(f"# MAILSEAL_SEED={SEED}", flush=True)
    for n in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            one = Round(directory, random.Random(SEED + n))
            tap.run(f"{KILLS} kills, seed {SEED} + {n}", one.run)
            marked += one.marked
    print(f"# of {ROUNDS * KILLS} kills {marked} fell in the midst of a batch of RRD updates")
    tap.finish()


if __name__ == "__main__":
    main()
