/* progress.c - one line on a terminal that says how far a long piece of work is. */
#include "reports/progress.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/deadline.h"

#define EVERY_MS        250
#define SECOND_MS       1000
#define COLUMNS_DEFAULT 80u
#define BAR_MIN         10u
#define BAR_MAX         40u
#define PART_MAX        48
#define TEXT_MAX        (PROGRESS_LINE_MAX - 4 * BAR_MAX)
#define LEFT_MAX_S      (100u * 3600) /* more says nothing to anybody */
#define ERASE           "\r\033[K"

/* Texts -------------------------------------------------------------------------------------- */

/* "640 B", "12.3 kB", "1.2 M packets" */
static void amount(double n, const char *unit, char out[PART_MAX])
{
	static const char prefixes[] = " kMGTPE";
	const char *gap = strlen(unit) > 1 ? " " : ""; /* a word, not a symbol */
	unsigned i = 0;

	for (; n >= 999.5 && prefixes[i + 1]; i++)
		n /= 1000;
	if (i == 0)
		snprintf(out, PART_MAX, "%.0f %s", n, unit);
	else
		snprintf(out, PART_MAX, n < 99.95 ? "%.1f %c%s%s" : "%.0f %c%s%s", n, prefixes[i],
			 gap, unit);
}

static bool knows_share(const struct progress_at *at)
{
	return at->bytes_all > 0 || at->things_all > 0;
}

/* Of bytes when their number is known, else of things. */
static double share(const struct progress_at *at)
{
	uint64_t done = at->bytes_all ? at->bytes : at->things;
	uint64_t all = at->bytes_all ? at->bytes_all : at->things_all;

	return done >= all ? 1 : (double)done / (double)all;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void done_text(const struct progress_at *at, char out[3 * PART_MAX])
{
	char done[PART_MAX], all[PART_MAX];

	if (at->bytes_all) {
		amount((double)at->bytes, "B", done);
		amount((double)larger(at->bytes, at->bytes_all), "B", all);
		snprintf(out, 3 * PART_MAX, "%s of %s", done, all);
	} else if (at->things_all) {
		snprintf(out, 3 * PART_MAX, "%" PRIu64 " of %" PRIu64 " %s", at->things,
			 larger(at->things, at->things_all), at->what);
	} else {
		amount((double)at->things, at->what, out);
	}
}

/* Empty when it cannot be told, or not yet. */
static void left_text(const struct progress_at *at, uint64_t elapsed_ms, char out[3 * PART_MAX])
{
	double part = knows_share(at) ? share(at) : 0, left_s;
	unsigned s;

	out[0] = '\0';
	if (part <= 0 || elapsed_ms < SECOND_MS)
		return;
	left_s = (double)elapsed_ms / SECOND_MS * (1 - part) / part;
	if (left_s > LEFT_MAX_S)
		return;
	s = (unsigned)(left_s + 0.5);
	if (s >= 3600)
		snprintf(out, 3 * PART_MAX, "%u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(out, 3 * PART_MAX, "%u:%02u left", s / 60, s % 60);
}

static void rate_text(uint64_t n, const char *unit, uint64_t elapsed_ms, char out[3 * PART_MAX])
{
	char text[PART_MAX];

	out[0] = '\0';
	if (n == 0 || elapsed_ms < EVERY_MS)
		return;
	amount((double)n * SECOND_MS / (double)elapsed_ms, unit, text);
	snprintf(out, 3 * PART_MAX, "%s/s", text);
}

/* The line ----------------------------------------------------------------------------------- */

/* Adds a part if it fits beside what is there. */
static void add(char text[TEXT_MAX], const char *part, unsigned room)
{
	size_t at = strlen(text), gap = at ? 2 : 0, len = strlen(part);

	if (len == 0 || at + gap + len > room || at + gap + len >= TEXT_MAX)
		return;
	memcpy(text + at, "  ", gap);
	memcpy(text + at + gap, part, len + 1);
}

static size_t put_cells(char *out, const char *cell, unsigned n)
{
	size_t len = strlen(cell);

	for (unsigned i = 0; i < n; i++)
		memcpy(out + i * len, cell, len);
	return n * len;
}

/* "[####------]  " into out; returns its bytes. */
static size_t put_bar(char *out, double part, unsigned width, bool utf8)
{
	unsigned full = (unsigned)(part * width);
	size_t n = 0;

	out[n++] = '[';
	n += put_cells(out + n, utf8 ? "\xe2\x96\x88" : "#", full);         /* FULL BLOCK */
	n += put_cells(out + n, utf8 ? "\xe2\x96\x91" : "-", width - full); /* LIGHT SHADE */
	memcpy(out + n, "]  ", 3);
	return n + 3;
}

/* All but the bar. */
static void put_parts(const struct progress_at *at, uint64_t elapsed_ms, unsigned room,
		      char text[TEXT_MAX])
{
	unsigned percent = knows_share(at) ? (unsigned)(share(at) * 100) : 0;
	char part[3 * PART_MAX];

	text[0] = '\0';
	if (knows_share(at)) {
		snprintf(part, sizeof(part), "%u %%", percent);
		add(text, part, room);
	}
	done_text(at, part);
	add(text, part, room);
	left_text(at, elapsed_ms, part);
	add(text, part, room);
	rate_text(at->bytes, "B", elapsed_ms, part);
	add(text, part, room);
	rate_text(at->things, at->what, elapsed_ms, part);
	add(text, part, room);
}

unsigned progress_line(const struct progress_at *at, uint64_t elapsed_ms, unsigned columns,
		       bool utf8, char out[PROGRESS_LINE_MAX])
{
	const unsigned frame = 4;                      /* of the bar: brackets and blanks */
	unsigned room = columns > 0 ? columns - 1 : 0; /* the last one may wrap */
	bool bar = knows_share(at) && room >= 2 * (BAR_MIN + frame);
	char text[TEXT_MAX];
	unsigned width;
	size_t n = 0;

	put_parts(at, elapsed_ms, bar ? room - BAR_MIN - frame : room, text);
	width = bar ? room - frame - (unsigned)strlen(text) : 0;
	if (width > BAR_MAX)
		width = BAR_MAX;
	if (bar)
		n = put_bar(out, share(at), width, utf8);
	snprintf(out + n, PROGRESS_LINE_MAX - n, "%s", text);
	return (bar ? width + frame : 0) + (unsigned)strlen(text);
}

/* The terminal ------------------------------------------------------------------------------- */

/* Of the environment, whatever the locale of the program is. */
static bool is_utf8(void)
{
	locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = l != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;

	if (l != (locale_t)0)
		freelocale(l);
	return utf8;
}

static unsigned columns_of(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
									     : COLUMNS_DEFAULT;
}

void progress_init(struct progress *p, FILE *out, bool wanted)
{
	const char *term = getenv("TERM");
	bool able = term && strcmp(term, "dumb") != 0 && isatty(fileno(out));

	*p = (struct progress){ .out = wanted && able ? out : NULL };
	if (!p->out)
		return;
	p->utf8 = is_utf8();
	p->begun_ms = (uint64_t)steady_ms();
}

void progress_show(struct progress *p, const struct progress_at *at)
{
	char line[PROGRESS_LINE_MAX];
	uint64_t now;

	if (!p->out)
		return;
	now = (uint64_t)steady_ms();
	if (p->drawn_ms && now - p->drawn_ms < EVERY_MS && !(knows_share(at) && share(at) >= 1))
		return;
	progress_line(at, now - p->begun_ms, columns_of(p->out), p->utf8, line);
	fprintf(p->out, ERASE "%s", line);
	fflush(p->out);
	p->shown = true;
	p->drawn_ms = now;
}

void progress_clear(struct progress *p)
{
	if (!p->shown)
		return;
	fputs(ERASE, p->out);
	fflush(p->out);
	p->shown = false;
}
