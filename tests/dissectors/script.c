#include "tests/dissectors/script.h"

#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void put(struct bytes *b, size_t size, uint32_t value)
{
	assert_true(b->n + size <= sizeof(b->at));
	for (size_t i = size; i-- > 0;)
		b->at[b->n++] = (uint8_t)(value >> (8 * i));
}

void put_many(struct bytes *b, size_t n, uint8_t value)
{
	assert_true(b->n + n <= sizeof(b->at));
	memset(b->at + b->n, value, n);
	b->n += n;
}

void put_text(struct bytes *b, const char *text)
{
	for (; *text; text++)
		put(b, 1, (uint8_t)*text);
}

size_t put_open(struct bytes *b, size_t size)
{
	put(b, size, 0);
	return b->n;
}

void put_close(struct bytes *b, size_t size, size_t open)
{
	size_t end = b->n;

	b->n = open - size;
	put(b, size, (uint32_t)(end - open));
	b->n = end;
}

static void put_extension(struct bytes *b, unsigned type, size_t n)
{
	put(b, 2, type);
	put(b, 2, (uint32_t)n);
	put_many(b, n, 0xaa);
}

static void put_sni(struct bytes *b, const char *name)
{
	size_t ext, list, host;

	put(b, 2, 0);
	ext = put_open(b, 2);
	list = put_open(b, 2);
	put(b, 1, 0);
	host = put_open(b, 2);
	put_text(b, name);
	put_close(b, 2, host);
	put_close(b, 2, list);
	put_close(b, 2, ext);
}

static void put_alpn(struct bytes *b, const char *name)
{
	size_t ext, list, one;

	put(b, 2, 16);
	ext = put_open(b, 2);
	list = put_open(b, 2);
	one = put_open(b, 1);
	put_text(b, name);
	put_close(b, 1, one);
	put_close(b, 2, list);
	put_close(b, 2, ext);
}

/* A HelloRetryRequest names the group only. */
static void put_key_share(struct bytes *b, const struct hello *h)
{
	size_t ext;

	put(b, 2, 51);
	ext = put_open(b, 2);
	put(b, 2, h->group);
	if (!h->retry) {
		put(b, 2, 32);
		put_many(b, 32, 0xbb);
	}
	put_close(b, 2, ext);
}

static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* Version, random, session. */
static void put_start(struct bytes *b, const struct hello *h)
{
	put(b, 2, h->version);
	if (h->retry) {
		for (size_t i = 0; i < sizeof(retry_random); i++)
			put(b, 1, retry_random[i]);
	} else {
		put_many(b, 32, 0x5a);
	}
	put(b, 1, 32);
	put_many(b, 32, 0x11);
}

void put_client_hello(struct bytes *b, const struct hello *h)
{
	size_t all;

	put_start(b, h);
	put(b, 2, 6);
	put(b, 2, 0x1a1a); /* unknown, as GREASE is (RFC 8701) */
	put(b, 4, 0x1301c02f);
	put(b, 2, 0x0100);
	if (h->no_extensions)
		return;
	all = put_open(b, 2);
	put_extension(b, 0x2a2a, h->padding);
	if (h->sni)
		put_sni(b, h->sni);
	put_extension(b, 10, 4);
	if (h->alpn)
		put_alpn(b, h->alpn);
	if (h->supported) {
		put(b, 4, 0x002b0003);
		put(b, 1, 2);
		put(b, 2, h->supported);
	}
	put_close(b, 2, all);
}

void put_server_hello(struct bytes *b, const struct hello *h)
{
	size_t all;

	put_start(b, h);
	put(b, 2, h->suite);
	put(b, 1, 0);
	if (h->no_extensions)
		return;
	all = put_open(b, 2);
	put_extension(b, 0x3a3a, h->padding);
	if (h->supported) {
		put(b, 4, 0x002b0002);
		put(b, 2, h->supported);
	}
	if (h->group)
		put_key_share(b, h);
	if (h->psk) {
		put(b, 4, 0x00290002);
		put(b, 2, 0);
	}
	put_extension(b, 23, 0);
	put_close(b, 2, all);
}

/* Not text ----------------------------------------------------------------------------------- */

static void record(struct bytes *b, unsigned type, size_t n)
{
	put(b, 1, type);
	put(b, 2, 0x0303);
	put(b, 2, (uint32_t)n);
	put_many(b, n, 0xee);
}

/* A handshake record with one message. */
static void message(struct bytes *b, unsigned type, const struct hello *h)
{
	size_t rec, msg;

	put(b, 3, 0x160303);
	rec = put_open(b, 2);
	put(b, 1, type);
	msg = put_open(b, 3);
	if (type == 1)
		put_client_hello(b, h);
	else if (type == 2)
		put_server_hello(b, h);
	else if (type == 12)
		put(b, 3, 0x030017);
	if (type > 10 && type != 14)
		put_many(b, 30, 0xce);
	put_close(b, 3, msg);
	put_close(b, 2, rec);
}

static const struct {
	const char *name;
	unsigned type;
	struct hello hello;
} messages[] = {
	{ "ch",
	  1,
	  { .version = 0x0303, .supported = 0x0304, .sni = "mx.example", .alpn = "smtp" } },
	{ "sh10", 2, { .version = 0x0301, .suite = 0x0035, .no_extensions = true } },
	{ "sh12", 2, { .version = 0x0303, .suite = 0xc02f } },
	{ "shdhe", 2, { .version = 0x0303, .suite = 0x0039 } },
	{ "sh13", 2, { .version = 0x0303, .supported = 0x0304, .suite = 0x1301, .group = 29 } },
	{ "shpsk", 2, { .version = 0x0303, .supported = 0x0304, .suite = 0x1301, .psk = true } },
	{ "hrr",
	  2,
	  { .version = 0x0303, .supported = 0x0304, .suite = 0x1301, .retry = true, .group = 24 } },
	{ "ticket", 4, { .version = 0 } },
	{ "cert", 11, { .version = 0 } },
	{ "ske", 12, { .version = 0 } },
	{ "done", 14, { .version = 0 } },
};

static bool known_message(struct bytes *b, const char *word)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (strcmp(messages[i].name, word) == 0) {
			message(b, messages[i].type, &messages[i].hello);
			return true;
		}
	}
	return false;
}

static void directive(const char *text, struct step *out)
{
	struct bytes *b = &out->bytes;
	char word[16];
	unsigned one = 0, two = 0;

	assert_true(sscanf(text, "%15[a-z0-9] %u %u", word, &one, &two) >= 1);
	if (known_message(b, word))
		return;
	if (strcmp(word, "gap") == 0)
		out->gap = one;
	else if (strcmp(word, "ccs") == 0)
		record(b, 20, 1);
	else if (strcmp(word, "fin") == 0)
		record(b, 22, 40);
	else if (strcmp(word, "app") == 0)
		record(b, 23, one);
	else if (strcmp(word, "ealert") == 0)
		record(b, 21, 26);
	else if (strcmp(word, "junk") == 0)
		put_many(b, 5, 0xf0);
	else if (strcmp(word, "alert") == 0) {
		put(b, 4, 0x15030300);
		put(b, 3, 0x020000u | one << 8 | two);
	} else
		fail_msg("no directive %s", word);
}

/* Text ---------------------------------------------------------------------------------------- */

static void text_line(struct bytes *b, const char *text, size_t n, bool last)
{
	bool open = last && n > 0 && text[n - 1] == '~';

	for (size_t i = 0; i < n - open; i++)
		put(b, 1, (uint8_t)text[i]);
	if (!open)
		put(b, 2, 0x0d0a);
}

static void text_lines(struct bytes *b, const char *text, const char *end)
{
	for (;;) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));

		text_line(b, text, (size_t)((lf ? lf : end) - text), !lf);
		if (!lf)
			return;
		text = lf + 1;
	}
}

bool script_step(const char **script, struct step *out)
{
	const char *at = *script, *end = at + strcspn(at, "|");

	if (*at == '\0')
		return false;
	assert_true((at[0] == 'C' || at[0] == 'S') && at[1] == ':');
	out->from = at[0] == 'C' ? CLIENT : SERVER;
	out->gap = 0;
	out->bytes.n = 0;
	if (at[2] == '<' && end[-1] == '>')
		directive(at + 3, out);
	else
		text_lines(&out->bytes, at + 2, end);
	*script = *end ? end + 1 : end;
	return true;
}
