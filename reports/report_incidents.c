/* report_incidents.c - the incidents that touched a month, and what proves them. */
#include "reports/report_read.h"

#include <stdlib.h>
#include <string.h>

#include "reports/record_read.h"

struct search {
	struct report *r;
	size_t room;
};

static void add_sensor(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->sensors_n; i++) {
		if (strcmp(r->sensors[i], name) == 0)
			return;
	}
	if (name[0] && r->sensors_n < REPORT_SENSORS)
		snprintf(r->sensors[r->sensors_n++], sizeof(r->sensors[0]), "%s", name);
}

static bool on_incident(void *ctx, const struct incident *i)
{
	struct search *f = ctx;
	struct report *r = f->r;
	struct report_incident *to;

	add_sensor(r, i->sensor);
	if (i->opened >= r->now.to || (i->closed > 0 && i->closed < r->now.from))
		return true;
	r->incidents = report_grown(r->incidents, r->incidents_n, &f->room, sizeof(*r->incidents));
	to = &r->incidents[r->incidents_n++];
	memset(to, 0, sizeof(*to));
	to->i = *i;
	to->firing = i->state != INCIDENT_CLOSED;
	to->duration_s = (to->firing ? r->ledger_end : i->closed) - i->opened;
	if (to->duration_s < 0)
		to->duration_s = 0;
	return true;
}

static bool on_proof(void *ctx, const char *line)
{
	struct report_incident *i = ctx;
	struct report_proof *p;
	struct record record;
	char err[128];

	if (i->proofs_n == INCIDENT_EVIDENCE)
		return false;
	p = &i->proofs[i->proofs_n++];
	p->readable = record_read(line, strcspn(line, "\n"), &record, err, sizeof(err));
	if (!p->readable)
		return true;
	p->time = (int64_t)(record.s.start_ns / 1000000000u);
	snprintf(p->client, sizeof(p->client), "%s", record.client);
	snprintf(p->server, sizeof(p->server), "%s", record.server);
	p->client_port = record.s.client_port;
	p->server_port = record.s.server_port;
	evidence_text(&record.s, p->evidence, sizeof(p->evidence));
	p->exposure = (enum exposure)record.s.exposure;
	p->cause = (enum cause)record.s.cause;
	p->confirmed = (enum tri)record.s.confirmed;
	return true;
}

static int by_weight(const void *a, const void *b)
{
	const struct incident *x = &((const struct report_incident *)a)->i;
	const struct incident *y = &((const struct report_incident *)b)->i;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->opened != y->opened)
		return x->opened < y->opened ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

bool report_read_incidents(struct report *r, struct incidents *in, char *err, size_t errlen)
{
	struct search f = { .r = r };

	r->incidents_known = in != NULL;
	if (!in)
		return true;
	if (!incidents_list(in, -1, NULL, on_incident, &f, err, errlen))
		return false;
	if (r->incidents_n)
		qsort(r->incidents, r->incidents_n, sizeof(*r->incidents), by_weight);
	for (size_t i = 0; i < r->incidents_n; i++) {
		struct report_incident *one = &r->incidents[i];

		if (!incidents_evidence(in, one->i.id, on_proof, one, err, errlen))
			return false;
	}
	return true;
}
