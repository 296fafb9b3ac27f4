/* deadline.h - the clock that only goes on, in milliseconds, and until when an attempt may take by it. */
#ifndef MAILSEAL_DEADLINE_H
#define MAILSEAL_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline int64_t steady_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline int64_t deadline_in_ms(int64_t ms)
{
	return steady_ms() + ms;
}

/* What is left of it, as poll() wants it; 0 when it is over. */
static inline int deadline_left_ms(int64_t deadline)
{
	int64_t left = deadline - steady_ms();

	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

#endif
