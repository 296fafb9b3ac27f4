/* recent.h - a bounded memory of what was seen of late, by number.
 *
 * Holds a small value for each key. Never grows: when there is no room, the oldest key that
 * falls into the same place is forgotten.
 */
#ifndef MAILSEAL_RECENT_H
#define MAILSEAL_RECENT_H

#include <stddef.h>
#include <stdint.h>

struct recent;

/* Room for 8 << bits keys with values of size bytes. */
struct recent *recent_new(unsigned bits, size_t size);
void recent_free(struct recent *r);
size_t recent_bytes(unsigned bits, size_t size); /* the memory that it takes when it is full */

/* The value of a key; NULL when it is not there (any more). */
void *recent_find(struct recent *r, uint64_t key);

/* Adds a key that is not there; its value is all zeros. Both are valid until the next add. */
void *recent_add(struct recent *r, uint64_t key);

#endif
