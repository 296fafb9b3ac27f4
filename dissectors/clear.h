/* clear.h - the clear part of a conversation, whichever of the three protocols it speaks.
 *
 * A protocol takes the bytes of both sides, says when the client's next bytes cannot be understood
 * without an answer that was not seen yet, and draws its conclusions from each whole answer.
 */
#ifndef MAILSEAL_CLEAR_H
#define MAILSEAL_CLEAR_H

#include "dissectors/facts.h"
#include "dissectors/imap.h"
#include "dissectors/pop3.h"
#include "dissectors/smtp.h"

struct clear {
	uint8_t protocol; /* enum protocol: which of them it is */
	union {
		struct smtp smtp;
		struct imap imap;
		struct pop3 pop3;
	};
};

void clear_init(struct clear *c, enum protocol protocol, bool from_the_start);

/* Client bytes. Returns how many were taken: fewer than n when clear_waits() has become true, or
 * before a line that may be TLS. */
size_t clear_client(struct clear *c, struct facts *f, const uint8_t *data, size_t n);

/* True when the meaning of the client's next bytes depends on an answer that was not seen yet. The
 * caller holds them. */
bool clear_waits(const struct clear *c, const struct facts *f);

/* The answer will not come, or can wait no longer. */
void clear_presume(struct clear *c, struct facts *f);

/* Server bytes. Takes them up to the end of the first whole answer, if there is one:
 * clear_answer_ready() then says that clear_answer() is due. */
size_t clear_server(struct clear *c, struct facts *f, const uint8_t *data, size_t n);
bool clear_answer_ready(const struct clear *c);

/* True when that answer makes sense only if the held bytes were what is presumed of them. */
bool clear_must_presume(const struct clear *c);

/* Matches the answer with its command and draws the conclusions. */
void clear_answer(struct clear *c, struct facts *f);

/* n bytes of this side were not seen; 0: nobody knows how many. */
void clear_gap(struct clear *c, struct facts *f, enum side from, uint64_t n);

/* True when the next byte of this side is the first of a line: where TLS may begin. */
bool clear_at_line_start(const struct clear *c, enum side from);

#endif
