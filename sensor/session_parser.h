/* session_parser.h - a session while its verdict is open: packets in, facts out.
 *
 * Puts the payload in order, dissects it, and has the certificates read. Says of the connection
 * what is still to come of it. Knows nothing of what was reported, nor whether it is mail at all.
 * For session.c only.
 */
#ifndef MAILSEAL_SESSION_PARSER_H
#define MAILSEAL_SESSION_PARSER_H

#include <stdbool.h>
#include <stdint.h>

#include "dissectors/mail.h"
#include "reports/health.h"
#include "sensor/conf.h"
#include "sensor/decode.h"
#include "sensor/reasm.h"
#include "sensor/session.h"

/* What all parsers share: memory for segments that wait, known certificates, counters. */
struct parsers;

/* NULL when memory cannot be had. */
struct parsers *parsers_new(const struct conf *c, struct health *health);
void parsers_free(struct parsers *ps);
size_t parsers_bytes(const struct conf *c); /* the memory that all together take at most */

/* Those who use it read mail; the rest is the parser's own. */
struct parser {
	struct reasm reasm;
	uint32_t certificate;  /* pieces of it wait, or 0 */
	bool late[SIDES];      /* its beginning was not seen; said with the first of its bytes */
	bool front[SIDES];     /* bytes are missing in front of its first: counted once */
	uint64_t gap_bytes;    /* missing */
	uint64_t bytes[SIDES]; /* handed on */
	struct mail mail;      /* last: not all of it is cleared at the start */
};

void parser_init(struct parsers *ps, struct parser *p, const struct session_start *start);

/* What has come and was not parsed, since something before it has not; reasm_waiting(). */
void parser_waiting(const struct parsers *ps, const struct parser *p, reasm_waiting_cb *cb,
		    void *ctx);

/* Gives back the memory, and wipes what was read. */
void parser_fini(struct parsers *ps, struct parser *p);

void parser_packet(struct parsers *ps, struct parser *p, enum side from,
		   const struct packet *packet, uint64_t now_ms);

/* Hands on what has waited long enough. */
void parser_poll(struct parsers *ps, struct parser *p, uint64_t now_ms);

/* The connection is over: nothing waits any longer. */
void parser_end(struct parsers *ps, struct parser *p, enum ending how);

/* The record as it is now, but for its end and when it was decided. */
void parser_judge(struct parser *p, enum ending how, struct session *out);

/* The record of a connection for which there was no parser: nobody looked. */
void parser_refused(const struct session_start *start, struct session *out);

/* True while something waits for missing bytes, */
bool parser_stalled(const struct parser *p);
/* or for a side of which nothing was seen yet. */
bool parser_waits(const struct parser *p);

/* As in session.h. */
bool parser_expects(const struct parser *p, enum side from, uint32_t seq);
bool parser_is_last(const struct parser *p, enum side from, uint32_t seq);
bool parser_finished(const struct parser *p);

#endif
