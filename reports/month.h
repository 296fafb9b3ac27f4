/* month.h - calendar months in a time zone: where they begin and end, and times as people there
 * write them.
 *
 * The C library knows one zone at a time for the whole process (TZ): for programs with one thread.
 */
#ifndef MAILSEAL_MONTH_H
#define MAILSEAL_MONTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_NAME_MAX 64

/* From now on everything below is about this zone, named as in tzdata: "UTC", "Europe/Paris".
 * False with a sentence in err when tzdata has none of this name. */
bool zone_use(const char *name, char *err, size_t errlen);

struct month {
	int year, number; /* 1970 to 9999, 1 to 12 */
};

/* "2026-10" */
#define MONTH_TEXT_MAX 16
bool month_read(const char *text, struct month *out);
void month_text(struct month m, char out[MONTH_TEXT_MAX]);

struct month month_next(struct month m, int n); /* n months later, or before */
struct month month_of(int64_t seconds);         /* the month in which this time lies */
int month_compare(struct month a, struct month b);

/* The first whole minute that lies in the month, in seconds UTC. Its end is the begin of the next. */
int64_t month_begin(struct month m);

/* "2026-10-25 02:30 +02:00", the time in the zone and how far it is ahead of UTC then. */
#define LOCAL_TEXT_MAX 40
void local_text(int64_t seconds, char out[LOCAL_TEXT_MAX]);

#endif
