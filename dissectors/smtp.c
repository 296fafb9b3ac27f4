#include "dissectors/smtp.h"

#include <string.h>

#include "dissectors/smtp_state.h"
#include "dissectors/smtp_words.h"
#include "dissectors/starttls.h"

void smtp_init(struct smtp *s, bool from_the_start)
{
	memset(s, 0, sizeof(*s));
	s->lost[CLIENT] = s->lost[SERVER] = !from_the_start;
}

/* Commands and answers ------------------------------------------------------------------------ */

void smtp_push(struct smtp *s, struct facts *f, enum smtp_command c)
{
	s->overtaken = s->code != 0;
	pending_drop(&s->queue, s->lost[CLIENT] ? s->queue.runs : s->queue.stale);
	if (!pending_push(&s->queue, c)) {
		facts_oddity(f, ODDITY_TOO_MANY_COMMANDS);
		s->lost[SERVER] = true; /* replies can no longer be counted off */
	}
}

enum smtp_command smtp_take(struct smtp *s, unsigned code)
{
	unsigned last = s->queue.stale ? s->queue.stale : s->queue.runs > 0;

	for (unsigned place = 0; place < last; place++) {
		enum smtp_command c = (enum smtp_command)pending_at(&s->queue, place);

		if (smtp_plausible(c, code)) {
			pending_drop(&s->queue, place);
			pending_pop(&s->queue);
			return c;
		}
	}
	return SMTP_COMMANDS;
}

/* Steps of both halves ------------------------------------------------------------------------- */

void smtp_begin_body(struct smtp *s, enum smtp_body body)
{
	s->mode = SMTP_MODE_BODY;
	s->dot = DOT_LINE_START;
	s->body_seen = false;
	s->body = (uint8_t)body;
	linebuf_reset(&s->line[CLIENT]);
}

bool smtp_waits(const struct smtp *s, const struct facts *f)
{
	if (s->mode != SMTP_MODE_COMMAND)
		return false;
	if (!f->visible[SERVER])
		return starttls_in_flight(f);
	return pending_newest(&s->queue) == SMTP_DATA ||
	       (pending_newest(&s->queue) == SMTP_STARTTLS && f->answer_pending);
}

void smtp_presume(struct smtp *s)
{
	if (pending_newest(&s->queue) == SMTP_DATA)
		smtp_begin_body(s, SMTP_BODY_PRESUMED);
}

/* Gaps ---------------------------------------------------------------------------------------- */

static void client_gap(struct smtp *s, uint64_t n)
{
	linebuf_reset(&s->line[CLIENT]);
	s->auth_dialogue = false; /* its line may have been in the gap */
	switch ((enum smtp_mode)s->mode) {
	case SMTP_MODE_CHUNK:
		if (n <= s->chunk_left) { /* inside the chunk: its size still holds */
			s->chunk_left -= n;
			if (s->chunk_left == 0)
				s->mode = SMTP_MODE_COMMAND;
			return;
		}
		s->mode = SMTP_MODE_COMMAND;
		break;
	case SMTP_MODE_BODY: s->dot = DOT_LINE_START; break;
	case SMTP_MODE_COMMAND: smtp_presume(s); break;
	}
	if (s->lost[CLIENT]) /* what came before was not the last line */
		pending_drop(&s->queue, s->queue.runs);
	s->lost[CLIENT] = true;
}

void smtp_gap(struct smtp *s, struct facts *f, enum side from, uint64_t n)
{
	facts_gap_in_clear(f, from);
	if (from == CLIENT) {
		client_gap(s, n);
		return;
	}
	s->lost[SERVER] = true;
	s->chunk_in_doubt |= !s->body_seen;
	s->doubted = 0;
	s->queue.stale = s->queue.runs;
	s->code = 0;
	s->listing = false;
	linebuf_reset(&s->line[SERVER]);
}

bool smtp_at_line_start(const struct smtp *s, enum side from)
{
	if (linebuf_partial(&s->line[from]))
		return false;
	return from == SERVER || s->mode == SMTP_MODE_COMMAND;
}
