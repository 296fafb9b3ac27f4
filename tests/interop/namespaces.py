"""Network namespaces, the wires between them, and the processes in them.

Used by every test that needs hosts of its own. Whoever opens a namespace closes it; close() ends
what still runs inside, by process id, and nothing else.
"""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

PATIENCE = 60
CLONE_NEWNET = 0x40000000
# The mounts of a command are its own: files of another /etc, and folders that are empty.
MOUNTS = """\
etc=$1 empty=$2
shift 2
for name in hosts passwd group resolv.conf; do
	[ ! -e "/etc/$name" ] || mount --bind "$etc/$name" "/etc/$name" || exit
done
for folder in $empty; do
	mount -t tmpfs -o mode=755 none "$folder" || exit
done
exec "$@"
"""


class Failed(OSError):
    """A command that had to succeed did not, or something due did not come."""


def run(*command, **options):
    """Runs a command that must succeed, and returns what it said."""
    command = [str(word) for word in command]
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    if options["stdin"] is None:
        del options["stdin"]
    options.setdefault("timeout", 2 * PATIENCE)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout.strip()}")
    return done.stdout


def wait_for(what, condition, seconds=PATIENCE):
    """Waits until condition() holds, and returns what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"waited in vain: {what}")
        time.sleep(0.02)
    return value


def end_process(process, number=signal.SIGTERM):
    """Ends a process that was started here, and waits for it."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


class Namespace:
    """One host. etc: a folder with hosts, passwd, group and resolv.conf of its own."""

    def __init__(self, name, etc=None):
        self.name, self.etc = name, etc

    def open(self):
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def close(self):
        """Ends what runs inside and removes the namespace; nothing happens when there is none."""
        if self.exists():
            for number in (signal.SIGTERM, signal.SIGKILL):
                for pid in self.pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                with contextlib.suppress(Failed):
                    wait_for("the processes of a namespace", lambda: not self.pids(), 5)
            run("ip", "netns", "del", self.name)

    def exists(self):
        return self.name in run("ip", "netns", "list").split()

    def pids(self):
        return [int(pid) for pid in run("ip", "netns", "pids", self.name).split()]

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def set(self, name, value):
        """Sets a sysctl of the namespace: set("net/ipv4/ip_forward", 1)."""
        run("ip", "netns", "exec", self.name, "sh", "-c", f"echo {value} >/proc/sys/{name}")

    def command(self, *words, empty=()):
        """The command that runs another in here. empty: folders it is to find empty."""
        mounts = ("unshare", "--mount", "sh", "-c", MOUNTS, "sh", self.etc, " ".join(empty))
        words = (*mounts, *words) if self.etc else words
        return ["ip", "netns", "exec", self.name, *(str(word) for word in words)]

    def run(self, *words, **options):
        try:
            return run(*self.command(*words), **options)
        except Failed as failed:
            said = str(failed).rpartition(": exit ")[2]
            raise Failed(f"{' '.join(map(str, words))}: exit {said}") from None

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes meanwhile belong to the namespace."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as home, \
                open(f"/run/netns/{self.name}", "rb") as away:
            self._enter(libc, away)
            try:
                yield
            finally:
                self._enter(libc, home)

    @staticmethod
    def _enter(libc, namespace):
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise Failed(f"setns: {os.strerror(ctypes.get_errno())}")

    def connect(self, address, port, source=None):
        """A TCP connection from here."""
        with self.inside():
            return socket.create_connection((address, port), PATIENCE,
                                            (source, 0) if source else None)


def join(one, its_name, other, other_name):
    """A wire between two namespaces, with frames as a real one carries them: no offload."""
    one.ip("link", "add", its_name, "type", "veth", "peer", "name", other_name,
           "netns", other.name)
    for namespace, name in ((one, its_name), (other, other_name)):
        run("ip", "netns", "exec", namespace.name, "ethtool", "-K", name,
            "tx", "off", "gso", "off", "tso", "off", "gro", "off")
        namespace.ip("link", "set", name, "up")
