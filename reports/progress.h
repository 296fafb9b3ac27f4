/* progress.h - one line on a terminal that says how far a long piece of work is.
 *
 * Drawn over itself a few times a second at most, by the clock of the machine, and erased before
 * anything else is written. Where the stream is no terminal nothing is ever written.
 */
#ifndef MAILSEAL_PROGRESS_H
#define MAILSEAL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How far it is. What is not known is 0; more done than there is means that it grew. */
struct progress_at {
	uint64_t bytes, bytes_all;
	uint64_t things, things_all;
	const char *what; /* the things are: "packets" */
};

struct progress {
	FILE *out; /* NULL: nothing is shown */
	bool utf8;
	bool shown;
	uint64_t begun_ms, drawn_ms;
};

/* Shows nothing unless wanted and out, which is borrowed, is a terminal that can erase a line. The
 * work begins now. */
void progress_init(struct progress *p, FILE *out, bool wanted);
/* Draws the line when that is due, and always at the end of the work. */
void progress_show(struct progress *p, const struct progress_at *at);
/* Erases the line, if it is there; the next progress_show() draws it anew. */
void progress_clear(struct progress *p);

/* The line itself, of less than columns: a bar, the share, what is done, the time that is left,
 * what is done in a second (on the average), as much of it as there is room for. Returns how many
 * columns it takes. */
#define PROGRESS_LINE_MAX 512
unsigned progress_line(const struct progress_at *at, uint64_t elapsed_ms, unsigned columns,
		       bool utf8, char out[PROGRESS_LINE_MAX]);

#endif
