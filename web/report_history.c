/* report_history.c - chapters of the report about several months: the signatories, and everybody else. */
#include "web/report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/matrix.h"
#include "web/page.h"

/* The months of the report, the oldest first, this one last. */
static size_t months(const struct report *r)
{
	return r->before_n + 1;
}

static const struct report_month *month_at(const struct report *r, size_t i)
{
	return i < r->before_n ? &r->before[r->before_n - 1 - i] : &r->now;
}

/* Name of a column: "2026-10", with a star where a border is not exact. */
static void month_name(const struct report *r, size_t i, char out[MONTH_TEXT_MAX + 2])
{
	month_text(month_at(r, i)->month, out);
	if (report_is_cut(r, month_at(r, i)))
		strcat(out, "*");
}

/* All together --------------------------------------------------------------------------------- */

static void put_month(struct sheet *s, size_t i)
{
	const struct report_month *m = month_at(s->r, i);
	char name[MONTH_TEXT_MAX + 2], seen[16];

	month_name(s->r, i, name);
	sheet_percent(m->seen_s, m->elapsed_s, seen);
	sheet_row(s, m == &s->r->now);
	sheet_head(s, name);
	sheet_share(s, &m->promised, m->health.n[HEALTH_LOST]);
	html_put(&s->h, "<td class=\"n\">%s %%</td></tr>\n", seen);
}

static uint64_t most_in_clear(const struct report *r)
{
	uint64_t most = 0;

	for (size_t i = 0; i < months(r); i++) {
		uint64_t p = counts_ratio(&month_at(r, i)->promised, 0).plaintext;

		if (p > most)
			most = p;
	}
	return most;
}

#define BAR_WIDTH    48u
#define BAR_HEIGHT   60u
#define FIGURE_WIDTH (13 * BAR_WIDTH)

/* A bar, its number above and its month below. */
static void put_bar(struct sheet *s, size_t i, uint64_t most)
{
	uint64_t p = counts_ratio(&month_at(s->r, i)->promised, 0).plaintext;
	unsigned height = (unsigned)((double)p / (double)most * BAR_HEIGHT);
	unsigned left = (unsigned)i * BAR_WIDTH, middle = left + BAR_WIDTH / 2;
	char name[MONTH_TEXT_MAX + 2], number[NUMBER_TEXT_MAX];

	if (p > 0 && height == 0)
		height = 1;
	month_name(s->r, i, name);
	number_text(p, number);
	html_put(&s->h, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", left + 10,
		 12 + BAR_HEIGHT - height, BAR_WIDTH - 20, height);
	html_put(&s->h, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">%s</text>", middle,
		 9 + BAR_HEIGHT - height, number);
	html_put(&s->h, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">%s</text>\n", middle,
		 24 + BAR_HEIGHT, name);
}

static void put_figure(struct sheet *s)
{
	uint64_t most = most_in_clear(s->r);

	if (most == 0)
		return;
	html_put(&s->h,
		 "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\""
		 " width=\"100%%\" role=\"img\" aria-label=\"%s\">\n",
		 FIGURE_WIDTH, BAR_HEIGHT + 28, text_of(T_R_HISTORY_FIGURE));
	for (size_t i = 0; i < months(s->r); i++)
		put_bar(s, i, most);
	html_put(&s->h, "<path d=\"M0 %u.5H%u\" stroke=\"#000\" stroke-width=\"1\"/></svg>\n",
		 12 + BAR_HEIGHT, (unsigned)months(s->r) * BAR_WIDTH);
	html_element(&s->h, "figcaption", T_R_HISTORY_FIGURE, NULL);
	html_put(&s->h, "</figure>\n");
}

static void put_all(struct sheet *s)
{
	static const struct column columns[] = { { T_R_MONTH, false },
						 SHARE_COLUMNS,
						 { T_R_TIME_SEEN, true } };

	sheet_table(s, sheet_classes(false, months(s->r)), columns,
		    sizeof(columns) / sizeof(columns[0]), T_R_HISTORY_CAPTION, NULL);
	for (size_t i = 0; i < months(s->r); i++)
		put_month(s, i);
	sheet_table_end(s);
}

/* Rows by month --------------------------------------------------------------------------------- */

/* Begins a table with a column for each month behind two that name the row. */
static void begin_months(struct sheet *s, size_t rows, enum text first, enum text second,
			 enum text caption)
{
	char letter[2] = { ++s->letter, '\0' }, name[MONTH_TEXT_MAX + 2];

	s->line = 0;
	html_put(&s->h, "<table class=\"months dense%s%s\">\n<caption>",
		 months(s->r) > 6 ? " wide" : "", rows <= ROWS_KEPT ? " keep" : "");
	html_element(&s->h, "strong", T_R_TABLE, letter, NULL);
	html_say(&s->h, caption, NULL);
	html_put(&s->h, "</caption>\n<thead><tr>");
	html_element(&s->h, "th scope=\"col\"", T_R_LINE, NULL);
	html_element(&s->h, "th scope=\"col\"", first, NULL);
	html_element(&s->h, "th scope=\"col\"", second, NULL);
	for (size_t i = 0; i < months(s->r); i++) {
		month_name(s->r, i, name);
		html_put(&s->h, "<th scope=\"col\" class=\"n\">%s</th>", name);
	}
	html_put(&s->h, "</tr></thead>\n<tbody>\n");
}

/* Share, sessions and coverage, below each other. */
static void put_cell(struct sheet *s, const struct counts *c, bool total, bool now)
{
	struct ratio r = counts_ratio(c, 0);
	char share[16], coverage[16], sessions[NUMBER_TEXT_MAX];

	html_put(&s->h, "<td class=\"month%s\">", now ? " now" : "");
	if (!total && report_withholds(s->r, c)) {
		html_put(&s->h, "&lt;%u</td>", s->r->min_sessions);
		return;
	}
	ratio_text(&r, share, sizeof(share));
	coverage_text(&r, coverage, sizeof(coverage));
	number_text(counts_sessions(c), sessions);
	html_put(&s->h, "<span class=\"share\">%s %s</span>", seal_sign(seal_of(&r)),
		 r.known ? share : "");
	if (counts_sessions(c) > 0)
		html_put(&s->h, "<span>%s</span><span>%s</span>", sessions, coverage);
	html_put(&s->h, "</td>");
}

/* The counts of a row in one month. */
typedef const struct counts *row_fn(const struct report *r, const struct report_month *m, size_t a,
				    size_t b);

static bool ever(const struct report *r, row_fn *row, size_t a, size_t b)
{
	for (size_t i = 0; i < months(r); i++) {
		if (counts_sessions(row(r, month_at(r, i), a, b)) > 0)
			return true;
	}
	return false;
}

/* a behind the last signatory: the total. */
static void put_row(struct sheet *s, row_fn *row, size_t a, size_t b, const char *second)
{
	bool total = a == s->r->signatories_n;

	sheet_row(s, total);
	sheet_head(s, total ? text_of(T_R_TOTAL) : s->r->signatories[a]);
	sheet_head(s, second);
	for (size_t i = 0; i < months(s->r); i++) {
		const struct report_month *m = month_at(s->r, i);

		put_cell(s, row(s->r, m, a, b), total, m == &s->r->now);
	}
	html_put(&s->h, "</tr>\n");
}

static const struct counts *pair_row(const struct report *r, const struct report_month *m, size_t a,
				     size_t b)
{
	return &m->pairs[a * r->signatories_n + b];
}

static void put_pairs(struct sheet *s)
{
	begin_months(s, 3 * s->r->signatories_n * s->r->signatories_n, T_FROM, T_TO,
		     T_R_PAIRS_HISTORY);
	for (size_t a = 0; a < s->r->signatories_n; a++) {
		for (size_t b = 0; b < s->r->signatories_n; b++) {
			if (a != b && ever(s->r, pair_row, a, b))
				put_row(s, pair_row, a, b, s->r->signatories[b]);
		}
	}
	sheet_table_end(s);
}

static void put_cut(struct sheet *s)
{
	for (size_t i = 0; i < months(s->r); i++) {
		if (report_is_cut(s->r, month_at(s->r, i))) {
			html_element(&s->h, "p class=\"small\"", T_R_CUT, NULL);
			return;
		}
	}
}

void report_chapter_history(struct sheet *s)
{
	html_element(&s->h, "h2", T_R_HISTORY, NULL);
	if (s->r->before_n == 0) {
		html_element(&s->h, "p", T_R_NO_HISTORY, NULL);
		return;
	}
	put_all(s);
	put_figure(s);
	if (s->r->signatories_n > 1)
		put_pairs(s);
	put_cut(s);
}

/* Everybody else ---------------------------------------------------------------------------------- */

static const struct counts *side_row(const struct report *r, const struct report_month *m, size_t a,
				     size_t b)
{
	return a < r->signatories_n ? &m->sides[b][a] : &m->side[b];
}

static void put_elsewhere(struct sheet *s)
{
	const struct report_month *m = &s->r->now;
	char within[NUMBER_TEXT_MAX], beside[SERVICE_N][NUMBER_TEXT_MAX];

	number_text(counts_sessions(&m->within), within);
	for (unsigned i = 0; i < SERVICE_N; i++)
		number_text(counts_sessions(&m->beside[i]), beside[i]);
	html_element(&s->h, "p class=\"small\"", T_R_ELSEWHERE, within, beside[SERVICE_MTA],
		     beside[SERVICE_SUBMISSION], beside[SERVICE_ACCESS], NULL);
}

void report_chapter_world(struct sheet *s)
{
	html_element(&s->h, "h2", T_R_WORLD, NULL);
	begin_months(s, 6 * s->r->signatories_n, T_PEER, T_R_DIRECTION, T_R_WORLD_CAPTION);
	for (size_t a = 0; a <= s->r->signatories_n; a++) {
		put_row(s, side_row, a, SIDE_WORLD_IN, text_of(T_R_INBOUND));
		put_row(s, side_row, a, SIDE_WORLD_OUT, text_of(T_R_OUTBOUND));
	}
	sheet_table_end(s);
	put_cut(s);
	put_elsewhere(s);
}
