/* tls.h - TLS records as a passive observer sees them (RFC 5246, RFC 8446): types, lengths,
 * versions and extensions are right; keys, signatures and ciphertext are noise. */
#ifndef MAILSEAL_BENCH_TLS_H
#define MAILSEAL_BENCH_TLS_H

#include <stdbool.h>

#include "tests/bench/bytes.h"

enum { TLS_12 = 0x0303, TLS_13 = 0x0304 };

/* size: the message is padded to so many bytes, as large key shares would (RFC 7685). */
void tls_client_hello(struct bytes *b, const char *name, bool offers_13, size_t size);

/* The server's answer to it; of TLS 1.2 with its certificate and the rest of the flight. */
void tls_server_flight_13(struct bytes *b, size_t certificates);
void tls_server_flight_12(struct bytes *b, const char *name, size_t certificate);

/* What the client has to say then, and the server behind it. */
void tls_client_finished_13(struct bytes *b);
void tls_client_finished_12(struct bytes *b);
void tls_server_tickets_13(struct bytes *b);
void tls_server_finished_12(struct bytes *b);

/* Application data in records of at most most bytes. */
void tls_app(struct bytes *b, size_t n, size_t most);
void tls_fatal_alert(struct bytes *b, uint8_t description);

#endif
