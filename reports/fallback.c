/* fallback.c - failed TLS that is followed by clear text between the same two addresses. */
#include "reports/fallback.h"

#include <stdlib.h>
#include <string.h>

#include "reports/lru.h"

#define SECOND_NS 1000000000ull
#define WINDOW_NS (FALLBACK_WINDOW_S * SECOND_NS)

struct key {
	uint8_t client[16], server[16];
	uint8_t protocol;
};

_Static_assert(sizeof(struct key) == 33, "the key is hashed as bytes");

struct failed {
	uint64_t start_ns, end_ns;
};

struct fallbacks {
	struct lru *lru;
};

struct fallbacks *fallbacks_new(uint32_t max)
{
	struct fallbacks *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->lru = lru_new(max, sizeof(struct key), sizeof(struct failed));
	return f;
}

size_t fallbacks_bytes(uint32_t max)
{
	return sizeof(struct fallbacks) + lru_bytes(max, sizeof(struct key), sizeof(struct failed));
}

void fallbacks_free(struct fallbacks *f)
{
	if (!f)
		return;
	lru_free(f->lru);
	free(f);
}

static struct key key_of(const struct session *s)
{
	struct key k = { .protocol = s->protocol };

	memcpy(k.client, s->client, sizeof(k.client));
	memcpy(k.server, s->server, sizeof(k.server));
	return k;
}

static bool followed(const struct failed *f, const struct session *s)
{
	return s->start_ns > f->start_ns && s->start_ns + SECOND_NS >= f->end_ns &&
	       (s->start_ns <= f->end_ns || s->start_ns - f->end_ns <= WINDOW_NS);
}

bool fallbacks_session(struct fallbacks *f, const struct session *s, uint64_t *failed_ns)
{
	struct key k = key_of(s);
	const struct failed *known;

	if (s->verdict == VERDICT_TLS_FAILED)
		*(struct failed *)lru_add(f->lru, &k) = (struct failed){ s->start_ns, s->end_ns };
	if (s->verdict != VERDICT_PLAINTEXT)
		return false;
	known = lru_find(f->lru, &k);
	if (!known || !followed(known, s))
		return false;
	*failed_ns = known->start_ns;
	return true;
}
