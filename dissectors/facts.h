/* facts.h - what the dissectors have established about one conversation so far.
 *
 * The dissectors write facts; verdict.c alone turns them into a verdict. Offsets count the bytes
 * of a direction from its first payload byte, seen or missing.
 */
#ifndef MAILSEAL_FACTS_H
#define MAILSEAL_FACTS_H

#include "dissectors/upgrade.h"
#include "dissectors/verdict.h"

enum side { CLIENT, SERVER, SIDES }; /* who sent the bytes */

static inline enum side other_side(enum side s)
{
	return s == CLIENT ? SERVER : CLIENT;
}

/* What TLS came to. */
enum tls_outcome {
	TLS_NONE,       /* no TLS seen */
	TLS_UNFINISHED, /* begun; nothing decisive yet */
	TLS_COMPLETE,   /* beyond doubt */
	TLS_LIKELY,     /* complete by what was seen, unless more comes that speaks against it */
	TLS_DOUBTFUL,   /* TLS 1.3: it looks the same as a refusal */
	TLS_ALERT,      /* ended by an alert before completion */
};

struct facts {
	struct session s; /* the record as far as it is known */

	/* What the wire showed. Set by whoever feeds the conversation. */
	bool visible[SIDES];    /* a packet of this side was seen, with payload or without */
	bool syn_seen;          /* of either side */
	uint64_t offset[SIDES]; /* bytes so far, seen or missing */
	uint64_t client_acked;  /* client bytes that the server acknowledged */

	/* Clear text. */
	bool greeted;          /* the server's greeting was seen */
	bool perhaps_greeted;  /* one by its words, but no SYN: it may answer a command */
	bool other_protocol;   /* a command of a protocol that is not this one */
	bool strange_answer;   /* the server said something that no server of this protocol says */
	bool protocol_sure;    /* what was seen is this protocol and no other */
	bool clear_gap[SIDES]; /* bytes are missing where clear text was due */
	bool plain;            /* user data crossed in clear */
	enum reason plain_reason;
	uint64_t plain_end;    /* offset of the client behind the first of it */
	uint64_t exposed_end;  /* and behind what gave it its weight */
	unsigned unanswered;   /* MAILs and logins in clear whose reply was not seen */
	bool exposed_answered; /* the server answered it */
	bool quit;             /* the client said goodbye */
	bool request_unsure;   /* a line was STARTTLS, or part of something else */
	bool auth_unsure;      /* or AUTH */
	bool list_final;     /* somebody signed in, and nothing was missing: no later list counts */
	bool content_asked;  /* for a message or what is in a mailbox, in clear */
	bool same_flight;    /* nothing of the client came behind the segment of its STARTTLS */
	bool asked_late;     /* STARTTLS came behind user data in clear */
	bool unread;         /* client bytes in clear whose meaning was never known */
	bool answer_pending; /* STARTTLS was asked and its answer not seen */
	bool starttls_refused; /* answered with a no */
	bool offer_refused;    /* although it was on offer */
	bool masked;           /* a capability blanked by somebody on the path */
	bool request_masked;   /* and the client's STARTTLS */
	bool decrypted_mirror; /* the tap may show clear text behind the upgrade: a switch */
	bool mirrored;         /* and so it did: nothing in clear proves anything any more */
	enum upg upgrade;

	/* TLS. */
	bool null_cipher;        /* a suite that authenticates and does not encrypt */
	bool implicit;           /* from the first byte */
	bool granted;            /* STARTTLS answered with a yes */
	bool upgrade_broken;     /* granted or begun, and then clear text */
	bool client_stays_clear; /* that of the client */
	enum tls_outcome tls;
	bool tls_gap[SIDES]; /* bytes are missing in TLS */
};

/* How the connection ended. ENDING_OPEN: it has not. */
enum ending {
	ENDING_OPEN,
	ENDING_CLOSED,  /* FIN or RST */
	ENDING_CAPTURE, /* the capture ended first */
	ENDING_TIMEOUT,
	ENDING_EVICTED,
	ENDINGS
};

void facts_init(struct facts *f);

/* Appends to the evidence. A pair of codes that repeats (RCPT 250 RCPT 250) is kept once. */
void facts_evidence(struct facts *f, unsigned code);

static inline void facts_oddity(struct facts *f, enum oddity o)
{
	f->s.oddities |= 1u << o;
}

/* The server said something that no server of this protocol says. */
static inline void facts_strange_answer(struct facts *f)
{
	facts_oddity(f, ODDITY_BAD_REPLY);
	f->strange_answer |= !f->clear_gap[CLIENT] && !f->clear_gap[SERVER];
}

/* The client asks for a message, or what is in a mailbox. What it was given is in the server's bytes
 * alone. */
static inline void facts_asked_for_content(struct facts *f)
{
	f->content_asked = true;
	f->clear_gap[SERVER] |= !f->visible[SERVER];
}

/* Somebody signed in, in clear. */
static inline void facts_signed_in(struct facts *f)
{
	f->list_final |= !f->clear_gap[CLIENT] && !f->clear_gap[SERVER];
}

/* The greeting was seen: nothing that counts went before. lost: the sides that the protocol takes to
 * be torn; those without a gap in clear no longer are. */
static inline void facts_greeted(struct facts *f, bool lost[SIDES])
{
	f->greeted = true;
	f->perhaps_greeted = false;
	lost[SERVER] = lost[SERVER] && f->clear_gap[SERVER];
	lost[CLIENT] = lost[CLIENT] && f->clear_gap[CLIENT];
}

/* What this side said in clear is not known any more. */
static inline void facts_torn(struct facts *f, enum side from)
{
	f->clear_gap[from] = true;
	if (f->s.accepted == TRI_FALSE) /* it may have been asked again, and granted */
		f->s.accepted = TRI_NULL;
}

/* Bytes of this side are missing where clear text was due. */
static inline void facts_gap_in_clear(struct facts *f, enum side from)
{
	facts_evidence(f, WORD_GAP);
	facts_torn(f, from);
}

/* User data crossed in clear; keeps the first reason. */
void facts_plain(struct facts *f, enum reason why);

/* What crossed weighs at least this much. end: client offset behind the bytes that did it. */
void facts_expose(struct facts *f, enum exposure e, uint64_t end);

/* True when a verdict stands although the connection is open. */
bool facts_decided(const struct facts *f);

/* The verdict for these facts: VERDICT_NONE while it is still open. With an ending other than
 * ENDING_OPEN there always is one. Fills verdict, reason and what follows from them (exposure,
 * cause, messages, the three questions) in out, which is a copy of f->s. */
enum verdict facts_verdict(const struct facts *f, enum ending how, struct session *out);

#endif
