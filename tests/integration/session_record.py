"""The sensor as the tests use it: how to run it, and what a session record must look like."""
import base64
import hashlib
import ipaddress
import json
import os
import re
import struct
import subprocess
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAILSEALD = BUILDDIR / "mailseald"
# The program itself, where MAILSEALD starts it under a filter (tests/filtered/).
PROGRAM = BUILDDIR / "programs" / "mailseald"
if not PROGRAM.exists():
    PROGRAM = MAILSEALD

VERDICTS = ("encrypted-starttls", "encrypted-implicit", "plaintext", "tls-failed",
            "no-transaction", "indeterminate")
REASONS = ("handshake-completed", "mail-in-clear", "auth-in-clear", "content-in-clear",
           "fatal-alert", "not-tls", "handshake-unfinished", "closed-without-mail",
           "began-before-capture", "gap", "one-sided", "capture-ended", "timed-out", "evicted",
           "possible-encrypted-alert", "preauth-in-clear", "decrypted-mirror",
           "null-cipher")
EXPOSURES = ("refused", "unknown", "envelope", "credentials", "content")
CAUSES = ("not-offered", "not-requested", "refused", "handshake-failed", "suspected-stripping",
          "unknown")
ODDITIES = ("line-too-long", "bare-lf", "no-greeting", "bad-reply", "unsolicited-reply",
            "reply-mismatch", "too-many-commands", "bad-bdat", "clear-after-upgrade", "bad-tls",
            "overlap", "truncated", "unexpected-upgrade", "masked-greeting", "bad-literal")
FINDINGS = ("preauth-in-clear", "login-before-stls", "logindisabled-offered")
WORDS = ("HELO", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "body", "dot", "RSET", "AUTH",
         "QUIT", "command", "gap", "ClientHello", "ServerHello", "completed", "alert", "not-TLS",
         "masked", "injected", "+OK", "-ERR", "OK", "NO", "BAD", "PREAUTH", "BYE", "+",
         "CAPABILITY", "LOGIN", "AUTHENTICATE", "SELECT", "FETCH", "APPEND", "LOGOUT", "CAPA",
         "STLS", "USER", "PASS", "APOP", "RETR", "TOP", "literal")
EVIDENCE_MAX = 16
NO_LEAK_CHECK = "detect_leaks=0"  # LeakSanitizer cannot work in a confined process


def word_of(*words):
    return lambda v: v in words


def matching(pattern):
    expression = re.compile(pattern)
    return lambda v: isinstance(v, str) and expression.fullmatch(v) is not None


def number(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


def optional(check):
    return lambda v: v is None or check(v)


def address(v):
    try:
        return str(ipaddress.ip_address(v)) == v
    except ValueError:
        return False


def evidence(v):
    words = v.split() if isinstance(v, str) else [None]
    return len(words) <= EVIDENCE_MAX and all(
        w in WORDS or (w or "").isdigit() and 100 <= int(w) <= 999 for w in words)


def certificate(v):
    if not isinstance(v, dict):
        return v in (None, "not-observable", "unreadable")
    return list(v) == list(CERTIFICATE) and all(CERTIFICATE[k](v[k]) for k in v)


def downgrade(v):
    return v is None or bool(v) and all(k in DOWNGRADE and DOWNGRADE[k](v[k]) for k in v)


def text(v):
    return isinstance(v, str)


def words_of(*words):
    return lambda v: isinstance(v, list) and all(w in words for w in v)


boolean = word_of(True, False)
tri = word_of(True, False, None)
peer = matching(r"[a-z0-9-]{1,36}")
PORT = range(65536)
moment = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CERTIFICATE = {"subject": text, "issuer": text, "not_before": moment, "not_after": moment,
               "name_matches": tri, "self_signed": tri}
DOWNGRADE = {
    "offered_at": matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "without_offer": number,
    "tls_failed_at": matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")}
SCHEMA = {
    "timestamp": matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
    "sensor": lambda v: isinstance(v, str) and v != "",
    "duration": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v >= 0,
    "client": address, "client_port": lambda v: number(v) and v in PORT,
    "server": address, "server_port": lambda v: number(v) and v in PORT,
    "client_peer": peer, "server_peer": peer,
    "protocol": word_of("smtp", "imap", "pop3"),
    "service": word_of("mta", "submission", "access"),
    "verdict": word_of(*VERDICTS),
    "reason": word_of(*REASONS),
    "starttls_offered": tri, "starttls_requested": tri, "starttls_accepted": tri,
    "tls_version": optional(word_of("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    "tls_cipher": optional(matching(r"0x[0-9a-f]{4}")),
    "sni": optional(lambda v: isinstance(v, str) and v.isprintable()),
    "tls_cipher_name": optional(matching(r"TLS_[A-Za-z0-9_]+")),
    "alpn": optional(lambda v: isinstance(v, str) and v != ""),
    "tls_group": optional(matching(r"[A-Za-z][A-Za-z0-9]+|0x[0-9a-f]{4}")),
    "tls_resumed": tri,
    "tls_alert": optional(matching(r"[a-z_]+|\d{1,3}")),
    "certificate": certificate,
    "messages": optional(number),
    "auth_cleartext": tri,
    "stripped": optional(word_of("masked", "refused", "removed", "helo")),
    "injected": boolean, "fallback": boolean,
    "exposure": optional(word_of(*EXPOSURES)),
    "confirmed": tri,
    "directions": word_of("both", "to_server", "to_client"),
    "cause": optional(word_of(*CAUSES)),
    "evidence": evidence,
    "bytes_to_server": number, "bytes_to_client": number, "bytes_missing": number,
    "oddities": words_of(*ODDITIES), "findings": words_of(*FINDINGS),
    "counted": matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z"),
    "interface": lambda v: isinstance(v, str) and v != "",
    "vlan": optional(lambda v: number(v) and v < 4096),
    "community_id": matching(r"1:[A-Za-z0-9+/]{27}="),
    "downgrade": downgrade,
    "excepted": boolean,
}


def community_id(record):
    """Community ID 1.0 with seed 0 of a TCP connection."""
    ends = sorted((ipaddress.ip_address(record[e]).packed, record[e + "_port"])
                  for e in ("client", "server"))
    data = struct.pack("!H", 0) + ends[0][0] + ends[1][0] + b"\6\0"
    data += struct.pack("!HH", ends[0][1], ends[1][1])
    return "1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()


def contradictions(record):
    """What two keys of one record may not say together."""
    plaintext = record["verdict"] == "plaintext"
    for key in ("exposure", "cause"):
        if (record[key] is not None) != plaintext:
            yield "%s=%s with verdict=%s" % (key, record[key], record["verdict"])
    if record["confirmed"] is not None and not plaintext:
        yield "confirmed=%s with verdict=%s" % (record["confirmed"], record["verdict"])
    if record["starttls_accepted"] is not None and record["starttls_requested"] is False:
        yield "starttls_accepted without starttls_requested"
    if record["tls_cipher_name"] and not record["tls_cipher"]:
        yield "tls_cipher_name without tls_cipher"
    if isinstance(record["certificate"], dict) and record["tls_version"] == "TLSv1.3":
        yield "a certificate in TLS 1.3"
    before = record["downgrade"] or {}
    if ("offered_at" in before) != (record["stripped"] in ("removed", "helo")):
        yield "stripped=%s with downgrade=%s" % (record["stripped"], before)
    if ("tls_failed_at" in before) != record["fallback"]:
        yield "fallback=%s with downgrade=%s" % (record["fallback"], before)
    if record["community_id"] != community_id(record):
        yield "community_id=%s, not %s" % (record["community_id"], community_id(record))


def check(record):
    """Complaints about one record: keys, types, words, contradictions."""
    if not isinstance(record, dict):
        return ["not an object"]
    out = ["key %s is missing" % k for k in SCHEMA if k not in record]
    out += ["key %s is not in the contract" % k for k in record if k not in SCHEMA]
    out += ["%s=%s is not allowed" % (k, json.dumps(v)) for k, v in record.items()
            if k in SCHEMA and not SCHEMA[k](v)]
    return out or list(contradictions(record))


def run(*arguments, **options):
    """Runs the sensor; returns the finished process with its output as bytes."""
    settings = {"stdin": subprocess.DEVNULL, "timeout": 540, "check": False,
                "env": {"ASAN_OPTIONS": NO_LEAK_CHECK, **os.environ}, **options}
    return subprocess.run([str(MAILSEALD)] + [str(a) for a in arguments], capture_output=True,
                          **settings)


def sessions(*captures):
    """The session records of captures, and complaints about the run itself."""
    arguments = ["--sessions", "-", "--quiet"]
    for capture in captures:
        arguments += ["-r", capture]
    process = run(*arguments)
    complaints = []
    if process.returncode != 0 or process.stderr:
        complaints.append("mailseald: exit %d: %s" % (
            process.returncode, process.stderr.decode(errors="replace")[:2000]))
    records = []
    for line in process.stdout.splitlines():
        try:
            records.append(json.loads(line))
        except ValueError as error:
            complaints.append("not JSON: %r: %s" % (line[:200], error))
    return records, complaints
