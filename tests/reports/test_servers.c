/* Tests the memory of servers and that of failed handshakes on sequences of sessions. */
#include "tests/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "reports/downgrade.h"
#include "reports/fallback.h"
#include "reports/servers.h"

#define NS 1000000000ull
#define T0 1448186400ull /* 2015-11-22T10:00:00Z */

static struct session session_at(uint64_t second, enum verdict v)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	s.start_ns = (T0 + second) * NS;
	s.end_ns = s.decided_ns = s.start_ns + NS / 2;
	s.verdict = (uint8_t)v;
	s.protocol = PROTOCOL_SMTP;
	s.server_port = 25;
	s.client[15] = 1;
	s.server[15] = 2;
	if (v == VERDICT_PLAINTEXT)
		s.cause = CAUSE_NOT_OFFERED;
	return s;
}

/* What a session shows, as a letter:
 *   o  offered, encrypted          q  offered, nothing sent
 *   w  a list without it, plaintext     n  the same, nothing sent
 *   e  EHLO refused, then HELO and plaintext     t  EHLO refused, turned away
 *   u  nothing was seen of a list  g  not offered, asked for and granted all the same */
static struct session session_of(char kind, uint64_t second)
{
	static const struct {
		char kind;
		enum verdict verdict;
		enum tri offered, accepted;
		bool refused;
	} kinds[] = {
		{ 'o', VERDICT_ENCRYPTED_STARTTLS, TRI_TRUE, TRI_TRUE, false },
		{ 'q', VERDICT_NO_TRANSACTION, TRI_TRUE, TRI_NULL, false },
		{ 'w', VERDICT_PLAINTEXT, TRI_FALSE, TRI_NULL, false },
		{ 'n', VERDICT_NO_TRANSACTION, TRI_FALSE, TRI_NULL, false },
		{ 'e', VERDICT_PLAINTEXT, TRI_NULL, TRI_NULL, true },
		{ 't', VERDICT_NO_TRANSACTION, TRI_NULL, TRI_NULL, true },
		{ 'u', VERDICT_PLAINTEXT, TRI_NULL, TRI_NULL, false },
		{ 'g', VERDICT_ENCRYPTED_STARTTLS, TRI_FALSE, TRI_TRUE, false },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind == kind) {
			struct session s = session_at(second, kinds[i].verdict);

			s.offered = (uint8_t)kinds[i].offered;
			s.accepted = (uint8_t)kinds[i].accepted;
			s.ehlo_refused = kinds[i].refused;
			return s;
		}
	}
	fail_msg("no kind %c", kind);
	return session_at(second, VERDICT_NONE);
}

/* Sequences ---------------------------------------------------------------------------------- */

/* "o0 w60": sessions of these kinds that begin so many seconds after T0. claims: what is claimed
 * of each: R removed, H helo, '.' nothing. */
static const struct {
	const char *sessions, *claims;
} sequences[] = {
	/* The third one is claimed, and all after it. */
	{ "o0 w60 w120 w180 w240", "...RR" },
	/* Offers before, between or behind them. */
	{ "w0 o60 w120 w180", "...R" },
	{ "w0 w60 w120 o180 w240", "....R" },
	{ "o0 w60 o61 w120 o121 w180 o181", ".....R." },
	{ "q0 n60 n120 n180", "...R" }, /* a scanner sees what is offered */
	{ "o0 n60 w120 w180", "...R" },
	/* One hour holds the offer and the three. */
	{ "o0 w3598 w3599 w3600", "...R" },
	{ "o0 w3598 w3599 w3601", "...." },
	{ "w0 o1800 w1801 w3601", "...." },
	{ "w0 o1800 w1801 w3600", "...R" },
	{ "o0 w60 w61 w3700 o3701 w3702 w3703", "......R" },
	/* Never offered, not offered any more, and nothing seen of it. */
	{ "w0 w1 w2 w3 w4", "....." },
	{ "o0 w4000 w4001 w4002 w4003", "....." },
	{ "o0 u60 u61 u62 u63", "....." },
	{ "o0 g60 g61 g62 g63", "....." },
	{ "o0 w60 w61 u62 g63 w64", ".....R" },
	/* EHLO refused: what is claimed is what this session shows. */
	{ "o0 e60 e120 e180 e240", "...HH" },
	{ "o0 e60 w120 e180 w240", "...HR" },
	{ "e0 e1 e2 e3", "...." },         /* a server that knows no EHLO */
	{ "o0 t60 t61 t62 t63", "....." }, /* clients that are turned away */
	{ "n0 e60 e61 e62", "...." },      /* it has no STARTTLS that could be taken away */
	/* The same session again counts once. */
	{ "o0 w60 w120 w120 w60 w120 w180", "......R" },
	{ "o0 w60 w60 w60 w60", "....." },
	/* Told out of order, and clocks that were wrong in between. */
	{ "o100 w60 w0 w120", "...R" },
	{ "o100 w120 w60 w0 w61", "...RR" },
	{ "w60 w120 o4000 w180", "...." },
	{ "o0 w100000 w60 w61 w62", "....R" },
	{ "o100000 o0 w60 w61 w62", "....R" },
};

static void one_sequence(const char *sessions, const char *claims)
{
	struct servers *v = servers_new(4);
	const char *at = sessions, *claim = claims;
	char kind;
	unsigned second;
	int used;

	while (sscanf(at, " %c%u%n", &kind, &second, &used) == 2) {
		struct session s = session_of(kind, second);
		struct server known;
		enum stripped got = servers_session(v, &s, true, &known);
		enum stripped wanted = *claim == 'R'   ? STRIPPED_REMOVED
				       : *claim == 'H' ? STRIPPED_HELO
						       : STRIPPED_NONE;

		if (got != wanted)
			fail_msg("%s: session %d: %u, not %u", sessions, (int)(claim - claims), got,
				 wanted);
		at += used;
		claim++;
	}
	assert_int_equal(*claim, '\0');
	servers_free(v);
}

static void sequences_come_to_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		one_sequence(sequences[i].sessions, sequences[i].claims);
}

static void addresses_and_ports_are_servers_of_their_own(void **state)
{
	struct servers *v = servers_new(10);
	struct server known;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct session s = session_of(i == 0 ? 'o' : 'w', i);

		s.server_port = i % 2 ? 25 : 587; /* 25 never offered it */
		s.server[14] = (uint8_t)(i % 4);  /* and of two addresses one did */
		assert_int_equal(servers_session(v, &s, true, &known),
				 i == 12 ? STRIPPED_REMOVED : STRIPPED_NONE);
	}
	{
		struct session s = session_of('w', 12);

		s.server_port = 587;
		assert_int_equal(servers_session(v, &s, true, &known), STRIPPED_REMOVED);
		assert_int_equal(known.offered_ns, T0 * NS);
		assert_int_equal(known.without_n, 3);
		assert_int_equal(known.port, 587);
	}
	servers_free(v);
	servers_free(NULL);
}

/* Sessions without the offer are counted as long as each is within an hour of the one before. */
static void sessions_without_are_counted(void **state)
{
	static const struct {
		unsigned at, n;
	} cases[] = { { 0, 1 }, { 3600, 2 }, { 7200, 3 }, { 10801, 1 }, { 10802, 2 } };
	struct servers *v = servers_new(1);
	struct server known;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session s = session_of('w', cases[i].at);

		servers_session(v, &s, true, &known);
		assert_int_equal(known.without_n, cases[i].n);
		assert_int_equal(known.without_ns[0], s.start_ns);
	}
	servers_free(v);
}

static void the_memory_is_bounded(void **state)
{
	struct servers *v = servers_new(100);
	const struct server *list;
	struct server known;
	struct session s;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		s = session_of('o', i / 100);
		s.server[0] = (uint8_t)(i >> 8);
		s.server[1] = (uint8_t)i;
		assert_int_equal(servers_session(v, &s, true, &known), STRIPPED_NONE);
	}
	assert_int_equal(servers_changed(v, &list), 100);
	assert_int_equal(servers_max(v), 100);
	for (unsigned i = 0; i < 3; i++) { /* the first one is forgotten, and with it the offer */
		s = session_of('w', 60 + i);
		assert_int_equal(servers_session(v, &s, true, &known), STRIPPED_NONE);
	}
	servers_free(v);
}

/* Saving ------------------------------------------------------------------------------------- */

static void meet(struct servers *v, char kind, unsigned second, uint8_t server, bool keep)
{
	struct session s = session_of(kind, second);
	struct server known;

	s.server[15] = server;
	servers_session(v, &s, keep, &known);
}

static void what_has_changed_is_saved(void **state)
{
	struct servers *v = servers_new(10);
	const struct server *list;

	(void)state;
	assert_int_equal(servers_changed(v, &list), 0);
	meet(v, 'o', 0, 1, true);
	meet(v, 'o', 1, 2, false); /* its address may not be stored */
	meet(v, 'w', 2, 3, true);
	meet(v, 'u', 3, 4, true); /* shows nothing */
	assert_int_equal(servers_changed(v, &list), 2);
	assert_int_equal(list[0].address[15], 3);
	assert_int_equal(list[0].without_ns[0], (T0 + 2) * NS);
	assert_int_equal(list[1].address[15], 1);
	assert_int_equal(list[1].port, 25);
	assert_int_equal(servers_changed(v, &list), 2); /* until it was saved */
	servers_saved(v);
	assert_int_equal(servers_changed(v, &list), 0);
	meet(v, 'w', 4, 1, true);
	assert_int_equal(servers_changed(v, &list), 1);
	assert_int_equal(list[0].offered_ns, T0 * NS);
	assert_int_equal(list[0].without_n, 1);
	servers_free(v);
}

static void what_was_saved_is_known(void **state)
{
	struct servers *v = servers_new(10), *w = servers_new(10);
	const struct server *list;
	struct server known;
	struct session s;
	size_t n;

	(void)state;
	meet(v, 'o', 0, 2, true);
	meet(v, 'w', 1, 2, true);
	meet(v, 'w', 2, 2, true);
	n = servers_changed(v, &list);
	for (size_t i = 0; i < n; i++)
		servers_restore(w, &list[i]);
	assert_int_equal(servers_changed(w, &list), 0);
	s = session_of('w', 3);
	assert_int_equal(servers_session(w, &s, true, &known), STRIPPED_REMOVED);
	assert_int_equal(known.without_n, 3);
	servers_free(v);
	servers_free(w);
}

/* Fallback ----------------------------------------------------------------------------------- */

static void clear_text_after_failed_tls(void **state)
{
	/* The failed session begins at 100 s and its last packet is at 110 s. */
	static const struct {
		uint64_t start_ms;
		bool fallback;
	} cases[] = {
		{ 99000, false },                                       /* before it */
		{ 100000, false },                                      /* along with it */
		{ 105000, false }, { 108999, false }, { 109000, true }, /* while it closes */
		{ 110000, true },  { 111000, true },  { 710000, true }, /* ten minutes */
		{ 710001, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fallbacks *f = fallbacks_new(8);
		struct session failed = session_at(100, VERDICT_TLS_FAILED);
		struct session clear = session_at(0, VERDICT_PLAINTEXT);
		uint64_t failed_ns = 0;

		failed.end_ns = (T0 + 110) * NS;
		clear.start_ns += cases[i].start_ms * 1000000;
		assert_false(fallbacks_session(f, &clear, &failed_ns)); /* nothing has failed yet */
		assert_false(fallbacks_session(f, &failed, &failed_ns));
		if (fallbacks_session(f, &clear, &failed_ns) != cases[i].fallback)
			fail_msg("at %d ms", (int)cases[i].start_ms);
		assert_int_equal(failed_ns, cases[i].fallback ? failed.start_ns : 0);
		fallbacks_free(f);
	}
	fallbacks_free(NULL);
}

/* Two connections that open together: the one in clear does not follow the one that fails. */
static void together_is_not_behind(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 1000; ms += 250) {
		struct fallbacks *f = fallbacks_new(8);
		struct session failed = session_at(100, VERDICT_TLS_FAILED);
		struct session clear = session_at(99, VERDICT_PLAINTEXT);
		uint64_t failed_ns = 0;

		clear.start_ns += ms * 1000000ull;
		clear.start_ns += ms == 750 ? 250000000 : 0; /* at the same time */
		fallbacks_session(f, &failed, &failed_ns);
		assert_false(fallbacks_session(f, &clear, &failed_ns));
		clear.start_ns = failed.start_ns + 1;
		assert_true(fallbacks_session(f, &clear, &failed_ns));
		fallbacks_free(f);
	}
}

static void only_between_the_same_two(void **state)
{
	struct fallbacks *f = fallbacks_new(8);
	struct session failed = session_at(0, VERDICT_TLS_FAILED);
	uint64_t failed_ns = 0;

	(void)state;
	fallbacks_session(f, &failed, &failed_ns);
	for (unsigned i = 0; i < 8; i++) {
		struct session s = session_at(10, VERDICT_PLAINTEXT);

		s.client[0] = i == 1;
		s.server[0] = i == 2;
		s.protocol = i == 3 ? PROTOCOL_POP3 : PROTOCOL_SMTP;
		s.client_port = (uint16_t)i; /* ports make no difference */
		s.server_port = i == 4 ? 587 : 25;
		if (i == 5)
			s.verdict = VERDICT_NO_TRANSACTION;
		if (i == 6)
			s.verdict = VERDICT_INDETERMINATE;
		if (i == 7)
			s.exposure = EXPOSURE_REFUSED; /* it tried all the same */
		assert_int_equal(fallbacks_session(f, &s, &failed_ns), i == 0 || i == 4 || i == 7);
	}
	fallbacks_free(f);
}

static void failures_are_bounded(void **state)
{
	struct fallbacks *f = fallbacks_new(2);
	uint64_t failed_ns;

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		struct session s = session_at(0, VERDICT_TLS_FAILED);

		s.client[0] = i;
		fallbacks_session(f, &s, &failed_ns);
	}
	for (uint8_t i = 0; i < 3; i++) {
		struct session s = session_at(10, VERDICT_PLAINTEXT);

		s.client[0] = i;
		assert_int_equal(fallbacks_session(f, &s, &failed_ns), i > 0);
	}
	fallbacks_free(f);
}

/* Both, in the session ------------------------------------------------------------------------ */

static const struct pair strangers;

/* What is claimed first stays, whatever later reports of the session say. */
static void a_mark_stays(void **state)
{
	struct downgrades *d = downgrades_new(10);
	struct downgrade why, again;
	struct session s, later;

	(void)state;
	s = session_of('o', 0);
	downgrades_first(d, 1, &s, &strangers, &why);
	assert_int_equal(s.stripped, STRIPPED_NONE);
	assert_int_equal(why.offered_ns, 0);
	for (unsigned i = 2; i < 5; i++) {
		s = session_of('w', i);
		downgrades_first(d, i, &s, &strangers, &why);
	}
	assert_int_equal(s.stripped, STRIPPED_REMOVED);
	assert_int_equal(s.cause, CAUSE_SUSPECTED_STRIPPING);
	assert_int_equal(why.offered_ns, T0 * NS);
	assert_int_equal(why.without, 3);
	assert_int_equal(why.tls_failed_ns, 0);
	later = session_of('w', 4);
	downgrades_again(d, 4, &later, &again);
	assert_int_equal(later.stripped, STRIPPED_REMOVED);
	assert_int_equal(later.cause, CAUSE_SUSPECTED_STRIPPING);
	assert_memory_equal(&why, &again, sizeof(why));
	later = session_of('w', 3); /* was not claimed when it was counted */
	downgrades_again(d, 3, &later, &again);
	assert_int_equal(later.stripped, STRIPPED_NONE);
	assert_int_equal(later.cause, CAUSE_NOT_OFFERED);
	assert_int_equal(again.offered_ns, 0);
	downgrades_free(d);
	downgrades_free(NULL);
}

static void a_sign_of_its_own_comes_first(void **state)
{
	struct downgrades *d = downgrades_new(10);
	struct downgrade why;
	struct session s = session_of('o', 0);

	(void)state;
	downgrades_first(d, 1, &s, &strangers, &why);
	for (unsigned i = 2; i < 6; i++) {
		s = session_of('w', i);
		s.stripped = STRIPPED_MASKED;
		s.cause = CAUSE_UNKNOWN;
		downgrades_first(d, i, &s, &strangers, &why);
		assert_int_equal(s.stripped, STRIPPED_MASKED);
		assert_int_equal(s.cause, CAUSE_UNKNOWN);
		assert_int_equal(why.offered_ns, 0);
	}
	s = session_of('w', 5); /* a gap came later, and with it doubt */
	downgrades_again(d, 5, &s, &why);
	assert_int_equal(s.stripped, STRIPPED_MASKED);
	s = session_of('n', 6);
	downgrades_first(d, 6, &s, &strangers, &why);
	assert_int_equal(s.stripped, STRIPPED_REMOVED); /* they count as sessions without */
	assert_int_equal(s.cause, CAUSE_NONE);
	downgrades_free(d);
}

static void a_fallback_keeps_its_cause(void **state)
{
	struct downgrades *d = downgrades_new(10);
	struct session s = session_at(0, VERDICT_TLS_FAILED);
	struct downgrade why, again;

	(void)state;
	s.fallback = 1; /* whatever came over the channel */
	downgrades_first(d, 1, &s, &strangers, &why);
	assert_int_equal(s.fallback, 0);
	s = session_at(5, VERDICT_PLAINTEXT);
	s.cause = CAUSE_NOT_REQUESTED;
	downgrades_first(d, 2, &s, &strangers, &why);
	assert_int_equal(s.fallback, 1);
	assert_int_equal(s.cause, CAUSE_NOT_REQUESTED);
	assert_int_equal(s.stripped, STRIPPED_NONE);
	assert_int_equal(why.tls_failed_ns, T0 * NS);
	s = session_at(5, VERDICT_PLAINTEXT);
	s.stripped = STRIPPED_REFUSED; /* it asked later, and was refused */
	s.cause = CAUSE_REFUSED;
	downgrades_again(d, 2, &s, &again);
	assert_int_equal(s.fallback, 1);
	assert_int_equal(s.stripped, STRIPPED_REFUSED);
	assert_int_equal(s.cause, CAUSE_REFUSED);
	assert_memory_equal(&why, &again, sizeof(why));
	downgrades_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_come_to_what_they_say),
		cmocka_unit_test(addresses_and_ports_are_servers_of_their_own),
		cmocka_unit_test(sessions_without_are_counted),
		cmocka_unit_test(the_memory_is_bounded),
		cmocka_unit_test(what_has_changed_is_saved),
		cmocka_unit_test(what_was_saved_is_known),
		cmocka_unit_test(clear_text_after_failed_tls),
		cmocka_unit_test(together_is_not_behind),
		cmocka_unit_test(only_between_the_same_two),
		cmocka_unit_test(failures_are_bounded),
		cmocka_unit_test(a_mark_stays),
		cmocka_unit_test(a_sign_of_its_own_comes_first),
		cmocka_unit_test(a_fallback_keeps_its_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
