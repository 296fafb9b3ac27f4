"""A wire between two network namespaces, what is sent over it, and who reads it. Needs root."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
sys.path.insert(0, str(SRCDIR / "tests" / "integration"))
import measure  # noqa: E402
from session_record import BUILDDIR  # noqa: E402

WIRE = "wire0"
SNAPLEN, RING_MIB = 65535, 32  # the defaults of capture.snaplen and capture.ring_mib
TPACKET_V3 = 2  # as the kernel tells it
PATIENCE_S = 60
SETTLED_S = 0.25
IDLE = 0.1  # of one CPU, by a reader that waits


def command(*words):
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False,
                              timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise measure.Wrong(str(error)) from error
    if done.returncode != 0:
        raise measure.Wrong("%s: %s" % (" ".join(map(str, words)), done.stderr.strip()))
    return done.stdout


class Wire:
    """Two namespaces and what joins them; nobody at either end has anything to say."""

    def __init__(self):
        self.names = ["mailseal-bench-%d-%s" % (os.getpid(), end) for end in "ab"]

    def open(self):
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        sender, reader = self.names
        for name in self.names:
            command("ip", "netns", "add", name)
            command("ip", "netns", "exec", name, "sysctl", "-qw",
                    "net.ipv6.conf.default.disable_ipv6=1")
        command("ip", "-n", sender, "link", "add", WIRE, "type", "veth", "peer", "name", WIRE,
                "netns", reader)
        for name in self.names:
            command("ip", "-n", name, "link", "set", WIRE, "mtu", "9000", "up")

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def reader(self, *words):
        """Makes of a command the one that runs it where the wire is read."""
        return ["ip", "netns", "exec", self.names[1], *map(str, words)]

    def send(self, path, rate):
        """Packets that were sent, and how many seconds it took."""
        said = command("ip", "netns", "exec", self.names[0], BUILDDIR / "tests/bench/send", WIRE,
                       path, rate).replace(",", "").split()
        return int(said[1]), float(said[3])

    def dropped(self):
        """Packets, by the interface that is read, so far."""
        return int(command(*self.reader("cat", "/sys/class/net/%s/statistics/rx_dropped" % WIRE)))

    def check_rings(self):
        """Those of a reader are together as large as they should be, and of TPACKET_V3. A kernel may
        be built without what tells it."""
        words = command(*self.reader("ss", "-0", "-e", "-n")).replace("(", ":").replace(",", ":")
        versions, size = set(), 0
        for word in words.split():
            fields = word.split(":")
            if fields[0] == "ver":
                versions.add(int(fields[1]))
            elif fields[0] == "ring_rx":
                size += int(fields[2]) * int(fields[4])
        if size and (versions != {TPACKET_V3} or size != RING_MIB << 20):
            raise measure.Wrong("rings of TPACKET versions %s, %d bytes" % (
                [v + 1 for v in versions], size))


class Bare:
    """The loop of libpcap. Has what is used of LiveSensor."""

    def __init__(self, wire):
        # pylint: disable=R1732
        self.process = subprocess.Popen(
            wire.reader(BUILDDIR / "tests/bench/bare", "-i", WIRE, SNAPLEN, RING_MIB),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise measure.Wrong("bare: exit %d: %s" % (self.process.wait(),
                                                       self.process.communicate()[1]))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        said, wrong = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said + wrong


def processes(reader):
    return [reader.process.pid] + measure.children(reader.process.pid)


def cpu_s(reader):
    """Of all its processes and their threads, so far. The clock of another process has a number that
    is made of the process's: clock_getcpuclockid(3)."""
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in processes(reader))


def waits(reader):
    """Whether all its threads do, for something to come; one that has to wait for a CPU does not."""
    try:
        tasks = [t for pid in processes(reader) for t in Path("/proc/%d/task" % pid).iterdir()]
        return all((t / "stat").read_text().rsplit(")", 1)[1].split()[0] == "S" for t in tasks)
    except OSError:  # one has just ended
        return False


def wait_until_idle(reader):
    """Everything that was sent is read."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        before = cpu_s(reader)
        time.sleep(SETTLED_S)
        if waits(reader) and cpu_s(reader) < before + IDLE * SETTLED_S:
            return
    raise measure.Wrong("the reader does not come to rest")
