/* Packets of a few connections into small tables: the books balance, and every session is reported
 * as session.h says. Input: flags, then operations: a byte (connection, side, what), and what
 * follows it.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sensor/tracker.h"

enum { FLAG_ANY = 1, FLAG_MIRROR = 2, FLAG_ROOM = 4 };
enum { CONNECTIONS = 8, PACKETS_MAX = 2000 };

/* The upper half of an operation's byte; below it three bits of connection and one of side. */
enum operation {
	OP_DATA, /* a byte of length, payload */
	OP_SYN,
	OP_FIN,
	OP_RST,
	OP_ACK,
	OP_LONG,      /* two bytes of length, payload */
	OP_LOST,      /* two bytes of length: it was sent, and not captured */
	OP_WAIT,      /* milliseconds (2) */
	OP_AGAIN,     /* the last data of this side, once more */
	OP_OFF,       /* as DATA, in front of it how far it is off, in steps of four bytes */
	OP_CUT,       /* as DATA; ten more bytes were on the wire */
	OP_NO_ACK,    /* as DATA */
	OP_OVERTAKEN, /* as DATA, but the segment before it comes behind it */
	OP_JUMP,      /* seconds times 256 (1), back with the side's bit */
	OP_FIN_DATA,  /* as DATA */
	OP_WILD,      /* flags (1), sequence number (4), acknowledgment (4) */
};

struct connection {
	uint32_t next[SIDES];
	struct span last[SIDES]; /* of the input */
};

/* What was last reported of a session. */
struct reported {
	uint64_t decided_ns;
	uint16_t client_port, server_port;
	uint8_t verdict, reason, protocol, exposure, confirmed;
	bool counted, ended;
};

struct world {
	struct conf *conf;
	struct health health;
	struct tracker *tracker;
	uint64_t now_ns, sent;
	struct connection connection[CONNECTIONS];
	struct reported reported[PACKETS_MAX + 1]; /* by number of session */
	uint64_t ends, bytes;
};

/* What was reported stands; only its weight grows. */
static void compare(const struct reported *r, const struct session *s)
{
	MUST(r->verdict == s->verdict && r->reason == s->reason);
	MUST(r->decided_ns == s->decided_ns && r->protocol == s->protocol);
	MUST(r->client_port == s->client_port && r->server_port == s->server_port);
	MUST(r->exposure <= s->exposure);
	MUST(r->exposure < s->exposure || r->confirmed <= s->confirmed);
}

static void remember(struct reported *r, const struct session *s)
{
	r->verdict = s->verdict;
	r->reason = s->reason;
	r->protocol = s->protocol;
	r->exposure = s->exposure;
	r->confirmed = s->confirmed;
	r->decided_ns = s->decided_ns;
	r->client_port = s->client_port;
	r->server_port = s->server_port;
}

static void on_report(void *ctx, enum message_kind kind, uint64_t id, bool counted,
		      const struct session *s)
{
	struct world *w = ctx;
	struct reported *r;

	MUST(id > 0 && id <= PACKETS_MAX);
	r = &w->reported[id];
	MUST(session_valid(s) && !r->ended);
	MUST((s->verdict == VERDICT_PLAINTEXT) == (s->exposure != EXPOSURE_NONE));
	MUST(s->verdict != VERDICT_PLAINTEXT || s->evidence_len > 0);
	if (r->counted)
		compare(r, s);
	switch (kind) {
	case MESSAGE_VERDICT: MUST(counted && !r->counted); break;
	case MESSAGE_WEIGHT:
		MUST(counted && r->counted && s->verdict == VERDICT_PLAINTEXT);
		MUST(r->exposure < s->exposure || r->confirmed < s->confirmed);
		break;
	case MESSAGE_END:
		MUST(counted == r->counted);
		r->ended = true;
		w->ends++;
		w->bytes += s->bytes_to_server + s->bytes_to_client;
		break;
	case MESSAGE_HEALTH:
	case MESSAGE_FAILURE:
	case MESSAGE_PROGRESS:
	case MESSAGE_KINDS: MUST(false); break;
	}
	r->counted = kind != MESSAGE_END;
	remember(r, s);
}

static void check_books(struct world *w)
{
	char err[256];

	w->health.alive = tracker_alive(w->tracker);
	MUST(health_balance(&w->health, err, sizeof(err)));
	MUST(w->health.n[HEALTH_SESSIONS] == w->ends);
	MUST(w->health.alive <= w->conf->max_flows);
}

static void address(struct packet *p, unsigned connection, enum side from)
{
	static const uint16_t ports[CONNECTIONS] = { 25, 587, 110, 143, 993, 465, 443, 8025 };
	uint16_t client_port = (uint16_t)(40000 + connection);

	for (unsigned i = 0; i < SIDES; i++) {
		p->addr[i][10] = p->addr[i][11] = 0xff;
		p->addr[i][12] = 10;
		p->addr[i][15] = (i == 0) == (from == CLIENT) ? 1 : 2;
		p->port[i] = (i == 0) == (from == CLIENT) ? client_port : ports[connection];
	}
	p->vlan = VLAN_NONE;
}

static void deliver(struct world *w, unsigned connection, enum side from, const struct packet *like,
		    struct span payload)
{
	uint8_t *copy = fuzz_copy(payload);
	struct packet p = *like;
	enum health_counter where;

	address(&p, connection, from);
	p.time_ns = w->now_ns;
	p.payload = copy;
	p.length = (uint32_t)payload.len;
	p.wire_length += p.length;
	w->sent += p.wire_length;
	w->health.n[HEALTH_PACKETS]++;
	where = tracker_packet(w->tracker, &p);
	MUST(where == HEALTH_DELIVERED || where == SKIP_PORT || where == SKIP_FULL);
	w->health.n[where]++;
	free(copy);
	check_books(w);
}

/* A segment where it is due. */
static void segment(struct world *w, unsigned connection, enum side from, unsigned flags,
		    struct span payload)
{
	struct connection *c = &w->connection[connection];
	struct packet p = { .flags = (uint8_t)flags, .seq = c->next[from] };

	p.ack = flags & TCP_ACK ? c->next[other_side(from)] : 0;
	deliver(w, connection, from, &p, payload);
	if (payload.len > 0)
		c->last[from] = payload;
	c->next[from] += (uint32_t)payload.len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void overtaken(struct world *w, unsigned connection, enum side from, struct span payload)
{
	struct connection *c = &w->connection[connection];
	size_t half = payload.len / 2;
	struct span late = { payload.at, half }, early = { payload.at + half, payload.len - half };

	c->next[from] += (uint32_t)half;
	segment(w, connection, from, TCP_ACK, early);
	c->next[from] -= (uint32_t)payload.len;
	segment(w, connection, from, TCP_ACK, late);
	c->next[from] += (uint32_t)early.len;
}

static void off(struct world *w, unsigned connection, enum side from, unsigned by,
		struct span payload)
{
	struct connection *c = &w->connection[connection];
	struct packet p = { .flags = TCP_ACK, .ack = c->next[other_side(from)] };

	p.seq = c->next[from] + 4 * by - 512;
	deliver(w, connection, from, &p, payload);
}

static void cut(struct world *w, unsigned connection, enum side from, struct span payload)
{
	struct connection *c = &w->connection[connection];
	struct packet p = { .flags = TCP_ACK, .seq = c->next[from], .wire_length = 10 };

	p.ack = c->next[other_side(from)];
	deliver(w, connection, from, &p, payload);
	c->next[from] += (uint32_t)payload.len + 10;
}

static void wild(struct world *w, unsigned connection, enum side from, struct cursor *c)
{
	struct packet p = { .flags = cur_u8(c) };

	p.seq = cur_be32(c);
	p.ack = cur_be32(c);
	deliver(w, connection, from, &p, (struct span){ c->at, 0 });
}

static struct span payload_of(struct cursor *c, bool two_bytes)
{
	size_t n = two_bytes ? cur_be16(c) : cur_u8(c);

	return cur_sub(c, n < cur_left(c) ? n : cur_left(c));
}

static void time_passes(struct world *w, uint64_t ns, bool back)
{
	w->now_ns += back ? 0 - ns : ns;
	tracker_time(w->tracker, w->now_ns);
	check_books(w);
}

static void operate(struct world *w, struct cursor *c)
{
	unsigned op = cur_u8(c), n = op % CONNECTIONS;
	enum side from = op & 8 ? SERVER : CLIENT;
	struct connection *conn = &w->connection[n];
	struct span none = { c->at, 0 };
	unsigned by;

	w->now_ns += 1000000;
	switch ((enum operation)(op >> 4)) {
	case OP_DATA: segment(w, n, from, TCP_ACK, payload_of(c, false)); break;
	case OP_SYN: segment(w, n, from, from ? TCP_SYN | TCP_ACK : TCP_SYN, none); break;
	case OP_FIN: segment(w, n, from, TCP_FIN | TCP_ACK, none); break;
	case OP_RST: segment(w, n, from, TCP_RST | TCP_ACK, none); break;
	case OP_ACK: segment(w, n, from, TCP_ACK, none); break;
	case OP_LONG: segment(w, n, from, TCP_ACK, payload_of(c, true)); break;
	case OP_LOST: conn->next[from] += cur_be16(c); break;
	case OP_WAIT: time_passes(w, cur_be16(c) * 1000000ull, false); break;
	case OP_AGAIN:
		conn->next[from] -= (uint32_t)conn->last[from].len;
		segment(w, n, from, TCP_ACK, conn->last[from]);
		break;
	case OP_OFF:
		by = cur_u8(c);
		off(w, n, from, by, payload_of(c, false));
		break;
	case OP_CUT: cut(w, n, from, payload_of(c, false)); break;
	case OP_NO_ACK: segment(w, n, from, 0, payload_of(c, false)); break;
	case OP_OVERTAKEN: overtaken(w, n, from, payload_of(c, false)); break;
	case OP_JUMP: time_passes(w, cur_u8(c) * 256000000000ull, from == SERVER); break;
	case OP_FIN_DATA: segment(w, n, from, TCP_FIN | TCP_ACK, payload_of(c, false)); break;
	case OP_WILD: wild(w, n, from, c); break;
	}
}

static void begin(struct world *w, unsigned flags)
{
	w->conf = conf_default();
	w->conf->max_flows = flags & FLAG_ROOM ? 16 : 4;
	w->conf->max_undecided = flags & FLAG_ROOM ? 8 : 2;
	w->conf->reassembly_kib = flags & FLAG_ROOM ? 256 : 22;
	w->conf->reassembly_flow_kib = flags & FLAG_ROOM ? 128 : 8;
	w->conf->decrypted_mirror = flags & FLAG_MIRROR;
	w->now_ns = 1709287200ull * 1000000000;
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		w->connection[i].next[CLIENT] = 1000;
		w->connection[i].next[SERVER] = UINT32_MAX - 99;
	}
	w->tracker = tracker_new(w->conf, flags & FLAG_ANY, &w->health, on_report, w);
	MUST(w->tracker != NULL);
}

static void end(struct world *w)
{
	tracker_end(w->tracker);
	check_books(w);
	MUST(w->health.alive == 0 && w->bytes <= w->sent);
	for (unsigned i = 1; i <= PACKETS_MAX; i++)
		MUST(!w->reported[i].counted); /* each has ended */
	tracker_free(w->tracker);
	conf_free(w->conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	struct world *w = calloc(1, sizeof(*w));

	MUST(w != NULL);
	begin(w, cur_u8(&c));
	for (unsigned i = 0; i < PACKETS_MAX / 2 && cur_left(&c) > 0; i++)
		operate(w, &c);
	end(w);
	free(w);
	return 0;
}
