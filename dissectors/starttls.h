/* starttls.h - the upgrade as every protocol has it: offered, asked for, answered; and clear text
 * where TLS was due.
 *
 * Each protocol translates its own words (RFC 3207, RFC 2595, RFC 9051 6.2.1). Writes facts.
 */
#ifndef MAILSEAL_STARTTLS_H
#define MAILSEAL_STARTTLS_H

#include "dissectors/cursor.h"
#include "dissectors/facts.h"

/* The server's list of capabilities names the upgrade, or was whole and does not. */
void starttls_offered(struct facts *f);
void starttls_not_offered(struct facts *f);

/* The client asks for TLS, and the server answers. */
void starttls_asked(struct facts *f);
void starttls_answered(struct facts *f, bool yes);

/* Only the client is seen, and its bytes stand in the flight of its STARTTLS: they are void if the
 * server says yes, and commands if it says no. */
bool starttls_in_flight(const struct facts *f);

/* A line in clear, of either side; odd where TLS was due. */
void starttls_clear(struct facts *f);

/* True when a word of the upgrade's length was blanked by something on the path: XXXXXXXX or
 * XXXXXXXA for STARTTLS, XXXX or XXXA for STLS. */
bool starttls_is_masked(struct span word, size_t length);

/* A capability, or the client's command, was blanked. */
void starttls_offer_masked(struct facts *f);
void starttls_request_masked(struct facts *f);

#endif
