/* Tests the readers of the two hellos. */
#include "tests/dissectors/script.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/tls_hello.h"
#include "reports/tls_names.h"

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

/* A ClientHello whose only extension is this ProtocolNameList. */
static void put_protocols(struct bytes *b, const char *list, size_t n)
{
	struct hello h = { .version = 0x0303, .no_extensions = true };
	size_t all, ext;

	put_client_hello(b, &h);
	all = put_open(b, 2);
	put(b, 2, 16);
	ext = put_open(b, 2);
	for (size_t i = 0; i < n; i++)
		put(b, 1, (uint8_t)list[i]);
	put_close(b, 2, ext);
	put_close(b, 2, all);
}

static void protocols_are_a_list(void **state)
{
	static const struct {
		const char *list;
		size_t n;
		const char *joined;
	} cases[] = {
		{ "\0\5\4imap", 7, "imap" },
		{ "\0\12\4imap\4pop3", 12, "imap,pop3" },
		{ "\0\5\1a\0\1b", 7, "a,b" },   /* an empty name */
		{ "\0\6\4imap", 7, "" },        /* the list is longer than it is */
		{ "\0\5\5imap", 7, "" },        /* so is the name */
		{ "\0\7\4imap\4p", 9, "imap" }, /* and here the second */
		{ "\0\4\3a\0b", 6, "a" },       /* a NUL inside: kept by length */
		{ "\0\4\3a,b", 6, "a,b" },
		{ "\0\0", 2, "" },
		{ "\0", 1, "" },
		{ "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_client_hello out;
		struct bytes b = { .n = 0 };

		put_protocols(&b, cases[i].list, cases[i].n);
		assert_true(client(&b, b.n, &out));
		assert_string_equal(out.alpn, cases[i].joined);
		assert_true(out.alpn_len == strlen(cases[i].joined) || out.alpn[1] == '\0');
	}
}

/* Names of 9 bytes: six of them and their commas make 59, a seventh does not fit. */
static void a_list_ends_at_a_whole_name(void **state)
{
	char list[2 + 80] = { 0, 80 };
	struct tls_client_hello out;
	struct bytes b = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		list[2 + 10 * i] = 9;
		memset(list + 3 + 10 * i, (int)('a' + i), 9);
	}
	put_protocols(&b, list, sizeof(list));
	assert_true(client(&b, b.n, &out));
	assert_int_equal(out.alpn_len, 59);
	assert_string_equal(out.alpn + 50, "fffffffff");
	list[1] = 1 + ALPN_LIST_MAX;
	list[2] = ALPN_LIST_MAX;
	memset(list + 3, 'x', ALPN_LIST_MAX);
	b.n = 0;
	put_protocols(&b, list, 3 + ALPN_LIST_MAX);
	assert_true(client(&b, b.n, &out));
	assert_int_equal(out.alpn_len, ALPN_LIST_MAX);
}

static void a_server_hello_tells_group_and_psk(void **state)
{
	static const struct {
		struct hello hello;
		int32_t group;
		bool psk;
	} cases[] = {
		{ { .version = 0x0303, .supported = 0x0304, .group = 29 }, 29, false },
		{ { .version = 0x0303, .supported = 0x0304, .group = 0x11ec, .psk = true },
		  0x11ec,
		  true },
		{ { .version = 0x0303, .supported = 0x0304, .psk = true }, TLS_GROUP_NONE, true },
		{ { .version = 0x0303, .supported = 0x0304, .retry = true, .group = 24 },
		  24,
		  false },
		{ { .version = 0x0303 }, TLS_GROUP_NONE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_server_hello out;
		struct bytes b = { .n = 0 };

		put_server_hello(&b, &cases[i].hello);
		assert_true(server(&b, b.n, &out));
		assert_int_equal(out.group, cases[i].group);
		assert_int_equal(out.psk, cases[i].psk);
	}
}

static void only_ecdhe_names_a_curve(void **state)
{
	static const uint8_t p256[] = { 3, 0, 23, 65 }, explicit[] = { 1, 0, 23 };

	(void)state;
	assert_int_equal(tls_read_named_curve((struct span){ p256, 4 }, 0xc02f), 23);
	assert_int_equal(tls_read_named_curve((struct span){ p256, 3 }, 0xc02f), 23);
	assert_int_equal(tls_read_named_curve((struct span){ p256, 2 }, 0xc02f), TLS_GROUP_NONE);
	assert_int_equal(tls_read_named_curve((struct span){ explicit, 3 }, 0xc02f),
			 TLS_GROUP_NONE);
	/* With other suites the same bytes are the length of a prime, or of an identity hint. */
	for (int32_t suite = 0; suite <= 0xffff; suite++) {
		const char *name = tls_cipher_name(suite);
		bool found = tls_read_named_curve((struct span){ p256, 4 }, suite) == 23;
		bool ecdhe = name && strncmp(name, "TLS_ECDH", 8) == 0 && !strstr(name, "_PSK_");

		if (name && found != ecdhe)
			fail_msg("%s", name);
	}
	assert_int_equal(tls_read_named_curve((struct span){ p256, 4 }, TLS_CIPHER_NONE),
			 TLS_GROUP_NONE);
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
		cmocka_unit_test(protocols_are_a_list),
		cmocka_unit_test(a_list_ends_at_a_whole_name),
		cmocka_unit_test(a_server_hello_tells_group_and_psk),
		cmocka_unit_test(only_ecdhe_names_a_curve),
		cmocka_unit_test(a_server_hello_tells_version_and_suite),
		cmocka_unit_test(a_server_hello_cut_anywhere_is_not_whole),
		cmocka_unit_test(a_random_is_compared_to_its_end),
		cmocka_unit_test(a_length_that_lies_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
