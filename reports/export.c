/* export.c - steps of the ledger as rows. */
#include "reports/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/export_write.h"

#define PIECE_STEPS 512
#define TIME_MAX_S  INT64_C(253402300800) /* the end of the year 9999 */

struct reading {
	const struct export_asked *asked;
	struct ledger *l;
	struct export_writer w;
	FILE *out;
	enum resolution resolution;
	int64_t unit;         /* length of a step */
	struct period period; /* whole units, within the ledger */
	int64_t ledger_end;
	int64_t kept[RESOLUTION_N];
	char (*signatories)[PARTY_NAME_MAX + 1]; /* in order */
	size_t signatories_n;

	int64_t piece, piece_end; /* steps that are read together */
	int64_t seen_s[PIECE_STEPS];
	int64_t at; /* the step to be written next */
	bool ran;   /* something was counted in it */
	struct counts sum[SERVICE_N];

	char *err;
	size_t errlen;
	bool damaged;
};

/* Whether one row per step is written, and not one per pair. */
static bool every_step(const struct export_asked *a)
{
	return a->sum || (a->client[0] && a->server[0]);
}

/* Period ------------------------------------------------------------------------------------- */

static int64_t down(int64_t t, int64_t unit)
{
	return t - t % unit;
}

static int64_t up(int64_t t, int64_t unit)
{
	return down(t + unit - 1, unit);
}

/* The finest resolution that is kept from the begin on. */
static enum resolution finest(const struct reading *r)
{
	enum resolution f = RESOLUTION_MINUTE;

	while (f < RESOLUTION_DAY && r->kept[f] > r->period.from)
		f++;
	return f;
}

static bool choose_resolution(struct reading *r)
{
	static const char *const plural[RESOLUTION_N] = { "minutes", "hours", "days" };
	enum resolution f = finest(r), wanted = r->asked->resolution;
	char text[UTC_TEXT_MAX];

	r->resolution = wanted == EXPORT_RESOLUTION_AUTO ? f : wanted;
	r->unit = resolution_seconds(r->resolution);
	if (r->resolution >= f)
		return true;
	utc_text(r->kept[wanted], UTC_SHORT, text);
	snprintf(r->err, r->errlen, "%s are kept since %s UTC only; %s reach back further",
		 plural[wanted], text, plural[f]);
	return false;
}

static bool read_span(struct reading *r, int64_t *first)
{
	int64_t last;

	r->err[0] = '\0';
	if (!ledger_span(r->l, first, &last, r->err, r->errlen)) {
		if (!r->err[0])
			snprintf(r->err, r->errlen,
				 "the ledger is empty: no step has been recorded yet");
		return false;
	}
	for (unsigned i = 0; i < RESOLUTION_N; i++) {
		if (!ledger_kept(r->l, (enum resolution)i, &r->kept[i], r->err, r->errlen))
			return false;
	}
	if (*first >= 0 && *first <= last && last < TIME_MAX_S) {
		r->ledger_end = last + STEP_S;
		return true;
	}
	snprintf(r->err, r->errlen, "the ledger is damaged: it ends at second %" PRId64, last);
	return false;
}

static bool read_period(struct reading *r)
{
	struct period *p = &r->period;
	int64_t first;

	if (!read_span(r, &first) ||
	    !period_of(&r->asked->period, r->ledger_end, p, r->err, r->errlen))
		return false;
	if (p->from < first)
		p->from = first;
	if (p->to > r->ledger_end)
		p->to = r->ledger_end;
	if (!choose_resolution(r))
		return false;
	p->from = down(p->from, r->unit);
	p->to = up(p->to, r->unit);
	if (p->to < p->from) /* all of it lies before the ledger */
		p->to = p->from;
	return true;
}

/* Peers -------------------------------------------------------------------------------------- */

static bool on_peer(void *ctx, const char *name, bool signatory)
{
	struct reading *r = ctx;

	if (!signatory)
		return true;
	r->signatories =
		reallocarray(r->signatories, r->signatories_n + 1, sizeof(*r->signatories));
	if (!r->signatories)
		abort();
	snprintf(r->signatories[r->signatories_n++], sizeof(*r->signatories), "%s", name);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_signatory(const struct reading *r, const char *name)
{
	return r->signatories_n &&
	       bsearch(name, r->signatories, r->signatories_n, sizeof(*r->signatories), by_name);
}

static bool is_promised(const struct reading *r, enum service service, const char *client,
			const char *server)
{
	return service == SERVICE_MTA && strcmp(client, server) != 0 && is_signatory(r, client) &&
	       is_signatory(r, server);
}

static bool check_names(struct reading *r)
{
	const char *names[] = { r->asked->client, r->asked->server, r->asked->peer };
	struct ledger_party party;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!names[i][0])
			continue;
		if (!ledger_party(r->l, names[i], &party, r->err, r->errlen))
			return false;
		if (party.known)
			continue;
		snprintf(r->err, r->errlen,
			 "the ledger knows no peer \"%s\" (mailseal matrix --all shows whom it "
			 "knows)",
			 names[i]);
		return false;
	}
	return ledger_peers(r->l, on_peer, r, r->err, r->errlen);
}

/* Rows --------------------------------------------------------------------------------------- */

static int64_t seen_at(const struct reading *r, int64_t step)
{
	return r->seen_s[(step - r->piece) / r->unit];
}

/* A step in which the sensor did not run. */
static void write_outage(struct reading *r)
{
	struct export_row row = { .begin = r->at, .service = -1 };

	export_row(&r->w, &row);
}

/* The sum of a step, or all that there is of a pair, service by service. */
static void write_sum(struct reading *r)
{
	const struct export_asked *a = r->asked;
	struct series_value values[SERIES_MAX];
	int64_t seen_s = seen_at(r, r->at);
	struct export_row row = { .begin = r->at, .seen_s = seen_s };

	if (!a->sum) {
		row.client = a->client;
		row.server = a->server;
	}
	for (unsigned s = 0; s < SERVICE_N; s++) {
		if (a->service >= 0 && a->service != (int)s)
			continue;
		series_of_counts(&r->sum[s], values);
		row.service = (int)s;
		row.promised = is_promised(r, (enum service)s, a->client, a->server);
		row.values = seen_s > 0 || r->ran ? values : NULL;
		export_row(&r->w, &row);
	}
	memset(r->sum, 0, sizeof(r->sum));
	r->ran = false;
}

/* Writes what there is of the steps up to one that is within the piece or its end. */
static void write_until(struct reading *r, int64_t step)
{
	for (; r->at < step && !ferror(r->out); r->at += r->unit) {
		if (r->asked->of == SERIES_OF_PAIR && every_step(r->asked))
			write_sum(r);
		else if (seen_at(r, r->at) == 0)
			write_outage(r);
	}
}

/* A step between two others would be counted in neither. */
static bool is_whole(struct reading *r, int64_t step)
{
	r->damaged = step % r->unit != 0;
	if (r->damaged)
		snprintf(r->err, r->errlen,
			 "the ledger is damaged: no step of it begins at second %" PRId64, step);
	return !r->damaged;
}

static bool matches(const struct reading *r, const struct ledger_row *row)
{
	const struct export_asked *a = r->asked;

	if (a->peer[0] && strcmp(a->peer, row->client) != 0 && strcmp(a->peer, row->server) != 0)
		return false;
	return !a->promised || is_promised(r, row->service, row->client, row->server);
}

static void write_pair(struct reading *r, int64_t step, const struct ledger_row *row)
{
	struct series_value values[SERIES_MAX];
	struct export_row out = {
		.begin = step,
		.seen_s = seen_at(r, step),
		.service = (int)row->service,
		.client = row->client,
		.server = row->server,
		.promised = is_promised(r, row->service, row->client, row->server),
		.values = values,
	};

	series_of_counts(&row->counts, values);
	export_row(&r->w, &out);
}

static bool on_row(void *ctx, int64_t step, const struct ledger_row *row)
{
	struct reading *r = ctx;

	if (!is_whole(r, step))
		return false;
	write_until(r, step);
	if (!matches(r, row))
		return !ferror(r->out);
	if (every_step(r->asked)) {
		r->ran = true;
		counts_add(&r->sum[row->service], &row->counts);
	} else {
		write_pair(r, step, row);
		r->at = step + r->unit;
	}
	return !ferror(r->out);
}

static bool on_health(void *ctx, int64_t step, const struct health *h)
{
	struct reading *r = ctx;
	struct series_value values[SERIES_MAX];
	struct export_row row = { .begin = step, .values = values };

	if (!is_whole(r, step))
		return false;
	write_until(r, step);
	series_of_health(h, values);
	row.seen_s = seen_at(r, step);
	export_row(&r->w, &row);
	r->at = step + r->unit;
	return !ferror(r->out);
}

/* Pieces ------------------------------------------------------------------------------------- */

struct seeing {
	struct reading *r;
	enum resolution resolution;
};

static bool on_seen(void *ctx, int64_t step, const struct health *h)
{
	const struct seeing *s = ctx;

	s->r->seen_s[(step - s->r->piece) / s->r->unit] += ledger_seen_s(h, s->resolution);
	return true;
}

/* How much of each step of the piece the sensor saw: from minutes where they are kept, hours
 * before, then days, as in ledger_sum(). */
static bool read_seen(struct reading *r)
{
	int64_t to = r->piece_end;

	memset(r->seen_s, 0, sizeof(r->seen_s));
	for (enum resolution f = RESOLUTION_MINUTE; f <= r->resolution && to > r->piece; f++) {
		struct seeing s = { .r = r, .resolution = f };
		int64_t from = f == r->resolution || r->kept[f] < r->piece ? r->piece : r->kept[f];

		if (from < to &&
		    !ledger_walk_health(r->l, f, from, to, on_seen, &s, r->err, r->errlen))
			return false;
		if (from < to)
			to = from;
	}
	return true;
}

static bool write_piece(struct reading *r)
{
	const struct export_asked *a = r->asked;
	struct ledger_query q = {
		.from = r->piece,
		.to = r->piece_end,
		.service = a->service,
		.client = a->client[0] ? a->client : NULL,
		.server = a->server[0] ? a->server : NULL,
	};
	bool ok = a->of == SERIES_OF_SENSOR
			  ? ledger_walk_health(r->l, r->resolution, q.from, q.to, on_health, r,
					       r->err, r->errlen)
			  : ledger_walk(r->l, r->resolution, &q, on_row, r, r->err, r->errlen);

	if (!ok || r->damaged)
		return false;
	write_until(r, r->piece_end);
	return true;
}

static bool write_rows(struct reading *r)
{
	int64_t length = PIECE_STEPS * r->unit;

	r->at = r->period.from;
	for (r->piece = r->period.from; r->piece < r->period.to && !ferror(r->out);
	     r->piece = r->piece_end) {
		r->piece_end = r->period.to - r->piece < length ? r->period.to : r->piece + length;
		if (!read_seen(r) || !write_piece(r))
			return false;
	}
	return true;
}

static bool write_all(struct reading *r, bool json)
{
	const struct export_asked *a = r->asked;
	const struct export_head head = {
		.of = a->of,
		.sum = a->sum,
		.service = a->service,
		.client = a->client,
		.server = a->server,
		.peer = a->peer,
		.promised = a->promised,
		.resolution = r->resolution,
		.period = r->period,
		.ledger_end = r->ledger_end,
		.series = a->series,
	};

	export_begin(&r->w, &head, json, r->out);
	if (!write_rows(r))
		return false;
	export_end(&r->w);
	return true;
}

bool export_write(const struct export_asked *a, struct ledger *l, FILE *out, char *err,
		  size_t errlen)
{
	struct reading r = { .asked = a, .l = l, .out = out, .err = err, .errlen = errlen };
	bool ok = ledger_freeze(l, err, errlen) && check_names(&r) && read_period(&r) &&
		  write_all(&r, a->json);

	free(r.signatories);
	return ok;
}
