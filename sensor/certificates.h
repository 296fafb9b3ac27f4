/* certificates.h - what the servers' certificates say, where TLS up to 1.2 shows them.
 *
 * Puts the pieces of a certificate together, parses each distinct one once, and compares it with
 * the name that the client asked for. Certificates are known by the SHA-256 of their bytes; of
 * those that were parsed CERTIFICATES_KNOWN are remembered, the ones used last.
 *
 * Verifies no chain and trusts nothing: all of it is text from the wire. Memory is bounded; after
 * certificates_new() nothing is opened. The only place that knows libcrypto's X.509.
 */
#ifndef MAILSEAL_CERTIFICATES_H
#define MAILSEAL_CERTIFICATES_H

#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"

#define CERTIFICATES_KNOWN 4096
#define CERTIFICATE_MAX    8192 /* bytes of one; a longer one is UNREADABLE */

/* Pieces wait in that many places; when more come, the oldest gives way, and that certificate is
 * not seen. */
#define CERTIFICATES_WAITING 256

struct certificates;

/* NULL, or an abort, when there is no memory. Makes libcrypto open now what it would open later: to be called
 * before the process is confined. */
struct certificates *certificates_new(void);
size_t certificates_bytes(void);                /* the memory that it takes at most */
void certificates_free(struct certificates *c); /* NULL is allowed */

/* The next piece of the certificate of one session: n bytes from at, in order, of total.
 *
 * waiting  0 before the first piece; belongs to this module until the session ends, and needs no
 *          end of its own
 * s        when the certificate is whole, or can never be read, s->certificate is filled; s->sni
 *          is the name that it is compared with
 */
void certificates_part(struct certificates *c, uint32_t *waiting, struct session *s, uint32_t at,
		       uint32_t total, const uint8_t *data, size_t n);

/* How many were parsed so far. */
uint64_t certificates_parsed(const struct certificates *c);

#endif
