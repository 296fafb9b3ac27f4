/* verdict_names.c - the words of the session record. */
#include "dissectors/verdict.h"

#include <string.h>

#define NAME_IN(table, value) \
	((size_t)(value) < sizeof(table) / sizeof((table)[0]) ? (table)[value] : NULL)

static const char *const verdict_names[VERDICT_N] = {
	[VERDICT_ENCRYPTED_STARTTLS] = "encrypted-starttls",
	[VERDICT_ENCRYPTED_IMPLICIT] = "encrypted-implicit",
	[VERDICT_PLAINTEXT] = "plaintext",
	[VERDICT_TLS_FAILED] = "tls-failed",
	[VERDICT_NO_TRANSACTION] = "no-transaction",
	[VERDICT_INDETERMINATE] = "indeterminate",
};

static const char *const reason_names[REASON_N] = {
	[REASON_HANDSHAKE_COMPLETED] = "handshake-completed",
	[REASON_MAIL_IN_CLEAR] = "mail-in-clear",
	[REASON_AUTH_IN_CLEAR] = "auth-in-clear",
	[REASON_CONTENT_IN_CLEAR] = "content-in-clear",
	[REASON_FATAL_ALERT] = "fatal-alert",
	[REASON_NOT_TLS] = "not-tls",
	[REASON_HANDSHAKE_UNFINISHED] = "handshake-unfinished",
	[REASON_CLOSED_WITHOUT_MAIL] = "closed-without-mail",
	[REASON_BEGAN_BEFORE_CAPTURE] = "began-before-capture",
	[REASON_GAP] = "gap",
	[REASON_ONE_SIDED] = "one-sided",
	[REASON_CAPTURE_ENDED] = "capture-ended",
	[REASON_TIMED_OUT] = "timed-out",
	[REASON_EVICTED] = "evicted",
	[REASON_POSSIBLE_ALERT] = "possible-encrypted-alert",
	[REASON_PREAUTH_IN_CLEAR] = "preauth-in-clear",
	[REASON_DECRYPTED_MIRROR] = "decrypted-mirror",
	[REASON_NULL_CIPHER] = "null-cipher",
};

static const char *const protocol_names[PROTOCOL_N] = {
	[PROTOCOL_SMTP] = "smtp",
	[PROTOCOL_IMAP] = "imap",
	[PROTOCOL_POP3] = "pop3",
};

static const char *const service_names[SERVICE_N] = {
	[SERVICE_MTA] = "mta",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_ACCESS] = "access",
};

static const char *const exposure_names[EXPOSURE_N] = {
	[EXPOSURE_REFUSED] = "refused",   [EXPOSURE_UNKNOWN] = "unknown",
	[EXPOSURE_ENVELOPE] = "envelope", [EXPOSURE_CREDENTIALS] = "credentials",
	[EXPOSURE_CONTENT] = "content",
};

static const char *const cause_names[CAUSE_N] = {
	[CAUSE_NOT_OFFERED] = "not-offered",
	[CAUSE_NOT_REQUESTED] = "not-requested",
	[CAUSE_REFUSED] = "refused",
	[CAUSE_HANDSHAKE_FAILED] = "handshake-failed",
	[CAUSE_SUSPECTED_STRIPPING] = "suspected-stripping",
	[CAUSE_UNKNOWN] = "unknown",
};

static const char *const directions_names[DIRECTIONS_N] = {
	[DIRECTIONS_BOTH] = "both",
	[DIRECTIONS_TO_SERVER] = "to_server",
	[DIRECTIONS_TO_CLIENT] = "to_client",
};

static const char *const stripped_names[STRIPPED_N] = {
	[STRIPPED_MASKED] = "masked",
	[STRIPPED_REFUSED] = "refused",
	[STRIPPED_REMOVED] = "removed",
	[STRIPPED_HELO] = "helo",
};

static const char *const oddity_names[ODDITY_N] = {
	[ODDITY_LINE_TOO_LONG] = "line-too-long",
	[ODDITY_BARE_LF] = "bare-lf",
	[ODDITY_NO_GREETING] = "no-greeting",
	[ODDITY_BAD_REPLY] = "bad-reply",
	[ODDITY_UNSOLICITED_REPLY] = "unsolicited-reply",
	[ODDITY_REPLY_MISMATCH] = "reply-mismatch",
	[ODDITY_TOO_MANY_COMMANDS] = "too-many-commands",
	[ODDITY_BAD_BDAT] = "bad-bdat",
	[ODDITY_CLEAR_AFTER_UPGRADE] = "clear-after-upgrade",
	[ODDITY_BAD_TLS] = "bad-tls",
	[ODDITY_OVERLAP] = "overlap",
	[ODDITY_TRUNCATED] = "truncated",
	[ODDITY_UNEXPECTED_UPGRADE] = "unexpected-upgrade",
	[ODDITY_MASKED_GREETING] = "masked-greeting",
	[ODDITY_BAD_LITERAL] = "bad-literal",
};

static const char *const finding_names[FINDING_N] = {
	[FINDING_PREAUTH_IN_CLEAR] = "preauth-in-clear",
	[FINDING_LOGIN_BEFORE_STLS] = "login-before-stls",
	[FINDING_LOGINDISABLED_OFFERED] = "logindisabled-offered",
};

static const char *const word_names[WORD_END - WORD_FIRST] = {
	[WORD_HELO - WORD_FIRST] = "HELO",
	[WORD_EHLO - WORD_FIRST] = "EHLO",
	[WORD_STARTTLS - WORD_FIRST] = "STARTTLS",
	[WORD_MAIL - WORD_FIRST] = "MAIL",
	[WORD_RCPT - WORD_FIRST] = "RCPT",
	[WORD_DATA - WORD_FIRST] = "DATA",
	[WORD_BDAT - WORD_FIRST] = "BDAT",
	[WORD_BODY - WORD_FIRST] = "body",
	[WORD_DOT - WORD_FIRST] = "dot",
	[WORD_RSET - WORD_FIRST] = "RSET",
	[WORD_AUTH - WORD_FIRST] = "AUTH",
	[WORD_QUIT - WORD_FIRST] = "QUIT",
	[WORD_OTHER_COMMAND - WORD_FIRST] = "command",
	[WORD_GAP - WORD_FIRST] = "gap",
	[WORD_CLIENT_HELLO - WORD_FIRST] = "ClientHello",
	[WORD_SERVER_HELLO - WORD_FIRST] = "ServerHello",
	[WORD_FINISHED - WORD_FIRST] = "completed",
	[WORD_ALERT - WORD_FIRST] = "alert",
	[WORD_NOT_TLS - WORD_FIRST] = "not-TLS",
	[WORD_MASKED - WORD_FIRST] = "masked",
	[WORD_INJECTED - WORD_FIRST] = "injected",
	[WORD_POP_OK - WORD_FIRST] = "+OK",
	[WORD_POP_ERR - WORD_FIRST] = "-ERR",
	[WORD_OK - WORD_FIRST] = "OK",
	[WORD_NO - WORD_FIRST] = "NO",
	[WORD_BAD - WORD_FIRST] = "BAD",
	[WORD_PREAUTH - WORD_FIRST] = "PREAUTH",
	[WORD_BYE - WORD_FIRST] = "BYE",
	[WORD_CONTINUE - WORD_FIRST] = "+",
	[WORD_CAPABILITY - WORD_FIRST] = "CAPABILITY",
	[WORD_LOGIN - WORD_FIRST] = "LOGIN",
	[WORD_AUTHENTICATE - WORD_FIRST] = "AUTHENTICATE",
	[WORD_SELECT - WORD_FIRST] = "SELECT",
	[WORD_FETCH - WORD_FIRST] = "FETCH",
	[WORD_APPEND - WORD_FIRST] = "APPEND",
	[WORD_LOGOUT - WORD_FIRST] = "LOGOUT",
	[WORD_CAPA - WORD_FIRST] = "CAPA",
	[WORD_STLS - WORD_FIRST] = "STLS",
	[WORD_USER - WORD_FIRST] = "USER",
	[WORD_PASS - WORD_FIRST] = "PASS",
	[WORD_APOP - WORD_FIRST] = "APOP",
	[WORD_RETR - WORD_FIRST] = "RETR",
	[WORD_TOP - WORD_FIRST] = "TOP",
	[WORD_LITERAL - WORD_FIRST] = "literal",
};

const char *verdict_name(enum verdict v)
{
	return NAME_IN(verdict_names, v);
}

const char *reason_name(enum reason r)
{
	return NAME_IN(reason_names, r);
}

const char *protocol_name(enum protocol p)
{
	return NAME_IN(protocol_names, p);
}

const char *service_name(enum service s)
{
	return NAME_IN(service_names, s);
}

const char *exposure_name(enum exposure e)
{
	return NAME_IN(exposure_names, e);
}

const char *cause_name(enum cause c)
{
	return NAME_IN(cause_names, c);
}

const char *directions_name(enum directions d)
{
	return NAME_IN(directions_names, d);
}

const char *stripped_name(enum stripped s)
{
	return NAME_IN(stripped_names, s);
}

const char *oddity_name(enum oddity o)
{
	return NAME_IN(oddity_names, o);
}

const char *finding_name(enum finding f)
{
	return NAME_IN(finding_names, f);
}

const char *word_name(unsigned w)
{
	return w < WORD_FIRST ? NULL : NAME_IN(word_names, w - WORD_FIRST);
}

const char *tls_version_name(unsigned version)
{
	switch (version) {
	case 0x0300: return "SSLv3";
	case 0x0301: return "TLSv1.0";
	case 0x0302: return "TLSv1.1";
	case 0x0303: return "TLSv1.2";
	case 0x0304: return "TLSv1.3";
	}
	return NULL;
}

bool service_by_name(const char *name, enum service *out)
{
	for (unsigned i = 0; i < SERVICE_N; i++) {
		if (strcmp(name, service_names[i]) == 0) {
			*out = (enum service)i;
			return true;
		}
	}
	return false;
}

static bool evidence_valid(const struct session *s)
{
	if (s->evidence_len > EVIDENCE_MAX)
		return false;
	for (unsigned i = 0; i < s->evidence_len; i++) {
		unsigned w = s->evidence[i];

		if (w < 100 || w >= WORD_END)
			return false;
	}
	return true;
}

static bool certificate_valid(const struct certificate_facts *c)
{
	return c->state < CERTIFICATE_N && c->name_matches < TRI_N && c->self_signed < TRI_N &&
	       c->subject_len <= CERT_NAME_MAX && c->issuer_len <= CERT_NAME_MAX;
}

static bool tls_valid(const struct session *s)
{
	return s->tls_cipher >= TLS_CIPHER_NONE && s->tls_cipher <= 0xffff &&
	       s->tls_group >= TLS_GROUP_NONE && s->tls_group <= 0xffff &&
	       s->tls_alert >= TLS_ALERT_NONE && s->tls_alert <= 0xff && s->tls_resumed < TRI_N &&
	       s->sni_len <= SNI_MAX && s->alpn_len <= ALPN_LIST_MAX &&
	       certificate_valid(&s->certificate);
}

bool session_valid(const struct session *s)
{
	return s->verdict != VERDICT_NONE && s->verdict < VERDICT_N && s->reason < REASON_N &&
	       s->protocol != PROTOCOL_NONE && s->protocol < PROTOCOL_N && s->service < SERVICE_N &&
	       s->offered < TRI_N && s->requested < TRI_N && s->accepted < TRI_N &&
	       s->auth_clear < TRI_N && s->stripped < STRIPPED_N && s->injected <= 1 &&
	       s->exposure < EXPOSURE_N && s->confirmed < TRI_N && s->cause < CAUSE_N &&
	       s->directions < DIRECTIONS_N && s->begun_before <= 1 && s->ehlo_refused <= 1 &&
	       s->fallback <= 1 && s->findings < 1u << FINDING_N && s->messages >= MESSAGES_NULL &&
	       s->oddities < 1u << ODDITY_N && tls_valid(s) && evidence_valid(s);
}
