#!/usr/bin/env python3
"""What systemd is told of the sensor, to a stand-in for it: ready only when it captures, alive only
while both processes move. Needs root, to capture."""
import os
import re
import signal
import socket
import time
from pathlib import Path

from live_sensor import LiveSensor
from tap import Tap
from traffic import PATIENCE, children, process_status, wait_until

CONFIGURATION = """\
sensor: test
user: nobody
capture: {max_flows: 1000}
syslog: {socket: ''}
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28]}
"""
WATCHDOG_US = 400000


class Manager:
    """The socket of NOTIFY_SOCKET. folder None: one that is in no folder."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if folder:
            self.name = str(folder / "notify")
            self.socket.bind(self.name)
            os.chmod(self.name, 0o666)
        else:
            self.name = f"@mailseal-{os.getpid()}"
            self.socket.bind("\0" + self.name[1:])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def told(self, wait_s=0.0):
        """The next words, or "" when none come in time."""
        self.socket.settimeout(wait_s or 0.001)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return ""

    def wait_for(self, word):
        """Words up to and with this one."""
        end, out = time.monotonic() + PATIENCE, []
        while not out or not out[-1].startswith(word):
            if time.monotonic() > end:
                raise TimeoutError(f"waited in vain: {word}, after {out}")
            told = self.told(1)
            out += [told] if told else []
        return out

    def forget(self):
        while self.told():
            pass


class Watched(LiveSensor):
    def __init__(self, folder, manager, watchdog_pid=None, **environment):
        pid = {"WATCHDOG_PID": watchdog_pid} if watchdog_pid else {}
        super().__init__(folder, lambda *words: [*map(str, words)], CONFIGURATION, "lo", "--quiet",
                         NOTIFY_SOCKET=manager.name, WATCHDOG_USEC=str(WATCHDOG_US), **pid,
                         **environment)

    def capture(self):
        return [c for c in children(self.process.pid)
                if process_status(c).get("Name") == "mailseald"][0]


def ended_well(sensor):
    code, said = sensor.end()
    return [f"exit {code}: {said}"] * (code != 0 or "error" in said)


def a_life(folder):
    """In this order: ready, alive with a status, reloading, ready, stopping."""
    with Manager(folder) as manager, Watched(folder, manager) as sensor:
        complaints = []
        first = manager.wait_for("READY=1")
        complaints += [f"before it was ready: {first}"] * (len(first) != 1)
        complaints += ["it is ready and not confined"] * (not sensor.confined())
        manager.wait_for("WATCHDOG=1")
        traffic = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with traffic:
            traffic.connect_ex(("127.0.0.1", 25))
        status = manager.wait_for("STATUS=")[-1]
        if not re.fullmatch(r"STATUS=\d+ packets, 0 dropped by the kernel, \d+ by the interfaces;"
                            r" 0 mail sessions", status):
            complaints.append(status)
        os.kill(sensor.process.pid, signal.SIGHUP)
        reloading = manager.wait_for("RELOADING=1")[-1]
        complaints += [reloading] * (not re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading))
        after = manager.wait_for("READY=1")
        complaints += [f"while reloading: {after}"] * (len(after) != 1)
        sensor.conf.write_text("what?\n", encoding="ascii")
        os.kill(sensor.process.pid, signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")  # with the old configuration
        code, said = sensor.end()
        manager.wait_for("STOPPING=1")
        complaints += [f"exit {code}: {said}"] * (code != 0 or "event=reload-failed" not in said)
        return complaints


def packets_are_told(folder):
    """The status grows with what crosses."""
    with Manager(folder) as manager, Watched(folder, manager) as sensor:
        def packets():
            return int(re.match(r"STATUS=(\d+) ", manager.wait_for("STATUS=")[-1])[1])
        before = packets()
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
                s.connect_ex(("127.0.0.1", 25))
        after = packets()
        complaints = [f"{before}, then {after} packets"] * (after < before + 20)
        return complaints + ended_well(sensor)


def standing_still(folder, which):
    """While either process is stopped nobody says that the sensor is alive; then somebody does again."""
    with Manager(folder) as manager, Watched(folder, manager) as sensor:
        manager.wait_for("WATCHDOG=1")
        pid = sensor.capture() if which == "capture" else sensor.process.pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: process_status(pid)["State"].startswith("T"), "a process that stands still")
        time.sleep(2)  # what was under way has come
        manager.forget()
        time.sleep(2.5)  # the capture process speaks once a second
        told = manager.told()
        os.kill(pid, signal.SIGCONT)
        complaints = [f"told {told}"] * (told != "")
        manager.wait_for("WATCHDOG=1")
        return complaints + ended_well(sensor)


def a_name_in_no_folder(folder):
    with Manager(None) as manager, Watched(folder, manager) as sensor:
        manager.wait_for("READY=1")
        return ended_well(sensor)


def the_watchdog_of_another(folder):
    """WATCHDOG_PID is not ours: we are not asked."""
    with Manager(folder) as manager, Watched(folder, manager, watchdog_pid="1") as sensor:
        manager.wait_for("READY=1")
        told = [manager.told(0.5) for _ in range(4)]
        return [f"told {told}"] * ("WATCHDOG=1" in told) + ended_well(sensor)


def who_has_the_name(folder):
    """The recorder alone. Neither what reads hostile bytes nor what alerts start could speak for it."""
    with Manager(folder) as manager, Watched(folder, manager) as sensor:
        manager.wait_for("READY=1")
        pids = [p for p in everybody(sensor.process.pid) if p != sensor.process.pid]
        complaints = [f"{p} has a socket" for p in pids for fd in Path(f"/proc/{p}/fd").iterdir()
                      if os.readlink(fd).startswith("socket:") and
                      process_status(p).get("Name") == "mailseald" and is_unix(fd)]
        return complaints + ended_well(sensor)


def everybody(pid):
    return [pid] + [p for c in children(pid) for p in everybody(c)]


def is_unix(fd):
    inode = re.search(r"\d+", os.readlink(fd))[0]
    return any(line.split()[6] == inode
               for line in Path("/proc/net/unix").read_text(encoding="ascii").splitlines()[1:])


def nobody_listens(folder):
    """A socket that is not there costs nothing."""
    with Manager(folder) as manager:
        os.unlink(manager.name)
        with Watched(folder, manager) as sensor:
            return ended_well(sensor)


def without_privileges(folder):
    """Both processes run as the user of the configuration, without any capability."""
    with Manager(folder) as manager, Watched(folder, manager) as sensor:
        manager.wait_for("READY=1")
        complaints = []
        for pid in everybody(sensor.process.pid):
            status = process_status(pid)
            caps = {k: v for k, v in status.items() if k.startswith("Cap") and int(v, 16) != 0}
            complaints += [f"{status['Name']}: {caps}"] * bool(caps)
            complaints += [f"{status['Name']}: {status[k]}" for k in ("Uid", "Gid")
                           if set(status[k].split()) != {"65534"}]
            complaints += [f"{status['Name']}: {k}" for k in ("NoNewPrivs",) if status[k] != "1"]
        return complaints + ended_well(sensor)


TESTS = (
    ("from its start to its end", a_life),
    ("packets are told", packets_are_told),
    ("the capture process stands still", lambda folder: standing_still(folder, "capture")),
    ("the recorder stands still", lambda folder: standing_still(folder, "recorder")),
    ("a name in no folder", a_name_in_no_folder),
    ("the watchdog of another", the_watchdog_of_another),
    ("who has the name", who_has_the_name),
    ("nobody listens", nobody_listens),
    ("without privileges", without_privileges),
)


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can capture")
        return
    tap = Tap()
    tap.run_together(TESTS)
    tap.finish()


if __name__ == "__main__":
    main()
