#!/usr/bin/env python3
"""The direction of includes, and who knows which library.

Data moves from wire to capture, decode, flow, session, verdict, tally, sinks; an include points
the other way. So a stage knows the record that it consumes and never the stage that will consume
its own, and each foreign header is known to one file, in the sensor to one module.
"""
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

SRCDIR = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parents[1])
sys.path.insert(0, str(SRCDIR / "tests" / "integration"))
from tap import Tap  # noqa: E402

FOLDERS = ("dissectors", "reports", "sensor", "web")

# What each folder may include besides itself.
REACH = {"dissectors": (), "reports": ("dissectors/verdict.h",), "web": ("dissectors/verdict.h", "reports/"),
         "sensor": ("dissectors/", "reports/")}

# Each row of the sensor may include the rows above it and nothing of its own row but itself.
# conf stands for conf_*, self for self_test*.
ROWS = (
    ("backlog", "clock", "conf", "confine", "frame", "interfaces", "log", "notify", "pool", "ring",
     "sequence", "signals", "steer", "stoppable", "summary"),
    ("fragments", "pcapfile", "self"),
    ("decode", "channel"),
    ("capture", "flow", "reasm", "classify", "certificates", "unseen", "volume", "inbox",
     "store", "couriers", "eras"),
    ("probe",),
    ("options", "session", "recorder"),
    ("tracker",),
    ("pipeline",),
    ("workers", "process", "reload"),
    ("memory", "capture_process", "recorder_process"),
    ("main",),
)
# The recorder never sees a packet, and what sees packets knows no sink.
PACKETS = ("frame", "pcapfile", "fragments", "decode", "capture", "flow", "reasm", "classify", "certificates", "unseen",
           "volume", "probe", "session", "tracker", "pipeline", "workers", "capture_process")
SINKS = ("backlog", "inbox", "interfaces", "store", "couriers", "eras", "notify", "recorder", "reload",
         "recorder_process", "signals")

# The dissectors have no input or output and no clock.
PURE = {"assert.h", "ctype.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h",
        "stddef.h", "stdint.h", "stdlib.h", "string.h"}
SYSTEM = PURE | {
    "byteswap.h", "dirent.h", "endian.h", "errno.h", "fcntl.h", "float.h", "getopt.h", "grp.h", "langinfo.h", "libgen.h",
    "locale.h", "math.h", "netdb.h", "poll.h", "pthread.h", "pwd.h", "sched.h", "signal.h", "spawn.h",
    "stdatomic.h", "stdio.h", "strings.h", "syslog.h", "time.h", "unistd.h", "wchar.h"}
SYSTEM_FOLDERS = ("arpa/", "linux/", "net/", "netinet/", "sys/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def includes(path):
    """(own, header) for each include of a file."""
    return [(mark == '"', header)
            for mark, header in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def files(top):
    for folder in FOLDERS:
        yield from sorted(p for p in (top / folder).iterdir() if p.suffix in (".c", ".h"))


def module(name):
    """sensor/conf_table.h is of the module conf."""
    stem = Path(name).stem
    return stem if row_of(stem) is not None else stem.split("_")[0]


def row_of(name):
    return next((n for n, row in enumerate(ROWS) if name in row), None)


def folder_breach(name, header):
    folder = name.split("/")[0]
    if "/" not in header:
        return f"{name} includes {header} without its folder"
    if header.startswith(folder + "/") or header.startswith(REACH[folder] or ("\0",)):
        return None
    return f"{name} includes {header}: {folder}/ may not"


def stage_breach(name, header):
    """Between two files of the sensor."""
    ours, theirs = module(name), module(header)
    if row_of(ours) is None:
        return f"{name} has no row: give it one"
    if ours == theirs:
        return None
    if row_of(theirs) is None or row_of(theirs) >= row_of(ours):
        return f"{name} includes {header}: a later stage, or one beside it"
    if (ours in SINKS and theirs in PACKETS) or (ours in PACKETS and theirs in SINKS):
        return f"{name} includes {header}: packets and sinks do not know each other"
    return None


def owner(name):
    """Whose business a library is: of one module of the sensor, elsewhere of one file."""
    return module(name) if name.startswith("sensor/") else name


def is_system(header):
    return header in SYSTEM or header.startswith(SYSTEM_FOLDERS)


def breaches(top):
    """Everything in a source tree that goes against the rules above."""
    out, foreign = [], {}
    for path in files(top):
        name = f"{path.parent.name}/{path.name}"
        if name.startswith("sensor/"):
            out.append(stage_breach(name, name))
        for own, header in includes(path):
            if own:
                out.append(folder_breach(name, header))
                if name.startswith("sensor/") and header.startswith("sensor/"):
                    out.append(stage_breach(name, header))
            elif not is_system(header):
                foreign.setdefault(header, []).append(name)
            if not own and name.startswith("dissectors/") and header not in PURE:
                out.append(f"{name} includes {header}: dissectors know only what is pure in libc")
    for header, users in foreign.items():
        if len({owner(u) for u in users}) > 1:
            out.append(f"{header} is included by {', '.join(users)}: by one file only, or one module of the sensor")
        out += [f"{u} includes {header}: a header of ours hides libraries"
                for u in users if u.endswith(".h")]
    return [o for o in out if o]


def tree_is_clean():
    return breaches(SRCDIR)


def there_is_something_to_check():
    """The rules see every kind of include that they are about."""
    seen = [(f"{p.parent.name}/{p.name}", h) for p in files(SRCDIR) for _, h in includes(p)]
    complaints = []
    for name, header in (("sensor/pipeline.c", "sensor/tracker.h"),
                         ("reports/counts.h", "dissectors/verdict.h"),
                         ("dissectors/smtp.h", "dissectors/facts.h"),
                         ("sensor/capture.c", "pcap/pcap.h"), ("sensor/main.c", "stdio.h")):
        if (name, header) not in seen:
            complaints.append(f"{name} no longer includes {header}: is that so?")
    modules = {module(p.name) for p in (SRCDIR / "sensor").iterdir() if p.suffix in (".c", ".h")}
    return complaints + [f"{m} has a row and no file" for row in ROWS for m in row
                         if m not in modules]


# What is planted, and the word that its complaint must have.
PLANTED = (
    ("dissectors/smtp.c", '#include "reports/counts.h"', "may not"),
    ("dissectors/smtp.c", '#include "sensor/log.h"', "may not"),
    ("dissectors/tls.h", "#include <time.h>", "pure"),
    ("dissectors/tls.c", "#include <pcap/pcap.h>", "pure"),
    ("dissectors/tls.c", "#include <sys/socket.h>", "pure"),
    ("reports/counts.c", '#include "dissectors/smtp.h"', "may not"),
    ("reports/counts.h", '#include "sensor/conf.h"', "may not"),
    ("sensor/decode.c", '#include "sensor/flow.h"', "later stage"),
    ("sensor/reasm.h", '  #  include "sensor/session.h"', "later stage"),
    ("sensor/flow.c", '#include "sensor/reasm.h"', "beside"),
    ("sensor/session.c", '#include "sensor/tracker.h"', "later stage"),
    ("sensor/tracker.c", '#include "sensor/pipeline.h"', "later stage"),
    ("sensor/conf_value.c", '#include "sensor/capture.h"', "later stage"),
    ("sensor/recorder.c", '#include "sensor/decode.h"', "packets and sinks"),
    ("sensor/tracker.c", '#include "sensor/store.h"', "packets and sinks"),
    ("sensor/decode.c", '#include "pool.h"', "without its folder"),
    ("sensor/novelty.c", '#include "sensor/pool.h"', "no row"),
    ("sensor/flow.c", "#include <pcap/pcap.h>", "one file only"),
    ("reports/tally.c", "#include <sqlite3.h>", "one file only"),
    ("sensor/capture.h", "#include <pcap/bpf.h>", "hides libraries"),
)


def planted_is_found(name, line, word):
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        for folder in FOLDERS:
            (top / folder).mkdir()
        for path in files(SRCDIR):
            shutil.copyfile(path, top / path.parent.name / path.name)
        with open(top / name, "a", encoding="utf-8") as file:
            file.write("\n" + line + "\n")
        found = breaches(top)
    if not any(name in f and word in f for f in found):
        return [f"was not found: {line} in {name}; {found}"]
    return []


def main():
    tap = Tap()
    tap.run("includes point the right way", tree_is_clean)
    tap.run("the rules are about this tree", there_is_something_to_check)
    for name, line, word in PLANTED:
        tap.run(f"planted in {name}: {line.strip('# ')}", planted_is_found, name, line, word)
    tap.finish()


if __name__ == "__main__":
    main()
