/* pop3.h - the clear part of a POP3 conversation (RFC 1939, 2449, 2595, 5034).
 *
 * Follows commands and their answers through pipelining, lists and message bodies, and writes down
 * what they prove. Keeps verbs and answers; bodies are counted, never buffered.
 *
 * An answer does not say what it answers. After a gap in the server's bytes only the answer to a
 * command that came behind the gap counts; after a gap in the client's, only a command together
 * with its +OK.
 */
#ifndef MAILSEAL_POP3_H
#define MAILSEAL_POP3_H

#include "dissectors/facts.h"
#include "dissectors/linebuf.h"
#include "dissectors/pending.h"

enum pop3_command {
	POP3_OTHER,
	POP3_CAPA,
	POP3_STLS,
	POP3_USER,
	POP3_PASS,
	POP3_APOP,
	POP3_AUTH,      /* with a mechanism */
	POP3_AUTH_DATA, /* a line of the exchange */
	POP3_AUTH_LIST, /* a bare AUTH lists mechanisms */
	POP3_LIST_ALL,  /* LIST and the like without argument */
	POP3_RETR,      /* and TOP: a message */
	POP3_SIGNED_IN, /* needs a login, one line */
	POP3_QUIT,
	POP3_COMMANDS
};

enum pop3_status { POP3_NO_STATUS, POP3_OK, POP3_ERR, POP3_CONTINUE };

struct pop3 {
	struct linebuf line[SIDES];
	struct pending queue; /* of enum pop3_command */

	bool multiline;     /* the server is in the lines behind a +OK */
	uint8_t multi_of;   /* enum pop3_command that they answer; POP3_COMMANDS: unknown */
	bool multi_torn;    /* bytes of them are missing: the lone dot may be among them */
	bool multi_doubted; /* the +OK may have been to a command that was not seen */
	bool stls_listed, body_seen;

	bool lost[SIDES];   /* a gap, or began in the middle */
	bool spoken;        /* the server has said something */
	bool signed_in;     /* no list of capabilities tells of STLS any more */
	bool auth_dialogue; /* a "+" awaits the client's line */
	bool credentials;   /* some crossed since AUTH */
	uint8_t answers;    /* server alone: so many behind the greeting; saturating */
	bool unexplained;   /* server alone: a +OK that nothing explains */
	bool greeting_text; /* of the answer being read */
	uint8_t status;     /* enum pop3_status of it */
	bool answer_ready;
};

void pop3_init(struct pop3 *s, bool from_the_start);

/* See clear.h. */
size_t pop3_client(struct pop3 *s, struct facts *f, const uint8_t *data, size_t n);
bool pop3_waits(const struct pop3 *s, const struct facts *f);
void pop3_presume(struct pop3 *s, struct facts *f);
size_t pop3_server(struct pop3 *s, struct facts *f, const uint8_t *data, size_t n);
void pop3_answer(struct pop3 *s, struct facts *f);
void pop3_gap(struct pop3 *s, struct facts *f, enum side from, uint64_t n);
bool pop3_at_line_start(const struct pop3 *s, enum side from);

#endif
