/* Hellos. Input: 0 for a ClientHello or 1 for a ServerHello, then its body. */
#include "tests/fuzz/fuzz.h"

#include "dissectors/tls_hello.h"

static void client(struct span body)
{
	struct tls_client_hello h;
	bool ok = tls_read_client_hello(body, &h);

	MUST(h.sni_len <= SNI_MAX);
	MUST(h.sni[h.sni_len] == '\0');
	MUST(!ok || body.len >= 38); /* version, random and three lengths */
}

static void server(struct span body)
{
	struct tls_server_hello h;
	bool ok = tls_read_server_hello(body, &h);

	MUST(!ok || body.len >= 38); /* version, random, length, suite, compression */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	bool from_server = cur_u8(&c) & 1;
	struct span body = cur_rest(&c);
	uint8_t *copy = fuzz_copy(body);

	if (from_server)
		server((struct span){ copy, body.len });
	else
		client((struct span){ copy, body.len });
	free(copy);
	return 0;
}
