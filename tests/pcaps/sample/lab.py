"""Hosts in network namespaces on one bridge, and Postfix instances in them.

Everything lives in namespaces whose names begin with PREFIX and in a directory of the caller;
close() ends the processes that were started here and removes the namespaces.
"""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../interop"))
import postfix  # noqa: E402 pylint: disable=C0413
from namespaces import run, wait_for  # noqa: E402,F401 pylint: disable=C0413
from postfix import INJECT_PORT  # noqa: E402 pylint: disable=C0413

PREFIX = "msample-"
SWITCH = PREFIX + "switch"

MASTER_CF = """\
smtp       inet  n - n - - smtpd
{inject}   inet  n - n - - smtpd
    -o smtpd_tls_security_level=none
{extra}
smtp       unix  - - n - - smtp
smtp-none  unix  - - n - - smtp
    -o smtp_tls_security_level=none
smtp-tls12 unix  - - n - - smtp
    -o smtp_tls_protocols=>=TLSv1.2,<=TLSv1.2
    -o smtp_tls_exclude_ciphers=aNULL
"""

SUBMISSION_CF = """\
submission inet  n - n - - smtpd
    -o syslog_name=postfix/submission
465        inet  n - n - - smtpd
    -o syslog_name=postfix/smtps
    -o smtpd_tls_wrappermode=yes
"""

MAIN_CF = """\
myhostname = {hostname}
mydestination = {hostname}, {domains}
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
smtpd_tls_security_level = {tls}
smtpd_tls_key_file = {top}/key.pem
smtpd_tls_cert_file = {top}/cert.pem
smtpd_tls_CAfile = {top}/ca.pem
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
transport_maps = texthash:{home}/conf/transport
"""


class Host:
    """One machine: a namespace with an address of each kind on the bridge."""

    def __init__(self, name, peer, v4, v6=None):
        self.name, self.peer, self.v4, self.v6 = name, peer, v4, v6
        self.namespace = PREFIX + name

    def attach(self):
        run("ip", "netns", "add", self.namespace)
        run("ip", "-n", self.namespace, "link", "set", "lo", "up")
        run("ip", "-n", self.namespace, "link", "add", "eth0", "type", "veth",
            "peer", "name", self.name, "netns", SWITCH)
        # No segmentation offload: the frames are those that a wire would carry.
        self.run("ethtool", "-K", "eth0", "tx", "off", "gso", "off", "tso", "off", "gro", "off")
        self.run("ip", "addr", "add", self.v4 + "/32", "dev", "eth0")
        if self.v6:
            self.run("ip", "addr", "add", self.v6 + "/128", "dev", "eth0", "nodad")
        self.run("ip", "link", "set", "eth0", "up")
        run("ip", "-n", SWITCH, "link", "set", self.name, "master", "br0", "up")
        # Every address is a neighbour; the kernel asks for it by ARP or ND.
        self.run("ip", "route", "add", "default", "dev", "eth0")
        if self.v6:
            self.run("ip", "-6", "route", "add", "default", "dev", "eth0")

    def command(self, *command):
        return ("ip", "netns", "exec", self.namespace) + command

    def run(self, *command, **options):
        return run(*self.command(*command), **options)


class Postfix(postfix.Postfix):
    """A Postfix of its own in a host. tls is smtpd_tls_security_level."""

    def __init__(self, host, top, domains, tls, routes=None, submission=False):
        self.tls, home = tls, os.path.join(top, host.name)
        super().__init__(host, home, MAIN_CF.format(
            home=home, top=top, tls=tls, hostname=f"{host.name}.example",
            domains=", ".join(domains)), MASTER_CF.format(
                inject=f"127.0.0.1:{INJECT_PORT}", extra=SUBMISSION_CF if submission else ""))
        self.write("transport", "".join(
            f"{domain} {transport}:[{address}]\n"
            for domain, (transport, address) in (routes or {}).items()))

    def submit(self, number, domain):
        """Puts a message into the queue, over the loopback of the host."""
        self.host.run("swaks", "--silent", "3", "--server", f"127.0.0.1:{INJECT_PORT}",
                      "--helo", "localhost",
                      "--from", f"sender{number}@{self.host.name}.example",
                      "--to", f"reader@{domain}", "--header", f"Subject: sample {number}",
                      "--body", "This is a made-up message.\nNobody wrote it to anybody.")

    def delivered(self):
        """How many queued messages have met their fate."""
        return len(re.findall(r"postfix/smtp[^ ]*\[\d+\]: .* status=(?:sent|bounced|deferred)",
                              self.log()))


class Lab:
    """The bridge, its hosts, and the capture on the bridge."""

    def __init__(self, hosts):
        self.hosts, self.servers, self.capture = hosts, [], None

    def open(self):
        run("ip", "netns", "add", SWITCH)
        run("ip", "-n", SWITCH, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", SWITCH, "link", "set", "br0", "up")
        for host in self.hosts:
            host.attach()

    def start_capture(self, path):
        self.capture = subprocess.Popen(
            ("ip", "netns", "exec", SWITCH, "tcpdump", "-i", "br0", "-s", "262144", "-U",
             "-Z", "root", "-w", path),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.capture.stderr:
            if "listening on" in line:
                return
        raise RuntimeError("tcpdump did not start")

    def stop_capture(self):
        time.sleep(1)  # the last FINs, and tcpdump's own buffer
        self.capture.terminate()
        _, said = self.capture.communicate(timeout=30)
        if not re.search(r"^0 packets dropped by kernel", said, re.M):
            raise RuntimeError(f"the capture is not complete:\n{said}")

    def close(self):
        if self.capture and self.capture.poll() is None:
            self.capture.terminate()
            self.capture.wait(30)
        for server in self.servers:
            server.stop()
        known = run("ip", "netns", "list").split()
        for namespace in [SWITCH] + [host.namespace for host in self.hosts]:
            if namespace in known:
                run("ip", "netns", "del", namespace)
