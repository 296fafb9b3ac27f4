/* session_log.h - finds lines in session records: a file, a stream, DIR/sessions/.
 *
 * Lines are bounded: a longer one is skipped as a whole and counts as a line.
 */
#ifndef MAILSEAL_SESSION_LOG_H
#define MAILSEAL_SESSION_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reports/record.h"

struct log_line {
	char text[RECORD_MAX];
	size_t len; /* without the LF */
	bool too_long;
};

/* The next line; false at the end and on a read error (ferror). */
bool log_next(FILE *in, struct log_line *line);

/* The n'th line of a stream, from 1. False with a sentence in err: there is none, or it is not
 * readable. */
bool log_nth(FILE *in, unsigned long n, struct log_line *line, char *err, size_t errlen);

/* The last record with this community id in DIR/sessions/, newest day first; found counts the
 * records of that day that have it. Lines that are not records are passed over: the last one may
 * be half written. False with a sentence in err. */
bool log_find(const char *dir, const char *id, struct log_line *line, unsigned *found, char *err,
	      size_t errlen);

#endif
