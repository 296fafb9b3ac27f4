#!/usr/bin/env python3
"""STARTTLS that is not offered here, and clear text behind failed TLS: what the sensor remembers of
earlier sessions, from packets to the ledger, over gaps, hours and restarts."""
import json
import signal
import sqlite3
import tempfile
from pathlib import Path

import session_record
from tap import Tap
from traffic import (CONFIGURATION, START, Ends, Sensor, Traffic, last_step, query, talks,
                     wait_until)

MAIL = """\
C: MAIL FROM:<a@client.example>
S: 250 2.1.0 Ok
C: RCPT TO:<b@mx.example>
S: 250 2.1.5 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: Hello
C: .
S: 250 2.0.0 Ok: queued
"""
HELLO = "S: 220 mx.example ESMTP\nC: EHLO client.example\n"
HELO = "C: HELO client.example\nS: 250 mx.example\n"
LIST = "S: 250-mx.example\nS: 250-PIPELINING\n"
QUIT = "C: QUIT\nS: 221 2.0.0 Bye\n"
TLS = """\
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
C: <client-hello sni=mx.example versions=1.2>
S: <server-hello version=1.2 cipher=0xc02f>
S: <certificate 600>
S: <server-key-exchange>
S: <server-hello-done>
"""
# What sessions are made of. "without" is "offered" but for the keyword of the same length.
TALKS = {
    "offered": HELLO + LIST + "S: 250-STARTTLS\nS: 250 8BITMIME\n" + MAIL + QUIT,
    "without": HELLO + LIST + "S: 250-CHUNKING\nS: 250 8BITMIME\n" + MAIL + QUIT,
    "scanner": HELLO + LIST + "S: 250 8BITMIME\n" + QUIT,
    "masked": HELLO + LIST + "S: 250-XXXXXXXA\nS: 250 8BITMIME\n" + MAIL + QUIT,
    "gap": HELLO + LIST + "S: <gap 14>\nS: 250 8BITMIME\n" + MAIL + QUIT,
    "refused": HELLO + "S: 500 5.5.1 What?\n" + HELO + MAIL + QUIT,
    "refused-gap": HELLO + "S: <gap 20>\n" + HELO + MAIL + QUIT,
    "turned-away": HELLO + "S: 550 5.7.1 Go away\n" + QUIT,
    "tls-failed": HELLO + LIST + "S: 250-STARTTLS\nS: 250 8BITMIME\n" + TLS +
                  "C: <alert fatal 48>\n",
    "tls-gap": HELLO + LIST + "S: 250-STARTTLS\nS: 250 8BITMIME\n" + TLS + "C: <gap 200>\n",
}
# IMAP and POP3: behind the login the list has no STARTTLS any more, which says nothing.
LOGIN = "C: b login user secret\nS: b OK done\nC: c logout\nS: * BYE\nS: c OK done\n"
USER = "C: USER user\nS: +OK\nC: PASS secret\nS: +OK\n"
STAT = "C: STAT\nS: +OK 0 0\nC: QUIT\nS: +OK\n"
TALKS.update({
    "imap-offered": "port: 143\nS: * OK hello\nC: a CAPABILITY\n"
                    "S: * CAPABILITY IMAP4rev1 STARTTLS\nS: a OK done\n" + LOGIN,
    "imap-without": "port: 143\nS: * OK hello\nC: a CAPABILITY\n"
                    "S: * CAPABILITY IMAP4rev1\nS: a OK done\n" + LOGIN,
    "imap-behind-login": "port: 143\nS: * OK hello\nC: a login user secret\nS: a OK done\n"
                         "C: b CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: b OK done\n",
    "pop3-offered": "port: 110\nS: +OK hello\nC: CAPA\nS: +OK\nS: USER\nS: STLS\nS: .\n" +
                    USER + STAT,
    "pop3-without": "port: 110\nS: +OK hello\nC: CAPA\nS: +OK\nS: USER\nS: .\n" + USER + STAT,
    "pop3-behind-login": "port: 110\nS: +OK hello\n" + USER + "C: CAPA\nS: +OK\nS: TOP\nS: .\n" +
                         STAT,
})
SIGNS = {"R": "removed", "H": "helo", "M": "masked", ".": None}


class Scene(Traffic):
    """Sessions of these kinds, each from a client of its own unless it is named."""

    def __init__(self, folder):
        super().__init__()
        self.folder = Path(folder)
        self.order = []

    def talk(self, kind):
        path = self.folder / (kind + ".talk")
        path.write_text(TALKS[kind] + "expect: verdict=plaintext\n", encoding="ascii")
        return talks.Talk(path)

    def add(self, kind, at, client="198.51.100.1", server="198.51.100.33"):
        self.port += 1
        talk = self.talk(kind)
        ends = Ends(client, self.port, server, talk.port)
        start = int((START + at) * 10**6)
        for n, packet in enumerate(talk.packets()):
            self.packets.append((start + n * 1000, ends.frame(packet)))
        self.order.append(self.port)

    def add_all(self, *sessions, server="198.51.100.33"):
        """Each is (kind, at); clients in turn, so that the offer went to somebody else."""
        for n, (kind, at) in enumerate(sessions):
            self.add(kind, at, "198.51.100.%d" % (1 + n % 8), server)
        return self

    def write(self, first=None, last=None):
        path = self.folder / "capture.pcap"
        path.write_bytes(self.pcap(first, last))
        return path


class Place:
    """A folder with a configuration and a state directory."""

    def __init__(self, folder, more=""):
        self.folder = Path(folder)
        self.state = self.folder / "state"
        self.conf = self.folder / "mailseal.yaml"
        self.conf.write_text(CONFIGURATION + more, encoding="ascii")

    def run(self, path):
        """The session records, and complaints about the run and about each of them."""
        done = session_record.run("-c", self.conf, "-r", path, "--state", self.state, "--quiet",
                                  "--sessions", "-")
        said = [l for l in done.stderr.decode().splitlines() if not l.startswith("incident ")]
        bad = [f"exit {done.returncode}: {said}"] if done.returncode or said else []
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return records, bad + [c for r in records for c in session_record.check(r)]

    def log(self):
        return [json.loads(line) for path in sorted((self.state / "sessions").iterdir())
                for line in path.read_text("ascii").splitlines()]

    def books(self):
        """The ledger counts as many stripped sessions as the session log has."""
        logged = sum(r["stripped"] is not None for r in self.log())
        bad = []
        for table in ("minutes", "hours", "days"):
            counted = query(self.state, f"SELECT sum(stripped) FROM {table}")[0][0]
            if counted != logged:
                bad.append(f"{table}: {counted} stripped, {logged} in the session log")
        return bad


def signs(scene, records, wanted):
    """Complaints unless the sessions, in the order in which they were added, show these signs."""
    by_port = {r["client_port"]: r for r in records}
    got = [by_port[port]["stripped"] if port in by_port else "no record" for port in scene.order]
    expected = [SIGNS[c] for c in wanted]
    return [] if got == expected else [f"{got}, not {expected}"]


# Each: sessions, and the sign of each.
REMOVED = {
    "the third one": ([("offered", 0), ("without", 60), ("without", 120), ("without", 180),
                       ("without", 240)], "...RR"),
    "offers in between": ([("without", 0), ("offered", 60), ("without", 120), ("offered", 180),
                           ("without", 240)], "....R"),
    "scanners, too": ([("offered", 0), ("scanner", 60), ("scanner", 120), ("without", 180),
                       ("scanner", 240)], "...RR"),
    "never offered": ([("without", n * 60) for n in range(5)], "....."),
    "an offer over an hour ago": ([("offered", 0), ("without", 3590), ("without", 3595),
                                   ("without", 3605), ("without", 3610)], "....."),
    "an offer just within the hour": ([("offered", 0), ("without", 3500), ("without", 3550),
                                       ("without", 3599)], "...R"),
    "a gap where the offer would stand": ([("offered", 0)] + [("gap", n * 60) for n in range(1, 6)],
                                          "......"),
    "gaps count for nothing": ([("offered", 0), ("without", 60), ("gap", 120), ("gap", 180),
                                ("without", 240), ("without", 300)], ".....R"),
    "masked is its own sign": ([("offered", 0)] + [("masked", n * 60) for n in range(1, 4)] +
                               [("without", 300)], ".MMMR"),
    "EHLO refused": ([("offered", 0), ("refused", 60), ("refused", 120), ("refused", 180),
                      ("refused", 240)], "...HH"),
    "EHLO refused by a server that has none": ([("refused", n * 60) for n in range(5)], "....."),
    "EHLO refused, and no STARTTLS before": ([("scanner", 0)] +
                                             [("refused", n * 60) for n in range(1, 5)], "....."),
    "EHLO refused to a client that is turned away": (
        [("offered", 0)] + [("turned-away", n * 60) for n in range(1, 6)], "......"),
    "IMAP": ([("imap-offered", 0)] + [("imap-without", n * 60) for n in range(1, 5)], "...RR"),
    "IMAP, a list behind the login": (
        [("imap-offered", 0)] + [("imap-behind-login", n * 60) for n in range(1, 5)], "....."),
    "POP3": ([("pop3-offered", 0)] + [("pop3-without", n * 60) for n in range(1, 5)], "...RR"),
    "POP3, a list behind the login": (
        [("pop3-offered", 0)] + [("pop3-behind-login", n * 60) for n in range(1, 5)], "....."),
    "a gap where EHLO was answered": ([("offered", 0)] +
                                      [("refused-gap", n * 60) for n in range(1, 6)], "......"),
}


def removed(folder, sessions, wanted):
    place, scene = Place(folder), Scene(folder).add_all(*sessions)
    records, bad = place.run(scene.write())
    bad += signs(scene, records, wanted) + place.books()
    causes = {r["stripped"]: r["cause"] for r in records if r["verdict"] == "plaintext"}
    bad += [f"cause {causes[s]} of {s}" for s in ("removed", "helo")
            if causes.get(s, "suspected-stripping") != "suspected-stripping"]
    return bad


def evidence_is_in_the_log(folder):
    """offered_at is the timestamp of the session that was offered it, without_offer a count."""
    place = Place(folder)
    scene = Scene(folder).add_all(("offered", 1.25), *(("without", n * 60) for n in range(1, 6)))
    records, bad = place.run(scene.write())
    offered = [r["timestamp"] for r in records if r["starttls_offered"]]
    claims = [r["downgrade"] for r in records if r["downgrade"]]
    wanted = [{"offered_at": offered[0], "without_offer": n} for n in (3, 4, 5)]
    return bad + ([f"{claims}, not {wanted}"] if claims != wanted else [])


def servers_are_apart(folder):
    place, scene = Place(folder), Scene(folder)
    scene.add_all(("offered", 0), ("without", 60), ("without", 120))
    scene.add_all(*(("without", 180 + n) for n in range(4)), server="198.51.100.34")
    records, bad = place.run(scene.write())
    return bad + signs(scene, records, ".......")


def without_a_state_directory(folder):
    scene = Scene(folder).add_all(("offered", 0), *(("without", n * 60) for n in range(1, 4)))
    records, bad = session_record.sessions(scene.write())
    return bad + signs(scene, records, "...R")


# Restarts ----------------------------------------------------------------------------------------

def kept_across_restarts(folder):
    """Each session in a run of its own."""
    place = Place(folder)
    scene = Scene(folder).add_all(("offered", 0), ("without", 60), ("without", 120),
                                  ("without", 180), ("without", 3700), ("without", 3760))
    records, bad = [], []
    for first, last in ((0, 60), (60, 120), (120, 180), (180, 240), (3660, 3720), (3720, 4000)):
        some, complaints = place.run(scene.write(first, last))
        records += some
        bad += complaints
    return bad + signs(scene, records, "...R..") + place.books()


def kept_through_a_kill(folder):
    """What was committed is known again, and what was not counts once when it is told again."""
    place = Place(folder)
    scene = Scene(folder).add_all(("offered", 1), ("without", 61), ("without", 121), ("without", 181),
                                  ("without", 241))
    scene.syn(200)
    with Sensor(folder, place.state) as sensor:
        sensor.feed(scene.between(0, 190))
        wait_until(lambda: last_step(place.state) == 60, "two steps")
        sensor.signal(signal.SIGKILL)
        sensor.ended()
    kept = query(place.state, "SELECT address, port, without_n FROM server")
    bad = [] if len(kept) == 1 and kept[0][:2] == ("198.51.100.33", 25) else [f"kept: {kept}"]
    records, complaints = place.run(scene.write(120))
    scene.order = scene.order[2:]
    return (bad + [c for c in complaints if "event=rrd-rebuild" not in c] +
            signs(scene, records, ".RR"))


def addresses_stay_in_memory(folder):
    """No client, and no server outside the prefixes, reaches the disk; it is known in the run."""
    place, scene = Place(folder), Scene(folder)
    scene.add_all(("offered", 0), *(("without", n * 60) for n in range(1, 4)), server="192.0.2.77")
    records, bad = place.run(scene.write())
    bad += signs(scene, records, "...R")
    bad += [f"kept: {row}" for row in query(place.state, "SELECT * FROM server")]
    text = "\n".join(sqlite_text(place.state / "ledger.db"))
    return bad + [f"the ledger has {a}" for a in ("192.0.2.77", "198.51.100.1") if a in text]


def sqlite_text(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    out = list(db.iterdump())
    db.close()
    return out


def bounded(folder):
    """With room for two servers, a third makes the first forgotten, on disk as in memory."""
    place, scene = Place(folder, "record: {max_servers: 2}\n"), Scene(folder)
    for n in range(4):
        scene.add_all(("offered", n), server="198.51.100.%d" % (33 + n))
    scene.add_all(*(("without", 60 + n) for n in range(3)), server="198.51.100.33")
    scene.add_all(*(("without", 70 + n) for n in range(3)), server="198.51.100.36")
    records, bad = place.run(scene.write())
    bad += signs(scene, records, ".........R")
    rows = query(place.state, "SELECT count(*) FROM server")[0][0]
    return bad + place.books() + ([f"{rows} servers are kept"] if rows != 2 else [])


def an_older_ledger(folder):
    """A ledger of the first version is taken on."""
    place, scene = Place(folder), Scene(folder).add_all(("offered", 0))
    scene.add_all(*(("without", 60 + n) for n in range(3)))
    _, bad = place.run(scene.write(None, 60))
    db = sqlite3.connect(place.state / "ledger.db")
    with db:
        db.execute("DROP TABLE server")
        db.execute("UPDATE meta SET value = 1 WHERE name = 'schema'")
    db.close()
    records, complaints = place.run(scene.write(60))
    bad += complaints + [f"{r['stripped']}" for r in records if r["stripped"]]
    return bad + place.books()


# Fallback ----------------------------------------------------------------------------------------

# Sessions between the same two, and whether each is a fallback.
FALLBACKS = {
    "a new connection": ([("tls-failed", 0), ("offered", 5)], ".F"),
    "at once": ([("tls-failed", 0), ("offered", 0.011)], ".F"),
    "nine minutes later": ([("tls-failed", 0), ("offered", 590)], ".F"),
    "over ten minutes later": ([("tls-failed", 0), ("offered", 605)], ".."),
    "every one of them": ([("tls-failed", 0), ("offered", 5), ("without", 300)], ".FF"),
    "clear text first": ([("offered", 0), ("tls-failed", 5)], ".."),
    "no mail": ([("tls-failed", 0), ("scanner", 5)], ".."),
    "a gap where TLS failed": ([("tls-gap", 0), ("offered", 5)], ".."),
}


def fallback(folder, sessions, wanted):
    place, scene = Place(folder), Scene(folder)
    for kind, at in sessions:
        scene.add(kind, at)
    records, bad = place.run(scene.write())
    by_port = {r["client_port"]: r for r in records}
    got = "".join("F" if by_port[p]["fallback"] else "." for p in scene.order)
    bad += [f"{got}, not {wanted}"] if got != wanted else []
    failed = [r["timestamp"] for r in records if r["verdict"] == "tls-failed"]
    return bad + [f"{r['downgrade']}, not {failed}" for r in records
                  if r["fallback"] and r["downgrade"] != {"tls_failed_at": failed[0]}]


def fallback_of_others(folder):
    """Another client, or another server, has not fallen back."""
    place, scene = Place(folder), Scene(folder)
    scene.add("tls-failed", 0)
    scene.add("offered", 5, client="198.51.100.2")
    scene.add("offered", 6, server="198.51.100.34")
    records, bad = place.run(scene.write())
    return bad + [f"fallback: {r}" for r in records if r["fallback"]]


def main():
    tap = Tap()
    for name, (sessions, wanted) in REMOVED.items():
        with tempfile.TemporaryDirectory() as folder:
            tap.run("not offered here: " + name, removed, folder, sessions, wanted)
    for name, (sessions, wanted) in FALLBACKS.items():
        with tempfile.TemporaryDirectory() as folder:
            tap.run("fallback: " + name, fallback, folder, sessions, wanted)
    for test in (evidence_is_in_the_log, servers_are_apart, without_a_state_directory,
                 kept_across_restarts, kept_through_a_kill, addresses_stay_in_memory, bounded,
                 an_older_ledger, fallback_of_others):
        with tempfile.TemporaryDirectory() as folder:
            tap.run(test.__name__.replace("_", " "), test, folder)
    tap.finish()


if __name__ == "__main__":
    main()
