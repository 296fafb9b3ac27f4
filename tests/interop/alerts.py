#!/usr/bin/env python3
"""From mail in clear to whoever is on call, and back: Postfix, mailseald, Alertmanager, snmptrapd.

Two sensors hear the same mail. It fires while its connection is open. Then one tap is pulled out
and sealed mail follows: the sensor that hears it tells the end, and the other one does not. Takes
two or three minutes, for the quiet time is a minute at the least. Needs root. See README.md.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import alertmanager  # noqa: E402 pylint: disable=C0413
import http_servers  # noqa: E402 pylint: disable=C0413
from hub import CLIENTS_PREFIX, SERVERS_PREFIX, TAPS, Hub  # noqa: E402 pylint: disable=C0413
from interop import leftovers, skip_all, stop  # noqa: E402 pylint: disable=C0413
from live_sensor import LiveSensor  # noqa: E402 pylint: disable=C0413
from namespaces import Failed, wait_for  # noqa: E402 pylint: disable=C0413
from session_record import BUILDDIR, NO_LEAK_CHECK  # noqa: E402 pylint: disable=C0413
from tap import Tap  # noqa: E402 pylint: disable=C0413
from test_sinks_snmp import Receiver as TrapReceiver  # noqa: E402 pylint: disable=C0413
from traffic import STEP, built_with, query  # noqa: E402 pylint: disable=C0413

PROGRAMS = ("ip", "ethtool", "openssl", "postfix", "swaks", "setpriv", "prometheus-alertmanager",
            "snmptrapd")
RULE = "plaintext-between-signatories"
PAIR = {"client": "orange", "server": "free", "service": "mta"}
TARGETS = ("alertmanager", "snmptrapd", "program")
STAYS, UNPLUGGED = "stays", "unplugged"  # the two sensors
YOUNG = 30  # seconds of a step after which there is no time left to be told before it is closed
TOLD = 60  # seconds until whoever has not been told will not be
OVER = 3 * STEP + 30  # until it is over: the rest of the step, a quiet one, and a slow machine

CONFIGURATION = """\
sensor: %(sensor)s
syslog: {socket: ""}
peers:
  - {name: orange, signatory: true, mta: [%(clients)s]}
  - {name: free, signatory: true, mta: [%(servers)s]}
incidents: {quiet_s: 60}
alerts:
  rules:
    - {rule: sensor-blind, blind_s: 60}
  targets:
    - {name: alertmanager, kind: alertmanager, url: "%(alertmanager)s"}
    - {name: snmptrapd, kind: snmp, host: 127.0.0.1, port: %(snmptrapd)d, inform: true,
       security: v2c, user: public}
    - {name: program, kind: program, program: [/bin/sh, -c, "cat >>$0", "%(program)s"]}
"""


class Sensor:
    """mailseald on a tap, its tool, and the program that it tells."""

    def __init__(self, name, tap, hub, alertmanager_url, snmptrapd_port):
        self.name, folder = name, hub.top / name
        folder.mkdir(mode=0o755)
        self.told_file = folder / "told"
        self.told_file.touch()
        self.told_file.chmod(0o666)
        self.daemon = LiveSensor(folder, hub.sensors.command, CONFIGURATION % {
            "sensor": name, "clients": CLIENTS_PREFIX, "servers": SERVERS_PREFIX,
            "alertmanager": alertmanager_url, "snmptrapd": snmptrapd_port,
            "program": self.told_file}, tap, "--quiet")

    def tool(self, *words):
        """(exit code, what mailseal said)"""
        done = subprocess.run([BUILDDIR / "mailseal", *map(str, words), "--state",
                               self.daemon.state], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=2 * TOLD,
                              env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ})
        return done.returncode, done.stdout

    def incidents(self):
        """Those of the rule, as the tool prints them."""
        code, said = self.tool("incidents", "--all", "--rule", RULE, "--json")
        if code != 0:
            raise Failed(said)
        return json.loads(said)["incidents"]

    def incident(self):
        """The one, with evidence and deliveries."""
        number = self.incidents()[0]["id"]
        code, said = self.tool("incidents", number, "--json")
        if code != 0:
            raise Failed(said)
        return json.loads(said)

    def program_heard(self):
        """What the program has read so far: alerts of the rule."""
        lines = self.told_file.read_text("utf-8").splitlines()
        return [a for a in map(json.loads, lines) if a["incident"]["rule"] == RULE]

    def has_closed(self, step):
        """Whether the ledger has this step or a later one."""
        rows = query(self.daemon.state, "SELECT value FROM meta WHERE name = 'last_step'")
        return bool(rows) and rows[0][0] >= step


class Pager:
    """What Alertmanager made of it: who it told, and what fires."""

    def __init__(self, manager, receiver):
        self.manager, self.receiver = manager, receiver

    def fires(self, sensor, severity="critical"):
        """The alert of the rule that fires, or None."""
        wanted = {"alertname": RULE, "sensor": sensor.name, "severity": severity, **PAIR}
        found = [a for a in self.manager.alerts() if wanted.items() <= a["labels"].items()]
        return found[0] if found else None

    @staticmethod
    def said_of(requests, name, path="/critical"):
        """What somebody was told of the alerts of a sensor, in order; the same twice stands once."""
        out = []
        for request in requests:
            for alert in json.loads(request.body)["alerts"] if request.path == path else ():
                if alert["labels"]["sensor"] == name and out[-1:] != [alert["status"]]:
                    out.append(alert["status"])
        return out

    def told(self, sensor, *wanted, seconds=TOLD):
        """Whether who is on call was told this of a sensor, and nothing else."""
        return self.receiver.wait_for(
            lambda requests: self.said_of(requests, sensor.name) == list(wanted), seconds)

    def paged(self):
        """The rules by which somebody was called."""
        return {a["labels"]["alertname"] for r in self.receiver.requests if r.path == "/critical"
                for a in json.loads(r.body)["alerts"]}


class TrapLog:
    """snmptrapd, and what it has received."""

    def __init__(self, snmptrapd):
        self.snmptrapd, self.received = snmptrapd, []

    def of(self, sensor):
        """What a sensor has told of the rule, and its tests."""
        return [n for n in self.received if n["IncidentSensor"] == sensor.name and
                (n["EventKind"] == "test" or n["IncidentRule"] == "plaintextBetweenSignatories")]

    def events(self, sensor):
        return [n["EventKind"] for n in self.of(sensor) if n["EventKind"] != "test"]

    def told(self, sensor, kind):
        """Reads on until this event of a sensor has come, and returns it."""
        while True:
            for n in self.of(sensor):
                if n["EventKind"] == kind:
                    return n
            if (n := self.snmptrapd.notification()) is None:
                raise Failed(f"snmptrapd: no {kind} of {sensor.name}, but {self.events(sensor)}")
            self.received.append(n)


class Story:
    """Everybody who takes part; the tests are its chapters."""

    def __init__(self, hub, sensors, pager, traps):
        self.hub, self.pager, self.traps = hub, pager, traps
        self.sensors, (self.stays, self.unplugged) = sensors, sensors

    def a_test_reaches_everybody(self):
        out = []
        for sensor in self.sensors:
            code, said = sensor.tool("test-alert", "--timeout", TOLD, "--json")
            states = {t["target"]: t["state"] for t in json.loads(said)["targets"]} if \
                code == 0 else {}
            if states != dict.fromkeys(TARGETS, "sent"):
                out.append(f"{sensor.name}: exit {code}: {said}")
            if self.traps.told(sensor, "test")["OID"] != "MAILSEAL-MIB::mailsealTest":
                out.append(f"snmptrapd: {self.traps.received}")
        tests = [a["labels"]["sensor"] for a in self.pager.manager.alerts()
                 if a["labels"]["alertname"] == "mailseal-test"]
        return out + [f"Alertmanager has {tests}"] * (sorted(tests) != [STAYS, UNPLUGGED])

    # While it is open -----------------------------------------------------------------------------

    def it_fires_while_the_connection_is_open(self):
        """And before the step of the mail is closed."""
        wait_for("a step that is young", lambda: time.time() % STEP < YOUNG, STEP)
        step = int(time.time()) // STEP * STEP
        with contextlib.closing(self.hub.mail_in_clear()) as connection:
            out = [c for s in self.sensors for c in self._fires(s)]
            for sensor in self.sensors:
                records = sensor.daemon.records()
                out += [f"{sensor.name}: the session is over"] * (connection.port in records)
                out += [f"{sensor.name}: the step is closed"] * sensor.has_closed(step)
            out += ["the connection is not open"] * (not connection.is_open())
            if not out:
                out += self._tools_know()
            connection.quit()
        return out

    def _fires(self, sensor):
        """Wherever it is to."""
        out = []
        if not self.pager.told(sensor, "firing"):
            out.append(f"{sensor.name}: nobody is called")
        alert = self.pager.fires(sensor)
        if not alert or "MAIL 250 RCPT 250 DATA 354" not in alert["annotations"]["evidence"]:
            out.append(f"{sensor.name}: Alertmanager has {alert}")
        told = self.traps.told(sensor, "escalated")
        wanted = {"IncidentRule": "plaintextBetweenSignatories", "IncidentSeverity": "critical",
                  "IncidentClientPeer": "orange", "IncidentServerPeer": "free",
                  "IncidentService": "mta", "IncidentState": "open", "EventRepeated": "false"}
        if not wanted.items() <= told.items():
            out.append(f"{sensor.name}: snmptrapd has {told}")
        wait_for("the program", lambda: len(sensor.program_heard()) == 2, TOLD)
        return out

    def _tools_know(self):
        """mailseal incidents, with the evidence and what was told to whom."""
        out = []
        for sensor in self.sensors:
            found = sensor.incidents()
            if [(i["client"], i["server"], i["severity"], i["state"]) for i in found] != [
                    ("orange", "free", "critical", "open")]:
                out.append(f"{sensor.name}: {found}")
                continue
            whole = sensor.incident()
            sent = {(d["event"], d["target"]) for d in whole["deliveries"] if d["state"] == "sent"}
            wanted = {(e, t) for e in ("opened", "escalated") for t in TARGETS}
            out += [f"{sensor.name}: told {sent}"] * (sent != wanted)
            evidence = [(e["verdict"], e["exposure"], e["messages"]) for e in whole["evidence"]]
            out += [f"{sensor.name}: {evidence}"] * (evidence != [("plaintext", "content", 1)])
        return out

    def an_acknowledgement_is_told(self):
        """And does not end it."""
        code, said = self.stays.tool("ack", self.stays.incidents()[0]["id"], "--note", "on it")
        out = [said] * (code != 0)
        note = self.traps.told(self.stays, "acknowledged").get("IncidentNote")
        out += [f"snmptrapd: {note}"] * (note != "on it")

        def acknowledged():
            alert = self.pager.fires(self.stays)
            return alert and "on it" in alert["annotations"].get("acknowledged", "")
        wait_for("the acknowledgement in Alertmanager", acknowledged, TOLD)
        return out

    # Afterwards -----------------------------------------------------------------------------------

    def it_is_over_where_sealed_mail_is_heard(self):
        self.hub.unplug(TAPS[1])
        end = time.monotonic() + OVER
        while not self.pager.told(self.stays, "firing", "resolved", seconds=1):
            if time.monotonic() > end:
                return [f"it does not end: {self.stays.incidents()}"]
            self.hub.mail_sealed()
        out = [f"it fires: {a}" for a in [self.pager.fires(self.stays)] if a]
        told = self.traps.told(self.stays, "closed")
        out += [f"snmptrapd: {told}"] * (told["IncidentState"] != "closed")
        states = [i["state"] for i in self.stays.incidents()]
        return out + [f"the tool says {states}"] * (states != ["closed"])

    def it_goes_on_where_nothing_is_heard(self):
        """The sensor judged the same steps, and says why it cannot tell the end."""
        told = self.traps.told(self.unplugged, "stale")
        out = [f"snmptrapd: {told}"] * ("saw no packets" not in told["IncidentWhy"])

        def stale():
            alert = self.pager.fires(self.unplugged)
            return alert and alert["annotations"]["state"] == "stale" and alert
        alert = wait_for("the stale alert in Alertmanager", stale, TOLD)
        if "saw no packets" not in alert["annotations"]["why"] or \
                alert["status"]["state"] != "active":
            out.append(f"Alertmanager: {alert}")
        if not self.pager.told(self.unplugged, "firing"):
            out.append("who is on call was told that it is over")
        heard = self.traps.events(self.unplugged)
        out += [f"snmptrapd: {heard}"] * ("closed" in heard)
        states = [i["state"] for i in self.unplugged.incidents()]
        out += [f"the tool says {states}"] * (states != ["stale"])
        return out + self._steps_agree()

    def _steps_agree(self):
        """It was judged when the other one was, and by the same rule."""
        def stale():
            return [a["at"] for a in self.unplugged.program_heard() if a["event"] == "stale"]
        heard, ended = wait_for("the program", stale, TOLD), self.stays.incidents()[0]["closed"]
        return [] if heard == [ended] else [f"closed at {ended}, stale at {heard}"]

    def the_blind_one_says_so(self):
        """As a warning, and only the one that is."""
        def blind():
            return {a["labels"]["sensor"]: a["labels"]["severity"]
                    for a in self.pager.manager.alerts()
                    if a["labels"]["alertname"] == "sensor-blind"}
        wait_for("the alert of the blind sensor", lambda: blind() == {UNPLUGGED: "warning"}, TOLD)
        return []

    def everybody_is_told_once(self):
        """The pager by one rule only."""
        out = [f"called for {self.pager.paged()}"] * (self.pager.paged() != {RULE})
        for sensor, events in (
                (self.stays, ["opened", "escalated", "acknowledged", "closed"]),
                (self.unplugged, ["opened", "escalated", "stale"])):
            wait_for("the program", lambda s=sensor, n=len(events): len(s.program_heard()) >= n)
            for who, heard in (("snmptrapd", self.traps.events(sensor)),
                               ("program", [a["event"] for a in sensor.program_heard()])):
                out += [f"{sensor.name}, {who}: {heard}"] * (heard != events)
            if out:
                out += [str(a["incident"]) for a in sensor.program_heard()]
        return out

    def the_sensors_end_well(self):
        out = []
        for sensor in self.sensors:
            code, said = sensor.daemon.end()
            out += [f"{sensor.name}: exit {code}: {said}"] * bool(
                code != 0 or re.search("error|died", said, re.IGNORECASE))
        still = self.pager.fires(self.unplugged)
        return out + ["the end of the sensor ended the alert"] * (still is None)


CHAPTERS = (
    ("a test reaches Alertmanager, snmptrapd and a program", Story.a_test_reaches_everybody),
    ("mail in clear fires while its connection is open",
     Story.it_fires_while_the_connection_is_open),
    ("an acknowledgement is told, and it fires on", Story.an_acknowledgement_is_told),
    ("after a quiet time with sealed mail it is resolved",
     Story.it_is_over_where_sealed_mail_is_heard),
    ("with the capture unplugged it is not", Story.it_goes_on_where_nothing_is_heard),
    ("a blind sensor says so, and pages nobody", Story.the_blind_one_says_so),
    ("everybody was told everything once, in order", Story.everybody_is_told_once),
    ("the sensors end well", Story.the_sensors_end_well),
)


def tell(hub, tap):
    """The processes of this test are in the namespace of the sensors from here on."""
    with contextlib.ExitStack() as stack:
        stack.callback(hub.close)
        try:
            hub.open_network()
        except OSError as error:
            hub.close()
            skip_all(f"no network namespaces: {error}".replace("\n", " "), needed=False)
        hub.start_servers()
        stack.enter_context(hub.sensors.inside())
        receiver = stack.enter_context(http_servers.running(http_servers.Receiver()))
        manager = stack.enter_context(alertmanager.running_alertmanager(receiver.url))
        (hub.top / "snmp").mkdir()
        snmptrapd = TrapReceiver(hub.top / "snmp", "80001234")
        stack.callback(snmptrapd.close)
        sensors = [Sensor(name, interface, hub, manager.url, snmptrapd.port)
                   for name, interface in zip((STAYS, UNPLUGGED), TAPS)]
        for sensor in sensors:
            stack.enter_context(sensor.daemon)
        story = Story(hub, sensors, Pager(manager, receiver), TrapLog(snmptrapd))
        for name, chapter in CHAPTERS:
            tap.run(name, chapter, story)


def missing():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [program for program in PROGRAMS if not shutil.which(program, path=path)]


def main():
    if os.geteuid() != 0:
        skip_all("the test of alerts needs root: it makes network namespaces", needed=True)
    if missing():
        skip_all(f"not installed (./quickstart interop installs it): {', '.join(missing())}",
                 needed=True)
    if not (built_with("HAVE_CURL") and built_with("HAVE_NETSNMP")):
        skip_all("this mailseald was built without libcurl or Net-SNMP", needed=True)
    signal.signal(signal.SIGTERM, stop)
    top, tap = Path(tempfile.mkdtemp(prefix="mailseal-alerts-")), Tap()
    top.chmod(0o755)
    hub = Hub(top)
    try:
        tell(hub, tap)
    finally:
        shutil.rmtree(top)
    tap.run("nothing is left", leftovers, hub, top, False)
    print(f"# {tap.count - tap.failed} passed, {tap.failed} failed, 0 skipped")
    tap.finish()


if __name__ == "__main__":
    main()
