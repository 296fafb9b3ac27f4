/* channel.h - the records that go from the capture process to the recorder.
 *
 * A pipe of fixed-size, numbered messages. The writer is confined and may write to nothing
 * else; the reader checks every message before it believes it. Live, a full pipe costs
 * messages and the numbers show how many; offline the writer waits.
 */
#ifndef MAILSEAL_CHANNEL_H
#define MAILSEAL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/health.h"

enum message_kind {
	MESSAGE_VERDICT = 1, /* the verdict fell; the session goes on. Counts now. */
	MESSAGE_WEIGHT,      /* a counted plaintext session weighs more: exposure, confirmed */
	MESSAGE_END,         /* the session is over. Counts now unless "counted" is set. */
	MESSAGE_HEALTH,      /* counters so far, and the time */
	MESSAGE_FAILURE,     /* the capture broke off: why, in words */
	MESSAGE_PROGRESS,    /* how far files are read, for whoever waits */
	MESSAGE_KINDS
};

struct position {
	uint64_t packets;
	uint64_t bytes, bytes_all; /* of the files; 0: not known */
};

struct message {
	uint32_t magic;   /* MESSAGE_MAGIC */
	uint32_t kind;    /* enum message_kind */
	uint64_t number;  /* 1, 2, 3 ...; a hole is a loss */
	uint64_t now_ns;  /* the capture's time when it was sent */
	uint64_t session; /* which session; unique within a run */
	uint8_t counted;  /* END: a VERDICT was sent before */
	uint8_t last;     /* HEALTH: the last message of the run */
	uint8_t pad[6];
	union {
		struct session mail;
		struct health health;
		struct position position;
		char failure[256]; /* ends with NUL; escape before use */
	};
};

#define MESSAGE_MAGIC 0x6d736c31u /* "msl1" */

/* Makes the pipe; size is what the kernel is asked for. The write end does not block, so that
 * a live writer can drop; to wait is poll(). Both are closed on exec. False: errno says why.
 * The program ignores SIGPIPE. */
bool channel_open(int *read_fd, int *write_fd, unsigned size);

/* Writer ---------------------------------------------------------------------------------- */
#define CHANNEL_TOGETHER 160 /* messages that are written together by who waits, */
#define CHANNEL_ATOMIC   5   /* and by who drops: all of them, or none */

struct channel {
	int fd;
	bool wait;   /* offline: wait for the reader; live: drop and let the numbers tell */
	bool gather; /* several are written at a time; what is left with channel_flush() */
	bool broken; /* the reader is gone */
	uint64_t number;
	unsigned gathered;
	struct message out[CHANNEL_TOGETHER];
	/* When set, messages go there and not to fd, without a number: somebody will send them. */
	void (*put)(void *ctx, const struct message *m);
	void *ctx;
};

/* Where a message can be written, to be sent next: it is not copied then. */
static inline struct message *channel_next(struct channel *c)
{
	return &c->out[c->gathered];
}

/* Numbers and sends. False when it was dropped, with those that were gathered before it, or the
 * reader is gone (c->broken). */
bool channel_send(struct channel *c, const struct message *m);
bool channel_flush(struct channel *c);

/* Reader ---------------------------------------------------------------------------------- */
enum channel_read { CHANNEL_MESSAGE, CHANNEL_END, CHANNEL_BAD };

/* Reads the messages that are there, at least one, for which it waits, and at most max. *n of them
 * are good, whatever is returned. BAD: then comes what no sane writer sends. One that breaks off is
 * that of a writer who died: the END. That the numbers grow is for the caller to check, who knows the
 * one before. */
enum channel_read channel_receive(int fd, struct message *m, size_t max, size_t *n);

#endif
