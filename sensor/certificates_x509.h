/* certificates_x509.h - one certificate from its bytes (RFC 5280). Part of certificates.c. */
#ifndef MAILSEAL_CERTIFICATES_X509_H
#define MAILSEAL_CERTIFICATES_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"

#define CERTIFICATE_NAMES_MAX 2048

struct certificate_read {
	struct certificate_facts facts; /* but for name_matches */
	bool names_cut;                 /* there are more names, or nobody can tell which */
	uint16_t names_len;
	/* The DNS names that it is for, each behind its length of one byte: those of
	 * subjectAltName, or without any the common names (RFC 6125, 6.4.4). */
	uint8_t names[CERTIFICATE_NAMES_MAX];
};

/* Makes libcrypto do for the first time what it does in certificate_read(). */
void certificate_prepare(void);

/* Any bytes. What is no certificate, or more than one, is UNREADABLE. *out is zero before. */
void certificate_read(const uint8_t *der, size_t n, struct certificate_read *out);

#endif
