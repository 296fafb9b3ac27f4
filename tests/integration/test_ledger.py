#!/usr/bin/env python3
"""The ledger through outages, restarts and kills: every total is exact, nothing counts twice, and
RRD files that were hurt are drawn anew."""
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from session_record import BUILDDIR, run
from tap import Tap
from traffic import (CONFIGURATION, START, STEP, VERDICTS, Sensor, Traffic, committed, differences,
                     health, last_step, ledger_is, query, wait_until)

SEED = int(os.environ.get("MAILSEAL_SEED") or random.SystemRandom().randrange(2**32))
IN_2096 = 3976214400
IN_1975 = 157766400
PAIRS = {"alpha": ("beta",), "beta": ("alpha",), "other": ("alpha",)}
PROMISED = (("alpha", "beta"), ("beta", "alpha"))


class Place:
    """A folder with a configuration and a state directory."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.state = self.dir / "state"
        self.conf = self.dir / "mailseal.yaml"
        self.conf.write_text(CONFIGURATION, encoding="ascii")

    def file(self, content, name="capture.pcap"):
        path = self.dir / name
        path.write_bytes(content)
        return path

    def run(self, content, *arguments):
        return run("-c", self.conf, "-r", self.file(content), "--state", self.state, "--quiet",
                   *arguments)

    def tool(self, *arguments):
        return subprocess.run([str(BUILDDIR / "mailseal"), *arguments, "--state",
                               str(self.state)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=300)


def log_of(said):
    """What is on standard error besides incidents."""
    return [line for line in said.splitlines() if not line.startswith("incident ")]


def ended_well(process):
    said = log_of(process.stderr.decode())
    if process.returncode != 0 or said:
        return [f"exit {process.returncode}: {said}"]
    return []


def ended_after_a_kill(code, said):
    """Well, but it may have found files that it had to draw anew."""
    rest = [line for line in log_of(said) if "event=rrd-rebuild" not in line]
    return [f"exit {code}: {rest}"] if code != 0 or rest else []


def matrix_is(place, truth):
    """What people see: the totals of mailseal matrix."""
    done = place.tool("matrix", "--all", "--json", "--from", "2024-03-01T00:00")
    if done.returncode != 0:
        return [f"matrix: exit {done.returncode}: {done.stderr}"]
    got = Counter({(p["client"], p["server"], v): p["counts"][v]
                   for p in json.loads(done.stdout)["pairs"] for v in VERDICTS if p["counts"][v]})
    wanted = Counter()
    for (_, client, server, column), n in truth.items():
        wanted[client, server, column] += n
    return differences(wanted, got, "matrix")


def session_log(place):
    return [json.loads(line) for path in sorted((place.state / "sessions").iterdir())
            for line in path.read_text("ascii").splitlines()]


def log_is(place, truth):
    """The session log has each session of these steps, once."""
    counted = Counter()
    seen = Counter()
    for r in session_log(place):
        counted[r["counted"], r["client_peer"], r["server_peer"]] += 1
        seen[r["timestamp"], r["client_port"]] += 1
    wanted = Counter()
    for (step, client, server, _), n in truth.items():
        minute = (step - START) // STEP
        wanted[f"2024-03-01T{10 + minute // 60:02}:{minute % 60:02}:00Z", client, server] += n
    return (differences(wanted, counted, "session log") +
            [f"twice: {i}" for i, n in seen.items() if n > 1])


# Outages, restarts, kills ---------------------------------------------------------------------------

def exact_through_everything(place):
    """Runs begin where the last one ended, or later, and end in every way. Time and again the
    recorder is killed at an arbitrary packet; what was not committed is offered again."""
    rolls = random.Random(SEED)
    traffic, steps, missed = Traffic(), 36, set()
    traffic.add_steps(0, steps)
    first, complaints = 0, []
    while first < steps and not complaints:
        last = min(first + rolls.randrange(1, 7), steps)
        how = rolls.choice(("whole", "killed", "killed", "killed", "stopped", "outage"))
        if how == "outage":
            missed.add(first)
            first += 1
            continue
        complaints += [f"{how} {first} to {last}: {c}"
                       for c in RUNS[how](place, traffic, first, last, rolls)]
        in_ledger = last_step(place.state)
        first = first if in_ledger is None else max(first, in_ledger // STEP + 1)
        complaints += ledger_is(place.state, truth_without(traffic, missed, first)) \
            if in_ledger is not None else []
    truth = truth_without(traffic, missed, steps)
    return complaints or matrix_is(place, truth)


def truth_without(traffic, missed, steps):
    return Counter({k: n for k, n in traffic.truth(0, steps * STEP).items()
                    if (k[0] - START) // STEP not in missed})


def run_whole(place, traffic, first, last, _):
    done = place.run(traffic.pcap(first * STEP, last * STEP))
    return ended_after_a_kill(done.returncode, done.stderr.decode())


def run_killed(place, traffic, first, last, rolls):
    """Killed at once, or when everything was read, or when a step was committed; in any case in
    the midst of a packet."""
    until = rolls.randrange(first * STEP, last * STEP)
    rest = traffic.between(until, last * STEP)
    with Sensor(place.dir, place.state) as sensor:
        sensor.feed(traffic.between(first * STEP, until) + rest[:rolls.randrange(100)])
        patience = rolls.randrange(3)
        if patience == 1:
            sensor.read_all()
        elif patience == 2 and until > (first + 2) * STEP:
            wait_until(lambda: committed(place.state, first), "a commit")
        sensor.signal(signal.SIGKILL)
        sensor.end()
    return []


def run_stopped(place, traffic, first, last, _):
    with Sensor(place.dir, place.state) as sensor:
        sensor.feed(traffic.between(first * STEP, last * STEP))
        sensor.read_all()
        sensor.signal(signal.SIGTERM)
        return ended_after_a_kill(*sensor.ended())


RUNS = {"whole": run_whole, "killed": run_killed, "stopped": run_stopped}


def killed_in_every_step(place):
    """Killed right behind each commit, so that every run leaves exactly one step more."""
    traffic, state, complaints = Traffic(), place.state, []
    traffic.add_steps(0, 6)
    for step in range(5):
        with Sensor(place.dir, state) as sensor:
            sensor.feed(traffic.between(step * STEP, (step + 1) * STEP + 30))
            wait_until(lambda: last_step(state) == step * STEP, f"step {step}")
            sensor.signal(signal.SIGKILL)
            sensor.ended()
        complaints += ledger_is(state, traffic.truth(0, (step + 1) * STEP))
    done = place.run(traffic.pcap(5 * STEP))
    complaints += ended_after_a_kill(done.returncode, done.stderr.decode())
    return complaints + ledger_is(state, traffic.truth()) + matrix_is(place, traffic.truth())


# What a run may add -----------------------------------------------------------------------------------

def replay_is_refused(place):
    """The same capture again, and one that overlaps: one clear line, and nothing changes."""
    traffic, complaints = Traffic(), []
    traffic.add_steps(0, 4)
    complaints += ended_well(place.run(traffic.pcap()))
    before = contents(place.state)
    for first in (0, 3 * STEP):
        again = place.run(traffic.pcap(first))
        said = again.stderr.decode().splitlines()
        if again.returncode != 1 or len(said) != 1 or "another --state" not in said[0]:
            complaints.append(f"from {first}: exit {again.returncode}: {said}")
        if contents(place.state) != before:
            complaints.append(f"from {first}: the state directory has changed")
    return complaints + ledger_is(place.state, traffic.truth()) + log_is(place, traffic.truth())


def contents(state):
    """All tables of the ledger and of the incidents, and the bytes of every other file."""
    out = {}
    for path in sorted(p for p in state.rglob("*") if p.is_file()):
        if path.suffix == ".db":
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            out[path.name] = list(db.iterdump())
            db.close()
        elif not path.name.endswith(("-wal", "-shm")):
            out[str(path)] = path.read_bytes()
    return out


def later_is_added(place):
    """Two captures with an hour between them are one ledger; hours and days add up."""
    traffic, complaints = Traffic(), []
    traffic.add_steps(0, 3)
    traffic.add_steps(70, 73)
    complaints += ended_well(place.run(traffic.pcap(None, 10 * STEP)))
    complaints += ledger_is(place.state, traffic.truth(0, 10 * STEP))
    complaints += ended_well(place.run(traffic.pcap(10 * STEP)))
    return (complaints + ledger_is(place.state, traffic.truth()) + log_is(place, traffic.truth()) +
            matrix_is(place, traffic.truth()))


def late_sessions(place):
    """Decided in a step that is closed already: they count in the open one and are told apart."""
    traffic = Traffic()
    traffic.add_steps(0, 2)
    early = Traffic()
    for n in range(5):
        early.add("smtp-plaintext", 20 + n, "beta", "alpha", step=3 * STEP)
    rest = Traffic()
    rest.add("smtp-starttls-220", 3 * STEP + 30)
    traffic.syn(3 * STEP + 20)
    complaints = ended_well(place.run(traffic.pcap() + early.between() + rest.between()))
    truth = traffic.truth() + early.truth() + rest.truth()
    complaints += ledger_is(place.state, truth) + log_is(place, truth)
    late = health(place.state, "late")["late"]
    return complaints + [f"late is {late}, not 5"] * (late != 5)


# Times that cannot be true -----------------------------------------------------------------------------

def packet_at(second):
    frames = Traffic()
    frames.syn(second - START)
    return frames.between()


def a_packet_of_2096(place):
    """In the middle of a capture: the sessions around it and through it are as without it, and
    a later capture is still taken."""
    traffic, complaints = Traffic(), []
    traffic.add_steps(0, 5)
    middle = 2 * STEP + 14.010  # within a session
    content = traffic.pcap(None, middle) + packet_at(IN_2096) + traffic.between(middle, 4 * STEP)
    complaints += ended_well(place.run(content))
    complaints += ledger_is(place.state, traffic.truth(0, 4 * STEP))
    if last_step(place.state) != 3 * STEP:
        complaints.append(f"the last step is {last_step(place.state)}")
    jumps = health(place.state, "time_jumps")["time_jumps"]
    complaints += [f"time_jumps is {jumps}, not 2"] * (jumps != 2)
    complaints += ended_well(place.run(traffic.pcap(4 * STEP)))
    return (complaints + ledger_is(place.state, traffic.truth()) +
            rrd_is(place, traffic.truth(), range(5)))


def a_session_of_2096(place):
    """A whole session there counts in the open step."""
    traffic, far = Traffic(), Traffic()
    traffic.add_steps(0, 2)
    far.add("smtp-plaintext", IN_2096 - START, "beta", "alpha", step=STEP)
    complaints = ended_well(place.run(traffic.pcap(None, STEP + 30) + far.between() +
                                      traffic.between(STEP + 30)))
    complaints += ledger_is(place.state, traffic.truth() + far.truth())
    future = health(place.state, "future")["future"]
    return complaints + [f"future is {future}, not 1"] * (future != 1)


def a_capture_of_1975(place):
    """Counts, but no RRD; and it says so."""
    shift = IN_1975 - IN_1975 % STEP - START
    traffic = Traffic()
    for n in range(4):
        traffic.add("smtp-starttls-220", shift + n * STEP + 5)
    done = place.run(traffic.pcap())
    said = done.stderr.decode().splitlines()
    complaints = []
    if done.returncode != 0 or len(said) != 1 or "1980" not in said[0]:
        complaints.append(f"exit {done.returncode}: {said}")
    files = [str(p) for p in (place.state / "rrd").rglob("*.rrd")]
    return complaints + [f"there is {f}" for f in files] + ledger_is(place.state, traffic.truth())


# RRD files --------------------------------------------------------------------------------------------

def rrd_file(place, client, server):
    return place.state / "rrd" / "mta" / client / (server + ".rrd")


def fetch(path, first, last):
    """What rrdtool reads: {step: {source: count}} for the steps from first to last."""
    done = subprocess.run(["rrdtool", "fetch", str(path), "AVERAGE", "-r", str(STEP), "-s",
                           str(first), "-e", str(last)], capture_output=True, text=True,
                          check=False, env={**os.environ, "LC_ALL": "C"}, timeout=60)
    if done.returncode != 0:
        return {}
    lines = done.stdout.splitlines()
    names = lines[0].split()
    out = {}
    for line in lines[2:]:
        time, values = line.split(":")
        out[int(time) - STEP] = {n: None if "nan" in v else round(float(v) * STEP, 6)
                                 for n, v in zip(names, values.split())}
    return out


def total_file(place):
    return place.state / "rrd" / "mta" / "total.rrd"


def total_is(place, truth, steps):
    got = fetch(total_file(place), START, START + (max(steps) + 1) * STEP)
    complaints = []
    for step in (START + n * STEP for n in steps):
        for column in VERDICTS:
            wanted = sum(truth[step, client, server, column] for client, server in PROMISED)
            value = got.get(step, {}).get(column)
            if value != wanted:
                complaints.append(f"total.rrd {step - START} {column}: {value}, not {wanted}")
    return complaints


def rrd_is(place, truth, steps):
    """Every file holds for each of these steps what the ledger holds."""
    complaints = total_is(place, truth, steps)
    for client, servers in PAIRS.items():
        for server in servers:
            got = fetch(rrd_file(place, client, server), START, START + (max(steps) + 1) * STEP)
            first = min(s for s, c, v, _ in truth if (c, v) == (client, server))
            for step in (START + n * STEP for n in steps if START + n * STEP >= first):
                for column in VERDICTS:
                    wanted = truth[step, client, server, column]
                    value = got.get(step, {}).get(column)
                    if value != wanted:
                        complaints.append(f"{client}/{server}.rrd {step - START} {column}: "
                                          f"{value}, not {wanted}")
    return complaints[:10]


def mark_dirty(place):
    """What a kill in the midst of a batch of updates leaves in the ledger."""
    db = sqlite3.connect(place.state / "ledger.db")
    with db:
        db.execute("INSERT INTO meta VALUES('rrd_dirty', 1)"
                   " ON CONFLICT(name) DO UPDATE SET value = 1")
    db.close()


def is_dirty(place):
    return query(place.state, "SELECT value FROM meta WHERE name = 'rrd_dirty'") == [(1,)]


def shift_rows(path):
    """As a kill inside an update leaves it: the file is whole, and its history is off by one."""
    done = subprocess.run(["rrdtool", "dump", str(path)], capture_output=True, text=True,
                          check=True, timeout=60)
    rows = re.findall("<row>.*</row>", done.stdout)
    moved = iter(rows[1:] + rows[:1])
    text = re.sub("<row>.*</row>", lambda _: next(moved), done.stdout)
    subprocess.run(["rrdtool", "restore", "-f", "-", str(path)], input=text, text=True,
                   check=True, timeout=60)


def ahead(path):
    """As if the file knew steps that the ledger does not."""
    done = subprocess.run(["rrdtool", "last", str(path)], capture_output=True, text=True,
                          check=True, timeout=60)
    values = ":".join(["99"] * 17)
    subprocess.run(["rrdtool", "update", str(path), f"{int(done.stdout) + 2 * STEP}:{values}"],
                   check=True, timeout=60)


def aside(path):
    return path.with_name(path.name + ".aside")


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


# What it is, how it is done, and whether it shows: then the file is set aside.
HURTS = (("truncated", truncate, True), ("off by one", shift_rows, False),
         ("ahead of the ledger", ahead, False), ("empty", lambda p: p.write_bytes(b""), True),
         ("garbage", lambda p: p.write_bytes(b"\xa5" * 5000), True),
         ("removed", lambda p: p.unlink(), False))


def with_rrd(place, steps):
    traffic = Traffic()
    traffic.add_steps(0, steps + 1)
    complaints = ended_well(place.run(traffic.pcap(None, steps * STEP)))
    return traffic, complaints + rrd_is(place, traffic.truth(), range(steps))


def hurt_and_marked(place, hurt, shows):
    """The next start draws all files anew, says so, and goes on."""
    traffic, complaints = with_rrd(place, 4)
    path = rrd_file(place, "alpha", "beta")
    before = path.read_bytes()
    hurt(path)
    if path.exists() and path.read_bytes() == before:
        complaints.append("the file was not hurt")
    mark_dirty(place)
    done = place.run(traffic.pcap(4 * STEP))
    said = log_of(done.stderr.decode())
    if done.returncode != 0 or len(said) != 1 + shows or "event=rrd-rebuild" not in said[0] or \
            (shows and f'event=rrd-aside file="{path}"' not in said[1]):
        complaints.append(f"exit {done.returncode}: {said}")
    complaints += ["the mark is still there"] * is_dirty(place)
    complaints += ["nothing was set aside"] * (shows and not aside(path).exists())
    return (complaints + rrd_is(place, traffic.truth(), range(5)) +
            ledger_is(place.state, traffic.truth()))


def hurt_and_rebuilt(place, hurt, shows):
    """mailseal rebuild-rrd, without a mark."""
    traffic, complaints = with_rrd(place, 4)
    path = rrd_file(place, "alpha", "beta")
    hurt(path)
    done = place.tool("rebuild-rrd")
    if shows != (f"it is now {path}.aside" in done.stderr) or shows != aside(path).exists():
        complaints.append(f"set aside: {done.stderr}")
    if done.returncode != 0:
        complaints.append(f"rebuild-rrd: exit {done.returncode}: {done.stderr}")
    complaints += rrd_is(place, traffic.truth(), range(4))
    complaints += ended_well(place.run(traffic.pcap(4 * STEP)))
    return complaints + rrd_is(place, traffic.truth(), range(5))


def totals_are_added(place):
    """A state directory from before there were totals gets them with the next start, and a
    signatory more changes what they hold."""
    traffic, complaints = with_rrd(place, 4)
    for path in (place.state / "rrd").glob("*/total.rrd"):
        path.unlink()
    done = place.run(traffic.pcap(4 * STEP))
    said = log_of(done.stderr.decode())
    if done.returncode != 0 or len(said) != 1 or "totals are missing" not in said[0]:
        complaints.append(f"exit {done.returncode}: {said}")
    complaints += ["the mark is still there"] * is_dirty(place)
    complaints += rrd_is(place, traffic.truth(), range(5))
    text = place.conf.read_text(encoding="ascii")
    place.conf.write_text(text.replace("name: beta, signatory: true", "name: beta"),
                          encoding="ascii")
    traffic.add_steps(5, 6)
    done = place.run(traffic.pcap(5 * STEP))
    said = log_of(done.stderr.decode())
    if done.returncode != 0 or len(said) != 1 or "of other signatories" not in said[0]:
        complaints.append(f"exit {done.returncode}: {said}")
    got = fetch(total_file(place), START, START + 6 * STEP)
    if any(got.get(START + n * STEP, {}).get(v) != 0 for n in range(6) for v in VERDICTS):
        complaints.append(f"one signatory promises nothing, but: {got}")
    return complaints


def killed_while_it_runs(place):
    """After real kills, whatever they hit, the files are what the ledger is."""
    traffic, state, rolls = Traffic(), place.state, random.Random(SEED + 1)
    traffic.add_steps(0, 12)
    step = 0
    while step < 11:  # the last one is never over before the end
        with Sensor(place.dir, state) as sensor:
            sensor.feed(traffic.between(step * STEP))
            target = rolls.randrange(step, 11)
            wait_until(lambda t=target: committed(state, t), f"step {target}")
            sensor.signal(signal.SIGKILL)
            sensor.ended()
        step = last_step(state) // STEP + 1
    complaints = ledger_is(state, traffic.truth(0, step * STEP))
    traffic.add_steps(12, 13)
    done = place.run(traffic.pcap(step * STEP))
    complaints += ended_after_a_kill(done.returncode, done.stderr.decode())
    return (complaints + ledger_is(state, traffic.truth()) +
            rrd_is(place, traffic.truth(), range(13)))


TESTS = (
    ("totals are exact through outages, restarts and kills", exact_through_everything),
    ("killed in every step", killed_in_every_step),
    ("a replay is refused", replay_is_refused),
    ("a later capture is added", later_is_added),
    ("late sessions count in the open step", late_sessions),
    ("a packet of 2096 in the middle", a_packet_of_2096),
    ("a session of 2096 in the middle", a_session_of_2096),
    ("a capture of 1975", a_capture_of_1975),
    ("totals are added to files of before", totals_are_added),
    ("RRD files after kills", killed_while_it_runs),
)


def main():
    tap = Tap()
    print(f"# MAILSEAL_SEED={SEED}")

    def test(name, function, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            tap.run(name, function, Place(directory), *arguments)

    for name, function in TESTS:
        test(name, function)
    for name, hurt, shows in HURTS:
        test(f"an RRD file that is {name}: the next start", hurt_and_marked, hurt, shows)
        test(f"an RRD file that is {name}: rebuild-rrd", hurt_and_rebuilt, hurt, shows)
    tap.finish()


if __name__ == "__main__":
    main()
