/* explain.c - one session record in plain words. */
#include "reports/explain.h"

#include <inttypes.h>
#include <string.h>

#include "reports/period.h"
#include "reports/tls_names.h"

#define LABEL_WIDTH 12u
#define SAFE_MAX    (4 * READ_TEXT_MAX)

/* Where the explanation goes. */
struct page {
	FILE *out;
	const struct screen *s;
	const struct record *r;
};

static void heading(const struct page *p, const char *text)
{
	fprintf(p->out, "\n%s%s%s\n", tone_on(p->s, TONE_STRONG), text,
		tone_off(p->s, TONE_STRONG));
}

static void line(const struct page *p, const char *label, const char *text)
{
	char head[LABEL_WIDTH + 8];

	snprintf(head, sizeof(head), "  %s", label);
	text_wrap(p->out, p->s->width, LABEL_WIDTH, head, text);
}

static void sentence(const struct page *p, const char *text)
{
	if (text)
		text_wrap(p->out, p->s->width, 2, "  ", text);
}

static const char *tri_words(unsigned t)
{
	return t == TRI_TRUE ? "yes" : t == TRI_FALSE ? "no" : "not observable";
}

/* Host, port and peer of one end. */
static void end_line(const struct page *p, const char *label, const char *host, uint16_t port,
		     const char *peer)
{
	char safe_host[4 * READ_WORD_MAX], safe_peer[4 * READ_WORD_MAX], text[9 * READ_WORD_MAX];

	text_safe(host, p->s->utf8, safe_host, sizeof(safe_host));
	text_safe(peer, p->s->utf8, safe_peer, sizeof(safe_peer));
	snprintf(text, sizeof(text), "%s, %s port %u", safe_peer, safe_host, port);
	line(p, label, text);
}

static void put_when(const struct page *p)
{
	char when[UTC_TEXT_MAX], step[UTC_TEXT_MAX], text[128];

	utc_text((int64_t)(p->r->s.start_ns / 1000000000u), UTC_SECONDS, when);
	snprintf(text, sizeof(text), "%s UTC, for %.3f s", when, p->r->duration);
	line(p, "When", text);
	utc_text(p->r->counted, UTC_SHORT, step);
	snprintf(text, sizeof(text), "in the minute of %s UTC", step);
	line(p, "Counted", p->r->counted < 0 ? "not" : text);
}

static void put_where(const struct page *p)
{
	char sensor[SAFE_MAX], interface[SAFE_MAX];
	char text[sizeof(sensor) + sizeof(interface) + 64], vlan[24] = "";

	text_safe(p->r->sensor, p->s->utf8, sensor, sizeof(sensor));
	text_safe(p->r->interface, p->s->utf8, interface, sizeof(interface));
	if (p->r->s.vlan != VLAN_NONE)
		snprintf(vlan, sizeof(vlan), ", VLAN %u", p->r->s.vlan);
	snprintf(text, sizeof(text), "%s%s%s%s", sensor, interface[0] ? " on " : "", interface,
		 vlan);
	line(p, "Sensor", text);
}

static void put_who(const struct page *p)
{
	static const char *const services[SERVICE_N] = {
		[SERVICE_MTA] = "mail between servers (mta)",
		[SERVICE_SUBMISSION] = "users handing in mail (submission)",
		[SERVICE_ACCESS] = "users reading mail (access)",
	};
	static const char *const protocols[PROTOCOL_N] = {
		[PROTOCOL_SMTP] = "SMTP",
		[PROTOCOL_IMAP] = "IMAP",
		[PROTOCOL_POP3] = "POP3",
	};
	const struct session *s = &p->r->s;
	char text[128];

	end_line(p, "Client", p->r->client, s->client_port, p->r->client_peer);
	end_line(p, "Server", p->r->server, s->server_port, p->r->server_peer);
	snprintf(text, sizeof(text), "%s, %s", protocols[s->protocol], services[s->service]);
	line(p, "Service", text);
	put_when(p);
	put_where(p);
}

static void put_verdict(const struct page *p)
{
	static const enum tone tones[VERDICT_N] = {
		[VERDICT_ENCRYPTED_STARTTLS] = TONE_GOOD, [VERDICT_ENCRYPTED_IMPLICIT] = TONE_GOOD,
		[VERDICT_PLAINTEXT] = TONE_BAD,           [VERDICT_TLS_FAILED] = TONE_WARN,
		[VERDICT_INDETERMINATE] = TONE_WARN,
	};
	const struct session *s = &p->r->s;
	enum tone tone = tones[s->verdict];

	fprintf(p->out, "%sVerdict:%s %s%s%s\n", tone_on(p->s, TONE_STRONG),
		tone_off(p->s, TONE_STRONG), tone_on(p->s, tone),
		verdict_name((enum verdict)s->verdict), tone_off(p->s, tone));
	sentence(p, explain_verdict((enum verdict)s->verdict));
	sentence(p, explain_reason((enum reason)s->reason));
	putc('\n', p->out);
}

static void put_evidence(const struct page *p)
{
	char lines[EVIDENCE_MAX][EXPLAIN_LINE_MAX], head[24];
	size_t n = explain_evidence(&p->r->s, lines);

	heading(p, "Seen, in order");
	for (size_t i = 0; i < n; i++) {
		snprintf(head, sizeof(head), "  %2u", (unsigned)i + 1);
		text_wrap(p->out, p->s->width, 6, head, lines[i]);
	}
	if (n == 0)
		sentence(p, "Nothing that tells a step of the session.");
	else if (n == EVIDENCE_MAX)
		sentence(p, "The record keeps no more than these.");
}

static bool is_seen(const struct session *s, unsigned code)
{
	for (unsigned i = 0; i < s->evidence_len; i++) {
		if (s->evidence[i] == code)
			return true;
	}
	return false;
}

/* Whether the upgrade that was accepted came to TLS, whatever had crossed before it. */
static const char *completion(const struct session *s)
{
	if (s->verdict == VERDICT_ENCRYPTED_STARTTLS || is_seen(s, WORD_FINISHED))
		return "yes";
	if (s->verdict == VERDICT_TLS_FAILED || s->cause == CAUSE_HANDSHAKE_FAILED)
		return "no";
	return "not observable";
}

static void put_starttls(const struct page *p)
{
	const struct session *s = &p->r->s;

	heading(p, "STARTTLS");
	line(p, "offered", tri_words(s->offered));
	line(p, "requested", tri_words(s->requested));
	line(p, "accepted", s->requested == TRI_FALSE ? "nobody asked" : tri_words(s->accepted));
	line(p, "completed", s->accepted == TRI_TRUE ? completion(s) : "-");
}

static void cipher_words(const struct page *p, char *out, size_t outlen)
{
	char name[4 * READ_WORD_MAX];
	unsigned code = (unsigned)p->r->s.tls_cipher & 0xffff;

	text_safe(p->r->cipher_name, p->s->utf8, name, sizeof(name));
	if (name[0])
		snprintf(out, outlen, "%s (0x%04x)", name, code);
	else
		snprintf(out, outlen, "0x%04x", code);
}

static void put_handshake(const struct page *p)
{
	const struct session *s = &p->r->s;
	char alpn[4 * READ_NAME_MAX], name[TLS_NAME_MAX], text[sizeof(alpn) + 64];

	text_safe(p->r->alpn, p->s->utf8, alpn, sizeof(alpn));
	snprintf(text, sizeof(text), "The client offered to speak (ALPN): %s.", alpn);
	sentence(p, alpn[0] ? text : NULL);
	tls_group_text(s->tls_group, name);
	snprintf(text, sizeof(text), "The keys were exchanged in the group %s.", name);
	sentence(p, s->tls_group == TLS_GROUP_NONE ? NULL : text);
	if (s->tls_resumed == TRI_TRUE)
		sentence(p, "The session goes on from an earlier one: it was resumed.");
	else if (s->tls_resumed == TRI_FALSE)
		sentence(p, "The session is a new one, not resumed.");
	tls_alert_text(s->tls_alert, name);
	snprintf(text, sizeof(text), "An alert ended the handshake: %s.", name);
	sentence(p, s->tls_alert == TLS_ALERT_NONE ? NULL : text);
}

static const char *name_words(const struct page *p)
{
	switch (p->r->s.certificate.name_matches) {
	case TRI_TRUE: return "It is good for the name that the client asked for.";
	case TRI_FALSE: return "It is not good for the name that the client asked for.";
	}
	return p->r->sni[0]
		       ? "Whether it is good for the name that the client asked for is not known."
		       : "The client asked for no name that it could be compared with.";
}

static void put_certificate_seen(const struct page *p)
{
	const struct certificate_facts *c = &p->r->s.certificate;
	char subject[4 * READ_NAME_MAX], issuer[4 * READ_NAME_MAX], text[9 * READ_NAME_MAX];
	char from[MOMENT_MAX], to[MOMENT_MAX];
	int64_t then = (int64_t)(p->r->s.start_ns / 1000000000u);

	text_safe(p->r->subject, p->s->utf8, subject, sizeof(subject));
	text_safe(p->r->issuer, p->s->utf8, issuer, sizeof(issuer));
	snprintf(text, sizeof(text), "The server's certificate is for %s and from %s%s.",
		 subject[0] ? subject : "no subject", issuer[0] ? issuer : "no issuer",
		 c->self_signed == TRI_TRUE ? ": it signed itself" : "");
	sentence(p, text);
	moment_text(c->not_before, from);
	moment_text(c->not_after, to);
	snprintf(text, sizeof(text), "It is valid from %s to %s%s.", from, to,
		 then < c->not_before  ? ": not yet at that time"
		 : then > c->not_after ? ": it had expired"
				       : "");
	sentence(p, text);
	sentence(p, name_words(p));
}

static void put_certificate(const struct page *p)
{
	switch ((enum certificate)p->r->s.certificate.state) {
	case CERTIFICATE_NONE:
	case CERTIFICATE_N: return;
	case CERTIFICATE_SEEN: put_certificate_seen(p); return;
	case CERTIFICATE_NOT_OBSERVABLE:
		sentence(p, "The server's certificate does not show on the wire.");
		return;
	case CERTIFICATE_UNREADABLE:
		sentence(p, "The server's certificate could not be read.");
		return;
	}
}

static void put_tls(const struct page *p)
{
	const struct session *s = &p->r->s;
	char sni[SAFE_MAX], cipher[READ_WORD_MAX * 4 + 16];

	if (!s->tls_version && s->tls_cipher == TLS_CIPHER_NONE && !p->r->sni[0] &&
	    !p->r->alpn[0] && s->tls_alert == TLS_ALERT_NONE)
		return;
	heading(p, "TLS");
	line(p, "version", s->tls_version ? tls_version_name(s->tls_version) : "not seen");
	cipher_words(p, cipher, sizeof(cipher));
	line(p, "cipher", s->tls_cipher == TLS_CIPHER_NONE ? "not seen" : cipher);
	text_safe(p->r->sni, p->s->utf8, sni, sizeof(sni));
	line(p, "asked for", sni[0] ? sni : "no server name");
	put_handshake(p);
	put_certificate(p);
}

static void put_confirmed(const struct page *p)
{
	const struct session *s = &p->r->s;

	if (s->confirmed == TRI_TRUE)
		sentence(p, "Confirmed: the other side answered or acknowledged what crossed in "
			    "clear.");
	else
		sentence(p, "Not confirmed: no answer or acknowledgement of it was seen.");
}

static void put_findings(const struct page *p)
{
	for (unsigned i = 0; i < FINDING_N; i++) {
		if (p->r->s.findings & 1u << i)
			sentence(p, explain_finding((enum finding)i));
	}
}

/* What was not offered here may have been taken away, or the server does not treat all alike. */
static void put_not_offered(const struct page *p)
{
	const struct downgrade *d = &p->r->downgrade;
	char when[UTC_TEXT_MAX], text[192];

	utc_text((int64_t)(d->offered_ns / 1000000000u), UTC_SECONDS, when);
	snprintf(text, sizeof(text),
		 "It was last offered in the session of %s UTC; sessions without it up to this "
		 "one: %" PRIu32 ".",
		 when, d->without);
	sentence(p, text);
	sentence(p, "Something on the path takes it away, or the server does not offer it to all.");
}

static void put_stripped(const struct page *p)
{
	const struct session *s = &p->r->s;
	bool remembered = s->stripped == STRIPPED_REMOVED || s->stripped == STRIPPED_HELO;

	if (!remembered)
		sentence(p, explain_cause((enum cause)s->cause));
	sentence(p, explain_stripped((enum stripped)s->stripped));
	if (remembered && p->r->downgrade.offered_ns != 0)
		put_not_offered(p);
}

static void put_fallback(const struct page *p)
{
	char when[UTC_TEXT_MAX], text[128];

	sentence(p, "Shortly before, TLS failed between the same two addresses: a fallback "
		    "to clear.");
	if (p->r->downgrade.tls_failed_ns == 0)
		return;
	utc_text((int64_t)(p->r->downgrade.tls_failed_ns / 1000000000u), UTC_SECONDS, when);
	snprintf(text, sizeof(text), "The session that failed began at %s UTC.", when);
	sentence(p, text);
}

static void put_clear(const struct page *p)
{
	const struct session *s = &p->r->s;
	char text[64];

	heading(p, "In clear");
	if (s->exposure == EXPOSURE_NONE)
		sentence(p, "No user data was seen in clear.");
	else
		sentence(p, explain_exposure((enum exposure)s->exposure));
	if (s->verdict == VERDICT_PLAINTEXT)
		put_confirmed(p);
	if (s->messages > 0) {
		text_count((uint64_t)s->messages, "mail was accepted in clear.",
			   "mails were accepted in clear.", text, sizeof(text));
		sentence(p, text);
	}
	if (s->auth_clear == TRI_TRUE)
		sentence(p, "An authentication exchange began in clear.");
	put_stripped(p);
	if (s->injected)
		sentence(p,
			 "Clear bytes were sent right behind STARTTLS or its reply: an injection.");
	if (p->r->fallback)
		put_fallback(p);
	put_findings(p);
}

static void put_oddities(const struct page *p)
{
	for (unsigned i = 0; i < ODDITY_N; i++) {
		if (p->r->s.oddities & 1u << i)
			line(p, "odd", explain_oddity((enum oddity)i));
	}
}

static void put_limits(const struct page *p)
{
	const struct session *s = &p->r->s;
	char text[160];

	heading(p, "Capture");
	snprintf(text, sizeof(text), "%" PRIu64 " to the server, %" PRIu64 " to the client",
		 s->bytes_to_server, s->bytes_to_client);
	line(p, "bytes", text);
	snprintf(text, sizeof(text), "%" PRIu64 " bytes", s->bytes_missing);
	line(p, "missing", s->bytes_missing ? text : "nothing");
	line(p, "sides", explain_directions((enum directions)s->directions));
	put_oddities(p);
}

static void put_charter(const struct page *p, enum signatories who)
{
	char text[512], safe[4 * sizeof(text)];

	heading(p, "The charter");
	explain_charter(p->r, who, text, sizeof(text));
	text_safe(text, p->s->utf8, safe, sizeof(safe));
	sentence(p, safe);
}

void explain_print(FILE *out, const struct screen *s, const struct record *r, enum signatories who)
{
	struct page p = { out, s, r };
	char id[4 * sizeof(r->community_id)];

	put_verdict(&p);
	put_who(&p);
	put_evidence(&p);
	if (r->s.verdict != VERDICT_ENCRYPTED_IMPLICIT)
		put_starttls(&p);
	put_tls(&p);
	put_clear(&p);
	put_limits(&p);
	put_charter(&p, who);
	text_safe(r->community_id, s->utf8, id, sizeof(id));
	if (id[0])
		fprintf(out, "\n%sCommunity ID %s%s\n", tone_on(s, TONE_FAINT), id,
			tone_off(s, TONE_FAINT));
}

/* How a session that the charter covers weighs. */
static const char *weight(const struct session *s)
{
	static const char *const words[VERDICT_N] = {
		[VERDICT_ENCRYPTED_STARTTLS] = "it keeps the promise.",
		[VERDICT_ENCRYPTED_IMPLICIT] = "it keeps the promise.",
		[VERDICT_PLAINTEXT] = "it counts against the charter.",
		[VERDICT_TLS_FAILED] =
			"it does not count against the charter, for nothing crossed in clear.",
		[VERDICT_NO_TRANSACTION] =
			"it does not count against the charter, for no mail was to be sent.",
		[VERDICT_INDETERMINATE] =
			"it does not count against the charter; it lowers the coverage.",
	};

	if (s->verdict == VERDICT_PLAINTEXT && s->exposure == EXPOSURE_REFUSED)
		return "it does not count against the charter: the server kept the promise by "
		       "accepting "
		       "nothing in clear.";
	if (s->verdict == VERDICT_INDETERMINATE && s->reason == REASON_BEGAN_BEFORE_CAPTURE)
		return "it does not count against the charter; it began before the capture and "
		       "stands apart.";
	return words[s->verdict];
}

void explain_charter(const struct record *r, enum signatories who, char *out, size_t outlen)
{
	if (r->excepted)
		snprintf(out, outlen,
			 "The session is of the exceptions list, which is counted apart. It does "
			 "not count.");
	else if (r->s.service != SERVICE_MTA)
		snprintf(out, outlen,
			 "It covers mail between the servers of two signatories; this is a session "
			 "of "
			 "a user, to whom TLS is offered. It does not count.");
	else if (who == SIGNATORIES_NOT_BOTH || strcmp(r->client_peer, r->server_peer) == 0)
		snprintf(
			out, outlen,
			"%s and %s are not two different signatories: nothing is promised for this "
			"session, and it does not count.",
			r->client_peer, r->server_peer);
	else if (who == SIGNATORIES_BOTH)
		snprintf(
			out, outlen,
			"Mail between %s and %s, both signatories, is promised to be encrypted; %s",
			r->client_peer, r->server_peer, weight(&r->s));
	else
		snprintf(
			out, outlen,
			"If %s and %s are both signatories (a state directory, given with --state, "
			"would tell), %s",
			r->client_peer, r->server_peer, weight(&r->s));
}
