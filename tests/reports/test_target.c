/* Tests the targets of alerts: names, defaults, what each kind needs. */
#include "tests/unit.h"

#include <stddef.h>
#include <string.h>

#include "reports/target.h"

#ifdef HAVE_CURL
#define WITHOUT_CURL NULL
#else
#define WITHOUT_CURL "without libcurl"
#endif
#ifdef HAVE_NETSNMP
#define WITHOUT_SNMP NULL
#else
#define WITHOUT_SNMP "without Net-SNMP"
#endif

static void every_value_has_a_name(void **state)
{
	(void)state;
	for (unsigned k = 0; k < TARGET_KINDS; k++)
		assert_non_null(target_kind_name((enum target_kind)k));
	for (unsigned t = 0; t < TRANSPORTS; t++)
		assert_non_null(target_transport_name((enum target_transport)t));
	for (unsigned s = 0; s < SNMP_SECURITIES; s++)
		assert_non_null(snmp_security_name((enum snmp_security)s));
	assert_null(target_kind_name(TARGET_KINDS));
	assert_null(target_transport_name(TRANSPORTS));
	assert_null(snmp_security_name(SNMP_SECURITIES));
	assert_string_equal(target_kind_name(TARGET_WEBHOOK), "webhook");
	assert_string_equal(target_transport_name(TRANSPORT_TCP), "tcp");
	assert_string_equal(snmp_security_name(SNMP_PRIV), "authPriv");
}

static void the_defaults_are_those_of_the_header(void **state)
{
	struct target t;

	(void)state;
	for (unsigned k = 0; k < TARGET_KINDS; k++) {
		memset(&t, 0xff, sizeof(t));
		target_init(&t, (enum target_kind)k);
		assert_int_equal(t.kind, k);
		assert_int_equal(t.timeout_s, 10);
		assert_int_equal(t.give_up_s, 86400);
		assert_int_equal(t.repeat_s, k == TARGET_ALERTMANAGER ? 60 : 0);
		assert_false(t.critical_only);
		assert_int_equal(t.transport, TRANSPORT_LOCAL);
		assert_int_equal(t.port, 0);
		assert_int_equal(t.program_n, 0);
		assert_string_equal(t.name, "");
		assert_string_equal(t.socket, k == TARGET_SYSLOG     ? "/dev/log"
					      : k == TARGET_JOURNALD ? "/run/systemd/journal/socket"
								     : "");
	}
}

/* A text field of the target, and what is put there. */
struct text {
	size_t offset;
	const char *text;
};
#define TEXT(field, value)                                        \
	{                                                         \
		.offset = offsetof(struct target, field), (value) \
	}

struct check {
	enum target_kind kind;
	unsigned variant; /* transport or security */
	struct text texts[4];
	const char *why; /* part of it; NULL: all is well */
};

static void run_check(const struct check *c)
{
	struct target t;
	char why[200] = "";
	bool ok;

	target_init(&t, c->kind);
	strcpy(t.name, "noc-1");
	t.transport = (enum target_transport)c->variant;
	t.security = (enum snmp_security)c->variant;
	for (size_t i = 0; i < 4 && c->texts[i].text; i++)
		strcpy((char *)&t + c->texts[i].offset, c->texts[i].text);
	t.program_n = t.program[0][0] != '\0';
	ok = target_check(&t, why, sizeof(why));
	if (ok != (c->why == NULL) || (!ok && !strstr(why, c->why)))
		fail_msg("%s: \"%s\" instead of \"%s\"", target_kind_name(c->kind), why,
			 c->why ? c->why : "");
}

static void each_kind_needs_its_own(void **state)
{
	static const char long_path[] = "/12345678901234567890123456789012345678901234567890"
					"12345678901234567890123456789012345678901234567890"
					"1234567";
	const struct check checks[] = {
		{ TARGET_SYSLOG, TRANSPORT_LOCAL, { { 0 } }, NULL },
		{ TARGET_SYSLOG, TRANSPORT_LOCAL, { TEXT(socket, "log") }, "needs a socket" },
		{ TARGET_SYSLOG, TRANSPORT_LOCAL, { TEXT(socket, long_path) }, "107 bytes" },
		{ TARGET_SYSLOG, TRANSPORT_UDP, { { 0 } }, "needs a host" },
		{ TARGET_SYSLOG, TRANSPORT_TCP, { TEXT(host, "::1") }, NULL },
		{ TARGET_SYSLOG, TRANSPORT_TCP, { TEXT(host, "a b") }, "a name or an address" },
		{ TARGET_SYSLOG, TRANSPORT_TCP, { TEXT(host, "[::1]:5") }, "without port" },
		{ TARGET_SYSLOG, TRANSPORTS, { TEXT(host, "a") }, "needs a transport" },
		{ TARGET_JOURNALD, 0, { { 0 } }, NULL },
		{ TARGET_JOURNALD, 0, { TEXT(socket, "") }, "needs a socket" },
		{ TARGET_ALERTMANAGER, 0, { { 0 } }, "needs a url" },
		{ TARGET_ALERTMANAGER, 0, { TEXT(url, "ftp://a") }, "needs a url such" },
		{ TARGET_ALERTMANAGER, 0, { TEXT(url, "http:///a") }, "needs a url such" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "https://u:p@h/") }, "user and password" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "https://h/ a") }, "without blanks" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "https://h/\xc3\xa9") }, "without blanks" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "http://h"), TEXT(ca_file, "/a") }, "https" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "http://h"), TEXT(secret_file, "a") }, "files" },
		{ TARGET_WEBHOOK, 0, { TEXT(url, "http://h") }, "needs a secret_file" },
		{ TARGET_WEBHOOK,
		  0,
		  { TEXT(url, "http://h/a@b"), TEXT(secret_file, "/key") },
		  WITHOUT_CURL },
		{ TARGET_ALERTMANAGER,
		  0,
		  { TEXT(url, "https://[2001:db8::1]:9093"), TEXT(ca_file, "/ca.pem") },
		  WITHOUT_CURL },
		{ TARGET_SNMP, SNMP_V2C, { TEXT(user, "public") }, "needs a host" },
		{ TARGET_SNMP, SNMP_V2C, { TEXT(host, "h") }, "the community" },
		{ TARGET_SNMP, SNMP_V2C, { TEXT(host, "h"), TEXT(user, "c") }, WITHOUT_SNMP },
		{ TARGET_SNMP, SNMP_NO_AUTH, { TEXT(host, "h") }, "needs a user" },
		{ TARGET_SNMP, SNMP_AUTH, { TEXT(host, "h"), TEXT(user, "u") }, "an auth_file" },
		{ TARGET_SNMP,
		  SNMP_PRIV,
		  { TEXT(host, "h"), TEXT(user, "u"), TEXT(auth_file, "/a") },
		  "a priv_file" },
		{ TARGET_SNMP,
		  SNMP_PRIV,
		  { TEXT(host, "h"), TEXT(user, "u"), TEXT(auth_file, "/a"),
		    TEXT(priv_file, "/p") },
		  WITHOUT_SNMP },
		{ TARGET_SNMP, SNMP_SECURITIES, { TEXT(host, "h") }, "needs a security" },
		{ TARGET_PROGRAM, 0, { { 0 } }, "needs a program" },
		{ TARGET_PROGRAM, 0, { TEXT(program, "page") }, "begins with /" },
		{ TARGET_PROGRAM, 0, { TEXT(program, "/bin/page") }, NULL },
		{ TARGET_PROGRAM, 0, { TEXT(program, "/p"), TEXT(name, "") }, "needs a name" },
		{ TARGET_PROGRAM, 0, { TEXT(program, "/p"), TEXT(name, "A") }, "needs a name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		run_check(&checks[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_name),
		cmocka_unit_test(the_defaults_are_those_of_the_header),
		cmocka_unit_test(each_kind_needs_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
