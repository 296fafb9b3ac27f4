"""The list of scenarios, and the words that they are written in."""
import collections

from compare import Session

Scenario = collections.namedtuple("Scenario", "name title function any_port ipv6")
SCENARIOS = []


def scenario(title, any_port=False, ipv6=False):
    """A function that sends mail in the lab and returns the sessions to expect, in the order in
    which they begin. any_port: only a sensor in mode `any` can see them."""
    def add(function):
        name = function.__name__.replace("_", "-")
        SCENARIOS.append(Scenario(name, title, function, any_port, ipv6))
        return function
    return add


# What sessions have in common -------------------------------------------------------------------

NO_CLEAR = {"exposure": None, "confirmed": None, "cause": None, "stripped": None,
            "injected": False, "fallback": False}
SEALED = {"verdict": "encrypted-starttls", "reason": "handshake-completed",
          "starttls_offered": True, "starttls_requested": True, "starttls_accepted": True,
          "auth_cleartext": False, **NO_CLEAR}
IMPLICIT = {"verdict": "encrypted-implicit", "reason": "handshake-completed", "messages": None,
            "starttls_offered": None, "starttls_requested": None, "starttls_accepted": None,
            **NO_CLEAR}
FAILED = {"verdict": "tls-failed", "starttls_offered": True, "starttls_requested": True,
          "starttls_accepted": True, "auth_cleartext": False, **NO_CLEAR}
IMPLICIT_FAILED = {"verdict": "tls-failed", **NO_CLEAR}
CLEAR = {"verdict": "plaintext", "confirmed": True, "starttls_requested": False,
         "starttls_accepted": None, "tls_version": None, "tls_cipher": None, "sni": None,
         "injected": False}
NOT_ASKED = {**CLEAR, "starttls_offered": True, "cause": "not-requested", "stripped": None}
NOT_OFFERED = {**CLEAR, "starttls_offered": False, "cause": "not-offered", "stripped": None}
NOTHING = {"verdict": "no-transaction", "reason": "closed-without-mail", "tls_version": None,
           **NO_CLEAR}
MAIL = {"reason": "mail-in-clear", "exposure": "content", "messages": 1, "auth_cleartext": False}
LOGIN = {"reason": "auth-in-clear", "auth_cleartext": True, "exposure": "credentials"}
TLS = {version: {"tls_version": "TLSv1." + version[-1]} for version in
       ("1.0", "1.1", "1.2", "1.3")}
ONLY = {"1.0": ("-tls1", "-cipher", "ALL:@SECLEVEL=0"), "1.2": ("-tls1_2",), "1.3": ("-tls1_3",),
        "1.1": ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")}  # of openssl s_client

__all__ = ["scenario", "Session", "SEALED", "IMPLICIT", "FAILED", "IMPLICIT_FAILED", "CLEAR",
           "NOT_ASKED", "NOT_OFFERED", "NOTHING", "MAIL", "LOGIN", "TLS", "ONLY", "NO_CLEAR"]
