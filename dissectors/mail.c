#include "dissectors/mail.h"

#include <string.h>

#include "dissectors/starttls.h"

_Static_assert(MAIL_HOLD <= TLS_HELLO_KEPT, "what is held fits where a hello will be");

void mail_init(struct mail *m, enum protocol protocol, enum service service, bool from_the_start)
{
	memset(m, 0, offsetof(struct mail, tls));
	facts_init(&m->facts);
	tls_init(&m->tls);
	clear_init(&m->clear, protocol, from_the_start);
	m->facts.s.protocol = (uint8_t)protocol;
	m->facts.s.service = (uint8_t)service;
	m->facts.syn_seen = from_the_start;
}

void mail_rename(struct mail *m, enum protocol protocol, enum service service)
{
	clear_init(&m->clear, protocol, m->facts.syn_seen);
	m->facts.s.protocol = (uint8_t)protocol;
	m->facts.s.service = (uint8_t)service;
}

/* TLS from the first byte: nothing in clear went before, of either side. */
static bool nothing_before(const struct mail *m)
{
	const struct facts *f = &m->facts;

	return f->s.evidence_len == 0 && f->s.requested != TRI_TRUE && !f->greeted &&
	       !f->clear_gap[CLIENT] && !f->clear_gap[SERVER];
}

static void note_injected(struct facts *f)
{
	if (!f->s.injected)
		facts_evidence(f, WORD_INJECTED);
	f->s.injected = true;
}

/* Clear text behind the server's yes, but TLS after all: somebody's words in the wrong flight. */
static void forgive_clear_text(struct facts *f)
{
	if (f->granted && f->upgrade_broken)
		note_injected(f);
	f->upgrade_broken = false;
}

static size_t client_clear(struct mail *m, const uint8_t *data, size_t n);

/* What was held may name somebody. */
static void forget_held(struct mail *m)
{
	memset(m->tls.hello, 0, m->held);
	m->held = 0;
}

static void feed_held(struct mail *m)
{
	uint16_t n = m->held, done = 0;

	m->held = 0;
	while (done < n && m->held == 0)
		done = (uint16_t)(done + client_clear(m, m->tls.hello + done, (size_t)(n - done)));
	memset(m->tls.hello + m->held, 0, (size_t)(n - m->held));
}

/* Empty lines are nobody's words. */
static bool holds_text(const struct mail *m)
{
	for (uint16_t i = 0; i < m->held; i++) {
		if (m->tls.hello[i] != '\r' && m->tls.hello[i] != '\n')
			return true;
	}
	return false;
}

/* Text behind STARTTLS. TLS made it void: somebody's commands in the wrong flight. Without TLS it
 * is text that was not read; so it is when the answer to STARTTLS may be what is missing, and the
 * one that came answers another. */
static void judge_held(struct mail *m)
{
	if (!holds_text(m))
		return;
	if (m->facts.granted && !m->facts.clear_gap[SERVER]) {
		note_injected(&m->facts);
		m->void_text = true;
	} else {
		m->facts.clear_gap[CLIENT] = true;
	}
}

static void drop_held(struct mail *m)
{
	judge_held(m);
	forget_held(m);
}

static void release_held(struct mail *m)
{
	if (m->held == 0 || clear_waits(&m->clear, &m->facts))
		return;
	if (m->facts.granted && !m->facts.upgrade_broken)
		drop_held(m);
	else
		feed_held(m);
}

/* The answer is not waited for any longer. */
static void stop_waiting(struct mail *m)
{
	clear_presume(&m->clear, &m->facts);
	if (clear_waits(&m->clear, &m->facts))
		drop_held(m);
	else
		feed_held(m);
}

static void begin_tls(struct mail *m, enum side from)
{
	struct facts *f = &m->facts;

	if (m->held > 0)
		stop_waiting(m);
	if (!m->in_tls[other_side(from)] && nothing_before(m))
		f->implicit = true;
	m->in_tls[from] = true;
	if (from == CLIENT) {
		m->void_text = false;
		f->perhaps_greeted = false; /* a 220 that TLS follows was the grant */
	}
	if (from == CLIENT && !m->in_tls[SERVER] && m->tls.side[CLIENT].records)
		tls_restart(&m->tls, f);
	if (from == CLIENT && !upg_step(&f->upgrade, EV_HELLO))
		facts_oddity(f, ODDITY_UNEXPECTED_UPGRADE);
	if (from == SERVER)
		forgive_clear_text(f);
	if (m->torn[from])
		tls_gap(&m->tls, f, from);
}

/* The server speaks TLS already: the answer that is waited for was not seen. Lines are not told apart
 * any more; the client's TLS may begin anywhere. */
static size_t hold_nothing(struct mail *m, const uint8_t *data, size_t n)
{
	size_t taken = 1;

	stop_waiting(m);
	if (!clear_waits(&m->clear, &m->facts))
		return 0;
	m->facts.clear_gap[CLIENT] = true;
	while (taken < n && !tls_record_first(data[taken]))
		taken++;
	return taken;
}

static size_t hold(struct mail *m, const uint8_t *data, size_t n)
{
	size_t room = MAIL_HOLD - (size_t)m->held;
	size_t take = n < room ? n : room;

	if (m->in_tls[SERVER])
		return hold_nothing(m, data, n);
	if (take == 0) {
		stop_waiting(m);
		return 0;
	}
	memmove(m->tls.hello + m->held, data, take);
	m->held = (uint16_t)(m->held + take);
	return take;
}

static size_t client_clear(struct mail *m, const uint8_t *data, size_t n)
{
	if (m->held > 0 || clear_waits(&m->clear, &m->facts))
		return hold(m, data, n);
	return clear_client(&m->clear, &m->facts, data, n);
}

/* Text for a ClientHello; or for a line that began like a record, and more of them may have followed. */
static void answered_in_clear(struct mail *m)
{
	struct facts *f = &m->facts;

	f->upgrade_broken = true;
	facts_evidence(f, WORD_NOT_TLS);
	if (m->tls.side[CLIENT].hello || m->tls.side[CLIENT].blind)
		return;
	tls_record_reset(&m->tls.side[CLIENT].record);
	m->in_tls[CLIENT] = false;
	m->torn[CLIENT] = true;
	clear_gap(&m->clear, f, CLIENT, 0);
}

static size_t server_clear(struct mail *m, const uint8_t *data, size_t n)
{
	struct facts *f = &m->facts;
	size_t taken = clear_server(&m->clear, f, data, n);
	bool awaited = f->answer_pending;

	if (!clear_answer_ready(&m->clear))
		return taken;
	if (clear_must_presume(&m->clear)) {
		clear_presume(&m->clear, &m->facts);
		release_held(m);
	}
	clear_answer(&m->clear, f);
	if (m->in_tls[CLIENT] && !awaited && !f->upgrade_broken)
		answered_in_clear(m);
	release_held(m);
	return taken;
}

/* No TLS follows: the server may have taken for commands what was void. */
static void count_void_text(struct mail *m)
{
	if (!m->void_text)
		return;
	m->void_text = false;
	clear_gap(&m->clear, &m->facts, CLIENT, 0);
}

static size_t feed_text(struct mail *m, enum side from, struct span in)
{
	size_t taken;

	m->clear_seen = true;
	m->facts.client_stays_clear |= from == CLIENT && m->facts.granted;
	if (from == CLIENT)
		count_void_text(m);
	taken = from == CLIENT ? client_clear(m, in.at, in.len) : server_clear(m, in.at, in.len);
	if (clear_at_line_start(&m->clear, from))
		m->torn[from] = false;
	return taken;
}

/* In clear with each line; in TLS that is not complete with each record, for it may have come to
 * nothing, and clear text follows on the same connection. */
static bool record_may_begin(const struct mail *m, enum side from)
{
	const struct tls_side *t = &m->tls.side[from];

	if (m->in_tls[from])
		return t->record.left == 0 && !t->blind && m->facts.tls != TLS_COMPLETE;
	if (t->record.have > 0)
		return true;
	return clear_at_line_start(&m->clear, from) && (from == SERVER || m->held == 0);
}

/* What was kept as the beginning of a record is text. */
static void feed_kept(struct mail *m, enum side from)
{
	struct tls_record *r = &m->tls.side[from].record;
	uint8_t kept[TLS_RECORD_HEADER];
	size_t n = r->have;

	memcpy(kept, r->header, n);
	tls_record_reset(r);
	for (size_t done = 0; done < n;)
		done += feed_text(m, from, (struct span){ kept + done, n - done });
}

/* A record, or text: the bytes of a header are kept until that is certain, so that it does not depend
 * on how they were cut. */
static size_t feed_start(struct mail *m, enum side from, struct span in)
{
	struct tls_record *r = &m->tls.side[from].record;
	size_t n = tls_record_gather(r, in);

	if (r->have == TLS_RECORD_HEADER) {
		if (!m->in_tls[from])
			begin_tls(m, from);
		return n + tls_feed(&m->tls, &m->facts, from, in.at + n, in.len - n);
	}
	if (n == in.len)
		return n;
	m->in_tls[from] = false;
	if (r->have == 0)
		return feed_text(m, from, in);
	feed_kept(m, from);
	return n;
}

static size_t feed_some(struct mail *m, enum side from, struct span in)
{
	if (record_may_begin(m, from))
		return feed_start(m, from, in);
	if (m->in_tls[from])
		return tls_feed(&m->tls, &m->facts, from, in.at, in.len);
	return feed_text(m, from, in);
}

static void feed(struct mail *m, enum side from, struct span in)
{
	while (in.len > 0) {
		size_t taken = feed_some(m, from, in);

		in.at += taken;
		in.len -= taken;
	}
}

/* A new segment of a client that is seen alone: TLS makes void what stood behind STARTTLS, text says
 * that it was meant. */
static void next_flight(struct mail *m, uint8_t first)
{
	if (!starttls_in_flight(&m->facts))
		return;
	m->facts.same_flight = false;
	if (m->held == 0)
		return;
	if (tls_record_first(first)) {
		m->facts.unread = true;
		forget_held(m);
	} else {
		feed_held(m);
	}
}

/* A balancer's header in front of the client's bytes. */
static struct span step_over_proxy(struct mail *m, struct span in)
{
	size_t n = proxy_skip(&m->proxy, in.at, in.len);

	feed(m, CLIENT, proxy_mistaken(&m->proxy));
	return (struct span){ in.at + n, in.len - n };
}

static void give_up_proxy(struct mail *m)
{
	proxy_give_up(&m->proxy);
	feed(m, CLIENT, proxy_mistaken(&m->proxy));
}

void mail_feed(struct mail *m, enum side from, const uint8_t *data, size_t n)
{
	struct span in = { data, n };

	if (from == CLIENT && n > 0)
		next_flight(m, data[0]);
	if (!m->facts.visible[from])
		mail_join(m, from);
	m->seen |= n > 0;
	m->facts.offset[from] += n;
	if (from == CLIENT && m->facts.syn_seen)
		in = step_over_proxy(m, in);
	feed(m, from, in);
}

void mail_join(struct mail *m, enum side from)
{
	m->facts.visible[from] = true;
	if (from == CLIENT && m->facts.s.requested != TRI_TRUE)
		m->facts.granted = false;
}

void mail_gap(struct mail *m, enum side from, uint64_t n)
{
	if (from == CLIENT)
		give_up_proxy(m);
	m->facts.offset[from] += n;
	if (m->in_tls[from]) {
		tls_gap(&m->tls, &m->facts, from);
		return;
	}
	n += m->tls.side[from].record.have; /* it was one, or not: nobody will know */
	tls_record_reset(&m->tls.side[from].record);
	if (from == CLIENT && m->held > 0)
		stop_waiting(m);
	clear_gap(&m->clear, &m->facts, from, n);
	m->torn[from] = true;
}

bool mail_in_line(const struct mail *m, enum side from)
{
	return !m->in_tls[from] && !clear_at_line_start(&m->clear, from);
}

/* What still waits for an answer was clear text if the connection ended without TLS; but not when
 * the answer is missing, or may come yet. */
void mail_end(struct mail *m, enum ending how)
{
	give_up_proxy(m);
	if (m->facts.upgrade_broken) /* it went on in clear */
		count_void_text(m);
	if (m->held == 0)
		return;
	m->facts.unread = true;
	if (how != ENDING_CLOSED || !m->facts.visible[SERVER] || m->facts.clear_gap[SERVER] ||
	    m->facts.granted)
		return;
	m->facts.unread = false;
	m->facts.answer_pending = false;
	stop_waiting(m);
}

enum mail_likeness mail_likeness(const struct mail *m)
{
	const struct facts *f = &m->facts;

	if (f->other_protocol || (f->strange_answer && !f->greeted))
		return MAIL_DOUBTFUL;
	if (f->protocol_sure)
		return MAIL_SURE;
	if (f->greeted || m->tls.side[CLIENT].records || m->tls.side[SERVER].records)
		return MAIL_LIKELY;
	for (unsigned i = 0; i < f->s.evidence_len; i++) {
		if (f->s.evidence[i] != WORD_OTHER_COMMAND && f->s.evidence[i] != WORD_GAP &&
		    f->s.evidence[i] != WORD_NOT_TLS)
			return MAIL_LIKELY;
	}
	if (f->s.oddities & 1u << ODDITY_TRUNCATED) /* what it said was not captured */
		return MAIL_UNKNOWN;
	return m->seen ? MAIL_DOUBTFUL : MAIL_UNKNOWN;
}
