"""TCP connections as packets: Ethernet, IPv4 or IPv6, TCP, written as a classic pcap.

A Packet knows nothing of addresses, so that the same one serves many connections: its part of
the checksum is summed once and the addresses are added when it is written.
"""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
SEGMENT_MAX = MSS = 1460
UNUSED = 65000  # number of a connection that no talk reaches
MAC = {True: bytes.fromhex("020000000001020000000002"),
       False: bytes.fromhex("020000000002020000000001")}
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


def words(data):
    """The one's complement sum of 16-bit words, as a number modulo 0xffff."""
    if len(data) % 2:
        data += b"\0"
    return int.from_bytes(data, "big") % 0xFFFF


def complement(total):
    return 0xFFFF - total % 0xFFFF


class Packet:
    """One TCP segment of a connection, without its addresses and ports."""

    def __init__(self, to_server, flags, seq, ack, payload=b"", ident=0):
        self.to_server = to_server
        self.flags = flags
        self.payload = payload
        options = b"\x02\x04" + struct.pack("!H", MSS) if flags & SYN else b""
        self.head = struct.pack("!IIBBH", seq % 2**32, ack % 2**32 if flags & ACK else 0,
                                (20 + len(options)) << 2, flags, 64240)
        self.tail = b"\0\0" + options + payload
        self.length = 18 + len(self.tail)
        self.ident = ident % 0x10000
        self.sum = words(self.head + self.tail) + self.length + 6

    def label(self):
        names = [n for n, bit in (("SYN", SYN), ("FIN", FIN), ("RST", RST)) if self.flags & bit]
        names += ["%d bytes" % len(self.payload)] if self.payload else []
        return "%s %s" % ("client" if self.to_server else "server", "+".join(names) or "ACK")


class Addresses:
    """The two ends of one connection; number picks addresses that no other connection has."""

    def __init__(self, number, server_port, ipv6):
        net = "2001:db8:%d::" if ipv6 else "10.%d.0.0"
        ends = [ipaddress.ip_address(net % block) + number + 1 for block in (1, 128)]
        self.client, self.server = ends
        self.client_port = 20000 + number % 40000
        self.server_port = server_port
        self.ipv6 = ipv6
        self.sum = words(b"".join(a.packed for a in ends)) + self.client_port + server_port
        self.packed = {True: ends[0].packed + ends[1].packed,
                       False: ends[1].packed + ends[0].packed}
        self.ports = {True: struct.pack("!HH", self.client_port, server_port),
                      False: struct.pack("!HH", server_port, self.client_port)}

    def frame(self, packet):
        way = packet.to_server
        tcp = (self.ports[way] + packet.head +
               struct.pack("!H", complement(packet.sum + self.sum)) + packet.tail)
        if self.ipv6:
            return (MAC[way] + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, packet.length, 6, 64)
                    + self.packed[way] + tcp)
        start = struct.pack("!BBHHHBB", 0x45, 0, packet.length + 20, packet.ident, 0x4000, 64, 6)
        check = complement(words(start) + words(self.packed[way]))
        return MAC[way] + b"\x08\x00" + start + struct.pack("!H", check) + self.packed[way] + tcp


class Conversation:
    """Turns the steps of a talk into packets, keeping both sides' sequence numbers."""

    def __init__(self, client_isn=1000, server_isn=500000):
        self.packets = []
        self.next = {True: client_isn, False: server_isn}
        self.unacknowledged = None  # side whose data the other has not acknowledged yet

    def add(self, to_server, flags, payload=b""):
        self.packets.append(Packet(to_server, flags, self.next[to_server],
                                   self.next[not to_server], payload, len(self.packets) + 1))
        self.next[to_server] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    def begin(self):
        self.add(True, SYN)
        self.add(False, SYN | ACK)
        self.add(True, ACK)

    def acknowledge(self):
        """A pure ACK for data that no later packet of the other side acknowledged."""
        if self.unacknowledged is not None:
            self.add(not self.unacknowledged, ACK)
        self.unacknowledged = None

    def data(self, to_server, payload):
        for at in range(0, len(payload), SEGMENT_MAX):
            self.add(to_server, PSH | ACK, payload[at:at + SEGMENT_MAX])
        self.unacknowledged = to_server

    def gap(self, to_server, length):
        """Bytes that crossed the wire but not the capture."""
        self.next[to_server] += length

    def fin(self, to_server):
        self.acknowledge()
        self.add(to_server, FIN | ACK)
        self.unacknowledged = to_server

    def rst(self, to_server):
        self.acknowledge()
        self.add(to_server, RST | ACK)

    def close(self):
        self.fin(True)
        self.add(False, FIN | ACK)
        self.add(True, ACK)
        self.unacknowledged = None


class Writer:
    """A pcap under way. Packets are 10 ms apart, connections one after the other."""

    START_US = 1709287200 * 10**6  # 2024-03-01T10:00:00Z
    STEP_US = 10000

    def __init__(self, file):
        self.file = file
        self.now_us = self.START_US
        file.write(PCAP_HEADER)

    def connection(self, addresses, packets):
        """Writes one connection; returns the times of its first and last packet."""
        first = self.now_us
        out = []
        for packet in packets:
            frame = addresses.frame(packet)
            seconds, micros = divmod(self.now_us, 10**6)
            out.append(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)
            self.now_us += self.STEP_US
        self.file.write(b"".join(out))
        return first, self.now_us - self.STEP_US

    def skip(self, packets):
        """Lets the time of a connection pass without writing it. The first packet of all is
        always written, as a bare SYN, since a sensor may count time from there."""
        if self.now_us == self.START_US:
            self.connection(Addresses(UNUSED, 25, False), [Packet(True, SYN, 0, 0)])
            self.now_us = self.START_US
        self.now_us += self.STEP_US * len(packets)
