/* downgrade.c - what the sessions before it say about a session. */
#include "reports/downgrade.h"

#include <stdlib.h>

#include "reports/fallback.h"
#include "reports/recent.h"

#define MARKS_BITS    13    /* 65536 sessions */
#define FALLBACKS_MAX 65536 /* failed handshakes in ten minutes */

/* What was claimed of a session when it was decided. */
struct mark {
	struct downgrade why;
	uint8_t stripped, cause, fallback;
};

struct downgrades {
	struct servers *servers;
	struct fallbacks *fallbacks;
	struct recent *marks;
};

struct downgrades *downgrades_new(uint32_t max_servers)
{
	struct downgrades *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->servers = servers_new(max_servers);
	d->fallbacks = fallbacks_new(FALLBACKS_MAX);
	d->marks = recent_new(MARKS_BITS, sizeof(struct mark));
	return d;
}

size_t downgrades_bytes(uint32_t max_servers)
{
	return sizeof(struct downgrades) + servers_bytes(max_servers) +
	       fallbacks_bytes(FALLBACKS_MAX) + recent_bytes(MARKS_BITS, sizeof(struct mark));
}

void downgrades_free(struct downgrades *d)
{
	if (!d)
		return;
	recent_free(d->marks);
	fallbacks_free(d->fallbacks);
	servers_free(d->servers);
	free(d);
}

struct servers *downgrades_servers(struct downgrades *d)
{
	return d->servers;
}

/* Signs of the session itself come first. */
static void judge_server(struct downgrades *d, struct session *s, const struct pair *p,
			 struct downgrade *why)
{
	struct server known;
	enum stripped how = servers_session(d->servers, s, p->server_known_host, &known);

	if (how == STRIPPED_NONE || s->stripped != STRIPPED_NONE)
		return;
	s->stripped = (uint8_t)how;
	if (s->verdict == VERDICT_PLAINTEXT)
		s->cause = CAUSE_SUSPECTED_STRIPPING;
	why->offered_ns = known.offered_ns;
	why->without = known.without_n;
}

void downgrades_first(struct downgrades *d, uint64_t key, struct session *s, const struct pair *p,
		      struct downgrade *why)
{
	struct mark *m;

	*why = (struct downgrade){ .without = 0 };
	judge_server(d, s, p, why);
	s->fallback = fallbacks_session(d->fallbacks, s, &why->tls_failed_ns);
	if (s->stripped == STRIPPED_NONE && !s->fallback)
		return;
	m = recent_add(d->marks, key);
	m->why = *why;
	m->stripped = s->stripped;
	m->cause = s->cause;
	m->fallback = s->fallback;
}

void downgrades_again(struct downgrades *d, uint64_t key, struct session *s, struct downgrade *why)
{
	const struct mark *m = recent_find(d->marks, key);

	*why = (struct downgrade){ .without = 0 };
	if (!m)
		return;
	*why = m->why;
	s->fallback = m->fallback;
	if (m->stripped == STRIPPED_NONE)
		return;
	s->stripped = m->stripped;
	s->cause = m->cause;
}
