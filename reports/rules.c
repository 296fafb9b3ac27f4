/* rules.c - what may open an incident, and when it may close: the rules and their settings. */
#include "reports/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Fewer packets than these say nothing about their loss. */
#define LOSSY_PACKETS_MIN 1000
/* That a sensor sees again is known sooner than that a pair behaves. */
#define SENSOR_QUIET_S 600

#define RULE_NAME(id, name, severity)     [id] = name,
#define RULE_SEVERITY(id, name, severity) [id] = severity,
static const char *const rule_names[RULES] = { RULE_TABLE(RULE_NAME) };
static const enum severity rule_severities[RULES] = { RULE_TABLE(RULE_SEVERITY) };

static const char *const severity_names[SEVERITY_N] = {
	[SEVERITY_OFF] = "off",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

/* What is not the same for all. doc/alerts.md says why. */
static const struct rule_settings built_in[RULES] = {
	[RULE_PLAINTEXT] = { .min_sessions = 1, .min_coverage_x100 = 9000 },
	[RULE_STRIPPED] = { .min_sessions = 5, .min_coverage_x100 = 9000 },
	[RULE_FALLBACK] = { .min_sessions = 1, .min_coverage_x100 = 9000 },
	[RULE_TLS_TOO_OLD] = { .min_sessions = 1,
			       .min_coverage_x100 = 9000,
			       .min_version = 0x0303 },
	[RULE_AUTH_IN_CLEAR] = { .min_sessions = 20, .min_coverage_x100 = 9000 },
	[RULE_RATIO_BELOW] = { .min_sessions = 20,
			       .min_coverage_x100 = 9000,
			       .threshold_x100 = 9500 },
	[RULE_SENSOR_BLIND] = { .blind_s = 300 },
	[RULE_SENSOR_LOSSY] = { .min_sessions = 20, .threshold_x100 = 100 },
	[RULE_SENSOR_ONE_SIDED] = { .min_sessions = 20, .threshold_x100 = 2000 },
};

/* Names -------------------------------------------------------------------------------------- */

const char *rule_name(enum rule r)
{
	return (size_t)r < RULES ? rule_names[r] : NULL;
}

bool rule_by_name(const char *name, enum rule *out)
{
	for (unsigned r = 0; r < RULES; r++) {
		if (strcmp(name, rule_names[r]) == 0) {
			*out = (enum rule)r;
			return true;
		}
	}
	return false;
}

enum rule_kind rule_kind(enum rule r)
{
	switch (r) {
	case RULE_RATIO_BELOW: return RULE_OF_PAIR;
	case RULE_SENSOR_BLIND:
	case RULE_SENSOR_LOSSY:
	case RULE_SENSOR_ONE_SIDED: return RULE_OF_SENSOR;
	case RULE_PLAINTEXT:
	case RULE_STRIPPED:
	case RULE_FALLBACK:
	case RULE_TLS_TOO_OLD:
	case RULE_AUTH_IN_CLEAR:
	case RULES: break;
	}
	return RULE_OF_SESSION;
}

const char *severity_name(enum severity s)
{
	return (size_t)s < SEVERITY_N ? severity_names[s] : NULL;
}

bool severity_by_name(const char *name, enum severity *out)
{
	for (unsigned s = 0; s < SEVERITY_N; s++) {
		if (strcmp(name, severity_names[s]) == 0) {
			*out = (enum severity)s;
			return true;
		}
	}
	return false;
}

/* Settings ----------------------------------------------------------------------------------- */

static void lay_over(struct rule_settings *set, const struct rule_entry *e)
{
	for (unsigned k = 0; k < RULE_KEYS; k++) {
		if (!(e->given & 1u << k))
			continue;
		switch ((enum rule_key)k) {
		case RULE_KEY_SEVERITY: set->severity = e->s.severity; break;
		case RULE_KEY_QUIET: set->quiet_s = e->s.quiet_s; break;
		case RULE_KEY_SESSIONS: set->min_sessions = e->s.min_sessions; break;
		case RULE_KEY_COVERAGE: set->min_coverage_x100 = e->s.min_coverage_x100; break;
		case RULE_KEY_THRESHOLD: set->threshold_x100 = e->s.threshold_x100; break;
		case RULE_KEY_VERSION: set->min_version = e->s.min_version; break;
		case RULE_KEY_BLIND: set->blind_s = e->s.blind_s; break;
		case RULE_KEYS: break;
		}
	}
}

static bool matches(const char *entry, const char *party)
{
	return entry[0] == '\0' || strcmp(entry, party) == 0;
}

struct rule_settings rule_settings(enum rule r, const char *client, const char *server,
				   const struct rule_entry *entries, size_t n, unsigned quiet_s)
{
	struct rule_settings set = built_in[r];

	set.severity = rule_severities[r];
	set.quiet_s = quiet_s;
	if (rule_kind(r) == RULE_OF_SENSOR && quiet_s > SENSOR_QUIET_S)
		set.quiet_s = SENSOR_QUIET_S;
	for (size_t i = 0; i < n; i++) {
		const struct rule_entry *e = &entries[i];

		if (e->rule != r || !matches(e->client, client) || !matches(e->server, server))
			continue;
		lay_over(&set, e);
		set.named |= e->client[0] != '\0' || e->server[0] != '\0';
	}
	return set;
}

/* Sessions ----------------------------------------------------------------------------------- */

static bool is_encrypted(const struct session *s)
{
	return s->verdict == VERDICT_ENCRYPTED_STARTTLS || s->verdict == VERDICT_ENCRYPTED_IMPLICIT;
}

/* What the server refused is a counter only. */
static bool is_in_clear(const struct session *s)
{
	return s->verdict == VERDICT_PLAINTEXT && s->exposure >= EXPOSURE_UNKNOWN;
}

bool rule_may_want(enum rule r, const struct session *s)
{
	switch (r) {
	case RULE_PLAINTEXT: return is_in_clear(s);
	case RULE_STRIPPED: return s->stripped != STRIPPED_NONE;
	case RULE_FALLBACK: return is_in_clear(s) && s->fallback;
	case RULE_TLS_TOO_OLD: return is_encrypted(s) && s->tls_version != 0;
	case RULE_AUTH_IN_CLEAR:
		return is_in_clear(s) && s->auth_clear == TRI_TRUE &&
		       s->exposure >= EXPOSURE_CREDENTIALS;
	case RULE_RATIO_BELOW:
	case RULE_SENSOR_BLIND:
	case RULE_SENSOR_LOSSY:
	case RULE_SENSOR_ONE_SIDED:
	case RULES: break;
	}
	return false;
}

bool rule_wants_session(enum rule r, const struct rule_settings *set, const struct session *s,
			const struct pair *p)
{
	if (set->severity == SEVERITY_OFF || p->excepted || !rule_may_want(r, s))
		return false;
	if (r == RULE_PLAINTEXT) /* what was not promised is not broken, whoever is named */
		return p->promised;
	if (r == RULE_TLS_TOO_OLD && s->tls_version >= set->min_version)
		return false;
	return set->named || (r == RULE_AUTH_IN_CLEAR ? p->access : p->promised);
}

/* What the session shows by itself needs no other; what is told by the sessions before it does. */
unsigned rule_needs(enum rule r, const struct rule_settings *set, const struct session *s)
{
	bool shown = s->stripped == STRIPPED_MASKED || s->stripped == STRIPPED_REFUSED;

	if (r == RULE_PLAINTEXT || (r == RULE_STRIPPED && shown) || set->min_sessions == 0)
		return 1;
	return set->min_sessions;
}

enum severity rule_severity(enum rule r, const struct rule_settings *set, const struct session *s)
{
	bool crossed = s->exposure == EXPOSURE_CONTENT || s->exposure == EXPOSURE_CREDENTIALS;

	if (r != RULE_PLAINTEXT || (crossed && s->confirmed == TRI_TRUE))
		return set->severity;
	return SEVERITY_WARNING;
}

/* Counts ------------------------------------------------------------------------------------- */

bool rule_wants_pair(const struct rule_settings *set, enum service service, bool promised)
{
	return set->severity != SEVERITY_OFF &&
	       (set->named || (promised && service == SERVICE_MTA));
}

/* Whether the share is below, or above, so many hundredths of a per cent. */
static bool is_below(double share, unsigned x100)
{
	return share * 10000 < (double)x100;
}

static bool is_above(double share, unsigned x100)
{
	return share * 10000 > (double)x100;
}

bool rule_ratio_below(const struct rule_settings *set, const struct counts *hour,
		      char found[RULE_FOUND_MAX + 1])
{
	struct ratio r = counts_ratio(hour, 0);
	char text[32], coverage[32];

	ratio_text(&r, text, sizeof(text));
	coverage_fine_text(&r, coverage, sizeof(coverage));
	snprintf(found, RULE_FOUND_MAX + 1, "%s of %" PRIu64 " sessions sealed, coverage %s", text,
		 r.encrypted + r.plaintext, coverage);
	return r.known && r.encrypted + r.plaintext >= set->min_sessions &&
	       !is_below(r.coverage, set->min_coverage_x100) &&
	       is_below(r.ratio, set->threshold_x100);
}

static double share(uint64_t part, uint64_t rest)
{
	return part == 0 ? 0 : (double)part / ((double)part + (double)rest);
}

bool rule_lossy(const struct rule_settings *set, const struct health *hour,
		char found[RULE_FOUND_MAX + 1])
{
	uint64_t dropped = hour->n[HEALTH_DROP_KERNEL] + hour->n[HEALTH_DROP_NIC];
	double packets = share(dropped, hour->n[HEALTH_PACKETS]);
	double records = share(hour->n[HEALTH_LOST], hour->n[HEALTH_SESSIONS]);

	snprintf(found, RULE_FOUND_MAX + 1,
		 "%.2f %% of the packets and %.2f %% of the records lost", 100 * packets,
		 100 * records);
	return (hour->n[HEALTH_PACKETS] + dropped >= LOSSY_PACKETS_MIN &&
		is_above(packets, set->threshold_x100)) ||
	       (hour->n[HEALTH_SESSIONS] + hour->n[HEALTH_LOST] >= set->min_sessions &&
		is_above(records, set->threshold_x100));
}

bool rule_one_sided(const struct rule_settings *set, const struct health *hour,
		    char found[RULE_FOUND_MAX + 1])
{
	uint64_t one = hour->n[HEALTH_ONE_SIDED], all = hour->n[HEALTH_SESSIONS];
	double part = one < all ? share(one, all - one) : one > 0;

	snprintf(found, RULE_FOUND_MAX + 1,
		 "%.2f %% of %" PRIu64 " sessions with one direction only", 100 * part, all);
	return all >= set->min_sessions && all > 0 && is_above(part, set->threshold_x100);
}
