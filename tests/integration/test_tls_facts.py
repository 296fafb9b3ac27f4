#!/usr/bin/env python3
"""What the record tells of TLS, on the bytes of a real library.

Both ends are libssl in this process, so that nothing touches a network; what they say to each
other becomes a capture of implicit TLS on port 465, which the sensor reads confined. The names of
cipher suites are compared with those that libssl has for them.
"""
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from session_record import SRCDIR, check, sessions
from tap import Tap

sys.path.insert(0, str(SRCDIR / "tests" / "talks"))
import tlswire  # noqa: E402
import wire  # noqa: E402

NAME, PORT = "mx.example", 465
SUBJECT = "/O=Example/CN=" + NAME
V10, V12, V13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SHOWN = {"subject": "CN=mx.example,O=Example", "issuer": "CN=mx.example,O=Example",
         "name_matches": True, "self_signed": True}


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                          text=True).stdout


class Keys:
    """Certificates that signed themselves, and the parameters of a finite field."""

    def __init__(self, folder):
        self.files = {}
        for kind, how in (("rsa", ["rsa:2048"]),
                          ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
                          ("ed25519", ["ed25519"])):
            key, certificate = folder / (kind + ".key"), folder / (kind + ".pem")
            openssl("req", "-x509", "-newkey", *how, "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "3650", "-subj", SUBJECT,
                    "-addext", "subjectAltName=DNS:%s,DNS:*.mail.example" % NAME)
            self.files[kind] = (certificate, key)
        self.dh = folder / "dh.pem"
        openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048",
                "-out", self.dh)

    def times(self, kind):
        """Validity as the record writes it."""
        text = openssl("x509", "-in", self.files[kind][0], "-noout", "-dates",
                       "-dateopt", "iso_8601")
        return dict(zip(("not_before", "not_after"),
                        (t.replace(" ", "T") for t in re.findall(r"=(\S+ \S+Z)", text))))


class End:
    """One end of a connection in memory."""

    def __init__(self, context, **how):
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, **how)
        self.failed = None

    def step(self):
        try:
            self.tls.do_handshake()
            self.tls.read(4096)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.failed = error


def exchange(conversation, client, server):
    """Hands on what each end says, until both are silent."""
    quiet = 0
    ends = ((True, client, server), (False, server, client))
    while quiet < 2:
        for to_server, this, other in ends:
            if not this.failed:
                this.step()
            data = this.out.read()
            quiet = 0 if data else quiet + 1
            if data:
                other.into.write(data)
                conversation.data(to_server, data)


def context_of(server, version=V12, ciphers=None, alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if not server:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def server_of(keys, kind="rsa", **how):
    context = context_of(True, **how)
    context.load_cert_chain(*keys.files[kind])
    return context


def talk(client, server, name=NAME, session=None):
    """One connection, mail and all; returns its packets and both ends."""
    c = wire.Conversation()
    c.begin()
    how = {"session": session} if session else {}
    ends = (End(client, server_hostname=name, **how), End(server, server_side=True))
    exchange(c, *ends)
    if not ends[0].failed and not ends[1].failed:
        for end, to_server in ((ends[1], False), (ends[0], True), (ends[1], False)):
            end.tls.write(b"220 mx.example ESMTP and more of it\r\n")
            c.data(to_server, end.out.read())
    c.close()
    return c.packets, ends


def record_of(folder, packets):
    path = folder / "one.pcap"
    with open(path, "wb") as file:
        wire.Writer(file).connection(wire.Addresses(1, PORT, False), packets)
    records, complaints = sessions(path)
    if complaints or len(records) != 1:
        raise AssertionError("%d records; %s" % (len(records), complaints))
    return records[0]


def differences(record, expected):
    out = list(check(record))
    for key, value in expected.items():
        got = record[key]
        if isinstance(value, dict) and isinstance(got, dict):
            got = {k: got[k] for k in value}
        if got != value:
            out.append("%s: expected %r, got %r" % (key, value, record[key]))
    return out


def one(folder, client, server, expected, name=NAME):
    packets, _ = talk(client, server, name)
    return differences(record_of(folder, packets), expected)


def twice(folder, client, server, expected):
    """The second connection goes on from the first, which stays open: libssl forgets sessions that
    were not closed in order."""
    _, ends = talk(client, server)
    packets, _ = talk(client, server, session=ends[0].tls.session)
    return differences(record_of(folder, packets), {**expected, "tls_resumed": True,
                                                    "certificate": "not-observable"})


SEALED = {"verdict": "encrypted-implicit", "sni": NAME, "tls_alert": None}
NEW_12 = {**SEALED, "tls_version": "TLSv1.2", "tls_resumed": False}
NEW_13 = {**SEALED, "tls_version": "TLSv1.3", "tls_resumed": False,
          "certificate": "not-observable"}


def full_handshakes(tap, folder, keys):
    def run(name, expected, kind="rsa", curve=None, dh=None, alpn=None, sni=NAME, **how):
        client = context_of(False, alpn=alpn, **how)
        server = server_of(keys, kind, **how)
        if curve:
            server.set_ecdh_curve(curve)
        if dh:
            server.load_dh_params(dh)
        tap.run(name, one, folder, client, server, expected, sni)

    for kind in keys.files:
        shown = {**SHOWN, **keys.times(kind)}
        ciphers = None if kind == "rsa" else "ECDHE-ECDSA-AES128-GCM-SHA256"
        run("1.2, ECDHE, a certificate with %s" % kind,
            {**NEW_12, "certificate": shown, "tls_group": "x25519"}, kind, ciphers=ciphers)
    shown = {**NEW_12, "certificate": SHOWN}
    run("1.2, ECDHE on another curve", {**shown, "tls_group": "secp384r1"}, curve="secp384r1")
    run("1.2, RSA key exchange", {**shown, "tls_group": None, "tls_cipher": "0x003c",
                                  "tls_cipher_name": "TLS_RSA_WITH_AES_128_CBC_SHA256"},
        ciphers="AES128-SHA256")
    run("1.2, DHE", {**shown, "tls_group": None,
                     "tls_cipher_name": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
        ciphers="DHE-RSA-AES256-GCM-SHA384", dh=keys.dh)
    run("1.0", {**shown, "tls_version": "TLSv1.0", "tls_group": "x25519"},
        version=V10, ciphers="DEFAULT:@SECLEVEL=0")
    run("1.2, another name", {**shown, "sni": "mx.other.example",
                              "certificate": {**SHOWN, "name_matches": False}},
        sni="mx.other.example")
    run("1.2, a wildcard", {**shown, "sni": "mx1.mail.example", "certificate": SHOWN},
        sni="mx1.mail.example")
    run("1.2, no name", {**shown, "sni": None, "certificate": {**SHOWN, "name_matches": None}},
        sni=None)
    run("1.2, ALPN", {**shown, "alpn": "imap,pop3,x y"}, alpn=["imap", "pop3", "x y"])
    run("1.3", {**NEW_13, "tls_group": "x25519", "alpn": None}, version=V13)
    run("1.3, HelloRetryRequest", {**NEW_13, "tls_group": "secp521r1"}, version=V13,
        curve="secp521r1")


def resumed(tap, folder, keys):
    client, server = context_of(False), server_of(keys)
    expected = {**SEALED, "tls_version": "TLSv1.2", "tls_group": None}
    tap.run("1.2 resumed with a ticket", twice, folder, client, server, expected)
    client, server = context_of(False), server_of(keys)
    for context in (client, server):
        context.options |= ssl.OP_NO_TICKET
    tap.run("1.2 resumed by id", twice, folder, client, server, expected)
    client, server = context_of(False, V13), server_of(keys, version=V13)
    tap.run("1.3 resumed", twice, folder, client, server,
            {**SEALED, "tls_version": "TLSv1.3", "tls_group": "x25519"})


def refused(tap, folder, keys):
    failed = {"verdict": "tls-failed", "reason": "fatal-alert"}
    strict = context_of(False)
    strict.verify_mode = ssl.CERT_REQUIRED
    tap.run("1.2, the client knows no such authority", one, folder, strict, server_of(keys),
            {**failed, "tls_alert": "unknown_ca", "tls_resumed": False, "certificate": SHOWN})
    strict = context_of(False, V13)
    strict.verify_mode = ssl.CERT_REQUIRED
    tap.run("1.3, the client knows no such authority", one, folder, strict,
            server_of(keys, version=V13), {**failed, "tls_alert": "unknown_ca",
                                           "certificate": "not-observable"})
    tap.run("versions that do not meet", one, folder, context_of(False),
            server_of(keys, version=V13), {**failed, "tls_alert": "protocol_version",
                                           "certificate": None, "tls_resumed": None})
    tap.run("ciphers that do not meet", one, folder,
            context_of(False, ciphers="ECDHE-RSA-AES128-GCM-SHA256"),
            server_of(keys, ciphers="ECDHE-RSA-AES256-GCM-SHA384"),
            {**failed, "tls_alert": "handshake_failure", "certificate": None})


CAPTURES = (
    ("zeek__tls-telesec.pcap", {"tls_group": "secp256r1", "tls_resumed": False, "certificate": {
        "subject": "CN=imap.gmx.net,L=Montabaur,ST=Rhineland-Palatinate,O=1&1 Mail & Media GmbH,C=DE",
        "not_before": "2013-11-12T10:17:31Z", "not_after": "2016-11-17T23:59:59Z",
        "name_matches": None, "self_signed": False}}),
    ("zeek__imap-starttls.pcap", {"tls_group": "secp256r1", "certificate": {
        "not_before": "2013-11-12T10:17:31Z", "name_matches": None, "self_signed": False}}),
    ("ndpi__pop3_stls.pcap", {"tls_group": None, "tls_resumed": False, "certificate": {
        "subject": "CN=*.lavabit.com,OU=Domain Control Validated,O=*.lavabit.com",
        "name_matches": True, "self_signed": False}}),
    # The first certificate is whole, and bytes are missing behind it.
    ("ndpi__pops.pcapng", {"tls_group": None, "tls_resumed": None, "certificate": {
        "subject": "CN=pop.secureserver.net,OU=Domain Control Validated", "name_matches": True}}),
)


def captured(corpus, name, expected):
    records, complaints = sessions(corpus / name)
    if len(records) != 1:
        complaints.append("%d records" % len(records))
    return complaints + [d for r in records for d in differences(r, expected)]


def real_captures(tap):
    corpus = os.environ.get("MAILSEAL_CORPUS")
    for name, expected in CAPTURES:
        if corpus:
            tap.run(name, captured, Path(corpus), name, expected)
        else:
            tap.skip(name, "MAILSEAL_CORPUS is not set")


def hello(cipher, version):
    """As much of a handshake as names the suite."""
    c, tls = wire.Conversation(), tlswire.Tls()
    c.begin()
    c.data(True, tls.handshake([("client-hello", [], {})]))
    c.data(False, tls.handshake([("server-hello", [], {"version": version, "cipher": cipher})]))
    c.close()
    return c.packets


def cipher_names(folder):
    """libssl's names of everything that it can do are ours."""
    rows = re.findall(r"^ *0x(..),0x(..) - (\S+)", openssl(
        "ciphers", "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), re.M)
    wanted = {"0x%s%s" % (a.lower(), b.lower()): name for a, b, name in rows}
    path = folder / "ciphers.pcap"
    with open(path, "wb") as file:
        writer = wire.Writer(file)
        for n, code in enumerate(wanted):
            version = "1.3" if code.startswith("0x13") else "1.2"
            writer.connection(wire.Addresses(n, PORT, False), hello(code, version))
    records, complaints = sessions(path)
    got = {r["tls_cipher"]: r["tls_cipher_name"] for r in records}
    if len(wanted) < 50:
        complaints.append("libssl lists %d ciphers only" % len(wanted))
    return complaints + ["%s: expected %s, got %s" % (code, name, got.get(code))
                         for code, name in wanted.items() if got.get(code) != name]


def main():
    tap = Tap()
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not installed")
        return
    os.environ.pop("OPENSSL_CONF", None)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = Keys(folder)
        full_handshakes(tap, folder, keys)
        resumed(tap, folder, keys)
        refused(tap, folder, keys)
        tap.run("the names of ciphers", cipher_names, folder)
    real_captures(tap)
    tap.finish()


if __name__ == "__main__":
    main()
