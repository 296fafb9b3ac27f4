#include "sensor/interfaces.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DROPPED, MISSED, FIFO, COUNTERS };

static const char *const files[COUNTERS] = {
	[DROPPED] = "rx_dropped",
	[MISSED] = "rx_missed_errors",
	[FIFO] = "rx_fifo_errors",
};

struct interface {
	const char *name;
	struct counter {
		bool known;      /* it was read once */
		uint64_t latest; /* as it was read last */
		uint64_t added;  /* since the beginning */
	} counter[COUNTERS];
};

struct interfaces {
	const char *top;
	unsigned n;
	struct interface in[];
};

static bool read_counter(const char *top, const char *name, const char *file, uint64_t *value)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s/statistics/%s", top, name, file);
	FILE *f = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "re") : NULL;
	bool ok = f && fscanf(f, "%" SCNu64, value) == 1;

	if (f)
		fclose(f);
	return ok;
}

static void follow(struct counter *c, uint64_t value)
{
	if (c->known)
		c->added += value < c->latest ? value : value - c->latest;
	c->known = true;
	c->latest = value;
}

static uint64_t dropped(const struct interface *in)
{
	uint64_t missed = in->counter[MISSED].added, fifo = in->counter[FIFO].added;

	return in->counter[DROPPED].added + (missed > fifo ? missed : fifo);
}

struct interfaces *interfaces_new(const char *top, const char *const *names, unsigned n)
{
	struct interfaces *s = calloc(1, sizeof(*s) + n * sizeof(s->in[0]));

	if (!s)
		abort();
	s->top = top;
	s->n = n;
	for (unsigned i = 0; i < n; i++)
		s->in[i].name = names[i];
	interfaces_dropped(s);
	return s;
}

void interfaces_free(struct interfaces *s)
{
	free(s);
}

uint64_t interfaces_dropped(struct interfaces *s)
{
	uint64_t all = 0, value;

	for (unsigned i = 0; i < s->n; i++) {
		struct interface *in = &s->in[i];

		for (unsigned c = 0; c < COUNTERS; c++) {
			if (read_counter(s->top, in->name, files[c], &value))
				follow(&in->counter[c], value);
		}
		all += dropped(in);
	}
	return all;
}
