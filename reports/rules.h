/* rules.h - what may open an incident, and when it may close: the rules and their settings.
 *
 * Values and questions only: no store, no clock. A rule judges either a session, as soon as its
 * verdict falls or what it weighs has grown, or what the ledger holds of the last hour, with each
 * step. What each of them means, and why its numbers are what they are, is in doc/alerts.md.
 */
#ifndef MAILSEAL_RULES_H
#define MAILSEAL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/counts.h"
#include "reports/health.h"
#include "reports/peers.h"

/* Enumerator, name, severity unless the configuration says otherwise. */
#define RULE_TABLE(X)                                                         \
	X(RULE_PLAINTEXT, "plaintext-between-signatories", SEVERITY_CRITICAL) \
	X(RULE_STRIPPED, "starttls-stripped", SEVERITY_WARNING)               \
	X(RULE_FALLBACK, "downgrade-fallback", SEVERITY_WARNING)              \
	X(RULE_TLS_TOO_OLD, "tls-too-old", SEVERITY_WARNING)                  \
	X(RULE_AUTH_IN_CLEAR, "auth-in-clear", SEVERITY_WARNING)              \
	X(RULE_RATIO_BELOW, "ratio-below", SEVERITY_WARNING)                  \
	X(RULE_SENSOR_BLIND, "sensor-blind", SEVERITY_WARNING)                \
	X(RULE_SENSOR_LOSSY, "sensor-lossy", SEVERITY_WARNING)                \
	X(RULE_SENSOR_ONE_SIDED, "sensor-one-sided", SEVERITY_WARNING)

#define RULE_ENUM(id, name, severity) id,
enum rule { RULE_TABLE(RULE_ENUM) RULES };
#undef RULE_ENUM

enum severity { SEVERITY_OFF, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_N };

/* What a rule judges. */
enum rule_kind { RULE_OF_SESSION, RULE_OF_PAIR, RULE_OF_SENSOR };

const char *rule_name(enum rule r); /* NULL when out of range */
bool rule_by_name(const char *name, enum rule *out);
enum rule_kind rule_kind(enum rule r);
const char *severity_name(enum severity s); /* "off", "warning", "critical"; NULL otherwise */
bool severity_by_name(const char *name, enum severity *out);

/* The settings of a rule for a pair. Which of them a rule uses is in doc/alerts.md. */
struct rule_settings {
	/* SEVERITY_OFF: the rule is silent. For plaintext-between-signatories the most it can be; what
	 * is less than a message or a login seen in clear, or not confirmed, is a warning. */
	enum severity severity;
	unsigned quiet_s;           /* without anything new, and shown to be so: it closes */
	unsigned min_sessions;      /* of the last hour, before it opens; and in the quiet time */
	unsigned min_coverage_x100; /* 9000 is 90 %; of the last hour, and of the quiet time */
	unsigned threshold_x100;    /* ratio-below, sensor-*: less, or more, is too much */
	uint16_t min_version;       /* tls-too-old: the oldest that is well, 0x0303 */
	unsigned blind_s;           /* sensor-blind: so long without a packet */
	bool named; /* an entry names one of the peers: the rule looks at them in any case */
};

/* One entry of alerts.rules: settings that hold for these peers. Empty names stand for all. given
 * says which settings it changes. */
struct rule_entry {
	enum rule rule;
	char client[PARTY_NAME_MAX + 1], server[PARTY_NAME_MAX + 1];
	unsigned given; /* bits of enum rule_key */
	struct rule_settings s;
};

enum rule_key {
	RULE_KEY_SEVERITY,
	RULE_KEY_QUIET,
	RULE_KEY_SESSIONS,
	RULE_KEY_COVERAGE,
	RULE_KEY_THRESHOLD,
	RULE_KEY_VERSION,
	RULE_KEY_BLIND,
	RULE_KEYS
};

#define RULE_ENTRIES_MAX 256

/* A maintenance window: [from, to) in seconds, UTC; peer on either side, empty for all. Alerts wait
 * until it is over, and are dropped when the incident has closed by then. */
struct maintenance {
	int64_t from, to;
	char peer[PARTY_NAME_MAX + 1];
	char note[128];
};
#define MAINTENANCE_MAX 64

/* The built-in settings, over which every entry that matches is laid, in order; a later one wins.
 * quiet_s: the default for all rules (incidents.quiet_s). client and server are names of parties as
 * in struct pair, or "-" for a rule about the sensor, which only entries without peers match. */
struct rule_settings rule_settings(enum rule r, const char *client, const char *server,
				   const struct rule_entry *entries, size_t n, unsigned quiet_s);

/* Could this session, of any pair, speak for the rule? Cheap, and asked first: what it refuses
 * needs no settings. */
bool rule_may_want(enum rule r, const struct session *s);

/* Does this session of this pair speak for the rule? It need not be enough to open an incident:
 * see rule_needs(). Never true for a rule that judges the ledger, nor for an excepted pair. */
bool rule_wants_session(enum rule r, const struct rule_settings *set, const struct session *s,
			const struct pair *p);

/* How many sessions like this one, within an hour, open an incident; at least 1. More than one
 * count only when min_coverage_x100 was reached in that hour. */
unsigned rule_needs(enum rule r, const struct rule_settings *set, const struct session *s);

/* What an incident is by this session. */
enum severity rule_severity(enum rule r, const struct rule_settings *set, const struct session *s);

/* Is the pair one that RULE_RATIO_BELOW looks at? promised: both are signatories, and not the same;
 * names of parties. */
bool rule_wants_pair(const struct rule_settings *set, enum service service, bool promised);

/* Judgements of counts. Each fills found, at most RULE_FOUND_MAX bytes, with what it saw, in words
 * for people: "97.20 % of 350 sessions sealed, coverage 99.9 %". */
#define RULE_FOUND_MAX 127
bool rule_ratio_below(const struct rule_settings *set, const struct counts *hour,
		      char found[RULE_FOUND_MAX + 1]);
bool rule_lossy(const struct rule_settings *set, const struct health *hour,
		char found[RULE_FOUND_MAX + 1]);
bool rule_one_sided(const struct rule_settings *set, const struct health *hour,
		    char found[RULE_FOUND_MAX + 1]);

#endif
