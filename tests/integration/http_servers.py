"""Servers for sinks that speak HTTP: the certificates that they show, and the ways they fail.

All listen on loopback, on ports that the kernel chooses, and end with the test.
"""
import collections
import contextlib
import hashlib
import hmac
import http.server
import itertools
import socket
import ssl
import subprocess
import threading

LOOPBACK = "127.0.0.1"

Request = collections.namedtuple("Request", "path headers body")


def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Authority:
    """A certificate authority, and what it has signed, as files in a directory."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.file, self.key = directory / (name + ".pem"), directory / (name + ".key")
        self._request(name, self.key)
        self._sign(name, self.file, "-signkey", self.key, extensions="CA:TRUE")

    def _request(self, name, key):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=" + name, "-keyout", key, "-out", self._path(name, "csr"))

    def _path(self, name, suffix):
        return self.directory / ("%s.%s" % (name, suffix))

    def _sign(self, name, out, *signer, extensions, days=2, alternative=None):
        text = "basicConstraints=critical,%s\n" % extensions
        text += "subjectAltName=%s\n" % alternative if alternative else ""
        self._path(name, "ext").write_text(text)
        openssl("x509", "-req", "-in", self._path(name, "csr"), "-out", out, "-days", str(days),
                "-extfile", self._path(name, "ext"), *signer)

    def issue(self, name, alternative="IP:" + LOOPBACK, days=2, self_signed=False):
        """(certificate, key) of a server. Expired when days is negative."""
        certificate, key = self._path(name, "pem"), self._path(name, "key")
        signer = ("-signkey", key) if self_signed else ("-CA", self.file, "-CAkey", self.key)
        self._request(name, key)
        self._sign(name, certificate, *signer, extensions="CA:FALSE", days=days,
                   alternative=alternative)
        return certificate, key


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps every request and answers each in the same way."""
    daemon_threads = True

    def __init__(self, status=200, headers=(), body=b"", certificate=None):
        super().__init__((LOOPBACK, 0), Handler)
        self.requests = []
        self.arrived = threading.Condition()
        self.answer = status, dict(headers), body
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        self.url = "%s://%s:%d" % ("https" if certificate else "http", LOOPBACK, self.server_port)

    def serve_forever(self, poll_interval=0.02):
        super().serve_forever(poll_interval)

    def handle_error(self, request, client_address):
        """A client that does not like the certificate is no error of the server."""

    def keep(self, request):
        with self.arrived:
            self.requests.append(request)
            self.arrived.notify_all()

    def wait_for(self, wanted, seconds=60):
        """Until the requests are as wanted; what wanted() made of them last."""
        with self.arrived:
            self.arrived.wait_for(lambda: wanted(self.requests), seconds)
            return wanted(self.requests)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.keep(Request(self.path, self.headers, self.rfile.read(length)))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Crooked:
    """Reads what it is sent and then does something else than to answer: talk(connection)."""

    def __init__(self, talk):
        self.talk = talk
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.url = "http://%s:%d" % (LOOPBACK, self.port)
        self.over = threading.Event()
        self.accepted = 0
        self.poured = 0

    def serve_forever(self):
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self.talk(self, connection)

    def shutdown(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)

    def server_close(self):
        self.listener.close()


def silence(server, _connection):
    server.over.wait()


def drip(text, pause=0.2):
    """Byte after byte, for ever."""
    def talk(server, connection):
        for byte in itertools.chain(text, itertools.repeat(ord("x"))):
            connection.sendall(bytes((byte,)))
            if server.over.wait(pause):
                return
    return talk


def pour(text):
    """As fast as it is taken, for ever."""
    def talk(server, connection):
        connection.sendall(text)
        while True:
            connection.sendall(65536 * b"x")
            server.poured += 65536
    return talk


def hang_up(_server, _connection):
    pass


@contextlib.contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return taken.getsockname()[1]


def signature_of(request, key):
    """What X-Mailseal-Signature of this request has to be."""
    timestamp = request.headers["X-Mailseal-Timestamp"].encode()
    code = hmac.new(key, timestamp + b"." + request.body, hashlib.sha256)
    return "sha256=" + code.hexdigest()
