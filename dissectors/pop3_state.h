/* pop3_state.h - what the two halves of the POP3 dissector share. Private to dissectors/pop3*.c. */
#ifndef MAILSEAL_POP3_STATE_H
#define MAILSEAL_POP3_STATE_H

#include "dissectors/pop3.h"

/* A new command. Those whose answers may have been lost are forgotten, and after a gap in the
 * client's bytes all but this one; if one of them is not answered yet, nothing follows from the next
 * answer: whose it is nobody knows. */
void pop3_push(struct pop3 *s, struct facts *f, enum pop3_command c);

#endif
