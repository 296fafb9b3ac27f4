#!/usr/bin/env python3
"""What loss, doubling and disorder may do to a verdict, tried on real captures by chance.

usage: test_properties.py [--reduce] [CAPTURE[/NUMBER]...]

Every capture of the corpus (MAILSEAL_CORPUS), the sample, every talk, and every capture below
MAILSEAL_PROPERTY_PCAPS is copied many times, each copy is mutated (mutations.py), and the sensor's
records are compared with those for the whole capture (rules.py). A record belongs to the sessions
of the whole capture that its packets come from. Besides what rules.py says:

- A session may vanish only when its payload is gone, or when something of its beginning is (up to
  the first payload of both ends), or when other payload comes first, or the end before it, or a
  SYN behind it: it may not be known for mail then.
- It may not become two, unless a SYN comes behind a FIN or RST: the ports look used again then.
- What was no mail may become `indeterminate` on a mail port, for text that begins in the middle
  may be anything; it may never become anything else.
- When nothing is missing and nothing was reordered (doubling), all stays as it is.

A reordered copy gets packets 1 ms apart, so that within 50 packets is within 50 ms: bytes that are
missing for a second of the packets' own time are taken for lost (REASM_WAIT_MS), and captures of
an idle line would exceed that. Copies with losses only keep their times, or get them, by turns.
Many copies share a run of the sensor, each with addresses of its own.

MAILSEAL_PROPERTY_SEED and MAILSEAL_PROPERTY_RUNS (copies of each capture; fewer of long ones)
choose others than `make check` does; a seed of "random" is drawn and printed. A copy that fails is
kept in property-failures/ with what repeats it; --reduce leaves out what can be left out of it.
"""
import argparse
import io
import os
import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "talks")]
import pcapfile  # noqa: E402
import talk as talks  # noqa: E402
from copies import CAPTURED, EVEN, START_NS, Capture, Copy, Pack, set_wholes  # noqa: E402
from judging import complaints_alone, judge, reduced, standing  # noqa: E402
from session_record import BUILDDIR, SRCDIR  # noqa: E402
from tap import Tap  # noqa: E402

SEED = "1"
RUNS = 42
FRAMES_MAX = 60000  # in one run of the sensor
SHOWN = 3
FAILURES = BUILDDIR / "property-failures"


def keep(copy, suffix=""):
    FAILURES.mkdir(exist_ok=True)
    path = FAILURES / ("%s-%s-%d%s.pcap" % (copy.capture.name.replace("/", "-"), copy.seed,
                                            copy.number, suffix))
    with open(path, "wb") as file:
        pcapfile.write(file, copy.capture.link, [f for _, f in copy.frames(START_NS)])
    return path


def report(copy, complaints, reduce):
    yield "%s, %s, times %s:" % (copy.name(), " then ".join(copy.kinds), copy.times)
    yield from ("  %s" % text for text in dict.fromkeys(map(str, complaints)))
    alone = complaints_alone([copy])[0]
    if not alone:
        yield "  but nothing when it is alone in a file"
    yield "  kept: %s" % keep(copy)
    yield "  again: MAILSEAL_PROPERTY_SEED=%s python3 %s %s" % (copy.seed, __file__, copy.name())
    for kind in dict.fromkeys(c.kind() for c in alone) if reduce else ():
        small = reduced(copy, kind)
        yield "  reduced: %s" % keep(small, "-" + kind.replace(" ", "-"))
        yield from ("    %s" % c for c in complaints_alone([small])[0])


def result(tap, copies, complaints, reduce):
    """One test: all copies of one capture."""
    bad = [(c, [complaint for complaint in complaints if complaint.copy is c]) for c in copies]
    bad = [(c, found) for c, found in bad if found]
    lines = [line for c, found in bad[:SHOWN] for line in report(c, found, reduce)]
    if len(bad) > SHOWN:
        lines.append("%d copies fail: %s" % (len(bad), " ".join(
            "%d:%s" % (c.number, found[0].kind()) for c, found in bad)))
    tap.result(not bad, "%s: %d copies" % (copies[0].capture.name, len(copies)), *lines)


# Captures --------------------------------------------------------------------------------------

def talk_bytes(path):
    file = io.BytesIO()
    talks.write(talks.Talk(path), file, "whole")
    return file.getvalue()


def folders():
    """(prefix, folder) of all that is there."""
    yield "sample", SRCDIR / "tests" / "pcaps" / "sample"
    for name, variable in (("corpus", "MAILSEAL_CORPUS"), ("pcaps", "MAILSEAL_PROPERTY_PCAPS")):
        if os.environ.get(variable):
            yield name, Path(os.environ[variable])


def captures(wanted):
    """Every capture that is wanted."""
    for prefix, folder in folders():
        for path in sorted(folder.rglob("*.pcap*")):
            name = "%s/%s" % (prefix, path.relative_to(folder))
            if path.suffix in (".pcap", ".pcapng") and (not wanted or name in wanted):
                yield Capture(name, path.read_bytes())
    for path in sorted((SRCDIR / "tests" / "talks").glob("*.talk")):
        if not wanted or "talk/" + path.stem in wanted:
            yield Capture("talk/" + path.stem, talk_bytes(path))


def batches(all_captures, seed, runs):
    """Captures of one link type with their copies, as many as fit into a run."""
    waiting = {}
    for capture in all_captures:
        copies = capture.copies(seed, runs)
        part = waiting.setdefault(capture.link, [])
        part.append(copies)
        if sum(len(c.packets) for copies in part for c in copies) > FRAMES_MAX:
            yield waiting.pop(capture.link)
    yield from waiting.values()


def try_batch(tap, batch, reduce):
    """Runs the copies of some captures; returns how many records were judged."""
    batch = [copies for copies in batch if copies]
    wholes = [Copy(copies[0].capture, None, None, times) for copies in batch
              for times in (EVEN, CAPTURED)]
    run = Pack(wholes + [c for copies in batch for c in copies]).run()
    for whole in wholes:
        set_wholes(whole)
    if run:
        tap.result(False, "the run", *run[:SHOWN])
    complaints = standing([c for copies in batch for copy in copies for c in judge(copy)])
    for copies in batch:
        result(tap, copies, complaints, reduce)
    return sum(len(copy.records) for copies in batch for copy in copies)


def chosen_copies(all_captures, seed, wanted):
    for capture in all_captures:
        yield [Copy(capture, seed, number) for name, number in wanted if name == capture.name]


def main():
    parser = argparse.ArgumentParser(description="Mutated captures and their verdicts.")
    parser.add_argument("--reduce", action="store_true", help="make failing captures smaller")
    parser.add_argument("wanted", nargs="*", metavar="CAPTURE[/NUMBER]")
    arguments = parser.parse_args()
    seed = os.environ.get("MAILSEAL_PROPERTY_SEED", SEED)
    seed = str(random.SystemRandom().randrange(10**9)) if seed == "random" else seed
    runs = int(os.environ.get("MAILSEAL_PROPERTY_RUNS", RUNS))
    print("# MAILSEAL_PROPERTY_SEED=%s MAILSEAL_PROPERTY_RUNS=%d" % (seed, runs))
    one = [w.rpartition("/") for w in arguments.wanted if w.rpartition("/")[2].isdigit()]
    one = [(name, int(number)) for name, _, number in one]
    names = {name for name, _ in one} | {w for w in arguments.wanted
                                         if not w.rpartition("/")[2].isdigit()}
    tap = Tap()
    if one:
        todo = ([copies] for copies in chosen_copies(captures(names), seed, one))
    else:
        todo = batches(captures(names), seed, runs)
    judged = sum(try_batch(tap, batch, arguments.reduce) for batch in todo)
    tap.result(judged > 0, "%d records were judged" % judged)
    tap.finish()


if __name__ == "__main__":
    main()
