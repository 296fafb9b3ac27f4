"""Exim (GnuTLS), as a server and as a client, from a package that is unpacked but not installed."""
import re
import shutil

import postfix_log
from daemon import Daemon
from namespaces import Failed

COMMON = """\
exim_user = Debian-exim
exim_group = Debian-exim
exim_path = {program}
spool_directory = {home}/spool
log_file_path = {home}/%slog
primary_hostname = {name}.lab.example
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
message_size_limit = 50M
never_users =
timeout_frozen_after = 1m
"""
# Each command of interest leaves a line with the state of TLS.
SEEN = ("logwrite = seen [$sender_host_address]:$sender_host_port %s version=$tls_in_ver "
        "cipher=$tls_in_cipher std=$tls_in_cipher_std sni=$tls_in_sni resumed=${if def:tls_in_resumption"
        "{${if bool{${eval:$tls_in_resumption & 2}}{yes}{no}}}{no}}")
SERVER = """\
local_interfaces = {interfaces}
daemon_smtp_ports = 25
tls_on_connect_ports = 465
log_selector = +all -arguments
tls_advertise_hosts = *
tls_verify_certificates = {keys}/ca.pem
tls_verify_hosts = ${{if eq{{$received_ip_address}}{{{demanding}}}{{*}}{{}}}}
tls_certificate = {keys}/server.pem
tls_privatekey = {keys}/exim.key
chunking_advertise_hosts = *
auth_advertise_hosts = *
acl_smtp_helo = helo
acl_smtp_starttls = starttls
acl_smtp_auth = auth
acl_smtp_mail = mail
acl_smtp_rcpt = accept
acl_smtp_data = data
acl_smtp_notquit = accept
smtp_accept_max = 100
begin acl
{acls}
begin routers
all:
  driver = redirect
  data = :blackhole:
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{reader}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
"""
CLIENT = """\
local_interfaces = 127.0.0.1
log_selector = +all -arguments
acl_not_smtp = accept
begin routers
lab:
  driver = manualroute
  transport = ${{lookup{{${{extract{{1}}{{.}}{{$domain}}}}}}lsearch{{{home}/transports}}}}
  route_data = ${{lookup{{${{extract{{2}}{{.}}{{$domain}}}}}}lsearch{{{home}/servers}}}}
begin transports
{transports}
begin retry
* * F,1h,1h
"""
SUITES = {"AES_256_GCM": "TLS_AES_256_GCM_SHA384", "AES_128_GCM": "TLS_AES_128_GCM_SHA256",
          "CHACHA20_POLY1305": "TLS_CHACHA20_POLY1305_SHA256"}
# How a message can be sent: the options of a transport of that name.
TRANSPORTS = {
    "may": {},
    "none": {"hosts_avoid_tls": "*"},
    "nonedata": {"hosts_avoid_tls": "*", "hosts_try_chunking": ""},
    "tls10": {"tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT"},
    "tls11": {"tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.1"},
    "tls12": {"tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
    "require12": {"tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                  "hosts_require_tls": "*"},
    "verify13": {"hosts_require_tls": "*", "tls_verify_hosts": "*",
                 "tls_verify_certificates": "{keys}/other-ca.pem"},
    "verify12": {"hosts_require_tls": "*", "tls_verify_hosts": "*",
                 "tls_verify_certificates": "{keys}/other-ca.pem",
                 "tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
    "verifytry": {"tls_verify_hosts": "*", "tls_verify_certificates": "{keys}/other-ca.pem",
                   "tls_require_ciphers": "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
    "certificate": {"tls_certificate": "{keys}/client.pem", "tls_privatekey": "{keys}/client.key"},
    "resume": {"tls_resumption_hosts": "*"},
}


class Exim(Daemon):
    """What the server and the client share."""

    def __init__(self, host, home, program, keys, text):
        super().__init__(host, home)
        self.program, self.conf = program, self.home / "exim.conf"
        self.log_file = self.home / "mainlog"
        self.conf.write_text((COMMON + text).format(
            home=home, name=self.home.name, keys=keys, program=program),
                             encoding="ascii")
        host.run("chown", "Debian-exim", home)

    def exim(self, *arguments):
        return self.host.command(self.program, "-C", self.conf, *arguments)


class Server(Exim):
    """Exim on ports 25, 465 and 587 of each address. One of them demands a client certificate."""

    def __init__(self, host, home, program, keys, addresses, demanding):
        self.addresses, self.ciphers = addresses, postfix_log.cipher_codes()
        acls = "accept:\n  accept\n" + "".join(
            f"{name}:\n  warn {SEEN % name}\n  accept\n"
            for name in ("helo", "starttls", "auth", "mail", "data")).replace(
                "{", "{{").replace("}", "}}")
        ends = [f"{a}.{p}" for a in addresses for p in (25, 465, 587)] + ["127.0.0.1.25"]
        super().__init__(host, home, program, keys, SERVER.replace("{acls}", acls).replace(
            "{demanding}", demanding).replace("{interfaces}", "<; " + " ; ".join(ends)))

    def command(self):
        return self.exim("-bdf", "-oP", self.home / "pid")

    def listens(self):
        return all(self.accepts(a, p) for a in self.addresses for p in (25, 465, 587))

    def sessions(self, client):
        """What the log says of the connections from an address, by port; None while open."""
        out = {}
        for port in re.findall(rf"SMTP connection from \[{re.escape(client)}\]:(\d+) .*"
                               r"\(TCP/IP connection count", self.log()):
            lines = [l for l in self.log().splitlines() if f"[{client}]:{port} " in l + " "]
            out[int(port)] = self._keys(lines)
        return out

    def _keys(self, lines):
        text = "\n".join(lines)
        if not re.search(r"closed by QUIT|connection lost|closed (?:after|by)|TLS error|D=\d|"
                         r"lost connection|dropped", text):
            return None
        implicit = re.search(r" I=\[[^]]*\]:465 ", text) is not None
        seen = re.findall(r" seen \S+ (\w+) version=(\S*) cipher=(\S*) std=(\S*) sni=(\S*) resumed=(\w+)",
                          text)
        secured = [s for s in seen if s[1]]
        keys = {"starttls_requested": None if implicit else any(s[0] == "starttls" for s in seen)}
        if secured:
            version, cipher, standard, sni, resumed = secured[0][1:]
            return keys | {
                "verdict": "encrypted-implicit" if implicit else "encrypted-starttls",
                "tls_version": version.replace("TLS1", "TLSv1"),
                "tls_cipher": self._code(version, cipher, standard), "sni": sni or None,
                "tls_resumed": resumed == "yes", "exposure": None}
        if "TLS error" in text:
            return keys | {"verdict": "tls-failed"}
        if any(s[0] in ("mail", "auth") for s in seen):
            messages = len(re.findall(r"^.* <= ", text, re.M))
            return keys | {"verdict": "plaintext", "messages": messages, "tls_version": None}
        return keys | {"verdict": "no-transaction", "tls_version": None}

    def _code(self, version, cipher, standard):
        """Exim 4.96 gives suites of TLS 1.3 names of TLS 1.2; its own name tells the cipher."""
        if version != "TLS1.3":
            return self.ciphers[standard]
        return next(self.ciphers[suite] for word, suite in SUITES.items() if word in cipher)


class Client(Exim):
    """Exim that sends to SOMEBODY@TRANSPORT.SERVER.lab over that transport to that server."""

    def __init__(self, host, home, program, keys, servers):
        transports = "".join(f"{name}:\n  driver = smtp\n  hosts_try_dane =\n" + "".join(
            f"  {key} = {value}\n" for key, value in options.items())
                             for name, options in TRANSPORTS.items())
        super().__init__(host, home, program, keys, CLIENT.replace("{transports}", transports))
        # What comes out of a lookup may name a transport; what comes out of an address may not.
        (self.home / "transports").write_text("".join(f"{n}: {n}\n" for n in TRANSPORTS),
                                              encoding="ascii")
        (self.home / "servers").write_text("".join(
            f"{name}: <;{address}\n" for name, address in servers.items()), encoding="ascii")

    def send(self, messages, fate="sent"):
        """Delivers messages, [(recipient, text)], now: several to one host in one connection.
        fate: sent, deferred or bounced."""
        for folder in ("db", "input", "msglog"):  # what it remembers of hosts and of messages
            shutil.rmtree(self.home / "spool" / folder, ignore_errors=True)
        how = "-odf" if len(messages) == 1 else "-odq"
        for recipient, text in messages:
            self.host.run(self.program, "-C", self.conf, how, "-f", "sender@client.example",
                          recipient, input=text)
        if len(messages) > 1:
            self.host.run(self.program, "-C", self.conf, "-qqff")
        for recipient, _ in messages:
            if self.fate(recipient) != fate:
                raise Failed(f"to {recipient}: {self.fate(recipient)}\n{self.log()[-2000:]}")

    def fate(self, recipient):
        """What became of a message: sent, deferred or bounced; None as long as nothing has."""
        found = re.findall(rf" (=>|->|==|\*\*) {re.escape(recipient)} ", self.log())
        return {"=>": "sent", "->": "sent", "==": "deferred", "**": "bounced"}[found[-1]] \
            if found else None
