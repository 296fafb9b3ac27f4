/* unseen.h - bytes of a mail connection that were acknowledged and that the sensor never saw.
 *
 * What one side acknowledged the other had sent, so it was on the wire: it was lost before the
 * sensor or by it, and not on the way to the receiver. Follows sequence numbers alone, from the
 * first payload to the end and whatever becomes of the verdict; keeps no payload.
 *
 * Is never above what was lost, but for a FIN, which counts as a byte when it was not seen with the
 * bytes before it. Not counted: what came twice and was seen once; what the snap length cut off;
 * what was sent before the first packet of a connection that began before the capture; a side of
 * which no packet is in the capture at all. A hole waits a second for what was overtaken. Of each
 * side four holes are known at a time; the oldest two become one when there are more, in which what
 * is sent again counts as filling it, whatever it was.
 */
#ifndef MAILSEAL_UNSEEN_H
#define MAILSEAL_UNSEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/facts.h"
#include "sensor/decode.h"

#define UNSEEN_HOLES   4
#define UNSEEN_WAIT_MS 1000

/* All zero: nothing is known. What each packet touches comes last (see session.c). */
struct unseen {
	struct unseen_hole {
		uint32_t from, to;
		uint32_t missing;    /* of the bytes between */
		uint32_t due_ms;     /* when it counts, odd; 0: it is not acknowledged */
	} hole[SIDES][UNSEEN_HOLES]; /* in order */
	uint64_t bytes;              /* found, and not yet taken */
	struct unseen_side {
		uint32_t next;  /* behind everything that this side is known to have sent */
		uint32_t acked; /* how far the other side has it */
		bool known, seen, has_acked;
		uint8_t holes;
	} side[SIDES];
};

/* What came before the first payload: where the bytes of a side begin, and whether some packet of it
 * was seen; how far the other side has them. */
void unseen_begin(struct unseen *u, enum side side, uint32_t seq, bool seen);
void unseen_acked(struct unseen *u, enum side side, uint32_t ack);

void unseen_packet(struct unseen *u, enum side from, const struct packet *p, uint64_t now_ms);

/* Nothing more will come. */
void unseen_end(struct unseen *u);

/* Bytes found since the last call. */
uint64_t unseen_take(struct unseen *u);

#endif
