#include "sensor/tracker.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/classify.h"
#include "sensor/clock.h"
#include "sensor/flow.h"
#include "sensor/sequence.h"
#include "sensor/tracker_parts.h"

/* Seconds without a packet. */
enum {
	TIMEOUT_OPEN = 360, /* no payload yet; a greeting may take 5 min (RFC 5321, 4.5.3.2.1) */
	TIMEOUT_NOT_MAIL = 300, /* let go; kept so as not to look again */
	TIMEOUT_CLOSING = 1,    /* RST or FINs with a hole: what was overtaken may come */
	TIMEOUT_STALLED = 1,    /* something waits for missing bytes */
	TIMEOUT_DONE = 6,       /* a tombstone absorbs late duplicates for at least 5 s */
};

#define BOTH_ENDS 3u /* the bits of flow.fin */

struct tracker {
	const struct conf *conf;
	struct health *health;
	struct flowtable *flows;
	struct sessions *sessions;
	struct steady_clock clock;
	uint32_t now_s;          /* of the clock */
	uint64_t next_second_ms; /* when it changes */
	uint64_t done;           /* flows in the table that are only tombstones */
	bool any;
	uint64_t mail_ports[(UINT16_MAX + 1) /
			    64]; /* a bit for each: it is asked with each packet */
};

static void note_mail_ports(struct tracker *t)
{
	for (unsigned i = 0; i < t->conf->ports_n; i++) {
		uint16_t port = t->conf->ports[i].port;

		t->mail_ports[port / 64] |= 1ull << port % 64;
	}
}

struct tracker *tracker_new(const struct conf *c, bool any, struct health *health,
			    session_report_cb *cb, void *ctx)
{
	struct tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->conf = c;
	t->health = health;
	t->any = any;
	note_mail_ports(t);
	t->flows = flowtable_new(c->max_flows);
	t->sessions = sessions_new(c, health, cb, ctx);
	if (t->flows && t->sessions)
		return t;
	tracker_free(t);
	return NULL;
}

size_t tracker_bytes(const struct conf *c)
{
	return sizeof(struct tracker) + flowtable_bytes(c->max_flows) + sessions_bytes(c);
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	flowtable_free(t->flows);
	sessions_free(t->sessions);
	free(t);
}

uint64_t tracker_now(const struct tracker *t)
{
	return t->clock.last_ns;
}

uint64_t tracker_alive(const struct tracker *t)
{
	return flowtable_used(t->flows) - t->done;
}

/* Ending ------------------------------------------------------------------------------------- */

static void become_done(struct tracker *t, struct flow *f)
{
	f->state = FLOW_DONE;
	f->session = POOL_NONE;
	f->last_s = t->now_s;
	t->done++;
	flow_arm(t->flows, f, TIMEOUT_DONE);
}

/* Accounts for a flow: session, empty, or not mail. */
static void account(struct tracker *t, struct flow *f, enum ending how)
{
	switch ((enum flow_state)f->state) {
	case FLOW_OPEN: t->health->n[HEALTH_EMPTY]++; break;
	case FLOW_NOT_MAIL: t->health->n[HEALTH_NOT_MAIL]++; break;
	case FLOW_SESSION:
		if (!session_close(t->sessions, f->session, how, t->clock.last_ns))
			t->health->n[HEALTH_NOT_MAIL]++;
		break;
	case FLOW_DONE: break;
	}
}

static void finish(struct tracker *t, struct flow *f, enum ending how)
{
	account(t, f, how);
	become_done(t, f);
}

static void discard(struct tracker *t, struct flow *f)
{
	t->done -= f->state == FLOW_DONE;
	flow_free(t->flows, f);
}

static uint32_t timeout_of(const struct tracker *t, const struct flow *f);

static bool ended(const struct flow *f)
{
	return f->closing || f->fin != 0;
}

static bool waits_for_bytes(const struct tracker *t, const struct flow *f)
{
	return f->state == FLOW_SESSION && session_stalled(t->sessions, f->session) &&
	       f->last_s + t->conf->idle_s > t->now_s;
}

static void expired(void *ctx, struct flow *f)
{
	struct tracker *t = ctx;

	if (f->state == FLOW_DONE) {
		discard(t, f);
	} else if (f->closing) {
		finish(t, f, ENDING_CLOSED);
	} else if (waits_for_bytes(t, f)) {
		if (session_poll(t->sessions, f->session, t->clock.now_ms, t->clock.last_ns) ==
		    SESSION_NOT_MAIL)
			f->state = FLOW_NOT_MAIL;
		flow_arm(t->flows, f, timeout_of(t, f));
	} else {
		account(t, f, ended(f) ? ENDING_CLOSED : ENDING_TIMEOUT);
		discard(t, f);
	}
}

static bool is_no_session(const struct flow *f)
{
	return f->state != FLOW_SESSION;
}

static void evict(struct tracker *t)
{
	struct flow *f = flow_oldest(t->flows, is_no_session);

	if (!f)
		return;
	if (f->state != FLOW_DONE) {
		t->health->n[HEALTH_EVICTED]++;
		account(t, f, f->closing ? ENDING_CLOSED : ENDING_EVICTED);
	}
	discard(t, f);
}

/* Who is who --------------------------------------------------------------------------------- */

static const struct mail_port *port_of(const struct tracker *t, const struct flow *f)
{
	const struct mail_port *p;

	if (f->client != FLOW_UNKNOWN_SIDE)
		return conf_port(t->conf, f->port[!f->client]);
	p = conf_port(t->conf, f->port[0]);
	return p ? p : conf_port(t->conf, f->port[1]);
}

static bool is_mail_port(const struct tracker *t, uint16_t port)
{
	return t->mail_ports[port / 64] >> port % 64 & 1;
}

static bool wanted(const struct tracker *t, const struct packet *p)
{
	return t->any || is_mail_port(t, p->port[0]) || is_mail_port(t, p->port[1]);
}

/* The end that opened the connection; without a SYN the one that talks to the mail port, and
 * without that the one whose words, or whose higher port, give it away. */
static unsigned guess_client(const struct tracker *t, const struct flow *f, unsigned end,
			     const struct packet *p)
{
	bool mail[2] = { is_mail_port(t, f->port[0]), is_mail_port(t, f->port[1]) };

	if (mail[0] != mail[1])
		return mail[0] ? 1 : 0;
	switch (classify_first_bytes((struct span){ p->payload, p->length })) {
	case FIRST_SMTP_SERVER:
	case FIRST_IMAP_SERVER:
	case FIRST_POP3_SERVER: return !end;
	case FIRST_SMTP_CLIENT:
	case FIRST_IMAP_CLIENT:
	case FIRST_POP3_CLIENT: return end;
	case FIRST_TLS:
	case FIRST_OTHER:
	case FIRST_TEXT:
	case FIRST_BINARY: break;
	}
	return f->port[0] > f->port[1] ? 0 : 1;
}

/* A SYN-ACK tells where the other end begins. */
static bool tells_other_start(const struct flow *f, unsigned end, const struct packet *p)
{
	return p->flags & TCP_SYN && p->flags & TCP_ACK && !(p->flags & TCP_RST) &&
	       !(f->syn & 1u << !end);
}

static void note_start(struct flow *f, unsigned end, uint32_t isn)
{
	f->syn = (uint8_t)(f->syn | 1u << end);
	f->isn[end] = isn;
}

static void note_syn(struct flow *f, unsigned end, const struct packet *p)
{
	if (tells_other_start(f, end, p))
		note_start(f, !end, p->ack - 1);
	if (!(p->flags & TCP_SYN))
		return;
	note_start(f, end, p->seq);
	if (f->state == FLOW_OPEN)
		f->client = (uint8_t)(p->flags & TCP_ACK ? !end : end);
}

#define OVERTAKEN_MAX (1u << 20) /* bytes */
#define OVERTAKEN_NS  1000000000u

/* A SYN that comes behind what it opened: the bytes of this end follow its number, or the connection
 * has only just begun. That of a new one has another number (RFC 6528). */
static bool is_late_syn(const struct flow *f, unsigned end, const struct packet *p)
{
	if (f->state == FLOW_OPEN) /* the SYN-ACK overtook it */
		return true;
	if (f->seen & 1u << end)
		return f->isn[end] - p->seq < OVERTAKEN_MAX;
	return p->time_ns - f->start_ns < OVERTAKEN_NS;
}

/* A SYN on a connection that we know: a repetition, or the ports are used again. A SYN-ACK says so
 * only of a connection that is over: a forged one must not end another. */
static bool is_new_connection(const struct flow *f, unsigned end, const struct packet *p)
{
	if (!(p->flags & TCP_SYN) || p->flags & TCP_RST)
		return false;
	if (p->flags & TCP_ACK && f->state != FLOW_DONE && !ended(f))
		return false;
	if (!(f->syn & 1u << end) && is_late_syn(f, end, p))
		return false;
	return f->isn[end] != p->seq;
}

/* Payload ------------------------------------------------------------------------------------ */

static enum side side_of(const struct flow *f, unsigned end)
{
	return f->client == end ? CLIENT : SERVER;
}

static struct session_start start_of(const struct flow *f)
{
	unsigned c = f->client, s = !f->client;

	return (struct session_start){
		.client = f->addr[c],
		.server = f->addr[s],
		.client_port = f->port[c],
		.server_port = f->port[s],
		.vlan = f->vlan,
		.interface = f->interface,
		.start_ns = f->start_ns,
		.syn = { f->syn & 1u << c, f->syn & 1u << s },
		.stands = { f->has_acked & 1u << c && !(f->seen & 1u << c),
			    f->has_acked & 1u << s && !(f->seen & 1u << s) },
		.first_seq = { f->isn[c] + 1, f->isn[s] + 1 },
		.visible = { f->seen & 1u << c, f->seen & 1u << s },
		.ended = { f->fin & 1u << c, f->fin & 1u << s },
		.has_sent = { f->has_sent & 1u << c, f->has_sent & 1u << s },
		.fin_seq = { f->fin_seq[c], f->fin_seq[s] },
		.has_acked = { f->has_acked & 1u << c, f->has_acked & 1u << s },
		.acked = { f->acked[c], f->acked[s] },
	};
}

/* Without its SYN: a bare segment of this end came from before this payload, where it stood then. One
 * number before is that of a keep-alive. */
static bool stood_before(const struct flow *f, unsigned end, const struct packet *p)
{
	uint32_t between = p->seq - (f->isn[end] + 1);

	return f->has_sent & 1u << end && between > 1 && between < OVERTAKEN_MAX;
}

static void first_payload(struct tracker *t, struct flow *f, unsigned end, const struct packet *p)
{
	struct session_start start;

	if (f->client == FLOW_UNKNOWN_SIDE)
		f->client = (uint8_t)guess_client(t, f, end, p);
	start = start_of(f);
	start.stands[side_of(f, end)] |= stood_before(f, end, p);
	if (!tracker_may_be_mail(port_of(t, f), p, &start)) {
		f->state = FLOW_NOT_MAIL;
		return;
	}
	f->session = session_open(t->sessions, &start, t->clock.last_ns);
	f->state = FLOW_SESSION;
	if (f->session != POOL_NONE)
		return;
	t->health->n[HEALTH_UNDECIDED_FULL]++;
	if (!start.probing) {
		session_refused(t->sessions, &start, p->time_ns);
		become_done(t, f);
	} else {
		f->state = FLOW_NOT_MAIL;
	}
}

static void to_session(struct tracker *t, struct flow *f, unsigned end, const struct packet *p)
{
	if (f->state == FLOW_OPEN && p->wire_length > 0 && !(p->flags & TCP_RST))
		first_payload(t, f, end, p);
	if (f->state != FLOW_SESSION)
		return;
	if (session_packet(t->sessions, f->session, side_of(f, end), p, t->clock.now_ms) ==
	    SESSION_NOT_MAIL) {
		f->state = FLOW_NOT_MAIL;
		f->session = POOL_NONE;
	}
}

/* Closing ------------------------------------------------------------------------------------ */

/* A reset with any other number than one that can be due is somebody else's. */
static bool belongs(const struct tracker *t, const struct flow *f, unsigned end, uint32_t seq)
{
	if (f->state == FLOW_SESSION)
		return session_expects(t->sessions, f->session, side_of(f, end), seq);
	return f->state != FLOW_OPEN || !(f->syn & 1u << end) || seq - f->isn[end] <= 1;
}

static void note_fin(struct flow *f, unsigned end, const struct packet *p)
{
	f->fin = (uint8_t)(f->fin | 1u << end);
	f->fin_seq[end] = p->seq + p->wire_length;
}

/* What one end has of the other before either has shown a byte: it was overtaken, or lost. */
static void note_acked(const struct tracker *t, struct flow *f, unsigned end,
		       const struct packet *p)
{
	unsigned other = !end;
	bool first = !(f->has_acked & 1u << other), reset = p->flags & TCP_RST;

	if (f->state != FLOW_OPEN || !(p->flags & TCP_ACK) || p->flags & TCP_SYN ||
	    (reset && !belongs(t, f, end, p->seq)))
		return;
	if (first && !reset && !((f->seen | f->syn) & 1u << other))
		f->isn[other] = p->ack - 1; /* that it begins there is a guess: this may not be the
					     * first ACK */
	if (first || seq_after(p->ack, f->acked[other]) > 0)
		f->acked[other] = p->ack;
	f->has_acked = (uint8_t)(f->has_acked | 1u << other);
}

/* What one end has sent by its own bare segments. */
static void note_sent(const struct tracker *t, struct flow *f, unsigned end, const struct packet *p)
{
	unsigned bit = 1u << end;

	if (f->state != FLOW_OPEN || p->wire_length > 0 || f->fin & bit ||
	    p->flags & (TCP_SYN | TCP_FIN) || (p->flags & TCP_RST && !belongs(t, f, end, p->seq)))
		return;
	if (!(f->has_sent & bit) || seq_after(p->seq, f->fin_seq[end]) > 0)
		f->fin_seq[end] = p->seq;
	f->has_sent = (uint8_t)(f->has_sent | bit);
}

static void note_end(const struct tracker *t, struct flow *f, unsigned end, const struct packet *p)
{
	if (p->flags & TCP_RST && belongs(t, f, end, p->seq)) {
		f->closing = true;
		f->reset_last = f->state == FLOW_SESSION &&
				session_is_last(t->sessions, f->session, side_of(f, end), p->seq);
	}
	if (p->flags & TCP_FIN)
		note_fin(f, end, p);
	if (f->fin == BOTH_ENDS)
		f->closing = true;
}

static uint32_t timeout_of(const struct tracker *t, const struct flow *f)
{
	if (f->closing)
		return TIMEOUT_CLOSING;
	switch ((enum flow_state)f->state) {
	case FLOW_OPEN: return TIMEOUT_OPEN;
	case FLOW_NOT_MAIL: return TIMEOUT_NOT_MAIL;
	case FLOW_DONE: return TIMEOUT_DONE;
	case FLOW_SESSION:
		return session_stalled(t->sessions, f->session) ? TIMEOUT_STALLED : t->conf->idle_s;
	}
	return TIMEOUT_OPEN;
}

/* Without payload seen, some may have been overtaken by the end. */
static bool nothing_missing(const struct tracker *t, const struct flow *f)
{
	switch ((enum flow_state)f->state) {
	case FLOW_OPEN: return false;
	case FLOW_SESSION:
		return f->reset_last ||
		       (f->fin == BOTH_ENDS && session_finished(t->sessions, f->session));
	case FLOW_NOT_MAIL:
	case FLOW_DONE: break;
	}
	return f->fin == BOTH_ENDS;
}

/* Packets ------------------------------------------------------------------------------------ */

/* What most packets are: nothing of a connection begins or ends with them. */
static bool is_plain(const struct flow *f, unsigned end, const struct packet *p)
{
	return f->state == FLOW_SESSION && !(p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	       f->seen & 1u << end && !f->closing;
}

static void known_flow(struct tracker *t, struct flow *f, unsigned end, const struct packet *p)
{
	if (is_plain(f, end, p)) {
		f->last_s = t->now_s;
		to_session(t, f, end, p);
		flow_arm(t->flows, f, timeout_of(t, f));
		return;
	}
	if (f->state == FLOW_DONE) { /* does not live longer for it */
		t->health->n[HEALTH_DUPLICATE] += p->wire_length > 0;
		return;
	}
	f->last_s = t->now_s;
	if (!((f->seen | f->syn) & 1u << end))
		f->isn[end] = p->seq - 1; /* what its SYN would say, if this is its first packet */
	f->seen = (uint8_t)(f->seen | 1u << end);
	note_syn(f, end, p);
	note_acked(t, f, end, p);
	note_sent(t, f, end, p);
	to_session(t, f, end, p);
	if (f->state == FLOW_DONE)
		return;
	note_end(t, f, end, p);
	if (f->closing && nothing_missing(t, f))
		finish(t, f, ENDING_CLOSED);
	else
		flow_arm(t->flows, f, timeout_of(t, f));
}

static struct flow *new_flow(struct tracker *t, const struct packet *p, unsigned *end)
{
	struct flow *f = flow_open(t->flows, p, end);

	if (!f) {
		evict(t);
		f = flow_open(t->flows, p, end);
	}
	if (f)
		t->health->n[HEALTH_FLOWS]++;
	return f;
}

static void end_for_reuse(struct tracker *t, struct flow *f)
{
	account(t, f, ended(f) ? ENDING_CLOSED : ENDING_TIMEOUT);
	discard(t, f);
}

void tracker_expect(struct tracker *t, struct packet *p)
{
	if (wanted(t, p))
		flow_expect(t->flows, p);
}

void tracker_fetch_flow(struct tracker *t, const struct packet *p)
{
	if (p->hash != 0)
		flow_fetch(t->flows, p);
}

void tracker_fetch_session(struct tracker *t, const struct packet *p)
{
	const struct flow *f = p->hash != 0 ? flow_fetched(t->flows, p) : NULL;

	if (f && f->state == FLOW_SESSION)
		session_fetch(t->sessions, f->session);
}

enum health_counter tracker_packet(struct tracker *t, const struct packet *p)
{
	struct flow *f;
	unsigned end;

	tracker_time(t, p->time_ns);
	if (p->hash == 0 && !wanted(t, p)) /* it was asked before */
		return SKIP_PORT;
	f = flow_find(t->flows, p, &end);
	if (f && is_new_connection(f, end, p)) {
		end_for_reuse(t, f);
		f = NULL;
	}
	if (!f)
		f = new_flow(t, p, &end);
	if (!f)
		return SKIP_FULL;
	known_flow(t, f, end, p);
	return HEALTH_DELIVERED;
}

void tracker_jump(struct tracker *t, uint64_t ns)
{
	t->clock.jump_ns = ns;
}

void tracker_time(struct tracker *t, uint64_t ns)
{
	if (clock_advance(&t->clock, ns))
		t->health->n[HEALTH_TIME_JUMPS]++;
	if (t->clock.now_ms < t->next_second_ms)
		return;
	t->now_s = (uint32_t)(t->clock.now_ms / 1000);
	t->next_second_ms = (t->now_s + 1) * 1000ull;
	flow_advance(t->flows, t->now_s, expired, t);
}

static void end_of_capture(void *ctx, struct flow *f)
{
	struct tracker *t = ctx;

	account(t, f, ended(f) ? ENDING_CLOSED : ENDING_CAPTURE);
	discard(t, f);
}

void tracker_end(struct tracker *t)
{
	flow_each(t->flows, end_of_capture, t);
}
