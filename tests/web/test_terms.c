/* test_terms.c - every name that a page may show has a meaning, and one place where it is told. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/verdict.h"
#include "reports/counts.h"
#include "reports/incidents.h"
#include "reports/rules.h"
#include "web/terms.h"

static void means(enum term_group g, const char *name)
{
	if (!term_find(g, name))
		fail_msg("%s means nothing", name);
}

static void every_name_has_a_meaning(void **state)
{
	(void)state;
	for (unsigned i = VERDICT_NONE + 1; i < VERDICT_N; i++)
		means(TERMS_VERDICT, verdict_name((enum verdict)i));
	for (unsigned i = EXPOSURE_NONE + 1; i < EXPOSURE_N; i++)
		means(TERMS_EXPOSURE, exposure_name((enum exposure)i));
	for (unsigned i = CAUSE_NONE + 1; i < CAUSE_N; i++)
		means(TERMS_CAUSE, cause_name((enum cause)i));
	for (unsigned i = STRIPPED_NONE + 1; i < STRIPPED_N; i++)
		means(TERMS_STRIPPED, stripped_name((enum stripped)i));
	for (unsigned i = 0; i < RULES; i++)
		means(TERMS_RULE, rule_name((enum rule)i));
	for (unsigned i = 0; i < INCIDENT_STATES; i++)
		means(TERMS_STATE, incident_state_name((enum incident_state)i));
	for (unsigned i = COUNT_REFUSED; i < COUNT_N; i++) {
		if (i < COUNT_TLS10 || i > COUNT_TLS13)
			means(TERMS_COUNT, count_name((enum count)i));
	}
	assert_null(term_find(TERMS_VERDICT, "refused"));
}

static void anchors_are_unique(void **state)
{
	static char seen[256][TERM_ANCHOR_MAX];
	size_t seen_n = 0;

	(void)state;
	for (unsigned g = 0; g < TERM_GROUPS; g++) {
		size_t n;
		const struct term *list = terms_of((enum term_group)g, &n);

		for (size_t i = 0; i < n; i++) {
			assert_true(seen_n < 256);
			term_anchor((enum term_group)g, list[i].name, seen[seen_n]);
			for (size_t k = 0; k < seen_n; k++)
				assert_string_not_equal(seen[k], seen[seen_n]);
			seen_n++;
		}
	}
}

static void what_means_nothing_is_no_link(void **state)
{
	char *text = NULL;
	size_t len;
	struct html h = { .root = "../", .out = open_memstream(&text, &len) };

	(void)state;
	assert_non_null(h.out);
	term_link(&h, TERMS_RULE, "<rule>", "<rule>");
	term_link(&h, TERMS_RULE, "sensor-blind", "x");
	fclose(h.out);
	assert_string_equal(text, "&lt;rule&gt;"
				  "<a href=\"../method.html#rule-sensor-blind\">x</a>");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_has_a_meaning),
		cmocka_unit_test(anchors_are_unique),
		cmocka_unit_test(what_means_nothing_is_no_link),
	};

	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
