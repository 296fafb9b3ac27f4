/* eras.h - the configurations of a run, one after the other, and which a session was decided under.
 *
 * A session that was counted under the peers of its time keeps their names when it ends, so that its
 * line in the session log and its counts agree. Only the last few are known.
 */
#ifndef MAILSEAL_ERAS_H
#define MAILSEAL_ERAS_H

#include "sensor/conf.h"

struct eras;

struct eras *eras_new(const struct conf *first); /* which stays the caller's */
void eras_free(struct eras *e);

/* What was decided after ns belongs to next, which is owned from now on. */
void eras_begin(struct eras *e, struct conf *next, uint64_t ns);

const struct conf *eras_now(const struct eras *e);

/* The peers of a session that was counted when it was decided. */
const struct peers *eras_peers(const struct eras *e, uint64_t decided_ns);

#endif
