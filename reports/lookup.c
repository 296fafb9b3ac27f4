#include "reports/lookup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "reports/deadline.h"

/* A search on its way: the resolver reads and writes here until it is over. */
struct search {
	struct gaicb query;
	struct addrinfo hints;
	char host[NI_MAXHOST], port[8];
};

struct lookup {
	char host[NI_MAXHOST], port[8];
	int type;
	struct search *search;
};

struct lookup *lookup_new(const char *host, unsigned port, int type)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	snprintf(l->host, sizeof(l->host), "%s", host);
	snprintf(l->port, sizeof(l->port), "%u", port);
	l->type = type;
	return l;
}

/* A search that cannot be stopped keeps its memory. */
static void abandon(struct search *s)
{
	if (gai_cancel(&s->query) == EAI_NOTCANCELED)
		return;
	if (s->query.ar_result)
		freeaddrinfo(s->query.ar_result);
	free(s);
}

void lookup_free(struct lookup *l)
{
	if (!l)
		return;
	if (l->search)
		abandon(l->search);
	free(l);
}

static int begin(struct lookup *l)
{
	struct search *s = calloc(1, sizeof(*s));
	struct gaicb *list[1];
	int error;

	if (!s)
		abort();
	memcpy(s->host, l->host, sizeof(s->host));
	memcpy(s->port, l->port, sizeof(s->port));
	s->hints.ai_socktype = l->type;
	s->hints.ai_flags = AI_NUMERICSERV;
	s->query.ar_name = s->host;
	s->query.ar_service = s->port;
	s->query.ar_request = &s->hints;
	list[0] = &s->query;
	error = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (error == 0)
		l->search = s;
	else
		free(s);
	return error;
}

static int finish(struct lookup *l, int64_t deadline, struct addrinfo **out)
{
	const struct gaicb *const list[1] = { &l->search->query };
	int error = gai_error(&l->search->query), left;

	while (error == EAI_INPROGRESS && (left = deadline_left_ms(deadline)) > 0) {
		const struct timespec t = { left / 1000, left % 1000 * 1000000L };

		gai_suspend(list, 1, &t);
		error = gai_error(&l->search->query);
	}
	if (error == EAI_INPROGRESS)
		return error;
	*out = l->search->query.ar_result;
	free(l->search);
	l->search = NULL;
	return error;
}

int lookup_addresses(struct lookup *l, int64_t deadline, struct addrinfo **out)
{
	const struct addrinfo numeric = { .ai_socktype = l->type,
					  .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST };
	int error;

	if (getaddrinfo(l->host, l->port, &numeric, out) == 0)
		return 0;
	error = l->search ? 0 : begin(l);
	return error == 0 ? finish(l, deadline, out) : error;
}

const char *lookup_error(int code)
{
	return code == EAI_INPROGRESS ? "no answer from the name servers" : gai_strerror(code);
}
