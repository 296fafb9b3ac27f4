#include "dissectors/imap.h"

#include <string.h>

#include "dissectors/imap_state.h"
#include "dissectors/starttls.h"
#include "dissectors/tls_record.h"

void imap_init(struct imap *s, bool from_the_start)
{
	memset(s, 0, sizeof(*s));
	s->lost[CLIENT] = s->lost[SERVER] = !from_the_start;
}

/* Commands and answers ------------------------------------------------------------------------ */

static void forget(struct imap *s, unsigned place)
{
	memmove(s->queue + place, s->queue + place + 1,
		(s->queued - place - 1u) * sizeof(s->queue[0]));
	s->queued--;
}

enum imap_command imap_newest(const struct imap *s)
{
	return s->queued ? (enum imap_command)s->queue[s->queued - 1].command : IMAP_COMMANDS;
}

static void forget_tag(struct imap *s, uint32_t tag)
{
	for (unsigned i = s->queued; i-- > 0;) {
		if (s->queue[i].tag == tag)
			forget(s, i);
	}
}

/* A line behind a gap may be part of a message. Behind another gap its tag may be that of a command
 * which was not seen. */
static void forget_unsure(struct imap *s)
{
	for (unsigned i = s->queued; i-- > 0;) {
		if (!s->queue[i].sure)
			forget(s, i);
	}
}

void imap_push(struct imap *s, struct facts *f)
{
	if (s->stale || s->lost[CLIENT])
		forget_tag(s, s->request.tag);
	s->stale = s->stale && s->queued > 0;
	s->same_tags |= s->last_tag == s->request.tag;
	s->last_tag = s->request.tag;
	if (s->queued == IMAP_QUEUE) {
		facts_oddity(f, ODDITY_TOO_MANY_COMMANDS);
		forget(s, 0);
	}
	s->queue[s->queued++] = (struct imap_pending){
		.tag = s->request.tag,
		.command = s->request.command,
		.sure = !s->lost[CLIENT],
	};
	s->request.pushed = true;
}

bool imap_take(struct imap *s, uint32_t tag, struct imap_pending *out)
{
	unsigned found = 0, first = 0;

	for (unsigned i = 0; i < s->queued; i++) {
		if (s->queue[i].tag != tag)
			continue;
		if (found++ == 0)
			first = i;
	}
	if (found == 0)
		return false;
	*out = s->queue[first];
	forget(s, first);
	return !s->stale || (found == 1 && !s->same_tags);
}

/* Steps of both halves ------------------------------------------------------------------------- */

void imap_end_request(struct imap *s)
{
	memset(&s->request, 0, sizeof(s->request));
	wordbuf_reset(&s->line[CLIENT]);
	s->waits = false;
}

/* n bytes of the literal have gone by. */
static void pass_literal(struct imap *s, enum side from, uint64_t n)
{
	s->literal[from] -= n;
	if (s->literal[from] == 0)
		wordbuf_resume(&s->line[from], s->behind[from]);
}

void imap_begin_literal(struct imap *s, struct facts *f, enum side from, uint64_t n)
{
	facts_evidence(f, WORD_LITERAL);
	s->literal[from] = n;
	pass_literal(s, from, 0);
}

bool imap_waits(const struct imap *s, const struct facts *f)
{
	if (!f->visible[SERVER])
		return starttls_in_flight(f);
	return s->waits || (imap_newest(s) == IMAP_STARTTLS && f->answer_pending);
}

void imap_presume(struct imap *s, struct facts *f)
{
	if (!s->waits)
		return;
	imap_end_request(s); /* what follows is a literal, or the next command */
	s->lost[CLIENT] = true;
	f->clear_gap[CLIENT] = true;
}

/* Bytes --------------------------------------------------------------------------------------- */

static size_t read_literal(struct imap *s, struct facts *f, const struct imap_half *half, size_t n)
{
	uint64_t left = s->literal[half->from];
	size_t take = n < left ? n : (size_t)left;

	if (half->literal)
		half->literal(s, f);
	pass_literal(s, half->from, take);
	return take;
}

/* Words up to the end of a line. */
static size_t read_words(struct imap *s, struct facts *f, const struct imap_half *half,
			 struct span in)
{
	size_t n = in.len;
	struct words_line line;
	struct words_word word;

	for (;;) {
		switch (wordbuf_next(&s->line[half->from], &in, &word, &line)) {
		case WORDS_MORE: return n;
		case WORDS_WORD: half->word(s, &word); break;
		case WORDS_LINE:
			s->behind[half->from] =
				(uint16_t)(line.words < UINT16_MAX ? line.words : UINT16_MAX);
			half->line(s, f, &line);
			return n - in.len;
		}
	}
}

size_t imap_read(struct imap *s, struct facts *f, const struct imap_half *half, const uint8_t *data,
		 size_t n)
{
	size_t done = 0;

	if (s->opaque)
		return n;
	while (done < n && !half->stops(s, f)) {
		if (s->literal[half->from] > 0) {
			done += read_literal(s, f, half, n - done);
			continue;
		}
		if (done > 0 && imap_at_line_start(s, half->from) && tls_record_first(data[done]))
			return done; /* the caller looks whether this is TLS */
		done += read_words(s, f, half, (struct span){ data + done, n - done });
	}
	return done;
}

/* Gaps ---------------------------------------------------------------------------------------- */

/* True when the bytes missing lie inside a literal, whose size still holds. */
static bool inside_literal(struct imap *s, enum side from, uint64_t n)
{
	if (n == 0 || n > s->literal[from])
		return false;
	pass_literal(s, from, n);
	return true;
}

void imap_gap(struct imap *s, struct facts *f, enum side from, uint64_t n)
{
	facts_gap_in_clear(f, from);
	if (inside_literal(s, from, n))
		return;
	s->literal[from] = 0;
	s->lost[from] = true;
	if (from == CLIENT) {
		imap_end_request(s);
		forget_unsure(s);
		return;
	}
	s->stale = s->queued > 0;
	memset(&s->response, 0, sizeof(s->response));
	wordbuf_reset(&s->line[SERVER]);
	imap_presume(s, f);
}

bool imap_at_line_start(const struct imap *s, enum side from)
{
	return !s->opaque && !wordbuf_partial(&s->line[from]) && s->literal[from] == 0 &&
	       (from == SERVER || !s->waits);
}
