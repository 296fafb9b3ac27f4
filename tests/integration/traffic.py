"""Mail between peers as packets at chosen times, and a sensor that is kept alive while it reads.

Times are seconds from START, which is the beginning of a step. Every session that is added takes
less than a second, so that it counts in the step in which it begins.
"""
import array
import collections
import fcntl
import ipaddress
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from session_record import BUILDDIR, MAILSEALD, NO_LEAK_CHECK, SRCDIR

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import talk as talks  # noqa: E402
import wire  # noqa: E402

START = 1709287200  # 2024-03-01T10:00:00Z
STEP = 60
PATIENCE = 60  # seconds until a test gives up on something that is due
CONFIGURATION = """\
sensor: test
capture: {max_flows: 5000, max_undecided: 1000}
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28, "2001:db8:1::/48"]}
  - {name: beta, signatory: true, mta: [198.51.100.32/28, "2001:db8:2::/48"]}
"""
HOSTS = {"alpha": "198.51.100.%d", "beta": "198.51.100.%d", "other": "192.0.2.%d"}
FIRST = {"alpha": 1, "beta": 33, "other": 1}
# talk: the column of the ledger that its verdict counts in
TALKS = {"smtp-starttls-220": "enc_starttls", "smtp-plaintext": "plaintext",
         "smtp-scanner-quit": "no_transaction", "smtp-tls-client-alert": "tls_failed",
         "smtp-plaintext-helo": "plaintext"}
VERDICTS = ("enc_starttls", "enc_implicit", "plaintext", "tls_failed", "no_transaction",
            "indeterminate")

Session = collections.namedtuple("Session", "step client server column ends")


class Ends(wire.Addresses):
    """The two ends of a connection, by address and port."""

    def __init__(self, client, client_port, server, server_port):  # pylint: disable=W0231
        self.client, self.server = map(ipaddress.ip_address, (client, server))
        self.client_port, self.server_port = client_port, server_port
        self.ipv6 = self.client.version == 6
        self.sum = (wire.words(self.client.packed + self.server.packed) + client_port +
                    server_port)
        self.packed = {True: self.client.packed + self.server.packed,
                       False: self.server.packed + self.client.packed}
        self.ports = {True: struct.pack("!HH", client_port, server_port),
                      False: struct.pack("!HH", server_port, client_port)}


def pcap_record(time_us, frame):
    seconds, micros = divmod(time_us, 10**6)
    return struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame


def read_talk(name, _read={}):  # pylint: disable=W0102
    if name not in _read:
        _read[name] = talks.Talk(SRCDIR / "tests" / "talks" / (name + ".talk"))
    return _read[name]


class Traffic:
    """Packets of many connections, in the order of their times, and what they come to."""

    def __init__(self):
        self.packets = []  # (time in microseconds, frame)
        self.sessions = []
        self.began = {}  # by ends: seconds from START
        self.port = 20000

    def ends(self, client, server, server_port=25):
        self.port += 1
        return Ends(HOSTS[client] % (FIRST[client] + self.port % 8), self.port,
                    HOSTS[server] % (FIRST[server] + 5), server_port)

    def add(self, name, at, client="alpha", server="beta", step=None):
        """A talk that begins at this time. step: where it counts, when that is elsewhere."""
        ends = self.ends(client, server)
        start = int((START + at) * 10**6)
        for n, packet in enumerate(read_talk(name).packets()):
            self.packets.append((start + n * 1000, ends.frame(packet)))
        counted = int(START + at) // STEP * STEP if step is None else START + step
        self.began[str(ends.client), ends.client_port] = at
        self.sessions.append(Session(counted, client, server, TALKS[name],
                                     (str(ends.client), ends.client_port)))

    def add_steps(self, first, last):
        """Steps full of sessions of each kind, each step different from the others."""
        for step in range(first, last):
            for n in range(4 + step % 3):
                at = step * STEP + 1 + n * 9
                self.add("smtp-starttls-220", at)
                self.add("smtp-plaintext" if n % 3 else "smtp-starttls-220", at + 2, "beta",
                         "alpha")
                self.add(("smtp-scanner-quit", "smtp-tls-client-alert")[n % 2], at + 4, "other",
                         "alpha")

    def syn(self, at):
        """A lone packet that only moves the time."""
        ends = self.ends("other", "other")
        packet = wire.Packet(True, wire.SYN, 1, 0)
        self.packets.append((int((START + at) * 10**6), ends.frame(packet)))

    def between(self, first=None, last=None):
        """The packets of a span of time, as they stand in a capture, without its header."""
        low = None if first is None else (START + first) * 10**6
        high = None if last is None else (START + last) * 10**6
        return b"".join(pcap_record(*p) for p in sorted(self.packets, key=lambda p: p[0])
                        if (low is None or p[0] >= low) and (high is None or p[0] < high))

    def pcap(self, first=None, last=None):
        return wire.PCAP_HEADER + self.between(first, last)

    def truth(self, first=None, last=None):
        """Sessions by step, pair and verdict, of the steps that begin in this span."""
        out = collections.Counter()
        for s in self.sessions:
            if ((first is None or s.step >= START + first) and
                    (last is None or s.step < START + last)):
                out[s.step, s.client, s.server, s.column] += 1
        return out


# The state directory ---------------------------------------------------------------------------

def database(state, name="ledger.db"):
    return sqlite3.connect(f"file:{Path(state) / name}?mode=ro", uri=True, timeout=30)


def query(state, sql, *parameters, name="ledger.db"):
    db = database(state, name)
    try:
        return db.execute(sql, parameters).fetchall()
    finally:
        db.close()


def last_step(state):
    """The last step in the ledger, in seconds from START; None when there is none."""
    try:
        rows = query(state, "SELECT value FROM meta WHERE name = 'last_step'")
    except sqlite3.OperationalError:  # not made yet
        return None
    return rows[0][0] - START if rows and rows[0][0] >= 0 else None


def committed(state, step):
    """Whether the ledger holds this step or a later one."""
    last = last_step(state)
    return last is not None and last >= step * STEP


def ledger_counts(state, table="minutes"):
    """What the ledger holds, as Traffic.truth() has it."""
    out = collections.Counter()
    columns = ", ".join("r." + v for v in VERDICTS)
    for step, client, server, *values in query(
            state, f"SELECT r.step, c.name, s.name, {columns} FROM {table} r"
            " JOIN party c ON c.id = r.client JOIN party s ON s.id = r.server"):
        for column, value in zip(VERDICTS, values):
            if value:
                out[step, client, server, column] += value
    return out


def health(state, *names):
    """Sums of health counters over all steps."""
    columns = ", ".join(f"sum({n})" for n in names)
    return dict(zip(names, query(state, f"SELECT {columns} FROM health_minutes")[0]))


def rolled_up(counts, unit):
    out = collections.Counter()
    for (step, *rest), n in counts.items():
        out[(step // unit * unit, *rest)] += n
    return out


def differences(wanted, got, what):
    return [f"{what}: {key}: {got[key]}, not {wanted[key]}"
            for key in sorted(set(wanted) | set(got)) if wanted[key] != got[key]][:10]


def sound(state):
    out = []
    for name in ("ledger.db", "incidents.db"):
        said = query(state, "PRAGMA integrity_check", name=name)[0][0]
        if said != "ok":
            out.append(f"{name}: {said}")
    return out


def ledger_is(state, truth):
    """Complaints unless minutes, hours and days of a sound ledger hold exactly this."""
    out = sound(state)
    for table, unit in (("minutes", STEP), ("hours", 3600), ("days", 86400)):
        out += differences(rolled_up(truth, unit), ledger_counts(state, table), table)
    return out


# A sensor that stays alive ----------------------------------------------------------------------

def wait_until(condition, what):
    """Waits for something that is due, and says what it was when it does not come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(0.01)


def process_status(pid):
    """/proc/PID/status as a dictionary; empty when there is no such process, or only its
    remains."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    status = dict(line.split(":", 1) for line in text.splitlines())
    return {} if status["State"].strip().startswith(("Z", "X")) else \
        {k: v.strip() for k, v in status.items()}


def is_confined(pid):
    """Whether it is without privileges and under a filter of system calls that who started it is not
    under (or, in a build that does not confine itself, without privileges)."""
    status = process_status(pid)
    if status.get("NoNewPrivs") != "1":
        return False
    started_by = process_status(status["PPid"])
    return built_with("WITHOUT_CONFINEMENT") or \
        int(status["Seccomp_filters"]) > int(started_by.get("Seccomp_filters", 0))


def children(pid):
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and
            process_status(p.name).get("PPid") == str(pid)]


def built_with(feature):
    return f"#define {feature} 1" in (BUILDDIR / "config.h").read_text(encoding="ascii")


class Sensor:
    """mailseald -r -, whose standard input is a pipe that the test fills."""

    def __init__(self, folder, state, *arguments, stdout=subprocess.DEVNULL,
                 configuration=CONFIGURATION, configured=True, stderr=None, **environment):
        self.conf, self.log = Path(folder) / "mailseal.yaml", Path(folder) / "said"
        self.conf.write_text(configuration, encoding="ascii")
        # pylint: disable=R1732
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(MAILSEALD), *("-c", str(self.conf)) * configured, "-r", "-", "--state",
                 str(state), "--quiet", *map(str, arguments)], stdin=subprocess.PIPE, stdout=stdout,
                stderr=stderr or log,
                env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ, **environment})
        self.pid = self.process.pid
        self.fed_any = False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def feed(self, packets):
        if not self.fed_any:
            packets = wire.PCAP_HEADER + packets
        self.fed_any = True
        self.process.stdin.write(packets)
        self.process.stdin.flush()

    def read_all(self):
        """Waits until the sensor has taken everything from the pipe."""
        left = array.array("i", [1])

        def empty():
            fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, left)
            return left[0] == 0 or self.process.poll() is not None
        wait_until(empty, "the sensor reads its input")

    def capture_pid(self):
        """The capture process, once it is confined."""
        def confined():
            return [c for c in children(self.pid) if is_confined(c)]
        wait_until(confined, "a capture process that is confined")
        return confined()[0]

    def signal(self, number):
        os.kill(self.pid, number)

    def said(self):
        """On standard error, so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def end(self):
        """Waits for the end; returns the exit code and what was said on standard error."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        return self.ended()

    def ended(self):
        """The same, while standard input stays open."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
            raise
        return code, self.said()
