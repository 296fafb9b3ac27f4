/* deadline.h - until when an attempt may take: a time of the monotonic clock, in milliseconds. */
#ifndef MAILSEAL_DEADLINE_H
#define MAILSEAL_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline int64_t deadline_in_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ms;
}

/* What is left of it, as poll() wants it; 0 when it is over. */
static inline int deadline_left_ms(int64_t deadline)
{
	int64_t left = deadline - deadline_in_ms(0);

	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

#endif
