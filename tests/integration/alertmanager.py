"""A real Prometheus Alertmanager on loopback: started, asked, ended."""
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from http_servers import LOOPBACK, closed_port

PROGRAM = shutil.which("prometheus-alertmanager")
DEADLINE_S = 60
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# What is critical and what is not goes two ways, as in a NOC, and each is told at once.
CONFIG = """
route:
  receiver: warning
  group_by: [alertname, client, server]
  group_wait: 10ms
  group_interval: 100ms
  repeat_interval: 1h
  routes:
    - receiver: critical
      matchers: ['severity="critical"']
receivers:
  - name: warning
    webhook_configs:
      - url: %(url)s/warning
  - name: critical
    webhook_configs:
      - url: %(url)s/critical
"""


class Alertmanager:
    def __init__(self, receiver_url):
        self.directory = Path(tempfile.mkdtemp(prefix="mailseal-alertmanager-"))
        self.url = "http://%s:%d" % (LOOPBACK, closed_port())
        config = self.directory / "alertmanager.yml"
        config.write_text(CONFIG % {"url": receiver_url})
        self.log = open(self.directory / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ("setpriv", "--pdeathsig", "TERM", PROGRAM, "--config.file=%s" % config, "--storage.path=%s" % self.directory,
             "--web.listen-address=%s" % self.url.partition("://")[2],
             "--cluster.listen-address="), stdout=self.log, stderr=self.log)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def wait_until_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("Alertmanager ended: " + self.said())
            with contextlib.suppress(urllib.error.URLError):
                return DIRECT.open(self.url + "/-/ready", timeout=DEADLINE_S).status == 200
            return False
        if not soon(ready):
            raise RuntimeError("Alertmanager is not ready: " + self.said())

    def alerts(self):
        """The alerts that fire."""
        with DIRECT.open(self.url + "/api/v2/alerts", timeout=DEADLINE_S) as answer:
            return json.load(answer)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)


def soon(condition):
    """Asks again and again, for as long as a slow machine may need; the last answer."""
    end = time.monotonic() + DEADLINE_S
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.05)


@contextlib.contextmanager
def running_alertmanager(receiver_url):
    alertmanager = Alertmanager(receiver_url)
    try:
        alertmanager.wait_until_ready()
        yield alertmanager
    finally:
        alertmanager.end()
