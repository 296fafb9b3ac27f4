/* opts.h - the options of one command: rows of a table that drive the reader and --help. */
#ifndef MAILSEAL_OPTS_H
#define MAILSEAL_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct opt {
	const char *name; /* without the dashes */
	const char *arg;  /* what the value is called; NULL for a flag */
	const char *text;
};

struct usage {
	const char *command;
	const char *synopsis; /* lines behind "Usage: mailseal " */
	const char *brief;    /* for the list of commands */
	const char *summary;
	const struct opt *opts;
	size_t n;
	const char *letters; /* short options: one for each row, blank where it has none; or NULL */
};

enum { OPTS_END = -1, OPTS_ERROR = -2, OPTS_HELP = -3, OPTS_WORD = -4 };

struct opts {
	const struct usage *usage;
	char **argv;
	int argc, at;
	const char *letters; /* of this argument, yet to be read; NULL or empty: none */
	bool only_words;     /* behind "--" */
	const char *value;   /* of the option, or the word; lives as long as argv */
	char err[160];
};

/* argv[0] is the command. */
struct opts opts_over(const struct usage *u, int argc, char **argv);

/* The index of the next option in the table, or one of the four above. --name VALUE and
 * --name=VALUE, -n VALUE and -nVALUE; flags of one letter may share a dash; words and options in
 * any order; "-" is a word. An option may be given twice: the
 * caller sees both. ERROR leaves a sentence in err. */
int opts_next(struct opts *o);

void opts_help(const struct usage *u, FILE *out);

#endif
