/* matrix_text.c - the matrix for a terminal. */
#include "reports/matrix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/table.h"

#define CLEAR_PAIRS_MAX 10u /* pairs in clear that are named below the table */
#define LABEL_WIDTH     13u

static const char *const service_words[SERVICE_N] = {
	[SERVICE_MTA] = "Mail between servers (mta)",
	[SERVICE_SUBMISSION] = "Users handing in mail (submission)",
	[SERVICE_ACCESS] = "Users reading mail (access)",
};

/* A line below the table; the label is bold on a terminal that can. */
static void note(const struct screen *s, const char *label, const char *text, FILE *out)
{
	fputs(tone_on(s, TONE_STRONG), out);
	fprintf(out, "%-*s", (int)LABEL_WIDTH, label);
	fputs(tone_off(s, TONE_STRONG), out);
	text_wrap_at(out, s->width, LABEL_WIDTH, text);
}

static void print_heading(const struct matrix *m, const struct screen *s, FILE *out)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX], span[32];

	utc_text(m->period.from, UTC_SHORT, from);
	utc_text(m->period.to, UTC_SHORT, to);
	span_text(m->period.to - m->period.from, span, sizeof(span));
	fprintf(out, "%s%s%s\n", tone_on(s, TONE_STRONG), service_words[m->service],
		tone_off(s, TONE_STRONG));
	fprintf(out, "%s to %s UTC, %s%s%s\n\n", from, to,
		m->period.counted_back ? "the last " : "", span,
		m->period.counted_back ? " in the ledger" : "");
}

static enum tone cell_tone(const struct ratio *r, bool promised)
{
	if (r->plaintext > 0)
		return promised ? TONE_BAD : TONE_WARN;
	return r->known ? TONE_GOOD : TONE_PLAIN;
}

/* "99.98 %", "99.90-99.99", "1234 / 98 %" in three lines. */
static void put_cell(struct table *t, const struct matrix_cell *c)
{
	char ratio[16], bounds[32], coverage[16], text[128];
	struct ratio r;

	if (!c || counts_sessions(&c->counts) == 0) {
		table_cell(t, TONE_PLAIN, "-");
		return;
	}
	r = counts_ratio(&c->counts, 0);
	ratio_text(&r, ratio, sizeof(ratio));
	bounds_text(&r, bounds, sizeof(bounds));
	coverage_text(&r, coverage, sizeof(coverage));
	snprintf(text, sizeof(text), "%s\n%s%s%" PRIu64 " / %s", ratio, r.known ? bounds : "",
		 r.known ? "\n" : "", counts_sessions(&c->counts), coverage);
	table_cell(t, cell_tone(&r, c->promised), text);
}

/* Which parties have a row, which a column: signatories always, others when they have cells. */
struct axes {
	bool *row, *column;
	unsigned columns;
	size_t rows;
};

static struct axes axes_of(const struct matrix *m)
{
	struct axes a = { calloc(m->parties_n + 1, sizeof(bool)),
			  calloc(m->parties_n + 1, sizeof(bool)), 0, 0 };

	if (!a.row || !a.column)
		abort();
	for (size_t i = 0; i < m->cells_n; i++) {
		a.row[m->cells[i].client] = true;
		a.column[m->cells[i].server] = true;
	}
	for (size_t i = 0; i < m->parties_n; i++) {
		if (m->service == SERVICE_MTA && m->parties[i].kind == PARTY_SIGNATORY)
			a.row[i] = a.column[i] = true;
		a.columns += a.column[i];
		a.rows += a.row[i];
	}
	return a;
}

static void print_table(const struct matrix *m, const struct axes *a, const struct screen *s,
			FILE *out)
{
	struct table *t = table_new(a->columns + 1, true);

	table_cell(t, TONE_FAINT, "from \\ to");
	for (size_t i = 0; i < m->parties_n; i++) {
		if (a->column[i])
			table_cell(t, TONE_STRONG, m->parties[i].name);
	}
	for (size_t row = 0; row < m->parties_n; row++) {
		if (!a->row[row])
			continue;
		table_cell(t, TONE_STRONG, m->parties[row].name);
		for (size_t i = 0; i < m->parties_n; i++) {
			if (a->column[i])
				put_cell(t, matrix_cell_of(m, row, i));
		}
	}
	table_print(t, s, out);
	table_free(t);
	fprintf(out,
		"\n%sA cell: share encrypted; the lowest and highest it can be, for what was\n"
		"not seen; sessions / coverage, the part of them that was decided.%s\n\n",
		tone_on(s, TONE_FAINT), tone_off(s, TONE_FAINT));
}

static void print_total(const struct matrix *m, const struct screen *s, FILE *out)
{
	uint64_t lost = m->health.n[HEALTH_LOST];
	struct ratio r = counts_ratio(&m->total, lost);
	char ratio[16], bounds[32], coverage[16], sessions[48], text[400];

	ratio_text(&r, ratio, sizeof(ratio));
	bounds_text(&r, bounds, sizeof(bounds));
	coverage_text(&r, coverage, sizeof(coverage));
	text_count(counts_sessions(&m->total), "session", "sessions", sessions, sizeof(sessions));
	snprintf(text, sizeof(text), "%s encrypted (%s), %s, coverage %s", ratio, bounds, sessions,
		 coverage);
	note(s, m->service == SERVICE_MTA ? "Signatories" : "All pairs", text, out);
	snprintf(text, sizeof(text),
		 "%" PRIu64 " encrypted, %" PRIu64 " in clear, %" PRIu64 " failed TLS, %" PRIu64
		 " without a mail, %" PRIu64 " undecided%s",
		 r.encrypted, r.plaintext, r.failed, m->total.n[COUNT_NO_TRANSACTION], r.unknown,
		 lost ? " (with the records lost)" : "");
	note(s, "", text, out);
}

static void print_clear_pair(const struct matrix *m, const struct matrix_cell *c,
			     uint64_t plaintext, const struct screen *s, FILE *out)
{
	char client[4 * PARTY_NAME_MAX + 1], server[4 * PARTY_NAME_MAX + 1];
	char sessions[48], mails[48], text[512];

	text_safe(m->parties[c->client].name, s->utf8, client, sizeof(client));
	text_safe(m->parties[c->server].name, s->utf8, server, sizeof(server));
	text_count(plaintext, "session", "sessions", sessions, sizeof(sessions));
	text_count(c->counts.n[COUNT_MESSAGES_CLEAR], "mail", "mails", mails, sizeof(mails));
	snprintf(text, sizeof(text), "%s -> %s: %s, %s accepted", client, server, sessions, mails);
	note(s, "In clear", text, out);
}

/* Whom to call: the pairs under the promise with sessions in clear. */
static void print_clear_pairs(const struct matrix *m, const struct screen *s, FILE *out)
{
	unsigned n = 0;

	for (size_t i = 0; i < m->cells_n; i++) {
		const struct matrix_cell *c = &m->cells[i];
		struct ratio r = counts_ratio(&c->counts, 0);

		if (c->promised && r.plaintext > 0 && n++ < CLEAR_PAIRS_MAX)
			print_clear_pair(m, c, r.plaintext, s, out);
	}
	if (n > CLEAR_PAIRS_MAX)
		fprintf(out, "%*sand %u more pairs (--json lists all)\n", (int)LABEL_WIDTH, "",
			n - CLEAR_PAIRS_MAX);
}

static void print_beside(const struct matrix *m, const struct screen *s, FILE *out)
{
	const uint64_t *n = m->total.n;
	char text[256];

	if (n[COUNT_REFUSED] + n[COUNT_BEGUN_BEFORE] + n[COUNT_EXCEPTED] > 0) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " in clear of which the server accepted nothing, %" PRIu64
			 " begun before the capture, %" PRIu64 " of the exceptions list",
			 n[COUNT_REFUSED], n[COUNT_BEGUN_BEFORE], n[COUNT_EXCEPTED]);
		note(s, "Beside", text, out);
	}
	if (counts_sessions(&m->beside) > 0) {
		snprintf(text, sizeof(text), "%" PRIu64 " sessions with other parties (--all)",
			 counts_sessions(&m->beside));
		note(s, "Not shown", text, out);
	}
}

static void print_sensor(const struct matrix *m, const struct screen *s, FILE *out)
{
	const uint64_t *n = m->health.n;
	int64_t all_s = m->period.to - m->period.from;
	char seen[32], all[32], ran[96] = "ran all the time", text[300];

	span_text(m->seen_s, seen, sizeof(seen));
	span_text(all_s, all, sizeof(all));
	if (m->seen_s < all_s)
		snprintf(ran, sizeof(ran), "ran for %s of %s", seen, all);
	snprintf(text, sizeof(text),
		 "%s; %" PRIu64 " packets read, %" PRIu64 " dropped in the ring, %" PRIu64
		 " by the interfaces, %" PRIu64 " records lost",
		 ran, n[HEALTH_PACKETS], n[HEALTH_DROP_KERNEL], n[HEALTH_DROP_NIC], n[HEALTH_LOST]);
	note(s, "Sensor", text, out);
}

static void print_limits(const struct matrix *m, const struct screen *s, FILE *out)
{
	const uint64_t *n = m->health.n;
	const struct {
		uint64_t n;
		const char *what;
	} limits[] = {
		{ n[HEALTH_GAPS], "gaps" },
		{ n[HEALTH_ACKED_UNSEEN], "bytes acknowledged and never seen" },
		{ n[HEALTH_ONE_SIDED], "one-sided sessions" },
		{ n[HEALTH_EVICTED] + n[HEALTH_UNDECIDED_FULL] + n[SKIP_FULL], "flows evicted" },
		{ n[HEALTH_TRUNCATED], "packets cut short" },
		{ n[HEALTH_DROP_KERNEL] + n[HEALTH_DROP_NIC], "packets dropped" },
		{ n[HEALTH_REASM_FULL], "segments without room" },
		{ n[HEALTH_LOST], "records lost" },
		{ counts_ratio(&m->total, 0).unknown, "undecided" },
	};
	char text[512] = "not limited: nothing was lost, cut or left undecided";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (limits[i].n > 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%" PRIu64 " %s",
					       at ? ", " : "limited: ", limits[i].n,
					       limits[i].what);
	}
	note(s, "Coverage", text, out);
}

static void print_incidents(const struct matrix *m, const struct screen *s, FILE *out)
{
	char text[96];

	if (m->incidents_open < 0)
		snprintf(text, sizeof(text), "not known: there is no incidents.db");
	else
		snprintf(text, sizeof(text), "%" PRId64 " open%s", m->incidents_open,
			 m->incidents_open ? " (mailseal incidents)" : "");
	note(s, "Incidents", text, out);
}

void matrix_print(const struct matrix *m, const struct screen *s, FILE *out)
{
	struct axes a = axes_of(m);

	print_heading(m, s, out);
	if (a.columns > 0)
		print_table(m, &a, s, out);
	else
		fprintf(out, "%s\n\n",
			m->all ? "No session in this period."
			       : "No peer in the ledger is a signatory: --all shows what there "
				 "is.");
	print_total(m, s, out);
	print_clear_pairs(m, s, out);
	print_beside(m, s, out);
	print_sensor(m, s, out);
	print_limits(m, s, out);
	print_incidents(m, s, out);
	free(a.row);
	free(a.column);
}
