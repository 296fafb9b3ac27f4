"""What crosses the wire of the lab as a capture file, and one file for each scenario."""
import re
import struct
import subprocess

from namespaces import Failed, wait_for

V4, V6 = 0x0800, 0x86dd
CLIENT_V4, CLIENT_V6 = bytes((198, 18, 1)), bytes.fromhex("20010db8000100000000000000000000")[:15]


class Capture:
    """tcpdump on an interface of a host."""

    def __init__(self, host, interface, path):
        self.path = path
        # pylint: disable=R1732
        self.process = subprocess.Popen(
            host.command("tcpdump", "-i", interface, "-s", "262144", "-U", "-B", "16384", "-Z", "root",
                         "-w", path),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                return
        raise Failed("tcpdump did not start")

    def close(self):
        if self.process.poll() is None:
            self._settle()
            self.process.terminate()
            _, said = self.process.communicate(timeout=30)
            if not re.search(r"^0 packets dropped by kernel", said, re.M):
                raise Failed(f"the capture is not complete:\n{said}")

    def _settle(self):
        """The file has not grown for a while: tcpdump has nothing more to write."""
        seen = []

        def still():
            seen.append(self.path.stat().st_size)
            return len(seen) > 50 and len(set(seen[-50:])) == 1
        wait_for("the end of the capture", still)

    def split(self, paths):
        """Writes the packets of each scenario, known by its client's number, to its path."""
        with open(self.path, "rb") as whole:
            head = whole.read(24)
            parts = {}
            for number, path in paths.items():
                parts[number] = open(path, "wb")  # pylint: disable=R1732
                parts[number].write(head)
            while len(record := whole.read(16)) == 16:
                frame = whole.read(struct.unpack_from("<I", record, 8)[0])
                if (number := scenario_of(frame)) in parts:
                    parts[number].write(record + frame)
            for part in parts.values():
                part.close()


def scenario_of(frame):
    """The number of the scenario whose client's address is in an Ethernet frame."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == V4:
        ends = frame[26:30], frame[30:34]
        return next((e[3] for e in ends if e[:3] == CLIENT_V4), None)
    if kind == V6:
        ends = frame[22:38], frame[38:54]
        return next((e[15] for e in ends if e[:15] == CLIENT_V6), None)
    return None
