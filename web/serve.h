/* serve.h - the server of the site: a process that reads a state directory and writes nothing.
 *
 * One thread. It gives up every privilege before it reads the first request. Knows nobody: whoever
 * reaches it may read all of it.
 */
#ifndef MAILSEAL_SERVE_H
#define MAILSEAL_SERVE_H

#include "web/listen.h"

#define SERVE_LISTEN_MAX 8
#define SERVE_HOSTS_MAX  16
#define SERVE_COMMAND    "serve"

struct serve_asked {
	const char *dir;     /* the state directory */
	const char *metrics; /* the file of metrics, NULL for DIR/metrics.prom */
	const char *user;    /* to become when started as root */
	struct listen_at at[SERVE_LISTEN_MAX];
	size_t at_n;
	const char *hosts[SERVE_HOSTS_MAX]; /* names that it may be asked under */
	size_t hosts_n;
};

/* Serves until SIGTERM or SIGINT; says where on standard error. Returns an exit code. */
int serve(const struct serve_asked *asked);

#endif
