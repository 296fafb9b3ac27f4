/* line_scan.c - what sums need of one line of the session log: a JSON object whose strings, numbers
 * and nested values are stepped over, but for the few that are read. */
#include "web/line_scan.h"

#include <stdlib.h>
#include <string.h>

#include "reports/period.h"
#include "reports/text.h"

#define DEPTH_MAX 8u /* of nested values; a record has two */
#define KEY_MAX   32

struct scan {
	const char *at, *end;
};

/* What stands between two quotation marks, as it is written. */
struct quoted {
	const char *at;
	size_t len;
	bool escaped; /* has backslashes */
};

enum kind { KIND_TEXT, KIND_NULL, KIND_TRUE, KIND_OTHER };

struct value {
	enum kind kind;
	struct quoted text;
};

/* Stepping ---------------------------------------------------------------------------------- */

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

/* One character, after blanks. */
static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool take_quoted(struct scan *s, struct quoted *out)
{
	if (!take(s, '"'))
		return false;
	out->at = s->at;
	out->escaped = false;
	for (; s->at < s->end && (unsigned char)*s->at >= 0x20; s->at++) {
		if (*s->at == '"') {
			out->len = (size_t)(s->at++ - out->at);
			return true;
		}
		if (*s->at == '\\') {
			out->escaped = true;
			if (++s->at == s->end)
				return false;
		}
	}
	return false;
}

/* An object or an array. */
static bool skip_nested(struct scan *s)
{
	struct quoted ignored;
	unsigned depth = 0;

	do {
		skip_blanks(s);
		if (s->at == s->end)
			return false;
		if (*s->at == '"') {
			if (!take_quoted(s, &ignored))
				return false;
			continue;
		}
		if ((*s->at == '{' || *s->at == '[') && ++depth > DEPTH_MAX)
			return false;
		if (*s->at == '}' || *s->at == ']')
			depth--;
		s->at++;
	} while (depth > 0);
	return true;
}

/* A number, true, false or null. */
static bool take_bare(struct scan *s, enum kind *out)
{
	const char *from = s->at;

	while (s->at < s->end && ((*s->at >= '0' && *s->at <= '9') ||
				  ((*s->at | 0x20) >= 'a' && (*s->at | 0x20) <= 'z') ||
				  *s->at == '-' || *s->at == '+' || *s->at == '.'))
		s->at++;
	*out = KIND_OTHER;
	if (s->at - from == 4 && memcmp(from, "null", 4) == 0)
		*out = KIND_NULL;
	else if (s->at - from == 4 && memcmp(from, "true", 4) == 0)
		*out = KIND_TRUE;
	return s->at > from;
}

static bool take_value(struct scan *s, struct value *out)
{
	skip_blanks(s);
	if (s->at == s->end)
		return false;
	out->kind = *s->at == '"' ? KIND_TEXT : KIND_OTHER;
	if (*s->at == '"')
		return take_quoted(s, &out->text);
	if (*s->at == '{' || *s->at == '[')
		return skip_nested(s);
	return take_bare(s, &out->kind);
}

/* Reading ----------------------------------------------------------------------------------- */

/* Four digits of \uXXXX; 256 when they are none, or not of a byte. */
static unsigned hex_byte(const char *text, size_t len)
{
	unsigned value = 0;

	for (size_t i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef", *d;

		d = i < len && text[i] ? strchr(digits, text[i] >= 'A' ? text[i] | 0x20 : text[i])
				       : NULL;
		if (!d)
			return 256;
		value = value << 4 | (unsigned)(d - digits);
	}
	return value < 256 ? value : 256;
}

/* What stands behind a backslash. Returns its length; 0: nothing that may. */
static size_t escaped_byte(const char *text, size_t len, unsigned char *byte)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *letter = len > 0 && *text ? strchr(letters, *text) : NULL;
	unsigned value;

	if (letter) {
		*byte = (unsigned char)bytes[letter - letters];
		return 1;
	}
	if (len == 0 || *text != 'u')
		return 0;
	value = hex_byte(text + 1, len - 1);
	*byte = (unsigned char)value;
	return value < 256 ? 5 : 0;
}

/* One character as the byte that it stands for: the record writes bytes as \u0000 to \u00FF. Returns
 * its length; 0 when it is none of these. A quotation mark follows the text. */
static size_t byte_at(const char *text, size_t len, unsigned char *byte)
{
	uint32_t c;
	size_t n;

	*byte = (unsigned char)*text;
	if (*text == '\\') {
		n = escaped_byte(text + 1, len - 1, byte);
		return n ? n + 1 : 0;
	}
	if (*byte < 0x80)
		return 1;
	n = text_utf8(text, &c);
	*byte = (unsigned char)c;
	return c <= 0xff ? n : 0;
}

/* As record_read(): NUL, which no text can hold, as \x00. */
static bool copy_text(const struct quoted *q, char *out, size_t size)
{
	char *last = out + size - sizeof("\\x00");
	size_t len;

	for (size_t i = 0; i < q->len; i += len) {
		unsigned char byte;

		len = byte_at(q->at + i, q->len - i, &byte);
		if (len == 0 || out > last)
			return false;
		if (byte) {
			*out++ = (char)byte;
		} else {
			memcpy(out, "\\x00", 4);
			out += 4;
		}
	}
	*out = '\0';
	return true;
}

/* A word of ours; no other is longer than this. */
static bool word_of(const struct value *v, char out[READ_WORD_MAX])
{
	return v->kind == KIND_TEXT && copy_text(&v->text, out, READ_WORD_MAX);
}

static bool read_party(const struct value *v, char out[READ_WORD_MAX])
{
	return word_of(v, out) && out[0] != '\0';
}

static bool read_client(const struct value *v, struct line_facts *out)
{
	return read_party(v, out->client);
}

static bool read_server(const struct value *v, struct line_facts *out)
{
	return read_party(v, out->server);
}

static bool read_client_peer(const struct value *v, struct line_facts *out)
{
	return read_party(v, out->client_peer);
}

static bool read_server_peer(const struct value *v, struct line_facts *out)
{
	return read_party(v, out->server_peer);
}

static bool read_sni(const struct value *v, struct line_facts *out)
{
	out->sni[0] = '\0';
	return v->kind == KIND_NULL ||
	       (v->kind == KIND_TEXT && copy_text(&v->text, out->sni, sizeof(out->sni)));
}

/* "2026-11-22T10:00:00.123456Z" */
static bool read_timestamp(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX];

	if (!word_of(v, text) || strlen(text) != 27 || text[19] != '.' || text[26] != 'Z' ||
	    strspn(text + 20, "0123456789") != 6)
		return false;
	text[19] = '\0';
	return utc_parse(text, &out->start);
}

static bool read_service(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX];

	return word_of(v, text) && service_by_name(text, &out->service);
}

static bool read_verdict(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX];

	if (!word_of(v, text))
		return false;
	for (unsigned i = 0; i < VERDICT_N; i++) {
		const char *name = verdict_name((enum verdict)i);

		out->verdict = (enum verdict)i;
		if (name && strcmp(name, text) == 0)
			return true;
	}
	return false;
}

static bool read_exposure(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX] = "";

	out->refused = false;
	if (v->kind == KIND_NULL)
		return true;
	if (!word_of(v, text))
		return false;
	out->refused = strcmp(text, exposure_name(EXPOSURE_REFUSED)) == 0;
	return true;
}

static bool read_version(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX];

	out->tls_version = 0;
	if (v->kind == KIND_NULL)
		return true;
	if (!word_of(v, text))
		return false;
	for (unsigned version = 0x0300; version <= 0x0304; version++) {
		if (strcmp(tls_version_name(version), text) == 0)
			out->tls_version = version;
	}
	return out->tls_version != 0;
}

/* "0x1302" */
static bool read_cipher(const struct value *v, struct line_facts *out)
{
	char text[READ_WORD_MAX];

	out->tls_cipher = TLS_CIPHER_NONE;
	if (v->kind == KIND_NULL)
		return true;
	if (!word_of(v, text) || strlen(text) != 6 || strncmp(text, "0x", 2) != 0 ||
	    strspn(text + 2, "0123456789abcdef") != 4)
		return false;
	out->tls_cipher = (int32_t)strtol(text + 2, NULL, 16);
	return true;
}

static bool read_excepted(const struct value *v, struct line_facts *out)
{
	out->excepted = v->kind == KIND_TRUE;
	return true;
}

/* Keys -------------------------------------------------------------------------------------- */

#define FIELD(key, read)                   \
	{                                  \
		key, sizeof(key) - 1, read \
	}

static const struct field {
	const char *key;
	size_t len;
	bool (*read)(const struct value *v, struct line_facts *out);
} fields[] = {
	FIELD("timestamp", read_timestamp),     FIELD("client", read_client),
	FIELD("server", read_server),           FIELD("client_peer", read_client_peer),
	FIELD("server_peer", read_server_peer), FIELD("service", read_service),
	FIELD("verdict", read_verdict),         FIELD("tls_version", read_version),
	FIELD("tls_cipher", read_cipher),       FIELD("sni", read_sni),
	FIELD("exposure", read_exposure),       FIELD("excepted", read_excepted),
};

#define FIELDS_N   (sizeof(fields) / sizeof(fields[0]))
#define FIELDS_ALL ((1u << (FIELDS_N - 1)) - 1) /* earlier versions did not write the last */

/* Its index; FIELDS_N for a key that is passed over. */
static size_t field_of(const struct quoted *key)
{
	char plain[KEY_MAX];
	const char *text = key->at;
	size_t len = key->len, i = 0;

	if (key->escaped) {
		if (!copy_text(key, plain, sizeof(plain)))
			return FIELDS_N;
		text = plain;
		len = strlen(plain);
	}
	while (i < FIELDS_N && (fields[i].len != len || fields[i].key[0] != text[0] ||
				memcmp(fields[i].key, text, len) != 0))
		i++;
	return i;
}

/* One key and its value. A key that is read may be there once. */
static bool take_member(struct scan *s, unsigned *seen, struct line_facts *out)
{
	struct quoted key;
	struct value v;
	size_t i;

	if (!take_quoted(s, &key) || !take(s, ':') || !take_value(s, &v))
		return false;
	i = field_of(&key);
	if (i == FIELDS_N)
		return true;
	if (*seen & 1u << i)
		return false;
	*seen |= 1u << i;
	return fields[i].read(&v, out);
}

bool line_scan(const char *line, size_t len, struct line_facts *out)
{
	struct scan s = { .at = line, .end = line + len };
	unsigned seen = 0;

	out->excepted = false;
	if (len >= RECORD_MAX || !take(&s, '{'))
		return false;
	do {
		if (!take_member(&s, &seen, out))
			return false;
	} while (take(&s, ','));
	if (!take(&s, '}'))
		return false;
	skip_blanks(&s);
	return s.at == s.end && (seen & FIELDS_ALL) == FIELDS_ALL;
}
