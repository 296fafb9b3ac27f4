#!/usr/bin/env python3
"""Mail is known by what it says, whatever the port; what is not mail is let go; and what a tap
behind a decrypting appliance shows proves nothing when the operator says so.

Conversations are written as in tests/talks.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from session_record import MAILSEALD, SRCDIR, check
from tap import Tap

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import talk as talks  # noqa: E402

SMTP = """S: 220 mx.example ESMTP
C: EHLO client.example
S: 250 mx.example
C: MAIL FROM:<a@client.example>
S: 250 Ok
C: QUIT
S: 221 Bye
"""
IMAP = """S: * OK ready
C: a1 LOGIN alice secret
S: a1 OK welcome
C: a2 LOGOUT
S: * BYE
S: a2 OK
"""
POP3 = """S: +OK ready
C: USER alice
S: +OK
C: PASS secret
S: +OK
C: QUIT
S: +OK
"""
TLS = """C: <client-hello %s versions=1.2>
S: <server-hello version=1.2 cipher=0xc02f>
S: <certificate 600>
S: <server-hello-done>
C: <client-key-exchange>
C: <ccs>
C: <finished>
S: <ccs>
S: <finished>
C: <app 48>
S: <app 180>
"""
REDIS = "C: PING\nS: +PONG\n" * 3 + "C: AUTH secret\nS: +OK\n" + "C: PING\nS: +PONG\n" * 3
FTP = """S: 220 ftp.example FTP server
C: USER alice
S: 331 Password required
C: PASS secret
S: 230 Logged in
C: QUIT
S: 221 Goodbye
"""
NNTP = """S: 200 news.example ready
C: STARTTLS
S: 382 go
C: <client-hello sni=news.example versions=1.2>
S: <server-hello version=1.2 cipher=0xc02f>
C: <app 48>
"""
# Somebody else's AUTH, before anything that looks like mail.
REDIS_AUTH = "C: AUTH alice secret\nS: +OK\nC: PING\nS: +PONG\n"
NO_CODES = "C: AUTH alice secret\nS: yes\nC: DATA\nS: here it is\n"
IRC = "C: NICK alice\nC: STARTTLS\nS: :irc.example 670 alice :go\nC: <client-hello sni=irc.example>\n"
CLEAR_BEHIND_STARTTLS = """S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example
S: 250 STARTTLS
C: STARTTLS
S: 220 go
C: EHLO client.example
S: 250 mx.example
C: MAIL FROM:<a@client.example>
S: 250 Ok
C: DATA
S: 354 go
C: Hello
C: .
S: 250 Ok
C: QUIT
S: 221 Bye
"""
MIRROR = "capture:\n  decrypted_mirror: true\n"
HIDDEN = {"verdict": "indeterminate", "reason": "decrypted-mirror", "exposure": None}

# name, port, conversation, configuration, what is reported (None: nothing)
CASES = [
    ("SMTP on 8025", 8025, SMTP, "", {"protocol": "smtp", "service": "mta", "verdict": "plaintext"}),
    ("IMAP on 1143", 1143, IMAP, "", {"protocol": "imap", "service": "access", "verdict": "plaintext"}),
    ("POP3 on 1110", 1110, POP3, "", {"protocol": "pop3", "service": "access", "verdict": "plaintext"}),
    ("SMTP on the port of IMAP", 143, SMTP, "", {"protocol": "smtp", "service": "mta"}),
    ("IMAP on the port of SMTP", 25, IMAP, "", {"protocol": "imap", "service": "access"}),
    ("POP3 on the port of IMAP", 143, POP3, "", {"protocol": "pop3", "verdict": "plaintext"}),
    ("TLS to imap.example", 8993, TLS % "sni=imap.example", "",
     {"protocol": "imap", "service": "access", "verdict": "encrypted-implicit"}),
    ("TLS to pop3.example", 8995, TLS % "sni=pop3.example", "",
     {"protocol": "pop3", "service": "access", "verdict": "encrypted-implicit"}),
    ("TLS to smtp.example", 8465, TLS % "sni=smtp.example", "",
     {"protocol": "smtp", "service": "mta", "verdict": "encrypted-implicit"}),
    ("TLS with imap in its ALPN", 8993, TLS % "sni=mail.example alpn=imap", "",
     {"protocol": "imap", "alpn": "imap", "verdict": "encrypted-implicit"}),
    ("TLS to imap.example with h2 in its ALPN", 8443, TLS % "sni=imap.example alpn=h2", "", None),
    ("TLS to pop-culture.example", 8443, TLS % "sni=pop-culture.example", "", None),
    ("TLS to imap.example on 443", 443, TLS % "sni=imap.example alpn=imap", "", None),
    ("TLS to www.example", 8443, TLS % "sni=www.example", "", None),
    ("TLS to imaginary.example", 8443, TLS % "sni=imaginary.example", "", None),
    ("Redis", 6379, REDIS, "", None),
    ("Redis on the port of POP3", 110, REDIS, "", None),
    ("Redis that begins with AUTH on the port of POP3", 110, REDIS_AUTH, "", None),
    ("Redis on the port of SMTP", 25, REDIS_AUTH, "", None),
    ("text without codes on the port of SMTP", 25, NO_CODES, "", None),
    ("text without codes on the port of IMAP", 143, NO_CODES, "", None),
    ("FTP", 21, FTP, "", None),
    ("FTP on the port of IMAP", 143, FTP, "", None),
    ("NNTP with TLS", 119, NNTP, "", None),
    ("IRC with TLS", 6667, IRC, "", None),
    ("a mirror that decrypts", 25, CLEAR_BEHIND_STARTTLS, MIRROR, HIDDEN),
    ("the same, not known to decrypt", 25, CLEAR_BEHIND_STARTTLS, "",
     {"verdict": "plaintext", "cause": "handshake-failed", "exposure": "content"}),
    ("a mirror that decrypts port 993", 993, IMAP, MIRROR, HIDDEN),
    ("TLS that such a mirror leaves alone", 993, TLS % "sni=imap.example", MIRROR,
     {"verdict": "encrypted-implicit"}),
    ("clear text from the start on such a mirror", 143, IMAP, MIRROR, {"verdict": "plaintext"}),
    ("mail before STARTTLS on such a mirror", 25,
     SMTP.replace("C: QUIT\nS: 221 Bye\n", CLEAR_BEHIND_STARTTLS.split("\n", 1)[1]), MIRROR,
     {"verdict": "plaintext", "exposure": "envelope"}),
]


def run(folder, port, conversation, configuration):
    path, pcap, conf = (Path(folder) / name for name in ("x.talk", "x.pcap", "x.yaml"))
    path.write_text(conversation + "expect: verdict=any\nport: %d\n" % port, encoding="utf-8")
    with open(pcap, "wb") as file:
        talks.write(talks.Talk(path), file, "whole")
    conf.write_text("sensor: test\n" + configuration, encoding="utf-8")
    return subprocess.run([str(MAILSEALD), "-c", str(conf), "-r", str(pcap), "--sessions", "-"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=60)


def one(folder, port, conversation, configuration, expected):
    done = run(folder, port, conversation, configuration)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        return ["exit %d: %s" % (done.returncode, done.stderr)]
    if len(records) != (expected is not None):
        return ["%d sessions: %s" % (len(records), done.stdout)]
    if expected is None:
        return [] if re.search(r"\bnot_mail 1\b", done.stderr) else ["not let go: " + done.stderr]
    return ["%s: expected %s, got %s" % (k, v, records[0].get(k))
            for k, v in expected.items() if records[0].get(k) != v] + check(records[0])


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        for name, port, conversation, configuration, expected in CASES:
            tap.run(name, one, folder, port, conversation, configuration, expected)
    tap.finish()


if __name__ == "__main__":
    main()
