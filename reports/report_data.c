/* report_data.c - the report for programs: JSON and CSV. */
#include "reports/report.h"

#include <inttypes.h>
#include <string.h>

#include "reports/counts_csv.h"
#include "reports/counts_json.h"
#include "reports/csv.h"
#include "reports/incident_show.h"
#include "reports/json_out.h"
#include "reports/period.h"

#define JSON_VERSION 1

/* JSON ------------------------------------------------------------------------------------------ */

static void json_time(struct json_out *j, const char *key, int64_t seconds)
{
	char text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, text);
	json_text(j, key, text);
}

static void json_local(struct json_out *j, const char *key, int64_t seconds)
{
	char text[LOCAL_TEXT_MAX];

	local_text(seconds, text);
	json_text(j, key, text);
}

static void json_total(struct json_out *j, const char *key, const struct counts *c, uint64_t lost)
{
	json_object(j, key);
	json_uint(j, "lost", lost);
	counts_json(j, c, lost);
	json_object_end(j);
}

/* A row of a table; the keys are the same whether it is published or not. */
static void json_row(struct json_out *j, const struct report *r, const char *client,
		     const char *server, const struct counts *c)
{
	bool withheld = report_withholds(r, c);

	json_object(j, NULL);
	if (client)
		json_text(j, "client", client);
	if (server)
		json_text(j, "server", server);
	json_bool(j, "suppressed", withheld);
	if (withheld)
		counts_json_withheld(j);
	else
		counts_json(j, c, 0);
	json_object_end(j);
}

static void json_pairs(struct json_out *j, const struct report *r, const struct report_month *m)
{
	size_t n = r->signatories_n;

	json_array(j, "pairs");
	for (size_t c = 0; c < n; c++) {
		for (size_t s = 0; s < n; s++) {
			if (c != s)
				json_row(j, r, r->signatories[c], r->signatories[s],
					 &m->pairs[c * n + s]);
		}
	}
	json_array_end(j);
}

static void json_side(struct json_out *j, const struct report *r, const struct report_month *m,
		      enum report_side side)
{
	bool out = side == SIDE_WORLD_OUT;

	json_object(j, report_side_name(side));
	json_total(j, "total", &m->side[side], m->health.n[HEALTH_LOST]);
	json_array(j, "signatories");
	for (size_t i = 0; i < r->signatories_n; i++)
		json_row(j, r, out ? r->signatories[i] : NULL, out ? NULL : r->signatories[i],
			 &m->sides[side][i]);
	json_array_end(j);
	json_object_end(j);
}

/* What is in no table, so that everything adds up to what the ledger holds. */
static void json_beside(struct json_out *j, const struct report_month *m)
{
	json_object(j, "beside");
	json_total(j, "within-signatories", &m->within, 0);
	for (unsigned i = 0; i < SERVICE_N; i++)
		json_total(j, service_name((enum service)i), &m->beside[i], 0);
	json_object_end(j);
}

/* The tables of one month, this one or one before. */
static void json_tables(struct json_out *j, const struct report *r, const struct report_month *m)
{
	json_total(j, "total", &m->promised, m->health.n[HEALTH_LOST]);
	json_pairs(j, r, m);
	for (unsigned i = 0; i < SIDES; i++)
		json_side(j, r, m, (enum report_side)i);
	json_beside(j, m);
}

static void json_period(struct json_out *j, const struct report_month *m)
{
	json_object(j, "period");
	json_time(j, "from", m->from);
	json_time(j, "to", m->to);
	json_local(j, "from_local", m->from);
	json_local(j, "to_local", m->to);
	json_time(j, "counted_from", m->counted_from);
	json_time(j, "counted_to", m->counted_to);
	json_uint(j, "seconds", (uint64_t)(m->counted_to - m->counted_from));
	json_uint(j, "seconds_elapsed", (uint64_t)m->elapsed_s);
	json_uint(j, "seconds_before_ledger", (uint64_t)m->before_s);
	json_uint(j, "seconds_seen", (uint64_t)m->seen_s);
	json_object_end(j);
}

static void json_month(struct json_out *j, const struct report_month *m)
{
	char text[MONTH_TEXT_MAX];

	month_text(m->month, text);
	json_text(j, "month", text);
	json_period(j, m);
}

static void json_notes(struct json_out *j, const struct report *r)
{
	json_array(j, "notes");
	for (unsigned n = 0; n < NOTES; n++) {
		int64_t at;

		if (!report_note(r, (enum report_note)n, &at))
			continue;
		json_object(j, NULL);
		json_text(j, "note", report_note_name((enum report_note)n));
		if (at > 0)
			json_time(j, "at", at);
		else
			json_null(j, "at");
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_head(struct json_out *j, const struct report *r)
{
	json_uint(j, "version", JSON_VERSION);
	json_text(j, "mailseal", PACKAGE_VERSION);
	json_time(j, "generated", r->generated);
	json_text(j, "timezone", r->zone);
	json_uint(j, "min_sessions", r->min_sessions);
	json_array(j, "sensors");
	for (size_t i = 0; i < r->sensors_n; i++)
		json_text(j, NULL, r->sensors[i]);
	json_array_end(j);
	json_array(j, "signatories");
	for (size_t i = 0; i < r->signatories_n; i++)
		json_text(j, NULL, r->signatories[i]);
	json_array_end(j);
	json_object(j, "ledger");
	json_time(j, "begins", r->ledger_begin);
	json_time(j, "ends", r->ledger_end);
	json_object_end(j);
	json_notes(j, r);
}

static void json_proof(struct json_out *j, const struct report_proof *p)
{
	if (!p->readable) {
		json_null(j, NULL);
		return;
	}
	json_object(j, NULL);
	json_time(j, "time", p->time);
	json_text(j, "client", p->client);
	json_uint(j, "client_port", p->client_port);
	json_text(j, "server", p->server);
	json_uint(j, "server_port", p->server_port);
	json_text(j, "evidence", p->evidence);
	json_text(j, "exposure", exposure_name(p->exposure));
	json_text(j, "cause", cause_name(p->cause));
	if (p->confirmed == TRI_NULL)
		json_null(j, "confirmed");
	else
		json_bool(j, "confirmed", p->confirmed == TRI_TRUE);
	json_object_end(j);
}

static void json_incidents(struct json_out *j, const struct report *r)
{
	if (!r->incidents_known) {
		json_null(j, "incidents");
		return;
	}
	json_array(j, "incidents");
	for (size_t i = 0; i < r->incidents_n; i++) {
		const struct report_incident *one = &r->incidents[i];

		json_object(j, NULL);
		incident_json(j, &one->i);
		json_bool(j, "firing", one->firing);
		json_uint(j, "duration", (uint64_t)one->duration_s);
		json_array(j, "evidence");
		for (size_t p = 0; p < one->proofs_n; p++)
			json_proof(j, &one->proofs[p]);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_sensor(struct json_out *j, const struct report *r)
{
	json_object(j, "sensor");
	json_array(j, "outages");
	for (size_t i = 0; i < r->outages_n; i++) {
		json_object(j, NULL);
		json_time(j, "from", r->outages[i].from);
		json_time(j, "to", r->outages[i].to);
		json_uint(j, "seconds", (uint64_t)r->outages[i].missed_s);
		json_object_end(j);
	}
	json_array_end(j);
	json_object(j, "health");
	for (unsigned i = 0; i < HEALTH_N; i++)
		json_uint(j, health_name((enum health_counter)i), r->now.health.n[i]);
	json_object_end(j);
	json_object_end(j);
}

void report_json(const struct report *r, FILE *out)
{
	struct json_out j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_head(&j, r);
	json_month(&j, &r->now);
	json_tables(&j, r, &r->now);
	json_incidents(&j, r);
	json_sensor(&j, r);
	json_array(&j, "trend");
	for (size_t i = r->before_n; i > 0; i--) {
		json_object(&j, NULL);
		json_month(&j, &r->before[i - 1]);
		json_tables(&j, r, &r->before[i - 1]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
}

/* CSV ------------------------------------------------------------------------------------------- */

struct csv {
	FILE *out;
	const struct report *r;
	const struct report_month *m;
};

/* Up to "suppressed". */
static void csv_head(const struct csv *c, const char *table, const char *client, const char *server)
{
	char month[MONTH_TEXT_MAX], from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	month_text(c->m->month, month);
	utc_text(c->m->counted_from, UTC_ISO, from);
	utc_text(c->m->counted_to, UTC_ISO, to);
	fprintf(c->out, "%s,", month);
	csv_name(c->out, c->r->zone);
	fprintf(c->out, ",%s,%s,%s,", from, to, table);
	csv_name(c->out, client);
	putc(',', c->out);
	csv_name(c->out, server);
	putc(',', c->out);
}

static void csv_total(const struct csv *c, const char *table, const struct counts *n, uint64_t lost)
{
	csv_head(c, table, "", "");
	fprintf(c->out, "false,%" PRIu64 ",", lost);
	counts_csv(c->out, n, lost);
	putc('\n', c->out);
}

static void csv_row(const struct csv *c, const char *table, const char *client, const char *server,
		    const struct counts *n)
{
	char few[16];
	bool withheld = report_withholds(c->r, n);

	csv_head(c, table, client, server);
	snprintf(few, sizeof(few), "<%u", c->r->min_sessions);
	fprintf(c->out, "%s,0,", withheld ? "true" : "false");
	if (withheld)
		counts_csv_withheld(c->out, few);
	else
		counts_csv(c->out, n, 0);
	putc('\n', c->out);
}

static void csv_pairs(const struct csv *c)
{
	size_t n = c->r->signatories_n;

	for (size_t from = 0; from < n; from++) {
		for (size_t to = 0; to < n; to++) {
			if (from != to)
				csv_row(c, "pair", c->r->signatories[from], c->r->signatories[to],
					&c->m->pairs[from * n + to]);
		}
	}
}

static void csv_month(const struct csv *c)
{
	uint64_t lost = c->m->health.n[HEALTH_LOST];
	char total[32];

	csv_total(c, "pair-total", &c->m->promised, lost);
	csv_pairs(c);
	for (unsigned s = 0; s < SIDES; s++) {
		const char *name = report_side_name((enum report_side)s);

		snprintf(total, sizeof(total), "%s-total", name);
		csv_total(c, total, &c->m->side[s], lost);
		for (size_t i = 0; i < c->r->signatories_n; i++)
			csv_row(c, name, s == SIDE_WORLD_OUT ? c->r->signatories[i] : "",
				s == SIDE_WORLD_OUT ? "" : c->r->signatories[i],
				&c->m->sides[s][i]);
	}
	csv_total(c, "beside-within-signatories", &c->m->within, 0);
	for (unsigned i = 0; i < SERVICE_N; i++) {
		snprintf(total, sizeof(total), "beside-%s", service_name((enum service)i));
		csv_total(c, total, &c->m->beside[i], 0);
	}
}

void report_csv(const struct report *r, FILE *out)
{
	struct csv c = { out, r, &r->now };

	fputs("month,timezone,from,to,table,client,server,suppressed,lost,", out);
	counts_csv_names(out);
	putc('\n', out);
	csv_month(&c);
	for (size_t i = 0; i < r->before_n; i++) {
		c.m = &r->before[i];
		csv_month(&c);
	}
}
