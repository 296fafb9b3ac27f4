/* delivery_show.c - what targets were told, for people and for programs. */
#include "reports/delivery_show.h"

#include <stdlib.h>

#include "reports/period.h"
#include "reports/table.h"

void delivery_rows_fini(struct delivery_rows *rows)
{
	free(rows->list);
	*rows = (struct delivery_rows){ 0 };
}

bool delivery_rows_add(void *to, const struct delivery_row *row)
{
	struct delivery_rows *rows = to;

	if (rows->n == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 16;
		rows->list = reallocarray(rows->list, rows->room, sizeof(*rows->list));
		if (!rows->list)
			abort();
	}
	rows->list[rows->n++] = *row;
	return true;
}

static enum tone state_tone(enum delivery_state s)
{
	switch (s) {
	case DELIVERY_SENT: return TONE_GOOD;
	case DELIVERY_REFUSED:
	case DELIVERY_GIVEN_UP: return TONE_BAD;
	case DELIVERY_WAITING: return TONE_WARN;
	case DELIVERY_SILENCED:
	case DELIVERY_STATES: break;
	}
	return TONE_FAINT;
}

static void time_cell(struct table *t, int64_t seconds)
{
	char text[UTC_TEXT_MAX] = "-";

	if (seconds > 0)
		utc_text(seconds, UTC_SECONDS, text);
	table_cell(t, TONE_PLAIN, text);
}

/* The answer, what it waits for, and what came of sending it again. */
static void answer_cell(struct table *t, const struct delivery_row *r)
{
	char text[2 * SINK_ANSWER_MAX + 128];
	int n = snprintf(text, sizeof(text), "%s%s%s", r->answer,
			 r->answer[0] && r->held ? "; " : "",
			 r->held ? "waits for the end of maintenance" : "");

	if (r->repeats > 0 && r->repeat_state < DELIVERY_STATES)
		snprintf(text + n, sizeof(text) - (size_t)n, "%srepeated %u time%s, last %s: %s",
			 n > 0 ? "; " : "", r->repeats, r->repeats == 1 ? "" : "s",
			 delivery_state_name(r->repeat_state), r->repeat_answer);
	table_cell(t, TONE_PLAIN, text[0] ? text : "-");
}

static void put_row(struct table *t, const struct delivery_row *r)
{
	char text[16];

	table_cell(t, TONE_STRONG, incident_event_name(r->event));
	table_cell(t, TONE_PLAIN, r->target);
	table_cell(t, state_tone(r->state), delivery_state_name(r->state));
	snprintf(text, sizeof(text), "%u", r->attempts);
	table_cell(t, TONE_PLAIN, text);
	time_cell(t, r->repeated ? r->repeated : r->tried);
	answer_cell(t, r);
}

void delivery_table(FILE *out, const struct screen *s, const struct delivery_rows *rows)
{
	static const char *const headings[] = { "event",    "target",         "state",
						"attempts", "last try (UTC)", "answer" };
	struct table *t = table_new(sizeof(headings) / sizeof(headings[0]), false);

	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(t, TONE_STRONG, headings[i]);
	for (size_t i = 0; i < rows->n; i++)
		put_row(t, &rows->list[i]);
	table_print(t, s, out);
	table_free(t);
}

static void json_time(struct json_out *j, const char *key, int64_t seconds)
{
	char text[UTC_TEXT_MAX];

	utc_text(seconds, UTC_ISO, text);
	json_text(j, key, seconds > 0 ? text : NULL);
}

void delivery_json(struct json_out *j, const struct delivery_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct delivery_row *r = &rows->list[i];

		json_object(j, NULL);
		json_text(j, "event", incident_event_name(r->event));
		json_time(j, "at", r->at);
		json_text(j, "target", r->target);
		json_text(j, "state", delivery_state_name(r->state));
		json_uint(j, "attempts", r->attempts);
		json_time(j, "tried", r->tried);
		json_time(j, "next", r->next);
		json_time(j, "repeated", r->repeated);
		json_uint(j, "repeats", r->repeats);
		json_text(j, "repeat_state", delivery_state_name(r->repeat_state));
		json_text(j, "repeat_answer", r->repeat_answer[0] ? r->repeat_answer : NULL);
		json_bool(j, "held", r->held);
		json_text(j, "answer", r->answer[0] ? r->answer : NULL);
		json_object_end(j);
	}
}
