#!/usr/bin/env python3
"""The report as HTML: one sound file that needs nothing beside it, whose numbers are those of the
report as JSON, and which no text from a file can turn into markup."""
import collections
import datetime
import json
import os
import re
import sqlite3
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from tap import Tap

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[2])
BUILDDIR = Path(os.environ.get("top_builddir") or SRCDIR)
MAKE_STATE = BUILDDIR / "tests" / "integration" / "make_state"
VOID = {"meta", "br", "rect", "path"}
EVIL = "<img src=x onerror=alert(1)>&\"'\x1b[2J\u202e"
SHARES = ("From", "To", "Sealed", "Bounds, %", "Sessions", "Encrypted", "In clear", "Undecided",
          "Coverage")
BESIDE = ("tls10", "tls11", "tls12", "tls13", "tls_failed", "refused", "stripped",
          "messages_clear", "no_transaction", "indeterminate", "begun_before", "excepted")

Table = collections.namedtuple("Table", "caption heads rows widths")


class Page(HTMLParser):
    """Every element closed in order; tables as text, rows without the name of their line."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.bad, self.seen = [], [], collections.Counter()
        self.attributes, self.tables, self.lines = [], [], []
        self.cell, self.text = None, ""
        self.feed(text)
        self.close()
        self.bad += ["<%s> is not closed" % t for t in self.open]

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        self.attributes += [(tag, *a) for a in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(Table([], [], [], []))
        elif tag == "tr":
            self.row, self.width = [], 0
        elif tag in ("th", "td", "caption"):
            self.cell = ""
            self.width += int(dict(attrs).get("colspan", 1))
        if tag == "th" and "scope" not in dict(attrs):
            self.bad.append("a <th> without scope")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append("</%s> closes something else, near %r" % (tag, self.text[-60:]))
        if tag in ("th", "td"):
            self.row.append(re.sub("[\u202f\u00ad]", "", self.cell).strip())
        elif tag == "caption":
            self.tables[-1].caption.append(self.cell)
        elif tag == "tr" and "thead" in self.open:
            self.tables[-1].heads.extend(self.row)
        elif tag == "tr" and self.row:
            self.tables[-1].rows.append(self.row)
            self.tables[-1].widths.append(self.width)
        self.cell = None if tag in ("th", "td", "caption") else self.cell

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            return
        self.text += data
        if self.cell is not None:
            self.cell += data

    def lettered(self):
        return {t.caption[0][6]: t for t in self.tables
                if t.caption and t.caption[0].startswith("Table ")}


def tool(state, *arguments):
    done = subprocess.run([str(BUILDDIR / "mailseal"), "report", "--month", "2026-11", "--state",
                           str(state), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=120)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError("exit %d: %r" % (done.returncode, done.stderr))
    return done.stdout.decode()


def both(state, *arguments):
    return Page(tool(state, *arguments)), json.loads(tool(state, "--json", *arguments))


# What it is made of ---------------------------------------------------------------------------------

def sound(page):
    """Closed in order; no script, nothing from elsewhere; a language; tables that say what they are."""
    bad = list(page.bad)
    bad += ["<%s>" % t for t in ("script", "link", "img", "iframe", "object", "form", "base")
            if page.seen[t]]
    for tag, name, value in page.attributes:
        if name.startswith("on") or name in ("src", "href", "style", "srcset"):
            bad.append("<%s %s=%r>" % (tag, name, value))
        elif "//" in (value or "") and (tag, name) != ("svg", "xmlns"):
            bad.append("<%s %s=%r>" % (tag, name, value))
    bad += [] if ("html", "lang", "en") in page.attributes else ["no language"]
    bad += [] if page.seen["h1"] == 1 and page.seen["main"] == 1 else ["one <h1> in one <main>"]
    bad += ["a table with a head and no caption: %r" % t.heads
            for t in page.tables if t.heads and not t.caption]
    letters = sorted(page.lettered())
    if letters != [chr(ord("A") + n) for n in range(len(letters))]:
        bad.append("letters of tables: %r" % letters)
    for letter, table in page.lettered().items():
        lines = [row[0] for row in table.rows]
        if lines != ["%s%d" % (letter, n + 1) for n in range(len(lines))]:
            bad.append("lines of table %s: %r" % (letter, lines))
        if set(table.widths) != {len(table.heads)}:
            bad.append("table %s: rows of %r cells" % (letter, sorted(set(table.widths))))
    return bad


def made_of_nothing_but_itself(top):
    state = top / "state"
    text = tool(state)
    bad = sound(Page(text)) + sound(Page(tool(state, "--timezone", "Asia/Tokyo")))
    style = text[text.index("<style>"):text.index("</style>")]
    return bad + ["%s in the style" % w for w in ("url(", "@import", "@font-face") if w in style]


# What it says ---------------------------------------------------------------------------------------

def rows_of(table, total):
    """By pair: the other cells."""
    return {tuple(r[1:3]) if r[1] != "Total" else "total": r[3:] if r[1] != "Total" else r[2:]
            for r in table.rows if total or r[1] != "Total"}


def share_cells(row):
    return [str(row[k]) for k in ("sessions", "E", "P", "U")]


def numbers_are_those_of_the_json(top):
    bad = []
    for least in ("0", "10"):
        page, report = both(top / "state", "--min-sessions", least)
        tables = page.lettered()
        if tuple(tables["A"].heads[1:]) != SHARES:
            bad.append("columns: %r" % tables["A"].heads)
        shares, beside = rows_of(tables["A"], True), rows_of(tables["B"], True)
        for row in [*report["pairs"], report["total"]]:
            key = (row["client"], row["server"]) if "client" in row else "total"
            if row.get("suppressed"):
                wanted = ["<10 \u2013 withheld: fewer than 10 sessions"]
                bad += [] if shares[key] == beside[key] == wanted else ["%r: %r" % (key, shares[key])]
            elif row["sessions"] == 0 and row["counts"]["excepted"] == 0:
                bad += ["%r is a row" % (key,)] * (key in shares)
                bad += [] if "Between these no session was seen" in page.text else ["idle pairs"]
            else:
                bad += [] if shares[key][2:6] == share_cells(row) else ["%r: %r" % (key, shares[key])]
                bad += [] if beside[key] == [str(row["counts"][c]) for c in BESIDE] else \
                    ["%r: %r" % (key, beside[key])]
        if shares["total"][0] != "!99.75 %" or shares["total"][1] != "99.40-99.77":
            bad.append("total: %r" % shares["total"])
    return bad


def all_months_are_there(top):
    """Also those before: a year of one step each."""
    state = top / "year"
    lines = ["peers orange+ free+"]
    for n in range(14):
        year, month = divmod(2025 * 12 + 9 + n, 12)
        at = datetime.datetime(year, month + 1, 15, tzinfo=datetime.timezone.utc)
        lines += ["count mta orange free enc_starttls %d" % (100 + n),
                  "count mta orange free plaintext %d" % n, "step %d" % at.timestamp()]
    subprocess.run([str(BUILDDIR / "tests" / "integration" / "state_of_lines"), str(state)],
                   input="\n".join(lines) + "\n", text=True, check=True)
    page, report = both(state)
    bad, tables = sound(page), page.lettered()
    history = tables["C"]
    months = [m["month"] for m in report["trend"]] + [report["month"]]
    if len(months) != 13 or [r[1] for r in history.rows] != months:
        bad.append("months: %r, not %r" % ([r[1] for r in history.rows], months))
    for row, m in zip(history.rows, [*report["trend"], report]):
        if row[4:8] != share_cells(m["total"]):
            bad.append("%s: %r" % (m["month"], row))
    for cell, m in zip(tables["D"].rows[0][3:], [*report["trend"], report], strict=True):
        row = next(p for p in m["pairs"] if p["client"] == "orange")
        if not cell.endswith("%%%d100 %%" % row["sessions"]):  # share, sessions, coverage
            bad.append("%s: %r" % (m["month"], cell))
    return bad + ([] if page.seen["rect"] == 13 else ["bars: %d" % page.seen["rect"]])


def limits_stand_first(top):
    page, _ = both(top / "state", "--timezone", "Europe/Paris")
    words = ("What limits this report", "The month is not over: the ledger ends on 2026-11-22 12:00 "
             "+01:00.", "The ledger begins within the month, on 2026-11-12 11:00 +01:00",
             "At a glance", "Table A.", "What the sensor did not see", "Method")
    places = [page.text.find(w) for w in words]
    return [] if -1 not in places and places == sorted(places) else [str(list(zip(words, places)))]


def incidents_are_told(top):
    page, report = both(top / "state")
    table = page.lettered()["C"]
    bad = [] if [r[1] for r in table.rows] == [str(i["id"]) for i in report["incidents"]] else \
        ["%r" % table.rows]
    for i in report["incidents"]:
        for proof in i["evidence"]:
            bad += ["no %r" % w for w in (proof["evidence"], proof["client"], proof["server"],
                                          proof["exposure"]) if w not in page.text]
    bad += ["no %r" % w for w in ("not over", "The server did not offer STARTTLS.")
            if w not in page.text]
    return bad


# What must not get through ---------------------------------------------------------------------------

def nothing_becomes_markup(top):
    """Names, reasons and notes as a hostile hand would put them into the files."""
    state = top / "hostile"
    subprocess.run(["cp", "-r", str(top / "state"), str(state)], check=True)
    clean = Page(tool(state))
    with sqlite3.connect(state / "incidents.db") as db:
        db.execute("UPDATE incident SET rule = ?, client = ?, sensor = ?, why = ?, found = ?,"
                   " acked = 1795341600, ack_by = ?, ack_note = ?", (EVIL,) * 7)
    with sqlite3.connect(state / "ledger.db") as db:
        db.execute("UPDATE peer SET name = ? WHERE name = 'sfr'", (EVIL,))
        db.execute("UPDATE party SET name = ? WHERE name = 'sfr'", (EVIL,))
    text = tool(state)
    page = Page(text)
    bad = sound(page) + ["%r" % c for c in "\x1b\u202e" if c in text]
    bad += [] if page.seen["img"] == 0 and clean.seen["img"] == 0 else ["an <img>"]
    bad += [] if page.text.count("<img src=x onerror=alert(1)>&\"'\\x1b[2J") > 10 else ["not shown"]
    return bad


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mailseal-page-") as name:
        top = Path(name)
        subprocess.run([str(MAKE_STATE), str(top / "state")], check=True)
        for test in (made_of_nothing_but_itself, numbers_are_those_of_the_json,
                     all_months_are_there, limits_stand_first, incidents_are_told,
                     nothing_becomes_markup):
            tap.run(test.__name__.replace("_", " "), test, top)
    tap.finish()


if __name__ == "__main__":
    main()
