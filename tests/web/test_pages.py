#!/usr/bin/python3
"""Every page of a state directory: well-formed, ids unique, headings in order, tables named, no inline
style or script, and every link leads to a page and a place on it."""
import html.parser
import json
import os
import posixpath
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir", "."), "tests", "integration"))
from tap import Tap  # noqa: E402

BUILD = os.environ.get("top_builddir", "build")
END = 1795341600 + 3600
EMPTY = {"meta", "link", "img", "source", "br", "hr", "input"}
JSON = ["overview", "overview-year", "incidents", "incident/1", "sensor", "unknown", "method",
        "peer/orange", "pair/mta/orange/free"]


class Page(html.parser.HTMLParser):
    """What a page holds, and what is wrong with it."""

    def __init__(self, path, text):
        super().__init__()
        self.path = path
        self.open = []
        self.ids = []
        self.links = []
        self.labels = []
        self.level = 0
        self.bad = []
        self.text = ""
        self.feed(text)
        self.close()
        if self.open:
            self.bad.append("%s: left open: %s" % (path, self.open))
        for what in ("ids", "labels"):
            found = getattr(self, what)
            self.bad += ["%s: %s twice: %s" % (path, what, i) for i in set(found)
                         if found.count(i) > 1]

    def complain(self, what):
        self.bad.append("%s: %s in %s" % (self.path, what, "/".join(self.open)))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if len(given) != len(attributes):
            self.complain("an attribute twice")
        if "style" in given or any(name.startswith("on") for name in given):
            self.complain("inline style or script")
        if tag == "script" and "src" not in given:
            self.complain("inline script")
        if "id" in given:
            self.ids.append(given["id"])
        if given.get("role") == "region":
            self.labels.append(given.get("aria-label"))
        for name in ("href", "src", "srcset"):
            if name in given:
                self.links.append(given[name])
        if tag in ("h1", "h2", "h3"):
            level = int(tag[1])
            if level > self.level + 1 or (level == 1 and self.level):
                self.complain("heading out of order")
            self.level = level
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.complain("th without scope")
        if tag == "img" and not given.get("alt"):
            self.complain("img without alt")
        if tag not in EMPTY:
            self.open.append(tag)
        self.text = ""

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.complain("</%s>" % tag)
            return
        if tag in ("a", "th", "h2", "h3", "caption", "dt") and not self.text.strip():
            self.complain("empty <%s>" % tag)
        self.open.pop()

    def handle_data(self, text):
        self.text += text


class Site:
    def __init__(self, state):
        self.state = state
        self.pages = {}

    def ask(self, path):
        done = subprocess.run([os.path.join(BUILD, "tests", "web", "ask_site"), self.state,
                               str(END + 30), path], capture_output=True, check=True)
        status, _, text = done.stdout.decode().partition("\n")
        return int(status), text

    def crawl(self):
        """All pages that the first one leads to. Pictures have tests of their own."""
        waiting = ["index.html"]
        bad = []
        while waiting:
            path = waiting.pop()
            if path in self.pages or path.startswith("graph/"):
                continue
            status, text = self.ask(path)
            if status != 200:
                bad.append("%s: %d" % (path, status))
            self.pages[path] = Page(path, text if path.endswith(".html") else "")
            waiting += [self.target(path, link)[0] for link in self.pages[path].links]
        return bad

    @staticmethod
    def target(path, link):
        parts = urllib.parse.urlsplit(link)
        to = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path))
        return (to if parts.path else path), parts.fragment

    def dead_links(self):
        bad = []
        for path, page in self.pages.items():
            for link in page.links:
                to, place = self.target(path, link)
                if to.startswith("..") or "//" in link:
                    bad.append("%s leads away: %s" % (path, link))
                elif place and place not in self.pages[to].ids:
                    bad.append("%s: no such place: %s" % (path, link))
        return bad


def has_kinds(site):
    wanted = ["index.html", "overview-year.html", "incidents.html", "incident/1.html",
              "incident/2.html", "sensor.html", "method.html", "unknown.html",
              "peer/orange.html",
              "peer/other.html", "pair/mta/orange/free.html", "pair/mta/laposte/sfr.html"]
    return ["nothing leads to " + path for path in wanted if path not in site.pages]


def json_is_json(site):
    bad = []
    for path in JSON:
        status, text = site.ask("api/v1/%s.json" % path)
        if status != 200 or json.loads(text)["version"] != 1:
            bad.append("%s: %d" % (path, status))
    return bad


def as_the_command(site):
    """An incident is told as by mailseal incidents ID --json."""
    done = subprocess.run([os.path.join(BUILD, "mailseal"), "incidents", "2", "--json", "--state",
                           site.state], capture_output=True, check=True)
    told = json.loads(done.stdout)
    page = json.loads(site.ask("api/v1/incident/2.json")[1])
    return ["%s differs" % key for key in told if page.get(key) != told[key]]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state")
        subprocess.run([os.path.join(BUILD, "tests", "integration", "make_state"), state],
                       check=True)
        site = Site(state)
        tap.run("every page is there", site.crawl)
        tap.run("each kind of page is led to", has_kinds, site)
        tap.run("pages are well-formed",
                lambda: [line for page in site.pages.values() for line in page.bad])
        tap.run("links lead somewhere", site.dead_links)
        tap.run("JSON is JSON", json_is_json, site)
        tap.run("an incident is what the command says", as_the_command, site)
    tap.finish()


main()
