/* reasm.h - TCP payload in order, both directions of a connection.
 *
 * Hands on each payload byte at most once and in order; bytes the sensor never saw are announced
 * as a gap, never skipped in silence. Where segments overlap, the bytes that came first stand.
 *
 * The two directions are kept in step: a segment that acknowledges bytes of the other side waits
 * until these were handed on, since a mirror may deliver an answer before its question. Bytes that
 * were acknowledged and do not come within REASM_WAIT_MS are a gap. A side of which nothing was seen
 * yet is waited for as long, once: one mirror may run behind the other. Then it is taken for absent,
 * until it shows up after all. Knows nothing of mail.
 */
#ifndef MAILSEAL_REASM_H
#define MAILSEAL_REASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/facts.h"
#include "sensor/pool.h"

#define REASM_WAIT_MS 1000
#define REASM_BLOCK   1400 /* payload bytes of one block of waiting data */

/* Memory for segments that wait, shared by all connections. */
struct reasm_memory {
	struct pool blocks;
	uint32_t per_direction; /* blocks that one direction may hold */
	uint64_t refused;       /* segments for which there was no room */
	uint64_t duplicate;     /* segments that brought nothing new */
};

size_t reasm_memory_bytes(uint64_t bytes); /* that it takes when it is full */
bool reasm_memory_init(struct reasm_memory *m, uint64_t bytes, uint64_t per_direction_bytes);
void reasm_memory_fini(struct reasm_memory *m);

struct reasm_side {
	uint32_t next;  /* sequence number of the next byte to hand on */
	uint32_t begin; /* of the first that was, if it is not from_start */
	uint32_t acked; /* highest acknowledgment by the other side */
	uint32_t
		sent; /* highest number of a bare segment of this side: it stands behind its data */
	uint32_t fin; /* sequence number of the FIN */
	uint32_t first; /* waiting blocks, by sequence number; POOL_NONE: none */
	uint32_t blocks;
	bool known, has_acked, has_sent, has_fin;
	bool from_start; /* known from its first byte on */
	bool seen;       /* a packet of this side was offered */
	bool absent;     /* it was waited for, and did not come */
	bool begun;      /* begin is known */
	bool before;     /* bytes stand before the first that are not handed on */
	bool told;       /* and that was said */
	bool spoken;     /* something was handed on, or is a gap */
	bool over;       /* what is acknowledged behind its byte before over_at is a FIN */
	bool waiting;    /* for the hole that begins at waiting_at, since waiting_ms */
	uint32_t over_at;
	uint32_t waiting_at;
	uint64_t waiting_ms;
};

struct reasm {
	struct reasm_side side[SIDES];
	bool stalled;  /* something waits */
	bool conflict; /* overlapping segments differed */
};

struct segment {
	uint32_t seq, ack;
	bool has_ack;
	const uint8_t *data;  /* borrowed for the call */
	uint32_t length;      /* captured */
	uint32_t wire_length; /* sent; the difference is a gap */
};

/* Where bytes and gaps go. A gap of 0: bytes in front of the first are missing, and nobody knows how
 * many. It is said again with all that is handed on up to the first, for it may stand anywhere between;
 * and behind the first, if it is only known then. */
struct reasm_out {
	void (*data)(void *ctx, enum side from, const uint8_t *data, size_t n);
	void (*gap)(void *ctx, enum side from, uint64_t n);
	void *ctx;
};

void reasm_init(struct reasm *r);

/* The first byte of a side's stream has this sequence number (a SYN's plus one). Said before any
 * segment of that side, or late: then what comes before the first that was seen is missing. */
void reasm_start(struct reasm *r, enum side from, uint32_t seq);

/* It stands here, at its start or behind it; what comes first may tell better. Said before any segment. */
void reasm_stands(struct reasm *r, enum side from, uint32_t seq);

/* This side is in the capture: what the other one acknowledges of it will come, or is missing. Said
 * by its segments, too. */
void reasm_seen(struct reasm *r, enum side from);

/* Offers a segment; now_ms is the steady clock. Length 0 is legal: a bare acknowledgment. */
void reasm_segment(struct reasm *r, struct reasm_memory *m, enum side from, const struct segment *s,
		   uint64_t now_ms, const struct reasm_out *out);

void reasm_fin(struct reasm *r, enum side from, uint32_t seq);

/* The other side has what this one sent before this sequence number; said before any segment. */
void reasm_acked(struct reasm *r, enum side from, uint32_t ack);

/* This side has sent what stands before this sequence number, by a bare segment of its own; said
 * before any segment. */
void reasm_sent(struct reasm *r, enum side from, uint32_t seq);

/* True while a side is waited for that was not seen yet. */
bool reasm_awaits_side(const struct reasm *r);

/* True when all that this side is known to have sent was handed on, but for its FIN. One number more is
 * that of a FIN that was not seen, or a byte. */
bool reasm_all_seen(const struct reasm *r, enum side from);

/* True when both sides have ended and nothing is missing before their FIN. */
bool reasm_finished(const struct reasm *r);

/* Something waits and has waited long enough: declares gaps and hands on. */
void reasm_poll(struct reasm *r, struct reasm_memory *m, uint64_t now_ms,
		const struct reasm_out *out);

/* The connection is over: hands on everything that waits, with the gaps between, up to what was
 * acknowledged and to the FIN. Nothing waits afterwards. */
void reasm_flush(struct reasm *r, struct reasm_memory *m, const struct reasm_out *out);

/* What waits of a side, in order: so many bytes from this number on. */
typedef void reasm_waiting_cb(void *ctx, enum side from, uint32_t seq, uint32_t n);
void reasm_waiting(const struct reasm *r, const struct reasm_memory *m, reasm_waiting_cb *cb,
		   void *ctx);

/* Gives back the memory without handing anything on. */
void reasm_drop(struct reasm *r, struct reasm_memory *m);

#endif
