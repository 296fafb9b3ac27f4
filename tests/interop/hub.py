"""Mail between two operators over a hub, and the host of the sensors that listens on it.

    clients ---- hub ---- servers
    198.18.0.5   |  |     198.19.0.25  Postfix with TLS
                 |  |     198.19.0.30  Postfix without
                tap0 tap1
                 sensors

What comes in at one port of the hub goes out at all others. The taps hear the same and have no
address; unplug() pulls one out.
"""
import contextlib
import os
import subprocess
from pathlib import Path

import postfix
from clients import Clients
from namespaces import Failed, Namespace, join, run

CLIENT, SEALED, PLAIN = "198.18.0.5", "198.19.0.25", "198.19.0.30"
CLIENTS_PREFIX, SERVERS_PREFIX = "198.18.0.0/16", "198.19.0.0/16"
TAPS = ("tap0", "tap1")
WIRE = "wire0"
AUTH_PORT = 12345  # where nobody asks


class Hub:
    """top: an empty folder that everybody may enter."""

    def __init__(self, top):
        self.top, self.keys = Path(top), Path(top) / "keys"
        self.clients, self.servers, self.sensors, self.hub = self.hosts = [
            Namespace(f"mailseal-hub-{os.getpid()}-{name}")
            for name in ("clients", "servers", "sensors", "hub")]
        self.postfix = self.use = None

    def open_network(self):
        """Fails where it cannot be made. No host says anything of its own accord: no IPv6."""
        for host in self.hosts:
            host.open()
            if Path("/proc/sys/net/ipv6").exists():
                host.set("net/ipv6/conf/default/disable_ipv6", 1)
        self.hub.ip("link", "add", "hub", "type", "bridge")
        self.hub.ip("link", "set", "hub", "up")
        self._plug(self.clients, WIRE, "clients")
        self._plug(self.servers, WIRE, "servers")
        for tap in TAPS:
            self._plug(self.sensors, tap, tap)
        for host, address in ((self.clients, CLIENT), (self.servers, SEALED),
                              (self.servers, PLAIN)):
            host.ip("addr", "add", f"{address}/15", "dev", WIRE)

    def _plug(self, host, its_name, port):
        """A bridge that learns nothing is a hub."""
        join(host, its_name, self.hub, port)
        self.hub.ip("link", "set", port, "master", "hub")
        self.hub.ip("link", "set", port, "type", "bridge_slave", "learning", "off")

    def start_servers(self):
        self.keys.mkdir(mode=0o755)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=mx.lab.example", "-keyout", "server.key", "-out", "server.pem", cwd=self.keys)
        (self.keys / "ca.pem").symlink_to("server.pem")
        self.postfix = postfix.Server(
            self.servers, self.top / "postfix", self.keys,
            {"mx": (SEALED, 25, "may", {}), "plain": (PLAIN, 25, "none", {})}, AUTH_PORT, False)
        self.postfix.start()
        self.use = Clients(self.clients, self.keys, self.top / "clients")

    def unplug(self, tap):
        self.hub.ip("link", "set", tap, "down")

    def close(self):
        if self.postfix:
            with contextlib.suppress(Failed, OSError, subprocess.TimeoutExpired):
                self.postfix.stop()
        for host in self.hosts:
            host.close()

    # Mail -----------------------------------------------------------------------------------------

    def mail_in_clear(self):
        """One message in clear that was accepted, on a connection that stays open."""
        return OpenConnection(self)

    def mail_sealed(self):
        self.use.swaks(SEALED, "--tls")


class OpenConnection:
    """A client that has sent a message and has not said QUIT."""

    def __init__(self, hub):
        self.hub, self.socket = hub, hub.clients.connect(PLAIN, 25)
        self.port = self.socket.getsockname()[1]
        self.stream = self.socket.makefile("rwb")
        postfix.talk(self.stream, None, b"EHLO client.example", b"MAIL FROM:<a@client.example>",
                     b"RCPT TO:<b@lab.example>", b"DATA",
                     b"Subject: hello\r\n\r\nNobody wrote this to anybody.\r\n.")

    def is_open(self):
        """By both ends: the server answers, and its log knows of no end."""
        postfix.talk(self.stream, b"NOOP")
        sessions = self.hub.postfix.sessions(CLIENT)
        return self.port in sessions and sessions[self.port] is None

    def quit(self):
        postfix.talk(self.stream, b"QUIT")
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()
