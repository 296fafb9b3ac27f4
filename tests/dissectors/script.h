/* script.h - conversations of the tests as short text, and TLS as it looks on the wire.
 *
 * A script is steps with a bar between them: "S:220 mx|C:EHLO c|C:<gap 20>". Text gets a CRLF at
 * the end of each of its lines (\n in the script), but for a last line that ends in a tilde. In
 * angle brackets stands what is not text:
 *
 *     gap N                          N bytes that were not seen
 *     ch                             ClientHello for mx.example
 *     sh10 sh12 sh13 hrr             ServerHello of that version, HelloRetryRequest
 *     shpsk shdhe                    ServerHello: of TLS 1.3 with a pre-shared key, of 1.2 with DHE
 *     cert done ticket               handshake messages in clear: Certificate, ServerHelloDone,
 *                                    NewSessionTicket
 *     ske                            ServerKeyExchange that begins like one with secp256r1
 *     ccs, fin                       ChangeCipherSpec, an encrypted handshake record
 *     app N                          application data: a record of N bytes
 *     alert L D, ealert              an alert in clear (level, description), one in cipher
 *     junk                           five bytes that are neither text nor TLS
 */
#ifndef MAILSEAL_TESTS_SCRIPT_H
#define MAILSEAL_TESTS_SCRIPT_H

#include "dissectors/facts.h"

/* Bytes under construction. */
struct bytes {
	size_t n;
	uint8_t at[8192];
};

void put(struct bytes *b, size_t size, uint32_t value); /* big endian */
void put_many(struct bytes *b, size_t n, uint8_t value);
void put_text(struct bytes *b, const char *text);

/* A vector with a length field of size bytes: put_open() returns what put_close() wants. */
size_t put_open(struct bytes *b, size_t size);
void put_close(struct bytes *b, size_t size, size_t open);

struct hello {
	unsigned version;   /* legacy_version */
	unsigned supported; /* supported_versions; 0: no such extension */
	unsigned suite;     /* of a ServerHello */
	bool retry;
	bool no_extensions;
	const char *sni;  /* NULL: no such extension */
	const char *alpn; /* one name; NULL: no such extension */
	unsigned group;   /* of key_share; 0: no such extension */
	bool psk;
	size_t padding; /* bytes of an unknown extension before all others */
};

/* The bodies of the two hellos (RFC 8446, 4.1.2 and 4.1.3), without message header. */
void put_client_hello(struct bytes *b, const struct hello *h);
void put_server_hello(struct bytes *b, const struct hello *h);

struct step {
	enum side from;
	uint64_t gap; /* 0: bytes */
	struct bytes bytes;
};

/* Reads the next step of a script; false at its end. */
bool script_step(const char **script, struct step *out);

#endif
