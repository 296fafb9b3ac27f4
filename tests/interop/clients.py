"""The programs that people and scripts use, run in the clients' namespace.

Each function runs one program to its end. It may be meant to fail; `expect` is the exit status
that it must have: a number, "failure", or None for any.
"""
import array
import fcntl
import re
import socket
import struct
import subprocess
import termios

from namespaces import PATIENCE, Failed, wait_for

TEXT = "Subject: lab\n\nNobody wrote this to anybody.\n"
LOGIN = ("reader", "secret")


class Clients:
    """keys: the folder with ca.pem and the rest. home: a folder for configurations."""

    def __init__(self, host, keys, home):
        self.host, self.keys, self.home = host, keys, home
        home.mkdir(mode=0o755)

    def run(self, *command, text="", expect=0, environment=None):
        words = self.host.command(*command)
        done = subprocess.run(words, input=text, stdout=subprocess.PIPE, text=True, check=False,
                              stderr=subprocess.STDOUT, errors="replace", timeout=2 * PATIENCE,
                              env=environment)
        good = expect is None or (done.returncode != 0 if expect == "failure"
                                  else done.returncode == expect)
        if not good:
            raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
        return done.stdout

    def swaks(self, server, *options, expect=0, to="reader@lab.example"):
        return self.run("swaks", "--server", server, "--helo", "client.example", "--from",
                        "sender@client.example", "--to", to, "--body", "Nobody wrote this.",
                        *options, expect=expect)

    def curl(self, url, *options, expect=0):
        return self.run("curl", "--silent", "--show-error", "--max-time", PATIENCE, "--cacert",
                        self.keys / "ca.pem", *options, url, expect=expect)

    def curl_send(self, url, *options, expect=0, text=TEXT):
        message = self.home / "message"
        message.write_text(text.replace("\n", "\r\n"), encoding="ascii")
        return self.curl(url, "--mail-from", "sender@client.example", "--mail-rcpt",
                         "reader@lab.example", "--upload-file", message, *options, expect=expect)

    def s_client(self, server, port, *options, starttls=None, say="", expect=0):
        """openssl s_client; it says lines once TLS is up, and closes when the server does."""
        address = f"[{server}]:{port}" if ":" in server else f"{server}:{port}"
        words = ["openssl", "s_client", "-connect", address, "-crlf", "-ign_eof", "-nocommands"]
        if starttls:
            words += ["-starttls", starttls]
        return self.run(*words, *options, text=say, expect=expect)

    def resume(self, server, port, *options, **others):
        """Two sessions of openssl, the second with the ticket of the first. Whether it was
        resumed, openssl says."""
        ticket = self.home / "ticket"
        self.s_client(server, port, "-sess_out", ticket, *options, **others)
        said = self.s_client(server, port, "-sess_in", ticket, *options, **others)
        return [False, "\nReused, TLS" in said]

    def gnutls(self, server, port, *options, starttls="smtp", say="", expect=0):
        words = ["gnutls-cli", "--port", str(port), "--crlf"]
        if starttls:
            words += ["--starttls-proto", starttls]
        return self.run(*words, *options, server, text=say, expect=expect)

    def msmtp(self, server, port, *options, text=TEXT, expect=0):
        return self.run("msmtp", "--host", server, "--port", port, "--from",
                        "sender@client.example", "--file", "/dev/null", *options, "--",
                        "reader@lab.example", text=text, expect=expect)

    def fetchmail(self, server, protocol, *settings, expect=0):
        """Fetches and throws away; `expect` tells whether messages are read."""
        conf = self.home / "fetchmailrc"
        user, password = LOGIN
        conf.write_text(
            f"set no bouncemail\npoll {server} protocol {protocol} {settings[0]}\n"
            f"  user {user} password {password} keep fetchall {' '.join(settings[1:])}\n"
            "  mda \"cat >/dev/null\"\n", encoding="ascii")
        conf.chmod(0o600)
        ids = self.home / "fetchids"
        said = self.run("fetchmail", "--fetchmailrc", conf, "--idfile", ids, "--pidfile",
                        self.home / "fetchmail.pid", "--nosyslog", "--verbose", expect=None,
                        environment={"HOME": str(self.home), "LANG": "C", "PATH": "/bin:/usr/bin",
                                     "FETCHMAILHOME": str(self.home)})
        good = bool(re.search(r"\b(reading message|no mail|messages? for)", said, re.I))
        if expect is not None and good != (expect != "failure"):
            raise Failed("fetchmail: " + said[-600:])
        return said

    def mbsync(self, server, *settings, expect=0):
        user, password = LOGIN
        conf, folder = self.home / "mbsyncrc", self.home / f"mail-{len(list(self.home.iterdir()))}"
        folder.mkdir()
        conf.write_text(
            f"IMAPAccount lab\nHost {server}\nUser {user}\nPass {password}\n"
            + "\n".join(settings) + "\n\nIMAPStore far\nAccount lab\n\nMaildirStore near\n"
            f"Path {folder}/\nInbox {folder}/inbox\n\nChannel all\nFar :far:\nNear :near:\n"
            "Sync Pull\nCreate Near\nSyncState *\n", encoding="ascii")
        return self.run("mbsync", "--config", conf, "all", expect=expect)

    # By hand ------------------------------------------------------------------------------------

    def dialogue(self, server, port, *steps):
        """A conversation by hand: text is sent as it is; a number or a word waits for a line that
        begins with it; Ellipsis waits until the server closes; "reset" makes of the end that
        follows a reset. Returns what the server said."""
        said = b""
        with self.host.connect(server, port) as connection:
            stream = connection.makefile("rb")
            for step in steps:
                if step is Ellipsis:
                    said += read_to_end(stream)
                elif step == "reset":
                    wait_for("all acknowledgements", lambda: unacknowledged(connection) == 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
                elif isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    said += read_until(stream, str(step).encode())
        return said.decode(errors="replace")


def unacknowledged(connection):
    """How many bytes of what was sent the other end has not acknowledged."""
    left = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, left)
    return left[0]


def read_until(stream, start):
    """Reads lines up to one that begins so and is the last of its reply."""
    said = b""
    while (line := stream.readline()):
        said += line
        if line.startswith(start) and line[3:4] != b"-":
            return said
    raise Failed(f"no {start!r} in {said[-2000:]!r}")


def read_to_end(stream):
    try:
        return stream.read()
    except ConnectionError:
        return b""
