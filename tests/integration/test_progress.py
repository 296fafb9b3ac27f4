#!/usr/bin/env python3
"""The line that says how far it is: on a terminal, gone before anything else, nowhere else."""
import fcntl
import os
import re
import select
import struct
import subprocess
import tempfile
import termios
from pathlib import Path

from session_record import BUILDDIR, MAILSEALD, SRCDIR
from tap import Tap

SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"
MAILSEAL = BUILDDIR / "mailseal"
MAKE_STATE = BUILDDIR / "tests" / "integration" / "make_state"
ERASE = "\r\x1b[K"
PATIENCE_S = 60
ENV = dict(os.environ, LC_ALL="C", TERM="xterm")
ENV.pop("COLUMNS", None)


class Terminal:
    """A program with a terminal as standard error, and as standard output when asked for."""

    def __init__(self, *command, columns=80, together=False, stdin=subprocess.DEVNULL, env=None):
        self.fd, child = os.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*map(str, command)], stdin=stdin, stderr=child,
                                        stdout=child if together else self.file,
                                        env=dict(ENV, **(env or {})))
        os.close(child)
        self.raw = b""
        self.out = b""

    def read(self):
        """More of what is shown; False at the end."""
        if not select.select([self.fd], [], [], PATIENCE_S)[0]:
            raise AssertionError("nothing is shown any more: %r" % self.raw[-200:])
        try:
            more = os.read(self.fd, 65536)
        except OSError:  # closed at the other end
            more = b""
        self.raw += more
        return bool(more)

    def finish(self, give=None):
        try:
            if give is not None:
                self.process.stdin.write(give)
                self.process.stdin.close()
            while self.read():
                pass
            self.code = self.process.wait(PATIENCE_S)
            self.file.seek(0)
            self.out = self.file.read()
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.fd)
            self.file.close()
            if self.process.stdin:
                self.process.stdin.close()
        return self

    @property
    def text(self):
        return self.raw.decode("utf-8").replace("\r\n", "\n")

    def bars(self):
        """Every line that was drawn and erased."""
        return [t for t in re.findall(r"\r\x1b\[K([^\r\n]*)(?=\r)", self.text) if t]

    def screen(self):
        """What is left on it."""
        lines = []
        for line in self.text.split("\n"):
            at = line.rfind(ERASE)
            lines.append(line if at < 0 else line[at + len(ERASE):])
        return "\n".join(lines)


def plain(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, env=ENV, timeout=PATIENCE_S, **options)


def reading(*arguments, **options):
    return Terminal(MAILSEALD, "-r", *arguments, **options)


def same_as_plain(shown, *arguments, **options):
    """On the screen and on standard output is what there is without a terminal."""
    done = plain(MAILSEALD, "-r", *arguments, **options)
    bad = [] if shown.code == done.returncode else ["exit %d, not %d" % (shown.code, done.returncode)]
    bad += [] if shown.screen() == done.stderr.decode() else [repr(shown.screen()), repr(done.stderr)]
    return bad + ([] if shown.out == done.stdout else ["standard output differs"])


def it_reaches_the_end_and_is_erased(_):
    shown = reading(SAMPLE).finish()
    bars = shown.bars()
    bad = [] if len(bars) >= 2 else ["%r" % bars]
    bad += [] if re.fullmatch(r"\[#*-*\]  \d+ %  [\d.]+ k?B of 375 kB.*", bars[0]) else [bars[0]]
    bad += [] if re.fullmatch(r"\[#+\]  100 %  375 kB of 375 kB.*", bars[-1]) else [bars[-1]]
    bad += ["too wide: " + b for b in bars if len(b) >= 80]
    return bad + same_as_plain(shown, SAMPLE)


def sessions_are_not_touched(_):
    shown = reading(SAMPLE, "--sessions", "-").finish()
    return ([] if shown.bars() else ["no bar"]) + same_as_plain(shown, SAMPLE, "--sessions", "-")


def sessions_on_the_same_terminal_stand_alone(_):
    shown = reading(SAMPLE, "--sessions", "-", together=True).finish()
    bad = [] if shown.code == 0 and "\x1b" not in shown.text else ["a bar among the sessions"]
    return bad + ([] if shown.text.count('{"timestamp"') == 82 else ["sessions are missing"])


def several_files_are_one_piece_of_work(top):
    data = SAMPLE.read_bytes()
    for name in ("a.pcap", "b.pcap"):
        (top / name).write_bytes(data)
    shown = reading(top / "a.pcap", top / "b.pcap").finish()
    return [] if "100 %  750 kB of 750 kB" in shown.bars()[-1] else shown.bars()


def quiet_means_quiet(_):
    shown = reading(SAMPLE, "--quiet").finish()
    return [] if shown.code == 0 and shown.raw == b"" else [repr(shown.raw)]


def without_a_terminal_there_is_nothing(_):
    done = plain(MAILSEALD, "-r", SAMPLE)
    bad = [] if done.returncode == 0 and done.stderr.startswith(b"sessions 82") else [repr(done)]
    bad += ["control characters"] if re.search(rb"[\r\x1b]", done.stderr) else []
    shown = reading(SAMPLE, env={"TERM": "dumb"}).finish()
    return bad + ([] if "\x1b" not in shown.text else ["a bar on a terminal that cannot erase it"])


def standard_input_has_no_size(_):
    data = SAMPLE.read_bytes()
    shown = reading("-", stdin=subprocess.PIPE).finish(data)
    bars = shown.bars()
    bad = [] if bars and re.match(r"[\d.]+ (k )?packets", bars[-1]) else ["%r" % bars]
    bad += ["what is not known is told: " + b for b in bars if re.search("%|left|[0-9] ?k?B", b)]
    return bad + same_as_plain(shown, "-", input=data)


def a_fifo_among_files_has_no_size(top):
    os.mkfifo(top / "fifo")
    shown = reading(SAMPLE, top / "fifo")
    (top / "fifo").write_bytes(SAMPLE.read_bytes())
    bars = shown.finish().bars()
    return [] if bars and re.match(r"[\d.]+ (k )?packets", bars[-1]) else ["%r" % bars]


def who_feeds_slowly_sees_it_too(_):
    """It is there while the rest is waited for, and gone after the order to stop."""
    data = SAMPLE.read_bytes()
    shown = reading("-", stdin=subprocess.PIPE)
    shown.process.stdin.write(data[:len(data) // 2])
    shown.process.stdin.flush()
    while b"packets" not in shown.raw:
        if not shown.read():
            return ["it ended"]
    shown.process.terminate()
    shown.finish()
    bad = [] if shown.code == 0 else ["exit %d" % shown.code]
    return bad + ([] if shown.screen().startswith("sessions ") else [shown.screen()])


def a_log_line_stands_alone(top):
    cut = top / "cut.pcap"
    cut.write_bytes(SAMPLE.read_bytes()[:-10])
    shown = reading(cut).finish()
    bad = [] if re.search(r"\r\x1b\[Kmailseald: error event=capture-failed", shown.text) else [shown.text]
    return bad + same_as_plain(shown, cut)


def it_fits_the_terminal(_):
    bad = []
    for columns in (10, 20, 33, 60, 200):
        bars = reading(SAMPLE, columns=columns).finish().bars()
        bad += ["%d columns: %r" % (columns, b) for b in bars if len(b) >= columns]
        bad += [] if "100 %" in bars[-1] else ["%r" % bars]
    return bad


def blocks_where_the_locale_has_them(_):
    bar = reading(SAMPLE, env={"LC_ALL": "C.UTF-8"}).finish().bars()[-1]
    return [] if re.match("\\[\u2588+\\]  100 %", bar) and len(bar) < 80 else [bar]


def rebuild_has_the_same(top):
    state = top / "state"
    subprocess.run([str(MAKE_STATE), str(state)], check=True)
    shown = Terminal(MAILSEAL, "rebuild-rrd", "--state", state).finish()
    bad = [] if shown.code == 0 and shown.out == b"13 RRD files drawn from the ledger.\n" else [
        repr(shown.out)]
    bad += [] if re.match(r"\[#+\]  100 %  13 of 13 files", shown.bars()[-1]) else shown.bars()
    bad += [] if shown.screen() == "" else [shown.screen()]
    return bad + ([] if plain(MAILSEAL, "rebuild-rrd", "--state", state).stderr == b"" else ["no terminal"])


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mailseal-progress-") as name:
        for test in (it_reaches_the_end_and_is_erased, sessions_are_not_touched,
                     sessions_on_the_same_terminal_stand_alone, several_files_are_one_piece_of_work,
                     quiet_means_quiet, without_a_terminal_there_is_nothing,
                     standard_input_has_no_size, a_fifo_among_files_has_no_size,
                     who_feeds_slowly_sees_it_too, a_log_line_stands_alone, it_fits_the_terminal,
                     blocks_where_the_locale_has_them, rebuild_has_the_same):
            tap.run(test.__name__.replace("_", " "), test, Path(name))
    tap.finish()


if __name__ == "__main__":
    main()
