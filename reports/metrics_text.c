/* metrics_text.c - totals and levels in the text format of Prometheus. */
#include "reports/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "reports/metrics_table.h"

/* One row of a table: a counter under its name. */
struct series {
	unsigned counter; /* enum count or enum health_counter */
	const char *metric, *label, *value, *help;
};

#define SERIES(id, metric, label, value, help) { id, metric, label, value, help },
static const struct series count_series[] = { METRICS_COUNTS(SERIES) };
static const struct series health_series[] = { METRICS_HEALTH(SERIES) };
#define COUNT_SERIES  (sizeof(count_series) / sizeof(count_series[0]))
#define HEALTH_SERIES (sizeof(health_series) / sizeof(health_series[0]))

static void head(FILE *out, const char *metric, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* Names from a ledger that somebody has changed stay one label. */
static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', out);
		putc(*p < ' ' || *p > '~' ? '?' : *p, out);
	}
	putc('"', out);
}

/* So many rows from s on are of its metric. */
static size_t metric_len(const struct series *s, size_t left)
{
	size_t n = 1;

	while (n < left && strcmp(s[n].metric, s->metric) == 0)
		n++;
	return n;
}

static void pair_line(FILE *out, const struct series *s, const struct ledger_row *row)
{
	fprintf(out, "%s{", s->metric);
	label(out, "client_peer", row->client);
	putc(',', out);
	label(out, "server_peer", row->server);
	putc(',', out);
	label(out, "service", service_name(row->service));
	if (s->label[0]) {
		putc(',', out);
		label(out, s->label, s->value);
	}
	fprintf(out, "} %" PRIu64 "\n", row->counts.n[s->counter]);
}

static void pairs(const struct metrics_totals *t, FILE *out)
{
	size_t n;

	for (size_t i = 0; i < COUNT_SERIES; i += n) {
		n = metric_len(&count_series[i], COUNT_SERIES - i);
		head(out, count_series[i].metric, "counter", count_series[i].help);
		for (size_t row = 0; row < t->rows_n; row++) {
			for (size_t s = i; s < i + n; s++)
				pair_line(out, &count_series[s], &t->rows[row]);
		}
	}
}

static void health(const struct metrics_totals *t, FILE *out)
{
	for (size_t i = 0; i < HEALTH_SERIES; i++) {
		const struct series *s = &health_series[i];

		if (i == 0 || strcmp(s->metric, s[-1].metric) != 0)
			head(out, s->metric, "counter", s->help);
		fputs(s->metric, out);
		if (s->label[0]) {
			putc('{', out);
			label(out, s->label, s->value);
			putc('}', out);
		}
		fprintf(out, " %" PRIu64 "\n", t->health.n[s->counter]);
	}
	head(out, "mailseal_flows_alive", "gauge", "TCP connections in the flow table.");
	fprintf(out, "mailseal_flows_alive %" PRIu64 "\n", t->health.alive);
}

static void sensor(const struct metrics_totals *t, FILE *out)
{
	head(out, "mailseal_build_info", "gauge", "The version of mailseald.");
	fputs("mailseal_build_info{", out);
	label(out, "version", PACKAGE_VERSION);
	fputs("} 1\n", out);
	if (t->last_step < 0)
		return;
	head(out, "mailseal_window_committed_timestamp_seconds", "gauge",
	     "The end of the last step in the ledger.");
	fprintf(out, "mailseal_window_committed_timestamp_seconds %" PRId64 "\n",
		t->last_step + STEP_S);
}

static void incidents(const struct metrics_levels *now, FILE *out)
{
	head(out, "mailseal_incidents", "gauge", "Incidents that fire.");
	for (unsigned i = INCIDENT_OPEN; i <= INCIDENT_STALE; i++) {
		for (unsigned s = SEVERITY_WARNING; s < SEVERITY_N; s++) {
			fputs("mailseal_incidents{", out);
			label(out, "state", incident_state_name((enum incident_state)i));
			putc(',', out);
			label(out, "severity", severity_name((enum severity)s));
			fprintf(out, "} %" PRIu64 "\n", now->incidents[i][s]);
		}
	}
}

static void targets(const struct metrics_levels *now, FILE *out)
{
	if (now->targets_n > 0)
		head(out, "mailseal_alerts_waiting", "gauge",
		     "Alerts that a target is still to get.");
	for (size_t i = 0; i < now->targets_n; i++) {
		fputs("mailseal_alerts_waiting{", out);
		label(out, "target", now->targets[i].name);
		fprintf(out, "} %" PRIu64 "\n", now->targets[i].waiting);
	}
}

static void writes(const struct metrics_writes *w, FILE *out)
{
	head(out, "mailseal_write_failing", "gauge",
	     "1 for what could not be written when it was last tried.");
	for (size_t i = 0; i < w->n; i++) {
		fputs("mailseal_write_failing{", out);
		label(out, "what", w->what[i]);
		fprintf(out, "} %d\n", w->failing[i]);
	}
	head(out, "mailseal_steps_waiting", "gauge", "Steps that wait for the ledger.");
	fprintf(out, "mailseal_steps_waiting %" PRIu64 "\n", w->steps_waiting);
}

void metrics_text(const struct metrics_totals *t, const struct metrics_levels *now, FILE *out)
{
	sensor(t, out);
	incidents(now, out);
	targets(now, out);
	if (now->writes)
		writes(now->writes, out);
	pairs(t, out);
	health(t, out);
}
