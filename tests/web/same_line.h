/* same_line.h - what record_read() and line_scan() make of one line, for tests of both. */
#ifndef MAILSEAL_TESTS_SAME_LINE_H
#define MAILSEAL_TESTS_SAME_LINE_H

#include <string.h>

#include "reports/record_read.h"
#include "web/line_scan.h"

/* The key in which they differ; NULL: they read the same. */
static inline const char *same_line_key(const struct record *r, const struct line_facts *f)
{
	if ((uint64_t)f->start != r->s.start_ns / 1000000000u)
		return "timestamp";
	if (f->service != (enum service)r->s.service)
		return "service";
	if (f->verdict != (enum verdict)r->s.verdict)
		return "verdict";
	if (f->refused != (r->s.exposure == EXPOSURE_REFUSED))
		return "exposure";
	if (f->excepted != r->excepted)
		return "excepted";
	if (f->tls_version != r->s.tls_version)
		return "tls_version";
	if (f->tls_cipher != r->s.tls_cipher)
		return "tls_cipher";
	if (strcmp(f->client, r->client) != 0 || strcmp(f->server, r->server) != 0)
		return "client or server";
	if (strcmp(f->client_peer, r->client_peer) != 0 ||
	    strcmp(f->server_peer, r->server_peer) != 0)
		return "client_peer or server_peer";
	return strcmp(f->sni, r->sni) != 0 ? "sni" : NULL;
}

/* The same of a line: NULL when they agree, or when only line_scan() takes it. *record: whether
 * record_read() does. */
static inline const char *same_line(const char *line, size_t len, bool *record)
{
	struct line_facts f;
	struct record r;
	char err[256];
	bool scanned = line_scan(line, len, &f);

	*record = record_read(line, len, &r, err, sizeof(err));
	if (!*record)
		return NULL;
	return scanned ? same_line_key(&r, &f) : "whole line";
}

#endif
