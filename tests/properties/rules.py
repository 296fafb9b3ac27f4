"""What a record of a mutated capture may say, given the records of the whole one.

The verdict is the same or `indeterminate`. exposure never grows: null, unknown, envelope,
credentials, content. `refused` says that nothing was accepted, which loss can never show: it stands
only where the whole capture says so. `unknown` may stand in its place, for when the refusal is
lost nobody knows of it. confirmed is true only where it was. What is said of the upgrade and of TLS
is the same, or null; no sign of stripping, injection or fallback and no finding is invented; a
cause is the same, or `unknown`; there are not more messages.

Nobody can know what comes later. So a record may also say what the capture, up to the record's last
packet and without any loss, says: that a client asked for nothing is true until it does. Of the
verdict that holds for changes_its_mind() only.

Where the whole capture has several sessions between the same two ends and ports, the loss of what
parted them (FIN, RST, SYN) makes one of them. That one may say what any of them says.
"""
WEIGHT = {None: 0, "unknown": 1, "refused": 1, "envelope": 2, "credentials": 3, "content": 4}
FACTS = ("starttls_offered", "starttls_requested", "starttls_accepted", "tls_version",
         "tls_cipher", "sni", "alpn", "tls_group", "tls_resumed", "tls_alert", "auth_cleartext",
         "protocol")
CLAIMS = ("stripped", "injected", "fallback", "confirmed")
# What a duplicate or a packet in another place leaves as it is.
SAME = ("verdict", "exposure", "confirmed", "protocol", "service", "client_port", "messages",
        "stripped", "injected", "fallback") + FACTS


def silent(record):
    """What a record says of a session whose client has said nothing yet; the sensor may not even
    know that it is mail, and have none."""
    return {**dict.fromkeys(record), "starttls_requested": False, "auth_cleartext": False,
            "messages": 0, "findings": []}


def said(wholes, key):
    return " or ".join(sorted({str(w[key]) for w in wholes}))


def other_verdict(wholes, record):
    """A complaint about the verdict; wholes: the sessions that the record's packets come from."""
    if record["verdict"] not in {w["verdict"] for w in wholes} | {"indeterminate"}:
        yield "verdict: %s (%s), the whole capture says %s" % (
            record["verdict"], record["reason"], said(wholes, "verdict"))
    if record["client_port"] not in [w["client_port"] for w in wholes]:
        yield "client: the other end"


def changes_its_mind(whole, prefix):
    """What was rightly decided, and is something else by what comes later: clear text, or another
    handshake, behind an alert; in TLS 1.3, the server's answer to the client's last message."""
    if prefix["verdict"] == "tls-failed":
        return (whole["verdict"] in ("plaintext", "encrypted-starttls") and
                prefix["reason"] != "handshake-unfinished")
    return (prefix["reason"], whole["reason"]) == ("handshake-completed",
                                                   "possible-encrypted-alert")


def borne_out(wholes, key, value):
    if key == "starttls_requested" and value is False:  # null with TLS from the first byte
        return any(w[key] is not True for w in wholes)
    return value is None or value in [w[key] for w in wholes]


def invented(wholes, record):
    """Complaints about what else one record says."""
    yield from heavier(wholes, record)
    for key in FACTS:
        if not borne_out(wholes, key, record[key]):
            yield "%s: %s, the whole capture says %s" % (key, record[key], said(wholes, key))
    for key in CLAIMS:
        if record[key] and record[key] not in [w[key] for w in wholes]:
            yield "%s: %s, the whole capture says %s" % (key, record[key], said(wholes, key))
    for finding in set(record["findings"]).difference(*(w["findings"] for w in wholes)):
        yield "findings: %s, which the whole capture does not have" % finding
    if record["messages"] and record["messages"] > sum(w["messages"] or 0 for w in wholes):
        yield "messages: %d, the whole capture says %s" % (
            record["messages"], said(wholes, "messages"))


def heavier(wholes, record):
    exposure = record["exposure"]
    if WEIGHT[exposure] > max(WEIGHT[w["exposure"]] for w in wholes) or (
            exposure == "refused" and exposure not in [w["exposure"] for w in wholes]):
        yield "exposure: %s, the whole capture says %s" % (exposure, said(wholes, "exposure"))
    if exposure and record["cause"] not in {"unknown"}.union(*map(causes, wholes)):
        yield "cause: %s, the whole capture says %s" % (record["cause"], said(wholes, "cause"))


def causes(whole):
    """What a session shows by itself remains when the sessions that tell more of it are lost."""
    return {whole["cause"]} | ({"not-offered"} if whole["stripped"] in ("removed", "helo") else
                               set())


def changed(whole, record):
    """Complaints about one record of a capture from which nothing is missing."""
    for key in SAME:
        if record[key] != whole[key]:
            yield "%s: %s, the whole capture says %s" % (key, record[key], whole[key])
