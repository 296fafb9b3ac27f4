#!/usr/bin/env python3
"""Two hosts in network namespaces, joined by one wire, and real SMTP between them.

usage: mailhosts.py serve CERT KEY PORT...     a mail server with STARTTLS on every address
       mailhosts.py send HOW SOURCE SERVER PORT
                                               one mail; HOW is clear or tls. Says "sent" when it
                                               was accepted, and quits at the next line of input
       mailhosts.py replay FILE [MAC]          puts the frames of a pcap on the wire; those to this
                                               address on the second wire

Everything is removed by Hosts.close(), and nothing else is touched.
"""
import os
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
from pathlib import Path

CLIENT, SERVER = "198.51.100.5", "198.51.100.37"
SECOND_CLIENT = "198.51.100.6"
WIRE, SECOND_WIRE = "wire0", "wire1"
MAIL = "Subject: hello\r\n\r\nNothing that anybody would want to read stands here.\r\n"


# One end --------------------------------------------------------------------------------------------

def converse(connection, context):
    """Answers one client until it quits."""
    stream = connection.makefile("rwb")

    def reply(line):
        stream.write(line + b"\r\n")
        stream.flush()
    reply(b"220 mx.example ESMTP")
    while True:
        verb = stream.readline().strip().split(b" ")[0].upper()
        if verb in (b"", b"QUIT"):
            reply(b"221 2.0.0 Bye")
            return
        if verb == b"EHLO":
            reply(b"250-mx.example\r\n250 STARTTLS" if context else b"250 mx.example")
        elif verb == b"STARTTLS":
            reply(b"220 2.0.0 Ready to start TLS")
            with context.wrap_socket(connection, server_side=True) as inside:
                inside.do_handshake()
                stream = inside.makefile("rwb")
                secure(stream)
            return
        else:
            accept(stream, verb, reply)


def secure(stream):
    """The conversation inside TLS, where there is no greeting and no STARTTLS."""
    def reply(line):
        stream.write(line + b"\r\n")
        stream.flush()
    while True:
        verb = stream.readline().strip().split(b" ")[0].upper()
        if verb in (b"", b"QUIT"):
            reply(b"221 2.0.0 Bye")
            return
        accept(stream, verb, reply)


def accept(stream, verb, reply):
    if verb == b"DATA":
        reply(b"354 End data with <CR><LF>.<CR><LF>")
        while stream.readline() not in (b".\r\n", b""):
            pass
    reply(b"250 2.0.0 Ok")


def serve(certificate, key, *ports):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def one(connection):
        with connection:
            try:
                converse(connection, context)
            except OSError:
                pass  # the client has gone

    def listen(port):
        with socket.create_server(("0.0.0.0", port)) as listener:
            listening.release()
            while True:
                threading.Thread(target=one, args=listener.accept()[:1], daemon=True).start()
    listening = threading.Semaphore(0)
    for port in map(int, ports):
        threading.Thread(target=listen, args=(port,), daemon=True).start()
    for _ in ports:
        listening.acquire()
    print("listening", flush=True)
    sys.stdin.readline()  # until the test ends


def send(how, source, server, port):
    with smtplib.SMTP(server, int(port), "client.example", source_address=(source, 0)) as client:
        if how == "tls":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            client.starttls(context=context)
        client.sendmail("a@client.example", ["b@mx.example"], MAIL)
        print("sent", client.sock.getsockname()[1], flush=True)
        sys.stdin.readline()


def replay(path, elsewhere=None):
    data = Path(path).read_bytes()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as first, \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as second:
        first.bind((WIRE, 0))
        if elsewhere:
            second.bind((SECOND_WIRE, 0))
        at = 24
        while at < len(data):
            length = struct.unpack_from("<I", data, at + 8)[0]
            frame = data[at + 16:at + 16 + length]
            (second if frame[:6].hex() == elsewhere else first).send(frame)
            at += 16 + length


# The two of them ------------------------------------------------------------------------------------

def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise OSError("%s: %s" % (" ".join(words), done.stderr.strip()))


class Client:
    """A mail under way, whose connection stays open until quit()."""

    def __init__(self, process):
        self.process = process
        said = process.stdout.readline().split()
        if said[:1] != ["sent"]:
            raise OSError("no mail was sent")
        self.port = int(said[1])

    def is_open(self):
        return self.process.poll() is None

    def quit(self):
        self.process.stdin.write("\n")
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class Hosts:
    """Namespaces NAME-c and NAME-s, the wire between them, and a mail server in the second."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.names = ["mailseal-%d-%s" % (os.getpid(), end) for end in "cs"]
        self.processes = []
        self.has_second_wire = False

    def open(self):
        client, server = self.names
        for name in self.names:
            command("ip", "netns", "add", name)
            command("ip", "-n", name, "link", "set", "lo", "up")
        command("ip", "-n", client, "link", "add", WIRE, "type", "veth", "peer", "name", WIRE,
                "netns", server)
        self._addresses(client, CLIENT, SECOND_CLIENT)
        self._addresses(server, SERVER)
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                "/CN=mx.example", "-keyout", str(key), "-out", str(certificate))
        process = self.start(server, "serve", certificate, key, 25, 8025)
        if process.stdout.readline().strip() != "listening":
            raise OSError("the mail server does not start")

    @staticmethod
    def _addresses(name, *addresses):
        command("ip", "-n", name, "link", "set", WIRE, "up")
        for address in addresses:
            command("ip", "-n", name, "addr", "add", address + "/24", "dev", WIRE)

    def inside(self, name, *words):
        return ["ip", "netns", "exec", name, *map(str, words)]

    def start(self, name, *words):
        # pylint: disable=R1732
        process = subprocess.Popen(self.inside(name, sys.executable, __file__, *words),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def send(self, how="clear", source=CLIENT, server=SERVER, port=25):
        return Client(self.start(self.names[0], "send", how, source, server, port))

    def replay(self, path, *elsewhere):
        command(*self.inside(self.names[0], sys.executable, __file__, "replay", path, *elsewhere))

    def add_second_wire(self):
        """Which stays there."""
        client, server = self.names
        if self.has_second_wire:
            return
        self.has_second_wire = True
        command("ip", "-n", client, "link", "add", SECOND_WIRE, "type", "veth", "peer", "name",
                SECOND_WIRE, "netns", server)
        for name in self.names:
            command("ip", "-n", name, "link", "set", SECOND_WIRE, "up")

    def remove_wire(self):
        command("ip", "-n", self.names[0], "link", "del", WIRE)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdin.close()
            process.stdout.close()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


if __name__ == "__main__":
    {"serve": serve, "send": send, "replay": replay}[sys.argv[1]](*sys.argv[2:])
