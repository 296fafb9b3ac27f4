"""What a scenario expects, what the servers' logs say, and what the sensor recorded.

The truth is the scenario and the logs. Both must agree with the records, each on its own.
"""
import session_record
from lab import SERVERS, address

PROTOCOLS = {143: "imap", 993: "imap", 1143: "imap", 110: "pop3", 995: "pop3"}
SUBMISSION = (587, 465)


class Session:
    """One expected session. A value can be a tuple: one of these. heard=False: the server does
    not know this client, because a proxy stands in between, or keeps no log. apart: keys on
    which the server cannot be asked."""

    def __init__(self, server, port=25, version=4, heard=True, apart=(), **keys):
        self.server, self.port, self.heard, self.apart = server, port, heard, apart
        self.keys = {"server": address(server, version), "server_port": port,
                     "protocol": PROTOCOLS.get(port, "smtp"), "service": self._service(),
                     "bytes_missing": 0, "directions": "both", **keys}
        self.who = SERVERS[server][1]

    def _service(self):
        return "submission" if self.port in SUBMISSION else \
            "access" if self.port in PROTOCOLS else "mta"


def differences(keys, record, who):
    """Where a record is not what somebody says it is."""
    return [f"{key} is {record.get(key)!r}, {who} says {value!r}" for key, value in keys.items()
            if not agrees(value, record.get(key, "no such key"))]


def agrees(wanted, got):
    if isinstance(wanted, tuple):
        return any(agrees(w, got) for w in wanted)
    if hasattr(wanted, "search"):  # a regular expression
        return isinstance(got, str) and wanted.search(got) is not None
    if isinstance(wanted, dict):  # of an object, these keys
        return isinstance(got, dict) and all(agrees(w, got.get(k)) for k, w in wanted.items())
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def told(record):
    return " ".join(f"{k}={record.get(k)}" for k in (
        "client_port", "server", "server_port", "protocol", "verdict", "reason", "evidence"))


def witness(record, session, heard, number):
    """What the log of the server says of a session; None if it does not know it. number: which of
    the scenario's sessions it is, for a log without ports."""
    known = {key[2]: keys for key, keys in heard.items()
             if key[0] == session.who and key[1] == record["client"]}
    if record["client_port"] in known:
        return known[record["client_port"]]
    by_order = [keys for port, keys in known.items() if isinstance(port, str)]
    return by_order[number] if number < len(by_order) else None


def complaints(expected, records, heard):
    """Records are those of one scenario, in the order of their beginnings."""
    if len(records) != len(expected):
        return [f"{len(records)} sessions recorded, not {len(expected)}:"] + [
            "  " + told(r) for r in records]
    out = []
    for number, (session, record) in enumerate(zip(expected, records)):
        said = session_record.check(record)
        said += differences(session.keys, record, "the scenario")
        if session.heard:
            keys = witness(record, session, heard, number)
            said += ["the log of the server does not know this session"] if keys is None else \
                differences({k: v for k, v in keys.items() if k not in session.apart}, record,
                            f"the log of {session.who}")
        out += [told(record)] + ["  " + c for c in said] if said else []
    return out
