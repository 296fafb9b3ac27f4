"""What an operator does with the packages, in this order, on a machine that has never seen them."""
import collections
import json
import re
import shutil

from build import NAMES
from namespaces import wait_for
from session_record import SRCDIR
from test_sample import COLUMNS, ends, expected_counts
from traffic import Traffic

SAMPLE = SRCDIR / "tests" / "pcaps" / "sample"
CONFIGURATION = "etc/mailseal.yaml"
STATE = "var/lib/mailseal"
SPAN = "span0"
SENSOR, WEB, PAGES = "mailseald.service", "mailseal-web.service", "mailseal-html.service"
TIMER = "mailseal-html.timer"
APT = ("apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold")
MARK = ("orange", "sfr")  # whose one mail in clear says that all that came before was seen
# What apt, dpkg and systemd write for themselves.
NOT_OURS = re.compile(r"/(var/lib/(dpkg|apt|systemd|pam|ucf)|var/cache|var/log|root|etc/\.pwd\.lock"
                      r"|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$)")


def differs(what, got, wanted):
    return [] if got == wanted else [f"{what}: {got!r}, not {wanted!r}"]


class Operator:
    """Who installs the packages. rounds: how often the sample has passed the sensor."""

    def __init__(self, machine, packages, folder):
        self.machine, self.packages, self.rounds = machine, packages, 0
        with open(SAMPLE / "sample.answers.jsonl", encoding="ascii") as f:
            self.key = {ends(s): s for s in map(json.loads, f)}
        self.mark = folder / "mark.pcap"
        self.before = self.files()

    def files(self):
        """Every file and directory of the machine, and whose it is."""
        lines = self.machine.run("find", "/", "-xdev", "-printf", "%p %y\n").splitlines()
        return {line for line in lines if not NOT_OURS.match(line)}

    def apt(self, *command):
        return self.machine.run(*APT, *command)

    def install(self, version=None):
        self.apt("install", *(f"/packages/{deb.name}" for deb in self.packages.debs(version)))

    def is_(self, what, unit):
        return self.machine.says("systemctl", f"is-{what}", unit)

    def property(self, unit, name):
        return self.machine.says("systemctl", "show", "--value", "--property", name, unit)

    def failed(self):
        said = self.machine.says("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        return [f"failed: {line}" for line in said.splitlines()]

    def stat(self, name):
        return self.machine.says("stat", "-c", "%U:%G %a", f"/{name}")

    # The packages are installed

    def installed(self):
        self.install()
        complaints = self.failed()
        for unit, enabled in ((SENSOR, "enabled"), (WEB, "disabled"), (TIMER, "disabled")):
            complaints += differs(unit, (self.is_("enabled", unit), self.is_("active", unit)),
                                  (enabled, "inactive"))
        for name, wanted in ((CONFIGURATION, "root:mailseal 640"),
                             ("etc/mailseal", "root:mailseal 750"),
                             (STATE, "mailseal:mailseal 750")):
            complaints += differs(name, self.stat(name), wanted)
        said = self.machine.run("mailseald", "--check-config", "-c", f"/{CONFIGURATION}")
        return complaints + ([] if "ok" in said else [said])

    def refused(self):
        """Without an interface it does not start, and says what to do; it does not try again."""
        self.machine.says("systemctl", "start", SENSOR)
        wait_for("an end", lambda: self.is_("active", SENSOR) == "failed")
        log = self.machine.says("journalctl", "--unit", SENSOR)
        complaints = [] if "capture.interfaces" in log else [f"the journal: {log}"]
        self.machine.run("systemctl", "reset-failed", SENSOR)
        return complaints

    def documented(self):
        """Every command has its manual, and every document is where the documents say."""
        listed = self.machine.run("dpkg", "-L", *NAMES).split()
        wanted = ["/usr/share/man/man8/mailseald.8.gz", "/usr/share/man/man1/mailseal.1.gz",
                  "/usr/share/man/man5/mailseal.yaml.5.gz", "/usr/share/snmp/mibs/MAILSEAL-MIB.txt",
                  "/usr/share/bash-completion/completions/mailseal",
                  "/usr/share/bash-completion/completions/mailseald",
                  *(f"/usr/share/doc/{name}/README.Debian" for name in NAMES[:2]),
                  *(f"/usr/share/doc/mailseal/{p.name}" for kind in ("*.md", "*.json")
                    for p in (SRCDIR / "doc").glob(kind))]
        return [f"{path} is missing" for path in wanted if path not in listed]

    # The one file is edited

    def configured(self):
        """An interface, and the peers of the example; it stays as only the group may read it."""
        path = self.machine.path(CONFIGURATION)
        example = (SRCDIR / "mailseal.yaml.example").read_text("utf-8")
        peers = re.search(r"^peers:\n(?:[ #].*\n|\n)+?(?=\n# Sessions)", example, re.M).group(0)
        path.write_text(path.read_text("utf-8").replace("interfaces: []", f"interfaces: [{SPAN}]") +
                        peers, encoding="utf-8")
        self.machine.add_wire(SPAN)
        said = self.machine.run("mailseald", "--check-config", "-c", f"/{CONFIGURATION}")
        return [] if "ok" in said else [said]

    def imported(self):
        """A capture file is counted before the service has run: what it writes is the service's."""
        traffic = Traffic()
        traffic.add("smtp-starttls-220", 0)
        (self.packages.folder / "old.pcap").write_bytes(traffic.pcap())
        self.machine.run("mailseald", "-c", f"/{CONFIGURATION}", "-r", "/packages/old.pcap",
                         "--quiet", "--state", f"/{STATE}")
        return [f"/{STATE}/{name}: {self.stat(f'{STATE}/{name}')}"
                for name in ("ledger.db", "incidents.db", "rrd", "sessions", "rrd/health.rrd")
                if not self.stat(f"{STATE}/{name}").startswith("mailseal:mailseal ")]

    def pages_as_files(self):
        self.machine.run("systemctl", "start", PAGES)
        return differs("pages", self.stat("var/lib/mailseal-html/index.html"),
                       "mailseal-html:mailseal-html 644")

    def start_sensor(self):
        """Until the capture process has opened its interface: then it gives up what it held."""
        self.machine.run("systemctl", "start", SENSOR)
        wait_for("a sensor that captures", lambda: any(
            re.search(r"^CapEff:\s+0{16}$", self.status(pid), re.M) for pid in self.pids()[1:]))

    def status(self, pid):
        return self.machine.path(f"proc/{pid}/status").read_text("utf-8")

    def pids(self):
        """The service and what it has started."""
        main = self.property(SENSOR, "MainPID")
        return [main, *self.machine.path(f"proc/{main}/task/{main}/children").read_text().split()]

    def started(self):
        self.start_sensor()
        return differs("state", self.is_("active", SENSOR), "active") + self.failed()

    def unprivileged(self):
        """The service runs as its user, who holds nothing once the capture is open."""
        complaints = []
        for pid in self.pids():
            status = self.status(pid)
            complaints += differs("user", self.machine.says("stat", "-c", "%U", f"/proc/{pid}"),
                                  "mailseal")
            for name, wanted in (("NoNewPrivs", "1"), ("CapEff", "0" * 16)):
                complaints += differs(name, re.search(rf"{name}:\s+(\w+)", status)[1], wanted)
        return complaints

    # Mail passes

    def pass_sample(self):
        """The sample once more, and behind it one mail whose incident says that all was seen."""
        traffic = Traffic()
        traffic.port += self.rounds
        traffic.add("smtp-plaintext", 0)
        self.mark.write_bytes(traffic.pcap())
        self.machine.replay(SAMPLE / "sample.pcap")
        self.machine.replay(self.mark)
        self.rounds += 1
        wait_for("the incident of the last mail", self.marked)

    def marked(self):
        said = self.machine.says("mailseal", "incidents", "--all", "--json")
        return said and self.rounds in [
            i["sessions"] for i in json.loads(said)["incidents"]
            if (i["client"], i["server"], i["rule"]) == (*MARK, "plaintext-between-signatories")]

    def counted(self):
        """Complaints unless the matrix holds the sample so many times, and each mark."""
        said = self.machine.run("mailseal", "matrix", "--all", "--json", "--last", "1w")
        got = {(p["client"], p["server"]): p["counts"] for p in json.loads(said)["pairs"]}
        complaints = []
        for pair, counts in self.expected().items():
            found = got.pop(pair, {})
            for verdict, column in COLUMNS.items():
                complaints += differs(f"{pair} {column}", found.get(column),
                                      counts[verdict] * self.rounds)
        return complaints + [f"nobody's sessions: {pair}" for pair in got]

    def expected(self):
        out = {k[:2]: v for k, v in expected_counts(self.key).items() if k[2] == "mta"}
        out.setdefault(MARK, collections.Counter())["plaintext"] += 1
        return out

    def live(self):
        """What passes is counted; a stop in the middle of a step writes it."""
        self.pass_sample()
        self.machine.run("systemctl", "stop", SENSOR)
        complaints = self.counted()
        self.start_sensor()
        return complaints + self.failed()

    def sessions(self):
        """All records in a file, as the example has it."""
        example = "usr/share/doc/mailseal-sensor/examples/mailseald-sessions.conf"
        folder = self.machine.path("etc/systemd/system/mailseald.service.d")
        log = self.machine.path("var/log/mailseal/sessions.jsonl")
        self.machine.run("systemctl", "stop", SENSOR)
        folder.mkdir()
        shutil.copy(self.machine.path(example), folder)
        self.machine.run("systemctl", "daemon-reload")
        self.start_sensor()
        self.pass_sample()
        self.machine.run("systemctl", "stop", SENSOR)
        complaints = differs("records", len(log.read_text("ascii").splitlines()), len(self.key) + 1)
        complaints += differs("log", self.stat("var/log/mailseal/sessions.jsonl"),
                              "mailseal:mailseal 640")
        shutil.rmtree(folder)
        self.machine.run("systemctl", "daemon-reload")
        self.start_sensor()
        return complaints

    # Pages

    def pages_served(self):
        self.machine.run("systemctl", "enable", "--now", WEB)
        wait_for("a web server", lambda: "8525" in self.machine.says("journalctl", "--unit", WEB))
        complaints = []
        for page, word in (("", "laposte"), ("healthz", "ok"), ("metrics", "mailseal_")):
            text = self.machine.get(f"http://127.0.0.1:8525/{page}")
            complaints += [] if word in text else [f"/{page}: {text[:300]}"]
        return complaints + differs("user", self.property(WEB, "User"), "mailseal-web")

    # A new version

    def upgraded(self):
        """What runs runs again, the configuration is the operator's, and nothing is lost."""
        self.pass_sample()
        was = [self.property(unit, "MainPID") for unit in (SENSOR, WEB)]
        edited = self.machine.path(CONFIGURATION).read_text("utf-8")
        version = self.packages.next_version(edit_conffile)
        self.install(version)
        complaints = self.counted() + self.failed()
        for unit, pid in zip((SENSOR, WEB), was):
            complaints += differs(unit, self.is_("active", unit), "active")
            complaints += [f"{unit} was not restarted"] * (self.property(unit, "MainPID") == pid)
        complaints += differs("configuration", self.machine.path(CONFIGURATION).read_text("utf-8"),
                              edited)
        for suffix in "", ".dpkg-dist":
            complaints += differs(suffix, self.stat(CONFIGURATION + suffix), "root:mailseal 640")
        return complaints + differs("version", self.machine.says(
            "dpkg-query", "-W", "-f", "${Version}", NAMES[0]), version)

    # The end

    def removed(self):
        self.pass_sample()
        self.apt("remove", *NAMES)
        complaints = [f"{unit} still runs" for unit in (SENSOR, WEB)
                      if self.is_("active", unit) == "active"]
        left = [path.read_text() for path in self.machine.path("proc").glob("[0-9]*/comm")
                if "mailseal" in path.read_text()]
        complaints += [f"still runs: {left}"] * bool(left)
        return complaints + [f"{name} is gone" for name in (CONFIGURATION, f"{STATE}/ledger.db")
                             if not self.machine.path(name).exists()]

    def installed_again(self):
        """It goes on where it was: what the stop wrote, and what comes now."""
        self.install()
        complaints = self.counted()
        self.start_sensor()
        self.pass_sample()
        self.machine.run("systemctl", "stop", SENSOR)
        return complaints + self.counted() + \
            differs("configuration", self.stat(CONFIGURATION), "root:mailseal 640")

    def purged(self):
        """Nothing is left but the users, also of what was installed for them."""
        self.apt("purge", "--autoremove", *NAMES)
        after = self.files()
        return [f"left behind: {path}" for path in sorted(after - self.before)] + \
            [f"lost: {path}" for path in sorted(self.before - after)]


def edit_conffile(tree):
    """The next version comes with another default."""
    path = tree / CONFIGURATION
    if path.exists():
        path.write_text(path.read_text("utf-8") + "\n# Another line.\n", "utf-8")


STORY = (("installed: nothing runs yet", Operator.installed),
         ("without an interface it says what to do", Operator.refused),
         ("manuals, documents, completions", Operator.documented),
         ("one file is edited", Operator.configured),
         ("a capture file is counted", Operator.imported),
         ("the pages as files", Operator.pages_as_files),
         ("it runs", Operator.started),
         ("as a user who holds nothing", Operator.unprivileged),
         ("what passes is counted", Operator.live),
         ("all sessions in a file", Operator.sessions),
         ("the pages from a server", Operator.pages_served),
         ("upgraded: configuration and counts stay", Operator.upgraded),
         ("removed: it stops, configuration and counts stay", Operator.removed),
         ("installed again: it goes on", Operator.installed_again),
         ("purged: nothing is left", Operator.purged))
