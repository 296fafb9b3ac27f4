/* answers.h - the answers of the site, each kept for a moment, so that many readers cost one page.
 *
 * An answer is given again as long as the databases of the state directory are those that it was
 * made from, and for a few seconds at most, because pages say how old things are. What is kept is
 * bounded; when that is full all of it is forgotten. Only what was found is kept.
 */
#ifndef MAILSEAL_ANSWERS_H
#define MAILSEAL_ANSWERS_H

#include <stdint.h>

#include "web/document.h"

struct answers;

/* s is borrowed. */
struct answers *answers_new(struct site *s);
void answers_free(struct answers *a); /* NULL is allowed */

/* The answer to a path, as site_answer() has it; the caller releases it. */
struct document *answers_get(struct answers *a, const char *path, int64_t now);

#endif
