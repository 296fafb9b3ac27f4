#include "dissectors/pop3.h"

#include <string.h>

#include "dissectors/pop3_state.h"
#include "dissectors/starttls.h"

void pop3_init(struct pop3 *s, bool from_the_start)
{
	memset(s, 0, sizeof(*s));
	s->lost[CLIENT] = s->lost[SERVER] = !from_the_start;
}

void pop3_push(struct pop3 *s, struct facts *f, enum pop3_command c)
{
	bool pipelined = s->queue.runs > s->queue.stale;

	if (s->multiline && s->multi_torn) /* the client had it all: the dot was in the gap */
		s->multiline = false;
	if (s->lost[CLIENT] && pipelined)
		c = POP3_OTHER;
	pending_drop(&s->queue, s->lost[CLIENT] ? s->queue.runs : s->queue.stale);
	if (!pending_push(&s->queue, c)) {
		facts_oddity(f, ODDITY_TOO_MANY_COMMANDS);
		s->lost[SERVER] = true; /* replies can no longer be counted off */
	}
}

bool pop3_waits(const struct pop3 *s, const struct facts *f)
{
	if (!f->visible[SERVER])
		return starttls_in_flight(f);
	return f->answer_pending && pending_newest(&s->queue) == POP3_STLS;
}

/* No command of POP3 changes what the client's next bytes are. */
void pop3_presume(struct pop3 *s, struct facts *f)
{
	(void)s;
	(void)f;
}

void pop3_gap(struct pop3 *s, struct facts *f, enum side from, uint64_t n)
{
	(void)n;
	facts_gap_in_clear(f, from);
	linebuf_reset(&s->line[from]);
	s->lost[from] = true;
	if (from == CLIENT) {
		s->auth_dialogue = false; /* its line may have been in the gap */
		pending_drop(&s->queue, s->queue.runs);
		return;
	}
	s->queue.stale = s->queue.runs;
	s->multi_torn = s->multiline;
}

bool pop3_at_line_start(const struct pop3 *s, enum side from)
{
	return !linebuf_partial(&s->line[from]) &&
	       (from == CLIENT || !s->multiline || s->multi_torn);
}
