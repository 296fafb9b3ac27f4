#!/usr/bin/env python3
"""Nothing of the mail itself is kept: every address, login, password and line of bodies that the traffic
contained is looked for in the state directory, in what the sensor says and tells, and in the memory of
all its processes. MAILSEAL_SEED repeats the words of an earlier run. Memory needs root."""
import os
import random
import subprocess
import tempfile
from pathlib import Path

from live_sensor import LiveSensor
from mail_secrets import SERVERS, Mail, Secrets, grep, image
from mailhosts import WIRE, Hosts
from session_record import PROGRAM
from tap import Tap
from traffic import (Sensor, built_with, children, pcap_record, process_status, wait_until,
                     wire)

SEED = int(os.environ.get("MAILSEAL_SEED") or random.SystemRandom().randrange(2**32))
MEGABYTES = 4  # of harmless mail: more than any buffer holds that is not overwritten when it is let go
KNOWN = b"the-sensor-itself"  # is in the memory of each process
CONFIGURATION = f"""\
sensor: {KNOWN.decode()}
capture: {{max_flows: 5000, max_undecided: 1000, ring_mib: 16}}
peers:
  - {{name: alpha, signatory: true, mta: [198.51.100.0/28]}}
  - {{name: beta, signatory: true, mta: [198.51.100.32/28, "2001:db8:2::/48"]}}
"""
TOLD = """syslog: {{socket: ""}}
alerts:
  targets:
    - {{name: told, kind: program, program: [/bin/sh, -c, "cat >> {}"]}}
"""


def frames_of(mail, frames):
    return b"".join(pcap_record(*p) for p in mail.times(frames))


def shown(complaints):
    return complaints[:40] + ([f"and {len(complaints) - 40} more"] if len(complaints) > 40 else [])


# Searching ---------------------------------------------------------------------------------------

def in_files(secrets, *paths):
    """Complaints of words and addresses in files and folders."""
    meaning = {**secrets.pieces, **secrets.addresses}
    return [f"{Path(path).name} at {at}: {meaning[word]}" for path, at, word in grep(meaning, *paths)]


def in_memory(folder, pids, secrets):
    """Complaints of words in memory, and of processes whose memory is not what it should be."""
    complaints = []
    for pid in pids:
        path = Path(folder) / "image"
        try:
            places = image(pid, path)
        except (FileNotFoundError, ProcessLookupError):
            continue  # the program of an alert has ended
        found = grep([*secrets.pieces, KNOWN], path)
        path.unlink()
        complaints += [f"process {pid}, {max(p for p in places if p[0] <= at)[1]}: {secrets.pieces[word]}"
                       for _, at, word in found if word != KNOWN]
        if all(word != KNOWN for _, _, word in found) and process_status(pid):
            complaints.append(f"process {pid}: its memory was not read")
    return complaints


# What must be there ------------------------------------------------------------------------------

def records_of(state):
    """The session log. Whatever is flushed when the sensor is idle."""
    return "".join(p.read_text() for p in (state / "sessions").glob("*")) \
        if (state / "sessions").exists() else ""


def is_in_the_log(state):
    """That the search finds what is there: servers in full, clients cut."""
    text = records_of(state)
    return [f"{known} is not in the session log"
            for known in ("198.51.100.3", *SERVERS.values(), "192.0.0.0", "2001:db8:77::")
            if f'"{known}"' not in text]


def planted(folder):
    """What is planted is found: in a process, in a file, and as an address."""
    secrets = Secrets(SEED)
    word = secrets.word("planted")
    secrets.addresses[b"192.0.2.99"] = "planted address"
    file = Path(folder) / "planted"
    file.write_bytes(b"\0" * 5000 + word[:12].encode() + b" 192.0.2.99 " + word[13:].encode())
    with subprocess.Popen(["/bin/sh", "-c", "read x", KNOWN, word], stdin=subprocess.PIPE) as process:
        found = in_memory(folder, [process.pid], secrets)
        process.stdin.close()
    files = in_files(secrets, file)
    return ([] if any("planted" in c for c in found) else [f"in memory: {found}"]) + \
        ([] if len(files) == 2 else [f"in a file: {files}"])


# Runs --------------------------------------------------------------------------------------------

def is_ours(pid):
    """Not the program of an alert."""
    try:
        return os.path.samefile(f"/proc/{pid}/exe", PROGRAM)
    except OSError:
        return False


def family(pid):
    """A process and all that come from it."""
    return [pid] + [p for child in children(pid) if is_ours(child) for p in family(child)]


class Run:
    """A folder, and what is looked for."""

    def __init__(self, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.folder.chmod(0o755)
        self.secrets = Secrets(SEED)
        self.mail = Mail(self.folder, self.secrets)
        self.state = self.folder / "state"
        self.images = Path(tempfile.mkdtemp(dir=folder))

    def in_memory(self, pid):
        return in_memory(self.images, family(pid), self.secrets)

    def await_records(self, n):
        wait_until(lambda: records_of(self.state).count("\n") >= n, f"{n} session records")

    def ended(self, code, said, *more):
        """Complaints of the end and of all files."""
        (self.folder / "said").write_text(said, encoding="utf-8")
        return ([f"exit {code}: {said}"] if code else []) + is_in_the_log(self.state) + \
            in_files(self.secrets, self.state, self.folder / "said", *more)


def from_a_pipe(folder):
    """With an image before what clears the buffers: in which secrets must be found."""
    run = Run(folder)
    with Sensor(run.folder, run.state, configuration=CONFIGURATION) as sensor:
        sensor.feed(frames_of(run.mail, run.mail.secret()))
        sensor.read_all()
        passed = run.in_memory(sensor.pid)
        run.mail.last_us += 3000 * 10**6  # what waits for more has waited in vain
        sensor.feed(frames_of(run.mail, run.mail.harmless(MEGABYTES)))
        sensor.read_all()
        run.await_records(run.mail.sessions)
        complaints = run.in_memory(sensor.pid)
        complaints += [] if passed else ["no secret ever was in memory"]
        return shown(complaints + run.ended(*sensor.end()))


def from_a_file(folder):
    """A file with the secrets, and a pipe that keeps the sensor alive behind it."""
    run = Run(folder)
    file = run.folder / "secret.pcap"
    file.write_bytes(wire.PCAP_HEADER + frames_of(run.mail, run.mail.secret()))
    with Sensor(run.folder, run.state, "-r", file, configuration=CONFIGURATION) as sensor:
        run.mail.last_us += 3000 * 10**6
        sensor.feed(frames_of(run.mail, run.mail.harmless(MEGABYTES)))
        sensor.read_all()
        run.await_records(run.mail.sessions)
        complaints = run.in_memory(sensor.pid)
        return shown(complaints + run.ended(*sensor.end()))


def from_an_interface(folder, hosts):
    """Live, with couriers, two workers, and connections that stay open behind their verdict."""
    run = Run(folder)
    told = run.folder / "told"
    told.touch()
    told.chmod(0o666)
    captures = [run.folder / "secret.pcap", run.folder / "harmless.pcap"]
    captures[0].write_bytes(wire.PCAP_HEADER + frames_of(run.mail, run.mail.secret()))
    secret_sessions = run.mail.sessions - run.mail.open
    captures[1].write_bytes(wire.PCAP_HEADER + frames_of(run.mail, run.mail.harmless(MEGABYTES)))
    with LiveSensor(run.folder, lambda *words: hosts.inside(hosts.names[1], *words),
                    CONFIGURATION + TOLD.format(told), WIRE, "--quiet", "--mode", "any",
                    "--workers", 2) as sensor:
        hosts.replay(captures[0])
        run.await_records(secret_sessions)
        wait_until(lambda: told.stat().st_size > 0, "an alert")
        hosts.replay(captures[1])
        run.await_records(run.mail.sessions - run.mail.open)
        complaints = run.in_memory(sensor.process.pid)
        if len(family(sensor.process.pid)) != 4:
            complaints.append("there are not four: recorder, capture, couriers, and the one of the target")
        return shown(complaints + run.ended(*sensor.end(), told))


def main():
    tap = Tap()
    print(f"# MAILSEAL_SEED={SEED}")
    if os.geteuid() != 0 or built_with("WITH_SANITIZERS"):
        print("1..0 # SKIP only root can read the memory of the sensor, and not with sanitizers")
        return
    with tempfile.TemporaryDirectory(prefix="mailseal-privacy-") as folder:
        os.chmod(folder, 0o755)
        tap.run("what is planted is found", planted, folder)
        tap.run("from a pipe: nothing of the mail in files, log and memory", from_a_pipe, folder)
        tap.run("from a file: nothing of the mail in files, log and memory", from_a_file, folder)
        hosts = Hosts(folder)
        try:
            hosts.open()
            tap.run("live: nor in couriers and alerts", from_an_interface, folder, hosts)
        except OSError as error:
            tap.skip("live", f"no network namespaces: {error}")
        finally:
            hosts.close()
    tap.finish()


if __name__ == "__main__":
    main()
