/* httpd.c - HTTP/1.1 on a socket that listens. */
#include "web/httpd.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

#define IDLE_S 15u
#define MEMORY_MAX \
	((size_t)16 << 10) /* of a connection: request line, headers, those of the answer */

struct httpd {
	struct MHD_Daemon *daemon;
	httpd_answer_cb *cb;
	void *ctx;
};

/* Pages load the style sheet, the script and the pictures of this site and nothing else, are shown in
 * no frame, and send no form. */
static const struct {
	const char *name, *value;
} headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
	  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), "
				"payment=(), usb=()" },
};

static bool add(struct MHD_Response *r, const char *name, const char *value)
{
	return !value || !value[0] || MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *r, const struct document *d)
{
	bool ok = add(r, "Content-Type", d->type) && add(r, "Cache-Control", d->cache) &&
		  add(r, "ETag", d->etag) && add(r, "Vary", d->vary) &&
		  add(r, "Allow", d->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL);

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		ok = ok && add(r, headers[i].name, headers[i].value);
	return ok;
}

static void on_sent(void *document)
{
	document_release(document);
}

static struct MHD_Response *response_of(struct document *d, bool known)
{
	if (known)
		return MHD_create_response_from_buffer_with_free_callback_cls(0, NULL, on_sent, d);
	return MHD_create_response_from_buffer_with_free_callback_cls(d->len, d->body, on_sent, d);
}

/* Takes the reference over. last: nothing more is read from this connection. */
static enum MHD_Result answer(struct MHD_Connection *c, struct document *d, bool last)
{
	const char *known_as = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
	bool known = document_is_known(d, known_as);
	unsigned status = known ? MHD_HTTP_NOT_MODIFIED : d->status;
	struct MHD_Response *r = response_of(d, known);
	enum MHD_Result done = MHD_NO;

	if (!r) {
		document_release(d);
		return MHD_NO;
	}
	if (add_headers(r, d) && add(r, "Connection", last ? "close" : NULL))
		done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

/* What says where a request ends, and whom it is for. Two programs may read one that says it twice in
 * two ways, and so it is said once. */
struct ends {
	unsigned hosts, lengths;
	bool body;
};

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	struct ends *e = ctx;

	(void)kind;
	e->hosts += strcasecmp(name, "Host") == 0;
	if (strcasecmp(name, "Content-Length") == 0) {
		e->lengths++;
		e->body |= !value || strcmp(value, "0") != 0;
	}
	e->body |= strcasecmp(name, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* A request that is not looked at further; NULL when it is one to answer. */
static struct document *refuse(struct MHD_Connection *c, const char *method)
{
	struct ends e = { .hosts = 0 };

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return document_of_sentence(MHD_HTTP_METHOD_NOT_ALLOWED,
					    "This site can be read, and nothing else.");
	MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, &e);
	if (e.hosts > 1 || e.lengths > 1)
		return document_of_sentence(MHD_HTTP_BAD_REQUEST,
					    "Host and Content-Length are said once.");
	if (e.body)
		return document_of_sentence(MHD_HTTP_CONTENT_TOO_LARGE,
					    "A request to this site has no body.");
	return NULL;
}

/* Called with the headers, and again when the request is complete. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **seen)
{
	struct httpd *h = ctx;
	struct httpd_request q = { .path = path };
	struct document *refusal;

	(void)version;
	(void)upload;
	if (!*seen) {
		*seen = h;
		refusal = refuse(c, method);
		return refusal ? answer(c, refusal, true) : MHD_YES;
	}
	if (*upload_len > 0)
		return MHD_NO;
	q.host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
	q.accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
	return answer(c, h->cb(h->ctx, &q), false);
}

/* No address of the site has anything to decode: one with a % is another one, which is not there. */
static size_t leave_encoded(void *ctx, struct MHD_Connection *c, char *text)
{
	(void)ctx;
	(void)c;
	return strlen(text);
}

struct httpd *httpd_start(int fd, unsigned connections, httpd_answer_cb *cb, void *ctx)
{
	struct httpd *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->cb = cb;
	h->ctx = ctx;
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_END);
	if (h->daemon)
		return h;
	free(h);
	return NULL;
}

void httpd_stop(struct httpd *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}

int httpd_fd(const struct httpd *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int httpd_timeout_ms(const struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

void httpd_run(struct httpd *h)
{
	MHD_run(h->daemon);
}
