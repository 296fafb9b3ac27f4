/* Tests the readers of the two hellos. */
#include "tests/dissectors/script.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/tls_hello.h"

static const char longest_name[] =
	"a23456789.b23456789.c23456789.d23456789.e23456789.f23456789.g23456789.h23456789."
	"i23456789.j23456789.k23456789.l23456789.m23456789.n23456789.o23456789.p23456789."
	"q23456789.r23456789.s23456789.t23456789.u23456789.v23456789.w23456789.x23456789."
	"y23456789.z2345";

/* Reads a body that lies in memory of its own size. */
static bool client(const struct bytes *b, size_t n, struct tls_client_hello *out)
{
	uint8_t *copy = malloc(n ? n : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, b->at, n);
	ok = tls_read_client_hello((struct span){ copy, n }, out);
	free(copy);
	return ok;
}

static bool server(const struct bytes *b, size_t n, struct tls_server_hello *out)
{
	uint8_t *copy = malloc(n ? n : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, b->at, n);
	ok = tls_read_server_hello((struct span){ copy, n }, out);
	free(copy);
	return ok;
}

static const struct {
	struct hello hello;
	const char *sni;
} clients[] = {
	{ { .version = 0x0303, .supported = 0x0304, .sni = "mx.example" }, "mx.example" },
	{ { .version = 0x0303, .sni = "mx.example", .padding = 1200 }, "mx.example" },
	{ { .version = 0x0303, .sni = longest_name }, longest_name },
	{ { .version = 0x0303, .sni = "" }, "" },
	{ { .version = 0x0303 }, "" },
	{ { .version = 0x0301, .no_extensions = true }, "" },
};

static void a_client_hello_names_the_server(void **state)
{
	(void)state;
	assert_int_equal(strlen(longest_name), SNI_MAX);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct tls_client_hello out;
		struct bytes b = { .n = 0 };

		put_client_hello(&b, &clients[i].hello);
		assert_true(client(&b, b.n, &out));
		assert_string_equal(out.sni, clients[i].sni);
		assert_int_equal(out.sni_len, strlen(clients[i].sni));
	}
}

/* Where the extensions begin, a hello may end: then it has none. Nowhere else. */
static void a_client_hello_cut_anywhere_is_not_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct bytes bare = { .n = 0 }, b = { .n = 0 };
		struct hello without = clients[i].hello;

		without.no_extensions = true;
		put_client_hello(&bare, &without);
		put_client_hello(&b, &clients[i].hello);
		for (size_t n = 0; n < b.n; n++) {
			struct tls_client_hello out;

			assert_int_equal(client(&b, n, &out), n == bare.n);
			assert_true(out.sni_len == 0 || strcmp(out.sni, clients[i].sni) == 0);
		}
	}
}

/* The name stands in front of what was cut off. */
static void a_name_is_found_in_a_cut_hello(void **state)
{
	struct hello h = { .version = 0x0303, .supported = 0x0304, .sni = "mx.example" };
	struct tls_client_hello out;
	struct bytes b = { .n = 0 };

	(void)state;
	put_client_hello(&b, &h);
	assert_false(client(&b, b.n - 1, &out));
	assert_string_equal(out.sni, "mx.example");
}

static void a_name_that_is_none_is_left_alone(void **state)
{
	static const struct {
		const char *list;
		size_t n;
		const char *sni;
	} cases[] = {
		{ "\0\0", 2, "" },                  /* an empty list */
		{ "\0\4\1\0\1x", 6, "" },           /* of another type */
		{ "\0\10\1\0\1x\0\0\1y", 10, "y" }, /* the second is a host */
		{ "\0\4\0\0\5mx", 7, "" },          /* longer than the list */
		{ "\0\40\0\0\2mx", 7, "" },         /* the list is longer than it is */
		{ "\0\5\0\0\2a\0", 7, "a" },        /* a NUL inside: kept by length */
		{ "\0", 1, "" },
		{ "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hello h = { .version = 0x0303, .no_extensions = true };
		struct tls_client_hello out;
		struct bytes b = { .n = 0 };
		size_t all, ext;

		put_client_hello(&b, &h);
		all = put_open(&b, 2);
		put(&b, 2, 0);
		ext = put_open(&b, 2);
		for (size_t n = 0; n < cases[i].n; n++)
			put(&b, 1, (uint8_t)cases[i].list[n]);
		put_close(&b, 2, ext);
		put_close(&b, 2, all);
		assert_true(client(&b, b.n, &out));
		assert_string_equal(out.sni, cases[i].sni);
	}
}

static void a_name_over_the_bound_is_not_kept(void **state)
{
	char name[SNI_MAX + 2];
	struct hello h = { .version = 0x0303, .sni = name };
	struct tls_client_hello out;
	struct bytes b = { .n = 0 };

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	put_client_hello(&b, &h);
	assert_true(client(&b, b.n, &out));
	assert_int_equal(out.sni_len, 0);
}

static const struct {
	struct hello hello;
	unsigned version;
} servers[] = {
	{ { .version = 0x0303, .supported = 0x0304, .suite = 0x1302 }, 0x0304 },
	{ { .version = 0x0303, .supported = 0x0304, .suite = 0x1301, .retry = true }, 0x0304 },
	{ { .version = 0x0303, .suite = 0xc02f }, 0x0303 },
	{ { .version = 0x0303, .suite = 0xc02f, .padding = 500 }, 0x0303 },
	{ { .version = 0x0302, .suite = 0xc014 }, 0x0302 },
	{ { .version = 0x0301, .suite = 0x0035, .no_extensions = true }, 0x0301 },
	{ { .version = 0x0300, .suite = 0x000a, .no_extensions = true }, 0x0300 },
};

static void a_server_hello_tells_version_and_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		struct tls_server_hello out;
		struct bytes b = { .n = 0 };

		put_server_hello(&b, &servers[i].hello);
		assert_true(server(&b, b.n, &out));
		assert_int_equal(out.version, servers[i].version);
		assert_int_equal(out.cipher_suite, servers[i].hello.suite);
		assert_int_equal(out.retry, servers[i].hello.retry);
	}
}

static void a_server_hello_cut_anywhere_is_not_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		struct bytes bare = { .n = 0 }, b = { .n = 0 };
		struct hello without = servers[i].hello;

		without.no_extensions = true;
		put_server_hello(&bare, &without);
		put_server_hello(&b, &servers[i].hello);
		for (size_t n = 0; n < b.n; n++) {
			struct tls_server_hello out;

			assert_int_equal(server(&b, n, &out), n == bare.n);
		}
	}
}

/* One byte of the random away from a HelloRetryRequest. */
static void a_random_is_compared_to_its_end(void **state)
{
	struct hello h = { .version = 0x0303, .supported = 0x0304, .retry = true };

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		struct tls_server_hello out;
		struct bytes b = { .n = 0 };

		put_server_hello(&b, &h);
		b.at[2 + i] ^= 1;
		assert_true(server(&b, b.n, &out));
		assert_false(out.retry);
	}
}

/* Every length field, made to lie by one up and by a lot. */
static void a_length_that_lies_is_not_believed(void **state)
{
	static const size_t lengths[] = { 34, 68, 75, 77 }; /* session, suites, compression, all */
	struct hello h = { .version = 0x0303, .supported = 0x0304, .sni = "mx.example" };
	struct tls_client_hello out;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct bytes b = { .n = 0 };

		put_client_hello(&b, &h);
		b.at[lengths[i]] = 0xff;
		assert_false(client(&b, b.n, &out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_hello_names_the_server),
		cmocka_unit_test(a_client_hello_cut_anywhere_is_not_whole),
		cmocka_unit_test(a_name_is_found_in_a_cut_hello),
		cmocka_unit_test(a_name_that_is_none_is_left_alone),
		cmocka_unit_test(a_name_over_the_bound_is_not_kept),
		cmocka_unit_test(a_server_hello_tells_version_and_suite),
		cmocka_unit_test(a_server_hello_cut_anywhere_is_not_whole),
		cmocka_unit_test(a_random_is_compared_to_its_end),
		cmocka_unit_test(a_length_that_lies_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
