/* Tests when a handshake counts as completed: the rules at the top of dissectors/tls.c. */
#include "tests/dissectors/script.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/tls.h"

enum {
	BOTH,
	ONLY_CLIENT,
	ONLY_SERVER,
	SERVER_LATE /* seen before the last step, or when it speaks */
};

#define H12 "C:<ch>|S:<sh12>|S:<cert>|"
#define H13 "C:<ch>|S:<sh13>|S:<app 700>|"

static const struct {
	const char *script;
	int seen;
	enum tls_outcome outcome;
} cases[] = {
	/* Up to 1.2: ChangeCipherSpec from both sides, or application data. */
	{ "C:<ch>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<sh12>", BOTH, TLS_UNFINISHED },
	{ H12 "C:<cert>|C:<ccs>|C:<fin>", BOTH, TLS_UNFINISHED },
	{ H12 "C:<cert>|C:<ccs>|C:<fin>|S:<ccs>", BOTH, TLS_COMPLETE },
	{ "C:<ch>|S:<sh10>|S:<cert>|C:<ccs>|S:<ccs>", BOTH, TLS_COMPLETE },
	{ "C:<ch>|S:<sh12>|S:<ccs>|S:<fin>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<sh12>|S:<ccs>|S:<fin>|C:<ccs>", BOTH, TLS_COMPLETE },
	{ H12 "C:<ccs>|C:<fin>|C:<app 100>", BOTH, TLS_COMPLETE },
	{ H12 "C:<ccs>|C:<fin>|S:<app 0>", BOTH, TLS_COMPLETE },
	{ H12 "C:<ccs>|C:<fin>|S:<ccs>|S:<alert 2 40>", BOTH, TLS_COMPLETE },
	{ H12 "C:<ccs>|S:<ccs>|S:<gap 9>|C:<junk>", BOTH, TLS_COMPLETE },
	/* Alerts. */
	{ "C:<ch>|S:<alert 2 40>", BOTH, TLS_ALERT },
	{ "C:<ch>|S:<alert 1 112>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<alert 1 112>|S:<sh12>|C:<ccs>|S:<ccs>", BOTH, TLS_COMPLETE },
	{ H12 "C:<alert 2 48>", BOTH, TLS_ALERT },
	{ H12 "C:<alert 1 0>", BOTH, TLS_UNFINISHED },
	{ H12 "C:<ccs>|C:<ealert>", BOTH, TLS_UNFINISHED },
	{ H13 "C:<alert 2 48>", BOTH, TLS_ALERT },
	{ H13 "C:<ccs>|C:<alert 2 48>", BOTH, TLS_ALERT },
	{ H13 "C:<alert 1 48>", BOTH, TLS_ALERT }, /* RFC 8446, 6: the level means nothing */
	{ H13 "C:<alert 1 0>", BOTH, TLS_UNFINISHED },
	{ H13 "C:<alert 1 90>", BOTH, TLS_UNFINISHED },
	/* 1.3: the client's first record above 19 bytes, unless it may be a refusal. */
	{ H13 "C:<ccs>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<sh13>|S:<ccs>|C:<ccs>", BOTH, TLS_UNFINISHED },
	{ H13 "C:<app 53>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 69>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 20>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 19>", BOTH, TLS_ALERT },
	{ H13 "C:<app 53>|C:<app 19>", BOTH, TLS_DOUBTFUL },
	{ H13 "C:<app 53>|S:<app 19>", BOTH, TLS_DOUBTFUL },
	{ H13 "C:<app 53>|S:<app 250>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 53>|S:<app 250>|S:<app 19>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 53>|C:<app 100>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 53>|C:<app 100>|C:<app 19>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 53>|S:<app 250>|C:<app 100>", BOTH, TLS_COMPLETE },
	{ H13 "C:<app 53>|S:<app 19>|C:<app 100>", BOTH, TLS_DOUBTFUL }, /* they may have crossed */
	{ H13 "C:<app 53>|C:<app 100>|S:<app 19>", BOTH, TLS_DOUBTFUL },
	{ H13 "C:<app 53>|S:<app 19>|S:<app 250>", BOTH, TLS_LIKELY },
	{ H13 "C:<app 53>|S:<app 19>|S:<app 250>|C:<app 100>", BOTH, TLS_COMPLETE },
	{ H13 "C:<app 53>|S:<app 250>|C:<app 19>", BOTH, TLS_DOUBTFUL },
	{ "C:<ch>|S:<hrr>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<hrr>|S:<ccs>|C:<ccs>|C:<ch>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<hrr>|C:<ccs>|C:<ch>|S:<sh13>|S:<app 700>|C:<app 53>", BOTH, TLS_LIKELY },
	{ "C:<ch>|C:<app 200>|S:<sh13>|S:<app 700>", BOTH, TLS_UNFINISHED }, /* early data */
	{ "C:<ch>|C:<app 200>|S:<sh13>|S:<app 700>|C:<app 53>", BOTH, TLS_LIKELY },
	/* Gaps: what follows one is not looked at, and what may be in it counts. */
	{ "C:<ch>|S:<gap 3000>", BOTH, TLS_UNFINISHED },
	{ "C:<ch>|S:<gap 3000>|C:<ccs>|C:<fin>|C:<app 100>", BOTH, TLS_DOUBTFUL },
	{ "C:<gap 500>|S:<sh12>|S:<ccs>|C:<ccs>", BOTH, TLS_UNFINISHED },
	{ "C:<gap 500>|S:<sh12>|S:<ccs>|S:<app 100>", BOTH, TLS_COMPLETE },
	{ H13 "C:<gap 40>|C:<app 100>", BOTH, TLS_UNFINISHED },
	{ H13 "C:<app 53>|C:<gap 40>", BOTH, TLS_DOUBTFUL },
	{ H13 "C:<app 53>|S:<gap 40>", BOTH, TLS_DOUBTFUL },
	{ "C:<ch>|S:<sh13>|S:<gap 700>|C:<app 53>", BOTH, TLS_DOUBTFUL },
	{ H13 "C:<app 53>|S:<app 250>|C:<app 100>|C:<gap 40>", BOTH, TLS_COMPLETE },
	/* The client alone. */
	{ "C:<ch>", ONLY_CLIENT, TLS_UNFINISHED },
	{ "C:<ch>|C:<ccs>|C:<fin>", ONLY_CLIENT, TLS_UNFINISHED },
	{ "C:<ch>|C:<ccs>|C:<fin>|C:<app 100>", ONLY_CLIENT, TLS_LIKELY },
	{ "C:<ch>|C:<app 53>", ONLY_CLIENT, TLS_DOUBTFUL }, /* the server may refuse it */
	{ "C:<ch>|C:<app 53>|C:<app 200>", ONLY_CLIENT, TLS_LIKELY },
	{ "C:<ch>|C:<app 25>|C:<app 53>|C:<app 60>", ONLY_CLIENT, TLS_DOUBTFUL },
	{ "C:<ch>|C:<app 25>|C:<app 53>|C:<app 60>|C:<app 60>", ONLY_CLIENT, TLS_LIKELY },
	{ "C:<ch>|C:<app 19>", ONLY_CLIENT, TLS_DOUBTFUL },
	{ "C:<ch>|C:<app 53>|C:<app 19>", ONLY_CLIENT, TLS_DOUBTFUL },
	{ "C:<ch>|C:<app 200>", ONLY_CLIENT, TLS_DOUBTFUL }, /* may be early data */
	{ "C:<ch>|C:<alert 2 48>", ONLY_CLIENT, TLS_ALERT },
	/* The server alone. */
	{ "S:<sh12>|S:<cert>|S:<ccs>|S:<fin>", ONLY_SERVER, TLS_UNFINISHED },
	{ "S:<sh12>|S:<cert>|S:<ccs>|S:<app 100>", ONLY_SERVER, TLS_COMPLETE },
	{ "S:<sh13>|S:<app 700>|S:<app 250>|S:<app 100>", ONLY_SERVER, TLS_UNFINISHED },
	{ "S:<alert 2 40>", ONLY_SERVER, TLS_ALERT },
	/* The server comes late: what is its answer, and what came before it? */
	{ "C:<ch>|C:<app 53>|C:<app 19>", SERVER_LATE, TLS_DOUBTFUL },
	{ "C:<ch>|C:<app 19>|C:<app 19>", SERVER_LATE, TLS_DOUBTFUL },
	{ "C:<ch>|C:<app 200>|S:<sh13>|S:<app 700>|C:<app 53>", SERVER_LATE, TLS_DOUBTFUL },
	{ "C:<ch>|C:<ccs>|C:<fin>|C:<app 100>|S:<sh12>|S:<ccs>", SERVER_LATE, TLS_COMPLETE },
	/* Not TLS at all. */
	{ "C:<ch>|S:<junk>", BOTH, TLS_UNFINISHED }, /* it cannot be followed */
	{ H12 "S:<junk>", BOTH, TLS_UNFINISHED },
	{ H13 "C:<app 53>|S:<junk>", BOTH, TLS_DOUBTFUL },
};

struct connection {
	struct tls tls;
	struct facts facts;
	bool late;
};

static void open_connection(struct connection *c, int seen)
{
	facts_init(&c->facts);
	tls_init(&c->tls);
	c->facts.visible[CLIENT] = seen != ONLY_SERVER;
	c->facts.visible[SERVER] = seen != ONLY_CLIENT && seen != SERVER_LATE;
	c->late = seen == SERVER_LATE;
	c->facts.granted = true;
}

/* As its user does: what stands behind a record is offered again. */
static void feed(struct connection *c, enum side from, const uint8_t *data, size_t n)
{
	while (n > 0) {
		size_t taken = tls_feed(&c->tls, &c->facts, from, data, n);

		assert_in_range(taken, 1, n);
		data += taken;
		n -= taken;
	}
}

/* piece: bytes per call. */
static void run(struct connection *c, const char *script, size_t piece)
{
	struct step s;

	while (script_step(&script, &s)) {
		c->facts.visible[SERVER] |= c->late && (s.from == SERVER || *script == '\0');
		if (s.gap)
			tls_gap(&c->tls, &c->facts, s.from);
		for (size_t at = 0; at < s.bytes.n; at += piece) {
			size_t n = s.bytes.n - at < piece ? s.bytes.n - at : piece;
			uint8_t *copy = malloc(n);

			assert_non_null(copy);
			memcpy(copy, s.bytes.at + at, n);
			feed(c, s.from, copy, n);
			free(copy);
		}
	}
}

static void completion_follows_the_rules(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 5, 6, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			struct connection c;

			open_connection(&c, cases[i].seen);
			run(&c, cases[i].script, pieces[p]);
			if (c.facts.tls != cases[i].outcome)
				fail_msg("%s: %d instead of %d (pieces of %zu)", cases[i].script,
					 (int)c.facts.tls, (int)cases[i].outcome, pieces[p]);
		}
	}
}

static void the_hellos_fill_the_record(void **state)
{
	static const struct {
		const char *script;
		uint16_t version;
		int32_t cipher;
		const char *sni;
	} hellos[] = {
		{ "C:<ch>", 0, TLS_CIPHER_NONE, "mx.example" },
		{ "C:<ch>|S:<sh10>", 0x0301, 0x0035, "mx.example" },
		{ "C:<ch>|S:<sh12>", 0x0303, 0xc02f, "mx.example" },
		{ "C:<ch>|S:<sh13>", 0x0304, 0x1301, "mx.example" },
		{ "C:<ch>|S:<hrr>", 0, TLS_CIPHER_NONE, "mx.example" },
		{ "C:<ch>|S:<hrr>|C:<ccs>|C:<ch>|S:<sh13>", 0x0304, 0x1301, "mx.example" },
		{ "C:<gap 200>|S:<sh12>", 0x0303, 0xc02f, "" },
		{ "C:<ch>|S:<gap 80>|S:<sh12>", 0, TLS_CIPHER_NONE, "mx.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct connection c;

		open_connection(&c, BOTH);
		run(&c, hellos[i].script, SIZE_MAX);
		assert_int_equal(c.facts.s.tls_version, hellos[i].version);
		assert_int_equal(c.facts.s.tls_cipher, hellos[i].cipher);
		assert_string_equal(c.facts.s.sni, hellos[i].sni);
		assert_int_equal(c.facts.s.sni_len, strlen(hellos[i].sni));
		assert_string_equal(c.facts.s.alpn, hellos[i].sni[0] ? "smtp" : "");
		assert_int_equal(c.facts.s.oddities, 0);
	}
}

static const struct {
	const char *script;
	int32_t group;
	enum tri resumed;
	int alert;
	enum certificate certificate;
} handshakes[] = {
	{ "C:<ch>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	/* Up to 1.2: the curve of an ECDHE exchange, and what only a full handshake has. */
	{ "C:<ch>|S:<sh12>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	{ H12 "S:<ske>|S:<done>", 23, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ H12 "S:<done>|C:<ccs>|S:<ccs>", -1, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<shdhe>|S:<cert>|S:<ske>|S:<done>", -1, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<shdhe>|S:<ske>|S:<done>|S:<ccs>", -1, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<sh12>|S:<ccs>", -1, TRI_TRUE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<sh10>|S:<ccs>|S:<fin>|C:<ccs>", -1, TRI_TRUE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<sh12>|S:<ticket>|S:<ccs>", -1, TRI_TRUE, -1, CERTIFICATE_NOT_OBSERVABLE },
	/* 1.3: it stands in the ServerHello. */
	{ H13, 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<shpsk>", -1, TRI_TRUE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<hrr>", 24, TRI_NULL, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<hrr>|S:<ccs>|C:<ccs>|C:<ch>", 24, TRI_NULL, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<hrr>|C:<ch>|S:<sh13>", 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<sh13>|S:<ccs>", 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ "C:<ch>|S:<sh13>|S:<cert>|S:<ske>", 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	/* The alert that ended it, and no other. */
	{ "C:<ch>|S:<alert 2 40>", -1, TRI_NULL, 40, CERTIFICATE_NONE },
	{ "C:<ch>|S:<alert 1 112>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	{ H12 "C:<alert 2 48>|S:<alert 2 80>", -1, TRI_FALSE, 48, CERTIFICATE_NONE },
	{ H12 "C:<alert 1 0>", -1, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ H12 "C:<ccs>|S:<ccs>|C:<alert 2 48>", -1, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ H13 "C:<alert 1 48>", 29, TRI_FALSE, 48, CERTIFICATE_NOT_OBSERVABLE },
	{ H13 "C:<alert 1 0>", 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	{ H13 "C:<ealert>", 29, TRI_FALSE, -1, CERTIFICATE_NOT_OBSERVABLE },
	/* What was not seen is not claimed. */
	{ "C:<ch>|S:<gap 900>|S:<ccs>|C:<ccs>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<sh12>|S:<gap 900>|S:<ccs>|C:<ccs>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<ccs>|S:<sh12>|C:<ccs>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
	{ "C:<gap 300>|S:<sh12>|S:<cert>|S:<ske>", 23, TRI_FALSE, -1, CERTIFICATE_NONE },
	{ "C:<ch>|S:<cert>|S:<ske>|S:<done>", -1, TRI_NULL, -1, CERTIFICATE_NONE },
};

static void the_handshake_fills_the_record(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			const struct session *s;
			struct connection c;

			open_connection(&c, BOTH);
			run(&c, handshakes[i].script, pieces[p]);
			s = &c.facts.s;
			if (s->tls_group != handshakes[i].group ||
			    s->tls_resumed != handshakes[i].resumed ||
			    s->tls_alert != handshakes[i].alert ||
			    s->certificate.state != handshakes[i].certificate)
				fail_msg("%s: group %d resumed %u alert %d certificate %u",
					 handshakes[i].script, s->tls_group, s->tls_resumed,
					 s->tls_alert, s->certificate.state);
		}
	}
}

/* What came of the first certificate. */
struct leaf {
	uint8_t at[512];
	uint32_t have, total;
	unsigned parts;
};

static void leaf_part(void *ctx, uint32_t at, uint32_t total, const uint8_t *data, size_t n)
{
	struct leaf *l = ctx;

	assert_int_equal(at, l->have);
	assert_true(n > 0 && n <= total - at && total <= sizeof(l->at));
	assert_true(l->parts == 0 || total == l->total);
	memcpy(l->at + at, data, n);
	l->have += (uint32_t)n;
	l->total = total;
	l->parts++;
}

/* A handshake record with a Certificate message: each of n lengths a certificate of the bytes 1, 2,
 * 3 and so on. */
static void put_chain(struct bytes *b, const size_t *lengths, size_t n)
{
	size_t rec, msg, list;

	put(b, 3, 0x160303);
	rec = put_open(b, 2);
	put(b, 1, 11);
	msg = put_open(b, 3);
	list = put_open(b, 3);
	for (size_t i = 0; i < n; i++) {
		put(b, 3, (uint32_t)lengths[i]);
		put_many(b, lengths[i], (uint8_t)(i + 1));
	}
	put_close(b, 3, list);
	put_close(b, 3, msg);
	put_close(b, 2, rec);
}

static void feed_pieces(struct connection *c, const struct bytes *b, size_t piece)
{
	for (size_t at = 0; at < b->n; at += piece)
		feed(c, SERVER, b->at + at, b->n - at < piece ? b->n - at : piece);
}

static void the_first_certificate_is_handed_on(void **state)
{
	static const struct {
		size_t lengths[3], n;
		uint32_t whole;
	} chains[] = {
		{ { 300, 200, 100 }, 3, 300 },
		{ { 1 }, 1, 1 },
		{ { 0, 200 }, 2, 0 },
		{ { 0 }, 0, 0 },
	};
	static const size_t pieces[] = { 8192, 1, 2, 9, 100 };

	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			struct leaf l = { .have = 0 };
			struct tls_leaf_sink sink = { leaf_part, &l };
			struct bytes b = { .n = 0 };
			struct connection c;

			put_chain(&b, chains[i].lengths, chains[i].n);
			open_connection(&c, BOTH);
			c.tls.leaf = &sink;
			run(&c, "C:<ch>|S:<sh12>", SIZE_MAX);
			feed_pieces(&c, &b, pieces[p]);
			assert_int_equal(l.have, chains[i].whole);
			for (uint32_t k = 0; k < l.have; k++)
				assert_int_equal(l.at[k], 1);
			/* A second one is not the server's. */
			feed_pieces(&c, &b, pieces[p]);
			assert_int_equal(l.have, chains[i].whole);
			assert_int_equal(c.facts.s.oddities, 0);
		}
	}
}

static void a_certificate_where_none_can_be_is_left_alone(void **state)
{
	static const char *const before[] = { "C:<ch>", "C:<ch>|S:<sh13>", "C:<ch>|S:<hrr>",
					      "C:<ch>|S:<sh12>|S:<gap 9>",
					      "C:<ch>|S:<sh12>|S:<ccs>" };
	static const size_t length = 300;

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct leaf l = { .have = 0 };
		struct tls_leaf_sink sink = { leaf_part, &l };
		struct bytes b = { .n = 0 };
		struct connection c;

		put_chain(&b, &length, 1);
		open_connection(&c, BOTH);
		c.tls.leaf = &sink;
		run(&c, before[i], SIZE_MAX);
		feed_pieces(&c, &b, 8192);
		assert_int_equal(l.parts, 0);
	}
}

static void evidence_names_what_crossed(void **state)
{
	static const uint16_t expected[] = { WORD_CLIENT_HELLO, WORD_SERVER_HELLO, WORD_FINISHED };
	struct connection c;

	(void)state;
	open_connection(&c, BOTH);
	run(&c, H12 "C:<ccs>|S:<ccs>|C:<app 50>|C:<alert 2 40>", SIZE_MAX);
	assert_int_equal(c.facts.s.evidence_len, 3);
	assert_memory_equal(c.facts.s.evidence, expected, sizeof(expected));
}

/* A handshake message in records of a size. */
static void feed_message(struct connection *c, unsigned type, const struct bytes *body,
			 size_t record)
{
	struct bytes message = { .n = 0 };

	put(&message, 1, type);
	put(&message, 3, (uint32_t)body->n);
	for (size_t i = 0; i < body->n; i++)
		put(&message, 1, body->at[i]);
	for (size_t at = 0; at < message.n; at += record) {
		size_t n = message.n - at < record ? message.n - at : record;
		struct bytes r = { .n = 0 };

		put(&r, 3, 0x160301);
		put(&r, 2, (uint32_t)n);
		memcpy(r.at + r.n, message.at + at, n);
		r.n += n;
		assert_int_equal(tls_feed(&c->tls, &c->facts, CLIENT, r.at, r.n), r.n);
	}
}

static void a_hello_may_span_records_and_the_bound(void **state)
{
	static const size_t paddings[] = { 0, 1500, TLS_HELLO_KEPT, 5000 };
	static const size_t records[] = { 1, 3, 100, 6000 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t r = 0; r < 4; r++) {
			struct hello h = { .version = 0x0303, .sni = "mx.example" };
			struct bytes body = { .n = 0 };
			struct connection c;

			h.padding = paddings[i];
			put_client_hello(&body, &h);
			open_connection(&c, BOTH);
			feed_message(&c, 1, &body, records[r]);
			assert_true(c.tls.side[CLIENT].hello);
			assert_int_equal(c.facts.s.oddities, 0);
			/* A name behind the bound is not found, and not made up either. */
			assert_string_equal(c.facts.s.sni,
					    body.n <= TLS_HELLO_KEPT ? "mx.example" : "");
		}
	}
}

static void a_broken_hello_is_an_oddity(void **state)
{
	struct hello h = { .version = 0x0303, .sni = "mx.example" };
	struct bytes body = { .n = 0 };

	(void)state;
	put_client_hello(&body, &h);
	for (size_t n = 0; n < 38; n++) {
		struct connection c;

		body.n = n;
		open_connection(&c, BOTH);
		feed_message(&c, 1, &body, 6000);
		assert_int_equal(c.facts.s.oddities, 1u << ODDITY_BAD_TLS);
	}
}

/* Whoever feeds it looks what stands behind the record: it may be clear text. */
static void what_follows_a_record_is_left(void **state)
{
	static const uint8_t alert_and_text[] = "\x15\x03\x03\x00\x02\x02\x28"
						"MAIL FROM:<>";
	struct connection c;

	(void)state;
	open_connection(&c, BOTH);
	run(&c, "C:<ch>|S:<sh12>", SIZE_MAX);
	assert_int_equal(
		tls_feed(&c.tls, &c.facts, CLIENT, alert_and_text, sizeof(alert_and_text) - 1), 7);
	assert_int_equal(c.facts.tls, TLS_ALERT);
}

/* Anybody can write records into a clear answer. */
static void the_server_alone_completes_only_what_was_granted(void **state)
{
	struct connection c;

	(void)state;
	open_connection(&c, ONLY_SERVER);
	c.facts.granted = false;
	run(&c, "S:<sh12>|S:<cert>|S:<ccs>|S:<app 100>", SIZE_MAX);
	assert_int_equal(c.facts.tls, TLS_UNFINISHED);
}

static void what_is_no_record_is_not_followed(void **state)
{
	static const uint8_t text[] = "554 no\r\n";
	struct connection c;

	(void)state;
	open_connection(&c, BOTH);
	run(&c, "C:<ch>|S:<sh12>", SIZE_MAX);
	tls_feed(&c.tls, &c.facts, SERVER, text, sizeof(text) - 1);
	assert_true(c.facts.tls_gap[SERVER]);
	assert_int_equal(c.facts.s.oddities, 1u << ODDITY_BAD_TLS);
	run(&c, "S:<ccs>|C:<ccs>", SIZE_MAX);
	assert_int_equal(c.facts.tls, TLS_UNFINISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completion_follows_the_rules),
		cmocka_unit_test(the_hellos_fill_the_record),
		cmocka_unit_test(the_handshake_fills_the_record),
		cmocka_unit_test(the_first_certificate_is_handed_on),
		cmocka_unit_test(a_certificate_where_none_can_be_is_left_alone),
		cmocka_unit_test(evidence_names_what_crossed),
		cmocka_unit_test(a_hello_may_span_records_and_the_bound),
		cmocka_unit_test(a_broken_hello_is_an_oddity),
		cmocka_unit_test(what_follows_a_record_is_left),
		cmocka_unit_test(the_server_alone_completes_only_what_was_granted),
		cmocka_unit_test(what_is_no_record_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
