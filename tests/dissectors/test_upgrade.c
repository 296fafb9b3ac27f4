/* Tests the upgrade table: every state with every event. */
#include "tests/unit.h"

#include <string.h>

#include "dissectors/upgrade.h"

/* What becomes of each state, one letter per event in the order of enum upg_event: offer, ask,
 * yes, no, hello, clear. A dot: the event is not expected there, and the state stays. */
static const struct {
	enum upg state;
	char letter;
	const char *next;
} table[] = {
	{ UPG_STAY, '.', "......" },    /* no state of a conversation */
	{ UPG_PLAIN, 'P', "OA..T." },   /* a hello without STARTTLS: TLS all the same */
	{ UPG_OFFERED, 'O', "OA..T." }, /* offered again after another EHLO */
	{ UPG_ASKED, 'A', "A.GPT." },   /* "no" leads back; a hello may overtake the answer */
	{ UPG_GRANTED, 'G', "....TB" }, /* only TLS is due */
	{ UPG_TLS, 'T', "..TBTB" },     /* the late answer to one who did not wait */
	{ UPG_BROKEN, 'B', "BA..TB" },  /* clear again: it may be asked once more */
};

static enum upg state_of(char letter)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].letter == letter)
			return table[i].state;
	}
	fail_msg("no state has the letter %c", letter);
	return UPG_NSTATES;
}

static void every_state_meets_every_event(void **state)
{
	(void)state;
	assert_int_equal(sizeof(table) / sizeof(table[0]), UPG_NSTATES);
	for (unsigned s = 0; s < UPG_NSTATES; s++) {
		assert_int_equal(table[s].state, s);
		assert_int_equal(strlen(table[s].next), EV_NEVENTS);
		for (unsigned e = 0; e < EV_NEVENTS; e++) {
			char letter = table[s].next[e];
			enum upg now = (enum upg)s;

			assert_int_equal(upg_step(&now, (enum upg_event)e), letter != '.');
			assert_int_equal(now, letter == '.' ? (enum upg)s : state_of(letter));
		}
	}
}

/* Nothing but an answer leads to GRANTED, and only from ASKED. */
static void only_a_yes_grants(void **state)
{
	(void)state;
	for (unsigned s = 0; s < UPG_NSTATES; s++) {
		for (unsigned e = 0; e < EV_NEVENTS; e++) {
			enum upg now = (enum upg)s;

			if (upg_step(&now, (enum upg_event)e) && now == UPG_GRANTED) {
				assert_int_equal(s, UPG_ASKED);
				assert_int_equal(e, EV_YES);
			}
		}
	}
}

static void every_state_and_event_has_a_name(void **state)
{
	(void)state;
	for (unsigned s = 0; s < UPG_NSTATES; s++) {
		assert_non_null(upg_name((enum upg)s));
		for (unsigned other = 0; other < s; other++)
			assert_string_not_equal(upg_name((enum upg)s), upg_name((enum upg)other));
	}
	for (unsigned e = 0; e < EV_NEVENTS; e++)
		assert_non_null(upg_event_name((enum upg_event)e));
	assert_null(upg_name(UPG_NSTATES));
	assert_null(upg_event_name(EV_NEVENTS));
	assert_string_equal(upg_name(UPG_BROKEN), "broken");
	assert_string_equal(upg_event_name(EV_CLEAR), "clear");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_meets_every_event),
		cmocka_unit_test(only_a_yes_grants),
		cmocka_unit_test(every_state_and_event_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
