#include "dissectors/linebuf.h"

#include <string.h>

void linebuf_reset(struct linebuf *b)
{
	memset(b->buf, 0, b->dirty);
	b->length = 0;
	b->kept = b->dirty = 0;
	b->last = 0;
}

static void keep(struct linebuf *b, const uint8_t *data, size_t n)
{
	size_t room = LINE_KEPT - b->kept;
	size_t copy = n < room ? n : room;

	if (n == 0)
		return;
	memcpy(b->buf + b->kept, data, copy);
	b->kept = b->dirty = (uint8_t)(b->kept + copy);
	b->last = data[n - 1];
	b->length = n > UINT32_MAX - b->length ? UINT32_MAX : b->length + (uint32_t)n;
}

static struct span without_cr(struct span s)
{
	while (s.len > 0 && s.at[s.len - 1] == '\r')
		s.len--;
	return s;
}

size_t linebuf_feed(struct linebuf *b, const uint8_t *data, size_t n, struct line *out,
		    bool *complete)
{
	const uint8_t *lf = n ? memchr(data, '\n', n) : NULL;
	size_t body = lf ? (size_t)(lf - data) : n;
	bool whole = lf && b->length == 0;
	struct span text;
	uint32_t length;

	*complete = lf != NULL;
	if (!whole)
		keep(b, data, body);
	if (!lf)
		return n;
	length = whole ? (uint32_t)(body < UINT32_MAX ? body : UINT32_MAX) : b->length;
	text = whole ? (struct span){ data, body < LINE_KEPT ? body : LINE_KEPT }
		     : (struct span){ b->buf, b->kept };
	out->bare_lf = length == 0 || (whole ? data[body - 1] : b->last) != '\r';
	out->cut = length > LINE_KEPT;
	out->too_long = length > LINE_LONG;
	out->text = without_cr(text);
	b->length = 0;
	b->kept = 0;
	return body + 1;
}
