/* page.c - what every page has, and the pieces that several show. */
#include "web/page.h"

#include <inttypes.h>
#include <string.h>

#include "reports/incident_show.h"
#include "reports/matrix.h"
#include "web/terms.h"

/* Links ----------------------------------------------------------------------------------- */

void page_href(struct html *h, const struct route *to)
{
	char path[ROUTE_PATH_MAX];

	route_path(to, path);
	html_put(h, " href=\"%s%s\"", h->root, path);
}

bool page_leads(const struct route *to)
{
	char path[ROUTE_PATH_MAX];
	struct route again;

	route_path(to, path);
	return route_parse(path, &again);
}

void page_link(struct html *h, const struct route *to, const char *text)
{
	if (!page_leads(to)) {
		html_text(h, text);
		return;
	}
	html_put(h, "<a");
	page_href(h, to);
	html_put(h, ">%s</a>", text);
}

/* "orange-net" is told of on the page of orange. */
void page_party(struct html *h, const char *name)
{
	struct route to = route_peer(name);

	if (strcmp(name, "-") != 0)
		page_link(h, &to, name);
	else
		html_text(h, name);
}

/* Words and numbers ----------------------------------------------------------------------- */

void number_text(uint64_t n, char out[NUMBER_TEXT_MAX])
{
	static const char thin[] = "\xe2\x80\xaf"; /* U+202F */
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = out;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0) {
			strcpy(to, thin);
			to += sizeof(thin) - 1;
		}
		*to++ = digits[i];
	}
	*to = '\0';
}

void duration_text(int64_t seconds, char *out, size_t len)
{
	int64_t minutes = seconds / 60;

	if (seconds < 60)
		snprintf(out, len, "%" PRId64 " s", seconds < 0 ? 0 : seconds);
	else if (minutes < 60)
		snprintf(out, len, "%" PRId64 " min", minutes);
	else if (minutes < 24 * 60)
		snprintf(out, len, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
	else
		snprintf(out, len, "%" PRId64 " d %" PRId64 " h", minutes / (24 * 60),
			 minutes / 60 % 24);
}

void page_time(struct html *h, int64_t seconds)
{
	char iso[UTC_TEXT_MAX], text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, iso);
	utc_text(seconds, UTC_SHORT, text);
	html_put(h, "<time datetime=\"%s\">%s</time>", iso, text);
}

void page_number(struct html *h, const char *name, uint64_t n)
{
	char text[NUMBER_TEXT_MAX];

	number_text(n, text);
	html_put(h, "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td></tr>\n", name, text);
}

/* Tables ---------------------------------------------------------------------------------- */

void page_table_begin(struct html *h, const char *label, enum text caption)
{
	html_put(h,
		 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n",
		 label);
	html_element(h, "caption", caption, NULL);
}

void page_table_end(struct html *h)
{
	html_put(h, "</tbody></table></div>\n");
}

void page_heads(struct html *h, const enum text *heads, size_t n)
{
	html_put(h, "<thead><tr>");
	for (size_t i = 0; i < n; i++)
		html_element(h, "th scope=\"col\"", heads[i], NULL);
	html_put(h, "</tr></thead><tbody>\n");
}

enum text page_span(enum span s)
{
	static const enum text words[SPANS] = { T_LAST_DAY, T_LAST_WEEK, T_LAST_MONTH,
						T_LAST_YEAR };

	return words[s];
}

void page_span_heads(struct html *h, enum text names, unsigned spans)
{
	enum text heads[1 + SPANS] = { names };

	for (unsigned s = 0; s < spans; s++)
		heads[1 + s] = page_span((enum span)s);
	page_heads(h, heads, 1 + spans);
}

#define BAR_WIDTH 200u

/* What is not nothing shows, and what is not all leaves something. */
void page_bar(struct html *h, uint64_t part, uint64_t whole)
{
	unsigned width;

	if (whole == 0 || part > whole)
		return;
	width = (unsigned)((double)part / (double)whole * BAR_WIDTH);
	if (part > 0 && width == 0)
		width = 1;
	html_put(h,
		 "<svg class=\"bar\" width=\"%u\" height=\"14\" aria-hidden=\"true\">"
		 "<rect class=\"part\" width=\"%u\" height=\"14\"/></svg>",
		 BAR_WIDTH, width);
}

void page_part(struct html *h, uint64_t part, uint64_t whole)
{
	char number[NUMBER_TEXT_MAX], share[16];

	number_text(part, number);
	if (whole == 0 || part > whole) {
		html_text(h, number);
		return;
	}
	percent_text(part, whole, false, share, sizeof(share));
	html_put(h, "%s (%s %%)", number, share);
}

/* Shares ---------------------------------------------------------------------------------- */

enum seal seal_of(const struct ratio *r)
{
	if (!r->known)
		return SEAL_NONE;
	if (r->plaintext == 0)
		return SEAL_WHOLE;
	return r->ratio >= 0.99 ? SEAL_NEAR : r->ratio >= 0.9 ? SEAL_PART : SEAL_LOW;
}

const char *seal_class(enum seal s)
{
	static const char *const classes[SEALS] = { "none", "whole", "near", "part", "low" };

	return classes[s];
}

const char *seal_sign(enum seal s)
{
	static const char *const signs[SEALS] = { "\xe2\x80\x93", "\xe2\x9c\x93", "!", "!!",
						  "\xe2\x9c\x95" }; /* – ✓ ✕ */

	return signs[s];
}

void page_share(struct html *h, const struct counts *c, uint64_t lost)
{
	struct ratio r = counts_ratio(c, lost);
	char share[16], coverage[16], sessions[NUMBER_TEXT_MAX];

	ratio_text(&r, share, sizeof(share));
	coverage_text(&r, coverage, sizeof(coverage));
	number_text(counts_sessions(c), sessions);
	html_put(h, "<span class=\"share\"><span class=\"sign\" aria-hidden=\"true\">%s</span>",
		 seal_sign(seal_of(&r)));
	html_put(h, " %s</span>", r.known ? share : "");
	html_element(h, "span class=\"of\"", counts_sessions(c) == 1 ? T_SESSION : T_SESSIONS,
		     sessions, NULL);
	if (r.covered)
		html_element(h, "span class=\"of\"", T_COVERAGE_OF, coverage, NULL);
}

/* Pictures -------------------------------------------------------------------------------- */

void page_graph(struct html *h, const struct route *graph, const char *words)
{
	struct route light = *graph, dark = *graph;
	char path[ROUTE_PATH_MAX];

	light.dark = light.png = dark.png = false;
	dark.dark = true;
	route_path(&dark, path);
	html_put(h,
		 "<figure class=\"graph\"><picture><source media=\"(prefers-color-scheme: dark)\""
		 " srcset=\"%s%s\">",
		 h->root, path);
	route_path(&light, path);
	html_put(h,
		 "<img src=\"%s%s\" alt=\"%s\" loading=\"lazy\" width=\"%u\" "
		 "height=\"%u\"></picture>"
		 "<figcaption>%s</figcaption></figure>\n",
		 h->root, path, words, GRAPH_WIDTH, GRAPH_HEIGHT, words);
}

/* Incidents ------------------------------------------------------------------------------- */

/* What the rule saw, why it was in clear, and why it is not over; of these what there is. */
static void incident_words(struct html *h, const struct incident *i)
{
	char causes[INCIDENT_WORDS_MAX];
	const char *const words[] = { i->found, causes, i->why };

	incident_causes_text(i, causes);
	for (size_t n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
		if (words[n][0])
			html_put(h, "<span class=\"words\">%s</span>", words[n]);
	}
}

static void incident_row(struct html *h, const struct incident *i)
{
	struct route to = route_incident(i->id);
	char id[24], sessions[NUMBER_TEXT_MAX];

	snprintf(id, sizeof(id), "%" PRId64, i->id);
	number_text(i->sessions, sessions);
	html_put(h, "<tr class=\"%s %s\"><th scope=\"row\">", severity_name(i->severity),
		 incident_state_name(i->state));
	page_link(h, &to, id);
	html_put(h, "</th><td><span class=\"badge %s\">%s</span></td><td>%s</td><td>",
		 severity_name(i->severity), severity_name(i->severity),
		 incident_state_name(i->state));
	term_link(h, TERMS_RULE, i->rule, i->rule);
	html_put(h, "</td><td>");
	page_party(h, i->client);
	html_put(h, "</td><td>");
	page_party(h, i->server);
	html_put(h, "</td><td>%s</td><td>", incident_service(i));
	page_time(h, i->since - i->since % STEP_S);
	html_put(h, "</td><td>");
	page_time(h, i->last_seen - i->last_seen % STEP_S);
	html_put(h, "</td><td class=\"n\">%s</td><td>", i->sessions ? sessions : "\xe2\x80\x93");
	incident_words(h, i);
	html_put(h, "</td></tr>\n");
}

void page_incidents(struct html *h, const char *label, const struct incident *list, size_t n)
{
	static const enum text heads[] = { T_NUMBER,    T_SEVERITY,     T_STATE,   T_RULE,
					   T_FROM,      T_TO,           T_SERVICE, T_SINCE,
					   T_LAST_SEEN, T_COL_SESSIONS, T_FOUND };

	page_table_begin(h, label, T_TIMES_ARE_UTC);
	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < n; i++)
		incident_row(h, &list[i]);
	page_table_end(h);
}

/* The frame ------------------------------------------------------------------------------- */

static const struct {
	enum page page;
	enum text text;
} navigation[] = {
	{ PAGE_OVERVIEW, T_OVERVIEW }, { PAGE_INCIDENTS, T_INCIDENTS }, { PAGE_SENSOR, T_SENSOR },
	{ PAGE_UNKNOWN, T_UNKNOWN },   { PAGE_METHOD, T_METHOD },
};

static void put_navigation(struct html *h, const struct frame *f)
{
	html_put(h, "<nav aria-label=\"%s\"><ul>", text_of(T_NAVIGATION));
	for (size_t i = 0; i < sizeof(navigation) / sizeof(navigation[0]); i++) {
		struct route to = route_page(navigation[i].page);
		bool here = f->route.kind == ROUTE_PAGE && f->route.page == navigation[i].page;

		html_put(h, "<li><a");
		page_href(h, &to);
		html_put(h, here ? " aria-current=\"page\">" : ">");
		html_say(h, navigation[i].text, NULL);
		html_put(h, "</a></li>");
	}
	html_put(h, "</ul></nav></header>\n");
}

/* What is old must not be read as the present. */
static void put_age(struct html *h, const struct frame *f)
{
	char age[32], end[UTC_TEXT_MAX];

	if (f->ledger_end < 0 || f->still || f->now - f->ledger_end <= STALE_S)
		return;
	duration_text(f->now - f->ledger_end, age, sizeof(age));
	utc_text(f->ledger_end, UTC_SHORT, end);
	html_element(h, "p class=\"stale\" role=\"status\"", T_STALE, end, age, NULL);
}

void page_begin(struct html *h, const struct frame *f)
{
	struct route home = route_page(PAGE_OVERVIEW);

	html_put(h,
		 "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<meta name=\"color-scheme\" content=\"light dark\">\n"
		 "<title>%s \xc2\xb7 mailseal</title>\n",
		 text_language(), f->title);
	html_put(h,
		 "<link rel=\"icon\" href=\"%sicon.svg\" type=\"image/svg+xml\">\n"
		 "<link rel=\"stylesheet\" href=\"%sstyle.css\">\n"
		 "<script src=\"%spage.js\" defer></script>\n</head>\n<body>\n",
		 h->root, h->root, h->root);
	html_element(h, "a class=\"skip\" href=\"#main\"", T_SKIP, NULL);
	html_put(h, "<header><a class=\"name\"");
	page_href(h, &home);
	html_put(h, ">mailseal</a>");
	put_navigation(h, f);
	html_put(h, "<main id=\"main\">\n<h1>%s</h1>\n", f->title);
	put_age(h, f);
}

void page_end(struct html *h, const struct frame *f)
{
	char text[UTC_TEXT_MAX];

	html_put(h, "</main>\n<footer><p>");
	if (f->ledger_end >= 0) {
		utc_text(f->ledger_end, UTC_SHORT, text);
		html_say(h, T_DATA_UNTIL, text, NULL);
		html_put(h, " ");
	}
	utc_text(f->now, UTC_SHORT, text);
	html_say(h, T_MADE_AT, text, NULL);
	html_put(h, " mailseal %s.</p></footer>\n</body>\n</html>\n", PACKAGE_VERSION);
}
