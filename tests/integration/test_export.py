#!/usr/bin/env python3
"""mailseal export: what it adds up to, what it says of outages, and every wrong question."""
import csv
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAILSEAL = BUILDDIR / "mailseal"
MAKE_STATE = BUILDDIR / "tests" / "integration" / "make_state"

DONE, FAILED, USAGE = 0, 1, 2
ENV = dict(os.environ, LC_ALL="C", TZ="Pacific/Auckland")
DERIVED = ("sessions", "E", "P", "U", "ratio", "lowest", "highest", "coverage")
SHARES = ("ratio", "lowest", "highest", "coverage")


def run(*arguments, stdout=subprocess.PIPE):
    return subprocess.run([str(MAILSEAL), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, env=ENV, timeout=120)


def good(state, *arguments):
    done = run("export", "--state", state, *arguments)
    if done.returncode != DONE or done.stderr:
        raise AssertionError("%r: exit %d: %r" % (arguments, done.returncode, done.stderr))
    return done.stdout.decode("ascii")


def rows_of(state, *arguments):
    """The rows of the CSV, by the names of the columns without units."""
    rows = list(csv.reader(io.StringIO(good(state, *arguments))))
    names = [re.sub(r" \(.*\)$", "", name) for name in rows[0]]
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def json_of(state, *arguments):
    return json.loads(good(state, "--json", *arguments))


def matrix(state, *arguments):
    return json.loads(run("matrix", "--state", state, "--json", *arguments).stdout)


def wrong(code, text, *arguments):
    done = run("export", *arguments)
    err = done.stderr.decode("utf-8", "backslashreplace")
    bad = [] if done.returncode == code else ["exit %d, not %d" % (done.returncode, code)]
    bad += [] if text in err else ["no %r" % text]
    bad += [] if err.count("\n") == 1 and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", err) else [
        "an error is one clean line"]
    bad += [] if not done.stdout else ["something on standard output"]
    return ["%r: %r" % (arguments, err)] + bad if bad else []


def fresh(top, name):
    there = top / name
    shutil.copytree(top / "state", there)
    return there


# Numbers -----------------------------------------------------------------------------------------


def summed(rows):
    sums = {}
    for row in rows:
        if row["client"]:
            pair = sums.setdefault((row["client"], row["server"]), Counter())
            pair.update({k: int(v or 0) for k, v in row.items() if k in pair_counts()})
    return sums


def pair_counts():
    return [n for n in LISTED["pair"] if n not in SHARES]


def pairs_add_up_to_the_matrix(state):
    bad = []
    for period in (["--last", "24h"], ["--last", "30m"], ["--last", "2w"],
                   ["--from", "2026-11-22T10:10", "--to", "2026-11-22T10:31"]):
        for service in ("mta", "submission"):
            m = matrix(state, "--all", "--service", service, *period)
            expected = {(p["client"], p["server"]): {
                **p["counts"], **{k: p[k] for k in ("sessions", "E", "P", "U")}} for p in m["pairs"]}
            got = summed(rows_of(state, "--service", service, *period))
            bad += [] if got == expected else ["%r %s: %r, not %r" % (period, service, got, expected)]
    return bad


def one_day_is_the_matrix_of_a_day(state):
    """With one step for all, the shares are those of the matrix, too."""
    period = ["--from", "2026-11-22", "--to", "2026-11-23"]
    rows = json_of(state, "--resolution", "day", *period)["rows"]
    bad = []
    for p in matrix(state, "--all", *period)["pairs"]:
        row = [r for r in rows if (r["client"], r["server"]) == (p["client"], p["server"])]
        expected = {**{k: p[k] for k in DERIVED}, **p["counts"], "promised": p["promised"]}
        got = {k: v for k, v in row[0].items() if k in expected}
        bad += [] if len(row) == 1 and got == expected else ["%r, not %r" % (row, expected)]
    return bad


def a_sum_of_promised_pairs_is_the_total(state):
    total = matrix(state)["total"]
    rows = rows_of(state, "--sum", "--promised")
    got = Counter()
    for row in rows:
        got.update({k: int(row[k] or 0) for k in pair_counts()})
    bad = [] if all(got[k] == v for k, v in total["counts"].items()) else ["%r" % got]
    bad += [] if got["U"] + total["lost"] == total["U"] else ["U: %d" % got["U"]]
    return bad + ([] if "client" not in rows[0] else ["a sum names a client"])


def the_sensor_adds_up(state):
    m = matrix(state)["sensor"]
    rows = rows_of(state, "--sensor")
    bad = [] if sum(int(r["seconds_seen"]) for r in rows) == m["seconds_seen"] == 3300 else ["seen"]
    for name in LISTED["sensor"]:
        if name != "alive":
            got = sum(int(r[name] or 0) for r in rows)
            bad += [] if got == m[name] else ["%s: %d, not %d" % (name, got, m[name])]
    return bad


def services_and_peers(state):
    services = Counter(r["service"] for r in rows_of(state, "--service", "all", "--last", "1h"))
    bad = [] if services["submission"] == 55 and services["access"] == 0 and services[""] == 5 else [
        "%r" % services]
    for options, expected in ((["--peer", "free"], {("orange", "free"), ("free", "orange"),
                                                    ("orange-net", "free")}),
                              (["--pair", "any:free"], {("orange", "free"), ("orange-net", "free")}),
                              (["--pair", "free:"], {("free", "orange")}),
                              (["--pair", "other:any"], {("other", "orange")}),
                              (["--peer", "cloud"], set())):
        got = {(r["client"], r["server"]) for r in rows_of(state, *options)} - {("", "")}
        bad += [] if got == expected else ["%r: %r" % (options, got)]
    rows = rows_of(state, "--pair", "other:orange", "--service", "all", "--last", "1m")
    got = [(r["service"], r["sessions"]) for r in rows]
    return bad + ([] if got == [("mta", "7"), ("submission", "4"), ("access", "0")] else ["%r" % got])


# Outages -----------------------------------------------------------------------------------------


def an_outage_is_not_zero(state):
    """The sensor missed five minutes; the pair is silent in all but one of the others."""
    rows = rows_of(state, "--pair", "laposte:sfr")
    missed = ["2026-11-22T10:%d:00Z" % m for m in range(20, 25)]
    seen = [r for r in rows if r["seconds_seen"] == "60"]
    outages = [r for r in rows if r["seconds_seen"] == "0"]
    bad = [] if {r["seconds"] for r in rows} == {"60"} else ["lengths"]
    bad += [] if len(seen) == 55 and [r["begin"] for r in outages][-5:] == missed else [
        "%d seen, %r" % (len(seen), [r["begin"] for r in outages][-8:])]
    bad += ["an outage has numbers: %r" % r for r in outages if any(r[n] for n in LISTED["pair"])]
    bad += [] if [r["sessions"] for r in seen] == ["3"] + 54 * ["0"] else ["no explicit zeros"]
    bad += [] if all(r["ratio"] == "" for r in seen) else ["a ratio of nothing"]
    times = [r["begin"] for r in rows]
    bad += [] if times == sorted(set(times)) else ["times are not in order"]
    rows = json_of(state, "--pair", "laposte:sfr", "--last", "1h")["rows"]
    bad += [] if all((r["sessions"] is None) == (r["seconds_seen"] == 0) for r in rows) else ["JSON"]
    return bad


def an_outage_among_many_pairs_names_none(state):
    rows = rows_of(state, "--last", "1h")
    outages = [r for r in rows if r["seconds_seen"] == "0"]
    bad = [] if len(outages) == 5 else ["%d outages" % len(outages)]
    bad += ["it has values: %r" % r for r in outages
            if any(v for k, v in r.items() if k not in ("begin", "seconds", "seconds_seen"))]
    rows = json_of(state, "--last", "1h")["rows"]
    return bad + ["%r" % r for r in rows if r["seconds_seen"] == 0
                  and any(r[k] is not None for k in ("client", "server", "service", "promised", "E"))]


def hours_say_how_much_was_seen(state):
    rows = rows_of(state, "--sum", "--resolution", "hour", "--series", "sessions", "--last", "2w")
    seen = [(r["begin"], r["seconds"], r["seconds_seen"]) for r in rows if r["seconds_seen"] != "0"]
    expected = [("2026-11-12T10:00:00Z", "3600", "60"), ("2026-11-22T10:00:00Z", "3600", "3300")]
    return ([] if seen == expected else ["%r" % seen]) + (
        [] if len(rows) == 241 else ["%d rows" % len(rows)])


def minutes_that_are_gone(top):
    """Then auto is hours, which know how many there were, and minutes are refused instead of half
    given."""
    state = fresh(top, "expired")
    with sqlite3.connect(state / "ledger.db") as db:
        for table in ("minutes", "health_minutes"):
            db.execute("DELETE FROM %s WHERE step < 1795341600" % table)
        db.execute("INSERT OR REPLACE INTO meta VALUES('minutes_from', 1795341600)")
    m = json_of(state, "--last", "2w")
    bad = [] if m["resolution"] == "hour" and m["rows"][0]["seconds_seen"] == 60 else [
        "%r" % m["resolution"]]
    bad += [] if json_of(state, "--last", "1h")["resolution"] == "minute" else ["not minutes"]
    return bad + wrong(FAILED, "minutes are kept since 2026-11-22 10:00 UTC only", "--state", state,
                       "--last", "2w", "--resolution", "minute")


# Shape -------------------------------------------------------------------------------------------


def the_list_has_every_series(state):
    text = run("export", "--list").stdout.decode()
    bad = []
    for name, unit in json_of(state)["units"].items() | json_of(state, "--sensor")["units"].items():
        if not name.startswith("seconds"):
            bad += [] if re.search(r"^  %s +%s " % (name, unit), text, re.M) else ["no " + name]
    for name in (*DERIVED, "messages_clear", "drop_kernel", "alive"):
        bad += [] if re.search(r"^  %s +\S+ +\S" % name, text, re.M) else ["no " + name]
    return bad + ["over 80 columns: " + l for l in text.splitlines() if len(l) > 80]


def units_are_told(state):
    head = good(state, "--series", "ratio,messages_clear,sessions").splitlines()[0]
    bad = [] if head == ("begin,seconds,seconds_seen,service,client,server,promised,"
                         "ratio (1),messages_clear (messages),sessions (sessions)") else [head]
    m = json_of(state, "--sensor", "--series", "gap_bytes,alive", "--last", "1h")
    bad += [] if m["units"] == {"seconds": "s", "seconds_seen": "s", "gap_bytes": "bytes",
                                "alive": "connections"} else ["%r" % m["units"]]
    bad += [] if m["selection"] == {"of": "sensor"} and m["version"] == 1 else ["%r" % m["selection"]]
    bad += [] if m["period"] == {"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T11:00:00Z",
                                 "ledger_end": "2026-11-22T11:00:00Z"} else ["%r" % m["period"]]
    m = json_of(state, "--pair", "any:free", "--service", "all", "--sum")
    return bad + ([] if m["selection"] == {"of": "sum", "service": "all", "client": None, "server": "free",
                                           "peer": None, "promised": False} else ["%r" % m["selection"]])


def csv_and_json_say_the_same(state):
    bad = []
    for options in ([], ["--sum"], ["--sensor"], ["--pair", "orange:free"], ["--service", "all"]):
        rows, objects = rows_of(state, *options), json_of(state, *options)["rows"]
        as_text = [{k: "" if v is None else str(v).lower() if isinstance(v, bool)
                    else "%.15g" % v if isinstance(v, float) else str(v)
                    for k, v in o.items()} for o in objects]
        bad += [] if rows and rows == as_text else ["%r differs" % options]
    return bad


def hostile_names(top):
    state = fresh(top, "hostile")
    evil = {"other": '=cmd|"/C calc"!A1', "orange-net": '\x1b[2J",\n\u202e@x', "laposte": "+1,2"}
    with sqlite3.connect(state / "ledger.db") as db:
        for name, instead in evil.items():
            if db.execute("UPDATE party SET name = ? WHERE name = ?", (instead, name)).rowcount != 1:
                return ["the test no longer finds %s" % name]
    text = good(state)
    bad = ["control characters"] if re.search(r"[^\n\x20-\x7e]", text) else []
    rows = list(csv.reader(io.StringIO(text)))
    bad += [] if {len(r) for r in rows} == {len(rows[0])} else ["rows differ in length"]
    clients = {r[4] for r in rows[1:]}
    bad += [] if {"'" + evil["other"], "'" + evil["laposte"]} <= clients else ["%r" % clients]
    bad += ["a formula: %r" % c for c in clients if c[:1] in ("=", "+", "-", "@")]
    names = {r["client"] for r in json_of(state)["rows"]}
    return bad + ([] if set(evil.values()) <= names else ["%r" % names])


# Files -------------------------------------------------------------------------------------------


def out_replaces_a_file_when_all_is_written(top):
    state, there = top / "state", top / "out"
    there.mkdir()
    name = there / "of.csv"
    name.write_text("before")
    bad = wrong(FAILED, "knows no peer", "--state", state, "--peer", "nobody", "--out", name)
    bad += [] if name.read_text() == "before" else ["it was written to"]
    bad += [] if good(state, "--out", name) == "" else ["something on standard output"]
    bad += [] if name.read_text() == good(state) else ["it differs"]
    mask = os.umask(0)
    os.umask(mask)
    bad += [] if name.stat().st_mode & 0o777 == 0o666 & ~mask else ["mode %o" % name.stat().st_mode]
    link = there / "link"
    link.symlink_to("elsewhere")
    good(state, "--out", link)
    bad += [] if link.is_symlink() and (there / "elsewhere").read_text() == good(state) else ["link"]
    (there / "elsewhere").unlink()
    bad += wrong(FAILED, "No such file", "--state", state, "--out", there / "none" / "x")
    bad += wrong(FAILED, "Is a directory", "--state", state, "--out", there)
    bad += [] if sorted(p.name for p in there.iterdir()) == ["link", "of.csv"] else ["left behind"]
    return bad


def a_full_disk(top):
    state = top / "state"
    bad = wrong(FAILED, "/dev/full: No space left", "--state", state, "--out", "/dev/full")
    for options in ([], ["--json"], ["--sensor"], ["--list"], ["--help"]):
        with open("/dev/full", "wb") as full:
            done = run("export", "--state", state, *options, stdout=full)
        bad += [] if done.returncode == FAILED and b"No space left" in done.stderr else [
            "%r: %r" % (options, done)]
    return bad


# Wrong questions ---------------------------------------------------------------------------------


def wrong_usage(_):
    cases = (
        (["--csv", "--json"], "exclude each other"),
        (["--pair", "a:b", "--peer", "a"], "exclude each other"),
        (["--sensor", "--sum"], "--sensor is about no pair"),
        (["--sensor", "--pair", "a:b"], "--sensor is about no pair"),
        (["--pair", "A:b"], "which pair?"), (["--pair", "a:b:c"], "which pair?"),
        (["--pair", "a:" + "b" * 80], "which pair?"),
        (["--peer", "\x1b[2J"], "--peer is the name"),
        (["--service", "web"], "mta, submission, access, all"),
        (["--promised", "--service", "all"], "--promised"),
        (["--promised", "--pair", "a:b"], "--promised"),
        (["--resolution", "week"], "minute, hour, day, auto"),
        (["--series", "sessions,colour"], 'no series "colour" of pairs'),
        (["--series", "\x1b[2J"], 'no series "\\x1b[2J"'),
        (["--series", "E,"], 'no series ""'),
        (["--sensor", "--series", "ratio"], 'no series "ratio" of the sensor'),
        (["--last", "soon"], "--last"), (["--last", "1h", "--to", "2026-11-22"], "--last"),
        (["--from", "yesterday"], "--from"), (["word"], 'what is "word" for'),
        (["--nonsense"], "no option --nonsense"), (["--out"], "needs a value"),
    )
    bad = []
    for arguments, text in cases:
        bad += wrong(USAGE, text, *arguments)
        bad += wrong(USAGE, "mailseal export --help", *arguments)
    return bad


def unknown_peers(state):
    bad = []
    for options in (["--peer", "nobody"], ["--pair", "nobody:free"], ["--pair", "any:nobody"],
                    ["--peer", "nobody-net"]):
        bad += wrong(FAILED, "the ledger knows no peer \"nobody", "--state", state, *options)
    rows_of(state, "--peer", "cloud-net")  # of a peer, though it was never seen
    return bad


def periods_without_steps(state):
    bad = wrong(FAILED, "11:00 UTC", "--state", state, "--from", "2026-11-23")
    rows = rows_of(state, "--sum", "--from", "2020-01-01", "--to", "2020-02-01")
    return bad + ([] if rows == [] else ["%r" % rows[:3]])


def bad_ledgers(top):
    state = fresh(top, "bad")
    whole = (state / "ledger.db").read_bytes()
    (top / "nothing").mkdir()
    bad = wrong(FAILED, "no state directory there", "--state", top / "none")
    bad += wrong(FAILED, "no ledger.db in it", "--state", top / "nothing")
    for data in (whole[:5000], b"x" * 5000):
        (state / "ledger.db").write_bytes(data)
        bad += wrong(FAILED, "ledger.db", "--state", state)
    empty = fresh(top, "nosteps")
    with sqlite3.connect(empty / "ledger.db") as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            if table != "meta":
                db.execute("DELETE FROM %s" % table)
        db.execute("DELETE FROM meta WHERE name LIKE 'last%'")
    return bad + wrong(FAILED, "no step has been recorded yet", "--state", empty)


def damage_in_the_middle(top):
    """What is wrong is told with the rows already on their way, and no file is left."""
    state, out = fresh(top, "damaged"), top / "damaged.csv"
    with sqlite3.connect(state / "ledger.db") as db:
        db.execute("UPDATE minutes SET service = 9 WHERE step = 1795341600 + 1800 AND service = 1")
    done = run("export", "--state", state, "--service", "all")
    bad = [] if done.returncode == FAILED and b"there is no service 9" in done.stderr else [repr(done.stderr)]
    bad += wrong(FAILED, "there is no service 9", "--state", state, "--service", "all", "--out", out)
    return bad + (["a file was left"] if list(top.glob("damaged.csv*")) else [])


def while_a_sensor_writes(top):
    state = fresh(top, "busy")
    before = good(state)
    db = sqlite3.connect(state / "ledger.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM minutes")
    bad = [] if good(state) == before else ["it sees what is not committed"]
    db.execute("ROLLBACK")
    db.close()
    return bad


LISTED = {}


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mailseal-export-") as name:
        top = Path(name)
        state = top / "state"
        subprocess.run([str(MAKE_STATE), str(state)], check=True)
        for kind, options in (("pair", []), ("sensor", ["--sensor"])):
            LISTED[kind] = [n for n in json_of(state, *options)["units"] if not n.startswith("seconds")]
        for test in (pairs_add_up_to_the_matrix, one_day_is_the_matrix_of_a_day,
                     a_sum_of_promised_pairs_is_the_total, the_sensor_adds_up, services_and_peers,
                     an_outage_is_not_zero, an_outage_among_many_pairs_names_none,
                     hours_say_how_much_was_seen, the_list_has_every_series, units_are_told,
                     csv_and_json_say_the_same, wrong_usage, unknown_peers, periods_without_steps):
            tap.run(test.__name__.replace("_", " "), test, state)
        for test in (minutes_that_are_gone, hostile_names, out_replaces_a_file_when_all_is_written,
                     a_full_disk, bad_ledgers, damage_in_the_middle, while_a_sensor_writes):
            tap.run(test.__name__.replace("_", " "), test, top)
    tap.finish()


if __name__ == "__main__":
    main()
