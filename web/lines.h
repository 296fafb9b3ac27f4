/* lines.h - what the session log says and the ledger does not: ciphers by pair, and the networks
 * behind "other" and "<peer>-net".
 *
 * Reads DIR/sessions/YYYY-MM-DD.jsonl as far as it is there, the newest day first, each line once: a
 * call of lines_update() goes on where the last one ended. A line without its end waits for it. The
 * sums are kept by day: those of a file that is gone are dropped, and a file that shrank or was
 * replaced is read anew. Only plain files are read.
 *
 * Lines are hostile: one that is no record is passed over and counted. Memory is bounded: a day has
 * room for so many keys, and what falls over is counted; all days together have room for so many,
 * and then the oldest day is forgotten.
 */
#ifndef MAILSEAL_LINES_H
#define MAILSEAL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/peers.h"

struct lines;

/* How much is kept. */
struct lines_room {
	uint32_t ciphers, networks; /* keys of a day */
	uint32_t keys;              /* of all days together, at least those of one */
};

/* Reads nothing yet; dir is copied. room NULL: about 250 MB at most. Aborts when there is no memory,
 * or no random key for the tables: so before the process is confined. */
struct lines *lines_new(const char *dir, const struct lines_room *room);
void lines_free(struct lines *l); /* NULL is allowed */

/* Reads what has come since, at most about so many bytes (0: all of it); progress may be NULL. True
 * when everything was read. */
typedef void lines_progress_cb(void *ctx, uint64_t done, uint64_t all);
bool lines_update(struct lines *l, uint64_t max_bytes, lines_progress_cb *progress, void *ctx);

/* In all that follows, l may be NULL: nothing has been read. */

/* What the sums are made of. */
struct lines_extent {
	char first_day[12];    /* "2026-11-20", the oldest day that is in them; may be empty */
	int64_t last;          /* begin of the latest session, seconds, UTC; 0: none */
	uint64_t lines;        /* read, of which */
	uint64_t bad;          /* were no record, */
	uint64_t overflow;     /* and found no room in one of the sums */
	uint64_t unread_bytes; /* as far as is known */
	unsigned unreadable;   /* days: no plain file, or it cannot be read */
	unsigned forgotten;    /* days for which there was no room */
	bool complete;         /* the last update read everything */
};
void lines_extent(const struct lines *l, struct lines_extent *out);

/* Encrypted sessions of a pair by version and cipher, most first. Either name may be NULL: any. */
struct cipher_use {
	char version[12]; /* "TLSv1.3"; empty: it was not seen */
	char cipher[64];  /* its IANA name, or its number "0x1234"; empty: it was not seen */
	uint64_t sessions;
};
/* At most max; returns how many. *sessions: all of them, also beyond max. */
size_t lines_ciphers(const struct lines *l, enum service service, const char *client,
		     const char *server, struct cipher_use *out, size_t max, uint64_t *sessions);

/* Networks that talk as mail servers and are in no mta prefix: those with the most sessions that
 * were encrypted or carried mail in clear first. Networks are /16 and /48; an address is whole when it
 * lies in an access prefix of its operator. */
struct unknown_host {
	char network[48];               /* "192.0.0.0/16", "2001:db8:1::/48"; or an address */
	char party[PARTY_NAME_MAX + 1]; /* "other", "orange-net" */
	char name[64]; /* that a client asked for there last (SNI): any bytes, or empty */
	char with[PARTY_NAME_MAX + 1]; /* the party that it talks to most */
	uint64_t as_client, as_server; /* sessions */
	uint64_t encrypted, plaintext; /* of both; without those in which nothing was accepted */
	int64_t last;                  /* begin of the last one, seconds, UTC */
};
/* At most max; returns how many. *all: how many there are. */
size_t lines_unknown(const struct lines *l, struct unknown_host *out, size_t max, size_t *all);

#endif
