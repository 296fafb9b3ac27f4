/* document.h - an answer of HTTP that several connections may be reading at the same time. */
#ifndef MAILSEAL_DOCUMENT_H
#define MAILSEAL_DOCUMENT_H

#include <stddef.h>

#include "web/site.h"

#define DOCUMENT_ETAG_MAX 40

struct document {
	unsigned refs;
	unsigned status;
	const char *type;             /* media type; static */
	const char *cache;            /* Cache-Control; static */
	const char *vary;             /* static, or NULL */
	char etag[DOCUMENT_ETAG_MAX]; /* in quotes; empty when there is none */
	char *body;
	size_t len;
};

/* Takes the body over, which r no longer has. One reference, which is the caller's. Of what is not
 * 200 there is no etag. */
struct document *document_new(struct reply *r, const char *cache);

/* A document of one sentence. */
struct document *document_of_sentence(unsigned status, const char *sentence);

struct document *document_keep(struct document *d); /* one more reference */
void document_release(struct document *d);          /* one less; NULL is allowed */

/* Does the document have the etag that If-None-Match names? RFC 9110, 13.1.2 */
bool document_is_known(const struct document *d, const char *if_none_match);

#endif
