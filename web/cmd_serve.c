/* cmd_serve.c - mailseal serve: the pages, for a browser. */
#include <string.h>

#include "reports/tool.h"
#include "web/serve.h"

/* IANA has not assigned it, and the 25 can be remembered. */
#define LISTEN_DEFAULT "127.0.0.1:8525"
#define USER_DEFAULT   "mailseal"

enum { O_LISTEN, O_HOST, O_METRICS, O_USER, O_STATE, O_N };

static const struct opt opts[O_N] = {
	[O_LISTEN] = { "listen", "ADDRESS:PORT",
		       "where to listen (default " LISTEN_DEFAULT
		       "); [::1]:8525; port 0: any that is "
		       "free; may be given up to 8 times" },
	[O_HOST] = { "host", "NAME",
		     "a name that browsers and proxies may ask for, besides addresses and "
		     "localhost; may be given up to 16 times" },
	[O_METRICS] = { "metrics", "FILE",
			"what /metrics shows (default metrics.prom in the state directory): what "
			"record.metrics_file of mailseal.yaml names" },
	[O_USER] = { "user", "NAME",
		     "whom to become when started as root (default " USER_DEFAULT ")" },
	[O_STATE] = OPT_STATE,
};

static const struct usage usage = {
	.command = SERVE_COMMAND,
	.synopsis = "[--listen ADDRESS:PORT] [--host NAME] [--metrics FILE]\n"
		    "                      [--user NAME] [--state DIR]",
	.brief = "a web server that shows all of it as pages",
	.summary =
		"Serves what mailseald has recorded as web pages, as JSON below api/v1/, and the "
		"metrics of the sensor at /metrics; /healthz says whether it records. Reads "
		"only, and asks nobody who they are: from other hosts it is to be reached "
		"through a reverse proxy. Says on standard error where it listens, and ends with "
		"SIGTERM or SIGINT.",
	.opts = opts,
	.n = O_N,
};

/* What is wrong with it, or NULL. */
static const char *take(struct serve_asked *a, int what, const char *value)
{
	switch (what) {
	case O_LISTEN:
		if (a->at_n == SERVE_LISTEN_MAX)
			return "--listen can be given 8 times";
		return listen_parse(value, &a->at[a->at_n++])
			       ? NULL
			       : "--listen is an address and a port as " LISTEN_DEFAULT
				 ", [::1]:8525";
	case O_HOST:
		if (a->hosts_n == SERVE_HOSTS_MAX)
			return "--host can be given 16 times";
		a->hosts[a->hosts_n++] = value;
		return value[0] && !strpbrk(value, ":/ ") ? NULL
							  : "--host is a name without a port";
	case O_METRICS: a->metrics = value; break;
	case O_USER: a->user = value; break;
	case O_STATE: a->dir = value; break;
	}
	return NULL;
}

static int start(const struct serve_asked *a)
{
#ifdef HAVE_HTTPD
	return serve(a);
#else
	(void)a;
	tool_error(usage.command, "this build has no server (configure --without-httpd); mailseal "
				  "html makes the same pages as files");
	return TOOL_FAILED;
#endif
}

static int run(int argc, char **argv)
{
	struct serve_asked a = { .dir = TOOL_STATE_DIR, .user = USER_DEFAULT };
	struct opts o = opts_over(&usage, argc, argv);
	const char *wrong = NULL;
	int what;

	while (!wrong && (what = opts_next(&o)) >= 0)
		wrong = take(&a, what, o.value);
	if (wrong)
		return tool_usage(&usage, wrong);
	if (what != OPTS_END)
		return tool_stop(&o, what);
	if (a.at_n == 0)
		listen_parse(LISTEN_DEFAULT, &a.at[a.at_n++]);
	return start(&a);
}

const struct tool_command cmd_serve = { &usage, run };
