/* imap_state.h - what the two halves of the IMAP dissector share. Private to dissectors/imap*.c. */
#ifndef MAILSEAL_IMAP_STATE_H
#define MAILSEAL_IMAP_STATE_H

#include "dissectors/imap.h"

/* The command of the client's line. After a gap an earlier one with the same tag is forgotten: whose
 * answer it is could not be told. */
void imap_push(struct imap *s, struct facts *f);

/* The newest command without an answer; IMAP_COMMANDS when there is none. */
enum imap_command imap_newest(const struct imap *s);

/* Takes the command with this tag off the queue. False when there is none, or when it cannot be
 * told which of several it is. */
bool imap_take(struct imap *s, uint32_t tag, struct imap_pending *out);

/* The client's line is over, or given up. */
void imap_end_request(struct imap *s);

/* A literal behind this line begins: n bytes, after which the line of this side goes on. */
void imap_begin_literal(struct imap *s, struct facts *f, enum side from, uint64_t n);

/* What one half makes of its bytes. */
struct imap_half {
	enum side from;
	bool (*stops)(const struct imap *s, const struct facts *f); /* it takes no more for now */
	void (*word)(struct imap *s, const struct words_word *w);
	void (*line)(struct imap *s, struct facts *f, const struct words_line *l);
	void (*literal)(struct imap *s, struct facts *f); /* bytes of one come; or NULL */
};

/* Parts n bytes into words, lines and literals. Returns how many were taken: fewer than n when the
 * half stops, or before a line that may be TLS. */
size_t imap_read(struct imap *s, struct facts *f, const struct imap_half *half, const uint8_t *data,
		 size_t n);

#endif
