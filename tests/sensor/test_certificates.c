/* Tests what is read from certificates, how pieces become one, and that none is parsed twice. The
 * certificates are made here, with keys of this run. */
#include "tests/unit.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/certificates.h"

struct der {
	uint8_t *at;
	size_t n;
};

/* What a certificate is to say. */
struct plan {
	const char *subject[4][2]; /* attribute and value, from the root on */
	const char *issuer;        /* its CN; NULL: the subject */
	const char *san;           /* "DNS:a,IP:192.0.2.1"; NULL: none */
	const char *from, *to;     /* NULL: 2024 to 2034 */
	bool other_key;            /* signed with a key that is not its own */
};

static EVP_PKEY *keys[2];

static int make_keys(void **state)
{
	(void)state;
	keys[0] = EVP_EC_gen("P-256");
	keys[1] = EVP_EC_gen("P-256");
	return keys[0] && keys[1] ? 0 : -1;
}

static int drop_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	return 0;
}

static void add_attribute(X509_NAME *name, const char *attribute, const void *value, int n)
{
	assert_int_equal(
		X509_NAME_add_entry_by_txt(name, attribute, MBSTRING_UTF8, value, n, -1, 0), 1);
}

static X509 *begin_certificate(const struct plan *p)
{
	X509 *x = X509_new();
	X509_NAME *issuer = X509_NAME_new();

	assert_non_null(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	for (size_t i = 0; i < 4 && p->subject[i][0]; i++)
		add_attribute(X509_get_subject_name(x), p->subject[i][0], p->subject[i][1], -1);
	if (p->issuer)
		add_attribute(issuer, "CN", p->issuer, -1);
	X509_set_issuer_name(x, p->issuer ? issuer : X509_get_subject_name(x));
	X509_NAME_free(issuer);
	assert_true(ASN1_TIME_set_string(X509_getm_notBefore(x),
					 p->from ? p->from : "20240101000000Z"));
	assert_true(ASN1_TIME_set_string(X509_getm_notAfter(x), p->to ? p->to : "20340101000000Z"));
	X509_set_pubkey(x, keys[0]);
	return x;
}

/* Signs, encodes and frees. */
static struct der end_certificate(X509 *x, bool other_key)
{
	struct der d = { NULL, 0 };
	int n;

	assert_true(X509_sign(x, keys[other_key], EVP_sha256()) > 0);
	n = i2d_X509(x, &d.at);
	assert_true(n > 0);
	d.n = (size_t)n;
	X509_free(x);
	return d;
}

static struct der make(const struct plan *p)
{
	X509 *x = begin_certificate(p);

	if (p->san) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, p->san);

		assert_non_null(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	return end_certificate(x, p->other_key);
}

/* One session. */
struct seen {
	struct session s;
	uint32_t waiting;
};

static struct seen session_for(const char *sni)
{
	struct seen v;

	memset(&v, 0, sizeof(v));
	v.s.sni_len = (uint16_t)strlen(sni);
	memcpy(v.s.sni, sni, v.s.sni_len);
	return v;
}

/* Each piece in memory of its own. */
static void part(struct certificates *c, struct seen *v, const struct der *d, size_t at, size_t n)
{
	uint8_t *copy = malloc(n);

	assert_non_null(copy);
	memcpy(copy, d->at + at, n);
	certificates_part(c, &v->waiting, &v->s, (uint32_t)at, (uint32_t)d->n, copy, n);
	free(copy);
}

static void parts(struct certificates *c, struct seen *v, const struct der *d, size_t piece)
{
	for (size_t at = 0; at < d->n; at += piece)
		part(c, v, d, at, d->n - at < piece ? d->n - at : piece);
}

static struct certificate_facts facts_of(struct certificates *c, const struct der *d,
					 const char *sni)
{
	struct seen v = session_for(sni);

	parts(c, &v, d, d->n ? d->n : 1);
	return v.s.certificate;
}

static const struct plan plain = { .subject = { { "C", "FR" }, { "CN", "mx.example" } },
				   .issuer = "Test CA",
				   .san = "DNS:mx.example,DNS:*.mail.example",
				   .other_key = true };

static void it_says_what_it_says(void **state)
{
	struct certificates *c = certificates_new();
	struct der d = make(&plain);
	struct certificate_facts f = facts_of(c, &d, "mx.example");

	(void)state;
	assert_int_equal(f.state, CERTIFICATE_SEEN);
	assert_string_equal(f.subject, "CN=mx.example,C=FR");
	assert_int_equal(f.subject_len, strlen(f.subject));
	assert_string_equal(f.issuer, "CN=Test CA");
	assert_int_equal(f.not_before, 1704067200);
	assert_int_equal(f.not_after, 2019686400);
	assert_int_equal(f.name_matches, TRI_TRUE);
	assert_int_equal(f.self_signed, TRI_FALSE);
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void pieces_become_one(void **state)
{
	static const size_t pieces[] = { 1, 7, 100, 4096 };
	struct certificates *c = certificates_new();
	struct der d = make(&plain);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct seen v = session_for("mx.example");

		parts(c, &v, &d, pieces[i]);
		assert_int_equal(v.s.certificate.state, CERTIFICATE_SEEN);
		assert_string_equal(v.s.certificate.subject, "CN=mx.example,C=FR");
	}
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void each_is_parsed_once(void **state)
{
	struct plan other = plain;
	struct certificates *c = certificates_new();
	struct der d = make(&plain), e;

	(void)state;
	other.san = "DNS:other.example";
	e = make(&other);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(facts_of(c, &d, "mx.example").name_matches, TRI_TRUE);
		assert_int_equal(facts_of(c, &d, "a.mail.example").name_matches, TRI_TRUE);
		assert_int_equal(facts_of(c, &d, "other.example").name_matches, TRI_FALSE);
		assert_int_equal(facts_of(c, &d, "").name_matches, TRI_NULL);
		assert_int_equal(facts_of(c, &e, "other.example").name_matches, TRI_TRUE);
	}
	assert_int_equal(certificates_parsed(c), 2);
	OPENSSL_free(d.at);
	OPENSSL_free(e.at);
	certificates_free(c);
}

/* What cannot be read is not parsed twice either, and the one used last is forgotten last. */
static void the_memory_is_bounded(void **state)
{
	struct certificates *c = certificates_new();
	struct der kept = make(&plain);
	uint8_t bytes[4] = { 0x30, 2, 0, 0 };
	struct der junk = { bytes, sizeof(bytes) };

	(void)state;
	facts_of(c, &kept, "");
	for (unsigned i = 0; i < CERTIFICATES_KNOWN; i++) {
		bytes[2] = (uint8_t)(i >> 8);
		bytes[3] = (uint8_t)i;
		assert_int_equal(facts_of(c, &junk, "").state, CERTIFICATE_UNREADABLE);
		facts_of(c, &kept, "");
	}
	assert_int_equal(certificates_parsed(c), CERTIFICATES_KNOWN + 1);
	facts_of(c, &junk, "");
	facts_of(c, &kept, "");
	assert_int_equal(certificates_parsed(c), CERTIFICATES_KNOWN + 1);
	bytes[2] = bytes[3] = 0; /* the one not used for longest */
	facts_of(c, &junk, "");
	assert_int_equal(certificates_parsed(c), CERTIFICATES_KNOWN + 2);
	OPENSSL_free(kept.at);
	certificates_free(c);
}

static void sessions_do_not_mix(void **state)
{
	struct plan other = plain;
	struct certificates *c = certificates_new();
	struct seen a = session_for("mx.example"), b = a;
	struct der d = make(&plain), e;

	(void)state;
	other.subject[1][1] = "other.example";
	e = make(&other);
	part(c, &a, &d, 0, 100);
	part(c, &b, &e, 0, 200);
	part(c, &a, &d, 100, d.n - 100);
	part(c, &b, &e, 200, e.n - 200);
	assert_string_equal(a.s.certificate.subject, "CN=mx.example,C=FR");
	assert_string_equal(b.s.certificate.subject, "CN=other.example,C=FR");
	OPENSSL_free(d.at);
	OPENSSL_free(e.at);
	certificates_free(c);
}

static void the_oldest_gives_way(void **state)
{
	static struct seen waiting[CERTIFICATES_WAITING + 1];
	struct certificates *c = certificates_new();
	struct der d = make(&plain);

	(void)state;
	for (size_t i = 0; i <= CERTIFICATES_WAITING; i++) {
		waiting[i] = session_for("");
		part(c, &waiting[i], &d, 0, 100);
	}
	for (size_t i = 0; i <= CERTIFICATES_WAITING; i++) {
		part(c, &waiting[i], &d, 100, d.n - 100);
		assert_int_equal(waiting[i].s.certificate.state,
				 i == 0 ? CERTIFICATE_NONE : CERTIFICATE_SEEN);
	}
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void pieces_out_of_order_are_none(void **state)
{
	struct certificates *c = certificates_new();
	struct seen v = session_for("");
	struct der d = make(&plain);
	static const uint8_t large[2 * CERTIFICATE_MAX];

	(void)state;
	part(c, &v, &d, 100, 10); /* no beginning */
	part(c, &v, &d, 0, 100);
	part(c, &v, &d, 110, d.n - 110); /* a hole */
	assert_int_equal(v.s.certificate.state, CERTIFICATE_NONE);
	part(c, &v, &d, 100, d.n - 100); /* and yet the next one due */
	assert_int_equal(v.s.certificate.state, CERTIFICATE_SEEN);
	part(c, &v, &d, 0, 100);
	certificates_part(c, &v.waiting, &v.s, 100, (uint32_t)d.n, large, sizeof(large)); /* over */
	assert_int_equal(certificates_parsed(c), 1);
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void what_is_no_certificate_is_unreadable(void **state)
{
	struct certificates *c = certificates_new();
	struct der d = make(&plain);
	static uint8_t large[CERTIFICATE_MAX + 1];
	struct der bytes = { large, 0 };

	(void)state;
	for (bytes.n = 1; bytes.n < d.n; bytes.n++) {
		memcpy(large, d.at, bytes.n);
		assert_int_equal(facts_of(c, &bytes, "").state, CERTIFICATE_UNREADABLE);
	}
	memcpy(large, d.at, d.n);
	bytes.n = d.n + 1; /* a byte behind it */
	assert_int_equal(facts_of(c, &bytes, "").state, CERTIFICATE_UNREADABLE);
	bytes.n = CERTIFICATE_MAX;
	assert_int_equal(facts_of(c, &bytes, "").state, CERTIFICATE_UNREADABLE);
	bytes.n = CERTIFICATE_MAX + 1;
	assert_int_equal(certificates_parsed(c), d.n + 1);
	assert_int_equal(facts_of(c, &bytes, "").state, CERTIFICATE_UNREADABLE);
	assert_int_equal(certificates_parsed(c), d.n + 1);
	OPENSSL_free(d.at);
	certificates_free(c);
}

/* Whatever a byte is turned into, what comes out is a record that can be believed. */
static void a_hurt_one_does_no_harm(void **state)
{
	static const uint8_t values[] = { 0x00, 0x7f, 0x80, 0xff, 0x30, 0x40 };
	struct certificates *c = certificates_new();
	struct der d = make(&plain);

	(void)state;
	for (size_t i = 0; i < d.n; i++) {
		for (size_t k = 0; k < sizeof(values); k++) {
			uint8_t was = d.at[i];
			struct certificate_facts f;

			d.at[i] = values[k];
			f = facts_of(c, &d, "mx.example");
			d.at[i] = was;
			assert_in_range(f.state, CERTIFICATE_SEEN, CERTIFICATE_UNREADABLE);
			assert_in_range(f.name_matches, TRI_NULL, TRI_TRUE);
			assert_in_range(f.self_signed, TRI_NULL, TRI_TRUE);
			assert_int_equal(strlen(f.subject), f.subject_len);
			assert_int_equal(strlen(f.issuer), f.issuer_len);
		}
	}
	OPENSSL_free(d.at);
	certificates_free(c);
}

static const struct {
	const char *cn, *san, *sni;
	enum tri matches;
} names[] = {
	{ "mx.example", NULL, "mx.example", TRI_TRUE },
	{ "mx.example", NULL, "MX.Example", TRI_TRUE },
	{ "mx.example", NULL, "mx.example.", TRI_FALSE },
	{ "mx.example", NULL, "x.example", TRI_FALSE },
	{ "mx.example", "DNS:other.example", "mx.example", TRI_FALSE },
	{ "mx.example", "IP:192.0.2.1", "mx.example", TRI_TRUE },
	{ "x", "DNS:a.example,DNS:b.example", "b.example", TRI_TRUE },
	{ "x", "DNS:*.example.net", "mx.example.net", TRI_TRUE },
	{ "x", "DNS:*.example.net", "MX1-a.EXAMPLE.net", TRI_TRUE },
	{ "x", "DNS:*.example.net", "example.net", TRI_FALSE },
	{ "x", "DNS:*.example.net", ".example.net", TRI_FALSE },
	{ "x", "DNS:*.example.net", "a.b.example.net", TRI_FALSE },
	{ "x", "DNS:*.example.net", "a_b.example.net", TRI_FALSE },
	{ "x", "DNS:*.net", "example.net", TRI_FALSE },
	{ "x", "DNS:*", "example", TRI_FALSE },
	{ "x", "DNS:*.", "example.", TRI_FALSE },
	{ "x", "DNS:m*.example.net", "mx.example.net", TRI_FALSE },
	{ "x", "DNS:mx.*.net", "mx.example.net", TRI_FALSE },
	{ "*.example.net", NULL, "mx.example.net", TRI_TRUE },
	{ "mx.example", NULL, "", TRI_NULL },
};

static void names_are_compared_as_libcrypto_does(void **state)
{
	struct certificates *c = certificates_new();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct plan p = { .subject = { { "CN", names[i].cn } }, .san = names[i].san };
		struct der d = make(&p);
		const unsigned char *at = d.at;
		X509 *x = d2i_X509(NULL, &at, (long)d.n);

		if (facts_of(c, &d, names[i].sni).name_matches != names[i].matches)
			fail_msg("%s for %s or %s", names[i].sni, names[i].cn, names[i].san);
		/* A leading dot asks libcrypto for any name below, which no client does. */
		if (names[i].sni[0] && names[i].sni[0] != '.')
			assert_int_equal(X509_check_host(x, names[i].sni, 0,
							 X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
							 NULL) == 1,
					 names[i].matches == TRI_TRUE);
		X509_free(x);
		OPENSSL_free(d.at);
	}
	certificates_free(c);
}

static void a_nul_in_a_name_fits_nothing(void **state)
{
	static const char name[] = "mx.example\0.evil.example";
	struct plan p = { .subject = { { "CN", "evil" } } };
	struct certificates *c = certificates_new();
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	struct seen v = session_for("");
	X509 *x = begin_certificate(&p);
	struct der d;

	(void)state;
	ASN1_STRING_set(text, name, sizeof(name) - 1);
	GENERAL_NAME_set0_value(g, GEN_DNS, text);
	sk_GENERAL_NAME_push(list, g);
	X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, 0);
	GENERAL_NAMES_free(list);
	d = end_certificate(x, false);
	assert_int_equal(facts_of(c, &d, "mx.example").name_matches, TRI_FALSE);
	v.s.sni_len = sizeof(name) - 1;
	memcpy(v.s.sni, name, sizeof(name) - 1);
	parts(c, &v, &d, d.n);
	assert_int_equal(v.s.certificate.name_matches, TRI_FALSE);
	OPENSSL_free(d.at);
	certificates_free(c);
}

/* 200 names: those that are kept are found, and of the rest nobody knows. */
static void more_names_than_are_kept(void **state)
{
	struct plan p = { .subject = { { "CN", "x" } } };
	struct certificates *c = certificates_new();
	char san[200 * 32] = "", one[40];
	struct der d;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(one, sizeof(one), "%sDNS:host-%03u.example", i ? "," : "", i);
		strcat(san, one);
	}
	p.san = san;
	d = make(&p);
	assert_true(d.n <= CERTIFICATE_MAX);
	assert_int_equal(facts_of(c, &d, "host-000.example").name_matches, TRI_TRUE);
	assert_int_equal(facts_of(c, &d, "host-100.example").name_matches, TRI_TRUE);
	assert_int_equal(facts_of(c, &d, "host-199.example").name_matches, TRI_NULL);
	assert_int_equal(facts_of(c, &d, "other.example").name_matches, TRI_NULL);
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void nothing_personal_is_kept(void **state)
{
	static const struct {
		struct plan plan;
		const char *subject;
	} cases[] = {
		{ { .subject = { { "O", "Example" },
				 { "emailAddress", "jane@example.net" },
				 { "CN", "mx.example" } } },
		  "CN=mx.example,O=Example" },
		{ { .subject = { { "CN", "mx.example" }, { "UID", "jane" } } }, "CN=mx.example" },
		{ { .subject = { { "O", "Example" }, { "CN", "jane@example.net" } } },
		  "O=Example" },
		{ { .subject = { { "GN", "jane@example.net" } } }, "" },
		{ { .subject = { { NULL, NULL } } }, "" },
	};
	struct certificates *c = certificates_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct der d = make(&cases[i].plan);
		struct certificate_facts f = facts_of(c, &d, "");

		assert_int_equal(f.state, CERTIFICATE_SEEN);
		assert_string_equal(f.subject, cases[i].subject);
		assert_string_equal(f.issuer, cases[i].subject);
		OPENSSL_free(d.at);
	}
	certificates_free(c);
}

static void a_name_is_printable_and_cut(void **state)
{
	struct plan p = { .subject = { { "CN", "m\xc3\xa9l,\"+\\;<>\n" } } };
	struct certificates *c = certificates_new();
	char sixty[61];
	struct certificate_facts f;
	struct der d = make(&p);

	(void)state;
	assert_string_equal(facts_of(c, &d, "").subject,
			    "CN=m\\C3\\A9l\\,\\\"\\+\\\\\\;\\<\\>\\0A");
	OPENSSL_free(d.at);
	memset(sixty, 'x', 60);
	sixty[60] = '\0';
	p = (struct plan){ .subject = { { "OU", sixty }, { "O", sixty }, { "CN", sixty } } };
	d = make(&p);
	f = facts_of(c, &d, "");
	assert_int_equal(f.subject_len, CERT_NAME_MAX);
	assert_int_equal(strlen(f.subject), CERT_NAME_MAX);
	assert_memory_equal(f.subject, "CN=xxx", 6);
	OPENSSL_free(d.at);
	certificates_free(c);
}

static void times_of_any_century(void **state)
{
	static const struct {
		const char *from, *to;
		int64_t not_before, not_after;
	} cases[] = {
		{ "500101000000Z", "491231235959Z", -631152000, 2524607999 }, /* UTCTime */
		{ "00000101000000Z", "99991231235959Z", -62167219200, 253402300799 },
		{ "20340101000000Z", "20240101000000Z", 2019686400, 1704067200 },
	};
	struct certificates *c = certificates_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan p = { .subject = { { "CN", "x" } },
				  .from = cases[i].from,
				  .to = cases[i].to };
		struct der d = make(&p);
		struct certificate_facts f = facts_of(c, &d, "");

		assert_int_equal(f.state, CERTIFICATE_SEEN);
		assert_int_equal(f.not_before, cases[i].not_before);
		assert_int_equal(f.not_after, cases[i].not_after);
		OPENSSL_free(d.at);
	}
	certificates_free(c);
}

static void only_its_own_key_makes_it_self_signed(void **state)
{
	struct plan p = { .subject = { { "CN", "mx.example" } } };
	struct certificates *c = certificates_new();
	struct der d = make(&p);

	(void)state;
	assert_int_equal(facts_of(c, &d, "").self_signed, TRI_TRUE);
	d.at[d.n - 1] ^= 1; /* of the signature */
	assert_int_not_equal(facts_of(c, &d, "").self_signed, TRI_TRUE);
	OPENSSL_free(d.at);
	p.other_key = true; /* a CA of the same name */
	d = make(&p);
	assert_int_equal(facts_of(c, &d, "").self_signed, TRI_FALSE);
	OPENSSL_free(d.at);
	p.other_key = false;
	p.issuer = "Test CA"; /* its own key under another name */
	d = make(&p);
	assert_int_equal(facts_of(c, &d, "").self_signed, TRI_FALSE);
	OPENSSL_free(d.at);
	certificates_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_it_says),
		cmocka_unit_test(pieces_become_one),
		cmocka_unit_test(each_is_parsed_once),
		cmocka_unit_test(the_memory_is_bounded),
		cmocka_unit_test(sessions_do_not_mix),
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(pieces_out_of_order_are_none),
		cmocka_unit_test(what_is_no_certificate_is_unreadable),
		cmocka_unit_test(a_hurt_one_does_no_harm),
		cmocka_unit_test(names_are_compared_as_libcrypto_does),
		cmocka_unit_test(a_nul_in_a_name_fits_nothing),
		cmocka_unit_test(more_names_than_are_kept),
		cmocka_unit_test(nothing_personal_is_kept),
		cmocka_unit_test(a_name_is_printable_and_cut),
		cmocka_unit_test(times_of_any_century),
		cmocka_unit_test(only_its_own_key_makes_it_self_signed),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
