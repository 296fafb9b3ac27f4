/* alertmanager_json.h - an alert as Prometheus Alertmanager takes it: POST /api/v2/alerts.
 *
 * Labels are the identity, so they hold nothing that changes while an incident lasts: alertname
 * (the rule), client, server and service (not those of a sensor incident, which has none), sensor,
 * severity, job="mailseal". Severity is among them because it is what alerts are routed by; when an
 * incident escalates, the same body resolves the alert that it was as a warning. Everything else is
 * an annotation.
 *
 * endsAt says how long Alertmanager believes it without hearing again. What fires is repeated every
 * repeat_s and ends after three times that. What is acknowledged, or not repeated at all (repeat_s
 * is 0), ends in 30 days, for it still fires. What is closed ended when it closed. A test ends in 5
 * minutes.
 */
#ifndef MAILSEAL_ALERTMANAGER_JSON_H
#define MAILSEAL_ALERTMANAGER_JSON_H

#include "reports/sink.h"

#define ALERTMANAGER_TEST_S    300
#define ALERTMANAGER_LONG_S    (30 * 86400)
#define ALERTMANAGER_SAMPLES   3   /* of the evidence, in an annotation */
#define ALERTMANAGER_RESOLVE_S 300 /* so long an escalation resolves the warning, when repeated */

/* free() it. *len is its length. */
char *alertmanager_json(const struct alert *a, unsigned repeat_s, size_t *len);

#endif
