/* sink_syslog.c - alerts to a syslog daemon: the local socket, UDP (RFC 5426), TCP (RFC 6587). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reports/outlet.h"
#include "reports/syslog_line.h"

#define COUNT_MAX 8 /* "4095 " */

struct syslog_sink {
	enum target_transport how;
	struct outlet *out;
};

static void *syslog_open(const struct target *t, char *err, size_t errlen)
{
	const char *where = t->transport == TRANSPORT_LOCAL ? t->socket : t->host;
	unsigned port = t->port ? t->port : 514;
	struct syslog_sink *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->how = t->transport;
	s->out = outlet_new(t->transport, where, port, t->timeout_s, err, errlen);
	if (s->out)
		return s;
	free(s);
	return NULL;
}

/* The length before each message of TCP is its frame (RFC 6587, 3.4.1). */
static enum sink_answer syslog_send(void *sink, const struct alert *a, char *answer, size_t len)
{
	struct syslog_sink *s = sink;
	char host[256] = "", line[SYSLOG_LINE_MAX], frame[COUNT_MAX + SYSLOG_LINE_MAX];
	size_t n;
	int framed;

	(void)gethostname(host, sizeof(host) - 1);
	n = syslog_line(a, host, (unsigned long)getpid(), line);
	if (s->how != TRANSPORT_TCP)
		return outlet_send(s->out, line, n, answer, len);
	framed = snprintf(frame, sizeof(frame), "%zu %s", n, line);
	return outlet_send(s->out, frame, (size_t)framed, answer, len);
}

static void syslog_close(void *sink)
{
	struct syslog_sink *s = sink;

	outlet_free(s->out);
	free(s);
}

const struct sink_kind sink_syslog = { TARGET_SYSLOG, syslog_open, syslog_send, syslog_close };
