#include "dissectors/smtp.h"

#include <string.h>

#include "dissectors/smtp_state.h"
#include "dissectors/smtp_words.h"

void smtp_init(struct smtp *s, bool from_the_start)
{
	memset(s, 0, sizeof(*s));
	s->upgrade = UPG_PLAIN;
	s->lost[CLIENT] = s->lost[SERVER] = !from_the_start;
}

/* The queue ---------------------------------------------------------------------------------- */

static struct smtp_run *run_at(struct smtp *s, unsigned i)
{
	return &s->queue[(s->head + i) % SMTP_QUEUE];
}

enum smtp_command smtp_newest(const struct smtp *s)
{
	if (s->runs == 0)
		return SMTP_COMMANDS;
	return (enum smtp_command)s->queue[(s->head + s->runs - 1u) % SMTP_QUEUE].command;
}

void smtp_drop(struct smtp *s, unsigned n)
{
	s->head = (uint8_t)((s->head + n) % SMTP_QUEUE);
	s->runs = (uint8_t)(s->runs - n);
	s->stale = n < s->stale ? (uint8_t)(s->stale - n) : 0;
}

void smtp_push(struct smtp *s, struct facts *f, enum smtp_command c)
{
	struct smtp_run *last;

	s->overtaken = s->code != 0;
	smtp_drop(s, s->lost[CLIENT] ? s->runs : s->stale);
	last = s->runs ? run_at(s, s->runs - 1u) : NULL;
	if (last && last->command == c && last->times < UINT16_MAX) {
		last->times++;
		return;
	}
	if (s->runs == SMTP_QUEUE) {
		facts_oddity(f, ODDITY_TOO_MANY_COMMANDS);
		s->lost[SERVER] = true; /* replies can no longer be counted off */
		smtp_drop(s, 1);
	}
	*run_at(s, s->runs) = (struct smtp_run){ (uint8_t)c, 1 };
	s->runs++;
}

void smtp_pop(struct smtp *s)
{
	if (--s->queue[s->head].times > 0)
		return;
	smtp_drop(s, 1);
}

enum smtp_command smtp_take(struct smtp *s, unsigned code)
{
	unsigned last = s->stale ? s->stale : s->runs > 0;

	for (unsigned run = 0; run < last; run++) {
		enum smtp_command c = (enum smtp_command)run_at(s, run)->command;

		if (smtp_plausible(c, code)) {
			smtp_drop(s, run);
			smtp_pop(s);
			return c;
		}
	}
	return SMTP_COMMANDS;
}

/* Steps of both halves ------------------------------------------------------------------------- */

void smtp_begin_body(struct smtp *s, bool trusted)
{
	s->mode = SMTP_MODE_BODY;
	s->dot = DOT_LINE_START;
	s->body_seen = false;
	s->body_trusted = trusted;
	linebuf_reset(&s->line[CLIENT]);
}

void smtp_ask_for_tls(struct smtp *s, struct facts *f)
{
	f->s.requested = TRI_TRUE;
	f->s.accepted = TRI_NULL;
	f->answer_pending = true;
	f->granted = false;
	if (!upg_step(&s->upgrade, EV_ASK))
		facts_oddity(f, ODDITY_UNEXPECTED_UPGRADE);
}

void smtp_greeted(struct smtp *s, struct facts *f)
{
	f->greeted = true;
	f->perhaps_greeted = false;
	s->lost[SERVER] = s->lost[SERVER] && f->clear_gap[SERVER];
	s->lost[CLIENT] = s->lost[CLIENT] && f->clear_gap[CLIENT];
}

void smtp_note_clear(struct smtp *s, struct facts *f)
{
	if (!f->granted || !f->visible[CLIENT])
		return;
	facts_oddity(f, ODDITY_CLEAR_AFTER_UPGRADE);
	f->upgrade_broken = true;
	upg_step(&s->upgrade, EV_CLEAR);
}

bool smtp_waits(const struct smtp *s, const struct facts *f)
{
	if (s->mode != SMTP_MODE_COMMAND || !f->visible[SERVER])
		return false;
	return smtp_newest(s) == SMTP_DATA ||
	       (smtp_newest(s) == SMTP_STARTTLS && f->answer_pending);
}

void smtp_presume(struct smtp *s)
{
	if (smtp_newest(s) == SMTP_DATA)
		smtp_begin_body(s, false);
}

/* Gaps ---------------------------------------------------------------------------------------- */

static void client_gap(struct smtp *s, uint64_t n)
{
	linebuf_reset(&s->line[CLIENT]);
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
		smtp_drop(s, s->runs);
	s->lost[CLIENT] = true;
}

void smtp_gap(struct smtp *s, struct facts *f, enum side from, uint64_t n)
{
	facts_evidence(f, WORD_GAP);
	f->clear_gap[from] = true;
	if (f->s.accepted == TRI_FALSE) /* it may have been asked again, and granted */
		f->s.accepted = TRI_NULL;
	if (from == CLIENT) {
		client_gap(s, n);
		return;
	}
	s->lost[SERVER] = true;
	s->chunk_in_doubt |= !s->body_seen;
	s->doubted = 0;
	s->stale = s->runs;
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
