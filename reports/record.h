/* record.h - the session record as one line of JSON (DESIGN: session record; doc/metrics.md).
 *
 * Written without allocation into a buffer of the caller. Bytes from the wire (the SNI) are
 * escaped to printable ASCII.
 */
#ifndef MAILSEAL_RECORD_H
#define MAILSEAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/verdict.h"
#include "reports/peers.h"

#define RECORD_MAX 8192 /* always enough for one line with its LF */

struct record_context {
	const char *sensor;
	const char *interface; /* name, or file name of -r; escaped on output */
	const struct pair *pair;
	int64_t counted; /* step in which the session was counted */
	bool fallback;
	bool truncate; /* addresses outside mta and access prefixes to /16 and /48 */
};

/* Writes one line with LF and NUL; returns its length without the NUL. */
size_t record_json(const struct session *s, const struct record_context *c, char out[RECORD_MAX]);

/* "198.51.100.5", "2001:db8::1"; with truncate "198.51.0.0", "2001:db8:1::". */
void address_text(const uint8_t addr[16], bool truncate, char *out, size_t outlen);

/* "2026-11-22T10:00:00.123456Z" (digits 0 or 6); years outside 1..9999 give the epoch. */
void time_text(uint64_t ns, unsigned digits, char *out, size_t outlen);

/* "220 EHLO 250 STARTTLS 220" */
void evidence_text(const struct session *s, char *out, size_t outlen);

/* Community ID 1.0, seed 0, of a TCP connection: "1:" and 28 characters. */
#define COMMUNITY_ID_MAX 32
void community_id(const uint8_t a[16], uint16_t a_port, const uint8_t b[16], uint16_t b_port,
		  char out[COMMUNITY_ID_MAX]);

#endif
