"""What the log of a Postfix server says about each connection.

Postfix writes one line when a client connects, one when TLS is up, and one at the end that
counts its commands ("starttls=0/1" is one of which none was accepted).
"""
import re
import subprocess

SMTPD = r" postfix/(?:[\w-]+/)?smtpd\[\d+\]: "
CLIENT = r"unknown\[([0-9a-f.:]+)\]:(\d+)"
CONNECT = re.compile(r" postfix/(?:([\w-]+)/)?smtpd\[\d+\]: connect from " + CLIENT + "$")
TLS = re.compile(SMTPD + r"\w+ TLS connection established from " + CLIENT
                 + r": (TLSv[\d.]+) with cipher (\S+)")
VERSIONS = {"TLSv1": "TLSv1.0"}
FAILED = re.compile(SMTPD + r"SSL_accept error from " + CLIENT)
END = re.compile(SMTPD + r"disconnect from " + CLIENT + r" (.*)$")


def cipher_codes():
    """The code points of OpenSSL's cipher names, and of IANA's."""
    text = subprocess.run(["openssl", "ciphers", "-V", "-stdname", "ALL:@SECLEVEL=0"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    codes = {}
    for high, low, standard, name in re.findall(r"0x(..),0x(..) - (\S+) +- (\S+)", text):
        codes[standard] = codes[name] = f"0x{high}{low}".lower()
    return codes


class Connection:
    """One connection; service is what the listener is called in the log."""

    def __init__(self, service):
        self.service, self.tls, self.failed, self.counts = service, None, False, ""

    def tried(self, word):
        """How often the client said a command, and how often it was accepted."""
        found = re.search(rf"\b{word}=(?:(\d+)/)?(\d+)", self.counts)
        if not found:
            return 0, 0
        return int(found[2]), int(found[1] if found[1] is not None else found[2])


def judge_upgrade(c, tls_mode):
    """STARTTLS: offered, requested, accepted. A handshake that fails counts as not accepted in
    Postfix's counts, although the server said yes before it began."""
    if tls_mode == "implicit":
        return dict.fromkeys(("starttls_offered", "starttls_requested", "starttls_accepted"))
    if not c.tried("ehlo")[1]:  # who does not ask is offered nothing
        return {"starttls_offered": None, "starttls_requested": c.tried("starttls")[0] > 0}
    said, granted = c.tried("starttls")
    key = {"starttls_offered": tls_mode != "none", "starttls_requested": said > 0}
    return key | {"starttls_accepted": granted > 0 or c.failed} if said else key


def judge_clear(c, offered):
    """A session without TLS."""
    said, envelopes = c.tried("mail")
    if not said:
        return {"verdict": "no-transaction", "messages": 0}
    bodies = c.tried("data")[1]
    return {"verdict": "plaintext", "messages": bodies, "confirmed": True,
            "exposure": "content" if bodies else "envelope" if envelopes else "refused",
            "cause": {None: "unknown", True: "not-requested", False: "not-offered"}[offered]}


def judge(c, tls_mode):
    """The keys of the session record that the log can vouch for; the others are left out.
    tls_mode: smtpd_tls_security_level, or implicit."""
    key = judge_upgrade(c, tls_mode)
    implicit = tls_mode == "implicit"
    if c.tls:
        key |= {"verdict": "encrypted-implicit" if implicit else "encrypted-starttls",
                "tls_version": c.tls[0], "tls_cipher": c.tls[1],
                "messages": None if implicit else 0}
    elif c.failed:
        key |= {"verdict": "tls-failed", "messages": None if implicit else 0}
    else:
        key |= judge_clear(c, key["starttls_offered"])
    return {"exposure": None, "confirmed": None, "cause": None} | key


def read_log(log):
    """The connections of a log by address and port of the client: those that have ended, and
    those that have not."""
    found, ended = {}, {}
    for line in log.splitlines():
        if (m := CONNECT.search(line)):
            found[m[2], m[3]] = Connection(m[1])
        elif (m := TLS.search(line)):
            found[m[1], m[2]].tls = VERSIONS.get(m[3], m[3]), m[4]
        elif (m := FAILED.search(line)):
            found[m[1], m[2]].failed = True
        elif (m := END.search(line)):
            ended[m[1], m[2]] = found.pop((m[1], m[2]))
            ended[m[1], m[2]].counts = m[3]
    return ended, found


def connections_of(log):
    """Every connection of a log in which all have ended."""
    ended, found = read_log(log)
    if found:
        raise RuntimeError(f"connections without an end: {list(found)}")
    return ended
