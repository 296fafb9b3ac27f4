/* names.h - a set of texts, in the order in which they came. */
#ifndef MAILSEAL_NAMES_H
#define MAILSEAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names;

struct names *names_new(void);
void names_free(struct names *n); /* NULL is allowed */

/* Copies the text; false when it is there already. */
bool names_add(struct names *n, const char *text);
bool names_has(const struct names *n, const char *text);

size_t names_count(const struct names *n);
const char *names_at(const struct names *n, size_t i); /* from 0, as they came */

#endif
