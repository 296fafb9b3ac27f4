#!/usr/bin/env python3
"""Real mail servers and clients, and the sensor on the wire between them. See README.md."""
import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import scenarios_access  # noqa: E402,F401 pylint: disable=C0413,W0611
import scenarios_downgrade  # noqa: E402,F401 pylint: disable=C0413,W0611
import scenarios_smtp  # noqa: E402,F401 pylint: disable=C0413,W0611
import scenarios_submission  # noqa: E402,F401 pylint: disable=C0413,W0611
from capture import Capture  # noqa: E402 pylint: disable=C0413
from compare import complaints, told  # noqa: E402 pylint: disable=C0413
from lab import WIRE, Lab, missing  # noqa: E402 pylint: disable=C0413
from live_sensor import LiveSensor  # noqa: E402 pylint: disable=C0413
from namespaces import Failed, wait_for  # noqa: E402 pylint: disable=C0413
from scenario import SCENARIOS  # noqa: E402 pylint: disable=C0413
from tap import Tap  # noqa: E402 pylint: disable=C0413

AHEAD = 4  # scenarios that run while the records of another are awaited
RECORD_DUE = 15  # seconds until a record that has not come will not come
CONFIGURATION = "sensor: lab\n"
MODES = ("ports", "any")


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--only", metavar="NAME", action="append",
                        help="run this scenario, or those whose names begin so")
    parser.add_argument("--pcap", metavar="DIR", help="write the packets of each scenario to "
                        "DIR/NAME.pcap")
    parser.add_argument("--keep", action="store_true",
                        help="leave logs, records and captures behind, and say where")
    return parser.parse_args()


def skip_all(why, needed):
    """Nothing can be tested here. In CI that is a failure, unless it lies in the machine."""
    if needed and os.environ.get("CI_REQUIRE_INTEROP"):
        print(f"1..1\nnot ok 1 - the lab # {why}\n# 0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    print(f"1..0 # SKIP {why}\n# 0 passed, 0 failed, 1 skipped")
    sys.exit(0)


def chosen(only):
    if not only:
        return SCENARIOS
    found = [s for s in SCENARIOS if any(s.name.startswith(name) for name in only)]
    if not found:
        sys.exit(f"interop.py: no scenario is called {' or '.join(only)}")
    return found


class Run:
    """One run of the lab: the sensors, the scenarios, the results."""

    def __init__(self, lab, sensors):
        self.lab, self.sensors, self.tap = lab, sensors, Tap()
        self.addresses = {}  # of the scenarios, and how many sessions each sensor is to record

    def scenarios(self, numbered):
        """Records follow a second or two after the end of a session: while they do, the next
        scenarios run."""
        pending = []
        for number, one in numbered:
            pending.append((one, self._play(number, one)))
            if len(pending) > AHEAD:
                self._judge(*pending.pop(0))
        for one, played in pending:
            self._judge(one, played)

    def _play(self, number, one):
        """Lets the clients and servers talk. Returns what to compare, or why it went wrong."""
        if one.ipv6 and not self.lab.ipv6:
            return None
        try:
            self.lab.become(number)
            ends = self.lab.v4, self.lab.v6
            for mode in self.sensors:
                self.addresses[mode, ends] = one, None
            expected = one.function(self.lab)
            for mode in self.sensors:
                due = 0 if one.any_port and mode == "ports" else len(expected)
                self.addresses[mode, ends] = one, due
            self.lab.quiet()
            return ends, expected
        except Exception:  # a scenario that breaks has failed, and the others still count
            return traceback.format_exc()

    def _judge(self, one, played):
        title = f"{one.title} ({one.name})"
        if played is None:
            self.tap.skip(title, "no IPv6 here")
        elif isinstance(played, str):
            self.tap.result(False, title, played)
        else:
            self.tap.run(title, self._compare, *played)

    def _compare(self, ends, expected):
        out, heard = [], self.lab.heard(*ends)
        for mode, sensor in self.sensors.items():
            wanted = expected[:self.addresses[mode, ends][1]]
            records = self._records(sensor, ends, len(wanted))
            said = complaints(wanted, records, heard)
            out += [f"sensor in mode {mode}:"] * bool(said) + said
        return out

    @staticmethod
    def _records(sensor, ends, due):
        def found():
            return sorted((r for r in sensor.all_records() if r["client"] in ends),
                          key=lambda r: r["timestamp"])
        with contextlib.suppress(Failed):
            wait_for("records", lambda: len(found()) >= due, RECORD_DUE)
        return found()

    def nothing_else(self):
        """The sensors end well, and have recorded nothing that nobody expected."""
        out = []
        for mode, sensor in self.sensors.items():
            code, said = sensor.end()
            out += [f"mode {mode}: exit {code}: {said}"] * (code != 0 or "error" in said)
            records = sensor.all_records()
            for (m, ends), (one, due) in self.addresses.items():
                found = [r for r in records if r["client"] in ends]
                if m == mode and due is not None and len(found) > due:
                    out += [f"mode {mode}, {one.name}: {len(found)} records, not {due}"]
            known = {end for _, ends in self.addresses for end in ends}
            out += [f"mode {mode}: nobody's session: {told(r)}" for r in records
                    if r["client"] not in known]
        return out


def run_lab(top, arguments, tap_of):
    """Everything that needs the lab. Returns when all of it has ended."""
    lab, capture = Lab(top), None
    with contextlib.ExitStack() as stack:
        stack.callback(lab.close)
        try:
            lab.open_network()
        except OSError as error:
            lab.close()
            skip_all(f"no network namespaces: {error}".replace("\n", " "), needed=False)
        lab.start_servers()
        lab.start_clients()
        sensors = {}
        for mode in MODES:
            (top / mode).mkdir()
            sensors[mode] = stack.enter_context(LiveSensor(
                top / mode, lab.path.command, CONFIGURATION, WIRE, "--quiet", "--mode", mode))
        if arguments.pcap or arguments.keep:
            capture = Capture(lab.path, WIRE, top / "all.pcap")
            stack.callback(capture.close)
        run = Run(lab, sensors)
        tap_of.append(run.tap)
        scenarios = list(enumerate(chosen(arguments.only), 1))
        run.scenarios(scenarios)
        run.tap.run("nothing that nobody expected", run.nothing_else)
        if capture:
            capture.close()
            folder = Path(arguments.pcap or top / "pcap")
            folder.mkdir(parents=True, exist_ok=True)
            capture.split({n: folder / f"{one.name}.pcap" for n, one in scenarios})
    return lab


def leftovers(lab, top, keep):
    """What of the lab is still there: namespaces, processes, links, mounts, files."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    out = [f"namespace {h.name}" for h in lab.hosts if h.name in listed.stdout]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=False)
    out += [f"link {line}" for line in links.stdout.splitlines() if "wire0" in line]
    if str(top) in Path("/proc/self/mounts").read_text(encoding="utf-8"):
        out.append("a mount")
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and str(top).encode() in (folder / "cmdline").read_bytes():
                out.append(f"process {folder.name}")
    return out + [f"folder {top}"] * (top.exists() and not keep)


def stop(*_):
    raise KeyboardInterrupt


def main():
    arguments = options()
    if arguments.list:
        for one in SCENARIOS:
            print(f"{one.name:32} {one.title}")
        return
    chosen(arguments.only)
    if os.geteuid() != 0:
        skip_all("the lab needs root: it makes network namespaces", needed=True)
    if missing():
        skip_all(f"not installed (./quickstart interop installs it): {', '.join(missing())}",
                 needed=True)
    signal.signal(signal.SIGTERM, stop)
    top, taps = Path(tempfile.mkdtemp(prefix="mailseal-lab-")), []
    top.chmod(0o755)
    try:
        lab = run_lab(top, arguments, taps)
    finally:
        if not arguments.keep:
            shutil.rmtree(top)
    tap = taps[0]
    tap.run("nothing is left", leftovers, lab, top, arguments.keep)
    if arguments.keep:
        print(f"# everything is in {top}")
    print(f"# {tap.count - tap.failed} passed, {tap.failed} failed, 0 skipped")
    tap.finish()


if __name__ == "__main__":
    main()
