/* hmac.c - HMAC-SHA256 (RFC 2104, RFC 6234). Knows libcrypto. */
#include "reports/hmac.h"

#include <limits.h>
#include <stdio.h>

#include <openssl/hmac.h>

bool hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 char out[HMAC_HEX_MAX])
{
	unsigned char code[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (key_len > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_len, data, len, code, &n) ||
	    2 * n >= HMAC_HEX_MAX)
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", code[i]);
	return true;
}
