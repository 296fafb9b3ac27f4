/* drawer.h - pictures drawn by a process of their own, for a server that must not wait.
 *
 * librrd is not safe in threads, may crash and may hang: all of it happens to a child, which draws
 * one picture at a time. One that dies, hangs or says something odd is killed and reaped, and the
 * next request starts another; so does one that has drawn very many. The child dies with the
 * thread of its parent that started it.
 *
 * Forks: from a process of one thread, at the first request and after a failure. Not for several
 * threads at once.
 */
#ifndef MAILSEAL_DRAWER_H
#define MAILSEAL_DRAWER_H

#include <sys/types.h>

#include "reports/rrddraw.h"

struct drawer;

/* dir is the state directory. Starts the child at once, so that the first picture need not wait for
 * it. NULL with err. */
struct drawer *drawer_start(const char *dir, char *err, size_t errlen);
void drawer_stop(struct drawer *d); /* kills and reaps the child; NULL is allowed */

/* Draws; waits deadline_ms at most. False with a sentence in err, and there is no image: also when
 * the picture is refused, which costs no child. */
bool drawer_draw(struct drawer *d, const struct rrd_picture *p, int deadline_ms,
		 struct rrd_image *out, char *err, size_t errlen);

/* The child, or -1 when there is none at the moment. */
pid_t drawer_child(const struct drawer *d);

#endif
