/* view.c - what several views read. */
#include "web/view.h"

#include <stdlib.h>
#include <string.h>

#include "reports/incident_show.h"

/* Incidents ------------------------------------------------------------------------------- */

struct listing {
	const struct incidents_asked *asked;
	struct incident *list;
	size_t n, max, all;
};

static bool wanted(const struct incidents_asked *a, const struct incident *i)
{
	bool closed = i->state == INCIDENT_CLOSED;

	if (a->which != INCIDENTS_ANY && closed != (a->which == INCIDENTS_CLOSED))
		return false;
	return !a->client || (strcmp(i->client, a->client) == 0 &&
			      strcmp(i->server, a->server) == 0 && i->service == a->service);
}

/* Of what fires the gravest comes first. */
static bool is_graver(const struct incident *a, const struct incident *b)
{
	return a->severity != b->severity ? a->severity > b->severity : a->since > b->since;
}

/* Puts it where it belongs; the last one falls out when there is no room. */
static void place(struct listing *to, const struct incident *i)
{
	size_t at = to->n;

	while (to->asked->which == INCIDENTS_FIRING && at > 0 && is_graver(i, &to->list[at - 1]))
		at--;
	if (at == to->max)
		return;
	if (to->n < to->max)
		to->n++;
	memmove(&to->list[at + 1], &to->list[at], (to->n - at - 1) * sizeof(*i));
	to->list[at] = *i;
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct listing *to = ctx;

	if (wanted(to->asked, i)) {
		place(to, i);
		to->all++;
	}
	return true;
}

struct incident *view_incidents_of(struct view *v, const struct incidents_asked *asked, size_t max,
				   size_t *n, size_t *all)
{
	struct listing to = { asked, calloc(max, sizeof(*to.list)), 0, max, 0 };
	char err[VIEW_ERR_MAX];

	if (!to.list)
		abort();
	if (v->in && !incidents_list(v->in, -1, asked->peer, on_incident, &to, err, sizeof(err))) {
		incidents_close(v->in);
		v->in = NULL;
		to.n = to.all = 0;
	}
	*n = to.n;
	*all = to.all;
	return to.list;
}

void view_json_incidents(const struct view *v, struct json_out *j, const char *key,
			 const struct incident *list, size_t n)
{
	if (!v->in) {
		json_null(j, key);
		return;
	}
	json_array(j, key);
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		incident_json(j, &list[i]);
		json_object_end(j);
	}
	json_array_end(j);
}

/* Periods --------------------------------------------------------------------------------- */

static bool on_row(void *ctx, const struct ledger_row *row)
{
	counts_add(ctx, &row->counts);
	return true;
}

struct period_asked view_asked(enum span span, int64_t ledger_end)
{
	int64_t from = ledger_end - span_seconds(span);

	return (struct period_asked){ .from = from < 0 ? 0 : from - from % 3600, .has_from = true };
}

bool view_span(struct view *v, enum span span, enum service service, const char *client,
	       const char *server, struct span_sums *out)
{
	struct period_asked asked = view_asked(span, v->ledger_end);
	struct ledger_query q = { .service = (int)service, .client = client, .server = server };

	memset(out, 0, sizeof(*out));
	if (!period_of(&asked, v->ledger_end, &out->period, v->err, sizeof(v->err)))
		return false;
	q.from = out->period.from;
	q.to = out->period.to;
	return ledger_sum(v->l, &q, on_row, &out->counts, v->err, sizeof(v->err)) &&
	       ledger_sum_health(v->l, q.from, q.to, &out->health, &out->seen_s, v->err,
				 sizeof(v->err));
}

void view_json_period(struct json_out *j, const struct span_sums *s)
{
	char text[UTC_TEXT_MAX];

	utc_text(s->period.from, UTC_ISO, text);
	json_text(j, "from", text);
	utc_text(s->period.to, UTC_ISO, text);
	json_text(j, "to", text);
	json_uint(j, "seconds", (uint64_t)(s->period.to - s->period.from));
	json_uint(j, "seconds_seen", (uint64_t)s->seen_s);
}

bool view_party(struct view *v, const char *name, struct ledger_party *out)
{
	return ledger_party(v->l, name, out, v->err, sizeof(v->err));
}
