/* Words and lines come out the same however the bytes are cut, and are those of the line read from
 * behind. Input: size of the pieces, bytes; behind a line that announces a literal the words go on
 * being counted, as behind the literal. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/wordbuf.h"

static bool is_blank(uint8_t b)
{
	return b == ' ' || b == '\t' || b == '\r';
}

/* The length of the word that begins here; index is its place in the line. */
static size_t word_length(struct span s, unsigned index)
{
	size_t n = 1;

	while (n < s.len && !is_blank(s.at[n])) {
		if (index > 1 && (s.at[0] == ']' || s.at[n] == '[' || s.at[n] == ']'))
			break;
		n++;
	}
	return n;
}

static uint32_t hash_of(struct span s)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ s.at[i]) * 16777619u;
	return hash;
}

/* Takes the next word from the front of the line. */
static void compare_word(struct span *line, unsigned index, const struct words_word *w)
{
	size_t n;

	while (line->len > 0 && is_blank(line->at[0])) {
		line->at++;
		line->len--;
	}
	MUST(line->len > 0);
	n = word_length(*line, index);
	MUST(w->index == index && w->hash == hash_of((struct span){ line->at, n }));
	MUST(w->text.len == (n < WORD_KEPT ? n : WORD_KEPT) && w->cut == (n > WORD_KEPT));
	MUST(memcmp(w->text.at, line->at, w->text.len) == 0);
	line->at += n;
	line->len -= n;
}

/* Reads "{123}" or "{123+}" from behind. */
static void compare_literal(struct span line, const struct words_line *l)
{
	size_t n = line.len, end;
	bool plus, large = false;
	uint64_t size = 0;

	while (n > 0 && line.at[n - 1] == '\r')
		n--;
	if (n == 0 || line.at[--n] != '}') {
		MUST(!l->literal && !l->bad);
		return;
	}
	plus = n > 0 && line.at[n - 1] == '+';
	n -= plus;
	for (end = n; n > 0 && line.at[n - 1] >= '0' && line.at[n - 1] <= '9';)
		n--;
	if (n == end || n == 0 || line.at[n - 1] != '{') {
		MUST(!l->literal && !l->bad);
		return;
	}
	for (size_t i = n; i < end; i++)
		large |= __builtin_mul_overflow(size, 10, &size) ||
			 __builtin_add_overflow(size, line.at[i] - '0', &size) || size > INT64_MAX;
	MUST(l->literal == !large && l->bad == large);
	MUST(!l->literal || (l->plus == plus && l->size == size));
}

/* line: what came since the last LF, or the literal; its LF is still there. */
static void compare_line(struct span line, struct span left, unsigned words,
			 const struct words_line *l)
{
	size_t n = line.len - 1;

	MUST(line.at[n] == '\n');
	for (size_t i = 0; i + 1 < left.len; i++)
		MUST(is_blank(left.at[i]));
	MUST(l->words == words);
	MUST(l->bare_lf == (n == 0 || line.at[n - 1] != '\r'));
	MUST(l->too_long == (n > WORDS_TOO_MUCH));
	compare_literal((struct span){ line.at, n }, l);
}

struct reader {
	struct wordbuf w;
	struct span whole; /* the input */
	size_t start, at;  /* of the line; behind what was taken */
	struct span left;  /* of the line: what was not compared yet */
	unsigned words;
};

static void begin_line(struct reader *r, unsigned words)
{
	r->start = r->at;
	r->left = (struct span){ r->whole.at + r->at, 0 };
	r->words = words;
}

static void on_line(struct reader *r, const struct words_line *l)
{
	struct span line = { r->whole.at + r->start, r->at - r->start };

	compare_line(line, r->left, r->words, l);
	MUST(!wordbuf_partial(&r->w));
	for (size_t i = 0; i < WORD_KEPT; i++)
		MUST(r->w.buf[i] == 0);
	if (l->literal)
		wordbuf_resume(&r->w, r->words + 1);
	begin_line(r, l->literal ? r->words + 1 : 0);
}

static void feed(struct reader *r, struct span in)
{
	struct words_word word;
	struct words_line line;

	for (;;) {
		size_t before = in.len;
		enum words_piece piece = wordbuf_next(&r->w, &in, &word, &line);

		MUST(in.len <= before && r->w.have <= WORD_KEPT);
		r->at += before - in.len;
		r->left.len += before - in.len;
		switch (piece) {
		case WORDS_MORE: MUST(in.len == 0); return;
		case WORDS_WORD: compare_word(&r->left, r->words++, &word); break;
		case WORDS_LINE: on_line(r, &line); break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	size_t piece = (size_t)cur_u8(&c) + 1;
	struct reader r = { .whole = cur_rest(&c) };

	begin_line(&r, 0);
	while (r.at < r.whole.len) {
		size_t n = r.whole.len - r.at < piece ? r.whole.len - r.at : piece;
		uint8_t *copy = fuzz_copy((struct span){ r.whole.at + r.at, n });

		feed(&r, (struct span){ copy, n });
		free(copy);
	}
	wordbuf_reset(&r.w);
	for (size_t i = 0; i < WORD_KEPT; i++)
		MUST(r.w.buf[i] == 0);
	return 0;
}
