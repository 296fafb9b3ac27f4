/* Tests the record framer: headers at every value, bodies cut anywhere. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/tls_record.h"

static void every_header_byte_is_judged_as_it_comes(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned major = 0; major < 256; major++) {
			uint8_t h[] = { (uint8_t)type, (uint8_t)major, 3, 0, 1 };
			bool known = type >= TLS_CHANGE_CIPHER_SPEC && type <= TLS_APPLICATION_DATA;
			bool good = known && major == 3;

			if (type >= TLS_HELLO_V2)
				continue;
			assert_int_equal(tls_record_plausible((struct span){ h, 1 }), known);
			for (size_t n = 2; n <= sizeof(h); n++)
				assert_int_equal(tls_record_plausible((struct span){ h, n }), good);
		}
	}
}

static void versions_and_lengths_have_bounds(void **state)
{
	static const struct {
		uint8_t type, minor;
		unsigned length;
		bool good;
	} cases[] = {
		{ 22, 0, 1, true },
		{ 22, 4, 1, true },
		{ 22, 5, 1, false },
		{ 22, 255, 1, false },
		{ 22, 3, TLS_RECORD_MAX, true },
		{ 22, 3, TLS_RECORD_MAX + 1, false },
		{ 23, 3, 0xffff, false },
		{ 22, 3, 0, false }, /* RFC 8446, 5.1: only application data may be empty */
		{ 21, 3, 0, false },
		{ 20, 3, 0, false },
		{ 23, 3, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t h[] = { cases[i].type, 3, cases[i].minor, (uint8_t)(cases[i].length >> 8),
				(uint8_t)cases[i].length };

		assert_int_equal(tls_record_plausible((struct span){ h, 5 }), cases[i].good);
	}
}

static void a_hello_in_the_form_of_ssl_2_is_a_record(void **state)
{
	static const struct {
		uint8_t h[TLS_RECORD_HEADER];
		size_t good; /* so many bytes of it can be one */
		uint16_t length;
	} cases[] = {
		{ { 0x80, 28, 1, 3, 1 }, 5, 25 },    { { 0x81, 0, 1, 3, 4 }, 5, 253 },
		{ { 0x80, 27, 1, 3, 1 }, 1, 0 },     { { 0x80, 46, 4, 3, 1 }, 2, 0 },
		{ { 0x80, 46, 1, 0, 2 }, 3, 0 }, /* SSL 2.0 itself */
		{ { 0x80, 46, 1, 3, 5 }, 4, 0 },     { { 0xbf, 0xff, 1, 3, 1 }, 5, 0x3fff - 3 },
		{ { 0xc0, 40, 1, 3, 1 }, 0, 0 },     /* longer than any record */
		{ { 0xc3, 0xa9, 't', 3, 1 }, 0, 0 }, /* text */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span in = { cases[i].h, TLS_RECORD_HEADER }, body;
		struct tls_record r;

		for (size_t n = 1; n <= TLS_RECORD_HEADER; n++)
			assert_int_equal(tls_record_plausible((struct span){ cases[i].h, n }),
					 n <= cases[i].good);
		tls_record_reset(&r);
		if (cases[i].good < TLS_RECORD_HEADER)
			continue;
		assert_int_equal(tls_record_next(&r, &in, &body), TLS_PIECE_START);
		assert_int_equal(r.type, TLS_HELLO_V2);
		assert_int_equal(r.length, cases[i].length);
	}
}

/* Three records: 3 bytes, none, 2 bytes. */
static const uint8_t stream[] = { 22, 3, 1, 0,  3, 'a', 'b', 'c', 23,  3,
				  3,  0, 0, 21, 3, 3,   0,   2,   'd', 'e' };

struct seen {
	uint8_t types[4], body[8];
	uint16_t lengths[4];
	size_t records, body_len;
	bool bad;
};

static void feed(struct tls_record *r, const uint8_t *data, size_t n, struct seen *out)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct span in = { copy, n }, body = { copy, 0 };

	assert_non_null(copy);
	memcpy(copy, data, n);
	for (;;) {
		switch (tls_record_next(r, &in, &body)) {
		case TLS_PIECE_MORE: assert_int_equal(in.len, 0); goto done;
		case TLS_PIECE_BAD: out->bad = true; goto done;
		case TLS_PIECE_START:
			assert_true(out->records < 4);
			out->types[out->records] = r->type;
			out->lengths[out->records++] = r->length;
			break;
		case TLS_PIECE_BODY:
			assert_true(out->body_len + body.len <= sizeof(out->body));
			memcpy(out->body + out->body_len, body.at, body.len);
			out->body_len += body.len;
			break;
		}
	}
done:
	free(copy);
}

static void check_stream(const struct seen *s)
{
	assert_int_equal(s->records, 3);
	assert_memory_equal(s->types, "\26\27\25", 3);
	assert_int_equal(s->lengths[0], 3);
	assert_int_equal(s->lengths[1], 0);
	assert_int_equal(s->lengths[2], 2);
	assert_int_equal(s->body_len, 5);
	assert_memory_equal(s->body, "abcde", 5);
	assert_false(s->bad);
}

static void records_come_out_the_same_however_cut(void **state)
{
	(void)state;
	for (size_t one = 0; one <= sizeof(stream); one++) {
		for (size_t two = one; two <= sizeof(stream); two++) {
			struct seen seen = { .records = 0 };
			struct tls_record r;

			tls_record_reset(&r);
			feed(&r, stream, one, &seen);
			feed(&r, stream + one, two - one, &seen);
			feed(&r, stream + two, sizeof(stream) - two, &seen);
			check_stream(&seen);
			assert_int_equal(r.have, 0);
			assert_int_equal(r.left, 0);
		}
	}
}

static void a_body_may_come_before_it_is_whole(void **state)
{
	struct seen seen = { .records = 0 };
	struct tls_record r;

	(void)state;
	tls_record_reset(&r);
	feed(&r, stream, 6, &seen);
	assert_int_equal(seen.body_len, 1);
	assert_int_equal(r.left, 2);
}

static void text_is_no_record_wherever_it_stands(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		size_t records; /* before it shows */
	} cases[] = {
		{ "220 mx\r\n", 8, 0 },
		{ "\x16HTTP", 5, 0 },
		{ "\x16\x03\x01\x00\x01x454 no", 12, 1 },
		{ "\x17\x03\x03\x00\x00\x17\x02", 7, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 0; cut <= cases[i].n; cut++) {
			const uint8_t *bytes = (const uint8_t *)cases[i].bytes;
			struct seen seen = { .records = 0 };
			struct tls_record r;

			tls_record_reset(&r);
			feed(&r, bytes, cut, &seen);
			if (!seen.bad)
				feed(&r, bytes + cut, cases[i].n - cut, &seen);
			assert_true(seen.bad);
			assert_int_equal(seen.records, cases[i].records);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_byte_is_judged_as_it_comes),
		cmocka_unit_test(versions_and_lengths_have_bounds),
		cmocka_unit_test(a_hello_in_the_form_of_ssl_2_is_a_record),
		cmocka_unit_test(records_come_out_the_same_however_cut),
		cmocka_unit_test(a_body_may_come_before_it_is_whole),
		cmocka_unit_test(text_is_no_record_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
