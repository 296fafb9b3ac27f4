#!/usr/bin/env python3
"""Real captures of other projects' test suites, labelled by hand, against the sensor.

MAILSEAL_CORPUS names the folder with the captures, their labels and score.py. Every verdict must
be right, no session missing and none extra; and of every labelled field 99 of 100 must be right,
all captures taken together. CI_REQUIRE_CORPUS=1 makes a missing folder a failure.
"""
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from session_record import check, sessions
from tap import Tap

CAPTURES = 59
FIELD_ACCURACY = "0.99"


def key_of(session):
    return tuple(str(ipaddress.ip_address(session[e])) + " %d" % session[e + "_port"]
                 for e in ("client", "server"))


def labels(corpus):
    for path in sorted(corpus.glob("*.json")):
        label = json.loads(path.read_text(encoding="utf-8"))
        if "sessions" in label:
            yield label


def compare(label, records):
    """Sessions of one 4-tuple are matched in their order."""
    rest = {}
    for record in records:
        rest.setdefault(key_of(record), []).append(record)
    for wanted in label["sessions"]:
        found = rest.get(key_of(wanted), [])
        if not found:
            if not wanted.get("optional"):
                yield "%s: no session, expected %s" % (key_of(wanted), wanted["verdict"])
            continue
        record = found.pop(0)
        if record["verdict"] != wanted["verdict"]:
            yield "%s: expected %s, got %s" % (key_of(wanted), wanted["verdict"],
                                               record["verdict"])
    for key, extra in rest.items():
        for record in extra:
            yield "%s: a session that is not there: %s %s" % (
                key, record["protocol"], record["verdict"])


def judge(corpus, results, label):
    records, complaints = sessions(corpus / label["pcap"])
    with open(results / (label["pcap"] + ".jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(r) + "\n" for r in records)
    unsound = [c for r in records for c in check(r)]
    return complaints + (unsound or list(compare(label, records)))


def score(corpus, results):
    process = subprocess.run([sys.executable, str(corpus / "score.py"), str(corpus), str(results),
                              "--min-field-accuracy",
                              FIELD_ACCURACY], capture_output=True, text=True, check=False)
    return [] if process.returncode == 0 else [process.stdout + process.stderr]


def main():
    folder = os.environ.get("MAILSEAL_CORPUS")
    if not folder:
        if os.environ.get("CI_REQUIRE_CORPUS") == "1":
            print("1..1\nnot ok 1 - MAILSEAL_CORPUS is set\n#   CI_REQUIRE_CORPUS=1 asks for it")
            sys.exit(1)
        print("1..0 # SKIP MAILSEAL_CORPUS is not set")
        return
    tap = Tap()
    corpus = Path(folder)
    chosen = list(labels(corpus))
    tap.result(len(chosen) >= CAPTURES, "the corpus holds its %d captures" % CAPTURES,
               "%d labels in %s" % (len(chosen), corpus))
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory)
        for label in chosen:
            tap.run(label["pcap"], judge, corpus, results, label)
        tap.run("score.py: every verdict, and 99 of 100 of each field", score, corpus, results)
    tap.finish()


if __name__ == "__main__":
    main()
