/* httpd.h - HTTP/1.1 on a socket that listens: GET and HEAD of documents. The only place that knows
 * libmicrohttpd.
 *
 * Runs in the thread of the caller, who waits for httpd_fd() to be readable: no client makes another
 * one wait. Every answer has the headers that keep a browser from doing with it what is not meant.
 * Requests with a body are refused, and connections on which nothing happens are closed.
 */
#ifndef MAILSEAL_HTTPD_H
#define MAILSEAL_HTTPD_H

#include <stdbool.h>

#include "web/document.h"

/* As it was sent, nothing decoded; NULL where a header is missing. */
struct httpd_request {
	const char *path; /* without the query */
	const char *host, *accept;
};

/* The answer, a reference that the server takes over. */
typedef struct document *httpd_answer_cb(void *ctx, const struct httpd_request *q);

struct httpd;

/* fd listens and does not block; it is taken over. At so many connections new ones wait. NULL when
 * it cannot be started. */
struct httpd *httpd_start(int fd, unsigned connections, httpd_answer_cb *cb, void *ctx);
void httpd_stop(struct httpd *h); /* closes every connection; NULL is allowed */

int httpd_fd(const struct httpd *h);
int httpd_timeout_ms(const struct httpd *h); /* call httpd_run() then, too; -1: never */
void httpd_run(struct httpd *h);             /* does what can be done now */

#endif
