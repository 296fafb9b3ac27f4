#!/usr/bin/env python3
"""The sample capture from real servers, all the way: every session against the answer key that
the servers' own logs gave, then the state directory, the matrix and the incident made of them."""
import collections
import json
import os
import re
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from session_record import BUILDDIR, SRCDIR, check, run
from tap import Tap

SAMPLE = SRCDIR / "tests" / "pcaps" / "sample"
CONFIGURATION = SRCDIR / "mailseal.yaml.example"
SIGNATORIES = ("orange", "sfr", "free", "bouygues", "laposte")
ENDS = ("client", "client_port", "server", "server_port")
DAY = "2024-10-16"


def ends(session):
    return tuple(session[key] for key in ENDS)


def tool(state, *arguments):
    """Runs mailseal on the state directory."""
    return subprocess.run([str(BUILDDIR / "mailseal"), *arguments, "--state", str(state)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=300)


def tool_json(state, *arguments):
    done = tool(state, *arguments, "--json")
    if done.returncode != 0:
        raise RuntimeError(f"mailseal {arguments}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def clean_run(done):
    """Exit code 0, and a summary on standard error."""
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        return [f"exit {done.returncode}: {said}"]
    return [] if said else ["no summary on standard error"]


def well_formed(records):
    return [f"{ends(r)}: {c}" for r in records for c in check(r)][:10]


def whole(records):
    """The capture is complete: a FIN is no missing byte."""
    return [f"{ends(r)}: {r['bytes_missing']} bytes missing" for r in records if r["bytes_missing"]]


def as_the_key_says(key, records):
    """Every key that the answer has; the record may say more."""
    found = {ends(r): r for r in records}
    complaints = [f"not in the key: {e}" for e in found if e not in key]
    if len(found) != len(records):
        complaints.append("a session is reported twice")
    for end, expected in key.items():
        got = found.get(end)
        if got is None:
            complaints.append(f"missing: {end}")
            continue
        complaints += [f"{end}: {k}={got.get(k)!r}, not {v!r}"
                       for k, v in expected.items() if got.get(k) != v or k not in got]
    return complaints


def expected_counts(key):
    """Sessions by (client, server, service), then by verdict."""
    out = collections.defaultdict(collections.Counter)
    for s in key.values():
        out[s["client_peer"], s["server_peer"], s["service"]][s["verdict"]] += 1
        if s["exposure"] == "refused":
            out[s["client_peer"], s["server_peer"], s["service"]]["refused"] += 1
    return out


COLUMNS = {"encrypted-starttls": "enc_starttls", "encrypted-implicit": "enc_implicit",
           "plaintext": "plaintext", "tls-failed": "tls_failed",
           "no-transaction": "no_transaction", "refused": "refused"}


def matrix_pairs(state, key):
    """Every pair of the matrix holds what the key holds, and promises only where it should."""
    complaints = []
    for service in ("mta", "submission"):
        matrix = tool_json(state, "matrix", "--all", "--service", service)
        wanted = {k[:2]: v for k, v in expected_counts(key).items() if k[2] == service}
        pairs = {(p["client"], p["server"]): p for p in matrix["pairs"]}
        if pairs.keys() != wanted.keys():
            complaints.append(f"{service}: pairs {sorted(pairs)}, not {sorted(wanted)}")
        for pair, counts in wanted.items():
            got = pairs.get(pair, {"counts": {}, "promised": None})
            for verdict, column in COLUMNS.items():
                if got["counts"].get(column) != counts[verdict]:
                    complaints.append(f"{service} {pair}: {column}={got['counts'].get(column)}, "
                                      f"not {counts[verdict]}")
            promised = service == "mta" and all(p in SIGNATORIES for p in pair)
            if got["promised"] is not promised:
                complaints.append(f"{service} {pair}: promised={got['promised']}")
    return complaints


def matrix_total(state, key):
    """E and P of the promise, and the one pair that is to blame."""
    matrix = tool_json(state, "matrix")
    promised = [s for s in key.values() if s["service"] == "mta" and
                s["client_peer"] in SIGNATORIES and s["server_peer"] in SIGNATORIES]
    encrypted = sum(s["verdict"].startswith("encrypted") for s in promised)
    clear = sum(s["verdict"] == "plaintext" and s["exposure"] != "refused" for s in promised)
    total = matrix["total"]
    complaints = [f"{k}={total[k]}, not {v}" for k, v in
                  (("sessions", len(promised)), ("E", encrypted), ("P", clear), ("U", 0),
                   ("coverage", 1)) if total[k] != v]
    if abs(total["ratio"] - encrypted / (encrypted + clear)) > 1e-9:
        complaints.append(f"ratio={total['ratio']}")
    blamed = [(p["client"], p["server"]) for p in matrix["pairs"] if p["P"]]
    if blamed != [("sfr", "laposte")]:
        complaints.append(f"plaintext pairs: {blamed}")
    return complaints


def one_incident(state, key):
    incidents = tool_json(state, "incidents", "--all")["incidents"]
    if len(incidents) != 1:
        return [f"{len(incidents)} incidents: {incidents}"]
    clear = sum(s["exposure"] == "content" and (s["client_peer"], s["server_peer"]) ==
                ("sfr", "laposte") for s in key.values())
    wanted = {"rule": "plaintext-between-signatories", "severity": "critical", "client": "sfr",
              "server": "laposte", "service": "mta", "sensor": "th2-1", "sessions": clear,
              "confirmed": clear}
    got = incidents[0]
    complaints = [f"{k}={got.get(k)!r}, not {v!r}" for k, v in wanted.items() if got.get(k) != v]
    if got["by_exposure"].get("content") != clear or got["by_cause"].get("not-offered") != clear:
        complaints.append(f"weight: {got['by_exposure']} {got['by_cause']}")
    shown = tool_json(state, "incidents", str(got["id"]))
    evidence = [(e["client_peer"], e["server_peer"], e["verdict"]) for e in shown["evidence"]]
    if evidence != [("sfr", "laposte", "plaintext")] * clear:
        complaints.append(f"evidence: {evidence}")
    return complaints


def state_files(state, key):
    complaints = [f"{name} is missing" for name in ("ledger.db", "incidents.db", "rrd/health.rrd")
                  if not (state / name).is_file()]
    for client, server, service in expected_counts(key):
        if not (state / "rrd" / service / client / f"{server}.rrd").is_file():
            complaints.append(f"rrd/{service}/{client}/{server}.rrd is missing")
    logs = sorted(p.name for p in (state / "sessions").iterdir())
    if logs != [f"{DAY}.jsonl"]:
        complaints.append(f"sessions: {logs}")
    return complaints


def session_log(state, key):
    """In the state directory the addresses of people are cut, those of servers are not."""
    known = re.compile(r"198\.51\.100\.|192\.0\.2\.25$|2001:db8:[1-5]0:25::")
    records = [json.loads(line) for line in
               (state / "sessions" / f"{DAY}.jsonl").read_text("ascii").splitlines()]
    if len(records) != len(key):
        return [f"{len(records)} records, not {len(key)}"]
    return [f"{record[end]} is not cut" for record in records for end in ("client", "server")
            if not known.match(record[end]) and
            not re.search(r"\.0\.0$|^2001:db8:[0-9a-f]+::$", record[end])]


def databases(state):
    complaints = []
    for name in ("ledger.db", "incidents.db"):
        with sqlite3.connect(state / name) as db:
            said = db.execute("pragma integrity_check").fetchone()[0]
            if said != "ok":
                complaints.append(f"{name}: {said}")
        db.close()
    return complaints


def readable(state):
    """What people see names the pair, and never claims 100 % for it."""
    complaints = []
    for command in (("matrix",), ("incidents",)):
        done = tool(state, *command)
        if done.returncode != 0 or "laposte" not in done.stdout or done.stderr:
            complaints.append(f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return complaints


def picture(state, folder, name, magic):
    out = folder / name
    done = tool(state, "graph", "--pair", "sfr:laposte", "--last", "20m", "--out", str(out))
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr}"]
    return [] if magic in out.read_bytes()[:200] else [f"{name} is not what its name says"]


def second_run(state):
    """The same packets again are older than the last step: refused in one line, nothing changed."""
    before = tool_json(state, "matrix", "--all")
    again = run("-c", CONFIGURATION, "-r", SAMPLE / "sample.pcap", "--state", state, "--quiet")
    said = again.stderr.decode(errors="replace")
    complaints = []
    if again.returncode != 1 or not said.strip():
        complaints.append(f"exit {again.returncode}: {said}")
    if tool_json(state, "matrix", "--all")["pairs"] != before["pairs"]:
        complaints.append("the counts have changed")
    return complaints


def main():
    tap = Tap()
    with open(SAMPLE / "sample.answers.jsonl", encoding="ascii") as f:
        key = {ends(s): s for s in map(json.loads, f)}
    with tempfile.TemporaryDirectory() as name:
        folder, state = Path(name), Path(name) / "state"
        folder.chmod(0o755)  # started as root, the sensor becomes somebody else
        done = run("-c", CONFIGURATION, "-r", SAMPLE / "sample.pcap", "--state", state,
                   "--sessions", "-", env={**os.environ, "TZ": "Europe/Paris"})
        records = [json.loads(line) for line in done.stdout.splitlines()]
        tap.run("the run ends well", clean_run, done)
        tap.run("the records are well formed", well_formed, records)
        tap.run("nothing is missing", whole, records)
        tap.run(f"all {len(key)} sessions are as the servers logged them",
                as_the_key_says, key, records)
        tap.run("the state directory has its files", state_files, state, key)
        tap.run("the session log cuts addresses", session_log, state, key)
        tap.run("the databases are sound", databases, state)
        tap.run("the matrix counts every pair", matrix_pairs, state, key)
        tap.run("the matrix shows one pair in clear", matrix_total, state, key)
        tap.run("there is one incident", one_incident, state, key)
        tap.run("the tables can be read", readable, state)
        tap.run("a graph as PNG", picture, state, folder, "graph.png", b"\x89PNG")
        tap.run("a graph as SVG", picture, state, folder, "graph.svg", b"<svg")
        tap.run("the same capture again is refused", second_run, state)
    tap.finish()


if __name__ == "__main__":
    main()
