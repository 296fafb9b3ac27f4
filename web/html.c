/* html.c - writes HTML to a stream. */
#include "web/html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "reports/text.h"

#define PIECE_MAX 256 /* of text, escaped at a time */

static void put_escaped(FILE *out, const char *safe, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (safe[i]) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\'': fputs("&#39;", out); break;
		default: putc(safe[i], out);
		}
	}
}

/* How much of a text to take at a time: up to PIECE_MAX bytes, no character cut. */
static size_t piece_of(const char *text)
{
	size_t len = strnlen(text, PIECE_MAX), cut = len;

	if (!text[len])
		return len;
	while (cut > len - 4 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

void html_text(struct html *h, const char *text)
{
	char piece[PIECE_MAX + 1], safe[4 * PIECE_MAX + 1];

	while (*text) {
		size_t len = piece_of(text);

		memcpy(piece, text, len);
		piece[len] = '\0';
		text_safe(piece, true, safe, sizeof(safe));
		put_escaped(h->out, safe, strlen(safe));
		text += len;
	}
}

/* The argument behind a percent sign; returns what follows it. */
static const char *put_argument(struct html *h, const char *at, va_list *args)
{
	switch (*at) {
	case 's': html_text(h, va_arg(*args, const char *)); return at + 1;
	case 'u': fprintf(h->out, "%u", va_arg(*args, unsigned)); return at + 1;
	case '%': putc('%', h->out); return at + 1;
	case 'l':
		if (at[1] == 'u')
			fprintf(h->out, "%" PRIu64, va_arg(*args, uint64_t));
		else
			fprintf(h->out, "%" PRId64, va_arg(*args, int64_t));
		return at + 2;
	default: assert(0 && "a conversion that html_put() does not know"); return at;
	}
}

void html_put(struct html *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		size_t plain = strcspn(format, "%");

		fwrite(format, 1, plain, h->out);
		format += plain;
		if (*format)
			format = put_argument(h, format + 1, &args);
	}
	va_end(args);
}

#define FILLERS_MAX 9

static void fill(struct html *h, const char *sentence, va_list *args)
{
	const char *fillers[FILLERS_MAX];
	size_t n = 0;

	while (n < FILLERS_MAX && (fillers[n] = va_arg(*args, const char *)) != NULL)
		n++;
	while (*sentence) {
		size_t plain = strcspn(sentence, "{");

		put_escaped(h->out, sentence, plain);
		sentence += plain;
		if (!*sentence)
			break;
		assert(sentence[1] >= '1' && (size_t)(sentence[1] - '0') <= n &&
		       sentence[2] == '}');
		html_text(h, fillers[sentence[1] - '1']);
		sentence += 3;
	}
}

void html_say(struct html *h, enum text t, ...)
{
	va_list args;

	va_start(args, t);
	fill(h, text_of(t), &args);
	va_end(args);
}

void html_element(struct html *h, const char *tag, enum text t, ...)
{
	va_list args;

	fprintf(h->out, "<%s>", tag);
	va_start(args, t);
	fill(h, text_of(t), &args);
	va_end(args);
	fprintf(h->out, "</%.*s>", (int)strcspn(tag, " "), tag);
}
