#include "sensor/session.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/mail.h"
#include "sensor/certificates.h"
#include "sensor/classify.h"
#include "sensor/sequence.h"

/* A connection on no mail port has this many packets with payload to show that it is mail. */
#define PROBE_PACKETS   8
#define STALLED_PACKETS 64 /* while something waits for packets that were overtaken */
#define NDPI_FLOWS      1024

/* What is needed while the verdict is open. */
struct parser {
	struct reasm reasm;
	uint32_t ndpi;        /* flow asked about, or 0 */
	uint32_t certificate; /* pieces of it wait, or 0 */
	uint8_t packets;
	bool probing;          /* not sure yet that it is mail */
	bool late[SIDES];      /* its beginning was not seen; said with the first of its bytes */
	uint32_t session;      /* whose it is */
	uint32_t older, newer; /* of those probing; POOL_NONE at the ends */
	bool tls_named;        /* on an unknown port: the ClientHello says that it is mail */
	bool ndpi_mail;        /* libndpi found mail */
	bool ndpi_other;       /* libndpi found something else */
	uint64_t gap_bytes;
	uint64_t bytes[SIDES]; /* handed on */
	struct mail mail;
};

_Static_assert(sizeof(struct parser) <= 4096, "an undecided mail session stays below 4 kB");

struct live {
	struct session s; /* what was last reported, and the fixed part */
	uint64_t id;
	uint32_t parser;      /* POOL_NONE once the verdict stands */
	uint32_t next[SIDES]; /* sequence numbers, for counting after that */
	struct hole {
		uint32_t from, to;
	} hole[SIDES]; /* the last one: what overtook it may only have been quicker */
	bool counted;  /* a VERDICT was reported */
	bool given_up; /* it was probing, and its parser was wanted for another */
	bool visible[SIDES];
};

struct sessions {
	const struct conf *conf;
	struct health *health;
	session_report_cb *report;
	void *ctx;
	struct pool lives, parsers;
	struct reasm_memory memory;
	struct classifier *classifier;
	struct certificates *certificates;
	struct tls_leaf_sink leaf;
	uint64_t next_id;
	struct parser *feeding;  /* the one whose bytes are being handed on */
	uint32_t oldest, newest; /* parsers of those probing; POOL_NONE when there are none */
};

static void on_leaf(void *ctx, uint32_t at, uint32_t total, const uint8_t *data, size_t n)
{
	struct sessions *ss = ctx;
	struct parser *p = ss->feeding;

	certificates_part(ss->certificates, &p->certificate, &p->mail.facts.s, at, total, data, n);
}

static uint32_t max_lives(const struct conf *c)
{
	return c->max_flows > c->max_undecided ? c->max_flows : c->max_undecided;
}

struct sessions *sessions_new(const struct conf *c, struct health *health, session_report_cb *cb,
			      void *ctx)
{
	struct sessions *ss = calloc(1, sizeof(*ss));

	if (!ss)
		return NULL;
	ss->conf = c;
	ss->health = health;
	ss->report = cb;
	ss->ctx = ctx;
	ss->classifier = classifier_new(NDPI_FLOWS);
	ss->certificates = certificates_new();
	ss->leaf = (struct tls_leaf_sink){ on_leaf, ss };
	ss->oldest = ss->newest = POOL_NONE;
	if (!ss->classifier || !ss->certificates ||
	    !pool_init(&ss->lives, sizeof(struct live), max_lives(c)) ||
	    !pool_init(&ss->parsers, sizeof(struct parser), c->max_undecided) ||
	    !reasm_memory_init(&ss->memory, c->reassembly_kib * 1024ull,
			       c->reassembly_flow_kib * 1024ull)) {
		sessions_free(ss);
		return NULL;
	}
	return ss;
}

void sessions_free(struct sessions *ss)
{
	if (!ss)
		return;
	certificates_free(ss->certificates);
	classifier_free(ss->classifier);
	reasm_memory_fini(&ss->memory);
	pool_fini(&ss->parsers);
	pool_fini(&ss->lives);
	free(ss);
}

static struct live *live_at(const struct sessions *ss, uint32_t index)
{
	return pool_at(&ss->lives, index);
}

static struct parser *parser_of(const struct sessions *ss, const struct live *l)
{
	return l->parser == POOL_NONE ? NULL : pool_at(&ss->parsers, l->parser);
}

static void say_late(struct parser *p, enum side from)
{
	if (p->late[from])
		mail_gap(&p->mail, from, 0);
	p->late[from] = false;
}

static void on_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	struct sessions *ss = ctx;

	ss->feeding->bytes[from] += n;
	say_late(ss->feeding, from);
	mail_feed(&ss->feeding->mail, from, data, n);
}

static void on_gap(void *ctx, enum side from, uint64_t n)
{
	struct sessions *ss = ctx;

	ss->feeding->gap_bytes += n;
	ss->health->n[HEALTH_GAPS]++;
	ss->health->n[HEALTH_GAP_BYTES] += n;
	ss->feeding->late[from] = false;
	mail_gap(&ss->feeding->mail, from, n);
}

static struct reasm_out out_of(struct sessions *ss, struct parser *p)
{
	ss->feeding = p;
	return (struct reasm_out){ on_data, on_gap, ss };
}

/* Beginning ---------------------------------------------------------------------------------- */

static void fixed_part(struct session *s, const struct session_start *start)
{
	memcpy(s->client, start->client, 16);
	memcpy(s->server, start->server, 16);
	s->client_port = start->client_port;
	s->server_port = start->server_port;
	s->vlan = start->vlan;
	s->interface = start->interface;
	s->start_ns = start->start_ns;
	s->protocol = (uint8_t)start->protocol;
	s->service = (uint8_t)start->service;
}

static void init_parser(const struct sessions *ss, struct parser *p,
			const struct session_start *start)
{
	bool syn = start->syn[CLIENT] || start->syn[SERVER];

	memset(p, 0, offsetof(struct parser, mail));
	reasm_init(&p->reasm);
	mail_init(&p->mail, start->protocol, start->service, syn);
	fixed_part(&p->mail.facts.s, start);
	p->mail.tls.leaf = &ss->leaf;
	p->mail.facts.decrypted_mirror = ss->conf->decrypted_mirror;
	p->mail.facts.mirrored = ss->conf->decrypted_mirror && start->implicit_tls;
	p->probing = start->probing;
	for (unsigned i = 0; i < SIDES; i++) {
		p->mail.facts.visible[i] = start->visible[i];
		if (start->visible[i])
			reasm_seen(&p->reasm, (enum side)i);
		if (start->syn[i])
			reasm_start(&p->reasm, (enum side)i, start->first_seq[i]);
		p->late[i] = syn && start->visible[i] && !start->syn[i];
		if (start->ended[i])
			reasm_fin(&p->reasm, (enum side)i, start->fin_seq[i]);
		if (start->has_acked[i])
			reasm_acked(&p->reasm, (enum side)i, start->acked[i]);
	}
}

/* Those that have yet to show that they are mail, the oldest first: the first to make room. */
static void probe_begin(struct sessions *ss, uint32_t parser, uint32_t session)
{
	struct parser *p = pool_at(&ss->parsers, parser);

	p->session = session;
	p->newer = POOL_NONE;
	p->older = ss->newest;
	if (p->older != POOL_NONE)
		((struct parser *)pool_at(&ss->parsers, p->older))->newer = parser;
	else
		ss->oldest = parser;
	ss->newest = parser;
}

static void probe_end(struct sessions *ss, struct parser *p)
{
	if (!p->probing)
		return;
	p->probing = false;
	if (p->older != POOL_NONE)
		((struct parser *)pool_at(&ss->parsers, p->older))->newer = p->newer;
	else
		ss->oldest = p->newer;
	if (p->newer != POOL_NONE)
		((struct parser *)pool_at(&ss->parsers, p->newer))->older = p->older;
	else
		ss->newest = p->older;
}

static void release_parser(struct sessions *ss, struct live *l);

/* A parser; when all are in use that of the session that has been probing for longest, which is
 * taken not to be mail then. POOL_NONE when none is. */
static uint32_t take_parser(struct sessions *ss)
{
	uint32_t parser = pool_take(&ss->parsers);
	struct live *l;

	if (parser != POOL_NONE || ss->oldest == POOL_NONE)
		return parser;
	l = live_at(ss, ((struct parser *)pool_at(&ss->parsers, ss->oldest))->session);
	release_parser(ss, l);
	l->given_up = true;
	ss->health->n[HEALTH_UNDECIDED_FULL]++;
	return pool_take(&ss->parsers);
}

uint32_t session_open(struct sessions *ss, const struct session_start *start)
{
	uint32_t parser = take_parser(ss), index;
	struct live *l;

	if (parser == POOL_NONE)
		return POOL_NONE;
	index = pool_take(&ss->lives);
	if (index == POOL_NONE) {
		pool_give(&ss->parsers, parser);
		return POOL_NONE;
	}
	l = live_at(ss, index);
	memset(l, 0, sizeof(*l));
	l->id = ++ss->next_id;
	l->parser = parser;
	init_parser(ss, pool_at(&ss->parsers, parser), start);
	if (start->probing)
		probe_begin(ss, parser, index);
	return index;
}

/* Judging ------------------------------------------------------------------------------------ */

static void note_acknowledged(struct parser *p)
{
	const struct reasm_side *c = &p->reasm.side[CLIENT];
	struct facts *f = &p->mail.facts;
	int32_t behind = seq_after(c->next, c->acked);

	if (!c->has_acked || !c->known)
		return;
	if (behind <= 0)
		f->client_acked = f->offset[CLIENT];
	else if ((uint64_t)behind < f->offset[CLIENT])
		f->client_acked = f->offset[CLIENT] - (uint64_t)behind;
}

static void judge(struct parser *p, enum ending how, struct session *out)
{
	struct facts *f = &p->mail.facts;

	note_acknowledged(p);
	if (p->reasm.conflict)
		facts_oddity(f, ODDITY_OVERLAP);
	facts_verdict(f, how, out);
	out->bytes_missing = p->gap_bytes;
}

static void release_parser(struct sessions *ss, struct live *l)
{
	struct parser *p = parser_of(ss, l);

	if (!p)
		return;
	for (unsigned i = 0; i < SIDES; i++) {
		l->next[i] = p->reasm.side[i].next;
		l->visible[i] = p->mail.facts.visible[i];
	}
	probe_end(ss, p);
	classifier_end(ss->classifier, p->ndpi);
	reasm_drop(&p->reasm, &ss->memory);
	explicit_bzero(&p->mail, sizeof(p->mail));
	pool_give(&ss->parsers, l->parser);
	l->parser = POOL_NONE;
}

static void keep_counters(const struct live *l, struct session *s)
{
	s->bytes_to_server = l->s.bytes_to_server;
	s->bytes_to_client = l->s.bytes_to_client;
	s->bytes_missing += l->s.bytes_missing;
	s->end_ns = l->s.end_ns;
	s->decided_ns = l->s.decided_ns;
}

static bool weighs_more(const struct session *now, const struct session *before)
{
	return now->exposure > before->exposure || now->confirmed > before->confirmed;
}

/* Reports the verdict when it falls, and plaintext again when it weighs more. */
static void judge_open(struct sessions *ss, struct live *l, uint64_t now_ns)
{
	struct parser *p = parser_of(ss, l);
	struct session now;

	if (!p || p->probing || !facts_decided(&p->mail.facts))
		return;
	judge(p, ENDING_OPEN, &now);
	keep_counters(l, &now);
	if (!l->counted) {
		now.decided_ns = now_ns;
		l->counted = true;
		ss->report(ss->ctx, MESSAGE_VERDICT, l->id, true, &now);
	} else if (now.verdict == VERDICT_PLAINTEXT && weighs_more(&now, &l->s)) {
		ss->report(ss->ctx, MESSAGE_WEIGHT, l->id, true, &now);
	}
	now.bytes_missing = l->s.bytes_missing;
	l->s = now;
	if (p->mail.facts.tls == TLS_COMPLETE) { /* nothing can change it any more */
		l->s.bytes_missing += p->gap_bytes;
		release_parser(ss, l);
	}
}

enum service service_on_any_port(enum protocol p)
{
	return p == PROTOCOL_SMTP ? SERVICE_MTA : SERVICE_ACCESS;
}

/* Is it mail? -------------------------------------------------------------------------------- */

static void ask_ndpi(struct sessions *ss, struct parser *p, const struct packet *packet)
{
	if (p->ndpi == 0 && p->packets == 1)
		p->ndpi = classifier_begin(ss->classifier);
	switch (classifier_packet(ss->classifier, p->ndpi, packet)) {
	case OPINION_MAIL: p->ndpi_mail = true; break;
	case OPINION_OTHER: p->ndpi_other = true; break;
	case OPINION_NONE: break;
	}
}

/* Shows libndpi the packets of a flow that our own test cannot name, and nothing after AUTH. */
static void look_at(struct sessions *ss, struct parser *p, const struct packet *packet)
{
	enum mail_likeness l = mail_likeness(&p->mail);

	if (p->packets < UINT8_MAX)
		p->packets++;
	if (p->packets > PROBE_PACKETS || l >= MAIL_LIKELY || p->mail.facts.plain) {
		classifier_end(ss->classifier, p->ndpi);
		p->ndpi = 0;
		return;
	}
	ask_ndpi(ss, p, packet);
}

static void disagree_if(struct sessions *ss, bool differs)
{
	ss->health->n[HEALTH_DISAGREE] += differs;
}

/* Text of any kind has lines that look like commands; a conversation also has a greeting, unless
 * its start or one of its sides was not seen. */
static bool greeted_or_unseen(const struct facts *f)
{
	return f->greeted || !f->syn_seen || !f->visible[CLIENT] || !f->visible[SERVER];
}

/* On a mail port what has the words of the protocol is mail. Elsewhere its own commands are
 * wanted, or libndpi's word. */
static bool is_mail(const struct parser *p)
{
	enum mail_likeness l = mail_likeness(&p->mail);

	if (p->probing && p->mail.facts.implicit)
		return p->tls_named;
	if (p->probing)
		return (l == MAIL_SURE && greeted_or_unseen(&p->mail.facts)) ||
		       (l == MAIL_LIKELY && p->ndpi_mail);
	if (l != MAIL_DOUBTFUL)
		return true;
	return !p->mail.facts.syn_seen;
}

static enum session_state let_go(struct sessions *ss, uint32_t index)
{
	struct live *l = live_at(ss, index);
	const struct parser *p = parser_of(ss, l);

	disagree_if(ss, p && p->ndpi_mail);
	release_parser(ss, l);
	pool_give(&ss->lives, index);
	return SESSION_NOT_MAIL;
}

/* TLS on an unknown port: the ClientHello has the word. */
static void name_by_tls(struct parser *p)
{
	enum protocol named;

	if (p->tls_named || p->mail.clear_seen || !p->mail.tls.side[CLIENT].hello)
		return;
	named = classify_tls(&p->mail.facts.s);
	if (named == PROTOCOL_NONE)
		p->packets = PROBE_PACKETS; /* it will not get better */
	else
		mail_rename(&p->mail, named, service_on_any_port(named));
	p->tls_named = named != PROTOCOL_NONE;
}

static enum session_state settle(struct sessions *ss, uint32_t index)
{
	struct live *l = live_at(ss, index);
	struct parser *p = parser_of(ss, l);
	bool waits;

	if (!p || !p->probing)
		return SESSION_GOES_ON;
	name_by_tls(p);
	if (is_mail(p)) {
		probe_end(ss, p);
		disagree_if(ss, p->ndpi_other);
		return SESSION_GOES_ON;
	}
	waits = p->reasm.stalled || reasm_awaits_side(&p->reasm);
	if (p->packets < (waits ? STALLED_PACKETS : PROBE_PACKETS))
		return SESSION_GOES_ON;
	return let_go(ss, index);
}

/* Packets ------------------------------------------------------------------------------------ */

static void count_bytes(struct live *l, enum side from, uint32_t n)
{
	if (from == CLIENT)
		l->s.bytes_to_server += n;
	else
		l->s.bytes_to_client += n;
}

/* A segment that comes late fills the hole that it left. Returns how many bytes of it. */
static uint32_t fill_hole(struct live *l, enum side from, uint32_t seq, uint32_t end)
{
	struct hole *h = &l->hole[from];
	uint32_t size = h->to - h->from;
	uint32_t at = seq_after(seq, h->from) > 0 ? seq - h->from : 0;
	uint32_t to = seq_after(h->to, end) > 0 ? end - h->from : size;

	if (size == 0 || at >= size || to > size || to <= at)
		return 0;
	l->s.bytes_missing -= to - at;
	if (at == 0)
		h->from += to;
	else
		h->to = h->from + at; /* what lies behind stays missing */
	return to - at;
}

static void note_hole(struct live *l, enum side from, uint32_t size)
{
	if (size >= 1u << 30)
		return;
	l->s.bytes_missing += size;
	l->hole[from] = (struct hole){ l->next[from], l->next[from] + size };
}

/* The verdict stands: only bytes are counted, new ones once. */
static void count_only(struct live *l, enum side from, const struct packet *p)
{
	uint32_t end = p->seq + p->wire_length;
	int32_t fresh = seq_after(end, l->next[from]);
	uint32_t n = fresh > 0 ? (uint32_t)fresh : 0;

	if (p->wire_length == 0) /* it may stand behind a FIN, which takes a number of its own */
		return;
	if (fresh <= 0) {
		count_bytes(l, from, fill_hole(l, from, p->seq, end));
		return;
	}
	if (n > p->wire_length) {
		note_hole(l, from, n - p->wire_length);
		n = p->wire_length;
	}
	l->next[from] = end;
	count_bytes(l, from, n);
}

static void reassemble(struct sessions *ss, struct live *l, enum side from, const struct packet *p,
		       uint64_t now_ms)
{
	struct parser *parser = parser_of(ss, l);
	struct reasm_out out = out_of(ss, parser);
	uint64_t refused = ss->memory.refused, duplicate = ss->memory.duplicate;
	struct segment g = {
		.seq = p->seq,
		.ack = p->ack,
		.has_ack = p->flags & TCP_ACK,
		.data = p->payload,
		.length = p->length,
		.wire_length = p->wire_length,
	};

	if (p->flags & TCP_RST && !seq_in_window(parser->reasm.side[from].next, p->seq))
		return; /* somebody else's */
	if (p->flags & TCP_SYN)
		g.seq++;
	if (p->length < p->wire_length)
		facts_oddity(&parser->mail.facts, ODDITY_TRUNCATED);
	if (p->flags & TCP_FIN)
		reasm_fin(&parser->reasm, from, g.seq + p->wire_length);
	reasm_segment(&parser->reasm, &ss->memory, from, &g, now_ms, &out);
	ss->health->n[HEALTH_REASM_FULL] += ss->memory.refused - refused;
	ss->health->n[HEALTH_DUPLICATE] += ss->memory.duplicate - duplicate;
}

static void bytes_so_far(struct live *l, const struct parser *p)
{
	l->s.bytes_to_server = p->bytes[CLIENT];
	l->s.bytes_to_client = p->bytes[SERVER];
}

/* The first packet of a side. When the connection was seen from its start, but not this side, what
 * it said before is missing, or can no longer be put between what the other side said. */
static void join(struct parser *p, enum side from)
{
	struct facts *f = &p->mail.facts;
	const struct reasm_side *s = &p->reasm.side[from];

	if (f->visible[from])
		return;
	p->late[from] = f->syn_seen && (!s->from_start || s->absent);
	mail_join(&p->mail, from);
}

enum session_state session_packet(struct sessions *ss, uint32_t index, enum side from,
				  const struct packet *p, uint64_t now_ms)
{
	struct live *l = live_at(ss, index);
	struct parser *parser = parser_of(ss, l);

	l->s.end_ns = p->time_ns;
	if (l->given_up)
		return let_go(ss, index);
	if (!parser) {
		l->visible[from] = true;
		count_only(l, from, p);
		return SESSION_GOES_ON;
	}
	join(parser, from);
	if (p->wire_length > 0)
		look_at(ss, parser, p);
	reassemble(ss, l, from, p, now_ms);
	bytes_so_far(l, parser);
	if (settle(ss, index) == SESSION_NOT_MAIL)
		return SESSION_NOT_MAIL;
	judge_open(ss, l, p->time_ns);
	return SESSION_GOES_ON;
}

bool session_stalled(const struct sessions *ss, uint32_t index)
{
	const struct parser *p = parser_of(ss, live_at(ss, index));

	return p && p->reasm.stalled;
}

enum session_state session_poll(struct sessions *ss, uint32_t index, uint64_t now_ms,
				uint64_t now_ns)
{
	struct live *l = live_at(ss, index);
	struct parser *p = parser_of(ss, l);
	struct reasm_out out;

	if (l->given_up)
		return let_go(ss, index);
	if (!p)
		return SESSION_GOES_ON;
	out = out_of(ss, p);
	reasm_poll(&p->reasm, &ss->memory, now_ms, &out);
	bytes_so_far(l, p);
	if (settle(ss, index) == SESSION_NOT_MAIL)
		return SESSION_NOT_MAIL;
	judge_open(ss, l, now_ns);
	return SESSION_GOES_ON;
}

bool session_expects(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq)
{
	const struct live *l = live_at(ss, index);
	const struct parser *p = parser_of(ss, l);

	if (p && !p->reasm.side[from].known)
		return true;
	return seq_in_window(p ? p->reasm.side[from].next : l->next[from], seq);
}

static bool all_seen(const struct reasm_side *s)
{
	return !s->has_acked || seq_after(s->acked, s->next) <= 1; /* a FIN takes one */
}

bool session_is_last(const struct sessions *ss, uint32_t index, enum side from, uint32_t seq)
{
	const struct live *l = live_at(ss, index);
	const struct parser *p = parser_of(ss, l);

	if (!p)
		return seq - l->next[from] <= 1;
	return !p->reasm.stalled && p->reasm.side[from].known &&
	       seq - p->reasm.side[from].next <= 1 && all_seen(&p->reasm.side[CLIENT]) &&
	       all_seen(&p->reasm.side[SERVER]);
}

bool session_finished(const struct sessions *ss, uint32_t index)
{
	const struct parser *p = parser_of(ss, live_at(ss, index));

	return !p || reasm_finished(&p->reasm);
}

/* The end ------------------------------------------------------------------------------------ */

static void report_end(struct sessions *ss, struct live *l, struct session *s, uint64_t now_ns)
{
	if (!l->counted)
		s->decided_ns = now_ns;
	if (s->directions != DIRECTIONS_BOTH)
		ss->health->n[HEALTH_ONE_SIDED]++;
	ss->health->n[HEALTH_SESSIONS]++;
	ss->report(ss->ctx, MESSAGE_END, l->id, l->counted, s);
}

/* What a verdict that was reported said stays, whatever came later; only its weight may grow. */
static void keep_verdict(const struct live *l, struct session *s)
{
	if (!l->counted)
		return;
	s->verdict = l->s.verdict;
	s->reason = l->s.reason;
	s->decided_ns = l->s.decided_ns;
}

bool session_close(struct sessions *ss, uint32_t index, enum ending how, uint64_t now_ns)
{
	struct live *l = live_at(ss, index);
	struct parser *p = parser_of(ss, l);
	struct session s = l->s;

	if (l->given_up) {
		let_go(ss, index);
		return false;
	}
	if (p) {
		struct reasm_out out = out_of(ss, p);

		reasm_flush(&p->reasm, &ss->memory, &out);
		say_late(p, CLIENT);
		say_late(p, SERVER);
		mail_end(&p->mail, how);
		bytes_so_far(l, p);
		if (!l->counted && !is_mail(p)) {
			let_go(ss, index);
			return false;
		}
		judge_open(ss, l, now_ns); /* what the last bytes decided, if they did */
		p = parser_of(ss, l);
		s = l->s;
	}
	if (p) {
		judge(p, how, &s);
		keep_counters(l, &s);
		keep_verdict(l, &s);
	}
	report_end(ss, l, &s, now_ns);
	release_parser(ss, l);
	pool_give(&ss->lives, index);
	return true;
}

void session_refused(struct sessions *ss, const struct session_start *start, uint64_t now_ns)
{
	struct live l = { .id = ++ss->next_id };
	struct facts f;
	struct session s;

	facts_init(&f);
	fixed_part(&f.s, start);
	f.visible[CLIENT] = f.visible[SERVER] = true;
	f.syn_seen = true;
	facts_verdict(&f, ENDING_EVICTED, &s);
	s.messages = MESSAGES_NULL;
	s.requested = s.auth_clear = TRI_NULL; /* nobody looked */
	s.end_ns = now_ns;
	report_end(ss, &l, &s, now_ns);
}
