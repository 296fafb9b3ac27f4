/* text.h - words for a terminal: safe to print, wrapped, in its width.
 *
 * Text that comes from a file or a command line goes through text_safe() before it reaches a
 * terminal: control characters, escape sequences, broken UTF-8 and characters that change the
 * order of others appear as \xNN.
 */
#ifndef MAILSEAL_TEXT_H
#define MAILSEAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the reader looks at. */
struct screen {
	unsigned width; /* columns, 40 to 500 */
	bool utf8;      /* the locale is UTF-8 */
	bool colour;    /* a terminal that takes colours */
};

/* The width comes from the terminal, else from COLUMNS, else it is 80. Colour needs a terminal
 * that is not "dumb", and NO_COLOR not set. setlocale() was called before. */
struct screen screen_of(FILE *out);

enum tone { TONE_PLAIN, TONE_STRONG, TONE_GOOD, TONE_BAD, TONE_WARN, TONE_FAINT, TONE_N };
/* The sequence that starts a tone, and the one that ends it; "" without colour. */
const char *tone_on(const struct screen *s, enum tone t);
const char *tone_off(const struct screen *s, enum tone t);

/* Copies text with everything unsafe escaped, cut to outlen. */
void text_safe(const char *in, bool utf8, char *out, size_t outlen);

/* Length of the UTF-8 sequence (RFC 3629) of two to four bytes at text, its code point in *out; 0
 * when there is none. */
size_t text_utf8(const char *text, uint32_t *out);

/* Writes text, which is safe, in lines of at most width columns. Every line starts with indent
 * blanks; the first one with head, padded to indent. */
void text_wrap(FILE *out, unsigned width, unsigned indent, const char *head, const char *text);
/* The same, where the caller has written the first indent columns itself. */
void text_wrap_at(FILE *out, unsigned width, unsigned indent, const char *text);

/* "12 sessions", "1 session" */
void text_count(uint64_t n, const char *one, const char *many, char *out, size_t outlen);

#endif
