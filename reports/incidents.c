/* incidents.c - incidents that are not closed: opened, opened again, saved. */
#include "reports/incidents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/incident_live.h"

#define COUNTED_BITS 13  /* 65536 */
#define PATIENCE_MS  100 /* with others who have the store; the capture's records are waiting */

const char *incident_service(const struct incident *i)
{
	const char *name = service_name(i->service);

	return name ? name : "-";
}

static void forget_records(struct live *l)
{
	for (unsigned n = 0; n < INCIDENT_EVIDENCE; n++) {
		free(l->records[n]);
		l->records[n] = NULL;
	}
}

/* Opening ------------------------------------------------------------------------------------ */

static struct live *push(struct incidents *in, const struct incident *i)
{
	if (in->live_n == in->live_room) {
		in->live_room = in->live_room ? 2 * in->live_room : 16;
		in->live = reallocarray(in->live, in->live_room, sizeof(*in->live));
		if (!in->live)
			abort();
	}
	in->live[in->live_n] = (struct live){ .i = *i, .serial = ++in->serials };
	return &in->live[in->live_n++];
}

static bool on_stored(void *ctx, const struct incident *i)
{
	push(ctx, i);
	return true;
}

void incidents_configure(struct incidents *in, const struct incidents_config *c)
{
	in->quiet_s = c->quiet_s;
	in->lossy_share = c->lossy_share;
	free(in->entries);
	in->entries = NULL;
	in->entries_n = c->entries_n;
	if (c->entries_n == 0)
		return;
	in->entries = reallocarray(NULL, c->entries_n, sizeof(*in->entries));
	if (!in->entries)
		abort();
	memcpy(in->entries, c->entries, c->entries_n * sizeof(*in->entries));
}

struct incidents *incidents_open(const char *dir, bool write, const struct incidents_config *c,
				 char *err, size_t errlen)
{
	struct incident_store *store = incident_store_open(dir, write, err, errlen);
	struct incident_query q = { .state = -1, .live = true };
	struct incidents *in;

	if (!store)
		return NULL;
	in = calloc(1, sizeof(*in));
	if (!in)
		abort();
	in->store = store;
	if (!write)
		return in;
	incident_store_patience(store, PATIENCE_MS);
	snprintf(in->sensor, sizeof(in->sensor), "%s", c->sensor);
	incidents_configure(in, c);
	in->counted = recent_new(COUNTED_BITS, sizeof(struct counted));
	if (!incident_store_list(store, &q, on_stored, in, err, errlen)) {
		incidents_close(in);
		return NULL;
	}
	return in;
}

size_t incidents_bytes(unsigned series)
{
	return sizeof(struct incidents) + recent_bytes(COUNTED_BITS, sizeof(struct counted)) +
	       (size_t)RULES * series * sizeof(struct live);
}

void incidents_close(struct incidents *in)
{
	if (!in)
		return;
	incident_store_close(in->store);
	recent_free(in->counted);
	for (size_t n = 0; n < in->live_n; n++) {
		live_forget_brew(in, &in->live[n]);
		forget_records(&in->live[n]);
	}
	free(in->live);
	free(in->entries);
	free(in);
}

struct rule_settings live_settings(const struct incidents *in, enum rule r, const char *client,
				   const char *server)
{
	return rule_settings(r, client, server, in->entries, in->entries_n, (unsigned)in->quiet_s);
}

/* Life --------------------------------------------------------------------------------------- */

struct live *live_find(struct incidents *in, enum rule r, enum service service, const char *client,
		       const char *server)
{
	for (size_t n = 0; n < in->live_n; n++) {
		const struct incident *i = &in->live[n].i;

		if (i->state != INCIDENT_CLOSED && i->service == service &&
		    strcmp(i->client, client) == 0 && strcmp(i->server, server) == 0 &&
		    strcmp(i->sensor, in->sensor) == 0 && strcmp(i->rule, rule_name(r)) == 0)
			return &in->live[n];
	}
	return NULL;
}

/* The one that closed is it again. When the store cannot tell, it is a new one. */
static void recall(struct incidents *in, struct incident *i, int64_t at)
{
	struct incident old;
	char err[256];
	bool found = false;

	if (!incident_store_last(in->store, i, at - DAY_S, &old, &found, err, sizeof(err)) ||
	    !found)
		return;
	*i = old;
	i->state = INCIDENT_OPEN;
	i->severity = SEVERITY_OFF;
	i->why[0] = i->found[0] = '\0';
	i->closed = 0;
	i->before = i->sessions;
}

struct live *live_add(struct incidents *in, enum rule r, enum service service, const char *client,
		      const char *server, int64_t at)
{
	struct incident i = { .service = service, .state = INCIDENT_OPEN };

	snprintf(i.rule, sizeof(i.rule), "%s", rule_name(r));
	snprintf(i.client, sizeof(i.client), "%s", client);
	snprintf(i.server, sizeof(i.server), "%s", server);
	snprintf(i.sensor, sizeof(i.sensor), "%s", in->sensor);
	recall(in, &i, at);
	return push(in, &i);
}

/* A day begins with an opening; the first one after its end begins another. */
static void count_opening(struct incident *i, int64_t at)
{
	if (i->flaps == 0 || at - i->flaps_from >= DAY_S) {
		i->flaps = 0;
		i->flaps_from = at;
	}
	i->flaps++;
}

/* What it was then goes with an event. */
static void seal(struct pending *p, const struct incident *i)
{
	p->severity = i->severity;
	p->state = i->state;
	memcpy(p->why, i->why, sizeof(p->why));
}

void live_note(struct live *l, enum incident_event e, int64_t at)
{
	if (l->events_n == PENDING_MAX)
		l->events_n--;
	if (l->events_n > 0)
		seal(&l->events[l->events_n - 1], &l->i);
	l->events[l->events_n++] = (struct pending){ .event = e, .at = at };
}

void live_raise(struct incidents *in, struct live *l, int64_t at)
{
	live_forget_brew(in, l);
	if (l->i.id == 0)
		l->i.opened = at;
	else
		l->i.reopened++;
	l->i.since = at;
	count_opening(&l->i, at);
	l->events_n = 0;
	live_note(l, EVENT_OPENED, at);
	l->dirty = true;
}

void live_seen(struct live *l, int64_t when)
{
	if (when > l->i.last_seen)
		l->i.last_seen = when;
	if (l->i.state == INCIDENT_STALE) {
		live_note(l, EVENT_OPENED, when);
		l->i.state = INCIDENT_OPEN;
		l->i.why[0] = '\0';
	}
	l->dirty = true;
}

void live_forget_brew(struct incidents *in, struct live *l)
{
	if (!l->brew)
		return;
	for (unsigned n = 0; n < INCIDENT_EVIDENCE; n++)
		free(l->brew->records[n]);
	free(l->brew);
	l->brew = NULL;
	in->brews--;
}

/* Saving ------------------------------------------------------------------------------------- */

static void keep_records(struct live *l, const char *const records[INCIDENT_EVIDENCE])
{
	for (unsigned n = 0; records && n < INCIDENT_EVIDENCE; n++) {
		if (!records[n])
			continue;
		free(l->records[n]);
		l->records[n] = strdup(records[n]);
		if (!l->records[n])
			abort();
	}
}

static struct incident at_event(const struct live *l, const struct pending *p)
{
	struct incident i = l->i;

	i.severity = p->severity;
	i.state = p->state;
	memcpy(i.why, p->why, sizeof(i.why));
	return i;
}

static bool put_events(struct incidents *in, const struct live *l, int64_t id, char *err,
		       size_t errlen)
{
	for (unsigned n = 0; n < l->events_n; n++) {
		const struct pending *p = &l->events[n];
		struct incident then = at_event(l, p);

		if (!incident_store_put_event(in->store, id, p->event, p->at, &then, err, errlen))
			return false;
	}
	return true;
}

static bool put_all(struct incidents *in, const struct live *l, int64_t *id, char *err,
		    size_t errlen)
{
	if (!incident_store_put(in->store, &l->i, id, err, errlen) ||
	    !put_events(in, l, *id, err, errlen))
		return false;
	for (unsigned n = 0; n < INCIDENT_EVIDENCE; n++) {
		if (l->records[n] &&
		    !incident_store_put_evidence(in->store, *id, n, l->records[n], err, errlen))
			return false;
	}
	return true;
}

static bool put_in_one(struct incidents *in, const struct live *l, int64_t *id, char *err,
		       size_t errlen)
{
	if (!incident_store_begin(in->store, err, errlen))
		return false;
	if (put_all(in, l, id, err, errlen) && incident_store_commit(in->store, err, errlen))
		return true;
	incident_store_rollback(in->store);
	return false;
}

bool live_save(struct incidents *in, struct live *l, const char *const records[INCIDENT_EVIDENCE],
	       const struct listener *to, char *err, size_t errlen)
{
	int64_t id = 0;

	l->dirty = true;
	if (l->events_n > 0)
		seal(&l->events[l->events_n - 1], &l->i);
	keep_records(l, records);
	if (in->behind)
		return true;
	if (!put_in_one(in, l, &id, err, errlen)) {
		in->behind = true;
		return false;
	}
	l->i.id = id;
	l->dirty = false;
	forget_records(l);
	for (unsigned n = 0; to->cb && n < l->events_n; n++) {
		struct incident then = at_event(l, &l->events[n]);

		to->cb(to->ctx, l->events[n].event, &then);
	}
	l->events_n = 0;
	return true;
}

bool incidents_save(struct incidents *in, incident_cb *cb, void *ctx, char *err, size_t errlen)
{
	struct listener to = { cb, ctx };

	in->behind = false;
	for (size_t n = 0; n < in->live_n; n++) {
		struct live *l = &in->live[n];

		if (l->dirty && !l->brew && !live_save(in, l, NULL, &to, err, errlen))
			return false;
	}
	return true;
}

bool incidents_behind(const struct incidents *in)
{
	return in->behind;
}

bool incidents_expire(struct incidents *in, int64_t before, unsigned most, incident_gone_cb *cb,
		      void *ctx, char *err, size_t errlen)
{
	return incident_store_expire(in->store, before, most, cb, ctx, err, errlen);
}

/* Reading ------------------------------------------------------------------------------------ */

bool incidents_list(struct incidents *in, int state, const char *peer, incident_list_cb *cb,
		    void *ctx, char *err, size_t errlen)
{
	struct incident_query q = { .state = state, .peer = peer };

	return incident_store_list(in->store, &q, cb, ctx, err, errlen);
}

bool incidents_evidence(struct incidents *in, int64_t id, incident_evidence_cb *cb, void *ctx,
			char *err, size_t errlen)
{
	return incident_store_evidence(in->store, id, cb, ctx, err, errlen);
}
