/* table.c - a table for a terminal. */
#include "reports/table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2u /* blanks between columns */

struct cell {
	char *text;
	enum tone tone;
};

struct table {
	unsigned columns;
	bool right;
	size_t n, room;
	struct cell *cells;
};

struct table *table_new(unsigned columns, bool right)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t || !columns)
		abort();
	t->columns = columns;
	t->right = right;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

/* As text_safe(), line by line: LF is the one control character with a meaning here. */
static char *cell_text(const char *text)
{
	size_t room = 4 * strlen(text) + 1, at = 0;
	char *out = malloc(room);

	if (!out)
		abort();
	out[0] = '\0';
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = strndup(text, len);

		if (!line)
			abort();
		text_safe(line, false, out + at, room - at);
		free(line);
		at += strlen(out + at);
		text += len;
		if (*text) {
			out[at++] = *text++;
			out[at] = '\0';
		}
	}
	return out;
}

void table_cell(struct table *t, enum tone tone, const char *text)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cells = reallocarray(t->cells, t->room, sizeof(*t->cells));
		if (!t->cells)
			abort();
	}
	t->cells[t->n++] = (struct cell){ cell_text(text), tone };
}

/* The line'th line of a cell, and its length; "" past the last. */
static const char *cell_line(const struct cell *c, unsigned line, size_t *len)
{
	const char *p = c->text;

	while (line-- > 0) {
		p += strcspn(p, "\n");
		if (*p)
			p++;
	}
	*len = strcspn(p, "\n");
	return p;
}

static unsigned cell_height(const struct cell *c)
{
	unsigned lines = 1;

	for (const char *p = c->text; *p; p++)
		lines += *p == '\n';
	return lines;
}

static unsigned cell_width(const struct cell *c)
{
	unsigned height = cell_height(c);
	size_t widest = 0, len;

	for (unsigned i = 0; i < height; i++) {
		cell_line(c, i, &len);
		if (len > widest)
			widest = len;
	}
	return (unsigned)widest;
}

static size_t table_rows(const struct table *t)
{
	return t->n / t->columns;
}

static const struct cell *table_at(const struct table *t, size_t row, unsigned column)
{
	return &t->cells[row * t->columns + column];
}

static unsigned *column_widths(const struct table *t)
{
	unsigned *widths = calloc(t->columns, sizeof(*widths));

	if (!widths)
		abort();
	for (size_t row = 0; row < table_rows(t); row++) {
		for (unsigned i = 0; i < t->columns; i++) {
			unsigned width = cell_width(table_at(t, row, i));

			if (width > widths[i])
				widths[i] = width;
		}
	}
	return widths;
}

static unsigned row_height(const struct table *t, size_t row)
{
	unsigned height = 1;

	for (unsigned i = 0; i < t->columns; i++) {
		unsigned h = cell_height(table_at(t, row, i));

		if (h > height)
			height = h;
	}
	return height;
}

/* A part of the table: the first column and those from first to end. */
struct block {
	const struct table *t;
	const unsigned *widths;
	const struct screen *s;
	unsigned first, end;
	FILE *out;
};

static unsigned block_end(const struct block *b)
{
	unsigned width = b->widths[0], i = b->first;

	while (i < b->t->columns) {
		width += GAP + b->widths[i];
		if (width > b->s->width && i > b->first)
			break;
		i++;
	}
	return i;
}

/* Blanks are held back until something follows them, so that no line ends in blanks. */
static void put_line(const struct block *b, size_t row, unsigned line)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < b->end; i = i ? i + 1 : b->first) {
		const struct cell *c = table_at(b->t, row, i);
		size_t len;
		const char *text = cell_line(c, line, &len);
		enum tone tone = line == 0 ? c->tone : TONE_PLAIN;
		unsigned pad = b->widths[i] - (unsigned)len;
		bool right = b->t->right && i > 0;

		pending += (i ? GAP : 0) + (right ? pad : 0);
		if (len) {
			fprintf(b->out, "%*s%s%.*s%s", (int)pending, "", tone_on(b->s, tone),
				(int)len, text, tone_off(b->s, tone));
			pending = 0;
		}
		pending += right ? 0 : pad;
	}
	putc('\n', b->out);
}

static void put_rule(const struct block *b)
{
	unsigned width = b->widths[0];

	for (unsigned i = b->first; i < b->end; i++)
		width += GAP + b->widths[i];
	if (width > b->s->width)
		width = b->s->width;
	while (width-- > 0)
		fputs(b->s->utf8 ? "\xe2\x94\x80" : "-", b->out);
	putc('\n', b->out);
}

static void put_block(const struct block *b)
{
	size_t rows = table_rows(b->t);

	for (size_t row = 0; row < rows; row++) {
		unsigned height = row_height(b->t, row);

		for (unsigned line = 0; line < height; line++)
			put_line(b, row, line);
		if (row == 0)
			put_rule(b);
		else if (height > 1 && row + 1 < rows)
			putc('\n', b->out);
	}
}

void table_print(const struct table *t, const struct screen *s, FILE *out)
{
	unsigned *widths = column_widths(t);
	struct block b = { .t = t, .widths = widths, .s = s, .first = 1, .out = out };

	do {
		if (b.first > 1)
			putc('\n', out);
		b.end = block_end(&b);
		put_block(&b);
		b.first = b.end;
	} while (b.first < t->columns);
	free(widths);
}
