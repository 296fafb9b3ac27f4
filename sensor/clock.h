/* clock.h - the time by which timers run: packet time, made steady.
 *
 * Packets' times jump (merged files, clock steps, crafted captures). Small steps move the clock;
 * a jump, either way, moves only its base: nothing expires because of it. Between
 * the packets of a file an hour may pass; live, time is told ten times a second, and a minute is a jump.
 */
#ifndef MAILSEAL_CLOCK_H
#define MAILSEAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_NS (3600ull * 1000000000ull)

struct steady_clock {
	uint64_t last_ns; /* latest packet time on the present base */
	uint64_t now_ms;  /* steady; starts at 0 and never goes back */
	uint64_t rest_ns; /* of a millisecond, not yet in now_ms */
	uint64_t jump_ns; /* more than that is a jump; 0: CLOCK_JUMP_NS */
	bool started;
};

/* Takes note of a time. True when it was a jump. */
static inline bool clock_advance(struct steady_clock *c, uint64_t ns)
{
	uint64_t jump_ns = c->jump_ns ? c->jump_ns : CLOCK_JUMP_NS, delta;

	if (!c->started || (ns > c->last_ns ? ns - c->last_ns : c->last_ns - ns) > jump_ns) {
		bool jump = c->started;

		c->started = true;
		c->last_ns = ns;
		return jump;
	}
	if (ns <= c->last_ns)
		return false;
	delta = ns - c->last_ns + c->rest_ns;
	c->last_ns = ns;
	c->rest_ns = delta;
	if (delta >= 1000000) {
		c->now_ms += delta / 1000000;
		c->rest_ns = delta % 1000000;
	}
	return false;
}

#endif
