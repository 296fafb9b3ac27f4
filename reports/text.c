/* text.c - words for a terminal. */
#include "reports/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80u
#define WIDTH_MIN     40u
#define WIDTH_MAX     500u

static unsigned screen_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	unsigned long width = WIDTH_DEFAULT;

	if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	else if (columns && columns[0] >= '1' && columns[0] <= '9')
		width = strtoul(columns, NULL, 10);
	if (width < WIDTH_MIN)
		return WIDTH_MIN;
	return width > WIDTH_MAX ? WIDTH_MAX : (unsigned)width;
}

struct screen screen_of(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	int fd = fileno(out);
	struct screen s = { .width = screen_width(fd) };

	s.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	s.colour = isatty(fd) && !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
	return s;
}

const char *tone_on(const struct screen *s, enum tone t)
{
	static const char *const on[TONE_N] = {
		[TONE_PLAIN] = "",         [TONE_STRONG] = "\033[1m", [TONE_GOOD] = "\033[32m",
		[TONE_BAD] = "\033[1;31m", [TONE_WARN] = "\033[33m",  [TONE_FAINT] = "\033[2m",
	};

	return s->colour ? on[t] : "";
}

const char *tone_off(const struct screen *s, enum tone t)
{
	return s->colour && t != TONE_PLAIN ? "\033[0m" : "";
}

size_t text_utf8(const char *text, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0xffu >> (len + 1));

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return len;
}

/* Characters that show as themselves, and leave the order of the others alone. */
static bool printable(uint32_t c)
{
	return c >= 0xa0 && c != 0xad && c != 0x61c && !(c >= 0x200b && c <= 0x200f) &&
	       !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) &&
	       !(c >= 0xe000 && c <= 0xf8ff) && c != 0xfeff && !(c >= 0xfff0 && c <= 0xffff) &&
	       c < 0xe0000;
}

static size_t safe_length(const char *p, bool utf8)
{
	uint32_t c;
	size_t len;

	if (*p >= 0x20 && *p < 0x7f)
		return 1;
	len = utf8 ? text_utf8(p, &c) : 0;
	return len && printable(c) ? len : 0;
}

void text_safe(const char *in, bool utf8, char *out, size_t outlen)
{
	size_t at = 0;

	while (*in) {
		size_t len = safe_length(in, utf8), need = len ? len : 4;

		if (at + need + 1 > outlen)
			break;
		if (len)
			memcpy(out + at, in, len);
		else
			snprintf(out + at, 5, "\\x%02x", (unsigned char)*in);
		at += need;
		in += len ? len : 1;
	}
	if (outlen)
		out[at] = '\0';
}

static void wrap(FILE *out, unsigned width, unsigned indent, size_t column, const char *text)
{
	bool first = true;

	while (*(text += strspn(text, " "))) {
		size_t word = strcspn(text, " ");

		if (!first && column + 1 + word > width) {
			column = (size_t)fprintf(out, "\n%*s", (int)indent, "") - 1;
			first = true;
		}
		column += (size_t)fprintf(out, "%s%.*s", first ? "" : " ", (int)word, text);
		first = false;
		text += word;
	}
	putc('\n', out);
}

void text_wrap(FILE *out, unsigned width, unsigned indent, const char *head, const char *text)
{
	wrap(out, width, indent, (size_t)fprintf(out, "%-*s", (int)indent, head), text);
}

void text_wrap_at(FILE *out, unsigned width, unsigned indent, const char *text)
{
	wrap(out, width, indent, indent, text);
}

void text_count(uint64_t n, const char *one, const char *many, char *out, size_t outlen)
{
	snprintf(out, outlen, "%" PRIu64 " %s", n, n == 1 ? one : many);
}
