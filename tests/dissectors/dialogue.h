/* dialogue.h - the clear part of a conversation, fed to a dissector as mail.c does, but that nothing
 * is held: scripts wait for their answers.
 *
 * Knows what holds whatever the protocol; a test adds what holds of its own.
 */
#ifndef MAILSEAL_TESTS_DIALOGUE_H
#define MAILSEAL_TESTS_DIALOGUE_H

#include "dissectors/clear.h"

struct dialogue {
	struct clear s;
	struct facts f;
};

/* Which sides are in the capture, and from where on. */
enum view { WHOLE, MID_STREAM, CLIENT_ONLY, SERVER_ONLY };

void dialogue_start(struct dialogue *d, enum protocol protocol, enum view view);

/* What holds in every state, and from one to the next. */
typedef void dialogue_promise(const struct dialogue *d, const struct facts *before);
dialogue_promise dialogue_check;

/* Says this, and draws the answers. Returns how many bytes were taken: it may be that not all. */
size_t dialogue_say(struct dialogue *d, enum side from, const char *text);

/* Goes through a script (script.h), so many bytes at a time; every byte is to be taken. */
void dialogue_run(struct dialogue *d, const char *script, size_t piece, dialogue_promise *check);

/* A script, and what it comes to. */
struct talk {
	const char *script;
	enum view view;
	enum tri offered, requested, accepted;
	enum verdict verdict; /* when it closes */
	enum exposure exposure;
	int own; /* SMTP: messages. IMAP: findings. POP3: auth_clear. */
	unsigned oddities;
	const char *evidence; /* NULL: any */
};

/* Runs each of n, whole and in pieces of several sizes. */
void dialogue_talks(enum protocol protocol, const struct talk *talks, size_t n,
		    dialogue_promise *check);

#endif
