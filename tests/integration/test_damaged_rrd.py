#!/usr/bin/env python3
"""An RRD file that is damaged, or something else in its place: it is set aside, named in the log, and
drawn anew from the ledger, whether the sensor finds it so or it becomes so while the sensor runs."""
import os
import subprocess
import tempfile

from session_record import BUILDDIR
from tap import Tap
from test_ledger import (Place, ahead, aside, ended_well, is_dirty, ledger_is, log_of, rrd_file,
                         rrd_is, total_file, truncate)
from traffic import STEP, START, Sensor, Traffic, committed, wait_until

STEPS = 8
HALF = 4


def foreign(step, *sources):
    def create(path):
        subprocess.run(["rrdtool", "create", str(path), "--start", str(START), "--step",
                        str(step), *(f"DS:{s}:ABSOLUTE:600:0:U" for s in sources),
                        "RRA:AVERAGE:0.5:1:100"], check=True, timeout=60)
    return create


def half(path):
    os.truncate(path, path.stat().st_size // 2)


def instead(make):
    def put(path):
        path.unlink()
        make(path)
    return put


DAMAGE = (
    ("cut to nothing", lambda path: os.truncate(path, 0)),
    ("cut in half", half),
    ("cut in its header", truncate),
    ("random bytes", lambda path: path.write_bytes(os.urandom(200000))),
    ("of another step", foreign(300, "enc_starttls")),
    ("of other sources", foreign(60, "temperature", "pressure")),
    ("ahead of the ledger", ahead),
    ("a directory", instead(lambda path: path.mkdir())),
    ("a link to nothing", instead(lambda path: path.symlink_to("/nonexistent/file.rrd"))),
    ("a FIFO", instead(os.mkfifo)),
    ("not to be opened", lambda path: path.chmod(0)),
)


def eight_steps():
    traffic = Traffic()
    traffic.add_steps(0, STEPS)
    return traffic


def is_mended(place, traffic, path, code, said):
    """Complaints unless all went on, one line told of it, and nothing is missing."""
    log, complaints = log_of(said), []
    if code != 0 or len(log) != 1 or f'event=rrd-aside file="{path}"' not in log[0] or \
            f'now="{path}.aside"' not in log[0]:
        complaints.append(f"exit {code}: {log}")
    if not os.path.lexists(aside(path)):
        complaints.append("nothing was set aside")
    complaints += ["the mark is still there"] * is_dirty(place)
    return complaints + ledger_is(place.state, traffic.truth()) + \
        rrd_is(place, traffic.truth(), range(STEPS))


def at_start(place, damage, path):
    traffic = eight_steps()
    complaints = ended_well(place.run(traffic.pcap(None, HALF * STEP)))
    damage(path)
    done = place.run(traffic.pcap(HALF * STEP))
    return complaints + is_mended(place, traffic, path, done.returncode, done.stderr.decode())


def while_it_runs(place, damage, path):
    traffic = eight_steps()
    with Sensor(place.dir, place.state) as sensor:
        sensor.feed(traffic.between(None, HALF * STEP + 30))
        wait_until(lambda: committed(place.state, HALF - 1) and not is_dirty(place),
                   "files that are written")
        damage(path)
        sensor.feed(traffic.between(HALF * STEP + 30))
        code, said = sensor.end()
    return is_mended(place, traffic, path, code, said)


def several_at_once(place):
    """A pair, a total and health.rrd, of which the sensor finds two so; one of them once more."""
    traffic, paths = eight_steps(), [rrd_file(place, "alpha", "beta"), total_file(place),
                                     place.state / "rrd" / "health.rrd"]
    complaints = ended_well(place.run(traffic.pcap(None, HALF * STEP)))
    for path in paths[:2]:
        half(path)
    with Sensor(place.dir, place.state) as sensor:
        sensor.feed(traffic.between(HALF * STEP, 6 * STEP + 30))
        wait_until(lambda: committed(place.state, 5) and not is_dirty(place),
                   "files that are written")
        for path in paths[::2]:
            half(path)
        sensor.feed(traffic.between(6 * STEP + 30))
        code, said = sensor.end()
    found = [sum(f'file="{path}"' in line for line in log_of(said)) for path in paths]
    if code != 0 or found != [2, 1, 1] or len(log_of(said)) != 4:
        complaints.append(f"exit {code}: {said}")
    return complaints + ledger_is(place.state, traffic.truth()) + \
        rrd_is(place, traffic.truth(), range(STEPS))


def nobody_minds_what_was_set_aside(place):
    """It is no series to the tools, and is still there after a start."""
    traffic, path = eight_steps(), rrd_file(place, "alpha", "beta")
    complaints = at_start(place, truncate, path)
    done = subprocess.run([str(BUILDDIR / "mailseal"), "rebuild-rrd", "--state",
                           str(place.state)], capture_output=True, text=True, check=False,
                          timeout=60)
    if done.returncode != 0 or done.stderr:
        complaints.append(f"rebuild-rrd: exit {done.returncode}: {done.stderr}")
    later = Traffic()
    later.add_steps(STEPS, STEPS + 2)
    complaints += ended_well(place.run(later.pcap()))
    complaints += ["it is gone"] * (aside(path).stat().st_size != 1000)
    return complaints + ledger_is(place.state, traffic.truth() + later.truth())


def main():
    tap = Tap()

    def test(name, function, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            tap.run(name, function, Place(directory), *arguments)

    def pair_test(name, function, damage):
        with tempfile.TemporaryDirectory() as directory:
            place = Place(directory)
            tap.run(name, function, place, damage, rrd_file(place, "alpha", "beta"))

    for name, damage in DAMAGE:
        pair_test(f"{name}, found at the start", at_start, damage)
        pair_test(f"{name}, while the sensor runs", while_it_runs, damage)
    test("several at once, and one again", several_at_once)
    test("what was set aside", nobody_minds_what_was_set_aside)
    tap.finish()


if __name__ == "__main__":
    main()
