/* A whole mail conversation with gaps. Input: two bytes of flags, then steps (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dissectors/mail.h"

enum {
	FLAG_FROM_THE_START = 1,
	FLAG_CLIENT_ONLY = 2,
	FLAG_SERVER_ONLY = 4,
	FLAG_MIRROR = 8,   /* the tap is behind something that decrypts */
	FLAG_MIRRORED = 16 /* ... on a port for TLS from the first byte */
};
/* The two highest bits of the first byte: enum protocol; NONE is TLS of which nobody knows yet. The
 * second byte: the size of the pieces, and above it what the ClientHello makes of such TLS. */
enum { PROTOCOL_SHIFT = 6 };

struct conversation {
	struct mail mail;
	struct fuzz_watch watch;
	enum protocol later; /* what it will be renamed to */
	bool named_late;     /* it began as TLS of which nobody knew */
	bool by_segments;    /* where the bytes were cut is seen */
	size_t piece;
};

static void check(const struct mail *m)
{
	MUST(m->held <= MAIL_HOLD);
	MUST(m->tls.kept <= TLS_HELLO_KEPT);
	MUST(!clear_answer_ready(&m->clear));
	MUST(mail_likeness(m) <= MAIL_SURE);
	MUST(!m->facts.mirrored || m->facts.decrypted_mirror);
}

static void feed(struct conversation *v, const struct fuzz_step *st)
{
	size_t n = (size_t)st->n, most = v->piece ? v->piece : n;

	for (size_t at = 0; at < n; at += most) {
		size_t piece = n - at < most ? n - at : most;
		uint8_t *copy = fuzz_copy((struct span){ st->data + at, piece });

		mail_feed(&v->mail, st->from, copy, piece);
		free(copy);
	}
}

/* What was held may be read now; otherwise bytes that nobody saw prove nothing. */
static void gap(struct conversation *v, const struct fuzz_step *st)
{
	struct facts before = v->mail.facts;
	bool held = v->mail.held > 0;

	mail_gap(&v->mail, st->from, st->n);
	if (!held)
		fuzz_not_grown(&before, &v->mail.facts);
}

/* The first of a side that was not seen from the start: what it said before is missing. */
static void join(struct mail *m, enum side from)
{
	if (!m->facts.visible[from] && m->facts.syn_seen)
		mail_gap(m, from, 0);
}

/* Of a client that is seen alone: what stands in the flight of its STARTTLS is told by segments. And
 * text in what was taken for TLS of nobody knows which protocol has no lines. */
static bool goes_by_segments(const struct conversation *v)
{
	const struct facts *f = &v->mail.facts;

	return (!f->visible[SERVER] && f->s.requested == TRI_TRUE) ||
	       (v->named_late && v->mail.clear_seen);
}

static void step(struct conversation *v, const struct fuzz_step *st)
{
	struct mail *m = &v->mail;
	enum mail_likeness before = mail_likeness(m);

	if (st->gap) {
		gap(v, st);
	} else {
		join(m, st->from);
		feed(v, st);
	}
	check(m);
	v->by_segments |= goes_by_segments(v);
	MUST(before != MAIL_SURE || m->facts.other_protocol || m->facts.strange_answer ||
	     mail_likeness(m) == MAIL_SURE);
	if (m->facts.s.protocol == PROTOCOL_NONE) {
		if (!m->tls.side[CLIENT].hello)
			return;
		mail_rename(m, v->later, SERVICE_ACCESS);
	}
	fuzz_watch(&v->watch, &m->facts);
}

static void begin(struct conversation *v, unsigned flags)
{
	struct mail *m = &v->mail;

	v->named_late = flags >> PROTOCOL_SHIFT == PROTOCOL_NONE;
	mail_init(m, (enum protocol)(flags >> PROTOCOL_SHIFT), SERVICE_MTA,
		  flags & FLAG_FROM_THE_START);
	m->facts.visible[CLIENT] = !(flags & FLAG_SERVER_ONLY);
	m->facts.visible[SERVER] = !(flags & FLAG_CLIENT_ONLY);
	m->facts.decrypted_mirror = flags & FLAG_MIRROR;
	m->facts.mirrored = m->facts.decrypted_mirror && flags & FLAG_MIRRORED;
}

static struct conversation *run(struct span input, bool cut)
{
	struct conversation *v = calloc(1, sizeof(*v));
	struct cursor c = cur_over(input);
	unsigned flags = cur_u8(&c), more = cur_u8(&c);
	struct fuzz_step st;

	MUST(v != NULL);
	v->piece = cut ? 1u + (more & 0x3f) : 0;
	v->later = (enum protocol)(PROTOCOL_SMTP + (more >> 6) % 3);
	begin(v, flags);
	while (fuzz_step(&c, &st)) {
		step(v, &st);
		fuzz_step_free(&st);
	}
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conversation *whole = run((struct span){ data, size }, false);
	struct conversation *cut = run((struct span){ data, size }, true);

	if (!whole->by_segments && !cut->by_segments)
		fuzz_same(&whole->mail.facts, &cut->mail.facts);
	free(whole);
	free(cut);
	return 0;
}
