/* memory.h - how much memory the sensor takes at most.
 *
 * Everything that traffic can fill has a bound in the configuration; their sum, and what the program
 * takes whatever comes, is a ceiling that no flood raises.
 */
#ifndef MAILSEAL_MEMORY_H
#define MAILSEAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "sensor/conf.h"

struct memory {
	size_t capture, recorder; /* bytes, of each of the two processes */
};

/* live: with the rings of so many interfaces, by so many workers. */
struct memory memory_most(const struct conf *c, unsigned workers, unsigned interfaces, bool live);

/* MiB, rounded up. */
unsigned long memory_mib(size_t bytes);

#endif
