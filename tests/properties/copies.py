"""Captures, mutated copies of them, and the sensor's records for many copies at once.

The copies of a Pack share a run of the sensor: each has addresses of its own, and its own stretch
of time. Checksums are left as they are; the sensor does not look at them.
"""
import calendar
import ipaddress
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import mutations  # noqa: E402
import pcapfile  # noqa: E402
from session_record import sessions  # noqa: E402

ROUND = 2 * len(mutations.SINGLE)  # copies in which every mutation has its turn
LONG = 300  # packets; of longer captures there are fewer copies
COPIES_MIN = 4
START_NS = 1709287200 * 10**9  # 2024-03-01T10:00:00Z
STEP_NS, PAUSE_NS, HOUR_NS = 10**6, 10 * 10**9, 3600 * 10**9
EVEN, CAPTURED = "even", "captured"  # times


class Capture:
    """A capture, and what the sensor says of it: wholes by kind of times and connection."""

    def __init__(self, name, data):
        self.name = name
        self.link, frames = pcapfile.read(data)
        self.packets = mutations.packets_of(self.link, frames)
        self.spread = max((f.time_ns for f in frames), default=0) - \
            min((f.time_ns for f in frames), default=0)
        self.wholes = {}

    def copies(self, seed, runs):
        number = max(min(COPIES_MIN, runs), min(runs, runs * LONG // max(len(self.packets), 1)))
        first = random.Random("%s:%s" % (seed, self.name)).randrange(ROUND) if number < ROUND else 0
        return [Copy(self, seed, first + n) for n in range(number)] if self.packets else []


class Copy:
    """A capture after some mutations. Without a number it is the whole one."""

    def __init__(self, capture, seed, number, times=EVEN):
        self.capture, self.seed, self.number = capture, seed, number
        self.kinds, self.packets, self.times = [], capture.packets, times
        if number is not None:
            rng = random.Random("%s:%s:%d" % (seed, capture.name, number))
            self.kinds = mutations.kind_of(number, rng)
            self.packets = mutations.mutate(self.kinds, rng, capture.packets)
            if mutations.keeps_order(self.kinds) and capture.spread < HOUR_NS:
                self.times = rng.choice((EVEN, CAPTURED))
        self.forget()

    def forget(self):
        self.moments = {}  # of each connection: (microsecond, index in the capture)
        self.records = []

    def with_packets(self, packets):
        """The same with other packets."""
        other = Copy(self.capture, self.seed, None, self.times)
        other.number, other.kinds, other.packets = self.number, self.kinds, packets
        return other

    def name(self):
        return "%s/%d" % (self.capture.name, self.number)

    def frames(self, begin_ns):
        """The packets with their times, each beside its frame."""
        origin = min((p.frame.time_ns for p in self.packets), default=0)
        for n, packet in enumerate(self.packets):
            now = n * STEP_NS if self.times == EVEN else packet.frame.time_ns - origin
            yield packet, packet.frame._replace(time_ns=begin_ns + now)

    def note(self, packet, time_ns):
        if packet.pair:
            self.moments.setdefault(packet.pair, []).append((time_ns // 1000, packet.index))

    def indexes(self, pair, record):
        """Which packets of the capture a record is made of."""
        begin = microseconds(record["timestamp"])
        end = begin + round(record["duration"] * 10**6)
        return [n for moment, n in self.moments.get(pair, ()) if begin <= moment <= end + 1]


def microseconds(timestamp):
    """Of a record's time, since 1970."""
    whole, fraction = timestamp[:-1].split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**6 + int(fraction)


class Pack:
    """Copies in one file: each has addresses of its own and its own stretch of time."""

    def __init__(self, copies):
        self.copies = copies
        self.owners = {}  # of an address: copy, the address it stands for

    def write(self, file):
        frames, now, given = [], START_NS, {}
        for copy in self.copies:
            copy.forget()
            last = now
            for packet, frame in copy.frames(now):
                copy.note(packet, frame.time_ns)
                last = max(last, frame.time_ns)
                frames.append(frame._replace(data=self.readdressed(copy, frame.data, given)))
            now = last + PAUSE_NS
        pcapfile.write(file, self.copies[0].capture.link, frames)

    def readdressed(self, copy, data, given):
        place = pcapfile.addresses_at(copy.capture.link, data)
        if not place:
            return data
        at, size = place
        ends = [self.stand_in(copy, data[n:n + size], given) for n in (at, at + size)]
        return data[:at] + b"".join(ends) + data[at + 2 * size:]

    def stand_in(self, copy, address, given):
        key = (id(copy), address)
        if key not in given:
            net = b"\x0a" if len(address) == 4 else b"\x20\x01\x0d\xb8" + bytes(9)
            given[key] = net + (len(given) + 1).to_bytes(3, "big")
            self.owners[given[key]] = (copy, address)
        return given[key]

    def run(self):
        """Gives each copy its records as (pair, record); returns complaints about the run."""
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            self.write(file)
            file.flush()
            records, complaints = sessions(file.name)
        for record in records:
            ends = [(ipaddress.ip_address(record[e]).packed, record[e + "_port"])
                    for e in ("client", "server")]
            if not all(e[0] in self.owners for e in ends):
                complaints.append("a session of nobody: %s, %s" % (record["client"],
                                                                  record["server"]))
                continue
            copy = self.owners[ends[0][0]][0]
            pair = tuple(sorted((self.owners[a][1], port) for a, port in ends))
            copy.records.append((pair, record))
        return complaints


class Whole:
    """A session of the whole capture."""

    def __init__(self, pair, record, indexes):
        self.pair, self.record = pair, record
        self.indexes = indexes
        self.place = indexes and (min(indexes), max(indexes))

    def has(self, indexes):
        return any(self.place[0] <= n <= self.place[1] for n in indexes)

    def beginning(self, packets):
        """Its packets up to the first payload of both ends, and those with payload."""
        mine = [packets[n] for n in sorted(self.indexes)]
        out, heard = [], set()
        for packet in mine:
            out.append(packet)
            heard |= {packet.ends.source} if packet.ends.payload else set()
            if len(heard) == 2:
                break
        return out, [p for p in mine if p.ends.payload]


def set_wholes(copy):
    found = {}
    for pair, record in copy.records:
        found.setdefault(pair, []).append(Whole(pair, record, copy.indexes(pair, record)))
    copy.capture.wholes[copy.times] = found
