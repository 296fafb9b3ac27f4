/* tls.h - a TLS connection from its first record to the proof that it is one.
 *
 * Follows both directions through the handshake and tells what came of it (facts.tls). Looks
 * into handshake messages and alerts in clear, and otherwise only at record headers.
 * After a gap it sees nothing more of that direction. What "completed" means: doc/metrics.md.
 */
#ifndef MAILSEAL_TLS_H
#define MAILSEAL_TLS_H

#include "dissectors/facts.h"
#include "dissectors/tls_record.h"

/* Of a hello this much is kept; post-quantum key shares make them 1.2 to 1.8 kB. */
#define TLS_HELLO_KEPT 1792

struct tls_side {
	struct tls_record record;
	uint8_t head[4]; /* handshake message header: type, 24-bit length */
	uint8_t head_have;
	uint8_t alert[2];
	uint8_t alert_have;
	uint32_t message_left;
	bool hello;     /* its hello was seen */
	bool ccs;       /* ChangeCipherSpec */
	bool blind;     /* a gap, or not TLS: nothing more is known of this side */
	bool records;   /* at least one good record header */
	bool sealed_hs; /* a handshake record behind ChangeCipherSpec */
	bool closing;   /* close_notify in clear */
};

/* Who wants the server's own certificate, the first of its Certificate message. */
struct tls_leaf_sink {
	/* The next bytes of it, in order: n from offset at, of total that it says it has. Parts may
	 * stop coming. data is valid during the call. */
	void (*part)(void *ctx, uint32_t at, uint32_t total, const uint8_t *data, size_t n);
	void *ctx;
};

struct tls {
	const struct tls_leaf_sink *leaf; /* NULL: nobody; set behind tls_init() */
	struct tls_side side[SIDES];
	uint16_t version; /* negotiated; 0 until the ServerHello */
	bool retry;       /* HelloRetryRequest: a second ClientHello follows */
	bool fatal;
	bool app[SIDES]; /* application data as up to TLS 1.2 */

	/* TLS 1.3, or version unknown: encrypted records after the ServerHello (see tls.c). */
	uint8_t client_big, client_small; /* saturating: above an alert's size, and of it */
	bool client_has_none;             /* asked for a certificate, it sent an empty one */
	bool client_first_large;          /* the first is too large to be a Finished */
	bool server_small, server_big;    /* the same of the server, after client_big */
	bool went_on;                     /* the client went on after server_big */
	bool alone;                       /* there were some before any packet of the server */

	bool full;            /* up to TLS 1.2: a message that only a full handshake has was seen */
	uint8_t leaf_head[6]; /* both lengths in front of the certificate */
	bool hello_cut;
	uint16_t kept;
	uint8_t hello[TLS_HELLO_KEPT];
};

void tls_init(struct tls *t);

/* A handshake came to nothing and another one begins: forgets it. leaf stays, and what was gathered of
 * the client's next record. */
void tls_restart(struct tls *t, struct facts *f);

/* Bytes of one side, in order. Returns how many were taken: up to the end of the first record; all of
 * them when nothing more is known of this side, or the handshake is complete. The facts are up to date
 * when it returns. */
size_t tls_feed(struct tls *t, struct facts *f, enum side from, const uint8_t *data, size_t n);

/* Bytes of this side are missing. */
void tls_gap(struct tls *t, struct facts *f, enum side from);

#endif
