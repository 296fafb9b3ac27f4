/* pop3_words.h - POP3's words (RFC 1939, 2449, 2595, 5034). Readers of whole lines. */
#ifndef MAILSEAL_POP3_WORDS_H
#define MAILSEAL_POP3_WORDS_H

#include "dissectors/cursor.h"
#include "dissectors/pop3.h"

/* The command of a line in any letter case, told apart by its arguments; POP3_OTHER when it is none
 * that matters. word is what it is called in the evidence, args what follows it. */
enum pop3_command pop3_read_command(struct span line, struct span *args, unsigned *word);

/* +OK, -ERR, or the "+" of an AUTH exchange; POP3_NO_STATUS for any other line. */
enum pop3_status pop3_read_status(struct span line);

/* True when a +OK to this command is followed by lines up to a lone dot (RFC 1939, 3). */
bool pop3_is_multiline(enum pop3_command c);

/* True when the text of a +OK can only be that of a greeting: it names the protocol, or has the
 * time stamp of APOP (RFC 1939, 7). */
bool pop3_is_greeting_text(struct span line);

#endif
