/* record_read.c - reads one line of the session log back. */
#include "reports/record_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/period.h"
#include "reports/text.h"

#define NS_PER_S     1000000000u
#define DURATION_MAX (100.0 * 365 * 86400)

struct field;
typedef bool read_fn(const struct field *f, const json_t *v, struct record *out);
typedef const char *names_fn(unsigned value);

/* One key of the record: how it is read, and where to. */
struct field {
	const char *key;
	read_fn *read;
	size_t offset, size;
	uint64_t max;
	names_fn *names; /* words of an enum, values below max */
	bool nullable;   /* null is the enum's 0, an empty text, or none */
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
#undef NAMES

static void store(const struct field *f, struct record *out, uint64_t value)
{
	char *at = (char *)out + f->offset;

	if (f->size == 1)
		*(uint8_t *)at = (uint8_t)value;
	else if (f->size == 2)
		memcpy(at, &(uint16_t){ (uint16_t)value }, 2);
	else
		memcpy(at, &value, 8);
}

static bool read_uint(const struct field *f, const json_t *v, struct record *out)
{
	json_int_t value = json_integer_value(v);

	if (!json_is_integer(v) || value < 0 || (uint64_t)value > f->max)
		return false;
	store(f, out, (uint64_t)value);
	return true;
}

static bool read_bool(const struct field *f, const json_t *v, struct record *out)
{
	if (!json_is_boolean(v))
		return false;
	store(f, out, json_is_true(v));
	return true;
}

static bool read_tri(const struct field *f, const json_t *v, struct record *out)
{
	if (!json_is_boolean(v) && !json_is_null(v))
		return false;
	store(f, out, json_is_null(v) ? TRI_NULL : json_is_true(v) ? TRI_TRUE : TRI_FALSE);
	return true;
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

static bool read_word(const struct field *f, const json_t *v, struct record *out)
{
	unsigned value;

	if (json_is_null(v)) {
		store(f, out, 0);
		return f->nullable;
	}
	if (!json_is_string(v))
		return false;
	value = named(f->names, (unsigned)f->max, json_string_value(v));
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
static bool read_text(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v), *end = text + json_string_length(v);
	char *at = (char *)out + f->offset, *last = at + f->size - sizeof("\\x00");

	*at = '\0';
	if (json_is_null(v))
		return f->nullable;
	if (!json_is_string(v) || (text == end && !f->nullable))
		return false;
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

static bool read_duration(const struct field *f, const json_t *v, struct record *out)
{
	(void)f;
	out->duration = json_number_value(v);
	return json_is_number(v) && out->duration >= 0 && out->duration <= DURATION_MAX;
}

/* "2026-11-22T10:00:00.123456Z" */
static bool read_timestamp(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v);
	char whole[UTC_TEXT_MAX];
	int64_t seconds;
	unsigned micros;

	(void)f;
	if (!text || strlen(text) != 27 || text[19] != '.' || text[26] != 'Z' ||
	    strspn(text + 20, "0123456789") != 6)
		return false;
	micros = (unsigned)strtoul(text + 20, NULL, 10);
	memcpy(whole, text, 19);
	whole[19] = '\0';
	if (!utc_parse(whole, &seconds) || (uint64_t)seconds > UINT64_MAX / NS_PER_S - 1)
		return false;
	out->s.start_ns = (uint64_t)seconds * NS_PER_S + micros * 1000u;
	return true;
}

static bool read_counted(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v);

	(void)f;
	out->counted = -1;
	return json_is_null(v) ? true
			       : text && strlen(text) == 20 && text[19] == 'Z' &&
					 utc_parse(text, &out->counted);
}

static bool read_version(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v);

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
static bool read_cipher(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v);

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

static bool read_messages(const struct field *f, const json_t *v, struct record *out)
{
	json_int_t value = json_integer_value(v);

	(void)f;
	out->s.messages = json_is_null(v) ? MESSAGES_NULL : (int32_t)value;
	return json_is_null(v) || (json_is_integer(v) && value >= 0 && value <= INT32_MAX);
}

static bool read_vlan(const struct field *f, const json_t *v, struct record *out)
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

static bool read_evidence(const struct field *f, const json_t *v, struct record *out)
{
	const char *text = json_string_value(v);

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

static bool read_oddities(const struct field *f, const json_t *v, struct record *out)
{
	out->s.oddities = 0;
	for (size_t i = 0; i < json_array_size(v); i++) {
		const char *text = json_string_value(json_array_get(v, i));
		unsigned o = text ? named(f->names, ODDITY_N, text) : ODDITY_N;

		if (o == ODDITY_N || out->s.oddities & 1u << o)
			return false;
		out->s.oddities |= 1u << o;
	}
	return json_is_array(v);
}

#define AT(member) offsetof(struct record, member), sizeof(((struct record *)0)->member)
#define UINT(key, member, most)                               \
	{                                                     \
		key, read_uint, AT(member), most, NULL, false \
	}
#define WORD(key, member, most, names, nullable)                  \
	{                                                         \
		key, read_word, AT(member), most, names, nullable \
	}
#define TEXT(key, member, nullable)                           \
	{                                                     \
		key, read_text, AT(member), 0, NULL, nullable \
	}
#define TRI(key, member)                                 \
	{                                                \
		key, read_tri, AT(member), 0, NULL, true \
	}
#define BOOL(key, member)                                  \
	{                                                  \
		key, read_bool, AT(member), 0, NULL, false \
	}
#define OWN(key, read)                         \
	{                                      \
		key, read, 0, 0, 0, NULL, true \
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
	{ "oddities", read_oddities, 0, 0, 0, oddity_name_of, false },
	OWN("counted", read_counted),
	TEXT("interface", interface, true),
	{ "vlan", read_vlan, AT(s.vlan), 0xfff, NULL, true },
	TEXT("community_id", community_id, true),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const struct field *field_named(const char *key)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

/* Every key that is there is known. A key of a hostile file goes into err cut short. */
static bool keys_known(json_t *root, char *err, size_t errlen)
{
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value)
	{
		if (!field_named(key)) {
			snprintf(err, errlen, "the record has an unknown key \"%.40s\"", key);
			return false;
		}
	}
	return true;
}

static bool fields_read(const json_t *root, struct record *out, char *err, size_t errlen)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const json_t *v = json_object_get(root, fields[i].key);

		if (!v) {
			snprintf(err, errlen, "the record has no key \"%s\"", fields[i].key);
			return false;
		}
		if (!fields[i].read(&fields[i], v, out)) {
			snprintf(err, errlen,
				 "the value of \"%s\" is not one that a record can have",
				 fields[i].key);
			return false;
		}
	}
	return true;
}

static bool read_object(json_t *root, struct record *out, char *err, size_t errlen)
{
	if (!json_is_object(root)) {
		snprintf(err, errlen, "not a session record: not a JSON object");
		return false;
	}
	if (!keys_known(root, err, errlen) || !fields_read(root, out, err, errlen))
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
	if (len >= RECORD_MAX) {
		snprintf(err, errlen, "not a session record: the line is too long");
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
