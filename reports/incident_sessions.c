/* incident_sessions.c - incidents made of sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/incident_live.h"

#define NS        1000000000u
#define BREWS_MAX 1024

static int64_t decided_at(const struct session *s)
{
	return (int64_t)(s->decided_ns / NS);
}

/* What it weighs now it weighs since its last packet, however long ago its verdict fell. */
static int64_t seen_at(const struct session *s)
{
	return (int64_t)((s->end_ns > s->decided_ns ? s->end_ns : s->decided_ns) / NS);
}

bool incidents_wants(const struct incidents *in, const struct session *s, const struct pair *p)
{
	for (unsigned r = 0; r < RULES; r++) {
		struct rule_settings set;

		if (!rule_may_want((enum rule)r, s))
			continue;
		set = live_settings(in, (enum rule)r, p->client, p->server);
		if (rule_wants_session((enum rule)r, &set, s, p))
			return true;
	}
	return false;
}

/* Counting ----------------------------------------------------------------------------------- */

/* The slot for the evidence of the next session. The first session ever keeps its own when the
 * incident was opened again. */
static uint8_t next_slot(const struct incident *i)
{
	uint64_t slot = i->sessions - i->before + (i->before > 0);

	return slot < INCIDENT_EVIDENCE ? (uint8_t)slot : INCIDENT_EVIDENCE;
}

/* Counts a session that was not counted in this incident before. */
static void count_new(struct live *l, const struct session *s, struct counted *c)
{
	c->slot = next_slot(&l->i);
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

static struct live *find_serial(struct incidents *in, uint64_t serial)
{
	for (size_t n = 0; n < in->live_n; n++) {
		if (in->live[n].serial == serial && in->live[n].i.state != INCIDENT_CLOSED)
			return &in->live[n];
	}
	return NULL;
}

/* Brewing ------------------------------------------------------------------------------------ */

static void begin_brew(struct incidents *in, struct live *l)
{
	l->brew = calloc(1, sizeof(*l->brew));
	if (!l->brew)
		abort();
	in->brews++;
}

/* Minutes that lie further back than the hour make room. */
static void brew_count(struct brew *b, int64_t when)
{
	int64_t minute = when / 60;

	if (minute <= b->minute - MINUTES)
		return;
	if (b->minute == 0 || minute - b->minute >= MINUTES)
		memset(b->in_minute, 0, sizeof(b->in_minute));
	else
		for (int64_t m = b->minute + 1; m <= minute; m++)
			b->in_minute[m % MINUTES] = 0;
	if (minute > b->minute)
		b->minute = minute;
	b->in_minute[minute % MINUTES]++;
}

uint64_t live_brewed(const struct live *l, int64_t end)
{
	int64_t first = end / 60 - MINUTES;
	uint64_t n = 0;

	for (int64_t m = 0; l->brew && m < MINUTES; m++) {
		int64_t minute = l->brew->minute - m;

		if (minute >= first)
			n += l->brew->in_minute[((minute % MINUTES) + MINUTES) % MINUTES];
	}
	return n;
}

static void brew_record(struct brew *b, unsigned slot, const char *record)
{
	if (slot >= INCIDENT_EVIDENCE)
		return;
	free(b->records[slot]);
	b->records[slot] = strdup(record);
	if (!b->records[slot])
		abort();
}

bool live_raise_brew(struct incidents *in, struct live *l, int64_t at, const struct listener *to,
		     char *err, size_t errlen)
{
	const char *records[INCIDENT_EVIDENCE];
	struct brew kept = *l->brew;
	bool ok;

	for (unsigned n = 0; n < INCIDENT_EVIDENCE; n++) {
		records[n] = kept.records[n];
		l->brew->records[n] = NULL;
	}
	live_raise(in, l, at);
	ok = live_save(in, l, records, to, err, errlen);
	for (unsigned n = 0; n < INCIDENT_EVIDENCE; n++)
		free(kept.records[n]);
	return ok;
}

/* One rule, one session ---------------------------------------------------------------------- */

/* What is asked of one rule. */
struct offer {
	enum rule rule;
	struct rule_settings set;
	const struct session *s;
	const struct pair *p;
	const char *record;
	unsigned needs;
};

/* NULL when there is no room to wait for more sessions. */
static struct live *begin(struct incidents *in, const struct offer *o)
{
	int64_t at = seen_at(o->s);
	struct live *l;

	if (o->needs > 1 && in->brews >= BREWS_MAX)
		return NULL;
	l = live_add(in, o->rule, (enum service)o->s->service, o->p->client, o->p->server, at);
	if (o->needs > 1)
		begin_brew(in, l);
	else
		live_raise(in, l, at);
	return l;
}

/* What the session says of the incident beyond its counts. */
static void describe(struct live *l, const struct offer *o)
{
	enum severity severity = rule_severity(o->rule, &o->set, o->s);
	const char *found = NULL;

	live_seen(l, seen_at(o->s));
	if (severity > l->i.severity && l->i.severity != SEVERITY_OFF && !l->brew)
		live_note(l, EVENT_ESCALATED, seen_at(o->s));
	if (severity > l->i.severity)
		l->i.severity = severity;
	if (o->rule == RULE_STRIPPED)
		found = stripped_name((enum stripped)o->s->stripped);
	else if (o->rule == RULE_TLS_TOO_OLD)
		found = tls_version_name(o->s->tls_version);
	if (found)
		snprintf(l->i.found, sizeof(l->i.found), "%s", found);
}

static bool keep(struct incidents *in, struct live *l, const struct offer *o, unsigned slot,
		 const struct listener *to, char *err, size_t errlen)
{
	const char *records[INCIDENT_EVIDENCE] = { NULL };

	if (l->brew) {
		brew_record(l->brew, slot, o->record);
		return o->needs > 1 || live_raise_brew(in, l, seen_at(o->s), to, err, errlen);
	}
	/* Beyond evidence and events only counts change: they are saved with the step. */
	if (l->events_n == 0 && slot == INCIDENT_EVIDENCE && l->i.id != 0)
		return true;
	if (slot < INCIDENT_EVIDENCE)
		records[slot] = o->record;
	return live_save(in, l, records, to, err, errlen);
}

/* Another message crossed on a connection that was counted: nothing but the time is new. */
static bool go_on(struct incidents *in, struct live *l, const struct offer *o,
		  const struct listener *to, char *err, size_t errlen)
{
	live_seen(l, seen_at(o->s));
	return l->events_n == 0 || live_save(in, l, NULL, to, err, errlen);
}

static bool take(struct incidents *in, uint64_t key, const struct offer *o,
		 const struct listener *to, char *err, size_t errlen)
{
	uint64_t both = key * RULES + o->rule;
	struct counted *c = recent_find(in->counted, both);
	bool more = c && o->rule == RULE_PLAINTEXT && o->s->messages > c->messages;
	bool grown = !c || has_grown(o->s, c);
	struct live *l = NULL;

	if (!grown && !more)
		return true;
	if (c) {
		l = find_serial(in, c->serial);
		c->messages = o->s->messages;
	}
	if (l && !grown)
		return go_on(in, l, o, to, err, errlen);
	if (l) {
		count_again(l, o->s, c);
	} else { /* new, or its incident is closed by now */
		l = live_find(in, o->rule, (enum service)o->s->service, o->p->client, o->p->server);
		l = l ? l : begin(in, o);
		if (!l)
			return true;
		c = c ? c : recent_add(in->counted, both);
		count_new(l, o->s, c);
		if (l->brew)
			brew_count(l->brew, decided_at(o->s));
	}
	describe(l, o);
	c->serial = l->serial;
	c->exposure = o->s->exposure;
	c->cause = o->s->cause;
	c->confirmed = o->s->confirmed;
	c->messages = o->s->messages;
	return keep(in, l, o, c->slot, to, err, errlen);
}

bool incidents_session(struct incidents *in, uint64_t key, const struct session *s,
		       const struct pair *p, const char *record, incident_cb *cb, void *ctx,
		       char *err, size_t errlen)
{
	struct listener to = { cb, ctx };
	bool ok = true;

	for (unsigned r = 0; r < RULES; r++) {
		struct offer o = { .rule = (enum rule)r, .s = s, .p = p, .record = record };

		if (!rule_may_want(o.rule, s))
			continue;
		o.set = live_settings(in, o.rule, p->client, p->server);
		if (!rule_wants_session(o.rule, &o.set, s, p))
			continue;
		o.needs = rule_needs(o.rule, &o.set, s);
		if (!take(in, key, &o, &to, err, errlen))
			ok = false;
	}
	return ok;
}
