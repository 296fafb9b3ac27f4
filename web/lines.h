/* lines.h - what the session log says and the ledger does not: ciphers by pair, and the networks
 * behind "other" and "<peer>-net".
 *
 * Reads DIR/sessions/ as far as it is there, each line once: lines_update() goes on where the last
 * one ended. Memory is bounded; what falls over is counted. Lines are taken as hostile, and one that
 * is no record is passed over and counted.
 */
#ifndef MAILSEAL_LINES_H
#define MAILSEAL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/peers.h"

struct lines;

struct lines *lines_new(const char *dir);
void lines_free(struct lines *l); /* NULL is allowed */

/* Reads what has come since, at most so many bytes (0: all of it); progress may be NULL. Days whose
 * files are gone are forgotten. True when everything was read. */
typedef void lines_progress_cb(void *ctx, uint64_t done, uint64_t all);
bool lines_update(struct lines *l, uint64_t max_bytes, lines_progress_cb *progress, void *ctx);

/* How far it got: the first day and the last second that are in the sums, as text of a record or
 * empty; lines read, and those that were no record or found no room. */
struct lines_extent {
	char first_day[16];
	int64_t last; /* seconds, UTC; 0: none */
	uint64_t lines, unread_bytes, bad, overflow;
};
void lines_extent(const struct lines *l, struct lines_extent *out);

/* Encrypted sessions of a pair by version and cipher, most first. Either name may be NULL: any. */
struct cipher_use {
	char version[12], cipher[64]; /* the cipher's IANA name, or its number */
	uint64_t sessions;
};
/* At most max; returns how many. */
size_t lines_ciphers(const struct lines *l, enum service service, const char *client,
		     const char *server, struct cipher_use *out, size_t max);

/* Networks (/16, /48) that are in no mta prefix and talk as mail servers, most sessions first. */
struct unknown_host {
	char network[48];               /* as it is stored */
	char party[PARTY_NAME_MAX + 1]; /* "other", "orange-net" */
	char name[64];                 /* a name that clients asked for there (SNI); may be empty */
	char with[PARTY_NAME_MAX + 1]; /* the peer that it talks to most */
	uint64_t as_client, as_server, encrypted, plaintext;
	int64_t last; /* seconds, UTC */
};
size_t lines_unknown(const struct lines *l, struct unknown_host *out, size_t max);

#endif
