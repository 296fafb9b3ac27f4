#!/usr/bin/env python3
"""Every talk, and everything that a SPAN port can make of it, through the whole sensor.

Cutting and doubling change nothing. Loss, reordering and a missing direction may turn a verdict
into indeterminate, and may hide facts; they never invent one, and never make an accusation weigh
more. Arguments: names of talks to run; none for all.
"""
import json
import os
import sys
import tempfile

from session_record import SRCDIR, check, sessions
from tap import Tap

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import talk as talks  # noqa: E402
from wire import FIN, RST, SYN  # noqa: E402

SHOWN = 4  # variants per test whose complaints are printed
WEIGHT = {None: 0, "unknown": 0, "refused": 1, "envelope": 2, "credentials": 3, "content": 4}
# What no cut may change.
SAME = ("protocol", "service", "verdict", "reason", "starttls_offered", "starttls_requested",
        "starttls_accepted", "tls_version", "tls_cipher", "sni", "messages", "auth_cleartext",
        "stripped", "injected", "findings", "exposure", "confirmed", "directions", "cause",
        "evidence", "bytes_missing")
# What loss may hide but not change.
FACTS = ("starttls_offered", "starttls_requested", "starttls_accepted", "tls_version",
         "tls_cipher", "sni", "auth_cleartext", "stripped")


def same(expected, got):
    if isinstance(expected, tuple):
        return any(same(e, got) for e in expected)
    if isinstance(got, list) and isinstance(expected, str):
        return sorted(got) == ([] if expected == "none" else sorted(expected.split(",")))
    if isinstance(expected, str) and expected.endswith("..."):
        return isinstance(got, str) and got.startswith(expected[:-3])
    return type(expected) is type(got) and expected == got


def text(v):
    return "|".join(text(e) for e in v) if isinstance(v, tuple) else json.dumps(v)


def differences(expected, record):
    return ["%s: expected %s, got %s" % (k, text(e), text(record.get(k)))
            for k, e in expected.items() if not same(e, record.get(k))]


def alternatives(v):
    return v if isinstance(v, tuple) else (v,)


class Variant:
    """One connection of the capture and the records that the sensor gave for it."""

    def __init__(self, name, packets, addresses, first_us, last_us):
        self.name = name
        self.kind, _, place = name.partition(":")
        self.place = int(place or 0)
        self.packets = packets
        self.key = (str(addresses.client), addresses.client_port)
        self.seconds = (first_us // 10**6, last_us // 10**6)
        self.records = []

    def record(self):
        return self.records[0] if self.records else {}

    def basics(self):
        """One record for a connection with payload, none without; and each of them sound."""
        due = 1 if any(p.payload for p in self.packets) else 0
        if len(self.records) != due:
            return ["expected %d record(s), got %d" % (due, len(self.records))]
        return [c for r in self.records for c in check(r)]


class Judged:
    """A talk with all its variants, after one run of the sensor."""

    def __init__(self, path, directory):
        self.talk = talks.Talk(path)
        capture = os.path.join(directory, self.talk.name + ".pcap")
        with open(capture, "wb") as file:
            written = talks.write(self.talk, file)
        self.variants = [Variant(*w) for w in written]
        records, self.complaints = sessions(capture)
        os.unlink(capture)
        by_key = {v.key: v for v in self.variants}
        for record in records:
            owner = by_key.get((record.get("client"), record.get("client_port")))
            if owner:
                owner.records.append(record)
            else:
                self.complaints.append("a session that is in no variant: %s:%s" % (
                    record.get("client"), record.get("client_port")))
        self.whole = self.variants[0]

    def report(self, complaints):
        """(variant, complaint) pairs as lines, each variant with the way to see it again."""
        lines = list(self.complaints)
        names = list(dict.fromkeys(v.name for v, _ in complaints))
        for variant, complaint in complaints:
            if variant.name in names[:SHOWN]:
                lines.append("%s %s: %s" % (self.talk.name, variant.name, complaint))
        if names:
            lines.append("in %d variants: %s" % (len(names), " ".join(names[:40])))
            lines.append("see: python3 tests/talks/talk.py --variant %s -o x.pcap "
                         "tests/talks/%s.talk && ./mailseald -r x.pcap --sessions -"
                         % (names[0], self.talk.name))
        return lines

    def check_each(self, kinds, judge):
        complaints = []
        for variant in self.variants:
            if variant.kind in kinds:
                found = variant.basics()
                if not found and variant.records:
                    found = judge(variant)
                complaints += [(variant, c) for c in found]
        return self.report(complaints)

    def test_whole(self):
        def judge(variant):
            out = differences(self.talk.expect, variant.record())
            if "bytes_missing" not in self.talk.expect and variant.record()["bytes_missing"]:
                out.append("bytes_missing: expected 0, got %d" % variant.record()["bytes_missing"])
            return out
        return self.check_each(("whole",), judge)

    def test_cut(self):
        gaps = any(kind == "gap" for kind, _, _ in self.talk.steps)  # noticed sooner or later
        same_keys = [k for k in SAME if not (gaps and k == "evidence")]

        def judge(variant):
            whole = self.whole.record()
            out = differences(self.talk.expect, variant.record())
            return out or differences({k: whole.get(k) for k in same_keys}, variant.record())
        return self.check_each(("wrap", "bytes", "cut", "doubled"), judge)

    def test_lossy(self):
        def judge(variant):
            out = differences(self.expected_of(variant), variant.record())
            return out + list(self.inventions(variant.record()))
        return self.check_each(("client", "server", "lost", "swapped"), judge)

    def expected_of(self, variant):
        verdict = self.talk.expect["verdict"]
        cautious = {"verdict": tuple(dict.fromkeys(alternatives(verdict) + ("indeterminate",)))}
        if variant.kind in ("client", "server"):
            rule = self.talk.expect_client if variant.kind == "client" else self.talk.expect_server
            way = "to_server" if variant.kind == "client" else "to_client"
            return {**cautious, "directions": way, **rule}
        if variant.kind == "swapped":
            pair = self.whole.packets[variant.place:variant.place + 2]
            if any(p.flags & (SYN | FIN | RST) for p in pair):
                return cautious  # what comes before a SYN or behind an end may not be believed
            if pair[0].to_server == pair[1].to_server:
                return self.talk.expect
            return {"verdict": verdict}
        return cautious

    def inventions(self, record):
        """What a record says that the whole talk does not bear out."""
        whole = self.whole.record()
        for key in FACTS:
            if record[key] is not None and record[key] != whole.get(key):
                if not same(self.talk.expect.get(key, ()), record[key]):
                    yield "%s: %s, which the whole talk does not say (%s)" % (
                        key, text(record[key]), text(whole.get(key)))
        if record["injected"] and not whole.get("injected"):
            yield "injected, which the whole talk is not"
        for finding in set(record.get("findings", ())) - set(whole.get("findings", ())):
            yield "finding: %s, which the whole talk does not have" % finding
        weight = max(WEIGHT[e] for e in alternatives(self.talk.expect.get(
            "exposure", whole.get("exposure"))))
        if WEIGHT[record["exposure"]] > weight:
            yield "exposure: %s weighs more than the whole talk" % record["exposure"]
        if record["confirmed"] and not whole.get("confirmed"):
            yield "confirmed, which the whole talk is not"
        if (record["messages"] or 0) > (whole.get("messages") or 0):
            yield "messages: %d, more than the whole talk has" % record["messages"]


def main():
    tap = Tap()
    wanted = sys.argv[1:]
    paths = [p for p in sorted((SRCDIR / "tests" / "talks").glob("*.talk"))
             if not wanted or p.stem in wanted]
    tap.result(len(paths) >= (len(wanted) or 45), "the talks are there", "%d found" % len(paths))
    with tempfile.TemporaryDirectory() as directory:
        for path in paths:
            try:
                judged = Judged(path, directory)
            except (talks.TalkError, OSError) as error:
                tap.result(False, path.stem, error)
                continue
            tap.run("%s: whole" % path.stem, judged.test_whole)
            tap.run("%s: cut and doubled" % path.stem, judged.test_cut)
            tap.run("%s: lossy, swapped, one-sided" % path.stem, judged.test_lossy)
    tap.finish()


if __name__ == "__main__":
    main()
