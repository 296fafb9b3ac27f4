/* notification.c - an alert as MAILSEAL-MIB says it. */
#include "reports/notification.h"

#include <string.h>
#include <time.h>

#include "reports/siphash.h"
#include "reports/text.h"

enum { BRANCH_INCIDENT = 1, BRANCH_EVENT = 2 };

/* What the MIB has no word for; its numbers begin at 1. */
#define NO_WORD 0

#define ENGINE_NAME_MAX  27 /* octets behind the enterprise number and the format */
#define ENGINE_NAME_HEAD 19 /* of a longer name */
#define ENGINE_FORMAT    5  /* octets, as whoever runs it likes */

/* Words of the MIB ----------------------------------------------------------------------------- */

static uint32_t rule_word(const char *name)
{
	enum rule r;

	return rule_by_name(name, &r) ? (uint32_t)r + 1 : NO_WORD;
}

static uint32_t service_word(enum service s)
{
	switch (s) {
	case SERVICE_MTA: return 1;
	case SERVICE_SUBMISSION: return 2;
	case SERVICE_ACCESS: return 3;
	case SERVICE_N: return 4; /* of the sensor */
	}
	return NO_WORD;
}

static uint32_t severity_word(enum severity s)
{
	switch (s) {
	case SEVERITY_WARNING: return 1;
	case SEVERITY_CRITICAL: return 2;
	case SEVERITY_OFF:
	case SEVERITY_N: break;
	}
	return NO_WORD;
}

static uint32_t state_word(enum incident_state s)
{
	switch (s) {
	case INCIDENT_OPEN: return 1;
	case INCIDENT_STALE: return 2;
	case INCIDENT_CLOSED: return 3;
	case INCIDENT_STATES: break;
	}
	return NO_WORD;
}

/* The number of the notification, too. */
static uint8_t event_word(enum incident_event e)
{
	switch (e) {
	case EVENT_OPENED: return 1;
	case EVENT_ESCALATED: return 2;
	case EVENT_STALE: return 3;
	case EVENT_CLOSED: return 4;
	case EVENT_ACKNOWLEDGED: return 5;
	case EVENT_TEST: return 6;
	case EVENT_N: break;
	}
	return NO_WORD;
}

/* Objects ------------------------------------------------------------------------------------ */

static struct notification_object *add(struct notification *n, unsigned branch, unsigned object,
				       enum notification_type type)
{
	struct notification_object *o = &n->objects[n->n++];

	o->branch = (uint8_t)branch;
	o->object = (uint8_t)object;
	o->type = type;
	return o;
}

static void add_word(struct notification *n, unsigned branch, unsigned object, uint32_t word)
{
	add(n, branch, object, NOTIFICATION_INTEGER)->number = word;
}

static void add_number(struct notification *n, unsigned branch, unsigned object, uint64_t number)
{
	add(n, branch, object, NOTIFICATION_UNSIGNED)->number =
		number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* At most max octets of it, safe to print. */
static void add_text(struct notification *n, unsigned branch, unsigned object, const char *text,
		     size_t max, bool utf8)
{
	struct notification_object *o = add(n, branch, object, NOTIFICATION_OCTETS);

	text_safe(text, utf8, (char *)o->octets, max + 1);
	o->len = strlen((const char *)o->octets);
}

/* DateAndTime (RFC 2579), in UTC. */
static void add_time(struct notification *n, unsigned branch, unsigned object, int64_t seconds)
{
	struct notification_object *o = add(n, branch, object, NOTIFICATION_OCTETS);
	const time_t t = (time_t)seconds;
	struct tm tm = { .tm_mday = 1 };
	unsigned year;

	gmtime_r(&t, &tm);
	year = (unsigned)tm.tm_year + 1900u;
	o->octets[0] = (uint8_t)(year >> 8);
	o->octets[1] = (uint8_t)year;
	o->octets[2] = (uint8_t)(tm.tm_mon + 1);
	o->octets[3] = (uint8_t)tm.tm_mday;
	o->octets[4] = (uint8_t)tm.tm_hour;
	o->octets[5] = (uint8_t)tm.tm_min;
	o->octets[6] = (uint8_t)tm.tm_sec;
	o->octets[8] = '+';
	o->len = 11;
}

static void add_incident(struct notification *n, const struct incident *i)
{
	const unsigned b = BRANCH_INCIDENT;

	add_number(n, b, 1, (uint64_t)i->id);
	add_word(n, b, 2, rule_word(i->rule));
	add_text(n, b, 3, i->client, PARTY_NAME_MAX, false);
	add_text(n, b, 4, i->server, PARTY_NAME_MAX, false);
	add_word(n, b, 5, service_word(i->service));
	add_text(n, b, 6, i->sensor, INCIDENT_SENSOR_MAX, false);
	add_word(n, b, 7, severity_word(i->severity));
	add_word(n, b, 8, state_word(i->state));
	add_time(n, b, 9, i->opened);
	add_time(n, b, 10, i->last_seen);
	add_number(n, b, 11, i->sessions);
	add_number(n, b, 12, i->confirmed);
	add_text(n, b, 13, i->why, INCIDENT_WHY_MAX, false);
	add_text(n, b, 14, i->found, RULE_FOUND_MAX, false);
}

static void add_event(struct notification *n, const struct alert *a)
{
	const unsigned b = BRANCH_EVENT;

	add_word(n, b, 1, event_word(a->event));
	add_number(n, b, 2, (uint64_t)a->event_id);
	add_time(n, b, 3, a->at);
	add_word(n, b, 4, a->again ? 1 : 2);
}

void notification_of(const struct alert *a, struct notification *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = event_word(a->event);
	add_incident(out, a->incident);
	add_event(out, a);
	if (a->event != EVENT_ACKNOWLEDGED)
		return;
	add_text(out, BRANCH_INCIDENT, 15, a->incident->ack_by, INCIDENT_ACK_MAX, true);
	add_text(out, BRANCH_INCIDENT, 16, a->incident->ack_note, INCIDENT_NOTE_MAX, true);
}

/* The engine --------------------------------------------------------------------------------- */

size_t engine_id(const char *sensor, uint8_t out[ENGINE_ID_MAX])
{
	const struct siphash_key public = { .bytes = { 0 } };
	const size_t len = strlen(sensor);
	uint64_t hash;

	out[0] = (uint8_t)(0x80 | ENTERPRISE_NUMBER >> 24);
	out[1] = (uint8_t)(ENTERPRISE_NUMBER >> 16 & 0xff);
	out[2] = (uint8_t)(ENTERPRISE_NUMBER >> 8 & 0xff);
	out[3] = (uint8_t)(ENTERPRISE_NUMBER & 0xff);
	out[4] = ENGINE_FORMAT;
	if (len <= ENGINE_NAME_MAX) {
		memcpy(out + 5, sensor, len);
		return 5 + len;
	}
	memcpy(out + 5, sensor, ENGINE_NAME_HEAD);
	hash = siphash_told(&public, sensor, len);
	memcpy(out + 5 + ENGINE_NAME_HEAD, &hash, sizeof(hash));
	return ENGINE_ID_MAX;
}

void engine_clock(int64_t now, uint32_t *boots, uint32_t *seconds)
{
	*boots = 1 + (uint32_t)(now >> 31);
	*seconds = (uint32_t)(now & 0x7fffffff);
}
