/* certificates.c - pieces, the memory of those that were parsed, and the comparison of names. */
#include "sensor/certificates.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/cursor.h"
#include "reports/digest.h"
#include "reports/lru.h"
#include "sensor/certificates_x509.h"

/* A certificate that is not whole yet. */
struct place {
	uint32_t ticket; /* whose it is; 0: nobody's */
	uint32_t have, total;
	uint8_t der[CERTIFICATE_MAX];
};

struct certificates {
	struct place *places;
	uint32_t tickets; /* given out so far */
	struct lru *known;
	uint64_t parsed;
};

struct certificates *certificates_new(void)
{
	struct certificates *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->places = calloc(CERTIFICATES_WAITING, sizeof(*c->places));
	if (!c->places) {
		free(c);
		return NULL;
	}
	c->known = lru_new(CERTIFICATES_KNOWN, DIGEST_SHA256, sizeof(struct certificate_read));
	certificate_prepare();
	return c;
}

size_t certificates_bytes(void)
{
	return sizeof(struct certificates) + CERTIFICATES_WAITING * sizeof(struct place) +
	       lru_bytes(CERTIFICATES_KNOWN, DIGEST_SHA256, sizeof(struct certificate_read));
}

void certificates_free(struct certificates *c)
{
	if (!c)
		return;
	lru_free(c->known);
	free(c->places);
	free(c);
}

/* Names -------------------------------------------------------------------------------------- */

static bool same_name(struct span a, struct span b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		if (ascii_upper(a.at[i]) != ascii_upper(b.at[i]))
			return false;
	}
	return a.len == b.len;
}

static bool is_letter_digit_hyphen(uint8_t b)
{
	uint8_t upper = ascii_upper(b);

	return (upper >= 'A' && upper <= 'Z') || (b >= '0' && b <= '9') || b == '-';
}

/* "*.example.net" stands for one label in front of at least two more (RFC 9525, 6.3). */
static bool wildcard_fits(struct span pattern, struct span name)
{
	size_t label = 0;
	struct span rest;

	if (pattern.len < 2 || pattern.at[0] != '*' || pattern.at[1] != '.')
		return false;
	rest = (struct span){ pattern.at + 1, pattern.len - 1 };
	if (!memchr(rest.at + 1, '.', rest.len - 1))
		return false;
	while (label < name.len && is_letter_digit_hyphen(name.at[label]))
		label++;
	return label > 0 && same_name(rest, (struct span){ name.at + label, name.len - label });
}

/* Names over the bound were not kept: then nobody knows whether one of them would have fit. */
static enum tri name_matches(const struct certificate_read *r, struct span sni)
{
	struct cursor c = cur_over((struct span){ r->names, r->names_len });

	if (sni.len == 0 || r->facts.state != CERTIFICATE_SEEN)
		return TRI_NULL;
	while (c.ok && cur_left(&c) > 0) {
		struct span name = cur_sub(&c, cur_u8(&c));

		if (same_name(name, sni) || wildcard_fits(name, sni))
			return TRI_TRUE;
	}
	return r->names_cut ? TRI_NULL : TRI_FALSE;
}

/* One that is whole --------------------------------------------------------------------------- */

static const struct certificate_read *read_once(struct certificates *c, const uint8_t *der,
						size_t n)
{
	uint8_t digest[DIGEST_SHA256];
	struct certificate_read *r;

	if (!digest_sha256(der, n, digest))
		return NULL;
	r = lru_find(c->known, digest);
	if (r)
		return r;
	r = lru_add(c->known, digest);
	certificate_read(der, n, r);
	c->parsed++;
	return r;
}

static void tell(struct certificates *c, struct session *s, const uint8_t *der, size_t n)
{
	const struct certificate_read *r = read_once(c, der, n);

	if (!r)
		return;
	s->certificate = r->facts;
	s->certificate.name_matches =
		(uint8_t)name_matches(r, (struct span){ (const uint8_t *)s->sni, s->sni_len });
}

/* Pieces -------------------------------------------------------------------------------------- */

static struct place *place_of(const struct certificates *c, uint32_t ticket)
{
	return &c->places[ticket % CERTIFICATES_WAITING];
}

static void begin(struct certificates *c, uint32_t *waiting, uint32_t total)
{
	struct place *p;

	if (++c->tickets == 0)
		c->tickets++;
	p = place_of(c, c->tickets);
	p->ticket = *waiting = c->tickets;
	p->have = 0;
	p->total = total;
}

static void add(struct certificates *c, uint32_t *waiting, struct session *s, uint32_t at,
		struct span part)
{
	struct place *p = place_of(c, *waiting);

	if (*waiting == 0 || p->ticket != *waiting || p->have != at || part.len > p->total - at)
		return;
	memcpy(p->der + at, part.at, part.len);
	p->have += (uint32_t)part.len;
	if (p->have < p->total)
		return;
	p->ticket = *waiting = 0;
	tell(c, s, p->der, p->total);
}

void certificates_part(struct certificates *c, uint32_t *waiting, struct session *s, uint32_t at,
		       uint32_t total, const uint8_t *data, size_t n)
{
	if (total > CERTIFICATE_MAX) {
		s->certificate.state = CERTIFICATE_UNREADABLE;
		return;
	}
	if (at == 0 && n == total) {
		tell(c, s, data, n);
		return;
	}
	if (at == 0)
		begin(c, waiting, total);
	add(c, waiting, s, at, (struct span){ data, n });
}

uint64_t certificates_parsed(const struct certificates *c)
{
	return c->parsed;
}
