/* period.h - which time a report is about: "--last 24h", "--from T --to T". All times are UTC.
 *
 * A period holds whole steps: its begin is rounded down, its end up. "The last 24 hours" are
 * those in the ledger, counted back from the end of its last step, so that a report on a replayed
 * capture and one on a live sensor are made the same way.
 */
#ifndef MAILSEAL_PERIOD_H
#define MAILSEAL_PERIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERIOD_DEFAULT_S (24 * 3600)

/* What was asked for, as given on the command line; NULL where it was not. */
struct period_words {
	const char *last, *from, *to;
};

struct period_asked {
	int64_t last_s; /* 0: from and to count */
	int64_t from, to;
	bool has_from, has_to;
};

/* Reads the words; none at all is the last 24 hours. False with a sentence in err. */
bool period_read(const struct period_words *w, struct period_asked *out, char *err, size_t errlen);

struct period {
	int64_t from, to; /* from <= step < to, seconds, whole steps */
	bool counted_back;
};

/* ledger_end: the end of the last step in the ledger. False with a sentence in err when nothing
 * lies between begin and end. */
bool period_of(const struct period_asked *a, int64_t ledger_end, struct period *out, char *err,
	       size_t errlen);

/* "30m", "24h", "7d", "2w": a whole number from 1, up to ten years. */
bool span_parse(const char *text, int64_t *seconds);
/* "24 h", "7 d", "90 min", "45 s" */
void span_text(int64_t seconds, char *out, size_t outlen);

/* "2026-11-22", "2026-11-22T10:00", "2026-11-22 10:00:30", each with or without Z; years 1970 to
 * 9999. */
bool utc_parse(const char *text, int64_t *seconds);
enum utc_form {
	UTC_SHORT,   /* "2026-11-22 10:00", with seconds only when they are not 0 */
	UTC_SECONDS, /* "2026-11-22 10:00:00" */
	UTC_ISO      /* "2026-11-22T10:00:00Z" */
};
#define UTC_TEXT_MAX 32
void utc_text(int64_t seconds, enum utc_form form, char out[UTC_TEXT_MAX]);

#endif
