#!/usr/bin/env python3
"""Alerts as SNMP notifications, received by snmptrapd, which decodes them with MAILSEAL-MIB.

snmptrapd runs on loopback with a configuration and a persistent folder of its own. What never
arrives is told from what is late by an inform behind it, which does.
"""
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from live_sensor import LiveSensor
from session_record import BUILDDIR, SRCDIR
from tap import Tap
from traffic import query, wait_until

SEND_ALERT = BUILDDIR / "tests" / "reports" / "send_alert"
MIB = BUILDDIR / "snmp" / "MAILSEAL-MIB.txt"
STANDARD_MIBS = SRCDIR / "tests" / "mibs"
PATIENCE = 60  # seconds, for what comes

SENSOR, LONG_SENSOR = "th2-1", "sensor-at-the-exchange-point-1"
EVENTS = ("opened", "escalated", "stale", "closed", "acknowledged", "test")
STATES = {"stale": "stale", "closed": "closed"}
RULES = ("plaintext-between-signatories", "starttls-stripped", "downgrade-fallback", "tls-too-old",
         "auth-in-clear", "ratio-below", "sensor-blind", "sensor-lossy", "sensor-one-sided")
SECURITIES = ("v2c", "noAuthNoPriv", "authNoPriv", "authPriv")
AT = 1448186461

# Read by snmptrapd only. Of a trap the sender's engine is asked for the user, of an inform its own.
CONFIGURATION = """\
authCommunity log public
createUser -e 0x{engine} nobody
createUser -e 0x{engine} auth SHA "authentication phrase"
createUser -e 0x{engine} priv SHA "authentication phrase" AES "privacy phrase"
createUser -e 0x{long_engine} priv SHA "authentication phrase" AES "privacy phrase"
createUser nobody
createUser auth SHA "authentication phrase"
createUser priv SHA "authentication phrase" AES "privacy phrase"
authUser log nobody noauth
authUser log auth auth
authUser log priv priv
"""
USERS = {"v2c": "public", "noAuthNoPriv": "nobody", "authNoPriv": "auth", "authPriv": "priv"}


def camel(name):
    """As the MIB writes it: starttls-stripped is starttlsStripped."""
    head, *tail = name.split("-")
    return head + "".join(word.capitalize() for word in tail)


def enterprise():
    return int(re.search(r"{ enterprises (\d+) }", MIB.read_text(encoding="ascii")).group(1))


def engine_of(sensor):
    """RFC 3411, SnmpEngineID, format 5; for a name that fits."""
    return (0x80000000 | enterprise()).to_bytes(4, "big").hex() + "05" + sensor.encode().hex()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Phrases:
    """Files of pass phrases."""

    def __init__(self, folder):
        self.auth = self.write(folder / "auth", "authentication phrase")
        self.priv = self.write(folder / "priv", "privacy phrase")
        self.wrong = self.write(folder / "wrong", "another phrase")

    @staticmethod
    def write(path, text):
        path.write_text(text + "\n", encoding="ascii")
        return str(path)


class Receiver:
    """snmptrapd, and what it understood."""

    def __init__(self, folder, long_engine):
        self.folder = folder
        self.port = free_port()
        mibs = folder / "mibs"
        mibs.mkdir()
        for mib in [MIB, *(p for p in STANDARD_MIBS.iterdir() if p.suffix != ".md")]:
            shutil.copy(mib, mibs)
        configuration = folder / "snmptrapd.conf"
        configuration.write_text(
            CONFIGURATION.format(engine=engine_of(SENSOR), long_engine=long_engine),
            encoding="ascii")
        (folder / "persistent").mkdir()
        self.process = subprocess.Popen(
            ["snmptrapd", "-f", "-n", "-C", "-c", str(configuration), "-p", str(folder / "pid"),
             "-Lo", "-F", r"%V\t%v\n", "-OQ", "-m", "MAILSEAL-MIB", "-M", str(mibs),
             f"udp:127.0.0.1:{self.port}", f"udp6:[::1]:{self.port}"],
            env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "persistent"),
                 "SNMPCONFPATH": str(folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pending = b""
        said = []
        while (line := self.line()) is not None and not line.startswith("NET-SNMP version"):
            said.append(line)
        if line is None:
            self.close()
            raise RuntimeError("snmptrapd does not start: " + "; ".join(said))

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def line(self):
        """The next line of its output; None when none comes."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0, deadline - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                return None
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode("utf-8", "replace")

    def notification(self):
        """The next one as {object: value}; None when none comes."""
        while (line := self.line()) is not None:
            if "snmpModules.1.1.4.1.0" in line:  # snmpTrapOID.0
                return objects_of(line)
        return None


def objects_of(line):
    out = {}
    for part in filter(None, line.split("\t")):
        name, _, value = part.partition(" = ")
        name = re.sub(r"^MAILSEAL-MIB::mailseal(.*)\.0$", r"\1", name)
        out["OID" if name.endswith("1.1.4.1.0") else name] = value
    return out


def send(receiver, phrases, security, *options, host="127.0.0.1", port=None, timeout=PATIENCE,
         user=None, auth=None, priv=None, environment=None, within=()):
    """What send_alert printed, line by line; what it says on standard error is a line, too."""
    done = subprocess.run(
        [*within, str(SEND_ALERT), "--kind", "snmp", "--host", host, "--port",
         str(port or receiver.port), "--security", security, "--user", user or USERS[security],
         "--auth-file", auth or phrases.auth, "--priv-file", priv or phrases.priv, "--timeout",
         str(timeout), *options], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=4 * PATIENCE)
    return (done.stderr + done.stdout).splitlines()


def differences(got, want, what):
    if got is None:
        return [f"{what}: nothing came"]
    return [f"{what}: {key} is {got.get(key)!r}, not {value!r}"
            for key, value in want.items() if got.get(key) != value]


def taken(answers, count=1):
    if len(answers) == count and all(a.startswith("taken: ") for a in answers):
        return []
    return [f"send_alert: {answers}"]


# The MIB --------------------------------------------------------------------------------------


def smilint(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "MAILSEAL-MIB.txt"
        path.write_text(text, encoding="ascii")
        done = subprocess.run(["smilint", "-l", "5", str(path)], check=False, text=True,
                              env={**os.environ, "SMIPATH": str(STANDARD_MIBS)},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    return (done.stdout + done.stderr).splitlines()


def mib_is_clean():
    return smilint(MIB.read_text(encoding="ascii"))


def mistake_in_mib_is_found():
    text = MIB.read_text(encoding="ascii")
    broken = text.replace("    mailsealEventGroup,\n", "", 1).replace(
        "mailsealIncidentWhy,\n", "", 1)
    return [] if smilint(broken) else ["smilint says nothing of a broken MIB"]


# What arrives ---------------------------------------------------------------------------------


def expected(event, n):
    return {"OID": "MAILSEAL-MIB::mailseal" + ("Test" if event == "test" else
                                               "Incident" + event.capitalize()),
            "IncidentId": "7", "IncidentRule": "plaintextBetweenSignatories",
            "IncidentClientPeer": "orange", "IncidentServerPeer": "free", "IncidentService": "mta",
            "IncidentSensor": SENSOR, "IncidentSeverity": "critical",
            "IncidentState": STATES.get(event, "open"),
            "IncidentOpenedAt": "2015-11-22,10:0:0.0,+0:0",
            "IncidentLastSeen": "2015-11-22,10:1:0.0,+0:0",
            "IncidentSessions": "3 sessions", "IncidentConfirmed": "3 sessions",
            "IncidentWhy": "cannot be shown", "IncidentFound": "", "EventKind": event,
            "EventId": str(12 + n), "EventTime": "2015-11-22,10:1:1.0,+0:0",
            "EventRepeated": "false"}


def every_event(receiver, phrases, security, *how):
    answers = send(receiver, phrases, security, "--events", ",".join(EVENTS), "--at", str(AT),
                   "--why", "cannot be shown", *how)
    complaints = taken(answers, len(EVENTS))
    for n, event in enumerate(EVENTS):
        got = receiver.notification()
        want = expected(event, n)
        acknowledged = ("IncidentAcknowledgedBy", "IncidentNote") if event == "acknowledged" else ()
        complaints += differences(got, want, event)
        # sysUpTime.0 is there as well
        complaints += [f"{event}: {name} came" for name in sorted(got or ())
                       if name not in want and name not in acknowledged and ".1.3.0" not in name]
        complaints += [f"{event}: no {name}" for name in acknowledged if name not in (got or ())]
    return complaints


def every_rule(receiver, phrases):
    complaints = []
    for rule in RULES:
        complaints += taken(send(receiver, phrases, "v2c", "--inform", "--rule", rule,
                                 "--severity", "warning", "--again"))
        complaints += differences(receiver.notification(),
                                  {"IncidentRule": camel(rule), "IncidentSeverity": "warning",
                                   "EventRepeated": "true"}, rule)
    return complaints


def over(receiver, phrases, host):
    return taken(send(receiver, phrases, "authPriv", "--inform", host=host)) + differences(
        receiver.notification(), {"EventKind": "opened"}, host)


def long_name(receiver, phrases, engine):
    answers = send(receiver, phrases, "authPriv", "--sensor", LONG_SENSOR)
    complaints = [] if answers == [f"taken: sent by engine 0x{engine}"] else [str(answers)]
    return complaints + differences(receiver.notification(), {"IncidentSensor": LONG_SENSOR},
                                    "long name")


# What does not --------------------------------------------------------------------------------


def marker_is_next(receiver, phrases, number):
    """Nothing arrived since the last one was read."""
    answers = send(receiver, phrases, "v2c", "--inform", "--event-id", str(number))
    return taken(answers) + differences(receiver.notification(), {"EventId": str(number)},
                                        "what came next")


def waits(receiver, phrases, security, words, number, how):
    """An inform is not taken, and the answer has these words."""
    answers = send(receiver, phrases, security, "--inform", **how)
    complaints = [] if len(answers) == 1 and re.fullmatch(f"later: {words}", answers[0]) else [
        f"the answer was {answers}, not {words}"]
    return complaints + marker_is_next(receiver, phrases, number)


def trap_gets_lost(receiver, phrases, security, number, how):
    """Nobody says no to a trap: it was sent."""
    return taken(send(receiver, phrases, security, **how)) + marker_is_next(
        receiver, phrases, number)


def nobody_listens(phrases, *how):
    return send(None, phrases, "v2c", *how, port=free_port(), timeout=1)


def nobody(phrases):
    trap, inform = nobody_listens(phrases), nobody_listens(phrases, "--inform")
    return [] if trap == ["taken: sent"] and inform == ["later: no answer in 1 s"] else [
        f"trap: {trap}, inform: {inform}"]


def silent(phrases, security):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        answers = send(None, phrases, security, "--inform", port=s.getsockname()[1], timeout=1)
        s.setblocking(False)
        s.recv(65536)
    return [] if answers == ["later: no answer in 1 s"] else [str(answers)]


# In a network of its own: name servers can be asked, and nothing ever comes back.
SILENT_NETWORK = """\
ip link add silent type veth peer name far && ip link set far up && ip link set silent up &&
ip address add 192.0.2.2/24 dev silent &&
ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev silent &&
mount --bind "$1" /etc/resolv.conf && shift && exec "$@"
"""


def in_silent_network(resolv):
    resolv.write_text("nameserver 192.0.2.1\n", encoding="ascii")
    return ["unshare", "--net", "--mount", "sh", "-c", SILENT_NETWORK, "sh", str(resolv)]


def name_servers_hang(phrases, within):
    answers = send(None, phrases, "v2c", host="receiver.example", port=162, timeout=1,
                   within=within)
    words = "later: receiver.example: no answer from the name servers"
    return [] if answers == [words] else [str(answers)]


def name_servers_test(tap, folder, phrases):
    within = in_silent_network(folder / "resolv.conf")
    tried = subprocess.run([*within, "true"], stdin=subprocess.DEVNULL, capture_output=True,
                           check=False, timeout=PATIENCE)
    if tried.returncode == 0:
        tap.run("name servers hang", name_servers_hang, phrases, within)
    else:
        tap.skip("name servers hang", "no network of its own can be made")


# The engine -----------------------------------------------------------------------------------


def clock_outlives_the_process(receiver, phrases):
    """RFC 3414, 3.2, 7b: what is more than 150 s behind the last is a replay."""
    complaints, now = [], int(time.time()) + 1000  # later than what was sent before
    for number, (later, arrives) in enumerate(((0, True), (5, True), (100000, True),
                                               (99900, True), (99000, False), (100001, True))):
        complaints += taken(send(receiver, phrases, "authPriv", "--at", str(now + later),
                                 "--event-id", str(500 + number)))
        if arrives:
            complaints += differences(receiver.notification(), {"EventId": str(500 + number)},
                                      f"{later} s later")
        else:
            complaints += marker_is_next(receiver, phrases, 600 + number)
    return complaints


# The sensor -----------------------------------------------------------------------------------

TARGETS = """\
sensor: {sensor}
user: nobody
alerts:
  targets:
    - {{name: inform, inform: true, {how}}}
    - {{name: trap, {how}}}
"""


def test_alert(state, target):
    done = subprocess.run([str(BUILDDIR / "mailseal"), "test-alert", "--state", str(state),
                           "--target", target, "--timeout", str(PATIENCE)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=2 * PATIENCE)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def sensor_is_heard(folder, receiver, phrases):
    """From mailseal test-alert to the receiver; a trap arrives only from the engine it knows."""
    folder.mkdir()
    how = (f"kind: snmp, host: 127.0.0.1, port: {receiver.port}, security: authPriv, user: priv, "
           f"auth_file: {phrases.auth}, priv_file: {phrases.priv}")
    with LiveSensor(folder, lambda *words: [*map(str, words)],
                    TARGETS.format(sensor=SENSOR, how=how), "lo") as sensor:
        wait_until(lambda: len(query(sensor.state, "SELECT name FROM target"
                                     " WHERE name IN ('inform', 'trap')", name="incidents.db")) == 2,
                   "targets that are known")
        complaints = []
        for target in "inform", "trap":
            code, said = test_alert(sensor.state, target)
            complaints += [] if code == 0 else [f"exit {code}: {said}"]
            complaints += differences(receiver.notification(), {
                "OID": "MAILSEAL-MIB::mailsealTest", "IncidentSensor": SENSOR,
                "IncidentId": "0"}, f"{target}, of which test-alert said {said}")
        sensor.end()
    return complaints


def sensor_test(tap, receiver, phrases):
    if os.geteuid() != 0:
        tap.skip("a sensor is heard", "only root can capture")
        return
    receiver.folder.chmod(0o755)
    for path in (phrases.auth, phrases.priv):
        os.chmod(path, 0o644)
    tap.run("a sensor is heard", sensor_is_heard, receiver.folder / "sensor", receiver, phrases)


# The library ----------------------------------------------------------------------------------


def library_reads_and_writes_nothing(receiver, phrases):
    """No snmp.conf, which would change the sender's address, no MIB, no persistent files."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "snmp.conf"
        configuration.write_text("clientaddr 203.0.113.1\n", encoding="ascii")
        answers = send(receiver, phrases, "authPriv", "--inform", environment={
            **os.environ, "SNMPCONFPATH": folder, "SNMP_PERSISTENT_DIR": folder, "HOME": folder,
            "MIBDIRS": folder, "MIBS": "NO-SUCH-MIB"})
        left = sorted(p.name for p in Path(folder).rglob("*") if p != configuration)
    complaints = taken(answers) + differences(receiver.notification(), {"EventKind": "opened"},
                                              "opened")
    return complaints + [f"{name} was written" for name in left]


def mib_tests(tap):
    if not shutil.which("smilint"):
        tap.skip("smilint has nothing to say of the MIB", "smilint is not there: smitools")
        return
    tap.run("smilint -l 5 has nothing to say of the MIB", mib_is_clean)
    tap.run("a mistake in the MIB is found", mistake_in_mib_is_found)


def wrong_tests(tap, receiver, phrases):
    wrong = phrases.wrong
    for name, security, words, how in (
            ("community", "v2c", "no answer in 1 s", {"user": "private", "timeout": 1}),
            ("user", "authPriv", "it knows no user stranger", {"user": "stranger"}),
            ("authentication pass phrase", "authPriv",
             "it has another authentication pass phrase for user priv", {"auth": wrong}),
            ("privacy pass phrase", "authPriv", "no answer in 1 s|it has another privacy .*",
             {"priv": wrong, "timeout": 1}),
            ("security level", "authNoPriv", "it does not take authNoPriv from user nobody",
             {"user": "nobody"})):
        tap.run(f"inform, wrong {name}", waits, receiver, phrases, security, words, 100, how)
        tap.run(f"trap, wrong {name}", trap_gets_lost, receiver, phrases, security, 200, how)
    tap.run("trap of an engine that is not known", trap_unknown_engine, receiver, phrases)


def trap_unknown_engine(receiver, phrases):
    return taken(send(receiver, phrases, "authPriv", "--sensor", "stranger")) + marker_is_next(
        receiver, phrases, 300)


def receiver_tests(tap, receiver, phrases, long_engine):
    for security in SECURITIES:
        tap.run(f"trap, {security}", every_event, receiver, phrases, security)
        tap.run(f"inform, {security}", every_event, receiver, phrases, security, "--inform")
    tap.run("every rule", every_rule, receiver, phrases)
    tap.run("over IPv6", over, receiver, phrases, "::1")
    tap.run("to a name", over, receiver, phrases, "localhost")
    tap.run("a long name of a sensor", long_name, receiver, phrases, long_engine)
    wrong_tests(tap, receiver, phrases)
    tap.run("nobody listens", nobody, phrases)
    for security in ("v2c", "authPriv"):
        tap.run(f"a listener that never answers, {security}", silent, phrases, security)
    name_servers_test(tap, receiver.folder, phrases)
    tap.run("the library reads and writes nothing", library_reads_and_writes_nothing, receiver,
            phrases)
    sensor_test(tap, receiver, phrases)
    # From here on, the receiver takes what this engine sends now for a replay.
    tap.run("the clock of the engine outlives the process", clock_outlives_the_process, receiver,
            phrases)


def main():
    tap = Tap()
    mib_tests(tap)
    with tempfile.TemporaryDirectory() as folder:
        phrases = Phrases(Path(folder))
        probe = send(None, phrases, "authPriv", "--sensor", LONG_SENSOR, port=free_port())
        if "built without" in " ".join(probe):
            tap.skip("notifications", "built without Net-SNMP")
            tap.finish()
        if not shutil.which("snmptrapd"):
            tap.skip("notifications", "snmptrapd is not there")
            tap.finish()
        long_engine = probe[0].rpartition("0x")[2]
        receiver = Receiver(Path(folder), long_engine)
        try:
            receiver_tests(tap, receiver, phrases, long_engine)
        finally:
            receiver.close()
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
