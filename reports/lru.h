/* lru.h - a bounded memory by key: when it is full, what was not used for longest is forgotten.
 *
 * Keys and values are plain bytes of a fixed size; a key is compared as a whole, so that padding
 * in it must be zero. Places are found by a keyed hash: nobody who chooses keys can make them
 * collide. Never grows.
 */
#ifndef MAILSEAL_LRU_H
#define MAILSEAL_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lru;

/* The memory that it takes when it is full. */
size_t lru_bytes(uint32_t capacity, size_t key_size, size_t value_size);

/* Room for capacity keys, at least 1. Aborts when there is no memory. */
struct lru *lru_new(uint32_t capacity, size_t key_size, size_t value_size);
void lru_free(struct lru *l); /* NULL is allowed */

/* The value of a key, which now was the last to be used; NULL when it is not there. */
void *lru_find(struct lru *l, const void *key);

/* The same; a key that is not there is added with a value of zeros. Valid until the next add. */
void *lru_add(struct lru *l, const void *key);

/* From the one used last to the one not used for longest. False from the callback stops. Neither
 * adds nor finds in between. */
typedef bool lru_cb(void *ctx, const void *key, void *value);
void lru_walk(struct lru *l, lru_cb *cb, void *ctx);

uint32_t lru_used(const struct lru *l);
uint64_t lru_forgotten(const struct lru *l); /* keys that had to make room so far */

#endif
