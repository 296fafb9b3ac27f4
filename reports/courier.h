/* courier.h - takes what waits for one target to it, until told to end: the loop of a process of its
 * own.
 *
 * Polls incidents.db about once a second. Nobody waits for it, and it waits for nobody but its
 * target and SQLite. An attempt that takes longer than the target's timeout_s and a little more ends
 * the process (SIGALRM): whoever started it starts it again, and the attempt counts as one. A
 * clock that is set meanwhile makes nothing older that waits.
 */
#ifndef MAILSEAL_COURIER_H
#define MAILSEAL_COURIER_H

#include <stddef.h>

#include "reports/target.h"

struct maintenance; /* rules.h */

enum courier_level { COURIER_INFO, COURIER_WARNING, COURIER_ERROR };

#define COURIER_LAST_S 2 /* for what waits when it is told to end */

struct courier {
	const char *dir;    /* holds incidents.db */
	const char *sensor; /* whose incidents they are; what a test is signed with */
	const struct target *target;
	const struct maintenance *windows;
	size_t windows_n;
	int life; /* reading end of a pipe: closed at the other end, it is time to end */
	/* What happens to deliveries, for the operator: "event=... target=... key=value". */
	void (*say)(enum courier_level level, const char *text);
};

/* Returns when told to end, after one last pass: SIGALRM ends the process when that takes longer
 * than COURIER_LAST_S. An attempt that is under way is not broken off before its time. */
void courier_run(const struct courier *c);

#endif
