"""Somebody on the path takes the upgrade away. The sensor is on the clients' side of it."""
import re

from lab import address
from scenario import (CLEAR, FAILED, MAIL, NOTHING, ONLY, SEALED, TLS, Session, scenario)

USER = ("--user", "reader:secret")
MASKED = {**CLEAR, "starttls_offered": False, "stripped": "masked", "cause": "suspected-stripping"}
REFUSED = {**CLEAR, "starttls_offered": True, "starttls_requested": True,
           "starttls_accepted": False, "stripped": "refused", "cause": "refused"}
READ = {"exposure": "content", "auth_cleartext": True}


# SMTP -------------------------------------------------------------------------------------------

@scenario("the keyword is masked, and Postfix sends in clear")
def masked(lab):
    with lab.stripped("mask", 25):
        lab.postfix_client.send(lab.mails("may", "mx"))
    return [Session("mx", heard=False, **MASKED, **MAIL)]


@scenario("the keyword is masked, and Exim sends in clear")
def masked_exim(lab):
    with lab.stripped("mask", 25):
        lab.exim_client.send(lab.mails("may", "exim"))
    return [Session("exim", heard=False, **MASKED, **MAIL)]


@scenario("the keyword is masked, and a client that wants TLS leaves")
def masked_and_left(lab):
    with lab.stripped("mask", 25):
        lab.use.curl_send("smtp://mx.lab.example", "--ssl-reqd", expect=64)
    return [Session("mx", heard=False, **{**NOTHING, "stripped": "masked"}, starttls_offered=False)]


@scenario("the keyword is masked, and the client asks all the same")
def masked_and_granted(lab):
    with lab.stripped("mask", 25):
        lab.use.s_client(address("mx"), 25, *ONLY["1.2"], starttls="smtp",
                         say="EHLO client.example\nQUIT\n")
    return [Session("mx", heard=False, **{**SEALED, "starttls_offered": False,
                                          "stripped": ("masked", None)}, **TLS["1.2"])]


@scenario("the keyword is removed: known at the third session")
def removed(lab):
    lab.use.swaks(address("mx2"), "--tls", "--quit-after", "TLS")
    with lab.stripped("remove", 25):
        for message in lab.mails("may", "mx2", count=3):
            lab.postfix_client.send([message])
    clear = {**CLEAR, **MAIL, "starttls_offered": False}
    return [Session("mx2", **SEALED)] + [
        Session("mx2", heard=False, **clear, stripped=None, cause="not-offered", downgrade=None)
        for _ in range(2)] + [
        Session("mx2", heard=False, **clear, stripped="removed", cause="suspected-stripping",
                downgrade={"without_offer": 3})]


@scenario("EHLO is refused: known at the third session")
def no_ehlo(lab):
    lab.use.swaks(address("mx3"), "--tls", "--quit-after", "TLS")
    with lab.stripped("no-ehlo", 25):
        for message in lab.mails("may", "mx3", count=3):
            lab.postfix_client.send([message])
    clear = {**CLEAR, **MAIL, "starttls_offered": (False, None)}
    return [Session("mx3", **SEALED)] + [
        Session("mx3", heard=False, **clear, stripped=None) for _ in range(2)] + [
        Session("mx3", heard=False, **clear, stripped="helo", cause="suspected-stripping")]


@scenario("STARTTLS is answered 454 on the path")
def refused_454(lab):
    with lab.stripped("refuse", 25):
        lab.postfix_client.send(lab.mails("may", "mx"))
    return [Session("mx", heard=False, **REFUSED, **MAIL)]


@scenario("STARTTLS is answered 502 on the path")
def refused_502(lab):
    with lab.stripped("refuse-for-good", 25):
        lab.use.swaks(address("mx"), "--tls-optional")
    return [Session("mx", heard=False, **REFUSED, **MAIL)]


@scenario("STARTTLS is answered 454 on the path, and the client leaves")
def refused_and_left(lab):
    with lab.stripped("refuse", 25):
        lab.use.swaks(address("mx"), "--tls", expect=29)
    return [Session("mx", heard=False, **{**NOTHING, "stripped": "refused"},
                    starttls_offered=True, starttls_requested=True, starttls_accepted=False)]


@scenario("STARTTLS is answered 454 on the submission port")
def refused_submission(lab):
    with lab.stripped("refuse", 587):
        lab.use.swaks(address("mx"), "--port", "587", "--tls-optional", "--auth", "PLAIN",
                      "--auth-user", "reader", "--auth-password", "secret")
    return [Session("mx", 587, heard=False, **REFUSED, exposure="content", messages=1,
                    auth_cleartext=True)]


@scenario("a reply is injected behind the server's 220")
def injected_reply(lab):
    with lab.stripped("inject-reply", 25):
        lab.use.swaks(address("mx"), "--tls", expect=None)
    return [Session("mx", heard=False, verdict=re.compile("^(encrypted-starttls|tls-failed)$"),
                    starttls_accepted=True, injected=True)]


@scenario("a command is injected behind STARTTLS by the client")
def injected_command(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"EHLO client.example\r\n", 250,
                     b"STARTTLS\r\nMAIL FROM:<sender@client.example>\r\n", 220)
    return [Session("mx", verdict=("tls-failed", "plaintext"), starttls_offered=True,
                    starttls_requested=True, starttls_accepted=True, injected=True)]


@scenario("a command is injected on its way to the server: the sensor cannot see it")
def injected_beyond(lab):
    with lab.stripped("inject-command", 25):
        lab.use.swaks(address("mx"), "--tls", expect=None)
    return [Session("mx", heard=False, starttls_requested=True, injected=False,
                    verdict=("encrypted-starttls", "tls-failed"))]


@scenario("TLS ends on the path: sealed, with a certificate of its own")
def intercepted(lab):
    with lab.stripped("intercept", 25):
        lab.postfix_client.send(lab.mails("tls12", "mx"))
    return [Session("mx", heard=False, **SEALED, **TLS["1.2"], messages=0, certificate={
        "subject": "CN=proxy.lab.example", "self_signed": True})]


@scenario("TLS ends on the path, and the client refuses its certificate")
def intercepted_refused(lab):
    with lab.stripped("intercept", 25):
        lab.use.curl_send("smtp://mx.lab.example", "--ssl-reqd", expect=60)
    return [Session("mx", heard=False, **FAILED, messages=0)]


# IMAP and POP3 ----------------------------------------------------------------------------------

@scenario("IMAP: the keyword is masked")
def imap_masked(lab):
    with lab.stripped("mask", 143):
        lab.use.curl("imap://clear.lab.example/INBOX;MAILINDEX=1", *USER)
    return [Session("clear", 143, heard=False, **MASKED, **READ)]


@scenario("IMAP: the keyword is removed: known at the third session")
def imap_removed(lab):
    lab.use.s_client(address("clear2"), 143, *ONLY["1.2"], starttls="imap", say="a LOGOUT\n")
    with lab.stripped("remove", 143):
        for _ in range(3):
            lab.use.curl("imap://clear2.lab.example/INBOX;MAILINDEX=1", *USER)
    clear = {**CLEAR, **READ, "starttls_offered": False}
    return [Session("clear2", 143, **SEALED)] + [
        Session("clear2", 143, heard=False, **clear, stripped=None) for _ in range(2)] + [
        Session("clear2", 143, heard=False, **clear, stripped="removed",
                cause="suspected-stripping")]


@scenario("IMAP: STARTTLS is answered NO, and the client logs in")
def imap_refused_on_path(lab):
    with lab.stripped("refuse", 143):
        lab.use.dialogue(address("clear"), 143, "*", b"a0 CAPABILITY\r\n", "a0", b"a1 STARTTLS\r\n",
                         "a1", b"a2 LOGIN reader secret\r\n", "a2", b"a3 LOGOUT\r\n", ...)
    return [Session("clear", 143, heard=False, **REFUSED, exposure="credentials",
                    auth_cleartext=True)]


@scenario("IMAP: STARTTLS is answered NO, and curl leaves")
def imap_refused_and_left(lab):
    with lab.stripped("refuse", 143):
        lab.use.curl("imap://mail.lab.example/", *USER, "--ssl-reqd", expect="failure")
    return [Session("mail", 143, heard=False, **{**NOTHING, "stripped": "refused"},
                    starttls_offered=True, starttls_requested=True, starttls_accepted=False)]


@scenario("IMAP: an answer is injected behind the server's OK")
def imap_injected_reply(lab):
    with lab.stripped("inject-reply", 143):
        lab.use.s_client(address("mail"), 143, *ONLY["1.2"], starttls="imap", say="a LOGOUT\n",
                         expect=None)
    return [Session("mail", 143, heard=False, starttls_accepted=True, injected=True,
                    verdict=("encrypted-starttls", "tls-failed"))]


@scenario("POP3: STLS is masked")
def pop3_masked(lab):
    with lab.stripped("mask", 110):
        lab.use.curl("pop3://clear.lab.example/1", *USER)
    return [Session("clear", 110, heard=False, **MASKED, **READ)]


@scenario("POP3: STLS is removed: known at the third session")
def pop3_removed(lab):
    lab.use.curl("pop3://clear2.lab.example/1", *USER, "--ssl-reqd")
    with lab.stripped("remove", 110):
        for _ in range(3):
            lab.use.curl("pop3://clear2.lab.example/1", *USER)
    clear = {**CLEAR, **READ, "starttls_offered": False}
    return [Session("clear2", 110, **SEALED)] + [
        Session("clear2", 110, heard=False, **clear, stripped=None) for _ in range(2)] + [
        Session("clear2", 110, heard=False, **clear, stripped="removed",
                cause="suspected-stripping")]


@scenario("POP3: STLS is answered -ERR, and the client logs in")
def pop3_refused_on_path(lab):
    with lab.stripped("refuse", 110):
        lab.use.dialogue(address("clear"), 110, "+OK", b"CAPA\r\n", ".", b"STLS\r\n", "-ERR",
                         b"USER reader\r\n", "+OK", b"PASS secret\r\n", "+OK", b"QUIT\r\n", ...)
    return [Session("clear", 110, heard=False, **REFUSED, exposure="credentials",
                    auth_cleartext=True)]
