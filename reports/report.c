/* report.c - the report on a month, from the ledger. */
#include "reports/report.h"

#include <stdlib.h>
#include <string.h>

#include "reports/period.h"
#include "reports/report_read.h"

static const char *const side_names[SIDES] = {
	[SIDE_WORLD_IN] = "world-in",
	[SIDE_WORLD_OUT] = "world-out",
	[SIDE_SUBMISSION] = "submission",
	[SIDE_ACCESS] = "access",
};

static const char *const note_names[NOTES] = {
	[NOTE_NOT_OVER] = "month-not-over",  [NOTE_BEGINS] = "ledger-begins",
	[NOTE_DELETED] = "partly-deleted",   [NOTE_BEGIN_COARSE] = "begin-not-exact",
	[NOTE_END_COARSE] = "end-not-exact", [NOTE_NO_INCIDENTS] = "no-incidents-db",
};

const char *report_side_name(enum report_side s)
{
	return (size_t)s < SIDES ? side_names[s] : NULL;
}

const char *report_note_name(enum report_note n)
{
	return (size_t)n < NOTES ? note_names[n] : NULL;
}

void *report_grown(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? 2 * *room : 32;
	array = reallocarray(array, *room, size);
	if (!array)
		abort();
	return array;
}

/* Who is in it --------------------------------------------------------------------------------- */

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	struct report *r = ctx;

	if (!signatory)
		return true;
	if (r->signatories_n < REPORT_SIGNATORIES)
		snprintf(r->signatories[r->signatories_n], sizeof(r->signatories[0]), "%s", name);
	r->signatories_n++;
	return true;
}

static bool read_signatories(struct report *r, struct ledger *l, char *err, size_t errlen)
{
	r->signatories = calloc(REPORT_SIGNATORIES, sizeof(*r->signatories));
	if (!r->signatories)
		abort();
	if (!ledger_peers(l, on_peer, r, err, errlen))
		return false;
	if (r->signatories_n <= REPORT_SIGNATORIES)
		return true;
	snprintf(err, errlen, "a report is about %d signatories at most; the ledger knows %zu",
		 REPORT_SIGNATORIES, r->signatories_n);
	return false;
}

/* -1: it is none. */
static int signatory(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->signatories_n; i++) {
		if (strcmp(r->signatories[i], name) == 0)
			return (int)i;
	}
	return -1;
}

/* Counts ----------------------------------------------------------------------------------- */

struct counting {
	const struct report *r;
	struct report_month *m;
};

static void count_side(struct report_month *m, enum report_side side, int of,
		       const struct counts *c)
{
	counts_add(&m->sides[side][of], c);
	counts_add(&m->side[side], c);
}

static void count_mail(const struct counting *to, int client, int server, const struct counts *c)
{
	struct report_month *m = to->m;

	if (client >= 0 && server >= 0) {
		counts_add(&m->pairs[(size_t)client * to->r->signatories_n + (size_t)server], c);
		counts_add(client == server ? &m->within : &m->promised, c);
	} else if (server >= 0) {
		count_side(m, SIDE_WORLD_IN, server, c);
	} else if (client >= 0) {
		count_side(m, SIDE_WORLD_OUT, client, c);
	} else {
		counts_add(&m->beside[SERVICE_MTA], c);
	}
}

static bool on_pair(void *ctx, const struct ledger_row *row)
{
	const struct counting *to = ctx;
	int server = signatory(to->r, row->server);

	if (row->service == SERVICE_MTA)
		count_mail(to, signatory(to->r, row->client), server, &row->counts);
	else if (server < 0)
		counts_add(&to->m->beside[row->service], &row->counts);
	else
		count_side(to->m,
			   row->service == SERVICE_SUBMISSION ? SIDE_SUBMISSION : SIDE_ACCESS,
			   server, &row->counts);
	return true;
}

static struct counts *counts_new(size_t n)
{
	struct counts *c = calloc(n + 1, sizeof(*c));

	if (!c)
		abort();
	return c;
}

static bool read_month(struct report *r, struct report_month *m, struct month which, bool outages,
		       struct ledger *l, char *err, size_t errlen)
{
	struct ledger_query q = { .service = -1 };
	struct counting to = { r, m };
	size_t n = r->signatories_n;

	m->month = which;
	m->from = month_begin(which);
	m->to = month_begin(month_next(which, 1));
	m->pairs = counts_new(n * n);
	for (unsigned i = 0; i < SIDES; i++)
		m->sides[i] = counts_new(n);
	if (!ledger_border(l, m->from < 0 ? 0 : m->from, &m->counted_from, err, errlen) ||
	    !ledger_border(l, m->to, &m->counted_to, err, errlen))
		return false;
	q.from = m->counted_from;
	q.to = m->counted_to;
	return ledger_sum(l, &q, on_pair, &to, err, errlen) &&
	       report_read_time(r, m, outages, l, err, errlen);
}

/* Which months ----------------------------------------------------------------------------- */

static bool read_span(struct report *r, struct ledger *l, char *err, size_t errlen)
{
	int64_t last, days;

	err[0] = '\0';
	if (!ledger_span(l, &r->ledger_begin, &last, err, errlen)) {
		if (!err[0])
			snprintf(err, errlen, "the ledger is empty: no step has been recorded yet");
		return false;
	}
	r->ledger_end = last + STEP_S;
	if (!ledger_kept(l, RESOLUTION_DAY, &days, err, errlen) ||
	    !ledger_kept(l, RESOLUTION_MINUTE, &r->minutes, err, errlen))
		return false;
	/* The ledger began before that, or nobody can tell. */
	r->deleted = days > 0 && r->ledger_begin < days + 86400 ? days : 0;
	return true;
}

/* The last month that is over, and of which the ledger has something. */
static bool choose_month(const struct report *r, struct month *m, char *err, size_t errlen)
{
	struct month last = month_of(r->ledger_end);
	char text[MONTH_TEXT_MAX], begins[UTC_TEXT_MAX];

	if (m->year == 0) {
		*m = month_next(last, -1);
		if (month_begin(last) > r->ledger_begin)
			return true;
		month_text(last, text);
		snprintf(err, errlen,
			 "no month is over yet: --month %s reports on what there is of it", text);
		return false;
	}
	if (month_begin(*m) < r->ledger_end && month_begin(month_next(*m, 1)) > r->ledger_begin)
		return true;
	month_text(*m, text);
	utc_text(r->ledger_begin, UTC_SHORT, begins);
	snprintf(err, errlen, "there is nothing of %s in the ledger, which begins at %s UTC", text,
		 begins);
	return false;
}

static bool read_before(struct report *r, struct ledger *l, char *err, size_t errlen)
{
	while (r->before_n < REPORT_BEFORE) {
		struct month which = month_next(r->now.month, -(int)r->before_n - 1);

		if (month_begin(month_next(which, 1)) <= r->ledger_begin)
			return true;
		if (!read_month(r, &r->before[r->before_n++], which, false, l, err, errlen))
			return false;
	}
	return true;
}

static bool read_all(struct report *r, struct ledger *l, struct incidents *in, struct month which,
		     char *err, size_t errlen)
{
	return ledger_freeze(l, err, errlen) && read_span(r, l, err, errlen) &&
	       choose_month(r, &which, err, errlen) && read_signatories(r, l, err, errlen) &&
	       read_month(r, &r->now, which, true, l, err, errlen) &&
	       read_before(r, l, err, errlen) && report_read_incidents(r, in, err, errlen);
}

struct report *report_new(struct ledger *l, struct incidents *in, const struct report_asked *asked,
			  char *err, size_t errlen)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	snprintf(r->zone, sizeof(r->zone), "%s", asked->zone);
	r->min_sessions = asked->min_sessions;
	r->generated = asked->generated;
	if (read_all(r, l, in, asked->month, err, errlen))
		return r;
	report_free(r);
	return NULL;
}

static void month_fini(struct report_month *m)
{
	free(m->pairs);
	for (unsigned i = 0; i < SIDES; i++)
		free(m->sides[i]);
}

void report_free(struct report *r)
{
	if (!r)
		return;
	month_fini(&r->now);
	for (size_t i = 0; i < r->before_n; i++)
		month_fini(&r->before[i]);
	free(r->signatories);
	free(r->outages);
	free(r->incidents);
	free(r);
}

/* What is said and not said ------------------------------------------------------------------- */

bool report_withholds(const struct report *r, const struct counts *c)
{
	uint64_t sessions = counts_sessions(c);

	return sessions > 0 && sessions < r->min_sessions;
}

/* Nothing was lost by a border that the ledger cuts elsewhere, if it had nothing there. */
static bool cut_elsewhere(const struct report *r, int64_t border, int64_t counted)
{
	return border < counted && counted > r->ledger_begin && border < r->ledger_end;
}

bool report_is_cut(const struct report *r, const struct report_month *m)
{
	return cut_elsewhere(r, m->from, m->counted_from) || cut_elsewhere(r, m->to, m->counted_to);
}

bool report_note(const struct report *r, enum report_note n, int64_t *at)
{
	const struct report_month *m = &r->now;

	*at = 0;
	switch (n) {
	case NOTE_NOT_OVER: *at = r->ledger_end; return r->ledger_end < m->to;
	case NOTE_BEGINS: *at = r->ledger_begin; return !r->deleted && m->before_s > 0;
	case NOTE_DELETED: *at = r->deleted; return r->deleted > m->from;
	case NOTE_BEGIN_COARSE:
		*at = m->counted_from;
		return cut_elsewhere(r, m->from, m->counted_from);
	case NOTE_END_COARSE: *at = m->counted_to; return cut_elsewhere(r, m->to, m->counted_to);
	case NOTE_NO_INCIDENTS: return !r->incidents_known;
	case NOTES: break;
	}
	return false;
}
