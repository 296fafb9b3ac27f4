/* mailseal.c - the program that people use: a table of commands. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "reports/text.h"
#include "reports/tool.h"

static const struct tool_command *const commands[] = {
	&cmd_matrix,     &cmd_report, &cmd_explain, &cmd_graph,   &cmd_incidents, &cmd_ack,
	&cmd_test_alert, &cmd_check,  &cmd_export,  &cmd_rebuild, &cmd_serve,     &cmd_html,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

#define HELP_WIDTH  80u
#define HELP_INDENT 15u

static int help(void)
{
	char head[32];

	fputs("Usage: mailseal COMMAND [OPTION...]\n\n"
	      "Shows what mailseald has recorded: is the mail between operators sealed?\n\n",
	      stdout);
	for (size_t i = 0; i < COMMANDS; i++) {
		snprintf(head, sizeof(head), "  %s", commands[i]->usage->command);
		text_wrap(stdout, HELP_WIDTH, HELP_INDENT, head, commands[i]->usage->brief);
	}
	fputs("\n  mailseal COMMAND --help says more; mailseal --version names the version.\n"
	      "  Exit status: 0 done, 1 it could not be done, 2 wrong usage; of check: 0 OK,\n"
	      "  1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n",
	      stdout);
	return tool_flush("--help");
}

static int version(void)
{
	printf("mailseal %s\n", PACKAGE_VERSION);
	return tool_flush("--version");
}

static int wrong(const char *word)
{
	char safe[256];

	text_safe(word, false, safe, sizeof(safe));
	fprintf(stderr, "mailseal: there is no command \"%s\" (see mailseal --help)\n", safe);
	return TOOL_USAGE;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		fputs("mailseal: which command? (see mailseal --help)\n", stderr);
		return TOOL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return version();
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->usage->command, argv[1]) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	}
	return wrong(argv[1]);
}
