#include "sensor/interfaces.h"

#include <inttypes.h>
#include <limits.h>
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
	bool down;
};

struct interfaces {
	const char *top;
	unsigned n;
	struct interface in[];
};

static FILE *open_file(const char *top, const char *name, const char *folder, const char *file)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s%s/%s", top, name, folder, file);

	return len > 0 && (size_t)len < sizeof(path) ? fopen(path, "re") : NULL;
}

static bool read_counter(const char *top, const char *name, const char *file, uint64_t *value)
{
	FILE *f = open_file(top, name, "/statistics", file);
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

/* The file of an interface that is down can be opened, and not be read. False: there is none. */
static bool read_link(const char *top, const char *name, bool *up)
{
	FILE *f = open_file(top, name, "", "carrier");

	if (!f)
		return false;
	*up = fgetc(f) == '1';
	fclose(f);
	return true;
}

void interfaces_links(struct interfaces *s, interfaces_cb *cb, void *ctx)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct interface *in = &s->in[i];
		bool up;

		if (!read_link(s->top, in->name, &up) || up != in->down)
			continue;
		in->down = !up;
		cb(ctx, in->name, up);
	}
}
