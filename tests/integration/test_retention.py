#!/usr/bin/env python3
"""Retention: the recorder deletes session logs and closed incidents that are too old, says which, and
touches nothing else; what it cannot delete is said once; a clock far ahead deletes little."""
import contextlib
import os
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import session_record
from session_record import BUILDDIR
from tap import Tap
from traffic import CONFIGURATION, PATIENCE, START, Traffic, query

DAY = 86400


def day_name(day):
    """Of the session log so many days before the packets."""
    return subprocess.run(["date", "-u", "-d", f"@{START - day * DAY}", "+%F.jsonl"], check=True,
                          capture_output=True, text=True).stdout.strip()


class Place:
    """A configuration, and a state directory that has seen a minute two hours ago."""

    def __init__(self, folder, more=""):
        self.folder = Path(folder)
        self.state = self.folder / "state"
        self.sessions = self.state / "sessions"
        self.conf = self.folder / "mailseal.yaml"
        self.conf.write_text(CONFIGURATION + more, encoding="ascii")
        self.run(-7200)  # makes the directory, for whom it has to be

    def capture(self, at, hours=0):
        """Mail in clear at a time, and a packet in each hour that follows."""
        traffic = Traffic()
        traffic.add("smtp-plaintext", at)
        for hour in range(1, hours + 1):
            traffic.syn(at + 3600 * hour)
        path = self.folder / "capture.pcap"
        path.write_bytes(traffic.pcap())
        return path

    def run(self, at, hours=0):
        """Exit status and what was said of retention."""
        done = session_record.run("-c", str(self.conf), "-r", str(self.capture(at, hours)), "--state",
                                  str(self.state), "--quiet")
        said = [l for l in done.stderr.decode().splitlines() if "incident " not in l[:9]]
        return done.returncode, said

    def logs(self):
        return sorted(p.name for p in self.sessions.iterdir())

    def age(self, *days):
        for day in days:
            (self.sessions / day_name(day)).write_text("{}\n", encoding="ascii")


@contextlib.contextmanager
def place(more=""):
    with tempfile.TemporaryDirectory(prefix="mailseal-retention-") as folder:
        os.chmod(folder, 0o755)
        yield Place(folder, more)


def unequal(wanted, got, what):
    return [] if wanted == got else [f"{what}: {got}, not {wanted}"]


def gone(*names):
    return [f"mailseald: info event=expired what=sessions/{name}" for name in names]


# What goes ---------------------------------------------------------------------------------------

def old_logs_go():
    with place() as p:
        p.age(89, 90, 91, 92, 300)
        (p.sessions / "notes.txt").write_text("mine", encoding="ascii")
        (p.sessions / (day_name(200) + ".gz")).write_text("mine", encoding="ascii")
        os.symlink(p.conf, p.sessions / day_name(201))
        kept = [n for n in p.logs() if n not in (day_name(91), day_name(92), day_name(300))]
        code, said = p.run(60)
        return (unequal(0, code, "exit") +
                unequal(sorted(gone(day_name(91), day_name(92), day_name(300))), sorted(said), "said") +
                unequal(sorted(kept), p.logs(), "logs") +
                ([] if p.conf.exists() else ["what a link leads to is gone"]))


def configured_days():
    with place("retention: {sessions_days: 10}\n") as p:
        p.age(9, 10, 11, 12)
        p.run(60)
        return unequal(sorted([day_name(0), day_name(9), day_name(10)]), p.logs(), "logs")


def few_at_a_time():
    """Each has its line in the log: 16 of a pass, and a pass in each hour."""
    with place() as p:
        p.age(*range(100, 120))
        _, said = p.run(60)
        complaints = unequal(16, len(said), "lines of the first hour")
        _, said = p.run(3660)
        return (complaints + unequal(4, len(said), "lines of the second hour") +
                unequal([day_name(0)], p.logs(), "logs"))


def closed_incidents_go():
    with place("retention: {incidents_days: 30}\n") as p:
        p.run(60)
        with contextlib.closing(sqlite3.connect(p.state / "incidents.db")) as db:
            (number,) = db.execute("SELECT max(id) FROM incident").fetchone()
            for n, (state, age) in enumerate([("closed", 40), ("closed", 20), ("open", 40)]):
                db.execute(
                    "INSERT INTO incident (id, rule, client, server, service, sensor, severity, state,"
                    " why, opened, last_seen, closed, sessions, confirmed) VALUES (?, 'r', ?, 'y', 'mta',"
                    " 's', 'warning', ?, '', 1, 2, ?, 1, 1)",
                    (number + 1 + n, f"x{n}", state, START - age * DAY if state == "closed" else 0))
            db.commit()
        code, said = p.run(3660)
        left = {i for (i,) in query(p.state, "SELECT id FROM incident", name="incidents.db")}
        return (unequal(0, code, "exit") + unequal(
            [f"mailseald: info event=expired what=incident id={number + 1} rule=r"], said, "said") +
                unequal([False, True, True], [number + n in left for n in (1, 2, 3)], "what is left"))


# What does not -----------------------------------------------------------------------------------

def old_captures():
    """Files newer than the packets stay, however old they are by the clock."""
    with place() as p:
        p.age(-1, -400, 5)
        before = p.logs()
        code, said = p.run(60)
        return (unequal(0, code, "exit") + unequal([], said, "said") +
                unequal(sorted(before), p.logs(), "logs"))


def far_ahead():
    """A jump by a year: three hours of it delete what turns too old within three days, and that is
    all."""
    with place() as p:
        p.age(30, 87, 88, 89)
        p.run(60)
        _, said = p.run(60 + 365 * DAY, hours=2)
        return (unequal(gone(day_name(89), day_name(88)), said, "said") +
                ([] if (p.sessions / day_name(30)).exists() else ["a month old, and gone"]))


def said_once():
    """A directory that lets nothing be deleted: said once in three hours, and the exit code tells."""
    with place() as p:
        p.age(100)
        p.run(0)
        p.age(100)
        sessions = p.sessions.rename(p.folder / "elsewhere")
        os.symlink(sessions, p.sessions)
        code, said = p.run(3600, hours=3)
        said = [l for l in said if "what=retention" in l]
        return (unequal(1, code, "exit") + unequal(1, len(said), "lines") +
                ([] if (sessions / day_name(100)).exists() else ["deleted through a link"]))


# What people see ---------------------------------------------------------------------------------

def tools_go_on():
    """The tools read a state directory whose older days are gone."""
    with place("retention: {sessions_days: 1}\n") as p:
        p.run(60)
        p.run(60 + 40 * DAY, hours=50)
        complaints = [] if day_name(0) not in p.logs() else ["the first day is still there"]
        for words in (["matrix"], ["incidents", "--all"], ["report", "--month", "2026-10"],
                      ["export", "--pair", "alpha:beta", "--last", "60d"]):
            done = subprocess.run([str(BUILDDIR / "mailseal"), *words, "--state", str(p.state)],
                                  capture_output=True, timeout=PATIENCE)
            if done.returncode not in (0, 1) or b"annot" in done.stderr:
                complaints.append(f"{words}: exit {done.returncode}: {done.stderr}")
        return complaints


def main():
    tap = Tap()
    tap.run("session logs past their days are deleted, each said; other names and links stay",
            old_logs_go)
    tap.run("retention.sessions_days is followed", configured_days)
    tap.run("sixteen at a time, an hour apart", few_at_a_time)
    tap.run("closed incidents past their days are deleted, open ones stay", closed_incidents_go)
    tap.run("old packets delete nothing that is newer", old_captures)
    tap.run("a clock a year ahead deletes a day in an hour", far_ahead)
    tap.run("what cannot be deleted is said once", said_once)
    tap.run("the tools read what is left", tools_go_on)
    tap.finish()


if __name__ == "__main__":
    main()
