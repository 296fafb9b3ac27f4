"""Hosts in network namespaces on one bridge, and Postfix instances in them.

Everything lives in namespaces whose names begin with PREFIX and in a directory of the caller;
close() ends the processes that were started here and removes the namespaces.
"""
import os
import re
import signal
import subprocess
import time

PREFIX = "msample-"
SWITCH = PREFIX + "switch"
POSTFIX_DAEMONS = "/usr/lib/postfix/sbin"
INJECT_PORT = 10025  # on the loopback of the host, so that it is not in the capture

MASTER_CF = """\
smtp       inet  n - n - - smtpd
{inject}   inet  n - n - - smtpd
    -o smtpd_tls_security_level=none
{extra}
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
smtp       unix  - - n - - smtp
smtp-none  unix  - - n - - smtp
    -o smtp_tls_security_level=none
smtp-tls12 unix  - - n - - smtp
    -o smtp_tls_protocols=>=TLSv1.2,<=TLSv1.2
    -o smtp_tls_exclude_ciphers=aNULL
discard    unix  - - n - - discard
error      unix  - - n - - error
retry      unix  - - n - - error
anvil      unix  - - n - 1 anvil
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
"""

SUBMISSION_CF = """\
submission inet  n - n - - smtpd
    -o syslog_name=postfix/submission
465        inet  n - n - - smtpd
    -o syslog_name=postfix/smtps
    -o smtpd_tls_wrappermode=yes
"""

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = {hostname}
mydestination = {hostname}, {domains}
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
smtpd_peername_lookup = no
smtpd_client_port_logging = yes
smtpd_tls_loglevel = 1
smtpd_tls_security_level = {tls}
smtpd_tls_key_file = {top}/key.pem
smtpd_tls_cert_file = {top}/cert.pem
smtpd_tls_CAfile = {top}/ca.pem
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_rate_limit = 0
local_recipient_maps =
local_transport = discard:
alias_maps =
transport_maps = texthash:{home}/transport
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_connection_cache_on_demand = no
smtp_balance_inet_protocols = no
"""


def run(*command, **options):
    """Runs a command that must succeed; its output is shown only when it does not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=options.pop("stdin", subprocess.DEVNULL), text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def wait_for(what, condition, seconds=60):
    """Waits until condition() holds; a lab that does not get there is an error."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"gave up waiting for {what}")
        time.sleep(0.1)


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


class Postfix:
    """A Postfix of its own in a host. tls is smtpd_tls_security_level."""

    def __init__(self, host, top, domains, tls, routes=None, submission=False):
        self.host, self.tls = host, tls
        self.home = os.path.join(top, host.name)
        self.conf = os.path.join(self.home, "conf")
        self.log_file = os.path.join(self.home, "log")
        self.process = None
        for folder in (self.home, self.conf, os.path.join(self.home, "spool")):
            os.mkdir(folder, 0o755)
        os.mkdir(os.path.join(self.home, "data"), 0o700)
        self._own(os.path.join(self.home, "data"))
        self._write("main.cf", MAIN_CF.format(home=self.home, top=top, tls=tls,
                                              hostname=f"{host.name}.example",
                                              domains=", ".join(domains)))
        self._write("master.cf", MASTER_CF.format(
            inject=f"127.0.0.1:{INJECT_PORT}", extra=SUBMISSION_CF if submission else ""))
        with open(os.path.join(self.home, "transport"), "w", encoding="ascii") as f:
            for domain, (transport, address) in (routes or {}).items():
                f.write(f"{domain} {transport}:[{address}]\n")

    def _own(self, path):
        run("chown", "postfix", path)

    def _write(self, name, text):
        with open(os.path.join(self.conf, name), "w", encoding="ascii") as f:
            f.write(text)

    def start(self):
        with open(os.path.join(self.home, "output"), "w", encoding="ascii") as output:
            self.process = subprocess.Popen(
                self.host.command("postfix", "-c", self.conf, "start-fg"),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        wait_for(f"Postfix on {self.host.name}",
                 lambda: "daemon started" in self.log() and self.process.poll() is None)

    def stop(self):
        if self.process and self.process.poll() is None:
            # start-fg is a shell that waits for the master; the master ends its own children.
            with open(os.path.join(self.home, "spool/pid/master.pid"), encoding="ascii") as f:
                os.kill(int(f.read()), signal.SIGTERM)
            self.process.wait(30)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

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
