#!/usr/bin/env python3
"""mailseal on a state directory with known numbers, and on every kind of bad one."""
import csv
import grp
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAILSEAL = BUILDDIR / "mailseal"
MAKE_STATE = BUILDDIR / "tests" / "integration" / "make_state"

DONE, FAILED, USAGE = 0, 1, 2
PLAY_COURIERS = BUILDDIR / "tests" / "integration" / "play_couriers"
COMMANDS = ("matrix", "report", "explain", "graph", "incidents", "ack", "test-alert", "export",
            "rebuild-rrd", "serve", "html")
NOBODY = 65534
ENV = dict(os.environ, LC_ALL="C", TZ="Pacific/Auckland")
for name in ("COLUMNS", "NO_COLOR"):
    ENV.pop(name, None)


class Ran:
    def __init__(self, *arguments, stdin=b"", env=None, stdout=subprocess.PIPE, user=None, cwd=None):
        done = subprocess.run([str(MAILSEAL), *map(str, arguments)], input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, env=dict(ENV, **(env or {})), user=user,
                              cwd=cwd, timeout=120)
        self.arguments = arguments
        self.code = done.returncode
        self.raw = done.stdout or b""
        self.out = self.raw.decode("utf-8", "backslashreplace")
        self.err = done.stderr.decode("utf-8", "backslashreplace")

    def expect(self, code, *texts):
        """Complaints: wrong code, a text that is missing, bytes no terminal should see."""
        bad = []
        if self.code != code:
            bad.append("exit %d, not %d" % (self.code, code))
        bad += ["no %r" % t for t in texts if t not in self.out + self.err]
        if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", self.out + self.err):
            bad.append("control characters in the output")
        if code == DONE and self.err:
            bad.append("standard error is not empty")
        if code != DONE and (self.out or self.err.count("\n") != 1):
            bad.append("an error is one line on standard error and nothing else")
        return bad + ["%s" % (self.arguments,), self.out, self.err] if bad else []


def fresh(top, name):
    """A copy of the filled state directory."""
    there = top / name
    shutil.copytree(top / "state", there)
    return there


# Matrix ------------------------------------------------------------------------------------------

# E, P, U, sessions of the last 24 hours: make_state.c adds 55 steps.
PAIRS = {
    ("orange", "free"): (550, 1, 1, 553),
    ("free", "orange"): (275, 0, 0, 275),
    ("sfr", "bouygues"): (1, 0, 0, 1),
    ("laposte", "sfr"): (0, 0, 0, 3),
    ("bouygues", "orange"): (0, 0, 0, 1),
}
OTHERS = {("other", "orange"): (385, 0, 0, 385), ("orange-net", "free"): (0, 2, 0, 2)}


def matrix_table(state):
    ran = Ran("matrix", "--state", state)
    bad = ran.expect(DONE, "2026-11-21 11:00 to 2026-11-22 11:00 UTC, the last 24 h in the ledger",
                     "99.81 %", "99.63-99.82", "553 / 99 %", "100 %", "275 / 100 %", "3 / -",
                     "99.87 % encrypted (99.51-99.88), 833 sessions, coverage 99 %",
                     "orange -> free: 1 session, 1 mail accepted",
                     "3 in clear of which the server accepted nothing",
                     "4 of the exceptions", "387 sessions with other parties",
                     "ran for 55 min of 24 h; 55000 packets read, 5 dropped in the ring,",
                     "0 by the interfaces, 2 records lost",
                     "limited: 3 gaps, 5 packets dropped, 2 records lost",
                     "1 open (mailseal incidents)")
    bad += ["line over 80 columns: " + l for l in ran.out.splitlines() if len(l) > 80]
    bad += ["other parties are shown"] if "orange-net" in ran.out else []
    return bad


def matrix_json(state):
    ran = Ran("matrix", "--state", state, "--json")
    bad = ran.expect(DONE)
    m = json.loads(ran.out)
    got = {(p["client"], p["server"]): (p["E"], p["P"], p["U"], p["sessions"]) for p in m["pairs"]}
    bad += [] if got == PAIRS else ["pairs: %r" % got]
    for p in m["pairs"]:
        e, clear, u = p["E"], p["P"], p["U"]
        if e + clear:
            bad += [] if abs(p["ratio"] - e / (e + clear)) < 1e-12 else ["ratio: %r" % p]
        else:
            bad += [] if p["ratio"] is None else ["ratio: %r" % p]
        bad += [] if sum(p["counts"][v] for v in ("enc_starttls", "enc_implicit", "plaintext",
                "tls_failed", "no_transaction", "indeterminate")) == p["sessions"] else ["%r" % p]
        if e + clear + u:
            bad += [] if p["lowest"] <= (p["ratio"] or 0) <= p["highest"] else ["bounds: %r" % p]
    total = {k: m["total"][k] for k in ("lost", "sessions", "E", "P", "U")}
    expected = {"lost": 2, "sessions": 833, "E": 826, "P": 1, "U": 3}
    bad += [] if total == expected else ["total: %r" % total]
    bad += [] if m["sensor"]["seconds_seen"] == 3300 and m["sensor"]["limited"] else ["sensor"]
    bad += [] if m["sensor"]["packets"] == 55000 and m["sensor"]["lost"] == 2 else ["health"]
    bad += [] if m["incidents"] == {"open": 1} else ["incidents: %r" % m["incidents"]]
    bad += [] if m["period"]["from"] == "2026-11-21T11:00:00Z" else ["period"]
    return bad


def matrix_csv(state):
    ran = Ran("matrix", "--state", state, "--csv", "--all")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    got = {(r["client"], r["server"]): tuple(int(r[k]) for k in ("E", "P", "U", "sessions"))
           for r in rows}
    promised = {(r["client"], r["server"]) for r in rows if r["promised"] == "true"}
    return (ran.expect(DONE) + ([] if got == {**PAIRS, **OTHERS} else ["%r" % got])
            + ([] if promised == set(PAIRS) else ["promised: %r" % promised]))


def matrix_periods(state):
    """Each step has 15 sessions; the first 4 more, and that at half past 4 more."""
    bad = []
    for options, sessions in ((("--last", "30m"), 30 * 15 + 4), (("--last", "2w"), 833 + 5),
                              (("--from", "2026-11-22T10:00", "--to", "2026-11-22T10:01"), 15 + 4),
                              (("--to", "2026-11-13"), 5), (("--from", "2026-11-12"), 838)):
        ran = Ran("matrix", "--state", state, "--json", *options)
        bad += ran.expect(DONE)
        got = json.loads(ran.out)["total"]["sessions"]
        bad += [] if got == sessions else ["%r: %d, not %d" % (options, got, sessions)]
    bad += Ran("matrix", "--state", state, "--from", "2026-11-23").expect(FAILED, "11:00 UTC")
    return bad


def matrix_services(state):
    ran = Ran("matrix", "--state", state, "--service", "submission", "--json")
    m = json.loads(ran.out)
    bad = ran.expect(DONE) + ([] if m["total"]["E"] == 220 else ["%r" % m["total"]])
    bad += [] if [p["promised"] for p in m["pairs"]] == [False] else ["promised"]
    bad += Ran("matrix", "--state", state, "--service", "submission").expect(
        DONE, "All pairs", "220 / 100 %")
    bad += Ran("matrix", "--state", state, "--service", "access").expect(DONE, "No session")
    return bad


def matrix_narrow(state):
    ran = Ran("matrix", "--state", state, env={"COLUMNS": "44"})
    headings = [l for l in ran.out.splitlines() if l.startswith("from \\ to")]
    return (ran.expect(DONE) + ([] if len(headings) >= 2 else ["one block only", ran.out])
            + ["over 44 columns: " + l for l in ran.out.splitlines()[2:] if len(l) > 44
               and "part of them" not in l and "it can be" not in l])


def colour_is_for_terminals(state):
    """The same table on a terminal, where it has colours."""
    parent, child = os.openpty()
    done = subprocess.Popen([str(MAILSEAL), "matrix", "--state", str(state)], stdout=child,
                            env=dict(ENV, TERM="xterm"))
    os.close(child)
    shown = b""
    while True:
        try:
            more = os.read(parent, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(parent)
    plain = Ran("matrix", "--state", state).out
    stripped = re.sub(rb"\x1b\[[0-9;]*m", b"", shown).decode().replace("\r\n", "\n")
    return ([] if done.wait() == 0 else ["exit"]) + ([] if b"\x1b[1;31m99.81 %" in shown else
            ["no red: %r" % shown[:400]]) + ([] if stripped == plain else ["texts differ"])


# Explain -----------------------------------------------------------------------------------------


def explain_forms(state):
    log = state / "sessions" / "2026-11-22.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    community = json.loads(lines[1])["community_id"]
    said = ("Verdict: plaintext", "A MAIL command crossed in clear",
            "the server greeted (220)", "the client said EHLO", "198.51.100.5 port 40312",
            "The server did not offer STARTTLS.", "The content of a message or mailbox crossed.")
    bad = Ran("explain", "-", stdin=lines[1]).expect(DONE, *said)
    bad += Ran("explain", stdin=lines[1]).expect(DONE, *said, "If orange and free are both")
    bad += Ran("explain", log).expect(DONE, "sfr, 198.51.100.5", "its sender")
    bad += Ran("explain", "--line", "2", log).expect(DONE, *said)
    bad += Ran("explain", log, "--line=2", "--state", state).expect(
        DONE, *said, "both signatories", "it counts against the charter")
    bad += Ran("explain", "--state", state, "--session", community).expect(
        DONE, *said, "2 sessions of that day have this ID")
    return bad


def explain_errors(state):
    log = state / "sessions" / "2026-11-22.jsonl"
    good = log.read_text().splitlines()[0]
    unknown = json.dumps(dict(json.loads(good), colour="red")).encode()
    wrong = json.dumps(dict(json.loads(good), verdict="\x1b[31mfine")).encode()
    cases = (
        (["--line", "3", log], b"", "not a session record"),  # half written
        (["--line", "4", log], b"", "no line 4, only 3"),
        (["/nonexistent/x"], b"", "No such file"),
        ([state], b"", "Is a directory"),
        ([], b"", "it is empty"),
        ([], b"x" * 11000 + b"\n", "too long"),
        ([], b"\x1b]0;evil\x07\n", "not a session record"),
        ([], unknown, 'unknown key "colour"'),
        ([], wrong, '"verdict"'),
        (["--state", state, "--session", "1:none"], b"", 'no session "1:none"'),
        (["--state", state / "none", "--session", "1:none"], b"", "no state directory"),
        (["--state", state / "none"], good.encode(), "no state directory"),
    )
    bad = []
    for arguments, stdin, text in cases:
        bad += Ran("explain", *arguments, stdin=stdin).expect(FAILED, text)
    for arguments in (["--line", "0"], ["--line", "x"], ["--line", "1x"], ["--line", "0" * 9 + "1"],
                      ["--line", "1", "--session", "a"], ["a", "b"]):
        bad += Ran("explain", *arguments).expect(USAGE, "mailseal explain --help")
    return bad


def a_session_log_that_is_missing(top):
    state = fresh(top, "nolog")
    shutil.rmtree(state / "sessions")
    return Ran("explain", "--state", state, "--session", "1:x").expect(FAILED, "no session log")


# Graph -------------------------------------------------------------------------------------------


def graph_formats(top, state):
    bad = []
    for name, begin in (("p.png", b"\x89PNG\r\n"), ("p.svg", b"<?xml")):
        out = top / name
        bad += Ran("graph", "--state", state, "--pair", "orange:free", "--last", "2h", "--out", out,
                   "--width", "500", "--height", "150").expect(DONE, "%s\n" % out)
        bad += [] if out.read_bytes().startswith(begin) else [name + " has another format"]
        bad += [] if out.stat().st_mode & 0o777 == 0o666 & ~UMASK else ["%o" % out.stat().st_mode]
    again = top / "again.svg"
    bad += Ran("graph", "--state", state, "--pair", "orange:free", "--last", "2h", "--out", again,
               "--width", "500", "--height", "150", env={"TZ": "UTC"}).expect(DONE)
    bad += [] if again.read_bytes() == (top / "p.svg").read_bytes() else ["the axis is not in UTC"]
    here = top / "here"
    here.mkdir()
    bad += Ran("graph", "--state", state, "--pair", "orange:free", cwd=here).expect(
        DONE, "orange-free-mta.png\n")
    bad += [] if [p.name for p in here.iterdir()] == ["orange-free-mta.png"] else ["files beside it"]
    return bad


def graph_kinds(top, state):
    """Each kind of each thing is another picture, and has a name of its own."""
    here = top / "kinds"
    here.mkdir()
    bad, wanted = [], []
    for subject, stem in ((["--pair", "orange:free"], "orange-free-mta"), (["--total"], "total-mta"),
                          (["--total", "--service", "submission"], "total-submission")):
        for kind in ("sessions", "ratio", "tls", "funnel"):
            wanted.append(stem + ("" if kind == "sessions" else "-" + kind) + ".png")
            bad += Ran("graph", "--state", state, *subject, "--kind", kind, "--last", "2h",
                       cwd=here).expect(DONE, wanted[-1] + "\n")
    for kind in ("packets", "loss", "flows"):
        wanted.append("sensor-%s.png" % kind)
        bad += Ran("graph", "--state", state, "--kind", kind, "--last", "2h", cwd=here).expect(
            DONE, wanted[-1] + "\n")
    made = {p.name: p.read_bytes() for p in here.iterdir()}
    bad += [] if sorted(made) == sorted(wanted) else ["%r is not %r" % (sorted(made), wanted)]
    bad += [] if len(set(made.values())) == len(made) else ["two pictures are the same"]
    return bad


def graph_looks(top, state):
    """Theme, time zone and incidents show."""
    without = fresh(top, "noincidents")
    for path in without.glob("incidents.db*"):
        path.unlink()
    pictures = []
    bad = []
    for name, arguments in (
            ("plain", []), ("dark", ["--theme", "dark"]), ("utc", ["--timezone", "UTC"]),
            ("zone", ["--timezone", "Asia/Kolkata"]), ("unmarked", ["--state", without])):
        out = top / (name + ".png")
        bad += Ran("graph", "--state", state, "--pair", "orange:free", "--last", "2h", "--out", out,
                   *arguments).expect(DONE)
        pictures.append(out.read_bytes())
    bad += [] if pictures[0] == pictures[2] else ["the default is not UTC"]
    bad += [] if len(set(pictures)) == 4 else ["two pictures are the same"]
    return bad


def graph_errors(top, state):
    pair = ["--state", state, "--pair", "orange:free"]
    missing = fresh(top, "norrd")
    shutil.rmtree(missing / "rrd")
    bad = []
    for arguments, text in (
            (["--state", state, "--pair", "orange:nobody"], 'no peer "nobody"'),
            (["--state", state, "--pair", "free:sfr"], "no session from free to sfr (mta)"),
            (pair + ["--to", "2026-11-12"], "no session from orange to free"),
            (pair + ["--service", "access"], "no session from orange to free (access)"),
            (pair + ["--out", top / "none" / "x.png"], "No such file or directory"),
            (["--state", missing, "--pair", "orange:free"], "mailseal rebuild-rrd")):
        bad += Ran("graph", *arguments, cwd=top).expect(FAILED, text)
    for arguments in (["--state", state], ["--pair", "orange"], ["--pair", "../x:y"], ["--pair", ":"],
                      ["--total", "--pair", "orange:free"], pair + ["--kind", "pie"],
                      pair + ["--kind", "loss"], ["--total", "--kind", "flows"],
                      ["--kind", "packets", "--service", "mta"], pair + ["--theme", "pink"],
                      pair + ["--timezone", "Europe/Atlantis"], pair + ["--timezone", "../UTC"],
                      pair + ["--out", "x.gif"], pair + ["--out", ".png"], pair + ["--width", "9"],
                      pair + ["--height", "99999"], pair + ["--service", "web"]):
        bad += Ran("graph", *arguments, cwd=top).expect(USAGE, "mailseal graph --help")
    return bad


# Incidents ---------------------------------------------------------------------------------------


def of_the_sensor(top):
    """An incident that is of no pair is listed by what it is about."""
    state = fresh(top, "blind")
    with sqlite3.connect(state / "incidents.db") as db:
        db.execute("UPDATE incident SET rule='sensor-blind', client='-', server='-', service='-'"
                   " WHERE closed = 0")
    ran = Ran("incidents", "--state", state)
    return ran.expect(DONE, "sensor-blind", "sensor th2-1") + \
        ["a pair: " + ran.out] * ("- ->" in ran.out)


def incidents_list(state):
    ran = Ran("incidents", "--state", state)
    bad = ran.expect(DONE, "critical", "plaintext-between-signatories", "orange -> free, mta",
                     "2026-11-22 10:30", "not-offered 1", "1 closed (--all)")
    bad += ["a closed one is shown"] if "sfr" in ran.out else []
    bad += Ran("incidents", "--state", state, "--all").expect(DONE, "sfr -> bouygues", "closed")
    bad += Ran("incidents", "--state", state, "--peer", "laposte").expect(DONE, "No open incidents")
    bad += Ran("incidents", "--state", state, "--peer", "free").expect(DONE, "orange -> free")
    listed = json.loads(Ran("incidents", "--state", state, "--all", "--json").out)["incidents"]
    got = [(i["client"], i["server"], i["state"], i["severity"], i["sessions"]) for i in listed]
    bad += [] if got == [("orange", "free", "open", "critical", 1),
                         ("sfr", "bouygues", "closed", "warning", 1)] else ["%r" % got]
    return bad


def one_incident(state):
    listed = json.loads(Ran("incidents", "--state", state, "--json").out)["incidents"]
    number = listed[0]["id"]
    bad = Ran("incidents", number, "--state", state).expect(
        DONE, "critical, orange -> free (mta)", "content 1", "198.51.100.5 port 40312",
        "220 EHLO 250 MAIL", "mailseal explain --session 1:")
    one = json.loads(Ran("incidents", number, "--state", state, "--json").out)
    bad += [] if [e["client_peer"] for e in one["evidence"]] == ["orange"] else ["%r" % one]
    bad += [] if one["by_cause"]["not-offered"] == 1 and one["closed"] is None else ["%r" % one]
    bad += Ran("incidents", "999", "--state", state).expect(FAILED, "there is no incident 999")
    for arguments in (["0"], ["x"], ["1", "2"], ["1", "--all"], ["--open", "--all"]):
        bad += Ran("incidents", *arguments).expect(USAGE, "mailseal incidents --help")
    return bad


def chosen(state, *arguments):
    """Who is in the list that these options choose, as "client -> server"."""
    ran = Ran("incidents", "--state", state, "--all", "--json", *arguments)
    return ["%s -> %s" % (i["client"], i["server"]) for i in json.loads(ran.out)["incidents"]]


def incidents_by_rule_and_time(state):
    new, old, bad = "orange -> free", "sfr -> bouygues", []
    for arguments, who in (
            ([], [new, old]), (["--rule", "plaintext-between-signatories"], [new, old]),
            (["--rule", "ratio-below"], []), (["--last", "1h"], [new]), (["--last", "2w"], [new, old]),
            (["--from", "2026-11-22T10:30"], [new]), (["--from", "2026-11-22T10:31"], []),
            (["--to", "2026-11-22T10:30"], [old]), (["--to", "2026-11-22T10:31"], [new, old]),
            (["--from", "2026-11-22", "--to", "2026-11-22T10:30"], []),
            (["--last", "1h", "--peer", "sfr"], [])):
        got = chosen(state, *arguments)
        bad += [] if got == who else ["%s: %s" % (arguments, got)]
    for arguments in (["--rule", "ratio"], ["--last", "soon"], ["--last", "1h", "--to", "2026-11-22"],
                      ["--from", "2026-11-22", "--to", "2026-11-21"], ["1", "--rule", "ratio-below"],
                      ["1", "--last", "1h"]):
        bad += Ran("incidents", *arguments, "--state", state).expect(USAGE, "mailseal incidents --help")
    return bad


# Acknowledgements --------------------------------------------------------------------------------


def number_of(state, pair):
    listed = json.loads(Ran("incidents", "--state", state, "--all", "--json").out)["incidents"]
    return next(i["id"] for i in listed if (i["client"], i["server"]) == pair)


def ack(top):
    state = fresh(top, "ack")
    number, closed = number_of(state, ("orange", "free")), number_of(state, ("sfr", "bouygues"))
    one = json.loads(Ran("incidents", number, "--state", state, "--json").out)
    bad = [] if one["acknowledged"] is None else ["%r" % one["acknowledged"]]
    bad += Ran("ack", number, "--note", "seen, \x1b[2J", "--state", state).expect(USAGE, "one line")
    bad += Ran("ack", number, "--note", "x" * 256, "--state", state).expect(USAGE, "255 bytes")
    bad += Ran("ack", "--note", "x", "--state", state).expect(USAGE, "ID is missing")
    bad += Ran("ack", number, number, "--state", state).expect(USAGE, "what is")
    bad += Ran("ack", number, "--note", "ticket 7: they know", "--state", state).expect(
        DONE, "Incident %d is acknowledged by " % number)
    one = json.loads(Ran("incidents", number, "--state", state, "--json").out)["acknowledged"]
    bad += [] if one["note"] == "ticket 7: they know" and one["by"] and one["at"] else ["%r" % one]
    bad += Ran("incidents", number, "--state", state).expect(
        DONE, "by %s: ticket 7: they know" % one["by"])
    bad += Ran("ack", number, "--state", state).expect(DONE)
    one = json.loads(Ran("incidents", number, "--state", state, "--json").out)["acknowledged"]
    bad += [] if one["note"] is None else ["an older note stays: %r" % one]
    bad += Ran("ack", closed, "--state", state).expect(FAILED, "incident %d is closed" % closed)
    return bad + Ran("ack", "999", "--state", state).expect(FAILED, "there is no incident 999")


# Deliveries --------------------------------------------------------------------------------------


class Couriers:
    """A sensor that has nothing but couriers, with the answer of each target."""

    def __init__(self, state, **answers):
        words = ["%s=%s" % item for item in answers.items()]
        self.process = subprocess.Popen([str(PLAY_COURIERS), str(state), *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self.process.stdout.readline() == b"ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


def deliveries_of_an_incident(top):
    state = fresh(top, "deliveries")
    number = str(number_of(state, ("orange", "free")))
    bad = Ran("incidents", number, "--state", state).expect(DONE, "No target was told of it.")
    with Couriers(state, near="taken", far="refused") as couriers:
        bad += [] if couriers.ready else ["the couriers do not start"]
    told = json.loads(Ran("incidents", number, "--state", state, "--json").out)["deliveries"]
    got = {(d["event"], d["target"]): (d["state"], d["answer"], d["attempts"]) for d in told}
    bad += [] if got == {("opened", "near"): ("sent", "HTTP 200", 1),
                         ("opened", "far"): ("refused", "HTTP 404", 1)} else ["%r" % got]
    return bad + Ran("incidents", number, "--state", state).expect(
        DONE, "Deliveries:", "opened", "near", "HTTP 200", "refused", "HTTP 404")


def a_test_without_a_sensor(top):
    state = fresh(top, "quiet")
    bad = Ran("test-alert", "--state", state).expect(FAILED, "no mailseald runs on this state")
    with Couriers(state, near="taken"):
        pass
    bad += Ran("test-alert", "--state", state).expect(FAILED, "no mailseald runs on this state")
    with sqlite3.connect(state / "incidents.db") as db:
        (tests,) = db.execute("SELECT count(*) FROM event WHERE event = 'test'").fetchone()
    bad += ["a test was asked for"] if tests else []
    for arguments in (["--timeout", "0"], ["--timeout", "x"], ["--timeout", "9999"], ["word"]):
        bad += Ran("test-alert", *arguments).expect(USAGE, "mailseal test-alert --help")
    return bad


def tested(ran):
    return {t["target"]: (t["state"], t["answer"]) for t in json.loads(ran.out)["targets"]}


def a_test_of_every_target(top):
    state = fresh(top, "tested")
    with Couriers(state, near="taken", far="taken"):
        bad = Ran("test-alert", "--state", state).expect(DONE, "near  sent: HTTP 200\n",
                                                         "far   sent: HTTP 200\n")
        ran = Ran("test-alert", "--state", state, "--target", "far", "--json")
        bad += ran.expect(DONE)
        bad += [] if tested(ran) == {"far": ("sent", "HTTP 200")} else [ran.out]
        bad += Ran("test-alert", "--state", state, "--target", "x").expect(
            FAILED, "there is no target x")
    return bad


def a_test_that_some_do_not_take(top):
    state = fresh(top, "untaken")
    with Couriers(state, near="taken", far="refused", mute="never"):
        ran = Ran("test-alert", "--state", state, "--timeout", "1")
        bad = [] if ran.code == FAILED else ["exit %d" % ran.code]
        for line in ("near  sent: HTTP 200", "far   refused: HTTP 404", "mute  no outcome within 1 s"):
            bad += [] if line in ran.out.splitlines() else ["no %r in %r" % (line, ran.out)]
        bad += [] if ran.err == "mailseal test-alert: 2 of 3 targets did not take it\n" else [ran.err]
        ran = Ran("test-alert", "--state", state, "--timeout", "1", "--json")
        bad += [] if ran.code == FAILED and tested(ran) == {
            "near": ("sent", "HTTP 200"), "far": ("refused", "HTTP 404"),
            "mute": (None, None)} else ["%r" % ran.out]
    return bad


# Rebuild -----------------------------------------------------------------------------------------


def rebuild(top):
    state = fresh(top, "rebuild")
    before = sorted(p.relative_to(state) for p in state.rglob("*.rrd"))
    victim = state / "rrd" / "mta" / "orange" / "free.rrd"
    victim.unlink()
    ran = Ran("rebuild-rrd", "--state", state)
    after = sorted(p.relative_to(state) for p in state.rglob("*.rrd"))
    bad = ran.expect(DONE, "%d RRD files drawn from the ledger.\n" % len(before))
    bad += [] if before == after else ["%r is not %r" % (after, before)]
    victim.write_bytes(b"hurt by hand")
    aside, again = Path(f"{victim}.aside"), Ran("rebuild-rrd", "--state", state)
    bad += [] if again.code == DONE and f"it is now {aside}" in again.err else [again.err]
    bad += [] if aside.read_bytes() == b"hurt by hand" else ["it is not set aside"]
    return bad + ([] if victim.read_bytes().startswith(b"RRD") else ["the file is still hurt"])


def rebuild_is_refused_while_a_sensor_runs(top):
    state = fresh(top, "locked")
    before = {p: p.read_bytes() for p in state.rglob("*.rrd")}
    sensor = subprocess.Popen([str(MAKE_STATE), str(state), "LOCK"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    sensor.stdout.readline()
    bad = Ran("rebuild-rrd", "--state", state).expect(FAILED, "is in use by another mailseald")
    bad += Ran("matrix", "--state", state).expect(DONE, "99.81 %")
    bad += [] if before == {p: p.read_bytes() for p in state.rglob("*.rrd")} else ["files changed"]
    sensor.communicate()
    return bad + Ran("rebuild-rrd", "--state", state).expect(DONE, "drawn from the ledger")


# Report ------------------------------------------------------------------------------------------

NOVEMBER = ("report", "--month", "2026-11")


def report_to_a_file(top):
    """Whole or not at all, as private as other files; standard output stays empty."""
    out, state, bad = top / "report.out", top / "state", []
    for form in ("--csv", "--html"):
        out.write_text("old")
        ran = Ran(*NOVEMBER, form, "--state", state, "--out", out)
        bad += ran.expect(DONE) + ([] if ran.out == "" else [ran.out])
        shown = Ran(*NOVEMBER, form, "--state", state).out
        bad += [] if out.read_text().splitlines()[-3:] == shown.splitlines()[-3:] else [form]
    bad += [] if out.stat().st_mode & 0o777 == 0o666 & ~UMASK else ["mode of the file"]
    folder = top / "folder"
    folder.mkdir()
    for where, text in ((folder, "Is a directory"), (top / "none" / "x", "No such file")):
        bad += Ran(*NOVEMBER, "--state", state, "--out", where).expect(FAILED, text)
    left = sorted(p.name for p in top.iterdir() if p.name.startswith(("report", "folder")))
    return bad + ([] if left == ["folder", "report.out"] else ["left behind: %s" % left])


def report_of_what(top):
    """Months and zones that are none, and months of which nothing is known."""
    state, bad = top / "state", []
    for arguments, text in ((["--month", "2026-13"], "as 2026-10"), (["--month", ""], "as 2026-10"),
                            (["--timezone", "Europe/Atlantis"], 'no time zone "Europe/Atlantis"'),
                            (["--timezone", "../etc"], "no time zone"),
                            (["--min-sessions", "-1"], "from 0"), (["--json", "--csv"], "exclude"),
                            (["--html", "--json"], "exclude"),
                            (["--out", ""], "a file"), (["word"], "word")):
        bad += Ran("report", "--state", state, *arguments).expect(USAGE, text, "report --help")
    bad += Ran("report", "--state", state).expect(FAILED, "no month is over yet", "2026-11")
    for month in ("2026-10", "2026-12", "9999-12", "1970-01"):
        bad += Ran("report", "--month", month, "--state", state).expect(
            FAILED, "nothing of " + month, "begins at 2026-11-12 10:00")
    report = json.loads(Ran(*NOVEMBER, "--json", "--state", state).out)
    total = {k: report["total"][k] for k in ("lost", "sessions", "E", "P", "U")}
    bad += [] if total == {"lost": 2, "sessions": 838, "E": 830, "P": 2, "U": 3} else [str(total)]
    return bad


def report_of_what_is_deleted(top):
    """As after five years: what is gone is said to be, and is not taken for an outage."""
    state = fresh(top, "fiveyears")
    day = 1795305600  # 22 November
    with sqlite3.connect(state / "ledger.db") as db:
        for table in ("minutes", "hours", "days"):
            for kind in (table, "health_" + table):
                db.execute("DELETE FROM %s WHERE step < %d" % (kind, day))
            db.execute("INSERT OR REPLACE INTO meta VALUES('%s_from', %d)" % (table, day))
    report = json.loads(Ran(*NOVEMBER, "--json", "--state", state).out)
    notes = {n["note"]: n["at"] for n in report["notes"]}
    bad = [] if notes == {"month-not-over": "2026-11-22T11:00:00Z",
                          "partly-deleted": "2026-11-22T00:00:00Z"} else ["%r" % notes]
    bad += [] if report["total"]["sessions"] == 833 else ["%r" % report["total"]]
    period, outages = report["period"], report["sensor"]["outages"]
    bad += [] if [o["seconds"] for o in outages] == [300] else ["%r" % outages]
    known = period["seconds_before_ledger"] + period["seconds_seen"] + 300
    return bad + ([] if known == period["seconds_elapsed"] else ["%r" % period])


def report_without_incidents(top):
    """There may be none to read, or none that can be read: two things."""
    state = fresh(top, "withoutincidents")
    for path in state.glob("incidents.db*"):
        path.unlink()
    ran = Ran(*NOVEMBER, "--json", "--state", state)
    report = json.loads(ran.out)
    bad = ran.expect(DONE) + ([] if report["incidents"] is None else ["incidents"])
    bad += [] if {"note": "no-incidents-db", "at": None} in report["notes"] else ["no note"]
    (state / "incidents.db").write_bytes(b"x" * 5000)
    return bad + Ran(*NOVEMBER, "--state", state).expect(FAILED, "incidents.db")


# Bad state directories ---------------------------------------------------------------------------


def each(state, code, text, user=None):
    """Every command that reads a state directory says the same of it."""
    bad = []
    for arguments in (["matrix"], ["report"], ["graph", "--pair", "orange:free"],
                      ["rebuild-rrd"]):
        bad += Ran(*arguments, "--state", state, user=user, cwd="/").expect(code, text)
    return bad


def bad_directories(top):
    empty, plain = top / "empty", top / "plain"
    empty.mkdir()
    plain.write_text("x")
    bad = each(top / "none", FAILED, "no state directory there")
    bad += each(plain, FAILED, "not a directory")
    bad += each(empty, FAILED, "no ledger.db in it")
    for words in (["incidents"], ["ack", "1"], ["test-alert"]):
        bad += Ran(*words, "--state", empty).expect(FAILED, "no incidents.db in it")
        bad += Ran(*words, "--state", top / "none").expect(FAILED, "no state directory there")
    bad += [] if list(empty.iterdir()) == [] else ["something was written into it"]
    return bad


def being_written_to(top):
    """A sensor in the middle of a transaction holds up nobody who reads."""
    state = fresh(top, "busy")
    writers = [sqlite3.connect(state / name, isolation_level=None)
               for name in ("ledger.db", "incidents.db")]
    for db in writers:
        db.execute("BEGIN IMMEDIATE")
    writers[0].execute("DELETE FROM party")
    bad = Ran("matrix", "--state", state).expect(DONE, "833 sessions", "1 open")
    bad += Ran("incidents", "--state", state).expect(DONE, "orange -> free")
    for db in writers:
        db.execute("ROLLBACK")
        db.close()
    return bad


def evidence_that_is_hurt(top):
    state = fresh(top, "hurt")
    with sqlite3.connect(state / "incidents.db") as db:
        (number,) = db.execute("SELECT max(id) FROM incident").fetchone()
        db.execute("UPDATE evidence SET record = '{\"a\": \"' || char(27) || '[2J'")
    bad = Ran("incidents", number, "--state", state).expect(DONE, "unreadable")
    one = json.loads(Ran("incidents", number, "--state", state, "--json").out)
    return bad + ([] if one["evidence"] == [None] else ["%r" % one["evidence"]])


def half_written(top):
    state = fresh(top, "half")
    whole = (state / "ledger.db").read_bytes()
    bad = []
    for name, data in (("cut", whole[:5000]), ("garbage", b"x" * 5000)):
        (state / "ledger.db").write_bytes(data)
        for side in ("-wal", "-shm"):
            (state / ("ledger.db" + side)).unlink(missing_ok=True)
        bad += [name + ": " + b for b in Ran("matrix", "--state", state).expect(FAILED, "ledger.db")]
    (state / "incidents.db").write_bytes(b"x" * 5000)
    return bad + Ran("incidents", "--state", state).expect(FAILED, "incidents.db")


def empty_ledger(top):
    state = fresh(top, "nosteps")
    with sqlite3.connect(state / "ledger.db") as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            if table != "meta":
                db.execute("DELETE FROM %s" % table)
        db.execute("DELETE FROM meta WHERE name LIKE 'last%'")
    return Ran("matrix", "--state", state).expect(FAILED, "no step has been recorded yet")


def newer_version(top):
    state = fresh(top, "newer")
    with sqlite3.connect(state / "ledger.db") as db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    return each(state, FAILED, "newer")


def hostile_names(top):
    state = fresh(top, "hostile")
    evil = '\x1b[2J"=x\n,\u202e'
    with sqlite3.connect(state / "ledger.db") as db:
        if db.execute("UPDATE party SET name = ? WHERE name = 'other'", (evil,)).rowcount != 1:
            return ["the test no longer finds the name to change"]
    ran = Ran("matrix", "--state", state, "--all", "--csv")
    bad = ran.expect(DONE)
    bad += [] if "'" not in ran.out and len(list(csv.reader(io.StringIO(ran.out)))) == 8 else [ran.out]
    bad += Ran("matrix", "--state", state, "--all").expect(DONE, "\\x1b[2J")
    bad += Ran("matrix", "--state", state, "--all", env={"LC_ALL": "C.UTF-8"}).expect(DONE, "\\xe2")
    names = {p["client"] for p in json.loads(Ran("matrix", "--state", state, "--all", "--json").out)["pairs"]}
    return bad + ([] if evil in names else ["%r" % names])


def unreadable(top):
    if os.geteuid() != 0:
        return []
    os.chmod(top, 0o755)
    state = fresh(top, "private")
    os.chmod(state, 0o750)
    group = next(g for g in grp.getgrall() if g.gr_gid not in os.getgroups() + [0, NOBODY])
    os.chown(state, 0, group.gr_gid)
    bad = each(state, FAILED, f'members of the group "{group.gr_name}" may', user=NOBODY)
    os.chmod(state, 0o700)
    return bad + each(state, FAILED, "Permission denied", user=NOBODY)


# The program -------------------------------------------------------------------------------------


def usage(state):
    bad = Ran().expect(USAGE, "mailseal --help") + Ran("matrices").expect(USAGE, "no command")
    bad += Ran("\x1b[2Jx").expect(USAGE, "\\x1b[2Jx")
    bad += Ran("--version").expect(DONE, "mailseal ")
    bad += Ran("--help").expect(DONE, *COMMANDS)
    for command in COMMANDS:
        bad += Ran(command, "--help").expect(DONE, "Usage: mailseal " + command, "--state DIR")
        bad += Ran(command, "--nonsense").expect(USAGE, "no option --nonsense")
        bad += Ran(command, "--state").expect(USAGE, "--state needs a value")
        bad += Ran(command, "-x").expect(USAGE, "no option -x")
    for arguments in (["--json", "--csv"], ["--json=1"], ["--service", "web"], ["--last", "soon"],
                      ["--last", "1h", "--from", "2026-11-22"], ["word"]):
        bad += Ran("matrix", *arguments).expect(USAGE, "mailseal matrix --help")
    return bad


def a_full_disk(state):
    bad = []
    for arguments in (["matrix"], ["matrix", "--json"], ["matrix", "--csv"], ["incidents"], NOVEMBER,
                      ["explain", state / "sessions" / "2026-11-22.jsonl"]):
        with open("/dev/full", "wb") as full:
            bad += Ran(*arguments, "--state", state, stdout=full).expect(FAILED, "No space left")
    return bad


def the_manual_knows_every_option(_):
    manual = (SRCDIR / "doc" / "mailseal.1").read_text().replace("\\-", "-")
    bad = []
    for command in COMMANDS:
        options = set(re.findall(r"^  --([a-z-]+)", Ran(command, "--help").out, re.M))
        bad += ["%s --%s" % (command, o) for o in sorted(options)
                if not re.search(r"\bFl -%s\b" % re.escape(o), manual)]
    return bad


def main():
    global UMASK
    tap = Tap()
    UMASK = os.umask(0)
    os.umask(UMASK)
    with tempfile.TemporaryDirectory(prefix="mailseal-tool-") as name:
        top = Path(name)
        state = top / "state"
        subprocess.run([str(MAKE_STATE), str(state)], check=True)
        for test in (matrix_table, matrix_json, matrix_csv, matrix_periods, matrix_services,
                     matrix_narrow, colour_is_for_terminals, explain_forms, explain_errors,
                     incidents_list, one_incident, incidents_by_rule_and_time, usage, a_full_disk,
                     the_manual_knows_every_option):
            tap.run(test.__name__.replace("_", " "), test, state)
        for test in (graph_formats, graph_kinds, graph_looks, graph_errors):
            tap.run(test.__name__.replace("_", " "), test, top, state)
        for test in (a_session_log_that_is_missing, ack, deliveries_of_an_incident,
                     a_test_without_a_sensor, a_test_of_every_target, a_test_that_some_do_not_take,
                     report_to_a_file, report_of_what, report_of_what_is_deleted,
                     report_without_incidents,
                     of_the_sensor, rebuild, rebuild_is_refused_while_a_sensor_runs,
                     bad_directories, being_written_to,
                     evidence_that_is_hurt, half_written, empty_ledger, newer_version, hostile_names,
                     unreadable):
            tap.run(test.__name__.replace("_", " "), test, top)
    tap.finish()


if __name__ == "__main__":
    main()
