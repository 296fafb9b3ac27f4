"""Captures as lists of frames: classic pcap and pcapng are read, classic pcap is written.

Also where the addresses, the ports and the flags of a frame are, without looking into
encapsulations.
"""
import struct
from typing import NamedTuple

NANO = 10**9
MAGICS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}  # nanoseconds of one unit
SECTION, INTERFACE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 3, 6
TSRESOL = 9
NULL, ETHERNET, RAW, LOOP, SLL, SLL2 = 0, 1, 101, 108, 113, 276
VLANS = (0x8100, 0x88A8, 0x9100)
TCP = 6
FIN, SYN, RST = 1, 2, 4


class Frame(NamedTuple):
    time_ns: int
    data: bytes
    length: int  # on the wire


class Unreadable(Exception):
    """Not a capture."""


def read(data):
    """Link type and frames of a file's bytes. What is broken off at its end is left out."""
    try:
        if data[:4] == b"\n\r\r\n":
            return read_blocks(data)
        return read_classic(data)
    except (struct.error, StopIteration, IndexError) as error:
        raise Unreadable(str(error)) from error


def read_classic(data):
    order = next(o for o in "<>" if struct.unpack_from(o + "I", data)[0] in MAGICS)
    unit = MAGICS[struct.unpack_from(order + "I", data)[0]]
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, kept, length = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + kept > len(data):
            break
        frames.append(Frame(seconds * NANO + fraction * unit, data[at + 16:at + 16 + kept], length))
        at += 16 + kept
    return struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF, frames


def options(order, data, at, end):
    while at + 4 <= end:
        code, size = struct.unpack_from(order + "HH", data, at)
        yield code, data[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4


def resolution(order, data, at, end):
    """Ticks per second of an interface."""
    for code, text in options(order, data, at, end):
        if code == TSRESOL:
            return 2**(text[0] & 0x7F) if text[0] & 0x80 else 10**text[0]
    return 10**6


def read_blocks(data):
    order, at, links, ticks, frames = "<", 0, [], [], []
    while at + 12 <= len(data):
        kind = struct.unpack_from(order + "I", data, at)[0]
        if kind == SECTION:
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            ticks = []
        size = struct.unpack_from(order + "I", data, at + 4)[0]
        if size < 12 or at + size > len(data):
            break
        if kind == INTERFACE:
            links.append(struct.unpack_from(order + "H", data, at + 8)[0])
            ticks.append(resolution(order, data, at + 16, at + size - 4))
        elif kind == ENHANCED:
            which, high, low, kept, length = struct.unpack_from(order + "IIIII", data, at + 8)
            time_ns = (high << 32 | low) * NANO // ticks[which]
            frames.append(Frame(time_ns, data[at + 28:at + 28 + kept], length))
        elif kind == SIMPLE:
            length = struct.unpack_from(order + "I", data, at + 8)[0]
            frames.append(Frame(0, data[at + 12:at + 12 + min(length, size - 16)], length))
        at += size
    if len(set(links)) != 1:
        raise Unreadable("%d link types in one file" % len(set(links)))
    return links[0], frames


def write(file, link, frames):
    file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link))
    for frame in frames:
        seconds, nanos = divmod(frame.time_ns, NANO)
        file.write(struct.pack("<IIII", seconds, nanos, len(frame.data), frame.length))
        file.write(frame.data)


def ip_at(link, data):
    """Where the IP header begins, or None."""
    if link in (NULL, LOOP):
        return 4
    if link == RAW:
        return 0
    at = {ETHERNET: 12, SLL: 14, SLL2: 0}.get(link)
    while at is not None and at + 2 <= len(data):
        kind = struct.unpack_from("!H", data, at)[0]
        if kind in VLANS:
            at += 4
        elif kind in (0x0800, 0x86DD):
            return 20 if link == SLL2 else at + 2
        else:
            break
    return None


def addresses_at(link, data):
    """Offset of the source address and the size of one; the destination follows it."""
    ip = ip_at(link, data)
    if ip is None or ip >= len(data):
        return None
    at, size = {4: (ip + 12, 4), 6: (ip + 8, 16)}.get(data[ip] >> 4, (0, 0))
    return (at, size) if size and at + 2 * size <= len(data) else None


class Ends(NamedTuple):
    """One TCP segment, without its payload."""
    source: tuple  # address, port
    target: tuple
    flags: int
    payload: int  # bytes on the wire


def tcp_at(data, ip):
    """Offsets of the TCP header and of the end of the packet; None for what has no such header."""
    if data[ip] >> 4 == 6:
        end = ip + 40 + struct.unpack_from("!H", data, ip + 4)[0]
        return (ip + 40, end) if data[ip + 6] == TCP else None
    first = not struct.unpack_from("!H", data, ip + 6)[0] & 0x1FFF
    end = ip + struct.unpack_from("!H", data, ip + 2)[0]
    return (ip + (data[ip] & 15) * 4, end) if data[ip + 9] == TCP and first else None


def ends_of(link, data):
    """The ends of a frame with TCP, or None."""
    place = addresses_at(link, data)
    tcp = place and tcp_at(data, ip_at(link, data))
    if not tcp or tcp[0] + 14 > len(data):
        return None
    at, size = place
    ports = struct.unpack_from("!HH", data, tcp[0])
    payload = tcp[1] - tcp[0] - (data[tcp[0] + 12] >> 4) * 4
    return Ends((data[at:at + size], ports[0]), (data[at + size:at + 2 * size], ports[1]),
                data[tcp[0] + 13], max(payload, 0))
