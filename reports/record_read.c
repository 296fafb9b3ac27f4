/* record_read.c - reads one line of the session log back. */
#include "reports/record_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/period.h"
#include "reports/text.h"
#include "reports/tls_names.h"

#define NS_PER_S     1000000000u
#define DURATION_MAX (100.0 * 365 * 86400)

struct field;
typedef bool read_fn(const struct field *f, json_t *v, struct record *out);
typedef const char *names_fn(unsigned value);

/* One key of the record: how it is read, and where to. */
struct field {
	const char *key;
	read_fn *read;
	size_t offset, size;
	uint64_t max;
	names_fn *names; /* words of an enum, values below max */
	bool nullable;   /* null is the enum's 0, an empty text, or none */
	bool later;      /* older lines do not have it */
};

/* The tables of names take enums, a table of fields needs one type. */
#define NAMES(fn, type)                            \
	static const char *fn##_of(unsigned value) \
	{                                          \
		return fn((enum type)value);       \
	}
NAMES(verdict_name, verdict)
NAMES(reason_name, reason)
NAMES(protocol_name, protocol)
NAMES(service_name, service)
NAMES(exposure_name, exposure)
NAMES(cause_name, cause)
NAMES(directions_name, directions)
NAMES(stripped_name, stripped)
NAMES(oddity_name, oddity)
NAMES(finding_name, finding)
#undef NAMES

static void store(const struct field *f, struct record *out, uint64_t value)
{
	char *at = (char *)out + f->offset;

	if (f->size == 1)
		*(uint8_t *)at = (uint8_t)value;
	else if (f->size == 2)
		memcpy(at, &(uint16_t){ (uint16_t)value }, 2);
	else if (f->size == 4)
		memcpy(at, &(uint32_t){ (uint32_t)value }, 4);
	else
		memcpy(at, &value, 8);
}

static bool read_uint(const struct field *f, json_t *v, struct record *out)
{
	json_int_t value = json_integer_value(v);

	if (!json_is_integer(v) || value < 0 || (uint64_t)value > f->max)
		return false;
	store(f, out, (uint64_t)value);
	return true;
}

static bool read_bool(const struct field *f, json_t *v, struct record *out)
{
	if (!json_is_boolean(v))
		return false;
	store(f, out, json_is_true(v));
	return true;
}

static bool read_tri(const struct field *f, json_t *v, struct record *out)
{
	if (!json_is_boolean(v) && !json_is_null(v))
		return false;
	store(f, out, json_is_null(v) ? TRI_NULL : json_is_true(v) ? TRI_TRUE : TRI_FALSE);
	return true;
}

/* A string without NULs; NULL for anything else. */
static const char *word_of(const json_t *v)
{
	const char *text = json_string_value(v);

	return text && strlen(text) == json_string_length(v) ? text : NULL;
}

/* The value of the enum that has this name; max when none has. */
static unsigned named(names_fn *names, unsigned max, const char *text)
{
	for (unsigned i = 0; i < max; i++) {
		const char *name = names(i);

		if (name && strcmp(name, text) == 0)
			return i;
	}
	return max;
}

static bool read_word(const struct field *f, json_t *v, struct record *out)
{
	unsigned value;

	if (json_is_null(v)) {
		store(f, out, 0);
		return f->nullable;
	}
	value = word_of(v) ? named(f->names, (unsigned)f->max, word_of(v)) : (unsigned)f->max;
	store(f, out, value);
	return value < f->max;
}

/* One character as the byte that it stands for: the record writes bytes as \u0000 to \u00FF.
 * Returns its length in UTF-8; 0 when it is none of these. */
static size_t byte_at(const char *text, unsigned char *byte)
{
	uint32_t c;
	size_t len;

	*byte = (unsigned char)*text;
	if (*byte < 0x80)
		return 1;
	len = text_utf8(text, &c);
	*byte = (unsigned char)c;
	return c <= 0xff ? len : 0;
}

/* Bytes as they were seen; NUL, which no text can hold, as \x00. f->size is the room. */
static bool read_text(const struct field *f, json_t *v, struct record *out)
{
	const char *text = json_string_value(v), *end;
	char *at = (char *)out + f->offset, *last = at + f->size - sizeof("\\x00");

	*at = '\0';
	if (json_is_null(v))
		return f->nullable;
	if (!json_is_string(v) || (json_string_length(v) == 0 && !f->nullable))
		return false;
	end = text + json_string_length(v);
	while (text < end) {
		unsigned char byte;
		size_t len = byte_at(text, &byte);

		if (len == 0 || at > last)
			return false;
		at += snprintf(at, sizeof("\\x00"), byte ? "%c" : "\\x00", byte);
		text += len;
	}
	return true;
}

static bool read_duration(const struct field *f, json_t *v, struct record *out)
{
	(void)f;
	out->duration = json_number_value(v);
	return json_is_number(v) && out->duration >= 0 && out->duration <= DURATION_MAX;
}

/* "2026-11-22T10:00:00.123456Z" */
static bool read_time(const json_t *v, uint64_t *ns)
{
	const char *text = word_of(v);
	char whole[UTC_TEXT_MAX];
	int64_t seconds;
	unsigned micros;

	if (!text || strlen(text) != 27 || text[19] != '.' || text[26] != 'Z' ||
	    strspn(text + 20, "0123456789") != 6)
		return false;
	micros = (unsigned)strtoul(text + 20, NULL, 10);
	memcpy(whole, text, 19);
	whole[19] = '\0';
	if (!utc_parse(whole, &seconds) || (uint64_t)seconds > UINT64_MAX / NS_PER_S - 1)
		return false;
	*ns = (uint64_t)seconds * NS_PER_S + micros * 1000u;
	return true;
}

static bool read_timestamp(const struct field *f, json_t *v, struct record *out)
{
	(void)f;
	return read_time(v, &out->s.start_ns);
}

static bool read_counted(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	out->counted = -1;
	return json_is_null(v) ? true
			       : text && strlen(text) == 20 && text[19] == 'Z' &&
					 utc_parse(text, &out->counted);
}

static bool read_version(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	out->s.tls_version = 0;
	if (json_is_null(v))
		return true;
	for (uint16_t version = 0x0300; text && version <= 0x0304; version++) {
		if (strcmp(tls_version_name(version), text) == 0)
			out->s.tls_version = version;
	}
	return out->s.tls_version != 0;
}

/* "0x1302" */
static bool read_cipher(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	out->s.tls_cipher = TLS_CIPHER_NONE;
	if (json_is_null(v))
		return true;
	if (!text || strlen(text) != 6 || strncmp(text, "0x", 2) != 0 ||
	    strspn(text + 2, "0123456789abcdef") != 4)
		return false;
	out->s.tls_cipher = (int32_t)strtol(text + 2, NULL, 16);
	return true;
}

static bool read_group(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	return json_is_null(v) || (text && tls_group_parse(text, &out->s.tls_group));
}

static bool read_alert(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	return json_is_null(v) || (text && tls_alert_parse(text, &out->s.tls_alert));
}

static bool read_moment(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);
	int64_t seconds;

	if (!text || !moment_parse(text, &seconds))
		return false;
	store(f, out, (uint64_t)seconds);
	return true;
}

static bool read_messages(const struct field *f, json_t *v, struct record *out)
{
	json_int_t value = json_integer_value(v);

	(void)f;
	out->s.messages = json_is_null(v) ? MESSAGES_NULL : (int32_t)value;
	return json_is_null(v) || (json_is_integer(v) && value >= 0 && value <= INT32_MAX);
}

static bool read_vlan(const struct field *f, json_t *v, struct record *out)
{
	if (!json_is_null(v))
		return read_uint(f, v, out);
	out->s.vlan = VLAN_NONE;
	return true;
}

/* A reply code or a word; 0 when it is neither. */
static uint16_t evidence_item(const char *text, size_t len)
{
	if (len == 3 && text[0] >= '1' && text[0] <= '9' && strspn(text, "0123456789") == 3)
		return (uint16_t)strtoul(text, NULL, 10);
	for (uint16_t w = WORD_FIRST; w < WORD_END; w++) {
		const char *name = word_name(w);

		if (strlen(name) == len && memcmp(name, text, len) == 0)
			return w;
	}
	return 0;
}

static bool read_evidence(const struct field *f, json_t *v, struct record *out)
{
	const char *text = word_of(v);

	(void)f;
	out->s.evidence_len = 0;
	while (text && *text) {
		size_t len = strcspn(text, " ");
		uint16_t item = evidence_item(text, len);

		if (!item || out->s.evidence_len == EVIDENCE_MAX)
			return false;
		out->s.evidence[out->s.evidence_len++] = item;
		text += len + (text[len] == ' ');
	}
	return text != NULL;
}

/* An array of names, each a bit. */
static bool read_bits(const struct field *f, json_t *v, struct record *out)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < json_array_size(v); i++) {
		const char *text = word_of(json_array_get(v, i));
		unsigned bit = text ? named(f->names, (unsigned)f->max, text) : (unsigned)f->max;

		if (bit == f->max || bits & 1u << bit)
			return false;
		bits |= 1u << bit;
	}
	store(f, out, bits);
	return json_is_array(v);
}

static bool read_certificate(const struct field *f, json_t *v, struct record *out);

/* Both keys of an offer, or neither. */
static bool read_offer(const json_t *v, struct downgrade *out)
{
	const json_t *at = json_object_get(v, "offered_at");
	const json_t *n = json_object_get(v, "without_offer");
	json_int_t without = json_integer_value(n);

	if (!at && !n)
		return true;
	if (!read_time(at, &out->offered_ns) || out->offered_ns == 0 || !json_is_integer(n) ||
	    without < 1 || without > UINT32_MAX)
		return false;
	out->without = (uint32_t)without;
	return true;
}

/* An object with an offer, a failed handshake, or both, and nothing else. */
static bool read_downgrade(const struct field *f, json_t *v, struct record *out)
{
	const json_t *failed = json_object_get(v, "tls_failed_at");
	struct downgrade *d = &out->downgrade;

	(void)f;
	if (json_is_null(v))
		return true;
	if (!read_offer(v, d) ||
	    (failed && (!read_time(failed, &d->tls_failed_ns) || d->tls_failed_ns == 0)))
		return false;
	return json_object_size(v) > 0 &&
	       json_object_size(v) == (d->offered_ns ? 2u : 0u) + (d->tls_failed_ns ? 1u : 0u);
}

#define AT(member) offsetof(struct record, member), sizeof(((struct record *)0)->member)
#define UINT(key, member, most)                                      \
	{                                                            \
		key, read_uint, AT(member), most, NULL, false, false \
	}
#define WORD(key, member, most, names, nullable)                         \
	{                                                                \
		key, read_word, AT(member), most, names, nullable, false \
	}
#define TEXT(key, member, nullable)                                  \
	{                                                            \
		key, read_text, AT(member), 0, NULL, nullable, false \
	}
#define TRI(key, member)                                        \
	{                                                       \
		key, read_tri, AT(member), 0, NULL, true, false \
	}
#define BOOL(key, member)                                         \
	{                                                         \
		key, read_bool, AT(member), 0, NULL, false, false \
	}
#define OWN(key, read)                                \
	{                                             \
		key, read, 0, 0, 0, NULL, true, false \
	}
#define BITS(key, member, most, names, later)                         \
	{                                                             \
		key, read_bits, AT(member), most, names, false, later \
	}
/* Keys that older versions did not write. */
#define LATER(key, read)                             \
	{                                            \
		key, read, 0, 0, 0, NULL, true, true \
	}
#define LATER_TEXT(key, member)                                 \
	{                                                       \
		key, read_text, AT(member), 0, NULL, true, true \
	}
#define MOMENT(key, member)                                         \
	{                                                           \
		key, read_moment, AT(member), 0, NULL, false, false \
	}

static const struct field fields[] = {
	OWN("timestamp", read_timestamp),
	TEXT("sensor", sensor, false),
	OWN("duration", read_duration),
	TEXT("client", client, false),
	UINT("client_port", s.client_port, UINT16_MAX),
	TEXT("server", server, false),
	UINT("server_port", s.server_port, UINT16_MAX),
	TEXT("client_peer", client_peer, false),
	TEXT("server_peer", server_peer, false),
	WORD("protocol", s.protocol, PROTOCOL_N, protocol_name_of, false),
	WORD("service", s.service, SERVICE_N, service_name_of, false),
	WORD("verdict", s.verdict, VERDICT_N, verdict_name_of, false),
	WORD("reason", s.reason, REASON_N, reason_name_of, true),
	TRI("starttls_offered", s.offered),
	TRI("starttls_requested", s.requested),
	TRI("starttls_accepted", s.accepted),
	OWN("tls_version", read_version),
	OWN("tls_cipher", read_cipher),
	TEXT("sni", sni, true),
	LATER_TEXT("tls_cipher_name", cipher_name),
	LATER_TEXT("alpn", alpn),
	LATER("tls_group", read_group),
	{ "tls_resumed", read_tri, AT(s.tls_resumed), 0, NULL, true, true },
	LATER("tls_alert", read_alert),
	LATER("certificate", read_certificate),
	OWN("messages", read_messages),
	TRI("auth_cleartext", s.auth_clear),
	WORD("stripped", s.stripped, STRIPPED_N, stripped_name_of, true),
	BOOL("injected", s.injected),
	BOOL("fallback", fallback),
	WORD("exposure", s.exposure, EXPOSURE_N, exposure_name_of, true),
	TRI("confirmed", s.confirmed),
	WORD("directions", s.directions, DIRECTIONS_N, directions_name_of, false),
	WORD("cause", s.cause, CAUSE_N, cause_name_of, true),
	OWN("evidence", read_evidence),
	UINT("bytes_to_server", s.bytes_to_server, INT64_MAX),
	UINT("bytes_to_client", s.bytes_to_client, INT64_MAX),
	UINT("bytes_missing", s.bytes_missing, INT64_MAX),
	BITS("oddities", s.oddities, ODDITY_N, oddity_name_of, false),
	BITS("findings", s.findings, FINDING_N, finding_name_of, true),
	OWN("counted", read_counted),
	TEXT("interface", interface, true),
	{ "vlan", read_vlan, AT(s.vlan), 0xfff, NULL, true, false },
	TEXT("community_id", community_id, true),
	LATER("downgrade", read_downgrade),
	{ "excepted", read_bool, AT(excepted), 0, NULL, false, true },
};

/* Of an object inside the record. */
static const struct field certificate_fields[] = {
	TEXT("subject", subject, true),
	TEXT("issuer", issuer, true),
	MOMENT("not_before", s.certificate.not_before),
	MOMENT("not_after", s.certificate.not_after),
	TRI("name_matches", s.certificate.name_matches),
	TRI("self_signed", s.certificate.self_signed),
};

struct keys {
	const struct field *fields;
	size_t n;
};

static const struct keys record_keys = { fields, sizeof(fields) / sizeof(fields[0]) };
static const struct keys certificate_keys = {
	certificate_fields, sizeof(certificate_fields) / sizeof(certificate_fields[0])
};

static bool has_key(const struct keys *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->fields[i].key, key) == 0)
			return true;
	}
	return false;
}

/* The key that nobody knows; NULL when every key that is there is known. */
static const char *unknown_key(const struct keys *k, json_t *object)
{
	void *at = json_object_iter(object);

	for (; at; at = json_object_iter_next(object, at)) {
		if (!has_key(k, json_object_iter_key(at)))
			return json_object_iter_key(at);
	}
	return NULL;
}

enum fault { FAULT_NONE, FAULT_MISSING, FAULT_VALUE };

/* Reads every key; at a fault *key is the one. */
static enum fault read_fields(const struct keys *k, json_t *object, struct record *out,
			      const char **key)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct field *f = &k->fields[i];
		json_t *v = json_object_get(object, f->key);

		*key = f->key;
		if (!v && !f->later)
			return FAULT_MISSING;
		if (v && !f->read(f, v, out))
			return FAULT_VALUE;
	}
	return FAULT_NONE;
}

static bool read_certificate(const struct field *f, json_t *v, struct record *out)
{
	const char *word = word_of(v), *key;

	(void)f;
	if (json_is_object(v)) {
		out->s.certificate.state = CERTIFICATE_SEEN;
		return !unknown_key(&certificate_keys, v) &&
		       read_fields(&certificate_keys, v, out, &key) == FAULT_NONE;
	}
	for (unsigned i = 0; word && i < CERTIFICATE_N; i++) {
		if (certificate_word(i) && strcmp(certificate_word(i), word) == 0)
			out->s.certificate.state = (uint8_t)i;
	}
	return json_is_null(v) || out->s.certificate.state != CERTIFICATE_NONE;
}

/* A key of a hostile file goes into err cut short. */
static bool fields_read(json_t *root, struct record *out, char *err, size_t errlen)
{
	const char *key = unknown_key(&record_keys, root);

	if (key) {
		snprintf(err, errlen, "the record has an unknown key \"%.40s\"", key);
		return false;
	}
	switch (read_fields(&record_keys, root, out, &key)) {
	case FAULT_NONE: return true;
	case FAULT_MISSING:
		snprintf(err, errlen, "the record has no key \"%s\"", key);
		return false;
	case FAULT_VALUE: break;
	}
	snprintf(err, errlen, "the value of \"%s\" is not one that a record can have", key);
	return false;
}

static bool read_object(json_t *root, struct record *out, char *err, size_t errlen)
{
	if (!json_is_object(root)) {
		snprintf(err, errlen, "not a session record: not a JSON object");
		return false;
	}
	if (!fields_read(root, out, err, errlen))
		return false;
	if (!session_valid(&out->s)) {
		snprintf(err, errlen, "the values of the record do not go together");
		return false;
	}
	out->s.end_ns = out->s.start_ns + (uint64_t)(out->duration * 1e9);
	return true;
}

bool record_read(const char *line, size_t len, struct record *out, char *err, size_t errlen)
{
	json_error_t why;
	json_t *root;
	bool ok;

	memset(out, 0, sizeof(*out));
	out->s.tls_group = TLS_GROUP_NONE;
	out->s.tls_alert = TLS_ALERT_NONE;
	if (len >= RECORD_MAX) {
		snprintf(err, errlen, "not a session record: the line is too long");
		return false;
	}
	/* The parser overlooks one behind a number. */
	if (memchr(line, '\0', len)) {
		snprintf(err, errlen, "not a session record: there is a NUL in the line");
		return false;
	}
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!root) {
		snprintf(err, errlen, "not a session record: %s", why.text);
		return false;
	}
	ok = read_object(root, out, err, errlen);
	json_decref(root);
	return ok;
}
