/* record.h - the session record as one line of JSON (DESIGN: session record; doc/metrics.md).
 *
 * Written without allocation into a buffer of the caller. Bytes from the wire (SNI, ALPN,
 * names of certificates) are escaped to printable ASCII.
 */
#ifndef MAILSEAL_RECORD_H
#define MAILSEAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/downgrade.h"
#include "reports/peers.h"

#define RECORD_MAX 10240 /* always enough for one line with its LF */

struct record_context {
	const char *sensor;
	const char *interface; /* name, or file name of -r, of which the end is kept; or NULL */
	const struct pair *pair;
	const struct downgrade *downgrade; /* what earlier sessions say; or NULL */
	int64_t counted; /* step in which the session was counted; negative writes null */
	/* Addresses outside mta and access prefixes to /16 and /48. The community ID is null
	 * then: trying all addresses of a /16 would undo it. */
	bool truncate;
};

/* Writes one line with LF and NUL; returns its length without the NUL. s is valid
 * (session_valid). */
size_t record_json(const struct session *s, const struct record_context *c, char out[RECORD_MAX]);

/* "198.51.100.5", "2001:db8::1" (RFC 5952); with truncate "198.51.0.0", "2001:db8:1::". */
void address_text(const uint8_t addr[16], bool truncate, char *out, size_t outlen);

/* "2026-11-22T10:00:00.123456Z"; digits of the second: 0 or 6. */
void time_text(uint64_t ns, unsigned digits, char *out, size_t outlen);
/* The same of a step, "2026-11-22T10:00:00Z"; outside 1970 to 2554 the epoch. */
void step_text(int64_t step, char *out, size_t outlen);

/* A time of a certificate, "2049-12-31T23:59:59Z"; outside the years 0 to 9999 their ends. */
#define MOMENT_MAX 24
void moment_text(int64_t seconds, char out[MOMENT_MAX]);
bool moment_parse(const char *text, int64_t *seconds);

/* "not-observable", "unreadable"; NULL for the states that are null or an object. */
const char *certificate_word(unsigned state);

/* "220 EHLO 250 STARTTLS 220" */
void evidence_text(const struct session *s, char *out, size_t outlen);

/* Community ID 1.0, seed 0, of a TCP connection: "1:" and 28 characters; "" when libcrypto
 * refuses SHA-1. */
#define COMMUNITY_ID_MAX 32
void community_id(const uint8_t a[16], uint16_t a_port, const uint8_t b[16], uint16_t b_port,
		  char out[COMMUNITY_ID_MAX]);

#endif
