#!/usr/bin/env python3
"""The processes that tell targets of alerts: none delays another or the recorder, and whichever is
killed, what was to be told is told. Real SMTP on a wire between two network namespaces; needs
root."""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from between_hosts import run_between_hosts
from live_sensor import LiveSensor
from mailhosts import SERVER, WIRE
from traffic import children, process_status, query, wait_until

# A target answers as a file beside it says: it takes the alert, is not ready, or hangs.
PROGRAM = """\
#!/bin/sh
cd "$(dirname "$0")" || exit 75
case "$(cat mood)" in
later) cat >/dev/null; exit 75 ;;
hang) echo $$ >hanging; sleep 1000 ;;
esac
cat >>told
"""
CONFIGURATION = """\
sensor: test
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28]}
  - {name: beta, signatory: true, mta: [198.51.100.32/28]}
syslog: {socket: ''}
alerts:
  targets: %s
"""


class Target:
    def __init__(self, folder, name, mood="take"):
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self.name = name
        self.program = self.folder / "program"
        self.program.write_text(PROGRAM, encoding="ascii")
        self.program.chmod(0o755)
        self.set(mood)

    def set(self, mood):
        new = self.folder / "new"
        new.write_text(mood, encoding="ascii")
        new.rename(self.folder / "mood")

    def told(self):
        """Alerts that it took, those that are written whole."""
        path = self.folder / "told"
        text = path.read_text(encoding="ascii") if path.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def events(self):
        return [t["event"] for t in self.told()]

    def hangs(self):
        """The process that hangs, once it does."""
        path = self.folder / "hanging"
        text = path.read_text(encoding="ascii") if path.exists() else ""
        return int(text) if text.endswith("\n") and process_status(int(text)) else None


class Told(LiveSensor):
    """A sensor at the server's end of the wire that tells targets."""

    def __init__(self, folder, hosts, *targets, timeout_s=30):
        conf = self.configuration(targets, dict.fromkeys([t.name for t in targets], timeout_s))
        super().__init__(folder, lambda *words: hosts.inside(hosts.names[1], *words), conf, WIRE,
                         "--quiet")

    @staticmethod
    def configuration(targets, timeout_s):
        return CONFIGURATION % ("" if targets else "[]") + "".join(
            f"    - {{name: {t.name}, kind: program, program: [{t.program}],"
            f" timeout_s: {timeout_s.get(t.name, 30)}}}\n" for t in targets)

    def configure(self, *targets, timeout_s=None):
        """For the next SIGHUP."""
        new = self.conf.with_suffix(".new")
        new.write_text(self.configuration(targets, timeout_s or {}), encoding="ascii")
        new.rename(self.conf)

    def named(self, pid, name):
        return [c for c in children(pid) if process_status(c).get("Name") == name]

    def keeper(self):
        wait_until(lambda: self.named(self.process.pid, "couriers"), "a keeper")
        return self.named(self.process.pid, "couriers")[0]

    def courier(self, name):
        keeper = self.keeper()
        wait_until(lambda: self.named(keeper, name), f"a courier of {name}")
        return self.named(keeper, name)[0]

    def deliveries(self):
        return query(self.state, "SELECT event, target, state FROM delivery ORDER BY 1, 2",
                     name="incidents.db")


def mail(hosts, how="clear"):
    client = hosts.send(how)
    client.quit()
    return client


def one_that_hangs_delays_nobody(folder, hosts):
    """While one target hangs in its first attempt, another is told and the recorder goes on."""
    hangs, takes = Target(folder, "hangs", "hang"), Target(folder, "takes")
    with Told(folder, hosts, hangs, takes) as sensor:
        mail(hosts)
        wait_until(hangs.hangs, "a target that hangs")
        wait_until(takes.events, "a target that is told")
        later = mail(hosts, "tls")
        wait_until(lambda: later.port in sensor.records(), "a record of a later session")
        complaints = [] if hangs.hangs() else ["it hangs no longer: this shows nothing"]
        complaints += [f"told {takes.told()}"] * (takes.told()[0]["event"] != "opened")
        keeper = sensor.keeper()
        code, said = sensor.end()  # nor does it keep anything from ending
        complaints += [f"exit {code}: {said}"] * (code != 0)
        complaints += ["the keeper is left"] * bool(process_status(keeper))
        return complaints + ["the program is left"] * bool(hangs.hangs())


def a_courier_that_is_killed(folder, hosts):
    """In the middle of an attempt: it is started anew and delivers; the other one is left alone."""
    target, other = Target(folder, "target", "hang"), Target(folder, "other")
    with Told(folder, hosts, target, other) as sensor:
        first, same = sensor.courier("target"), sensor.courier("other")
        mail(hosts)
        wait_until(target.hangs, "an attempt")
        target.set("take")
        os.kill(first, signal.SIGKILL)
        wait_until(target.events, "the delivery after a kill")
        complaints = ["the same process"] * (sensor.courier("target") == first)
        complaints += ["the other one is new, too"] * (sensor.courier("other") != same)
        wait_until(lambda: all(d[2] == "sent" for d in sensor.deliveries()), "all are sent")
        ids = [t["event_id"] for t in target.told()]
        complaints += [f"told {ids}"] * (len(ids) != len(set(ids)))
        code, said = sensor.end()
        if code != 0 or "event=courier-died target=target signal=9" not in said:
            complaints.append(f"exit {code}: {said}")
        return complaints


def a_keeper_that_is_killed(folder, hosts):
    """Nobody starts couriers any more: that is said, and the run is not sound. What they hold goes on."""
    target = Target(folder, "target")
    with Told(folder, hosts, target) as sensor:
        courier = sensor.courier("target")
        os.kill(sensor.keeper(), signal.SIGKILL)
        mail(hosts)
        wait_until(target.events, "what is told without a keeper")
        code, said = sensor.end()
        complaints = [f"exit {code}: {said}"] * (code != 1 or "event=couriers-gone" not in said)
        wait_until(lambda: not process_status(courier), "the end of the courier")
        return complaints


def a_recorder_that_is_killed(folder, hosts):
    """Everything ends with it. Later each event is told, and what was told is not told again."""
    down, takes = Target(folder, "down", "later"), Target(folder, "takes")
    with Told(folder, hosts, down, takes) as sensor:
        processes = [sensor.courier("down"), sensor.courier("takes"), sensor.keeper()]
        mail(hosts)
        wait_until(lambda: len([d for d in sensor.deliveries() if d[1:] == ("takes", "sent")]) and
                   len([d for d in sensor.deliveries() if d[1:] == ("down", "waiting")]),
                   "one that is told and one that is not")
        sensor.end(signal.SIGKILL)
        wait_until(lambda: not any(map(process_status, processes)), "the end of the couriers")
    down.set("take")
    with Told(folder, hosts, down, takes) as sensor:
        wait_until(lambda: sensor.deliveries() and
                   all(d[2] == "sent" for d in sensor.deliveries()), "what was left is sent")
        code, said = sensor.end()
    complaints = [f"exit {code}: {said}"] * (code != 0)
    events = [i for i, in query(sensor.state, "SELECT id FROM event", name="incidents.db")]
    for target in (down, takes):
        ids = [t["event_id"] for t in target.told()]
        complaints += [f"{target.name} was told {ids} of {events}"] * (ids != sorted(events))
    return complaints


def other_targets(folder, hosts):
    """SIGHUP while one target is not ready: what waits for it is told later, and once. Whose target is
    the same goes on; one that is new is told what fires; one that is gone is told nothing more."""
    waits, stays, goes, comes = (Target(folder, name, mood) for name, mood in (
        ("waits", "later"), ("stays", "take"), ("goes", "take"), ("comes", "take")))
    with Told(folder, hosts, waits, stays, goes) as sensor:
        same, other, gone = (sensor.courier(t.name) for t in (stays, waits, goes))
        mail(hosts)
        wait_until(lambda: stays.told() and goes.told() and
                   any(d[1:] == ("waits", "waiting") for d in sensor.deliveries()),
                   "two that are told")
        sensor.configure(waits, stays, comes, timeout_s={"waits": 20})
        os.kill(sensor.process.pid, signal.SIGHUP)
        wait_until(comes.events, "one that is new is told")
        complaints = ["the courier of one that stays is new"] * (sensor.courier("stays") != same)
        complaints += ["one that is other has the same courier"] * (sensor.courier("waits") == other)
        complaints += ["the courier of one that is gone is left"] * bool(process_status(gone))
        waits.set("take")
        wait_until(waits.events, "what waited is told")
        code, said = sensor.end()
        complaints += [f"exit {code}: {said}"] * (code != 0 or "error" in said)
    for target in (waits, stays, goes, comes):
        ids = [t["event_id"] for t in target.told()]
        complaints += [f"{target.name} was told {ids}"] * (len(ids) != len(set(ids)) or not ids)
    complaints += [f"{t.name} was told {t.events()}" for t in (waits, stays)
                   if t.events()[0] != "opened"]
    return complaints


def one_that_hangs_while_targets_change(folder, hosts):
    """Nobody waits for it: it is killed, and the recorder takes any number of changes meanwhile."""
    hangs, comes = Target(folder, "hangs", "hang"), Target(folder, "comes")
    with Told(folder, hosts, hangs) as sensor:
        mail(hosts)
        wait_until(hangs.hangs, "a target that hangs")
        for n in range(5):
            sensor.configure(comes, timeout_s={"comes": 10 + n})
            os.kill(sensor.process.pid, signal.SIGHUP)
            mail(hosts, "tls")
        wait_until(comes.events, "one that is new is told")
        wait_until(lambda: not hangs.hangs(), "the end of what hangs")
        wait_until(lambda: len(sensor.all_records()) == 6, "all records")
        code, said = sensor.end()
        complaints = [f"exit {code}: {said}"] * (code != 0)
        return complaints + [f"told {comes.events()}"] * (len(comes.events()) != 1)


def the_first_target(folder, hosts):
    """There was none at the start."""
    comes = Target(folder, "comes")
    with Told(folder, hosts) as sensor:
        mail(hosts)
        sensor.keeper()
        sensor.configure(comes)
        os.kill(sensor.process.pid, signal.SIGHUP)
        wait_until(comes.events, "it is told what fires")
        code, said = sensor.end()
        return [f"exit {code}: {said}"] * (code != 0)


def all_that_can_stand_still(folder, hosts):
    """Stopped, none of them keeps the sensor from ending: a courier, its keeper."""
    complaints = []
    for which in ("courier", "keeper"):
        place = Path(folder) / which
        place.mkdir()
        with Told(place, hosts, Target(place, "target")) as sensor:
            pid = sensor.courier("target") if which == "courier" else sensor.keeper()
            os.kill(pid, signal.SIGSTOP)
            code, said = sensor.end()
            complaints += [f"{which}: exit {code}: {said}"] * (code != 0)
            wait_until(lambda p=pid: not process_status(p), f"the end of the {which}")
    return complaints


def a_disk_that_is_full(folder, hosts):
    """It is said once; when there is room again, the incident is there and is told."""
    target = Target(folder, "target")
    state, filler = Path(folder) / "state", Path(folder) / "state" / "filler"
    state.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "mailseal-test", str(state)],
                          capture_output=True, check=False)
    if done.returncode != 0:
        return []  # not allowed to: nothing is shown
    try:
        with Told(folder, hosts, target) as sensor:
            sensor.courier("target")
            before = mail(hosts, "tls")
            wait_until(lambda: before.port in sensor.records(), "a run that has begun")
            wait_until(lambda: query(sensor.state, "SELECT 1 FROM target", name="incidents.db"),
                       "a target that is known")
            fill(filler)
            first = hosts.send()  # its record is on --sessions: the recorder has seen it
            first.quit()
            wait_until(lambda: first.port in sensor.records(), "a record")
            complaints = [f"told {target.told()}"] * bool(target.told())
            filler.unlink()
            wait_until(target.events, "an alert after the disk was full")
            code, said = sensor.end()
            failed = re.findall(r"event=write-failed what=(\S+)", said)
            lost = [what for what in failed if what != "incidents"]  # a line of the log, perhaps
            complaints += [f"exit {code}: {said}"] * ((code != 0) != bool(lost))
            complaints += [f"said {said}"] * (failed.count("incidents") != 1 or
                                              "event=write-works what=incidents" not in said)
            complaints += [f"told {t['evidence']}" for t in target.told()[:1]
                           if len(t["evidence"]) != 1 or t["evidence"][0]["server"] != SERVER]
            return complaints
    finally:
        subprocess.run(["umount", str(state)], check=True)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


TESTS = (
    ("a target that hangs delays nobody", one_that_hangs_delays_nobody),
    ("a courier is killed", a_courier_that_is_killed),
    ("the keeper is killed", a_keeper_that_is_killed),
    ("the recorder is killed", a_recorder_that_is_killed),
    ("other targets", other_targets),
    ("one that hangs while targets change", one_that_hangs_while_targets_change),
    ("the first target", the_first_target),
    ("what stands still keeps nobody from ending", all_that_can_stand_still),
    ("the disk is full", a_disk_that_is_full),
)


def main():
    run_between_hosts(lambda tap, hosts, _: tap.run_each(TESTS, hosts))


if __name__ == "__main__":
    main()
