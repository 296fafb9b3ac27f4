"""Mail between servers: port 25, and wherever else SMTP speaks."""
import re

from lab import address, long_text
from scenario import (CLEAR, FAILED, MAIL, NO_CLEAR, NOT_ASKED, NOT_OFFERED, NOTHING, ONLY, SEALED,
                      TLS, Session, scenario)

HELLO = "EHLO client.example\nQUIT\n"
LONG = "Subject: long\n\n" + long_text(5_000_000)
IN_TLS = {"messages": 0, "tls_alert": None}


# Who talks to whom ------------------------------------------------------------------------------

@scenario("Postfix to Postfix over TLS 1.3")
def postfix_to_postfix(lab):
    lab.postfix_client.send(lab.mails("tls13", "mx"))
    return [Session("mx", **SEALED, **TLS["1.3"], **IN_TLS, certificate="not-observable")]


@scenario("Postfix to Postfix over TLS 1.2")
def postfix_to_postfix_tls12(lab):
    lab.postfix_client.send(lab.mails("tls12", "mx"))
    return [Session("mx", **SEALED, **TLS["1.2"], messages=0, certificate=CERTIFICATE)]


CERTIFICATE = {"subject": "CN=server.lab.example,O=lab", "issuer": "CN=ca,O=lab",
               "self_signed": False}


@scenario("Postfix to Postfix over TLS 1.1")
def postfix_to_postfix_tls11(lab):
    lab.postfix_client.send(lab.mails("tls11", "mx"))
    return [Session("mx", **SEALED, **TLS["1.1"], messages=0)]


@scenario("Postfix to Postfix over TLS 1.0")
def postfix_to_postfix_tls10(lab):
    lab.postfix_client.send(lab.mails("tls10", "mx"))
    return [Session("mx", **SEALED, **TLS["1.0"], messages=0)]


@scenario("Postfix to Exim")
def postfix_to_exim(lab):
    lab.postfix_client.send(lab.mails("may", "exim"))
    return [Session("exim", **SEALED, **TLS["1.3"], messages=0)]


@scenario("Exim to Postfix")
def exim_to_postfix(lab):
    lab.exim_client.send(lab.mails("may", "mx"))
    return [Session("mx", **SEALED, **TLS["1.3"], messages=0)]


@scenario("Exim to Postfix over TLS 1.2")
def exim_to_postfix_tls12(lab):
    lab.exim_client.send(lab.mails("tls12", "mx"))
    return [Session("mx", **SEALED, **TLS["1.2"], messages=0)]


@scenario("Exim to Postfix over TLS 1.0")
def exim_to_postfix_tls10(lab):
    lab.exim_client.send(lab.mails("tls10", "mx"))
    return [Session("mx", **SEALED, **TLS["1.0"], messages=0)]


@scenario("Exim to Exim")
def exim_to_exim(lab):
    lab.exim_client.send(lab.mails("may", "exim"))
    return [Session("exim", **SEALED, **TLS["1.3"], messages=0)]


@scenario("swaks to Exim over TLS, with a name in the ClientHello")
def swaks_to_exim(lab):
    lab.use.swaks("exim.lab.example", "--tls", "--tls-sni", "exim.lab.example")
    return [Session("exim", **SEALED, messages=0, sni="exim.lab.example")]


@scenario("swaks to Postfix over TLS")
def swaks_to_postfix(lab):
    lab.use.swaks(address("mx"), "--tls")
    return [Session("mx", **SEALED, messages=0)]


@scenario("curl to Postfix over TLS 1.2")
def curl_to_postfix(lab):
    lab.use.curl_send("smtp://mx.lab.example/client.example", "--ssl-reqd", "--tls-max", "1.2")
    return [Session("mx", **SEALED, **TLS["1.2"], messages=0, sni="mx.lab.example",
                    certificate={**CERTIFICATE, "name_matches": True})]


@scenario("msmtp to Exim over TLS")
def msmtp_to_exim(lab):
    lab.use.msmtp("exim.lab.example", 25, "--tls=on", f"--tls-trust-file={lab.keys}/ca.pem")
    return [Session("exim", **SEALED, messages=0, sni="exim.lab.example")]


@scenario("openssl to Exim over TLS 1.3")
def openssl_to_exim(lab):
    lab.use.s_client(address("exim"), 25, *ONLY["1.3"], starttls="smtp", say=HELLO)
    return [Session("exim", **SEALED, **TLS["1.3"], messages=0)]


@scenario("openssl to Postfix over TLS 1.1")
def openssl_to_postfix(lab):
    lab.use.s_client(address("mx"), 25, *ONLY["1.1"], starttls="smtp", say=HELLO)
    return [Session("mx", **SEALED, **TLS["1.1"], messages=0)]


@scenario("gnutls-cli to Postfix over TLS 1.3")
def gnutls_to_postfix(lab):
    lab.use.gnutls("mx.lab.example", 25, f"--x509cafile={lab.keys}/ca.pem", say=HELLO)
    return [Session("mx", **SEALED, **TLS["1.3"], messages=0, sni="mx.lab.example")]


@scenario("openssl to Postfix, a second ClientHello asked for (HelloRetryRequest)")
def hello_retry(lab):
    lab.use.s_client(address("mx"), 25, "-tls1_3", "-groups", "ffdhe2048:P-256", "-sigalgs",
                     "RSA-PSS+SHA256:RSA+SHA256", starttls="smtp", say=HELLO)
    return [Session("mx", **SEALED, **TLS["1.3"], messages=0)]


# In clear ---------------------------------------------------------------------------------------

@scenario("Postfix without TLS to a Postfix that offers it")
def not_requested(lab):
    lab.postfix_client.send(lab.mails("none", "mx"))
    return [Session("mx", **NOT_ASKED, **MAIL)]


@scenario("Postfix to a Postfix without TLS")
def not_offered(lab):
    lab.postfix_client.send(lab.mails("may", "plain"))
    return [Session("plain", **NOT_OFFERED, **MAIL)]


@scenario("Exim in clear to Exim")
def exim_in_clear(lab):
    lab.exim_client.send(lab.mails("none", "exim"))
    return [Session("exim", **NOT_ASKED, **MAIL)]


@scenario("swaks in clear to OpenSMTPD")
def swaks_to_opensmtpd(lab):
    lab.use.swaks(address("opensmtpd"))
    return [Session("opensmtpd", **NOT_ASKED, **MAIL)]


@scenario("Postfix in clear to a Postfix that wants TLS: 530")
def refused_530(lab):
    lab.postfix_client.send(lab.mails("none", "strict"), fate="bounced")
    return [Session("strict", **NOT_ASKED, reason="mail-in-clear", exposure="refused", messages=0)]


@scenario("a recipient who is refused")
def recipient_refused(lab):
    lab.use.swaks(address("mx"), to="nobody@lab.example", expect=24)
    return [Session("mx", **NOT_ASKED, reason="mail-in-clear", exposure="envelope", messages=0)]


@scenario("HELO instead of EHLO")
def helo(lab):
    lab.use.swaks(address("mx"), "--protocol", "SMTP")
    return [Session("mx", **CLEAR, **MAIL, starttls_offered=None, stripped=None, cause="unknown")]


@scenario("a connection that is reset in the middle of a message")
def reset_in_message(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"EHLO client.example\r\n", 250,
                     b"MAIL FROM:<sender@client.example>\r\n", 250,
                     b"RCPT TO:<reader@lab.example>\r\n", 250, b"DATA\r\n", 354,
                     b"Subject: half\r\n\r\nThis is no", "reset")
    return [Session("mx", **NOT_ASKED, reason="mail-in-clear", exposure="content", messages=0)]


@scenario("everything in one flight, by pipelining")
def pipelining(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"EHLO client.example\r\n", 250,
                     b"MAIL FROM:<sender@client.example>\r\nRCPT TO:<reader@lab.example>\r\n"
                     b"DATA\r\n", 354, b"Subject: lab\r\n\r\nSTARTTLS\r\n.\r\nQUIT\r\n", ...)
    return [Session("mx", **NOT_ASKED, **MAIL)]


# Long and many ----------------------------------------------------------------------------------

@scenario("a message of 5 MB in clear, by DATA")
def long_data(lab):
    lab.postfix_client.send(lab.mails("none", "mx", text=LONG))
    return [Session("mx", **NOT_ASKED, **MAIL)]


@scenario("a message of 5 MB in clear, by BDAT")
def long_bdat(lab):
    lab.exim_client.send(lab.mails("none", "mx", text=LONG))
    return [Session("mx", **NOT_ASKED, **MAIL)]


@scenario("a message of 5 MB in TLS")
def long_sealed(lab):
    lab.exim_client.send(lab.mails("may", "exim", text=LONG))
    return [Session("exim", **SEALED, **TLS["1.3"], messages=0)]


@scenario("a message by BDAT in clear")
def bdat(lab):
    lab.exim_client.send(lab.mails("none", "mx"))
    return [Session("mx", **NOT_ASKED, **MAIL, evidence=re.compile("BDAT"))]


@scenario("BDAT in several chunks, the next command glued to the last")
def bdat_chunks(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"EHLO client.example\r\n", 250,
                     b"MAIL FROM:<sender@client.example>\r\n", 250,
                     b"RCPT TO:<reader@lab.example>\r\n", 250, b"BDAT 16\r\nSubject: lab\r\n\r\n",
                     250, b"BDAT 10\r\nSTARTTLS\r\n", 250, b"BDAT 0 LAST\r\nQUIT\r\n", ...)
    return [Session("mx", **NOT_ASKED, **MAIL)]


@scenario("many messages in a connection in clear")
def many_in_clear(lab):
    messages = lab.mails("nonedata", "mx", count=8)
    lab.exim_client.send(messages)
    return [Session("mx", **NOT_ASKED, **{**MAIL, "messages": len(messages)})]


@scenario("many messages in a connection by BDAT")
def many_by_bdat(lab):
    messages = lab.mails("none", "mx", count=8)
    lab.exim_client.send(messages)
    return [Session("mx", **NOT_ASKED, **{**MAIL, "messages": len(messages)})]


@scenario("many messages in a connection that Postfix keeps open")
def many_cached(lab):
    for message in lab.mails("cached", "mx", count=4):
        lab.postfix_client.send([message])
    return [Session("mx", **NOT_ASKED, **{**MAIL, "messages": 4})]


@scenario("many messages in TLS, one connection after the other")
def many_sealed(lab):
    lab.exim_client.send(lab.mails("may", "exim", count=4))
    return [Session("exim", **SEALED, **TLS["1.3"], messages=0)] * len(lab.quiet())


# Handshakes that fail, and those that are short -------------------------------------------------

@scenario("Postfix refuses the certificate, TLS 1.2")
def refused_postfix_tls12(lab):
    lab.postfix_client.send(lab.mails("verify12", "mx"), fate="deferred")
    return [Session("mx", **SEALED, **TLS["1.2"], messages=0)]  # after the handshake, by policy


@scenario("Exim refuses the certificate, TLS 1.2")
def refused_exim_tls12(lab):
    lab.exim_client.send(lab.mails("verify12", "mx"), fate="deferred")
    return [Session("mx", **{**FAILED, "verdict": BY_LOG}, **TLS["1.2"], messages=0)]


UNSURE = ("tls-failed", "indeterminate")
BY_LOG = ("tls-failed", "encrypted-starttls")  # the log of the server says which


@scenario("Exim refuses the certificate, TLS 1.3")
def refused_exim_tls13(lab):
    """GnuTLS ends the handshake and refuses afterwards, encrypted. The server does not know why its
    client has left, and a sensor cannot be sure."""
    lab.exim_client.send(lab.mails("verify13", "mx"), fate="deferred")
    return [Session("mx", apart=("verdict",), **{**FAILED, "verdict": UNSURE}, **TLS["1.3"],
                    messages=0)]


@scenario("openssl refuses the certificate, TLS 1.2")
def refused_openssl_tls12(lab):
    lab.use.s_client(address("mx"), 25, "-verify_return_error", *ONLY["1.2"], starttls="smtp",
                     expect="failure")
    return [Session("mx", **FAILED, **TLS["1.2"], reason="fatal-alert", messages=0,
                    tls_alert="unknown_ca")]


@scenario("openssl refuses the certificate, TLS 1.3")
def refused_openssl_tls13(lab):
    lab.use.s_client(address("mx"), 25, "-verify_return_error", *ONLY["1.3"], starttls="smtp",
                     expect="failure")
    return [Session("mx", **FAILED, **TLS["1.3"], reason="fatal-alert", messages=0)]


@scenario("swaks refuses the certificate")
def refused_swaks(lab):
    lab.use.swaks("mx.lab.example", "--tls", "--tls-verify", "--tls-ca-path",
                  lab.keys / "other-ca.pem", expect=29)
    return [Session("mx", **FAILED, messages=0)]


@scenario("curl refuses the certificate, TLS 1.3")
def refused_curl(lab):
    lab.use.curl_send("smtp://mx.lab.example", "--ssl-reqd", "--cacert",
                      lab.keys / "other-ca.pem", expect=60)
    return [Session("mx", **FAILED, **TLS["1.3"], messages=0)]


@scenario("no version in common: an alert of the server")
def no_common_version(lab):
    lab.postfix_client.send(lab.mails("encrypt12", "modern"), fate="deferred")
    return [Session("modern", **FAILED, reason="fatal-alert", messages=0,
                    tls_alert="protocol_version")]


@scenario("OpenSMTPD cannot sign, TLS 1.3")
def server_alert_tls13(lab):
    lab.use.swaks(address("opensmtpd"), "--tls", "--tls-protocol", "tlsv1_3", expect=29)
    return [Session("opensmtpd", **FAILED, messages=0)]


@scenario("OpenSMTPD cannot sign, TLS 1.2")
def server_alert_tls12(lab):
    lab.use.swaks(address("opensmtpd"), "--tls", "--tls-protocol", "tlsv1_2", expect=29)
    return [Session("opensmtpd", **FAILED, messages=0, reason="fatal-alert",
                    tls_alert="internal_error")]


@scenario("openssl resumes a session, TLS 1.2")
def resumption_tls12(lab):
    resumed = lab.use.resume(address("mx"), 25, *ONLY["1.2"], starttls="smtp", say=HELLO)
    assert True in resumed, "the server does not resume"
    return [Session("mx", **SEALED, **TLS["1.2"], messages=0, tls_resumed=n) for n in resumed]


@scenario("openssl resumes a session, TLS 1.3")
def resumption_tls13(lab):
    resumed = lab.use.resume(address("mx"), 25, *ONLY["1.3"], starttls="smtp", say=HELLO)
    assert True in resumed, "the server does not resume"
    return [Session("mx", **SEALED, **TLS["1.3"], messages=0, tls_resumed=n) for n in resumed]


@scenario("Postfix resumes a session")
def resumption_postfix(lab):
    for message in lab.mails("may", "mx2", count=2):
        lab.postfix_client.send([message])
    return [Session("mx2", **SEALED, **TLS["1.3"], messages=0, tls_resumed=n)
            for n in (False, True)]


@scenario("Postfix asks for a client certificate and gets one, TLS 1.2")
def client_certificate_tls12(lab):
    lab.postfix_client.send(lab.mails("certificate12", "asking"))
    return [Session("asking", **SEALED, **TLS["1.2"], messages=0, certificate=CERTIFICATE)]


@scenario("Postfix asks for a client certificate and gets one, TLS 1.3")
def client_certificate_tls13(lab):
    lab.postfix_client.send(lab.mails("certificate13", "asking"))
    return [Session("asking", **SEALED, **TLS["1.3"], messages=0)]


@scenario("Postfix asks for a client certificate and gets none")
def no_client_certificate(lab):
    lab.exim_client.send(lab.mails("tls12", "asking"))
    return [Session("asking", **SEALED, **TLS["1.2"], messages=0)]


@scenario("Exim wants a client certificate and gets one")
def certificate_demanded(lab):
    lab.exim_client.send(lab.mails("certificate", "demanding"))
    return [Session("demanding", **SEALED, **TLS["1.3"], messages=0)]


@scenario("Exim wants a client certificate and gets none, TLS 1.2")
def certificate_demanded_tls12(lab):
    lab.postfix_client.send(lab.mails("encrypt12", "demanding"), fate="deferred")
    return [Session("demanding", **FAILED, **TLS["1.2"], messages=0)]


@scenario("Exim wants a client certificate and gets none, TLS 1.3")
def certificate_demanded_tls13(lab):
    """The server's alert is encrypted too."""
    lab.use.s_client(address("demanding"), 25, *ONLY["1.3"], starttls="smtp", say=HELLO,
                     expect=None)
    return [Session("demanding", apart=("verdict",), **{**FAILED, "verdict": UNSURE}, **TLS["1.3"],
                    messages=0)]


# Fallback ---------------------------------------------------------------------------------------

@scenario("454, and Postfix goes on in clear on the same connection")
def postfix_454(lab):
    lab.postfix_client.send(lab.mails("may", "broken"))
    return [Session("broken", **{**CLEAR, "starttls_requested": True, "starttls_accepted": False},
                    **MAIL, starttls_offered=True, stripped="refused", cause="refused")]


@scenario("454, and swaks goes on in clear on the same connection")
def swaks_454(lab):
    lab.use.swaks(address("broken"), "--tls-optional")
    return [Session("broken", **{**CLEAR, "starttls_requested": True, "starttls_accepted": False},
                    **MAIL, starttls_offered=True, stripped="refused", cause="refused")]


@scenario("454, and the client leaves")
def left_after_454(lab):
    lab.use.swaks(address("broken"), "--tls", expect=29)
    return [Session("broken", **{**NOTHING, "stripped": "refused"}, starttls_offered=True,
                    starttls_requested=True, starttls_accepted=False)]


@scenario("Postfix falls back to clear on a new connection")
def postfix_fallback(lab):
    """It does so when a message has waited for smtp's minimal_backoff_time."""
    message = lab.mails("impatient", "modern")
    lab.postfix_client.send(message, fate="deferred", keep=True)
    lab.postfix_client.flush(message[0][0])
    failed = len(lab.quiet()) - 1
    return [Session("modern", **FAILED, messages=0)] * failed + [
        Session("modern", **NOT_ASKED, **MAIL, fallback=True)]


@scenario("Exim falls back to clear on a new connection")
def exim_fallback(lab):
    lab.exim_client.send(lab.mails("tls12", "modern"))
    return [Session("modern", **FAILED, messages=0),
            Session("modern", **NOT_ASKED, **MAIL, fallback=True)]


@scenario("Exim falls back to clear where OpenSMTPD cannot sign")
def exim_fallback_opensmtpd(lab):
    lab.exim_client.send(lab.mails("may", "opensmtpd"))
    return [Session("opensmtpd", **FAILED, messages=0),
            Session("opensmtpd", **NOT_ASKED, **MAIL, fallback=True)]


@scenario("a handshake that fails, and a sealed session after it: no fallback")
def no_fallback(lab):
    lab.use.s_client(address("mx"), 25, "-verify_return_error", starttls="smtp", expect="failure")
    lab.postfix_client.send(lab.mails("may", "mx"))
    return [Session("mx", **FAILED, messages=0), Session("mx", **SEALED, messages=0)]


# Who does not send mail -------------------------------------------------------------------------

@scenario("a scanner that connects and leaves")
def scanner_banner(lab):
    lab.use.dialogue(address("mx"), 25, 220)
    return [Session("mx", **NOTHING, starttls_offered=None)]


@scenario("a scanner that says EHLO and QUIT")
def scanner_ehlo(lab):
    lab.use.swaks(address("exim"), "--quit-after", "EHLO")
    return [Session("exim", **NOTHING, starttls_offered=True, starttls_requested=False)]


@scenario("a scanner that looks at TLS and leaves")
def scanner_tls(lab):
    lab.use.swaks(address("mx"), "--tls", "--quit-after", "TLS")
    return [Session("mx", **SEALED, messages=0)]


# The greeting in clear may cross before the ClientHello, and is no answer to it then.
WHICHEVER_FIRST = ("not-tls", "handshake-unfinished")


@scenario("a scanner that sends a ClientHello to port 25")
def scanner_hello(lab):
    lab.use.s_client(address("mx"), 25, expect=None)
    return [Session("mx", verdict="tls-failed", reason=WHICHEVER_FIRST, **NO_CLEAR)]


@scenario("STARTTLS, and the connection is closed")
def scanner_starttls(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"EHLO client.example\r\n", 250, b"STARTTLS\r\n", 220)
    return [Session("mx", **FAILED, reason="handshake-unfinished", messages=0)]


@scenario("HTTP said to a mail server")
def http_to_smtp(lab):
    lab.use.dialogue(address("mx"), 25, 220, b"GET / HTTP/1.1\r\nHost: mx\r\n\r\n", ...)
    return [Session("mx", **NOTHING)]


@scenario("HTTP on port 25 is not mail")
def http_on_25(lab):
    lab.use.curl("http://web.lab.example:25/", expect=0)
    return []


# Elsewhere --------------------------------------------------------------------------------------

@scenario("SMTP on port 8025, sealed", any_port=True)
def port_8025(lab):
    lab.use.swaks(address("mx"), "--port", "8025", "--tls")
    return [Session("mx", 8025, **SEALED, messages=0)]


@scenario("SMTP on port 8025, in clear", any_port=True)
def port_8025_in_clear(lab):
    lab.use.swaks(address("mx"), "--port", "8025")
    return [Session("mx", 8025, **NOT_ASKED, **MAIL)]


@scenario("Postfix to Postfix over IPv6", ipv6=True)
def ipv6(lab):
    lab.postfix_client.send(lab.mails("may", "mx6"))
    return [Session("mx", version=6, **SEALED, **TLS["1.3"], messages=0)]


@scenario("Exim in clear to Exim over IPv6", ipv6=True)
def ipv6_in_clear(lab):
    lab.exim_client.send(lab.mails("none", "exim6"))
    return [Session("exim", version=6, **NOT_ASKED, **MAIL)]
