#!/usr/bin/env python3
"""Incidents from packets to the tool: what each rule opens without any configuration, what ends it,
and that no kill loses one or opens one twice.

MAILSEAL_SEED repeats the kills of an earlier run.
"""
import collections
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import session_record
from session_record import BUILDDIR, MAILSEALD, NO_LEAK_CHECK
from tap import Tap
from traffic import PATIENCE, START, STEP, Ends, Traffic, last_step, query, read_talk, sound

SEED = int(os.environ.get("MAILSEAL_SEED") or random.SystemRandom().randrange(2**32))
KILLS = 12
NAMES = ("alpha", "beta", "gamma", "delta")
CONFIGURATION = "sensor: test\npeers:\n" + "".join(
    f"  - {{name: {name}, signatory: true, mta: [198.51.100.{32 * n}/28],"
    f" access: [198.51.100.{32 * n + 16}/28]}}\n" for n, name in enumerate(NAMES)) + """\
  - {name: cloud, signatory: false, mta: [203.0.113.0/28]}
exceptions:
  - {client: 198.51.100.15/32, note: probe}
"""
QUIET = "incidents: {quiet_s: 300}\n"
NO_RATIO = "alerts: {rules: [{rule: ratio-below, severity: off}]}\n"

PLAINTEXT, STRIPPED, FALLBACK, TLS_TOO_OLD, AUTH, RATIO, LOSSY, ONE_SIDED = (
    "plaintext-between-signatories", "starttls-stripped", "downgrade-fallback", "tls-too-old",
    "auth-in-clear", "ratio-below", "sensor-lossy", "sensor-one-sided")


def mta(name, host=1):
    if name == "cloud":
        return f"203.0.113.{host}"
    return f"198.51.100.{32 * NAMES.index(name) + host}"


def access(name):
    return mta(name, 17)


class Scene(Traffic):
    """Talks between addresses."""

    def talk(self, name, at, client, server, only=None):
        """only: the one end whose packets are seen."""
        self.port += 1
        talk = read_talk(name)
        ends = Ends(client, self.port, server, talk.port)
        for n, packet in enumerate(talk.packets()):
            if only is None or packet.to_server == (only == "client"):
                self.packets.append((int((START + at) * 10**6) + n * 1000, ends.frame(packet)))
        return self

    def mail(self, name, at, client="alpha", server="beta"):
        return self.talk(name, at, mta(client), mta(server, 5))

    def watched(self, first, last):
        """The sensor sees a packet in each step of this time."""
        for at in range(first, last, STEP):
            self.syn(at + 59)
        return self


class Place:
    """A folder with a configuration and a state directory."""

    def __init__(self, folder, more=""):
        self.folder = Path(folder)
        self.state = self.folder / "state"
        self.conf = self.folder / "mailseal.yaml"
        self.conf.write_text(CONFIGURATION + more, encoding="ascii")

    def words(self, capture):
        return ["-c", str(self.conf), "-r", str(capture), "--state", str(self.state), "--quiet"]

    def write(self, scene, first=None, last=None):
        path = self.folder / "capture.pcap"
        path.write_bytes(scene.pcap(first, last))
        return path

    def run(self, scene, first=None, last=None):
        done = session_record.run(*self.words(self.write(scene, first, last)))
        said = [l for l in done.stderr.decode().splitlines() if not l.startswith("incident ")]
        return [f"exit {done.returncode}: {said}"] if done.returncode or said else []

    def incidents(self):
        done = subprocess.run(
            [str(BUILDDIR / "mailseal"), "incidents", "--all", "--json", "--state",
             str(self.state)], capture_output=True, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)["incidents"]


def identity(i):
    return i["rule"], i["client"], i["server"], i["service"]


# What opens -------------------------------------------------------------------------------------

def one(name, **ends):
    return Scene().mail(name, 1, **ends)


def removed(count):
    """An offer to somebody, and then sessions without it: the third is the first that tells."""
    scene = Scene().talk("smtp-starttls-220", 1, mta("alpha", 2), mta("beta", 5))
    for n in range(count):
        scene.mail("smtp-banner-multiline", 2 + n)
    return scene.watched(0, 2 * STEP)


def many(name, count, client, server):
    scene = Scene()
    for n in range(count):
        scene.talk(name, 1 + n, client, server)
    return scene


def ratio(clear, sealed):
    scene = Scene()
    for n in range(clear + sealed):
        scene.mail("smtp-starttls-220" if n >= clear else "smtp-plaintext-helo", 1 + n)
    return scene


def one_sided(count, of):
    scene = Scene()
    for n in range(of):
        scene.talk("smtp-starttls-220", 1 + n, mta("alpha"), mta("cloud"),
                   "client" if n < count else None)
    return scene


CRITICAL, WARNING = "critical", "warning"
CLEAR = (PLAINTEXT, CRITICAL)
# What is seen between alpha and beta, and the rules that it opens.
OPENS = {
    "a mail in clear": (one("smtp-plaintext"), {CLEAR}),
    "one to itself": (one("smtp-plaintext", server="alpha"), set()),
    "one to who did not sign": (one("smtp-plaintext", server="cloud"), set()),
    "one from a probe": (Scene().talk("smtp-plaintext", 1, mta("alpha", 15), mta("beta")), set()),
    "a mail that was refused": (one("smtp-mail-530"), set()),
    "a mail that was not answered": (one("smtp-mail-unanswered"), {(PLAINTEXT, WARNING)}),
    "a sealed one": (one("smtp-starttls-220"), set()),
    "TLS 1.0": (one("smtp-tls-1.0"), {(TLS_TOO_OLD, WARNING)}),
    "TLS 1.2": (one("smtp-tls-1.2"), set()),
    "a masked offer": (one("smtp-masked-offer"), {CLEAR, (STRIPPED, WARNING)}),
    "a masked offer and nothing else": (one("smtp-masked-offer-quit"), {(STRIPPED, WARNING)}),
    "failed TLS and then clear text": (one("smtp-tls-client-alert").mail("smtp-plaintext", 30),
                                       {CLEAR, (FALLBACK, WARNING)}),
    "no offer, four of them told": (removed(6), {CLEAR}),
    "no offer, five of them told": (removed(7), {CLEAR, (STRIPPED, WARNING)}),
    "nineteen logins": (many("imap-login", 19, "192.0.2.1", access("beta")), set()),
    "twenty logins": (many("imap-login", 20, "192.0.2.1", access("beta")), {(AUTH, WARNING)}),
    "twenty elsewhere": (many("imap-login", 20, "192.0.2.1", "203.0.113.99"), set()),
    "one of twenty in clear": (ratio(1, 19), {CLEAR}),
    "two of twenty in clear": (ratio(2, 18), {CLEAR, (RATIO, WARNING)}),
    "four of twenty one-sided": (one_sided(4, 20), set()),
    "five of twenty one-sided": (one_sided(5, 20), {(ONE_SIDED, WARNING)}),
}


def opens(folder, scene, wanted):
    place = Place(folder)
    complaints = place.run(scene)
    found = place.incidents()
    got = {(i["rule"], i["severity"]) for i in found}
    if got != wanted or len(found) != len(wanted):
        complaints.append(f"{[(*identity(i), i['severity'], i['state']) for i in found]}")
    complaints += [f"{i['rule']} is {i['state']}" for i in found if i["state"] != "open"]
    return complaints


# What ends --------------------------------------------------------------------------------------

def states(place):
    return sorted((i["rule"], i["state"], i["why"] or "") for i in place.incidents())


def sealed_and_watched(scene, first, last):
    """Sealed mail in every step, so that the pair and the sensor can be vouched for."""
    for at in range(first, last, STEP):
        scene.mail("smtp-starttls-220", at + 1)
    return scene


def it_ends_when_mail_is_sealed(folder):
    place = Place(folder, QUIET)
    scene = sealed_and_watched(one("smtp-plaintext"), STEP, 7 * STEP)
    complaints = place.run(scene)
    got = states(place)
    return complaints + [f"{got}"] * (got != [(PLAINTEXT, "closed", "")])


def silence_is_no_end(folder):
    place = Place(folder, QUIET)
    complaints = place.run(one("smtp-plaintext").watched(STEP, 7 * STEP))
    got = states(place)
    wanted = [(PLAINTEXT, "stale", "no session of the pair was decided in the quiet time")]
    return complaints + [f"{got}"] * (got != wanted)


def an_outage_is_no_end(folder):
    """The sensor did not run, and what it sees afterwards does not make up for it at once."""
    place = Place(folder, QUIET)
    complaints = place.run(one("smtp-plaintext"))
    later = sealed_and_watched(Scene(), 3600, 3600 + STEP)
    complaints += place.run(later)
    got = states(place)
    if len(got) != 1 or got[0][:2] != (PLAINTEXT, "stale") or "saw no packets" not in got[0][2]:
        complaints.append(f"{got}")
    complaints += place.run(sealed_and_watched(Scene(), 3600 + STEP, 3600 + 6 * STEP))
    got = states(place)
    return complaints + [f"{got}"] * (got != [(PLAINTEXT, "closed", "")])


def again_and_again_is_one(folder):
    """Each round in a run of its own: the third opening of a day has to be quiet for longer."""
    place, complaints, at = Place(folder, QUIET + NO_RATIO), [], 0
    for quiet in (5, 5, 10, 20):
        closing = at + (quiet + 1) * STEP
        scene = Scene().mail("smtp-plaintext", at + 1)
        sealed_and_watched(scene, at + STEP, closing)
        complaints += place.run(scene, None, closing - STEP)
        early = states(place)
        complaints += place.run(scene, closing - STEP, closing)
        if (early, states(place)) != ([(PLAINTEXT, "open", "")], [(PLAINTEXT, "closed", "")]):
            complaints.append(f"quiet for {quiet} min: {early}, then {states(place)}")
        at = closing + STEP
    rows = query(place.state, "SELECT reopened, flaps, sessions FROM incident",
                 name="incidents.db")
    return complaints + [f"{rows}"] * (rows != [(3, 4, 4)])


# Kills ------------------------------------------------------------------------------------------

def much_goes_wrong(steps):
    """Between all pairs and at all times: what opens, closes and opens again."""
    scene, pairs = Scene(), [(c, s) for c in NAMES for s in NAMES if c != s]
    for step in range(steps):
        for n, (client, server) in enumerate(pairs):
            at = step * STEP + 1 + n
            scene.mail("smtp-starttls-220", at, client, server)
            if (step + n) % 11 == 0:
                scene.mail("smtp-plaintext-helo", at + 20, client, server)
            if (step + n) % 13 == 0:
                scene.mail("smtp-tls-1.0", at + 30, client, server)
            if (step + n) % 17 == 0:
                scene.mail("smtp-masked-offer-quit", at + 40, client, server)
    return scene


RULE_OF = {"smtp-plaintext-helo": PLAINTEXT, "smtp-tls-1.0": TLS_TOO_OLD,
           "smtp-masked-offer-quit": STRIPPED}


def due(steps):
    """The incidents of sessions that are due once so many steps are in the ledger."""
    out = set()
    pairs = [(c, s) for c in NAMES for s in NAMES if c != s]
    for step in range(steps):
        for n, (client, server) in enumerate(pairs):
            for period, talk in ((11, "smtp-plaintext-helo"), (13, "smtp-tls-1.0"),
                                 (17, "smtp-masked-offer-quit")):
                if (step + n) % period == 0:
                    out.add((RULE_OF[talk], client, server, "mta"))
    return out


def history(state):
    """By incident: what happened to it, in order."""
    out = collections.defaultdict(list)
    for incident, event in query(state, "SELECT incident, event FROM event ORDER BY id",
                                 name="incidents.db"):
        out[incident].append(event)
    return out


def wrong_order(events):
    """Opened once, and again only after it was closed or stale."""
    fires = False
    for event in events:
        if event == "opened":
            if fires:
                return True
            fires = True
        elif event in ("closed", "stale"):
            fires = False
    return events[0] != "opened"


def whole(place, steps):
    """Complaints unless each incident that the ledger's steps have made is there, once."""
    complaints, found = sound(place.state), place.incidents()
    times = collections.Counter(identity(i) for i in found)
    complaints += [f"twice: {i}" for i, n in times.items() if n > 1]
    complaints += [f"lost: {i}" for i in sorted(due(steps) - set(times))]
    for incident, events in history(place.state).items():
        if wrong_order(events):
            complaints.append(f"incident {incident}: {events}")
    return complaints


def has_store(state):
    try:
        return bool(query(state, "SELECT 1 FROM sqlite_master WHERE name = 'event'",
                          name="incidents.db"))
    except Exception:  # pylint: disable=W0718
        return False


def kill_within(place, capture, seconds):
    """Starts a run and kills both its processes at this time, unless it ends before."""
    # pylint: disable=R1732
    process = subprocess.Popen([str(MAILSEALD), *place.words(capture)], start_new_session=True,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ})
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)  # until the last process has gone
    return process.returncode


def first_open(state):
    step = last_step(state) if (Path(state) / "ledger.db").exists() else None
    return 0 if step is None else step + STEP


def no_kill_loses_or_doubles(folder):
    steps, rolls, complaints = 24, random.Random(SEED), []
    scene = much_goes_wrong(steps)
    (folder / "whole").mkdir()
    reference = Place(folder / "whole", QUIET)
    began = time.monotonic()
    complaints += reference.run(scene)
    took = time.monotonic() - began
    complaints += whole(reference, steps)
    (folder / "killed").mkdir()
    place, killed = Place(folder / "killed", QUIET), 0
    for _ in range(KILLS):
        first = first_open(place.state)
        if first >= steps * STEP:
            break
        code = kill_within(place, place.write(scene, first), rolls.uniform(0, took / 3))
        killed += code == -signal.SIGKILL
        if has_store(place.state):
            complaints += whole(place, first_open(place.state) // STEP)
    complaints += ["nothing was killed"] * (killed == 0)
    if first_open(place.state) < steps * STEP:
        done = session_record.run(*place.words(place.write(scene, first_open(place.state))))
        complaints += [f"the last run: exit {done.returncode}"] * (done.returncode != 0)
    complaints += whole(place, steps)
    wanted = {identity(i) for i in reference.incidents()}
    got = {identity(i) for i in place.incidents()}
    return complaints + [f"without kills, but not with: {i}" for i in wanted - got] + \
        [f"with kills only: {i}" for i in got - wanted]


def main():
    tap = Tap()
    print(f"# MAILSEAL_SEED={SEED}")

    def test(name, function, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            tap.run(name, function, Path(directory), *arguments)

    for name, (scene, wanted) in OPENS.items():
        test(name, opens, scene, wanted)
    test("it ends when mail is sealed", it_ends_when_mail_is_sealed)
    test("silence is no end", silence_is_no_end)
    test("an outage is no end", an_outage_is_no_end)
    test("again and again is one, and takes longer", again_and_again_is_one)
    test("no kill loses one or opens it twice", no_kill_loses_or_doubles)
    tap.finish()


if __name__ == "__main__":
    main()
