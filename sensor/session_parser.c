#include "sensor/session_parser.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/certificates.h"
#include "sensor/sequence.h"

struct parsers {
	struct health *health;
	struct reasm_memory memory;
	struct certificates *certificates;
	struct tls_leaf_sink leaf;
	struct parser *feeding; /* the one whose bytes are being handed on */
	bool decrypted_mirror;
};

static void on_leaf(void *ctx, uint32_t at, uint32_t total, const uint8_t *data, size_t n)
{
	struct parsers *ps = ctx;
	struct parser *p = ps->feeding;

	certificates_part(ps->certificates, &p->certificate, &p->mail.facts.s, at, total, data, n);
}

struct parsers *parsers_new(const struct conf *c, struct health *health)
{
	struct parsers *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	ps->health = health;
	ps->decrypted_mirror = c->decrypted_mirror;
	ps->leaf = (struct tls_leaf_sink){ on_leaf, ps };
	ps->certificates = certificates_new();
	if (!ps->certificates || !reasm_memory_init(&ps->memory, c->reassembly_kib * 1024ull,
						    c->reassembly_flow_kib * 1024ull)) {
		parsers_free(ps);
		return NULL;
	}
	return ps;
}

size_t parsers_bytes(const struct conf *c)
{
	return sizeof(struct parsers) + certificates_bytes() +
	       reasm_memory_bytes(c->reassembly_kib * 1024ull);
}

void parsers_free(struct parsers *ps)
{
	if (!ps)
		return;
	certificates_free(ps->certificates);
	reasm_memory_fini(&ps->memory);
	free(ps);
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

static void init_side(struct parser *p, enum side side, bool syn, const struct session_start *start)
{
	p->mail.facts.visible[side] = start->visible[side];
	if (start->visible[side])
		reasm_seen(&p->reasm, side);
	if (start->syn[side])
		reasm_start(&p->reasm, side, start->first_seq[side]);
	else if (start->stands[side])
		reasm_stands(&p->reasm, side, start->first_seq[side]);
	p->late[side] = syn && start->visible[side] && !start->syn[side];
	if (start->ended[side])
		reasm_fin(&p->reasm, side, start->fin_seq[side]);
	else if (start->has_sent[side])
		reasm_sent(&p->reasm, side, start->fin_seq[side]);
	if (start->has_acked[side])
		reasm_acked(&p->reasm, side, start->acked[side]);
}

void parser_init(struct parsers *ps, struct parser *p, const struct session_start *start)
{
	bool syn = start->syn[CLIENT] || start->syn[SERVER];

	memset(p, 0, offsetof(struct parser, mail));
	reasm_init(&p->reasm);
	mail_init(&p->mail, start->protocol, start->service, syn);
	fixed_part(&p->mail.facts.s, start);
	p->mail.tls.leaf = &ps->leaf;
	p->mail.facts.decrypted_mirror = ps->decrypted_mirror;
	p->mail.facts.mirrored = ps->decrypted_mirror && start->implicit_tls;
	init_side(p, CLIENT, syn, start);
	init_side(p, SERVER, syn, start);
}

void parser_waiting(const struct parsers *ps, const struct parser *p, reasm_waiting_cb *cb,
		    void *ctx)
{
	reasm_waiting(&p->reasm, &ps->memory, cb, ctx);
}

void parser_fini(struct parsers *ps, struct parser *p)
{
	reasm_drop(&p->reasm, &ps->memory);
	explicit_bzero(&p->mail, sizeof(p->mail));
}

/* Bytes in order ----------------------------------------------------------------------------- */

/* Before the client has spoken the server has nothing to say but its greeting. */
static void say_late(struct parser *p, enum side from)
{
	if (p->late[from] && (from == CLIENT || p->mail.facts.offset[CLIENT] > 0))
		mail_gap(&p->mail, from, 0);
	p->late[from] = false;
}

static void on_data(void *ctx, enum side from, const uint8_t *data, size_t n)
{
	struct parsers *ps = ctx;
	struct parser *p = ps->feeding;

	p->bytes[from] += n;
	say_late(p, from);
	mail_feed(&p->mail, from, data, n);
}

static void on_gap(void *ctx, enum side from, uint64_t n)
{
	struct parsers *ps = ctx;
	struct parser *p = ps->feeding;

	p->gap_bytes += n;
	ps->health->n[HEALTH_GAPS] += n > 0 || !p->front[from];
	ps->health->n[HEALTH_GAP_BYTES] += n;
	p->front[from] |= n == 0;
	p->late[from] = false;
	mail_gap(&p->mail, from, n);
}

static struct reasm_out out_of(struct parsers *ps, struct parser *p)
{
	ps->feeding = p;
	return (struct reasm_out){ on_data, on_gap, ps };
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

static void offer(struct parsers *ps, struct parser *p, enum side from, const struct segment *s,
		  uint64_t now_ms)
{
	struct reasm_out out = out_of(ps, p);
	uint64_t refused = ps->memory.refused, duplicate = ps->memory.duplicate;

	reasm_segment(&p->reasm, &ps->memory, from, s, now_ms, &out);
	ps->health->n[HEALTH_REASM_FULL] += ps->memory.refused - refused;
	ps->health->n[HEALTH_DUPLICATE] += ps->memory.duplicate - duplicate;
}

void parser_packet(struct parsers *ps, struct parser *p, enum side from,
		   const struct packet *packet, uint64_t now_ms)
{
	struct segment s = {
		.seq = packet->flags & TCP_SYN ? packet->seq + 1 : packet->seq,
		.ack = packet->ack,
		.has_ack = packet->flags & TCP_ACK,
		.data = packet->payload,
		.length = packet->length,
		.wire_length = packet->wire_length,
	};

	if (packet->flags &
	    TCP_RST) /* what stands in it is told to the other end's people (RFC 9293, 3.5.3) */
		s.length = s.wire_length = 0;

	if (packet->flags & TCP_SYN)
		reasm_start(&p->reasm, from, s.seq);
	if (packet->flags & TCP_SYN && packet->flags & TCP_ACK)
		reasm_start(&p->reasm, other_side(from), packet->ack);
	join(p, from);
	if (packet->flags & TCP_RST && !seq_in_window(p->reasm.side[from].next, packet->seq))
		return; /* somebody else's */
	if (s.length < s.wire_length)
		facts_oddity(&p->mail.facts, ODDITY_TRUNCATED);
	if (packet->flags & TCP_FIN)
		reasm_fin(&p->reasm, from, s.seq + s.wire_length);
	offer(ps, p, from, &s, now_ms);
}

void parser_poll(struct parsers *ps, struct parser *p, uint64_t now_ms)
{
	struct reasm_out out = out_of(ps, p);

	reasm_poll(&p->reasm, &ps->memory, now_ms, &out);
}

/* A line that does not end, and one more number was acknowledged: no FIN, but its last byte. */
static void say_cut(struct parser *p, enum side from)
{
	if (!reasm_all_seen(&p->reasm, from) && mail_in_line(&p->mail, from))
		mail_gap(&p->mail, from, 1);
}

void parser_end(struct parsers *ps, struct parser *p, enum ending how)
{
	struct reasm_out out = out_of(ps, p);

	reasm_flush(&p->reasm, &ps->memory, &out);
	say_cut(p, CLIENT);
	say_cut(p, SERVER);
	say_late(p, CLIENT);
	say_late(p, SERVER);
	mail_end(&p->mail, how);
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

void parser_judge(struct parser *p, enum ending how, struct session *out)
{
	struct facts *f = &p->mail.facts;

	note_acknowledged(p);
	if (p->reasm.conflict)
		facts_oddity(f, ODDITY_OVERLAP);
	facts_verdict(f, how, out);
	out->bytes_to_server = p->bytes[CLIENT];
	out->bytes_to_client = p->bytes[SERVER];
	out->bytes_missing = p->gap_bytes;
}

void parser_refused(const struct session_start *start, struct session *out)
{
	struct facts f;

	facts_init(&f);
	fixed_part(&f.s, start);
	f.visible[CLIENT] = f.visible[SERVER] = true;
	f.syn_seen = true;
	facts_verdict(&f, ENDING_EVICTED, out);
	out->messages = MESSAGES_NULL;
	out->requested = out->auth_clear = TRI_NULL;
}

/* What is still to come --------------------------------------------------------------------- */

bool parser_stalled(const struct parser *p)
{
	return p->reasm.stalled;
}

bool parser_waits(const struct parser *p)
{
	return p->reasm.stalled || reasm_awaits_side(&p->reasm);
}

bool parser_expects(const struct parser *p, enum side from, uint32_t seq)
{
	const struct reasm_side *s = &p->reasm.side[from];

	return !s->known || seq_in_window(s->next, seq);
}

bool parser_is_last(const struct parser *p, enum side from, uint32_t seq)
{
	const struct reasm_side *s = p->reasm.side;

	return !p->reasm.stalled && s[from].known && seq - s[from].next <= 1 &&
	       reasm_all_seen(&p->reasm, CLIENT) && reasm_all_seen(&p->reasm, SERVER);
}

bool parser_finished(const struct parser *p)
{
	return reasm_finished(&p->reasm);
}
