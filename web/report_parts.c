/* report_parts.c - what the chapters of the report share. */
#include "web/report_parts.h"

#include <stdarg.h>
#include <stdio.h>

#include "reports/matrix.h"
#include "web/page.h"

#define CAPTION_MAX 1024

static void put_heads(struct html *h, const struct column *columns, size_t n)
{
	html_put(h, "<thead><tr>");
	html_element(h, "th scope=\"col\"", T_R_LINE, NULL);
	for (size_t i = 0; i < n; i++)
		html_element(
			h, columns[i].number ? "th scope=\"col\" class=\"n\"" : "th scope=\"col\"",
			columns[i].head, NULL);
	html_put(h, "</tr></thead>\n<tbody>\n");
}

const char *sheet_classes(bool dense, size_t rows)
{
	if (rows <= ROWS_KEPT)
		return dense ? "wide dense keep" : "wide keep";
	return dense ? "wide dense" : "wide";
}

void sheet_table(struct sheet *s, const char *classes, const struct column *columns, size_t n,
		 enum text caption, ...)
{
	const char *fillers[4] = { "", "", "", "" };
	char letter[2] = { ++s->letter, '\0' };
	char text[CAPTION_MAX];
	va_list args;

	va_start(args, caption);
	for (size_t i = 0; i < 4; i++) {
		const char *next = va_arg(args, const char *);

		if (!next)
			break;
		fillers[i] = next;
	}
	va_end(args);
	text_fill(text, sizeof(text), caption, fillers[0], fillers[1], fillers[2], fillers[3],
		  NULL);
	s->line = 0;
	html_put(&s->h, "<table class=\"%s\">\n<caption>", classes);
	html_element(&s->h, "strong", T_R_TABLE, letter, NULL);
	html_put(&s->h, "%s</caption>\n", text);
	put_heads(&s->h, columns, n);
}

void sheet_table_end(struct sheet *s)
{
	html_put(&s->h, "</tbody></table>\n");
}

void sheet_line(const struct sheet *s, char name[SHEET_LINE_MAX])
{
	snprintf(name, SHEET_LINE_MAX, "%c%u", s->letter, s->line);
}

void sheet_row(struct sheet *s, bool total)
{
	char name[SHEET_LINE_MAX];

	s->line++;
	sheet_line(s, name);
	html_put(&s->h, total ? "<tr class=\"total\">" : "<tr>");
	html_put(&s->h, "<td class=\"ref\">%s</td>", name);
}

void sheet_head(struct sheet *s, const char *text)
{
	html_put(&s->h, "<th scope=\"row\">%s</th>", text);
}

void sheet_number(struct sheet *s, uint64_t n)
{
	char text[NUMBER_TEXT_MAX];

	number_text(n, text);
	html_put(&s->h, "<td class=\"n\">%s</td>", text);
}

void sheet_text(struct sheet *s, const char *text)
{
	html_put(&s->h, "<td>%s</td>", text);
}

void sheet_time(struct sheet *s, int64_t seconds)
{
	char text[LOCAL_TEXT_MAX];

	local_text(seconds, text);
	html_put(&s->h, "<td class=\"nowrap\">%s</td>", text);
}

void sheet_withheld(struct sheet *s, unsigned columns)
{
	char few[16];

	snprintf(few, sizeof(few), "%u", s->r->min_sessions);
	html_put(&s->h, "<td class=\"withheld\" colspan=\"%u\">", columns);
	html_put(&s->h, "&lt;%u \xe2\x80\x93 ", s->r->min_sessions);
	html_say(&s->h, T_R_WITHHELD, few, NULL);
	html_put(&s->h, "</td>");
}

void sheet_share(struct sheet *s, const struct counts *c, uint64_t lost)
{
	struct ratio r = counts_ratio(c, lost);
	char share[16], bounds[32], coverage[16];

	ratio_text(&r, share, sizeof(share));
	bounds_text(&r, bounds, sizeof(bounds));
	coverage_text(&r, coverage, sizeof(coverage));
	html_put(&s->h, "<td class=\"n\"><span class=\"sign\">%s</span>%s</td>",
		 seal_sign(seal_of(&r)), r.known ? share : "");
	html_put(&s->h, "<td class=\"n\">%s</td>", bounds);
	sheet_number(s, counts_sessions(c));
	sheet_number(s, r.encrypted);
	sheet_number(s, r.plaintext);
	sheet_number(s, r.unknown);
	html_put(&s->h, "<td class=\"n\">%s</td>", coverage);
}

void sheet_month(struct month m, char out[MONTH_WORDS_MAX])
{
	snprintf(out, MONTH_WORDS_MAX, "%s %d",
		 text_of((enum text)((int)T_R_JANUARY + m.number - 1)), m.year);
}

void sheet_percent(int64_t part, int64_t whole, char out[16])
{
	if (whole <= 0)
		snprintf(out, 16, "-");
	else
		percent_text((uint64_t)(part < whole ? part : whole), (uint64_t)whole, false, out,
			     16);
}
