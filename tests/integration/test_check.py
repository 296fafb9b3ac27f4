#!/usr/bin/env python3
"""mailseal check: states of all kinds, and what a monitoring system reads of them.

Every output goes through a strict parser of the plugin guidelines, and where Debian's
Monitoring::Plugin is installed, through that as well.
"""
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAILSEAL = BUILDDIR / "mailseal"
STATE_OF_LINES = BUILDDIR / "tests" / "integration" / "state_of_lines"

OK, WARNING, CRITICAL, UNKNOWN = range(4)
NOBODY = 65534
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
PEERS = "peers orange+ free+ sfr+ cloud"
ENV = dict(os.environ, LC_ALL="C", TZ="Pacific/Auckland")

# Strict parsing -----------------------------------------------------------------------------------

NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
RANGE = r"@?(?:(?:~|%s):)?(?:%s)?" % (NUMBER, NUMBER)
DATUM = re.compile(r"(?P<label>'(?:[^'=|\x00-\x1f]|'')+'|[^'= |;\x00-\x1f]+)="
                   r"(?P<value>%s|U)(?P<unit>|s|ms|us|%%|B|KB|MB|TB|c);(?P<warn>%s);(?P<crit>%s);"
                   r"(?P<min>(?:%s)?);(?P<max>(?:%s)?)" % (NUMBER, RANGE, RANGE, NUMBER, NUMBER))


def parse(out):
    """(words of the first line, data by label, further lines); complains by ValueError."""
    if not out.endswith("\n") or re.search(r"[^\x20-\x7e\n]", out):
        raise ValueError("not lines of printable ASCII: %r" % out)
    first, *rest = out[:-1].split("\n")
    if out.count("|") > 1 or (out.count("|") == 1 and "|" not in first):
        raise ValueError("a | that begins no performance data: %r" % out)
    words, _, numbers = first.partition(" |")
    data, at = {}, 0
    while at < len(numbers):
        found = DATUM.match(numbers, at + 1)
        if numbers[at] != " " or not found or found["label"] in data:
            raise ValueError("no performance data at %r" % numbers[at:])
        data[found["label"]] = found
        at = found.end()
    for d in data.values():
        if d["value"] == "U" and d["unit"]:
            raise ValueError("U with a unit: %r" % d[0])
        if d["value"] != "U" and d["min"] and float(d["value"]) < float(d["min"]):
            raise ValueError("below its least: %r" % d[0])
        if d["value"] != "U" and d["max"] and float(d["value"]) > float(d["max"]):
            raise ValueError("above its most: %r" % d[0])
    return words, data, rest


class Ran:
    def __init__(self, *arguments):
        done = subprocess.run([str(MAILSEAL), "check", *map(str, arguments)], env=ENV,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        self.arguments, self.code = arguments, done.returncode
        self.out, self.err = done.stdout.decode(), done.stderr.decode()

    def expect(self, code, *texts, **numbers):
        bad = []
        try:
            words, data, self.rest = parse(self.out)
        except ValueError as why:
            return ["%s: %s" % (self.arguments, why)]
        if self.code != code or not words.startswith("MAILSEAL %s - " % NAMES[code]):
            bad.append("exit %d and %r, not %d" % (self.code, words, code))
        bad += ["no %r" % t for t in texts if t not in words]
        for label, value in numbers.items():
            got = data[label][0] if label in data else None
            bad += [] if got == "%s=%s" % (label, value) else ["%r, not %s=%s" % (got, label, value)]
        bad += ["standard error: " + self.err] if self.err else []
        return ["%s" % (self.arguments,), *bad, self.out] if bad else []


# States -------------------------------------------------------------------------------------------


def this_minute():
    return int(time.time()) // 60 * 60


class State:
    """A state directory; steps are so many minutes ago, incidents too."""

    def __init__(self, top):
        self.dir = Path(tempfile.mkdtemp(dir=top))
        self.now = this_minute()
        self.lines = [PEERS]

    def step(self, ago, *lines, packets=1000):
        self.lines += [*lines, "health packets %d" % packets,
                       "step %d" % (self.now - 60 * ago)]
        return self

    def incident(self, number, severity, state, client, server, service="mta", rule="a-rule",
                 why=""):
        self.lines.append("incident %d %s %s %s %s %s %s %d %s" % (
            number, rule, severity, state, client, server, service, self.now - 600, why))
        return self

    def make(self):
        subprocess.run([str(STATE_OF_LINES), str(self.dir)], input="\n".join(self.lines) + "\n",
                       text=True, check=True)
        return self.dir


def count(client, server, service="mta", **counts):
    return ["count %s %s %s %s %d" % (service, client, server, name, n)
            for name, n in counts.items()]


SEALED = count("orange", "free", enc_starttls=1234)
CLEAR = count("orange", "free", enc_starttls=9999, plaintext=1)
REFUSED = count("orange", "free", enc_starttls=5, plaintext=3, refused=3)
HALF = count("orange", "free", enc_starttls=8, tls_failed=1, indeterminate=3, begun_before=1)
NOTHING = count("orange", "free", indeterminate=3, no_transaction=4)
PAIR = ("--pair", "orange:free")

# Name, what makes the state, options, exit code, words, numbers.
TABLE = (
    ("all sealed", lambda s: s.step(1, *SEALED), PAIR, OK,
     ["orange:free 100 % sealed, 1234 sessions, coverage 100 % in 60 min"],
     dict(sealed="100%;;100:;0;100", coverage="100%;90:;;0;100", sessions="1234;;;0;",
          plaintext="0;;;0;", critical_incidents="0;;;0;", dropped="0%;1;;0;100")),
    ("one in clear of ten thousand", lambda s: s.step(1, *CLEAR), PAIR, CRITICAL,
     ["99.99 % sealed, 1 in clear, 10000 sessions", "; the critical range is 100:"],
     dict(sealed="99.99%;;100:;0;100", plaintext="1;;;0;")),
    ("refused does not count", lambda s: s.step(1, *REFUSED), PAIR, OK, ["100 % sealed, 8 sessions"],
     dict(plaintext="0;;;0;", encrypted="5;;;0;")),
    ("all in clear", lambda s: s.step(1, *count("orange", "free", plaintext=2)), PAIR, CRITICAL,
     ["0 % sealed, 2 in clear"], dict(sealed="0%;;100:;0;100")),
    ("coverage is low", lambda s: s.step(1, *HALF), PAIR, WARNING,
     ["100 % sealed, 12 sessions, coverage 81.81 %", "coverage is too low"],
     dict(coverage="81.81%;90:;;0;100", unknown="2;;;0;", tls_failed="1;;;0;")),
    ("low coverage is allowed", lambda s: s.step(1, *HALF), PAIR + ("--min-coverage", "81.81"), OK,
     [], dict(coverage="81.81%;81.81:;;0;100")),
    ("low coverage does not matter", lambda s: s.step(1, *HALF), PAIR + ("--min-coverage=0",), OK,
     [], dict(coverage="81.81%;;;0;100")),
    ("nothing could be decided", lambda s: s.step(1, *NOTHING), PAIR, WARNING,
     ["nothing decided, 7 sessions, coverage 0 %"], dict(sealed="U;;100:;0;100")),
    ("an idle pair at night", lambda s: s.step(1), PAIR, OK, ["orange:free idle, 0 sessions in 60 min"],
     dict(sealed="U;;100:;0;100", coverage="U;90:;;0;100", sessions="0;;;0;")),
    ("an idle pair that should not be", lambda s: s.step(1), PAIR + ("--min-sessions", "1"), UNKNOWN,
     ["0 decided sessions, fewer than 1"], dict(sealed="U;;100:;0;100")),
    ("few sessions", lambda s: s.step(1, *SEALED), PAIR + ("--min-sessions", "1235"), UNKNOWN,
     ["1234 decided sessions, fewer than 1235"], {}),
    ("few sessions, and one in clear", lambda s: s.step(1, *CLEAR),
     PAIR + ("--min-sessions", "999999"), CRITICAL, ["fewer than 999999"], {}),
    ("the last step is old", lambda s: s.step(12, *SEALED), PAIR, UNKNOWN,
     ["the last step ended 11 min ago: does mailseald run? Before that: orange:free 100 % sealed"],
     dict(sealed="U;;100:;0;100", sessions="U;;;0;", plaintext="U;;;0;")),
    ("old, and in clear, and an incident",
     lambda s: s.step(12, *CLEAR).incident(1, "critical", "open", "orange", "free"), PAIR, UNKNOWN,
     ["critical incident 1 (a-rule, open)"], dict(critical_incidents="1;;;0;")),
    ("old, but young enough", lambda s: s.step(12, *SEALED), PAIR + ("--max-age", "1h"), OK, [],
     dict(sealed="100%;;100:;0;100")),
    ("a step of the future", lambda s: s.step(-30, *SEALED), PAIR, UNKNOWN, ["lies in the future"],
     dict(sealed="U;;100:;0;100", age="0s;;;0;")),
    ("outside of the window", lambda s: s.step(90, *CLEAR).step(1, *SEALED), PAIR, OK,
     ["1234 sessions", "in 60 min (of which the sensor ran 1 min)"], {}),
    ("inside of a longer window", lambda s: s.step(90, *CLEAR).step(1, *SEALED),
     PAIR + ("--window", "2h"), CRITICAL, ["11234 sessions", "in 2 h (of which the sensor ran 2 min)"],
     {}),
    ("blind", lambda s: s.step(1, packets=0), PAIR, UNKNOWN, ["the sensor saw no packet"],
     dict(dropped="U;1;;0;100")),
    ("lossy", lambda s: s.step(1, "health drop_kernel 5", "health drop_nic 6", *SEALED), PAIR,
     WARNING, ["the sensor lost 1.08 % of its packets"], dict(dropped="1.08%;1;;0;100")),
    ("hardly lossy", lambda s: s.step(1, "health drop_kernel 10", *SEALED), PAIR, OK, [],
     dict(dropped="0.99%;1;;0;100")),
    ("records lost", lambda s: s.step(1, "health lost 2", "health sessions 98", *SEALED), PAIR,
     WARNING, ["the sensor lost 2.00 % of its records"], {}),
    ("lossy, and nobody minds", lambda s: s.step(1, "health drop_nic 11", *SEALED),
     PAIR + ("--max-loss", "1.5"), OK, [], dict(dropped="1.08%;1.50;;0;100")),
    ("one-sided", lambda s: s.step(1, "health one_sided 21", "health sessions 100", *SEALED), PAIR,
     WARNING, ["21 % of all sessions were seen from one side"], dict(one_sided="21%;20;;0;100")),
    ("one-sided by design", lambda s: s.step(1, "health one_sided 99", "health sessions 99", *SEALED),
     PAIR + ("--max-one-sided", "100"), OK, [], dict(one_sided="100%;;;0;100")),
    ("a little one-sided", lambda s: s.step(1, "health one_sided 18", "health sessions 19", *SEALED),
     PAIR, OK, [], {}),
    ("a critical incident goes on",
     lambda s: s.step(1, *SEALED).incident(1, "critical", "open", "orange", "free"), PAIR, CRITICAL,
     ["100 % sealed", "; critical incident 1 (a-rule, open)"], dict(critical_incidents="1;;;0;")),
    ("so does a stale one",
     lambda s: s.step(1, *SEALED).incident(1, "critical", "stale", "orange", "free"), PAIR, CRITICAL,
     ["incident 1 (a-rule, stale)"], {}),
    ("a closed one is over",
     lambda s: s.step(1, *SEALED).incident(1, "critical", "closed", "orange", "free"), PAIR, OK, [],
     dict(critical_incidents="0;;;0;")),
    ("a warning", lambda s: s.step(1, *SEALED).incident(1, "warning", "open", "orange", "free"), PAIR,
     WARNING, ["; warning incident 1 (a-rule, open)"], dict(warning_incidents="1;;;0;")),
    ("incidents of others",
     lambda s: s.step(1, *SEALED).incident(1, "critical", "open", "free", "orange")
     .incident(2, "critical", "open", "orange", "sfr")
     .incident(3, "critical", "open", "orange", "free", service="access"), PAIR, OK, [], {}),
    ("many incidents, the newest first",
     lambda s: [s.incident(n, "critical", "open", "orange", "free", rule="r-%d" % n)
                for n in range(1, 41)] and s.step(1), PAIR, CRITICAL,
     ["critical incident 40 (r-40, open) and 39 more"], dict(critical_incidents="40;;;0;")),
    ("an incident of the sensor",
     lambda s: s.step(1, *SEALED).incident(1, "warning", "open", "-", "-", "-", "sensor-blind"), PAIR,
     WARNING, ["warning incident 1 (sensor-blind, open)"], {}),
    ("a range of one's own", lambda s: s.step(1, *CLEAR), PAIR + ("-w", "99.99:", "-c", "95:"), OK,
     ["99.99 % sealed"], dict(sealed="99.99%;99.99:;95:;0;100")),
    ("warning by range", lambda s: s.step(1, *CLEAR), PAIR + ("-w100:", "-c95:"), WARNING,
     ["the warning range is 100:"], {}),
    ("critical by range", lambda s: s.step(1, *CLEAR), PAIR + ("-w", "100:", "--critical=99.995:"),
     CRITICAL, ["the critical range is 99.995:"], {}),
    ("inside of a range", lambda s: s.step(1, *CLEAR), PAIR + ("-c", "@99:100"), CRITICAL,
     ["the critical range is @99:100"], dict(sealed="99.99%;;@99:100;0;100")),
    ("any", lambda s: s.step(1, *SEALED, *count("free", "orange", enc_implicit=1),
                             *count("other", "orange", plaintext=3),
                             *count("orange-net", "free", plaintext=3),
                             *count("orange", "cloud", plaintext=3)), (), OK,
     ["any:any 100 % sealed, 1235 sessions"], {}),
    ("records lost on the way concern any", lambda s: s.step(1, "health lost 4000", *SEALED), (),
     WARNING, ["coverage 23.57 %"], dict(unknown="4000;;;0;")),
    ("from one to any", lambda s: s.step(1, *SEALED, *count("orange", "cloud", plaintext=3),
                                         *count("orange", "sfr", enc_starttls=1)),
     ("--pair", "orange:any"), OK, ["orange:any 100 % sealed, 1235 sessions"], {}),
    ("the same, left out", lambda s: s.step(1, *SEALED), ("--pair", ":free"), OK,
     ["any:free 100 % sealed, 1234 sessions"], {}),
    ("the same, without a colon", lambda s: s.step(1, *SEALED), ("--pair", "orange"), OK,
     ["orange:any 100 % sealed, 1234 sessions"], {}),
    ("nothing is promised", lambda s: s.step(1, *count("orange", "cloud", plaintext=1)),
     ("--pair", "orange:cloud"), WARNING, ["orange:cloud 0 % sealed, 1 in clear"],
     dict(sealed="0%;100:;;0;100")),
    ("subscribers promise nothing", lambda s: s.step(1, *count("orange-net", "free", plaintext=1)),
     ("--pair", "orange-net:free"), WARNING, [], {}),
    ("other parties promise nothing", lambda s: s.step(1, *count("other", "free", plaintext=1)),
     ("--pair", "other:free"), WARNING, [], {}),
    ("within one peer", lambda s: s.step(1, *count("free", "free", plaintext=1)),
     ("--pair", "free:free"), WARNING, [], {}),
    ("another service", lambda s: s.step(1, *count("other", "free", "access", plaintext=1,
                                                   enc_implicit=3)),
     ("--pair", "any:free", "--service", "access"), WARNING,
     ["any:free access 75.00 % sealed, 1 in clear, 4 sessions"], {}),
    ("more reasons than a line holds",
     lambda s: s.step(1, "health lost 99", "health drop_nic 99", "health sessions 9", *CLEAR)
     .incident(1, "critical", "open", "orange", "free").incident(2, "warning", "open", "-", "-", "-"),
     PAIR, CRITICAL, ["; 2 more (-v)"], {}),
    ("a peer that is not", lambda s: s.step(1, *SEALED), ("--pair", "orage:free"), UNKNOWN,
     ['there is no peer "orage"'], {}),
    ("a part of a name", lambda s: s.step(1, *SEALED), ("--pair", "orange:fre"), UNKNOWN,
     ['there is no peer "fre"'], {}),
    ("no step yet", lambda s: s, PAIR, UNKNOWN, ["no step has been recorded yet"], {}),
)


def row(top, fill, options, code, words, numbers):
    state = State(top)
    fill(state)
    return Ran("--state", state.make(), *options).expect(code, *words, **numbers)


# More than a line ---------------------------------------------------------------------------------


def verbosity(top):
    state = State(top).step(1, *CLEAR, *count("orange", "sfr", enc_starttls=7))
    state = state.incident(1, "critical", "stale", "orange", "free", why="no | session").make()
    bad, texts = [], []
    for options, wanted in (((), ()), (("-v",), ("incident 1: critical, stale, a-rule, orange -> free",
                                                 "CRITICAL: the critical range is 100:",
                                                 "UTC; no / session")),
                            (("-vv",), ("orange:sfr: 100 %, E 7, P 0, U 0, 7 sessions",)),
                            (("-v", "--verbose", "-v"), ("packets: 1000 packets read",))):
        ran = Ran("--state", state, "--pair", "orange", *options)
        bad += ran.expect(CRITICAL)
        texts.append(ran.out)
        bad += ["%s: no %r" % (options, w) for w in wanted if w not in ran.out]
        bad += ["-v shows less"] if len(texts) > 1 and len(texts[-2]) >= len(texts[-1]) else []
    return bad + (["more than one line without -v"] if texts[0].count("\n") != 1 else [])


def hostile_data(top):
    """Whatever is in the databases, it brings no | and nothing that moves a cursor."""
    state = State(top).step(1, *SEALED, *count("cloud", "free", enc_starttls=1))
    state = state.incident(1, "critical", "open", "orange", "free").make()
    evil = "a|b\n\x1b[2J'=\u202e"
    with sqlite3.connect(state / "ledger.db") as db:
        db.execute("UPDATE party SET name = ? WHERE name = 'cloud'", (evil,))
    with sqlite3.connect(state / "incidents.db") as db:
        db.execute("UPDATE incident SET rule = ?, why = ?", (evil, evil))
    bad = []
    for options in ((), ("-vvv", "--pair", "any:free"), ("-vvv", "--pair", "other:free")):
        ran = Ran("--state", state, *options)
        bad += ran.expect(ran.code)
    bad += [] if "a/b" in ran.out or "a/b" in Ran("--state", state, "-vvv").out else ["is not shown"]
    return bad + Ran("--state", state, "--pair", "a|b:free").expect(UNKNOWN, "which pair?")


def usage(top):
    state = State(top).step(1, *SEALED).make()
    bad = []
    for options in (["--nonsense"], ["-x"], ["-w"], ["-w", "9:1"], ["-c", "ten"], ["--critical"],
                    ["-t", "0"], ["-t", "3601"], ["-t", "x"], ["--window", "60"], ["--max-age", "0m"],
                    ["--service", "web"], ["--pair", "a:b:c"], ["--pair", "A:b"], ["word"],
                    ["--min-sessions", "-1"], ["--min-coverage", "101"], ["--min-coverage", "-1"], ["--max-loss", "x"], ["--max-one-sided", "100.1"],
                    ["-v=1"], ["--verbose=1"], ["--pair", "x" * 60], ["- "]):
        ran = Ran("--state", state, *options)
        bad += ran.expect(UNKNOWN, "see mailseal check --help")
    for options, text in ((["--version"], "mailseal check "), (["-V"], "mailseal check "),
                          (["--help"], "Usage: mailseal check "), (["-h"], "Usage: mailseal check "),
                          (["-vhw"], "Usage: mailseal check ")):
        ran = Ran(*options)
        bad += [] if options == ["-vhw"] or (ran.code, ran.err) == (UNKNOWN, "") and \
            ran.out.startswith(text) else ["%s: %d %s" % (options, ran.code, ran.out)]
    bad += Ran("--state", state, "-H", "th2-1", "-t5", "-vw90:", *PAIR).expect(
        OK, sealed="100%;90:;;0;100")
    return bad


def no_state(top):
    empty = Path(tempfile.mkdtemp(dir=top))
    bad = Ran("--state", top / "none").expect(UNKNOWN, "no state directory there")
    bad += Ran("--state", empty).expect(UNKNOWN, "no ledger.db in it")
    state = State(top).step(1, *SEALED).make()
    (state / "incidents.db").unlink()
    bad += Ran("--state", state).expect(UNKNOWN, "no incidents.db in it")
    (state / "incidents.db").write_bytes(b"x" * 5000)
    bad += Ran("--state", state).expect(UNKNOWN, "incidents.db")
    (state / "ledger.db").write_bytes(b"x" * 5000)
    return bad + Ran("--state", state).expect(UNKNOWN, "ledger.db")


def nothing_is_written(top):
    """A monitoring user may read, no more, and changes nothing."""
    state = State(top).step(1, *SEALED).make()
    before = {p: p.read_bytes() for p in sorted(state.iterdir())}
    for path in (top, state, *before):
        path.chmod(0o755 if path.is_dir() else 0o444)
    done = subprocess.run([str(MAILSEAL), "check", "--state", str(state)], env=ENV, check=False,
                          stdout=subprocess.PIPE, user=NOBODY if os.geteuid() == 0 else None)
    bad = [] if done.returncode == OK else ["exit %d: %s" % (done.returncode, done.stdout)]
    after = {p: p.read_bytes() for p in before}
    return bad + ([] if before == after else ["files changed"])


def a_timeout_is_unknown(top):
    """A ledger that never answers: a FIFO that nobody writes to."""
    state = State(top).step(1, *SEALED).make()
    (state / "ledger.db").unlink()
    os.mkfifo(state / "ledger.db")
    return Ran("--state", state, "-t", "1").expect(UNKNOWN, "timed out")


def a_full_disk(top):
    state = State(top).step(1, *SEALED).make()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(MAILSEAL), "check", "--state", str(state)], stdout=full,
                              stderr=subprocess.PIPE, env=ENV, check=False)
    return [] if done.returncode == UNKNOWN else ["exit %d" % done.returncode]


# Others who read it -------------------------------------------------------------------------------

PERL = r"""
use strict; use warnings;
use Monitoring::Plugin::Performance; use Monitoring::Plugin::Range;
my ($perf, @checks) = @ARGV;
for (Monitoring::Plugin::Performance->parse_perfstring($perf)) {
    print join(" ", $_->label, $_->value, $_->uom, $_->max // ""), "\n";
}
while (my ($range, $value) = splice(@checks, 0, 2)) {
    my $r = Monitoring::Plugin::Range->parse_range_string($range);
    print "$range $value ", ($r->check_range($value) ? 1 : 0), "\n";
}
"""
# E of 100 sessions, and ranges over it.
RANGES = [(r, e) for r in ("90", "90:", "~:90", "80:90", "@80:90", "90.5:", "@~:90", "0:100")
          for e in (79, 80, 85, 90, 91, 100)]


def has_monitoring_plugin():
    return subprocess.run(["perl", "-MMonitoring::Plugin::Range", "-e", "1"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def monitoring_plugin_agrees(top):
    """The Perl library of the monitoring plugins reads our numbers, and its ranges mean the same."""
    bad, states, checks, ours = [], {}, [], []
    for e in sorted({e for _, e in RANGES}):
        counts = count("orange", "free", enc_starttls=e, plaintext=100 - e)
        states[e] = State(top).step(1, *counts).make()
    for text, e in RANGES:
        ran = Ran("--state", states[e], *PAIR, "-c", text)
        checks += [text, str(e)]
        ours.append("%s %d %d" % (text, e, ran.code == CRITICAL))
    numbers = ran.out.split(" |")[1].strip()
    done = subprocess.run(["perl", "-e", PERL, numbers, *checks], stdout=subprocess.PIPE, text=True,
                          check=True)
    lines = done.stdout.splitlines()
    data, theirs = lines[:-len(ours)], lines[-len(ours):]
    bad += ["here %r, there %r" % (o, t) for o, t in zip(ours, theirs) if o != t]
    parsed = parse(ran.out)[1]
    known = [label for label, d in parsed.items() if d["value"] != "U"]
    bad += [] if [d.split()[0] for d in data] == known else ["%r" % data]
    return bad + ([] if data[0] == "sealed 100 % 100" else ["%r" % data[0]])


def the_manual_knows_every_option(_):
    manual = (SRCDIR / "doc" / "mailseal.1").read_text().replace("\\-", "-")
    options = re.findall(r"^  (?:-(.), |    )--([a-z-]+)", Ran("--help").out, re.M)
    bad = [] if len(options) == 16 else ["the help has %d options" % len(options)]
    return bad + ["--" + name for letter, name in options
                  if not re.search(r"\bFl (?:. , )?-%s\b" % re.escape(name), manual)
                  or (letter and not re.search(r"\bFl %s\b" % letter, manual))]


def the_examples_are_taken(top):
    """The commands that the manual gives to Icinga and Nagios."""
    state = State(top).step(1, *SEALED).make()
    manual = (SRCDIR / "doc" / "mailseal.1").read_text().replace("\\-", "-").replace("\\(dq", '"')
    line = re.search(r"command_line\s+(?:/usr/bin/)?mailseal check (.*)", manual)
    if not line:
        return ["no command_line in the manual"]
    words = line[1].replace("$ARG1$", "orange:free").replace("$ARG2$", "1h").split()
    bad = Ran("--state", state, *words).expect(OK)
    icinga = re.findall(r'"(--?[a-zA-Z-]+)" = ', manual)
    help_text = Ran("--help").out
    bad += ["Icinga is told of " + o for o in icinga if o not in help_text]
    return bad + ([] if len(icinga) >= 5 else ["the Icinga example has %d arguments" % len(icinga)])


def main():
    tap = Tap()
    top = Path(tempfile.mkdtemp(prefix="mailseal-check-"))
    try:
        for name, *rest in TABLE:
            tap.run(name, row, top, *rest)
        for test in (verbosity, hostile_data, usage, no_state, nothing_is_written,
                     a_timeout_is_unknown, a_full_disk, the_manual_knows_every_option,
                     the_examples_are_taken):
            tap.run(test.__name__.replace("_", " "), test, top)
        if has_monitoring_plugin():
            tap.run("Monitoring::Plugin reads the same", monitoring_plugin_agrees, top)
        else:
            tap.skip("Monitoring::Plugin reads the same", "libmonitoring-plugin-perl is missing")
    finally:
        shutil.rmtree(top)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
