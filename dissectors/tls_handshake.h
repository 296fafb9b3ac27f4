/* tls_handshake.h - handshake messages in clear: framed, and told to the facts. Part of tls.c.
 *
 * Messages span records, and records hold several of them. Hellos and the key exchange are kept
 * whole, as far as there is room; of the Certificate message only the first certificate is looked
 * at, and handed on as it comes.
 */
#ifndef MAILSEAL_TLS_HANDSHAKE_H
#define MAILSEAL_TLS_HANDSHAKE_H

#include "dissectors/cursor.h"
#include "dissectors/tls.h"

#define TLS_VERSION_13 0x0304

/* Bytes of handshake records, in order. */
void tls_handshake_bytes(struct tls *t, struct facts *f, enum side from, struct span body);

/* The server's first ChangeCipherSpec. Up to TLS 1.2 it tells a resumption: in a full handshake
 * ServerHelloDone came before (RFC 5246, 7.3). */
void tls_server_seals(struct tls *t, struct facts *f);

#endif
