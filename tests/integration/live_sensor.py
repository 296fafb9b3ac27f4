"""mailseald on a live interface, for tests that read its session log while it runs."""
import json
import os
import signal
import subprocess
from pathlib import Path

from session_record import MAILSEALD, NO_LEAK_CHECK
from traffic import PATIENCE, built_with, children, process_status, wait_until


class LiveSensor:
    """inside: makes of a command the one that runs it where the interface is. Everything that
    the sensor writes is in a folder of its own."""

    def __init__(self, folder, inside, configuration, interface, *arguments):
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.state, self.sessions = self.folder / "state", self.folder / "sessions"
        conf = self.folder / "mailseal.yaml"
        conf.write_text(configuration, encoding="ascii")
        # pylint: disable=R1732
        self.process = subprocess.Popen(
            inside(MAILSEALD, "-i", interface, "-c", conf, "--state", self.state, "--sessions",
                   self.sessions, *arguments),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ})
        wait_until(self.confined, "a sensor that captures")

    def confined(self):
        """The children that are, the capture process among them."""
        if self.process.poll() is not None:
            raise OSError(self.process.stderr.read().decode())
        seccomp = "0" if built_with("WITHOUT_CONFINEMENT") else "2"
        return [c for c in children(self.process.pid)
                if process_status(c).get("NoNewPrivs") == "1" and
                process_status(c).get("Seccomp") == seccomp]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

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
        return code, self.process.stderr.read().decode(errors="replace")
