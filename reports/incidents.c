/* incidents.c - plaintext where the charter promises none: the rules. */
#include "reports/incidents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/incident_store.h"
#include "reports/recent.h"

/* An incident that is not closed, and what of it is not in the store yet. */
struct live {
	struct incident i;
	uint64_t serial; /* within this run; an id is there only once it is stored */
	bool dirty;
	unsigned events; /* bits of enum incident_event */
	int64_t at;      /* of the last of them; seconds, UTC */
};

/* What a session that may still grow was counted as. */
struct counted {
	uint64_t serial; /* of its incident */
	uint8_t exposure, cause, confirmed;
	uint8_t slot; /* of its evidence; INCIDENT_EVIDENCE for none */
};

#define COUNTED_BITS 13 /* 65536 sessions */

struct incidents {
	struct incident_store *store;
	char sensor[INCIDENT_SENSOR_MAX + 1];
	int64_t quiet_s;
	double lossy_share;
	struct recent *counted;
	struct live *live;
	size_t live_n, live_room;
	uint64_t serials;
};

const char *incident_service(const struct incident *i)
{
	const char *name = service_name(i->service);

	return name ? name : "-";
}

/* Opening ------------------------------------------------------------------------------------ */

static struct live *add_live(struct incidents *in, const struct incident *i)
{
	if (in->live_n == in->live_room) {
		in->live_room = in->live_room ? 2 * in->live_room : 16;
		in->live = realloc(in->live, in->live_room * sizeof(*in->live));
		if (!in->live)
			abort();
	}
	in->live[in->live_n] = (struct live){ .i = *i, .serial = ++in->serials };
	return &in->live[in->live_n++];
}

static bool on_stored(void *ctx, const struct incident *i)
{
	struct incidents *in = ctx;

	add_live(in, i);
	return true;
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
	snprintf(in->sensor, sizeof(in->sensor), "%s", c->sensor);
	in->quiet_s = c->quiet_s;
	in->lossy_share = c->lossy_share;
	in->counted = recent_new(COUNTED_BITS, sizeof(struct counted));
	q.sensor = in->sensor;
	if (!incident_store_list(store, &q, on_stored, in, err, errlen)) {
		incidents_close(in);
		return NULL;
	}
	return in;
}

void incidents_close(struct incidents *in)
{
	if (!in)
		return;
	incident_store_close(in->store);
	recent_free(in->counted);
	free(in->live);
	free(in);
}

/* Saving ------------------------------------------------------------------------------------- */

/* Evidence to be written along with an incident. */
struct exhibit {
	unsigned slot;
	const char *record;
};

static bool put_all(struct incidents *in, const struct live *l, const struct exhibit *x,
		    int64_t *id, char *err, size_t errlen)
{
	if (!incident_store_put(in->store, &l->i, id, err, errlen))
		return false;
	for (unsigned e = 0; e < EVENT_N; e++) {
		if ((l->events & 1u << e) &&
		    !incident_store_put_event(in->store, *id, (enum incident_event)e, l->at, &l->i,
					      err, errlen))
			return false;
	}
	return !x || incident_store_put_evidence(in->store, *id, x->slot, x->record, err, errlen);
}

/* One transaction. On failure the incident stays as it is in memory and is saved again later. */
static bool save(struct incidents *in, struct live *l, const struct exhibit *x, incident_cb *cb,
		 void *ctx, char *err, size_t errlen)
{
	unsigned events = l->events;
	int64_t id = 0;

	l->dirty = true;
	if (!incident_store_begin(in->store, err, errlen))
		return false;
	if (!put_all(in, l, x, &id, err, errlen) ||
	    !incident_store_commit(in->store, err, errlen)) {
		incident_store_rollback(in->store);
		return false;
	}
	l->i.id = id;
	l->dirty = false;
	l->events = 0;
	for (unsigned e = 0; cb && e < EVENT_N; e++) {
		if (events & 1u << e)
			cb(ctx, (enum incident_event)e, &l->i);
	}
	return true;
}

bool incidents_save(struct incidents *in, incident_cb *cb, void *ctx, char *err, size_t errlen)
{
	for (size_t n = 0; n < in->live_n; n++) {
		if (in->live[n].dirty && !save(in, &in->live[n], NULL, cb, ctx, err, errlen))
			return false;
	}
	return true;
}

/* Sessions ----------------------------------------------------------------------------------- */

static enum severity severity_of(const struct session *s)
{
	bool crossed = s->exposure == EXPOSURE_CONTENT || s->exposure == EXPOSURE_CREDENTIALS;

	return crossed && s->confirmed == TRI_TRUE ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static struct live *find_pair(struct incidents *in, const struct session *s, const struct pair *p)
{
	for (size_t n = 0; n < in->live_n; n++) {
		const struct incident *i = &in->live[n].i;

		if (i->state != INCIDENT_CLOSED && i->service == s->service &&
		    strcmp(i->client, p->client) == 0 && strcmp(i->server, p->server) == 0 &&
		    strcmp(i->rule, rule_name(RULE_PLAINTEXT)) == 0)
			return &in->live[n];
	}
	return NULL;
}

static struct live *open_incident(struct incidents *in, const struct session *s,
				  const struct pair *p)
{
	struct incident i = {
		.service = (enum service)s->service,
		.severity = severity_of(s),
		.state = INCIDENT_OPEN,
		.opened = (int64_t)(s->decided_ns / 1000000000u),
	};
	struct live *l;

	snprintf(i.rule, sizeof(i.rule), "%s", rule_name(RULE_PLAINTEXT));
	snprintf(i.client, sizeof(i.client), "%s", p->client);
	snprintf(i.server, sizeof(i.server), "%s", p->server);
	snprintf(i.sensor, sizeof(i.sensor), "%s", in->sensor);
	l = add_live(in, &i);
	l->events = 1u << EVENT_OPENED;
	return l;
}

/* Counts a session that was not counted in this incident before. */
static void count_new(struct live *l, const struct session *s, struct counted *c)
{
	c->slot = INCIDENT_EVIDENCE;
	if (l->i.sessions < INCIDENT_EVIDENCE)
		c->slot = (uint8_t)l->i.sessions;
	l->i.sessions++;
	l->i.by_exposure[s->exposure]++;
	l->i.by_cause[s->cause]++;
	l->i.confirmed += s->confirmed == TRI_TRUE;
}

/* Moves a session that was counted to what it weighs now. */
static void count_again(struct live *l, const struct session *s, const struct counted *c)
{
	l->i.by_exposure[c->exposure]--;
	l->i.by_exposure[s->exposure]++;
	l->i.by_cause[c->cause]--;
	l->i.by_cause[s->cause]++;
	/* More may cross before what crossed is confirmed again. */
	l->i.confirmed -= c->confirmed == TRI_TRUE;
	l->i.confirmed += s->confirmed == TRI_TRUE;
}

static bool has_grown(const struct session *s, const struct counted *c)
{
	return s->exposure > c->exposure || (s->confirmed == TRI_TRUE && c->confirmed != TRI_TRUE);
}

/* The state that follows from a session that was counted, and its events. */
static void rouse(struct live *l, const struct session *s)
{
	int64_t seen = (int64_t)(s->decided_ns / 1000000000u);

	if (seen > l->i.last_seen)
		l->i.last_seen = seen;
	l->at = seen;
	if (l->i.state == INCIDENT_STALE) {
		l->i.state = INCIDENT_OPEN;
		l->i.why[0] = '\0';
		l->events |= 1u << EVENT_OPENED;
	}
	if (severity_of(s) > l->i.severity) {
		l->i.severity = severity_of(s);
		l->events |= 1u << EVENT_ESCALATED;
	}
	l->dirty = true;
}

static struct live *find_serial(struct incidents *in, uint64_t serial)
{
	for (size_t n = 0; n < in->live_n; n++) {
		if (in->live[n].serial == serial && in->live[n].i.state != INCIDENT_CLOSED)
			return &in->live[n];
	}
	return NULL;
}

bool incidents_session(struct incidents *in, uint64_t key, const struct session *s,
		       const struct pair *p, const char *record, incident_cb *cb, void *ctx,
		       char *err, size_t errlen)
{
	struct counted *c;
	struct live *l = NULL;
	struct exhibit x;

	if (!p->promised || s->verdict != VERDICT_PLAINTEXT || s->exposure < EXPOSURE_UNKNOWN)
		return true;
	c = recent_find(in->counted, key);
	if (c && !has_grown(s, c))
		return true;
	if (c)
		l = find_serial(in, c->serial);
	if (l) {
		count_again(l, s, c);
	} else { /* new, or its incident is closed by now */
		l = find_pair(in, s, p);
		l = l ? l : open_incident(in, s, p);
		c = c ? c : recent_add(in->counted, key);
		count_new(l, s, c);
	}
	rouse(l, s);
	c->serial = l->serial;
	c->exposure = s->exposure;
	c->cause = s->cause;
	c->confirmed = s->confirmed;
	x = (struct exhibit){ c->slot, record };
	/* Beyond evidence and events only counts change: they are saved with the step. */
	if (l->events == 0 && c->slot == INCIDENT_EVIDENCE && l->i.id != 0)
		return true;
	return save(in, l, c->slot < INCIDENT_EVIDENCE ? &x : NULL, cb, ctx, err, errlen);
}

/* Closing ------------------------------------------------------------------------------------ */

static bool add_health(void *ctx, int64_t step, const struct health *h)
{
	struct health *sum = ctx;

	(void)step;
	for (unsigned n = 0; n < HEALTH_N; n++)
		sum->n[n] += h->n[n];
	return true;
}

static bool add_row(void *ctx, const struct ledger_row *row)
{
	counts_add(ctx, &row->counts);
	return true;
}

static double share(uint64_t lost, uint64_t got)
{
	return lost == 0 ? 0 : (double)lost / ((double)lost + (double)got);
}

/* Why the sensor cannot vouch for the quiet time; empty when it can. */
static void judge_sensor(const struct incidents *in, const struct health *h, char *why, size_t len)
{
	double packets =
		share(h->n[HEALTH_DROP_KERNEL] + h->n[HEALTH_DROP_NIC], h->n[HEALTH_PACKETS]);
	double records = share(h->n[HEALTH_LOST], h->n[HEALTH_SESSIONS]);

	why[0] = '\0';
	if (h->n[HEALTH_PACKETS] == 0)
		snprintf(why, len, "the sensor saw no packets in the quiet time");
	else if (packets > in->lossy_share)
		snprintf(why, len, "the sensor lost %.2f %% of the packets in the quiet time",
			 100 * packets);
	else if (records > in->lossy_share)
		snprintf(why, len, "the sensor lost %.2f %% of its records in the quiet time",
			 100 * records);
}

/* What is known of the quiet time up to end. Fills why unless it shows that it is over. */
static bool judge(struct incidents *in, struct ledger *ledger, const struct incident *i,
		  int64_t end, char *why, size_t whylen, char *err, size_t errlen)
{
	struct ledger_query q = {
		.to = end, .service = (int)i->service, .client = i->client, .server = i->server
	};
	enum resolution r = in->quiet_s > 7 * 86400 ? RESOLUTION_HOUR : RESOLUTION_MINUTE;
	int64_t after = i->last_seen - i->last_seen % STEP_S + STEP_S;
	struct counts sum = { { 0 } };
	struct health h = { { 0 }, 0 };

	q.from = end - in->quiet_s - (end - in->quiet_s) % STEP_S;
	if (q.from < after)
		q.from = after; /* not the step that holds plaintext */
	if (!ledger_walk_health(ledger, r, q.from - q.from % resolution_seconds(r), end, add_health,
				&h, err, errlen) ||
	    !ledger_sum(ledger, &q, add_row, &sum, err, errlen))
		return false;
	judge_sensor(in, &h, why, whylen);
	if (why[0] == '\0' && sum.n[COUNT_ENC_STARTTLS] + sum.n[COUNT_ENC_IMPLICIT] +
					      sum.n[COUNT_PLAINTEXT] + sum.n[COUNT_TLS_FAILED] ==
				      0)
		snprintf(why, whylen, "no session of the pair was decided in the quiet time");
	return true;
}

/* Turns what is quiet for long enough closed or stale. */
static bool settle(struct incidents *in, struct ledger *ledger, struct live *l, int64_t end,
		   char *err, size_t errlen)
{
	char why[INCIDENT_WHY_MAX + 1];

	if (l->i.last_seen + in->quiet_s > end)
		return true;
	if (!judge(in, ledger, &l->i, end, why, sizeof(why), err, errlen))
		return false;
	l->at = end;
	if (why[0] == '\0') {
		l->i.state = INCIDENT_CLOSED;
		l->i.closed = end;
		l->events |= 1u << EVENT_CLOSED;
	} else if (l->i.state == INCIDENT_OPEN) {
		l->i.state = INCIDENT_STALE;
		l->events |= 1u << EVENT_STALE;
	} else if (strcmp(why, l->i.why) == 0) {
		return true; /* stale as before */
	}
	memcpy(l->i.why, why, sizeof(why));
	l->dirty = true;
	return true;
}

bool incidents_step(struct incidents *in, struct ledger *l, int64_t step, incident_cb *cb,
		    void *ctx, char *err, size_t errlen)
{
	size_t kept = 0;
	bool ok = true;

	for (size_t n = 0; n < in->live_n; n++) {
		struct live *one = &in->live[n];

		if (one->i.state != INCIDENT_CLOSED)
			ok = ok && settle(in, l, one, step + STEP_S, err, errlen);
		if (one->dirty)
			ok = ok && save(in, one, NULL, cb, ctx, err, errlen);
		if (one->i.state != INCIDENT_CLOSED || one->dirty)
			in->live[kept++] = *one;
	}
	in->live_n = kept;
	return ok;
}

bool incidents_deliver(struct incidents *in, incident_deliver_cb *cb, void *ctx, char *err,
		       size_t errlen)
{
	return incident_store_events(in->store, cb, ctx, err, errlen);
}

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
