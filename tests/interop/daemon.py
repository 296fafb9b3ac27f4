"""A server that stays in the foreground of its host and writes one log."""
import subprocess
from pathlib import Path

from namespaces import Failed, end_process, wait_for


class Daemon:
    """Below the folder home; the subclass says how it is called and when it listens."""

    def __init__(self, host, home):
        self.host, self.home, self.process = host, Path(home), None
        self.home.mkdir(mode=0o755)
        self.log_file = self.home / "log"

    def command(self):
        raise NotImplementedError

    def listens(self):
        raise NotImplementedError

    def start(self):
        with open(self.home / "output", "w", encoding="utf-8") as output:
            # pylint: disable=R1732
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output, start_new_session=True)
        wait_for(f"{self.home.name} to listen", self._started)

    def _started(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.home.name}: " + self.output() + self.log())
        return self.listens()

    def stop(self):
        if self.process:
            end_process(self.process)

    def output(self):
        return (self.home / "output").read_text("utf-8", "replace")

    def log(self):
        try:
            return self.log_file.read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def accepts(self, address, port):
        """Whether somebody listens; tells nothing but that."""
        try:
            self.host.connect(address, port).close()
        except ConnectionError:
            return False
        return True
