/* servers.h - which servers offered the upgrade of late, and what does not fit with that.
 *
 * A session alone cannot tell a server that has no STARTTLS from one whose STARTTLS was taken away
 * on the path. This memory can suspect it: for each address and port it knows when the upgrade was
 * last offered there, and which sessions went without.
 *
 * Time is that at which sessions begin, so that everything can be checked in the session log. The
 * claim is made for a session without the offer when an offer and two more sessions without it,
 * together with this one, began within one hour. It makes no difference whether the offer came
 * before, between or after them, nor to whom it was made: that is not kept. So a server that was
 * set up anew is suspected for an hour at most.
 *
 * Sessions are taken in the order in which they are decided, which need not be that in which they
 * began; and one may be taken twice, when a run that was cut short is made again. Then a claim may be
 * missed, but none is made that is not so.
 *
 * Knows no file and no clock, and never grows.
 */
#ifndef MAILSEAL_SERVERS_H
#define MAILSEAL_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"

#define SERVERS_WINDOW_S 3600

/* What is remembered of one server. Times are ns since 1970; 0 is never. */
struct server {
	uint8_t address[16]; /* as in struct session */
	uint16_t port;
	bool keep;              /* the address may be stored in full */
	uint64_t offered_ns;    /* the last session that was offered the upgrade */
	uint64_t without_ns[2]; /* the two latest that were not, the latest first */
	uint32_t without_n;     /* those that were not, each within an hour of the one before it */
};

struct servers;

/* Room for max servers, at least 1; then the one that was not heard of for longest is forgotten. */
struct servers *servers_new(uint32_t max);
void servers_free(struct servers *v); /* NULL is allowed */
size_t servers_bytes(uint32_t max);   /* the memory that so many take, with a list of all */

/* Takes note of a session, once, when it is decided. keep: the address of the server may be stored
 * in full.
 *
 * Offered: session.offered is true. Without the offer: a whole list was seen that lacks it
 * (session.offered is false) and no upgrade was granted all the same, whatever the verdict, for a
 * scanner sees what is offered as well as anybody. Or EHLO was refused (session.ehlo_refused) and
 * user data crossed in clear in spite of that; servers turn clients away with a 5xx to EHLO for
 * many reasons, and those do not get as far. Anything else says nothing.
 *
 * Returns STRIPPED_REMOVED or STRIPPED_HELO for a session without the offer where there should be
 * one, with what was remembered of the server, this session included, in *known. */
enum stripped servers_session(struct servers *v, const struct session *s, bool keep,
			      struct server *known);

/* Those with keep set that have changed since servers_saved(), the last one heard of first.
 * Borrowed until the next call of any of these. */
size_t servers_changed(struct servers *v, const struct server **out);
void servers_saved(struct servers *v);

/* What an earlier run has saved; the last one heard of comes last. */
void servers_restore(struct servers *v, const struct server *s);

uint32_t servers_max(const struct servers *v);
uint64_t servers_forgotten(const struct servers *v); /* for want of room, so far */

#endif
