/* view_lines.h - what numbers from the session log are made of, for the pages that show some. */
#ifndef MAILSEAL_VIEW_LINES_H
#define MAILSEAL_VIEW_LINES_H

#include "reports/json_out.h"
#include "web/html.h"
#include "web/lines.h"

/* Sentences: which days, and what is not in the numbers. */
void view_lines_extent(struct html *h, const struct lines_extent *e);

/* The same as one key. */
void view_lines_extent_json(struct json_out *j, const struct lines_extent *e);

#endif
