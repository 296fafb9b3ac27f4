/* Tests reports/peers.c. */
#include "tests/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/peers.h"

static char err[256];

static void address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (inet_pton(AF_INET, text, out + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
}

static struct place find(const struct peers *p, const char *text)
{
	uint8_t addr[16];

	address(text, addr);
	return peers_find(p, addr);
}

static int add(struct peers *p, const char *name, bool signatory)
{
	int peer = peers_add(p, name, signatory, err, sizeof(err));

	assert_int_not_equal(peer, -1);
	return peer;
}

static void add_prefix(struct peers *p, int peer, enum prefix_kind kind, const char *prefix)
{
	if (!peers_add_prefix(p, peer, kind, prefix, err, sizeof(err)))
		fail_msg("%s", err);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {
		"",         "Orange", "a b",
		"a_b",      "../x",   "other",
		"free-net", "a/b",    "abcdefghijklmnopqrstuvwxyz0123456"
	};
	struct peers *p = peers_new();

	(void)state;
	assert_int_equal(add(p, "abcdefghijklmnopqrstuvwxyz012345", false), 0);
	assert_int_equal(add(p, "free", true), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		assert_int_equal(peers_add(p, bad[i], true, err, sizeof(err)), -1);
		assert_int_not_equal(err[0], '\0');
	}
	assert_int_equal(peers_add(p, "free", true, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "free"));
	assert_int_equal(peers_count(p), 2);
	assert_string_equal(peers_name(p, 1), "free");
	assert_true(peers_signatory(p, 1));
	assert_false(peers_signatory(p, 0));
	assert_false(peers_signatory(p, -1));
	assert_null(peers_name(p, -1));
	assert_null(peers_name(p, 2));
	peers_free(p);
	peers_free(NULL);
}

static void there_is_a_most_of_peers(void **state)
{
	struct peers *p = peers_new();
	char name[16];

	(void)state;
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		add(p, name, false);
	}
	assert_int_equal(peers_add(p, "one-more", false, err, sizeof(err)), -1);
	peers_free(p);
}

static void bad_prefixes_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"198.51.100",
		"198.51.100.0/",
		"198.51.100.0/33",
		"198.51.100.0/-1",
		"198.51.100.0/+8",
		"198.51.100.0/08",
		"198.51.100.0/24 ",
		" 198.51.100.0",
		"198.51.100.1/24",
		"010.0.0.0/8",
		"2001:db8::/129",
		"2001:db8::1/64",
		"2001:db8:::/48",
		"fe80::1%eth0",
		"::ffff:198.51.100.1",
		"::ffff:0:0/96",
		"mx.example",
		"1.2.3.4/99999999999999999999",
		"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/32",
	};
	struct peers *p = peers_new();
	int peer = add(p, "a", true);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		if (peers_add_prefix(p, peer, PREFIX_MTA, bad[i], err, sizeof(err)))
			fail_msg("taken: %s", bad[i]);
		assert_int_not_equal(err[0], '\0');
	}
	assert_int_equal(find(p, "198.51.100.1").peer, -1);
	peers_free(p);
}

static void the_same_prefix_twice_names_the_other(void **state)
{
	struct peers *p = peers_new();
	int a = add(p, "alpha", true), b = add(p, "beta", true);

	(void)state;
	add_prefix(p, a, PREFIX_ACCESS, "198.51.100.0/28");
	assert_false(peers_add_prefix(p, b, PREFIX_MTA, "198.51.100.0/28", err, sizeof(err)));
	assert_non_null(strstr(err, "alpha"));
	assert_non_null(strstr(err, "access"));
	assert_false(peers_add_prefix(p, a, PREFIX_MTA, "198.51.100.0/28", err, sizeof(err)));
	add_prefix(p, b, PREFIX_MTA, "198.51.100.1");
	assert_false(peers_add_prefix(p, a, PREFIX_MTA, "198.51.100.1/32", err, sizeof(err)));
	assert_non_null(strstr(err, "beta"));
	peers_free(p);
}

static void the_longest_prefix_wins(void **state)
{
	struct peers *p = peers_new();
	int a = add(p, "a", true), b = add(p, "b", true), c = add(p, "c", true);

	(void)state;
	/* The longer one first and last: the order of configuration does not matter. */
	add_prefix(p, b, PREFIX_MTA, "198.51.100.16/28");
	add_prefix(p, a, PREFIX_NETWORKS, "198.51.100.0/24");
	add_prefix(p, c, PREFIX_ACCESS, "198.51.100.17");
	add_prefix(p, a, PREFIX_MTA, "2001:db8:10::/48");
	add_prefix(p, b, PREFIX_MTA, "2001:db8:10:25::/64");
	assert_int_equal(find(p, "198.51.100.1").peer, a);
	assert_int_equal(find(p, "198.51.100.1").kind, PREFIX_NETWORKS);
	assert_int_equal(find(p, "198.51.100.16").peer, b);
	assert_int_equal(find(p, "198.51.100.17").peer, c);
	assert_int_equal(find(p, "198.51.100.17").kind, PREFIX_ACCESS);
	assert_int_equal(find(p, "198.51.100.31").peer, b);
	assert_int_equal(find(p, "198.51.100.32").peer, a);
	assert_int_equal(find(p, "198.51.101.0").peer, -1);
	assert_int_equal(find(p, "2001:db8:10::1").peer, a);
	assert_int_equal(find(p, "2001:db8:10:25::1").peer, b);
	assert_int_equal(find(p, "2001:db8:11::1").peer, -1);
	peers_free(p);
}

static void the_two_families_are_apart(void **state)
{
	struct peers *p = peers_new();
	int a = add(p, "a", true), b = add(p, "b", true);

	(void)state;
	add_prefix(p, a, PREFIX_NETWORKS, "::/0");
	assert_int_equal(find(p, "192.0.2.1").peer, -1);
	assert_int_equal(find(p, "2001:db8::1").peer, a);
	add_prefix(p, b, PREFIX_NETWORKS, "0.0.0.0/0");
	assert_int_equal(find(p, "192.0.2.1").peer, b);
	assert_int_equal(find(p, "2001:db8::1").peer, a);
	peers_free(p);
}

/* Against the plainest implementation there is: look at every prefix. */
#define MANY 5000
struct plain {
	uint32_t addr;
	unsigned len;
	int peer;
};

static int plain_find(const struct plain *all, size_t n, uint32_t addr)
{
	int best = -1, len = -1;

	for (size_t i = 0; i < n; i++) {
		uint32_t mask = all[i].len == 0 ? 0 : UINT32_MAX << (32 - all[i].len);

		if ((addr & mask) == all[i].addr && (int)all[i].len > len) {
			best = all[i].peer;
			len = (int)all[i].len;
		}
	}
	return best;
}

static void many_prefixes_agree_with_a_plain_search(void **state)
{
	struct plain *all = calloc(MANY, sizeof(*all));
	struct peers *p = peers_new();
	uint32_t seed = 1;
	size_t n = 0;
	char text[32];

	(void)state;
	assert_non_null(all);
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "p%u", i);
		add(p, text, false);
	}
	while (n < MANY) {
		struct plain *e = &all[n];

		seed = seed * 1664525u + 1013904223u;
		e->len = 8 + (seed >> 8) % 25;
		/* 1.0.0.0/8 to 4.0.0.0/8 only, so that prefixes nest */
		e->addr = (1u + (seed >> 30)) << 24 | ((seed * 2654435761u) & 0xffffff);
		e->addr &= UINT32_MAX << (32 - e->len);
		e->peer = (int)(n % 64);
		snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", e->addr >> 24, e->addr >> 16 & 255,
			 e->addr >> 8 & 255, e->addr & 255, e->len);
		if (peers_add_prefix(p, e->peer, PREFIX_MTA, text, err, sizeof(err)))
			n++;
	}
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t a;

		seed = seed * 1664525u + 1013904223u;
		a = (seed >> 30) << 24 | ((seed * 2654435761u) & 0xffffff);
		snprintf(text, sizeof(text), "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255,
			 a & 255);
		assert_int_equal(find(p, text).peer, plain_find(all, n, a));
	}
	peers_free(p);
	free(all);
}

/* The five ends of the cases below: two signatories, one that is not. */
static struct peers *some_peers(void)
{
	struct peers *p = peers_new();
	int a = add(p, "alpha", true), b = add(p, "beta", true), c = add(p, "cloud", false);

	add_prefix(p, a, PREFIX_MTA, "198.51.100.0/28");
	add_prefix(p, a, PREFIX_ACCESS, "198.51.100.16/28");
	add_prefix(p, a, PREFIX_NETWORKS, "203.0.113.0/26");
	add_prefix(p, b, PREFIX_MTA, "2001:db8:10:25::/64");
	add_prefix(p, b, PREFIX_NETWORKS, "2001:db8::/32");
	add_prefix(p, c, PREFIX_MTA, "192.0.2.0/24");
	return p;
}

static struct pair pair_of(const struct peers *p, enum service service, const char *client,
			   const char *server)
{
	struct session s;
	struct pair out;

	memset(&s, 0, sizeof(s));
	memset(&out, 0xff, sizeof(out));
	s.service = (uint8_t)service;
	address(client, s.client);
	address(server, s.server);
	peers_pair(p, &s, &out);
	return out;
}

static void pairs_are_named_and_promised(void **state)
{
	static const struct {
		enum service service;
		const char *client, *server, *client_name, *server_name;
		bool promised, client_known, server_known;
	} cases[] = {
		{ SERVICE_MTA, "198.51.100.1", "2001:db8:10:25::1", "alpha", "beta", true, true,
		  true },
		{ SERVICE_MTA, "198.51.100.1", "198.51.100.2", "alpha", "alpha", false, true,
		  true },
		{ SERVICE_MTA, "198.51.100.1", "192.0.2.1", "alpha", "cloud", false, true, true },
		{ SERVICE_MTA, "203.0.113.1", "2001:db8:10:25::1", "alpha-net", "beta", false,
		  false, true },
		{ SERVICE_MTA, "198.51.100.17", "2001:db8::1", "alpha-net", "beta-net", false, true,
		  false },
		{ SERVICE_MTA, "10.0.0.1", "198.51.100.1", "other", "alpha", false, false, true },
		{ SERVICE_SUBMISSION, "198.51.100.1", "2001:db8:10:25::1", "alpha", "beta", false,
		  true, true },
		{ SERVICE_SUBMISSION, "203.0.113.1", "198.51.100.17", "alpha-net", "alpha", false,
		  false, true },
		{ SERVICE_ACCESS, "198.51.100.17", "198.51.100.1", "alpha", "alpha", false, true,
		  true },
		{ SERVICE_ACCESS, "10.0.0.1", "203.0.113.1", "other", "alpha-net", false, false,
		  false },
	};
	struct peers *p = some_peers();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair got = pair_of(p, cases[i].service, cases[i].client, cases[i].server);

		assert_string_equal(got.client, cases[i].client_name);
		assert_string_equal(got.server, cases[i].server_name);
		assert_int_equal(got.promised, cases[i].promised);
		assert_int_equal(got.client_known_host, cases[i].client_known);
		assert_int_equal(got.server_known_host, cases[i].server_known);
		assert_false(got.excepted);
	}
	peers_free(p);
}

/* The promise is about mail servers, the offer about where users get their mail. */
static void access_is_offered_where_a_signatory_says(void **state)
{
	struct peers *p = some_peers();

	(void)state;
	assert_true(pair_of(p, SERVICE_SUBMISSION, "10.0.0.1", "198.51.100.17").access);
	assert_true(pair_of(p, SERVICE_ACCESS, "203.0.113.1", "198.51.100.17").access);
	assert_false(pair_of(p, SERVICE_MTA, "10.0.0.1", "198.51.100.17").access);
	assert_false(pair_of(p, SERVICE_ACCESS, "10.0.0.1", "198.51.100.1").access);
	assert_false(pair_of(p, SERVICE_ACCESS, "198.51.100.17", "192.0.2.1").access);
	assert_false(pair_of(p, SERVICE_ACCESS, "198.51.100.17", "10.0.0.1").access);
	assert_true(peers_add_exception(p, "10.0.0.1", NULL, err, sizeof(err)));
	assert_false(pair_of(p, SERVICE_ACCESS, "10.0.0.1", "198.51.100.17").access);
	peers_free(p);
}

static void an_exception_ends_the_promise(void **state)
{
	struct peers *p = some_peers();
	const char *server = "2001:db8:10:25::1";

	(void)state;
	assert_true(peers_add_exception(p, "198.51.100.1", NULL, err, sizeof(err)));
	assert_true(
		peers_add_exception(p, "198.51.100.2/31", "2001:db8:10:25::9", err, sizeof(err)));
	assert_true(pair_of(p, SERVICE_MTA, "198.51.100.1", server).excepted);
	assert_false(pair_of(p, SERVICE_MTA, "198.51.100.1", server).promised);
	assert_true(pair_of(p, SERVICE_MTA, "198.51.100.2", server).promised);
	assert_true(pair_of(p, SERVICE_MTA, "198.51.100.3", "2001:db8:10:25::9").excepted);
	assert_false(pair_of(p, SERVICE_MTA, server, "198.51.100.1").excepted);
	assert_false(peers_add_exception(p, NULL, NULL, err, sizeof(err)));
	assert_false(peers_add_exception(p, "nonsense", NULL, err, sizeof(err)));
	assert_false(peers_add_exception(p, NULL, "198.51.100.1/8", err, sizeof(err)));
	assert_true(peers_add_exception(p, NULL, "::/0", err, sizeof(err)));
	assert_true(pair_of(p, SERVICE_MTA, "198.51.100.2", server).excepted);
	assert_false(pair_of(p, SERVICE_MTA, server, "198.51.100.2").excepted);
	peers_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(there_is_a_most_of_peers),
		cmocka_unit_test(bad_prefixes_are_refused),
		cmocka_unit_test(the_same_prefix_twice_names_the_other),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(the_two_families_are_apart),
		cmocka_unit_test(many_prefixes_agree_with_a_plain_search),
		cmocka_unit_test(pairs_are_named_and_promised),
		cmocka_unit_test(access_is_offered_where_a_signatory_says),
		cmocka_unit_test(an_exception_ends_the_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
