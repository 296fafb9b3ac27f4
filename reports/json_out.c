/* json_out.c - writes JSON to a stream. */
#include "reports/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "reports/text.h"

#define LINES_DEPTH 2u

void json_init(struct json_out *j, FILE *out)
{
	json_init_line(j, out);
	j->lines = LINES_DEPTH;
}

void json_init_line(struct json_out *j, FILE *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
}

static void put_point(FILE *out, uint32_t c)
{
	if (c < 0x10000)
		fprintf(out, "\\u%04x", (unsigned)c);
	else
		fprintf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			(unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
}

static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	while (*text) {
		uint32_t c = (unsigned char)*text;
		size_t len = 1;

		if (c >= 0x80) {
			len = text_utf8(text, &c);
			put_point(out, len ? c : 0xfffd);
		} else if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			put_point(out, c);
		} else {
			putc((char)c, out);
		}
		text += len ? len : 1;
	}
	putc('"', out);
}

static void new_line(const struct json_out *j)
{
	fprintf(j->out, "\n%*s", (int)(2 * j->depth), "");
}

static void before(struct json_out *j, const char *key)
{
	if (j->filled[j->depth])
		fputs(j->depth > j->lines ? ", " : ",", j->out);
	if (j->depth > 0 && j->depth <= j->lines)
		new_line(j);
	j->filled[j->depth] = true;
	if (key) {
		put_string(j->out, key);
		fputs(": ", j->out);
	}
}

static void open_level(struct json_out *j, const char *key, char c)
{
	before(j, key);
	putc(c, j->out);
	assert(j->depth < JSON_DEPTH);
	j->depth++;
	j->filled[j->depth] = false;
}

static void close_level(struct json_out *j, char c)
{
	bool lines = j->depth <= j->lines && j->filled[j->depth];

	assert(j->depth > 0);
	j->depth--;
	if (lines)
		new_line(j);
	putc(c, j->out);
	if (j->depth == 0)
		putc('\n', j->out);
}

void json_object(struct json_out *j, const char *key)
{
	open_level(j, key, '{');
}

void json_object_end(struct json_out *j)
{
	close_level(j, '}');
}

void json_array(struct json_out *j, const char *key)
{
	open_level(j, key, '[');
}

void json_array_end(struct json_out *j)
{
	close_level(j, ']');
}

void json_text(struct json_out *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	before(j, key);
	put_string(j->out, value);
}

void json_uint(struct json_out *j, const char *key, uint64_t value)
{
	before(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_bool(struct json_out *j, const char *key, bool value)
{
	json_raw(j, key, value ? "true" : "false");
}

void json_null(struct json_out *j, const char *key)
{
	json_raw(j, key, "null");
}

void json_real(struct json_out *j, const char *key, double value)
{
	before(j, key);
	fprintf(j->out, "%.15g", value);
}

void json_raw(struct json_out *j, const char *key, const char *value)
{
	before(j, key);
	fputs(value, j->out);
}
