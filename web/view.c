/* view.c - what several views read. */
#include "web/view.h"

#include <stdlib.h>

struct listing {
	struct incident *list;
	size_t n, max, all;
	bool firing;
};

static bool on_incident(void *ctx, const struct incident *i)
{
	struct listing *to = ctx;

	if (to->firing && i->state == INCIDENT_CLOSED)
		return true;
	if (to->n < to->max)
		to->list[to->n++] = *i;
	to->all++;
	return true;
}

struct incident *view_list_incidents(struct view *v, const char *peer, bool firing, size_t max,
				     size_t *n, size_t *all)
{
	struct listing to = { .list = calloc(max, sizeof(*to.list)), .max = max, .firing = firing };
	char err[VIEW_ERR_MAX];

	if (!to.list)
		abort();
	if (v->in && !incidents_list(v->in, -1, peer, on_incident, &to, err, sizeof(err)))
		to.n = to.all = 0;
	*n = to.n;
	*all = to.all;
	return to.list;
}
