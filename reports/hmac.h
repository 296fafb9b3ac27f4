/* hmac.h - HMAC-SHA256 (RFC 2104, RFC 6234). Knows libcrypto. */
#ifndef MAILSEAL_HMAC_H
#define MAILSEAL_HMAC_H

#include <stdbool.h>
#include <stddef.h>

#define HMAC_HEX_MAX (64 + 1)

/* The code of len bytes as lower case hex. False when libcrypto refuses, as it may where only some
 * digests are allowed; out is empty then. */
bool hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 char out[HMAC_HEX_MAX]);

#endif
