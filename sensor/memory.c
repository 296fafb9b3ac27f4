#include "sensor/memory.h"

#include "sensor/recorder.h"
#include "sensor/workers.h"

#define MIB     ((size_t)1 << 20)
#define PROGRAM (32 * MIB) /* code, libraries and what they keep; measured: 21 */
#define STACK   MIB        /* of a thread, and what malloc() keeps for it */

/* The capture process has the rings of the kernel in its memory. */
static size_t rings(const struct conf *c, unsigned workers, unsigned interfaces)
{
	struct conf one;

	workers_divide(c, workers, true, &one);
	size_t held = interfaces > 1 ? one.snaplen : 0; /* a packet whose turn has not come */

	return (size_t)workers * interfaces * (one.ring_mib * MIB + held);
}

struct memory memory_most(const struct conf *c, unsigned workers, unsigned interfaces, bool live)
{
	struct memory m = {
		.capture = PROGRAM + workers * STACK + workers_bytes(c, workers, live),
		.recorder = PROGRAM + STACK + recorder_bytes(c, live),
	};

	if (live)
		m.capture += rings(c, workers, interfaces);
	return m;
}

unsigned long memory_mib(size_t bytes)
{
	return (unsigned long)((bytes + MIB - 1) / MIB);
}
