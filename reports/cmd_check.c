/* cmd_check.c - mailseal check: a plugin for Nagios, Icinga and their kin.
 *
 * Everything goes to standard output, and the exit code is the state: 0 OK, 1 WARNING, 2 CRITICAL,
 * 3 UNKNOWN, which is also that of wrong usage, --help and --version.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reports/check.h"
#include "reports/tool.h"

#define DIGITS_MAX  9
#define TIMEOUT_MAX 3600

enum {
	O_PAIR,
	O_SERVICE,
	O_WINDOW,
	O_WARNING,
	O_CRITICAL,
	O_MIN_SESSIONS,
	O_MIN_COVERAGE,
	O_MAX_LOSS,
	O_MAX_ONE_SIDED,
	O_MAX_AGE,
	O_TIMEOUT,
	O_HOSTNAME,
	O_VERBOSE,
	O_VERSION,
	O_STATE,
	O_N
};

static const char letters[O_N + 1] = "   wc     tHvV ";

static const struct opt opts[O_N] = {
	[O_PAIR] = { "pair", "CLIENT:SERVER",
		     "the two peers, as the matrix names them; either may be \"any\" or left out" },
	[O_SERVICE] = { "service", "NAME", "mta (default), submission or access" },
	[O_WINDOW] = { "window", "TIME",
		       "what is judged, back from the last step: 5m, 1h (default), 1d" },
	[O_WARNING] = { "warning", "RANGE",
			"the share of sealed sessions, in percent, outside of which it is "
			"WARNING" },
	[O_CRITICAL] = { "critical", "RANGE",
			 "the same for CRITICAL. Without -w and -c, any session in clear is "
			 "CRITICAL "
			 "where the charter promises TLS, and WARNING elsewhere" },
	[O_MIN_SESSIONS] = { "min-sessions", "N",
			     "fewer sessions, encrypted or in clear, are UNKNOWN (default 0: an "
			     "idle pair is OK)" },
	[O_MIN_COVERAGE] = { "min-coverage", "PERCENT",
			     "less coverage is WARNING (default 90; 0: never)" },
	[O_MAX_LOSS] = { "max-loss", "PERCENT",
			 "more packets or records lost by the sensor are WARNING (default 1; 100: "
			 "never)" },
	[O_MAX_ONE_SIDED] = { "max-one-sided", "PERCENT",
			      "more of its sessions seen from one side are WARNING (default 20; "
			      "100: never)" },
	[O_MAX_AGE] = { "max-age", "TIME",
			"a last step that ended longer ago is UNKNOWN (default 3m)" },
	[O_TIMEOUT] = { "timeout", "SECONDS", "UNKNOWN after so long (default 10)" },
	[O_HOSTNAME] = { "hostname", "NAME",
			 "taken and not used: what is read is the state directory" },
	[O_VERBOSE] = { "verbose", NULL,
			"more lines: incidents and limits; -vv also pairs, -vvv also health" },
	[O_VERSION] = { "version", NULL, "print the version and exit" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = "check",
	.synopsis = "[--pair CLIENT:SERVER] [--service NAME] [--window TIME]\n"
		    "                      [-w RANGE] [-c RANGE] [--min-sessions N]\n"
		    "                      [--min-coverage PERCENT] [--max-loss PERCENT]\n"
		    "                      [--max-one-sided PERCENT] [--max-age TIME]\n"
		    "                      [-t SECONDS] [-H NAME] [-v] [-V] [--state DIR]",
	.brief = "a plugin for Nagios and Icinga: is the mail of a pair sealed now?",
	.summary = "Says in one line, in performance data and by its exit status whether the mail "
		   "of a pair is sealed: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. A critical "
		   "incident that fires is CRITICAL, a warning one WARNING. A RANGE is "
		   "[@][start:][end], as in the guidelines for monitoring plugins.",
	.opts = opts,
	.n = O_N,
	.letters = letters,
};

struct asked {
	const char *dir;
	struct check_asked check;
	const char *value[O_N];
	unsigned verbose;
	unsigned timeout_s;
};

/* Options ------------------------------------------------------------------------------------ */

static bool read_count(const char *text, int64_t *out)
{
	return tool_number(text, DIGITS_MAX, out) || strcmp(text, "0") == 0;
}

/* Leaves what is not given. */
static bool read_percent(const char *text, int64_t *out)
{
	return !text || (range_number(text, out) && *out >= 0 && *out <= (int64_t)100 * RANGE_UNIT);
}

/* What is wrong with the values, or NULL. */
static const char *read_values(struct asked *a)
{
	struct check_asked *c = &a->check;
	const char *const *v = a->value;
	int64_t timeout = 10;

	if (v[O_PAIR] && !tool_pair(v[O_PAIR], c->client, c->server))
		return "which pair? --pair CLIENT:SERVER, as in --pair orange:free";
	if (v[O_SERVICE] && !service_by_name(v[O_SERVICE], &c->service))
		return "--service is one of mta, submission, access";
	if (v[O_WINDOW] && !span_parse(v[O_WINDOW], &c->window_s))
		return "--window is a length of time as 5m, 1h, 1d";
	if (v[O_MAX_AGE] && !span_parse(v[O_MAX_AGE], &c->max_age_s))
		return "--max-age is a length of time as 3m, 1h";
	if (v[O_WARNING] && !range_parse(v[O_WARNING], &c->warn))
		return "--warning is a range as 99:, 95:100, @0:90";
	if (v[O_CRITICAL] && !range_parse(v[O_CRITICAL], &c->crit))
		return "--critical is a range as 99:, 95:100, @0:90";
	if (v[O_MIN_SESSIONS] && !read_count(v[O_MIN_SESSIONS], &c->min_sessions))
		return "--min-sessions is a whole number";
	if (!read_percent(v[O_MIN_COVERAGE], &c->min_coverage))
		return "--min-coverage is a number of percent, 0 to 100";
	if (!read_percent(v[O_MAX_LOSS], &c->max_loss))
		return "--max-loss is a number of percent, 0 to 100";
	if (!read_percent(v[O_MAX_ONE_SIDED], &c->max_one_sided))
		return "--max-one-sided is a number of percent, 0 to 100";
	if (v[O_TIMEOUT] &&
	    (!tool_number(v[O_TIMEOUT], DIGITS_MAX, &timeout) || timeout > TIMEOUT_MAX))
		return "--timeout is a number of seconds, 1 to 3600";
	a->timeout_s = (unsigned)timeout;
	return NULL;
}

static enum check_state unknown(const char *why)
{
	check_print_unknown(why, stdout);
	return CHECK_UNKNOWN;
}

static enum check_state misused(const char *why)
{
	char text[TOOL_ERR_MAX];

	snprintf(text, sizeof(text), "%s (see mailseal check --help)", why);
	return unknown(text);
}

static enum check_state stop(const struct opts *o, int what)
{
	char text[160];

	if (what == OPTS_HELP) {
		opts_help(o->usage, stdout);
		return CHECK_UNKNOWN;
	}
	if (what == OPTS_ERROR)
		return misused(o->err);
	snprintf(text, sizeof(text), "what is \"%.80s\" for?", o->value);
	return misused(text);
}

/* True to go on; otherwise everything was said. */
static bool read_options(struct asked *a, int argc, char **argv)
{
	struct opts o = opts_over(&usage, argc, argv);
	const char *wrong;
	int what;

	while ((what = opts_next(&o)) >= 0) {
		if (what == O_VERSION) {
			printf("mailseal check %s\n", PACKAGE_VERSION);
			return false;
		}
		a->value[what] = o.value;
		a->verbose += what == O_VERBOSE;
	}
	if (what != OPTS_END) {
		stop(&o, what);
		return false;
	}
	wrong = read_values(a);
	if (wrong)
		misused(wrong);
	return !wrong;
}

/* Running ------------------------------------------------------------------------------------ */

static void too_late(int sig)
{
	static const char text[] = "MAILSEAL UNKNOWN - timed out: the state directory does not "
				   "answer\n";
	ssize_t written = write(STDOUT_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)written;
	_exit(CHECK_UNKNOWN);
}

static enum check_state judge(const struct asked *a)
{
	char err[TOOL_ERR_MAX] = "";
	struct ledger *l = tool_open_ledger(a->dir, LEDGER_READ, err, sizeof(err));
	struct incidents *in = l ? tool_open_incidents(a->dir, err, sizeof(err)) : NULL;
	struct check *c = NULL;
	enum check_state state;

	if (in)
		c = check_new(&a->check, l, in, (int64_t)time(NULL), err, sizeof(err));
	incidents_close(in);
	ledger_close(l);
	alarm(0); /* only the line is left, and it is to be whole */
	if (!c)
		return unknown(err);
	check_print(c, a->verbose, stdout);
	state = c->state;
	check_free(c);
	return state;
}

static int run(int argc, char **argv)
{
	struct asked a = {
		.dir = TOOL_STATE_DIR,
		.check = { .window_s = 3600,
			   .max_age_s = 180,
			   .min_coverage = (int64_t)90 * RANGE_UNIT,
			   .max_loss = RANGE_UNIT,
			   .max_one_sided = (int64_t)20 * RANGE_UNIT },
	};
	enum check_state state = CHECK_UNKNOWN;

	if (read_options(&a, argc, argv)) {
		if (a.value[O_STATE])
			a.dir = a.value[O_STATE];
		signal(SIGALRM, too_late);
		alarm(a.timeout_s);
		state = judge(&a);
	}
	return tool_flush(usage.command) == TOOL_OK ? (int)state : CHECK_UNKNOWN;
}

const struct tool_command cmd_check = { &usage, run };
