#!/usr/bin/env python3
"""Disks that are full, or read-only, and then are not: below rrd/, below sessions/, and all of the
state directory. The sensor goes on, says it once, and what it could not write comes later or is
counted. Needs root: the disks are mounted where nobody else sees them."""
import ctypes
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tap import Tap
from test_ledger import (Place, contents, ended_well, is_dirty, ledger_is, log_is, log_of, rrd_is,
                         session_log)
from traffic import (CONFIGURATION, STEP, Sensor, Traffic, committed, health, last_step,
                     ledger_counts, query, sound, wait_until)

CLONE_NEWNS = 0x20000
MIB = 1 << 20
STEPS = 20
OWNER = next((u.pw_uid for u in pwd.getpwall() if u.pw_name == "mailseal"), 0)
ROOM = 64 * MIB
WAITING = 1440  # steps at most


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise OSError("%s: %s" % (" ".join(words), done.stderr.strip()))


class Disk:
    """A file system in memory at a folder of its own."""

    def __init__(self, path, size=ROOM):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.filler = self.path / "filler"
        command("mount", "-t", "tmpfs", "-o", f"size={size},mode=0750,uid={OWNER}", "tmpfs",
                str(path))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        command("umount", "--lazy", str(self.path))

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            for size in (MIB, 4096, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def free(self):
        self.filler.unlink()

    def remount(self, how):
        """Not while a file is open for writing."""
        def done():
            return subprocess.run(["mount", "-o", f"remount,{how}", str(self.path)],
                                  capture_output=True, check=False, timeout=60).returncode == 0
        wait_until(done, f"remount {how}")


class Watched(Sensor):
    """A sensor with its metrics on another disk."""

    def __init__(self, place, *arguments):
        self.metrics = place.dir / "metrics.prom"
        place.conf.write_text(CONFIGURATION + f"record: {{metrics_file: {self.metrics}}}\n",
                              encoding="ascii")
        super().__init__(place.dir, place.state, *arguments,
                         configuration=place.conf.read_text(encoding="ascii"))

    def wait_for(self, *words):
        wait_until(lambda: any(all(w in line for w in words) for line in log_of(self.said())),
                   f"a line with {words}: {self.said()}")

    def metric(self, name):
        for line in self.metrics.read_text(encoding="ascii").splitlines():
            if line.startswith(name + " "):
                return int(line.split()[-1])
        return None

    def finished(self):
        code, said = self.end()
        return code, log_of(said)


def twenty_steps():
    traffic = Traffic()
    traffic.add_steps(0, STEPS)
    return traffic


def said_once_each(code, said, *what, exit_code=0):
    """That it failed, and that it works again, and nothing else but what is told anyway."""
    complaints = [f"exit {code}, not {exit_code}"] * (code != exit_code)
    for part in what:
        for event in ("write-failed", "write-works"):
            n = sum(f"event={event} what={part}" in line for line in said)
            complaints += [f"{event} what={part} is said {n} times"] * (n != 1)
    if len(said) != 2 * len(what):
        complaints.append(f"said {said}")
    return complaints


def whole(place, traffic, log=True):
    """Nothing is missing anywhere."""
    return (ledger_is(place.state, traffic.truth()) + rrd_is(place, traffic.truth(), range(STEPS)) +
            (log_is(place, traffic.truth()) if log else []) +
            ["the mark is still there"] * is_dirty(place) +
            [f"left behind: {p}" for p in (place.state / "rrd").rglob("*") if ".new" in p.name])


# rrd/ -----------------------------------------------------------------------------------------

def rrd_disk(place, start, stop, first):
    """The disk of rrd/ fails while steps from 6 to 12 pass, or from the beginning."""
    traffic = twenty_steps()
    with Disk(place.state / "rrd") as disk, Watched(place) as sensor:
        if first:
            start(disk)
        sensor.feed(traffic.between(None, 6 * STEP + 30))
        wait_until(lambda: committed(place.state, 5), "a commit")
        if not first:
            wait_until(lambda: not is_dirty(place), "files that are written")
            start(disk)
        sensor.feed(traffic.between(6 * STEP + 30, 12 * STEP + 30))
        wait_until(lambda: committed(place.state, 11), "a commit")
        sensor.wait_for("event=write-failed what=rrd", str(place.state / "rrd"))
        failing = sensor.metric('mailseal_write_failing{what="rrd"}')
        stop(disk)
        sensor.feed(traffic.between(12 * STEP + 30))
        code, said = sensor.finished()
        return said_once_each(code, said, "rrd") + whole(place, traffic) + \
            [f"mailseal_write_failing is {failing}"] * (failing != 1)


def rrd_is_full_from_the_beginning(place):
    return rrd_disk(place, Disk.fill, Disk.free, True)


def rrd_is_read_only(place):
    return rrd_disk(place, lambda d: d.remount("ro"), lambda d: d.remount("rw"), False)


def rrd_is_read_only_from_the_beginning(place):
    return rrd_disk(place, lambda d: d.remount("ro"), lambda d: d.remount("rw"), True)


def rrd_is_full_for_a_new_pair(place):
    """Files that there are go on; that of the new pair comes later, with all its steps."""
    traffic = Traffic()
    for step in range(STEPS):
        traffic.add("smtp-starttls-220", step * STEP + 5)
        if step >= 6:
            traffic.add("smtp-plaintext", step * STEP + 10, "beta", "alpha")
            traffic.add("smtp-scanner-quit", step * STEP + 15, "other", "alpha")
    with Disk(place.state / "rrd") as disk, Watched(place) as sensor:
        sensor.feed(traffic.between(None, 6 * STEP))
        wait_until(lambda: committed(place.state, 4) and not is_dirty(place), "files")
        disk.fill()
        sensor.feed(traffic.between(6 * STEP, 12 * STEP + 30))
        sensor.wait_for("event=write-failed what=rrd", "beta/alpha.rrd", "disk may be full")
        wait_until(lambda: committed(place.state, 11), "a commit")
        disk.free()
        sensor.feed(traffic.between(12 * STEP + 30))
        return said_once_each(*sensor.finished(), "rrd") + whole(place, traffic)


def rrd_stays_full(place):
    """To the end of the run, which says so; the next start draws everything."""
    traffic = twenty_steps()
    with Disk(place.state / "rrd") as disk:
        disk.fill()
        done = place.run(traffic.pcap(None, 10 * STEP))
        said = log_of(done.stderr.decode())
        complaints = [f"exit {done.returncode}: {said}"] * (
            done.returncode != 1 or len(said) != 1 or "what=rrd" not in said[0])
        complaints += ["there is no mark"] * (not is_dirty(place))
        disk.free()
        done = place.run(traffic.pcap(10 * STEP))
        said = log_of(done.stderr.decode())
        if done.returncode != 0 or len(said) != 1 or "event=rrd-rebuild" not in said[0]:
            complaints.append(f"the next run: exit {done.returncode}: {said}")
        return complaints + whole(place, traffic)


# sessions/ --------------------------------------------------------------------------------------

def sessions_are_full(place):
    """For less than what waits: every line is there, whole, in the end."""
    traffic = twenty_steps()
    with Disk(place.state / "sessions", MIB) as disk, Watched(place) as sensor:
        sensor.feed(traffic.between(None, 6 * STEP + 30))
        wait_until(lambda: committed(place.state, 5), "a commit")
        disk.fill()
        sensor.feed(traffic.between(6 * STEP + 30, 12 * STEP + 30))
        sensor.wait_for("event=write-failed what=session-log", "sessions/2024-03-01.jsonl",
                        "No space left")
        disk.free()
        sensor.feed(traffic.between(12 * STEP + 30))
        return said_once_each(*sensor.finished(), "session-log") + whole(place, traffic)


def sessions_are_read_only(place):
    traffic = twenty_steps()
    with Disk(place.state / "sessions", MIB) as disk:
        disk.remount("ro")
        with Watched(place) as sensor:
            sensor.feed(traffic.between(None, 6 * STEP + 30))
            sensor.wait_for("event=write-failed what=session-log", "Read-only file system")
            disk.remount("rw")
            sensor.feed(traffic.between(6 * STEP + 30))
            return said_once_each(*sensor.finished(), "session-log") + whole(place, traffic)


def sessions_are_full_for_long(place):
    """What does not fit into memory is counted: in the ledger, in the metrics, by the exit code."""
    traffic = Traffic()
    for n in range(1800):
        traffic.add("smtp-starttls-220", n * 0.5)
    traffic.add("smtp-starttls-220", 19 * STEP)
    with Disk(place.state / "sessions", MIB // 4) as disk, Watched(place) as sensor:
        disk.fill()
        sensor.feed(traffic.between(None, 16 * STEP))
        sensor.wait_for("event=write-failed what=session-log")
        wait_until(lambda: committed(place.state, 13), "a commit")
        disk.free()
        command("mount", "-o", f"remount,size={ROOM}", str(disk.path))
        sensor.feed(traffic.between(16 * STEP))
        code, said = sensor.finished()
        lines, unlogged = len(session_log(place)), health(place.state, "unlogged")["unlogged"]
        metric = sensor.metric("mailseal_unlogged_sessions_total")
    complaints = ledger_is(place.state, traffic.truth())
    if unlogged == 0 or lines + unlogged != 1801 or metric != unlogged:
        complaints.append(f"{lines} lines, unlogged {unlogged}, metric {metric}, of 1801")
    if code != 1 or f"event=lines-lost what=session-log lines={unlogged}" not in said[-1]:
        complaints.append(f"exit {code}: {said}")
    return complaints


# All of it -----------------------------------------------------------------------------------------

def incident_sessions(place):
    return sum(n for n, in query(place.state, "SELECT sessions FROM incident"
                                 " WHERE rule = 'plaintext-between-signatories'",
                                 name="incidents.db"))


def plaintext(traffic):
    return sum(s.column == "plaintext" for s in traffic.sessions)


def state_is_full(place):
    """The ledger holds whole steps at any time, and in the end all of them; so does the rest."""
    traffic = twenty_steps()
    with Disk(place.state) as disk, Watched(place) as sensor:
        sensor.feed(traffic.between(None, 4 * STEP + 30))
        wait_until(lambda: committed(place.state, 3), "a commit")
        disk.fill()
        sensor.feed(traffic.between(4 * STEP + 30, 14 * STEP + 30))
        sensor.wait_for("event=write-failed what=ledger", "ledger.db", "full")
        wait_until(lambda: sensor.metric("mailseal_steps_waiting") > 3, "steps that wait")
        complaints = ledger_is(place.state, traffic.truth(0, last_step(place.state) + STEP))
        disk.free()
        sensor.feed(traffic.between(14 * STEP + 30))
        code, said = sensor.finished()
        failed = sorted(line.split("what=")[1].split()[0] for line in said if "failed" in line)
        complaints += said_once_each(code, said, *failed) + whole(place, traffic) + \
            sound(place.state)
        lost = health(place.state, "lost", "unlogged")
        complaints += [f"counted as lost: {lost}"] * any(lost.values())
        waiting, counted = sensor.metric("mailseal_steps_waiting"), incident_sessions(place)
        complaints += [f"{waiting} steps wait"] * (waiting != 0)
        return complaints + [f"{counted} sessions in incidents"] * (counted != plaintext(traffic))


def state_is_full_for_a_day(place):
    """More steps than wait: the oldest are lost, and count as lost in the step behind them."""
    traffic, many = Traffic(), WAITING + 60
    for step in range(many + 10):
        traffic.add("smtp-starttls-220", step * STEP + 1)
    with Disk(place.state) as disk, Watched(place) as sensor:
        sensor.feed(traffic.between(None, 4 * STEP + 30))
        wait_until(lambda: committed(place.state, 2), "a commit")
        disk.fill()
        sensor.feed(traffic.between(4 * STEP + 30, many * STEP))
        wait_until(lambda: sensor.metric("mailseal_steps_waiting") == WAITING, "steps that wait")
        sensor.read_all()
        disk.free()
        sensor.feed(traffic.between(many * STEP))
        code, said = sensor.finished()
        lost, metric = health(place.state, "lost")["lost"], \
            sensor.metric("mailseal_lost_records_total")
        counts, waiting = ledger_counts(place.state), sensor.metric("mailseal_steps_waiting")
    truth = traffic.truth()
    complaints = [f"{key}: {n}" for key, n in counts.items() if truth[key] != n]
    if not 0 < lost < 80 or sum(counts.values()) + lost != many + 10 or metric != lost or waiting:
        complaints.append(f"{sum(counts.values())} counted, {lost} lost, metric {metric},"
                          f" {waiting} wait, of {many + 10}")
    if code != 1 or not any(f"event=steps-lost steps={lost} sessions={lost} " in s for s in said):
        complaints.append(f"exit {code}: {said}")
    return complaints


def state_stays_full(place):
    """To the end: what is lost is told, and the ledger is right about the rest."""
    traffic = twenty_steps()
    with Disk(place.state) as disk, Watched(place) as sensor:
        sensor.feed(traffic.between(None, 4 * STEP + 30))
        wait_until(lambda: committed(place.state, 3), "a commit")
        disk.fill()
        sensor.feed(traffic.between(4 * STEP + 30))
        code, said = sensor.finished()
        in_ledger = last_step(place.state) // STEP + 1
        lost = traffic.truth(in_ledger * STEP)
        told = f"event=steps-lost steps={STEPS - in_ledger} sessions={sum(lost.values())} "
        complaints = ledger_is(place.state, traffic.truth(0, in_ledger * STEP))
        if code != 1 or not any(told in line for line in said):
            complaints.append(f"{told}: exit {code}: {said}")
        disk.free()
        done = place.run(traffic.pcap(in_ledger * STEP))
        if done.returncode != 0:
            complaints.append(f"the next run: exit {done.returncode}: {done.stderr}")
        return complaints + whole(place, traffic, log=False) + \
            [f"half a line: {line}" for line in session_log(place) if "verdict" not in line]


def make_image(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    command("mkfs.ext4", "-q", "-F", str(path))


def mount_image(path, at):
    at.mkdir(exist_ok=True)
    command("mount", "-o", "loop", str(path), str(at))


def cannot_break():
    """Why there can be no disk that breaks."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            make_image(Path(directory) / "image", MIB)
            mount_image(Path(directory) / "image", Path(directory) / "disk")
            command("umount", "--lazy", str(Path(directory) / "disk"))
    except OSError as error:
        return str(error).replace("\n", " ")
    return None


def disk_breaks(place):
    """A file system that the kernel makes read-only after an error, for good."""
    traffic, image = twenty_steps(), place.dir / "image"
    make_image(image, 2 * ROOM)
    mount_image(image, place.state)
    try:
        shutil.chown(place.state, OWNER)
        with Watched(place) as sensor:
            sensor.feed(traffic.between(None, 6 * STEP + 30))
            wait_until(lambda: committed(place.state, 5), "a commit")
            command("mount", "-o", "remount,abort", str(place.state))
            sensor.feed(traffic.between(6 * STEP + 30))
            code, said = sensor.finished()
        complaints = [f"exit {code}: {said}"] * (
            code != 1 or not any("event=steps-lost" in line for line in said))
    finally:
        command("umount", "--lazy", str(place.state))
    subprocess.run(["fsck.ext4", "-p", "-f", str(image)], capture_output=True, check=False,
                   timeout=60)
    mount_image(image, place.state)
    try:
        in_ledger = last_step(place.state) // STEP + 1
        complaints += ledger_is(place.state, traffic.truth(0, in_ledger * STEP))
        done = place.run(traffic.pcap(in_ledger * STEP))
        if done.returncode != 0:
            complaints.append(f"the next run: exit {done.returncode}: {done.stderr}")
        return complaints + whole(place, traffic, log=False)
    finally:
        command("umount", "--lazy", str(place.state))


# The start -----------------------------------------------------------------------------------------

def refused(done, *words):
    said = log_of(done.stderr.decode())
    if done.returncode == 1 and len(said) == 1 and all(w in said[0] for w in words):
        return []
    return [f"exit {done.returncode}: {said}"]


def start_on_a_new_disk(place):
    """That is full, or read-only: nothing can begin there."""
    traffic = twenty_steps()
    with Disk(place.state) as disk:
        disk.fill()
        complaints = refused(place.run(traffic.pcap()), str(place.state), "full")
        disk.free()
        disk.remount("ro")
        complaints += refused(place.run(traffic.pcap()), str(place.state), "Read-only")
        disk.remount("rw")
        complaints += ended_well(place.run(traffic.pcap()))
        return complaints + whole(place, traffic)


def start_on_a_disk_that_became_read_only(place):
    traffic = twenty_steps()
    with Disk(place.state) as disk:
        complaints = ended_well(place.run(traffic.pcap(None, 10 * STEP)))
        before = contents(place.state)
        disk.remount("ro")
        complaints += refused(place.run(traffic.pcap(10 * STEP)), str(place.state), "Read-only")
        disk.remount("rw")
        complaints += ["something has changed"] * (contents(place.state) != before)
        complaints += ended_well(place.run(traffic.pcap(10 * STEP)))
        return complaints + whole(place, traffic)


def start_on_a_disk_that_became_full(place):
    """What the files have room for is written, in whole steps; the run tells of the rest."""
    traffic = twenty_steps()
    with Disk(place.state) as disk:
        complaints = ended_well(place.run(traffic.pcap(None, 10 * STEP)))
        before = ledger_counts(place.state)
        disk.fill()
        done = place.run(traffic.pcap(10 * STEP))
        in_ledger = last_step(place.state) // STEP + 1
        if done.returncode != 1 or not log_of(done.stderr.decode()):
            complaints.append(f"exit {done.returncode}: {done.stderr}")
        complaints += ["a step has changed"] * any(
            ledger_counts(place.state)[k] != n for k, n in before.items())
        complaints += ledger_is(place.state, traffic.truth(0, in_ledger * STEP))
        disk.free()
        done = place.run(traffic.pcap(in_ledger * STEP)) if in_ledger < STEPS else None
        if done and done.returncode != 0:
            complaints.append(f"the next run: exit {done.returncode}: {done.stderr}")
        return complaints + whole(place, traffic, log=False)


TESTS = (
    ("rrd/ is full from the beginning", rrd_is_full_from_the_beginning),
    ("rrd/ is full for a new pair", rrd_is_full_for_a_new_pair),
    ("rrd/ stays full", rrd_stays_full),
    ("rrd/ is read-only", rrd_is_read_only),
    ("rrd/ is read-only from the beginning", rrd_is_read_only_from_the_beginning),
    ("sessions/ is full", sessions_are_full),
    ("sessions/ is full for long", sessions_are_full_for_long),
    ("sessions/ is read-only", sessions_are_read_only),
    ("the state directory is full", state_is_full),
    ("the state directory is full for a day", state_is_full_for_a_day),
    ("the state directory stays full", state_stays_full),
    ("the disk breaks", disk_breaks),
    ("a start on a new disk", start_on_a_new_disk),
    ("a start on a disk that became read-only", start_on_a_disk_that_became_read_only),
    ("a start on a disk that became full", start_on_a_disk_that_became_full),
)


def alone():
    """Mounts that nobody else sees, and that end with this process."""
    if os.geteuid() != 0:
        return "only root can mount"
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        return "no mount namespace of its own"
    try:
        command("mount", "--make-rprivate", "/")
        with tempfile.TemporaryDirectory() as directory, Disk(Path(directory) / "disk"):
            pass
    except OSError as error:
        return str(error).replace("\n", " ")
    return None


def main():
    why = alone()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    tap = Tap()
    for name, function in TESTS:
        if function is disk_breaks and cannot_break():
            tap.skip(name, cannot_break())
            continue
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            shutil.chown(directory, OWNER)
            tap.run(name, function, Place(directory))
    tap.finish()


if __name__ == "__main__":
    main()
