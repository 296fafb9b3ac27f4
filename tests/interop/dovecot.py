"""Dovecot: IMAP and POP3 on several addresses, and who may log in to the submission servers."""
import re

import postfix_log
from daemon import Daemon

CONF = """\
base_dir = {home}/run
state_dir = {home}/run
instance_name = lab
log_path = {home}/log
protocols = imap pop3
listen = {addresses}
ssl = yes
ssl_cert = <{keys}/server.pem
ssl_key = <{keys}/server.key
ssl_ca = <{keys}/ca.pem
ssl_min_protocol = TLSv1
ssl_cipher_list = ALL:!aNULL:@SECLEVEL=0
verbose_ssl = yes
auth_mechanisms = plain login cram-md5 apop
disable_plaintext_auth = yes
auth_failure_delay = 0
login_log_format_elements = rip=%r rport=%b lport=%a user=<%u> method=%m %c <%k>
mail_location = mbox:{home}/mail:INBOX={home}/inbox
mail_access_groups = lab
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=plain {home}/users
}}
userdb {{
  driver = static
  args = uid=lab gid=lab home={home}/mail
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth_port}
  }}
}}
service imap-login {{
  inet_listener imap-odd {{
    port = 1143
  }}
}}
service anvil {{
  client_limit = 1000
}}
{locals}
"""
# How an address differs from the others.
LOCAL = {
    "clear": "disable_plaintext_auth = no",
    "certificate": "ssl_verify_client_cert = yes\n  ssl_require_crl = no",
}
LINE = re.compile(r" (imap|pop3)-login: (?:Info|Warning|Error): (.*?)\brip=(\S+?),? rport=(\d+),? "
                  r"lport=(\d+),? user=<([^>]*)>(?:,? method=([\w-]*))?,? ?(.*)$")


class Server(Daemon):
    """listeners: {address: None or a name of LOCAL}."""

    def __init__(self, host, home, keys, listeners, auth_port, big):
        super().__init__(host, home)
        self.listeners, self.ciphers = listeners, postfix_log.cipher_codes()
        blocks = "".join(f"local {address} {{\n  {LOCAL[kind].format(keys=keys)}\n}}\n"
                         for address, kind in listeners.items() if kind)
        (self.home / "dovecot.conf").write_text(CONF.format(
            home=home, keys=keys, addresses=", ".join(listeners), auth_port=auth_port,
            locals=blocks), encoding="ascii")
        (self.home / "users").write_text("reader:secret::::::\n", encoding="ascii")
        mail = self.home / "mail"
        mail.mkdir()
        self._write_mailbox(self.home / "inbox", big)
        host.run("chown", "-R", "lab:lab", self.home)

    @staticmethod
    def _write_mailbox(path, big):
        """A short message and a long one."""
        with open(path, "w", encoding="ascii") as f:
            for subject, body in (("short", "Nobody wrote this.\n"), ("long", big)):
                f.write("From sender@client.example Thu Jan  1 00:00:00 2026\n"
                        f"From: sender@client.example\nSubject: {subject}\n\n{body}\n")

    def command(self):
        return self.host.command("dovecot", "-F", "-c", self.home / "dovecot.conf")

    def listens(self):
        return all(self.accepts(a, p) for a in self.listeners for p in (143, 993, 110, 995))

    def sessions(self, client):
        """What the log says of the connections from an address, by port."""
        out = {}
        for line in self.log().splitlines():
            if (m := LINE.search(line)) and m[3] == client:
                out[int(m[4])] = self._keys(m)
        return out

    def _keys(self, m):
        tls = re.search(r"(TLSv[\d.]+) with cipher (\S+)", m[8])
        implicit = int(m[5]) in (993, 995)
        keys = {"protocol": m[1], "service": "access"}
        if tls:
            return keys | {
                "verdict": "encrypted-implicit" if implicit else "encrypted-starttls",
                "tls_version": postfix_log.VERSIONS.get(tls[1], tls[1]),
                "tls_cipher": self.ciphers[tls[2]], "exposure": None}
        if m[2].startswith("Login"):
            return keys | {"verdict": "plaintext", "auth_cleartext": True, "confirmed": True,
                           "tls_version": None, "exposure": ("credentials", "content")}
        if "SSL_accept" in m[2] or "TLS handshaking" in m[8]:
            return keys | {"verdict": "tls-failed"}
        if "no auth attempts" in m[2] and "invalid commands" not in m[2]:
            return keys | {"verdict": "no-transaction"}
        return keys
