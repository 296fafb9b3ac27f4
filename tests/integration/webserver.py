"""A running mailseal serve, and clients of it down to the byte."""
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAILSEAL = BUILDDIR / "mailseal"
MAKE_STATE = BUILDDIR / "tests" / "integration" / "make_state"
STATE_OF_LINES = BUILDDIR / "tests" / "integration" / "state_of_lines"

PATIENCE = 60  # seconds that nothing here should take
# Whom the server becomes, where it can.
USER = ["--user", "nobody"] if os.geteuid() == 0 else []


def has_server():
    """Whether this build has one."""
    done = subprocess.run([str(MAILSEAL), "serve", "--listen", "192.0.2.1:1"], text=True,
                          stderr=subprocess.PIPE, check=False)
    return "this build has no server" not in done.stderr


def readable(state):
    """For the user that the server becomes: everything, and nothing to write."""
    for folder, _, names in os.walk(state):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
    return state


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()
        self.text = self.body.decode("utf-8", "backslashreplace")
        self.type = self.headers.get("content-type", "")


class Server:
    """Ends with the block, and must do so with 0."""

    def __init__(self, state, *options, listen=("127.0.0.1:0",)):
        self.process = subprocess.Popen(
            [str(MAILSEAL), "serve", *USER, "--state", str(state),
             *(w for at in listen for w in ("--listen", at)), *map(str, options)],
            stderr=subprocess.PIPE, text=True)
        self.said, self.urls = [], []
        while len(self.urls) < len(listen):
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError("it did not start: %s" % self.said)
            self.said.append(line)
            self.urls += re.findall(r"^mailseal serve: (http://.*/)$", line)
        self.port = int(re.search(r":(\d+)/$", self.urls[0])[1])
        self.complaints = []
        # What else it says: reports of a sanitizer.
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "it did not end, %s" % self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        more = [s for s in self.said if "http://" not in s and "warning: " not in s]
        self.complaints += [] if code == 0 and not more else ["exit %s: %s" % (code, more)]

    def ask(self, path, method="GET", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            return Answer(c.getresponse())
        finally:
            c.close()

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.settimeout(PATIENCE)
        return s

    def raw(self, data):
        """What comes back until the server closes; it may close before all was sent."""
        with self.connect() as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return read_all(s)


def read_all(s):
    out = b""
    while True:
        try:
            part = s.recv(65536)
        except ConnectionError:
            return out
        if not part:
            return out
        out += part
