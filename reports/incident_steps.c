/* incident_steps.c - incidents made of the ledger, and how all of them end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/incident_judge.h"
#include "reports/incident_live.h"

/* A step that was committed, and what was asked of the ledger once for all. */
struct look {
	struct judge j;
	struct judge_pairs hour;
	struct listener to;
};

/* What the ledger shows ---------------------------------------------------------------------- */

/* It holds: an incident opens, or goes on. The last second of the step is when it was seen. */
static void hold(struct incidents *in, enum rule r, const struct rule_settings *set,
		 const struct ledger_row *pair, const char *found, int64_t end)
{
	struct live *l = live_find(in, r, pair->service, pair->client, pair->server);

	if (!l) {
		l = live_add(in, r, pair->service, pair->client, pair->server, end - 1);
		live_raise(in, l, end - 1);
	}
	live_seen(l, end - 1);
	l->i.severity = set->severity;
	snprintf(l->i.found, sizeof(l->i.found), "%s", found);
}

static void judge_ratios(struct incidents *in, const struct look *k)
{
	for (size_t n = 0; n < k->hour.n; n++) {
		const struct judge_pair *p = &k->hour.list[n];
		struct rule_settings set =
			live_settings(in, RULE_RATIO_BELOW, p->sum.client, p->sum.server);
		char found[RULE_FOUND_MAX + 1];

		if (rule_wants_pair(&set, p->sum.service, p->promised) &&
		    rule_ratio_below(&set, &p->sum.counts, found))
			hold(in, RULE_RATIO_BELOW, &set, &p->sum, found, k->j.end);
	}
}

static bool judge_rule_of_sensor(enum rule r, const struct rule_settings *set, const struct look *k,
				 const struct sight *hour, char found[RULE_FOUND_MAX + 1])
{
	if (r == RULE_SENSOR_LOSSY)
		return rule_lossy(set, &hour->sum, found);
	if (r == RULE_SENSOR_ONE_SIDED)
		return rule_one_sided(set, &hour->sum, found);
	snprintf(found, RULE_FOUND_MAX + 1, "no packet for %" PRId64 " min", hour->last_s / 60);
	return hour->last_s >= k->j.blind_s;
}

static bool judge_sensor(struct incidents *in, const struct look *k, char *err, size_t errlen)
{
	static const struct ledger_row sensor = { .service = SERVICE_N,
						  .client = "-",
						  .server = "-" };
	int64_t span = k->j.blind_s > HOUR_S ? k->j.blind_s : HOUR_S;
	char found[RULE_FOUND_MAX + 1];
	struct sight hour;

	if (!judge_sight(k->j.ledger, k->j.end - span, k->j.end - HOUR_S, k->j.end, &hour, err,
			 errlen))
		return false;
	for (unsigned r = 0; r < RULES; r++) {
		struct rule_settings set = live_settings(in, (enum rule)r, "-", "-");

		if (rule_kind((enum rule)r) == RULE_OF_SENSOR && set.severity != SEVERITY_OFF &&
		    judge_rule_of_sensor((enum rule)r, &set, k, &hour, found))
			hold(in, (enum rule)r, &set, &sensor, found, k->j.end);
	}
	return true;
}

/* What waited for more sessions -------------------------------------------------------------- */

static bool is_enough(const struct live *l, const struct rule_settings *set, const struct look *k)
{
	const struct judge_pair *p = judge_find(&k->hour, l->i.service, l->i.client, l->i.server);
	struct ratio ratio;

	if (!p || live_brewed(l, k->j.end) < set->min_sessions)
		return false;
	ratio = counts_ratio(&p->sum.counts, 0);
	return ratio.covered && 10000 * ratio.coverage >= set->min_coverage_x100;
}

/* False with err when it could not be saved. */
static bool watch_brew(struct incidents *in, struct live *l, enum rule r, const struct look *k,
		       char *err, size_t errlen)
{
	struct rule_settings set = live_settings(in, r, l->i.client, l->i.server);

	if (is_enough(l, &set, k))
		return live_raise_brew(in, l, k->j.end - 1, &k->to, err, errlen);
	if (live_brewed(l, k->j.end) > 0)
		return true;
	live_forget_brew(in, l);
	l->i.state = INCIDENT_CLOSED; /* and goes, without a trace */
	l->dirty = false;
	return true;
}

/* The end ------------------------------------------------------------------------------------ */

/* Twice in a day is no habit. From the third opening on each doubles the quiet time, up to a day. */
static int64_t quiet_time(const struct incident *i, const struct rule_settings *set)
{
	int64_t quiet = set->quiet_s;

	for (unsigned n = 2; n < i->flaps && quiet < DAY_S; n++)
		quiet = 2 * quiet < DAY_S ? 2 * quiet : DAY_S;
	return quiet;
}

/* The step that holds what was seen last shows nothing: with one more there is something to judge. */
static bool is_quiet(const struct incident *i, int64_t quiet_s, int64_t end)
{
	return i->last_seen + quiet_s <= end && i->last_seen - i->last_seen % STEP_S + STEP_S < end;
}

/* Turns what is quiet for long enough closed or stale. */
static bool settle(struct incidents *in, struct live *l, enum rule r, const struct look *k,
		   char *err, size_t errlen)
{
	struct rule_settings set = live_settings(in, r, l->i.client, l->i.server);
	int64_t quiet = quiet_time(&l->i, &set);
	char why[INCIDENT_WHY_MAX + 1];
	bool gone;

	if (!is_quiet(&l->i, quiet, k->j.end))
		return true;
	if (!judge_gone(&k->j, &l->i, why, err, errlen))
		return false;
	gone = why[0] != '\0';
	if (!gone && !judge_quiet(&k->j, &l->i, r, &set, quiet, why, err, errlen))
		return false;
	if (gone || why[0] == '\0') {
		live_note(l, EVENT_CLOSED, k->j.end);
		l->i.state = INCIDENT_CLOSED;
		l->i.closed = k->j.end;
	} else if (l->i.state == INCIDENT_OPEN) {
		live_note(l, EVENT_STALE, k->j.end);
		l->i.state = INCIDENT_STALE;
	} else if (strcmp(why, l->i.why) == 0) {
		return true; /* stale as before */
	}
	memcpy(l->i.why, why, sizeof(why));
	l->dirty = true;
	return true;
}

/* A rule that is not known here any more is settled like one of sessions. */
static enum rule rule_of(const struct incident *i)
{
	enum rule r = RULE_PLAINTEXT;

	(void)rule_by_name(i->rule, &r);
	return r;
}

static bool pass(struct incidents *in, struct live *l, const struct look *k, char *err,
		 size_t errlen)
{
	enum rule r = rule_of(&l->i);
	bool ok = true;

	if (l->brew)
		return watch_brew(in, l, r, k, err, errlen);
	if (l->i.state != INCIDENT_CLOSED)
		ok = settle(in, l, r, k, err, errlen);
	return (!l->dirty || live_save(in, l, NULL, &k->to, err, errlen)) && ok;
}

bool incidents_step(struct incidents *in, struct ledger *ledger, int64_t step, incident_cb *cb,
		    void *ctx, char *err, size_t errlen)
{
	struct rule_settings blind = live_settings(in, RULE_SENSOR_BLIND, "-", "-");
	struct look k = { .j = { ledger, step + STEP_S, blind.blind_s, in->lossy_share },
			  .to = { cb, ctx } };
	size_t kept = 0;
	bool ok;

	in->behind = false;
	if (k.j.blind_s < STEP_S)
		k.j.blind_s = STEP_S;
	ok = judge_pairs(ledger, k.j.end - HOUR_S, k.j.end, &k.hour, err, errlen) &&
	     judge_sensor(in, &k, err, errlen);
	if (ok)
		judge_ratios(in, &k);
	for (size_t n = 0; n < in->live_n; n++) {
		struct live *one = &in->live[n];

		ok = pass(in, one, &k, err, errlen) && ok;
		if (one->i.state != INCIDENT_CLOSED || one->dirty)
			in->live[kept++] = *one;
	}
	in->live_n = kept;
	free(k.hour.list);
	return ok;
}
