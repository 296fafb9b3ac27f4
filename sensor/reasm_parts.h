/* reasm_parts.h - what the files of reasm.c share. For them only. */
#ifndef MAILSEAL_REASM_PARTS_H
#define MAILSEAL_REASM_PARTS_H

#include "sensor/reasm.h"

/* Acknowledgments further ahead than any window are not believed (RFC 7323, 2.2). */
#define ACK_AHEAD_MAX (1 << 30)

/* Of a direction that is not in the capture nothing can be missed. */
static inline bool reasm_is_absent(const struct reasm_side *s)
{
	return s->absent && !s->seen;
}

/* Up to where this side is known to have sent: by the other one's acknowledgments, or its own. */
uint32_t reasm_sent_to(const struct reasm_side *s);

/* Bytes were sent that we have not handed on. A single number may be a FIN that was not seen: it is
 * not waited for. */
bool reasm_sent_beyond(const struct reasm_side *s);

/* The number behind its last byte is that of its FIN. */
bool reasm_is_over(const struct reasm_side *s);

/* What a segment of one side says of both. */
void reasm_note_ack(struct reasm *r, enum side from, const struct segment *g);

#endif
