/* alert_sample.h - an incident and its alert, for the tests of sinks. */
#ifndef MAILSEAL_TESTS_ALERT_SAMPLE_H
#define MAILSEAL_TESTS_ALERT_SAMPLE_H

#include <string.h>

#include "reports/record.h"
#include "reports/sink.h"

static inline struct incident sample_incident(void)
{
	struct incident i = {
		.id = 7,
		.rule = "plaintext-between-signatories",
		.client = "orange",
		.server = "free",
		.service = SERVICE_MTA,
		.sensor = "th2-1",
		.severity = SEVERITY_CRITICAL,
		.opened = 1448186400,
		.last_seen = 1448186460,
		.sessions = 3,
		.confirmed = 3,
	};

	i.by_exposure[EXPOSURE_CONTENT] = 3;
	i.by_cause[CAUSE_NOT_OFFERED] = 3;
	return i;
}

/* i is borrowed. */
static inline struct alert sample_alert(enum incident_event e, const struct incident *i)
{
	const struct alert a = {
		.event_id = 12,
		.event = e,
		.incident = i,
		.at = 1448186461,
		.now = 1448190000,
	};

	return a;
}

/* A record as the sensor writes it, with its line end. */
static inline const char *sample_record(char out[RECORD_MAX])
{
	static const struct pair pair = { .client = "orange", .server = "free" };
	const struct record_context c = { .sensor = "th2-1", .pair = &pair, .counted = -1 };
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = s.end_ns = 1448186400000000000u;
	s.protocol = PROTOCOL_SMTP;
	s.verdict = VERDICT_PLAINTEXT;
	s.reason = REASON_MAIL_IN_CLEAR;
	s.exposure = EXPOSURE_CONTENT;
	s.cause = CAUSE_NOT_OFFERED;
	s.tls_cipher = TLS_CIPHER_NONE;
	s.tls_group = TLS_GROUP_NONE;
	record_json(&s, &c, out);
	return out;
}

#endif
