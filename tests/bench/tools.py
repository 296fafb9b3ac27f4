"""What others make of the same captures, where they are installed: each run is to do what comes nearest
to the sensor's work, and must leave something behind."""
import collections
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import measure

Tool = collections.namedtuple("Tool", "name version part does command")
# Where a run may leave things, and the port of a collector on loopback.
Place = collections.namedtuple("Place", "folder port")

PATIENCE_S = "120"
PAIRS = 3  # of runs at most, for they take long
FIELDS = ("tcp.stream", "smtp.req.command", "smtp.response.code", "imap.request.command",
          "imap.response.status", "pop.request.command", "pop.response.indicator",
          "tls.handshake.type", "tls.record.version", "tls.handshake.ciphersuite")


def softflowd(pcap, place):
    return ["softflowd", "-d", "-r", pcap, "-v", "9", "-m", "1000000", "-n",
            "127.0.0.1:%d" % place.port, "-p", place.folder + "/pid", "-c", "none"]


def nfpcapd(pcap, place):
    return ["nfpcapd", "-r", pcap, "-w", place.folder]


def ndpi_reader(pcap, place):
    return ["ndpiReader", "-i", pcap, "-q", "-C", place.folder + "/flows.csv"]


def tshark(pcap, place):
    fields = [word for field in FIELDS for word in ("-e", field)]
    line = ["tshark", "-n", "-r", pcap, "-Y", "smtp || imap || pop || tls", "-T", "fields", *fields]
    return ["sh", "-c", 'out=$1; shift; exec "$@" >"$out"', "sh", place.folder + "/fields", *line]


# part: of the capture, for those that take long
TOOLS = (
    Tool("softflowd", "-h", 1, "NetFlow records to a collector", softflowd),
    Tool("nfpcapd", "-V", 1, "flow records into files", nfpcapd),
    Tool("ndpiReader", "-h", 1, "a line with the protocol for each flow", ndpi_reader),
    Tool("tshark", "--version", 1 / 16, "fields of mail protocols and TLS, one pass", tshark),
)


@contextlib.contextmanager
def collector(received):
    """Reads what comes to a port of loopback, which it yields, and appends the sizes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))

        def drain():
            while datagram := sink.recv(65536):
                received.append(len(datagram))
        thread = threading.Thread(target=drain)
        thread.start()
        try:
            yield sink.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", sink.getsockname())
            thread.join()


def run(tool, pcap, folder):
    received = []
    with tempfile.TemporaryDirectory(dir=folder) as out, collector(received) as port:
        cost, said = measure.cost_of(["timeout", PATIENCE_S, *tool.command(pcap, Place(out, port))])
        left = [entry.name for entry in os.scandir(out) if entry.stat().st_size > 0]
    if not received and not left:
        raise measure.Wrong("%s left nothing: %s" % (tool.name, said))
    return cost


def version(tool):
    said = subprocess.run([tool.name, tool.version], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)*", said.stdout + said.stderr)
    return found[0] if found else "?"


def row(bench, tool):
    """For the table: name and version, what it does, how much of the capture, times bare, ns."""
    if shutil.which(tool.name) is None:
        return tool.name, tool.does, "-", "not installed", "-"
    sensor = bench.sensor("mail", scale=tool.part)
    try:
        ratio, cost, _ = bench.pairs(
            sensor, lambda: run(tool, sensor.prefix + ".pcap", bench.folder), PAIRS)
    except measure.Wrong as wrong:
        return tool.name, tool.does, "-", "failed: %s" % str(wrong).split("\n", maxsplit=1)[0], "-"
    return ("%s %s" % (tool.name, version(tool)), tool.does,
            "all" if tool.part == 1 else "1/%d" % round(1 / tool.part), "%.1f" % ratio,
            "%.0f" % cost)
