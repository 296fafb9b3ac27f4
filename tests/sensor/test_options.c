/* Tests the command line of mailseald. */
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include "sensor/options.h"

#define ARGS_MAX 24

/* Splits at blanks; "_" stands for an empty word. */
static bool read_line(const char *line, struct options *o, char *err, size_t errlen)
{
	static char words[1024];
	char *argv[ARGS_MAX + 1] = { words };
	int argc = 1;

	snprintf(words, sizeof(words), "mailseald %s", line);
	for (char *c = words; *c; c++) {
		if (*c != ' ')
			continue;
		*c = '\0';
		assert_true(argc < ARGS_MAX);
		argv[argc++] = c + 1;
		if (c[1] == '_')
			*++c = '\0';
	}
	err[0] = '\0';
	return options_read(argc, argv, o, err, errlen);
}

static struct options good(const char *line)
{
	struct options o;
	char err[256];

	if (!read_line(line, &o, err, sizeof(err)))
		fail_msg("%s: %s", line, err);
	return o;
}

static void every_option_is_read(void **state)
{
	struct options o = good("-r a.pcap -r - -c m.yaml --state /s --sessions - --filter tcp "
				"--mode ports --workers 64 --quiet");

	(void)state;
	assert_int_equal(o.action, ACTION_RUN);
	assert_false(o.live);
	assert_int_equal(o.inputs_n, 2);
	assert_string_equal(o.inputs[0], "a.pcap");
	assert_string_equal(o.inputs[1], "-");
	assert_string_equal(o.conf, "m.yaml");
	assert_string_equal(o.state, "/s");
	assert_string_equal(o.sessions, "-");
	assert_string_equal(o.filter, "tcp");
	assert_int_equal(o.mode, MODE_PORTS);
	assert_int_equal(o.workers, 64);
	assert_true(o.quiet);
}

static void nothing_is_assumed(void **state)
{
	struct options o = good("-i eth0");

	(void)state;
	assert_true(o.live);
	assert_string_equal(o.inputs[0], "eth0");
	assert_null(o.conf);
	assert_null(o.state);
	assert_null(o.sessions);
	assert_null(o.filter);
	assert_int_equal(o.mode, MODE_DEFAULT);
	assert_int_equal(o.workers, 0);
	assert_false(o.quiet);
	assert_int_equal(good("--mode any -i eth0 -i eth1").mode, MODE_ANY);
	assert_int_equal(good("-i eth0 -i eth1").inputs_n, 2);
	/* Interfaces may stand in the configuration: that is for who reads it. */
	assert_int_equal(good("-c m.yaml").inputs_n, 0);
}

/* "-r *.pcap": the shell makes one word many. */
static void names_belong_to_the_option_before(void **state)
{
	struct options o = good("-r a b --quiet c -- -d");

	(void)state;
	assert_int_equal(o.inputs_n, 4);
	assert_string_equal(o.inputs[1], "b");
	assert_string_equal(o.inputs[2], "c");
	assert_string_equal(o.inputs[3], "-d");
	assert_false(o.live);
	o = good("-i eth0 eth1");
	assert_int_equal(o.inputs_n, 2);
	assert_true(o.live);
}

static void what_to_do_is_one_of_these(void **state)
{
	static const struct {
		const char *line;
		enum action action;
	} cases[] = {
		{ "--check-config -c m.yaml", ACTION_CHECK },
		{ "--print-config", ACTION_PRINT },
		{ "--self-test --workers 2 --quiet", ACTION_SELF_TEST },
		{ "--version", ACTION_VERSION },
		{ "--help", ACTION_HELP },
		{ "--help --nonsense", ACTION_HELP },
		{ "--version -r", ACTION_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(good(cases[i].line).action, cases[i].action);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *line, *named;
	} cases[] = {
		{ "-r a -i b", "-r and -i" },
		{ "-i b -r a", "-r and -i" },
		{ "-r a -r a", "twice" },
		{ "-r _", "-r" },
		{ "-i _", "-i" },
		{ "-r", "-r" },
		{ "--state", "--state" },
		{ "--state _", "--state" },
		{ "--sessions _", "--sessions" },
		{ "--filter _", "--filter" },
		{ "-c _", "-c" },
		{ "--state a --state b", "--state" },
		{ "--sessions a --sessions b", "--sessions" },
		{ "--filter a --filter b", "--filter" },
		{ "-c a -c b", "-c" },
		{ "--mode sometimes", "sometimes" },
		{ "--mode any --mode any", "--mode" },
		{ "--self-test -r a", "--self-test" },
		{ "--state a --self-test", "--self-test" },
		{ "--workers", "--workers" },
		{ "--workers _", "--workers" },
		{ "--workers 0", "from 1 to 64" },
		{ "--workers 65", "not \"65\"" },
		{ "--workers 99999999999999999999", "from 1 to 64" },
		{ "--workers -1", "from 1 to 64" },
		{ "--workers 2x", "from 1 to 64" },
		{ "--workers 2 --workers 2", "twice" },
		{ "--nonsense", "--nonsense" },
		{ "-Z", "-Z" },
		{ "-r a b a", "twice" },
		{ "--quiet word -r a", "word" },
		{ "b.pcap -r a", "b.pcap" },
		{ "--quiet=yes", "--quiet" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;
		char err[256];

		assert_false(read_line(cases[i].line, &o, err, sizeof(err)));
		if (!strstr(err, cases[i].named) || strchr(err, '\n'))
			fail_msg("%s: \"%s\" does not name %s", cases[i].line, err, cases[i].named);
	}
}

static void there_is_a_bound_on_inputs(void **state)
{
	static char names[CAPTURE_INPUTS_MAX + 1][8];
	static char *argv[2 * (CAPTURE_INPUTS_MAX + 1) + 2];
	static char program[] = "mailseald", r[] = "-r";
	struct options o;
	char err[256];
	int argc = 0;

	(void)state;
	argv[argc++] = program;
	for (unsigned i = 0; i <= CAPTURE_INPUTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", i);
		argv[argc++] = r;
		argv[argc++] = names[i];
	}
	assert_false(options_read(argc, argv, &o, err, sizeof(err)));
	assert_non_null(strstr(err, "255"));
	assert_true(options_read(argc - 2, argv, &o, err, sizeof(err)));
	assert_int_equal(o.inputs_n, CAPTURE_INPUTS_MAX);
}

static void help_names_every_option(void **state)
{
	static const char *const names[] = {
		"-r ",       "-i ",    "-c ",     "--state",        "--sessions",
		"--filter",  "--mode", "--quiet", "--check-config", "--print-config",
		"--version", "--help"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(options_help, names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_read),
		cmocka_unit_test(nothing_is_assumed),
		cmocka_unit_test(names_belong_to_the_option_before),
		cmocka_unit_test(what_to_do_is_one_of_these),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(there_is_a_bound_on_inputs),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
