/* community_id.c - the flow hash that Zeek and Suricata write too. Knows libcrypto. */
#include "reports/record.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "reports/digest.h"

#define PROTO_TCP 6

/* What is hashed: seed, addresses, protocol, padding, ports; the lower end first. */
struct hashed {
	uint8_t bytes[2 + 16 + 16 + 2 + 2 + 2];
	size_t len;
};

static void put(struct hashed *h, const uint8_t *bytes, size_t len)
{
	memcpy(h->bytes + h->len, bytes, len);
	h->len += len;
}

static void put_be16(struct hashed *h, unsigned value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put(h, bytes, sizeof(bytes));
}

static bool is_v4(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

void community_id(const uint8_t a[16], uint16_t a_port, const uint8_t b[16], uint16_t b_port,
		  char out[COMMUNITY_ID_MAX])
{
	size_t skip = is_v4(a) && is_v4(b) ? 12 : 0;
	int order = memcmp(a, b, 16);
	bool a_first = order < 0 || (order == 0 && a_port < b_port);
	struct hashed h = { .len = 0 };
	uint8_t digest[DIGEST_SHA1];

	put_be16(&h, 0); /* seed */
	put(&h, (a_first ? a : b) + skip, 16 - skip);
	put(&h, (a_first ? b : a) + skip, 16 - skip);
	put_be16(&h, PROTO_TCP << 8);
	put_be16(&h, a_first ? a_port : b_port);
	put_be16(&h, a_first ? b_port : a_port);
	out[0] = '\0';
	if (!digest_sha1(h.bytes, h.len, digest))
		return;
	memcpy(out, "1:", 2);
	EVP_EncodeBlock((unsigned char *)out + 2, digest, DIGEST_SHA1); /* ends it with a NUL */
}
