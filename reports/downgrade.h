/* downgrade.h - what the sessions before it say about a session: that STARTTLS was taken away, or
 * that TLS was given up.
 *
 * Puts what the memory of servers and that of failed handshakes claim into the session, once, when
 * it is decided, and again into each later report of it, so that counts, incidents and the session
 * log agree. Knows no file.
 */
#ifndef MAILSEAL_DOWNGRADE_H
#define MAILSEAL_DOWNGRADE_H

#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/peers.h"
#include "reports/servers.h"

/* The evidence, for the session record. 0: none. Times are those at which sessions began, ns since
 * 1970, so that they can be found in the session log. */
struct downgrade {
	uint64_t offered_ns;    /* the server's last offer, when "removed" or "helo" is claimed */
	uint32_t without;       /* sessions without it there, this one included */
	uint64_t tls_failed_ns; /* the failed session, when a fallback is claimed */
};

struct downgrades;

/* max_servers: see servers_new(). */
struct downgrades *downgrades_new(uint32_t max_servers);
void downgrades_free(struct downgrades *d); /* NULL is allowed */

/* What it takes of the computer's memory at most. */
size_t downgrades_bytes(uint32_t max_servers);

/* The memory of servers, to be saved and restored. */
struct servers *downgrades_servers(struct downgrades *d);

/* The first report of a session that is decided; key identifies it among those still open. Sets
 * stripped (unless the session itself showed a sign), with it the cause of a plaintext session, and
 * fallback. *why receives the evidence. */
void downgrades_first(struct downgrades *d, uint64_t key, struct session *s, const struct pair *p,
		      struct downgrade *why);

/* A later report of it: the same again. The memory of sessions is bounded: of more than 65536 that
 * are open and were marked at once, one may lose its mark. */
void downgrades_again(struct downgrades *d, uint64_t key, struct session *s, struct downgrade *why);

#endif
