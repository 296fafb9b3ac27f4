/* tool.h - what the commands of mailseal share: exit codes, errors, the state directory.
 *
 * Standard output holds what was asked for; errors are one line each on standard error, with
 * everything unsafe escaped.
 */
#ifndef MAILSEAL_TOOL_H
#define MAILSEAL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/incidents.h"
#include "reports/ledger.h"
#include "reports/opts.h"

#define TOOL_OK     0
#define TOOL_FAILED 1
#define TOOL_USAGE  2

#define TOOL_ERR_MAX   512
#define TOOL_STATE_DIR LOCALSTATEDIR "/lib/mailseal"

/* The row that every command has. */
#define OPT_STATE                                                                  \
	{                                                                          \
		"state", "DIR", "the state directory (default " TOOL_STATE_DIR ")" \
	}

struct tool_command {
	const struct usage *usage;
	int (*run)(int argc, char **argv); /* argv[0] is the command; returns an exit code */
};

extern const struct tool_command cmd_matrix, cmd_explain, cmd_graph, cmd_incidents, cmd_ack,
	cmd_test_alert, cmd_check, cmd_export, cmd_rebuild, cmd_report, cmd_serve, cmd_html;

/* One line on standard error: "mailseal COMMAND: ...". */
void tool_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, and where to look; returns TOOL_USAGE. */
int tool_usage(const struct usage *u, const char *sentence);

/* A whole number above 0, of at most so many digits (up to 18). */
bool tool_number(const char *text, size_t digits, int64_t *out);

/* A name as the configuration allows it, or "any", which becomes empty. */
bool tool_peer(const char *text, char out[PARTY_NAME_MAX + 1]);
/* CLIENT:SERVER, each as above or left out. */
bool tool_pair(const char *text, char client[PARTY_NAME_MAX + 1], char server[PARTY_NAME_MAX + 1]);

/* What to do about OPTS_ERROR, OPTS_HELP or an unexpected OPTS_WORD: returns the exit code. */
int tool_stop(const struct opts *o, int what);

/* Flushes standard output; TOOL_FAILED with an error when it could not be written. */
int tool_flush(const char *command);

/* A new file beside NAME, to be renamed to it once it is whole, so that a failure leaves no half of
 * it; its name in path. Returns its descriptor; -1: errno says why. */
int tool_beside(const char *name, char *path, size_t pathlen);

/* Has out written: to standard output (NULL), or to a file, which is replaced once it is whole; what is
 * no file of its own, as a device, is written to. False after an error on standard error: that of the
 * callback, or that it could not be written. */
typedef bool tool_write_cb(void *ctx, FILE *out);
bool tool_write(const char *command, const char *out, tool_write_cb *cb, void *ctx);

/* Open what is in a state directory; NULL with a sentence in err that says what is wrong with it. */
struct ledger *tool_open_ledger(const char *dir, enum ledger_mode mode, char *err, size_t errlen);
struct incidents *tool_open_incidents(const char *dir, char *err, size_t errlen);
/* The same; NULL after an error on standard error. */
struct ledger *tool_ledger(const char *command, const char *dir, enum ledger_mode mode);
struct incidents *tool_incidents(const char *command, const char *dir);

/* True when the directory is there and can be entered; says what is wrong otherwise. */
bool tool_state_dir(const char *command, const char *dir);
/* The same, and that there is an incidents.db. */
bool tool_has_incidents(const char *command, const char *dir);
/* True when DIR/name exists. */
bool tool_state_has(const char *dir, const char *name);

#endif
