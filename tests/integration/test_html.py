#!/usr/bin/env python3
"""mailseal html: the folder says what mailseal serve says, and nothing in it is lost."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path

from tap import Tap
from webserver import MAILSEAL, MAKE_STATE, STATE_OF_LINES, Server, has_server, readable

DONE, FAILED, USAGE = 0, 1, 2
LIST = ".mailseal-html"
ROUNDS = 30


class Ran:
    def __init__(self, *arguments, prefix=()):
        done = subprocess.run([*prefix, str(MAILSEAL), "html", *map(str, arguments)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def expect(self, code, *texts):
        bad = [] if self.code == code else ["exit %d, not %d" % (self.code, code)]
        bad += ["no %r" % t for t in texts if t not in self.out + self.err]
        bad += [] if bool(self.err) == (code != DONE) else ["standard error"]
        return bad + [self.out, self.err] if bad else []

    def counts(self):
        return tuple(map(int, re.fullmatch(r"(\d+) files, (\d+) of them written; (\d+) removed\n",
                                           self.out).groups()))


def make(state, out, code=DONE, *texts):
    return Ran("--state", state, "--out", out).expect(code, *texts)


def fresh(top, name):
    there = top / name
    shutil.copytree(top / "state", there)
    return there


def files(out):
    return {str(p.relative_to(out)): p for p in sorted(out.rglob("*")) if p.is_file()}


def snapshot(out):
    return {name: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for name, p in files(out).items()}


def same_time(text):
    """Without what says when it was made, and what only a server says or can do. Pictures have a number
    for each that was drawn before."""
    text = re.sub(r'"zoom": (true|false)', "", text)
    text = re.sub(r'"surface[0-9]+"', "", text)
    text = re.sub(r"Page made at [^<]* UTC\.", "", text)
    text = re.sub(r'"generated": "[^"]*"', "", text)
    return re.sub(r'<p class="(stale|lag)"[^>]*>[^<]*</p>\n?', "", text)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.pictures = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src", "srcset"):
                (self.pictures if tag in ("img", "source") else self.links).append(value)


# What is in it -----------------------------------------------------------------------------------


def the_files_are_what_the_server_says(top):
    out = top / "same"
    bad = make(top / "state", out)
    names = [n for n in files(out) if n != LIST]
    for name in ("index.html", "overview-year.html", "api/v1/overview.json", "style.css",
                 "graph/mta/total/week-ratio.svg", "graph/mta/total/week-ratio-dark.svg",
                 "graph/mta/total/week-ratio.json"):
        bad += [] if name in names else ["no " + name]
    for name in (n[:-len(".html")] for n in names if n.endswith(".html")):
        there = "api/v1/%s.json" % ("overview" if name == "index" else name)
        bad += [] if there in names else ["no " + there]
    listed = [l for l in (out / LIST).read_text().splitlines() if not l.startswith("#")]
    bad += [] if sorted(listed) == sorted(names) else ["the list: %s" % listed]
    if not has_server():
        return bad
    with Server(readable(top / "state")) as s:
        for name in names:
            a = s.ask("/" + name)
            here = (out / name).read_text()
            if a.status != 200 or same_time(a.text) != same_time(here):
                bad.append("%s differs: %d" % (name, a.status))
    return bad + s.complaints


def links_stay_inside(top):
    """Every link of a page is relative and leads to a file, unless the site has no such page."""
    out, bad = top / "links", []
    bad += make(top / "state", out)
    there, followed = set(files(out)), 0
    gone = {}
    for name in [n for n in there if n.endswith(".html")]:
        links = Links((out / name).read_text())
        for link in links.links + links.pictures:
            target = os.path.normpath(os.path.join(os.path.dirname(name), link.split("#")[0]))
            if re.match(r"[a-z]+:|/", link) or target.startswith(".."):
                bad.append("%s: %s" % (name, link))
            elif link.startswith("#") or target in there:
                followed += 1
            else:
                gone.setdefault(target, name)
    bad += [] if followed > 20 else ["only %d links" % followed]
    if has_server():
        with Server(readable(top / "state")) as s:
            bad += ["%s links to %s, which is not there" % (name, target)
                    for target, name in gone.items() if s.ask("/" + target).status == 200]
        bad += s.complaints
    return bad


# Again -------------------------------------------------------------------------------------------


def what_has_not_changed_stays(top):
    out = top / "again"
    bad = make(top / "state", out)
    before = snapshot(out)
    again = Ran("--state", top / "state", "--out", out)
    bad += again.expect(DONE)
    after = snapshot(out)
    changed = {n for n in before if n != LIST and before[n][0] != after[n][0]}
    touched = {n for n in before if n != LIST and before[n][1:] != after[n][1:]}
    bad += [] if set(before) == set(after) else ["other files"]
    bad += [] if changed == touched else ["changed %s, rewritten %s" % (changed, touched)]
    bad += [] if again.counts() == (len(before) - 1, len(touched), 0) else ["counts: " + again.out]
    (out / "style.css").write_text("body{}")
    (out / "page.js").unlink()
    bad += make(top / "state", out)
    bad += [] if snapshot(out)["style.css"][0] == before["style.css"][0] else ["style.css"]
    return bad + ([] if (out / "page.js").exists() else ["page.js"])


def what_is_gone_is_removed(top):
    """And what the list should not have: names that are no addresses of the site."""
    out, outside = top / "gone", top / "outside.html"
    bad = make(top / "state", out)
    outside.write_text("mine")
    elsewhere = top / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.html").write_text("mine")
    (out / "peer").mkdir(exist_ok=True)
    shutil.rmtree(out / "incident", ignore_errors=True)
    (out / "incident").symlink_to(elsewhere)
    mine = {"notes.txt": "mine", "peer/notes.html": "mine", "robots.txt": "mine"}
    theirs = ("peer/vanished.html", "pair/mta/vanished/other.html", "incident/999.html")
    for name in (*mine, *theirs[:2]):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    (elsewhere / "999.html").write_text("mine")
    with open(out / LIST, "a", encoding="utf-8") as file:
        file.write("\n".join([*theirs, "../outside.html", "notes.txt", "robots.txt", str(outside),
                              "peer/../../outside.html", "a" * 5000, ""]))
    ran = Ran("--state", top / "state", "--out", out)
    bad += ran.expect(FAILED if (out / "incident").is_symlink() and "incident" in ran.err else DONE)
    (out / "incident").unlink()
    bad += Ran("--state", top / "state", "--out", out).expect(DONE)
    bad += ["%s is still there" % n for n in theirs[:2] if (out / n).exists()]
    bad += ["pair/mta/vanished is still there"] if (out / "pair" / "mta" / "vanished").exists() else []
    bad += ["%s is gone" % n for n in mine if not (out / n).exists()]
    bad += [] if outside.exists() and (elsewhere / "999.html").exists() else ["something outside"]
    return bad


def killed_at_any_time(top):
    """A file is the old one or the new one, and the next run removes what it no longer makes."""
    out, bad = top / "killed", []
    whole = {n: same_time(p.read_text()) for n, p in files(top / "same").items() if n != LIST}
    for round_ in range(ROUNDS):
        process = subprocess.Popen([str(MAILSEAL), "html", "--state", str(top / "state"), "--out", str(out)],
                                   stdout=subprocess.DEVNULL)
        time.sleep(0.0007 * round_)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, path in files(out).items():
            if not name.startswith(LIST) and same_time(path.read_text()) != whole.get(name):
                bad.append("%d: %s is not whole" % (round_, name))
        listed = (out / LIST).read_text().splitlines() if (out / LIST).exists() else []
        for name, path in files(out).items():
            bad += [] if name.startswith(LIST) or name in listed else [name + " is not in the list"]
            if name.endswith(".html"):
                path.unlink()  # so that the next run writes, too
    bad += make(top / "state", out)
    return bad + ([] if set(files(out)) == set(whole) | {LIST} else ["files: %s" % sorted(files(out))])


def two_at_once(top):
    out = top / "two"
    bad = make(top / "state", out)
    holder = subprocess.Popen(["flock", str(out), "sh", "-c", "echo locked; read x"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    bad += make(top / "state", out, FAILED, "another mailseal html writes there")
    holder.communicate("\n")
    return bad + make(top / "state", out)


# What cannot be done -----------------------------------------------------------------------------


def folders_that_are_refused(top):
    state, bad = fresh(top, "refused"), []
    before = snapshot(state / "rrd")
    bad += make(state, state, FAILED, "is the state directory")
    (top / "link").symlink_to(state)
    bad += make(state, top / "link", FAILED, "is the state directory")
    other = top / "other"
    other.mkdir()
    (other / "index.html").write_text("mine")
    bad += make(state, other, FAILED, "has other files in it")
    bad += [] if list(files(other)) == ["index.html"] else ["something was written"]
    (other / "index.html").unlink()
    bad += make(state, other)
    bad += make(state, top / "not" / "there", FAILED, "cannot be made")
    bad += make(state, "/dev/null", FAILED, "Not a directory")
    bad += Ran("--state", state).expect(USAGE, "--out DIR")
    bad += Ran("--state", state, "--out", "").expect(USAGE, "--out DIR")
    bad += Ran("--out", top / "x", "y").expect(USAGE, 'what is "y" for?')
    return bad + ([] if snapshot(state / "rrd") == before and not (state / LIST).exists() else ["the state directory has changed"])


def states_that_are_not_fit(top):
    """What was made before stays."""
    out, bad = top / "stays", []
    bad += make(top / "state", out)
    before = snapshot(out)
    empty = top / "empty"
    empty.mkdir()
    nothing = top / "nosteps"
    nothing.mkdir()
    subprocess.run([str(STATE_OF_LINES), str(nothing)], input="peers a+ b+\n", text=True, check=True)
    garbage, newer = fresh(top, "garbage"), fresh(top, "newer")
    for more in ("-wal", "-shm"):
        (garbage / ("ledger.db" + more)).unlink(missing_ok=True)
    (garbage / "ledger.db").write_bytes(b"x" * 5000)
    with sqlite3.connect(newer / "ledger.db") as db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    db.close()
    for state, text in ((empty, "no ledger.db in it"), (top / "nowhere", "no state directory"),
                        (nothing, "recorded no step"), (garbage, "ledger.db"), (newer, "newer")):
        bad += make(state, out, FAILED, text)
    after = snapshot(out)
    return bad + ([] if after == before else ["files have changed"])


def may_unshare():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


FULL = """
mount -t tmpfs -o size=64m mailseal-test "$1" || exit 77
"$2" html --out "$1/out" --state "$3" >/dev/null || exit 78
dd if=/dev/zero of="$1/fill" bs=4096 2>/dev/null
cp -a "$1/out" "$4"
rm -f "$1/out/page.js"
echo 'body{}' > "$1/out/icon.svg"
dd if=/dev/zero of="$1/fill2" bs=4096 2>/dev/null
"$2" html --out "$1/out" --state "$3"
status=$?
cp -a "$1/out" "$5"
exit $status
"""


def a_disk_that_is_full(top):
    """In a namespace with a small disk: an error that says so, and the old files are whole."""
    small, before, after = top / "small", top / "before", top / "after"
    small.mkdir()
    done = subprocess.run(["unshare", "--mount", "sh", "-c", FULL, "sh", str(small), str(MAILSEAL),
                           str(top / "state"), str(before), str(after)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    bad = [] if done.returncode == FAILED and "No space left on device" in done.stderr and \
        done.stderr.count("\n") == 1 else ["exit %d: %s" % (done.returncode, done.stderr)]
    if bad:
        return bad
    old, new = files(before), files(after)
    for name in old:
        if name in new and name not in ("icon.svg", LIST) and \
                same_time(new[name].read_text()) != same_time(old[name].read_text()) and \
                not new[name].read_text().endswith(("</html>\n", "}\n")):
            bad.append(name + " is not whole")
    bad += ["%s is gone" % n for n in set(old) - set(new) - {"page.js"}]
    return bad + ["left: %s" % n for n in new if n.endswith(".new")]


TESTS = (the_files_are_what_the_server_says, links_stay_inside, what_has_not_changed_stays,
         what_is_gone_is_removed, killed_at_any_time, two_at_once, folders_that_are_refused,
         states_that_are_not_fit)


def main():
    tap = Tap()
    top = Path(tempfile.mkdtemp(prefix="mailseal-html-"))
    os.chmod(top, 0o755)
    try:
        subprocess.run([str(MAKE_STATE), str(top / "state")], check=True)
        for test in TESTS:
            tap.run(test.__name__.replace("_", " "), test, top)
        if may_unshare():
            tap.run("a disk that is full", a_disk_that_is_full, top)
        else:
            tap.skip("a disk that is full", "needs root and mount namespaces")
    finally:
        shutil.rmtree(top)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
