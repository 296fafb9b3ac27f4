"""Rewrites the times of a classic pcap: its connections spread evenly over some minutes.

Each TCP connection keeps its own pace and is moved as a whole; what is not TCP is stretched
with the rest. Nothing but the time stamps and the order of packets changes.
"""
import random
import struct

MAGIC = 0xA1B2C3D4  # little endian, microseconds
ETHERNET = 1


def connection_of(frame):
    """What identifies the TCP connection of an Ethernet frame, or None."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        start = 14 + (frame[14] & 15) * 4
        ends = (frame[26:30], frame[start:start + 2]), (frame[30:34], frame[start + 2:start + 4])
    elif kind == b"\x86\xdd" and frame[20] == 6:
        ends = (frame[22:38], frame[54:56]), (frame[38:54], frame[56:58])
    else:
        return None
    return frozenset(ends)


def read_pcap(path):
    with open(path, "rb") as f:
        data = f.read()
    header, packets, at = data[:24], [], 24
    if struct.unpack("<I", header[:4])[0] != MAGIC or struct.unpack("<I", header[20:])[0] != ETHERNET:
        raise RuntimeError(f"{path}: not a little-endian microsecond capture of Ethernet")
    while at < len(data):
        seconds, micros, captured, wire = struct.unpack("<IIII", data[at:at + 16])
        packets.append((seconds * 1000000 + micros, wire, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return header, packets


def spread(source, target, begin, seconds, seed=1):
    """begin: seconds since 1970 of the first packet."""
    header, packets = read_pcap(source)
    first = {}
    for when, _, frame in packets:
        first.setdefault(connection_of(frame), when)
    start, span = packets[0][0], packets[-1][0] - packets[0][0]
    connections = [c for c in first if c is not None]
    random.Random(seed).shuffle(connections)
    slot = seconds * 1000000 // len(connections)
    moved = {c: i * slot - first[c] for i, c in enumerate(connections)}

    def new_time(when, frame):
        connection = connection_of(frame)
        if connection is None:
            return (when - start) * seconds * 1000000 // max(span, 1)
        return when + moved[connection]

    out = sorted(((new_time(when, frame), i, wire, frame)
                  for i, (when, wire, frame) in enumerate(packets)), key=lambda p: p[:2])
    with open(target, "wb") as f:
        f.write(header)
        for when, _, wire, frame in out:
            when += begin * 1000000
            f.write(struct.pack("<IIII", when // 1000000, when % 1000000, len(frame), wire) + frame)
    return len(out)
