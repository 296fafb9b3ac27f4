#!/usr/bin/env python3
"""The clock of a live sensor is set, forward and back, by an hour and by ten years: connections that are
open over it get the right verdict, everything counts once, and nothing of before is deleted. Needs root.

The clock of the computer is left alone: that of the sensor is shifted by shifted_clock.c.
"""
import os
import struct
import subprocess
import time
from pathlib import Path

from between_hosts import run_between_hosts
from live_sensor import LiveSensor
from mailhosts import WIRE
from session_record import BUILDDIR, MAILSEALD, NO_LEAK_CHECK, check, run
from test_floods import VERDICT
from test_live import ended_well
from traffic import (CONFIGURATION, PATIENCE, START, Traffic, health, query, sound,
                     wait_until)

HOUR, DAY = 3600, 86400
YEARS = 3652 * DAY  # ten
KINDS = ("smtp-plaintext", "smtp-starttls-220", "smtp-scanner-quit", "smtp-tls-client-alert")
ALERTS = """\
syslog: {socket: ""}
alerts: {rules: [{rule: sensor-blind, blind_s: 120}]}
"""
LIBRARY = BUILDDIR / "tests" / "integration" / "shifted_clock.so"


def with_clock(clock, seconds):
    """What makes of a command one whose clock is shifted, as the file says from then on."""
    clock.write_bytes(struct.pack("<qq", seconds * 10**9, 0))
    clock.chmod(0o644)
    return ("env", f"LD_PRELOAD={LIBRARY}", f"MAILSEAL_CLOCK_SHIFT={clock}",
            f"ASAN_OPTIONS={NO_LEAK_CHECK}:verify_asan_link_order=0")


class ShiftedSensor(LiveSensor):
    """That its clock was set the log says."""

    def __init__(self, folder, hosts, *arguments, seconds=0):
        self.clock, self.heard = Path(folder) / "clock", 0
        shifted = with_clock(self.clock, seconds)
        super().__init__(folder, lambda *words: hosts.inside(hosts.names[1], *shifted, *words),
                         CONFIGURATION + ALERTS, WIRE, "--quiet", *arguments)

    def hear(self, event):
        """Waits for a line of the log, behind the last that was heard."""
        wait_until(lambda: event in self.said()[self.heard:], event)
        self.heard = self.said().index(event, self.heard) + len(event)

    def shift(self, at, seconds):
        with open(self.clock, "r+b", buffering=0) as file:
            file.seek(at)
            file.write(struct.pack("<q", seconds * 10**9))

    def set_clock(self, seconds):
        """From what it is."""
        self.shift(0, seconds)
        self.hear("event=clock-stepped")

    def wait_for(self, *mail):
        """All that was sent so far: what is still on its way would come after what follows."""
        sessions = sum(len(m.sessions) for m in mail)
        wait_until(lambda: len(self.all_records()) >= sessions, "every session")

    def let_pass(self, seconds):
        """By the clock that only goes on."""
        self.shift(8, seconds)


class Mail(Traffic):
    """Sessions of every kind, put on the wire in two halves."""

    def __init__(self, number):
        super().__init__()
        self.port += 100 * number
        for n in range(2):
            for name in KINDS:
                self.add(name, 0, *(("alpha", "beta"), ("beta", "alpha"))[n])

    def replay(self, folder, hosts, half=None):
        """half: 0 for the first four packets of each connection, 1 for the rest."""
        path = Path(folder) / "mail.pcap"
        packets = self.packets
        if half is not None:
            self.packets = [p for p in packets
                            if (p[0] - START * 10**6 < 4000) == (half == 0)]
        path.write_bytes(self.pcap())
        self.packets = packets
        hosts.replay(path)


def records(sensor):
    return {(r["client"], r["client_port"]): r for r in sensor.all_records()}


def verdicts(found, mail):
    out = []
    for s in (s for m in mail for s in m.sessions):
        record = found.get(s.ends)
        if not record:
            out.append(f"{s.ends}: no record")
        elif record["verdict"] != VERDICT[s.column]:
            out.append(f"{s.ends}: {record['verdict']} ({record['reason']}), not "
                       f"{VERDICT[s.column]}")
        else:
            out += check(record)
    return out


def with_history(folder):
    """A state that holds a capture of 2024."""
    old, path = Traffic(), Path(folder) / "old.pcap"
    old.add_steps(0, 3)
    path.write_bytes(old.pcap())
    conf = Path(folder) / "old.yaml"
    conf.write_text(CONFIGURATION, encoding="ascii")
    done = run("-c", conf, "-r", path, "--state", Path(folder) / "state", "--quiet")
    if done.returncode != 0:
        raise OSError(done.stderr)
    return old


def counted(state, table, first):
    columns = ", ".join(f"sum({c})" for c in VERDICT)
    return query(state, f"SELECT {columns} FROM {table} WHERE step >= ?", first)[0]


def exact(state, mail, began):
    """Each session counts once in each of the three tables."""
    wanted = tuple(sum(s.column == c for m in mail for s in m.sessions) for c in VERDICT)
    out = [f"{t}: {counted(state, t, began)}, not {wanted}" for t in ("minutes", "hours", "days")
           if counted(state, t, began // DAY * DAY) != wanted]
    steps = query(state, "SELECT count(*) FROM health_minutes WHERE step >= ?", began - HOUR)[0][0]
    return out + [f"{steps} steps"] * (steps > 12)


def history_stays(state, old):
    wanted = tuple(sum(s.column == c for s in old.sessions) for c in VERDICT)
    columns = ", ".join(f"sum({c})" for c in VERDICT)
    return [f"of 2024 {t} has {got}, not {wanted}" for t in ("hours", "days") for got in
            query(state, f"SELECT {columns} FROM {t} WHERE step < {START + DAY}") if got != wanted]


def stepped(folder, hosts, seconds):
    """Before, over the step, after it, over the step back, and after that."""
    os.chmod(folder, 0o755)
    old = with_history(folder)
    began = int(time.time())
    mail = [Mail(n) for n in range(5)]
    with ShiftedSensor(folder, hosts) as sensor:
        mail[1].replay(folder, hosts, 0)
        mail[0].replay(folder, hosts)
        sensor.wait_for(mail[0])
        sensor.set_clock(seconds)
        mail[1].replay(folder, hosts, 1)
        mail[3].replay(folder, hosts, 0)
        mail[2].replay(folder, hosts)
        sensor.wait_for(mail[0], mail[1], mail[2])
        sensor.set_clock(0)
        mail[3].replay(folder, hosts, 1)
        mail[4].replay(folder, hosts)
        sensor.wait_for(*mail)
        sessions = sum(len(m.sessions) for m in mail)
        complaints = ended_well(*sensor.end())
        found = sensor.all_records()
        complaints += [f"{len(found)} records of {sessions} sessions"] * (len(found) != sessions)
        complaints += verdicts(records(sensor), mail)
    counters = health(Path(folder) / "state", "late", "time_jumps", "lost", "drop_kernel")
    complaints += [f"{counters}"] * (counters["late"] == 0 or counters["time_jumps"] != 2 or
                                     counters["lost"] + counters["drop_kernel"] != 0)
    return (complaints + exact(sensor.state, mail, began) + history_stays(sensor.state, old) +
            sound(sensor.state))


def killed_behind(folder, hosts):
    """While no step is over, what there is goes to the ledger once in a while; killed, and started again
    while the clock is still behind, the sensor goes on. But not when it is days behind."""
    os.chmod(folder, 0o755)
    state, mail, began = Path(folder) / "state", [Mail(n) for n in range(3)], int(time.time())

    def in_ledger(*which):
        wanted = tuple(sum(s.column == c for m in which for s in m.sessions) for c in VERDICT)
        wait_until(lambda: counted(state, "minutes", began - 60) == wanted, "counts in the ledger")
    with ShiftedSensor(folder, hosts) as sensor:
        mail[0].replay(folder, hosts)
        sensor.wait_for(mail[0])
        sensor.set_clock(-HOUR)
        mail[1].replay(folder, hosts)
        sensor.wait_for(mail[0], mail[1])
        sensor.let_pass(200)
        in_ledger(mail[0], mail[1])
    with ShiftedSensor(folder, hosts, seconds=-HOUR) as sensor:
        sensor.hear("event=clock-behind")
        mail[2].replay(folder, hosts)
        sensor.wait_for(mail[2])
        code, said = sensor.end()
    complaints = ended_well(code, said) + exact(state, mail, began) + sound(state)
    late = subprocess.run(hosts.inside(
        hosts.names[1], *with_clock(Path(folder) / "clock", -3 * DAY), MAILSEALD, "-i", WIRE, "-c",
        Path(folder) / "mailseal.yaml", "--state", state, "--quiet"), capture_output=True,
                          text=True, check=False, timeout=PATIENCE)
    return complaints + [f"exit {late.returncode}: {late.stderr}"] * (
        late.returncode != 1 or "already holds" not in late.stderr)


def tests(tap, hosts, _):
    for what, seconds in (("an hour forward", HOUR), ("an hour back", -HOUR),
                          ("ten years forward", YEARS), ("ten years back", -YEARS)):
        tap.run_each(((f"{what}, and again to what it was", stepped),), hosts, seconds)
    tap.run_each((("killed while the clock is behind", killed_behind),), hosts)


if __name__ == "__main__":
    run_between_hosts(tests)
