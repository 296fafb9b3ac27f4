/* sequence.h - TCP sequence numbers, which count modulo 2^32 (RFC 9293, 3.4). */
#ifndef MAILSEAL_SEQUENCE_H
#define MAILSEAL_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQ_WINDOW_MAX (1 << 20) /* what is further away is not of this connection */

/* How far a lies behind b in the stream; negative when it lies before b. */
static inline int32_t seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* True when a segment may have this number while next is the one due. */
static inline bool seq_in_window(uint32_t next, uint32_t seq)
{
	int32_t ahead = seq_after(seq, next);

	return ahead > -SEQ_WINDOW_MAX && ahead < SEQ_WINDOW_MAX;
}

#endif
