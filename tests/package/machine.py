"""A machine to install packages on: a container with its own network, booted with systemd, whose
changes to its disk are in memory and gone in the end."""
import ctypes
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from base_system import NSPAWN
from namespaces import Failed, end_process, run

PATIENCE = 60
PR_SET_PDEATHSIG = 1
HIERARCHIES = [Path("/sys/fs/cgroup") / name for name in ("", "systemd", "unified")]
REPLAY = Path(__file__).resolve().parent.parent / "integration" / "mailhosts.py"
ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
               "DEBIAN_FRONTEND=noninteractive"]


class Machine:
    """packages: a folder of this host, /packages there."""

    def __init__(self, root, packages, folder):
        self.name = f"mailseal-{os.getpid()}"
        self.log = folder / "boot.log"
        self.command = [*NSPAWN, "--directory", root, "--volatile=overlay", "--boot",
                        "--private-network", "--notify-ready=yes", "--machine", self.name,
                        f"--bind-ro={packages}:/packages"]
        self.notices = folder / "notices"
        self.cgroups = [h / self.name for h in HIERARCHIES if (h / "cgroup.procs").exists()]
        self.process = self.leader = None

    def __enter__(self):
        try:
            self._boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def _boot(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices, \
                open(self.log, "wb") as log:
            notices.bind(str(self.notices))
            notices.settimeout(PATIENCE)
            # pylint: disable=R1732,W1509
            self.process = subprocess.Popen(
                list(map(str, self.command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self.notices)}, preexec_fn=self._settle)
            self._await_ready(notices)

    def _settle(self):
        """In the process to be: control groups of its own, and no life without this test."""
        for group in self.cgroups:
            group.mkdir()
            (group / "cgroup.procs").write_text("0", encoding="ascii")
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def _await_ready(self, notices):
        """What systemd-nspawn says: the process that leads the container, and that it is up."""
        try:
            while True:
                for line in notices.recv(4096).decode().splitlines():
                    if line.startswith("X_NSPAWN_LEADER_PID="):
                        self.leader = line.split("=")[1]
                    elif line == "READY=1":
                        return
        except socket.timeout:
            raise Failed("the machine does not boot:\n" +
                         self.log.read_text("utf-8", errors="replace")) from None

    def run(self, *command, **options):
        """Runs a command there that must succeed, as root, and returns what it said."""
        return run("nsenter", "--target", self.leader, "--all", "--wd=/", "--", *ENVIRONMENT,
                   *command, **options)

    def says(self, *command):
        """What a command there says on standard output, whatever its exit status."""
        done = subprocess.run(["nsenter", "--target", self.leader, "--all", "--wd=/", "--",
                               *ENVIRONMENT, *map(str, command)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=PATIENCE)
        return done.stdout.strip()

    def path(self, name):
        """A file of the machine, as this host sees it."""
        return Path(f"/proc/{self.leader}/root/{name}")

    def in_its_network(self, *command):
        """Runs a program of this host there."""
        return run("nsenter", "--target", self.leader, "--net", "--", *command)

    def add_wire(self, interface):
        """An interface on which arrives what replay() sends."""
        self.in_its_network("ip", "link", "add", interface, "type", "veth", "peer", "name", "wire0")
        for end in (interface, "wire0"):
            self.in_its_network("ip", "link", "set", end, "up")

    def replay(self, pcap):
        self.in_its_network(sys.executable, REPLAY, "replay", pcap)

    def get(self, url):
        """What a web server there answers."""
        return self.in_its_network(sys.executable, "-c", "import sys, urllib.request as r; "
                                   "print(r.urlopen(sys.argv[1], timeout=60).read().decode())", url)

    def close(self):
        """Powers it off. What does not end by itself is killed."""
        if self.process:
            try:
                end_process(self.process)
            finally:
                if self.leader and Path(f"/proc/{self.leader}").exists():
                    os.kill(int(self.leader), signal.SIGKILL)
        for group in self.cgroups:
            for path, _, _ in os.walk(group, topdown=False):
                os.rmdir(path)
        if self.notices.exists():
            self.notices.unlink()
