"""mailseald on a live interface, for tests that read its session log while it runs."""
import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

from session_record import MAILSEALD, NO_LEAK_CHECK
from traffic import PATIENCE, children, is_confined, process_status, wait_until


class LiveSensor:
    """inside: makes of a command the one that runs it where the interface is. Everything that
    the sensor writes is in a folder of its own. logged: into a session log beside the state too.
    stderr: what it says goes there, and said() is empty."""
    program = (MAILSEALD,)  # and what stands before it

    def __init__(self, folder, inside, configuration, interface, *arguments, logged=True,
                 stderr=None, **environment):
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.state, self.sessions = self.folder / "state", self.folder / "sessions"
        self.conf, self.log = self.folder / "mailseal.yaml", self.folder / "said"
        self.conf.write_text(configuration, encoding="ascii")
        # pylint: disable=R1732
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                inside(*self.program, "-i", interface, "-c", self.conf, "--state", self.state,
                       *(("--sessions", self.sessions) if logged else ()), *arguments),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr or log,
                env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ, **environment})
        wait_until(self.confined, "a sensor that captures")

    def confined(self):
        """The children that are, the capture process among them."""
        if self.process.poll() is not None:
            raise OSError(self.said())
        return [c for c in children(self.process.pid) if is_confined(c)]

    @contextlib.contextmanager
    def standing_still(self):
        """The capture process, as on a machine that has no time for it."""
        stopped = self.confined()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(process_status(p)["State"].startswith("T") for p in stopped),
                   "a capture process that stands still")
        yield
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self):
        """On standard error, so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def all_records(self):
        """Those that are written whole."""
        text = self.sessions.read_text(encoding="ascii") if self.sessions.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def records(self):
        """By the port of the client."""
        return {r["client_port"]: r for r in self.all_records()}

    def end(self, number=signal.SIGTERM):
        if number:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        return code, self.said()
