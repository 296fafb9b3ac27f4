#!/usr/bin/env python3
"""Workers on a live interface: the same wire, seen at once by one worker, by two and by four, in all
encapsulations and fragments, and with each direction in another tunnel. Every session is there, whole,
and once. Then the ends: a signal, a recorder that dies, an interface that goes away. Needs root.
"""
import sys
from pathlib import Path

import test_live
from between_hosts import run_between_hosts
from session_record import SRCDIR
from test_live import WiredSensor, ended_well
from test_live_filter import ENDS, MARK, everything, found, packets_read, same_sessions
from traffic import Ends, built_with, children, is_confined, read_talk, wait_until

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402

WORKERS = (1, 2, 4)
PINNED = 2  # of these, which stay on the first CPU
TUNNELS = (None, "vxlan-ip4", "gre-ip6", "fragments-of-gre", "gre-of-fragments", "mpls")


def each_way_its_tunnel(sent):
    """What goes one way and what comes back may be decoded by two workers, and belong to a third."""
    for there in TUNNELS:
        for back in TUNNELS:
            sent.port += 1
            client, server = ENDS[sent.port % 2]
            ends = Ends(client, sent.port, server, 25)
            talk = "smtp-plaintext" if "." in client else "smtp-starttls-220"
            for packet in read_talk(talk).packets():
                name, frame = there if packet.to_server else back, ends.frame(packet)
                sent.frames += (encapsulation.WRAPPINGS[name].wrap(frame, len(sent.frames))
                                if name else [frame])
            sent.mail[sent.port] = (f"{there} and {back}", None, None)


def once(sensor):
    records = sensor.all_records()
    return [] if len(records) == len(sensor.records()) else [f"{len(records)} records"]


def tasks_of(sensor):
    """The threads of the capture process, which alone has a filter of system calls."""
    return [task for child in children(sensor.process.pid)
            if is_confined(child)
            for task in Path(f"/proc/{child}/task").iterdir()]


def all_are_confined(sensor, workers):
    if built_with("WITHOUT_CONFINEMENT"):
        return []
    tasks = tasks_of(sensor)
    complaints = [f"{len(tasks)} threads"] * (len(tasks) != (workers + 1 if workers > 1 else 1))
    for task in tasks:
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        wanted = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapPrm": "0" * 16}
        complaints += [f"{k} is {status[k]}" for k, v in wanted.items() if status[k].strip() != v]
        complaints += ["it is root"] * ("0" in status["Uid"].split())
    return complaints


def are_pinned(sensor, workers):
    allowed = [dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
               ["Cpus_allowed_list"].strip() for task in tasks_of(sensor)]
    return [] if allowed.count("0") >= workers else [f"they may run on {allowed}"]


def look(tap, folder, hosts, sent):
    capture = Path(folder) / "sent.pcap"
    capture.write_bytes(sent.pcap())
    sensors = []
    try:
        for n in WORKERS:
            (Path(folder) / str(n)).mkdir()
            sensors.append(WiredSensor(Path(folder) / str(n), hosts, "--quiet", "--mode", "any",
                                       "--workers", n,
                                       capture="{cpus: [0]}" if n == PINNED else "{}"))
            tap.run(f"{n} workers: confined", all_are_confined, sensors[-1], n)
            if n == PINNED and not built_with("WITHOUT_CONFINEMENT"):
                tap.run(f"{n} workers: on their CPU", are_pinned, sensors[-1], n)
        hosts.replay(capture)
        for n, sensor in zip(WORKERS, sensors):
            wait_until(lambda s=sensor: MARK in s.records(), "the last session")
            tap.run(f"{n} workers: the end", lambda s=sensor: ended_well(*s.end()))
            judge(tap, sent, n, sensor, sensors[0])
    finally:
        for sensor in sensors:
            sensor.__exit__()


def judge(tap, sent, n, sensor, alone):
    """What comes from two places has no order at this speed, as from two taps, and a byte that comes
    behind the verdict may not be counted."""
    in_order = {p for p, (name, _, _) in sent.mail.items() if " and " not in name}
    tap.run(f"{n} workers: all is found, and whole", found, sensor, sent, set(sent.mail))
    tap.run(f"{n} workers: each once", once, sensor)
    tap.run(f"{n} workers: as with one", same_sessions, sensor, alone, in_order)
    read, dropped = packets_read(sensor)
    tap.result(read >= len(sent.frames) and not dropped, f"{n} workers: nothing is lost",
               f"{read} of {len(sent.frames)} packets, {dropped} dropped")


def tests(tap, hosts, folder):
    sent = everything()
    last = [sent.frames.pop() for _ in read_talk("smtp-plaintext").packets()]
    each_way_its_tunnel(sent)
    sent.frames += reversed(last)
    look(tap, folder, hosts, sent)
    WiredSensor.options = ("--workers", 3)
    tap.run_each(((f"3 workers: {name}", function) for name, function in test_live.TESTS), hosts)


if __name__ == "__main__":
    run_between_hosts(tests)
