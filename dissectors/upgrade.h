/* upgrade.h - from clear to TLS: the one state table of STARTTLS and STLS.
 *
 * Each protocol translates its own words into these events (RFC 3207, RFC 2595).
 */
#ifndef MAILSEAL_UPGRADE_H
#define MAILSEAL_UPGRADE_H

#include <stdbool.h>

enum upg {
	UPG_STAY,    /* in the table: unexpected, stay and count */
	UPG_PLAIN,   /* in clear */
	UPG_OFFERED, /* in clear, and the server lists the upgrade */
	UPG_ASKED,   /* the client asked for it */
	UPG_GRANTED, /* the server said yes: TLS is due */
	UPG_TLS,     /* a ClientHello was seen */
	UPG_BROKEN,  /* TLS was due and clear text came, or TLS was given up for clear text */
	UPG_NSTATES
};

enum upg_event {
	EV_OFFER, /* the capability list names the upgrade */
	EV_ASK,   /* STARTTLS, or STLS */
	EV_YES,   /* answered 220, OK or +OK */
	EV_NO,    /* answered 4xx, 5xx, NO, BAD or -ERR */
	EV_HELLO, /* a ClientHello */
	EV_CLEAR, /* clear text where TLS is due */
	EV_NEVENTS
};

/* Moves the state. False: the event was not expected there, and the state stays. */
bool upg_step(enum upg *state, enum upg_event event);

const char *upg_name(enum upg state);
const char *upg_event_name(enum upg_event event);

#endif
