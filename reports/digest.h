/* digest.h - digests of bytes, for those that have to be the same elsewhere. The only place that
 * knows openssl/sha.h; libcrypto's newer interface looks an algorithm up by name at every call. */
#ifndef MAILSEAL_DIGEST_H
#define MAILSEAL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA1   20
#define DIGEST_SHA256 32

/* False: libcrypto refuses it. */
bool digest_sha1(const void *data, size_t n, uint8_t out[DIGEST_SHA1]);
bool digest_sha256(const void *data, size_t n, uint8_t out[DIGEST_SHA256]);

#endif
