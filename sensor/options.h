/* options.h - the command line of mailseald. */
#ifndef MAILSEAL_OPTIONS_H
#define MAILSEAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sensor/capture.h"
#include "sensor/conf.h"

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_PRINT,
	ACTION_SELF_TEST,
	ACTION_VERSION,
	ACTION_HELP
};

struct options {
	enum action action;
	bool live;
	const char *inputs[CAPTURE_INPUTS_MAX]; /* files or interfaces */
	unsigned inputs_n;
	const char *conf;     /* NULL: built-in defaults */
	const char *state;    /* NULL: none was named */
	const char *sessions; /* "-" is standard output; NULL: none */
	const char *filter;
	enum capture_mode mode;
	unsigned workers; /* 0: as the configuration says */
	bool quiet;
};

/* False with one line in err: a usage error. Strings point into argv. */
bool options_read(int argc, char **argv, struct options *o, char *err, size_t errlen);

extern const char options_help[];

#endif
