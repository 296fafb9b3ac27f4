"""The lab: clients, servers, and the path between them on which the sensor listens.

    clients ------- path ------- servers
     198.18.1.N      |            198.19.0.N
     2001:db8:1::N   mailseald    2001:db8:2::N
                     stripping proxy

Every scenario has a client address of its own, by which its sessions are known in the logs of the
servers and in the records of the sensors. The servers live as long as the lab.
"""
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dovecot
import exim
import opensmtpd
import postfix
from clients import Clients
from namespaces import Failed, Namespace, end_process, join, run, wait_for

HERE = Path(__file__).resolve().parent
UNPACKED = Path(os.environ.get("MAILSEAL_LAB", "/var/cache/mailseal-lab"))
PROGRAMS = ("ip", "unshare", "ethtool", "tcpdump", "openssl", "postfix", "dovecot", "swaks",
            "msmtp", "curl", "fetchmail", "mbsync", "gnutls-cli")
EXIM, OPENSMTPD = UNPACKED / "usr/sbin/exim4", UNPACKED / "usr/sbin/smtpd"
WIRE = "clients"  # the end of the clients' wire on the path
AUTH_PORT = 12345
PROXY = "198.19.255.1"

V4, V6 = "198.19.0.%d", "2001:db8:2::%d"
# name: (last part of the address, who serves there)
SERVERS = {
    "mx": (25, "postfix"), "exim": (26, "exim"), "opensmtpd": (27, "opensmtpd"),
    "plain": (30, "postfix"),         # has no TLS
    "strict": (31, "postfix"),        # wants TLS
    "broken": (32, "postfix"),        # has lost its key: 454
    "modern": (33, "postfix"),        # TLS 1.3 only
    "asking": (34, "postfix"),        # asks for a client certificate
    "demanding": (28, "exim"),        # wants one
    "mx2": (36, "postfix"), "mx3": (37, "postfix"),  # like mx; the proxy is often in front of them
    "mail": (143, "dovecot"),         # no login in clear
    "clear": (144, "dovecot"),        # takes a login in clear
    "clear2": (146, "dovecot"),       # the same
    "certificate": (145, "dovecot"),  # wants a client certificate
    "web": (80, "http"),
}
USERS = {"Debian-exim": 64901, "opensmtpd": 64902, "opensmtpq": 64903, "lab": 64904}
IPV6_NAMES = {"mx", "exim", "opensmtpd", "mail", "clear"}


def address(name, version=4):
    return (V4 if version == 4 else V6) % SERVERS[name][0]


def long_text(size):
    """A made-up message body of so many bytes."""
    line = "Nobody wrote this to anybody, and it goes on and on and on and on.\n"
    return (line * (size // len(line) + 1))[:size - 1] + "\n"


def missing():
    """What must be there and is not."""
    have = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    out = [p for p in PROGRAMS if subprocess.run(["sh", "-c", f"command -v {p}"], env=have,
                                                 stdout=subprocess.DEVNULL, check=False).returncode]
    return out + [str(p) for p in (EXIM, OPENSMTPD) if not p.exists()]


class Lab:
    """top: an empty folder that everybody may enter."""

    def __init__(self, top):
        self.top, self.keys, self.etc = Path(top), Path(top) / "keys", Path(top) / "etc"
        self.clients, self.path, self.servers = self.hosts = [
            Namespace(f"mailseal-lab-{os.getpid()}-{name}", self.etc)
            for name in ("clients", "path", "servers")]
        self.processes, self.running, self.number, self.v4, self.v6 = [], [], 0, None, None
        self.ipv6 = Path("/proc/sys/net/ipv6").exists()

    # Beginning and end ------------------------------------------------------------------------

    def open_network(self):
        """Namespaces, wires, addresses. Fails where these cannot be made."""
        self._write_etc()
        for host in self.hosts:
            host.open()
        join(self.clients, "wire0", self.path, WIRE)
        join(self.servers, "wire0", self.path, "servers")
        for host in self.hosts:
            if self.ipv6:
                host.set("net/ipv6/conf/all/accept_dad", 0)
                host.set("net/ipv6/conf/default/accept_dad", 0)
        for name in ("all", "default", WIRE, "servers"):
            self.path.set(f"net/ipv4/conf/{name}/rp_filter", 0)
        self.path.set("net/ipv4/ip_forward", 1)
        self._ip(self.clients, "addr add 198.18.0.2/16 dev wire0",
                 "route add 198.19.0.0/16 via 198.18.0.1")
        self._ip(self.path, f"addr add 198.18.0.1/16 dev {WIRE}", f"addr add {PROXY}/16 dev servers",
                 "route add local 198.19.0.0/16 dev lo table 100")
        self._ip(self.servers, f"route add 198.18.0.0/16 via {PROXY}",
                 before=["addr add 198.19.0.1/16 dev wire0"] +
                 [f"addr add {address(name)}/16 dev wire0" for name in SERVERS])
        if self.ipv6:
            self._open_ipv6()

    def _open_ipv6(self):
        self.path.set("net/ipv6/conf/all/forwarding", 1)
        self._ip(self.clients, "-6 addr add 2001:db8:1::ffff/64 dev wire0 nodad",
                 "-6 route add 2001:db8:2::/64 via 2001:db8:1::fffe")
        self._ip(self.path, f"-6 addr add 2001:db8:1::fffe/64 dev {WIRE} nodad",
                 "-6 addr add 2001:db8:2::fffe/64 dev servers nodad")
        self._ip(self.servers, "-6 route add 2001:db8:1::/64 via 2001:db8:2::fffe",
                 before=[f"-6 addr add {address(n, 6)}/64 dev wire0 nodad" for n in SERVERS])

    @staticmethod
    def _ip(host, *commands, before=()):
        for command in (*before, *commands):
            host.ip(*command.split())

    def _write_etc(self):
        """The names of the lab, and users for servers that are not installed."""
        self.etc.mkdir()
        names = "127.0.0.1 localhost\n"
        for name in SERVERS:
            names += f"{address(name)} {name}.lab.example\n"
            if name in IPV6_NAMES and self.ipv6:
                names += f"{address(name, 6)} {name}6.lab.example\n"
        users, groups = (Path(f"/etc/{f}").read_text("utf-8") for f in ("passwd", "group"))
        for user, number in USERS.items():
            if f"\n{user}:" not in users:
                users += f"{user}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
                groups += f"{user}:x:{number}:\n"
        for name, text in (("hosts", names), ("passwd", users), ("group", groups),
                           ("resolv.conf", "nameserver 127.0.0.1\n")):
            (self.etc / name).write_text(text, encoding="utf-8")

    def start_servers(self):
        make_keys(self.keys)
        listeners = {name: (address(name), 25, *_listener(name)) for name, (_, who) in
                     SERVERS.items() if who == "postfix"}
        listeners |= {
            "submission": (address("mx"), 587, "may", postfix.PERMISSIVE),
            "submissions": (address("mx"), 465, "implicit", postfix.PERMISSIVE),
            "odd": (address("mx"), 8025, "may", {}),
            "strict-submission": (address("strict"), 587, "encrypt", {
                "smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "yes"}),
            "sink": ("127.0.0.1", 10026, "none", {}),  # takes what OpenSMTPD has accepted
        }
        if self.ipv6:
            listeners["mx6"] = (address("mx", 6), 25, "may", {})
        self.postfix = postfix.Server(self.servers, self.top / "postfix", self.keys, listeners,
                                      AUTH_PORT, self.ipv6)
        self.exim = exim.Server(self.servers, self.top / "exim", EXIM, self.keys,
                                self._addresses("exim") + [address("demanding")],
                                address("demanding"))
        self.opensmtpd = opensmtpd.Server(self.servers, self.top / "opensmtpd", OPENSMTPD,
                                          self.keys, self._addresses("opensmtpd"), 10026)
        self.dovecot = dovecot.Server(
            self.servers, self.top / "dovecot", self.keys,
            {a: kind for name, kind in (("mail", None), ("clear", "clear"), ("clear2", "clear"),
                                        ("certificate", "certificate"))
             for a in self._addresses(name)}, AUTH_PORT, long_text(2_000_000))
        self.witnesses = {"postfix": self.postfix, "exim": self.exim,
                          "opensmtpd": self.opensmtpd, "dovecot": self.dovecot}
        self._start(*self.witnesses.values())
        self.serve("-m", "http.server", "--bind", address("web"), "25", where=self.servers)

    def start_clients(self):
        destinations = {name: address(name) for name in SERVERS}
        if self.ipv6:
            destinations |= {f"{name}6": address(name, 6) for name in IPV6_NAMES}
        self.postfix_client = postfix.Client(self.clients, self.top / "postfix-client", self.keys,
                                             destinations, self.ipv6)
        self.exim_client = exim.Client(self.clients, self.top / "exim-client", EXIM, self.keys,
                                       destinations)
        self._start(self.postfix_client)
        self.use = Clients(self.clients, self.keys, self.top / "clients")

    def _start(self, *servers):
        for server in servers:
            self.running.append(server)
            server.start()

    def _addresses(self, name):
        return [address(name)] + [address(name, 6)] * (self.ipv6 and name in IPV6_NAMES)

    def serve(self, *words, where):
        """A Python program that lives as long as the lab or until end_process()."""
        # pylint: disable=R1732
        process = subprocess.Popen(where.command(sys.executable, *words), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   cwd=self.keys)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            end_process(process)
        for server in reversed(self.running):
            with contextlib.suppress(Failed, OSError, subprocess.TimeoutExpired):
                server.stop()
        for host in self.hosts:
            host.close()

    # During a scenario ------------------------------------------------------------------------

    def become(self, number):
        """From now on the clients have the addresses of this scenario."""
        self.number, self.v4, self.v6 = number, f"198.18.1.{number}", f"2001:db8:1::{number:x}"
        self._ip(self.clients, f"addr add {self.v4}/16 dev wire0",
                 f"route replace 198.19.0.0/16 via 198.18.0.1 src {self.v4}")
        if self.ipv6:
            self._ip(self.clients, f"-6 addr add {self.v6}/64 dev wire0 nodad",
                     f"-6 route replace 2001:db8:2::/64 via 2001:db8:1::fffe src {self.v6}")

    def mails(self, how, server, count=1, text=None):
        """Messages for an MTA that sends: how names the transport, server the destination."""
        return [(f"s{self.number}-{n}@{how}.{server}.lab", text or
                 "Subject: lab\n\nNobody wrote this to anybody.\n") for n in range(count)]

    @contextlib.contextmanager
    def stripped(self, way, *ports):
        """The proxy stands in the way of this scenario's clients."""
        rule = ("iif", WIRE, "from", self.v4, "lookup", "100")
        process = self.serve(HERE / "stripping_proxy.py", way, "proxy.pem", "proxy.key", PROXY,
                             *map(str, ports), where=self.path)
        if process.stdout.readline().strip() != "listening":
            raise Failed("the proxy does not start")
        self.path.ip("rule", "add", *rule)
        try:
            yield
        finally:
            self.path.ip("rule", "del", *rule)
            end_process(process)

    @contextlib.contextmanager
    def preauth(self, port):
        """Dovecot's IMAP process without its login process, for which whoever connects has logged in
        already."""
        process = self.serve(HERE / "preauth_server.py", address("web"), port, "lab",
                             "/usr/lib/dovecot/imap", "-c", self.top / "dovecot/dovecot.conf",
                             where=self.servers)
        if process.stdout.readline().strip() != "listening":
            raise Failed("the server without login does not start")
        try:
            yield
        finally:
            end_process(process)

    def heard(self, *clients):
        """What the servers say of the sessions of some addresses: {(who, address, port): keys, or
        None while a session is open}."""
        return {(who, client, port): keys for who, server in self.witnesses.items()
                for client in clients for port, keys in server.sessions(client).items()}

    def quiet(self):
        """Waits until no server has an open session of this scenario."""
        wait_for("the ends of all sessions in the servers' logs",
                 lambda: None not in self.heard(self.v4, self.v6).values())
        return self.heard(self.v4, self.v6)


def _listener(name):
    """smtpd_tls_security_level and parameters of a Postfix by its name in SERVERS."""
    return {
        "plain": ("none", {}), "strict": ("encrypt", {}),
        "broken": ("may", {"smtpd_tls_key_file": "/nonexistent/key"}),
        "modern": ("may", {"smtpd_tls_protocols": ">=TLSv1.3"}),
        "asking": ("may", {"smtpd_tls_ask_ccert": "yes"}),
    }.get(name, ("may", {}))


def make_keys(folder):
    """Two authorities, the servers' certificate, the proxy's, which is self-signed, and a
    client's."""
    folder.mkdir(mode=0o755)
    names = ",".join([f"DNS:{name}.lab.example" for name in SERVERS] +
                     [f"DNS:{name}6.lab.example" for name in IPV6_NAMES] +
                     [f"IP:{address(name)}" for name in SERVERS])

    def openssl(*words):
        run("openssl", *words, cwd=folder)
    for name in ("ca", "other-ca"):
        openssl("req", "-x509", *NEW_KEY, "-days", "30", "-subj", f"/O=lab/CN={name}", "-keyout",
                f"{name}.key", "-out", f"{name}.pem")
    openssl("req", "-x509", *NEW_KEY, "-days", "30", "-subj", "/CN=proxy.lab.example", "-keyout",
            "proxy.key", "-out", "proxy.pem")
    for name, extension, kind in (("server", f"subjectAltName={names}", NEW_KEY),
                                  ("ec", f"subjectAltName={names}", NEW_EC_KEY),
                                  ("client", "extendedKeyUsage=clientAuth", NEW_KEY)):
        openssl("req", *kind, "-subj", f"/O=lab/CN={name}.lab.example", "-keyout",
                f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(extension + "\n", encoding="ascii")
        openssl("x509", "-req", "-days", "30", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
                "ca.key", "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    shutil.copy(folder / "server.key", folder / "exim.key")
    for key in folder.glob("*.key"):
        key.chmod(0o600)
    for name in ("exim.key", "client.key"):  # Exim reads its keys as a user of its own
        os.chown(folder / name, USERS["Debian-exim"], -1)


NEW_KEY = ("-newkey", "rsa:2048", "-nodes")
NEW_EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
