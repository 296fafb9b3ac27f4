/* mail.h - one mail conversation: clear protocol, upgrade, TLS. Bytes in, facts out.
 *
 * Wants the bytes of both sides in order, and in the order in which they crossed as far as that
 * is known; missing bytes are announced as gaps. Knows no packet and no clock.
 */
#ifndef MAILSEAL_MAIL_H
#define MAILSEAL_MAIL_H

#include "dissectors/clear.h"
#include "dissectors/facts.h"
#include "dissectors/proxy.h"
#include "dissectors/tls.h"

/* Client bytes that wait for the reply to DATA or STARTTLS, or for leave to send a literal. More
 * than this is not waited for. */
#define MAIL_HOLD 800

struct mail {
	struct facts facts;
	struct proxy proxy; /* in front of the client's bytes */
	struct clear clear;
	bool in_tls[SIDES];
	bool torn[SIDES]; /* a gap, and no whole line since */
	bool seen;        /* at least one byte */
	bool clear_seen;  /* at least one that was not TLS */
	bool void_text;   /* client text that the grant made void, if TLS is what follows */
	uint16_t held;    /* bytes in tls.hello, which TLS does not need as long as they wait */
	struct tls tls;   /* last: its buffer is not cleared at the start */
};

/* protocol: what it is, or is supposed to be. from_the_start: the SYN was seen. */
void mail_init(struct mail *m, enum protocol protocol, enum service service, bool from_the_start);

/* What it is supposed to be was only a guess: nothing in clear was seen yet. */
void mail_rename(struct mail *m, enum protocol protocol, enum service service);

void mail_feed(struct mail *m, enum side from, const uint8_t *data, size_t n);

/* A side of which nothing was seen before has packets after all. What was concluded of the other one
 * alone is taken back. */
void mail_join(struct mail *m, enum side from);

/* n bytes of this side were not seen. */
void mail_gap(struct mail *m, enum side from, uint64_t n);

/* True when the last of the bytes of this side stand in a line in clear whose end is still to come. */
bool mail_in_line(const struct mail *m, enum side from);

/* No more bytes will come. */
void mail_end(struct mail *m, enum ending how);

/* How sure it is that this is mail of the protocol given to mail_init(). */
enum mail_likeness {
	MAIL_UNKNOWN,  /* nothing readable yet */
	MAIL_DOUBTFUL, /* text, and none of it in this protocol's words */
	MAIL_LIKELY,   /* a greeting, an answer, a TLS record: enough on a mail port */
	MAIL_SURE,     /* its own commands */
};
enum mail_likeness mail_likeness(const struct mail *m);

#endif
