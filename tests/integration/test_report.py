#!/usr/bin/env python3
"""The report on a month is the sum of the session log, to the session: over restarts, kills and
outages, in time zones whose months begin elsewhere, and across a change of the clocks."""
import collections
import csv
import datetime
import io
import os
import random
import tempfile
from zoneinfo import ZoneInfo

from tap import Tap
from traffic import STEP, query
from weeks import PROBE, UTC, Place, iso, make, seconds

SEED = int(os.environ.get("MAILSEAL_SEED") or random.SystemRandom().randrange(2**32))
ZONES = ("UTC", "Europe/Paris", "Asia/Kolkata", "America/New_York")
VERDICTS = {"encrypted-starttls": "enc_starttls", "encrypted-implicit": "enc_implicit",
            "plaintext": "plaintext", "tls-failed": "tls_failed",
            "no-transaction": "no_transaction", "indeterminate": "indeterminate"}
TLS = {"TLSv1.0": "tls10", "TLSv1.1": "tls11", "TLSv1.2": "tls12", "TLSv1.3": "tls13"}
SIGNATORIES = ("alpha", "beta", "gamma")


def the_log_is_whole(place):
    """Each session of each step that is in the ledger, once, and no other."""
    wanted = collections.Counter((iso(step), *session) for step in place.ran
                                 for session in place.traffic.steps[step])
    got = collections.Counter(
        (r["counted"], round(datetime.datetime.fromisoformat(r["timestamp"].rstrip("Z")).replace(
            tzinfo=UTC).timestamp() * 10**6), r["client_port"]) for r in place.log)
    kinds = {(r["service"], r["verdict"]) for r in place.log}
    missing = [v for v in VERDICTS if not any(k[1] == v for k in kinds)]
    return (place.complaints + [f"log: {k}: {got[k]}, not {wanted[k]}"
                                for k in sorted(set(got) | set(wanted)) if got[k] != wanted[k]][:9] +
            [f"no session is {v}" for v in missing])


# What the log comes to ------------------------------------------------------------------------------

def counts_of(r):
    """The counts that one line adds to, as doc/metrics.md has them."""
    if r["excepted"] != (r["client"] == PROBE):
        yield "no count at all: excepted is wrong", 1
    if r["excepted"]:
        yield "excepted", 1
        return
    yield VERDICTS[r["verdict"]], 1
    if r["verdict"] == "plaintext" and r["exposure"] == "refused":
        yield "refused", 1
    if r["verdict"].startswith("encrypted") and r["tls_version"] in TLS:
        yield TLS[r["tls_version"]], 1
    for key, count in (("starttls_offered", "offered"), ("starttls_requested", "requested"),
                       ("starttls_accepted", "accepted"), ("auth_cleartext", "auth_clear")):
        yield count, int(r[key] is True)
    yield "stripped", int(r["stripped"] is not None)
    yield "messages_clear", r["messages"] or 0
    if r["reason"] == "began-before-capture":
        yield "begun_before", 1


def place_of(r):
    """The table and row of the report in which a line counts."""
    client, server, service = r["client_peer"], r["server_peer"], r["service"]
    if service != "mta":
        return (service, server) if server in SIGNATORIES else ("beside", service)
    if client in SIGNATORIES and server in SIGNATORIES:
        return ("pairs", client, server) if client != server else ("beside", "within-signatories")
    if server in SIGNATORIES:
        return "world-in", server
    return ("world-out", client) if client in SIGNATORIES else ("beside", "mta")


def sums_of_log(log, first, last):
    out = collections.Counter()
    for r in log:
        if first <= seconds(r["counted"]) < last:
            for count, n in counts_of(r):
                out[(*place_of(r), count)] += n
    return +out


def sums_of_report(m):
    """The same from the tables of a month, which must add up to their totals."""
    out, complaints = collections.Counter(), []

    def add(table, rows, total, key):
        added = collections.Counter()
        for row in rows:
            for count, n in row["counts"].items():
                out[(table, *key(row), count)] += n
                added[count] += n
        if dict(added) != total["counts"]:
            complaints.append(f"{table}: rows add up to {added}, total {total['counts']}")
    add("pairs", m["pairs"], m["total"], lambda r: (r["client"], r["server"]))
    for side in ("world-in", "world-out", "submission", "access"):
        add(side, m[side]["signatories"], m[side]["total"],
            lambda r: (r.get("server") or r["client"],))
    for name, total in m["beside"].items():
        for count, n in total["counts"].items():
            out["beside", name, count] += n
    return +out, complaints


def ratio_is(row):
    """Every share again from the counts."""
    c = row["counts"]
    e, p = c["enc_starttls"] + c["enc_implicit"], c["plaintext"] - c["refused"]
    u, f = c["indeterminate"] - c["begun_before"] + row.get("lost", 0), c["tls_failed"]
    share = lambda n, d: n / d if d else None  # noqa: E731
    wanted = {"sessions": sum(c[v] for v in VERDICTS.values()), "E": e, "P": p, "U": u,
              "ratio": share(e, e + p), "lowest": share(e, e + p + u),
              "highest": share(e + u, e + p + u), "coverage": share(e + p + f, e + p + f + u)}
    return [f"{k} is {row[k]}, not {v}" for k, v in wanted.items()
            if row[k] != v and not (v and row[k] and abs(row[k] - v) < 1e-12)]


def rows_of(m):
    yield from [m["total"], *m["pairs"], *m["beside"].values()]
    for side in ("world-in", "world-out", "submission", "access"):
        yield from [m[side]["total"], *m[side]["signatories"]]


def border(month, zone):
    year, number = map(int, month.split("-"))
    local = datetime.datetime(year, number, 1, tzinfo=ZoneInfo(zone))
    return int(local.timestamp())


def month_is(place, m, month, following, zone):
    period = m["period"]
    first, last = seconds(period["counted_from"]), seconds(period["counted_to"])
    wanted = sums_of_log(place.log, first, last)
    got, complaints = sums_of_report(m)
    complaints += [f"{zone} {month}: {k}: {got[k]}, not {wanted[k]}"
                   for k in sorted(set(got) | set(wanted)) if got[k] != wanted[k]][:9]
    complaints += [f"{zone} {month}: {c}" for row in rows_of(m) for c in ratio_is(row)][:9]
    for key, wanted in (("from", border(month, zone)), ("to", border(following, zone))):
        if seconds(period[key]) != wanted:
            complaints.append(f"{zone} {month}: {key} is {period[key]}, not {iso(wanted)}")
    seen = STEP * len([s for s in place.ran if first <= s < last])
    if period["seconds_seen"] != seen:
        complaints.append(f"{zone} {month}: seen {period['seconds_seen']} s, not {seen}")
    return complaints + ["nothing was compared"] * (not got)


def sums_are_those_of_the_log(place, zone):
    report = place.report("--month", "2024-03", "--timezone", zone, "--min-sessions", "0")
    complaints = month_is(place, report, "2024-03", "2024-04", zone)
    if [m["month"] for m in report["trend"]] != ["2024-02"]:
        return complaints + [f"trend: {report['trend']}"]
    return complaints + month_is(place, report["trend"][0], "2024-02", "2024-03", zone)


def everything_is_somewhere(place):
    """What the three months hold together is what the log holds."""
    found = sum((sums_of_report(place.report("--month", m, "--timezone", "Europe/Paris",
                                             "--min-sessions", "0"))[0]
                 for m in ("2024-02", "2024-03", "2024-04")), collections.Counter())
    wanted = sums_of_log(place.log, 0, 2**40)
    return [f"{k}: {found[k]}, not {wanted[k]}"
            for k in sorted(set(found) | set(wanted)) if found[k] != wanted[k]][:9]


# What is said of it ---------------------------------------------------------------------------------

def notes(report):
    return {n["note"]: n["at"] and seconds(n["at"]) for n in report["notes"]}


def borders_are_told(place):
    """Where minutes are gone, a month that begins at half past begins with the next hour, and the
    report says so; where they are kept, it is exact."""
    complaints = []
    for zone, wanted in (("UTC", {}), ("Europe/Paris", {}),
                         ("Asia/Kolkata", {"begin-not-exact": seconds("02-29T19:00")})):
        got = notes(place.report("--month", "2024-03", "--timezone", zone))
        if got != wanted:
            complaints.append(f"{zone}: {got}, not {wanted}")
    period = place.report("--month", "2024-03", "--timezone", "Europe/Paris")["period"]
    if period["seconds"] != 743 * 3600 or period["to_local"] != "2024-04-01 00:00 +02:00":
        complaints.append(f"March of Paris: {period}")
    return complaints


def part_of_a_month_is_told(place):
    ends = seconds("04-02T06:00")
    wanted = (("2024-02", {"ledger-begins": seconds("02-28T00:00")}),
              ("2024-04", {"month-not-over": ends}))
    complaints = [f"{month}: {notes(place.report('--month', month))}, not {w}"
                  for month, w in wanted if notes(place.report("--month", month)) != w]
    if place.report()["month"] != "2024-03":
        complaints.append("the last month that is over is March")
    return complaints


def expected_outages(ran, first, last, minutes):
    """To the minute from there on; before, hours in which minutes are missing."""
    units = [(t, 3600) for t in range(first, min(minutes, last), 3600)]
    units += [(t, STEP) for t in range(max(first, minutes), last, STEP)]
    out = []
    for at, length in units:
        missed = length - STEP * len([s for s in range(at, at + length, STEP) if s in ran])
        if missed and out and out[-1][1] == at:
            out[-1] = (out[-1][0], at + length, out[-1][2] + missed)
        elif missed:
            out.append((at, at + length, missed))
    return out


def outages_are_those_of_the_sensor(place):
    report = place.report("--month", "2024-03", "--timezone", "Europe/Paris")
    period = report["period"]
    minutes = query(place.state, "SELECT value FROM meta WHERE name = 'minutes_from'")[0][0]
    first, last = seconds(period["counted_from"]), seconds(period["counted_to"])
    wanted = expected_outages(place.ran, first, last, minutes)
    got = [(seconds(o["from"]), seconds(o["to"]), o["seconds"])
           for o in report["sensor"]["outages"]]
    books = sum(o[2] for o in got) + period["seconds_seen"] + period["seconds_before_ledger"]
    return ([f"outages: {set(got) ^ set(wanted)}"[:900]] * (got != wanted) +
            [f"seen and missed are {books} of {period['seconds_elapsed']} s"] *
            (books != period["seconds_elapsed"]) + ["no outage"] * (not got))


def small_rows_are_withheld(place):
    """Where there are fewer sessions than asked for, and not where there are none; totals stay."""
    whole = place.report("--month", "2024-03", "--min-sessions", "0")
    report = place.report("--month", "2024-03")
    complaints, withheld = [], 0
    for row, shown in zip(rows_of(report), rows_of(whole)):
        small = "suppressed" in row and 0 < shown["sessions"] < 10
        withheld += small
        nothing = all(row[k] is None for k in row if k not in ("client", "server", "suppressed"))
        if small and not (row["suppressed"] and nothing):
            complaints.append(f"is shown: {row}")
        if not small and row != shown:
            complaints.append(f"is not shown: {shown}")
    return complaints + ["nothing was withheld"] * (withheld == 0)


def csv_is_the_same(place):
    complaints = []
    for least in ("0", "10"):
        arguments = ("--month", "2024-03", "--timezone", "Europe/Paris", "--min-sessions", least)
        report = place.report(*arguments)
        rows = list(csv.DictReader(io.StringIO(place.tool("--csv", *arguments).stdout)))
        tables = [(m, row) for m in (report, report["trend"][0]) for row in rows_of(m)]
        if len(rows) != len(tables):
            complaints.append(f"{len(rows)} lines, {len(tables)} rows")
        lines = collections.Counter(
            (r["month"], r["client"], r["server"], r["sessions"], r["E"], r["coverage"],
             r["tls12"], r["suppressed"]) for r in rows)
        for m, row in tables:
            counts = row["counts"] or {"tls12": ""}
            show = lambda v: "" if v is None else "%.15g" % v  # noqa: E731
            line = (m["month"], row.get("client", ""), row.get("server", ""),
                    "<10" if row.get("suppressed") else str(row["sessions"]), show(row["E"]),
                    show(row["coverage"]), str(counts["tls12"]),
                    str(row.get("suppressed", False)).lower())
            lines[line] -= 1
        complaints += [f"{k}: {n} too many" for k, n in lines.items() if n][:9]
    return complaints


def incidents_that_touched_it(place):
    """None is withheld, whatever its sessions; each with what proves it."""
    report = place.report("--month", "2024-03", "--timezone", "Europe/Paris")
    first, last = seconds(report["period"]["from"]), seconds(report["period"]["to"])
    stored = query(place.state, "SELECT id, opened, closed, severity FROM incident",
                   name="incidents.db")
    wanted = {i for i, opened, closed, _ in stored
              if opened < last and not 0 < closed < first}
    complaints = [f"incidents: {set(i['id'] for i in report['incidents']) ^ wanted}"] * \
        (sorted(i["id"] for i in report["incidents"]) != sorted(wanted))
    for i in report["incidents"]:
        proofs = query(place.state, f"SELECT count(*) FROM evidence WHERE incident = {i['id']}",
                       name="incidents.db")[0][0]
        if len(i["evidence"]) != proofs or None in i["evidence"]:
            complaints.append(f"{i['id']}: {i['evidence']}, not {proofs} records")
        end = seconds(i["closed"]) if i["closed"] else seconds(report["ledger"]["ends"])
        if i["duration"] != end - seconds(i["opened"]) or i["firing"] != (i["closed"] is None):
            complaints.append(f"{i['id']}: {i['duration']} s, firing {i['firing']}")
    return complaints + ["there was none"] * (not wanted)


TESTS = (
    ("the log is whole", the_log_is_whole),
    ("everything is in some month", everything_is_somewhere),
    ("borders that are not exact are told", borders_are_told),
    ("a part of a month is told", part_of_a_month_is_told),
    ("outages are those of the sensor", outages_are_those_of_the_sensor),
    ("small rows are withheld", small_rows_are_withheld),
    ("CSV is the same", csv_is_the_same),
    ("incidents that touched the month", incidents_that_touched_it),
)


def main():
    tap = Tap()
    print(f"# MAILSEAL_SEED={SEED}")
    with tempfile.TemporaryDirectory() as directory:
        place = Place(directory)
        make(place, SEED)
        for name, function in TESTS:
            tap.run(name, function, place)
        for zone in ZONES:
            tap.run(f"the sums of the log, in {zone}", sums_are_those_of_the_log, place, zone)
    tap.finish()


if __name__ == "__main__":
    main()
