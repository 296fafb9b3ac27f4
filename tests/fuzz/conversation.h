/* conversation.h - the clear part of a conversation, fed to a dissector as mail.c does.
 *
 * Nothing is held: what would wait for an answer is presumed, or dropped. Input: flags, then steps
 * (fuzz.h).
 */
#ifndef MAILSEAL_TESTS_CONVERSATION_H
#define MAILSEAL_TESTS_CONVERSATION_H

#include "dissectors/clear.h"
#include "tests/fuzz/fuzz.h"

enum { FLAG_FROM_THE_START = 1, FLAG_CLIENT_ONLY = 2, FLAG_SERVER_ONLY = 4 };

/* What must hold of the dissector's own state behind every step. */
typedef void conversation_check(const struct clear *c);

/* Goes through the input twice, with the bytes of each step whole and in small pieces: both must
 * come to the same. */
void conversation_run(enum protocol protocol, struct span input, conversation_check *check);

/* What every protocol that uses these promises. A line that was read is not kept. */
void conversation_check_queue(const struct pending *q, unsigned commands);
void conversation_check_line(const struct linebuf *b);
void conversation_check_words(const struct wordbuf *w);

#endif
