/* line_scan.h - what sums need of one line of the session log, in one pass over its bytes.
 *
 * For logs of gigabytes, where record_read() takes too long. Of a line that record_read() takes this
 * reads the same. It does not judge the values that it passes over, nor whether values go together,
 * so that it takes some lines that record_read() refuses. The line is taken as hostile; texts may
 * hold any bytes: escape before use.
 */
#ifndef MAILSEAL_LINE_SCAN_H
#define MAILSEAL_LINE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/record_read.h"

struct line_facts {
	int64_t start; /* seconds, UTC */
	enum service service;
	enum verdict verdict;
	bool refused;                                      /* in clear, and nothing was accepted */
	bool excepted;                                     /* of the exceptions list */
	unsigned tls_version;                              /* 0: none */
	int32_t tls_cipher;                                /* or TLS_CIPHER_NONE */
	char client[READ_WORD_MAX], server[READ_WORD_MAX]; /* addresses as text */
	char client_peer[READ_WORD_MAX], server_peer[READ_WORD_MAX];
	char sni[READ_TEXT_MAX]; /* empty: none */
};

/* len bytes, with or without the LF. False when it is no record; out then holds nothing of use. */
bool line_scan(const char *line, size_t len, struct line_facts *out);

#endif
