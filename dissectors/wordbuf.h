/* wordbuf.h - words out of lines of any length. A framer: the only code that knows "need more".
 *
 * For IMAP (RFC 9051, 4): a line ends in LF, words are parted by blanks, and a line that ends in
 * "{123}" or "{123+}" announces a literal: so many bytes of anything, behind which it goes on. From
 * the third word on "[" begins a word and "]" is one, as in "* OK [CAPABILITY IMAP4rev1] hello".
 * Of a word WORD_KEPT bytes are handed on: enough for every command and capability.
 */
#ifndef MAILSEAL_WORDBUF_H
#define MAILSEAL_WORDBUF_H

#include "dissectors/cursor.h"

#define WORD_KEPT      24
#define WORDS_TOO_MUCH (64 * 1024) /* longer lines are flagged */

struct wordbuf {
	uint64_t number; /* in braces */
	uint32_t length; /* bytes of the line so far, literals not counted */
	uint32_t hash;   /* of the word so far */
	uint16_t index;  /* words before this one */
	uint8_t have;    /* bytes of the word in buf */
	uint8_t brace;   /* how much of "{123+}" was just there: enum in wordbuf.c */
	bool in_word, cut, ended;
	bool plus, too_large;
	uint8_t last; /* byte of the line */
	uint8_t buf[WORD_KEPT];
};

struct words_word {
	struct span text; /* valid until the next call; at most WORD_KEPT bytes */
	uint32_t hash;    /* of the whole word; tells tags apart that are equal so far */
	unsigned index;   /* 0 is the first of the line */
	bool cut;         /* there was more than is in text */
};

struct words_line {
	unsigned words; /* on the line so far, one for each literal included */
	bool literal;   /* it goes on behind a literal of size bytes */
	bool plus;      /* ... which is not waited for (RFC 7888) */
	bool bad;       /* braces with a number that is no size: no literal */
	bool bare_lf;   /* no CR before the LF */
	bool too_long;
	uint64_t size;
};

enum words_piece {
	WORDS_MORE, /* all was taken */
	WORDS_WORD,
	WORDS_LINE, /* the LF was taken */
};

/* Takes from the front of *in what makes the next piece. Call until MORE. */
enum words_piece wordbuf_next(struct wordbuf *w, struct span *in, struct words_word *word,
			      struct words_line *line);

/* The line goes on behind its literal, which was a word. */
void wordbuf_resume(struct wordbuf *w, unsigned words);

/* Forgets the line so far, and overwrites what was kept of it. */
void wordbuf_reset(struct wordbuf *w);

/* True in the middle of a line. */
static inline bool wordbuf_partial(const struct wordbuf *w)
{
	return w->length > 0 || w->index > 0;
}

#endif
