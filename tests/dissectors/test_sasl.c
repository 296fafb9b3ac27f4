/* Tests what a lone word may be whose prompt was not seen. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/sasl.h"

static void base64_is_a_response_and_a_command_is_none(void **state)
{
	static const struct {
		const char *word;
		bool cut, response;
	} cases[] = {
		{ "dXNlcg==", false, true },
		{ "AGEAYg==", false, true },
		{ "am9l+/12", false, true },
		{ "dXM=", false, true },
		{ "dQ==", false, true },
		{ "NOOP", false, false },
		{ "HELP", false, false },
		{ "UTF8", false, false },
		{ "am9l", false, false }, /* or so it is typed */
		{ "WIZ", false, false },
		{ "DEBUG", false, false },
		{ "dXNlcg=", false, false },
		{ "dXNlcg===", false, false },
		{ "A===", false, false },
		{ "====", false, false },
		{ "dXN=cg==", false, false },
		{ "dXNl-g==", false, false },
		{ "*", false, false },
		{ "", false, false },
		{ "dXNlcgdXNlcgdXNlcgd", true, true },
		{ "dXNlcg==dXNlcg==", true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].word);
		uint8_t *copy =
			malloc(n ? n : 1); /* on the heap, so that a read behind it is seen */

		assert_non_null(copy);
		memcpy(copy, cases[i].word, n);
		if (sasl_is_response((struct span){ copy, n }, cases[i].cut) != cases[i].response)
			fail_msg("%s", cases[i].word);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_a_response_and_a_command_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
