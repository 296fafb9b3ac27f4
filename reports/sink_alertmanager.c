/* sink_alertmanager.c - alerts to Prometheus Alertmanager, API v2. */
#include "reports/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/alertmanager_json.h"
#include "reports/http.h"

struct alertmanager {
	struct http *http;
	unsigned repeat_s;
};

static void *open_alertmanager(const struct target *t, char *err, size_t errlen)
{
	char url[HTTP_URL_MAX + 1];
	size_t len = strlen(t->url);
	struct alertmanager *s;
	struct http *http;

	while (len > 0 && t->url[len - 1] == '/')
		len--;
	snprintf(url, sizeof(url), "%.*s/api/v2/alerts", (int)len, t->url);
	http = http_open(url, t->ca_file, t->timeout_s, err, errlen);
	if (!http)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->http = http;
	s->repeat_s = t->repeat_s;
	return s;
}

static enum sink_answer send_alertmanager(void *sink, const struct alert *a, char *answer,
					  size_t len)
{
	struct alertmanager *s = sink;
	struct http_post post = { .headers = { "Content-Type: application/json" } };
	char *body = alertmanager_json(a, s->repeat_s, &post.len);
	enum sink_answer out;

	post.body = body;
	out = http_post(s->http, &post, answer, len);
	free(body);
	return out;
}

static void close_alertmanager(void *sink)
{
	struct alertmanager *s = sink;

	http_close(s->http);
	free(s);
}

const struct sink_kind sink_alertmanager = {
	.kind = TARGET_ALERTMANAGER,
	.open = open_alertmanager,
	.send = send_alertmanager,
	.close = close_alertmanager,
};
