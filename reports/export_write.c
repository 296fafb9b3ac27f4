/* export_write.c - the rows of an export as CSV or JSON. */
#include "reports/export_write.h"

#include <inttypes.h>

#include "reports/csv.h"

#define JSON_VERSION 1

static const char *const resolution_names[RESOLUTION_N] = {
	[RESOLUTION_MINUTE] = "minute",
	[RESOLUTION_HOUR] = "hour",
	[RESOLUTION_DAY] = "day",
};

/* Head --------------------------------------------------------------------------------------- */

static bool has_service(const struct export_head *h)
{
	return h->of == SERIES_OF_PAIR;
}

static bool has_pair(const struct export_head *h)
{
	return h->of == SERIES_OF_PAIR && !h->sum;
}

static void csv_head(const struct export_head *h, FILE *out)
{
	fputs("begin,seconds,seconds_seen", out);
	if (has_service(h))
		fputs(",service", out);
	if (has_pair(h))
		fputs(",client,server,promised", out);
	for (size_t i = 0; i < h->series.n; i++) {
		struct series_about a = series_about(h->of, h->series.at[i]);

		fprintf(out, ",%s (%s)", a.name, a.unit);
	}
	putc('\n', out);
}

static void json_name(struct json_out *j, const char *key, const char *name)
{
	json_text(j, key, name[0] ? name : NULL);
}

static void json_selection(struct json_out *j, const struct export_head *h)
{
	json_object(j, "selection");
	json_text(j, "of", h->of == SERIES_OF_SENSOR ? "sensor" : h->sum ? "sum" : "pairs");
	if (has_service(h)) {
		json_text(j, "service",
			  h->service < 0 ? "all" : service_name((enum service)h->service));
		json_name(j, "client", h->client);
		json_name(j, "server", h->server);
		json_name(j, "peer", h->peer);
		json_bool(j, "promised", h->promised);
	}
	json_object_end(j);
}

static void json_time(struct json_out *j, const char *key, int64_t time)
{
	char text[UTC_TEXT_MAX];

	utc_text(time, UTC_ISO, text);
	json_text(j, key, text);
}

static void json_head(struct json_out *j, const struct export_head *h)
{
	json_object(j, NULL);
	json_uint(j, "version", JSON_VERSION);
	json_selection(j, h);
	json_text(j, "resolution", resolution_names[h->resolution]);
	json_object(j, "period");
	json_time(j, "from", h->period.from);
	json_time(j, "to", h->period.to);
	json_time(j, "ledger_end", h->ledger_end);
	json_object_end(j);
	json_object(j, "units");
	json_text(j, "seconds", "s");
	json_text(j, "seconds_seen", "s");
	for (size_t i = 0; i < h->series.n; i++) {
		struct series_about a = series_about(h->of, h->series.at[i]);

		json_text(j, a.name, a.unit);
	}
	json_object_end(j);
	json_array(j, "rows");
}

void export_begin(struct export_writer *w, const struct export_head *head, bool as_json, FILE *out)
{
	*w = (struct export_writer){ .out = out, .as_json = as_json, .head = *head, .begin = -1 };
	json_init(&w->json, out);
	if (as_json)
		json_head(&w->json, head);
	else
		csv_head(head, out);
}

void export_end(struct export_writer *w)
{
	if (!w->as_json)
		return;
	json_array_end(&w->json);
	json_object_end(&w->json);
}

/* Rows --------------------------------------------------------------------------------------- */

static void csv_value(FILE *out, const struct series_value *v)
{
	putc(',', out);
	if (v && v->is_share)
		csv_share(out, v->known, v->share);
	else if (v)
		fprintf(out, "%" PRIu64, v->n);
}

static void csv_pair(FILE *out, const struct export_row *r)
{
	if (!r->client) {
		fputs(",,,", out);
		return;
	}
	putc(',', out);
	csv_name(out, r->client);
	putc(',', out);
	csv_name(out, r->server);
	fputs(r->promised ? ",true" : ",false", out);
}

static void csv_row(const struct export_writer *w, const struct export_row *r)
{
	const struct export_head *h = &w->head;

	fprintf(w->out, "%s,%" PRId64 ",%" PRId64, w->begin_text, resolution_seconds(h->resolution),
		r->seen_s);
	if (has_service(h))
		fprintf(w->out, ",%s",
			r->service < 0 ? "" : service_name((enum service)r->service));
	if (has_pair(h))
		csv_pair(w->out, r);
	for (size_t i = 0; i < h->series.n; i++)
		csv_value(w->out, r->values ? &r->values[h->series.at[i]] : NULL);
	putc('\n', w->out);
}

static void json_value(struct json_out *j, const char *key, const struct series_value *v)
{
	if (!v || (v->is_share && !v->known))
		json_null(j, key);
	else if (v->is_share)
		json_real(j, key, v->share);
	else
		json_uint(j, key, v->n);
}

static void json_pair(struct json_out *j, const struct export_row *r)
{
	json_text(j, "client", r->client);
	json_text(j, "server", r->server);
	if (r->client)
		json_bool(j, "promised", r->promised);
	else
		json_null(j, "promised");
}

static void json_row(struct export_writer *w, const struct export_row *r)
{
	const struct export_head *h = &w->head;
	struct json_out *j = &w->json;

	json_object(j, NULL);
	json_text(j, "begin", w->begin_text);
	json_uint(j, "seconds", (uint64_t)resolution_seconds(h->resolution));
	json_uint(j, "seconds_seen", (uint64_t)r->seen_s);
	if (has_service(h))
		json_text(j, "service",
			  r->service < 0 ? NULL : service_name((enum service)r->service));
	if (has_pair(h))
		json_pair(j, r);
	for (size_t i = 0; i < h->series.n; i++)
		json_value(j, series_about(h->of, h->series.at[i]).name,
			   r->values ? &r->values[h->series.at[i]] : NULL);
	json_object_end(j);
}

void export_row(struct export_writer *w, const struct export_row *r)
{
	if (r->begin != w->begin) {
		w->begin = r->begin;
		utc_text(r->begin, UTC_ISO, w->begin_text);
	}
	if (w->as_json)
		json_row(w, r);
	else
		csv_row(w, r);
}
