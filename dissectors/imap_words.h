/* imap_words.h - IMAP's words (RFC 9051). Readers of whole words. */
#ifndef MAILSEAL_IMAP_WORDS_H
#define MAILSEAL_IMAP_WORDS_H

#include "dissectors/cursor.h"
#include "dissectors/imap.h"

/* The command in any letter case; IMAP_OTHER when it is none that matters. word is what it is
 * called in the evidence. */
enum imap_command imap_read_command(struct span text, unsigned *word);

/* OK, NO, BAD, PREAUTH or BYE (RFC 9051, 7.1); IMAP_NO_STATUS for anything else. */
enum imap_status imap_read_status(struct span text);

/* What a status is called in the evidence. */
unsigned imap_status_word(enum imap_status s);

/* True for the name of a response that carries what is in a mailbox (RFC 9051, 7.3 to 7.5). */
bool imap_is_mailbox_data(struct span text);

bool imap_is_number(struct span text);

#endif
