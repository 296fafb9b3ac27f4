/* record_read.h - reads one line of the session log back. The only place that knows jansson.h.
 *
 * The line is taken as hostile: it is bounded, every key must be there once, no other may be, and
 * every value must be one that record_json() writes. Keys that older versions did not write may be
 * missing. What comes out may still hold any bytes in
 * its texts: escape before use.
 */
#ifndef MAILSEAL_RECORD_READ_H
#define MAILSEAL_RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/record.h"

#define READ_TEXT_MAX (4 * SNI_MAX + 8) /* room for any text of a record, NULs as \\x00 */
#define READ_WORD_MAX 64
#define READ_NAME_MAX (4 * CERT_NAME_MAX + 8)

/* A record as it was written: addresses may be truncated, so they stay text. */
struct record {
	/* Without addresses, interface, and what is bytes from the wire, which is text below; start_ns
	 * and end_ns are set. */
	struct session s;
	double duration; /* seconds */
	bool fallback;
	bool excepted; /* of the exceptions list */
	struct downgrade downgrade;
	int64_t counted; /* step, seconds UTC; -1: none */
	char sensor[READ_TEXT_MAX];
	char interface[READ_TEXT_MAX]; /* empty: not known */
	char client[READ_WORD_MAX], server[READ_WORD_MAX];
	char client_peer[READ_WORD_MAX], server_peer[READ_WORD_MAX];
	char sni[READ_TEXT_MAX];         /* empty: none */
	char cipher_name[READ_WORD_MAX]; /* empty: not known */
	char alpn[READ_NAME_MAX];        /* empty: none */
	char subject[READ_NAME_MAX];     /* of the certificate, when it was seen */
	char issuer[READ_NAME_MAX];
	char community_id[READ_WORD_MAX]; /* empty: the addresses are truncated */
};

/* len bytes, with or without the LF. False with a sentence in err that names the key. */
bool record_read(const char *line, size_t len, struct record *out, char *err, size_t errlen);

#endif
