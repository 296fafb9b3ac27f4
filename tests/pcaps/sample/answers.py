"""The answer key: what the logs of the servers say about each connection.

Postfix writes one line when a client connects, one when TLS is up, and one at the end that
counts its commands ("starttls=0/1" is one of which none was accepted). Nothing here looks at the
capture.
"""
import json
import re
import subprocess

SMTPD = r" postfix/(?:(?:submission|smtps)/)?smtpd\[\d+\]: "
CLIENT = r"unknown\[([0-9a-f.:]+)\]:(\d+)"
CONNECT = re.compile(r" postfix/(?:(submission|smtps)/)?smtpd\[\d+\]: connect from "
                     + CLIENT + "$")
TLS = re.compile(SMTPD + r"\w+ TLS connection established from " + CLIENT
                 + r": (TLSv[\d.]+) with cipher (\S+)")
FAILED = re.compile(SMTPD + r"SSL_accept error from " + CLIENT)
END = re.compile(SMTPD + r"disconnect from " + CLIENT + r" (.*)$")
PORTS = {None: 25, "submission": 587, "smtps": 465}


def cipher_codes():
    """The code points of OpenSSL's cipher names."""
    text = subprocess.run(["openssl", "ciphers", "-V", "ALL:@SECLEVEL=0"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return {name: f"0x{high}{low}".lower() for high, low, name in
            re.findall(r"0x(..),0x(..) - (\S+)", text)}


class Connection:
    """What the log of a server says about one connection."""

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
    if c.service == "smtps":
        return dict.fromkeys(("starttls_offered", "starttls_requested", "starttls_accepted"))
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
            "cause": "not-requested" if offered else "not-offered"}


def judge(c, tls_mode):
    """The keys of the session record that the log can vouch for; the others are left out."""
    key = judge_upgrade(c, tls_mode)
    if c.tls:
        implicit = c.service == "smtps"
        key |= {"verdict": "encrypted-implicit" if implicit else "encrypted-starttls",
                "tls_version": c.tls[0], "tls_cipher": c.tls[1],
                "messages": None if implicit else 0}
    elif c.failed:
        key |= {"verdict": "tls-failed", "messages": 0}
    else:
        key |= judge_clear(c, key["starttls_offered"])
    return {"exposure": None, "confirmed": None, "cause": None} | key


def connections_of(log):
    """Every connection in a log, by address and port of the client."""
    found, out = {}, {}
    for line in log.splitlines():
        if (m := CONNECT.search(line)):
            found[m[2], m[3]] = Connection(m[1])
        elif (m := TLS.search(line)):
            found[m[1], m[2]].tls = (m[3], m[4])
        elif (m := FAILED.search(line)):
            found[m[1], m[2]].failed = True
        elif (m := END.search(line)):
            out[m[1], m[2]] = found.pop((m[1], m[2]))
            out[m[1], m[2]].counts = m[3]
    if found:
        raise RuntimeError(f"connections without an end: {list(found)}")
    return out


def sessions_of(server, peers, ciphers):
    """The sessions of one Postfix. peers: what an address counts as."""
    for (client, client_port), c in connections_of(server.log()).items():
        if client == "127.0.0.1":  # a message put into the queue
            continue
        if c.tls:
            c.tls = c.tls[0], ciphers[c.tls[1]]
        address = server.host.v6 if ":" in client else server.host.v4
        yield {"client": client, "client_port": int(client_port),
               "server": address, "server_port": PORTS[c.service],
               "client_peer": peers[client], "server_peer": peers[address],
               "protocol": "smtp", "service": "submission" if c.service else "mta",
               **judge(c, server.tls)}


def write(path, servers, peers):
    ciphers = cipher_codes()
    keys = [key for server in servers for key in sessions_of(server, peers, ciphers)]
    with open(path, "w", encoding="ascii") as f:
        for key in sorted(keys, key=lambda k: (k["server"], k["client"], k["client_port"])):
            f.write(json.dumps(key) + "\n")
    return keys
