"""What the records of a copy may be, given those of the whole capture: see test_properties.py for
the rules about sessions, rules.py for those about what one record says.
"""
import collections

import mutations
import pcapfile
import rules
from copies import Copy, Pack, set_wholes
from session_record import check

TUNNELLED = ("corpus/zeek__connect-with-smtp.pcap",)  # mail that a sensor may see, or not
MAIL_PORTS = (25, 587, 2525, 465, 143, 993, 110, 995)


class Complaint:
    """What is wrong with a copy. record: what says so; judge: says whether it still is when more
    records are known, or None when nothing can excuse it."""

    def __init__(self, copy, text, pair=None, record=None, judge=None):
        self.copy, self.text, self.pair, self.record = copy, text, pair, record
        self.judge = judge

    def __str__(self):
        return self.text

    def kind(self):
        return self.text.split(":")[0]


def judge(copy):
    """Complaints about the records of one copy."""
    wholes = copy.capture.wholes[copy.times]
    times_met = collections.Counter()
    for pair, record in copy.records:
        yield from (Complaint(copy, text) for text in check(record))
        indexes = copy.indexes(pair, record)
        met = [w for w in wholes.get(pair, ()) if w.has(indexes)]
        times_met.update(met)
        yield from judge_record(copy, met, pair, record)
    for whole in sum(wholes.values(), []):
        if times_met[whole] > 1 and not looks_reused(copy, whole.pair):
            yield Complaint(copy, "split: %d sessions of one" % times_met[whole])
        if times_met[whole] == 0 and not may_vanish(copy, whole):
            yield Complaint(copy, "vanished: %s" % whole.record["verdict"])


def places(copy, pair, wanted):
    """Where among the packets of a connection those are that are wanted."""
    return [n for n, p in enumerate(q for q in copy.packets if q.pair == pair) if wanted(p.ends)]


def looks_reused(copy, pair):
    """A SYN comes behind a FIN or RST."""
    over = places(copy, pair, lambda ends: ends.flags & (pcapfile.FIN | pcapfile.RST))
    begun = places(copy, pair, lambda ends: ends.flags & pcapfile.SYN)
    return bool(over) and bool(begun) and over[0] < begun[-1]


def looks_begun(copy, pair):
    """The first payload comes behind the SYNs, and before FIN and RST."""
    first = min(places(copy, pair, lambda ends: ends.payload), default=0)
    over = places(copy, pair, lambda ends: ends.flags & (pcapfile.FIN | pcapfile.RST))
    begun = places(copy, pair, lambda ends: ends.flags & pcapfile.SYN)
    return max(begun, default=first) <= first <= min(over, default=first)


def complaints_of(rule, copy, known, pair, record):
    def judge_again(prefixes):
        if rule is rules.other_verdict:
            prefixes = [p for p in prefixes if any(rules.changes_its_mind(w, p) for w in known)]
        return list(rule(known + prefixes, record))
    for text in rule(known, record):
        if excused(copy, record, text):
            continue
        yield Complaint(copy, text, pair, record, judge_again)


def excused(copy, record, text):
    """What is told of a server with its third session without an offer (removed, helo) is told of
    another session when another one is the third."""
    told = [w.record["stripped"] for found in copy.capture.wholes[copy.times].values()
            for w in found if w.record["downgrade"]]
    return record["downgrade"] and record["stripped"] in told and \
        text.startswith(("stripped:", "cause: suspected-stripping"))


def judge_record(copy, wholes, pair, record):
    known = [w.record for w in wholes]
    if not wholes:
        yield from judge_intruder(copy, record)
    elif set(copy.kinds) <= {"double"} and len(wholes) == 1:
        yield from (Complaint(copy, text) for text in rules.changed(known[0], record))
    else:
        yield from complaints_of(rules.other_verdict, copy, known, pair, record)
        yield from complaints_of(rules.invented, copy, known, pair, record)


def judge_intruder(copy, record):
    """A session where the whole capture has none."""
    if copy.capture.name not in TUNNELLED and (
            record["verdict"] != "indeterminate" or record["server_port"] not in MAIL_PORTS):
        yield Complaint(copy, "no mail: %s (%s) on port %d" % (
            record["verdict"], record["reason"], record["server_port"]))


def standing(complaints):
    """Complaints that stand when each record is also compared with that for all packets of the
    capture up to the last one of the record: nobody can know what came later."""
    open_to_appeal = [c for c in complaints if c.judge]
    prefixes = {}
    for complaint in open_to_appeal:
        copy = complaint.copy
        last = max(copy.indexes(complaint.pair, complaint.record))
        prefix = copy.with_packets(copy.capture.packets[:last + 1])
        prefixes[complaint] = prefix
    for link in sorted({p.capture.link for p in prefixes.values()}):
        Pack([p for p in prefixes.values() if p.capture.link == link]).run()
    return [c for c in complaints if c not in prefixes or still_wrong(c, prefixes[c])]


def still_wrong(complaint, prefix):
    indexes = complaint.copy.indexes(complaint.pair, complaint.record)
    known = [record for pair, record in prefix.records if pair == complaint.pair and
             set(prefix.indexes(pair, record)) & set(indexes)]
    if not known and client_is_silent(prefix, complaint):
        known = [rules.silent(complaint.record)]
    return complaint.kind() in [text.split(":")[0] for text in complaint.judge(known)]


def client_is_silent(prefix, complaint):
    """The server alone has spoken: half a line, of which nobody could say that it is mail. Of a copy
    in which it is cut the sensor says that something is missing; but not that the client asked."""
    return not any(p.ends.payload and p.ends.source[1] == complaint.record["client_port"]
                   for p in prefix.packets if p.pair == complaint.pair)


def may_vanish(copy, whole):
    """Whether a session's beginning, or all its payload, is gone, cut or behind something else."""
    packets = copy.capture.packets
    left = [p.index for p in copy.packets
            if p.pair == whole.pair and p.frame is packets[p.index].frame]
    beginning, payload = whole.beginning(packets)
    due = [p.index for p in payload]
    spoken = [n for n in left if n in due]
    return not spoken or spoken[0] != due[0] or not looks_begun(copy, whole.pair) or \
        any(p.index not in left for p in beginning)


def complaints_alone(copies):
    """Runs copies of one capture with the whole one; complaints of each."""
    whole = Copy(copies[0].capture, None, None, copies[0].times)
    Pack([whole] + copies).run()
    set_wholes(whole)
    found = standing([complaint for c in copies for complaint in judge(c)])
    return [[complaint for complaint in found if complaint.copy is c] for c in copies]


def reduced(copy, kind):
    """Leaves packets out as long as a complaint of this kind stays."""
    size = max(len(copy.packets) // 2, 1)
    while size:
        parts = range(0, len(copy.packets), size)
        tries = [copy.with_packets(copy.packets[:n] + copy.packets[n + size:]) for n in parts]
        for less in tries:
            less.kinds = copy.kinds + ["drop-few"]
        found = [t for t, c in zip(tries, complaints_alone(tries))
                 if t.packets and kind in [complaint.kind() for complaint in c]]
        if found:
            copy = found[0]
            size = min(size, max(len(copy.packets) // 2, 1))
        else:
            size //= 2
    return copy
