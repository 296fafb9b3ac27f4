#!/usr/bin/env python3
"""SIGHUP: other peers and rules while sessions cross; nothing is lost, nothing counts twice, and a
file that is wrong changes nothing."""
import json
import os
import signal
from collections import Counter
from pathlib import Path

from tap import Tap
from traffic import (CONFIGURATION, STEP, Sensor, Traffic, differences, health, ledger_counts,
                     ledger_is, query, wait_until)

RENAMED = CONFIGURATION.replace("name: alpha", "name: gamma")
ADDED = CONFIGURATION + "  - {name: delta, mta: [192.0.2.0/24]}\n"


class Reloaded(Sensor):
    """One whose configuration is replaced while it reads."""

    def __init__(self, folder, configuration=CONFIGURATION):
        Path(folder).chmod(0o755)
        self.state, self.sessions = Path(folder) / "state", Path(folder) / "sessions"
        super().__init__(folder, self.state, "--sessions", self.sessions,
                         configuration=configuration)

    def records(self):
        text = self.sessions.read_text(encoding="ascii") if self.sessions.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def feed(self, packets):
        first = not self.fed_any
        super().feed(packets)
        if first:
            self.capture_pid()  # it is past its start

    def feed_and_wait(self, packets, ended):
        """Until the recorder has seen so many sessions end, since the start."""
        self.feed(packets)
        wait_until(lambda: len(self.records()) == ended, f"{ended} records")

    def hang_up(self, word="event=reloaded"):
        before = self.said().count(word)
        self.signal(signal.SIGHUP)
        wait_until(lambda: self.said().count(word) > before or self.process.poll() is not None, word)

    def reload(self, configuration):
        new = self.conf.with_suffix(".new")
        new.write_text(configuration, encoding="ascii")
        new.rename(self.conf)
        self.hang_up()


def log_is_ledger(state):
    """Each line of the session log stands in the ledger under the same names."""
    lines = Counter()
    for path in (state / "sessions").iterdir():
        for line in path.read_text(encoding="ascii").splitlines():
            record = json.loads(line)
            lines[record["client_peer"], record["server_peer"]] += 1
    counted = Counter()
    for (_, client, server, _), n in ledger_counts(state).items():
        counted[client, server] += n
    return differences(lines, counted, "session log and ledger")


def renamed(traffic, old, new, since):
    """What is counted when a peer has another name for sessions that began since then."""
    out = Counter()
    for s in traffic.sessions:
        name = {old: new} if traffic.began[s.ends] >= since else {}
        out[s.step, name.get(s.client, s.client), name.get(s.server, s.server), s.column] += 1
    return out


def ended_well(sensor):
    code, said = sensor.end()
    return [f"exit {code}: {said}"] * (code != 0 or "error" in said)


def straddling(traffic, at, until):
    """Mail in clear, decided soon after its beginning, whose last packets come later."""
    before = len(traffic.packets)
    traffic.add("smtp-plaintext", at)
    late = len(traffic.packets) - 4
    assert late > before
    traffic.packets[late:] = [(t + (until - at) * 10**6, f) for t, f in traffic.packets[late:]]


# Other peers --------------------------------------------------------------------------------------

def another_name(folder):
    """In the middle of a step. A session keeps the name under which it was counted."""
    traffic, middle = Traffic(), 90
    traffic.add_steps(0, 4)
    straddling(traffic, middle - 2, middle + 20)
    begun = sum(at < middle for at in traffic.began.values())
    with Reloaded(folder) as sensor:
        sensor.feed_and_wait(traffic.between(None, middle), begun - 1)
        sensor.reload(RENAMED)
        sensor.feed(traffic.between(middle))
        complaints = ended_well(sensor)
        said = sensor.said()
    complaints += [said] * ("peers=2 new=1 gone=1" not in said)
    return (complaints + log_is_ledger(sensor.state) +
            ledger_is(sensor.state, renamed(traffic, "alpha", "gamma", middle)))


def one_more(folder):
    """A new peer counts from the next session on; the rest goes on."""
    traffic, middle = Traffic(), 1.5 * STEP
    traffic.add_steps(0, 3)
    begun = sum(at < middle for at in traffic.began.values())
    with Reloaded(folder) as sensor:
        sensor.feed_and_wait(traffic.between(None, middle), begun)
        sensor.reload(ADDED)
        sensor.feed(traffic.between(middle))
        complaints = ended_well(sensor)
    metrics = (sensor.state / "metrics.prom").read_text(encoding="ascii")
    complaints += ["the metrics lack it"] * ('client_peer="delta"' not in metrics)
    total = sum(int(line.split()[-1]) for line in metrics.splitlines()
                if line.startswith("mailseal_sessions_total{"))
    complaints += [f"{total} sessions in the metrics"] * (total != len(traffic.sessions))
    return complaints + ledger_is(sensor.state, renamed(traffic, "other", "delta", middle))


def many_in_a_row(folder):
    """While packets come, faster than they are answered."""
    traffic = Traffic()
    traffic.add_steps(0, 8)
    with Reloaded(folder) as sensor:
        for step in range(8):
            sensor.feed(traffic.between(step * STEP, (step + 1) * STEP))
            for _ in range(10):
                sensor.signal(signal.SIGHUP)
        sensor.hang_up()
        complaints = ended_well(sensor)
    lost = health(sensor.state, "lost", "sessions")
    complaints += [f"{lost}"] * (lost != {"lost": 0, "sessions": len(traffic.sessions)})
    return complaints + log_is_ledger(sensor.state) + ledger_is(sensor.state, traffic.truth())


# Files that are wrong -----------------------------------------------------------------------------

def broken(path):
    path.write_text(RENAMED.replace("signatory: true", "signatory: maybe"), encoding="ascii")
    return ":4: peers.signatory: ", "not 'maybe'"


def missing(path):
    path.unlink()
    return "No such file"


def forbidden(path):
    path.write_text(RENAMED, encoding="ascii")
    path.chmod(0)
    return "Permission denied (as the user that the sensor runs as)"


def kept(folder, spoil):
    """The line says which file and what is wrong with it, and all stays as it was; then it is right."""
    traffic, complaints = Traffic(), []
    traffic.add_steps(0, 3)
    with Reloaded(folder) as sensor:
        sensor.feed(traffic.between(None, STEP))
        words = spoil(sensor.conf)
        sensor.hang_up("event=reload-failed")
        lines = [line for line in sensor.said().splitlines() if "reload-failed" in line]
        words = (words,) if isinstance(words, str) else words
        if len(lines) != 1 or lines[0].count('"') != 2 or \
                not all(w in lines[0] for w in (str(sensor.conf), "stays as it was", *words)):
            complaints.append(f"said {lines}")
        sensor.feed(traffic.between(STEP, 2 * STEP))
        sensor.reload(CONFIGURATION)
        sensor.feed(traffic.between(2 * STEP))
        code, said = sensor.end()
    complaints += [f"exit {code}: {said}"] * (code != 0)
    return complaints + ledger_is(sensor.state, traffic.truth())


def what_waits(folder):
    """Keys of the capture are named, and stay."""
    changed = RENAMED.replace("sensor: test", "sensor: another").replace("5000", "6000")
    traffic = Traffic()
    traffic.add_steps(0, 2)
    with Reloaded(folder) as sensor:
        sensor.feed(traffic.between(None, STEP))
        sensor.reload(changed)
        wait_until(lambda: "event=not-reloaded" in sensor.said(), "a line about the rest")
        line = [s for s in sensor.said().splitlines() if "event=not-reloaded" in s][0]
        sensor.feed(traffic.between(STEP))
        complaints = ended_well(sensor)
        names = {r["sensor"] for r in sensor.records()}
    complaints += [line] * ('keys="sensor, capture.max_flows"' not in line)
    return complaints + [f"sensors {names}"] * (names != {"test"})


# Incidents ----------------------------------------------------------------------------------------

def incident_of_one_that_is_gone(folder):
    """It is open while its peer leaves; after its quiet time it closes and says why."""
    quiet = "incidents: {quiet_s: 300}\n"
    traffic = Traffic()
    traffic.add("smtp-plaintext", 10)
    for step in range(1, 9):
        traffic.add("smtp-starttls-220", step * STEP + 1)
        traffic.syn(step * STEP + 50)
    with Reloaded(folder, CONFIGURATION + quiet) as sensor:
        sensor.feed_and_wait(traffic.between(None, STEP), 1)
        wait_until(lambda: query(sensor.state, "SELECT 1 FROM incident", name="incidents.db"),
                   "an incident")
        sensor.reload(RENAMED + quiet)
        sensor.feed(traffic.between(STEP))
        complaints = ended_well(sensor)
    rows = query(sensor.state, "SELECT client, server, sessions, closed, why FROM incident"
                 " WHERE rule = 'plaintext-between-signatories'", name="incidents.db")
    if len(rows) != 1 or rows[0][:3] != ("alpha", "beta", 1) or not rows[0][3] or \
            "alpha is no longer in the configuration" not in rows[0][4]:
        complaints.append(f"incidents {rows}")
    return complaints


def another_rule(folder):
    """A rule that is switched off opens nothing any more."""
    off = "alerts: {rules: [{rule: plaintext-between-signatories, severity: off}]}\n"
    traffic = Traffic()
    traffic.add("smtp-plaintext", 10)
    traffic.add("smtp-plaintext", 30, "beta", "alpha")
    with Reloaded(folder) as sensor:
        sensor.feed_and_wait(traffic.between(None, 20), 1)
        sensor.reload(CONFIGURATION + off)
        sensor.feed(traffic.between(20))
        complaints = ended_well(sensor)
    rows = query(sensor.state, "SELECT client, server FROM incident WHERE rule ="
                 " 'plaintext-between-signatories'", name="incidents.db")
    return complaints + [f"incidents {rows}"] * (rows != [("alpha", "beta")])


def other_signatories(folder):
    """The graphs of the whole were of others: the next start draws them anew."""
    traffic = Traffic()
    traffic.add_steps(0, 3)
    with Reloaded(folder) as sensor:
        sensor.feed(traffic.between(None, 1.5 * STEP))
        wait_until(lambda: (sensor.state / "rrd" / "mta" / "total.rrd").exists(), "graphs")
        sensor.reload(RENAMED)
        sensor.feed(traffic.between(1.5 * STEP))
        complaints = ended_well(sensor)
        complaints += [sensor.said()] * ("event=rrd-stale" not in sensor.said())
    with Sensor(folder, sensor.state, configuration=RENAMED) as again:
        traffic.syn(4 * STEP)
        again.feed(traffic.between(4 * STEP))
        code, said = again.end()
    return complaints + [f"exit {code}: {said}"] * (code != 0 or "event=rrd-rebuild" not in said)


def nothing_to_read(folder):
    """Without -c there is nothing to read anew: it ends, as it would with SIGTERM."""
    with Reloaded(folder) as sensor:
        traffic = Traffic()
        traffic.add_steps(0, 1)
        sensor.feed(traffic.between())
        sensor.end()
    with Sensor(folder, sensor.state, configured=False) as bare:
        traffic = Traffic()
        traffic.add_steps(2, 3)
        bare.feed(traffic.between())
        bare.read_all()
        bare.capture_pid()
        bare.signal(signal.SIGHUP)
        code, said = bare.ended()
    return [f"exit {code}: {said}"] * (code != 0 or "error" in said)


TESTS = (
    ("another name", another_name),
    ("one peer more", one_more),
    ("many in a row", many_in_a_row),
    ("a broken file", lambda folder: kept(folder, broken)),
    ("a missing file", lambda folder: kept(folder, missing)),
    ("a file that may not be read", lambda folder: kept(folder, forbidden)),
    ("keys that wait for the next start", what_waits),
    ("an incident of a peer that is gone", incident_of_one_that_is_gone),
    ("a rule that is switched off", another_rule),
    ("other signatories", other_signatories),
    ("without a configuration file", nothing_to_read),
)


def main():
    tap = Tap()
    tap.run_together(TESTS)
    tap.finish()


if __name__ == "__main__":
    main()
