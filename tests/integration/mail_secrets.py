"""Mail that is full of secrets, the mail that follows it, and how to find what is left of them: grep.

A secret is a word of 24 random letters. It is looked for by its halves, in any file and in any memory,
as it is and as base64 makes it, so that a remainder is found as well.
"""
import base64
import os
import random
import re
import string
import subprocess
import sys
from pathlib import Path

from session_record import SRCDIR
from traffic import START, Ends

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import encapsulation  # noqa: E402
import talk as talks  # noqa: E402

HALF = 12
CLIENTS = ("192.0.2.%d", "2001:db8:77:1234:5678::%x")  # outside of all prefixes
SERVERS = {False: "198.51.100.40", True: "2001:db8:2::25"}

# Words in brackets are secrets, the same in one conversation for the same name; b64() is base64 of
# words with NUL bytes between them.
CONVERSATIONS = {
    "smtp": """\
S: 220 mx.example ESMTP
C: EHLO [helo]
S: 250-mx.example
S: 250 AUTH PLAIN LOGIN CRAM-MD5
C: MAIL FROM:<[from]@[domain].example> SIZE=400
S: 250 2.1.0 <[from]@[domain].example> Ok
C: RCPT TO:<[to]@mx.example>
S: 250 2.1.5 <[to]@mx.example> Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: From: [realname] <[from]@[domain].example>
C: Subject: [subject] and [subject2]
C:
C: [body] is what the body says
C: and its [lastline]
C: .
S: 250 2.0.0 Ok: queued as [queueid]
""",
    "smtp-bdat": """\
S: 220 mx.example ESMTP
C: EHLO [helo]
S: 250-mx.example
S: 250 CHUNKING
C: MAIL FROM:<[from]@client.example>
S: 250 2.1.0 Ok
C: RCPT TO:<[to]@mx.example>
S: 250 2.1.5 Ok
C: BDAT 50 LAST
C: Subject: [subject] [bdatbody]
C.raw: xyz
S: 250 2.0.0 Ok
""",
    "submission": """\
port: 587
S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example
S: 250 AUTH PLAIN LOGIN CRAM-MD5
C: AUTH PLAIN b64(,[login],[password])
S: 535 5.7.8 no [login] here
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: b64([login2])
S: 334 UGFzc3dvcmQ6
C: b64([password2])
S: 235 2.7.0 welcome [login2]
C: MAIL FROM:<[from]@client.example>
S: 250 2.1.0 Ok
""",
    "imap": """\
port: 143
S: * OK imap.example ready
C: a1 LOGIN "[login]" "[password]"
S: a1 OK [login] logged in
C: a2 FETCH 1 (BODY[HEADER.FIELDS (SUBJECT)])
S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {35}
S: Subject: [subject]
S: )
S: a2 OK done
C: a3 SEARCH FROM "[searched]"
S: * SEARCH 1
S: a3 OK done
""",
    "imap-literals": """\
port: 143
S: * OK imap.example ready
C: a1 LOGIN {24}
S: + go on
C: [login] {24}
S: + go on
C: [password]
S: a1 OK logged in
""",
    "imap-plain": """\
port: 143
S: * OK imap.example ready
C: a1 AUTHENTICATE PLAIN
S: +
C: b64(,[login],[password])
S: a1 OK logged in as [login]
C: a2 APPEND "[mailbox]" {40}
S: + go on
C: Subject: [subject]
C: Hi!
C:
S: a2 OK done
""",
    "pop3": """\
port: 110
S: +OK POP3 server ready
C: USER [login]
S: +OK [login] is welcome
C: PASS [password]
S: +OK maildrop has 1 message
C: RETR 1
S: +OK
S: Subject: [subject]
S:
S: [body]
S: .
""",
    "pop3-apop": """\
port: 110
S: +OK POP3 server ready <1896.697170952@pop.example>
C: APOP [login] c4c9334bac560ecc979e58001b3e22fb
S: +OK maildrop of [login]
""",
}


class Secrets:
    """All words that were made, and what to look for."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pieces = {}  # bytes: what it is part of
        self.addresses = {}

    def word(self, of):
        word = "".join(self.random.choice(string.ascii_lowercase) for _ in range(2 * HALF))
        self.look_for(word, of)
        return word

    def look_for(self, text, of):
        for half in (text[:HALF], text[-HALF:]):
            self.pieces[half.encode()] = of

    def base64(self, words):
        text = base64.b64encode("\0".join(words).encode()).decode()
        for at in range(0, len(text) - HALF + 1, HALF):
            self.pieces[text[at:at + HALF].encode()] = "base64 of " + text
        return text

    def conversation(self, name, number):
        """The text of a talk, with words of its own."""
        words = {}

        def word(match):
            key = match.group(1)
            if key not in words:
                words[key] = self.word(f"{key} of {name} {number}")
            return words[key]
        text = re.sub(r"\[([a-z0-9]+)\]", word, CONVERSATIONS[name])
        return re.sub(r"b64\(([^)]*)\)", lambda m: self.base64(m.group(1).split(",")), text)


# Packets -----------------------------------------------------------------------------------------

def straight(frames):
    return frames


def swapped(frames):
    """Every second packet with data comes before the one in front of it."""
    out = list(frames)
    for n in range(5, len(out) - 1, 3):
        out[n], out[n - 1] = out[n - 1], out[n]
    return out


def fragmented(frames):
    """In IP fragments, the last of them first."""
    out = []
    for n, frame in enumerate(frames):
        parts = encapsulation.fragments(frame[14:], n + 1, 40)
        out += [frame[:14] + part for part in reversed(parts)]
    return out


def late(frames):
    """The first words of the client come last: all that follows waits for them."""
    first = next(n for n, f in enumerate(frames) if n > 3 and len(f) > 80)
    return frames[:first] + frames[first + 1:] + [frames[first]]


SHAPES = {"straight": straight, "swapped": swapped, "fragmented": fragmented, "late": late}


class Mail:
    """Frames of conversations, one connection for each."""

    def __init__(self, folder, secrets):
        self.folder, self.secrets = Path(folder), secrets
        self.number = self.sessions = self.open = 0
        self.last_us = START * 10**6

    def talk(self, text):
        path = self.folder / "one.talk"
        path.write_text(text + "expect: verdict=plaintext\n", encoding="ascii")
        return talks.Talk(path)

    def add(self, name, shape, ipv6=False, port=None, whole=True, cut=None, client=None):
        """Frames of one connection. whole: it ends. cut: segments of so many bytes. client: an address
        that may be kept in full."""
        self.number += 1
        text = self.secrets.conversation(name, self.number)
        talk = self.talk(text + ("" if whole else "end: open\n"))
        steps = talk.steps if cut is None else [
            (kind, side, data[at:at + cut]) if kind == "data" else (kind, side, data)
            for kind, side, data in talk.steps
            for at in range(0, len(data) if kind == "data" else 1, cut)]
        self.sessions += 1
        self.open += 0 if whole else 1
        if not client:
            client = CLIENTS[ipv6] % self.number
            self.secrets.addresses[client.encode()] = f"client of {name} {self.number}"
        ends = Ends(client, 30000 + self.number, SERVERS[ipv6], port or talk.port)
        return SHAPES[shape]([ends.frame(p) for p in talk.packets(steps)])

    def secret(self):
        """Everything that has secrets. The first is an incident between signatories."""
        frames = self.add("smtp", "straight", client="198.51.100.5")
        for name in CONVERSATIONS:
            for shape in SHAPES:
                frames += self.add(name, shape)
            frames += self.add(name, "straight", ipv6=True)
            frames += self.add(name, "straight", port=4444)
            frames += self.add(name, "straight", whole=False)
            frames += self.add(name, "straight", cut=7)
            frames += self.add(name, "swapped", cut=50, whole=False)
        return frames

    def harmless(self, megabytes):
        """Mail without secrets of full segments, enough to pass through every buffer."""
        text = (SRCDIR / "tests" / "talks" / "smtp-plaintext.talk").read_text(encoding="ascii")
        packets = self.talk(text.replace("C: Hello\n", "C: <fill 14600>\n")).packets()
        frames, size = [], 0
        while size < megabytes * 10**6:
            ends = Ends("198.51.100.3", 1024 + len(frames) // len(packets), SERVERS[False], 25)
            self.sessions += 1
            frames += [ends.frame(p) for p in packets]
            size += sum(map(len, frames[-len(packets):]))
        return frames

    def times(self, frames):
        """(time in microseconds, frame), on from the last."""
        for frame in frames:
            self.last_us += 1000
            yield self.last_us, frame


# Images ------------------------------------------------------------------------------------------

PAGE = 4096
ZEROS = bytes(PAGE)


def regions(pid):
    """What a process has mapped and lets be read, but for the ring of the kernel: name, start, end."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        for line in maps:
            words = line.split()
            name = words[5] if len(words) > 5 else "anonymous"
            if "r" in words[1] and not name.startswith(("socket:", "[vvar", "[vsyscall")):
                yield (name, *(int(n, 16) for n in words[0].split("-")))


def image(pid, path):
    """Writes the memory of a process to a file, without pages of zeros. Returns where in the file each
    region begins."""
    places = []
    with open(f"/proc/{pid}/mem", "rb") as mem, open(path, "wb") as out:
        for name, low, high in regions(pid):
            places.append((out.tell(), name))
            for at in range(low, high, 256 * PAGE):
                mem.seek(at)
                try:
                    data = mem.read(min(high - at, 256 * PAGE))
                except OSError:
                    continue  # beyond the end of a file that is mapped
                out.writelines(data[n:n + PAGE] for n in range(0, len(data), PAGE)
                               if data[n:n + PAGE] != ZEROS[:len(data) - n])
    return places


def grep(words, *paths):
    """Where words stand in files: path, offset, word."""
    done = subprocess.run(
        ["grep", "-r", "-a", "-o", "-b", "-H", "-F", "-Z", "-f", "-", "--", *map(str, paths)],
        input=b"\n".join(words), capture_output=True, check=False,
        env={**os.environ, "LC_ALL": "C"})
    if done.returncode > 1:
        raise OSError(done.stderr.decode(errors="replace"))
    out = []
    for line in done.stdout.splitlines():
        path, _, rest = line.partition(b"\0")
        at, _, word = rest.partition(b":")
        out.append((path.decode(), int(at), word))
    return out
