/* report_page.c - the report as one HTML file: its head, what it says at a glance, its method. */
#include "web/report_page.h"

#include <stdio.h>
#include <string.h>

#include "reports/matrix.h"
#include "web/page.h"
#include "web/report_parts.h"

static const char report_css[] =
#include "web/report.css.inc"
	;

/* The head ------------------------------------------------------------------------------------- */

static void put_row(struct sheet *s, enum text name, const char *text)
{
	html_put(&s->h, "<tr>");
	html_element(&s->h, "th scope=\"row\"", name, NULL);
	html_put(&s->h, "<td>%s</td></tr>\n", text);
}

static void put_span(struct sheet *s, enum text name, int64_t from, int64_t to)
{
	char begin[LOCAL_TEXT_MAX], end[LOCAL_TEXT_MAX], text[128];

	local_text(from, begin);
	local_text(to, end);
	text_fill(text, sizeof(text), T_R_FROM_UNTIL, begin, end, NULL);
	put_row(s, name, text);
}

/* "free, orange, sfr" */
static void put_names(struct sheet *s, enum text name, const char *names, size_t n, size_t size)
{
	html_put(&s->h, "<tr>");
	html_element(&s->h, "th scope=\"row\"", name, NULL);
	html_put(&s->h, "<td>");
	for (size_t i = 0; i < n; i++)
		html_put(&s->h, "%s%s", i ? ", " : "", names + i * size);
	html_put(&s->h, "</td></tr>\n");
}

static void put_about(struct sheet *s)
{
	const struct report *r = s->r;
	char when[LOCAL_TEXT_MAX], text[128];

	html_put(&s->h, "<table class=\"head\"><tbody>\n");
	put_span(s, T_R_PERIOD, r->now.from, r->now.to);
	put_row(s, T_R_ZONE, r->zone);
	put_names(s, T_R_SIGNATORIES, r->signatories[0], r->signatories_n,
		  sizeof(r->signatories[0]));
	if (r->sensors_n > 0)
		put_names(s, T_R_SENSORS, r->sensors[0], r->sensors_n, sizeof(r->sensors[0]));
	else
		put_row(s, T_R_SENSORS, text_of(T_R_SENSORS_UNKNOWN));
	put_span(s, T_R_LEDGER, r->ledger_begin, r->ledger_end);
	local_text(r->generated, when);
	text_fill(text, sizeof(text), T_R_MADE_BY, when, PACKAGE_VERSION, NULL);
	put_row(s, T_R_MADE, text);
	html_put(&s->h, "</tbody></table>\n");
}

static void put_limits(struct sheet *s)
{
	static const enum text words[NOTES] = {
		[NOTE_NOT_OVER] = T_R_NOT_OVER,     [NOTE_BEGINS] = T_R_BEGINS,
		[NOTE_DELETED] = T_R_DELETED,       [NOTE_BEGIN_COARSE] = T_R_BEGIN_COARSE,
		[NOTE_END_COARSE] = T_R_END_COARSE, [NOTE_NO_INCIDENTS] = T_R_NO_INCIDENTS_DB,
	};
	char when[LOCAL_TEXT_MAX];
	bool any = false;
	int64_t at;

	for (unsigned n = 0; n < NOTES; n++) {
		if (!report_note(s->r, (enum report_note)n, &at))
			continue;
		if (!any) {
			html_put(&s->h, "<section class=\"limits\">");
			html_element(&s->h, "h2", T_R_LIMITS, NULL);
			html_put(&s->h, "<ul>\n");
		}
		any = true;
		local_text(at, when);
		html_element(&s->h, "li", words[n], when, NULL);
	}
	if (any)
		html_put(&s->h, "</ul></section>\n");
}

/* At a glance ----------------------------------------------------------------------------------- */

static void put_share(struct sheet *s, const struct ratio *r)
{
	char share[16], bounds[32], text[128];

	ratio_text(r, share, sizeof(share));
	bounds_text(r, bounds, sizeof(bounds));
	html_put(&s->h, "<tr class=\"first\">");
	html_element(&s->h, "th scope=\"row\"", T_R_SEALED_BETWEEN, NULL);
	text_fill(text, sizeof(text), r->known ? T_R_SHARE_IS : T_R_SHARE_NONE, share, bounds,
		  NULL);
	html_put(&s->h, "<td><span class=\"sign\">%s</span>%s</td></tr>\n", seal_sign(seal_of(r)),
		 text);
}

static void put_clear(struct sheet *s, const struct ratio *all)
{
	const struct report *r = s->r;
	size_t n = r->signatories_n, concerned = 0;
	char clear[NUMBER_TEXT_MAX], pairs[NUMBER_TEXT_MAX], of[NUMBER_TEXT_MAX], text[256];

	for (size_t i = 0; i < n * n; i++)
		concerned += i / n != i % n && counts_ratio(&r->now.pairs[i], 0).plaintext > 0;
	number_text(all->plaintext, clear);
	number_text(concerned, pairs);
	number_text(n < 2 ? 0 : n * (n - 1), of);
	text_fill(text, sizeof(text),
		  all->plaintext == 0   ? T_R_CLEAR_NONE
		  : all->plaintext == 1 ? T_R_CLEAR_ONE
					: T_R_CLEAR_ARE,
		  clear, pairs, of, NULL);
	put_row(s, T_R_IN_CLEAR, text);
}

static void put_incidents(struct sheet *s)
{
	size_t by_severity[SEVERITY_N] = { 0 }, firing = 0;
	char critical[NUMBER_TEXT_MAX], warning[NUMBER_TEXT_MAX], open[NUMBER_TEXT_MAX], text[160];

	for (size_t i = 0; i < s->r->incidents_n; i++) {
		by_severity[s->r->incidents[i].i.severity]++;
		firing += s->r->incidents[i].firing;
	}
	number_text(by_severity[SEVERITY_CRITICAL], critical);
	number_text(by_severity[SEVERITY_WARNING], warning);
	number_text(firing, open);
	text_fill(text, sizeof(text),
		  s->r->incidents_known ? T_R_INCIDENTS_ARE : T_R_INCIDENTS_UNKNOWN, critical,
		  warning, open, NULL);
	put_row(s, T_INCIDENTS, text);
}

static void put_glance(struct sheet *s)
{
	const struct report_month *m = &s->r->now;
	struct ratio r = counts_ratio(&m->promised, m->health.n[HEALTH_LOST]);
	char sessions[NUMBER_TEXT_MAX], coverage[16], seen[16], elapsed[32], text[128];

	html_element(&s->h, "h2", T_R_GLANCE, NULL);
	html_put(&s->h, "<table class=\"glance\"><tbody>\n");
	put_share(s, &r);
	number_text(counts_sessions(&m->promised), sessions);
	coverage_text(&r, coverage, sizeof(coverage));
	text_fill(text, sizeof(text), T_R_SESSIONS_ARE, sessions, coverage, NULL);
	put_row(s, T_R_SESSIONS_SEEN, text);
	put_clear(s, &r);
	put_incidents(s);
	sheet_percent(m->seen_s, m->elapsed_s, seen);
	duration_text(m->elapsed_s, elapsed, sizeof(elapsed));
	text_fill(text, sizeof(text), T_R_RAN, seen, elapsed, NULL);
	put_row(s, T_R_SENSOR_RAN, text);
	html_put(&s->h, "</tbody></table>\n");
}

/* Method ----------------------------------------------------------------------------------------- */

static void put_term(struct sheet *s, enum text name, enum text words, const char *filler)
{
	html_element(&s->h, "dt", name, NULL);
	html_element(&s->h, "dd", words, filler, NULL);
	html_put(&s->h, "\n");
}

static void put_method(struct sheet *s)
{
	char few[16];

	snprintf(few, sizeof(few), "%u", s->r->min_sessions);
	html_put(&s->h, "<section class=\"method\">\n");
	html_element(&s->h, "h2", T_R_METHOD, NULL);
	html_element(&s->h, "p", T_R_METHOD_INTRO, NULL);
	html_put(&s->h, "<dl>\n");
	put_term(s, T_R_M_SESSION, T_R_M_SESSION_IS, "");
	put_term(s, T_R_M_E, T_R_M_E_IS, "");
	put_term(s, T_R_M_P, T_R_M_P_IS, "");
	put_term(s, T_R_M_U, T_R_M_U_IS, "");
	put_term(s, T_R_M_SEALED, T_R_M_SEALED_IS, "");
	put_term(s, T_R_BOUNDS, T_R_M_BOUNDS_IS, "");
	put_term(s, T_R_COVERAGE, T_R_M_COVERAGE_IS, "");
	put_term(s, T_R_M_PROMISE, T_R_M_PROMISE_IS, "");
	put_term(s, T_R_MONTH, T_R_M_MONTH_IS, s->r->zone);
	put_term(s, T_R_M_SMALL, s->r->min_sessions > 1 ? T_R_M_SMALL_IS : T_R_M_SMALL_NONE, few);
	put_term(s, T_R_M_SENSOR, T_R_M_SENSOR_IS, "");
	html_put(&s->h, "</dl>\n</section>\n");
}

/* The document ------------------------------------------------------------------------------------- */

static void put_begin(struct sheet *s)
{
	char title[96];
	const struct month m = s->r->now.month;
	char year[16];

	snprintf(year, sizeof(year), "%d", m.year);
	text_fill(title, sizeof(title), T_R_TITLE,
		  text_of((enum text)((int)T_R_JANUARY + m.number - 1)), year, NULL);
	html_put(&s->h,
		 "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<meta name=\"generator\" content=\"mailseal %s\">\n<title>%s</title>\n<style>\n",
		 text_language(), PACKAGE_VERSION, title);
	fputs(report_css, s->h.out);
	/* At the foot of each sheet of paper. Neither text has a character that CSS would read. */
	html_put(&s->h, "@page { @bottom-left { content: \"mailseal: %s, %s\"; } }\n", title,
		 s->r->zone);
	html_put(&s->h, "</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n", title);
	html_element(&s->h, "p class=\"subtitle\"", T_R_SUBTITLE, NULL);
}

void report_page(const struct report *r, FILE *out)
{
	struct sheet s = { .h = { .out = out, .root = "" }, .r = r, .letter = 'A' - 1 };

	put_begin(&s);
	put_about(&s);
	put_limits(&s);
	put_glance(&s);
	report_chapter_pairs(&s);
	report_chapter_incidents(&s);
	report_chapter_history(&s);
	report_chapter_users(&s);
	report_chapter_world(&s);
	report_chapter_unseen(&s);
	put_method(&s);
	html_put(&s.h, "</main>\n</body>\n</html>\n");
}
