/* check.c - what the ledger and the incidents say of a pair, and the state it makes. */
#include "reports/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_S 60

#define FEW_SESSIONS 20 /* of the sensor: too few to say that they are one-sided */

/* Reasons ------------------------------------------------------------------------------------ */

/* CRITICAL, UNKNOWN, WARNING, OK. */
static unsigned gravity(enum check_state s)
{
	static const unsigned char order[CHECK_STATES] = {
		[CHECK_OK] = 0,
		[CHECK_WARNING] = 1,
		[CHECK_UNKNOWN] = 2,
		[CHECK_CRITICAL] = 3,
	};

	return order[s];
}

__attribute__((format(printf, 3, 4))) static void because(struct check *c, enum check_state state,
							  const char *format, ...)
{
	struct check_reason *r = &c->reasons[c->reasons_n];
	va_list args;

	if (gravity(state) > gravity(c->state))
		c->state = state;
	if (c->reasons_n == CHECK_REASONS_MAX)
		return;
	c->reasons_n++;
	r->state = state;
	va_start(args, format);
	vsnprintf(r->text, sizeof(r->text), format, args);
	va_end(args);
}

/* num of den in percent, RANGE_UNIT, rounded down. */
static int64_t percent(uint64_t num, uint64_t den)
{
	while (num > INT64_MAX / (100 * (uint64_t)RANGE_UNIT)) { /* far from any real count */
		num >>= 1;
		den = (den >> 1) + 1;
	}
	return den ? (int64_t)(num * 100 * RANGE_UNIT / den) : 0;
}

static void judge_ratio(struct check *c)
{
	const struct check_asked *a = &c->asked;
	uint64_t decided = c->ratio.encrypted + c->ratio.plaintext;
	int64_t sealed = percent(c->ratio.encrypted, decided);

	if (c->ratio.known && range_alerts(&a->crit, sealed))
		because(c, CHECK_CRITICAL, "the critical range is %s", a->crit.text);
	else if (c->ratio.known && range_alerts(&a->warn, sealed))
		because(c, CHECK_WARNING, "the warning range is %s", a->warn.text);
	if (decided < (uint64_t)a->min_sessions)
		because(c, CHECK_UNKNOWN, "%" PRIu64 " decided sessions, fewer than %" PRId64,
			decided, a->min_sessions);
}

static void judge_coverage(struct check *c)
{
	const struct ratio *r = &c->ratio;
	uint64_t decided = r->encrypted + r->plaintext + r->failed;

	if (r->covered && percent(decided, decided + r->unknown) < c->asked.min_coverage)
		because(c, CHECK_WARNING, "coverage is too low");
}

static void judge_loss(struct check *c, const char *what, uint64_t lost, uint64_t got)
{
	int64_t share = percent(lost, lost + got);

	if (share > c->asked.max_loss)
		because(c, CHECK_WARNING, "the sensor lost %" PRId64 ".%02" PRId64 " %% of its %s",
			share / RANGE_UNIT, share % RANGE_UNIT / (RANGE_UNIT / 100), what);
}

static void judge_sensor(struct check *c)
{
	const uint64_t *h = c->m->health.n;
	int64_t one_sided = percent(h[HEALTH_ONE_SIDED], h[HEALTH_SESSIONS]);

	if (h[HEALTH_PACKETS] == 0)
		because(c, CHECK_UNKNOWN, "the sensor saw no packet");
	judge_loss(c, "packets", h[HEALTH_DROP_KERNEL] + h[HEALTH_DROP_NIC], h[HEALTH_PACKETS]);
	judge_loss(c, "records", h[HEALTH_LOST], h[HEALTH_SESSIONS]);
	if (h[HEALTH_SESSIONS] >= FEW_SESSIONS && one_sided > c->asked.max_one_sided)
		because(c, CHECK_WARNING, "%" PRId64 " %% of all sessions were seen from one side",
			one_sided / RANGE_UNIT);
}

static void judge_incidents(struct check *c, enum severity s, enum check_state state)
{
	const struct incident *first = NULL;
	char more[48] = "";

	for (size_t i = c->incidents_n; i > 0; i--) {
		if (c->incidents[i - 1].severity == s)
			first = &c->incidents[i - 1];
	}
	if (c->firing[s] > 1)
		snprintf(more, sizeof(more), " and %" PRIu64 " more", c->firing[s] - 1);
	if (first)
		because(c, state, "%s incident %" PRId64 " (%s, %s)%s", severity_name(s), first->id,
			first->rule, incident_state_name(first->state), more);
	else if (c->firing[s] > 0)
		because(c, state, "%" PRIu64 " %s incidents", c->firing[s], severity_name(s));
}

/* A step that is long over, or that lies in the future: what is said is not about now. */
static bool judge_age(struct check *c)
{
	char text[32];

	if (c->age_s <= c->asked.max_age_s && c->age_s >= -c->asked.max_age_s)
		return true;
	c->stale = true;
	if (c->age_s < 0) {
		because(c, CHECK_UNKNOWN, "the last step lies in the future: do the clocks agree?");
		return false;
	}
	if (c->age_s >= 2 * MINUTE_S)
		snprintf(text, sizeof(text), "%" PRId64 " min", c->age_s / MINUTE_S);
	else
		snprintf(text, sizeof(text), "%" PRId64 " s", c->age_s);
	because(c, CHECK_UNKNOWN, "the last step ended %s ago: does mailseald run?", text);
	return false;
}

static void judge(struct check *c)
{
	bool fresh = judge_age(c);

	judge_ratio(c);
	judge_incidents(c, SEVERITY_CRITICAL, CHECK_CRITICAL);
	judge_incidents(c, SEVERITY_WARNING, CHECK_WARNING);
	judge_coverage(c);
	judge_sensor(c);
	if (!fresh)
		c->state = CHECK_UNKNOWN;
}

/* Reading ------------------------------------------------------------------------------------ */

static bool is_signatory(const struct matrix *m, const char *name)
{
	for (size_t i = 0; i < m->parties_n; i++) {
		if (m->parties[i].kind == PARTY_SIGNATORY && strcmp(m->parties[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A peer of the configuration, its other addresses, "other", or what the ledger has sessions of. */
static bool is_known(const struct matrix *m, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || strcmp(name, "other") == 0)
		return true;
	for (size_t i = 0; i < m->parties_n; i++) {
		const char *known = m->parties[i].name;
		size_t n = strlen(known);

		if (strncmp(known, name, n) == 0 && (n == len || strcmp(name + n, "-net") == 0))
			return true;
	}
	return false;
}

/* Of mta, what signatories promise each other; with "any" that is all that is asked for. */
static bool is_promised(const struct check *c)
{
	const struct check_asked *a = &c->asked;

	return a->service == SERVICE_MTA && (!a->client[0] || is_signatory(c->m, a->client)) &&
	       (!a->server[0] || is_signatory(c->m, a->server)) &&
	       (!a->client[0] || strcmp(a->client, a->server) != 0);
}

static bool matches(const struct check_asked *a, const char *client, const char *server)
{
	return (!a->client[0] || strcmp(a->client, client) == 0) &&
	       (!a->server[0] || strcmp(a->server, server) == 0);
}

bool check_wants(const struct check *c, const struct matrix_cell *cell)
{
	return matches(&c->asked, c->m->parties[cell->client].name,
		       c->m->parties[cell->server].name) &&
	       (!c->promised || cell->promised);
}

static bool everything(const struct check_asked *a)
{
	return !a->client[0] && !a->server[0];
}

static bool read_counts(struct check *c, struct ledger *l, int64_t now, char *err, size_t errlen)
{
	struct period_asked period = { .last_s = c->asked.window_s };
	const struct check_asked *a = &c->asked;

	c->m = matrix_new(l, a->service, true, &period, err, errlen);
	if (!c->m)
		return false;
	if (!is_known(c->m, a->client) || !is_known(c->m, a->server)) {
		snprintf(err, errlen, "there is no peer \"%s\"",
			 is_known(c->m, a->client) ? a->server : a->client);
		return false;
	}
	c->promised = is_promised(c);
	for (size_t i = 0; i < c->m->cells_n; i++) {
		if (check_wants(c, &c->m->cells[i]))
			counts_add(&c->counts, &c->m->cells[i].counts);
	}
	c->ratio = counts_ratio(&c->counts, everything(a) ? c->m->health.n[HEALTH_LOST] : 0);
	c->age_s = now - c->m->ledger_end;
	return true;
}

/* Incidents of the sensor itself concern every pair. */
static bool on_incident(void *ctx, const struct incident *i)
{
	struct check *c = ctx;
	bool of_sensor = strcmp(i->client, "-") == 0 && strcmp(i->server, "-") == 0;

	if (!of_sensor &&
	    (i->service != c->asked.service || !matches(&c->asked, i->client, i->server)))
		return true;
	c->firing[i->severity]++;
	if (c->incidents_n < CHECK_INCIDENTS_MAX)
		c->incidents[c->incidents_n++] = *i;
	return true;
}

static bool read_incidents(struct check *c, struct incidents *in, char *err, size_t errlen)
{
	return incidents_list(in, INCIDENT_OPEN, NULL, on_incident, c, err, errlen) &&
	       incidents_list(in, INCIDENT_STALE, NULL, on_incident, c, err, errlen);
}

static void set_ranges(struct check *c)
{
	struct check_asked *a = &c->asked;

	if (!a->warn.given && !a->crit.given)
		range_parse("100:", c->promised ? &a->crit : &a->warn);
}

struct check *check_new(const struct check_asked *asked, struct ledger *l, struct incidents *in,
			int64_t now, char *err, size_t errlen)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->asked = *asked;
	if (!read_counts(c, l, now, err, errlen) || !read_incidents(c, in, err, errlen)) {
		check_free(c);
		return NULL;
	}
	set_ranges(c);
	judge(c);
	return c;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	matrix_free(c->m);
	free(c);
}
