/* Tests which sessions, pairs and counts the rules are about, and how settings are laid over. */
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "reports/rules.h"

#define QUIET 3600

static struct rule_settings plain(enum rule r)
{
	return rule_settings(r, "orange", "free", NULL, 0, QUIET);
}

static struct session session_of(enum verdict v)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.verdict = (uint8_t)v;
	s.protocol = PROTOCOL_SMTP;
	if (v == VERDICT_PLAINTEXT) {
		s.exposure = EXPOSURE_CONTENT;
		s.confirmed = TRI_TRUE;
	}
	return s;
}

static const struct pair promised = { .client = "orange", .server = "free", .promised = true };
static const struct pair access_pair = { .client = "other", .server = "free", .access = true };
static const struct pair neither = { .client = "other", .server = "free" };
static const struct pair excepted = {
	.client = "orange", .server = "free", .promised = true, .access = true, .excepted = true
};

/* Names -------------------------------------------------------------------------------------- */

static void names_go_both_ways(void **state)
{
	enum severity sev;
	enum rule r;

	(void)state;
	for (unsigned i = 0; i < RULES; i++) {
		assert_true(rule_by_name(rule_name((enum rule)i), &r));
		assert_int_equal(r, i);
	}
	for (unsigned i = 0; i < SEVERITY_N; i++) {
		assert_true(severity_by_name(severity_name((enum severity)i), &sev));
		assert_int_equal(sev, i);
	}
	assert_null(rule_name(RULES));
	assert_null(severity_name(SEVERITY_N));
	assert_false(rule_by_name("plaintext", &r));
	assert_false(severity_by_name("", &sev));
}

/* Nothing but the charter's rule pages anybody. */
static void one_rule_is_critical(void **state)
{
	(void)state;
	for (unsigned r = 0; r < RULES; r++)
		assert_int_equal(plain((enum rule)r).severity,
				 r == RULE_PLAINTEXT ? SEVERITY_CRITICAL : SEVERITY_WARNING);
}

/* Settings ----------------------------------------------------------------------------------- */

static void entries_are_laid_over_in_order(void **state)
{
	static const struct rule_entry entries[] = {
		{ .rule = RULE_RATIO_BELOW,
		  .given = 1u << RULE_KEY_THRESHOLD | 1u << RULE_KEY_SESSIONS,
		  .s = { .threshold_x100 = 9900, .min_sessions = 7 } },
		{ .rule = RULE_RATIO_BELOW,
		  .server = "free",
		  .given = 1u << RULE_KEY_THRESHOLD,
		  .s = { .threshold_x100 = 5000 } },
		{ .rule = RULE_RATIO_BELOW,
		  .client = "sfr",
		  .given = 1u << RULE_KEY_SEVERITY,
		  .s = { .severity = SEVERITY_OFF } },
		{ .rule = RULE_STRIPPED,
		  .given = 1u << RULE_KEY_QUIET | 1u << RULE_KEY_COVERAGE,
		  .s = { .quiet_s = 60, .min_coverage_x100 = 1 } },
	};
	struct rule_settings set =
		rule_settings(RULE_RATIO_BELOW, "orange", "free", entries, 4, QUIET);

	(void)state;
	assert_int_equal(set.threshold_x100, 5000);
	assert_int_equal(set.min_sessions, 7);
	assert_int_equal(set.min_coverage_x100, 9000);
	assert_int_equal(set.quiet_s, QUIET);
	assert_true(set.named);
	set = rule_settings(RULE_RATIO_BELOW, "orange", "sfr", entries, 4, QUIET);
	assert_int_equal(set.threshold_x100, 9900);
	assert_false(set.named);
	assert_int_equal(set.severity, SEVERITY_WARNING);
	set = rule_settings(RULE_RATIO_BELOW, "sfr", "free", entries, 4, QUIET);
	assert_int_equal(set.severity, SEVERITY_OFF);
	set = rule_settings(RULE_STRIPPED, "sfr", "free", entries, 4, QUIET);
	assert_int_equal(set.quiet_s, 60);
	assert_int_equal(set.min_coverage_x100, 1);
	assert_int_equal(set.min_sessions, 5);
}

static void every_setting_can_be_given(void **state)
{
	static const struct rule_entry e = { .rule = RULE_TLS_TOO_OLD,
					     .given = (1u << RULE_KEYS) - 1,
					     .s = { .severity = SEVERITY_CRITICAL,
						    .quiet_s = 1,
						    .min_sessions = 2,
						    .min_coverage_x100 = 3,
						    .threshold_x100 = 4,
						    .min_version = 0x0304,
						    .blind_s = 5 } };
	struct rule_settings set = rule_settings(RULE_TLS_TOO_OLD, "a", "b", &e, 1, QUIET);

	(void)state;
	assert_int_equal(set.severity, SEVERITY_CRITICAL);
	assert_int_equal(set.quiet_s, 1);
	assert_int_equal(set.min_sessions, 2);
	assert_int_equal(set.min_coverage_x100, 3);
	assert_int_equal(set.threshold_x100, 4);
	assert_int_equal(set.min_version, 0x0304);
	assert_int_equal(set.blind_s, 5);
}

static void the_sensor_is_known_to_see_again_sooner(void **state)
{
	(void)state;
	assert_int_equal(rule_settings(RULE_SENSOR_BLIND, "-", "-", NULL, 0, 3600).quiet_s, 600);
	assert_int_equal(rule_settings(RULE_SENSOR_BLIND, "-", "-", NULL, 0, 60).quiet_s, 60);
}

/* Sessions ----------------------------------------------------------------------------------- */

/* A session, and the rules that want it under the promise: a letter for each. */
struct wanted {
	const char *what;
	enum verdict verdict;
	enum exposure exposure;
	enum tri auth_clear;
	enum stripped stripped;
	uint8_t fallback;
	uint16_t tls_version;
	const char *promised, *access;
};

static const char letters[] = "psfta";

static void assert_wants(const char *what, const struct session *s, const struct pair *p,
			 const char *wanted)
{
	char got[8] = "";
	size_t n = 0;

	for (unsigned r = 0; r < RULES; r++) {
		struct rule_settings set = plain((enum rule)r);

		if (!rule_wants_session((enum rule)r, &set, s, p))
			continue;
		assert_true(r < sizeof(letters) - 1); /* only rules of sessions */
		got[n++] = letters[r];
	}
	if (strcmp(got, wanted) != 0)
		fail_msg("%s, %s -> %s: \"%s\" instead of \"%s\"", what, p->client, p->server, got,
			 wanted);
}

static void rules_want_what_they_are_about(void **state)
{
	static const struct wanted cases[] = {
		{ "a mail", VERDICT_PLAINTEXT, EXPOSURE_CONTENT, TRI_FALSE, 0, 0, 0, "p", "" },
		{ "refused", VERDICT_PLAINTEXT, EXPOSURE_REFUSED, TRI_TRUE, 0, 1, 0, "", "" },
		{ "unknown", VERDICT_PLAINTEXT, EXPOSURE_UNKNOWN, TRI_TRUE, 0, 1, 0, "pf", "" },
		{ "a login", VERDICT_PLAINTEXT, EXPOSURE_CREDENTIALS, TRI_TRUE, 0, 0, 0, "p", "a" },
		{ "no login", VERDICT_PLAINTEXT, EXPOSURE_CONTENT, TRI_NULL, 0, 0, 0, "p", "" },
		{ "masked", VERDICT_NO_TRANSACTION, 0, 0, STRIPPED_MASKED, 0, 0, "s", "" },
		{ "removed", VERDICT_PLAINTEXT, EXPOSURE_ENVELOPE, 0, STRIPPED_REMOVED, 0, 0, "ps",
		  "" },
		{ "fallback", VERDICT_PLAINTEXT, EXPOSURE_CONTENT, 0, 0, 1, 0, "pf", "" },
		{ "TLS 1.0", VERDICT_ENCRYPTED_STARTTLS, 0, 0, 0, 0, 0x0301, "t", "" },
		{ "SSL 3", VERDICT_ENCRYPTED_IMPLICIT, 0, 0, 0, 0, 0x0300, "t", "" },
		{ "TLS 1.2", VERDICT_ENCRYPTED_STARTTLS, 0, 0, 0, 0, 0x0303, "", "" },
		{ "TLS of what version", VERDICT_ENCRYPTED_STARTTLS, 0, 0, 0, 0, 0, "", "" },
		{ "TLS 1.0 failed", VERDICT_TLS_FAILED, 0, 0, 0, 0, 0x0301, "", "" },
		{ "nothing", VERDICT_INDETERMINATE, 0, 0, 0, 0, 0, "", "" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wanted *c = &cases[i];
		struct session s = session_of(c->verdict);

		s.exposure = (uint8_t)c->exposure;
		s.auth_clear = (uint8_t)c->auth_clear;
		s.stripped = (uint8_t)c->stripped;
		s.fallback = c->fallback;
		s.tls_version = c->tls_version;
		assert_wants(c->what, &s, &promised, c->promised);
		assert_wants(c->what, &s, &access_pair, c->access);
		assert_wants(c->what, &s, &neither, "");
		assert_wants(c->what, &s, &excepted, "");
	}
}

static void who_is_named_is_looked_at(void **state)
{
	struct session s = session_of(VERDICT_ENCRYPTED_STARTTLS);
	struct rule_settings set = plain(RULE_TLS_TOO_OLD);

	(void)state;
	s.tls_version = 0x0302;
	set.named = true;
	assert_true(rule_wants_session(RULE_TLS_TOO_OLD, &set, &s, &neither));
	assert_false(rule_wants_session(RULE_TLS_TOO_OLD, &set, &s, &excepted));
	set.severity = SEVERITY_OFF;
	assert_false(rule_wants_session(RULE_TLS_TOO_OLD, &set, &s, &promised));
	s = session_of(VERDICT_PLAINTEXT); /* no promise was broken */
	set = plain(RULE_PLAINTEXT);
	set.named = true;
	assert_false(rule_wants_session(RULE_PLAINTEXT, &set, &s, &neither));
}

static void what_the_sessions_before_tell_needs_more(void **state)
{
	struct session s = session_of(VERDICT_PLAINTEXT);
	struct rule_settings set = plain(RULE_STRIPPED);
	static const unsigned needs[STRIPPED_N] = { [STRIPPED_MASKED] = 1,
						    [STRIPPED_REFUSED] = 1,
						    [STRIPPED_REMOVED] = 5,
						    [STRIPPED_HELO] = 5 };

	(void)state;
	for (unsigned i = STRIPPED_MASKED; i < STRIPPED_N; i++) {
		s.stripped = (uint8_t)i;
		assert_int_equal(rule_needs(RULE_STRIPPED, &set, &s), needs[i]);
	}
	set.min_sessions = 50; /* one is enough for the charter's rule, whatever is said */
	assert_int_equal(rule_needs(RULE_PLAINTEXT, &set, &s), 1);
	set = plain(RULE_AUTH_IN_CLEAR);
	assert_int_equal(rule_needs(RULE_AUTH_IN_CLEAR, &set, &s), 20);
	set.min_sessions = 0;
	assert_int_equal(rule_needs(RULE_AUTH_IN_CLEAR, &set, &s), 1);
}

static void severity_follows_weight_for_the_charter_only(void **state)
{
	struct rule_settings charter = plain(RULE_PLAINTEXT), fallback = plain(RULE_FALLBACK);
	struct session s = session_of(VERDICT_PLAINTEXT);

	(void)state;
	fallback.severity = SEVERITY_CRITICAL;
	assert_int_equal(rule_severity(RULE_PLAINTEXT, &charter, &s), SEVERITY_CRITICAL);
	s.confirmed = TRI_FALSE;
	assert_int_equal(rule_severity(RULE_PLAINTEXT, &charter, &s), SEVERITY_WARNING);
	assert_int_equal(rule_severity(RULE_FALLBACK, &fallback, &s), SEVERITY_CRITICAL);
	s.confirmed = TRI_TRUE;
	s.exposure = EXPOSURE_ENVELOPE;
	assert_int_equal(rule_severity(RULE_PLAINTEXT, &charter, &s), SEVERITY_WARNING);
	s.exposure = EXPOSURE_CREDENTIALS;
	charter.severity = SEVERITY_WARNING;
	assert_int_equal(rule_severity(RULE_PLAINTEXT, &charter, &s), SEVERITY_WARNING);
}

/* Counts ------------------------------------------------------------------------------------- */

static void the_ratio_needs_sessions_and_coverage(void **state)
{
	static const struct {
		uint64_t sealed, clear, refused, unknown;
		bool below;
		const char *found;
	} cases[] = {
		{ 19, 1, 0, 0, false, "95.00 % of 20 sessions sealed, coverage 100 %" },
		{ 18, 2, 0, 0, true, "90.00 % of 20 sessions sealed, coverage 100 %" },
		{ 17, 2, 0, 0, false, "89.47 % of 19 " },
		{ 0, 20, 0, 0, true, "0 % of 20 " },
		{ 18, 3, 1, 0, true, "90.00 % of 20 " },
		{ 18, 2, 1, 0, false, "94.73 % of 19 " },
		{ 90, 10, 0, 11, true, "coverage 90.09 %" },
		{ 90, 10, 0, 12, false, "coverage 89.28 %" },
		{ 4499, 500, 0, 556, false, "coverage 89.99 %" }, /* below it, and shown so */
		{ 0, 0, 0, 0, false, "- of 0 " },
	};
	struct rule_settings set = plain(RULE_RATIO_BELOW);
	char found[RULE_FOUND_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct counts c = { { 0 } };

		c.n[COUNT_ENC_STARTTLS] = cases[i].sealed;
		c.n[COUNT_PLAINTEXT] = cases[i].clear;
		c.n[COUNT_REFUSED] = cases[i].refused;
		c.n[COUNT_INDETERMINATE] = cases[i].unknown;
		if (rule_ratio_below(&set, &c, found) != cases[i].below)
			fail_msg("case %u: %s", i, found);
		if (!strstr(found, cases[i].found))
			fail_msg("case %u: \"%s\" without \"%s\"", i, found, cases[i].found);
	}
	assert_true(rule_wants_pair(&set, SERVICE_MTA, true));
	assert_false(rule_wants_pair(&set, SERVICE_MTA, false));
	assert_false(rule_wants_pair(&set, SERVICE_ACCESS, true));
	set.named = true;
	assert_true(rule_wants_pair(&set, SERVICE_ACCESS, false));
	set.severity = SEVERITY_OFF;
	assert_false(rule_wants_pair(&set, SERVICE_MTA, true));
}

static void loss_needs_something_to_lose(void **state)
{
	static const struct {
		uint64_t packets, kernel, nic, sessions, lost;
		bool lossy;
	} cases[] = {
		{ 990, 10, 0, 0, 0, false },                               /* 1 % is not above it */
		{ 989, 6, 5, 0, 0, true },    { 900, 99, 0, 0, 0, false }, /* too few */
		{ 0, 1000, 0, 0, 0, true },   { 10000, 0, 0, 99, 1, false },
		{ 10000, 0, 0, 98, 2, true }, { 10000, 0, 0, 17, 2, false },
		{ 0, 0, 0, 0, 0, false },
	};
	struct rule_settings set = plain(RULE_SENSOR_LOSSY);
	char found[RULE_FOUND_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct health h = { .alive = 0 };

		h.n[HEALTH_PACKETS] = cases[i].packets;
		h.n[HEALTH_DROP_KERNEL] = cases[i].kernel;
		h.n[HEALTH_DROP_NIC] = cases[i].nic;
		h.n[HEALTH_SESSIONS] = cases[i].sessions;
		h.n[HEALTH_LOST] = cases[i].lost;
		if (rule_lossy(&set, &h, found) != cases[i].lossy)
			fail_msg("case %u: %s", i, found);
	}
}

static void one_direction_is_a_share_of_sessions(void **state)
{
	static const struct {
		uint64_t one, all;
		bool one_sided;
	} cases[] = { { 4, 20, false }, { 5, 20, true }, { 19, 19, false },
		      { 20, 20, true }, { 0, 0, false }, { 21, 20, true } };
	struct rule_settings set = plain(RULE_SENSOR_ONE_SIDED);
	char found[RULE_FOUND_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct health h = { .alive = 0 };

		h.n[HEALTH_ONE_SIDED] = cases[i].one;
		h.n[HEALTH_SESSIONS] = cases[i].all;
		if (rule_one_sided(&set, &h, found) != cases[i].one_sided)
			fail_msg("case %u: %s", i, found);
	}
	set.min_sessions = 0;
	assert_false(rule_one_sided(&set, &(struct health){ .alive = 0 }, found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(one_rule_is_critical),
		cmocka_unit_test(entries_are_laid_over_in_order),
		cmocka_unit_test(every_setting_can_be_given),
		cmocka_unit_test(the_sensor_is_known_to_see_again_sooner),
		cmocka_unit_test(rules_want_what_they_are_about),
		cmocka_unit_test(who_is_named_is_looked_at),
		cmocka_unit_test(what_the_sessions_before_tell_needs_more),
		cmocka_unit_test(severity_follows_weight_for_the_charter_only),
		cmocka_unit_test(the_ratio_needs_sessions_and_coverage),
		cmocka_unit_test(loss_needs_something_to_lose),
		cmocka_unit_test(one_direction_is_a_share_of_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
