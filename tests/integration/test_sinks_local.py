#!/usr/bin/env python3
"""Alerts to daemons of this host: rsyslogd and systemd-journald say what they understood, and a
program reads its standard input. Both daemons are the test's own, in its own folder."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from session_record import BUILDDIR
from tap import Tap
from traffic import PATIENCE, wait_until

SEND_ALERT = BUILDDIR / "tests" / "reports" / "send_alert"
RSYSLOGD = shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin")
JOURNALD = Path("/lib/systemd/systemd-journald")
ENTERPRISE = next(line.split()[2] for line in (BUILDDIR / "config.h").read_text().splitlines()
                  if line.startswith("#define ENTERPRISE_NUMBER "))
ODD = 'a "quoted" b\\c [d] ]e= \u00e9t\u00e9 \u20ac'
OPENED = {"event_id": "12", "incident": "7", "rule": "plaintext-between-signatories",
          "client": "orange", "server": "free", "service": "mta", "sensor": "th2-1",
          "severity": "critical", "state": "open", "opened": "2015-11-22T10:00:00Z",
          "last_seen": "2015-11-22T10:01:00Z", "sessions": "3", "confirmed": "3", "unknown": "0",
          "envelope": "0", "credentials": "0", "content": "3"}
LINE = ("incident 7 opened: critical: plaintext-between-signatories orange -> free (mta): "
        "3 sessions in clear, content 3, confirmed 3; cause: not-offered 3")
OPENED_ID = "1af28c21fef64871ad400e429d4d7efa"


def command(*options):
    return [str(SEND_ALERT)] + [str(o) for o in options]


def send(*options):
    """What became of each alert: "taken: ..."."""
    done = subprocess.run(command(*options), capture_output=True, text=True, check=False,
                          timeout=PATIENCE)
    if done.returncode not in (0, 1):
        raise OSError(done.stderr)
    return done.stdout.splitlines()


def differences(what, got, want):
    return [f"{what}: {key} is {got.get(key)!r}, not {value!r}"
            for key, value in want.items() if got.get(key) != value]


class Stepper:
    """Sends one alert at a time through a sink that stays open."""

    def __init__(self, *options):
        # pylint: disable=R1732
        self.process = subprocess.Popen(command("--step", *options), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)


# rsyslogd -------------------------------------------------------------------------------------------

RSYSLOG = """
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imptcp")
module(load="mmpstrucdata")
input(type="imuxsock" Socket="%(folder)s/log" UseSpecialParser="off")
input(type="imudp" address="127.0.0.1" port="%(port)d")
input(type="imptcp" address="127.0.0.1" port="%(port)d")
template(name="understood" type="list" option.jsonf="on") {
    property(outname="input" name="inputname" format="jsonf")
    property(outname="pri" name="pri" format="jsonf")
    property(outname="version" name="protocol-version" format="jsonf")
    property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="procid" name="procid" format="jsonf")
    property(outname="msgid" name="msgid" format="jsonf")
    property(outname="raw" name="structured-data" format="jsonf")
    property(outname="data" name="$!rfc5424-sd" format="jsonf")
    property(outname="msg" name="msg" format="jsonf")
}
action(type="mmpstrucdata")
action(type="omfile" file="%(folder)s/understood" template="understood")
"""


def free_port():
    """Free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


class Rsyslog:
    """The daemon, with the messages that it understood."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = free_port()
        (self.folder / "conf").write_text(RSYSLOG % {"folder": folder, "port": self.port})
        self.process = None
        self.read = 0
        self.start()

    def start(self):
        # pylint: disable=R1732
        with open(self.folder / "stderr", "a", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                [RSYSLOGD, "-n", "-f", self.folder / "conf", "-i", self.folder / "pid"],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        wait_until(self.listens, "an rsyslogd that listens")

    def listens(self):
        if self.process.poll() is not None:
            raise OSError((self.folder / "stderr").read_text())
        with socket.socket() as probe:
            return (self.folder / "log").is_socket() and \
                probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def target(self, transport):
        if transport == "local":
            return ["--kind", "syslog", "--socket", self.folder / "log"]
        return ["--kind", "syslog", "--transport", transport, "--host", "127.0.0.1", "--port",
                self.port]

    def messages(self):
        path = self.folder / "understood"
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
        return [json.loads(line) for line in lines[:-1]]

    def next(self):
        """The next message that it understood."""
        wait_until(lambda: len(self.messages()) > self.read, "a message in rsyslogd's file")
        self.read += 1
        return self.messages()[self.read - 1]


def structured(message):
    return json.loads(message["data"] or "{}").get(f"mailseal@{ENTERPRISE}", {})


def one_of_each_transport(daemon, transport, module):
    def taken():
        said = send(*daemon.target(transport), "--why", ODD, "--at", 1448186461)
        return said[0].startswith("taken: ")
    wait_until(taken, "a message that is taken")  # UDP tells when nobody listens yet
    got = daemon.next()
    want = {"input": module, "pri": "26", "version": "1", "app": "mailseald", "msgid": "opened",
            "host": socket.gethostname(), "msg": f"{LINE}; {ODD}"}
    if transport != "local":  # there rsyslogd takes the time of the kernel
        want["time"] = "2015-11-22T10:01:01Z"
    complaints = differences("header", got, want)
    if not got["procid"].isdigit():
        complaints.append(f"PROCID is {got['procid']!r}")
    if structured(got) != {**OPENED, "why": ODD}:
        complaints.append(f"structured data: {got['raw']} was read as {got['data']}")
    return complaints


def many_over_one_connection(daemon):
    events = ["opened", "escalated", "stale", "acknowledged", "closed", "test"]
    said = send(*daemon.target("tcp"), "--events", ",".join(events))
    complaints = [s for s in said if s != f"taken: received by 127.0.0.1 port {daemon.port}"]
    for number, event in enumerate(events):
        got = daemon.next()
        data = structured(got)
        complaints += differences(event, got, {"msgid": event, "pri": "26" if number < 3 else "29"})
        complaints += differences(event, data, {"event_id": str(12 + number)})
        if (data.get("test") == "1") != (event == "test"):
            complaints.append(f"{event}: test is {data.get('test')!r}")
    return complaints


def started_anew(daemon, transport, why_not):
    """The sink stays open while rsyslogd ends and comes back."""
    with Stepper(*daemon.target(transport), "--events", "opened,stale,stale,closed") as sink:
        said = [sink.step()]
        first = daemon.next()["msgid"]
        daemon.stop()
        said.append(sink.step())
        daemon.start()
        said += [sink.step(), sink.step()]
    got = [first, daemon.next()["msgid"], daemon.next()["msgid"]]
    complaints = [] if got == ["opened", "stale", "closed"] else [f"it understood {got}"]
    if [s.split(":")[0] for s in said] != ["taken", "later", "taken", "taken"] or \
            said[1] != "later: " + why_not:
        complaints.append(f"the sink said {said}")
    return complaints


def test_rsyslog(tap):
    if not RSYSLOGD:
        tap.skip("rsyslogd understands alerts", "no rsyslogd (package rsyslog)")
        return
    with tempfile.TemporaryDirectory(prefix="mailseal-rsyslog-") as folder:
        daemon = Rsyslog(folder)
        try:
            for transport, module in (("local", "imuxsock"), ("tcp", "imptcp"), ("udp", "imudp")):
                tap.run(f"rsyslogd understands every part of an alert: {transport}",
                        one_of_each_transport, daemon, transport, module)
            tap.run("rsyslogd takes frames apart by their octets", many_over_one_connection, daemon)
            for transport in ("local", "tcp", "udp"):
                tap.run(f"rsyslogd may be started anew: {transport}", started_anew, daemon,
                        transport, "there is no such socket" if transport == "local"
                        else "connection refused")
        finally:
            daemon.stop()


# systemd-journald -----------------------------------------------------------------------------------

# In its own mount namespace, /run is a folder of the test, and the journal stays below it.
JOURNAL = """
mount --bind "$1/run" /run &&
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal &&
printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\n' >/run/systemd/journald.conf.d/test.conf &&
exec %s
""" % JOURNALD


class Journal:
    """The daemon, with the entries that it wrote."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.socket = self.folder / "run" / "systemd" / "journal" / "socket"
        (self.folder / "run").mkdir()
        # pylint: disable=R1732
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", JOURNAL, "sh", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: self.socket.is_socket() or self.process.poll() is not None,
                   "a journald that listens")
        if self.process.poll() is not None:
            raise OSError(self.process.stderr.read().decode())

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stderr.close()

    def entries(self, *matches):
        said = subprocess.run(
            ["journalctl", "-q", "-D", self.folder / "run" / "log" / "journal", "-o", "json",
             "--all", *matches], capture_output=True, check=False, timeout=PATIENCE).stdout
        return [json.loads(line) for line in said.splitlines()]

    def entry(self, *matches):
        wait_until(lambda: self.entries(*matches), f"an entry with {matches}")
        return self.entries(*matches)[-1]


def an_entry_of_the_journal(journal):
    records = ['{"a":1}', '{"b":2}']
    said = send("--kind", "journald", "--socket", journal.socket, "--why", ODD,
                "--evidence", records[0], "--evidence", records[1])
    got = journal.entry("MESSAGE_ID=" + OPENED_ID)
    want = {"MAILSEAL_" + key.upper(): value for key, value in OPENED.items()}
    want.update({"MESSAGE": f"{LINE}; {ODD}", "PRIORITY": "2", "SYSLOG_IDENTIFIER": "mailseald",
                 "SYSLOG_FACILITY": "3", "MAILSEAL_EVENT": "opened", "MAILSEAL_WHY": ODD,
                 "MAILSEAL_EVIDENCE": records, "_TRANSPORT": "journal"})
    complaints = differences("entry", got, want)
    if said != [f"taken: written to {journal.socket}"]:
        complaints.append(f"the sink said {said}")
    return complaints


def line_ends_in_a_value(journal):
    why = "first\nPRIORITY=0\n\nlast"
    send("--kind", "journald", "--socket", journal.socket, "--event", "stale", "--why", why)
    got = journal.entry("MAILSEAL_EVENT=stale")
    return differences("entry", got, {"MAILSEAL_WHY": why, "MESSAGE": LINE.replace(
        "opened", "stale") + "; " + why, "PRIORITY": "2", "MAILSEAL_STATE": "stale"})


def events_are_found_by_what_they_are(journal):
    send("--kind", "journald", "--socket", journal.socket, "--events", "test,closed")
    got = journal.entry("MAILSEAL_EVENT=closed")
    complaints = differences("closed", got, {"PRIORITY": "5", "MAILSEAL_STATE": "closed"})
    got = journal.entry("MAILSEAL_TEST=1")
    complaints += differences("test", got, {"PRIORITY": "5", "MAILSEAL_EVENT": "test"})
    return complaints + [f"journalctl MAILSEAL_EVENT={e}: {len(found)} entries" for e, found in
                         ((e, journal.entries("MAILSEAL_EVENT=" + e)) for e in ("test", "closed"))
                         if len(found) != 1]


def test_journald(tap):
    name = "journald understands every part of an alert"
    if os.geteuid() != 0:
        tap.skip(name, "a journald of its own needs root")
        return
    if not JOURNALD.exists() or not shutil.which("journalctl"):
        tap.skip(name, "no systemd-journald (package systemd)")
        return
    if subprocess.run(["unshare", "--mount", "--propagation", "private", "mount", "--bind", "/tmp",
                       "/run"], capture_output=True, check=False).returncode != 0:
        tap.skip(name, "no mount namespace can be made here")
        return
    with tempfile.TemporaryDirectory(prefix="mailseal-journal-") as folder:
        journal = Journal(folder)
        try:
            tap.run(name, an_entry_of_the_journal, journal)
            tap.run("a value in the journal may have line ends", line_ends_in_a_value, journal)
            tap.run("journalctl finds events", events_are_found_by_what_they_are, journal)
        finally:
            journal.close()


# A program ------------------------------------------------------------------------------------------

PROGRAM = """#!/usr/bin/env python3
import json, sys
alert = json.load(sys.stdin)
json.dump([alert, sys.argv], open(sys.argv[1], "w"))
print("told", alert["incident"]["client"])
"""


def a_program_reads_the_alert():
    with tempfile.TemporaryDirectory(prefix="mailseal-program-") as folder:
        program, out = Path(folder) / "tell somebody", Path(folder) / "out"
        program.write_text(PROGRAM, encoding="ascii")
        program.chmod(0o755)
        said = send("--kind", "program", "--program", program, "--program", out, "--program",
                    "$(id); exit 9", "--why", ODD + "\n2", "--at", 1448186461, "--event", "stale")
        alert, arguments = json.loads(out.read_text(encoding="ascii"))
    complaints = [] if said == ["taken: exit code 0: told orange"] else [f"the sink said {said}"]
    if arguments != [str(program), str(out), "$(id); exit 9"]:
        complaints.append(f"arguments: {arguments}")
    complaints += differences("alert", alert, {
        "version": 1, "event": "stale", "event_id": 12, "at": "2015-11-22T10:01:01Z",
        "test": False, "again": False, "evidence": []})
    return complaints + differences("incident", alert["incident"], {
        "id": 7, "rule": "plaintext-between-signatories", "state": "stale", "why": ODD + "\n2",
        "client": "orange", "server": "free", "service": "mta", "sensor": "th2-1", "sessions": 3})


def main():
    tap = Tap()
    test_rsyslog(tap)
    test_journald(tap)
    tap.run("a program reads an alert", a_program_reads_the_alert)
    tap.finish()


if __name__ == "__main__":
    main()
