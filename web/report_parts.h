/* report_parts.h - what the chapters of the report share: lettered tables and their cells. */
#ifndef MAILSEAL_REPORT_PARTS_H
#define MAILSEAL_REPORT_PARTS_H

#include "reports/report.h"
#include "web/html.h"

/* A document under way. */
struct sheet {
	struct html h;
	const struct report *r;
	char letter;   /* of the table; 'A' - 1 before the first */
	unsigned line; /* of the table */
};

/* A column: its heading, and whether it holds numbers. */
struct column {
	enum text head;
	bool number;
};

#define ROWS_KEPT 24u /* a table of so few lines is kept on one page: it is half of one */
/* The classes of a table of so many rows. */
const char *sheet_classes(bool dense, size_t rows);

/* Begins a table: up to the body. The first column, which names the line, comes by itself. The rest
 * is for the sentence of the caption, as in html_say(). */
__attribute__((sentinel)) void sheet_table(struct sheet *s, const char *classes,
					   const struct column *columns, size_t n,
					   enum text caption, ...);
void sheet_table_end(struct sheet *s);

/* Begins a row with its line, "B7", which is also in name. The caller ends it: </tr>. */
#define SHEET_LINE_MAX 16
void sheet_row(struct sheet *s, bool total);
void sheet_line(const struct sheet *s, char name[SHEET_LINE_MAX]);

/* Cells. */
void sheet_head(struct sheet *s, const char *text); /* names the row */
void sheet_number(struct sheet *s, uint64_t n);
void sheet_text(struct sheet *s, const char *text);
void sheet_time(struct sheet *s, int64_t seconds);
void sheet_withheld(struct sheet *s, unsigned columns); /* instead of so many cells */

/* Sealed, bounds, sessions, encrypted, in clear, undecided, coverage: these seven columns. */
#define SHARE_COLUMNS                                                                     \
	{ T_SHARE, true }, { T_R_COL_BOUNDS, true }, { T_COL_SESSIONS, true },            \
		{ T_R_ENCRYPTED, true }, { T_R_IN_CLEAR, true }, { T_R_UNDECIDED, true }, \
	{                                                                                 \
		T_R_COVERAGE, true                                                        \
	}
#define SHARE_CELLS 7
void sheet_share(struct sheet *s, const struct counts *c, uint64_t lost);

/* "October 2026" */
#define MONTH_WORDS_MAX 40
void sheet_month(struct month m, char out[MONTH_WORDS_MAX]);

/* "99.87", or "-" of nothing */
void sheet_percent(int64_t part, int64_t whole, char out[16]);

/* The chapters. */
void report_chapter_pairs(struct sheet *s);
void report_chapter_history(struct sheet *s);
void report_chapter_incidents(struct sheet *s);
void report_chapter_users(struct sheet *s);
void report_chapter_world(struct sheet *s);
void report_chapter_unseen(struct sheet *s);

#endif
