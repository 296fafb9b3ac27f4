/* health.c - the books of the sensor. */
#include "reports/health.h"

#include <inttypes.h>
#include <stdio.h>

#define HEALTH_ROW(id, name, unit, text) [id] = { name, unit, text },
static const struct {
	const char *name, *unit, *text;
} rows[HEALTH_N] = { HEALTH_TABLE(HEALTH_ROW) };

const char *health_name(enum health_counter c)
{
	return (size_t)c < HEALTH_N ? rows[c].name : NULL;
}

const char *health_unit(enum health_counter c)
{
	return (size_t)c < HEALTH_N ? rows[c].unit : NULL;
}

const char *health_text(enum health_counter c)
{
	return (size_t)c < HEALTH_N ? rows[c].text : NULL;
}

bool health_balance(const struct health *h, char *err, size_t errlen)
{
	uint64_t packets = h->n[HEALTH_DELIVERED];
	uint64_t flows =
		h->n[HEALTH_SESSIONS] + h->n[HEALTH_EMPTY] + h->n[HEALTH_NOT_MAIL] + h->alive;

	for (int i = SKIP_LINK; i <= SKIP_FULL; i++)
		packets += h->n[i];
	if (packets != h->n[HEALTH_PACKETS]) {
		snprintf(err, errlen,
			 "%" PRIu64 " packets read, but %" PRIu64 " delivered or skipped",
			 h->n[HEALTH_PACKETS], packets);
		return false;
	}
	if (flows != h->n[HEALTH_FLOWS]) {
		snprintf(err, errlen, "%" PRIu64 " flows opened, but %" PRIu64 " ended or alive",
			 h->n[HEALTH_FLOWS], flows);
		return false;
	}
	return true;
}

struct health health_since(const struct health *from, const struct health *to)
{
	struct health d = { .alive = to->alive };

	for (size_t i = 0; i < HEALTH_N; i++)
		d.n[i] = to->n[i] - from->n[i];
	return d;
}
