/* servers.c - which servers offered the upgrade of late, and what does not fit with that. */
#include "reports/servers.h"

#include <stdlib.h>
#include <string.h>

#include "reports/lru.h"

#define WINDOW_NS (SERVERS_WINDOW_S * 1000000000ull)

struct key {
	uint8_t address[16];
	uint16_t port;
};

_Static_assert(sizeof(struct key) == 18, "the key is hashed as bytes");

struct entry {
	struct server server;
	uint64_t changed; /* the round in which it was */
};

struct servers {
	struct lru *lru;
	uint32_t max;
	uint64_t round; /* begins anew when all was saved */
	struct server *list;
	size_t list_n, list_room;
};

struct servers *servers_new(uint32_t max)
{
	struct servers *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	v->lru = lru_new(max, sizeof(struct key), sizeof(struct entry));
	v->max = max;
	v->round = 1;
	return v;
}

size_t servers_bytes(uint32_t max)
{
	return sizeof(struct servers) + lru_bytes(max, sizeof(struct key), sizeof(struct entry)) +
	       2 * (size_t)max * sizeof(struct server);
}

void servers_free(struct servers *v)
{
	if (!v)
		return;
	lru_free(v->lru);
	free(v->list);
	free(v);
}

uint32_t servers_max(const struct servers *v)
{
	return v->max;
}

uint64_t servers_forgotten(const struct servers *v)
{
	return lru_forgotten(v->lru);
}

static struct entry *entry_of(struct servers *v, const uint8_t address[16], uint16_t port)
{
	struct key k = { .port = port };
	struct entry *e;

	memcpy(k.address, address, sizeof(k.address));
	e = lru_add(v->lru, &k);
	memcpy(e->server.address, address, sizeof(k.address));
	e->server.port = port;
	return e;
}

/* Sessions ----------------------------------------------------------------------------------- */

/* All of these times are known, and one hour holds them. */
static bool one_hour(const uint64_t *ns, size_t n)
{
	uint64_t first = ns[0], last = ns[0];

	for (size_t i = 0; i < n; i++) {
		first = ns[i] < first ? ns[i] : first;
		last = ns[i] > last ? ns[i] : last;
	}
	return first > 0 && last - first <= WINDOW_NS;
}

static bool near(uint64_t a_ns, uint64_t b_ns)
{
	const uint64_t two[] = { a_ns, b_ns };

	return one_hour(two, 2);
}

/* In which way it is without the offer; NONE when it is not, or does not say. */
static enum stripped without(const struct session *s)
{
	if (s->offered == TRI_FALSE && s->accepted != TRI_TRUE)
		return STRIPPED_REMOVED;
	if (s->offered == TRI_NULL && s->ehlo_refused && s->verdict == VERDICT_PLAINTEXT)
		return STRIPPED_HELO;
	return STRIPPED_NONE;
}

/* The latest one counts, unless it lies so far ahead that a clock must have been wrong. */
static void note_offer(struct server *e, uint64_t when_ns)
{
	if (when_ns > e->offered_ns || !near(e->offered_ns, when_ns))
		e->offered_ns = when_ns;
}

/* The same session may be told again, after a run that was cut short: it counts once. */
static void note_without(struct server *e, uint64_t when_ns)
{
	uint64_t *w = e->without_ns;

	if (!near(w[0], when_ns)) {
		w[0] = when_ns;
		w[1] = 0;
		e->without_n = 1;
		return;
	}
	if (when_ns == w[0] || when_ns <= w[1])
		return;
	w[1] = when_ns > w[0] ? w[0] : when_ns;
	w[0] = when_ns > w[0] ? when_ns : w[0];
	e->without_n += e->without_n < UINT32_MAX;
}

/* An offer and two other sessions without it began within an hour together with this one. */
static bool should_have(const struct server *e, uint64_t when_ns)
{
	const uint64_t times[] = { when_ns, e->offered_ns, e->without_ns[0], e->without_ns[1] };

	return when_ns != e->without_ns[0] && when_ns != e->without_ns[1] && one_hour(times, 4);
}

enum stripped servers_session(struct servers *v, const struct session *s, bool keep,
			      struct server *known)
{
	enum stripped how = without(s);
	struct entry *e;
	bool claimed;

	if (s->offered != TRI_TRUE && how == STRIPPED_NONE)
		return STRIPPED_NONE;
	e = entry_of(v, s->server, s->server_port);
	e->server.keep = keep;
	e->changed = v->round;
	if (s->offered == TRI_TRUE) {
		note_offer(&e->server, s->start_ns);
		return STRIPPED_NONE;
	}
	claimed = should_have(&e->server, s->start_ns);
	note_without(&e->server, s->start_ns);
	*known = e->server;
	return claimed ? how : STRIPPED_NONE;
}

/* Saving ------------------------------------------------------------------------------------- */

static void list_server(struct servers *v, const struct server *s)
{
	if (v->list_n == v->list_room) {
		v->list_room = v->list_room ? 2 * v->list_room : 64;
		v->list = realloc(v->list, v->list_room * sizeof(*v->list));
		if (!v->list)
			abort();
	}
	v->list[v->list_n++] = *s;
}

/* Every change is a use, so that all that have changed stand before all that have not. */
static bool list_changed(void *ctx, const void *key, void *value)
{
	struct servers *v = ctx;
	const struct entry *e = value;

	(void)key;
	if (e->changed != v->round)
		return false;
	if (e->server.keep)
		list_server(v, &e->server);
	return true;
}

size_t servers_changed(struct servers *v, const struct server **out)
{
	v->list_n = 0;
	lru_walk(v->lru, list_changed, v);
	*out = v->list;
	return v->list_n;
}

void servers_saved(struct servers *v)
{
	v->round++;
}

void servers_restore(struct servers *v, const struct server *s)
{
	struct entry *e = entry_of(v, s->address, s->port);

	e->server = *s;
	e->changed = 0;
}
