"""People who read: IMAP and POP3, on 143, 993, 110 and 995."""
import re

from lab import address
from scenario import (CLEAR, FAILED, IMPLICIT, IMPLICIT_FAILED, LOGIN, NO_CLEAR, NOT_ASKED, NOTHING,
                      ONLY, SEALED, TLS, Session, scenario)

USER = ("--user", "reader:secret")
READ = {**LOGIN, "exposure": "content", "messages": None}  # the mailbox was read
LOGGED_IN = {**LOGIN, "messages": None, "findings": ["login-before-stls"]}
CERTIFICATE = {"subject": "CN=server.lab.example,O=lab", "self_signed": False}


def verified(lab):
    return ("sslcertck", f"sslcertfile {lab.keys}/ca.pem")


def mbsync(lab, kind):
    return f"SSLType {kind}", f"CertificateFile {lab.keys}/ca.pem", "AuthMechs PLAIN"


# IMAP in clear ----------------------------------------------------------------------------------

@scenario("curl reads by IMAP in clear")
def imap_curl(lab):
    lab.use.curl("imap://clear.lab.example/INBOX;MAILINDEX=1", *USER)
    return [Session("clear", 143, **NOT_ASKED, **READ)]


@scenario("curl reads 2 MB by IMAP in clear")
def imap_long(lab):
    lab.use.curl("imap://clear.lab.example/INBOX;MAILINDEX=2", *USER)
    return [Session("clear", 143, **NOT_ASKED, **READ)]


@scenario("fetchmail reads by IMAP in clear")
def imap_fetchmail(lab):
    lab.use.fetchmail("clear.lab.example", "IMAP", "", "sslproto ''")
    return [Session("clear", 143, **NOT_ASKED, **READ)]


@scenario("mbsync reads by IMAP in clear")
def imap_mbsync(lab):
    lab.use.mbsync("clear.lab.example", "SSLType None", "AuthMechs LOGIN")
    return [Session("clear", 143, **NOT_ASKED, **READ)]


@scenario("LOGIN in clear, and nothing is read")
def imap_login(lab):
    lab.use.dialogue(address("clear"), 143, "*", b"a1 LOGIN reader secret\r\n", "a1",
                     b"a2 LOGOUT\r\n", ...)
    return [Session("clear", 143, **{**NOT_ASKED, "cause": ("not-requested", "unknown"),
                                     "starttls_offered": (True, None)}, **LOGIN)]


@scenario("LOGIN in clear with literals")
def imap_login_literal(lab):
    lab.use.dialogue(address("clear"), 143, "*", b"a1 LOGIN {6}\r\n", "+", b"reader {6+}\r\nsecret\r\n",
                     "a1", b"a2 LOGOUT\r\n", ...)
    return [Session("clear", 143, **{**NOT_ASKED, "cause": ("not-requested", "unknown"),
                                     "starttls_offered": (True, None)}, **LOGIN)]


@scenario("LOGIN in clear with a wrong password")
def imap_wrong_password(lab):
    lab.use.dialogue(address("clear"), 143, "*", b"a0 CAPABILITY\r\n", "a0",
                     b"a1 LOGIN reader wrong\r\n", "a1", b"a2 LOGOUT\r\n", ...)
    return [Session("clear", 143, **NOT_ASKED, **LOGGED_IN)]


@scenario("AUTHENTICATE PLAIN in clear without initial response")
def imap_authenticate(lab):
    lab.use.dialogue(address("clear"), 143, "*", b"a0 CAPABILITY\r\n", "a0",
                     b"a1 AUTHENTICATE PLAIN\r\n", "+", b"AHJlYWRlcgBzZWNyZXQ=\r\n", "a1",
                     b"a2 LOGOUT\r\n", ...)
    return [Session("clear", 143, **NOT_ASKED, **LOGGED_IN)]


@scenario("AUTHENTICATE CRAM-MD5 in clear")
def imap_cram_md5(lab):
    lab.use.curl("imap://clear.lab.example/INBOX", *USER, "--login-options", "AUTH=CRAM-MD5")
    return [Session("clear", 143, **NOT_ASKED, reason="auth-in-clear", auth_cleartext=True)]


@scenario("LOGIN in clear although LOGINDISABLED is listed")
def imap_logindisabled(lab):
    lab.use.dialogue(address("mail"), 143, "*", b"a0 CAPABILITY\r\n", "a0",
                     b"a1 LOGIN reader secret\r\n", "a1", b"a2 LOGOUT\r\n", ...)
    return [Session("mail", 143, **NOT_ASKED, **{
        **LOGGED_IN, "findings": ["login-before-stls", "logindisabled-offered"]})]


@scenario("PREAUTH in clear", any_port=True)
def imap_preauth(lab):
    with lab.preauth(1143):
        lab.use.curl("imap://web.lab.example:1143/INBOX;MAILINDEX=1", *USER)
    return [Session("web", 1143, heard=False, verdict="plaintext", confirmed=True,
                    exposure="content", findings=["preauth-in-clear"])]


@scenario("IMAP: CAPABILITY and LOGOUT")
def imap_scanner(lab):
    lab.use.dialogue(address("mail"), 143, "*", b"a0 CAPABILITY\r\n", "a0", b"a2 LOGOUT\r\n", ...)
    return [Session("mail", 143, **NOTHING, starttls_offered=True, starttls_requested=False,
                    findings=["logindisabled-offered"])]


@scenario("IMAP: a scanner that connects and leaves")
def imap_banner(lab):
    lab.use.dialogue(address("clear"), 143, "*")
    return [Session("clear", 143, **NOTHING, starttls_requested=(False, None))]


@scenario("IMAP in clear on port 1143", any_port=True)
def imap_odd_port(lab):
    lab.use.curl("imap://clear.lab.example:1143/INBOX;MAILINDEX=1", *USER)
    return [Session("clear", 1143, **NOT_ASKED, **READ)]


@scenario("IMAP in clear over IPv6", ipv6=True)
def imap_ipv6(lab):
    lab.use.curl("imap://clear6.lab.example/INBOX;MAILINDEX=1", *USER)
    return [Session("clear", 143, version=6, **NOT_ASKED, **READ)]


# IMAP sealed ------------------------------------------------------------------------------------

@scenario("curl, IMAP with STARTTLS over TLS 1.3")
def imap_starttls_curl(lab):
    lab.use.curl("imap://mail.lab.example/INBOX;MAILINDEX=1", *USER, "--ssl-reqd")
    return [Session("mail", 143, **SEALED, **TLS["1.3"], sni="mail.lab.example")]


@scenario("fetchmail, IMAP with STARTTLS")
def imap_starttls_fetchmail(lab):
    lab.use.fetchmail("mail.lab.example", "IMAP", "", *verified(lab))
    return [Session("mail", 143, **SEALED)]


@scenario("mbsync, IMAP with STARTTLS")
def imap_starttls_mbsync(lab):
    lab.use.mbsync("mail.lab.example", *mbsync(lab, "STARTTLS"))
    return [Session("mail", 143, **SEALED)]


@scenario("openssl, IMAP with STARTTLS over TLS 1.2")
def imap_starttls_openssl(lab):
    lab.use.s_client(address("mail"), 143, *ONLY["1.2"], "-servername", "mail.lab.example",
                     starttls="imap", say="a LOGOUT\n")
    return [Session("mail", 143, **SEALED, **TLS["1.2"],
                    certificate={**CERTIFICATE, "name_matches": True})]


@scenario("openssl, IMAP with STARTTLS over TLS 1.0")
def imap_starttls_tls10(lab):
    lab.use.s_client(address("mail"), 143, *ONLY["1.0"], starttls="imap", say="a LOGOUT\n")
    return [Session("mail", 143, **SEALED, **TLS["1.0"])]


@scenario("curl refuses the certificate, IMAP with STARTTLS")
def imap_refused(lab):
    lab.use.curl("imap://mail.lab.example/", *USER, "--ssl-reqd", "--cacert",
                 lab.keys / "other-ca.pem", expect=60)
    return [Session("mail", 143, **FAILED, **TLS["1.3"])]


@scenario("curl, IMAPS over TLS 1.3")
def imaps_curl(lab):
    lab.use.curl("imaps://mail.lab.example/INBOX;MAILINDEX=1", *USER)
    return [Session("mail", 993, **IMPLICIT, **TLS["1.3"], sni="mail.lab.example")]


@scenario("curl, IMAPS over TLS 1.2")
def imaps_tls12(lab):
    lab.use.curl("imaps://mail.lab.example/INBOX;MAILINDEX=1", *USER, "--tls-max", "1.2")
    return [Session("mail", 993, **IMPLICIT, **TLS["1.2"],
                    certificate={**CERTIFICATE, "name_matches": True})]


@scenario("openssl, IMAPS over TLS 1.1")
def imaps_tls11(lab):
    lab.use.s_client(address("mail"), 993, *ONLY["1.1"], say="a LOGOUT\n")
    return [Session("mail", 993, **IMPLICIT, **TLS["1.1"])]


@scenario("mbsync, IMAPS")
def imaps_mbsync(lab):
    lab.use.mbsync("mail.lab.example", *mbsync(lab, "IMAPS"))
    return [Session("mail", 993, **IMPLICIT)]


@scenario("fetchmail, IMAPS")
def imaps_fetchmail(lab):
    lab.use.fetchmail("mail.lab.example", "IMAP", "", "ssl", *verified(lab))
    return [Session("mail", 993, **IMPLICIT)]


@scenario("openssl resumes an IMAPS session over TLS 1.2")
def imaps_resumption(lab):
    resumed = lab.use.resume(address("mail"), 993, *ONLY["1.2"], say="a LOGOUT\n")
    return [Session("mail", 993, **IMPLICIT, **TLS["1.2"], tls_resumed=n) for n in resumed]


@scenario("openssl refuses the certificate, IMAPS over TLS 1.2")
def imaps_refused(lab):
    lab.use.s_client(address("mail"), 993, "-verify_return_error", *ONLY["1.2"], expect="failure")
    return [Session("mail", 993, **IMPLICIT_FAILED, **TLS["1.2"], reason="fatal-alert",
                    tls_alert="unknown_ca")]


@scenario("IMAPS with a client certificate")
def imaps_certificate(lab):
    lab.use.curl("imaps://certificate.lab.example/INBOX;MAILINDEX=1", *USER, "--tls-max", "1.2",
                 "--cert", lab.keys / "client.pem", "--key", lab.keys / "client.key")
    return [Session("certificate", 993, **IMPLICIT, **TLS["1.2"], certificate=CERTIFICATE)]


@scenario("IMAPS over IPv6", ipv6=True)
def imaps_ipv6(lab):
    lab.use.curl("imaps://mail6.lab.example/INBOX;MAILINDEX=1", *USER)
    return [Session("mail", 993, version=6, **IMPLICIT)]


# POP3 in clear ----------------------------------------------------------------------------------

@scenario("curl reads by POP3 in clear")
def pop3_curl(lab):
    lab.use.curl("pop3://clear.lab.example/1", *USER)
    return [Session("clear", 110, **NOT_ASKED, **READ)]


@scenario("curl reads 2 MB by POP3 in clear")
def pop3_long(lab):
    lab.use.curl("pop3://clear.lab.example/2", *USER)
    return [Session("clear", 110, **NOT_ASKED, **READ)]


@scenario("fetchmail reads by POP3 in clear")
def pop3_fetchmail(lab):
    lab.use.fetchmail("clear.lab.example", "POP3", "", "sslproto ''")
    return [Session("clear", 110, **NOT_ASKED, **READ)]


@scenario("APOP in clear")
def pop3_apop(lab):
    lab.use.curl("pop3://clear.lab.example/1", *USER, "--login-options", "AUTH=+APOP")
    return [Session("clear", 110, **NOT_ASKED, **READ, evidence=re.compile("APOP"))]


@scenario("USER and PASS without CAPA")
def pop3_user(lab):
    lab.use.dialogue(address("clear"), 110, "+OK", b"USER reader\r\n", "+OK", b"PASS secret\r\n",
                     "+OK", b"QUIT\r\n", ...)
    return [Session("clear", 110, **{**CLEAR, "starttls_offered": None, "stripped": None}, **LOGIN)]


@scenario("AUTH PLAIN by POP3 in clear")
def pop3_auth(lab):
    lab.use.dialogue(address("clear"), 110, "+OK", b"CAPA\r\n", ".", b"AUTH PLAIN AHJlYWRlcgBzZWNyZXQ="
                     b"\r\n", "+OK", b"QUIT\r\n", ...)
    return [Session("clear", 110, **NOT_ASKED, **LOGGED_IN)]


@scenario("POP3: CAPA, a bare AUTH and QUIT")
def pop3_scanner(lab):
    lab.use.dialogue(address("mail"), 110, "+OK", b"CAPA\r\n", ".", b"AUTH\r\n", ".",
                     b"QUIT\r\n", ...)
    return [Session("mail", 110, **NOTHING, starttls_offered=True, starttls_requested=False)]


@scenario("USER refused before STLS")
def pop3_refused_login(lab):
    lab.use.dialogue(address("mail"), 110, "+OK", b"CAPA\r\n", ".", b"USER reader\r\n", "-ERR",
                     b"QUIT\r\n", ...)
    return [Session("mail", 110, **NOT_ASKED, reason="auth-in-clear", auth_cleartext=True,
                    heard=False)]


# POP3 sealed ------------------------------------------------------------------------------------

@scenario("curl, POP3 with STLS over TLS 1.3")
def pop3_stls_curl(lab):
    lab.use.curl("pop3://mail.lab.example/1", *USER, "--ssl-reqd")
    return [Session("mail", 110, **SEALED, **TLS["1.3"], sni="mail.lab.example")]


@scenario("fetchmail, POP3 with STLS")
def pop3_stls_fetchmail(lab):
    lab.use.fetchmail("mail.lab.example", "POP3", "", *verified(lab))
    return [Session("mail", 110, **SEALED)]


@scenario("openssl, POP3 with STLS over TLS 1.2")
def pop3_stls_openssl(lab):
    """It does not ask for the capabilities."""
    lab.use.s_client(address("mail"), 110, *ONLY["1.2"], starttls="pop3", say="QUIT\n")
    return [Session("mail", 110, **{**SEALED, "starttls_offered": None}, **TLS["1.2"])]


@scenario("curl refuses the certificate, POP3 with STLS")
def pop3_refused(lab):
    lab.use.curl("pop3://mail.lab.example/1", *USER, "--ssl-reqd", "--tls-max", "1.2", "--cacert",
                 lab.keys / "other-ca.pem", expect=60)
    return [Session("mail", 110, **FAILED, **TLS["1.2"], reason="fatal-alert")]


@scenario("curl, POP3S over TLS 1.3")
def pop3s_curl(lab):
    lab.use.curl("pop3s://mail.lab.example/1", *USER)
    return [Session("mail", 995, **IMPLICIT, **TLS["1.3"])]


@scenario("fetchmail, POP3S")
def pop3s_fetchmail(lab):
    lab.use.fetchmail("mail.lab.example", "POP3", "", "ssl", *verified(lab))
    return [Session("mail", 995, **IMPLICIT)]


@scenario("openssl, POP3S over TLS 1.0")
def pop3s_tls10(lab):
    lab.use.s_client(address("mail"), 995, *ONLY["1.0"], say="QUIT\n")
    return [Session("mail", 995, **IMPLICIT, **TLS["1.0"])]


@scenario("curl refuses the certificate, POP3S over TLS 1.3")
def pop3s_refused(lab):
    lab.use.curl("pop3s://mail.lab.example/1", *USER, "--cacert", lab.keys / "other-ca.pem",
                 expect=60)
    return [Session("mail", 995, **IMPLICIT_FAILED, **TLS["1.3"])]


# The greeting in clear may cross before the ClientHello, and is no answer to it then.
WHICHEVER_FIRST = ("not-tls", "handshake-unfinished")


@scenario("a ClientHello on port 143")
def imap_hello(lab):
    lab.use.s_client(address("mail"), 143, expect=None)
    return [Session("mail", 143, verdict="tls-failed", reason=WHICHEVER_FIRST, **NO_CLEAR)]
