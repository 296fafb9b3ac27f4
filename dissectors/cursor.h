/* cursor.h - bytes that can be read without ever leaving them.
 *
 * A span borrows bytes; a cursor reads a span from the front. A read past the end returns zero
 * and clears ok for good, so a reader checks once, at its end. Nothing here writes.
 */
#ifndef MAILSEAL_CURSOR_H
#define MAILSEAL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *at;
	size_t len;
};

struct cursor {
	const uint8_t *at, *end;
	bool ok; /* stays false after a short read */
};

static inline struct cursor cur_over(struct span s)
{
	return (struct cursor){ s.at, s.at + s.len, true };
}

static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline const uint8_t *cur_take(struct cursor *c, size_t n)
{
	if (!c->ok || n > cur_left(c)) { /* never at + n > end */
		c->ok = false;
		return NULL;
	}
	c->at += n;
	return c->at - n;
}

static inline void cur_skip(struct cursor *c, size_t n)
{
	(void)cur_take(c, n);
}

static inline uint8_t cur_u8(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cur_be16(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 2);

	return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t cur_be24(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 3);

	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cur_be32(struct cursor *c)
{
	const uint8_t *p = cur_take(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* The next n bytes as a span; empty when they are not all there. */
static inline struct span cur_sub(struct cursor *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);

	return (struct span){ p ? p : c->end, p ? n : 0 };
}

static inline struct span cur_rest(struct cursor *c)
{
	return cur_sub(c, cur_left(c));
}

static inline uint8_t ascii_upper(uint8_t b)
{
	return b >= 'a' && b <= 'z' ? (uint8_t)(b - 'a' + 'A') : b;
}

/* True when the span is the word, in any letter case. The word is in upper case. */
static inline bool span_is(struct span s, const char *word)
{
	size_t i = 0;

	for (; i < s.len && word[i]; i++) {
		if (ascii_upper(s.at[i]) != (uint8_t)word[i])
			return false;
	}
	return i == s.len && !word[i];
}

/* The word at the front of a span, ended by a space, a tab or the end; the rest follows the
 * blanks behind it. */
static inline struct span span_word(struct span s, struct span *rest)
{
	size_t n = 0, blanks;

	while (n < s.len && s.at[n] != ' ' && s.at[n] != '\t')
		n++;
	for (blanks = n; blanks < s.len && (s.at[blanks] == ' ' || s.at[blanks] == '\t');)
		blanks++;
	if (rest)
		*rest = (struct span){ s.at + blanks, s.len - blanks };
	return (struct span){ s.at, n };
}

#endif
