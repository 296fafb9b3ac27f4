/* opts.c - the options of one command. */
#include "reports/opts.h"

#include <string.h>

#include "reports/text.h"

#define HELP_WIDTH 80u

struct opts opts_over(const struct usage *u, int argc, char **argv)
{
	return (struct opts){ .usage = u, .argv = argv, .argc = argc, .at = 1 };
}

static int option(struct opts *o, const char *name)
{
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < o->usage->n; i++) {
		const struct opt *opt = &o->usage->opts[i];

		if (strlen(opt->name) != len || strncmp(opt->name, name, len) != 0)
			continue;
		o->value = name[len] == '=' ? name + len + 1 : NULL;
		if (opt->arg && !o->value && o->at < o->argc)
			o->value = o->argv[o->at++];
		if ((opt->arg != NULL) == (o->value != NULL))
			return (int)i;
		snprintf(o->err, sizeof(o->err), "--%s %s", opt->name,
			 opt->arg ? "needs a value" : "takes no value");
		return OPTS_ERROR;
	}
	snprintf(o->err, sizeof(o->err), "there is no option --%.80s", name);
	return OPTS_ERROR;
}

/* The next letter of the argument under way. */
static int letter(struct opts *o)
{
	const struct usage *u = o->usage;
	char c = *o->letters++;
	const char *known = u->letters && c != ' ' ? strchr(u->letters, c) : NULL;
	int i;

	if (!known) {
		snprintf(o->err, sizeof(o->err), "there is no option -%c", c);
		return OPTS_ERROR;
	}
	i = (int)(known - u->letters);
	o->value = NULL;
	if (!u->opts[i].arg)
		return i;
	if (*o->letters)
		o->value = o->letters;
	else if (o->at < o->argc)
		o->value = o->argv[o->at++];
	o->letters = NULL;
	if (o->value)
		return i;
	snprintf(o->err, sizeof(o->err), "-%c needs a value", c);
	return OPTS_ERROR;
}

int opts_next(struct opts *o)
{
	const char *arg;

	if (o->letters && *o->letters)
		return letter(o);
	if (o->at >= o->argc)
		return OPTS_END;
	arg = o->argv[o->at++];
	if (!o->only_words && strcmp(arg, "--") == 0) {
		o->only_words = true;
		return opts_next(o);
	}
	if (o->only_words || arg[0] != '-' || arg[1] == '\0') {
		o->value = arg;
		return OPTS_WORD;
	}
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		return OPTS_HELP;
	if (arg[1] == '-')
		return option(o, arg + 2);
	if (o->usage->letters) {
		o->letters = arg + 1;
		return letter(o);
	}
	snprintf(o->err, sizeof(o->err), "there is no option %.80s", arg);
	return OPTS_ERROR;
}

/* "  -w, --warning RANGE"; without any short option "  --last TIME". */
static unsigned head_of(const struct usage *u, size_t i, char *head, size_t len)
{
	char c = u->letters ? u->letters[i] : ' ';
	int n = snprintf(head, len, "  %s--%s %s",
			 c != ' '     ? "-x, "
			 : u->letters ? "    "
				      : "",
			 u->opts[i].name, u->opts[i].arg ? u->opts[i].arg : "");

	if (c != ' ')
		head[3] = c;
	return (unsigned)n;
}

void opts_help(const struct usage *u, FILE *out)
{
	unsigned indent = (unsigned)strlen("  --help") + 2;
	char head[64];

	for (size_t i = 0; i < u->n; i++) {
		unsigned len = head_of(u, i, head, sizeof(head)) + 2;

		if (len > indent)
			indent = len;
	}
	fprintf(out, "Usage: mailseal %s %s\n\n", u->command, u->synopsis);
	text_wrap(out, HELP_WIDTH, 0, "", u->summary);
	putc('\n', out);
	for (size_t i = 0; i < u->n; i++) {
		head_of(u, i, head, sizeof(head));
		text_wrap(out, HELP_WIDTH, indent, head, u->opts[i].text);
	}
	text_wrap(out, HELP_WIDTH, indent, u->letters ? "  -h, --help" : "  --help",
		  "print this and exit");
}
