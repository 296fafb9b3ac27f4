/* tls_hello.h - the two hellos and the key exchange, as far as the record needs them. Readers of
 * whole messages.
 *
 * A ClientHello longer than what was kept of it may be read cut: what lies in the part that is
 * there is found, and the answer is false.
 */
#ifndef MAILSEAL_TLS_HELLO_H
#define MAILSEAL_TLS_HELLO_H

#include "dissectors/cursor.h"
#include "dissectors/verdict.h"

struct tls_client_hello {
	uint16_t sni_len;
	char sni[SNI_MAX + 1]; /* host_name, raw; empty when there is none (RFC 6066, 3) */
	uint8_t alpn_len;
	char alpn[ALPN_LIST_MAX + 1]; /* whole names joined by commas, raw (RFC 7301, 3.1) */
};

struct tls_server_hello {
	uint16_t version; /* negotiated: supported_versions decides (RFC 8446, 4.2.1) */
	uint16_t cipher_suite;
	bool retry;    /* a HelloRetryRequest (RFC 8446, 4.1.4) */
	bool psk;      /* pre_shared_key was taken (RFC 8446, 4.2.11) */
	int32_t group; /* of key_share (RFC 8446, 4.2.8), or TLS_GROUP_NONE */
};

/* ClientHello without its message header (RFC 8446, 4.1.2). */
bool tls_read_client_hello(struct span body, struct tls_client_hello *out);

/* ServerHello without its message header (RFC 8446, 4.1.3). */
bool tls_read_server_hello(struct span body, struct tls_server_hello *out);

/* The named curve of a ServerKeyExchange (RFC 8422, 5.4), from its first bytes. The suite tells
 * whether that is what it holds; TLS_GROUP_NONE when it does not, or the curve has no name. */
int32_t tls_read_named_curve(struct span body, int32_t suite);

#endif
