/* alert_fields.c - what an alert says, as names and values. */
#include "reports/alert_fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/period.h"

enum { LEVEL_CRITICAL = 2, LEVEL_WARNING = 4, LEVEL_NOTICE = 5 };

struct fields {
	alert_field_cb *cb;
	void *ctx;
};

static void field_uint(const struct fields *f, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	f->cb(f->ctx, name, text);
}

static void field_time(const struct fields *f, const char *name, int64_t seconds)
{
	char text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, text);
	f->cb(f->ctx, name, text);
}

static void identity(const struct fields *f, const struct incident *i)
{
	field_uint(f, "incident", (uint64_t)i->id);
	f->cb(f->ctx, "rule", i->rule);
	f->cb(f->ctx, "client", i->client);
	f->cb(f->ctx, "server", i->server);
	f->cb(f->ctx, "service", incident_service(i));
	f->cb(f->ctx, "sensor", i->sensor);
}

static void condition(const struct fields *f, const struct incident *i)
{
	f->cb(f->ctx, "severity", severity_name(i->severity));
	f->cb(f->ctx, "state", incident_state_name(i->state));
	field_time(f, "opened", i->opened);
	field_time(f, "last_seen", i->last_seen);
	if (i->closed > 0)
		field_time(f, "closed", i->closed);
	field_uint(f, "sessions", i->sessions);
	field_uint(f, "confirmed", i->confirmed);
	for (unsigned e = EXPOSURE_UNKNOWN; e < EXPOSURE_N; e++)
		field_uint(f, exposure_name((enum exposure)e), i->by_exposure[e]);
	if (i->found[0])
		f->cb(f->ctx, "found", i->found);
	if (i->why[0])
		f->cb(f->ctx, "why", i->why);
	if (i->acked > 0) {
		field_time(f, "acked", i->acked);
		f->cb(f->ctx, "ack_by", i->ack_by);
		f->cb(f->ctx, "ack_note", i->ack_note);
	}
}

void alert_fields(const struct alert *a, alert_field_cb *cb, void *ctx)
{
	const struct fields f = { cb, ctx };

	field_uint(&f, "event_id", (uint64_t)a->event_id);
	identity(&f, a->incident);
	condition(&f, a->incident);
	if (a->again)
		field_uint(&f, "again", 1);
	if (a->event == EVENT_TEST)
		field_uint(&f, "test", 1);
}

unsigned alert_level(const struct alert *a)
{
	switch (a->event) {
	case EVENT_CLOSED:
	case EVENT_ACKNOWLEDGED:
	case EVENT_TEST: return LEVEL_NOTICE;
	case EVENT_OPENED:
	case EVENT_ESCALATED:
	case EVENT_STALE:
	case EVENT_N: break;
	}
	return a->incident->severity == SEVERITY_CRITICAL ? LEVEL_CRITICAL : LEVEL_WARNING;
}
