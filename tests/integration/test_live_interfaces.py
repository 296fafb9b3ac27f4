#!/usr/bin/env python3
"""What happens to an interface while the sensor reads it: it goes down and comes up again, or has another
MTU. That it is removed is in test_live.py. Needs root."""
import os
import time
from pathlib import Path

from between_hosts import run_between_hosts
from mailhosts import SECOND_WIRE, WIRE, command
from test_clock_steps import LIBRARY, Mail, ShiftedSensor, records, verdicts
from test_live import WiredSensor, ended_well
from traffic import (START, Ends, health, last_step, pcap_record, query, sound, wait_until,
                     wire)

MTU = 9000
LEAP, GRACE = 18, 8  # seconds; a step closes five after its end, by a clock that is one behind
BLIND = "SELECT state FROM incident WHERE rule = 'sensor-blind'"


def link(hosts, interface, *words):
    """At the sensor's end."""
    command("ip", "-n", hosts.names[1], "link", "set", interface, *words)


def told_all(sensor, mail):
    wait_until(lambda: len(sensor.all_records()) >= sum(len(m.sessions) for m in mail),
               "every session")


def let_minutes_pass(sensor, state, minutes):
    """The clock goes faster, in steps that are too small for somebody to have set it: three of them
    are, and in four a minute is over, which is waited for."""
    begun = int(time.time()) // 60 * 60
    for ahead in range(LEAP, 60 * minutes, LEAP):
        sensor.shift(0, ahead)
        over = (int(time.time()) + ahead - GRACE) // 60 * 60 - 60
        wait_until(lambda o=over: o < begun or (last_step(state) or 0) + START >= o,
                   "a step that is over")


def down_and_up(folder, hosts):
    """Mail that begins before and ends after; that it was blind in between the sensor knows."""
    os.chmod(folder, 0o755)
    state, mail = Path(folder) / "state", [Mail(n) for n in range(3)]
    with ShiftedSensor(folder, hosts) as sensor:
        mail[0].replay(folder, hosts)
        told_all(sensor, mail[:1])
        mail[1].replay(folder, hosts, 0)
        link(hosts, WIRE, "down")
        sensor.hear(f"event=interface-down interface={WIRE}")
        let_minutes_pass(sensor, state, 4)
        wait_until(lambda: query(state, BLIND, name="incidents.db"), "an incident of the sensor")
        link(hosts, WIRE, "up")
        sensor.hear(f"event=interface-up interface={WIRE}")
        mail[1].replay(folder, hosts, 1)
        mail[2].replay(folder, hosts)
        told_all(sensor, mail)
        complaints = verdicts(records(sensor), mail) + ended_well(*sensor.end())
        complaints += [f"{len(sensor.all_records())} records"] * (
            len(sensor.all_records()) != sum(len(m.sessions) for m in mail))
    unseen = query(state, "SELECT count(*) FROM health_minutes WHERE packets = 0")[0][0]
    return complaints + sound(state) + [f"{unseen} minutes without packets"] * (unseen < 2)


def one_of_two_is_down(folder, hosts):
    """The other one is read."""
    hosts.add_second_wire()
    mail = Mail(0)
    with WiredSensor(folder, hosts, "-i", SECOND_WIRE, "--quiet") as sensor:
        link(hosts, SECOND_WIRE, "down")
        mail.replay(folder, hosts)
        told_all(sensor, [mail])
        complaints = verdicts(records(sensor), [mail])
        code, said = sensor.end()
        complaints += ended_well(code, said)
        return complaints + [f"it said {said!r}"] * (
            f"interface-down interface={SECOND_WIRE}" not in said or f"down interface={WIRE}" in said)


class Large:
    """A message in frames of nearly 9000 bytes."""

    def __init__(self):
        self.talk = wire.Conversation()
        text = b"".join(b"%070d\r\n" % n for n in range(124))
        self.talk.begin()
        for to_server, line in ((False, b"220 mx.example ESMTP\r\n"), (True, b"EHLO c.example\r\n"),
                                (False, b"250 mx.example\r\n"), (True, b"MAIL FROM:<a@b>\r\n"),
                                (False, b"250 ok\r\n"), (True, b"RCPT TO:<a@b>\r\n"),
                                (False, b"250 ok\r\n"), (True, b"DATA\r\n"),
                                (False, b"354 go on\r\n"), (True, text), (True, text),
                                (True, b".\r\n"), (False, b"250 ok\r\n"), (True, b"QUIT\r\n"),
                                (False, b"221 bye\r\n")):
            self.talk.add(to_server, wire.PSH | wire.ACK, line)
        self.talk.close()

    def replay(self, folder, hosts, port):
        ends = Ends("198.51.100.1", port, "198.51.100.37", 25)
        path = Path(folder) / "large.pcap"
        path.write_bytes(wire.PCAP_HEADER + b"".join(
            pcap_record(n, ends.frame(p)) for n, p in enumerate(self.talk.packets)))
        hosts.replay(path)


def another_mtu(folder, hosts):
    """Frames larger than any before are read whole, and what follows when it is small again."""
    mail = [Mail(n) for n in range(2)]
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        mail[0].replay(folder, hosts)
        for name in hosts.names:
            command("ip", "-n", name, "link", "set", WIRE, "mtu", str(MTU))
        Large().replay(folder, hosts, 31000)
        wait_until(lambda: 31000 in sensor.records(), "a record of large frames")
        for name in hosts.names:
            command("ip", "-n", name, "link", "set", WIRE, "mtu", "1500")
        mail[1].replay(folder, hosts)
        wait_until(lambda: len(sensor.all_records()) == 17, "every session")
        complaints = verdicts(records(sensor), mail)
        record = sensor.records()[31000]
        complaints += ended_well(*sensor.end())
    got = {k: record[k] for k in ("verdict", "exposure", "messages", "bytes_missing", "oddities")}
    wanted = {"verdict": "plaintext", "exposure": "content", "messages": 1, "bytes_missing": 0,
              "oddities": []}
    cut = health(sensor.state, "truncated", "gaps", "drop_kernel")
    return (complaints + [f"{got}, not {wanted}"] * (got != wanted) +
            [f"{cut}"] * any(cut.values()))


TESTS = (
    ("down and up again", down_and_up),
    ("another MTU", another_mtu),
    ("one of two is down", one_of_two_is_down),
)


def main():
    if not LIBRARY.exists():
        raise OSError(f"{LIBRARY} is not built")
    run_between_hosts(lambda tap, hosts, _: tap.run_each(TESTS, hosts))


if __name__ == "__main__":
    main()
