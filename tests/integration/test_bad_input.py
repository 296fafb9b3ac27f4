#!/usr/bin/env python3
"""Bad captures, bad options, bad configurations: one clear line, the right exit code, nothing on
standard output, nothing half-written, no crash."""
import os
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from session_record import MAILSEALD, SRCDIR, run, sessions
from tap import Tap

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import talk as talks  # noqa: E402

DONE, FAILED, USAGE = 0, 1, 2
NOBODY = 65534
LINKTYPE_USER0 = 147

# name, text, line of the error, the key it is about (None: no key can be told)
CONFIGURATIONS = (
    ("unknown key", "sensor: a\ncolour: red\n", 2, "colour"),
    ("unknown key in a section", "capture:\n  mode: any\n  speed: 9\n", 3, "speed"),
    ("a key twice", "sensor: a\nsensor: b\n", 2, "sensor"),
    ("not YAML", "capture: {mode: any\nsensor: [\n", None, None),
    ("a tab for indentation", "capture:\n\tmode: any\n", 2, None),
    ("a list for the whole file", "- a\n- b\n", 1, None),
    ("a word for a number", "capture: {max_flows: many}\n", 1, "max_flows"),
    ("zero for a count", "capture: {max_flows: 0}\n", 1, "max_flows"),
    ("a negative count", "capture: {max_flows: -5}\n", 1, "max_flows"),
    ("a number over 64 bits", "capture: {max_flows: 99999999999999999999}\n", 1, "max_flows"),
    ("a number with a tail", "capture: {max_flows: 10k}\n", 1, "max_flows"),
    ("a list for a number", "capture: {max_flows: [1]}\n", 1, "max_flows"),
    ("a mapping for a text", "sensor: {a: b}\n", 1, "sensor"),
    ("a text for a section", "capture: eth0\n", 1, "capture"),
    ("a text for a list", "peers: orange\n", 1, "peers"),
    ("an unknown mode", "capture: {mode: sometimes}\n", 1, "mode"),
    ("a port out of range", "capture: {ports: {smtp: [25, 70000]}}\n", 1, "smtp"),
    ("a port that is a word", "capture: {ports: {smtp: [mail]}}\n", 1, "smtp"),
    ("an unknown kind of port", "capture: {ports: {gopher: [70]}}\n", 1, "gopher"),
    ("a port for two things", "capture: {ports: {smtp: [25], submission: [25]}}\n", 1, "submission"),
    ("a text that is too long", "sensor: %s\n" % ("a" * 300), 1, "sensor"),
    ("a peer without a name", "peers:\n  - {signatory: true, mta: [192.0.2.0/28]}\n", 2, "name"),
    ("a name in capitals", "peers:\n  - {name: Orange}\n", 2, "name"),
    ("a name that is too long", "peers:\n  - {name: %s}\n" % ("a" * 33), 2, "name"),
    ("the reserved name", "peers:\n  - {name: other}\n", 2, "name"),
    ("a name twice", "peers:\n  - {name: a, mta: [192.0.2.0/28]}\n  - {name: a}\n", 3, "name"),
    ("an unknown key of a peer", "peers:\n  - {name: a, color: red}\n", 2, "color"),
    ("neither true nor false", "peers:\n  - {name: a, signatory: maybe}\n", 2, "signatory"),
    ("a prefix that is too long", "peers:\n  - {name: a, mta: [192.0.2.0/33]}\n", 2, "mta"),
    ("a prefix that is a name", "peers:\n  - {name: a, access: [mx.example]}\n", 2, "access"),
    ("an IPv6 prefix that is too long", "peers:\n  - {name: a, mta: ['2001:db8::/129']}\n", 2, "mta"),
    ("a prefix under two peers", "peers:\n  - {name: a, mta: [192.0.2.0/28]}\n"
     "  - {name: b, networks: [192.0.2.0/28]}\n", 3, "networks"),
    ("a bad exception", "exceptions:\n  - {client: 192.0.2.999/32}\n", 2, "exceptions"),
    ("an unknown key of an exception", "exceptions:\n  - {clients: 192.0.2.1/32}\n", 2, "clients"),
    ("an alias that holds itself", "peers: &a\n  - *a\n", 1, None),
    ("bytes that are not UTF-8", b"sensor: a\nuser: \xff\xfe\n", 2, None),
    ("a NUL byte", b"sensor: a\0b\n", None, None),
    ("two documents", "sensor: a\n---\nsensor: b\n", None, None),
)


class Case:
    """A folder of its own with one good capture in it."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.good = self.dir / "good.pcap"
        self.state = self.dir / "state"
        with open(self.good, "wb") as file:
            talks.write(talks.Talk(SRCDIR / "tests" / "talks" / "smtp-plaintext.talk"), file, "whole")

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def pcap(self):
        return self.good.read_bytes()


def crash(process):
    error = process.stderr.decode(errors="replace")
    if process.returncode < 0 or "Sanitizer" in error or "runtime error" in error:
        return ["a crash: exit %d: %s" % (process.returncode, error[:3000])]
    return []


def one_line(process, pattern):
    """Complaints unless standard error is one line of printable text that fits the pattern."""
    error = process.stderr.decode()
    if len(error.splitlines()) != 1 or not error.endswith("\n"):
        return ["expected one line on standard error, got %r" % error[:1000]]
    if not error[:-1].isprintable() or not re.search(pattern, error):
        return ["expected /%s/ on standard error, got %r" % (pattern, error[:1000])]
    return []


def refused(process, code, pattern):
    out = crash(process)
    if process.returncode != code:
        out.append("expected exit %d, got %d: %r" % (code, process.returncode,
                                                     process.stderr[:1000]))
    if process.stdout:
        out.append("expected nothing on standard output, got %r" % process.stdout[:300])
    return out or one_line(process, pattern)


def sound_state(state):
    """Nothing of a state directory may be half-written: every database in it is whole."""
    out = []
    for path in state.glob("*.db") if state.exists() else ():
        database = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        try:
            result = database.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            result = error
        finally:
            database.close()
        if result != "ok":
            out.append("%s: %s" % (path.name, result))
    return out


def usage(case, *arguments, pattern="."):
    """A mistake of the caller: exit 2, and the state directory is not even made."""
    out = refused(run("--sessions", "-", "--state", case.state, *arguments), USAGE, pattern)
    if case.state.exists():
        out.append("the state directory was made: %s" % os.listdir(case.state))
    return out


def unusable(case, capture, pattern=None, **options):
    """A capture that cannot be read at all: exit 1, its name in the line, and a state directory
    that a good run can use afterwards."""
    process = run("-r", capture, "--sessions", "-", "--quiet", "--state", case.state, **options)
    out = refused(process, FAILED, re.escape(str(capture) if pattern is None else pattern))
    out += sound_state(case.state)
    if not out:
        again = run("-r", case.good, "--quiet", "--state", case.state)
        if again.returncode != 0:
            out.append("the state directory is of no use any more: %r" % again.stderr[:1000])
    return out


def broken_off(case, content, records):
    """A capture that breaks off: what came before it, a warning, exit 1."""
    capture = case.file("broken.pcap", content)
    process = run("-r", capture, "--sessions", "-", "--quiet", "--state", case.state)
    out = crash(process) + one_line(process, re.escape(str(capture)))
    if process.returncode != FAILED:
        out.append("expected exit 1, got %d" % process.returncode)
    if len(process.stdout.splitlines()) != records:
        out.append("expected %d session(s), got %r" % (records, process.stdout[:300]))
    return out + sound_state(case.state)


def wrong_link_type(case):
    content = case.pcap()
    return unusable(case, case.file("x.pcap", content[:20] + struct.pack("<I", LINKTYPE_USER0) +
                                    content[24:]))


def huge_packet(case):
    header = struct.pack("<IIII", 1709287200, 0, 0x7FFFFFFF, 0x7FFFFFFF)
    return broken_off(case, case.pcap() + header + b"x" * 100, 1)


def unreadable(case):
    path = case.file("secret.pcap", case.pcap())
    path.chmod(0)
    if os.geteuid() != 0:
        return unusable(case, path)
    case.dir.chmod(0o777)
    return unusable(case, path, user=NOBODY, group=NOBODY, extra_groups=[])


def no_packets(case):
    records, complaints = sessions(case.file("x.pcap", case.pcap()[:24]))
    return complaints + ["a session out of nothing"] * len(records)


def one_of_two_missing(case):
    missing = case.dir / "missing.pcap"
    return refused(run("-r", case.good, "-r", missing, "--sessions", "-", "--quiet"), FAILED,
                   re.escape(str(missing)))


def standard_input(case):
    with open(case.file("garbage", b"\xa5garbage" * 100), "rb") as file:
        process = run("-r", "-", "--sessions", "-", "--quiet", stdin=file)
    return refused(process, FAILED, ".")


def bad_path(case, option, path, pattern):
    return refused(run("-r", case.good, "--quiet", option, path), FAILED, re.escape(pattern))


def writes_over(case):
    """Session records never take the place of what they are made of, by whatever name."""
    link = case.dir / "link.pcap"
    link.symlink_to(case.good)
    conf = case.file("conf.yaml", "sensor: a\n")
    before = case.pcap(), conf.read_bytes()
    out = []
    for read, sessions_file in ((case.good, case.good), (case.good, link), (link, case.good),
                                (case.good, conf)):
        out += refused(run("-r", read, "-c", conf, "--sessions", sessions_file, "--quiet"), USAGE,
                       "over .*(pcap|yaml), which is read")
    for read, to in ((case.good, "-"), ("-", case.good)):
        with open(case.good, "ab") as stdout, open(case.good, "rb") as stdin:
            process = subprocess.run([MAILSEALD, "-r", read, "--sessions", to, "--quiet"],
                                     stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                     check=False)
        if process.returncode != USAGE:
            out.append("-r %s --sessions %s: exit %d, %r" % (read, to, process.returncode,
                                                             process.stderr))
    if (case.pcap(), conf.read_bytes()) != before:
        out.append("what was read has changed")
    return out


def state_is_a_file(case):
    path = case.file("occupied", "mine")
    out = bad_path(case, "--state", path, str(path))
    return out + ([] if path.read_text() == "mine" else ["the file was overwritten"])


def told(option, pattern):
    process = run(option)
    out = crash(process)
    if process.returncode != DONE or process.stderr:
        out.append("exit %d, %r" % (process.returncode, process.stderr[:1000]))
    if not re.search(pattern, process.stdout.decode(errors="replace")):
        out.append("expected /%s/, got %r" % (pattern, process.stdout[:1000]))
    return out


def configuration(case, text, line, key):
    path = case.file("bad.yaml", text)
    where = re.escape(str(path)) + (r":%d: " % line if line else r":\d+: ")
    pattern = "^(mailseald: )?" + where + (r"\S*\b%s\b\S*: " % key if key else "") + "."
    out = refused(run("--check-config", "-c", path), USAGE, pattern)
    return out + usage(case, "-r", case.good, "-c", path, pattern=pattern)


def configuration_missing(case):
    path = case.dir / "missing.yaml"
    return usage(case, "-r", case.good, "-c", path, pattern=re.escape(str(path)))


def configuration_directory(case):
    return usage(case, "-r", case.good, "-c", case.dir, pattern=re.escape(str(case.dir)))


def cpu_missing(case):
    """Found when the processes have parted: still one line."""
    path = case.file("cpus.yaml", "capture: {cpus: [1023]}\n")
    return refused(run("-r", case.good, "-c", path, "--sessions", "-", "--quiet", "--state",
                       case.state), FAILED, "capture.cpus: CPU 1023: ") + sound_state(case.state)


def configuration_empty(case):
    """It is no mistake, but nothing can be captured with it, which is said with the key and the
    file to put it into."""
    path = case.file("empty.yaml", "# nothing\n")
    process = run("--check-config", "-c", path)
    out = [] if process.returncode == DONE else ["exit %d: %r" % (process.returncode,
                                                                  process.stderr)]
    if b"capture.interfaces is empty" not in process.stdout:
        out.append("%r" % process.stdout)
    return out + usage(case, "-c", path, pattern="capture.interfaces in " + re.escape(str(path)))


def good_run(case):
    records, complaints = sessions(case.good)
    return complaints + ([] if len(records) == 1 else ["%d sessions" % len(records)])


CAPTURES = (
    ("a good capture is read", good_run),
    ("a capture without packets is no error", no_packets),
    ("missing", lambda c: unusable(c, c.dir / "missing.pcap")),
    ("the second of two missing", one_of_two_missing),
    ("empty", lambda c: unusable(c, c.file("x.pcap", b""))),
    ("garbage", lambda c: unusable(c, c.file("x.pcap", b"\xa5garbage" * 500))),
    ("text", lambda c: unusable(c, c.file("x.pcap", "From: a@client.example\n" * 40))),
    ("a magic number and no more", lambda c: unusable(c, c.file("x.pcap", c.pcap()[:4]))),
    ("cut inside its header", lambda c: unusable(c, c.file("x.pcap", c.pcap()[:20]))),
    ("a link type that is not decoded", wrong_link_type),
    ("a directory", lambda c: unusable(c, c.dir)),
    ("unreadable", unreadable),
    ("garbage on standard input", standard_input),
    ("a name with control bytes", lambda c: unusable(c, c.dir / "a\x1b[31m\nb.pcap", "pcap")),
    ("a name with a control character of two bytes", lambda c: unusable(
        c, c.dir / "a\x9b31m.pcap", "pcap")),
    ("a name that is no text", lambda c: unusable(c, c.dir / "a\udcff.pcap", "pcap")),
    ("cut inside a packet", lambda c: broken_off(c, c.pcap()[:-20], 1)),
    ("cut inside a packet header", lambda c: broken_off(c, c.pcap()[:-60], 1)),
    ("a packet of two gigabytes", huge_packet),
    ("cut before any payload", lambda c: broken_off(c, c.pcap()[:24 + 16 + 30], 0)),
    ("a sessions file that cannot be made", lambda c: bad_path(
        c, "--sessions", c.dir / "no" / "file", str(c.dir / "no" / "file"))),
    ("sessions in place of what is read", writes_over),
    ("a state directory that is a file", state_is_a_file),
)
OPTIONS = (
    ("an unknown long option", lambda c: usage(c, "-r", c.good, "--nonsense", pattern="nonsense")),
    ("an unknown short option", lambda c: usage(c, "-r", c.good, "-Z", pattern="Z")),
    ("an option without its value", lambda c: usage(c, "-r")),
    ("a word without an option", lambda c: usage(c, "word", "-r", c.good, pattern="word")),
    ("-r and -i together", lambda c: usage(c, "-r", c.good, "-i", "lo")),
    ("neither -r nor -i", lambda c: usage(c)),
    ("an unknown mode", lambda c: usage(c, "-r", c.good, "--mode", "both", pattern="both")),
    ("two modes", lambda c: usage(c, "-r", c.good, "--mode", "any", "--mode", "ports",
                                  pattern="mode")),
    ("a filter that is none", lambda c: usage(c, "-r", c.good, "--filter", "tcp port and")),
    ("a filter with an unknown word", lambda c: usage(c, "-r", c.good, "--filter", "pear")),
    ("a configuration that is missing", configuration_missing),
    ("a configuration that is a directory", configuration_directory),
    ("a CPU that is not there", cpu_missing),
    ("an interface that is not there", lambda c: refused(
        run("-i", "nosuchif0", "--sessions", "-", "--quiet"), FAILED,
        'nosuchif0: .*; ("ip link"|to capture takes root)')),
)


def main():
    tap = Tap()

    def test(name, function, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            tap.run(name, function, Case(directory), *arguments)

    tap.result(MAILSEALD.exists(), "there is a sensor to test", MAILSEALD)
    for name, function in CAPTURES:
        test("capture: " + name, function)
    for name, function in OPTIONS:
        test("option: " + name, function)
    tap.run("--help", told, "--help", r"(?s)--sessions.*--mode")
    tap.run("--version", told, "--version", r"^mailseald \d+\.\d+")
    for name, *details in CONFIGURATIONS:
        test("configuration: " + name, configuration, *details)
    test("configuration: one that says nothing", configuration_empty)
    tap.finish()


if __name__ == "__main__":
    main()
