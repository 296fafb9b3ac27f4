/* matrix_data.c - the matrix for programs: JSON and CSV; and its shares as text. */
#include "reports/matrix.h"

#include "reports/counts_csv.h"
#include "reports/counts_json.h"
#include "reports/csv.h"
#include "reports/json_out.h"

#define JSON_VERSION 1

void bounds_text(const struct ratio *r, char *out, size_t outlen)
{
	uint64_t all = r->encrypted + r->plaintext + r->unknown;
	char low[16], high[16];

	if (all == 0) {
		snprintf(out, outlen, "-");
		return;
	}
	percent_text(r->encrypted, all, false, low, sizeof(low));
	percent_text(r->encrypted + r->unknown, all, r->unknown > 0, high, sizeof(high));
	snprintf(out, outlen, "%s-%s", low, high);
}

/* Rounded down: a double would make 100 of what is a session short of it. */
static unsigned whole_percent(uint64_t num, uint64_t den)
{
	if (num == den)
		return 100;
	if (den > UINT64_MAX / 100)
		return (unsigned)(num / (den / 100 + 1));
	return (unsigned)(num * 100 / den);
}

void coverage_text(const struct ratio *r, char *out, size_t outlen)
{
	uint64_t decided = r->encrypted + r->plaintext + r->failed;
	uint64_t all = decided + r->unknown;

	if (!r->covered || all == 0)
		snprintf(out, outlen, "-");
	else
		snprintf(out, outlen, "%u %%", whole_percent(decided, all));
}

static void json_period(struct json_out *j, const struct matrix *m)
{
	char text[UTC_TEXT_MAX];

	json_object(j, "period");
	utc_text(m->period.from, UTC_ISO, text);
	json_text(j, "from", text);
	utc_text(m->period.to, UTC_ISO, text);
	json_text(j, "to", text);
	json_uint(j, "seconds", (uint64_t)(m->period.to - m->period.from));
	json_bool(j, "counted_back", m->period.counted_back);
	utc_text(m->ledger_end, UTC_ISO, text);
	json_text(j, "ledger_end", text);
	json_object_end(j);
}

static void json_pairs(struct json_out *j, const struct matrix *m)
{
	json_array(j, "pairs");
	for (size_t i = 0; i < m->cells_n; i++) {
		const struct matrix_cell *c = &m->cells[i];

		json_object(j, NULL);
		json_text(j, "client", m->parties[c->client].name);
		json_text(j, "server", m->parties[c->server].name);
		json_bool(j, "promised", c->promised);
		counts_json(j, &c->counts, 0);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_sensor(struct json_out *j, const struct matrix *m)
{
	json_object(j, "sensor");
	json_uint(j, "seconds_seen", (uint64_t)m->seen_s);
	json_bool(j, "limited", matrix_limited(m));
	for (unsigned i = 0; i < HEALTH_N; i++)
		json_uint(j, health_name((enum health_counter)i), m->health.n[i]);
	json_object_end(j);
}

static void json_signatories(struct json_out *j, const struct matrix *m)
{
	json_array(j, "signatories");
	for (size_t i = 0; i < m->parties_n; i++) {
		if (m->parties[i].kind == PARTY_SIGNATORY)
			json_text(j, NULL, m->parties[i].name);
	}
	json_array_end(j);
}

void matrix_json_keys(const struct matrix *m, struct json_out *j)
{
	json_text(j, "service", service_name(m->service));
	json_bool(j, "all", m->all);
	json_period(j, m);
	json_signatories(j, m);
	json_pairs(j, m);
	json_object(j, "total");
	json_uint(j, "lost", m->health.n[HEALTH_LOST]);
	counts_json(j, &m->total, m->health.n[HEALTH_LOST]);
	json_object_end(j);
	json_sensor(j, m);
	json_object(j, "incidents");
	if (m->incidents_open >= 0)
		json_uint(j, "open", (uint64_t)m->incidents_open);
	else
		json_null(j, "open");
	json_object_end(j);
}

void matrix_json(const struct matrix *m, FILE *out)
{
	struct json_out j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_uint(&j, "version", JSON_VERSION);
	matrix_json_keys(m, &j);
	json_object_end(&j);
}

static void csv_cell(const struct matrix *m, const struct matrix_cell *c, const char *from,
		     const char *to, FILE *out)
{
	fprintf(out, "%s,%s,%s,", from, to, service_name(m->service));
	csv_name(out, m->parties[c->client].name);
	putc(',', out);
	csv_name(out, m->parties[c->server].name);
	fprintf(out, ",%s,", c->promised ? "true" : "false");
	counts_csv(out, &c->counts, 0);
	fputs("\n", out);
}

void matrix_csv(const struct matrix *m, FILE *out)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	utc_text(m->period.from, UTC_ISO, from);
	utc_text(m->period.to, UTC_ISO, to);
	fputs("from,to,service,client,server,promised,", out);
	counts_csv_names(out);
	fputs("\n", out);
	for (size_t i = 0; i < m->cells_n; i++)
		csv_cell(m, &m->cells[i], from, to, out);
}
