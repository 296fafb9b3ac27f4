"""OpenSMTPD as a server, from a package that is unpacked but not installed.

Its paths are fixed: it finds folders of its own where the system has others. Debian 12 has 6.8.0p2, whose
process that keeps the private key does not work with OpenSSL 3: it grants STARTTLS, and then ends every
handshake in which it has to sign with an alert (OpenSMTPD issues 1171 and 1239). Such servers exist, so the
lab has one.
"""
import re

import postfix_log
from daemon import Daemon
from namespaces import run

CONF = """\
pki lab cert "{keys}/ec.pem"
pki lab key "{keys}/ec.key"
table users file:{home}/users
smtp max-message-size 50M
{listeners}
action "out" relay host smtp+notls://127.0.0.1:{sink}
match from any for any action "out"
match from any auth for any action "out"
"""
LISTENERS = """\
listen on {address} port 25 tls pki lab hostname smtpd.lab.example
listen on {address} port 465 smtps pki lab auth-optional <users> hostname smtpd.lab.example
listen on {address} port 587 tls pki lab auth-optional <users> hostname smtpd.lab.example
"""
FOLDERS = ("/var/spool", "/var/lib", "/run")
PREPARE = """\
mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty && chmod 711 /var/spool/smtpd &&
mkdir /var/spool/smtpd/offline && chown root:opensmtpq /var/spool/smtpd/offline &&
chmod 770 /var/spool/smtpd/offline && exec "$@"
"""


class Server(Daemon):
    """sink: the port on the loopback that takes every message."""

    def __init__(self, host, home, program, keys, addresses, sink):
        super().__init__(host, home)
        self.program, self.addresses = program, addresses
        self.log_file, self.ciphers = self.home / "output", postfix_log.cipher_codes()
        conf = self.home / "smtpd.conf"
        conf.write_text(CONF.format(keys=keys, home=home, sink=sink, listeners="".join(
            LISTENERS.format(address=a) for a in addresses)), encoding="ascii")
        secret = run("openssl", "passwd", "-6", "secret").strip()
        (self.home / "users").write_text(f"reader {secret}\n", encoding="ascii")

    def command(self):
        return self.host.command("sh", "-c", PREPARE, "sh", self.program, "-d", "-f",
                                 self.home / "smtpd.conf", empty=FOLDERS)

    def listens(self):
        return all(self.accepts(a, p) for a in self.addresses for p in (25, 465, 587))

    def sessions(self, client):
        """What the log says of the connections from an address, in their order: it has no ports.
        None for one that is still open."""
        out = {}
        for name in re.findall(rf"^(\w+) smtp connected address={re.escape(client)} ", self.log(),
                               re.M):
            out[f"#{len(out)}"] = self._keys("\n".join(re.findall(rf"^{name} .*$", self.log(), re.M)))
        return out

    def _keys(self, text):
        if " smtp disconnected " not in text:
            return None
        tls = re.search(r" smtp tls .*ciphers=(TLSv[\d.]+):([\w-]+)", text)
        if tls:
            return {"tls_version": tls[1], "tls_cipher": self.ciphers[tls[2]], "exposure": None,
                    "verdict": ("encrypted-implicit", "encrypted-starttls")}
        messages = len(re.findall(r" smtp message ", text))
        if messages:
            return {"verdict": "plaintext", "exposure": "content", "messages": messages}
        return {"verdict": "tls-failed"} if "SSL routines" in text else {}
