#!/usr/bin/env python3
"""What is lost on the way into a live sensor is counted where it was lost. Needs root.

usage: test_live_loss.py [garble INTERFACE NUMBER]
                         writes so many packets to a TUN interface that it has to drop"""
import array
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from between_hosts import run_between_hosts
from mailhosts import WIRE, command
from session_record import BUILDDIR
from test_live import WiredSensor, ended_well
from traffic import (Traffic, ledger_counts, pcap_record, process_status, query, sound, wait_until,
                     wire)

TUN = "tun0"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
GARBLED = 37
CHATTER = 100  # of the two hosts' own at most
CHANNEL = 1300  # records that fit into it
SENT = 4000  # frames of 1000 bytes: more than fit into a ring of 1 MiB


def garble(interface, number):
    """A packet of neither IPv4 nor IPv6 is refused, and counted as dropped by the interface."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF,
                struct.pack("16sH22x", interface.encode("ascii"), IFF_TUN | IFF_NO_PI))
    for _ in range(number):
        try:
            os.write(device, bytes(40))
        except OSError:
            continue
        raise SystemExit("the interface took it")
    os.close(device)


def losses(state):
    return query(state, "SELECT sum(packets), sum(drop_kernel), sum(drop_nic)"
                 " FROM health_minutes")[0]


def the_ring_overflows(folder, hosts):
    """The capture process stands still while more comes than its ring holds. What is not dropped
    is read, to the last packet."""
    many, last = Path(folder) / "many.pcap", Path(folder) / "last.pcap"
    traffic = Traffic()
    segment = traffic.ends("alpha", "beta").frame(wire.Packet(True, wire.ACK, 1, 1, bytes(946)))
    many.write_bytes(wire.PCAP_HEADER + SENT * pcap_record(0, segment))
    traffic.add("smtp-plaintext", 0)
    last.write_bytes(traffic.pcap())
    sent = SENT + len(traffic.packets)
    with WiredSensor(folder, hosts, capture="{ring_mib: 1}") as sensor:
        with sensor.standing_still():
            hosts.replay(many)
        hosts.replay(last)
        wait_until(lambda: traffic.port in sensor.records(), "the record of what came last")
        code, said = sensor.end()
        packets, kernel, nic = losses(sensor.state)
        complaints = ended_well(code, said) + sound(sensor.state)
        if not sent <= packets + kernel <= sent + CHATTER or kernel == 0 or nic != 0:
            complaints.append(f"of {sent} packets {packets} read, {kernel} dropped in the ring,"
                              f" {nic} by the interface")
        return complaints + ["the summary does not tell"] * (f"drop_kernel {kernel}" not in said)


def the_interface_drops(folder, hosts):
    """Both before the sensor starts, which is not its loss, and while it runs."""
    name = hosts.names[1]

    def drop(number):
        command(*hosts.inside(name, sys.executable, __file__, "garble", TUN, number))
    command("ip", "-n", name, "tuntap", "add", "dev", TUN, "mode", "tun")
    command("ip", "-n", name, "link", "set", TUN, "up")
    drop(5)
    with WiredSensor(folder, hosts, "-i", TUN) as sensor:
        drop(GARBLED)
        code, said = sensor.end()
        kernel, nic = losses(sensor.state)[1:]
        complaints = ended_well(code, said) + sound(sensor.state)
        complaints += ["the summary does not tell"] * (f"drop_nic {GARBLED}" not in said)
        return complaints + [f"{kernel} dropped in the ring, {nic} by the interface"] * (
            (kernel, nic) != (0, GARBLED))


def what_nobody_handles_is_not_lost(folder, hosts):
    """A protocol that this host does not know is dropped, but not while the sensor takes every frame,
    whatever its filter lets through."""
    def dropped():
        file = f"/sys/class/net/{WIRE}/statistics/rx_dropped"
        return int(subprocess.run(hosts.inside(hosts.names[1], "cat", file), check=True,
                                  capture_output=True, text=True).stdout)
    capture = Path(folder) / "odd.pcap"
    odd = wire.MAC[True][:12] + b"\x88\xb5" + bytes(46)
    capture.write_bytes(wire.PCAP_HEADER + 50 * pcap_record(0, odd))
    before = dropped()
    hosts.replay(capture)
    complaints = ["the kernel does not count it"] * (dropped() < before + 50)
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        hosts.replay(capture)
        complaints += ended_well(*sensor.end())
        nic = losses(sensor.state)[2]
        return complaints + [f"{nic} dropped by the interface"] * (nic != 0)


def waiting(pid):
    """The most that waits in a pipe from which this process reads."""
    most, left = 0, array.array("i", [0])
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        if os.readlink(fd).startswith("pipe:"):
            with open(fd, "rb", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NONBLOCK)) \
                    as pipe:
                fcntl.ioctl(pipe.fileno(), termios.FIONREAD, left)
            most = max(most, left[0])
    return most


def is_full(pid):
    """The channel takes nothing more, for a while."""
    before = waiting(pid)
    time.sleep(0.3)
    return before > 900000 and before == waiting(pid)


def bounds_of(state):
    done = subprocess.run([str(BUILDDIR / "mailseal"), "matrix", "--json", "--state", str(state)],
                          capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)["total"]


def the_recorder_stands_still(folder, hosts):
    """The capture goes on, packet by packet. What the channel does not take is counted, and limits what
    is said of the rest."""
    traffic, last = Traffic(), Traffic()
    many, behind = Path(folder) / "many.pcap", Path(folder) / "behind.pcap"
    for n in range(2 * CHANNEL):  # two records each
        traffic.add("smtp-starttls-220", n * 0.001)
    last.port = traffic.port
    last.add("smtp-starttls-220", 0)
    many.write_bytes(traffic.pcap())
    behind.write_bytes(last.pcap())
    sent, packets = 2 * CHANNEL + 1, len(traffic.packets) + len(last.packets)
    with WiredSensor(folder, hosts, capture="{ring_mib: 256}") as sensor:
        pid = sensor.process.pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: process_status(pid)["State"].startswith("T"), "a recorder that is still")
        hosts.replay(many)
        wait_until(lambda: is_full(pid), "a channel that is full")
        os.kill(pid, signal.SIGCONT)
        hosts.replay(behind)
        wait_until(lambda: last.port in sensor.records(), "the record of what came last")
        code, said = sensor.end()
        complaints = ended_well(code, said) + sound(sensor.state)
        read, dropped, lost = query(sensor.state, "SELECT sum(packets), sum(drop_kernel), sum(lost)"
                                    " FROM health_minutes")[0]
        if not packets <= read <= packets + CHATTER or dropped:
            complaints.append(f"of {packets} packets {read} read, {dropped} dropped in the ring")
        counted = sum(ledger_counts(sensor.state).values())
        if not counted < sent <= counted + lost or lost > 2 * sent:
            complaints.append(f"of {sent} sessions {counted} counted, {lost} records lost")
        total = bounds_of(sensor.state)
        if (total["E"], total["U"], total["highest"]) != (counted, lost, 1) or \
                abs(total["lowest"] - counted / (counted + lost)) > 1e-3:
            complaints.append(f"the matrix does not tell: {total}")
        metrics = (sensor.state / "metrics.prom").read_text(encoding="ascii")
        complaints += ["the summary does not tell"] * (f", lost {lost}" not in said)
        return complaints + ["the metrics do not tell"] * (
            f"\nmailseal_lost_records_total {lost}\n" not in metrics)


TESTS = (
    ("the ring overflows", the_ring_overflows),
    ("the recorder stands still", the_recorder_stands_still),
    ("the interface drops", the_interface_drops),
    ("what nobody handles is not lost", what_nobody_handles_is_not_lost),
)


def main():
    run_between_hosts(lambda tap, hosts, _: tap.run_each(TESTS, hosts))


if __name__ == "__main__":
    if sys.argv[1:2] == ["garble"]:
        garble(sys.argv[2], int(sys.argv[3]))
    else:
        main()
