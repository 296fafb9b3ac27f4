"""Runs of programs over captures: what they cost, and whether what they say is true."""
import collections
import json
import os
import subprocess
import time
from pathlib import Path

Cost = collections.namedtuple("Cost", "cpu peak_kib")


class Wrong(Exception):
    """A run failed, or said what is not true."""


def generate(generator, workload, prefix, scale=1.0, open_=0, prefixes=5):
    subprocess.run([generator, workload, prefix, repr(scale), str(open_), str(prefixes)], check=True)
    with open(prefix + ".json", encoding="utf-8") as file:
        return json.load(file)


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def memory_of(pid):
    """The memory of a process in KiB, its share of what several have mapped; 0 when it is gone."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except (OSError, ProcessLookupError):
        return 0


def watch_memory(process):
    """The most that the processes of a run had together."""
    most = 0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        most = max(most, sum(memory_of(pid) for pid in [process.pid] + children(process.pid)))
        time.sleep(0.01)
    return most


def cost_of(command, memory=False):
    """CPU time of a command and of its children, user and system, and what it wrote."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as process:
        peak = watch_memory(process) if memory else 0
        said = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Wrong("%s: exit %d: %s" % (" ".join(command), process.returncode, said))
    return Cost(used.ru_utime + used.ru_stime, peak), said


def said_sessions(*paths):
    """What session logs say: sessions by service, pair and verdict; bytes."""
    counts = collections.Counter()
    volume = collections.Counter()
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            counts[record["service"], record["client_peer"], record["server_peer"],
                   record["verdict"]] += 1
            for key in ("bytes_to_server", "bytes_to_client", "bytes_missing"):
                volume[key] += record[key]
    return counts, volume


def summary_numbers(said):
    """The numbers of the summary by their names."""
    words = said.replace(",", " ").split()
    return {name: int(value) for name, value in zip(words, words[1:]) if value.isdigit()}


def true_sessions(truth):
    return collections.Counter({tuple(row[:4]): row[4] for row in truth["sessions"]})


def check_summary(truth, said):
    """Complaints about the summary of a run over everything (mode any)."""
    numbers = summary_numbers(said)
    verdicts = collections.Counter()
    for row in truth["sessions"]:
        verdicts[row[3].replace("encrypted", "enc").replace("-", "_")] += row[4]
    expected = dict(verdicts, packets=truth["packets"], sessions=sum(verdicts.values()),
                    indeterminate=0)
    complaints = ["%s: %s instead of %s" % (name, numbers.get(name), value)
                  for name, value in sorted(expected.items()) if numbers.get(name) != value]
    if numbers.get("acked_unseen", 0) != truth["bytes_missing"]:
        complaints.append("acked_unseen: %s instead of %d" % (numbers.get("acked_unseen"),
                                                              truth["bytes_missing"]))
    return complaints


def check_sessions(truth, *paths):
    """Complaints about session logs."""
    counts, volume = said_sessions(*paths)
    expected = true_sessions(truth)
    complaints = ["%s: %d instead of %d" % (" ".join(key), counts[key], expected[key])
                  for key in sorted(set(counts) | set(expected)) if counts[key] != expected[key]]
    sent = truth["bytes_to_server"] + truth["bytes_to_client"]
    if sum(volume.values()) != sent or volume["bytes_missing"] != truth["bytes_missing"]:
        complaints.append("%d bytes, %d missing, instead of %d, %d" % (
            sum(volume.values()), volume["bytes_missing"], sent, truth["bytes_missing"]))
    return complaints


class Sensor:
    """Runs of mailseald over one generated capture, each checked."""

    def __init__(self, program, prefix, truth):
        self.program = program
        self.prefix = prefix
        self.truth = truth

    def run(self, logged=True, mode="any", memory=False):
        command = [self.program, "-r", self.prefix + ".pcap", "-c", self.prefix + ".yaml",
                   "--mode", mode]
        log = self.prefix + ".jsonl"
        if logged:
            command += ["--sessions", log]
        cost, said = cost_of(command, memory)
        complaints = check_summary(self.truth, said)
        if logged:
            complaints += check_sessions(self.truth, log)
            os.unlink(log)
        if complaints:
            raise Wrong("%s: %s" % (" ".join(command), "; ".join(complaints[:6])))
        return cost
