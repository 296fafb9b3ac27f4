/* A certificate in pieces. Input: size of the pieces, length of the SNI, the SNI, the certificate. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sensor/certificates.h"

/* One for all inputs: to make it is slow. */
static struct certificates *certificates(void)
{
	static struct certificates *c;

	if (!c)
		c = certificates_new();
	MUST(c != NULL);
	return c;
}

static void feed(struct session *s, struct span der, size_t piece)
{
	uint32_t waiting = 0;

	for (size_t at = 0; at < der.len; at += piece) {
		size_t n = der.len - at < piece ? der.len - at : piece;
		uint8_t *copy = fuzz_copy((struct span){ der.at + at, n });

		certificates_part(certificates(), &waiting, s, (uint32_t)at, (uint32_t)der.len,
				  copy, n);
		free(copy);
	}
}

static bool printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~' || text[i] == '@')
			return false;
	}
	return text[n] == '\0';
}

static void check(const struct session *s)
{
	const struct certificate_facts *f = &s->certificate;

	MUST(f->state == CERTIFICATE_SEEN || f->state == CERTIFICATE_UNREADABLE);
	MUST(f->name_matches < TRI_N && f->self_signed < TRI_N);
	MUST(f->subject_len <= CERT_NAME_MAX && f->issuer_len <= CERT_NAME_MAX);
	MUST(printable(f->subject, f->subject_len) && printable(f->issuer, f->issuer_len));
	MUST(f->state == CERTIFICATE_SEEN || (f->subject_len == 0 && f->self_signed == TRI_NULL));
	MUST(s->sni_len > 0 || f->name_matches == TRI_NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_over((struct span){ data, size });
	size_t piece = (size_t)cur_u8(&c) * 16 + 1;
	struct span sni = cur_sub(&c, cur_u8(&c)), der = cur_rest(&c);
	struct session whole, pieces;
	uint64_t parsed;

	if (der.len == 0)
		return 0;
	memset(&whole, 0, sizeof(whole));
	memcpy(whole.sni, sni.at, sni.len);
	whole.sni_len = (uint16_t)sni.len;
	pieces = whole;
	feed(&whole, der, der.len);
	check(&whole);
	parsed = certificates_parsed(certificates());
	feed(&pieces, der, piece);
	MUST(memcmp(&whole.certificate, &pieces.certificate, sizeof(whole.certificate)) == 0);
	MUST(certificates_parsed(certificates()) == parsed); /* it is known by now */
	return 0;
}
