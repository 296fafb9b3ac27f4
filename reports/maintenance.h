/* maintenance.h - is there work under way at a peer just now? */
#ifndef MAILSEAL_MAINTENANCE_H
#define MAILSEAL_MAINTENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maintenance; /* rules.h */

/* True when one of the windows holds the time and names a peer of the pair, or no peer. */
bool maintenance_holds(const struct maintenance *m, size_t n, const char *client,
		       const char *server, int64_t at);

#endif
