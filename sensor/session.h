/* session.h - one mail session: its payload put in order, dissected, judged, and reported.
 *
 * Two pools: a session is small and lasts as long as its connection; the parser beside it is
 * larger and is given back as soon as the verdict can no longer change. Connections that turn out
 * not to be mail are let go. Knows no packet and no table.
 */
#ifndef MAILSEAL_SESSION_H
#define MAILSEAL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/facts.h"
#include "reports/health.h"
#include "sensor/channel.h"
#include "sensor/conf.h"
#include "sensor/decode.h"
#include "sensor/pool.h"

struct sessions;

/* Reports a session: kind is MESSAGE_VERDICT, MESSAGE_WEIGHT or MESSAGE_END. */
typedef void session_report_cb(void *ctx, enum message_kind kind, uint64_t id, bool counted,
			       const struct session *s);

/* health receives the counters of this stage. NULL when memory or libndpi cannot be had. */
struct sessions *sessions_new(const struct conf *c, struct health *health, session_report_cb *cb,
			      void *ctx);
void sessions_free(struct sessions *ss);

/* The memory that all together take at most. */
size_t sessions_bytes(const struct conf *c);

/* What a session needs to know of its connection. */
struct session_start {
	const uint8_t *client, *server; /* 16 bytes each */
	uint16_t client_port, server_port;
	uint16_t vlan;
	uint8_t interface;
	uint64_t start_ns;
	enum protocol protocol; /* what it is, or may be; NONE: TLS, of which nobody knows yet */
	enum service service;
	bool probing;              /* on no port of that protocol: it must show that it is mail */
	bool implicit_tls;         /* the port is one for TLS from the first byte */
	bool syn[SIDES];           /* whose SYN was seen */
	bool stands[SIDES];        /* no SYN, but the first ACK of the other, or one of its own */
	uint32_t first_seq[SIDES]; /* behind the SYN; or what that acknowledged, or its number */
	bool visible[SIDES];
	bool ended[SIDES];     /* a FIN came before any payload */
	bool has_sent[SIDES];  /* or a bare segment, whose number is in fin_seq */
	bool has_acked[SIDES]; /* and so did an acknowledgment of this side's bytes */
	uint32_t fin_seq[SIDES], acked[SIDES];
};

enum session_state {
	SESSION_GOES_ON,
	SESSION_NOT_MAIL, /* let go; the session is freed */
};

/* Begins a session; POOL_NONE when there is no room. Room is what has yet to show that it is mail,
 * and, with a verdict for it as if it had been evicted, mail that has been silent for ten seconds. */
uint32_t session_open(struct sessions *ss, const struct session_start *start, uint64_t now_ns);

/* A packet comes soon: what it needs first is fetched into the cache. */
void session_fetch(const struct sessions *ss, uint32_t index);

/* A packet of the session with its payload, if any. */
enum session_state session_packet(struct sessions *ss, uint32_t index, enum side from,
				  const struct packet *p, uint64_t now_ms);

/* True while something waits for missing bytes: session_poll() is due within a second or two. */
bool session_stalled(const struct sessions *ss, uint32_t index);
enum session_state session_poll(struct sessions *ss, uint32_t index, uint64_t now_ms,
				uint64_t now_ns);

/* True when a segment of this side can have this sequence number now (RFC 9293, 3.10.7.4). */
bool session_expects(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq);

/* True when a reset of this side with this number stands behind everything that either side is known
 * to have received: nothing that matters can still come. */
bool session_is_last(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq);

/* True when both sides have closed and everything between was seen. */
bool session_finished(const struct sessions *ss, uint32_t index);

/* Ends and frees the session, reporting it. False: it was not mail after all. */
bool session_close(struct sessions *ss, uint32_t index, enum ending how, uint64_t now_ns);

/* A mail connection for whose state there is no room: reported as indeterminate at once. */
void session_refused(struct sessions *ss, const struct session_start *start, uint64_t now_ns);

#endif
