/* fallback.h - failed TLS that is followed by clear text between the same two addresses.
 *
 * Remembers the last session of verdict tls-failed between a client and a server, for each
 * protocol: behind one address there may be many users, and who cannot read his mail over TLS does
 * not send another's in clear.
 *
 * A plaintext session is a fallback when it began after the failed one began, at most a second
 * before its last packet (a client may connect anew before the last packets of the old connection
 * have passed) and at most ten minutes after it. What it weighs makes no difference: a client that
 * a server refuses to serve in clear has fallen back all the same.
 *
 * The failed session must be decided first, which it is when its connection ends; a client that
 * goes on in clear while the failed connection lingers is missed. Knows no file and no clock, and
 * never grows; it is not kept across restarts.
 */
#ifndef MAILSEAL_FALLBACK_H
#define MAILSEAL_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/verdict.h"

#define FALLBACK_WINDOW_S 600

struct fallbacks;

/* Room for max pairs of addresses, at least 1; then the oldest is forgotten. */
struct fallbacks *fallbacks_new(uint32_t max);
void fallbacks_free(struct fallbacks *f); /* NULL is allowed */
size_t fallbacks_bytes(uint32_t max);     /* the memory that so many take */

/* Takes note of a session, once, when it is decided. True when it is a fallback; then *failed_ns is
 * when the failed one began. */
bool fallbacks_session(struct fallbacks *f, const struct session *s, uint64_t *failed_ns);

#endif
