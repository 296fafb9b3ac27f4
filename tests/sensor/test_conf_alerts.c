/* Tests the section alerts of the configuration: what is read, what is printed, and the place of
 * every mistake. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "reports/rules.h"
#include "reports/target.h"
#include "sensor/conf_alerts.h"
#include "tests/sensor/conf_file.h"

#define PEERS       "peers: [{name: orange}, {name: free}]\n"
#define RULE        PEERS "alerts:\n  rules:\n    - "
#define TARGET      "alerts:\n  targets:\n    - "
#define MAINTENANCE PEERS "alerts:\n  maintenance:\n    - "

static const char everything[] =
	"alerts:\n" /* before peers and syslog, which it needs */
	"  rules:\n"
	"    - {rule: ratio-below, client: orange, server: free-net, severity: critical, "
	"threshold_percent: 99.5, min_sessions: 20, min_coverage_percent: 80, quiet_s: 600}\n"
	"    - {rule: ratio-below, server: other, severity: off}\n"
	"    - {rule: tls-too-old, min_version: TLSv1.3}\n"
	"    - {rule: sensor-blind, blind_s: 30}\n"
	"  targets:\n"
	"    - {name: syslog, kind: syslog, transport: tcp, host: 192.0.2.1, port: 601}\n"
	"    - {kind: syslog, name: far, transport: udp, host: \"2001:db8::1\"}\n"
	"    - {name: near, kind: syslog, socket: /dev/log2, repeat_s: 3600, give_up_s: 60}\n"
	"    - {name: journal, kind: journald, critical_only: true, timeout_s: 3}\n"
	"    - name: page\n"
	"      kind: program\n"
	"      program: [/usr/bin/page, \"a \\\"b\\\" \\\\c\", '']\n"
	"  maintenance:\n"
	"    - {from: 2026-11-22T22:00:00Z, to: 2026-11-23T02:00:00+01:00, peer: orange, "
	"note: 'new \"gateway\"'}\n"
	"    - from: \"2026-12-01T00:00Z\"\n"
	"      to: 2026-12-02 00:00:00Z\n" PEERS "syslog: {socket: ''}\n";

static void check_rules(const struct conf *c)
{
	const struct rule_entry *e = c->rules;

	assert_int_equal(c->rules_n, 4);
	assert_int_equal(e[0].rule, RULE_RATIO_BELOW);
	assert_string_equal(e[0].client, "orange");
	assert_string_equal(e[0].server, "free-net");
	assert_int_equal(e[0].given, 1u << RULE_KEY_SEVERITY | 1u << RULE_KEY_QUIET |
					     1u << RULE_KEY_SESSIONS | 1u << RULE_KEY_COVERAGE |
					     1u << RULE_KEY_THRESHOLD);
	assert_int_equal(e[0].s.severity, SEVERITY_CRITICAL);
	assert_int_equal(e[0].s.threshold_x100, 9950);
	assert_int_equal(e[0].s.min_sessions, 20);
	assert_int_equal(e[0].s.min_coverage_x100, 8000);
	assert_int_equal(e[0].s.quiet_s, 600);
	assert_string_equal(e[1].client, "");
	assert_string_equal(e[1].server, "other");
	assert_int_equal(e[1].given, 1u << RULE_KEY_SEVERITY);
	assert_int_equal(e[1].s.severity, SEVERITY_OFF);
	assert_int_equal(e[2].given, 1u << RULE_KEY_VERSION);
	assert_int_equal(e[2].s.min_version, 0x0304);
	assert_int_equal(e[3].given, 1u << RULE_KEY_BLIND);
	assert_int_equal(e[3].s.blind_s, 30);
}

static void check_targets(const struct conf *c)
{
	const struct target *t = c->targets;

	assert_int_equal(conf_targets_builtin(c), 0);
	assert_int_equal(c->targets_n, 5);
	assert_string_equal(t[0].name, "syslog");
	assert_int_equal(t[0].transport, TRANSPORT_TCP);
	assert_string_equal(t[0].host, "192.0.2.1");
	assert_int_equal(t[0].port, 601);
	assert_int_equal(t[0].timeout_s, 10);
	assert_int_equal(t[0].give_up_s, 86400);
	assert_string_equal(t[1].name, "far");
	assert_int_equal(t[1].transport, TRANSPORT_UDP);
	assert_string_equal(t[1].host, "2001:db8::1");
	assert_int_equal(t[1].port, 0);
	assert_string_equal(t[2].socket, "/dev/log2");
	assert_int_equal(t[2].repeat_s, 3600);
	assert_int_equal(t[2].give_up_s, 60);
	assert_int_equal(t[3].kind, TARGET_JOURNALD);
	assert_true(t[3].critical_only);
	assert_int_equal(t[3].timeout_s, 3);
	assert_string_equal(t[3].socket, "/run/systemd/journal/socket");
	assert_int_equal(t[4].program_n, 3);
	assert_string_equal(t[4].program[0], "/usr/bin/page");
	assert_string_equal(t[4].program[1], "a \"b\" \\c");
	assert_string_equal(t[4].program[2], "");
}

static void check_everything(const struct conf *c)
{
	check_rules(c);
	check_targets(c);
	assert_int_equal(c->maintenance_n, 2);
	assert_int_equal(c->maintenance[0].from, 1795384800);
	assert_int_equal(c->maintenance[0].to, 1795384800 + 3 * 3600);
	assert_string_equal(c->maintenance[0].peer, "orange");
	assert_string_equal(c->maintenance[0].note, "new \"gateway\"");
	assert_int_equal(c->maintenance[1].from, 1796083200);
	assert_int_equal(c->maintenance[1].to, 1796083200 + 86400);
	assert_string_equal(c->maintenance[1].peer, "");
}

static void what_is_printed_reads_back_to_the_same(void **state)
{
	struct conf *c = read_text(everything);

	(void)state;
	check_everything(c);
	c = printed_and_read(c);
	check_everything(c);
	conf_free(c);
}

#if defined(HAVE_CURL) && defined(HAVE_NETSNMP)
/* As a ticket may hold it. What is left out cannot be taken for a configuration that works. */
static void what_lets_somebody_in_is_not_shown(void **state)
{
	static const char text[] = TARGET
		"{name: v2, kind: snmp, host: h, user: Kamelle}\n"
		"    - {name: v3, kind: snmp, host: h, security: noAuthNoPriv, user: anna}\n"
		"    - {name: am, kind: alertmanager, url: 'http://am.example/prefix'}\n"
		"    - {name: hook, kind: webhook, url: 'https://h.example/T0/Kamelle', "
		"secret_file: "
		"/k}\n"
		"    - {name: hook2, kind: webhook, url: 'https://h.example?t=Kamelle', "
		"secret_file: "
		"/k}\n"
		"    - {name: own, kind: webhook, url: 'https://own.example:8443/', secret_file: "
		"/k}\n";
	struct conf *c = read_text(text);
	char *shown = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&shown, &len);

	(void)state;
	assert_non_null(f);
	conf_print(c, false, f);
	fclose(f);
	assert_null(strstr(shown, "Kamelle"));
	assert_non_null(strstr(shown, "# user: not shown"));
	assert_non_null(strstr(shown, "user: \"anna\""));
	assert_non_null(strstr(shown, "http://am.example/prefix"));
	assert_non_null(strstr(shown, "https://own.example:8443/"));
	assert_refused(shown, ":");
	free(shown);
	conf_free(printed_and_read(c));
}
#endif

static void assert_builtin(const struct conf *c, const char *socket)
{
	assert_int_equal(conf_targets_builtin(c), 1);
	assert_string_equal(c->targets[0].name, "syslog");
	assert_int_equal(c->targets[0].kind, TARGET_SYSLOG);
	assert_int_equal(c->targets[0].transport, TRANSPORT_LOCAL);
	assert_string_equal(c->targets[0].socket, socket);
}

static void syslog_socket_is_a_target(void **state)
{
	struct conf *c = conf_default();

	(void)state;
	assert_int_equal(c->targets_n, 1);
	assert_builtin(c, "/dev/log");
	conf_free(c);
	c = read_text(TARGET "{name: b, kind: journald}\nsyslog: {socket: /run/log}\n");
	assert_int_equal(c->targets_n, 2);
	assert_builtin(c, "/run/log");
	c = printed_and_read(c);
	assert_int_equal(c->targets_n, 2);
	assert_builtin(c, "/run/log");
	assert_string_equal(c->targets[1].name, "b");
	conf_free(c);
	c = read_text("syslog: {socket: ''}\n");
	assert_int_equal(c->targets_n, 0);
	assert_null(c->targets);
	conf_free(c);
}

static void nothing_is_no_alerts(void **state)
{
	static const char *const texts[] = {
		"", "alerts:\n", "alerts: {}\n", "alerts:\n  rules:\n  targets:\n  maintenance:\n",
		"alerts: {rules: [], targets: [], maintenance: []}\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct conf *c = read_text(texts[i]);
		char *text = print(c);

		assert_int_equal(c->rules_n + c->maintenance_n, 0);
		assert_int_equal(c->targets_n, 1);
		assert_null(strstr(text, "alerts"));
		free(text);
		conf_free(c);
	}
}

struct mistake {
	const char *text, *error;
};

static void check_mistakes(const struct mistake *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(m[i].text, m[i].error);
}
#define CHECK(mistakes) check_mistakes(mistakes, sizeof(mistakes) / sizeof((mistakes)[0]))

static void mistakes_in_shape_get_their_place(void **state)
{
	static const struct mistake mistakes[] = {
		{ "alerts: 5\n", ":1: alerts: needs keys with values, not a single value" },
		{ "alerts: {rule: []}\n", ":1: alerts.rule: unknown key; did you mean \"rules\"?" },
		{ "alerts: {rules: [], rules: []}\n", ":1: alerts.rules: is in line 1 already" },
		{ "alerts: {rules: {}}\n", ":1: alerts.rules: needs a list, not keys" },
		{ "alerts: {targets: [a]}\n", ":1: alerts.targets: needs keys with values" },
		{ TARGET "{nam: a}\n",
		  ":3: alerts.targets.nam: unknown key; did you mean \"name\"?" },
		{ TARGET "{name: a, name: b}\n", ":3: alerts.targets.name: is in line 3 already" },
		{ TARGET "{name: a,\n       kind: }\n", ":4: alerts.targets.kind: needs a value" },
		{ TARGET "{name: a, kind: [syslog]}\n", ":3: alerts.targets.kind: needs a single" },
	};

	(void)state;
	CHECK(mistakes);
}

static void mistakes_in_rules_get_their_place(void **state)
{
	static const struct mistake mistakes[] = {
		{ RULE "{severity: off}\n", ":4: alerts.rules.rule: is missing" },
		{ RULE "{rule: ratio-bellow}\n",
		  ":4: alerts.rules.rule: knows plaintext-between-signatories, starttls-stripped, "
		  "downgrade-fallback, tls-too-old, auth-in-clear, ratio-below, sensor-blind, "
		  "sensor-lossy, sensor-one-sided, not \"ratio-bellow\"" },
		{ RULE "{rule: ratio-below}\n",
		  ":4: alerts.rules: changes nothing of ratio-below" },
		{ RULE "{rule: ratio-below, client: free}\n", ":4: alerts.rules: changes nothing" },
		{ RULE "{rule: ratio-below, severity: fatal}\n",
		  ":4: alerts.rules.severity: knows off, warning, critical, not \"fatal\"" },
		{ RULE "rule: ratio-below\n      severity: off\n      client: oragne\n",
		  ":6: alerts.rules.client: \"oragne\" is not in peers; did you mean "
		  "\"orange\"?" },
		{ RULE "{rule: ratio-below, severity: off, server: fre-net}\n",
		  ":4: alerts.rules.server: \"fre-net\" is not in peers; did you mean "
		  "\"free-net\"?" },
		{ RULE "{rule: ratio-below, severity: off, server: mail.example}\n",
		  ":4: alerts.rules.server: \"mail.example\" is not in peers" },
		{ RULE "{rule: ratio-below, severity: off, server: '-net'}\n",
		  ":4: alerts.rules.server: \"-net\" is not in peers" },
		{ RULE "{rule: ratio-below, severity: off, server: ''}\n",
		  ":4: alerts.rules.server: needs text of 1 to 36 bytes" },
		{ RULE "{rule: ratio-below, severity: off, server: "
		       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
		  ":4: alerts.rules.server: needs text of 1 to 36 bytes" },
		{ RULE "{rule: ratio-below, blind_s: 9}\n",
		  ":4: alerts.rules.blind_s: is not used by ratio-below, which uses rule, client, "
		  "server, severity, quiet_s, min_sessions, min_coverage_percent, "
		  "threshold_percent" },
		{ RULE "{rule: sensor-blind, client: free, blind_s: 9}\n",
		  ":4: alerts.rules.client: is not used by sensor-blind, which uses rule, "
		  "severity, quiet_s, blind_s" },
		{ RULE "{rule: tls-too-old, min_version: TLSv1.4}\n",
		  ":4: alerts.rules.min_version: knows TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3, not "
		  "\"TLSv1.4\"" },
		{ RULE "{rule: ratio-below, threshold_percent: 101}\n",
		  ":4: alerts.rules.threshold_percent: needs a number from 0 to 100" },
		{ RULE "{rule: ratio-below, threshold_percent: \"99\"}\n",
		  ":4: alerts.rules.threshold_percent: needs a number without quotes" },
		{ RULE "{rule: ratio-below, min_sessions: 0}\n",
		  ":4: alerts.rules.min_sessions: needs a whole number from 1" },
	};

	(void)state;
	CHECK(mistakes);
}

static void mistakes_in_targets_get_their_place(void **state)
{
	static const struct mistake mistakes[] = {
		{ TARGET "{kind: journald}\n", ":3: alerts.targets.name: is missing" },
		{ TARGET "{name: a}\n", ":3: alerts.targets.kind: is missing" },
		{ TARGET "{name: A, kind: journald}\n",
		  ":3: alerts.targets.name: needs a-z, 0-9 and \"-\" only, not \"A\"" },
		{ TARGET "{name: a, kind: smtp}\n",
		  ":3: alerts.targets.kind: knows syslog, journald, alertmanager, webhook, snmp, "
		  "program, not \"smtp\"" },
		{ TARGET "kind: journald\n      name: syslog\n",
		  ":4: alerts.targets.name: \"syslog\" is the target that syslog.socket stands "
		  "for" },
		{ TARGET "{name: a, kind: journald}\n    - {name: a, kind: journald}\n",
		  ":4: alerts.targets.name: \"a\" is a target already" },
		{ TARGET "{name: a, kind: journald, host: b}\n",
		  ":3: alerts.targets.host: is not used by journald, which uses name, kind, "
		  "timeout_s, give_up_s, repeat_s, critical_only, socket" },
		{ TARGET "{name: a, kind: syslog, host: b}\n",
		  ":3: alerts.targets.host: is not used by syslog with transport local, which" },
		{ TARGET "{name: a, kind: syslog, socket: /a, transport: tcp, host: b}\n",
		  ":3: alerts.targets.socket: is not used by syslog with transport tcp, which" },
		{ TARGET "{name: a, kind: syslog, transport: tls}\n",
		  ":3: alerts.targets.transport: knows local, udp, tcp, not \"tls\"" },
		{ TARGET "{name: a, kind: syslog, transport: udp}\n",
		  ":3: alerts.targets: syslog with transport udp needs a host" },
		{ TARGET "{name: a, kind: syslog, socket: log}\n",
		  ":3: alerts.targets.socket: needs a path that begins with /" },
		{ TARGET "{name: a, kind: snmp, host: h, user: u, auth_file: /a}\n",
		  ":3: alerts.targets.auth_file: is not used by snmp with security v2c" },
		{ TARGET "{name: a, kind: snmp, host: h, security: authPriv, user: u,\n"
			 "       auth_file: /a}\n",
		  ":3: alerts.targets: snmp with security authPriv needs a priv_file" },
		{ TARGET "{name: a, kind: webhook}\n", ":3: alerts.targets: webhook needs a url" },
		{ TARGET "{name: a, kind: alertmanager, url: 'http://a', secret_file: /s}\n",
		  ":3: alerts.targets.secret_file: is not used by alertmanager" },
		{ TARGET "{name: a, kind: program}\n", ":3: alerts.targets: program needs a pro" },
		{ TARGET "{name: a, kind: program, program: /bin/true}\n",
		  ":3: alerts.targets.program: needs a list, not a single value" },
		{ TARGET "{name: a, kind: program, program: [bin/true]}\n",
		  ":3: alerts.targets: program needs a program whose path begins with /" },
		{ TARGET "{name: a, kind: program, program: [/b, 2, 3, 4, 5, 6, 7, 8,\n 9]}\n",
		  ":4: alerts.targets.program: more than 8 words" },
		{ TARGET "{name: a, kind: journald, timeout_s: 0}\n",
		  ":3: alerts.targets.timeout_s: needs a whole number from 1 to 300" },
		{ TARGET "{name: a, kind: journald, critical_only: yes}\n",
		  ":3: alerts.targets.critical_only: needs true or false, not \"yes\"" },
#ifndef HAVE_CURL
		{ TARGET "{name: a, kind: webhook, url: 'http://a', secret_file: /k}\n",
		  ":3: alerts.targets: webhook cannot be: this mailseald was built without" },
#endif
#ifndef HAVE_NETSNMP
		{ TARGET "{name: a, kind: snmp, host: h, user: u}\n",
		  ":3: alerts.targets: snmp with security v2c cannot be: this mailseald was built "
		  "without" },
#endif
	};

	(void)state;
	CHECK(mistakes);
}

static void mistakes_in_maintenance_get_their_place(void **state)
{
	static const struct mistake mistakes[] = {
		{ MAINTENANCE "{to: 2026-11-22T22:00:00Z}\n",
		  ":4: alerts.maintenance.from: is missing" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00Z}\n",
		  ":4: alerts.maintenance.to: is missing" },
		{ MAINTENANCE "from: 2026-11-22T22:00:00Z\n      to: 2026-11-22T22:00:00Z\n",
		  ":5: alerts.maintenance.to: needs to be after from" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00Z, to: 2026-11-22T22:30:00+01:00}\n",
		  ":4: alerts.maintenance.to: needs to be after from" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00}\n",
		  ":4: alerts.maintenance.from: needs a time with its zone: "
		  "2026-11-22T22:00:00Z for UTC, 2026-11-22T22:00:00+01:00" },
		{ MAINTENANCE "{from: tomorrow}\n",
		  ":4: alerts.maintenance.from: needs a time such as 2026-11-22T22:00:00Z, not "
		  "\"tomorrow\"" },
		{ MAINTENANCE "{from: 2026-11-22}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE "{from: 2026-11-31T22:00:00Z}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00Z+01:00}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00+24:00}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE "{from: 1970-01-01T00:00:00+01:00}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE "{from: 9999-12-31T23:59:59-01:00}\n",
		  ":4: alerts.maintenance.from: needs a time such as" },
		{ MAINTENANCE
		  "{from: 2026-11-22T22:00:00Z, to: 2026-11-23T22:00:00Z, peer: frei}\n",
		  ":4: alerts.maintenance.peer: \"frei\" is not in peers; did you mean \"free\"?" },
		{ MAINTENANCE "{from: 2026-11-22T22:00:00Z, until: 2026-11-23T22:00:00Z}\n",
		  ":4: alerts.maintenance.until: unknown key" },
	};

	(void)state;
	CHECK(mistakes);
}

/* A list of items that end in a number, one more than max, of which the last is on line 4 + max. */
static void assert_too_many(const char *list, const char *item, unsigned max)
{
	char *text = calloc(max + 2, 128), *at, *last = NULL, error[128];

	assert_non_null(text);
	at = text + sprintf(text, "syslog: {socket: ''}\nalerts:\n  %s:\n", list);
	for (unsigned i = 0; i <= max; i++) {
		last = at;
		at += sprintf(at, "    - {%s%u}\n", item, i + 1);
	}
	snprintf(error, sizeof(error), ":%u: alerts.%s: more than %u", 4 + max, list, max);
	assert_refused(text, error);
	*last = '\0'; /* one less is well */
	conf_free(read_text(text));
	free(text);
}

static void too_many_are_refused(void **state)
{
	(void)state;
	assert_too_many("rules", "rule: sensor-blind, blind_s: ", RULE_ENTRIES_MAX);
	assert_too_many("targets", "kind: journald, name: a", TARGETS_MAX);
	assert_too_many(
		"maintenance",
		"from: 2026-11-22T22:00:00Z, to: 2026-11-23T22:00:00Z, note: ", MAINTENANCE_MAX);
}

/* What the table says of a default is what a target has, but for what its kind changes. */
static void the_defaults_of_the_table_are_those_of_a_target(void **state)
{
	const struct conf_option *options;
	const struct conf_option_text *texts;
	size_t n = conf_options(&options), seen = 0;
	struct target t;

	(void)state;
	conf_option_texts(&texts);
	target_init(&t, TARGET_SYSLOG);
	for (size_t i = 0; i < n; i++) {
		char text[CONF_TEXT_MAX + 1];

		if (!conf_option_word(&options[i], "alerts.targets") ||
		    options[i].kind == OPTION_ARGUMENTS || texts[i].fallback[0] == '\0')
			continue;
		conf_option_get(&t, &options[i], text, sizeof(text));
		assert_string_equal(text, texts[i].fallback);
		seen++;
	}
	assert_int_equal(seen, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_reads_back_to_the_same),
#if defined(HAVE_CURL) && defined(HAVE_NETSNMP)
		cmocka_unit_test(what_lets_somebody_in_is_not_shown),
#endif
		cmocka_unit_test(syslog_socket_is_a_target),
		cmocka_unit_test(nothing_is_no_alerts),
		cmocka_unit_test(mistakes_in_shape_get_their_place),
		cmocka_unit_test(mistakes_in_rules_get_their_place),
		cmocka_unit_test(mistakes_in_targets_get_their_place),
		cmocka_unit_test(mistakes_in_maintenance_get_their_place),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(the_defaults_of_the_table_are_those_of_a_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
