/* record.c - the session record as one line of JSON, without allocation.
 *
 * Every text from outside is cut to TEXT_MAX bytes and grows at most sixfold by escaping, so
 * that RECORD_MAX always suffices; the writer checks its bound all the same.
 */
#include "reports/record.h"

#include <assert.h>
#include <string.h>

#include "reports/tls_names.h"

#define TEXT_MAX 255

typedef const char *names_fn(unsigned value);

/* Where the line stands. The last two bytes are kept for LF and NUL. */
struct line {
	char *at, *end;
};

static void put_bytes(struct line *l, const char *bytes, size_t n)
{
	assert(n < (size_t)(l->end - l->at));
	memcpy(l->at, bytes, n);
	l->at += n;
}

static void put(struct line *l, const char *text)
{
	put_bytes(l, text, strlen(text));
}

/* A number of at least so many digits. */
static void put_digits(struct line *l, uint64_t value, unsigned least)
{
	char text[20];
	unsigned at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0 || sizeof(text) - at < least);
	put_bytes(l, text + at, sizeof(text) - at);
}

static void put_hex4(struct line *l, unsigned value, const char digits[17])
{
	const char text[] = { digits[value >> 12 & 15], digits[value >> 8 & 15],
			      digits[value >> 4 & 15], digits[value & 15] };

	put_bytes(l, text, sizeof(text));
}

static void put_char(struct line *l, char c)
{
	assert(l->at < l->end);
	*l->at++ = c;
}

/* The key of a member as it is written, with the comma that parts it from the one before. */
struct key {
	const char *text;
	size_t len;
};

#define KEY(name) ((struct key){ ",\"" name "\":", sizeof(",\"" name "\":") - 1 })

static void put_key(struct line *l, struct key key)
{
	size_t first = l->at[-1] == '{';

	put_bytes(l, key.text + first, key.len - first);
}

/* Bytes from outside. */
static void put_text(struct line *l, struct key key, const char *bytes, size_t len)
{
	put_key(l, key);
	put(l, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= 0x20 && c <= 0x7e && c != '"' && c != '\\') {
			put_char(l, (char)c);
			continue;
		}
		put(l, "\\u");
		put_hex4(l, c, "0123456789ABCDEF");
	}
	put(l, "\"");
}

/* A word of ours, or null. */
static void put_word(struct line *l, struct key key, const char *word)
{
	put_key(l, key);
	if (word == NULL) {
		put(l, "null");
		return;
	}
	put_char(l, '"');
	put(l, word);
	put_char(l, '"');
}

static void put_bool(struct line *l, struct key key, bool value)
{
	put_key(l, key);
	put(l, value ? "true" : "false");
}

static void put_tri(struct line *l, struct key key, unsigned value)
{
	put_key(l, key);
	put(l, value == TRI_NULL ? "null" : value == TRI_TRUE ? "true" : "false");
}

static void put_number(struct line *l, struct key key, uint64_t value)
{
	put_key(l, key);
	put_digits(l, value, 1);
}

static void put_number_or_null(struct line *l, struct key key, bool known, uint64_t value)
{
	if (known)
		put_number(l, key, value);
	else
		put_word(l, key, NULL);
}

static void put_times(struct line *l, const struct session *s, const struct record_context *c)
{
	uint64_t ns = s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0;
	char text[40];

	time_text(s->start_ns, 6, text, sizeof(text));
	put_word(l, KEY("timestamp"), text);
	put_text(l, KEY("sensor"), c->sensor, strnlen(c->sensor, TEXT_MAX));
	put_key(l, KEY("duration"));
	put_digits(l, ns / 1000000000, 1);
	put_char(l, '.');
	put_digits(l, ns % 1000000000 / 1000, 6);
}

static void put_ends(struct line *l, const struct session *s, const struct record_context *c)
{
	char text[64];

	address_text(s->client, c->truncate && !c->pair->client_known_host, text, sizeof(text));
	put_word(l, KEY("client"), text);
	put_number(l, KEY("client_port"), s->client_port);
	address_text(s->server, c->truncate && !c->pair->server_known_host, text, sizeof(text));
	put_word(l, KEY("server"), text);
	put_number(l, KEY("server_port"), s->server_port);
	put_word(l, KEY("client_peer"), c->pair->client);
	put_word(l, KEY("server_peer"), c->pair->server);
}

/* Bytes from outside; none at all is null. */
static void put_text_or_null(struct line *l, struct key key, const char *bytes, size_t len)
{
	if (len == 0)
		put_word(l, key, NULL);
	else
		put_text(l, key, bytes, len);
}

static void put_moment(struct line *l, struct key key, int64_t seconds)
{
	char text[MOMENT_MAX];

	moment_text(seconds, text);
	put_word(l, key, text);
}

static void put_certificate(struct line *l, const struct certificate_facts *c)
{
	if (c->state != CERTIFICATE_SEEN) {
		put_word(l, KEY("certificate"), certificate_word(c->state));
		return;
	}
	put_key(l, KEY("certificate"));
	put(l, "{");
	put_text(l, KEY("subject"), c->subject, c->subject_len);
	put_text(l, KEY("issuer"), c->issuer, c->issuer_len);
	put_moment(l, KEY("not_before"), c->not_before);
	put_moment(l, KEY("not_after"), c->not_after);
	put_tri(l, KEY("name_matches"), c->name_matches);
	put_tri(l, KEY("self_signed"), c->self_signed);
	put(l, "}");
}

/* How the handshake went. */
static void put_handshake(struct line *l, const struct session *s)
{
	char text[TLS_NAME_MAX];

	put_text_or_null(l, KEY("alpn"), s->alpn, s->alpn_len);
	if (s->tls_group != TLS_GROUP_NONE)
		tls_group_text(s->tls_group, text);
	put_word(l, KEY("tls_group"), s->tls_group == TLS_GROUP_NONE ? NULL : text);
	put_tri(l, KEY("tls_resumed"), s->tls_resumed);
	if (s->tls_alert != TLS_ALERT_NONE)
		tls_alert_text(s->tls_alert, text);
	put_word(l, KEY("tls_alert"), s->tls_alert == TLS_ALERT_NONE ? NULL : text);
	put_certificate(l, &s->certificate);
}

static void put_cipher(struct line *l, int32_t cipher)
{
	if (cipher == TLS_CIPHER_NONE) {
		put_word(l, KEY("tls_cipher"), NULL);
		return;
	}
	put_key(l, KEY("tls_cipher"));
	put(l, "\"0x");
	put_hex4(l, (unsigned)cipher & 0xffff, "0123456789abcdef");
	put_char(l, '"');
}

static void put_tls(struct line *l, const struct session *s)
{
	put_word(l, KEY("tls_version"), tls_version_name(s->tls_version));
	put_cipher(l, s->tls_cipher);
	put_text_or_null(l, KEY("sni"), s->sni, s->sni_len);
	put_word(l, KEY("tls_cipher_name"), tls_cipher_name(s->tls_cipher));
	put_handshake(l, s);
}

static void put_judgement(struct line *l, const struct session *s)
{
	put_word(l, KEY("protocol"), protocol_name((enum protocol)s->protocol));
	put_word(l, KEY("service"), service_name((enum service)s->service));
	put_word(l, KEY("verdict"), verdict_name((enum verdict)s->verdict));
	put_word(l, KEY("reason"), reason_name((enum reason)s->reason));
	put_tri(l, KEY("starttls_offered"), s->offered);
	put_tri(l, KEY("starttls_requested"), s->requested);
	put_tri(l, KEY("starttls_accepted"), s->accepted);
	put_tls(l, s);
	put_number_or_null(l, KEY("messages"), s->messages != MESSAGES_NULL, (uint32_t)s->messages);
	put_tri(l, KEY("auth_cleartext"), s->auth_clear);
	put_word(l, KEY("stripped"), stripped_name((enum stripped)s->stripped));
	put_bool(l, KEY("injected"), s->injected);
	put_bool(l, KEY("fallback"), s->fallback);
}

static void put_weight(struct line *l, const struct session *s)
{
	char text[EVIDENCE_MAX * 16];

	put_word(l, KEY("exposure"), exposure_name((enum exposure)s->exposure));
	put_tri(l, KEY("confirmed"), s->confirmed);
	put_word(l, KEY("directions"), directions_name((enum directions)s->directions));
	put_word(l, KEY("cause"), cause_name((enum cause)s->cause));
	evidence_text(s, text, sizeof(text));
	put_word(l, KEY("evidence"), text);
}

/* An array of the names of the bits that are set. */
static void put_bits(struct line *l, struct key key, uint32_t bits, names_fn *names)
{
	const char *comma = "\"";

	put_key(l, key);
	put(l, "[");
	for (unsigned i = 0; i < 32; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		put(l, comma);
		put(l, names(i));
		put_char(l, '"');
		comma = ",\"";
	}
	put(l, "]");
}

static const char *oddity_of(unsigned i)
{
	return oddity_name((enum oddity)i);
}

static const char *finding_of(unsigned i)
{
	return finding_name((enum finding)i);
}

static void put_volume(struct line *l, const struct session *s)
{
	put_number(l, KEY("bytes_to_server"), s->bytes_to_server);
	put_number(l, KEY("bytes_to_client"), s->bytes_to_client);
	put_number(l, KEY("bytes_missing"), s->bytes_missing);
	put_bits(l, KEY("oddities"), s->oddities, oddity_of);
	put_bits(l, KEY("findings"), s->findings, finding_of);
}

/* The end of a long file name tells more than its beginning. */
static void put_interface(struct line *l, const char *name)
{
	size_t len = name == NULL ? 0 : strlen(name);

	if (name == NULL)
		put_word(l, KEY("interface"), NULL);
	else if (len > TEXT_MAX)
		put_text(l, KEY("interface"), name + len - TEXT_MAX, TEXT_MAX);
	else
		put_text(l, KEY("interface"), name, len);
}

static void put_place(struct line *l, const struct session *s, const struct record_context *c)
{
	bool whole = !c->truncate || (c->pair->client_known_host && c->pair->server_known_host);
	char text[40] = "";

	step_text(c->counted, text, sizeof(text));
	put_word(l, KEY("counted"), c->counted < 0 ? NULL : text);
	put_interface(l, c->interface);
	put_number_or_null(l, KEY("vlan"), s->vlan != VLAN_NONE, s->vlan);
	text[0] = '\0';
	if (whole)
		community_id(s->client, s->client_port, s->server, s->server_port, text);
	put_word(l, KEY("community_id"), text[0] == '\0' ? NULL : text);
}

/* What "removed", "helo" and "fallback" rest on. */
static void put_downgrade(struct line *l, const struct downgrade *d)
{
	char text[40];

	if (d == NULL || (d->offered_ns == 0 && d->tls_failed_ns == 0)) {
		put_word(l, KEY("downgrade"), NULL);
		return;
	}
	put_key(l, KEY("downgrade"));
	put(l, "{");
	if (d->offered_ns != 0) {
		time_text(d->offered_ns, 6, text, sizeof(text));
		put_word(l, KEY("offered_at"), text);
		put_number(l, KEY("without_offer"), d->without);
	}
	if (d->tls_failed_ns != 0) {
		time_text(d->tls_failed_ns, 6, text, sizeof(text));
		put_word(l, KEY("tls_failed_at"), text);
	}
	put(l, "}");
}

size_t record_json(const struct session *s, const struct record_context *c, char out[RECORD_MAX])
{
	struct line l = { .at = out, .end = out + RECORD_MAX - 2 };

	put(&l, "{");
	put_times(&l, s, c);
	put_ends(&l, s, c);
	put_judgement(&l, s);
	put_weight(&l, s);
	put_volume(&l, s);
	put_place(&l, s, c);
	put_downgrade(&l, c->downgrade);
	put_bool(&l, KEY("excepted"), c->pair->excepted);
	put(&l, "}");
	*l.at++ = '\n';
	*l.at = '\0';
	return (size_t)(l.at - out);
}
