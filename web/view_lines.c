/* view_lines.c - what numbers from the session log are made of. */
#include "web/view_lines.h"

#include <stdio.h>

#include "reports/period.h"
#include "web/page.h"

/* A sentence with a number, when there is something to tell. */
static void put_if_any(struct html *h, enum text t, uint64_t n)
{
	char text[NUMBER_TEXT_MAX];

	if (n == 0)
		return;
	number_text(n, text);
	html_element(h, "p class=\"aside\"", t, text, NULL);
}

static void put_reading(struct html *h, const struct lines_extent *e)
{
	char mib[NUMBER_TEXT_MAX], amount[NUMBER_TEXT_MAX + 16];

	if (e->unread_bytes == 0) {
		html_element(h, "p role=\"status\"", T_LINES_NOT_YET, NULL);
		return;
	}
	number_text((e->unread_bytes + (1u << 20) - 1) >> 20, mib);
	text_fill(amount, sizeof(amount), T_MIB, mib, NULL);
	html_element(h, "p role=\"status\"", T_LINES_READING, amount, NULL);
}

void view_lines_extent(struct html *h, const struct lines_extent *e)
{
	char last[UTC_TEXT_MAX], lines[NUMBER_TEXT_MAX];

	utc_text(e->last, UTC_SHORT, last);
	number_text(e->lines, lines);
	if (!e->complete && e->unreadable == 0)
		put_reading(h, e);
	if (e->last > 0)
		html_element(h, "p", T_LINES_OF, e->first_day, last, lines, NULL);
	else if (e->complete && e->lines == 0)
		html_element(h, "p", T_LINES_NONE, NULL);
	put_if_any(h, T_LINES_BAD, e->bad);
	put_if_any(h, T_LINES_OVERFLOW, e->overflow);
	put_if_any(h, T_LINES_UNREADABLE, e->unreadable);
	put_if_any(h, T_LINES_FORGOTTEN, e->forgotten);
}

void view_lines_extent_json(struct json_out *j, const struct lines_extent *e)
{
	char last[UTC_TEXT_MAX];

	utc_text(e->last, UTC_ISO, last);
	json_object(j, "session_records");
	json_bool(j, "complete", e->complete);
	json_text(j, "first_day", e->first_day[0] ? e->first_day : NULL);
	json_text(j, "last", e->last > 0 ? last : NULL);
	json_uint(j, "lines", e->lines);
	json_uint(j, "no_records", e->bad);
	json_uint(j, "overflow", e->overflow);
	json_uint(j, "unread_bytes", e->unread_bytes);
	json_uint(j, "unreadable_days", e->unreadable);
	json_uint(j, "forgotten_days", e->forgotten);
	json_object_end(j);
}
