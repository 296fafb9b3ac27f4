/* Hellos and the key exchange. Input: 0 for a ClientHello, 1 for a ServerHello, 2 and a suite for a
 * ServerKeyExchange, then its body. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/tls_hello.h"

static void client(struct span body)
{
	struct tls_client_hello h;
	bool ok = tls_read_client_hello(body, &h);

	MUST(h.sni_len <= SNI_MAX);
	MUST(h.sni[h.sni_len] == '\0');
	MUST(h.alpn_len <= ALPN_LIST_MAX);
	MUST(h.alpn[h.alpn_len] == '\0');
	MUST(!ok || body.len >= 38); /* version, random and three lengths */
}

static void server(struct span body)
{
	struct tls_server_hello h;
	bool ok = tls_read_server_hello(body, &h);

	MUST(!ok || body.len >= 38); /* version, random, length, suite, compression */
	MUST(h.group >= TLS_GROUP_NONE && h.group <= UINT16_MAX);
}

static void key_exchange(struct span in)
{
	struct cursor c = cur_over(in);
	uint16_t suite = cur_be16(&c);
	struct span body = cur_rest(&c);
	int32_t group = tls_read_named_curve(body, suite);

	MUST(group == TLS_GROUP_NONE || (body.len >= 3 && body.at[0] == 3));
	MUST(group == TLS_GROUP_NONE || group == (body.at[1] << 8 | body.at[2]));
	MUST(tls_read_named_curve(body, TLS_CIPHER_NONE) == TLS_GROUP_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	unsigned what = cur_u8(&c) % 3u;
	struct span body = cur_rest(&c);
	uint8_t *copy = fuzz_copy(body);

	if (what == 0)
		client((struct span){ copy, body.len });
	else if (what == 1)
		server((struct span){ copy, body.len });
	else
		key_exchange((struct span){ copy, body.len });
	free(copy);
	return 0;
}
