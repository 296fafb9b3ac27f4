#include "reports/digest.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

_Static_assert(DIGEST_SHA1 == SHA_DIGEST_LENGTH, "what libcrypto writes");
_Static_assert(DIGEST_SHA256 == SHA256_DIGEST_LENGTH, "what libcrypto writes");

bool digest_sha1(const void *data, size_t n, uint8_t out[DIGEST_SHA1])
{
	SHA_CTX c;

	return SHA1_Init(&c) == 1 && SHA1_Update(&c, data, n) == 1 && SHA1_Final(out, &c) == 1;
}

bool digest_sha256(const void *data, size_t n, uint8_t out[DIGEST_SHA256])
{
	SHA256_CTX c;

	return SHA256_Init(&c) == 1 && SHA256_Update(&c, data, n) == 1 &&
	       SHA256_Final(out, &c) == 1;
}
