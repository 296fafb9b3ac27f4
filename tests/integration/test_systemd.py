#!/usr/bin/env python3
"""The unit under a real systemd, in namespaces of its own: started when it captures, reloaded, watched,
stopped. Needs root, and a kernel that lets a second systemd run."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from session_record import BUILDDIR, MAILSEALD, PROGRAM
from tap import Tap
from traffic import Traffic, built_with, children, process_status, wait_until

SYSTEMD = Path("/lib/systemd/systemd")
HIERARCHY = next((p for p in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup"))
                  if (p / "cgroup.procs").exists()), None)
HOME = "/run/mailseal-test"  # in the namespace
DROP_IN = f"""\
[Unit]
DefaultDependencies=no
After=
[Service]
ExecStart=
ExecStart={HOME}/mailseald -c {HOME}/mailseal.yaml --quiet
StandardError=append:{HOME}/log
RestartSec=1
WatchdogSec=4
"""
REPORT = f"""\
[Unit]
DefaultDependencies=no
[Service]
Environment=TIMEZONE=Pacific/Auckland PATH={HOME}:/usr/bin:/bin
StandardError=append:{HOME}/log
"""
# It is the day after the month of which there is something.
DATE = """\
#!/bin/sh
[ "$1" = -u ] && exec /bin/date "$@"
echo 2024-04-01
"""
CONFIGURATION = """\
sensor: test
capture: {interfaces: [lo], max_flows: 1000}
record: {state_dir: /var/lib/mailseal}
syslog: {socket: ''}
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28]}
"""
# Everything that systemd writes to is in memory here, or of this namespace.
INSIDE = """\
set -e
for place in /run /var/lib /var/log; do
	mount -t tmpfs -o mode=755 mailseal-test $place
done
cp -r %(folder)s/home %(home)s
mkdir -p /run/systemd/system
cp -r %(folder)s/units/. /run/systemd/system/
cp -r %(folder)s/state /var/lib/mailseal
mount --bind %(folder)s/passwd /etc/passwd
mount --bind %(folder)s/group /etc/group
if [ -d /sys/fs/cgroup/systemd ]; then
	umount -R /sys/fs/cgroup
	mount -t tmpfs mailseal-test /sys/fs/cgroup
	mkdir /sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
else
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
ip link set lo up
export container=mailseal-test SYSTEMD_UNIT_PATH=/run/systemd/system
exec %(systemd)s --system --unit=test.target --log-target=console --log-level=info --show-status=no
"""


class System:
    """A systemd with nothing to do until it is asked."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.cgroup = HIERARCHY / f"mailseal-test-{os.getpid()}"
        self.process = None
        home, units = self.folder / "home", self.folder / "units"
        (units / "mailseald.service.d").mkdir(parents=True)
        (units / "mailseal-report.service.d").mkdir()
        home.mkdir()
        home.chmod(0o755)
        for program in (PROGRAM, PROGRAM.parent / "mailseal"):
            shutil.copy(program, home)
        (home / "date").write_text(DATE, encoding="ascii")
        (home / "date").chmod(0o755)
        traffic, capture = Traffic(), self.folder / "march.pcap"
        traffic.add_steps(0, 2)
        capture.write_bytes(traffic.pcap())
        subprocess.run([MAILSEALD, "--quiet", "-r", capture, "--state", self.folder / "state"],
                       check=True)
        (home / "mailseal.yaml").write_text(CONFIGURATION, encoding="ascii")
        for name, drop_in in (("mailseald", DROP_IN), ("mailseal-report", REPORT)):
            text = (BUILDDIR / "systemd" / (name + ".service")).read_text(encoding="ascii")
            (units / (name + ".service")).write_text(
                re.sub(r"\S+/bin/mailseal ", HOME + "/mailseal ", text), encoding="ascii")
            (units / (name + ".service.d") / "test.conf").write_text(drop_in, encoding="ascii")
        (units / "test.target").write_text("[Unit]\nDefaultDependencies=no\n", encoding="ascii")
        for name, line in (("passwd", "mailseal:x:64321:64321::/:/bin/false\n"
                                      "mailseal-report:x:64322:64322::/:/bin/false\n"),
                           ("group", "mailseal:x:64321:\nmailseal-report:x:64322:\n")):
            text = Path("/etc", name).read_text(encoding="utf-8")
            (self.folder / name).write_text(text + line, encoding="utf-8")
            (self.folder / name).chmod(0o644)

    def __enter__(self):
        self.cgroup.mkdir()
        script = INSIDE % {"folder": self.folder, "home": HOME, "systemd": SYSTEMD}

        def enter():
            (self.cgroup / "cgroup.procs").write_text("0", encoding="ascii")
        with open(self.folder / "out", "wb") as out:
            self.process = subprocess.Popen(  # pylint: disable=R1732,W1509
                ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--cgroup",
                 "--uts", "--ipc", "--net", "sh", "-c", script], preexec_fn=enter,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        return self

    def __exit__(self, *exception):
        self.process.kill()  # and with it all that it has started
        self.process.wait()
        for path in sorted(self.cgroup.rglob("*"), reverse=True):
            if path.is_dir():
                self.remove(path)
        self.remove(self.cgroup)

    @staticmethod
    def remove(cgroup):
        def removed():
            try:
                cgroup.rmdir()
            except OSError:
                return not cgroup.exists()
            return True
        wait_until(removed, f"nobody is left in {cgroup}")

    def runs(self):
        return self.process.poll() is None and self.ctl("show", "--property=Version").returncode == 0

    def said(self):
        return (self.folder / "out").read_text(encoding="utf-8", errors="replace")

    def inside(self):
        """The process that is the first in the namespace."""
        return children(self.process.pid)[0]

    def ctl(self, *words):
        first = children(self.process.pid)
        return subprocess.run(["nsenter", "-t", str(first[0]) if first else "0", "-m", "-p",
                               "systemctl", "--no-pager", *words], capture_output=True, text=True,
                              check=False, timeout=120)

    def must(self, *words):
        done = self.ctl(*words)
        if done.returncode != 0:
            raise OSError(f"systemctl {words}: {done.stderr}{self.said()[-2000:]}{self.log()}")

    def show(self, name):
        return self.ctl("show", "mailseald", "--property=" + name,
                        "--value").stdout.strip()

    def file(self, path):
        return Path(f"/proc/{self.inside()}/root{path}")

    def log(self):
        path = self.file(HOME + "/log")
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def sensor(self):
        """The recorder and the processes that it started, as this namespace knows them."""
        out = []
        for child in children(self.inside()):
            if process_status(child).get("Name") == "mailseald":
                out += [child, *children(child)]
        return out


def started(system):
    """Both processes as their own user, without any capability."""
    system.must("start", "mailseald")
    complaints = [f"{k} is {system.show(k)}" for k, v in (("ActiveState", "active"),
                  ("SubState", "running"), ("NRestarts", "0")) if system.show(k) != v]
    pids = system.sensor()
    complaints += [f"{len(pids)} processes"] * (len(pids) < 3)  # and the keeper of the couriers
    for pid in pids:
        status = process_status(pid)
        caps = {k: v for k, v in status.items()
                if k in ("CapEff", "CapPrm", "CapInh", "CapAmb") and int(v, 16) != 0}
        complaints += [f"{status['Name']}: {caps}"] * bool(caps)
        complaints += [f"{status['Name']}: {status['Uid']} {status['Gid']}"] * (
            set(status["Uid"].split() + status["Gid"].split()) != {"64321"})
    confined = [p for p in pids if process_status(p)["Seccomp"] == "2"]
    complaints += ["nobody is confined"] * (not confined)
    wait_until(lambda: re.match(r"\d+ packets, 0 dropped", system.show("StatusText")), "a status")
    return complaints


def reloaded(system):
    before, conf = system.sensor()[0], system.file(HOME + "/mailseal.yaml")
    conf.write_text(CONFIGURATION + "  - {name: beta, mta: [192.0.2.0/28]}\n", encoding="ascii")
    system.must("reload", "mailseald")
    wait_until(lambda: "event=reloaded peers=2" in system.log(), "a line in the log")
    conf.write_text("what?\n", encoding="ascii")
    system.must("reload", "mailseald")
    wait_until(lambda: "event=reload-failed" in system.log(), "a line in the log")
    conf.write_text(CONFIGURATION, encoding="ascii")
    wait_until(lambda: system.show("ActiveState") == "active", "a service that is active")
    return ["another process"] * (system.sensor()[0] != before)


def watched(system):
    """One process that stands still: another sensor is there within the time of the watchdog."""
    before = system.sensor()
    recorder = before[0]
    capture = [p for p in children(recorder) if process_status(p)["Seccomp"] == "2" and
               process_status(p)["Name"] == "mailseald"][0]
    os.kill(capture, signal.SIGSTOP)
    wait_until(lambda: system.show("NRestarts") == "1" and
               system.show("ActiveState") == "active", "a new start")
    return ["the old ones are left"] * bool(set(before) & set(system.sensor()))


def stopped(system):
    system.must("stop", "mailseald")
    complaints = [f"{k} is {system.show(k)}" for k, v in (("ActiveState", "inactive"),
                  ("Result", "success"), ("ExecMainStatus", "0")) if system.show(k) != v]
    complaints += ["no ledger"] * (not system.file("/var/lib/mailseal/ledger.db").exists())
    return complaints + ["processes are left"] * bool(system.sensor())


def misconfigured(system):
    """An error in the configuration is said, and not met again and again."""
    conf = system.file(HOME + "/mailseal.yaml")
    conf.write_text("what?\n", encoding="ascii")
    begun = system.ctl("start", "mailseald").returncode == 0
    complaints = ["it starts"] * begun
    complaints += [f"{k} is {system.show(k)}" for k, v in (("ActiveState", "failed"),
                   ("ExecMainStatus", "2")) if system.show(k) != v]
    conf.write_text(CONFIGURATION, encoding="ascii")
    return complaints + ["nothing is said"] * ("mailseal.yaml:1: " not in system.log())


def reported(system):
    """The month that is over, by another user."""
    system.must("start", "mailseal-report")
    folder = system.file("/var/lib/mailseal-report")
    found = {p.name: p.stat() for p in folder.iterdir()}
    complaints = [f"files {sorted(found)}"] * (
        sorted(found) != ["2024-03.csv", "2024-03.html", "2024-03.json"])
    report = json.loads((folder / "2024-03.json").read_text(encoding="utf-8"))
    complaints += [f"of {report['timezone']}"] * (report["timezone"] != "Pacific/Auckland")
    return complaints + [f"{n}: {s.st_uid} {s.st_mode:o} {s.st_size}" for n, s in found.items()
                         if s.st_uid != 64322 or s.st_mode & 0o777 != 0o640 or s.st_size == 0]


TESTS = (("it is started", started), ("it is reloaded", reloaded), ("it is watched", watched),
         ("it is stopped", stopped),
         ("it does not start with an error", misconfigured), ("the month is reported", reported))


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def main():
    if os.geteuid() != 0:
        skip_all("only root can make namespaces")
    if not SYSTEMD.exists() or not HIERARCHY:
        skip_all("systemd is not installed, or there are no cgroups")
    if built_with("WITH_SANITIZERS") or built_with("WITHOUT_CONFINEMENT"):
        skip_all("the unit forbids what this build needs")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with System(folder) as system:
                try:
                    wait_until(system.runs, "a systemd that answers")
                except (OSError, TimeoutError):
                    skip_all("systemd does not run in a namespace here: " + system.said()[:300]
                             .replace("\n", " "))
                for name, function in TESTS:
                    tap.run(name, function, system)
        except PermissionError as error:
            skip_all(f"no cgroup of one's own: {error}")
    tap.finish()


if __name__ == "__main__":
    main()
