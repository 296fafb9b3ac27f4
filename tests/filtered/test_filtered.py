#!/usr/bin/env python3
"""The services as their units start them: as a user who is nobody, with one capability or none, under the
filters of system calls of the unit. Needs root, to become such a user. (make check-filtered runs the whole
suite under these filters, but as whoever runs it.)
"""
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
sys.path.insert(0, str(SRCDIR / "tests" / "integration"))
import make_filters  # noqa: E402
import test_live  # noqa: E402
from mailhosts import Hosts  # noqa: E402
from session_record import BUILDDIR, MAILSEALD, NO_LEAK_CHECK  # noqa: E402
from tap import Tap  # noqa: E402
from test_live import WiredSensor  # noqa: E402
from traffic import built_with  # noqa: E402
from webserver import MAILSEAL, PATIENCE, readable  # noqa: E402

NOBODY = pwd.getpwnam("nobody")
PAGES = ("", "metrics", "graph/mta/total/week-sessions.svg")
LIVE = (test_live.mail_as_it_happens, test_live.one_direction_on_each_of_two, test_live.the_wire_is_gone)
MONTH = "2024-10"
SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"


def nobody(capability=None):
    """What stands before a program that somebody else is to run."""
    words = ["setpriv", "--reuid", str(NOBODY.pw_uid), "--regid", str(NOBODY.pw_gid), "--clear-groups"]
    if capability:
        words += ["--inh-caps", f"-all,+{capability}", "--ambient-caps", f"-all,+{capability}",
                  "--bounding-set", f"-all,+{capability}"]
    else:
        words += ["--inh-caps", "-all", "--bounding-set", "-all"]
    return words


class Filters:
    """Of every unit, by the program and its first word."""

    def __init__(self, folder):
        sets = make_filters.known_sets()
        self.before = {make_filters.Unit(p).command(): make_filters.filtered(p, folder, sets, False)
                       for p in make_filters.services()}

    def sensor(self):
        return [*nobody("net_raw"), *self.before["mailseald", None], MAILSEALD]

    def tool(self, word):
        return [*nobody(), *self.before["mailseal", word], MAILSEAL, word]


def run(words):
    return subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env={"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ})


def ended(done, code=0):
    return [] if done.returncode == code else [f"exit {done.returncode}: {done.stderr}"]


def make_state(filters, folder, workers):
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return run([*filters.sensor(), "-r", SAMPLE, "--workers", workers, "--quiet", "--state",
                Path(folder) / "state"])


# What is tried --------------------------------------------------------------------------------------

def from_a_file(filters, folder):
    complaints = []
    for workers in (1, 4):
        place = Path(folder) / str(workers)
        place.mkdir()
        complaints += ended(make_state(filters, place, workers))
    return complaints


def pages_as_files(filters, folder):
    complaints = ended(make_state(filters, folder, 1))
    out = Path(folder) / "pages"
    complaints += ended(run([*filters.tool("html"), "--state", Path(folder) / "state", "--out", out]))
    return complaints + ["no page"] * (not (out / "index.html").exists())


def pages_by_a_server(filters, folder):
    complaints = ended(make_state(filters, folder, 1))
    words = [*filters.tool("serve"), "--state", readable(Path(folder) / "state"), "--listen", "127.0.0.1:0"]
    with subprocess.Popen([str(w) for w in words], stderr=subprocess.PIPE, text=True) as server:
        url = server.stderr.readline().split()[-1]
        for path in PAGES:
            with urllib.request.urlopen(url + path, timeout=PATIENCE) as answer:
                complaints += [f"{path}: empty"] * (not answer.read())
        server.send_signal(signal.SIGTERM)
        code = server.wait(PATIENCE)
    return complaints + [f"exit {code}"] * (code != 0)


def a_report(filters, folder):
    complaints = ended(make_state(filters, folder, 1))
    out = Path(folder) / "report.html"
    complaints += ended(run([*filters.tool("report"), "--state", Path(folder) / "state", "--month", MONTH,
                             "--out", out]))
    return complaints + ["no report"] * (not out.exists())


def what_is_not_allowed(filters, _):
    """A filter that refuses nothing would let everything pass."""
    complaints = []
    for command, before in filters.before.items():
        code = run([*before, "/usr/sbin/chroot", "/", "/bin/true"]).returncode
        complaints += [f"{command}: chroot: {code}"] * (code != -signal.SIGSYS)
    return complaints


def live(tap, filters):
    """A wire, a syslog server, mail, and an interface that goes away."""
    WiredSensor.program = filters.sensor()
    with tempfile.TemporaryDirectory() as directory:
        hosts = Hosts(directory)
        try:
            hosts.open()
            for name, function in test_live.TESTS:
                if function not in LIVE:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
                    tap.run(f"live: {name}", function, folder, hosts)
        finally:
            hosts.close()


TESTS = [
    ("what a unit may not do ends it", what_is_not_allowed),
    ("the sensor, from a file", from_a_file),
    ("mailseal html", pages_as_files),
]
UNITS = [p.name for p in make_filters.services()]
if "mailseal-web.service" in UNITS:
    TESTS.append(("mailseal serve", pages_by_a_server))
if "mailseal-report.service" in UNITS:
    TESTS.append(("mailseal report", a_report))


def why_not():
    if os.geteuid() != 0:
        return "only root can become somebody else"
    if built_with("WITH_SANITIZERS") or built_with("WITHOUT_CONFINEMENT"):
        return "such a build is for no unit"
    try:
        make_filters.known_sets()
    except OSError:
        return "systemd-analyze is not installed"
    return None


def main():
    why = why_not()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        filters = Filters(directory)
        for name, function in TESTS:
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                tap.run(name, function, filters, folder)
        live(tap, filters)
    tap.finish()


if __name__ == "__main__":
    main()
