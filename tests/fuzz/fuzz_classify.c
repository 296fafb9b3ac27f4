/* What the first payload is taken for, by our own look and by libndpi. Input: the length of the
 * list of ALPN names and of the server's name, these, then the payload. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sensor/classify.h"

enum { IP_AND_TCP = 40, PAYLOAD_MAX = 1400 };

static void as_first_bytes(struct span s)
{
	enum first_bytes first = classify_first_bytes(s);
	enum protocol p = classify_named(first);

	MUST(first <= FIRST_BINARY && p < PROTOCOL_N);
	MUST(first != FIRST_TLS || (s.len >= 3 && s.at[0] >= 20 && s.at[0] <= 23));
	MUST(p == PROTOCOL_NONE || s.len >= 4);
}

static void as_tls(struct span alpn, struct span sni)
{
	struct session s;
	enum protocol p;

	memset(&s, 0, sizeof(s));
	s.alpn_len = (uint8_t)(alpn.len < ALPN_LIST_MAX ? alpn.len : ALPN_LIST_MAX);
	s.sni_len = (uint16_t)(sni.len < SNI_MAX ? sni.len : SNI_MAX);
	memcpy(s.alpn, alpn.at, s.alpn_len);
	memcpy(s.sni, sni.at, s.sni_len);
	p = classify_tls(&s);
	MUST(p < PROTOCOL_N);
	MUST(p == PROTOCOL_NONE || s.alpn_len > 0 || s.sni_len > 0);
}

/* libndpi takes half a second to be set up: once. */
static struct classifier *classifier(void)
{
	static struct classifier *c;

	if (!c)
		c = classifier_new(1);
	MUST(c != NULL);
	return c;
}

/* The payload behind a plain IPv4 and TCP header. */
static uint8_t *packet_of(struct span payload, bool to_server, struct packet *out)
{
	static const uint8_t head[IP_AND_TCP] = { 0x45, [8] = 64, 6,  [12] = 10,   0,    0,
						  1,    10,       0,  0,           2,    0x9c,
						  0x40, 0,        25, [32] = 0x50, 0x18, 0xff };
	size_t n = payload.len < PAYLOAD_MAX ? payload.len : PAYLOAD_MAX;
	uint8_t *ip = malloc(IP_AND_TCP + n);

	MUST(ip != NULL);
	memcpy(ip, head, IP_AND_TCP);
	memcpy(ip + IP_AND_TCP, payload.at, n);
	ip[2] = (uint8_t)((IP_AND_TCP + n) >> 8);
	ip[3] = (uint8_t)(IP_AND_TCP + n);
	if (!to_server) {
		ip[15] = 2;
		ip[19] = 1;
		memcpy(ip + 20, "\0\x19\x9c\x40", 4);
	}
	*out = (struct packet){ .ip = ip, .ip_length = (uint32_t)(IP_AND_TCP + n) };
	out->payload = ip + IP_AND_TCP;
	out->length = out->wire_length = (uint32_t)n;
	return ip;
}

static void ask(struct span payload)
{
	struct classifier *c = classifier();
	uint32_t flow = classifier_begin(c);

	if (flow != 0)
		MUST(classifier_begin(c) == 0); /* room for one */
	for (unsigned i = 0; i < 2; i++) {
		struct packet p;
		uint8_t *ip = packet_of(payload, i == 1, &p);

		MUST(classifier_packet(c, flow, &p) <= OPINION_OTHER);
		free(ip);
	}
	classifier_end(c, flow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	size_t alpn_len = cur_u8(&c), sni_len = cur_u8(&c);
	struct span alpn = cur_sub(&c, alpn_len), sni = cur_sub(&c, sni_len);
	uint8_t *copy;

	if (!c.ok)
		return 0;
	as_tls(alpn, sni);
	copy = fuzz_copy((struct span){ c.at, cur_left(&c) });
	as_first_bytes((struct span){ copy, cur_left(&c) });
	ask((struct span){ copy, cur_left(&c) });
	free(copy);
	return 0;
}
