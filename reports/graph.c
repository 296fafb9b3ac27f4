/* graph.c - the words, numbers and incidents of a picture. */
#include "reports/graph.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "reports/incidents.h"

__attribute__((format(printf, 2, 3))) static void add_line(struct rrd_picture *p,
							   const char *format, ...)
{
	va_list args;

	if (p->lines_n == RRD_LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(p->lines[p->lines_n++], RRD_TEXT_MAX, format, args);
	va_end(args);
}

static void add_period(struct rrd_picture *p)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	utc_text(p->from, UTC_SHORT, from);
	utc_text(p->to, UTC_SHORT, to);
	add_line(p, "%s to %s UTC, exact counts; time axis: %s", from, to,
		 p->zone[0] ? p->zone : "UTC");
}

/* Counts ------------------------------------------------------------------------------------- */

static void add_ratio(struct rrd_picture *p, uint64_t lost)
{
	struct ratio r = counts_ratio(&p->counts, lost);
	char ratio[16], bounds[32], coverage[16];

	ratio_text(&r, ratio, sizeof(ratio));
	bounds_text(&r, bounds, sizeof(bounds));
	coverage_text(&r, coverage, sizeof(coverage));
	add_line(p, "sealed %s (%s), coverage %s, sessions %" PRIu64, ratio, bounds, coverage,
		 counts_sessions(&p->counts));
	if (p->kind == RRD_RATIO)
		add_line(p,
			 "sealed %" PRIu64 ", in clear %" PRIu64 ", TLS failed %" PRIu64
			 ", undecided %" PRIu64,
			 r.encrypted, r.plaintext, r.failed, r.unknown);
}

static bool known_party(const struct matrix *m, const char *name)
{
	for (size_t i = 0; i < m->parties_n; i++) {
		if (strcmp(m->parties[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The cell of the pair, or NULL with a sentence in err. */
static const struct matrix_cell *find_cell(const struct matrix *m, const struct rrd_picture *p,
					   char *err, size_t errlen)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	for (size_t i = 0; i < m->cells_n; i++) {
		if (strcmp(m->parties[m->cells[i].client].name, p->client) == 0 &&
		    strcmp(m->parties[m->cells[i].server].name, p->server) == 0)
			return &m->cells[i];
	}
	utc_text(m->period.from, UTC_SHORT, from);
	utc_text(m->period.to, UTC_SHORT, to);
	if (!known_party(m, p->client) || !known_party(m, p->server))
		snprintf(err, errlen,
			 "the ledger knows no peer \"%s\" (mailseal matrix --all shows whom it "
			 "knows)",
			 known_party(m, p->client) ? p->server : p->client);
	else
		snprintf(err, errlen, "no session from %s to %s (%s) between %s and %s UTC",
			 p->client, p->server, service_name(m->service), from, to);
	return NULL;
}

static bool fill_pair(struct rrd_picture *p, const struct matrix *m, char *err, size_t errlen)
{
	const struct matrix_cell *c = find_cell(m, p, err, errlen);

	if (!c)
		return false;
	p->counts = c->counts;
	snprintf(p->title, sizeof(p->title), "Mail from %s to %s (%s)", p->client, p->server,
		 service_name(p->service));
	add_period(p);
	add_ratio(p, 0);
	return true;
}

static void fill_total(struct rrd_picture *p, const struct matrix *m)
{
	p->counts = m->total;
	snprintf(p->title, sizeof(p->title), "%s (%s)",
		 p->service == SERVICE_MTA ? "Mail between signatories" : "All mail",
		 service_name(p->service));
	add_period(p);
	add_ratio(p, m->health.n[HEALTH_LOST]);
}

static void fill_sensor(struct rrd_picture *p, const struct matrix *m)
{
	static const char *const titles[RRD_KINDS] = {
		[RRD_PACKETS] = "The sensor: packets",
		[RRD_LOSS] = "The sensor: what it lost",
		[RRD_FLOWS] = "The sensor: TCP connections",
	};
	int64_t length = m->period.to - m->period.from;

	p->health = m->health;
	snprintf(p->title, sizeof(p->title), "%s", titles[p->kind]);
	add_period(p);
	add_line(p, "the sensor ran for %" PRId64 " of %" PRId64 " minutes", m->seen_s / 60,
		 length / 60);
}

/* Incidents ---------------------------------------------------------------------------------- */

#define LABELS_MAX 6u

struct marking {
	struct rrd_picture *p;
	unsigned all; /* also those for which there is no room */
};

static bool concerns(const struct rrd_picture *p, const struct incident *i)
{
	if (rrd_kind_of_sensor(p->kind))
		return i->service == SERVICE_N;
	return i->service == p->service && (!p->client[0] || (strcmp(i->client, p->client) == 0 &&
							      strcmp(i->server, p->server) == 0));
}

/* The title names the pair of a picture of one. */
static void add_label(const struct rrd_picture *p, const struct incident *i, struct rrd_mark *m)
{
	char from[UTC_TEXT_MAX], pair[2 * PARTY_NAME_MAX + 3] = "";

	utc_text(i->since - i->since % 60, UTC_SHORT, from);
	if (!p->client[0] && i->service != SERVICE_N)
		snprintf(pair, sizeof(pair), " %s:%s", i->client, i->server);
	snprintf(m->label, sizeof(m->label), "%s UTC %s %s%s", from, severity_name(i->severity),
		 i->rule, pair);
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct marking *g = ctx;
	struct rrd_picture *p = g->p;
	int64_t to = i->state == INCIDENT_CLOSED ? i->closed : INT64_MAX;
	struct rrd_mark *m;

	if (!concerns(p, i) || i->since >= p->to || to <= p->from)
		return true;
	if (g->all++ >= RRD_MARKS_MAX)
		return true;
	m = &p->marks[p->marks_n++];
	*m = (struct rrd_mark){ .from = i->since,
				.to = to,
				.critical = i->severity == SEVERITY_CRITICAL };
	if (p->marks_n <= LABELS_MAX)
		add_label(p, i, m);
	return true;
}

static bool add_marks(struct rrd_picture *p, const char *dir, char *err, size_t errlen)
{
	struct marking g = { .p = p };
	char path[4096];
	struct incidents *in;
	bool ok;

	snprintf(path, sizeof(path), "%s/incidents.db", dir);
	if (access(path, F_OK) != 0)
		return true;
	in = incidents_open(dir, false, NULL, err, errlen);
	ok = in && incidents_list(in, -1, NULL, on_incident, &g, err, errlen);
	incidents_close(in);
	if (g.all > RRD_MARKS_MAX)
		add_line(p, "%u incidents, of which the newest %u are marked", g.all,
			 RRD_MARKS_MAX);
	else if (g.all > LABELS_MAX)
		add_line(p, "%u incidents are marked, the newest %u are named", g.all, LABELS_MAX);
	return ok;
}

bool graph_fill(struct rrd_picture *p, const struct matrix *m, const char *dir, char *err,
		size_t errlen)
{
	p->service = m->service;
	p->from = m->period.from;
	p->to = m->period.to;
	p->totals = true;
	p->lines_n = p->marks_n = 0;
	if (rrd_kind_of_sensor(p->kind))
		fill_sensor(p, m);
	else if (!p->client[0])
		fill_total(p, m);
	else if (!fill_pair(p, m, err, errlen))
		return false;
	return add_marks(p, dir, err, errlen);
}
