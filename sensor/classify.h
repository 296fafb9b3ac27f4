/* classify.h - is it mail? First our own look at the first bytes; libndpi where that cannot say.
 *
 * Never gives a verdict. libndpi is asked in one file only, with packets of the greeting phase,
 * about flows from a bounded pool that is cleared at once (it keeps logins otherwise).
 */
#ifndef MAILSEAL_CLASSIFY_H
#define MAILSEAL_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/cursor.h"
#include "dissectors/verdict.h"
#include "sensor/decode.h"

enum first_bytes {
	FIRST_SMTP_SERVER, /* "220" */
	FIRST_SMTP_CLIENT, /* "EHLO", "HELO" */
	FIRST_IMAP_SERVER, /* "* OK", "* PREAUTH", "* BYE" */
	FIRST_IMAP_CLIENT, /* a tag and a command of one who has not signed in */
	FIRST_POP3_SERVER, /* "+OK" */
	FIRST_POP3_CLIENT, /* "CAPA", "USER", "APOP", "STLS" */
	FIRST_TLS,
	FIRST_OTHER, /* a protocol that is not mail */
	FIRST_TEXT,  /* text that says nothing yet */
	FIRST_BINARY,
};

/* What the first payload bytes of a connection look like. */
enum first_bytes classify_first_bytes(struct span s);

/* The protocol that they name; PROTOCOL_NONE when they name none. */
enum protocol classify_named(enum first_bytes first);

/* The mail protocol that the client wants inside TLS, by the ALPN names that it offers (RFC 7301)
 * or the first label of the server's name (imap.example.net); PROTOCOL_NONE when neither tells. */
enum protocol classify_tls(const struct session *s);

/* What a protocol is used for on a port that is not its own. */
enum service classify_service(enum protocol p);

/* libndpi ----------------------------------------------------------------------------------- */

struct classifier;

/* max_flows: how many flows can be in question at a time. NULL when libndpi cannot be set up; a
 * build without libndpi returns a classifier that never knows. Call before confinement. */
struct classifier *classifier_new(unsigned max_flows);

/* The memory that so many flows take, without libndpi's own. */
size_t classifier_bytes(unsigned max_flows);
void classifier_free(struct classifier *c);

enum opinion { OPINION_NONE, OPINION_MAIL, OPINION_OTHER };

/* A flow to ask about; 0 when there is no room. */
uint32_t classifier_begin(struct classifier *c);
void classifier_end(struct classifier *c, uint32_t flow);

/* Shows one packet. The opinion is one that libndpi found in the packets, not one that it
 * guessed from ports. */
enum opinion classifier_packet(struct classifier *c, uint32_t flow, const struct packet *p);

#endif
