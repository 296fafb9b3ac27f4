/* counts.c - sums of sessions and the ratio made of them. */
#include "reports/counts.h"

#include <stdio.h>

#define COUNTS_ROW(id, name, unit, text) [id] = { name, unit, text },
static const struct {
	const char *name, *unit, *text;
} rows[COUNT_N] = { COUNTS_TABLE(COUNTS_ROW) };

const char *count_name(enum count c)
{
	return (size_t)c < COUNT_N ? rows[c].name : NULL;
}

const char *count_unit(enum count c)
{
	return (size_t)c < COUNT_N ? rows[c].unit : NULL;
}

const char *count_text(enum count c)
{
	return (size_t)c < COUNT_N ? rows[c].text : NULL;
}

static enum count count_of_verdict(enum verdict v)
{
	switch (v) {
	case VERDICT_ENCRYPTED_STARTTLS: return COUNT_ENC_STARTTLS;
	case VERDICT_ENCRYPTED_IMPLICIT: return COUNT_ENC_IMPLICIT;
	case VERDICT_PLAINTEXT: return COUNT_PLAINTEXT;
	case VERDICT_TLS_FAILED: return COUNT_TLS_FAILED;
	case VERDICT_NO_TRANSACTION: return COUNT_NO_TRANSACTION;
	case VERDICT_INDETERMINATE: return COUNT_INDETERMINATE;
	case VERDICT_NONE:
	case VERDICT_N: break;
	}
	return COUNT_N;
}

static void add_tls_version(struct counts *c, const struct session *s)
{
	if (s->verdict != VERDICT_ENCRYPTED_STARTTLS && s->verdict != VERDICT_ENCRYPTED_IMPLICIT)
		return;
	switch (s->tls_version) {
	case 0x0301: c->n[COUNT_TLS10]++; break;
	case 0x0302: c->n[COUNT_TLS11]++; break;
	case 0x0303: c->n[COUNT_TLS12]++; break;
	case 0x0304: c->n[COUNT_TLS13]++; break;
	}
}

static void add_funnel(struct counts *c, const struct session *s)
{
	c->n[COUNT_OFFERED] += s->offered == TRI_TRUE;
	c->n[COUNT_REQUESTED] += s->requested == TRI_TRUE;
	c->n[COUNT_ACCEPTED] += s->accepted == TRI_TRUE;
	c->n[COUNT_STRIPPED] += s->stripped != STRIPPED_NONE;
	c->n[COUNT_AUTH_CLEAR] += s->auth_clear == TRI_TRUE;
}

void counts_add_session(struct counts *c, const struct session *s, bool excepted)
{
	enum count which = count_of_verdict((enum verdict)s->verdict);

	if (excepted) {
		c->n[COUNT_EXCEPTED]++;
		return;
	}
	if (which == COUNT_N)
		return;
	c->n[which]++;
	c->n[COUNT_REFUSED] += which == COUNT_PLAINTEXT && s->exposure == EXPOSURE_REFUSED;
	c->n[COUNT_BEGUN_BEFORE] += which == COUNT_INDETERMINATE && s->begun_before;
	if (which != COUNT_PLAINTEXT)
		add_funnel(c, s);
	add_tls_version(c, s);
}

void counts_add_end(struct counts *c, const struct session *s)
{
	if (s->messages > 0)
		c->n[COUNT_MESSAGES_CLEAR] += (uint32_t)s->messages;
	if (s->verdict == VERDICT_PLAINTEXT)
		add_funnel(c, s);
}

void counts_add(struct counts *to, const struct counts *from)
{
	for (size_t i = 0; i < COUNT_N; i++)
		to->n[i] += from->n[i];
}

uint64_t counts_sessions(const struct counts *c)
{
	return c->n[COUNT_ENC_STARTTLS] + c->n[COUNT_ENC_IMPLICIT] + c->n[COUNT_PLAINTEXT] +
	       c->n[COUNT_TLS_FAILED] + c->n[COUNT_NO_TRANSACTION] + c->n[COUNT_INDETERMINATE];
}

/* Counts that come from a file may contradict each other; a share is never below zero. */
static uint64_t without(uint64_t all, uint64_t part)
{
	return part < all ? all - part : 0;
}

struct ratio counts_ratio(const struct counts *c, uint64_t lost)
{
	struct ratio r = {
		.encrypted = c->n[COUNT_ENC_STARTTLS] + c->n[COUNT_ENC_IMPLICIT],
		.plaintext = without(c->n[COUNT_PLAINTEXT], c->n[COUNT_REFUSED]),
		.unknown = without(c->n[COUNT_INDETERMINATE], c->n[COUNT_BEGUN_BEFORE]) + lost,
		.failed = c->n[COUNT_TLS_FAILED],
	};
	double e = (double)r.encrypted, p = (double)r.plaintext, u = (double)r.unknown;
	double f = (double)r.failed;

	r.known = r.encrypted + r.plaintext > 0;
	if (r.known)
		r.ratio = e / (e + p);
	if (r.encrypted + r.plaintext + r.unknown > 0) {
		r.lowest = e / (e + p + u);
		r.highest = (e + u) / (e + p + u);
	}
	r.covered = r.encrypted + r.plaintext + r.failed + r.unknown > 0;
	if (r.covered)
		r.coverage = (e + p + f) / (e + p + f + u);
	return r;
}

void ratio_text(const struct ratio *r, char *out, size_t outlen)
{
	uint64_t e = r->encrypted, p = r->plaintext, hundredths;

	if (!r->known) {
		snprintf(out, outlen, "-");
		return;
	}
	if (e == 0 || p == 0) {
		snprintf(out, outlen, e == 0 ? "0 %%" : "100 %%");
		return;
	}
	while (e > UINT64_MAX / 20000 || p > UINT64_MAX / 20000) {
		e >>= 1;
		p = (p >> 1) + 1;
	}
	/* In integers: a double would round 99.9999 % up to what only P = 0 may print. */
	hundredths = e * 10000 / (e + p);
	snprintf(out, outlen, "%u.%02u %%", (unsigned)(hundredths / 100),
		 (unsigned)(hundredths % 100));
}

void percent_text(uint64_t num, uint64_t den, bool up, char *out, size_t outlen)
{
	uint64_t hundredths;

	if (num == den || num == 0) {
		snprintf(out, outlen, num ? "100" : "0");
		return;
	}
	while (den >
	       UINT64_MAX / 20000) { /* far from any real count: exactness no longer matters */
		num >>= 1;
		den >>= 1;
	}
	hundredths = (num * 10000 + (up ? den - 1 : 0)) / den;
	if (hundredths > 9999)
		hundredths = 9999;
	snprintf(out, outlen, "%u.%02u", (unsigned)(hundredths / 100),
		 (unsigned)(hundredths % 100));
}

void coverage_fine_text(const struct ratio *r, char *out, size_t outlen)
{
	uint64_t decided = r->encrypted + r->plaintext + r->failed;
	char share[16];

	if (!r->covered) {
		snprintf(out, outlen, "-");
		return;
	}
	percent_text(decided, decided + r->unknown, false, share, sizeof(share));
	snprintf(out, outlen, "%s %%", share);
}
