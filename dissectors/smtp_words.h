/* smtp_words.h - SMTP's words: commands, replies, sizes. Readers of whole lines. */
#ifndef MAILSEAL_SMTP_WORDS_H
#define MAILSEAL_SMTP_WORDS_H

#include "dissectors/cursor.h"
#include "dissectors/smtp.h"

/* The command of a line in any letter case; SMTP_OTHER when it is none that matters. word is what
 * it is called in the evidence, args what follows it. */
enum smtp_command smtp_read_command(struct span line, struct span *args, unsigned *word);

/* LHLO, with which LMTP begins (RFC 2033, 4.1). */
bool smtp_is_lmtp(struct span line);

/* "BDAT size [LAST]" behind BDAT (RFC 3030, 2). False unless size is a number below 2^63 with
 * nothing but LAST after it. */
bool smtp_read_bdat(struct span args, uint64_t *size, bool *last);

struct smtp_reply_line {
	unsigned code; /* 100 to 599, or 0 when the line is no reply */
	bool more;     /* "250-": not the last line */
};

/* A line of a reply (RFC 5321, 4.2). An enhanced code without a basic one ("4.7.0 no") is taken
 * for the class that it names. */
struct smtp_reply_line smtp_read_reply(struct span line);

/* True for a greeting of which something on the path has left nothing but "2", "0" and blanks. */
bool smtp_is_masked_greeting(struct span line);

/* Whether a server can mean this command with this code. */
bool smtp_plausible(enum smtp_command c, unsigned code);

#endif
