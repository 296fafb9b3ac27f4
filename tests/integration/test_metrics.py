#!/usr/bin/env python3
"""metrics.prom of whole runs: promtool takes it, and it says what the ledger says."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"
CONF = SRCDIR / "mailseal.yaml.example"
LAB = Path(os.environ.get("MAILSEAL_LAB", "/var/cache/mailseal-lab"))

LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? ([0-9]+)")
LABEL = re.compile(r'([a-z_]+)="([^"\\\n]*)"(?:,|$)')


def promtool():
    return shutil.which("promtool", path="%s:%s" % (os.environ["PATH"], LAB / "usr" / "bin"))


def record(top, name, conf=CONF, code=0):
    """The state directory of a run over the sample."""
    state = top / name
    done = subprocess.run([str(BUILDDIR / "mailseald"), "-c", str(conf), "-r", str(SAMPLE),
                           "--state", str(state), "--quiet"], stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != code:
        raise RuntimeError("exit %d: %s" % (done.returncode, done.stderr))
    return state, done.stderr


def metrics(path):
    """{(name, labels): value}; what is no metric is an error."""
    out = {}
    for line in path.read_text().splitlines():
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            continue
        found = LINE.fullmatch(line)
        labels = tuple(LABEL.findall(found[2] or "")) if found else ()
        if not found or (found[1], labels) in out or \
                LABEL.sub("", found[2] or "") != "":
            raise ValueError("no metric, or one that was there: " + line)
        out[found[1], labels] = int(found[3])
    return out


def promtool_takes_it(top):
    state, _ = record(top, "promtool")
    with open(state / "metrics.prom", "rb") as file:
        done = subprocess.run([promtool(), "check", "metrics"], stdin=file, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    bad = ["exit %d" % done.returncode] if done.returncode else []
    return bad + ([done.stdout] if done.stdout else [])


def promtool_would_complain(_):
    done = subprocess.run([promtool(), "check", "metrics"], text=True, stdout=subprocess.PIPE,
                          input="# TYPE mailseal_x counter\nmailseal_x 1\n", stderr=subprocess.STDOUT,
                          check=False)
    return [] if done.returncode else ["a counter without _total and HELP was taken"]


def the_numbers_are_those_of_the_ledger(top):
    state, _ = record(top, "ledger")
    m, bad, sessions = metrics(state / "metrics.prom"), [], 0
    for service in ("mta", "submission", "access"):
        done = subprocess.run([str(BUILDDIR / "mailseal"), "matrix", "--all", "--json", "--last", "3650d",
                               "--service", service, "--state", str(state)], check=False,
                              stdout=subprocess.PIPE)
        for pair in json.loads(done.stdout)["pairs"] if done.stdout else ():
            who = (("client_peer", pair["client"]), ("server_peer", pair["server"]),
                   ("service", service))
            for count, verdict in (("enc_starttls", "encrypted-starttls"), ("plaintext", "plaintext"),
                                   ("tls_failed", "tls-failed"), ("enc_implicit", "encrypted-implicit"),
                                   ("no_transaction", "no-transaction"),
                                   ("indeterminate", "indeterminate")):
                key = "mailseal_sessions_total", who + (("verdict", verdict),)
                sessions += pair["counts"][count]
                if m.get(key) != pair["counts"][count]:
                    bad.append("%s: %s, not %d" % (key, m.get(key), pair["counts"][count]))
    total = sum(n for (name, _), n in m.items() if name == "mailseal_sessions_total")
    bad += [] if 0 < sessions == total else ["%d sessions, not %d" % (total, sessions)]
    ended = m["mailseal_flows_ended_total", (("as", "session"),)]
    bad += [] if ended == total else ["%d flows ended as sessions" % ended]
    packets = sum(n for (name, _), n in m.items() if name == "mailseal_packets_total")
    read = m["mailseal_captured_packets_total", ()]
    bad += [] if packets == read > 0 else ["%d packets, not %d" % (packets, read)]
    critical = m["mailseal_incidents", (("state", "open"), ("severity", "critical"))]
    return bad + ([] if critical == 1 else ["%d critical incidents" % critical])


def another_file(top):
    folder = top / "textfiles"
    folder.mkdir()
    conf = top / "file.yaml"
    text = CONF.read_text()
    name = "metrics_file: %s" % (folder / "mailseal.prom")
    conf.write_text(re.sub(r"#metrics_file: \S+", name, text))
    if name not in conf.read_text():
        return ["mailseal.yaml.example has no metrics_file"]
    state, _ = record(top, "file", conf)
    bad = [] if [p.name for p in folder.iterdir()] == ["mailseal.prom"] else ["no such file"]
    bad += ["one in the state directory, too"] if (state / "metrics.prom").exists() else []
    os.umask(0o077)
    shutil.rmtree(folder)
    state, said = record(top, "missing", conf, 1)
    bad += [] if said.count("what=metrics") == 1 and "mailseal.prom" in said else [said]
    done = subprocess.run([str(BUILDDIR / "mailseal"), "incidents", "--state", str(state)], text=True,
                          stdout=subprocess.PIPE, check=True)
    return bad + ([] if "critical" in done.stdout else ["the rest did not go on"])


def the_documents_have_every_metric(top):
    state, _ = record(top, "doc")
    text = (SRCDIR / "doc" / "metrics.md").read_text()
    named = set(re.findall(r"`(mailseal_[a-z_]+)", text))
    there = {name for name, _ in metrics(state / "metrics.prom")}
    there.add("mailseal_alerts_waiting")  # is there with the first target
    return ["doc/metrics.md lacks " + n for n in sorted(there - named)] + \
        ["%s is in doc/metrics.md only" % n for n in sorted(named - there)]


def main():
    tap = Tap()
    top = Path(tempfile.mkdtemp(prefix="mailseal-metrics-"))
    try:
        for test in (promtool_takes_it, promtool_would_complain):
            if promtool():
                tap.run(test.__name__.replace("_", " "), test, top)
            else:
                tap.skip(test.__name__.replace("_", " "),
                         "promtool (package prometheus) is not installed")
        for test in (the_numbers_are_those_of_the_ledger, another_file,
                     the_documents_have_every_metric):
            tap.run(test.__name__.replace("_", " "), test, top)
    finally:
        shutil.rmtree(top)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
