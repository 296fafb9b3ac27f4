"""People who send: submission on 587 and 465."""
import base64

from lab import address
from scenario import (FAILED, IMPLICIT, IMPLICIT_FAILED, LOGIN, MAIL, NOT_ASKED, ONLY, SEALED, TLS,
                      Session, scenario)

AS_READER = ("--auth-user", "reader", "--auth-password", "secret")
USER = ("--user", "reader:secret")
PLAIN = base64.b64encode(b"\0reader\0secret")
WITH_LOGIN = {**LOGIN, "exposure": "content", "messages": 1}


def msmtp_login(lab):
    return ("--auth=plain", "--user=reader", "--passwordeval=echo secret",
            f"--tls-trust-file={lab.keys}/ca.pem")


@scenario("swaks with AUTH PLAIN in clear")
def submission_plain(lab):
    lab.use.swaks(address("mx"), "--port", "587", "--auth", "PLAIN", *AS_READER)
    return [Session("mx", 587, **NOT_ASKED, **WITH_LOGIN)]


@scenario("swaks with AUTH LOGIN in clear")
def submission_login(lab):
    lab.use.swaks(address("mx"), "--port", "587", "--auth", "LOGIN", *AS_READER)
    return [Session("mx", 587, **NOT_ASKED, **WITH_LOGIN)]


@scenario("swaks with AUTH CRAM-MD5 in clear, and no mail")
def submission_cram_md5(lab):
    lab.use.swaks(address("mx"), "--port", "587", "--auth", "CRAM-MD5", *AS_READER,
                  "--quit-after", "AUTH")
    return [Session("mx", 587, **NOT_ASKED, **LOGIN, messages=0)]


@scenario("AUTH in clear with a wrong password")
def submission_wrong_password(lab):
    lab.use.swaks(address("mx"), "--port", "587", "--auth", "PLAIN", "--auth-user", "reader",
                  "--auth-password", "wrong", expect=28)
    return [Session("mx", 587, **NOT_ASKED, **LOGIN, messages=0)]


@scenario("AUTH in clear where it is not offered: the credentials have crossed")
def submission_refused(lab):
    lab.use.dialogue(address("strict"), 587, 220, b"EHLO client.example\r\n", 250,
                     b"AUTH PLAIN " + PLAIN + b"\r\n", 530, b"QUIT\r\n", ...)
    return [Session("strict", 587, **NOT_ASKED, **LOGIN, messages=0)]


@scenario("AUTH in clear, then STARTTLS")
def submission_login_before_tls(lab):
    lab.use.dialogue(address("mx"), 587, 220, b"EHLO client.example\r\n", 250,
                     b"AUTH PLAIN " + PLAIN + b"\r\n", 235, b"STARTTLS\r\n", 220)
    return [Session("mx", 587, verdict="plaintext", reason="auth-in-clear", auth_cleartext=True,
                    exposure="credentials", confirmed=True, starttls_offered=True)]


@scenario("Exim: swaks with AUTH PLAIN in clear")
def submission_exim_plain(lab):
    lab.use.swaks(address("exim"), "--port", "587", "--auth", "PLAIN", *AS_READER)
    return [Session("exim", 587, **NOT_ASKED, **WITH_LOGIN)]


@scenario("msmtp with AUTH in TLS")
def submission_msmtp(lab):
    lab.use.msmtp("mx.lab.example", 587, "--tls=on", *msmtp_login(lab))
    return [Session("mx", 587, **SEALED, messages=0, sni="mx.lab.example")]


@scenario("curl with AUTH in TLS 1.2")
def submission_curl(lab):
    lab.use.curl_send("smtp://mx.lab.example:587", "--ssl-reqd", "--tls-max", "1.2", *USER)
    return [Session("mx", 587, **SEALED, **TLS["1.2"], messages=0)]


@scenario("swaks to Exim with AUTH in TLS")
def submission_exim(lab):
    lab.use.swaks(address("exim"), "--port", "587", "--tls", "--auth", "PLAIN", *AS_READER)
    return [Session("exim", 587, **SEALED, messages=0)]


@scenario("msmtp on 465")
def implicit_msmtp(lab):
    lab.use.msmtp("mx.lab.example", 465, "--tls=on", "--tls-starttls=off", *msmtp_login(lab))
    return [Session("mx", 465, **IMPLICIT, sni="mx.lab.example")]


@scenario("curl on 465, TLS 1.2")
def implicit_curl(lab):
    lab.use.curl_send("smtps://mx.lab.example", "--tls-max", "1.2", *USER)
    return [Session("mx", 465, **IMPLICIT, **TLS["1.2"])]


@scenario("swaks to Exim on 465")
def implicit_swaks(lab):
    lab.use.swaks(address("exim"), "--port", "465", "--tls-on-connect", "--auth", "PLAIN", *AS_READER)
    return [Session("exim", 465, **IMPLICIT)]


@scenario("openssl on 465, TLS 1.0")
def implicit_tls10(lab):
    lab.use.s_client(address("mx"), 465, *ONLY["1.0"], say="EHLO client.example\nQUIT\n")
    return [Session("mx", 465, **IMPLICIT, **TLS["1.0"])]


@scenario("curl refuses the certificate on 465, TLS 1.3")
def implicit_refused(lab):
    lab.use.curl_send("smtps://mx.lab.example", "--cacert", lab.keys / "other-ca.pem", expect=60)
    return [Session("mx", 465, **IMPLICIT_FAILED, **TLS["1.3"])]


@scenario("openssl refuses the certificate on 465, TLS 1.2")
def implicit_refused_tls12(lab):
    lab.use.s_client(address("mx"), 465, "-verify_return_error", *ONLY["1.2"], expect="failure")
    return [Session("mx", 465, **IMPLICIT_FAILED, **TLS["1.2"], reason="fatal-alert")]


@scenario("curl refuses the certificate on 587")
def submission_refused_certificate(lab):
    lab.use.curl_send("smtp://mx.lab.example:587", "--ssl-reqd", "--cacert",
                      lab.keys / "other-ca.pem", *USER, expect=60)
    return [Session("mx", 587, **FAILED, messages=0)]


@scenario("openssl resumes a session on 465")
def implicit_resumption(lab):
    resumed = lab.use.resume(address("mx"), 465, say="EHLO client.example\nQUIT\n")
    assert True in resumed, "the server does not resume"
    return [Session("mx", 465, **IMPLICIT, tls_resumed=n) for n in resumed]
