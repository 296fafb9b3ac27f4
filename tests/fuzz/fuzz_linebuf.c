/* Lines come out the same however the bytes are cut. Input: size of the pieces, bytes. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/linebuf.h"

/* What linebuf.h says of a line of n bytes without its LF. */
static void compare(const struct line *l, const uint8_t *at, size_t n)
{
	size_t text = n < LINE_KEPT ? n : LINE_KEPT;

	while (text > 0 && at[text - 1] == '\r')
		text--;
	MUST(l->text.len == text);
	MUST(text == 0 || memcmp(l->text.at, at, text) == 0);
	MUST(l->cut == (n > LINE_KEPT));
	MUST(l->too_long == (n > LINE_LONG));
	MUST(l->bare_lf == (n == 0 || at[n - 1] != '\r'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	size_t piece = (size_t)cur_u8(&c) + 1;
	struct span in = cur_rest(&c);
	struct linebuf b = { 0 };
	size_t start = 0, at = 0;

	while (at < in.len) {
		size_t n = in.len - at < piece ? in.len - at : piece;
		uint8_t *copy = fuzz_copy((struct span){ in.at + at, n });
		struct line l;
		bool complete;
		size_t taken = linebuf_feed(&b, copy, n, &l, &complete);

		MUST(taken > 0 && taken <= n);
		at += taken;
		MUST(complete == (in.at[at - 1] == '\n'));
		MUST(complete || taken == n);
		if (complete) {
			compare(&l, in.at + start, at - start - 1);
			linebuf_reset(&b);
			start = at;
		}
		MUST(linebuf_partial(&b) == (at > start));
		free(copy);
	}
	return 0;
}
