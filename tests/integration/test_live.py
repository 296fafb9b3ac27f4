#!/usr/bin/env python3
"""A live interface: real SMTP over a wire between two network namespaces, seen by the sensor as
it happens. Needs root."""
import fcntl
import os
import re
import signal
import socket
import time
from pathlib import Path

from between_hosts import run_between_hosts
from live_sensor import LiveSensor
from mailhosts import CLIENT, SECOND_CLIENT, SECOND_WIRE, SERVER, WIRE
from session_record import check
from traffic import PATIENCE, Traffic, query, sound, wait_until, wire

CONFIGURATION = """\
sensor: test
capture: %s
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28]}
  - {name: beta, signatory: true, mta: [198.51.100.32/28]}
syslog: {socket: %s}
"""
GREETED, HALF_OF_A_TALK = 0.004, 0.008  # seconds; a millisecond lies between two packets
LONGER_THAN_A_SIDE_IS_AWAITED = 1.5  # seconds; REASM_WAIT_MS
LONGER_THAN_THE_KERNEL_KEEPS = 0.5  # packets to itself; WAIT_MS of the capture
RFC5424 = re.compile(r"^<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) \S+ \S+ \S+ "
                     r"\S+ \[.*\]")


class WiredSensor(LiveSensor):
    """On the server's end of the wire, with a syslog server that the test reads."""
    options = ()  # of each one

    def __init__(self, folder, hosts, *arguments, interface=WIRE, capture="{}", **options):
        log = Path(folder) / "log"
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.syslog.bind(str(log))
        log.chmod(0o666)
        super().__init__(folder, lambda *words: hosts.inside(hosts.names[1], *words),
                         CONFIGURATION % (capture, log), interface, *self.options, *arguments,
                         **options)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.syslog.close()

    def record(self, client):
        """The record of a connection that has ended."""
        wait_until(lambda: client.port in self.records(), "a session record")
        return self.records()[client.port]

    def next_message(self):
        self.syslog.settimeout(PATIENCE)
        return self.syslog.recv(65536).decode()


def expect(record, **wanted):
    return check(record) + [f"{k}={record.get(k)!r}, not {v!r}" for k, v in wanted.items()
                            if record.get(k) != v]


def ended_well(code, said):
    return [] if code == 0 and "error" not in said else [f"exit {code}: {said}"]


CLEAR = {"verdict": "plaintext", "exposure": "content", "confirmed": True, "messages": 1,
         "starttls_offered": True, "starttls_requested": False, "cause": "not-requested",
         "directions": "both", "bytes_missing": 0, "oddities": []}
SEALED = {"verdict": "encrypted-starttls", "reason": "handshake-completed",
          "starttls_offered": True, "starttls_requested": True, "starttls_accepted": True,
          "exposure": None, "directions": "both", "bytes_missing": 0, "messages": 0}
PAIR = {"client": CLIENT, "server": SERVER, "client_peer": "alpha", "server_peer": "beta",
        "interface": WIRE, "server_port": 25, "service": "mta", "vlan": None}
def alert_before_the_end(sensor, client):
    """The incident is told while the connection is open; its first words may be milder, for
    the envelope crosses before the message."""
    message = ""
    while "critical" not in message:
        message = sensor.next_message()
        if not RFC5424.match(message) or "plaintext-between-signatories" not in message:
            return [f"not what RFC 5424 wants: {message!r}"]
    complaints = [] if "alpha" in message and "beta" in message else [message]
    complaints += ["the connection was closed"] * (not client.is_open())
    return complaints + ["there is a record already"] * (client.port in sensor.records())


def mail_as_it_happens(folder, hosts):
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        clear = hosts.send("clear")
        complaints = alert_before_the_end(sensor, clear)
        clear.quit()
        sealed = hosts.send("tls")
        sealed.quit()
        elsewhere = hosts.send("clear", port=8025)  # on no mail port, in mode ports
        elsewhere.quit()
        complaints += expect(sensor.record(clear), **CLEAR, **PAIR)
        complaints += expect(sensor.record(sealed), **SEALED, **PAIR)
        complaints += ended_well(*sensor.end())
        complaints += ["mail on port 8025 was seen"] * (elsewhere.port in sensor.records())
        complaints += [f"{len(sensor.records())} records"] * (len(sensor.records()) != 2)
        return complaints + state_is_right(sensor.state)


def state_is_right(state):
    """The open step is in the ledger, and in its sum everything stands once."""
    rows = query(state, "SELECT c.name, s.name, sum(r.plaintext), sum(r.enc_starttls)"
                 " FROM minutes r JOIN party c ON c.id = r.client JOIN party s ON s.id = r.server"
                 " GROUP BY c.name, s.name ORDER BY c.name")
    complaints = sound(state)
    if rows != [("alpha", "beta", 1, 1)]:
        complaints.append(f"the ledger holds {rows}")
    if query(state, "SELECT value FROM meta WHERE name = 'open'") != [(1,)]:
        complaints.append("the last step is not open")
    lost, packets = query(state, "SELECT sum(lost + drop_kernel), sum(packets)"
                          " FROM health_minutes")[0]
    return complaints + [f"lost {lost} of {packets} packets"] * (lost != 0 or packets < 50)


def tagged(traffic, tags):
    """The frames of the traffic with these tags behind their addresses."""
    inserted = b"".join(b"\x81\x00" + tag.to_bytes(2, "big") for tag in tags)
    traffic.packets = [(t, f[:12] + inserted + f[12:]) for t, f in traffic.packets]
    return traffic


def a_reload_while_mail_flows(folder, hosts):
    """SIGHUP and mail at the same time, connections open across it: all is seen and counts once."""
    renamed = (CONFIGURATION % ("{}", Path(folder) / "log")).replace("name: alpha", "name: gamma")
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        before = hosts.send("clear")  # counted once its message has crossed
        message = sensor.next_message()
        sensor.conf.write_text(renamed, encoding="ascii")
        clients = []
        for how in ("clear", "tls") * 3:
            sensor.process.send_signal(signal.SIGHUP)
            clients.append(hosts.send(how))
        wait_until(lambda: "event=reloaded" in sensor.said(), "another configuration")
        after = hosts.send("tls")
        for client in (before, *clients, after):
            client.quit()
        complaints = expect(sensor.record(before), **CLEAR, **PAIR)
        complaints += expect(sensor.record(after), **SEALED, **{**PAIR, "client_peer": "gamma"})
        for n, client in enumerate(clients):
            complaints += expect(sensor.record(client), **(SEALED if n % 2 else CLEAR))
        complaints += ended_well(*sensor.end())
    complaints += [f"{message!r}"] * ("alpha" not in message)
    sums = query(sensor.state, "SELECT sum(plaintext + enc_starttls) FROM minutes")
    lost = query(sensor.state, "SELECT sum(lost + drop_kernel) FROM health_minutes")
    return complaints + [f"{sums} sessions, {lost} lost"] * (sums != [(8,)] or lost != [(0,)])


def tags_on_the_wire(folder, hosts):
    """The kernel takes the outer tag off a frame and its filter sees what is left: mail behind
    one tag and behind two is found all the same, and the outer tag is told."""
    complaints = []
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        for number, tags in enumerate(((), (7,), (9, 7))):
            traffic = Traffic()
            traffic.port += 10 * number
            traffic.add("smtp-plaintext", 0)
            traffic.add("smtp-starttls-220", 1)
            capture = Path(folder) / "tagged.pcap"
            capture.write_bytes(tagged(traffic, tags).pcap())
            hosts.replay(capture)
            for session, verdict in zip(traffic.sessions, ("plaintext", "encrypted-starttls")):
                port = session.ends[1]
                wait_until(lambda p=port: p in sensor.records(), f"a record behind {tags}")
                record = sensor.records()[port]
                complaints += [f"behind {tags}: {c}" for c in expect(
                    record, verdict=verdict, vlan=tags[0] if tags else None, bytes_missing=0)]
        return complaints + ended_well(*sensor.end())


def both_wires(folder, hosts):
    hosts.add_second_wire()
    return WiredSensor(folder, hosts, "-i", SECOND_WIRE, "--quiet")


def on_two_wires():
    traffic = Traffic()
    for name in ("smtp-plaintext", "smtp-starttls-220", "smtp-scanner-quit") * 5:
        traffic.add(name, 0)
    return traffic


def replay_on_both(folder, hosts, capture):
    path = Path(folder) / "both.pcap"
    path.write_bytes(capture)
    hosts.replay(path, wire.MAC[False][:6].hex())


def all_is_whole(sensor, traffic):
    wait_until(lambda: len(sensor.records()) == len(traffic.sessions), "every session")
    columns = {"plaintext": "plaintext", "enc_starttls": "encrypted-starttls",
               "no_transaction": "no-transaction"}
    return [c for s in traffic.sessions for c in expect(
        sensor.records()[s.ends[1]], verdict=columns[s.column], directions="both",
        bytes_missing=0)]


def one_direction_on_each_of_two(folder, hosts):
    """Two taps: how their packets lie in time is known no better than the kernel hands them on."""
    with both_wires(folder, hosts) as sensor:
        traffic = on_two_wires()
        replay_on_both(folder, hosts, traffic.pcap())
        return all_is_whole(sensor, traffic) + ended_well(*sensor.end())


def read_late_from_two(folder, hosts):
    """Both taps have packets of more than a second when the sensor comes to read them: it does not
    read one up to its end before the other, which would be waited for in vain."""
    with both_wires(folder, hosts) as sensor:
        traffic = on_two_wires()
        replay_on_both(folder, hosts, traffic.pcap(last=GREETED))
        time.sleep(LONGER_THAN_THE_KERNEL_KEEPS)
        with sensor.standing_still():
            replay_on_both(folder, hosts, traffic.pcap(GREETED, HALF_OF_A_TALK))
            time.sleep(LONGER_THAN_A_SIDE_IS_AWAITED)
            replay_on_both(folder, hosts, traffic.pcap(HALF_OF_A_TALK))
            time.sleep(LONGER_THAN_THE_KERNEL_KEEPS)
        return all_is_whole(sensor, traffic) + ended_well(*sensor.end())


def a_filter_of_ones_own(folder, hosts):
    with WiredSensor(folder, hosts, "--quiet", "--filter", f"not host {SECOND_CLIENT}") as sensor:
        kept_out = hosts.send(source=SECOND_CLIENT)
        kept_out.quit()
        let_in = hosts.send(source=CLIENT)
        let_in.quit()
        complaints = expect(sensor.record(let_in), **CLEAR, **PAIR)
        complaints += ended_well(*sensor.end())
        return complaints + ["it was seen"] * (kept_out.port in sensor.records())


def mail_on_any_port(folder, hosts):
    with WiredSensor(folder, hosts, "--quiet", "--mode", "any") as sensor:
        client = hosts.send(port=8025)
        client.quit()
        sealed = hosts.send("tls", port=8025)
        sealed.quit()
        complaints = expect(sensor.record(client), **CLEAR, **{**PAIR, "server_port": 8025})
        complaints += expect(sensor.record(sealed), **SEALED, **{**PAIR, "server_port": 8025})
        return complaints + ended_well(*sensor.end(signal.SIGINT))


def the_interface_any(folder, hosts):
    with WiredSensor(folder, hosts, "--quiet", interface="any") as sensor:
        client = hosts.send()
        client.quit()
        complaints = expect(sensor.record(client), **CLEAR, **{**PAIR, "interface": "any"})
        return complaints + ended_well(*sensor.end())


def an_idle_link(folder, hosts):
    """No packet at all: SIGTERM ends it all the same."""
    with WiredSensor(folder, hosts, "--quiet", "--filter", "port 1") as sensor:
        return ended_well(*sensor.end()) + sound(sensor.state)


def full_pipe():
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    room = fcntl.fcntl(theirs, fcntl.F_GETPIPE_SZ)
    os.write(theirs, b"\n" * room)
    return ours, theirs


def nobody_reads_the_log(folder, hosts):
    """What happens is recorded all the same, and how many lines are missing is said behind them."""
    ours, theirs = full_pipe()
    said = b""

    def hear(*words):
        nonlocal said
        try:
            said += os.read(ours, 65536)
        except BlockingIOError:
            pass
        return all(w in said for w in words)
    try:
        with WiredSensor(folder, hosts, "--quiet", stderr=theirs) as sensor:
            complaints = []
            for _ in range(3):  # besides the line of the start
                sensor.process.send_signal(signal.SIGUSR1)  # says a line
                client = hosts.send()
                client.quit()
                complaints += expect(sensor.record(client), **CLEAR, **PAIR)
            hear()
            sensor.process.send_signal(signal.SIGUSR1)
            wait_until(lambda: hear(b"event=log-dropped lines=4\n", b"event=reopen"), "the log")
            return complaints + ended_well(*sensor.end())
    finally:
        os.close(ours)
        os.close(theirs)


def the_wire_is_gone(folder, hosts):
    """Exit 1, one line that says so behind the one of the start, and what was seen is kept. Comes
    last: it leaves no wire."""
    with WiredSensor(folder, hosts, "--quiet") as sensor:
        client = hosts.send()
        client.quit()
        sensor.record(client)
        hosts.remove_wire()
        code, said = sensor.end(number=None)
        complaints = [] if code == 1 else [f"exit {code}"]
        told = [line for line in said.splitlines() if "interface-down" not in line]
        started = rf"mailseald: info event=started version=\S+ interfaces={WIRE} mode=ports workers=\d+ "
        if len(told) != 2 or not re.match(started, told[0]) or WIRE not in told[1]:
            complaints.append(f"said {said!r}")
        plaintext = query(sensor.state, "SELECT sum(plaintext) FROM minutes")
        return complaints + [f"the ledger holds {plaintext}"] * (plaintext != [(1,)])


TESTS = (
    ("mail in clear and sealed", mail_as_it_happens),
    ("a reload while mail flows", a_reload_while_mail_flows),
    ("mail behind tags", tags_on_the_wire),
    ("one direction on each of two interfaces", one_direction_on_each_of_two),
    ("two interfaces that are read late", read_late_from_two),
    ("--filter", a_filter_of_ones_own),
    ("--mode any finds mail on port 8025", mail_on_any_port),
    ("-i any", the_interface_any),
    ("an idle link", an_idle_link),
    ("nobody reads the log", nobody_reads_the_log),
    ("an interface that is removed", the_wire_is_gone),
)


def main():
    run_between_hosts(lambda tap, hosts, _: tap.run_each(TESTS, hosts))


if __name__ == "__main__":
    main()
