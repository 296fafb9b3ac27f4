#include "dissectors/wordbuf.h"

#include <string.h>

enum { BRACE_NONE, BRACE_OPEN, BRACE_DIGITS, BRACE_PLUS, BRACE_CLOSED };

#define LITERAL_MAX ((uint64_t)INT64_MAX) /* RFC 9051, 9: number64 */
#define HASH_BASIS  2166136261u           /* FNV-1a */
#define HASH_PRIME  16777619u

static void begin_word(struct wordbuf *w)
{
	memset(w->buf, 0, w->have);
	w->have = 0;
	w->hash = HASH_BASIS;
	w->in_word = w->cut = w->ended = false;
}

void wordbuf_reset(struct wordbuf *w)
{
	begin_word(w);
	w->length = 0;
	w->index = 0;
	w->brace = BRACE_NONE;
	w->last = 0;
}

void wordbuf_resume(struct wordbuf *w, unsigned words)
{
	wordbuf_reset(w);
	w->index = (uint16_t)(words < UINT16_MAX ? words : UINT16_MAX);
}

/* Follows "{123}" up to the end of the line, where alone it counts. */
static void read_brace(struct wordbuf *w, uint8_t b)
{
	unsigned digit = (unsigned)b - '0';

	if (b == '\r' && w->brace == BRACE_CLOSED)
		return;
	if (b == '{') {
		w->brace = BRACE_OPEN;
		w->number = 0;
		w->plus = w->too_large = false;
	} else if (digit <= 9 && (w->brace == BRACE_OPEN || w->brace == BRACE_DIGITS)) {
		w->brace = BRACE_DIGITS;
		w->too_large |= w->number > (LITERAL_MAX - digit) / 10;
		w->number = w->too_large ? LITERAL_MAX : w->number * 10 + digit;
	} else if (b == '+' && w->brace == BRACE_DIGITS) {
		w->brace = BRACE_PLUS;
		w->plus = true;
	} else if (b == '}' && (w->brace == BRACE_DIGITS || w->brace == BRACE_PLUS)) {
		w->brace = BRACE_CLOSED;
	} else {
		w->brace = BRACE_NONE;
	}
}

static bool is_blank(uint8_t b)
{
	return b == ' ' || b == '\t' || b == '\r' || b == '\n';
}

/* True when the word is whole before this byte. */
static bool parts(const struct wordbuf *w, uint8_t b)
{
	if (!w->in_word)
		return false;
	if (is_blank(b))
		return true;
	return w->index > 1 && (b == '[' || b == ']' || w->buf[0] == ']');
}

static void keep(struct wordbuf *w, uint8_t b)
{
	w->in_word = true;
	w->hash = (w->hash ^ b) * HASH_PRIME;
	if (w->have < WORD_KEPT)
		w->buf[w->have++] = b;
	else
		w->cut = true;
}

static enum words_piece end_word(struct wordbuf *w, struct words_word *out)
{
	*out = (struct words_word){ { w->buf, w->have }, w->hash, w->index, w->cut };
	w->in_word = false;
	w->ended = true;
	w->index = (uint16_t)(w->index < UINT16_MAX ? w->index + 1 : UINT16_MAX);
	return WORDS_WORD;
}

static enum words_piece end_line(struct wordbuf *w, struct words_line *out)
{
	bool closed = w->brace == BRACE_CLOSED;

	*out = (struct words_line){
		.words = w->index,
		.literal = closed && !w->too_large,
		.plus = w->plus,
		.bad = closed && w->too_large,
		.bare_lf = w->last != '\r',
		.too_long = w->length > WORDS_TOO_MUCH,
		.size = w->number,
	};
	wordbuf_reset(w);
	return WORDS_LINE;
}

static void take(struct wordbuf *w, struct span *in)
{
	w->length += w->length < UINT32_MAX;
	w->last = in->at[0];
	in->at++;
	in->len--;
}

enum words_piece wordbuf_next(struct wordbuf *w, struct span *in, struct words_word *word,
			      struct words_line *line)
{
	if (w->ended || !w->in_word)
		begin_word(w);
	while (in->len > 0) {
		uint8_t b = in->at[0];

		if (parts(w, b))
			return end_word(w, word);
		if (b == '\n') {
			in->at++;
			in->len--;
			return end_line(w, line);
		}
		take(w, in);
		read_brace(w, b);
		if (!is_blank(b))
			keep(w, b);
	}
	return WORDS_MORE;
}
