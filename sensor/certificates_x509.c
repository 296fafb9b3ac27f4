/* certificates_x509.c - libcrypto's X.509, as far as a passive reader needs it.
 *
 * Every certificate is hostile. What costs is bounded: by CERTIFICATE_MAX, and for the one signature
 * that is verified by the size of the key.
 */
#include "sensor/certificates_x509.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define KEY_BITS_MAX 8192 /* of a key whose own signature is verified */

/* clang-format off */
/* CN=mx.example, with the same as DNS name, signed with its own key on P-256. */
static const uint8_t sample[] = {
	0x30, 0x82, 0x01, 0x4f, 0x30, 0x81, 0xf7, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01, 0x30,
	0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30, 0x15, 0x31, 0x13, 0x30,
	0x11, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0a, 0x6d, 0x78, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70,
	0x6c, 0x65, 0x30, 0x1e, 0x17, 0x0d, 0x32, 0x36, 0x31, 0x31, 0x32, 0x32, 0x32, 0x30, 0x31, 0x35,
	0x30, 0x34, 0x5a, 0x17, 0x0d, 0x33, 0x36, 0x31, 0x31, 0x31, 0x39, 0x32, 0x30, 0x31, 0x35, 0x30,
	0x34, 0x5a, 0x30, 0x15, 0x31, 0x13, 0x30, 0x11, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0a, 0x6d,
	0x78, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
	0x03, 0x42, 0x00, 0x04, 0x8b, 0x1f, 0x0e, 0xac, 0x9e, 0x52, 0x8f, 0x7d, 0x6f, 0x00, 0x88, 0x6b,
	0xb3, 0x06, 0xf0, 0xeb, 0xeb, 0x8b, 0xc8, 0xbd, 0x41, 0xac, 0x88, 0x11, 0x67, 0xcc, 0x96, 0xeb,
	0xa1, 0x73, 0xe2, 0x6e, 0x24, 0xc2, 0x67, 0x3a, 0x9c, 0x9d, 0xb6, 0x2d, 0x2a, 0x7d, 0x5a, 0x5c,
	0xe2, 0x68, 0x0a, 0x01, 0x0b, 0xbe, 0x6f, 0x44, 0xd9, 0xf3, 0x80, 0x97, 0x4e, 0xdf, 0xba, 0xe1,
	0xc0, 0xd4, 0x0e, 0xba, 0xa3, 0x38, 0x30, 0x36, 0x30, 0x15, 0x06, 0x03, 0x55, 0x1d, 0x11, 0x04,
	0x0e, 0x30, 0x0c, 0x82, 0x0a, 0x6d, 0x78, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x30,
	0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14, 0xd5, 0x74, 0xcb, 0xb8, 0xc9, 0xd2,
	0xdc, 0x1f, 0xee, 0x0e, 0x84, 0x71, 0x66, 0x49, 0x04, 0x79, 0x59, 0x59, 0x9d, 0xaa, 0x30, 0x0a,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x03, 0x47, 0x00, 0x30, 0x44, 0x02,
	0x20, 0x49, 0x42, 0x30, 0xdc, 0x3d, 0x41, 0x8f, 0x11, 0x62, 0x67, 0x8f, 0xb4, 0xa0, 0x36, 0xda,
	0xf2, 0x2b, 0x82, 0x16, 0xc7, 0x8d, 0x5a, 0xdb, 0xec, 0x2c, 0x83, 0xe0, 0x4b, 0xb1, 0x88, 0x60,
	0xf6, 0x02, 0x20, 0x0d, 0x15, 0xa3, 0xb2, 0x97, 0x73, 0x26, 0xea, 0x4d, 0x79, 0xc5, 0xa7, 0xc3,
	0xa4, 0xdb, 0xff, 0xdd, 0x71, 0x12, 0xff, 0x18, 0x95, 0x77, 0x1a, 0x2d, 0xdd, 0x9a, 0x69, 0xee,
	0xff, 0x97, 0xe6,
};
/* clang-format on */

/* Names -------------------------------------------------------------------------------------- */

static bool is_personal(X509_NAME_ENTRY *e)
{
	int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(e));
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(e);
	int n = ASN1_STRING_length(value);

	return nid == NID_pkcs9_emailAddress || nid == NID_userId ||
	       (n > 0 && memchr(ASN1_STRING_get0_data(value), '@', (size_t)n));
}

/* A copy without the attributes that are about a person: e-mail addresses, under whatever name,
 * and user ids. NULL when there is no memory. */
static X509_NAME *impersonal(const X509_NAME *name)
{
	X509_NAME *copy = X509_NAME_dup(name);

	for (int i = copy ? X509_NAME_entry_count(copy) : 0; i-- > 0;) {
		if (is_personal(X509_NAME_get_entry(copy, i)))
			X509_NAME_ENTRY_free(X509_NAME_delete_entry(copy, i));
	}
	return copy;
}

/* The form of RFC 4514, all of it printable ASCII. Returns its length. */
static uint8_t name_text(const X509_NAME *name, char out[CERT_NAME_MAX + 1])
{
	X509_NAME *shown = impersonal(name);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (shown && bio && X509_NAME_print_ex(bio, shown, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (n < 0 || !text)
		n = 0;
	if (n > CERT_NAME_MAX)
		n = CERT_NAME_MAX;
	if (n > 0)
		memcpy(out, text, (size_t)n);
	out[n] = '\0';
	BIO_free(bio);
	X509_NAME_free(shown);
	return (uint8_t)n;
}

/* What it is for ----------------------------------------------------------------------------- */

/* A name with a NUL in it fits no name that a client asks for. */
static void add_name(struct certificate_read *out, const uint8_t *name, int length)
{
	size_t n = length > 0 ? (size_t)length : 0, room = sizeof(out->names) - out->names_len;

	if (n == 0 || memchr(name, 0, n))
		return;
	if (n > UINT8_MAX || n + 1 > room) {
		out->names_cut = true;
		return;
	}
	out->names[out->names_len] = (uint8_t)n;
	memcpy(out->names + out->names_len + 1, name, n);
	out->names_len = (uint16_t)(out->names_len + n + 1);
}

/* The DNS names of subjectAltName. False when it has none. */
static bool alternative_names(const X509 *x, struct certificate_read *out)
{
	int found = 0;
	GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, &found, NULL);
	bool any = false;

	if (!list) {
		out->names_cut = found != -1; /* more than one, or broken */
		return found != -1;
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(list, i);

		if (g->type != GEN_DNS)
			continue;
		any = true;
		add_name(out, ASN1_STRING_get0_data(g->d.dNSName),
			 ASN1_STRING_length(g->d.dNSName));
	}
	GENERAL_NAMES_free(list);
	return any;
}

static void common_names(const X509 *x, struct certificate_read *out)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int i = -1;

	while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(subject, i);
		unsigned char *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(e));

		if (n > 0)
			add_name(out, text, n);
		OPENSSL_free(text);
	}
}

/* The rest ----------------------------------------------------------------------------------- */

static bool seconds_of(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

/* Null when the key is one that cannot be used, or too large to try. */
static enum tri is_self_signed(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int verified;

	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) != 0)
		return TRI_FALSE;
	if (!key || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
		return TRI_NULL;
	verified = X509_verify(x, key);
	return verified < 0 ? TRI_NULL : verified ? TRI_TRUE : TRI_FALSE;
}

static bool read_facts(X509 *x, struct certificate_facts *f)
{
	if (!seconds_of(X509_get0_notBefore(x), &f->not_before) ||
	    !seconds_of(X509_get0_notAfter(x), &f->not_after))
		return false;
	f->subject_len = name_text(X509_get_subject_name(x), f->subject);
	f->issuer_len = name_text(X509_get_issuer_name(x), f->issuer);
	f->self_signed = (uint8_t)is_self_signed(x);
	return true;
}

void certificate_read(const uint8_t *der, size_t n, struct certificate_read *out)
{
	const unsigned char *at = der;
	X509 *x = d2i_X509(NULL, &at, (long)n);
	struct certificate_facts f = { .state = CERTIFICATE_SEEN };

	out->facts.state = CERTIFICATE_UNREADABLE;
	if (x && at == der + n && read_facts(x, &f)) {
		out->facts = f;
		if (!alternative_names(x, out))
			common_names(x, out);
	}
	X509_free(x);
}

void certificate_prepare(void)
{
	struct certificate_read ignored;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	memset(&ignored, 0, sizeof(ignored));
	certificate_read(sample, sizeof(sample), &ignored);
}
