/* tls_record.h - TLS records out of a byte stream (RFC 8446, 5.1; RFC 5246, 6.2). A framer.
 *
 * Announces each record by its header as soon as the header is there, then its body in pieces
 * as they come: nothing is buffered but the header.
 */
#ifndef MAILSEAL_TLS_RECORD_H
#define MAILSEAL_TLS_RECORD_H

#include "dissectors/cursor.h"

#define TLS_RECORD_HEADER 5
#define TLS_RECORD_MAX    (16384 + 2048) /* TLSCiphertext of TLS 1.2 */

enum tls_content {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_CONTENT_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_HELLO_V2 = 128, /* no type: a ClientHello in the form of SSL 2.0 (RFC 5246, E.2) */
};

struct tls_record {
	uint8_t header[TLS_RECORD_HEADER];
	uint8_t have; /* bytes of the header */
	uint8_t type;
	uint16_t length;
	uint16_t left; /* bytes of the body still to come */
};

enum tls_piece {
	TLS_PIECE_MORE,  /* all was taken; a header is not whole yet */
	TLS_PIECE_START, /* a record begins: type and length are set */
	TLS_PIECE_BODY,  /* bytes of its body; left == 0 after the last of them */
	TLS_PIECE_BAD,   /* this is not TLS */
};

void tls_record_reset(struct tls_record *r);

/* True for a byte that can be the first of a record: its type, or the length of such a ClientHello. */
static inline bool tls_record_first(uint8_t b)
{
	return (b >= TLS_CHANGE_CIPHER_SPEC && b <= TLS_APPLICATION_DATA) || b >= TLS_HELLO_V2;
}

/* Takes bytes of a header as long as they can be one. Returns how many: fewer than there are when the
 * header is whole (r->have == TLS_RECORD_HEADER), or when the next one says that there is none; what
 * was taken of it before is in r->header, r->have bytes. */
size_t tls_record_gather(struct tls_record *r, struct span in);

/* Takes from the front of *in what makes the next piece: behind tls_record_gather() perhaps nothing.
 * Call until MORE or BAD. */
enum tls_piece tls_record_next(struct tls_record *r, struct span *in, struct span *body);

/* True when bytes at the beginning of a flight can be a TLS record, false when they cannot;
 * judged by as many of them as there are. */
bool tls_record_plausible(struct span s);

#endif
