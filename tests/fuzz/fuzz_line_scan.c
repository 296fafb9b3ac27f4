/* The scanner of the session log. Input: a line. What record_read() takes, it reads the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "tests/web/same_line.h"

#define TERMINATED(text) MUST(memchr((text), '\0', sizeof(text)) != NULL)

static void check(const struct line_facts *f)
{
	MUST(f->service < SERVICE_N && f->verdict < VERDICT_N && f->start >= 0);
	MUST(f->tls_version == 0 || tls_version_name(f->tls_version));
	MUST(f->tls_cipher >= TLS_CIPHER_NONE && f->tls_cipher <= 0xffff);
	TERMINATED(f->client);
	TERMINATED(f->server);
	TERMINATED(f->client_peer);
	TERMINATED(f->server_peer);
	TERMINATED(f->sni);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy((struct span){ data, size });
	struct line_facts f;
	bool record;

	if (line_scan((const char *)copy, size, &f))
		check(&f);
	MUST(same_line((const char *)copy, size, &record) == NULL);
	free(copy);
	return 0;
}
