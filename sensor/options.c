#include "sensor/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char options_help[] =
	"Usage: mailseald -r FILE... | -i INTERFACE... [options]\n"
	"\n"
	"Tells sealed mail from mail in clear, from a SPAN port or from capture files.\n"
	"\n"
	"  -r FILE...         read packets from FILE (pcap, pcapng; - is standard input);\n"
	"                     several are merged by time\n"
	"  -i INTERFACE...    capture on INTERFACE; several feed one table of connections\n"
	"  -c CONF            configuration file (default: built-in defaults)\n"
	"      --state DIR    keep counts, incidents and graphs in DIR\n"
	"      --sessions FILE\n"
	"                     write one JSON line per mail session to FILE (- is standard\n"
	"                     output)\n"
	"      --filter BPF   look only at packets that also pass this pcap-filter(7)\n"
	"      --mode ports|any\n"
	"                     look at the mail ports (default with -i) or find mail on\n"
	"                     any port (default with -r)\n"
	"      --workers N    share the packets between N threads (default 1)\n"
	"      --quiet        no progress, and no summary at the end\n"
	"      --check-config read the configuration, say what is wrong with it, and exit\n"
	"      --print-config print the configuration in force and exit\n"
	"      --self-test    read a capture that is built in, compare every counter, and exit\n"
	"      --version      print the version and exit\n"
	"      --help         print this and exit\n"
	"\n"
	"Exit status: 0 done, 1 something failed, 2 wrong usage or configuration.\n"
	"See mailseald(8), mailseal.yaml(5) and mailseal(1).\n";

enum {
	OPT_STATE = 256,
	OPT_SESSIONS,
	OPT_FILTER,
	OPT_MODE,
	OPT_WORKERS,
	OPT_QUIET,
	OPT_CHECK,
	OPT_PRINT,
	OPT_SELF_TEST,
	OPT_VERSION,
	OPT_HELP
};

static const struct option table[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "sessions", required_argument, NULL, OPT_SESSIONS },
	{ "filter", required_argument, NULL, OPT_FILTER },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "print-config", no_argument, NULL, OPT_PRINT },
	{ "self-test", no_argument, NULL, OPT_SELF_TEST },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool wrong(char *err, size_t errlen, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool wrong(char *err, size_t errlen, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, errlen, format, args);
	va_end(args);
	return false;
}

static bool add_input(struct options *o, bool live, const char *name, char *err, size_t errlen)
{
	if (o->inputs_n > 0 && o->live != live)
		return wrong(err, errlen, "-r and -i exclude each other");
	if (o->inputs_n == CAPTURE_INPUTS_MAX)
		return wrong(err, errlen, "more than %d inputs", CAPTURE_INPUTS_MAX);
	if (name[0] == '\0')
		return wrong(err, errlen, "-%c needs a name", live ? 'i' : 'r');
	for (unsigned i = 0; i < o->inputs_n; i++) {
		if (strcmp(o->inputs[i], name) == 0)
			return wrong(err, errlen, "%s is given twice", name);
	}
	o->live = live;
	o->inputs[o->inputs_n++] = name;
	return true;
}

/* A name without an option belongs to the -r or -i before it: "-r *.pcap". */
static bool add_more(struct options *o, const char *name, char *err, size_t errlen)
{
	if (o->inputs_n == 0)
		return wrong(err, errlen,
			     "\"%s\" is not an option (files are read with -r; see --help)", name);
	return add_input(o, o->live, name, err, errlen);
}

static bool set_mode(struct options *o, const char *name, char *err, size_t errlen)
{
	if (o->mode != MODE_DEFAULT)
		return wrong(err, errlen, "--mode is given twice");
	if (strcmp(name, "ports") == 0)
		o->mode = MODE_PORTS;
	else if (strcmp(name, "any") == 0)
		o->mode = MODE_ANY;
	else
		return wrong(err, errlen, "--mode is \"ports\" or \"any\", not \"%s\"", name);
	return true;
}

static bool set_workers(struct options *o, const char *value, char *err, size_t errlen)
{
	unsigned n = 0;

	if (o->workers != 0)
		return wrong(err, errlen, "--workers is given twice");
	for (const char *c = value; *c >= '0' && *c <= '9' && n <= CONF_WORKERS_MAX; c++)
		n = n * 10 + (unsigned)(*c - '0');
	if (value[strspn(value, "0123456789")] != '\0' || n == 0 || n > CONF_WORKERS_MAX)
		return wrong(err, errlen, "--workers needs a number from 1 to %d, not \"%s\"",
			     CONF_WORKERS_MAX, value);
	o->workers = n;
	return true;
}

static bool set_text(const char **to, const char *option, const char *value, char *err,
		     size_t errlen)
{
	if (*to)
		return wrong(err, errlen, "%s is given twice", option);
	if (value[0] == '\0')
		return wrong(err, errlen, "%s needs a value", option);
	*to = value;
	return true;
}

static bool take(struct options *o, int c, char **argv, char *err, size_t errlen)
{
	switch (c) {
	case 1: return add_more(o, optarg, err, errlen);
	case 'r': return add_input(o, false, optarg, err, errlen);
	case 'i': return add_input(o, true, optarg, err, errlen);
	case 'c': return set_text(&o->conf, "-c", optarg, err, errlen);
	case OPT_STATE: return set_text(&o->state, "--state", optarg, err, errlen);
	case OPT_SESSIONS: return set_text(&o->sessions, "--sessions", optarg, err, errlen);
	case OPT_FILTER: return set_text(&o->filter, "--filter", optarg, err, errlen);
	case OPT_MODE: return set_mode(o, optarg, err, errlen);
	case OPT_WORKERS: return set_workers(o, optarg, err, errlen);
	case OPT_QUIET: o->quiet = true; return true;
	case OPT_CHECK: o->action = ACTION_CHECK; return true;
	case OPT_PRINT: o->action = ACTION_PRINT; return true;
	case OPT_SELF_TEST: o->action = ACTION_SELF_TEST; return true;
	case OPT_VERSION: o->action = ACTION_VERSION; return true;
	case OPT_HELP: o->action = ACTION_HELP; return true;
	case ':': return wrong(err, errlen, "%s needs a value", argv[optind - 1]);
	default: return wrong(err, errlen, "unknown option %s (see --help)", argv[optind - 1]);
	}
}

/* What is built in is read as it is, and leaves nothing behind. */
static bool goes_with_self_test(const struct options *o)
{
	return o->inputs_n == 0 && !o->conf && !o->state && !o->sessions && !o->filter &&
	       o->mode == MODE_DEFAULT;
}

bool options_read(int argc, char **argv, struct options *o, char *err, size_t errlen)
{
	int c;

	memset(o, 0, sizeof(*o));
	optind = 0; /* anew at each call */
	while ((c = getopt_long(argc, argv, "-:r:i:c:", table, NULL)) != -1) {
		if (!take(o, c, argv, err, errlen))
			return false;
		if (o->action == ACTION_HELP || o->action == ACTION_VERSION)
			return true;
	}
	for (; optind < argc; optind++) { /* behind "--" */
		if (!add_more(o, argv[optind], err, errlen))
			return false;
	}
	if (o->action == ACTION_SELF_TEST && !goes_with_self_test(o))
		return wrong(err, errlen, "--self-test goes with --workers and nothing else");
	return true;
}
