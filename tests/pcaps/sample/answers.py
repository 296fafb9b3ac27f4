"""The answer key: what the logs of the servers say about each connection.

Postfix writes one line when a client connects, one when TLS is up, and one at the end that
counts its commands ("starttls=0/1" is one of which none was accepted). Nothing here looks at the
capture.
"""
import json

from postfix_log import cipher_codes, connections_of, judge

PORTS = {None: 25, "submission": 587, "smtps": 465}


def sessions_of(server, peers, ciphers):
    """The sessions of one Postfix. peers: what an address counts as."""
    for (client, client_port), c in connections_of(server.log()).items():
        if client == "127.0.0.1":  # a message put into the queue
            continue
        if c.tls:
            c.tls = c.tls[0], ciphers[c.tls[1]]
        address = server.host.v6 if ":" in client else server.host.v4
        yield {"client": client, "client_port": int(client_port),
               "server": address, "server_port": PORTS[c.service],
               "client_peer": peers[client], "server_peer": peers[address],
               "protocol": "smtp", "service": "submission" if c.service else "mta",
               **judge(c, "implicit" if c.service == "smtps" else server.tls)}


def write(path, servers, peers):
    ciphers = cipher_codes()
    keys = [key for server in servers for key in sessions_of(server, peers, ciphers)]
    with open(path, "w", encoding="ascii") as f:
        for key in sorted(keys, key=lambda k: (k["server"], k["client"], k["client_port"])):
            f.write(json.dumps(key) + "\n")
    return keys
