/* smtp.h - the clear part of an SMTP conversation (RFC 5321, 3207, 4954, 3030, 2920).
 *
 * Follows commands and their replies, through pipelining, message bodies and chunks, and writes
 * down what they prove. Keeps verbs, codes and lengths; bodies are counted, never buffered.
 *
 * After a gap it goes on by what is plausible, but then only a command together with its reply
 * proves anything.
 */
#ifndef MAILSEAL_SMTP_H
#define MAILSEAL_SMTP_H

#include "dissectors/facts.h"
#include "dissectors/linebuf.h"
#include "dissectors/pending.h"

enum smtp_command {
	SMTP_OTHER,
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_STARTTLS,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_DOT, /* the end of a message body, answered like a command */
	SMTP_BDAT,
	SMTP_BDAT_LAST,
	SMTP_RSET,
	SMTP_AUTH,      /* with a mechanism */
	SMTP_AUTH_DATA, /* a line of the exchange */
	SMTP_QUIT,
	SMTP_COMMANDS
};

/* Where the client's stream stands. */
enum smtp_mode { SMTP_MODE_COMMAND, SMTP_MODE_BODY, SMTP_MODE_CHUNK };

/* How sure it is that what stands where a message is due is one. */
enum smtp_body {
	SMTP_BODY_PRESUMED, /* DATA may have been refused, or BDAT be part of something else */
	SMTP_BODY_WANTED,   /* the server said 354 */
	SMTP_BODY_TRUSTED   /* and nothing was missing: it proves by itself */
};

struct smtp {
	struct linebuf line[SIDES];
	struct pending queue; /* of enum smtp_command */

	uint8_t mode;        /* enum smtp_mode */
	uint8_t dot;         /* how much of "LF . CR LF" the body has just shown */
	bool body_seen;      /* this body or chunk has at least one byte */
	uint8_t body;        /* enum smtp_body: what is known of this body or chunk */
	bool chunk_in_doubt; /* the BDAT may have been refused before any of its chunk was seen */
	uint64_t doubted;    /* bytes looked at since */
	uint64_t chunk_left;

	bool lost[SIDES]; /* a gap, or began in the middle */
	bool listing;
	bool overtaken;        /* a command came in the middle of a reply */
	bool auth_dialogue;    /* a 334 awaits the client's line */
	bool credentials;      /* some crossed since AUTH */
	uint16_t code;         /* of the reply being read; 0 when none is */
	uint16_t behind_grant; /* server alone: the first reply behind what may be the grant */
	bool clear_behind;     /* and more came in clear */
	bool blank_line;       /* some servers answer it: whose answer is whose is not sure */
	bool answer_ready;     /* a whole reply waits for smtp_answer() */
};

void smtp_init(struct smtp *s, bool from_the_start);

/* Client bytes. Returns how many were taken: fewer than n when smtp_waits() has become true. */
size_t smtp_client(struct smtp *s, struct facts *f, const uint8_t *data, size_t n);

/* True when the meaning of the client's next bytes depends on a reply that was not seen yet: after
 * DATA and STARTTLS. The caller holds them. */
bool smtp_waits(const struct smtp *s, const struct facts *f);

/* The reply will not come, or can wait no longer: the bytes held after DATA are a body. */
void smtp_presume(struct smtp *s);

/* Server bytes. Takes them up to the end of the first whole reply; s->answer_ready then says that
 * smtp_answer() is due. */
size_t smtp_server(struct smtp *s, struct facts *f, const uint8_t *data, size_t n);

/* True when that reply makes sense only if the bytes held after DATA were a body. */
bool smtp_must_presume(const struct smtp *s);

/* Matches the reply with its command and draws the conclusions. */
void smtp_answer(struct smtp *s, struct facts *f);

void smtp_gap(struct smtp *s, struct facts *f, enum side from, uint64_t n);

/* True when the next byte of this side is the first of a line outside any body: where TLS may
 * begin. */
bool smtp_at_line_start(const struct smtp *s, enum side from);

#endif
