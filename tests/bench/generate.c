/* generate.c - a capture of mail and other traffic, the same at every run, and the truth about it.
 *
 *     generate WORKLOAD PREFIX [SCALE [OPEN [PREFIXES]]]
 *
 * Writes PREFIX.pcap, PREFIX.json (what a sensor must find) and PREFIX.yaml (the peers).
 *
 * WORKLOAD  mail      sessions of mail, OPEN of them at a time
 *           mixed     the same, as one packet of twenty; the rest is the web and UDP
 *           flows     OPEN connections at once, a third of them half open, most of them idle
 *           synflood  a new connection with nearly every packet, mail in between
 * SCALE     1 is the whole thing, of millions of packets
 * OPEN      sessions, or connections, open at a time
 * PREFIXES  prefixes of the peers, all together
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/frames.h"

#define VARIANTS    16
#define PEERS       5
#define PARTIES     (2 * PEERS + 1) /* peer, peer-net, other */
#define BURST_MAX   3
#define FLOOD_SMALL 1000000 /* packets that may not fill the table as it is by default */

static const char *const peer_names[PEERS] = { "north", "south", "east", "west", "isle" };

enum workload { MAIL, MIXED, FLOWS, SYNFLOOD, WORKLOADS };

static const char *const workload_words[WORKLOADS] = { "mail", "mixed", "flows", "synflood" };

/* Sizes at scale 1. */
static const struct {
	unsigned sessions; /* of mail; 0: as many as come between the other packets */
	unsigned packets;  /* of all; 0: as many as the sessions have */
	unsigned mail_open, open;
	unsigned step_us;        /* between two packets, on average */
	unsigned mail_per_mille; /* of the packets */
	unsigned udp_per_mille;
} sizes[WORKLOADS] = {
	[MAIL] = { 60000, 0, 5000, 0, 50, 1000, 0 },
	[MIXED] = { 0, 2600000, 250, 5000, 10, 50, 250 },
	[FLOWS] = { 0, 4000000, 100, 1000000, 25, 20, 0 },
	[SYNFLOOD] = { 0, 2000000, 20, 0, 1, 20, 0 },
};

/* How many of a thousand sessions are of which kind. */
static const uint16_t shares[MAIL_KINDS] = {
	[SMTP_TLS13] = 510,    [SMTP_TLS12] = 110,     [SMTP_TLS_LONG] = 25, [SMTP_CLEAR] = 45,
	[SMTP_CLEAR_LONG] = 8, [SMTP_REFUSED] = 20,    [SMTP_LEAVES] = 50,   [SMTP_TLS_FAILS] = 20,
	[SUBMISSION_TLS] = 40, [SUBMISSION_CLEAR] = 7, [SUBMISSIONS] = 30,   [IMAP_TLS] = 20,
	[IMAP_CLEAR] = 5,      [IMAPS] = 45,           [POP3_TLS] = 10,      [POP3_CLEAR] = 5,
	[POP3S] = 20,          [PROBES_PORT] = 30,
};

/* How many packets of a hundred thousand. */
enum { RETRANSMITTED = 500, SWAPPED = 200, LOST = 40 };

struct connection {
	const struct script *script;
	struct ends ends;
	uint32_t isn[2];
	uint32_t step; /* the next */
	uint32_t lost; /* the last that was, or 0 */
};

struct truth {
	uint64_t pairs[SERVICES][PARTIES][PARTIES][VERDICTS];
	uint64_t connections[2]; /* of mail, of others */
	uint64_t udp;
	uint64_t sent[2], lost; /* payload bytes of the sessions */
};

struct generator {
	enum workload workload;
	struct writer out;
	struct script scripts[KINDS][VARIANTS];
	struct truth truth;
	uint64_t random;
	unsigned sessions, packets, mail_open, open, prefixes;
	unsigned mail_n, web_n; /* open now */
	struct connection *mail, *web;
	uint64_t number; /* of connections so far */
};

/* Chance ------------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t chance(struct generator *g)
{
	uint64_t z = g->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static unsigned below(struct generator *g, unsigned n)
{
	return (unsigned)((chance(g) >> 32) * n >> 32);
}

static enum kind any_kind(struct generator *g)
{
	unsigned at = below(g, 1000), kind = 0;

	while (at >= shares[kind])
		at -= shares[kind++];
	return (enum kind)kind;
}

/* Addresses ---------------------------------------------------------------------------------- */

enum place { PLACE_MTA, PLACE_ACCESS, PLACE_NETWORKS, PLACE_OTHER };

/* A prefix of a peer is a /24 in IPv4 and a /48 in IPv6; its halves are for the two kinds of servers.
 * The networks of its people are elsewhere. */
static void address(struct generator *g, uint8_t *to, bool v6, enum place place, unsigned peer)
{
	unsigned prefix = below(g, g->prefixes / PEERS) * PEERS + peer, host = below(g, 120) + 1;
	unsigned half = place == PLACE_ACCESS ? 128 : 0;

	memset(to, 0, 16);
	if (place == PLACE_OTHER) {
		prefix = below(g, 65536);
		memcpy(to, v6 ? "\x20\1\x0d\xb8\xff\xff" : "\xc6\x12", v6 ? 6 : 2);
		to[v6 ? 14 : 2] = (uint8_t)(prefix >> 8);
		to[v6 ? 15 : 3] = (uint8_t)prefix;
	} else if (v6) {
		memcpy(to, "\x20\1\x0d\xb8", 4);
		to[4] = (uint8_t)(prefix >> 8 | (place == PLACE_NETWORKS ? 0x80 : 0));
		to[5] = (uint8_t)prefix;
		to[6] = (uint8_t)half;
		to[15] = (uint8_t)host;
	} else {
		to[0] = place == PLACE_NETWORKS ? 11 : 10;
		to[1] = (uint8_t)(prefix >> 8);
		to[2] = (uint8_t)prefix;
		to[3] = (uint8_t)(half + host);
	}
}

/* Index of a party in the truth. */
static unsigned party(enum place place, unsigned peer)
{
	if (place == PLACE_OTHER)
		return 2 * PEERS;
	return place == PLACE_NETWORKS ? PEERS + peer : peer;
}

static const char *party_name(unsigned party, char text[16])
{
	if (party == 2 * PEERS)
		return "other";
	snprintf(text, 16, "%s%s", peer_names[party % PEERS], party < PEERS ? "" : "-net");
	return text;
}

/* Connections -------------------------------------------------------------------------------- */

static void begin(struct generator *g, struct connection *c, enum kind kind, enum place from,
		  unsigned from_peer, enum place to, unsigned to_peer)
{
	*c = (struct connection){ .script = &g->scripts[kind][below(g, VARIANTS)] };
	c->ends.v6 = below(g, 5) == 0;
	address(g, c->ends.addr[TO_SERVER], c->ends.v6, from, from_peer);
	address(g, c->ends.addr[TO_CLIENT], c->ends.v6, to, to_peer);
	c->ends.port[TO_SERVER] =
		(uint16_t)(5000 + g->number++ % 60000); /* nobody's twice in a while */
	c->ends.port[TO_CLIENT] = c->script->port;
	c->isn[0] = (uint32_t)chance(g);
	c->isn[1] = (uint32_t)chance(g);
}

/* Mail between servers crosses between peers, and from and to others; people use their own. */
static void begin_mail(struct generator *g, struct connection *c, enum kind kind)
{
	enum service service = g->scripts[kind][0].service;
	unsigned from_peer = below(g, PEERS), to_peer = below(g, PEERS);
	enum place from = PLACE_MTA, to = PLACE_MTA;
	enum verdict v = g->scripts[kind][0].verdict;

	if (service != MTA) {
		from = below(g, 4) == 0 ? PLACE_OTHER : PLACE_NETWORKS;
		to = PLACE_ACCESS;
	} else if (below(g, 3) == 0) {
		from = below(g, 2) == 0 ? PLACE_OTHER : PLACE_MTA;
		to = from == PLACE_OTHER ? PLACE_MTA : PLACE_OTHER;
	}
	begin(g, c, kind, from, from_peer, to, to_peer);
	g->truth.connections[0]++;
	if (v == NONE)
		return;
	g->truth.pairs[service][party(from, from_peer)][party(to, to_peer)][v]++;
	g->truth.sent[TO_SERVER] += c->script->sent[TO_SERVER];
	g->truth.sent[TO_CLIENT] += c->script->sent[TO_CLIENT];
}

static void begin_web(struct generator *g, struct connection *c)
{
	begin(g, c, below(g, 4) == 0 ? WEB_CLEAR : WEB_TLS, PLACE_NETWORKS, below(g, PEERS),
	      PLACE_OTHER, 0);
	g->truth.connections[1]++;
}

static void emit(struct generator *g, const struct connection *c, uint32_t step)
{
	const struct step *s = &c->script->steps[step];
	const uint8_t *payload = s->length > 0 ? c->script->bytes.at + s->at : NULL;

	write_tcp(&g->out, &c->ends, s, c->isn, payload);
	g->out.now_us += below(g, 2 * sizes[g->workload].step_us + 1);
}

static bool may_be_lost(const struct connection *c, uint32_t step)
{
	return step >= c->script->lossy_from && step < c->script->lossy_to &&
	       c->script->steps[step].length > 0;
}

/* Neither the handshake nor the end: what a wire may put in another order. */
static bool may_be_swapped(const struct connection *c, uint32_t step)
{
	return step >= 3 && step + 5 < c->script->n;
}

/* The next packet, or what became of it. False: it was the last. */
static bool go_on(struct generator *g, struct connection *c)
{
	unsigned fate = below(g, 100000);

	if (fate < RETRANSMITTED) {
		uint32_t back = 1 + below(g, 3);

		if (c->step > back && (c->lost == 0 || c->step - back != c->lost))
			emit(g, c, c->step - back);
	} else if (fate < RETRANSMITTED + SWAPPED && may_be_swapped(c, c->step)) {
		emit(g, c, c->step + 1);
		emit(g, c, c->step);
		c->step += 2;
	} else if (fate < RETRANSMITTED + SWAPPED + LOST && may_be_lost(c, c->step)) {
		g->truth.lost += c->script->steps[c->step].length;
		c->lost = c->step++;
	} else {
		emit(g, c, c->step++);
	}
	return c->step < c->script->n;
}

/* Workloads ---------------------------------------------------------------------------------- */

static bool may_open_mail(const struct generator *g)
{
	return g->sessions > 0 && g->mail_n < g->mail_open;
}

static void open_mail(struct generator *g)
{
	while (may_open_mail(g)) {
		begin_mail(g, &g->mail[g->mail_n++], any_kind(g));
		g->sessions--;
	}
}

/* A packet or a few of a session; who is over makes room for the next. */
static void mail_goes_on(struct generator *g)
{
	unsigned i = below(g, g->mail_n), n = below(g, 10) == 0 ? BURST_MAX : 1;

	while (n > 0 && go_on(g, &g->mail[i]))
		n--;
	if (n == 0)
		return;
	g->mail[i] = g->mail[--g->mail_n];
	open_mail(g);
}

static void web_goes_on(struct generator *g)
{
	struct connection *c = &g->web[below(g, g->web_n)];

	if (!go_on(g, c))
		begin_web(g, c);
}

static void udp_goes_on(struct generator *g)
{
	struct ends e = { .v6 = below(g, 5) == 0, .port = { 40000, 443 } };
	bool large = below(g, 3) > 0;

	address(g, e.addr[TO_SERVER], e.v6, PLACE_NETWORKS, below(g, PEERS));
	address(g, e.addr[TO_CLIENT], e.v6, PLACE_OTHER, 0);
	e.port[TO_SERVER] = (uint16_t)(40000 + below(g, 1000));
	e.port[TO_CLIENT] = large ? 443 : 53;
	write_udp(&g->out, &e, large ? TO_CLIENT : TO_SERVER,
		  g->scripts[WEB_TLS][VARIANTS - 1].bytes.at + 3000, large ? 1200 : 40);
	g->truth.udp++;
	g->out.now_us += below(g, 2 * sizes[g->workload].step_us + 1);
}

/* Of the flows: the kinds by number, and what crosses of one before it falls idle. */
static const struct step opening[] = {
	{ .way = TO_SERVER, .flags = SYN },
	{ .way = TO_CLIENT, .flags = SYN | ACK, .ack = 1 },
	{ .way = TO_SERVER, .flags = ACK, .seq = 1, .ack = 1 },
	{ .way = TO_SERVER, .flags = PSH | ACK, .seq = 1, .ack = 1, .length = 64 },
};

static unsigned opening_steps(unsigned flow)
{
	return flow % 10 < 4 ? 1 : flow % 10 < 7 ? 3 : 4;
}

static void emit_flow(struct generator *g, unsigned flow, const struct step *s)
{
	struct ends e = { .port = { 1024, 8080 } };
	const uint32_t isn[2] = { flow * 2654435761u, flow * 40503u + 77 };

	memcpy(e.addr[TO_SERVER], "\x0b\x80", 2);
	memcpy(e.addr[TO_CLIENT], "\xc6\x13\1\1", 4);
	e.addr[TO_SERVER][2] = (uint8_t)(flow >> 8);
	e.addr[TO_SERVER][3] = (uint8_t)flow;
	e.port[TO_SERVER] = (uint16_t)(1024 + (flow >> 16));
	write_tcp(&g->out, &e, s, isn,
		  (const uint8_t *)"\0\1\2\3 neither mail nor anything else\n"
				   "and of no importance to anybody at all");
	g->out.now_us += below(g, 2 * sizes[g->workload].step_us + 1);
}

/* They open side by side, a few thousand at a time. */
static void open_flows(struct generator *g)
{
	const unsigned block = 4096;

	for (unsigned first = 0; first < g->open; first += block) {
		for (unsigned s = 0; s < sizeof(opening) / sizeof(opening[0]); s++) {
			for (unsigned f = first; f < first + block && f < g->open; f++) {
				if (s < opening_steps(f))
					emit_flow(g, f, &opening[s]);
			}
		}
	}
	g->truth.connections[1] += g->open;
}

/* A repetition of what was said last. */
static void flow_goes_on(struct generator *g)
{
	unsigned flow = below(g, g->open);

	emit_flow(g, flow, &opening[opening_steps(flow) - 1]);
}

static void syn(struct generator *g)
{
	struct ends e = { .v6 = below(g, 5) == 0 };
	const uint32_t isn[2] = { (uint32_t)chance(g), 0 };

	address(g, e.addr[TO_SERVER], e.v6, PLACE_OTHER, 0);
	address(g, e.addr[TO_CLIENT], e.v6, PLACE_MTA, below(g, PEERS));
	e.port[TO_SERVER] = (uint16_t)chance(g);
	e.port[TO_CLIENT] = 25;
	write_tcp(&g->out, &e, &opening[0], isn, NULL);
	g->out.now_us += below(g, 2 * sizes[g->workload].step_us + 1);
}

static void other_packet(struct generator *g)
{
	switch (g->workload) {
	case MAIL: break;
	case MIXED:
		if (below(g, 1000 - sizes[MIXED].mail_per_mille) < sizes[MIXED].udp_per_mille)
			udp_goes_on(g);
		else
			web_goes_on(g);
		break;
	case FLOWS: flow_goes_on(g); break;
	case SYNFLOOD: syn(g); break;
	case WORKLOADS: break;
	}
}

/* Those that begin and stay open: one of a hundred flows. */
static void idle_mail(struct generator *g)
{
	for (unsigned i = 0; i < g->open / 100; i++) {
		struct connection c;

		begin_mail(g, &c, IMAPS_IDLE);
		while (go_on(g, &c))
			;
	}
}

static void run(struct generator *g)
{
	bool endless = sizes[g->workload].sessions == 0;

	if (g->workload == FLOWS) {
		open_flows(g);
		idle_mail(g);
	}
	for (; g->workload == MIXED && g->web_n < g->open; g->web_n++)
		begin_web(g, &g->web[g->web_n]);
	open_mail(g);
	while (g->mail_n > 0) {
		if (endless && g->out.packets >= g->packets)
			g->sessions = 0; /* those that are open end */
		if (!endless || g->out.packets >= g->packets ||
		    below(g, 1000) < sizes[g->workload].mail_per_mille)
			mail_goes_on(g);
		else
			other_packet(g);
	}
}

/* Truth -------------------------------------------------------------------------------------- */

static void write_pairs(const struct truth *t, FILE *out)
{
	const char *comma = "";
	char from[16], to[16];

	for (unsigned s = 0; s < SERVICES; s++) {
		for (unsigned n = 0; n < PARTIES * PARTIES * VERDICTS; n++) {
			unsigned v = n % VERDICTS, b = n / VERDICTS % PARTIES;
			unsigned a = n / VERDICTS / PARTIES;

			if (t->pairs[s][a][b][v] == 0)
				continue;
			fprintf(out, "%s\n  [\"%s\", \"%s\", \"%s\", \"%s\", %" PRIu64 "]", comma,
				service_words[s], party_name(a, from), party_name(b, to),
				verdict_words[v], t->pairs[s][a][b][v]);
			comma = ",";
		}
	}
}

static bool write_truth(const struct generator *g, const char *path)
{
	const struct truth *t = &g->truth;
	FILE *out = fopen(path, "w");

	if (!out)
		return false;
	fprintf(out,
		"{\"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"udp\": %" PRIu64
		",\n \"mail_connections\": %" PRIu64 ", \"other_connections\": %" PRIu64
		",\n \"bytes_to_server\": %" PRIu64 ", \"bytes_to_client\": %" PRIu64
		", \"bytes_missing\": %" PRIu64 ",\n \"sessions\": [",
		g->out.packets, g->out.bytes, t->udp, t->connections[0], t->connections[1],
		t->sent[TO_SERVER], t->sent[TO_CLIENT], t->lost);
	write_pairs(t, out);
	fputs("]}\n", out);
	return fclose(out) == 0;
}

static void write_peer(const struct generator *g, unsigned peer, FILE *out)
{
	fprintf(out, "  - name: %s\n    signatory: true\n    mta:\n", peer_names[peer]);
	for (unsigned p = peer; p < g->prefixes; p += PEERS)
		fprintf(out, "      - 10.%u.%u.0/25\n      - \"2001:db8:%x::/49\"\n", p >> 8,
			p & 255, p);
	fprintf(out, "    access:\n");
	for (unsigned p = peer; p < g->prefixes; p += PEERS)
		fprintf(out, "      - 10.%u.%u.128/25\n      - \"2001:db8:%x:8000::/49\"\n", p >> 8,
			p & 255, p);
	fprintf(out, "    networks:\n");
	for (unsigned p = peer; p < g->prefixes; p += PEERS)
		fprintf(out, "      - 11.%u.%u.0/24\n      - \"2001:db8:%x::/48\"\n", p >> 8,
			p & 255, p | 0x8000);
}

static bool write_conf(const struct generator *g, const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return false;
	fputs("sensor: bench\n", out);
	if (g->workload == FLOWS)
		fprintf(out, "capture:\n  max_flows: %u\n", g->open + g->open / 4 + 1000);
	else if (g->workload == SYNFLOOD && g->packets < FLOOD_SMALL)
		fprintf(out, "capture:\n  max_flows: %u\n", g->packets / 8);
	fputs("peers:\n", out);
	for (unsigned p = 0; p < PEERS; p++)
		write_peer(g, p, out);
	return fclose(out) == 0;
}

/* The program -------------------------------------------------------------------------------- */

static int usage(void)
{
	fprintf(stderr,
		"Usage: generate mail|mixed|flows|synflood PREFIX [SCALE [OPEN [PREFIXES]]]\n");
	return 2;
}

static unsigned scaled(unsigned n, double scale)
{
	return n == 0 ? 0 : 1 + (unsigned)(n * scale);
}

static void *many(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (!p)
		abort();
	return p;
}

static void prepare(struct generator *g, double scale, unsigned open)
{
	g->sessions = scaled(sizes[g->workload].sessions, scale);
	if (g->sessions == 0)
		g->sessions = UINT32_MAX;
	g->packets = scaled(sizes[g->workload].packets, scale);
	g->mail_open = sizes[g->workload].mail_open;
	g->open = sizes[g->workload].open;
	if (open > 0 && g->workload == MAIL)
		g->mail_open = open;
	else if (open > 0)
		g->open = open;
	g->mail = many(g->mail_open, sizeof(*g->mail));
	g->web = many(g->open, sizeof(*g->web));
	for (unsigned k = 0; k < KINDS; k++) {
		for (unsigned v = 0; v < VARIANTS; v++)
			script_make(&g->scripts[k][v], (enum kind)k, v);
	}
}

static bool write_all(struct generator *g, const char *prefix)
{
	char path[3][4096];

	snprintf(path[0], sizeof(path[0]), "%s.pcap", prefix);
	snprintf(path[1], sizeof(path[1]), "%s.json", prefix);
	snprintf(path[2], sizeof(path[2]), "%s.yaml", prefix);
	if (!writer_open(&g->out, path[0]))
		return false;
	run(g);
	return writer_close(&g->out) && write_truth(g, path[1]) && write_conf(g, path[2]);
}

int main(int argc, char **argv)
{
	struct generator *g = many(1, sizeof(*g));

	if (argc < 3 || argc > 6)
		return usage();
	while (g->workload < WORKLOADS && strcmp(argv[1], workload_words[g->workload]) != 0)
		g->workload++;
	if (g->workload == WORKLOADS)
		return usage();
	g->prefixes = argc > 5 ? (unsigned)atoi(argv[5]) : PEERS;
	if (g->prefixes < PEERS || g->prefixes > 5000)
		return usage();
	prepare(g, argc > 3 ? atof(argv[3]) : 1, argc > 4 ? (unsigned)atoi(argv[4]) : 0);
	if (!write_all(g, argv[2])) {
		fprintf(stderr, "generate: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	return 0;
}
