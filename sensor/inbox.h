/* inbox.h - the messages of the channel, drained by a thread into a bounded queue.
 *
 * So that a disk or a sink never backs up into the capture. When the queue is full the thread
 * waits, and then the pipe fills: live, that costs messages, and their numbers show it.
 */
#ifndef MAILSEAL_INBOX_H
#define MAILSEAL_INBOX_H

#include <stddef.h>

#include "sensor/channel.h"

struct inbox;

/* Starts to drain fd, which stays the caller's. NULL when there can be no thread. */
size_t inbox_bytes(size_t capacity); /* the memory that it takes when it is full */
struct inbox *inbox_new(int fd, size_t capacity);
void inbox_free(struct inbox *b); /* also while the channel is still open */

enum inbox_got {
	INBOX_MESSAGE,
	INBOX_IDLE, /* nothing came for wait_ms */
	INBOX_END,  /* the channel has ended, and every message was taken */
	INBOX_BAD,  /* something came that is no message; nothing follows */
};

/* The next message, which may be changed and is the caller's until he asks for another. */
enum inbox_got inbox_take(struct inbox *b, struct message **m, unsigned wait_ms);

#endif
