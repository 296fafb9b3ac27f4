#include "dissectors/mail.h"

#include <string.h>

void mail_init(struct mail *m, enum protocol protocol, enum service service, bool from_the_start)
{
	memset(m, 0, offsetof(struct mail, hold));
	facts_init(&m->facts);
	tls_init(&m->tls);
	smtp_init(&m->smtp, from_the_start);
	m->facts.s.protocol = (uint8_t)protocol;
	m->facts.s.service = (uint8_t)service;
	m->facts.syn_seen = from_the_start;
	if (protocol != PROTOCOL_SMTP) /* TLS is all that is followed of them */
		m->in_tls[CLIENT] = m->in_tls[SERVER] = m->facts.implicit = true;
}

static bool first_byte_of_tls(uint8_t b)
{
	return b >= TLS_CHANGE_CIPHER_SPEC && b <= TLS_APPLICATION_DATA;
}

/* TLS from the first byte: nothing in clear went before, of either side. */
static bool nothing_before(const struct mail *m)
{
	const struct facts *f = &m->facts;

	return f->s.evidence_len == 0 && f->s.requested != TRI_TRUE && !f->greeted &&
	       !f->clear_gap[CLIENT] && !f->clear_gap[SERVER];
}

static void begin_tls(struct mail *m, enum side from)
{
	struct facts *f = &m->facts;

	if (!m->in_tls[other_side(from)] && nothing_before(m))
		f->implicit = true;
	m->in_tls[from] = true;
	if (from == CLIENT && !upg_step(&m->smtp.upgrade, EV_HELLO))
		facts_oddity(f, ODDITY_UNEXPECTED_UPGRADE);
	if (from == SERVER)
		f->upgrade_broken = false; /* clear text behind the 220, but TLS after all */
	if (m->torn[from])
		tls_gap(&m->tls, f, from);
}

/* TLS came to nothing, and clear text follows on the same connection. */
static bool back_in_clear(struct mail *m, enum side from, struct span in)
{
	const struct tls_side *t = &m->tls.side[from];

	if (m->facts.tls == TLS_COMPLETE || t->blind || t->record.have > 0 || t->record.left > 0 ||
	    m->facts.s.protocol != PROTOCOL_SMTP || tls_record_plausible(in))
		return false;
	m->in_tls[from] = false;
	return true;
}

static size_t client_clear(struct mail *m, const uint8_t *data, size_t n);

static void feed_held(struct mail *m)
{
	uint16_t n = m->held, done = 0;

	m->held = 0;
	while (done < n && m->held == 0)
		done = (uint16_t)(done + client_clear(m, m->hold + done, (size_t)(n - done)));
	memset(m->hold + m->held, 0, (size_t)(n - m->held));
}

/* Text behind STARTTLS. TLS made it void: somebody's commands in the wrong flight. Without TLS it
 * is text that was not read. */
static void discard_held(struct mail *m)
{
	if (m->facts.granted)
		m->facts.s.injected |= m->held > 0;
	else
		m->facts.clear_gap[CLIENT] |= m->held > 0;
	m->held = 0;
}

static void release_held(struct mail *m)
{
	if (m->held == 0 || smtp_waits(&m->smtp, &m->facts))
		return;
	if (m->facts.granted && !m->facts.upgrade_broken)
		discard_held(m);
	else
		feed_held(m);
}

/* The answer is not waited for any longer. */
static void stop_waiting(struct mail *m)
{
	smtp_presume(&m->smtp);
	if (smtp_waits(&m->smtp, &m->facts))
		discard_held(m);
	else
		feed_held(m);
}

static size_t hold(struct mail *m, const uint8_t *data, size_t n)
{
	size_t room = sizeof(m->hold) - m->held;
	size_t take = n < room ? n : room;

	if (take == 0) {
		stop_waiting(m);
		return 0;
	}
	memmove(m->hold + m->held, data, take);
	m->held = (uint16_t)(m->held + take);
	return take;
}

static size_t client_clear(struct mail *m, const uint8_t *data, size_t n)
{
	if (m->held > 0 || smtp_waits(&m->smtp, &m->facts))
		return hold(m, data, n);
	return smtp_client(&m->smtp, &m->facts, data, n);
}

static size_t server_clear(struct mail *m, const uint8_t *data, size_t n)
{
	struct facts *f = &m->facts;
	size_t taken = smtp_server(&m->smtp, f, data, n);
	bool awaited = f->answer_pending;

	if (!m->smtp.answer_ready)
		return taken;
	if (smtp_must_presume(&m->smtp)) {
		smtp_presume(&m->smtp);
		release_held(m);
	}
	smtp_answer(&m->smtp, f);
	if (m->in_tls[CLIENT] && !awaited && !f->upgrade_broken) { /* text for a ClientHello */
		f->upgrade_broken = true;
		facts_evidence(f, WORD_NOT_TLS);
	}
	release_held(m);
	return taken;
}

static size_t feed_some(struct mail *m, enum side from, struct span in)
{
	bool at_start = smtp_at_line_start(&m->smtp, from) && (from == SERVER || m->held == 0);
	size_t taken;

	if (!m->in_tls[from] && at_start && first_byte_of_tls(in.at[0]))
		begin_tls(m, from);
	if (m->in_tls[from] && !back_in_clear(m, from, in)) {
		tls_feed(&m->tls, &m->facts, from, in.at, in.len);
		return in.len;
	}
	taken = from == CLIENT ? client_clear(m, in.at, in.len) : server_clear(m, in.at, in.len);
	if (smtp_at_line_start(&m->smtp, from))
		m->torn[from] = false;
	return taken;
}

void mail_feed(struct mail *m, enum side from, const uint8_t *data, size_t n)
{
	struct span in = { data, n };

	m->facts.visible[from] = true;
	m->seen |= n > 0;
	m->facts.offset[from] += n;
	while (in.len > 0) {
		size_t taken = feed_some(m, from, in);

		in.at += taken;
		in.len -= taken;
	}
}

void mail_gap(struct mail *m, enum side from, uint64_t n)
{
	m->facts.offset[from] += n;
	if (m->in_tls[from]) {
		tls_gap(&m->tls, &m->facts, from);
		return;
	}
	if (from == CLIENT && m->held > 0)
		stop_waiting(m);
	smtp_gap(&m->smtp, &m->facts, from, n);
	m->torn[from] = true;
}

enum mail_likeness mail_likeness(const struct mail *m)
{
	const struct facts *f = &m->facts;

	if (f->other_protocol)
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
	return m->seen ? MAIL_DOUBTFUL : MAIL_UNKNOWN;
}
