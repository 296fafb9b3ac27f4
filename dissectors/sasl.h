/* sasl.h - lines of a client in an exchange of SASL, as SMTP and POP3 have it (RFC 4954, RFC 5034). */
#ifndef MAILSEAL_SASL_H
#define MAILSEAL_SASL_H

#include "dissectors/cursor.h"

/* True when a lone word, whose prompt was not seen, can only be the answer to one: it is base64, and
 * not four letters, as commands are. cut: the word was longer. */
bool sasl_is_response(struct span word, bool cut);

#endif
