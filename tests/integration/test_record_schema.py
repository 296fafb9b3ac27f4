#!/usr/bin/env python3
"""doc/session-record.schema.json describes the records that mailseald writes, all of their keys and
words, and no others."""
import json
import re
import tempfile
from pathlib import Path

import session_record as known
from session_record import SRCDIR, run
from tap import Tap

SCHEMA = SRCDIR / "doc" / "session-record.schema.json"
SAMPLE = SRCDIR / "tests" / "pcaps" / "sample" / "sample.pcap"
WORDS = {"verdict": known.VERDICTS, "reason": known.REASONS, "exposure": known.EXPOSURES,
         "cause": known.CAUSES, "oddities": known.ODDITIES, "findings": known.FINDINGS}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float), "null": type(None)}
NO_VALUE = ("no such word", -1, 1.5, [None], {"a": 1})  # no key takes all of them


def of_type(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean")


def fits(schema, value):
    """What of JSON Schema the file uses; anything else is an error."""
    for word, rule in schema.items():
        if word == "type":
            good = any(of_type(value, t) for t in ([rule] if isinstance(rule, str) else rule))
        elif word == "enum":
            good = any(value is r if r in (True, False, None) else value == r for r in rule)
        elif word == "anyOf":
            good = any(fits(r, value) for r in rule)
        elif word == "pattern":
            good = not isinstance(value, str) or re.search(rule, value) is not None
        elif word in ("minimum", "maximum"):
            good = not of_type(value, "number") or \
                (value >= rule if word == "minimum" else value <= rule)
        elif word == "required":
            good = not isinstance(value, dict) or all(key in value for key in rule)
        elif word == "properties":
            good = not isinstance(value, dict) or \
                all(key not in value or fits(r, value[key]) for key, r in rule.items())
        elif word == "items":
            good = not isinstance(value, list) or all(fits(rule, v) for v in value)
        elif word in ("$schema", "title", "description"):
            good = True
        else:
            raise ValueError("the test does not know " + word)
        if not good:
            return False
    return True


def keys_and_words(schema):
    properties = schema["properties"]
    bad = [] if list(properties) == list(known.SCHEMA) == schema["required"] else ["other keys"]
    certificate = properties["certificate"]["anyOf"][1]
    if list(certificate["properties"]) != list(known.CERTIFICATE):
        bad.append("other keys of the certificate")
    if set(properties["downgrade"]["properties"]) != set(known.DOWNGRADE):
        bad.append("other keys of downgrade")
    for key, words in WORDS.items():
        rule = properties[key]
        said = rule.get("items", rule)["enum"]
        if {w for w in said if w is not None} != set(words):
            bad.append("%s: %s, not %s" % (key, said, words))
    return bad


def records():
    with tempfile.TemporaryDirectory() as folder:
        process = run("-c", SRCDIR / "mailseal.yaml.example", "-r", SAMPLE, "--sessions", "-",
                      "--quiet", "--state", Path(folder) / "state")
        lines = process.stdout.decode().splitlines()
        for log in sorted((Path(folder) / "state" / "sessions").iterdir()):
            lines += log.read_text().splitlines()
    return [json.loads(line) for line in lines]


def what_is_written_fits(schema):
    written = records()
    bad = [] if len(written) > 100 else ["only %d records" % len(written)]
    return bad + ["does not fit: %s" % r for r in written if not fits(schema, r)][:3]


def what_is_wrong_does_not(schema):
    """Of each key: when it is missing, and with a value that it cannot have."""
    record = records()[0]
    bad = []
    for key in record:
        if fits(schema, {k: v for k, v in record.items() if k != key}):
            bad.append("without %s" % key)
        if all(fits(schema, {**record, key: value}) for value in NO_VALUE):
            bad.append("%s takes anything" % key)
    return bad if fits(schema, {**record, "later": 1}) else bad + ["no key may be added"]


def main():
    tap = Tap()
    schema = json.loads(SCHEMA.read_text())
    for test in (keys_and_words, what_is_written_fits, what_is_wrong_does_not):
        tap.run(test.__name__.replace("_", " "), test, schema)
    tap.finish()


if __name__ == "__main__":
    main()
