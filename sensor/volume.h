/* volume.h - how many bytes go by in a session whose verdict stands.
 *
 * Counts each byte once, by the sequence numbers alone: keeps no payload. A segment that is ahead
 * leaves a hole of missing bytes, since it may only have been quicker; one that comes late fills
 * it. Of each side the last hole is remembered, so what fills an older one stays missing.
 */
#ifndef MAILSEAL_VOLUME_H
#define MAILSEAL_VOLUME_H

#include <stdint.h>

#include "dissectors/facts.h"

struct volume {
	uint32_t next[SIDES]; /* sequence number behind everything that was counted */
	struct volume_hole {
		uint32_t from, to;
	} hole[SIDES]; /* the last one; empty when both are the same */
};

/* Begins behind these sequence numbers, with no hole. */
void volume_init(struct volume *v, uint32_t client_next, uint32_t server_next);

/* A segment with n bytes of payload from seq on; 0 is legal and changes nothing. What is new is
 * added to the bytes of s, what was left out to its missing bytes. */
void volume_segment(struct volume *v, struct session *s, enum side from, uint32_t seq, uint32_t n);

#endif
