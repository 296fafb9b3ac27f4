#!/usr/bin/python3
"""Makes sample.pcap and sample.answers.jsonl from real Postfix servers and real clients.

    sudo ./make-sample.py [OUTPUT-DIRECTORY]

Needs postfix, swaks, tcpdump, ethtool, iproute2 and openssl. Works in network namespaces and a
temporary directory of its own, and removes both. See README.md.
"""
import collections
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from lab import Host, Lab, Postfix, run, wait_for  # first: it finds what other labs share
import answers
import spread

BEGIN = 1729069200  # 2024-10-16 09:00 UTC, nine years after the charter
SECONDS = 20 * 60

SIGNATORIES = ("orange", "sfr", "free", "bouygues", "laposte")
HOSTS = {h.name: h for h in [
    Host("mx1-orange", "orange", "198.51.100.2", "2001:db8:10:25::2"),
    Host("mx1-sfr", "sfr", "198.51.100.34", "2001:db8:20:25::2"),
    Host("mx1-free", "free", "198.51.100.66", "2001:db8:30:25::2"),
    Host("mx1-bouygues", "bouygues", "198.51.100.98", "2001:db8:40:25::2"),
    Host("mx1-laposte", "laposte", "198.51.100.130", "2001:db8:50:25::2"),
    Host("mx2-bouygues", "bouygues", "198.51.100.99"),   # demands TLS
    Host("mx2-laposte", "laposte", "198.51.100.131"),    # has none: the incident
    Host("smtp-orange", "orange", "198.51.100.18"),      # submission
    Host("cloud", "cloud", "192.0.2.25"),                # signed nothing, has no TLS
    Host("other", "other", "192.0.2.130", "2001:db8:ffff:25::25"),
    Host("scanner", "other", "192.0.2.200"),
    Host("subscriber", "orange-net", "203.0.113.10"),
]}
# Messages per pair: IPv4 and IPv6.
SEALED_V4, SEALED_V6, INCIDENT, REFUSED, TO_CLOUD, FROM_OTHER = 2, 1, 4, 2, 2, 2


def certificate(top):
    """A CA and a certificate that it signed; nobody trusts either."""
    def made(*arguments):
        run("openssl", *arguments, cwd=top)
    made("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "30", "-subj", "/CN=sample CA", "-keyout", "ca.key", "-out", "ca.pem")
    made("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=mx.example", "-keyout", "key.pem", "-out", "request.pem")
    made("x509", "-req", "-days", "30", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-CAcreateserial", "-out", "cert.pem")


def plan():
    """Who sends what: (sender, recipient domain) to (transport, address, messages)."""
    routes = collections.OrderedDict()
    for i, sender in enumerate(SIGNATORIES):
        for j, receiver in enumerate(SIGNATORIES):
            if sender == receiver:
                continue
            mx = HOSTS[f"mx1-{receiver}"]
            transport = "smtp-tls12" if (i + 2 * j) % 5 == 0 else "smtp"
            if (sender, receiver) == ("sfr", "laposte"):
                routes[f"mx1-{sender}", "laposte.example"] = (
                    "smtp", HOSTS["mx2-laposte"].v4, INCIDENT)
            else:
                routes[f"mx1-{sender}", f"{receiver}.example"] = (transport, mx.v4, SEALED_V4)
            routes[f"mx1-{sender}", f"v6.{receiver}.example"] = (transport, mx.v6, SEALED_V6)
    routes["mx1-free", "strict.bouygues.example"] = (
        "smtp-none", HOSTS["mx2-bouygues"].v4, REFUSED)
    routes["mx1-orange", "cloud.example"] = ("smtp", HOSTS["cloud"].v4, TO_CLOUD)
    routes["other", "orange.example"] = ("smtp", HOSTS["mx1-orange"].v4, FROM_OTHER)
    routes["other", "v6.sfr.example"] = ("smtp-none", HOSTS["mx1-sfr"].v6, FROM_OTHER)
    return routes


def start_servers(lab, top, routes):
    """Every Postfix of the lab; their names are those of their hosts."""
    security = {"mx2-laposte": "none", "cloud": "none", "mx2-bouygues": "encrypt"}
    for name, host in HOSTS.items():
        if name in ("scanner", "subscriber"):
            continue
        domains = [f"{part}{host.peer}.example" for part in ("", "v6.", "strict.")]
        own = {domain: route[:2] for (sender, domain), route in routes.items() if sender == name}
        server = Postfix(host, top, domains, security.get(name, "may"), own,
                         submission=name == "smtp-orange")
        lab.servers.append(server)
        server.start()
    return {server.host.name: server for server in lab.servers}


def deliver(servers, routes):
    """Fills the queues and waits until every message was tried."""
    expected = collections.Counter()
    for (sender, domain), (_, _, messages) in routes.items():
        for _ in range(messages):
            expected[sender] += 1
            servers[sender].submit(expected[sender], domain)
    for sender, messages in expected.items():
        wait_for(f"the queue of {sender}",
                 lambda s=sender, n=messages: servers[s].delivered() >= n)


def swaks(client, server, *options):
    HOSTS[client].run("swaks", "--silent", "3", "--server", HOSTS[server].v4,
                      "--helo", f"{client}.example", "--from", f"somebody@{client}.example",
                      "--to", f"reader@{HOSTS[server].peer}.example",
                      "--body", "This is a made-up message.", *options)


def s_client(client, address, *options):
    """A TLS session by openssl; it may be meant to fail."""
    subprocess.run(HOSTS[client].command("openssl", "s_client", "-quiet", "-crlf",
                                         "-connect", address, *options),
                   input=f"EHLO {client}.example\nQUIT\n", text=True, timeout=60, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def clients():
    """The traffic that no Postfix sends."""
    for server in ("mx1-orange", "mx1-sfr", "mx1-laposte", "mx2-laposte"):
        swaks("scanner", server, "--quit-after", "EHLO")
    for _ in range(2):  # a subscriber's own mail program
        swaks("subscriber", "mx1-free")
    swaks("subscriber", "smtp-orange", "--port", "587")
    starttls = ("-starttls", "smtp")
    submission = HOSTS["smtp-orange"].v4
    s_client("subscriber", f"{submission}:587", *starttls)
    s_client("subscriber", f"{submission}:465")
    s_client("subscriber", f"{submission}:465", "-tls1_2")
    # These refuse a certificate that nobody vouches for.
    refuse = starttls + ("-verify_return_error",)
    s_client("mx1-bouygues", f"{HOSTS['mx1-sfr'].v4}:25", *refuse)
    s_client("mx1-bouygues", f"{HOSTS['mx1-sfr'].v4}:25", *refuse, "-tls1_2")


def make(lab, top, target):
    certificate(top)
    lab.open()
    routes = plan()
    servers = start_servers(lab, top, routes)
    raw = os.path.join(top, "raw.pcap")
    lab.start_capture(raw)
    deliver(servers, routes)
    clients()
    for server in lab.servers:  # every connection has its closing line
        wait_for(f"the sessions of {server.host.name}",
                 lambda s=server: s.log().count("disconnect from") == s.log().count(": connect from"))
    lab.stop_capture()
    peers = {a: h.peer for h in HOSTS.values() for a in (h.v4, h.v6) if a}
    keys = answers.write(os.path.join(target, "sample.answers.jsonl"), lab.servers, peers)
    packets = spread.spread(raw, os.path.join(target, "sample.pcap"), BEGIN, SECONDS)
    for verdict, n in sorted(collections.Counter(k["verdict"] for k in keys).items()):
        print(f"{n:4} {verdict}")
    print(f"{len(keys)} sessions, {packets} packets")


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    if os.geteuid() != 0:
        sys.exit("make-sample.py: namespaces and Postfix need root")
    missing = [p for p in ("postfix", "swaks", "tcpdump", "ethtool", "ip", "openssl")
               if not shutil.which(p)]
    if missing:
        sys.exit(f"make-sample.py: not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="mailseal-sample-") as top:
        os.chmod(top, 0o755)  # Postfix works as a user of its own
        lab = Lab(HOSTS.values())
        try:
            make(lab, top, target)
        finally:
            lab.close()


if __name__ == "__main__":
    main()
