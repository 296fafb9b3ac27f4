"""What a SPAN port may make of a capture, by chance.

A mutation takes the packets of a capture and a random generator and returns packets: the same
objects, some of them missing, twice or elsewhere, or copies that are cut short. The times are
given afterwards.
"""
import copy

from pcapfile import ends_of

WINDOW = 50  # packets


class Packet:
    """One frame of a capture. index: its place there; pair: the two ends of its connection, in
    any order, or None; first_end: it comes from the end that spoke first."""
    __slots__ = ("index", "frame", "ends", "pair", "first_end")

    def __init__(self, index, frame, ends, speakers):
        self.index = index
        self.frame = frame
        self.ends = ends
        self.pair = ends and tuple(sorted((ends.source, ends.target)))
        self.first_end = bool(ends) and \
            speakers.setdefault(self.pair, ends.source) == ends.source


def packets_of(link, frames):
    speakers = {}
    return [Packet(n, f, ends_of(link, f.data), speakers) for n, f in enumerate(frames)]


def drop(chance):
    def mutation(rng, packets):
        return [p for p in packets if rng.random() >= chance]
    return mutation


def drop_run(rng, packets):
    begin = rng.randrange(len(packets))
    return packets[:begin] + packets[begin + rng.randint(1, max(1, len(packets) // 4)):]


def drop_few(rng, packets):
    """One to three packets: most of a conversation is left to contradict what is made of it."""
    gone = {rng.randrange(len(packets)) for _ in range(rng.randint(1, 3))}
    return [p for n, p in enumerate(packets) if n not in gone]


def drop_payload(rng, packets):
    """Loss of data, while the ends of connections and the acknowledgments are all there."""
    chance = rng.choice((0.05, 0.2, 0.5))
    return [p for p in packets
            if not (p.ends and p.ends.payload) or rng.random() >= chance]


def drop_one_way(rng, packets):
    """Loss in one direction only, as of a tap with an overloaded port."""
    side, chance = rng.random() < 0.5, rng.choice((0.1, 0.3, 0.6))
    return [p for p in packets if p.first_end != side or rng.random() >= chance]


def one_side(kept):
    def mutation(_, packets):
        return [p for p in packets if not p.ends or p.first_end == kept]
    return mutation


def sides_by_connection(rng, packets):
    """Each connection is seen in both directions or in one."""
    seen = {}
    return [p for p in packets
            if seen.setdefault(p.pair, rng.choice((None, True, False))) in (None, p.first_end)]


def start(rng, packets):
    return packets[rng.randint(1, max(1, len(packets) - 1)):]


def start_of_each(rng, packets):
    """Every connection began before the capture."""
    lengths = {}
    for packet in packets:
        lengths[packet.pair] = lengths.get(packet.pair, 0) + 1
    skipped = {pair: rng.randint(0, length) for pair, length in
               sorted(lengths.items(), key=lambda item: str(item[0]))}
    out = []
    for packet in packets:
        skipped[packet.pair] -= 1
        if skipped[packet.pair] < 0:
            out.append(packet)
    return out


def end(rng, packets):
    return packets[:-rng.randint(1, max(1, len(packets) - 1))]


def snap(size):
    def mutation(_, packets):
        out = []
        for packet in packets:
            short = copy.copy(packet)
            short.frame = packet.frame._replace(data=packet.frame.data[:size])
            out.append(short)
        return out
    return mutation


def snap_some(rng, packets):
    """A card that cuts some packets anywhere behind their headers."""
    out = []
    for packet in packets:
        if rng.random() < 0.2:
            packet = copy.copy(packet)
            packet.frame = packet.frame._replace(
                data=packet.frame.data[:rng.randint(54, max(54, len(packet.frame.data)))])
        out.append(packet)
    return out


def double(rng, packets):
    chance = rng.choice((0.1, 0.5, 1.0))
    return [p for p in packets for _ in range(2 if rng.random() < chance else 1)]


def scattered(rng, keyed):
    """Packets by their keys; of equal ones the earlier goes first."""
    return [p for _, _, p in sorted((k, n, p) for n, (k, p) in enumerate(keyed))]


def double_late(rng, packets):
    chance = rng.choice((0.05, 0.3, 1.0))
    keyed = [(n, p) for n, p in enumerate(packets)]
    keyed += [(n + rng.randint(1, WINDOW) + 0.5, p) for n, p in enumerate(packets)
              if rng.random() < chance]
    return scattered(rng, keyed)


def reorder(rng, packets):
    """Any order in which no packet overtakes one that is 50 or more before it."""
    window = rng.choice((2, 5, WINDOW))
    return scattered(rng, [(n + rng.random() * window, p) for n, p in enumerate(packets)])


def delay(rng, packets):
    """Some packets come late."""
    chance = rng.choice((0.02, 0.1, 0.3))
    return scattered(rng, [(n + (rng.random() * WINDOW if rng.random() < chance else 0), p)
                           for n, p in enumerate(packets)])


def delay_one_way(rng, packets):
    """Two mirrors on one wire: one direction runs behind the other."""
    side, behind = rng.random() < 0.5, rng.randint(1, WINDOW)
    return scattered(rng, [(n + (behind if p.first_end == side else 0), p)
                           for n, p in enumerate(packets)])


LOSSLESS = {"double": double, "double-late": double_late, "reorder": reorder, "delay": delay,
            "delay-one-way": delay_one_way}
LOSSY = {"drop-2": drop(0.02), "drop-10": drop(0.1), "drop-30": drop(0.3), "drop-run": drop_run,
         "drop-few": drop_few, "drop-payload": drop_payload, "drop-one-way": drop_one_way,
         "first-side": one_side(True), "other-side": one_side(False),
         "some-sides": sides_by_connection, "start": start, "start-of-each": start_of_each,
         "end": end, "snap-96": snap(96), "snap-200": snap(200), "snap-some": snap_some}
SINGLE = {**LOSSLESS, **LOSSY}


def kind_of(number, rng):
    """The mutations of the copy with this number: each alone in its turn, then two together."""
    names = list(SINGLE)
    if number % (len(names) * 2) < len(names):
        return [names[number % len(names)]]
    return rng.sample(names, 2)


def mutate(kinds, rng, packets):
    for kind in kinds:
        packets = SINGLE[kind](rng, packets) if packets else packets
    return packets


def keeps_order(kinds):
    return not any(kind in LOSSLESS for kind in kinds)
