/* document.c - an answer of HTTP, counted by who holds it. */
#include "web/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/hmac.h"

#define ETAG_DIGITS 32

/* The same text has the same etag, after a restart too. Where the digest is refused there is none. */
static void name_content(struct document *d)
{
	static const char key[] = "mailseal";
	char hex[HMAC_HEX_MAX];

	if (hmac_sha256(key, strlen(key), d->body, d->len, hex))
		snprintf(d->etag, sizeof(d->etag), "\"%.*s\"", ETAG_DIGITS, hex);
}

struct document *document_new(struct reply *r, const char *cache)
{
	struct document *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	*d = (struct document){ .refs = 1,
				.status = r->status,
				.type = r->type,
				.cache = cache,
				.body = r->body,
				.len = r->len };
	r->body = NULL;
	if (d->status == 200)
		name_content(d);
	return d;
}

struct document *document_of_sentence(unsigned status, const char *sentence)
{
	struct reply r = { .status = status, .type = "text/plain; charset=utf-8" };
	int len = asprintf(&r.body, "%s\n", sentence);

	if (len < 0)
		abort();
	r.len = (size_t)len;
	return document_new(&r, "no-store");
}

struct document *document_keep(struct document *d)
{
	d->refs++;
	return d;
}

void document_release(struct document *d)
{
	if (!d || --d->refs > 0)
		return;
	free(d->body);
	free(d);
}

bool document_is_known(const struct document *d, const char *if_none_match)
{
	const char *at = if_none_match;
	size_t len = strlen(d->etag);

	if (!at || len == 0)
		return false;
	for (at += strspn(at, " \t,"); *at; at += strspn(at, " \t,")) {
		if (strcmp(at, "*") == 0)
			return true;
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		if (strncmp(at, d->etag, len) == 0)
			return true;
		at += strcspn(at, ",");
	}
	return false;
}
