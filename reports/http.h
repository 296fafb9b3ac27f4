/* http.h - POST of a body to one URL, for the sinks that speak HTTP. The only place that knows
 * curl/curl.h.
 *
 * A POST takes at most the time given, from the name to the end of the answer. Every POST is a
 * connection of its own, so that a changed address, a new ca_file and a firewall that forgot an
 * idle connection make no difference. TLS is 1.2 or later and always verified. Redirects are not
 * followed: a page must not go where the configuration does not say. Neither is a proxy of the
 * environment asked, which a service does not have and a test by hand would have: both must take
 * the same way. Of the answer no more is read than HTTP_ANSWER_MAX, and only its first line is
 * kept. For a process without threads.
 */
#ifndef MAILSEAL_HTTP_H
#define MAILSEAL_HTTP_H

#include <stddef.h>

#include "reports/sink.h"

#define HTTP_ANSWER_MAX  65536 /* header and body */
#define HTTP_HEADERS_MAX 8
#define HTTP_URL_MAX     (TARGET_TEXT_MAX + 32)

struct http;

/* ca_file: certificates in PEM that are trusted instead of the system's; empty: the system's. All
 * is copied. NULL with a sentence in err: not a URL of http or https, or no certificates. */
struct http *http_open(const char *url, const char *ca_file, unsigned timeout_s, char *err,
		       size_t errlen);
void http_close(struct http *h); /* NULL is allowed */

struct http_post {
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value"; up to the first NULL */
	const char *body;
	size_t len;
};

/* Taken is a 2xx. Later is everything that may pass: no connection, TLS that fails, no answer in
 * time, 3xx, 5xx, and of the 4xx those that somebody may mend. Refused are the others. answer receives
 * "HTTP 500: disk full", "connection refused", "certificate verify failed: ...", "no answer in 10 s". */
enum sink_answer http_post(struct http *h, const struct http_post *p, char *answer, size_t len);

#endif
