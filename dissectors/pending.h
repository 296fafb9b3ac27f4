/* pending.h - commands whose answers are still to come, oldest first.
 *
 * Equal commands in a row are one run, so that a pipelined mailbox of a thousand messages fits.
 * Replies that a gap may have held make what was outstanding then stale.
 */
#ifndef MAILSEAL_PENDING_H
#define MAILSEAL_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#define PENDING_RUNS 32
#define PENDING_NONE 0xff /* no command has this number */

struct pending_run {
	uint8_t command; /* of the protocol's enum */
	uint16_t times;
};

struct pending {
	struct pending_run run[PENDING_RUNS]; /* a ring */
	uint8_t head, runs;
	uint8_t stale; /* of the runs: a gap may have held their replies */
};

/* The oldest and the newest command; PENDING_NONE when there is none. */
unsigned pending_oldest(const struct pending *p);
unsigned pending_newest(const struct pending *p);

/* The command of the run with this place, 0 being the oldest; the place exists. */
unsigned pending_at(const struct pending *p, unsigned place);

/* Forgets the n oldest runs. */
void pending_drop(struct pending *p, unsigned n);

/* One answer came for the oldest command. */
void pending_pop(struct pending *p);

/* Adds a command. False: there was no room, and the oldest run was forgotten for it. */
bool pending_push(struct pending *p, unsigned command);

#endif
