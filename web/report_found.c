/* report_found.c - chapter of the report: the incidents, and what proves them. */
#include "web/report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/explain.h"
#include "web/page.h"

#define SHOWN_MAX 200u /* incidents with their evidence */

static bool of_sensor(const struct incident *i)
{
	return i->service == SERVICE_N;
}

static void pair_text(const struct incident *i, char *out, size_t outlen)
{
	if (of_sensor(i))
		text_fill(out, outlen, T_R_INCIDENT_SENSOR, i->sensor, NULL);
	else
		text_fill(out, outlen, T_R_INCIDENT_PAIR, i->client, i->server, incident_service(i),
			  NULL);
}

/* The list -------------------------------------------------------------------------------------- */

static void put_incident(struct sheet *s, const struct report_incident *one)
{
	const struct incident *i = &one->i;
	char id[24], pair[256], lasted[32];

	snprintf(id, sizeof(id), "%" PRId64, i->id);
	pair_text(i, pair, sizeof(pair));
	duration_text(one->duration_s, lasted, sizeof(lasted));
	sheet_row(s, false);
	sheet_head(s, id);
	sheet_text(s, severity_name(i->severity));
	sheet_text(s, i->rule);
	sheet_text(s, pair);
	sheet_time(s, i->opened);
	if (one->firing)
		html_element(&s->h, "td", T_R_NOT_OVER_YET, NULL);
	else
		sheet_time(s, i->closed);
	html_put(&s->h, "<td class=\"nowrap\">%s</td>", lasted);
	sheet_number(s, i->sessions);
	sheet_number(s, i->confirmed);
	html_put(&s->h, "</tr>\n");
}

static void put_list(struct sheet *s)
{
	static const struct column columns[] = {
		{ T_NUMBER, false },     { T_SEVERITY, false },    { T_RULE, false },
		{ T_R_PAIR, false },     { T_R_OPENED, false },    { T_R_CLOSED, false },
		{ T_R_DURATION, false }, { T_COL_SESSIONS, true }, { T_R_CONFIRMED, true },
	};

	sheet_table(s, sheet_classes(true, s->r->incidents_n), columns,
		    sizeof(columns) / sizeof(columns[0]), T_R_INCIDENTS_CAPTION, NULL);
	for (size_t i = 0; i < s->r->incidents_n; i++)
		put_incident(s, &s->r->incidents[i]);
	sheet_table_end(s);
}

/* One of them ------------------------------------------------------------------------------------- */

/* "not-offered 3, unknown 1" */
static void add_words(char *out, size_t outlen, const char *name, uint64_t n)
{
	size_t at = strlen(out);

	if (n > 0 && name && at < outlen)
		snprintf(out + at, outlen - at, "%s%s %" PRIu64, at ? ", " : "", name, n);
}

static void put_item(struct sheet *s, enum text name, const char *text)
{
	if (!text[0])
		return;
	html_element(&s->h, "dt", name, NULL);
	html_put(&s->h, "<dd>%s</dd>\n", text);
}

static void put_weight(struct sheet *s, const struct incident *i)
{
	char text[256] = "";

	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		add_words(text, sizeof(text), cause_name((enum cause)c), i->by_cause[c]);
	put_item(s, T_R_CAUSES, text);
	text[0] = '\0';
	for (unsigned e = EXPOSURE_N - 1; e > EXPOSURE_NONE; e--)
		add_words(text, sizeof(text), exposure_name((enum exposure)e), i->by_exposure[e]);
	put_item(s, T_R_EXPOSURES, text);
	put_item(s, T_R_FOUND, i->found);
}

static void put_story(struct sheet *s, const struct incident *i)
{
	char text[INCIDENT_ACK_MAX + INCIDENT_NOTE_MAX + 128], when[LOCAL_TEXT_MAX], times[24];

	put_item(s, T_R_WHY, i->why);
	if (i->reopened > 0) {
		snprintf(times, sizeof(times), "%u", i->reopened);
		local_text(i->since, when);
		text_fill(text, sizeof(text), T_R_REOPENED_ARE, times, when, NULL);
		put_item(s, T_R_REOPENED, text);
	}
	if (i->acked > 0) {
		local_text(i->acked, when);
		text_fill(text, sizeof(text), i->ack_note[0] ? T_R_KNOWN_NOTE : T_R_KNOWN_BY, when,
			  i->ack_by, i->ack_note, NULL);
		put_item(s, T_R_KNOWN, text);
	}
}

static void put_proof(struct sheet *s, const struct report_proof *p)
{
	char when[LOCAL_TEXT_MAX];

	if (!p->readable) {
		html_put(&s->h, "<tr>");
		html_element(&s->h, "td colspan=\"6\"", T_R_UNREADABLE, NULL);
		html_put(&s->h, "</tr>\n");
		return;
	}
	local_text(p->time, when);
	html_put(&s->h, "<tr><th scope=\"row\" class=\"nowrap\">%s</th>", when);
	html_put(&s->h, "<td>%s<br>port %u</td>", p->client, p->client_port);
	html_put(&s->h, "<td>%s<br>port %u</td>", p->server, p->server_port);
	html_put(&s->h, "<td><code>%s</code></td><td>%s</td>", p->evidence,
		 p->exposure ? exposure_name(p->exposure) : "-");
	html_element(&s->h, "td", p->confirmed == TRI_TRUE ? T_R_YES : T_R_NO, NULL);
	html_put(&s->h, "</tr>\n");
}

static void put_proofs(struct sheet *s, const struct report_incident *one)
{
	static const enum text heads[] = { T_R_TIME, T_R_CLIENT,    T_R_SERVER,
					   T_R_SEEN, T_R_EXPOSURES, T_R_CONFIRMED };
	char id[24];

	if (one->proofs_n == 0)
		return;
	snprintf(id, sizeof(id), "%" PRId64, one->i.id);
	html_put(&s->h, "<table class=\"wide dense\">\n");
	html_element(&s->h, "caption", T_R_PROOF_CAPTION, id, NULL);
	html_put(&s->h, "<thead><tr>");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		html_element(&s->h, "th scope=\"col\"", heads[i], NULL);
	html_put(&s->h, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < one->proofs_n; i++)
		put_proof(s, &one->proofs[i]);
	html_put(&s->h, "</tbody></table>\n");
}

static void put_one(struct sheet *s, const struct report_incident *one)
{
	char id[24], pair[256], line[SHEET_LINE_MAX];

	s->line++;
	sheet_line(s, line);
	snprintf(id, sizeof(id), "%" PRId64, one->i.id);
	pair_text(&one->i, pair, sizeof(pair));
	html_put(&s->h, "<article>\n");
	html_element(&s->h, "h3", T_R_INCIDENT_HEAD, line, id, one->i.rule,
		     severity_name(one->i.severity), pair, NULL);
	html_put(&s->h, "\n<dl>\n");
	put_weight(s, &one->i);
	put_story(s, &one->i);
	html_put(&s->h, "</dl>\n");
	put_proofs(s, one);
	html_put(&s->h, "</article>\n");
}

/* What the words mean ------------------------------------------------------------------------------- */

static uint64_t with_cause(const struct report *r, unsigned cause)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->incidents_n; i++)
		n += r->incidents[i].i.by_cause[cause];
	return n;
}

static uint64_t with_exposure(const struct report *r, unsigned exposure)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->incidents_n; i++)
		n += r->incidents[i].i.by_exposure[exposure];
	return n;
}

/* Of those that stand in the chapter. */
static void put_words(struct sheet *s)
{
	bool any = false;

	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++)
		any |= with_cause(s->r, c) > 0;
	if (!any)
		return;
	html_element(&s->h, "h3", T_R_WORDS, NULL);
	html_put(&s->h, "<dl class=\"small\">\n");
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_N; c++) {
		if (with_cause(s->r, c) > 0)
			html_put(&s->h, "<dt>%s</dt><dd>%s</dd>\n", cause_name((enum cause)c),
				 explain_cause((enum cause)c));
	}
	for (unsigned e = EXPOSURE_N - 1; e > EXPOSURE_NONE; e--) {
		if (with_exposure(s->r, e) > 0)
			html_put(&s->h, "<dt>%s</dt><dd>%s</dd>\n", exposure_name((enum exposure)e),
				 explain_exposure((enum exposure)e));
	}
	html_put(&s->h, "</dl>\n");
}

void report_chapter_incidents(struct sheet *s)
{
	size_t n = s->r->incidents_n < SHOWN_MAX ? s->r->incidents_n : SHOWN_MAX;
	char shown[16];

	html_element(&s->h, "h2", T_INCIDENTS, NULL);
	if (!s->r->incidents_known || n == 0) {
		html_element(&s->h, "p",
			     s->r->incidents_known ? T_R_NO_INCIDENT : T_R_NO_INCIDENTS_DB, NULL);
		return;
	}
	put_list(s);
	html_element(&s->h, "h3", T_R_EVIDENCE, NULL);
	s->line = 0; /* each has the line that it has in the table */
	for (size_t i = 0; i < n; i++)
		put_one(s, &s->r->incidents[i]);
	snprintf(shown, sizeof(shown), "%zu", n);
	if (n < s->r->incidents_n)
		html_element(&s->h, "p", T_R_EVIDENCE_MORE, shown, NULL);
	put_words(s);
}
