"""Postfix instances with a configuration, a spool and a log of their own."""
import os
import re
import signal
import subprocess
from pathlib import Path

import postfix_log
from namespaces import Failed, run, wait_for

INJECT_PORT = 10025  # on the loopback of the host, so that it is on no wire
DAEMONS = """\
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
showq      unix  n - n - - showq
flush      unix  n - n 1000? 0 flush
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
discard    unix  - - n - - discard
error      unix  - - n - - error
retry      unix  - - n - - error
anvil      unix  - - n - 1 anvil
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
"""
BASICS = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
smtpd_peername_lookup = no
smtpd_client_port_logging = yes
smtpd_tls_loglevel = 1
smtpd_client_connection_rate_limit = 0
local_recipient_maps =
local_transport = discard:
alias_maps =
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_connection_cache_on_demand = no
smtp_balance_inet_protocols = no
"""


class Postfix:
    """One instance in a host (anything with command() and run()), below the folder home."""

    def __init__(self, host, home, main_cf, master_cf):
        self.host, self.home, self.process = host, Path(home), None
        self.conf, self.log_file = self.home / "conf", self.home / "log"
        for folder in (self.home, self.conf, self.home / "spool"):
            folder.mkdir(mode=0o755)
        (self.home / "data").mkdir(mode=0o700)
        run("chown", "postfix", self.home / "data")
        self.write("main.cf", BASICS.format(home=home) + main_cf)
        self.write("master.cf", master_cf + DAEMONS)

    def write(self, name, text):
        (self.conf / name).write_text(text, encoding="ascii")

    def start(self):
        with open(self.home / "output", "w", encoding="ascii") as output:
            # pylint: disable=R1732
            self.process = subprocess.Popen(
                self.host.command("postfix", "-c", str(self.conf), "start-fg"),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        wait_for(f"Postfix in {self.home.name}", self._started)

    def _started(self):
        if self.process.poll() is not None:
            raise Failed((self.home / "output").read_text("utf-8") + self.log())
        return "daemon started" in self.log()

    def stop(self):
        if self.process and self.process.poll() is None:
            # start-fg is a shell that waits for the master; the master ends its own children.
            os.kill(int((self.home / "spool/pid/master.pid").read_text("ascii")), signal.SIGTERM)
            self.process.wait(30)

    def log(self):
        try:
            return self.log_file.read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""


# As a server of the lab -------------------------------------------------------------------------

SERVER_CF = """\
myhostname = mx.lab.example
mydestination = lab.example
inet_protocols = {protocols}
inet_interfaces = {addresses}
mynetworks = 127.0.0.0/8, 198.18.0.0/15, [2001:db8::]/32
message_size_limit = 50000000
smtpd_tls_security_level = may
smtpd_tls_key_file = {keys}/server.key
smtpd_tls_cert_file = {keys}/server.pem
smtpd_tls_CAfile = {keys}/ca.pem
smtpd_tls_protocols = >=TLSv1
smtpd_tls_mandatory_protocols = >=TLSv1
smtpd_tls_ciphers = medium
tls_medium_cipherlist = ALL:!aNULL:@SECLEVEL=0
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth_port}
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard:
smtpd_recipient_restrictions = check_recipient_access inline:{{{{nobody@lab.example=REJECT}}}}
smtpd_error_sleep_time = 0
"""
PERMISSIVE = {"smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "no"}


class Server(Postfix):
    """Postfix on many addresses. listeners: {name: (address, port, tls, {parameter: value})};
    tls is smtpd_tls_security_level, or implicit."""

    def __init__(self, host, home, keys, listeners, auth_port, ipv6):
        self.listeners = listeners
        self.ciphers = postfix_log.cipher_codes()
        super().__init__(host, home, SERVER_CF.format(
            keys=keys, auth_port=auth_port, protocols="all" if ipv6 else "ipv4",
            addresses=", ".join(sorted({l[0] for l in listeners.values()} | {"127.0.0.1"}))),
                         "".join(map(self._listener, listeners)))

    def _listener(self, name):
        address, port, tls, parameters = self.listeners[name]
        more = {"syslog_name": f"postfix/{name}", **parameters}
        if tls == "implicit":
            more["smtpd_tls_wrappermode"] = "yes"
        else:
            more["smtpd_tls_security_level"] = tls
        ends = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return f"{ends} inet n - n - - smtpd\n" + "".join(
            f"    -o {{{key} = {value}}}\n" for key, value in more.items())

    def sessions(self, client):
        """What the log says of the connections from an address: keys of the session record, by
        port. None for one that is still open."""
        ended, still_open = postfix_log.read_log(self.log())
        out = {int(port): self._keys(c) for (address, port), c in ended.items()
               if address == client}
        return out | {int(port): None for address, port in still_open if address == client}

    def _keys(self, c):
        tls = self.listeners[c.service][2]
        if c.tls:
            c.tls = c.tls[0], self.ciphers[c.tls[1]]
        keys = postfix_log.judge(c, tls)
        if c.tls:
            keys["auth_cleartext"] = False
        elif c.tried("auth")[0]:
            keys |= {"verdict": "plaintext", "auth_cleartext": True, "confirmed": True}
            keys["exposure"] = "content" if c.tried("data")[1] else "credentials"
            keys["cause"] = "not-requested" if tls != "none" else "not-offered"
        if c.tried("bdat")[0] and not c.tls:  # Postfix counts chunks, not messages
            del keys["messages"], keys["exposure"]
        if c.tried("starttls")[0] and not c.tls:  # why it went on in clear, the log does not say
            keys.pop("cause", None)
        if c.tried("data")[0] > c.tried("data")[1]:  # how much of it came, the log does not say
            keys.pop("exposure", None)
        if c.tried("unknown")[0] or not re.search("[a-z]", c.counts.replace("commands", "")):
            keys = {}  # something that is not SMTP
        return keys


# As a client of the lab -------------------------------------------------------------------------

CLIENT_CF = """\
myhostname = client.lab.example
mydestination =
inet_protocols = {protocols}
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
message_size_limit = 50000000
default_destination_concurrency_failed_cohort_limit = 0
transport_maps = texthash:{home}/conf/transport
default_transport = discard:
smtp_tls_CAfile = {keys}/ca.pem
smtp_tls_ciphers = medium
smtp_tls_mandatory_ciphers = medium
smtp_tls_protocols = >=TLSv1
smtp_tls_mandatory_protocols = >=TLSv1
tls_medium_cipherlist = ALL:@SECLEVEL=0
smtp_tls_session_cache_database = btree:{home}/data/sessions
"""
# How a message can be sent: the parameters of a transport of that name.
TRANSPORTS = {
    "may": {},
    "none": {"smtp_tls_security_level": "none"},
    "tls10": {"smtp_tls_protocols": "TLSv1"},
    "impatient": {"smtp_tls_protocols": "TLSv1.2", "minimal_backoff_time": "1s"},
    "tls11": {"smtp_tls_protocols": "TLSv1.1"},
    "tls12": {"smtp_tls_protocols": "TLSv1.2"},
    "tls13": {"smtp_tls_protocols": "TLSv1.3"},
    "encrypt12": {"smtp_tls_security_level": "encrypt", "smtp_tls_mandatory_protocols": "TLSv1.2"},
    "verify12": {"smtp_tls_security_level": "verify", "smtp_tls_mandatory_protocols": "TLSv1.2",
                 "smtp_tls_CAfile": "{keys}/other-ca.pem"},
    "verify13": {"smtp_tls_security_level": "verify", "smtp_tls_mandatory_protocols": "TLSv1.3",
                 "smtp_tls_CAfile": "{keys}/other-ca.pem"},
    "certificate12": {"smtp_tls_protocols": "TLSv1.2", "smtp_tls_cert_file": "{keys}/client.pem",
                      "smtp_tls_key_file": "{keys}/client.key"},
    "certificate13": {"smtp_tls_protocols": "TLSv1.3", "smtp_tls_cert_file": "{keys}/client.pem",
                      "smtp_tls_key_file": "{keys}/client.key"},
    "cached": {"smtp_tls_security_level": "none", "smtp_connection_cache_destinations": "static:all",
               "smtp_connection_cache_time_limit": "5s"},
}
FATE = re.compile(r" to=<([^>]*)>, .* status=(\w+) ")


class Client(Postfix):
    """Postfix that sends to SOMEBODY@TRANSPORT.SERVER.lab over that transport to that server.
    servers: {name: address}."""

    def __init__(self, host, home, keys, servers, ipv6):
        master = f"127.0.0.1:{INJECT_PORT} inet n - n - - smtpd\n    -o syslog_name=inject\n"
        for name, parameters in TRANSPORTS.items():
            master += f"{name} unix - - n - - smtp\n    -o syslog_name=postfix/{name}\n" + "".join(
                f"    -o {{{key} = {value.format(keys=keys)}}}\n"
                for key, value in parameters.items())
        super().__init__(host, home, CLIENT_CF.format(
            home=home, keys=keys, protocols="all" if ipv6 else "ipv4"), master)
        self.write("transport", "".join(
            f"{transport}.{name}.lab {transport}:[{address}]\n"
            for name, address in servers.items() for transport in TRANSPORTS))

    def send(self, messages, fate="sent", keep=False):
        """Queues messages, [(recipient, text)], and waits until each was tried. fate: sent,
        deferred or bounced; what is deferred is deleted unless it is to be kept."""
        with self.host.connect("127.0.0.1", INJECT_PORT) as connection, \
                connection.makefile("rwb") as stream:
            talk(stream, None, b"EHLO localhost")
            for recipient, text in messages:
                talk(stream, b"MAIL FROM:<sender@client.example>",
                     b"RCPT TO:<%s>" % recipient.encode(), b"DATA",
                     text.encode().replace(b"\n", b"\r\n") + b"\r\n.")
            talk(stream, b"QUIT")
        wait_for("a delivery by Postfix", lambda: all(self.fate(to) for to, _ in messages))
        for to, _ in messages:
            if self.fate(to) != fate:
                raise Failed(f"to {to}: {self.fate(to)}\n{self.log()[-2000:]}")
        if fate == "deferred" and not keep:
            self.host.run("postsuper", "-c", self.conf, "-d", "ALL")

    def flush(self, recipient):
        """Tries what was deferred once more, until it is sent."""
        def sent():
            if self.fate(recipient) == "deferred":
                self.host.run("postqueue", "-c", self.conf, "-f")
            return self.fate(recipient) == "sent"
        wait_for("a message that was deferred", sent)

    def fate(self, recipient):
        """What became of a message: sent, deferred or bounced; None as long as nothing has."""
        return dict(FATE.findall(self.log())).get(recipient)


def talk(stream, *commands):
    """Says commands to an SMTP server and reads each reply; None says nothing."""
    for command in commands:
        if command is not None:
            stream.write(command + b"\r\n")
            stream.flush()
        while (line := stream.readline())[3:4] == b"-":
            pass
        if not line.startswith((b"2", b"3")):
            raise Failed(f"{(command or b'greeting')[:60]!r}: {line!r}")
