#!/usr/bin/env python3
"""mailseal serve: every page, its headers, hostile clients, and state directories that are not fit."""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tap import Tap
from test_metrics import promtool
from webserver import (BUILDDIR, MAILSEAL, MAKE_STATE, SRCDIR, STATE_OF_LINES, USER, Server, has_server,
                       read_all, readable)

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                               "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
         ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
PAGES = ["index.html", "overview-week.html", "overview-month.html", "overview-year.html"]
ASSETS = ["style.css", "page.js", "icon.svg"]
ROUNDS = 40
BEGIN = 1795341600  # the hour of make_state.c


def fresh(top, name):
    there = top / name
    shutil.copytree(top / "state", there)
    return there


def check_headers(answer, what):
    bad = ["%s: %s is %r" % (what, k, answer.headers.get(k)) for k, v in HEADERS.items()
           if answer.headers.get(k) != v]
    return bad + ([] if "permissions-policy" in answer.headers else [what + ": no permissions-policy"])


def is_page(answer, text="</html>"):
    return answer.status == 200 and answer.type == TYPES[".html"] and text in answer.text and \
        answer.text.endswith("</html>\n")


# Answers -----------------------------------------------------------------------------------------


def pages_and_their_headers(top):
    bad = []
    with Server(top / "state") as s:
        for path in ["", *PAGES, *ASSETS, *("api/v1/%s.json" % p for p in
                     ("overview", "overview-week", "overview-month", "overview-year"))]:
            a = s.ask("/" + path)
            want = TYPES[os.path.splitext(path or ".html")[1] or ".html"]
            bad += [] if a.status == 200 and a.type == want and a.body else [
                "%r: %d %s" % (path, a.status, a.type)]
            bad += check_headers(a, path)
            cache = "max-age=300" if path in ASSETS else "no-cache"
            bad += [] if a.headers["cache-control"] == cache else [path + ": cached"]
            if path.endswith(".json"):
                bad += [] if json.loads(a.text)["version"] == 1 else [path]
        for name, kind, begin in (("ratio.svg", "image/svg+xml", b"<"), ("ratio-dark.svg", "image/svg+xml", b"<"),
                                  ("ratio.png", "image/png", b"\x89PNG"), ("ratio.json", "application/json", b"{")):
            a = s.ask("/graph/mta/total/week-" + name)
            bad += [] if (a.status, a.type) == (200, kind) and a.body.startswith(begin) else [
                "%s: %d %s" % (name, a.status, a.text[:200])]
        bad += [] if is_page(s.ask("/"), "Is the mail between the signatories sealed?") else ["/"]
        bad += [] if s.ask("/").body == s.ask("/index.html?from=1&to=%00").body else ["a query counts"]
    return bad + s.complaints


def not_there(top):
    bad = []
    with Server(top / "state") as s:
        for path in ("/nope", "/index.htm", "//", "//index.html", "/index.html/", "/..", "/../etc/passwd",
                     "/%2e%2e/%2e%2e/etc/passwd", "/%2e%2e%2fledger.db", "/ledger.db", "/sessions/",
                     "/metrics.prom", "/..\\..\\etc\\passwd", "/index.html%00", "/index.html%00.png",
                     "/%69ndex.html", "/peer/../index.html", "/peer/%3Cscript%3E.html", "/peer/<b>.html",
                     "/healthz/", "/" + "a/" * 4000, "/" + "a" * 9000, "/.", "/%", "/%zz", "/\xff"):
            a = s.raw(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                      % path.encode("latin-1"))
            if not a.startswith(b"HTTP/1.1 404 ") or b"<script>" in a or b"root:" in a:
                bad.append("%.60r: %.200r" % (path, a))
        a = s.ask("/pair/x/y.html")
        bad += check_headers(a, "404") + ([] if 'href="../../style.css"' in a.text else [a.text])
    return bad + s.complaints


def methods(top):
    bad = []
    with Server(top / "state") as s:
        get, head = s.ask("/"), s.ask("/", "HEAD")
        same = ("content-length", "content-type", "etag")
        if head.status != 200 or head.body or [get.headers[k] for k in same] != \
                [head.headers[k] for k in same]:
            bad.append("HEAD: %s %s" % (head.headers, head.body))
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get"):
            a = s.ask("/", method)
            if (a.status, a.headers.get("allow")) != (405, "GET, HEAD"):
                bad.append("%s: %d %s" % (method, a.status, a.headers))
            bad += check_headers(a, method)
        data = b"x" * 5000000
        for method in (b"POST", b"GET"):
            a = s.raw(b"%s / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (method, len(data)) + data)
            if a and b" 405 " not in a and b" 413 " not in a:
                bad.append("%s with a body: %.200r" % (method, a))
    return bad + s.complaints


def what_is_known_is_not_sent_again(top):
    bad = []
    with Server(top / "state") as s:
        for path in ("/style.css", "/"):
            first = s.ask(path)
            etag = first.headers["etag"]
            for known in (etag, "W/" + etag, '"a", %s' % etag, "*"):
                a = s.ask(path, If_None_Match=known)
                if path == "/" and a.status == 200 and a.headers["etag"] != etag:
                    continue  # the minute in which it was made is over
                if a.status != 304 or a.body or a.headers.get("etag") != etag:
                    bad.append("%s %s: %d %s" % (path, known, a.status, a.headers))
                bad += check_headers(a, "304")
            for other in ('"a"', etag.strip('"'), ""):
                bad += [] if s.ask(path, If_None_Match=other).status == 200 else [other]
        bad += [] if s.ask("/nope", If_None_Match="*").status == 404 else ["404"]
        css = s.ask("/style.css").headers["etag"]
    with Server(top / "state") as again:
        if again.ask("/style.css", If_None_Match=css).status != 304:
            bad.append("a restart gives other etags")
    return bad + s.complaints + again.complaints


def names_of_the_server(top):
    bad = []
    with Server(top / "state", "--host", "mail.example", "--host=Other") as s:
        for host, good in (("127.0.0.1", True), ("localhost:8525", True), ("[::1]:1", True),
                           ("192.0.2.7", True), ("MAIL.example:80", True), ("other", True),
                           ("evil.example", False), ("mail.example.evil.example", False),
                           ("127.0.0.1.evil.example", False), ("[::1", False), ("[evil]", False),
                           ("localhost:x", False), ("", False), ("a" * 400, False)):
            for path in ("/", "/metrics", "/healthz"):
                status = s.ask(path, Host=host).status
                if (status != 421) != good:
                    bad.append("%r %s: %d" % (host, path, status))
        a = s.raw(b"GET / HTTP/1.0\r\n\r\n")
        bad += [] if a.startswith(b"HTTP/1.1 200 ") else ["without Host: %.100r" % a]
        a = s.raw(b"GET http://any.example/style.css HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        bad += [] if a.startswith(b"HTTP/1.1 200 ") else ["absolute: %.100r" % a]
    return bad + s.complaints


# Metrics and health ------------------------------------------------------------------------------

OM_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
OM_SAMPLE = re.compile(r'(%s)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,(?!\})|(?=\})))+)\})? ([0-9]+)'
                       % OM_NAME)
OM_SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}


def openmetrics(text):
    """{sample: value}, and complaints: OpenMetrics 1.0 as far as there are counters, gauges, info."""
    bad, out, seen, family = [], {}, set(), None
    lines = text.split("\n")
    if lines[-2:] != ["# EOF", ""] or lines.count("# EOF") != 1:
        bad.append("does not end with # EOF and LF")
    for line in lines[:-2]:
        meta = re.fullmatch(r"# (TYPE|UNIT|HELP) (%s) (.+)" % OM_NAME, line)
        if meta:
            kind, name, value = meta.groups()
            if not family or family["name"] != name:
                bad += ["%s came before" % name] if name in seen else []
                seen.add(name)
                family = {"name": name, "samples": 0}
            bad += ["%s twice, or behind samples" % line] if kind in family or family["samples"] else []
            family[kind] = value
            bad += ["unit is no suffix: " + line] if kind == "UNIT" and not name.endswith("_" + value) else []
            bad += ["type: " + line] if kind == "TYPE" and (value not in OM_SUFFIX or name.endswith(
                ("_total", "_info", "_created", "_count", "_sum", "_bucket"))) else []
            continue
        found = OM_SAMPLE.fullmatch(line)
        if not found or not family or "TYPE" not in family or \
                found[1] != family["name"] + OM_SUFFIX[family["TYPE"]]:
            bad.append("no sample of its family: " + line)
            continue
        family["samples"] += 1
        key = found[1], found[2]
        bad += ["twice: " + line] if key in out else []
        out[key] = int(found[3])
    return out, bad


def prometheus(text):
    return {tuple(re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? ([0-9]+)", line).groups()[:2]):
            int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}


def metrics_of_a_run(top):
    """A state directory of mailseald itself, which writes metrics.prom."""
    state = top / "run"
    subprocess.run([str(BUILDDIR / "mailseald"), "-c", str(SRCDIR / "mailseal.yaml.example"), "-r",
                    str(SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"), "--state", str(state),
                    "--quiet"], check=True, stderr=subprocess.PIPE)
    bad, file = [], (state / "metrics.prom").read_bytes()
    with Server(readable(state)) as s:
        plain = s.ask("/metrics")
        bad += [] if plain.body == file else ["not the file"]
        bad += [] if plain.type == "text/plain; version=0.0.4; charset=utf-8" else [plain.type]
        bad += check_headers(plain, "metrics")
        for accept, wants in (
                ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                 "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
                ("application/openmetrics-text", True), ("text/plain, Application/OpenMetrics-Text ;q=0.1",
                                                         True),
                ("application/openmetrics-text;q=0", False), ("application/openmetrics-text; q=0.00", False),
                ("application/openmetrics-textual", False), ("*/*", False), ("", False), (",;,=", False)):
            a = s.ask("/metrics", Accept=accept)
            is_open = a.type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
            bad += [] if a.status == 200 and is_open == wants else ["%s: %s" % (accept, a.type)]
            bad += [] if a.headers.get("vary") == "Accept" else ["vary"]
        samples, complaints = openmetrics(s.ask("/metrics", Accept="application/openmetrics-text").text)
        bad += complaints
        bad += [] if samples == prometheus(plain.text) and len(samples) > 100 else ["other numbers"]
        text = s.ask("/metrics", Accept="application/openmetrics-text").text
        for line in ("# TYPE mailseal_sessions counter\n", "# TYPE mailseal_build info\n",
                     "# UNIT mailseal_captured_bytes bytes\n",
                     "# UNIT mailseal_window_committed_timestamp_seconds seconds\n"):
            bad += [] if line in text else ["no " + line]
        if promtool():
            done = subprocess.run([promtool(), "check", "metrics"], input=plain.body, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            bad += [done.stdout] if done.returncode or done.stdout else []
    return bad + s.complaints


def the_parser_of_openmetrics_is_strict(_):
    good = "# TYPE a counter\n# HELP a b\na_total{c=\"d\"} 1\n# EOF\n"
    bad = openmetrics(good)[1]
    for wrong in (good[:-6], good + "\n", good.replace("a_total", "a"), good.replace("# TYPE a", "# TYPE a_total"),
                  good.replace('"d"', '"d'), good.replace('"}', '",}'), "# UNIT a seconds\n" + good,
                  good.replace("# EOF", "a_total{c=\"d\"} 1\n# EOF"), "\n" + good,
                  good.replace("# EOF", "# TYPE b gauge\nb 1\na_total 1\n# EOF")):
        bad += [] if openmetrics(wrong)[1] else ["was taken: " + wrong]
    return bad


def files_that_are_no_metrics(top):
    state, bad = fresh(top, "nometrics"), []
    file = top / "some.prom"
    good = "# HELP mailseal_a_total b\n# TYPE mailseal_a_total counter\nmailseal_a_total 1\n"
    with Server(readable(state), "--metrics", file) as s:
        cases = [(None, 503), (good, 200), (good[:-1], 503), (good + "x\n", 503), ("root:x:0:0\n", 503),
                 (good.replace(" 1", ' 1\n<script>"'), 503), (good + "\0", 503), ("", 200),
                 (good.replace("_total 1", '_total{l="\\"\\\\"} 1'), 200),
                 (good.replace("_total 1", '_total{l="a} 1'), 503), ("a" * 5000 + "\n", 503),
                 (good.replace("counter", "histogram"), 503), (good.replace(" 1", " 1 2"), 503)]
        for text, status in cases:
            if text is not None:
                file.write_text(text)
            a = s.ask("/metrics")
            if a.status != status or (status == 503 and (a.type != "text/plain; charset=utf-8" or
                                                         "root:" in a.text or "<script>" in a.text)):
                bad.append("%r: %d %s" % (text and text[-60:], a.status, a.text))
        file.unlink()
        for make in (lambda: os.mkfifo(file), file.mkdir, lambda: file.symlink_to("/dev/zero")):
            make()
            a = s.ask("/metrics")
            bad += [] if a.status == 503 and "not a regular file" in a.text else [a.text]
            (file.rmdir if file.is_dir() else file.unlink)()
    with Server(state) as s2:
        bad += [] if "metrics.prom: No such file" in s2.ask("/metrics").text else ["missing"]
    return bad + s.complaints + s2.complaints


def state_of(folder, *lines):
    folder.mkdir()
    subprocess.run([str(STATE_OF_LINES), str(folder)], input="\n".join(lines) + "\n", text=True, check=True)
    return readable(folder)


def health(top):
    bad, now = [], int(time.time()) // 60 * 60
    for age, status, text in ((60, 200, "ok: "), (600, 503, "stale: the last step ended at "),
                              (-3600, 503, "ahead: the last step ends at ")):
        state = state_of(top / ("age%d" % age), "peers a+ b+", "step %d" % (now - age))
        with Server(state) as s:
            a = s.ask("/healthz")
            if (a.status, a.type) != (status, "text/plain; charset=utf-8") or \
                    not a.text.startswith(text) or a.text.count("\n") != 1:
                bad.append("%d: %d %s" % (age, a.status, a.text))
            bad += check_headers(a, "healthz")
        bad += s.complaints
    with Server(top / "none") as s:
        a = s.ask("/healthz")
        bad += [] if a.status == 503 and "no state directory" in a.text else [a.text]
    return bad + s.complaints


# Hostile clients ---------------------------------------------------------------------------------

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
# What is sent, and the statuses that may come; none: closed without an answer.
MALFORMED = (
    (b"", ()),
    (b"\r\n\r\n\r\n", ()),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), ()),
    (b"GET /\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\n\r\n", (400,)),
    (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", (400, 505)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 505)),
    (b"GET  HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", (400,)),
    (b"GET index.html HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", (400,)),
    (b"GET * HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", (400,)),
    (b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200000 + b"\r\n\r\n", (431,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 20000 + b"\r\n", (431,)),
    (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\nHost: local\0host\r\n" + CLOSE + b"\r\n", (400, 421)),
    # The path ends with the NUL, as nothing behind it can be meant.
    (b"GET /nope\0/index.html HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", (400, 404)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", (400,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello", (413,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nhello", (400,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", (400, 413)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\n\r\n", (413,)),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 60 + b"\r\n", (405,)),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: =;;=;\"\r\n" + CLOSE + b"\r\n", (200,)),
)


def malformed_requests(top):
    bad = []
    with Server(top / "state") as s:
        for data, statuses in MALFORMED:
            got = [int(n) for n in re.findall(rb"^HTTP/1\.[01] (\d+) ", s.raw(data))]
            if (got and got[0] not in statuses) or (statuses and not got and len(data) < 100000):
                bad.append("%.80r: %s" % (data, got))
        for size in range(1, 60, 7):  # cut anywhere, and in pieces
            with s.connect() as c:
                whole = b"GET /style.css HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
                for at in range(0, len(whole), size):
                    c.sendall(whole[at:at + size])
                bad += [] if read_all(c).startswith(b"HTTP/1.1 200 ") else ["in pieces of %d" % size]
        bad += [] if is_page(s.ask("/")) else ["afterwards"]
    return bad + s.complaints


def pipelined(top):
    with Server(top / "state") as s:
        one = b"GET /page.js HTTP/1.1\r\n" + HOST + b"\r\n"
        got = s.raw(one * 20 + b"GET /nope HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        found = re.findall(rb"HTTP/1\.1 (\d+) ", got)
    return ([] if found == [b"200"] * 20 + [b"404"] else ["%s" % found]) + s.complaints


def idle_clients(top):
    """More than there may be at once: a client that asks has its page, if it has to wait a little."""
    bad, idle = [], []
    with Server(top / "state") as s:
        for n in (300, 400):
            idle += [s.connect() for _ in range(n)]
            for c in idle[::3]:
                try:
                    c.sendall(b"GET / HT")
                except OSError:
                    pass
            bad += [] if is_page(s.ask("/")) else ["behind %d" % len(idle)]
        for c in idle:
            c.close()
        bad += [] if is_page(s.ask("/")) else ["afterwards"]
    return bad + s.complaints


def slow_readers(top):
    bad = []
    with Server(top / "state") as s:
        want, slow = s.ask("/style.css").body, []
        for _ in range(20):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            c.connect(("127.0.0.1", s.port))
            c.sendall((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 40)
            slow.append(c)
        for _ in range(200):
            for c in slow:
                c.recv(1)
            if s.ask("/style.css").body != want:
                bad.append("another one had to wait")
        for c in slow:
            c.close()
    return bad + s.complaints


def many_at_once(top):
    bad = []
    with Server(top / "state") as s:
        want = {p: s.ask("/" + p).status for p in PAGES + ASSETS}
        asset = s.ask("/style.css").body

        def client(number):
            path = (PAGES + ASSETS)[number % 7]
            a = s.ask("/" + path)
            good = a.status == want[path] and int(a.headers["content-length"]) == len(a.body) and \
                (path != "style.css" or a.body == asset) and (not path.endswith("html") or is_page(a))
            if not good:
                bad.append("%s: %d" % (path, a.status))

        threads = [threading.Thread(target=client, args=(n,)) for n in range(200)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    return bad + s.complaints


def the_end_comes_at_any_time(top):
    """SIGTERM and SIGINT with clients in every state; the block checks that it ends with 0."""
    bad = []
    for signum in (signal.SIGTERM, signal.SIGINT):
        with Server(top / "state") as s:
            clients = [s.connect() for _ in range(50)]
            for n, c in enumerate(clients):
                c.sendall((b"", b"GET / HT", (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 60)[n % 3])
            s.process.send_signal(signum)
            for c in clients:
                read_all(c)
                c.close()
        bad += s.complaints
    return bad


# State directories -------------------------------------------------------------------------------


def unfit(state, text, status=503):
    bad = []
    with Server(state) as s:
        for path in ("/", "/overview-year.html", "/api/v1/overview.json", "/healthz"):
            a = s.ask(path)
            said = json.loads(a.text)["error"] if path.endswith(".json") else a.text
            if a.status != status or text not in said:
                bad.append("%s: %d %s" % (path, a.status, a.text[:2000]))
        bad += [] if s.ask("/style.css").status == 200 else ["style.css"]
    return bad + s.complaints


def unfit_states(top):
    empty = top / "empty"
    empty.mkdir()
    bad = unfit(empty, "no ledger.db in it") + unfit(top / "nothing", "no state directory there")
    bad += unfit(MAILSEAL, "not a directory")
    whole = (top / "state" / "ledger.db").read_bytes()
    for name, data in (("cut", whole[:5000]), ("garbage", b"x" * 5000)):
        state = fresh(top, name)
        for more in ("-wal", "-shm"):
            (state / ("ledger.db" + more)).unlink(missing_ok=True)
        (state / "ledger.db").write_bytes(data)
        bad += unfit(readable(state), "ledger.db")
    state = fresh(top, "newer")
    with sqlite3.connect(state / "ledger.db") as db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    db.close()
    bad += unfit(readable(state), "newer")
    bad += unfit(state_of(top / "nosteps", "peers a+ b+"), "recorded no step yet")
    return bad


def no_right_to_read(top):
    state = fresh(top, "closed")
    os.chmod(state, 0o700)
    return unfit(state, "you may not read")


def a_directory_that_comes_and_goes(top):
    bad, state = [], top / "later"
    with Server(state) as s:
        bad += [] if s.ask("/").status == 503 else ["nothing there"]
        fresh(top, "later")
        bad += [] if is_page(s.ask("/")) else ["it came"]
        shutil.rmtree(state)
        bad += [] if s.ask("/").status == 503 else ["it went"]
    return bad + s.complaints


def hurt_anywhere(top):
    """Bytes of the ledger are turned over, one place after the other: an answer each time, no end."""
    bad, state = [], fresh(top, "hurt")
    for more in ("-wal", "-shm"):
        (state / ("ledger.db" + more)).unlink(missing_ok=True)
    whole = (state / "ledger.db").read_bytes()
    with Server(readable(state)) as s:
        for round_ in range(ROUNDS):
            data = bytearray(whole)
            at = round_ * len(data) // ROUNDS
            data[at:at + 64] = bytes(255 - b for b in data[at:at + 64])
            (state / "ledger.db").write_bytes(data)
            for path in ("/overview-year.html", "/api/v1/overview-week.json", "/healthz"):
                status = s.ask(path).status
                bad += [] if status in (200, 503) else ["%d: %d" % (round_, status)]
    return bad + s.complaints


def written_meanwhile(top):
    """What a step adds is on the page, which was kept until then."""
    bad, state, begin = [], top / "busy", int(time.time()) // 60 * 60 - 86400
    state.mkdir()
    writer = subprocess.Popen([str(STATE_OF_LINES), str(state)], stdin=subprocess.PIPE, text=True)
    try:
        writer.stdin.write("peers a+ b+\n")
        with Server(state) as s:
            for step in range(ROUNDS):
                writer.stdin.write("count mta a b enc_starttls 1\nstep %d\n" % (begin + step * 60))
                writer.stdin.flush()
                sessions = -1
                while sessions != step + 1:
                    readable(state)
                    a = s.ask("/api/v1/overview-week.json")
                    if a.status == 200:
                        sessions = json.loads(a.text)["services"]["mta"]["total"]["sessions"]
                    if sessions > step + 1 or a.status not in (200, 503) or writer.poll() is not None:
                        return ["%d: %d %s" % (step, a.status, a.text)]
                bad += [] if is_page(s.ask("/")) else ["the page"]
        bad += s.complaints
    finally:
        writer.stdin.close()
        bad += [] if writer.wait() == 0 else ["the writer failed"]
    return bad


# The command -------------------------------------------------------------------------------------


def refused(options, code, *texts):
    done = subprocess.run([str(MAILSEAL), "serve", *map(str, options)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    bad = [] if done.returncode == code else ["exit %d" % done.returncode]
    bad += ["no %r" % t for t in texts if t not in done.stderr]
    bad += [] if done.stderr.count("\n") == 1 and not done.stdout else ["not one line"]
    return ["%s: %s: %s" % (options, bad, done.stderr)] if bad else []


def usage(_):
    bad = []
    for value in ("", "8525", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "localhost:1",
                  "::1:80", "[::1]", "[::1:80", "[127.0.0.1]:80", "127.0.0.1:8x", "1.2.3:80", ":80"):
        bad += refused(["--listen", value], 2, "--listen is an address and a port")
    bad += refused(["--listen=127.0.0.1:0"] * 9, 2, "8 times")
    bad += refused(["--host=a"] * 17, 2, "16 times") + refused(["--host", "a:80"], 2, "without a port")
    return bad + refused(["x"], 2, 'what is "x" for?') + refused(["--port", "1"], 2, "no option --port")


def the_port_is_taken(top):
    with Server(top / "state") as s:
        bad = refused([*USER, "--listen", "127.0.0.1:%d" % s.port, "--state", top / "state"], 1,
                      "cannot listen on 127.0.0.1:%d: Address already in use" % s.port)
    return bad + s.complaints + refused([*USER, "--listen", "192.0.2.1:80"], 1, "cannot listen on 192.0.2.1:80")


def several_sockets(top):
    listen = ["127.0.0.1:0", "127.0.0.1:0"] + (["[::1]:0"] if has_ipv6() else [])
    bad = []
    with Server(top / "state", listen=listen) as s:
        for url in s.urls:
            host, port = re.fullmatch(r"http://\[?(.*?)\]?:(\d+)/", url).groups()
            with socket.create_connection((host, int(port))) as c:
                c.sendall(b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
                bad += [] if read_all(c).startswith(b"HTTP/1.1 200 ") else [url]
        bad += [] if len(set(s.urls)) == len(listen) else ["%s" % s.urls]
        bad += ["a warning"] if "warning" in "".join(s.said) else []
    with Server(top / "state", listen=["0.0.0.0:0"]) as s2:
        bad += [] if s2.said[0].count("put a reverse proxy in front") == 1 else s2.said
    return bad + s.complaints + s2.complaints


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def it_can_do_nothing(top):
    """No root, no capability, no new privileges; and nothing is written to the state directory."""
    state = fresh(top, "untouched")
    before = sorted((p.name, p.stat().st_mtime_ns) for p in readable(state).rglob("*"))
    with Server(state) as s:
        s.ask("/")
        status = Path("/proc/%d/status" % s.process.pid).read_text()
        limits = Path("/proc/%d/limits" % s.process.pid).read_text()
    bad = [] if re.search(r"^NoNewPrivs:\s1$", status, re.M) else ["NoNewPrivs"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        bad += [] if re.search(r"^%s:\s0+$" % name, status, re.M) else [name]
    bad += ["runs as root"] if re.search(r"^Uid:\s.*\b0\b", status, re.M) else []
    bad += [] if re.search(r"^Threads:\s1$", status, re.M) else ["threads"]
    bad += [] if re.search(r"^Max core file size\s+0\s", limits, re.M) else ["core files"]
    after = sorted((p.name, p.stat().st_mtime_ns) for p in state.rglob("*"))
    return bad + ([] if before == after else ["the state directory has changed"]) + s.complaints


def pictures_by_a_process_of_its_own(top):
    """One that is killed costs a picture at most, and none is left behind."""
    bad, seen = [], set()
    with Server(top / "state") as s:
        children = Path("/proc/%d/task/%d/children" % (s.process.pid, s.process.pid))
        for n in range(4):
            # Each of another period: none of them has been kept.
            answers = [s.ask("/graph/mta/total/%d-%d-ratio.svg" % (BEGIN - 60 * n, BEGIN + 3600 + 60 * again))
                       for again in range(2)]
            bad += [] if answers[1].status == 200 else ["%d %s" % (answers[1].status, answers[1].text)]
            there = children.read_text().split()
            bad += [] if len(there) == 1 and not seen & set(there) else ["children: %s" % there]
            seen |= set(there)
            for child in there:
                os.kill(int(child), signal.SIGKILL)
    left = [c for c in seen if Path("/proc/" + c).exists()]
    return bad + (["left: %s" % left] if left else []) + s.complaints


def not_as_root(top):
    at = ["--listen", "127.0.0.1:0", "--state", top / "state"]
    return refused(["--user", "no-such-user", *at], 1, 'no user "no-such-user"') + \
        refused(["--user", "root", *at], 1, "does not run as root")


TESTS = (pages_and_their_headers, not_there, methods, what_is_known_is_not_sent_again,
         names_of_the_server, the_parser_of_openmetrics_is_strict, metrics_of_a_run,
         files_that_are_no_metrics, health, malformed_requests, pipelined, idle_clients, slow_readers,
         many_at_once, the_end_comes_at_any_time, unfit_states, a_directory_that_comes_and_goes,
         hurt_anywhere, written_meanwhile, usage, the_port_is_taken, several_sockets, it_can_do_nothing,
         pictures_by_a_process_of_its_own)
AS_ROOT = (no_right_to_read, not_as_root)


def main():
    tap = Tap()
    if not has_server():
        tap.skip("mailseal serve", "this build has no server")
        tap.finish()
    top = Path(tempfile.mkdtemp(prefix="mailseal-serve-"))
    os.chmod(top, 0o755)
    try:
        subprocess.run([str(MAKE_STATE), str(top / "state")], check=True)
        readable(top / "state")
        for test in TESTS:
            tap.run(test.__name__.replace("_", " "), test, top)
        for test in AS_ROOT:
            if os.geteuid() == 0:
                tap.run(test.__name__.replace("_", " "), test, top)
            else:
                tap.skip(test.__name__.replace("_", " "), "needs root")
    finally:
        shutil.rmtree(top)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
