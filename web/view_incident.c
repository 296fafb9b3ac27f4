/* view_incident.c - one incident: what it is, how it went, who was told, and what proves it. */
#include "web/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/delivery_show.h"
#include "reports/explain.h"
#include "reports/incident_show.h"
#include "reports/record.h"
#include "web/page.h"
#include "web/terms.h"

#define TEXT_MAX 1024 /* as mailseal incidents gives it */

struct incident_page {
	struct incident i;
	bool found;
	char *lines[INCIDENT_EVIDENCE]; /* session records; owned */
	unsigned lines_n;
	struct delivery_rows deliveries;
};

/* Reading --------------------------------------------------------------------------------- */

static bool on_incident(void *ctx, const struct incident *i)
{
	struct incident_page *p = ctx;

	p->found = i->id == p->i.id;
	if (p->found)
		p->i = *i;
	return !p->found;
}

static bool on_evidence(void *ctx, const char *line)
{
	struct incident_page *p = ctx;

	p->lines[p->lines_n] = strdup(line);
	if (!p->lines[p->lines_n])
		abort();
	p->lines_n++;
	return p->lines_n < INCIDENT_EVIDENCE;
}

static enum answer read_all(struct view *v, struct incident_page *p)
{
	char id[24];

	p->i.id = v->route.id;
	if (!v->in) {
		snprintf(v->err, sizeof(v->err), "%s", text_of(T_NO_INCIDENT_STORE));
		return ANSWER_FAILED;
	}
	if (!incidents_list(v->in, -1, NULL, on_incident, p, v->err, sizeof(v->err)))
		return ANSWER_FAILED;
	if (!p->found) {
		snprintf(id, sizeof(id), "%" PRId64, v->route.id);
		text_fill(v->err, sizeof(v->err), T_NO_SUCH_INCIDENT, id, NULL);
		return ANSWER_NOT_FOUND;
	}
	if (!incidents_evidence(v->in, p->i.id, on_evidence, p, v->err, sizeof(v->err)) ||
	    !deliveries_list(v->dir, p->i.id, 0, delivery_rows_add, &p->deliveries, v->err,
			     sizeof(v->err)))
		return ANSWER_FAILED;
	return ANSWER_OK;
}

static void fini(struct incident_page *p)
{
	for (unsigned i = 0; i < p->lines_n; i++)
		free(p->lines[i]);
	delivery_rows_fini(&p->deliveries);
}

/* HTML: the incident ---------------------------------------------------------------------- */

static void begin_fact(struct html *h, enum text name)
{
	html_element(h, "dt", name, NULL);
	html_put(h, "<dd>");
}

static void end_fact(struct html *h)
{
	html_put(h, "</dd>\n");
}

static void fact(struct html *h, enum text name, const char *text)
{
	begin_fact(h, name);
	html_text(h, text[0] ? text : "-");
	end_fact(h);
}

static void time_fact(struct html *h, enum text name, int64_t seconds)
{
	if (seconds <= 0)
		return;
	begin_fact(h, name);
	page_time(h, seconds);
	end_fact(h);
}

static void put_pair(struct html *h, const struct incident *i)
{
	struct route to;

	if (i->service >= SERVICE_N) {
		fact(h, T_ABOUT, text_of(T_THE_SENSOR));
		return;
	}
	to = route_pair(i->service, i->client, i->server);
	begin_fact(h, T_ABOUT);
	page_party(h, i->client);
	html_put(h, " \xe2\x86\x92 ");
	page_party(h, i->server);
	html_put(h, ", %s (", incident_service(i));
	page_link(h, &to, text_of(T_THE_PAIR));
	html_put(h, ")");
	end_fact(h);
}

static void put_state(struct html *h, const struct incident *i)
{
	begin_fact(h, T_STATE);
	term_link(h, TERMS_STATE, incident_state_name(i->state), incident_state_name(i->state));
	html_put(h, i->why[0] ? ": %s" : "%s", i->why);
	end_fact(h);
}

/* What fires has gone on until the end of the ledger. */
static void put_times(struct html *h, const struct incident *i, int64_t ledger_end)
{
	char duration[32], times[24];
	int64_t end = i->closed > 0 ? i->closed : ledger_end;

	time_fact(h, T_OPENED, i->opened);
	if (i->reopened > 0) {
		snprintf(times, sizeof(times), "%u", i->reopened);
		begin_fact(h, T_REOPENED);
		html_say(h, i->reopened == 1 ? T_REOPENED_ONCE : T_REOPENED_TIMES, times, NULL);
		html_put(h, " ");
		page_time(h, i->since);
		end_fact(h);
	}
	time_fact(h, T_LAST_SEEN, i->last_seen);
	time_fact(h, T_CLOSED, i->closed);
	duration_text(end - i->since, duration, sizeof(duration));
	fact(h, T_DURATION, duration);
}

static void put_ack(struct html *h, const struct incident *i)
{
	if (i->acked <= 0)
		return;
	begin_fact(h, T_KNOWN);
	page_time(h, i->acked);
	html_put(h, ", %s", i->ack_by);
	html_put(h, i->ack_note[0] ? ": %s" : "%s", i->ack_note);
	end_fact(h);
}

static void put_weight(struct html *h, const struct incident *i)
{
	char sessions[NUMBER_TEXT_MAX], confirmed[NUMBER_TEXT_MAX], words[INCIDENT_WORDS_MAX];

	if (i->sessions == 0) /* a rule that judges counts: what it found is told */
		return;
	number_text(i->sessions, sessions);
	number_text(i->confirmed, confirmed);
	begin_fact(h, T_COL_SESSIONS);
	html_say(h, T_SESSIONS_CONFIRMED, sessions, confirmed, NULL);
	end_fact(h);
	incident_exposures_text(i, words);
	fact(h, T_EXPOSURE, words);
	incident_causes_text(i, words);
	fact(h, T_CAUSES, words);
}

static void put_incident(struct html *h, const struct view *v, const struct incident *i)
{
	const struct term *rule = term_find(TERMS_RULE, i->rule);

	if (rule)
		html_element(h, "p class=\"lead\"", rule->words, NULL);
	html_put(h, "<dl class=\"facts\">\n");
	begin_fact(h, T_SEVERITY);
	html_put(h, "<span class=\"badge %s\">%s</span>", severity_name(i->severity),
		 severity_name(i->severity));
	end_fact(h);
	begin_fact(h, T_RULE);
	term_link(h, TERMS_RULE, i->rule, i->rule);
	end_fact(h);
	put_pair(h, i);
	put_state(h, i);
	if (i->found[0])
		fact(h, T_FOUND, i->found);
	put_times(h, i, v->ledger_end);
	put_weight(h, i);
	put_ack(h, i);
	fact(h, T_AT_SENSOR, i->sensor);
	html_put(h, "</dl>\n");
	html_element(h, "p class=\"aside\"", T_TIMES_ARE_UTC, NULL);
}

/* HTML: evidence -------------------------------------------------------------------------- */

/* What mailseal explain prints of a record, line by line. */
static void put_explained(struct html *h, const struct record *r, enum signatories who, bool open)
{
	static const struct screen screen = { .width = 80, .utf8 = true };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	explain_print(f, &screen, r, who);
	if (fclose(f) != 0)
		abort();
	html_put(h, open ? "<details open><summary>" : "<details><summary>");
	html_say(h, T_EXPLAINED, NULL);
	html_put(h, "</summary><pre tabindex=\"0\">");
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		html_put(h, "%s\n", line);
	}
	html_put(h, "</pre></details>\n");
	free(text);
}

static void put_end(struct html *h, enum text name, const char *host, unsigned port,
		    const char *peer)
{
	begin_fact(h, name);
	html_put(h, "<code>%s</code>, ", host);
	html_say(h, T_PORT, NULL);
	html_put(h, " %u (%s)", port, peer);
	end_fact(h);
}

static void named_fact(struct html *h, enum text name, enum term_group g, const char *word)
{
	begin_fact(h, name);
	if (word)
		term_link(h, g, word, word);
	else
		html_text(h, "-");
	end_fact(h);
}

static enum signatories who_of(struct view *v, const struct record *r)
{
	struct ledger_party client, server;

	if (!view_party(v, r->client_peer, &client) || !view_party(v, r->server_peer, &server))
		return SIGNATORIES_UNKNOWN;
	return client.signatory && server.signatory ? SIGNATORIES_BOTH : SIGNATORIES_NOT_BOTH;
}

static void put_record(struct html *h, struct view *v, const struct record *r, bool open)
{
	enum signatories who = who_of(v, r);
	const struct session *s = &r->s;
	char text[TEXT_MAX];

	html_put(h, "<dl class=\"facts\">\n");
	time_fact(h, T_BEGAN, (int64_t)(s->start_ns / 1000000000u));
	put_end(h, T_FROM, r->client, s->client_port, r->client_peer);
	put_end(h, T_TO, r->server, s->server_port, r->server_peer);
	named_fact(h, T_VERDICT, TERMS_VERDICT, verdict_name((enum verdict)s->verdict));
	fact(h, T_REASON, reason_name((enum reason)s->reason));
	named_fact(h, T_EXPOSURE, TERMS_EXPOSURE,
		   s->exposure ? exposure_name((enum exposure)s->exposure) : NULL);
	fact(h, T_CONFIRMED, text_of(s->confirmed == TRI_TRUE ? T_YES : T_NO));
	named_fact(h, T_CAUSE, TERMS_CAUSE, s->cause ? cause_name((enum cause)s->cause) : NULL);
	if (s->stripped)
		named_fact(h, T_STRIPPED, TERMS_STRIPPED,
			   stripped_name((enum stripped)s->stripped));
	evidence_text(s, text, sizeof(text));
	begin_fact(h, T_SEEN);
	html_put(h, "<code>%s</code>", text);
	end_fact(h);
	explain_charter(r, who, text, sizeof(text));
	fact(h, T_CHARTER, text);
	if (r->community_id[0]) {
		begin_fact(h, T_COMMAND);
		html_put(h, "<code>mailseal explain --session %s</code>", r->community_id);
		end_fact(h);
	}
	html_put(h, "</dl>\n");
	put_explained(h, r, who, open);
}

static void put_evidence(struct html *h, struct view *v, const struct incident_page *p)
{
	html_element(h, "h2", T_EVIDENCE, NULL);
	if (p->lines_n == 0)
		html_element(h, "p", T_NO_EVIDENCE, NULL);
	for (unsigned i = 0; i < p->lines_n; i++) {
		char number[16], err[VIEW_ERR_MAX];
		struct record r;

		snprintf(number, sizeof(number), "%u", i + 1);
		html_element(h, "h3", T_EVIDENCE_N, number, NULL);
		if (record_read(p->lines[i], strcspn(p->lines[i], "\n"), &r, err, sizeof(err)))
			put_record(h, v, &r, i == 0);
		else
			html_element(h, "p class=\"problem\"", T_UNREADABLE, err, NULL);
	}
}

/* HTML: deliveries ------------------------------------------------------------------------ */

static void put_delivery(struct html *h, const struct delivery_row *d)
{
	int64_t tried = d->repeated ? d->repeated : d->tried;

	html_put(h, "<tr><th scope=\"row\">%s</th><td>", incident_event_name(d->event));
	page_time(h, d->at);
	html_put(h, "</td><td>%s</td><td>%s</td><td class=\"n\">%u</td><td>", d->target,
		 delivery_state_name(d->state), d->attempts);
	if (tried > 0)
		page_time(h, tried);
	else
		html_text(h, "-");
	html_put(h, "</td><td>%s", d->answer);
	if (d->held)
		html_element(h, "span class=\"words\"", T_HELD, NULL);
	html_put(h, "</td></tr>\n");
}

static void put_deliveries(struct html *h, const struct delivery_rows *rows)
{
	static const enum text heads[] = { T_EVENT,    T_AT,       T_TARGET,  T_STATE,
					   T_ATTEMPTS, T_LAST_TRY, T_ANSWERED };

	html_element(h, "h2", T_DELIVERIES, NULL);
	if (rows->n == 0) {
		html_element(h, "p", T_NOBODY_TOLD, NULL);
		return;
	}
	page_table_begin(h, text_of(T_DELIVERIES), T_DELIVERIES_CAPTION);
	page_heads(h, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < rows->n; i++)
		put_delivery(h, &rows->list[i]);
	page_table_end(h);
}

/* JSON: as mailseal incidents ID --json ---------------------------------------------------- */

static void write_json(const struct incident_page *p, struct json_out *j)
{
	incident_json(j, &p->i);
	json_array(j, "evidence");
	for (unsigned i = 0; i < p->lines_n; i++)
		incident_record_json(j, p->lines[i]);
	json_array_end(j);
	json_array(j, "deliveries");
	delivery_json(j, &p->deliveries);
	json_array_end(j);
}

enum answer view_incident(struct view *v, struct html *h, struct json_out *j)
{
	struct incident_page p = { .found = false };
	enum answer a = read_all(v, &p);

	if (a == ANSWER_OK && h) {
		put_incident(h, v, &p.i);
		put_evidence(h, v, &p);
		put_deliveries(h, &p.deliveries);
	} else if (a == ANSWER_OK) {
		write_json(&p, j);
	}
	fini(&p);
	return a;
}
