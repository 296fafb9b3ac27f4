/* ring.h - records from one thread to one other, without a lock.
 *
 * Bounded, in order, each record whole and in one piece. One thread writes and one thread reads;
 * neither ever waits for the other here: who finds it full, or empty, decides what that means.
 */
#ifndef MAILSEAL_RING_H
#define MAILSEAL_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/* bytes: a power of two; a record takes at most half of it. NULL when memory cannot be had. */
struct ring *ring_new(size_t bytes);
void ring_free(struct ring *r);

/* Writer: room for a record of n bytes, aligned for any of ours; NULL when there is none. Then the
 * record goes, with all that was written into it. Room that is not put is asked for anew. */
void *ring_room(struct ring *r, size_t n);
void ring_put(struct ring *r);

/* Reader: the next record, borrowed until ring_take() gives back its room; NULL when there is none. */
const void *ring_next(struct ring *r);
void ring_take(struct ring *r);

/* Reader: the writer will soon find no room. */
bool ring_half_full(const struct ring *r);

#endif
