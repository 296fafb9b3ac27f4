/* linebuf.h - lines out of a byte stream. A framer: the only code that knows "need more".
 *
 * A line ends in LF; CRs before it are not part of it. Of a line only the first LINE_KEPT bytes
 * are handed on: that is enough for every verb, code and capability, and holds no message.
 * A line that lies whole in the bytes offered is not copied.
 */
#ifndef MAILSEAL_LINEBUF_H
#define MAILSEAL_LINEBUF_H

#include "dissectors/cursor.h"

#define LINE_KEPT 120
#define LINE_LONG 2048 /* longer lines are flagged (RFC 5321, 4.5.3.1.6 has 1000) */

struct linebuf {
	uint32_t length;     /* bytes of the line so far, LF not counted */
	uint8_t last;        /* the last of them */
	uint8_t kept, dirty; /* bytes in buf: of this line, of any */
	uint8_t buf[LINE_KEPT];
};

struct line {
	struct span text; /* valid until the next call; at most LINE_KEPT bytes */
	bool cut;         /* there was more than is in text */
	bool too_long;    /* over LINE_LONG */
	bool bare_lf;     /* no CR before the LF */
};

/* Forgets the line so far, and overwrites what was kept of it and of the one before. */
void linebuf_reset(struct linebuf *b);

/* Takes bytes up to and including the next LF. Returns how many were taken (at least one unless
 * n is 0); *complete says whether they ended a line, which is then in *out. Call linebuf_reset()
 * when the line has been read. */
size_t linebuf_feed(struct linebuf *b, const uint8_t *data, size_t n, struct line *out,
		    bool *complete);

/* True in the middle of a line. */
static inline bool linebuf_partial(const struct linebuf *b)
{
	return b->length > 0;
}

#endif
