/* eras.c - the configurations of a run, and which a session was decided under. */
#include "sensor/eras.h"

#include <stdlib.h>
#include <string.h>

#define ERAS 8

struct era {
	const struct conf *conf;
	struct conf *owned; /* NULL: the caller's */
	uint64_t until;     /* of the last one it has no meaning */
};

struct eras {
	struct era era[ERAS]; /* by age */
	unsigned n;
};

struct eras *eras_new(const struct conf *first)
{
	struct eras *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->era[e->n++].conf = first;
	return e;
}

void eras_free(struct eras *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->n; i++)
		conf_free(e->era[i].owned);
	free(e);
}

void eras_begin(struct eras *e, struct conf *next, uint64_t ns)
{
	e->era[e->n - 1].until = ns;
	if (e->n == ERAS) {
		conf_free(e->era[0].owned);
		memmove(e->era, e->era + 1, (ERAS - 1) * sizeof(e->era[0]));
		e->n--;
	}
	e->era[e->n++] = (struct era){ .conf = next, .owned = next };
}

const struct conf *eras_now(const struct eras *e)
{
	return e->era[e->n - 1].conf;
}

const struct peers *eras_peers(const struct eras *e, uint64_t decided_ns)
{
	unsigned i = 0;

	while (i + 1 < e->n && decided_ns > e->era[i].until)
		i++;
	return e->era[i].conf->peers;
}
