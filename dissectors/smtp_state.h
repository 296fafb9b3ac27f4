/* smtp_state.h - what the two halves of the SMTP dissector share: how commands and answers are
 * matched, and the steps that both take. Private to dissectors/smtp*.c. */
#ifndef MAILSEAL_SMTP_STATE_H
#define MAILSEAL_SMTP_STATE_H

#include "dissectors/smtp.h"

/* How much of the lone dot a body has just shown (RFC 5321, 4.1.1.4). */
enum { DOT_NO, DOT_LINE_START, DOT_DOT, DOT_CR };

/* A new command. The client sends it when it has its replies to those before, and to those whose
 * replies were not seen no reply can come any more. After a gap in its own stream only the last
 * line counts: everything before may be the body of a message. */
void smtp_push(struct smtp *s, struct facts *f, enum smtp_command c);

/* Takes the command that this reply answers off the queue: the first, or after a gap the first
 * that it can. SMTP_COMMANDS when there is none. */
enum smtp_command smtp_take(struct smtp *s, unsigned code);

/* The client's next bytes are a message. */
void smtp_begin_body(struct smtp *s, enum smtp_body body);

#endif
