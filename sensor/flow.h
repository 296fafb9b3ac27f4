/* flow.h - the table of TCP connections.
 *
 * A pool of fixed size, found by a keyed hash (SipHash) that a flooder cannot predict, and a
 * timer wheel on the steady clock. A flow is 128 bytes at most; what a mail session needs lives
 * elsewhere. Knows addresses, ports and timers; knows nothing of TCP.
 */
#ifndef MAILSEAL_FLOW_H
#define MAILSEAL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/decode.h"

enum flow_state {
	FLOW_OPEN,     /* no payload yet */
	FLOW_SESSION,  /* a session looks at its payload */
	FLOW_NOT_MAIL, /* let go */
	FLOW_DONE,     /* over and accounted for: absorbs late packets */
};

#define FLOW_UNKNOWN_SIDE 2

struct flow {
	uint8_t addr[2][16]; /* the ends, in the same order for both directions */
	uint16_t port[2];
	uint32_t hash_next;
	uint32_t wheel_prev, wheel_next;
	uint32_t last_s;               /* steady seconds of the last packet */
	uint32_t timeout_s;            /* from there; 0: not armed */
	uint32_t session;              /* of the session pool, or POOL_NONE */
	uint32_t isn[2];               /* of the SYN of each end */
	uint32_t fin_seq[2], acked[2]; /* before any payload; fin_seq: or of a bare segment */
	uint64_t start_ns;
	uint16_t slot;
	uint16_t vlan;
	uint8_t interface;
	uint8_t state;          /* enum flow_state */
	uint8_t client;         /* which end, or FLOW_UNKNOWN_SIDE */
	uint8_t syn, fin, seen; /* bit per end */
	uint8_t has_acked;      /* bit per end: acked[] says how far the other end has its bytes */
	uint8_t has_sent;       /* bit per end: without a FIN, fin_seq[] says how far it has sent */
	bool closing;           /* RST or both FINs: lingers for what was overtaken */
	bool reset_last;        /* the RST came behind everything that it acknowledges */
};

_Static_assert(sizeof(struct flow) <= 128, "a flow that is not mail stays small");

struct flowtable;

/* The memory that it takes when it is full. */
size_t flowtable_bytes(uint32_t max_flows);

/* NULL when the memory cannot be had. */
struct flowtable *flowtable_new(uint32_t max_flows);
void flowtable_free(struct flowtable *t);
uint32_t flowtable_used(const struct flowtable *t);

/* A packet is coming: its place in the table is worked out and fetched into the cache. Then what is
 * there; NULL: nothing, or maybe another flow. */
void flow_expect(struct flowtable *t, struct packet *p);
void flow_fetch(struct flowtable *t, const struct packet *p);
const struct flow *flow_fetched(struct flowtable *t, const struct packet *p);

/* The flow of a packet, or NULL; *end says which of its ends sent it. */
struct flow *flow_find(struct flowtable *t, const struct packet *p, unsigned *end);

/* Makes a flow for the packet; NULL when the table is full. */
struct flow *flow_open(struct flowtable *t, const struct packet *p, unsigned *end);
void flow_free(struct flowtable *t, struct flow *f);

/* Expires timeout_s after the last packet (f->last_s), which never goes back. Moves it in the wheel
 * only when it must fire earlier than it stands. */
void flow_arm_anew(struct flowtable *t, struct flow *f, uint32_t timeout_s);

static inline void flow_arm(struct flowtable *t, struct flow *f, uint32_t timeout_s)
{
	if (f->timeout_s != timeout_s) /* else it fires early and is put back then */
		flow_arm_anew(t, f, timeout_s);
}

/* Moves the wheel and offers every flow whose time has come; the callback frees it or arms it
 * anew. */
typedef void flow_expired_cb(void *ctx, struct flow *f);
void flow_advance(struct flowtable *t, uint32_t now_s, flow_expired_cb *cb, void *ctx);

/* The flow to push out of a full table: of those that expire next, the first that is preferred, or
 * else the first of all. NULL when the table is empty. */
struct flow *flow_oldest(struct flowtable *t, bool (*preferred)(const struct flow *f));

/* Every flow that is armed, in the same order in every run of the same capture; the callback may
 * free the one it is given. */
void flow_each(struct flowtable *t, flow_expired_cb *cb, void *ctx);

#endif
