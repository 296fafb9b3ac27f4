"""Five weeks of mail between operators, and a sensor that goes through them as one in the field does:
it is restarted, it is killed, and for hours it is not there.

After a kill the ledger ends with its last step that was committed. What counts in a later step is
lost, for the next run begins behind it; where a line of the log tells of it, it is taken from the log.
"""
import datetime
import json
import random
import signal
import subprocess
from pathlib import Path

from session_record import BUILDDIR, run
from traffic import START, STEP, Ends, Sensor, Traffic, last_step, query, read_talk, wait_until

UTC = datetime.timezone.utc
CONFIGURATION = """\
sensor: test
capture: {max_flows: 5000, max_undecided: 1000}
peers:
  - {name: alpha, signatory: true, mta: [198.51.100.0/28], access: [198.51.100.16/28]}
  - {name: beta, signatory: true, mta: [198.51.100.32/28], access: [198.51.100.48/28],
     networks: [203.0.113.0/24]}
  - {name: gamma, signatory: true, mta: [198.51.100.64/28]}
  - {name: cloud, mta: [198.51.100.96/28]}
exceptions:
  - {client: 198.51.100.14/32}
"""
ALPHA, BETA, GAMMA, CLOUD = ("198.51.100.%d" % n for n in (1, 33, 65, 97))
PROBE, BETA_NET, PERSON = "198.51.100.14", "203.0.113.7", "192.0.2.44"
ALPHA_ACCESS, BETA_ACCESS = "198.51.100.17", "198.51.100.49"
# client, server, how often, and the talks that they have, with the port of the server
MAIL = (("smtp-starttls-220", 25), ("smtp-starttls-220", 25), ("smtp-tls-1.2", 25),
        ("smtp-tls-1.0", 25), ("smtp-plaintext-two-mails", 25), ("smtp-mail-530", 25),
        ("smtp-auth-plain", 25), ("smtp-scanner-quit", 25), ("smtp-tls-client-alert", 25),
        ("smtp-gap-before-quit", 25), ("smtp-mid-stream-quit", 25))
SUBMISSION = (("smtp-starttls-220", 587), ("smtp-plaintext-587", 587),
              ("smtp-implicit-tls-1.3", 465))
ACCESS = (("imaps-tls-1.0", 993), ("imaps-tls-1.2", 993), ("imap-login", 143),
          ("imap-starttls", 143), ("pop3-user-pass", 110), ("pop3-user-refused", 110))
PAIRS = ((ALPHA, BETA, 30, MAIL), (BETA, ALPHA, 30, MAIL), (GAMMA, ALPHA, 10, MAIL),
         (ALPHA, ALPHA, 3, MAIL), (CLOUD, BETA, 10, MAIL), (GAMMA, CLOUD, 10, MAIL),
         (BETA_NET, GAMMA, 5, MAIL), (PERSON, CLOUD, 5, MAIL), (PROBE, BETA, 5, MAIL),
         (PERSON, ALPHA_ACCESS, 20, SUBMISSION), (PERSON, CLOUD, 3, SUBMISSION),
         (PERSON, BETA_ACCESS, 20, ACCESS), (BETA_NET, ALPHA_ACCESS, 5, ACCESS),
         (PERSON, BETA_NET, 3, ACCESS))
RARE = (BETA, GAMMA, "smtp-starttls-220", 25)  # once in a while, so that its row is small

# When the sensor ran, and how each run ended: by itself, by SIGTERM, by SIGKILL.
RUNS = (("02-28T00:00", "02-29T22:58", "whole"), ("02-29T22:58", "02-29T23:04", "killed"),
        ("02-29T23:06", "03-01T00:01", "stopped"), ("03-01T00:01", "03-07T03:10", "killed"),
        ("03-07T09:41", "03-12T12:00", "whole"), ("03-12T12:40", "03-20T08:00", "stopped"),
        ("03-20T08:00", "03-24T17:00", "killed"), ("03-24T17:17", "03-31T00:58", "whole"),
        ("03-31T00:58", "03-31T01:02", "killed"), ("03-31T01:05", "03-31T22:00", "stopped"),
        ("03-31T22:00", "04-01T00:02", "killed"), ("04-01T00:04", "04-02T06:00", "whole"))
# Around these every minute has traffic: borders of months in several zones, change of clocks.
DENSE = ("02-29T18:30", "02-29T23:00", "03-01T00:00", "03-31T01:00", "03-31T18:30", "03-31T22:00",
         "04-01T00:00")
SPARSE = 30 * STEP


def seconds(text):
    """Of "2024-03-01T00:00:00Z", or without the year."""
    text = text if text.startswith("20") else f"2024-{text}"
    return int(datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=UTC).timestamp())


def iso(time):
    return datetime.datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Five weeks of traffic ------------------------------------------------------------------------------

class Weeks(Traffic):
    def __init__(self):
        super().__init__()
        self.steps = {}  # step: sessions that begin in it, as (start in microseconds, client port)

    def talk(self, name, time, client, server, port):
        """As in add(), with the addresses themselves."""
        self.port = 20000 + (self.port + 1) % 40000
        ends = Ends(client, self.port, server, port)
        start = int(time * 10**6)
        for n, packet in enumerate(read_talk(name).packets()):
            self.packets.append((start + n * 1000, ends.frame(packet)))
        self.steps[int(time) // STEP * STEP].append((start, self.port))

    def minute(self, step, rolls, most):
        self.steps[step] = []
        for second in (0.5, 20, 55):  # so that the sensor knows what time it is
            self.syn(step - START + second)
        for n in range(rolls.randrange(most + 1)):
            client, server, _, talks = rolls.choices(PAIRS, [p[2] for p in PAIRS])[0]
            name, port = rolls.choice(talks)
            self.talk(name, step + 2 + 11 * n + rolls.random(), client, server, port)
        if step % (5 * 86400) < SPARSE:
            client, server, name, port = RARE
            self.talk(name, step + 50, client, server, port)


def runs():
    return [(seconds(a), seconds(b), how) for a, b, how in RUNS]


def five_weeks(rolls):
    traffic, dense = Weeks(), {seconds(d) + n * STEP for d in DENSE for n in range(-4, 5)}
    for first, last, _ in runs():
        steps = set(range(first + -first % SPARSE, last, SPARSE)) | {first, last - STEP}
        for step in sorted(steps | {d for d in dense if first <= d < last}):
            traffic.minute(step, rolls, 3 if step in dense else 2)
    return traffic


# A sensor that goes through them --------------------------------------------------------------------

class Place:
    def __init__(self, directory):
        self.dir = Path(directory)
        self.state = self.dir / "state"
        self.conf = self.dir / "month.yaml"
        self.conf.write_text(CONFIGURATION, encoding="ascii")
        self.ran = set()  # steps that the ledger holds
        self.complaints = []

    def tool(self, *arguments):
        return subprocess.run([str(BUILDDIR / "mailseal"), "report", *arguments, "--state",
                               str(self.state)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=300)

    def report(self, *arguments):
        done = self.tool("--json", *arguments)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(f"{arguments}: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def lines(self):
        return [line for path in sorted((self.state / "sessions").iterdir())
                for line in path.read_text("ascii").splitlines()]

    def keep(self, last):
        """Takes from the log what counts in a later step, and half a line; returns these steps."""
        gone = set()
        for path in (self.state / "sessions").iterdir():
            kept = []
            for line in path.read_text("ascii").splitlines(keepends=True):
                if not line.endswith("\n"):
                    continue
                counted = seconds(json.loads(line)["counted"])
                if counted > last:
                    gone.add(counted)
                else:
                    kept.append(line)
            path.write_text("".join(kept), "ascii")
        return gone


def run_whole(place, traffic, first, last):
    path = place.dir / "capture.pcap"
    path.write_bytes(traffic.pcap(first - START, last - START))
    done = run("-c", place.conf, "-r", path, "--state", place.state, "--quiet")
    return [f"exit {done.returncode}: {done.stderr}"] * (done.returncode != 0)


def fed(place, traffic, first, last):
    sensor = Sensor(place.dir, place.state, configuration=CONFIGURATION)
    sensor.feed(traffic.between(first - START, last - START))
    sensor.read_all()
    return sensor


def run_stopped(place, traffic, first, last):
    with fed(place, traffic, first, last) as sensor:
        sensor.signal(signal.SIGTERM)
        code, said = sensor.ended()
    return [f"exit {code}: {said}"] * (code != 0)


def ends_with(place):
    """The last step in the ledger."""
    last = last_step(place.state)
    return -1 if last is None else START + last


def run_killed(place, traffic, first, last):
    """When all but its last step is in the ledger, and in the log."""
    before = len(place.lines())
    steps = sorted(s for s in traffic.steps if first <= s < last)
    sessions = sum(len(traffic.steps[s]) for s in steps[:-1])
    with fed(place, traffic, first, last) as sensor:
        wait_until(lambda: ends_with(place) >= steps[-2], "a commit")
        wait_until(lambda: len(place.lines()) - before >= sessions, "the lines of the log")
        sensor.signal(signal.SIGKILL)
        sensor.ended()
    in_ledger = ends_with(place)
    lost = place.keep(in_ledger)
    return [f"killed: the ledger ends with {iso(in_ledger)}, not {iso(steps[-2])}"] * \
        (in_ledger != steps[-2]) + [f"lost: {iso(s)}" for s in lost if s != steps[-1]]


HOW = {"whole": run_whole, "stopped": run_stopped, "killed": run_killed}


def make(place, seed):
    place.traffic = five_weeks(random.Random(seed))
    for first, last, how in runs():
        place.complaints += [f"{how} until {iso(last)}: {c}"
                             for c in HOW[how](place, place.traffic, first, last)]
        place.ran |= {s for s, in query(place.state, "SELECT step FROM health_minutes")}
    place.log = [json.loads(line) for line in place.lines()]
