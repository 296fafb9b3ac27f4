/* keyed.h - values by key, in a table that grows up to a bound and forgets nothing.
 *
 * Keys and values are plain bytes of a fixed size; a key is compared as a whole, so that padding in
 * it must be zero. Places are found by a keyed hash: nobody who chooses keys can make them collide.
 */
#ifndef MAILSEAL_KEYED_H
#define MAILSEAL_KEYED_H

#include <stddef.h>
#include <stdint.h>

#include "reports/siphash.h"

struct keyed;

/* Empty, for at most max keys. Aborts when there is no memory, here and when it grows. */
struct keyed *keyed_new(const struct siphash_key *k, size_t key_size, size_t value_size,
			uint32_t max);
void keyed_free(struct keyed *t); /* NULL is allowed */

/* The value of a key; NULL when it is not there. */
void *keyed_find(const struct keyed *t, const void *key);

/* The same; one that is not there is added with a value of zeros. NULL: there is no room
 * for it. Valid until the next one is added. */
void *keyed_add(struct keyed *t, const void *key);

/* All of them, from 0 on, in the order in which they came. */
uint32_t keyed_used(const struct keyed *t);
const void *keyed_key(const struct keyed *t, uint32_t n);
void *keyed_value(const struct keyed *t, uint32_t n);

#endif
