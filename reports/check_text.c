/* check_text.c - a check as a monitoring system reads it: a line, numbers, details. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reports/check.h"
#include "reports/perfdata.h"

#define LINE_MAX_BYTES 2048
#define FIRST_REASONS  3 /* on the first line */

static const char *const state_names[CHECK_STATES] = {
	[CHECK_OK] = "OK",
	[CHECK_WARNING] = "WARNING",
	[CHECK_CRITICAL] = "CRITICAL",
	[CHECK_UNKNOWN] = "UNKNOWN",
};

const char *check_state_name(enum check_state s)
{
	return s < CHECK_STATES ? state_names[s] : NULL;
}

/* Printable ASCII without a '|', which begins the numbers. */
__attribute__((format(printf, 2, 3))) static void put(FILE *out, const char *format, ...)
{
	char text[LINE_MAX_BYTES], safe[4 * LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_safe(text, false, safe, sizeof(safe));
	for (char *p = strchr(safe, '|'); p; p = strchr(p, '|'))
		*p = '/';
	fputs(safe, out);
}

static const char *or_any(const char *name)
{
	return name[0] ? name : "any";
}

/* The first line ----------------------------------------------------------------------------- */

static void put_share(const struct check *c, FILE *out)
{
	const struct ratio *r = &c->ratio;
	char sealed[32];

	ratio_text(r, sealed, sizeof(sealed));
	if (counts_sessions(&c->counts) == 0)
		put(out, "idle");
	else if (r->known)
		put(out, "%s sealed", sealed);
	else
		put(out, "nothing decided");
	if (r->plaintext > 0)
		put(out, ", %" PRIu64 " in clear", r->plaintext);
}

static void put_window(const struct check *c, FILE *out)
{
	int64_t window = c->m->period.to - c->m->period.from;
	char span[32], seen[32];

	span_text(window, span, sizeof(span));
	if (window == 3600)
		snprintf(span, sizeof(span), "60 min");
	put(out, " in %s", span);
	span_text(c->m->seen_s, seen, sizeof(seen));
	if (c->m->seen_s < window)
		put(out, " (of which the sensor ran %s)", seen);
}

static void put_summary(const struct check *c, FILE *out)
{
	const struct check_asked *a = &c->asked;
	const struct ratio *r = &c->ratio;
	uint64_t decided = r->encrypted + r->plaintext + r->failed;
	char sessions[48], coverage[32] = "";

	put(out, "%s:%s ", or_any(a->client), or_any(a->server));
	if (a->service != SERVICE_MTA)
		put(out, "%s ", service_name(a->service));
	put_share(c, out);
	text_count(counts_sessions(&c->counts), "session", "sessions", sessions, sizeof(sessions));
	put(out, ", %s", sessions);
	if (r->covered) {
		percent_text(decided, decided + r->unknown, false, coverage, sizeof(coverage));
		put(out, ", coverage %s %%", coverage);
	}
	put_window(c, out);
}

/* When it is too late for a line, what comes first is why. */
static void put_first_line(const struct check *c, FILE *out)
{
	size_t i = 0;

	put(out, "MAILSEAL %s - ", check_state_name(c->state));
	if (c->stale)
		put(out, "%s Before that: ", c->reasons[i++].text);
	put_summary(c, out);
	for (size_t n = 0; i < c->reasons_n && n < FIRST_REASONS; i++, n++)
		put(out, "; %s", c->reasons[i].text);
	if (i < c->reasons_n)
		put(out, "; %zu more (-v)", c->reasons_n - i);
}

/* Numbers ------------------------------------------------------------------------------------ */

/* A share in hundredths of a percent, rounded down. */
static void put_percent(FILE *out, const char *label, bool known, uint64_t num, uint64_t den,
			const char *warn, const char *crit)
{
	char text[16] = "0";
	struct perfdatum d = { label, "%", known && den > 0, 0, warn, crit, true, true };
	char *point;

	if (d.known)
		percent_text(num, den, false, text, sizeof(text));
	point = strchr(text, '.');
	d.value = 100 * strtoll(text, NULL, 10) + (point ? strtoll(point + 1, NULL, 10) : 0);
	perfdata_put(out, &d);
}

static void put_number(FILE *out, const char *label, const char *unit, bool known, uint64_t n)
{
	struct perfdatum d = { label, unit, known, 0, NULL, NULL, true, false };

	d.value = n > INT64_MAX / 100 ? INT64_MAX : (int64_t)n * 100;
	perfdata_put(out, &d);
}

/* A limit as a range; none when it is one that is never passed. */
static void range_text(int64_t limit, int64_t never, const char *behind, char *out, size_t len)
{
	int64_t whole = limit / RANGE_UNIT, part = limit % RANGE_UNIT / (RANGE_UNIT / 100);

	if (limit == never * RANGE_UNIT)
		out[0] = '\0';
	else if (part)
		snprintf(out, len, "%" PRId64 ".%02" PRId64 "%s", whole, part, behind);
	else
		snprintf(out, len, "%" PRId64 "%s", whole, behind);
}

static void put_shares(const struct check *c, FILE *out)
{
	const uint64_t *h = c->m->health.n;
	const struct ratio *r = &c->ratio;
	uint64_t decided = r->encrypted + r->plaintext + r->failed;
	uint64_t dropped = h[HEALTH_DROP_KERNEL] + h[HEALTH_DROP_NIC];
	bool fresh = !c->stale;
	char coverage[32], loss[32], one_sided[32];

	range_text(c->asked.min_coverage, 0, ":", coverage, sizeof(coverage));
	range_text(c->asked.max_loss, 100, "", loss, sizeof(loss));
	range_text(c->asked.max_one_sided, 100, "", one_sided, sizeof(one_sided));
	put_percent(out, "sealed", fresh && r->known, r->encrypted, r->encrypted + r->plaintext,
		    c->asked.warn.text, c->asked.crit.text);
	put_percent(out, "coverage", fresh && r->covered, decided, decided + r->unknown, coverage,
		    NULL);
	put_percent(out, "dropped", fresh, dropped, dropped + h[HEALTH_PACKETS], loss, NULL);
	put_percent(out, "one_sided", fresh, h[HEALTH_ONE_SIDED], h[HEALTH_SESSIONS], one_sided,
		    NULL);
}

/* Numbers of the window rise and fall: they are no counters, and have no unit. */
static void put_numbers(const struct check *c, FILE *out)
{
	bool fresh = !c->stale;

	put_shares(c, out);
	put_number(out, "sessions", "", fresh, counts_sessions(&c->counts));
	put_number(out, "encrypted", "", fresh, c->ratio.encrypted);
	put_number(out, "plaintext", "", fresh, c->ratio.plaintext);
	put_number(out, "tls_failed", "", fresh, c->ratio.failed);
	put_number(out, "unknown", "", fresh, c->ratio.unknown);
	put_number(out, "critical_incidents", "", true, c->firing[SEVERITY_CRITICAL]);
	put_number(out, "warning_incidents", "", true, c->firing[SEVERITY_WARNING]);
	put_number(out, "age", "s", true, c->age_s > 0 ? (uint64_t)c->age_s : 0);
}

/* Details ------------------------------------------------------------------------------------ */

static void put_incident(const struct incident *i, FILE *out)
{
	char since[UTC_TEXT_MAX];

	utc_text(i->since, UTC_SECONDS, since);
	put(out, "incident %" PRId64 ": %s, %s, %s, %s -> %s, since %s UTC", i->id,
	    severity_name(i->severity), incident_state_name(i->state), i->rule, i->client,
	    i->server, since);
	if (i->found[0])
		put(out, ": %s", i->found);
	if (i->why[0])
		put(out, "; %s", i->why);
	if (i->acked)
		put(out, "; acknowledged by %s: %s", i->ack_by, i->ack_note);
	fputs("\n", out);
}

static void put_details(const struct check *c, FILE *out)
{
	char bounds[48], end[UTC_TEXT_MAX];

	utc_text(c->m->ledger_end, UTC_SECONDS, end);
	bounds_text(&c->ratio, bounds, sizeof(bounds));
	put(out, "sealed between %s %%; the window ends %s UTC", bounds, end);
	fputs("\n", out);
	for (size_t i = 0; i < c->reasons_n; i++) {
		put(out, "%s: %s", check_state_name(c->reasons[i].state), c->reasons[i].text);
		fputs("\n", out);
	}
	for (size_t i = 0; i < c->incidents_n; i++)
		put_incident(&c->incidents[i], out);
}

static void put_pairs(const struct check *c, FILE *out)
{
	for (size_t i = 0; i < c->m->cells_n; i++) {
		const struct matrix_cell *cell = &c->m->cells[i];
		struct ratio r = counts_ratio(&cell->counts, 0);
		char sealed[32];

		if (!check_wants(c, cell))
			continue;
		ratio_text(&r, sealed, sizeof(sealed));
		put(out,
		    "%s:%s: %s, E %" PRIu64 ", P %" PRIu64 ", U %" PRIu64 ", %" PRIu64 " sessions",
		    c->m->parties[cell->client].name, c->m->parties[cell->server].name, sealed,
		    r.encrypted, r.plaintext, r.unknown, counts_sessions(&cell->counts));
		fputs("\n", out);
	}
}

static void put_health(const struct check *c, FILE *out)
{
	for (unsigned i = 0; i < HEALTH_N; i++) {
		if (c->m->health.n[i] == 0)
			continue;
		put(out, "%s: %" PRIu64 " %s", health_name((enum health_counter)i),
		    c->m->health.n[i], health_text((enum health_counter)i));
		fputs("\n", out);
	}
}

void check_print(const struct check *c, unsigned verbose, FILE *out)
{
	put_first_line(c, out);
	fputs(" |", out);
	put_numbers(c, out);
	fputs("\n", out);
	if (verbose > 0)
		put_details(c, out);
	if (verbose > 1)
		put_pairs(c, out);
	if (verbose > 2)
		put_health(c, out);
}

void check_print_unknown(const char *why, FILE *out)
{
	put(out, "MAILSEAL UNKNOWN - %s", why);
	fputs("\n", out);
}
