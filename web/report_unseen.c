/* report_unseen.c - chapter of the report: what the sensor did not see. */
#include "web/report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/page.h"

#define OUTAGES_MAX 40u /* more are for programs */

static int longest_first(const void *a, const void *b)
{
	const struct outage *x = a, *y = b;

	return x->missed_s != y->missed_s ? (x->missed_s > y->missed_s ? -1 : 1)
					  : (x->from > y->from) - (x->from < y->from);
}

static int by_time(const void *a, const void *b)
{
	const struct outage *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* The longest ones, in the order of time. The caller frees them. */
static struct outage *chosen(const struct report *r, size_t n)
{
	struct outage *all = calloc(r->outages_n + 1, sizeof(*all));

	if (!all)
		abort();
	if (r->outages_n > 0) {
		memcpy(all, r->outages, r->outages_n * sizeof(*all));
		qsort(all, r->outages_n, sizeof(*all), longest_first);
		qsort(all, n, sizeof(*all), by_time);
	}
	return all;
}

static void put_outages(struct sheet *s)
{
	static const struct column columns[] = { { T_R_BEGIN, false },
						 { T_R_END, false },
						 { T_R_MISSED, true } };
	size_t n = s->r->outages_n < OUTAGES_MAX ? s->r->outages_n : OUTAGES_MAX;
	struct outage *list = chosen(s->r, n);
	char shown[24], all[24], missed[32];

	snprintf(shown, sizeof(shown), "%zu", n);
	snprintf(all, sizeof(all), "%zu", s->r->outages_n);
	sheet_table(s, n <= 12 ? "keep" : "", columns, sizeof(columns) / sizeof(columns[0]),
		    n < s->r->outages_n ? T_R_OUTAGES_LONGEST : T_R_OUTAGES_CAPTION, shown, all,
		    NULL);
	for (size_t i = 0; i < n; i++) {
		duration_text(list[i].missed_s, missed, sizeof(missed));
		sheet_row(s, false);
		sheet_time(s, list[i].from);
		sheet_time(s, list[i].to);
		html_put(&s->h, "<td class=\"n\">%s</td></tr>\n", missed);
	}
	sheet_table_end(s);
	free(list);
}

static void put_time(struct sheet *s)
{
	const struct report *r = s->r;
	const struct report_month *m = &r->now;
	char seen[16], elapsed[32], missed[32], before[32], minutes[LOCAL_TEXT_MAX];

	sheet_percent(m->seen_s, m->elapsed_s, seen);
	duration_text(m->elapsed_s, elapsed, sizeof(elapsed));
	duration_text(m->elapsed_s - m->seen_s, missed, sizeof(missed));
	html_element(&s->h, "p", T_R_UNSEEN_TIME, seen, elapsed, missed, NULL);
	duration_text(m->before_s, before, sizeof(before));
	if (m->before_s > 0)
		html_element(&s->h, "p", T_R_UNSEEN_BEFORE, before, NULL);
	if (r->outages_n == 0)
		html_element(&s->h, "p", T_R_NO_OUTAGE, NULL);
	else
		put_outages(s);
	local_text(r->minutes, minutes);
	if (r->outages_n > 0 && r->minutes > m->counted_from && r->minutes > r->ledger_begin)
		html_element(&s->h, "p class=\"small\"", T_R_OUTAGES_COARSE, minutes, NULL);
}

/* What was lost, and of what it is a part. */
struct loss {
	enum health_counter counter;
	enum text part; /* TEXT_N: of nothing that was counted */
	enum health_counter whole;
};

static void put_part(struct sheet *s, enum text words, uint64_t n, uint64_t whole)
{
	char percent[16];

	if (words == TEXT_N || whole == 0) {
		html_put(&s->h, "<td></td>");
		return;
	}
	sheet_percent((int64_t)n, (int64_t)whole, percent);
	html_element(&s->h, "td class=\"n\"", words, percent, NULL);
}

static void put_losses(struct sheet *s)
{
	static const struct loss losses[] = {
		{ HEALTH_PACKETS, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_DROP_NIC, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ HEALTH_DROP_KERNEL, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ HEALTH_TRUNCATED, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ SKIP_LINK, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ SKIP_TUNNEL, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ HEALTH_FRAGMENTS_LOST, TEXT_N, HEALTH_PACKETS },
		{ SKIP_FULL, T_R_OF_PACKETS, HEALTH_PACKETS },
		{ HEALTH_FLOWS, TEXT_N, HEALTH_FLOWS },
		{ HEALTH_EVICTED, T_R_OF_FLOWS, HEALTH_FLOWS },
		{ HEALTH_UNDECIDED_FULL, T_R_OF_FLOWS, HEALTH_FLOWS },
		{ HEALTH_REASM_FULL, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_GAPS, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_GAP_BYTES, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_ACKED_UNSEEN, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_SESSIONS, TEXT_N, HEALTH_SESSIONS },
		{ HEALTH_ONE_SIDED, T_R_OF_SESSIONS, HEALTH_SESSIONS },
		{ HEALTH_LOST, TEXT_N, HEALTH_PACKETS },
		{ HEALTH_LATE, T_R_OF_SESSIONS, HEALTH_SESSIONS },
		{ HEALTH_FUTURE, T_R_OF_SESSIONS, HEALTH_SESSIONS },
		{ HEALTH_OVERFLOW, T_R_OF_SESSIONS, HEALTH_SESSIONS },
		{ HEALTH_FORGOTTEN, TEXT_N, HEALTH_PACKETS },
	};
	const uint64_t *n = s->r->now.health.n;

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		const struct loss *l = &losses[i];

		sheet_row(s, false);
		sheet_head(s, health_name(l->counter));
		sheet_text(s, health_text(l->counter));
		sheet_number(s, n[l->counter]);
		put_part(s, l->part, n[l->counter], n[l->whole]);
		html_put(&s->h, "</tr>\n");
	}
}

/* The same at the other end: what was seen, and could not be decided. */
static void put_undecided(struct sheet *s)
{
	const struct report_month *m = &s->r->now;
	struct ratio r = counts_ratio(&m->promised, m->health.n[HEALTH_LOST]);
	uint64_t indeterminate = m->promised.n[COUNT_INDETERMINATE];

	sheet_row(s, false);
	sheet_head(s, count_name(COUNT_INDETERMINATE));
	html_element(&s->h, "td", T_R_INDETERMINATE_MEANS, NULL);
	sheet_number(s, indeterminate);
	put_part(s, T_R_OF_SESSIONS, indeterminate, counts_sessions(&m->promised));
	html_put(&s->h, "</tr>\n");
	sheet_row(s, false);
	sheet_head(s, text_of(T_R_M_U));
	html_element(&s->h, "td", T_R_UNDECIDED_MEANS, NULL);
	sheet_number(s, r.unknown);
	html_put(&s->h, "<td></td></tr>\n");
}

void report_chapter_unseen(struct sheet *s)
{
	static const struct column columns[] = {
		{ T_R_LAYER, false }, { T_R_MEANS, false }, { T_R_COUNT, true }, { T_R_PART, true }
	};

	html_element(&s->h, "h2", T_R_UNSEEN, NULL);
	put_time(s);
	sheet_table(s, sheet_classes(false, 23), columns, sizeof(columns) / sizeof(columns[0]),
		    T_R_LOSS_CAPTION, NULL);
	put_losses(s);
	put_undecided(s);
	sheet_table_end(s);
}
