/* Tests HMAC-SHA256 with the vectors of RFC 4231. */
#include "tests/unit.h"

#include <string.h>

#include "reports/hmac.h"

static void check(const void *key, size_t key_len, const void *data, size_t len, const char *want)
{
	char got[HMAC_HEX_MAX];

	assert_true(hmac_sha256(key, key_len, data, len, got));
	assert_string_equal(got, want);
}

/* Section 4.2 to 4.8, but for 4.6, which is cut short. */
static void codes_are_those_of_rfc_4231(void **state)
{
	static const char large[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	static const char both[] =
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.";
	unsigned char key[131], data[50];

	(void)state;
	memset(key, 0x0b, 20);
	check(key, 20, "Hi There", 8,
	      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check("Jefe", 4, "what do ya want for nothing?", 28,
	      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	check(key, 20, data, sizeof(data),
	      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	check(key, sizeof(key), large, strlen(large),
	      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check(key, sizeof(key), both, strlen(both),
	      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
	for (unsigned i = 0; i < 25; i++)
		key[i] = (unsigned char)(i + 1);
	memset(data, 0xcd, sizeof(data));
	check(key, 25, data, sizeof(data),
	      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_rfc_4231),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
