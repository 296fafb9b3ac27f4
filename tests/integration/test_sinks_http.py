#!/usr/bin/env python3
"""Alerts to a real Alertmanager and to a webhook that checks its signature, and to servers that do
everything wrong."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import alertmanager
from alertmanager import running_alertmanager, soon
from http_servers import (Authority, Crooked, Receiver, closed_port, drip, hang_up, openssl, pour,
                          running, signature_of, silence)
from tap import Tap

BUILDDIR = Path(os.environ.get("top_builddir") or Path(__file__).resolve().parents[2])
SEND = BUILDDIR / "tests" / "reports" / "send_alert"

KEY = b"0123456789abcdef"
PAIR = {"client": "orange", "server": "free", "service": "mta", "sensor": "th2-1",
        "job": "mailseal", "alertname": "plaintext-between-signatories"}
HANGS_S = 120  # whoever takes this long will never come back
SHORT = ("--timeout", "1")
READ_MOST = 2**25  # bytes, with what the kernel keeps of them; in the time there are many more
DATE = "%Y-%m-%dT%H:%M:%S"


class Sender:
    """The sinks of this build; what their target needs is in a directory."""

    def __init__(self, directory):
        self.key_file = directory / "webhook.key"
        self.key_file.write_bytes(KEY + b"\n")
        self.key_file.chmod(0o600)

    def command(self, kind, url, *options):
        command = (SEND, "--kind", kind, "--url", url)
        if kind == "webhook" and "--secret-file" not in options:
            command += ("--secret-file", self.key_file)
        return command + options

    def send(self, kind, url, *options, env=None, prefix=()):
        """(exit code, what it said)"""
        done = subprocess.run(prefix + self.command(kind, url, *options), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=HANGS_S,
                              env=dict(os.environ, **(env or {})))
        return done.returncode, done.stdout.decode()


def said(got, outcome, *texts):
    """Complaints unless the one alert had this outcome, with these texts in its answer."""
    code, text = got
    good = text.startswith(outcome + ": ") and text.count("\n") == 1 and code == int(
        outcome != "taken")
    return [] if good and all(t in text for t in texts) else ["%s %s: %r" % (outcome, texts, got)]


def cannot_open(got, *texts):
    code, text = got
    return [] if code == 2 and all(t in text for t in texts) else ["%s: %r" % (texts, got)]


# Alertmanager --------------------------------------------------------------------------------


def told(receiver, path, status):
    """Did Alertmanager tell this receiver that something is firing or resolved?"""
    return receiver.wait_for(lambda requests: any(
        json.loads(r.body)["status"] == status for r in requests if r.path == path))


def labels_are(manager, *wanted):
    """Complaints unless these are all the alerts that fire, each {label: value}."""
    got = soon(lambda: len(manager.alerts()) == len(wanted)) and manager.alerts()
    labels = [a["labels"] for a in got or manager.alerts()]
    return [] if sorted(labels, key=str) == sorted(wanted, key=str) else ["fires: %s" % labels]


def it_fires_with_its_annotations(sender, manager, receiver):
    out = said(sender.send("alertmanager", manager.url + "/"), "taken", "HTTP 200")
    out += labels_are(manager, dict(PAIR, severity="critical"))
    alert = manager.alerts()[0]
    notes = alert["annotations"]
    if alert["status"]["state"] != "active" or "incident 7 opened" not in notes["description"]:
        out.append("%s" % alert)
    if (notes["sessions"], notes["causes"], notes["state"]) != ("3", "not-offered 3", "open"):
        out.append("annotations %s" % notes)
    if not told(receiver, "/critical", "firing"):
        out.append("nobody was told")
    return out


def a_repeat_is_the_same_alert(sender, manager, _receiver):
    """The next one ends later, and has new annotations."""
    before = manager.alerts()[0]
    out = said(sender.send("alertmanager", manager.url, "--again", "--event", "stale", "--why",
                           "no packets", "--repeat", "1000"), "taken")
    after = manager.alerts()
    if len(after) != 1 or after[0]["fingerprint"] != before["fingerprint"]:
        return out + ["%s after %s" % (after, before)]
    if not after[0]["endsAt"] > before["endsAt"] or after[0]["annotations"]["why"] != "no packets":
        out.append("%s after %s" % (after, before))
    return out


def seconds_until(text):
    return time.mktime(time.strptime(text[:19], DATE)) - time.mktime(time.gmtime())


def an_acknowledged_one_fires_on(sender, manager, _receiver):
    out = said(sender.send("alertmanager", manager.url, "--event", "acknowledged"), "taken")
    out += labels_are(manager, dict(PAIR, severity="critical"))
    days = seconds_until(manager.alerts()[0]["endsAt"]) / 86400
    return out if 29 < days < 31 else out + ["ends in %f days" % days]


def a_closed_one_is_resolved(sender, manager, receiver):
    out = said(sender.send("alertmanager", manager.url, "--event", "closed"), "taken")
    out += labels_are(manager)
    if not told(receiver, "/critical", "resolved"):
        out.append("nobody was told")
    return out


def a_closed_one_that_is_repeated_stays_so(sender, manager, receiver):
    before = len(receiver.requests)
    out = said(sender.send("alertmanager", manager.url, "--event", "closed", "--again"), "taken")
    out += labels_are(manager)
    out += said(sender.send("alertmanager", manager.url, "--event", "test"), "taken")
    if not receiver.wait_for(lambda r: any(b"mailseal-test" in x.body for x in r[before:])):
        out.append("the test did not arrive")
    again = [r.body for r in receiver.requests[before:] if b"mailseal-test" not in r.body]
    return out + ["told again: %s" % body for body in again]


def the_test_is_marked(_sender, manager, _receiver):
    out = labels_are(manager, {"alertname": "mailseal-test", "severity": "warning", "test": "1",
                               "sensor": "th2-1", "job": "mailseal"})
    ends = seconds_until(manager.alerts()[0]["endsAt"])
    return out if 0 < ends <= 300 else out + ["ends in %d s" % ends]


def what_is_not_repeated_ends(sender, manager, _receiver):
    """A sensor that is gone does not fire for ever."""
    out = said(sender.send("alertmanager", manager.url, "--repeat", "1", "--client", "sfr"),
               "taken")
    return out + ["never ends"] * (not soon(
        lambda: all(a["labels"].get("client") != "sfr" for a in manager.alerts())))


def an_escalation_moves_it(sender, manager, receiver):
    """From those who read warnings to those who are paged."""
    pair = ("--client", "laposte", "--sensor", "th2-2")
    wanted = dict(PAIR, client="laposte", sensor="th2-2")

    def ours():
        return [a["labels"] for a in manager.alerts() if a["labels"]["sensor"] == "th2-2"]

    def arrived(path, status):
        return receiver.wait_for(lambda requests: any(
            a["labels"].get("client") == "laposte" and a["status"] == status
            for r in requests if r.path == path for a in json.loads(r.body)["alerts"]))

    out = said(sender.send("alertmanager", manager.url, "--severity", "warning", *pair), "taken")
    if ours() != [dict(wanted, severity="warning")] or not arrived("/warning", "firing"):
        out.append("no warning: %s" % ours())
    out += said(sender.send("alertmanager", manager.url, "--event", "escalated", *pair), "taken")
    if ours() != [dict(wanted, severity="critical")]:
        out.append("not critical alone: %s" % ours())
    for path, status in (("/critical", "firing"), ("/warning", "resolved")):
        out += [] if arrived(path, status) else ["%s was not told %s" % (path, status)]
    return out


def several_take_it_at_once(sender, managers):
    """One that does not answer keeps the others from nothing."""
    with running(Crooked(silence)) as mute:
        urls = [mute.url] + [m.url for m in managers]
        sent = [subprocess.Popen(sender.command("alertmanager", url, "--client", "bouygues"),
                                 stdout=subprocess.DEVNULL) for url in urls]
        codes = [p.wait(HANGS_S) for p in sent[1:]]
        out = [] if codes == [0, 0] else ["exit %s" % codes]
        if sent[0].poll() is not None:
            out.append("the one that waits has ended")
        for manager in managers:
            if not any(a["labels"].get("client") == "bouygues" for a in manager.alerts()):
                out.append("%s has it not" % manager.url)
        sent[0].kill()
        sent[0].wait()
    return out


def a_real_alertmanager(tap, sender):
    if not alertmanager.PROGRAM:
        tap.skip("Alertmanager", "prometheus-alertmanager is not installed")
        return
    with running(Receiver()) as receiver, running_alertmanager(receiver.url) as first, \
            running_alertmanager(receiver.url) as second:
        for name, test in (
                ("it fires, with its annotations", it_fires_with_its_annotations),
                ("a repeat is the same alert", a_repeat_is_the_same_alert),
                ("an acknowledged one fires on", an_acknowledged_one_fires_on),
                ("a closed one is resolved", a_closed_one_is_resolved),
                ("a closed one that is repeated stays so", a_closed_one_that_is_repeated_stays_so),
                ("a test is marked", the_test_is_marked),
                ("an escalation moves it from warning to critical", an_escalation_moves_it),
                ("what is not repeated ends", what_is_not_repeated_ends)):
            tap.run("Alertmanager: " + name, test, sender, first, receiver)
        tap.run("Alertmanager: several take it at once", several_take_it_at_once, sender,
                (first, second))


# Webhook -------------------------------------------------------------------------------------


def one_request(receiver):
    return receiver.requests[0] if len(receiver.requests) == 1 else None


def the_body_is_signed(sender, authority):
    with running(Receiver(204, certificate=authority.issue("right"))) as receiver:
        out = said(sender.send("webhook", receiver.url + "/hook?a=b", "--ca-file", authority.file,
                               "--event-id", "99", "--event", "escalated", "--at", "1795341600"),
                   "taken", "HTTP 204")
        request = one_request(receiver)
    if not request:
        return out + ["%d requests" % len(receiver.requests)]
    wanted = {"Content-Type": "application/json", "X-Mailseal-Event": "escalated",
              "X-Mailseal-Delivery": "99", "X-Mailseal-Timestamp": "1795341600",
              "X-Mailseal-Signature": signature_of(request, KEY)}
    out += ["%s is %s, not %s" % (name, request.headers[name], value)
            for name, value in wanted.items() if request.headers[name] != value]
    if request.headers["X-Mailseal-Signature"] == signature_of(request, KEY + b"\n"):
        out.append("the line end is part of the key")
    body = json.loads(request.body)
    if (body["event"], body["incident"]["client"]) != ("escalated", "orange"):
        out.append("%s" % body)
    return out + ([] if request.path == "/hook?a=b" else [request.path])


def a_key_is_a_secret(sender, directory):
    """(bytes of the file, its mode, what is wrong with it; None: nothing)"""
    out = []
    path = directory / "another.key"
    with running(Receiver()) as receiver:
        for content, mode, wrong in (
                (KEY, 0o640, None), (KEY[:15] + b"\n", 0o600, "16 to 4096 bytes"),
                (b"", 0o600, "16 to 4096"), (4096 * b"k" + b"\n", 0o600, None),
                (4097 * b"k" + b"\n", 0o600, "16 to 4096"), (9999 * b"k", 0o600, "16 to 4096"),
                (KEY, 0o644, "for everybody to read"), (KEY, 0o602, "for everybody to change")):
            path.write_bytes(content)
            path.chmod(mode)
            got = sender.send("webhook", receiver.url, "--secret-file", path)
            out += cannot_open(got, wrong) if wrong else said(got, "taken")
            path.unlink()
        out += cannot_open(sender.send("webhook", receiver.url, "--secret-file", path), str(path),
                           "No such file")
        if len(receiver.requests) != 2:
            out.append("%d requests" % len(receiver.requests))
    return out


# TLS -----------------------------------------------------------------------------------------


def a_certificate_is_verified(sender, authority, stranger):
    """Nothing is sent to whom it does not name, whoever signed it."""
    out = []
    for name, wrong, options in (
            ("right", None, {}),
            ("other", "certificate verify failed: ", {"alternative": "DNS:other.example"}),
            ("self", "certificate verify failed: self-signed", {"self_signed": True}),
            ("expired", "certificate verify failed: certificate has expired", {"days": -1})):
        with running(Receiver(certificate=authority.issue(name, **options))) as receiver:
            got = sender.send("webhook", receiver.url, "--ca-file", authority.file)
            out += said(got, "later", wrong) if wrong else said(got, "taken")
            got = sender.send("webhook", receiver.url, "--ca-file", stranger.file)
            out += said(got, "later", "certificate verify failed")
            got = sender.send("alertmanager", receiver.url)
            out += said(got, "later", "certificate verify failed")
            if len(receiver.requests) != int(not wrong):
                out.append("%s: %d requests" % (name, len(receiver.requests)))
    return out


def a_ca_file_holds_certificates(sender, authority, directory):
    out = []
    for content, wrong in ((None, "No such file"), (authority.key.read_text(), "no certificate")):
        path = directory / "given.pem"
        if content:
            path.write_text(content)
        out += cannot_open(sender.send("alertmanager", "https://127.0.0.1", "--ca-file", path),
                           str(path), wrong)
    return out


def tls_speaks_to_tls(sender):
    with running(Receiver()) as receiver:
        url = receiver.url.replace("http:", "https:")
        return said(sender.send("alertmanager", url), "later", "wrong version number")


def a_ca_file_stands_instead_of_the_systems(sender, authority, stranger, directory):
    """With a folder of our own in the place of /etc/ssl/certs, in a mount namespace."""
    system = directory / "system"
    system.mkdir()
    shutil.copyfile(authority.file, system / "ours.pem")
    shutil.copyfile(authority.file, system / "ca-certificates.crt")
    openssl("rehash", system)
    prefix = ("unshare", "--mount", "sh", "-c",
              'mount --bind "$0" /etc/ssl/certs && exec "$@"', system)
    with running(Receiver(certificate=authority.issue("system"))) as receiver:
        out = said(sender.send("alertmanager", receiver.url, prefix=prefix), "taken")
        got = sender.send("alertmanager", receiver.url, "--ca-file", stranger.file, prefix=prefix)
        return out + said(got, "later", "certificate verify failed")


# Servers that fail ---------------------------------------------------------------------------


def an_answer_is_judged(sender):
    """(status, text of the answer, outcome, what is said)"""
    out = []
    for status, body, outcome, words in (
            (200, b"", "taken", "HTTP 200\n"), (202, b"queued", "taken", "HTTP 202: queued\n"),
            (500, b"\r\n\r\ndisk full\nat line 7", "later", "HTTP 500: disk full\n"),
            (503, b"a\x1b[31m\0b\xff", "later", "HTTP 503: a\\x1b[31m?b\\xff\n"),
            (429, b"", "later", "HTTP 429\n"), (408, b"", "later", "HTTP 408\n"),
            (400, b"no such label", "refused", "HTTP 400: no such label\n"),
            (404, b"", "later", "HTTP 404\n"), (401, b"", "later", "HTTP 401\n"),
            (599, 500 * b"y", "later", "HTTP 599: yyy")):
        for kind in ("alertmanager", "webhook"):
            with running(Receiver(status, body=body)) as receiver:
                out += said(sender.send(kind, receiver.url), outcome, words)
                out += [] if one_request(receiver) else ["%d requests" % len(receiver.requests)]
    return out


def a_redirect_is_not_followed(sender):
    with running(Receiver()) as elsewhere:
        for status in (301, 302, 307, 308):
            with running(Receiver(status, {"Location": elsewhere.url})) as receiver:
                out = said(sender.send("alertmanager", receiver.url), "later", "HTTP %d" % status,
                           "redirects are not followed", elsewhere.url)
            if out:
                return out
        return ["it was followed"] * len(elsewhere.requests)


def nobody_listens(sender):
    url = "http://127.0.0.1:%d" % closed_port()
    return (said(sender.send("alertmanager", url), "later", "connection refused") +
            said(sender.send("webhook", url), "later", "connection refused"))


def it_never_answers(sender, talk, words="no answer in 1 s"):
    with running(Crooked(talk)) as server:
        return (said(sender.send("alertmanager", server.url, *SHORT), "later", words) +
                said(sender.send("webhook", server.url, *SHORT), "later", words) +
                ["%d connections" % server.accepted] * (server.accepted != 2))


def tls_never_begins(sender):
    with running(Crooked(silence)) as server:
        url = server.url.replace("http:", "https:")
        return said(sender.send("webhook", url, *SHORT), "later", " in 1 s")


def its_answer_never_ends(sender, talk, outcome, words, *options):
    with running(Crooked(talk)) as server:
        out = said(sender.send("alertmanager", server.url, *options), outcome, words)
        return out + ["%d bytes were read" % server.poured] * (server.poured > READ_MOST)


def a_proxy_is_not_asked(sender):
    with running(Receiver()) as proxy, running(Receiver()) as receiver:
        env = {name: proxy.url for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")}
        env["no_proxy"] = ""
        return (said(sender.send("alertmanager", receiver.url, env=env), "taken") +
                ["the proxy was asked"] * len(proxy.requests) +
                ([] if one_request(receiver) else ["the receiver was not"]))


NAME_SERVER = """
import socket, subprocess, sys
mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mute.bind(("127.0.0.1", 53))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def a_name_server_is_silent(sender, directory):
    """The resolver of libc would wait 150 s. In a network of its own, with its own file."""
    conf = directory / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    prefix = ("unshare", "--mount", "--net", "sh", "-c",
              'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"', conf,
              sys.executable, "-c", NAME_SERVER)
    return said(sender.send("alertmanager", "http://am.example:9093", *SHORT, prefix=prefix),
                "later", "no address for the name in 1 s")


def many_at_once(sender):
    """Nothing of one attempt is shared with another."""
    with running(Receiver()) as receiver:
        out = []
        threads = [threading.Thread(target=lambda: out.extend(
            said(sender.send("webhook", receiver.url), "taken"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bad = [r for r in receiver.requests
               if r.headers["X-Mailseal-Signature"] != signature_of(r, KEY)]
    return out + ["%d requests" % len(receiver.requests)] * (len(receiver.requests) != 8) + bad


def may_unshare():
    return os.geteuid() == 0 and subprocess.run(
        ("unshare", "--mount", "--net", "true"), stderr=subprocess.DEVNULL).returncode == 0


def servers_that_fail(tap, sender):
    ok = b"HTTP/1.1 200 OK\r\n"
    tap.run("an answer is judged by its status, and its first line is told", an_answer_is_judged,
            sender)
    tap.run("a redirect is not followed", a_redirect_is_not_followed, sender)
    tap.run("a closed port refuses", nobody_listens, sender)
    tap.run("no answer at all ends in time", it_never_answers, sender, silence)
    tap.run("a byte now and then ends in time", it_never_answers, sender, drip(b"HTTP/1.1"))
    tap.run("a connection closed without an answer", it_never_answers, sender, hang_up,
            "empty reply from server")
    tap.run("TLS that never begins ends in time", tls_never_begins, sender)
    tap.run("an answer counts however slowly the rest follows", its_answer_never_ends, sender,
            drip(ok + b"\r\nfine\n", 0.01), "taken", "HTTP 200: fine\n", *SHORT)
    for name, start in (("body", ok + b"\r\nfine\n"), ("header", ok + b"a: b\r\nc: ")):
        tap.run("an answer counts however long its %s is" % name, its_answer_never_ends, sender,
                pour(start), "taken", "HTTP 200")
    tap.run("what is not HTTP is no answer", its_answer_never_ends, sender, pour(b"220 hello\r\n"),
            "later", "")
    tap.run("a proxy of the environment is not asked", a_proxy_is_not_asked, sender)
    tap.run("eight at once", many_at_once, sender)


def main():
    tap = Tap()
    if subprocess.run((SEND, "--kind", "webhook", "--url", "http://h", "--secret-file", "/k"),
                      stderr=subprocess.PIPE).stderr.find(b"built without libcurl") >= 0:
        tap.skip("sinks that speak HTTP", "this build has no libcurl")
        tap.finish()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sender = Sender(directory)
        authority, stranger = Authority(directory), Authority(directory, "stranger")
        a_real_alertmanager(tap, sender)
        tap.run("webhook: the body is signed", the_body_is_signed, sender, authority)
        tap.run("webhook: a key is a secret", a_key_is_a_secret, sender, directory)
        tap.run("TLS: a certificate is verified", a_certificate_is_verified, sender, authority,
                stranger)
        tap.run("TLS: a ca_file holds certificates", a_ca_file_holds_certificates, sender,
                authority, directory)
        tap.run("TLS: whoever speaks none is told apart", tls_speaks_to_tls, sender)
        servers_that_fail(tap, sender)
        for title, test, arguments in (
                ("TLS: a ca_file stands instead of the system's",
                 a_ca_file_stands_instead_of_the_systems, (sender, authority, stranger, directory)),
                ("a name server that is silent ends in time", a_name_server_is_silent,
                 (sender, directory))):
            if may_unshare():
                tap.run(title, test, *arguments)
            else:
                tap.skip(title, "only root can make namespaces")
    tap.finish()


if __name__ == "__main__":
    main()
